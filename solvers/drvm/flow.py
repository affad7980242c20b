"""The numbers of one flow: what marches and fits need to know of a problem."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.solvers.drvm.initial import Component, spectral_radius
from sciml.solvers.drvm.kernels import plane_velocity, torus_velocity
from sciml.solvers.drvm.series import particle_series

__all__ = ["Flow", "slice_times"]

TAIL = 1e-6  # share of the velocity's energy that modes left out may hold at the start
FILAMENTS = 1.5  # by which the largest mode is raised for what stretching makes later
FEWEST_MODES, MOST_MODES = 16, 128
TINY = 1e-12  # variance of a core that stands for none
GAUSSIAN_MODES = 4.5  # e^{-k²s²/2} = 4e-5 at k = 4.5/s


@dataclass(frozen=True)
class Flow:
    """A two-dimensional flow.

    Attributes:
        nu: Viscosity ν.
        drag: μ in ``-μω``.
        mean_flow: U, added to the velocity of the vorticity.
        lengths: Periods of a torus; None in the plane.
        box: Ends of the torus, or of the window of the plane, ``(axis, 2)``.
        times: Times of the slices, from the start; the first is that of the initial data.
        components: The initial vorticity.
        constant: Vorticity on a torus that the components leave out.
    """

    nu: float
    drag: float
    mean_flow: tuple[float, float]
    lengths: tuple[float, float] | None
    box: tuple[tuple[float, float], tuple[float, float]]
    times: tuple[float, ...]
    components: tuple[Component, ...]
    constant: float = 0.0

    @property
    def steps(self) -> int:
        """Number of slices after the start."""
        return len(self.times) - 1

    def step(self, k: int) -> float:
        """Return ``t_k - t_{k-1}``."""
        return self.times[k] - self.times[k - 1]

    def core(self, k: int) -> float:
        """Variance of the half step of noise that is still to come at slice k: ``ν dt_k``."""
        return self.nu * self.step(k)

    def spread(self, k: int) -> float:
        """Standard deviation of the noise before the drift of step k: half of each neighbouring step."""
        return math.sqrt(self.nu * (self.step(k) + (self.step(k - 1) if k > 1 else 0.0)))

    def weight(self, k: int) -> float:
        """What drag leaves of the circulation at slice k."""
        return math.exp(-self.drag * (self.times[k] - self.times[0]))

    @property
    def points(self) -> list[int]:
        """Which components are point vortices."""
        return [i for i, c in enumerate(self.components) if c.is_point]

    @property
    def circulation(self) -> float:
        """Circulation at the start."""
        return sum(c.circulation for c in self.components)

    def mean_vorticity(self, time: float) -> float:
        """Return the mean vorticity of a torus at a time; 0 in the plane."""
        if self.lengths is None:
            return 0.0
        start = self.constant + self.circulation / (self.lengths[0] * self.lengths[1])
        return start * math.exp(-self.drag * (time - self.times[0]))

    @property
    def is_singular(self) -> bool:
        """True where some of the initial vorticity is a measure without density."""
        return any(c.spacing == 0 for c in self.components)

    def modes(self, k: int) -> int | None:
        """Return the largest Fourier mode that labels of slice k need on a torus; None if pairs are better."""
        assert self.lengths is not None
        largest = FEWEST_MODES
        for c in self.components:
            if c.spacing > 0:
                largest = max(largest, math.ceil(FILAMENTS * spectral_radius(c, TAIL)))
            else:
                age = math.sqrt(2 * self.nu * max(self.times[k] - self.times[0], self.step(1) / 2))
                largest = max(largest, math.ceil(GAUSSIAN_MODES / age * max(self.lengths) / (2 * math.pi)))
        return largest if largest <= MOST_MODES else None

    def velocity(self, queries: Tensor, positions: Tensor, weights: Tensor, variance: float, k: int) -> Tensor:
        """Return the velocity of groups of particles at the queries, ``(G, P, 2)``, without the mean flow.

        Args:
            queries: ``(P, 2)``.
            positions: ``(G, N, 2)``.
            weights: ``(G, N)``.
            variance: s² of the smoothing.
            k: Slice, which says how many modes a torus needs.
        """
        if self.lengths is None:
            groups = zip(positions, weights, strict=True)
            return torch.stack([plane_velocity(queries, x, w, variance) for x, w in groups])
        largest = self.modes(k)
        if largest is None:
            lengths = self.lengths
            groups = zip(positions, weights, strict=True)
            return torch.stack([torus_velocity(queries, x, w, variance, lengths) for x, w in groups])
        return particle_series(positions, weights, variance, self.lengths, largest).velocity(queries)

    def start_velocity(self, queries: Tensor, variance: float) -> Tensor:
        """Return the velocity of the initial vorticity spread by a Gaussian of variance s², ``(P, 2)``.

        Of a function in the plane, blocks of nodes stand for their cells, spread by half a cell, which leaves
        ripples far below the error of labels.
        """
        total = torch.zeros_like(queries)
        for c in self.components:
            whole = c if self.lengths is not None and c.spacing > 0 else c.coarsened()
            places = torch.as_tensor(whole.positions.reshape(-1, 2)).to(queries)
            weights = torch.as_tensor(whole.weights.ravel()).to(queries)
            held = weights != 0
            places, weights = places[held], weights[held]
            if self.lengths is None:
                total += plane_velocity(
                    queries, places, weights, max(variance + (whole.spacing / 2) ** 2, whole.gap**2, TINY)
                )
            elif c.spacing > 0:
                series = particle_series(
                    places[None], weights[None], variance, self.lengths, self.modes(1) or MOST_MODES
                )
                total += series.velocity(queries)[0]
            else:
                total += torus_velocity(queries, places, weights, max(variance, whole.gap**2, TINY), self.lengths)
        return total


def slice_times(start: float, end: float, steps: int, graded: bool) -> tuple[float, ...]:
    """Return the times of the slices: ``(k/n)²`` of the way for singular data, even otherwise."""
    share: Sequence[float] = np.linspace(0, 1, steps + 1).tolist()
    return tuple(start + (end - start) * (s**2 if graded else s) for s in share)
