"""Predictions for drawn or recorded noise, labelled as samples or as one solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciml.brownian import Brownian
from sciml.fourier.observables import Observables
from sciml.labels import Drawn, Labels
from sciml.sampling import sample_parameters
from sciml.solvers.nors.model import window_steps
from sciml.solvers.nors.recorded import increments_of, start_of
from sciml.solvers.nors.setting import Increments, Numerics, Setting

if TYPE_CHECKING:
    from sciml.grid import Grid, Storage
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.nors.options import FeatureMethod

__all__ = ["Operator", "path_bytes"]

Array = np.ndarray[Any, Any]
Predict = Callable[[Setting, Tensor, Increments], Tensor]
ONE_THREAD_POINTS = 2**16
MIB = 2**20
SHOWN = 6  # features in a description
WORKING = 4  # fields on the grid that stand beside the features


class Operator:
    """A solution map: from initial data, noise and parameters to the solution.

    Args:
        method: Its options.
        problem: What is solved.
        grid: Where it is evaluated and stored.
        run: Seed, device, precision.
        numerics: How the mild equation is discretised.
        predict: From a setting, initial states and increments to the states at the steps of the trees.
        recorded: Samples whose initial data, noise and parameters are used.
    """

    def __init__(
        self,
        method: FeatureMethod,
        problem: Problem,
        grid: Grid,
        run: Run,
        numerics: Numerics,
        predict: Predict,
        recorded: xr.Dataset | None = None,
    ) -> None:
        self.method, self.problem, self.grid, self.run = method, problem, grid, run
        self.numerics, self.predict, self.recorded = numerics, predict, recorded
        # The members of a family are those of the solution; samples have values of their own.
        self.storage = replace(grid.resolve(problem.frame.time, problem.domain, problem.family), values={})
        self._held: tuple[int, Setting] | None = None
        self.first = self.setting(Drawn((0,), sample_parameters(problem.family, (0,), run.seed)))
        # Stored intervals between two predictions.
        whole = window_steps(method.window, self.first) or self.storage.intervals
        self.stride = whole if method.terminal else numerics.every

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        modes = self.first.modes
        return f"{modes.device}, {str(modes.dtype).removeprefix('torch.')}"

    @property
    def threads(self) -> int | None:
        """One thread for small grids."""
        return 1 if int(np.prod(self.first.modes.points)) <= ONE_THREAD_POINTS else None

    @property
    def count(self) -> int:
        """Number of features."""
        return len(self.first.forest)

    def describe(self) -> list[tuple[str, str]]:
        """Say which features there are, in which discrete time, and what a path costs."""
        setting, n = self.first, self.numerics
        steps = setting.storage.intervals // n.every
        hidden = " (noise hidden: the mean over it is learned)" if setting.hidden else ""
        coarse = f", trees in {steps} coarse ones" if n.every > 1 else ""
        listed = ", ".join(setting.forest.names[:SHOWN]) + (", ..." if self.count > SHOWN else "")
        transforms = sum(setting.forest.transforms(i) for i in range(self.count))
        return [
            ("features", f"{self.count} ({setting.forest.rule}): {listed}{hidden}"),
            ("time", f"{n.scheme}, sources {n.quadrature}; {setting.storage.intervals} steps of v{coarse}"),
            ("window", "the whole time" if self.method.window is None else f"{self.method.window:g}, restarted"),
            (
                "cost",
                f"{self.count} marches, {transforms} transforms a step; {path_bytes(setting) / MIB:.3g} MiB a path",
            ),
            ("device", self.device),
        ]

    def setting(self, drawn: Drawn) -> Setting:
        """Return the problem on the grid for some samples; without parameters of their own they share it."""
        count = len(drawn.samples)
        if self._held is None or self._held[0] != count or drawn.parameters:
            made = Setting(self.problem, self.storage, self.run, self.method, self.numerics, drawn)
            self._held = count, made
        self._held[1].made.sources.samples = drawn.samples
        return self._held[1]

    def draw(self, samples: Sequence[int]) -> xr.Dataset:
        """Predict for samples, dims ``(sample, time, z, y, x)``."""
        size = max(1, self.method.chunk * MIB // path_bytes(self.first))
        chosen = [list(samples[a : a + size]) for a in range(0, len(samples), size)]
        arrays = [self._sampled(part) for part in chosen]
        joined = {n: np.concatenate([a[n] for a in arrays]) for n in arrays[0]}
        drawn = Drawn(samples, sample_parameters(self.problem.family, samples, self.run.seed, self.recorded))
        return self._labels(drawn, self.storage).dataset(joined)

    def solution(self) -> xr.Dataset:
        """Return the solution for the noise of the run's seed; the members of a family share noise and initial data."""
        family = self.grid.resolve(self.problem.frame.time, self.problem.domain, self.problem.family)
        values = family.members()
        drawn = Drawn((0,) * family.batch, values)
        setting = self.setting(drawn)
        with torch.no_grad():
            arrays = self._arrays(setting, self._drawn_start(setting), self._drawn_increments(setting, drawn))
        return self._labels(None, family).dataset(arrays)

    def _sampled(self, samples: list[int]) -> dict[str, Array]:
        parameters = sample_parameters(self.problem.family, samples, self.run.seed, self.recorded)
        drawn = Drawn(samples, parameters)
        setting = self.setting(drawn)
        with torch.no_grad():
            if self.recorded is None:
                return self._arrays(setting, self._drawn_start(setting), self._drawn_increments(setting, drawn))
            block = self.recorded.sel(sample=samples).load()
            return self._arrays(setting, start_of(setting, block), increments_of(setting, block))

    def _drawn_start(self, setting: Setting) -> Tensor:
        return setting.made.initial_state(float(setting.times[0]))

    def _drawn_increments(self, setting: Setting, drawn: Drawn) -> Increments:
        """Draw the increments of each stored interval; they are those of the reference at the same seed."""
        out, count = {}, setting.storage.intervals
        for name, noise in setting.noises.items():
            path = Brownian(self.run.seed, name, drawn.samples, noise.count, intervals=count, interval=setting.h)
            out[name] = torch.cat([noise.coefficients(path.increments(i)) for i in range(count)])
        return out

    def _arrays(self, setting: Setting, start: Tensor, increments: Increments) -> dict[str, Array]:
        states = self.predict(setting, start, increments)
        times = setting.times[:: self.stride]
        labels = self._labels(setting.drawn, self.storage)
        found = Observables(self.problem, setting.made, labels).along(states, times)
        return found | self._noise(setting, increments)

    def _noise(self, setting: Setting, increments: Increments) -> dict[str, Array]:
        """Return the increments between the steps that are stored, 0 at the first, ``(sample, time, *grid)``."""
        out = {}
        for name, noise in setting.noises.items():
            coarse = increments[name].unflatten(0, (-1, self.stride)).sum(1)
            fields = setting.modes.backward(coarse).transpose(0, 1)
            if not noise.in_space:
                for n in setting.modes.grid:  # a sine series is 0 at the ends
                    fields = fields.select(2, n // 2)
            values = fields.cpu().numpy()
            out[name] = np.concatenate([np.zeros_like(values[:, :1]), values], axis=1)
        return out

    def _labels(self, drawn: Drawn | None, storage: Storage) -> Labels:
        times = self.first.times[:: self.stride]
        return Labels(self.problem, replace(storage, intervals=len(times) - 1), times, drawn)


def path_bytes(setting: Setting) -> int:
    """Return the memory that all features of one path take, with what stands beside them."""
    n, spectrum = len(setting.problem.form.state), int(np.prod(setting.modes.spectrum))
    steps = setting.storage.intervals + 1
    return steps * n * spectrum * (len(setting.forest) + WORKING) * 2 * setting.modes.dtype.itemsize
