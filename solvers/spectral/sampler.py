"""Samples of a problem: blocks of paths with their own noise, random initial data and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from sciml.labels import Drawn
from sciml.sampling import sample_parameters
from sciml.solvers.spectral.engine import SpectralEngine

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.spectral import Spectral

__all__ = ["SpectralSampler"]


class SpectralSampler:
    """Draws blocks of samples.

    Args:
        method: Its options.
        problem: What is sampled.
        grid: Where samples are stored.
        run: Seed, device and precision.
        recorded: Earlier samples whose noise and parameters are used again.
    """

    def __init__(
        self, method: Spectral, problem: Problem, grid: Grid, run: Run, recorded: xr.Dataset | None = None
    ) -> None:
        self.method, self.problem, self.grid, self.run, self.recorded = method, problem, grid, run, recorded
        self._engine = self._prepared(self._drawn(range(1)))

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        return self._engine.device

    @property
    def threads(self) -> int | None:
        """CPU threads that suit the size of the problem."""
        return self._engine.threads

    def draw(self, samples: range) -> xr.Dataset:
        """Compute samples, dims ``(sample, time, z, y, x)``; a path that blows up is not finite from there on."""
        drawn = self._drawn(samples)
        if drawn.parameters or self._engine.members != len(samples):
            self._engine = self._prepared(drawn)
        else:
            self._engine.assign(drawn)
        state = self._engine.start()
        while not self._engine.finished(state):
            state = self._engine.step(state)
        return self._engine.finish(state)

    def _prepared(self, drawn: Drawn) -> SpectralEngine:
        return SpectralEngine(self.method, self.problem, self.grid, self.run, drawn, self.recorded)

    def _drawn(self, samples: range) -> Drawn:
        return Drawn(samples, sample_parameters(self.problem.family, samples, self.run.seed, self.recorded))
