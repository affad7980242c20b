"""What is asked for when an ensemble is drawn; everything that can be refused is refused here, before torch."""

from __future__ import annotations

import hashlib
import json
import operator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.dsl.noise import Noise
from sciml.dsl.random_fields import RandomField
from sciml.errors import DataError, DeclarationError, OptionError
from sciml.grid import Grid
from sciml.labels import noises
from sciml.method import Method, check_match, check_samples, find_method, method_from
from sciml.options import checked
from sciml.run import Run

if TYPE_CHECKING:
    import xarray as xr

    from sciml.ensembles.ensemble import Ensemble
    from sciml.problem import Problem

__all__ = ["Request", "identity"]

BLOCK = 64  # samples: few enough for fields in the plane to stay in the cache, enough to share what a step costs
UNUSED = {  # options of a run that mean nothing here, with what to do instead
    "budget": "stop it with Ctrl-C; with to=PATH it can be gone on with",
    "out": "problem.sample(..., to=PATH)",
    "checkpoint": "problem.sample(..., to=PATH)  keeps every block as it is drawn",
    "throw": "catch sm.Diverged: error.solution holds the complete blocks",
}


@dataclass(frozen=True)
class Request:
    """An ensemble that is to be drawn.

    Attributes:
        problem: What it is drawn from.
        method: What draws it.
        grid: Where samples are stored.
        run: Seed, device, precision, threads.
        count: Number of samples.
        block: Samples that are computed together. Block j holds the samples from ``j*block`` on, however
            many are asked for and however they are shared out, so that a sample has always the same bits.
        workers: Processes that compute blocks.
        target: File to write; None keeps the samples in memory.
        recorded: Samples whose initial data and noise are used instead of drawn ones.
        source: What tells the ensemble of ``recorded`` from others.
    """

    problem: Problem
    method: Method
    grid: Grid
    run: Run
    count: int
    block: int
    workers: int
    target: Path | None
    recorded: xr.Dataset | None = None
    source: str = ""

    @classmethod
    def draw(
        cls,
        problem: Problem,
        n: int,
        method: Method | str | None,
        *,
        grid: Grid | None,
        seed: int | None,
        to: str | Path | None,
        block: int | None,
        workers: int,
        run: Run | None,
    ) -> Request:
        """Return the request of ``problem.sample``.

        Raises:
            OptionError, UnknownMethod, MethodMismatch, DeclarationError: It is refused.
        """
        found = find_method(method)
        points = checked("grid", Grid() if grid is None else grid, Grid)
        given = _seeded(checked("run", Run() if run is None else run, Run), seed)
        n = _whole("n", n)
        _check_random(problem, n)
        size = min(n, BLOCK) if block is None else block
        return cls(problem, found, points, given, n, size, workers, _path(to))._checked()

    @classmethod
    def repeat(
        cls,
        problem: Problem,
        ensemble: Ensemble,
        method: Method | str | None,
        *,
        grid: Grid | None,
        to: str | Path | None,
        block: int | None,
        workers: int,
        run: Run | None,
    ) -> Request:
        """Return the request of ``problem.replay``.

        Raises:
            OptionError, UnknownMethod, MethodMismatch, DeclarationError: It is refused.
            DataError: The ensemble does not hold samples from the number 0 on.
        """
        found = method_from(ensemble.method) if method is None else find_method(method)
        points = checked("grid", Grid(**ensemble.record["grid"]) if grid is None else grid, Grid)
        given = _seeded(checked("run", Run() if run is None else run, Run), ensemble.record["seed"])
        count = len(ensemble)
        if not count or not np.array_equal(ensemble.ds["sample"], np.arange(count)):
            msg = f"replay needs the samples 0, 1, 2, ... of an ensemble; it was given {ensemble}."
            raise DataError("D240", msg, fix="replay the whole ensemble, or its first samples: ensemble[:100]")
        theirs, mine = ({n.name: n for n in noises(p)} for p in (ensemble.problem, problem))
        if odd := [n for n in mine if theirs.get(n) != mine[n]]:
            msg = (
                f"the noise {odd[0]} of {problem.name!r} is not that of the ensemble: its increments have another law."
            )
            raise DataError("D223", msg, fix="declare the same noise: the same name, coordinates, modes and spectrum")
        size = ensemble.record["block"] if block is None else block
        source = hashlib.sha256(json.dumps(ensemble.identity, sort_keys=True).encode()).hexdigest()
        made = cls(problem, found, points, given, count, size, workers, _path(to), ensemble.ds, source)
        return made._checked()

    def _checked(self) -> Request:
        _whole("block", self.block)
        _whole("workers", self.workers)
        for field in fields(Run):
            if field.name in UNUSED and getattr(self.run, field.name) != field.default:
                msg = f"Run({field.name}=...) means nothing where an ensemble is drawn."
                raise OptionError("O328", msg, fix=UNUSED[field.name])
        if self.problem.unknowns:
            names = ", ".join(str(s) for s in self.problem.unknowns)
            msg = f"{self.problem.name!r} cannot be sampled: {names} is to be inferred, so it has no law."
            fix = f"problem.with_(parameters={{{next(iter(self.problem.unknowns))}: 0.1}}), a number or a law"
            raise DeclarationError("S216", msg, fix=fix)
        self.grid.resolve(self.problem.time[0], self.problem.domain, {})
        check_match(self.method, self.problem)
        check_samples(self.method)
        return self

    @property
    def record(self) -> dict[str, Any]:
        """What shapes the samples besides problem and method, JSON-ready."""
        axes = {n: list(v) if isinstance(v, tuple) else v for n, v in self.grid.axes.items()}
        shape = {"seed": self.run.seed, "block": self.block, "grid": axes, "dtype": self.run.dtype}
        return {**shape, "recorded": self.source} if self.source else shape

    def blocks(self, done: int) -> list[range]:
        """Return the blocks that are left after ``done`` samples.

        The last one is whole, so that its samples are the same in a larger ensemble; of recorded samples
        there are no more than were asked for.
        """
        first, last = done // self.block, -(-self.count // self.block)
        end = self.count if self.recorded is not None else last * self.block
        return [range(j * self.block, min((j + 1) * self.block, end)) for j in range(first, last)]


def identity(problem: Problem, method: dict[str, Any], record: dict[str, Any]) -> dict[str, str]:
    """Return what tells an ensemble from others, as a few lines of text by name."""
    named = {"problem": f"{problem.name!r} ({problem.digest[:16]})", "method": json.dumps(method, sort_keys=True)}
    return {**named, **{str(n): json.dumps(v, sort_keys=True) for n, v in record.items()}}


def _path(to: str | Path | None) -> Path | None:
    return None if to is None else Path(to)


def _whole(name: str, value: Any) -> int:
    number = operator.index(value) if hasattr(value, "__index__") and not isinstance(value, bool) else 0
    if number < 1:
        msg = f"{name}= is a whole number of at least 1; got {value!r}."
        raise OptionError("O323", msg, fix="problem.sample(1000, block=64, workers=2)")
    return number


def _seeded(run: Run, seed: int | None) -> Run:
    if seed is None:
        return run
    if run.seed not in (Run().seed, seed):
        msg = f"the seed is given twice: seed={seed} and Run(seed={run.seed})."
        raise OptionError("O327", msg, fix=f"problem.sample(..., seed={seed}), and no seed in Run")
    return replace(run, seed=seed)


def _check_random(problem: Problem, count: int) -> None:
    expressions = [*problem.equations.values(), *(c.value for c in problem.initial_conditions)]
    random = problem.family or any(e.atoms(Noise, RandomField) for e in expressions)
    if count > 1 and not random:
        msg = f"nothing is random in {problem.name!r}: all {count} samples would be the same."
        fix = (
            'random initial data: sm.IC(u, sm.RandomField.fourier("a", x, modes=8))',
            "a random parameter: parameters={nu: scipy.stats.uniform(0.01, 0.09)}",
            'driving noise: + sigma*sm.WhiteNoise("xi", t, x);  or  problem.solve()',
        )
        raise DeclarationError("S217", msg, fix=fix)
