"""Velocity and vorticity at any place and time, from the networks of the slices.

Between slices networks are interpolated by the cubic through the four nearest, in √t where slices are
graded; before the first slice points and sheets are spread by the heat kernel and carried by the mean
flow. The vorticity is the curl of the velocity, by central differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.solvers.drvm.flow import Flow

__all__ = ["VortexField"]

NEIGHBOURS = 4
CURL_STEP = 1e-4  # of the size of the box: differences are then good to 1e-8 of the largest scale
CHUNK = 2**16

Velocity = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class VortexField:
    """The computed flow.

    Attributes:
        flow: Its numbers.
        velocities: One for each slice that was reached, from ``flow.times[1]`` on; maps ``(P, 2)`` to
            ``(P, 2)``, float64, without the mean flow.
    """

    flow: Flow
    velocities: Sequence[Velocity]

    @property
    def end(self) -> float:
        """Last time that is known."""
        return self.flow.times[len(self.velocities)]

    def is_known(self, time: float) -> bool:
        """Whether slices on both sides of a time are known; the start is one where the vorticity is a function."""
        start, first = self.flow.times[:2]
        after = time >= first - 1e-9 * (first - start)
        return bool(self.velocities) and (after or not self.flow.is_singular)

    def velocity(self, time: float, points: Tensor) -> Tensor:
        """Return the velocity without mean flow, ``(P, 2)``."""
        return torch.cat([self._velocity(time, part) for part in points.split(CHUNK)])

    def vorticity(self, time: float, points: Tensor) -> Tensor:
        """Return the vorticity, ``(P,)``; nan at the start of vorticity that is no function."""
        if time <= self.flow.times[0] and self.flow.is_singular:
            return torch.full_like(points[:, 0], math.nan)
        h = CURL_STEP * max(hi - lo for lo, hi in self.flow.box)
        across = torch.eye(2, dtype=points.dtype, device=points.device) * h
        ahead, back = ([self.velocity(time, points + s * e) for e in across] for s in (1, -1))
        curl = ((ahead[0] - back[0])[:, 1] - (ahead[1] - back[1])[:, 0]) / (2 * h)
        return curl + self.flow.mean_vorticity(time)  # which no velocity of a torus shows

    def _velocity(self, time: float, points: Tensor) -> Tensor:
        age = time - self.flow.times[0]
        if not self.is_known(time):
            carried = points - age * torch.tensor(self.flow.mean_flow, dtype=points.dtype, device=points.device)
            found = self.flow.start_velocity(carried, 2 * self.flow.nu * max(age, 0.0))
            return found * math.exp(-self.flow.drag * age)
        total = torch.zeros_like(points)
        for index, weight in self.weights(time):
            at_slice = self.velocities[index](points) if index >= 0 else self.flow.start_velocity(points, 0.0)
            total += weight * at_slice
        return total

    def weights(self, time: float) -> list[tuple[int, float]]:
        """Return the slices next to a time with their Lagrange weights; -1 is the start of a function."""
        start = self.flow.times[0]
        first_index = 0 if self.flow.is_singular else -1
        known = [self._clock(t - start) for t in self.flow.times[first_index + 1 : len(self.velocities) + 1]]
        here = self._clock(time - start)
        nearest = min(range(len(known)), key=lambda i: abs(known[i] - here))
        if abs(known[nearest] - here) <= 1e-9 * known[-1]:
            return [(nearest + first_index, 1.0)]
        after = next((i for i, t in enumerate(known) if t > here), len(known) - 1)
        first = max(0, min(after - NEIGHBOURS // 2, len(known) - NEIGHBOURS))
        chosen = range(first, min(first + NEIGHBOURS, len(known)))
        out = []
        for i in chosen:
            weight = math.prod((here - known[j]) / (known[i] - known[j]) for j in chosen if j != i)
            out.append((i + first_index, weight))
        return out

    def _clock(self, age: float) -> float:
        return math.sqrt(age) if self.flow.is_singular else age
