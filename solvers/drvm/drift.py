"""Move particles with the velocity of networks, in frames that travel with point vortices.

Between slices the velocity is extrapolated in time, ``u_{k-1} + a (u_{k-1} - u_{k-2})``, or, once a
march has been through, interpolated to the slice ahead. At a fixed place that is useless inside the
core of a young vortex: particles there turn many times in a step round wherever the core is held,
instead of travelling with it. So the networks are read in the frame of the vortex that a particle
belongs to, where the velocity changes slowly; the frame moves with the mean velocity that all other
vorticity induces on its cloud, which a small sample gives without bias, since the cloud's own part
cancels in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sciml.solvers.drvm.flow import Flow
from sciml.solvers.drvm.networks import Network

__all__ = ["PROBES", "Between", "Frames", "moved", "started", "turning"]

LARGEST_ANGLE = 1.0  # by which a particle may turn in one substep
SMALL_ANGLE = 0.3  # where the midpoint rule is as good as the classical scheme of order 4
MOST_SUBSTEPS = 32
PROBES = 512

Velocity = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Frames:
    """Velocity of the frame of each particle, and where it stood at the slice before.

    Attributes:
        velocity: ``(N, 2)``; 0 for particles that belong to no point vortex. None if there is none.
        since: Displacement of the frame from this slice to the other that is known.
        own: Which particles belong to a point vortex, ``(N,)``.
    """

    velocity: Tensor | None = None
    since: Tensor | None = None
    own: Tensor | None = None

    def carried(self, points: Tensor, displacement: Tensor | None) -> Frames:
        """Return the same with particles of no point vortex carried by a mean flow, which carries the velocity too."""
        if displacement is None or not bool(displacement.any()):
            return self
        whole = displacement.expand_as(points)
        if self.velocity is None or self.since is None or self.own is None:
            return Frames(self.velocity, whole)
        return Frames(self.velocity, torch.where(self.own[:, None], self.since, whole), self.own)


@dataclass(frozen=True)
class Between:
    """The velocity in the course of a step that starts at the slice of ``now``.

    Attributes:
        now: Network of that slice.
        other: That of the slice before, or of the slice ahead from an earlier march; None if neither.
        gap: Time from ``now`` to ``other``, negative for the one before.
    """

    now: Network
    other: Network | None
    gap: float

    def velocity(self, points: Tensor, time: float, frames: Frames) -> Tensor:
        """Return the velocity ``(N, 2)`` a time after the slice."""
        share = time / self.gap if self.other is not None else 0.0
        if self.other is not None and frames.since is None and self._shares_basis:
            flat = self.now.flat + share * (self.other.flat - self.now.flat)
            return replace(self.now, flat=flat)(points)
        here = points if frames.velocity is None else points - frames.velocity * time
        found = self.now(here)
        if self.other is None:
            return found
        there = here if frames.since is None else here + frames.since
        return found + share * (self.other(there) - found)

    @property
    def _shares_basis(self) -> bool:
        """Whether both are linear in their last layers over the same functions."""
        now, other = self.now, self.other
        if other is None or now.geometry.lengths is None or len(now.geometry.centres) or now.scale != other.scale:
            return False
        last = (now.sizes[-2] + 1) * now.sizes[-1]
        return bool(torch.equal(now.flat[:-last], other.flat[:-last]))


def moved(points: Tensor, velocity: Velocity, step: float, angle: float) -> Tensor:
    """Return the points after a step of the flow, in as many substeps as the angle asks for."""
    if angle <= SMALL_ANGLE:
        half = points + step / 2 * velocity(points, 0.0)
        return points + step * velocity(half, step / 2)
    count = min(MOST_SUBSTEPS, math.ceil(angle / LARGEST_ANGLE))
    h = step / count
    for i in range(count):
        t = i * h
        a = velocity(points, t)
        b = velocity(points + h / 2 * a, t + h / 2)
        c = velocity(points + h / 2 * b, t + h / 2)
        d = velocity(points + h * c, t + h)
        points = points + h / 6 * (a + 2 * b + 2 * c + d)
    return points


def started(flow: Flow, points: Tensor, frames: Frames) -> Tensor:
    """Return the points after the first step, without mean flow: the velocity is that of the initial vorticity.

    The own velocity of a point vortex only turns its particles round its centre, many times in this step:
    they travel with their frame.
    """
    step, source = flow.step(1), flow.core(1)  # the age of the vorticity half-way through the step
    out = points.clone()
    own = torch.zeros(len(points), dtype=torch.bool, device=points.device) if frames.own is None else frames.own
    if frames.velocity is not None:
        out[own] += step * frames.velocity[own]
    if not bool(own.all()):
        out[~own] = moved(points[~own], lambda x, t: flow.start_velocity(x, source), step, 0.0)
    return out


def turning(points: Tensor, velocity: Callable[[Tensor], Tensor], step: float, width: float) -> float:
    """Return the largest angle by which these points turn in a step: half their vorticity times the step."""
    h = 1e-2 * width
    ahead = [velocity(points + h * torch.eye(2, dtype=points.dtype, device=points.device)[a]) for a in (0, 1)]
    back = [velocity(points - h * torch.eye(2, dtype=points.dtype, device=points.device)[a]) for a in (0, 1)]
    slope = torch.stack([(f - b) / (2 * h) for f, b in zip(ahead, back, strict=True)])  # (direction, N, component)
    spin = (slope[0, :, 1] - slope[1, :, 0]).abs() / 2
    strain = torch.hypot(slope[0, :, 0], (slope[0, :, 1] + slope[1, :, 0]) / 2)
    return step * float((spin + strain).amax())
