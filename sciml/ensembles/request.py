"""What is asked for when an ensemble is drawn; everything that can be refused is refused here, before torch."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.dsl.noise import Noise
from sciml.dsl.random_fields import RandomField
from sciml.ensembles.setting import check_noise, check_setting
from sciml.errors import DataError, DeclarationError, OptionError
from sciml.grid import Grid
from sciml.method import Method, check_match, check_samples, find_method, method_from
from sciml.options import checked
from sciml.run import Run

if TYPE_CHECKING:
    import xarray as xr

    from sciml.ensembles.ensemble import Ensemble
    from sciml.problem import Problem

__all__ = ["BLOCK", "Request", "identity"]

Array = np.ndarray[Any, Any]
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
        numbers: Those of the samples.
        block: Samples that are computed together. Block j holds those from place ``j*block`` on, however
            many are asked for and however they are shared out, so that a sample has always the same bits.
        workers: Processes that compute blocks.
        target: File to write; None keeps the samples in memory.
        recorded: Samples whose initial data and noise are used instead of drawn ones.
        source: What tells the ensemble of ``recorded`` from others.
        model: What the method learned, where it predicts.
        fit: What tells ``model`` from others.
    """

    problem: Problem
    method: Method
    grid: Grid
    run: Run
    numbers: Sequence[int]
    block: int
    workers: int
    target: Path | None
    recorded: xr.Dataset | None = None
    source: str = ""
    model: Mapping[str, Array] | None = None
    fit: str = ""

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
        model: Mapping[str, Array] | None = None,
    ) -> Request:
        """Return the request of ``problem.sample``; of ``solution.sample``, where there is a model.

        Raises:
            OptionError, UnknownMethod, MethodMismatch, DeclarationError: It is refused.
        """
        found = find_method(method)
        points = checked("grid", Grid() if grid is None else grid, Grid)
        given = _seeded(checked("run", Run() if run is None else run, Run), seed)
        n = _whole("n", n)
        _check_random(problem, n)
        size = min(n, BLOCK) if block is None else block
        made = cls(problem, found, points, given, range(n), size, workers, _path(to), model=model, fit=_digest(model))
        return made._checked()

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
        model: Mapping[str, Array] | None = None,
    ) -> Request:
        """Return the request of ``problem.replay``; of ``solution.replay``, where there is a model.

        A model takes all that is random from the recorded samples. Methods without one draw again what was
        not recorded, by seed and number, and their blocks begin at the number 0.

        Raises:
            OptionError, UnknownMethod, MethodMismatch, DeclarationError: It is refused.
            DataError: The ensemble does not fit, or a method without a model is given others than the first samples.
        """
        found = method_from(ensemble.method) if method is None else find_method(method)
        points = checked("grid", ensemble.grid if grid is None else grid, Grid)
        given = _seeded(checked("run", Run() if run is None else run, Run), ensemble.record.get("seed"))
        numbers = ensemble.numbers
        if not numbers or (model is None and numbers != range(len(numbers))):
            msg = f"replay needs the samples 0, 1, 2, ... of an ensemble; it was given {ensemble}."
            raise DataError("D240", msg, fix="replay the whole ensemble, or its first samples: ensemble[:100]")
        (check_noise if model is None else check_setting)(problem, ensemble)
        size = ensemble.record.get("block", BLOCK) if block is None else block
        source = hashlib.sha256(json.dumps(ensemble.identity, sort_keys=True).encode()).hexdigest()
        recorded, fit = ensemble.ds, _digest(model)
        made = cls(problem, found, points, given, numbers, size, workers, _path(to), recorded, source, model, fit)
        return made._checked()

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.numbers)

    def _checked(self) -> Request:
        _whole("block", self.block)
        _whole("workers", self.workers)
        for field in fields(Run):
            if field.name in UNUSED and getattr(self.run, field.name) != field.default:
                msg = f"Run({field.name}=...) means nothing where an ensemble is drawn."
                raise OptionError("O328", msg, fix=UNUSED[field.name])
        if self.problem.unknowns and self.model is None:
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
        return shape | {n: v for n, v in (("recorded", self.source), ("model", self.fit)) if v}

    def blocks(self, done: int) -> list[Sequence[int]]:
        """Return the blocks that are left after ``done`` samples.

        The last one is whole, so that its samples are the same in a larger ensemble; of recorded samples
        there are no more than were asked for.
        """
        first, last = done // self.block, -(-self.count // self.block)
        numbers = range(last * self.block) if self.recorded is None else self.numbers
        return [numbers[j * self.block : (j + 1) * self.block] for j in range(first, last)]


def identity(problem: Problem, method: dict[str, Any], record: dict[str, Any]) -> dict[str, str]:
    """Return what tells an ensemble from others, as a few lines of text by name."""
    named = {"problem": f"{problem.name!r} ({problem.digest[:16]})", "method": json.dumps(method, sort_keys=True)}
    return {**named, **{str(n): json.dumps(v, sort_keys=True) for n, v in record.items()}}


def _digest(model: Mapping[str, Array] | None) -> str:
    """Return what tells one fit from others: the SHA-256 of its arrays with their names, dtypes and shapes."""
    if model is None:
        return ""
    found = hashlib.sha256()
    for name, array in sorted(model.items()):
        found.update(f"{name} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return found.hexdigest()


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
