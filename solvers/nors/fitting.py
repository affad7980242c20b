"""Ridge regression of an ensemble on its features, one block of paths after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of
from sciml.errors import DataError, FileError
from sciml.labels import Drawn
from sciml.sampling import sample_parameters
from sciml.solvers.nors.model import FeatureModel, picard_weights, window_steps, windows
from sciml.solvers.nors.numerics import numerics_for
from sciml.solvers.nors.operator import MIB, Operator, path_bytes
from sciml.solvers.nors.polynomials import Polynomial, from_arrays, known_problem, terms_of, to_arrays
from sciml.solvers.nors.recorded import increments_of, observed_rows, start_of, states_of
from sciml.solvers.nors.ridge import Moments, norms, solved
from sciml.solvers.nors.setting import Increments, Setting

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.nors.channels import Channels
    from sciml.solvers.nors.options import FeatureMethod

__all__ = ["Piece", "RidgeEngine", "RidgeState", "TrainingPaths", "fitted"]


@dataclass(frozen=True)
class Piece:
    """Some paths in one window.

    Attributes:
        setting: The problem on their grid.
        first: Number of the stored time that the window begins with.
        start: Their states there, ``(batch, n, *spectrum)``.
        increments: Of each noise in the window, ``(intervals, batch, *spectrum)``.
        truth: Their states at the steps of the trees after the first, ``(steps, batch, n, *spectrum)``.
    """

    setting: Setting
    first: int
    start: Tensor
    increments: Increments
    truth: Tensor

    def features(self) -> Tensor:
        """Return all features of the paths, ``(steps + 1, feature, batch, n, *spectrum)``."""
        return self.setting.features(*self.setting.window(self.start, self.increments, self.first))


class TrainingPaths:
    """The paths of an ensemble, in blocks of bounded size, cut into windows that begin at their true states.

    Args:
        operator: What they are to be mapped by.
        data: The ensemble.

    Raises:
        DataError: Windows need states that are not stored.
    """

    def __init__(self, operator: Operator, data: Ensemble) -> None:
        self.operator, self.data = operator, data
        first = operator.setting(Drawn((0,), sample_parameters(operator.problem.family, (0,), operator.run.seed)))
        self.window = window_steps(operator.method.window, first)
        self.rows = sorted(observed_rows(operator.problem))
        if not self.rows:
            msg = "none of the evolving fields is stored in the data."
            raise DataError("D251", msg, fix="declare the equation of a stored field")
        if self.window is not None and len(self.rows) < len(operator.problem.form.state):
            hidden = [str(z) for i, z in enumerate(operator.problem.form.state) if i not in self.rows]
            msg = f"windows begin at true states, and {', '.join(hidden)} is not stored in the data."
            raise DataError("D251", msg, fix="leave out window=, or LinearMFV(weights='picard', window=...)")
        self.size = max(1, operator.method.chunk * MIB // path_bytes(first))

    @property
    def blocks(self) -> list[range]:
        """Places of the samples that are taken together."""
        count = len(self.data)
        return [range(a, min(a + self.size, count)) for a in range(0, count, self.size)]

    def pieces(self, places: Sequence[int]) -> Iterator[Piece]:
        """Yield the windows of some samples."""
        ds = self.data.ds.isel(sample=slice(places[0], places[-1] + 1)).load()
        numbers = [int(k) for k in ds["sample"].values]
        family = self.operator.problem.family
        setting = self.operator.setting(Drawn(numbers, sample_parameters(family, numbers, self.operator.run.seed, ds)))
        truth, increments = states_of(setting, ds), increments_of(setting, ds)
        every = setting.numerics.every
        for first, part in windows(increments, self.window):
            count = len(next(iter(part.values())))
            start = start_of(setting, ds) if first == 0 else truth[first]
            yield Piece(setting, first, start, part, truth[first + every : first + count + 1 : every])


@dataclass(frozen=True)
class RidgeState:
    """Where the fit stands: blocks taken, and the sums over them."""

    done: int
    moments: Moments


class RidgeEngine:
    """One step is one block of paths; the weights follow from the sums.

    Args:
        method: Its options.
        problem: What is solved.
        grid: Where the answer is stored.
        run: Seed, device, precision.
        data: The ensemble.
        known: The unknown terms of the problem, as they were found.
    """

    def __init__(
        self,
        method: FeatureMethod,
        problem: Problem,
        grid: Grid,
        run: Run,
        data: Ensemble,
        known: Mapping[str, Polynomial],
    ) -> None:
        self.method, self.numerics, self.known = method, numerics_for(method, data), known
        self.terms = terms_of(problem.unknown_terms, known)
        self.problem = known_problem(problem, known)
        self.model: FeatureModel | None = None
        self.operator = Operator(method, self.problem, grid, run, self.numerics, self._predict)
        # Training has the grid of the data, the answer its own.
        trained = Operator(method, self.problem, data.grid, run, self.numerics, self._predict)
        self.paths = TrainingPaths(trained, data)

    def _predict(self, setting: Setting, start: Tensor, increments: Increments) -> Tensor:
        assert self.model is not None  # predictions are made of a fitted model
        return self.model.predict(setting, start, increments, window_steps(self.method.window, setting))

    @property
    def total(self) -> int:
        """Number of blocks."""
        return len(self.paths.blocks)

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        return self.operator.device

    @property
    def threads(self) -> int | None:
        """CPU threads that suit the size of the problem."""
        return self.operator.threads

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be fitted, and at which cost."""
        blocks = self.paths.blocks
        return [
            *(("learned", str(term)) for term in self.terms.values()),
            *self.operator.describe(),
            ("fit", f"ridge, one weight for each feature; {len(blocks)} blocks of up to {len(blocks[0])} paths"),
        ]

    def start(self) -> RidgeState:
        """Return the sums over no path."""
        return RidgeState(0, Moments.nothing(len(self.operator.problem.form.state), self.operator.count))

    def step(self, state: RidgeState) -> RidgeState:
        """Add a block of paths."""
        moments = state.moments
        with torch.no_grad():
            for piece in self.paths.pieces(self.paths.blocks[state.done]):
                moments = self._added(moments, piece)
        return RidgeState(state.done + 1, moments)

    def _added(self, moments: Moments, piece: Piece) -> Moments:
        setting = piece.setting
        features = piece.features()[1:]
        prior = self._prior(setting).to(features.device, setting.modes.dtype)
        shape = (1, len(prior), 1, prior.shape[1], *([1] * setting.modes.dim))
        rest = piece.truth - (features * prior.reshape(shape)).sum(1)
        multiplicity = setting.modes.multiplicity
        return moments.added(features, rest, norms(piece.truth, multiplicity), multiplicity, self.paths.rows)

    def _prior(self, setting: Setting) -> Tensor:
        weights = picard_weights(setting)
        return torch.zeros_like(weights) if self.method.features == "published" else weights

    def finished(self, state: RidgeState) -> bool:
        """Tell whether all blocks are taken."""
        return state.done >= self.total

    def metrics(self, state: RidgeState) -> Mapping[str, float]:
        """Return how many paths and windows were taken."""
        return {"paths": float(state.moments.paths)}

    def pack(self, state: RidgeState) -> dict[str, Any]:
        """Return the sums."""
        return {"done": state.done, "products": state.moments.products, "paths": state.moments.paths}

    def unpack(self, packed: dict[str, Any]) -> RidgeState:
        """Return the state that was packed.

        Raises:
            LookupError, TypeError, ValueError: It is not one of this fit.
        """
        done, products, paths = packed["done"], packed["products"], packed["paths"]
        wanted = self.start().moments.products
        if not 0 <= done <= self.total or products.shape != wanted.shape or products.dtype != wanted.dtype:
            msg = "the sums are not those of these features"
            raise ValueError(msg)
        return RidgeState(int(done), Moments(products, int(paths)))

    def fit(self, state: RidgeState) -> tuple[Tensor, dict[str, Any]]:
        """Return the weights ``(feature, n)``, and what the fit says."""
        setting, rows = self.operator.first, self.paths.rows
        weights, before, after = solved(state.moments, self._prior(setting), self.method.penalty)
        return weights, {
            "features": setting.forest.names,
            "picard_weights": [f.weight for f in setting.forest.features],
            "weights": [weights[:, i].tolist() for i in rows],
            "error_with_prior": [float(before[i]) for i in rows],
            "training_error": [float(after[i]) for i in rows],
            "paths": state.moments.paths,
        }

    def finish(self, state: RidgeState) -> xr.Dataset:
        """Return the solution for the seed of the run, with the model and what the fit says."""
        weights, told = self.fit(state)
        return self.result(FeatureModel(weights, self.numerics), told)

    def result(self, model: FeatureModel, told: dict[str, Any]) -> xr.Dataset:
        """Return the solution of a model for the seed of the run."""
        self.model = model
        dataset = self.operator.solution()
        dataset.attrs["model"] = model.arrays() | to_arrays(self.known)
        dataset.attrs["diagnostics"] = told
        dataset.attrs["intervals"] = self.operator.storage.intervals  # more than are stored, where trees are coarse
        return dataset


def fitted(
    method: FeatureMethod,
    problem: Problem,
    grid: Grid,
    run: Run,
    recorded: xr.Dataset | None,
    arrays: Mapping[str, np.ndarray[Any, Any]],
    channels: Callable[[Problem, Sequence[int]], Channels] | None = None,
) -> Operator:
    """Return the solution map of a fitted model; ``channels`` makes those of a network."""
    problem = known_problem(problem, from_arrays(arrays, problem.unknown_terms))
    made = None if channels is None else partial(channels, problem)
    model = FeatureModel.of(arrays, made, terminal=method.terminal, device=device_of(run))
    if model.numerics.every != method.every:
        msg = f"the stored model takes every={model.numerics.every}, and its method every={method.every}."
        raise FileError("F412", msg, fix="the file was changed after it was written; fit it again")

    def predict(setting: Setting, start: Tensor, increments: Increments) -> Tensor:
        return model.predict(setting, start, increments, window_steps(method.window, setting))

    return Operator(method, problem, grid, run, model.numerics, predict, recorded)
