"""The march: label a slice, fit it, move the particles with it, go on to the next.

With the slices t_0 < … < t_n and dX = u(X, t) dt + √(2ν) dW, a step is

    X ← m_{k-1} + √(ν(dt_{k-1} + dt_k)) ξ          half of the noise of both steps,
    m_k = the flow of u over dt_k from X,
    û_k(x) = Σ_j w_j K_s(x - m_kj),  s² = ν dt_k      the label: exact mean over the half step to come,
    u_k = the network fitted to û_k,

a symmetric splitting of order 2 in the noise. Further marches repeat this with independent particles
that move with the networks of the march before; labels at the same points are averaged, and the slice
is fitted to the average. The spread of independently scrambled groups is the error of the labels.

Sources: Zhang et al. 2022, doi:10.1063/5.0110342 (DRVM: labels and fits of one network a slice);
Goodman 1987, doi:10.1002/cpa.3160400204 (random vortex method); the splitting, the moving frames and
the second-order fits are this package's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sciml.errors import Diverged
from sciml.solvers.drvm.drift import PROBES, Between, Frames, moved, started, turning
from sciml.solvers.drvm.features import Geometry
from sciml.solvers.drvm.fits import FitOptions, fitted
from sciml.solvers.drvm.flow import Flow
from sciml.solvers.drvm.kernels import plane_velocity, torus_velocity
from sciml.solvers.drvm.networks import Far, Network
from sciml.solvers.drvm.paths import Cloud, drawn_cloud, sobol
from sciml.streams import stream

__all__ = ["Labels", "March", "MarchState", "query_points"]

SAMPLE, SAMPLE_TORUS = 2048, 512  # particles whose mutual velocities give the motion of frames
SMALLEST = 1e-30  # square of a velocity that single precision can still tell from 0
NO_CIRCULATION = 1e-3  # of the total strength: below, the far vortex stands in the middle of all
MARGIN = 1.05  # by which the fitted box exceeds window and particles
SMALLEST_RADIUS = 1.5  # decades below the size of a centre where queries near it begin


@dataclass(frozen=True)
class Labels:
    """Labels of one slice, summed over groups and marches.

    Attributes:
        queries: Points ``(P, 2)``, float64.
        total: Sum of the labels of all groups so far, ``(P, 2)``.
        square: Sum of their squares.
        count: How many groups.
    """

    queries: Tensor
    total: Tensor
    square: Tensor
    count: int

    @property
    def mean(self) -> Tensor:
        """The label."""
        return self.total / self.count

    @property
    def error(self) -> float:
        """Standard error of the label relative to its size, over the query points; nan for one group."""
        if self.count < 2:
            return math.nan
        variance = (self.square / self.count - self.mean.square()).clamp(min=0) / (self.count - 1)
        return float((variance.sum() / self.mean.square().sum()).sqrt())


@dataclass(frozen=True)
class MarchState:
    """What has been computed.

    Attributes:
        march: Number of complete marches.
        slices: Slices done in the present march.
        means: m of the last slice ``(G, N, 2)``; empty at the start of a march.
        networks: One for each slice reached by any march.
        labels: Likewise.
        fits: What each fit left, relative.
        centres: Centre of each point vortex at each slice of the latest pass, ``(slices, C, 2)``.
        particles: For each slice m and the circulations of the latest march that reached it, which
            answer without networks.
    """

    march: int
    slices: int
    means: Tensor
    networks: tuple[Network, ...]
    labels: tuple[Labels, ...]
    fits: tuple[float, ...]
    centres: tuple[Tensor, ...]
    particles: tuple[tuple[Tensor, Tensor], ...]


class March:
    """Steps of the march of one flow.

    Args:
        flow: What is solved.
        fit: How slices are fitted.
        groups: Number of independently scrambled groups.
        size: Particles of a group.
        queries: Label points of a slice.
        seed: Root of all streams.
        device: Where particles live.
        dtype: Precision of particles and labels; fits are in float64.
        sampling: Low-discrepancy or independent increments.
        drift: ``"midpoint"`` moves particles as described, ``"euler"`` by ``dt u(X)``, ``"none"`` not
            at all; the last two are for comparison.
    """

    def __init__(
        self,
        flow: Flow,
        fit: FitOptions,
        *,
        groups: int,
        size: int,
        queries: int,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
        sampling: Literal["sobol", "iid"] = "sobol",
        drift: Literal["midpoint", "euler", "none"] = "midpoint",
    ) -> None:
        self.flow, self.fit, self.groups, self.size = flow, fit, groups, size
        self.count, self.seed, self.device, self.dtype = queries, seed, device, dtype
        self.sampling, self.drift = sampling, drift
        self.points = flow.points
        self._drawn: tuple[int, Cloud] | None = None

    # --- particles ---------------------------------------------------------------------------------

    def cloud(self, march: int) -> Cloud:
        """Return the particles of a march; the latest are kept."""
        if self._drawn is None or self._drawn[0] != march:
            made = drawn_cloud(
                self.flow.components,
                groups=range(self.groups),
                size=self.size,
                steps=self.flow.steps,
                seed=self.seed,
                march=march,
                sampling=self.sampling,
            )
            self._drawn = march, made
        return self._drawn[1]

    def weights(self, march: int, k: int) -> Tensor:
        """Return the circulations at slice k, ``(G, N)``, summing to that of the flow."""
        scale = self.flow.weight(k) / self.groups
        return torch.as_tensor(self.cloud(march).weights * scale, dtype=self.dtype, device=self.device)

    def _component(self, march: int) -> Tensor:
        return torch.as_tensor(self.cloud(march).component, device=self.device)

    def _before_drift(self, state: MarchState, k: int) -> Tensor:
        """Return the particles after the noise between two slices, ``(G, N, 2)``."""
        cloud = self.cloud(state.march)
        begin = state.means if k > 1 else torch.as_tensor(cloud.positions, dtype=self.dtype, device=self.device)
        noise = torch.as_tensor(np.ascontiguousarray(cloud.increments[:, :, k - 1]), dtype=self.dtype)
        return begin + self.flow.spread(k) * noise.to(self.device)

    # --- one step ----------------------------------------------------------------------------------

    def start(self) -> MarchState:
        """Return the state before the first step."""
        return MarchState(0, 0, torch.empty(0), (), (), (), (), ())

    def step(self, state: MarchState) -> MarchState:
        """Label, fit and move over one slice.

        Raises:
            Diverged: Particles are no longer finite.
        """
        k = state.slices + 1
        means = self._moved(state, k)
        if not bool(torch.isfinite(means).all()):
            msg = f"particles are not finite at slice {k} of march {state.march + 1}."
            raise Diverged("R306", msg, fix="more steps: DRVM(steps=...), or more query points")
        geometry, centres = self._geometry(state, means, k)
        labels = self._labels(state, means, geometry, k)
        if not float(labels.mean.square().sum()) > SMALLEST:
            msg = f"nothing is left of the velocity at slice {k}, t = {self.flow.times[k]:.3g}."
            raise Diverged("R306", msg, fix="an earlier end time: the flow has come to rest")
        former = self._former(state, k)
        network, left = fitted(self.fit, geometry, labels.queries, labels.mean, _known(labels.error), former)
        network = replace(network, far=self._far(labels.queries, state.march, means, k))
        done = MarchState(
            state.march,
            k,
            means,
            _placed(state.networks, k, network),
            _placed(state.labels, k, labels),
            _placed(state.fits, k, left),
            _placed(state.centres, k, centres),
            _placed(state.particles, k, (means, self.weights(state.march, k))),
        )
        return done if k < self.flow.steps else replace(done, march=state.march + 1, slices=0)

    def _former(self, state: MarchState, k: int) -> Network | None:
        if len(state.networks) >= k:
            return state.networks[k - 1]
        return state.networks[k - 2] if k > 1 else None

    # --- motion ------------------------------------------------------------------------------------

    def _moved(self, state: MarchState, k: int) -> Tensor:
        points = self._before_drift(state, k)
        step, flat = self.flow.step(k), points.flatten(0, 1)
        if self.drift == "none":
            return points
        mean = torch.tensor(self.flow.mean_flow, dtype=self.dtype, device=self.device)
        if k == 1:
            return (started(self.flow, flat, self._frames(state, points, k, None)) + step * mean).view_as(points)
        now = state.networks[k - 2]
        ahead = len(state.networks) >= k and state.march > 0
        other_slice = k if ahead else k - 2
        other = state.networks[other_slice - 1] if other_slice >= 1 else None
        gap = self.flow.times[other_slice] - self.flow.times[k - 1] if other is not None else 0.0
        between = Between(now, other, gap)
        since = state.centres[other_slice - 1] - state.centres[k - 2] if other is not None else None
        frames = self._frames(state, points, k, since).carried(flat, mean * gap if other is not None else None)
        if self.drift == "euler":
            return points + step * (now(flat) + mean).view_as(points)
        angle = turning(flat[:: max(1, len(flat) // PROBES)], now, step, now.geometry.smallest)
        found = moved(flat, lambda x, t: between.velocity(x, t, frames), step, angle)
        return (found + step * mean).view_as(points)

    def _frames(self, state: MarchState, points: Tensor, k: int, since: Tensor | None) -> Frames:
        """Return velocity and displacement of the frame of each particle."""
        if not self.points:
            return Frames()
        component = self._component(state.march).flatten()
        places, weights, owner = self._sample(points.flatten(0, 1), component, self.flow.weight(k - 1))
        induced = self._mutual(places, weights, self.flow.core(k))
        velocity = torch.zeros((len(self.flow.components), 2), dtype=self.dtype, device=self.device)
        shift = torch.zeros_like(velocity)
        for row, i in enumerate(self.points):
            velocity[i] = induced[owner == i].mean(0)
            if since is not None:
                shift[i] = since[row].to(self.dtype)
        own = torch.isin(component, torch.tensor(self.points, device=self.device))
        return Frames(velocity[component], None if since is None else shift[component], own)

    def _sample(self, points: Tensor, component: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return a few particles of each component, which stand for all of it."""
        sample = SAMPLE if self.flow.lengths is None else SAMPLE_TORUS
        each = max(8, sample // len(self.flow.components))
        places, weights, owner = [], [], []
        for i, c in enumerate(self.flow.components):
            index = torch.nonzero(component == i)[:each, 0]
            if not len(index):
                continue
            places.append(points[index])
            share = self._signs(index)
            weights.append(share * (scale * c.strength / len(index)))
            owner.append(torch.full((len(index),), i, device=self.device))
        return torch.cat(places), torch.cat(weights), torch.cat(owner)

    def _signs(self, index: Tensor) -> Tensor:
        """Return the signs of some particles of the present march."""
        assert self._drawn is not None
        signs = np.sign(self._drawn[1].weights).reshape(-1)[index.cpu().numpy()]
        return torch.as_tensor(signs, dtype=self.dtype, device=self.device)

    def _mutual(self, places: Tensor, weights: Tensor, variance: float) -> Tensor:
        if self.flow.lengths is None:
            return plane_velocity(places, places, weights, variance)
        return torus_velocity(places, places, weights, variance, self.flow.lengths)

    # --- features, queries, labels -----------------------------------------------------------------

    def _geometry(self, state: MarchState, means: Tensor, k: int) -> tuple[Geometry, Tensor]:
        """Return the centres of features and, separately, those of point vortices."""
        periodic = self.flow.lengths is not None
        component, flat = self._component(state.march).flatten(), means.flatten(0, 1).double()
        strong = torch.as_tensor(np.abs(self.cloud(state.march).weights), device=self.device).flatten()
        centres, sizes = [], []
        followed = self.points if periodic else range(len(self.flow.components))
        for i in followed:
            mine = component == i
            share = strong[mine] / strong[mine].sum()
            centre = (share[:, None] * flat[mine]).sum(0)
            if not bool(mine.any()):  # a negligible part without particles
                centre = torch.as_tensor(self.flow.components[i].centre, device=self.device)
            spread = (share[:, None] * (flat[mine] - centre).square()).sum()
            centres.append(centre)
            sizes.append((spread + 2 * self.flow.core(k)).sqrt())
        shares = torch.tensor([self.flow.components[i].strength for i in followed], dtype=torch.float64)
        empty = torch.zeros((0, 2), dtype=torch.float64, device=self.device)
        places = torch.stack(centres) if centres else empty
        radii = torch.stack(sizes) if sizes else empty[:, 0]
        followed_points = [list(followed).index(i) for i in self.points]
        geometry = Geometry(
            places, radii, (shares / max(float(shares.sum()), 1e-300)).to(self.device), self.flow.lengths
        )
        return geometry, places[followed_points]

    def _labels(self, state: MarchState, means: Tensor, geometry: Geometry, k: int) -> Labels:
        """Return the labels of a slice, with those of earlier marches."""
        old = state.labels[k - 1] if len(state.labels) >= k else None
        queries = self._queries(means, geometry, k) if old is None else old.queries
        weights = self.weights(state.march, k) * self.groups
        found = self.flow.velocity(queries.to(self.dtype), means, weights, self.flow.core(k), k).double()
        total, square, count = found.sum(0), found.square().sum(0), self.groups
        if old is not None:
            total, square, count = total + old.total, square + old.square, count + old.count
        return Labels(queries, total, square, count)

    def _queries(self, means: Tensor, geometry: Geometry, k: int) -> Tensor:
        uniform = sobol(self.count, 4, stream(self.seed, "queries", k))
        return query_points(geometry, *self._box(means), torch.as_tensor(uniform, device=self.device))

    def _box(self, means: Tensor) -> tuple[Tensor, Tensor]:
        """Return the box that networks are fitted in: the torus, or window and particles together."""
        ends = torch.tensor(self.flow.box, dtype=torch.float64, device=self.device)
        if self.flow.lengths is not None:
            return ends[:, 0], ends[:, 1]
        flat = means.flatten(0, 1).double()
        low, high = torch.minimum(ends[:, 0], flat.amin(0)), torch.maximum(ends[:, 1], flat.amax(0))
        middle, half = (low + high) / 2, MARGIN * (high - low) / 2
        return middle - half, middle + half

    def _far(self, queries: Tensor, march: int, means: Tensor, k: int) -> Far | None:
        if self.flow.lengths is not None:
            return None
        low, high = self._box(means)
        circulation = self.flow.circulation * self.flow.weight(k)
        strong = self.weights(march, k).double()
        weights = strong if abs(float(strong.sum())) > NO_CIRCULATION * float(strong.abs().sum()) else strong.abs()
        centre = (weights[..., None] * means.double()).sum((0, 1)) / weights.sum()
        return Far((low + high) / 2, (high - low) / 2, circulation, centre)


def query_points(geometry: Geometry, low: Tensor, high: Tensor, uniform: Tensor) -> Tensor:
    """Return label points: half spread evenly, half round the centres, log-uniform in the radius.

    Args:
        geometry: Centres and their sizes; without any all points are spread evenly.
        low: Lower ends of the box, ``(2,)``.
        high: Upper ends.
        uniform: Numbers in [0, 1), ``(P, 4)``.
    """
    points = low + (high - low) * uniform[:, :2]
    if not len(geometry.centres):
        return points
    near = slice(None, len(points) // 2)
    chosen = (uniform[near, 2] * len(geometry.centres)).long().clamp(max=len(geometry.centres) - 1)
    size = geometry.sizes[chosen]
    periodic = geometry.lengths is not None
    width = (high - low).amin() / 2 if periodic else (high - low).amax()
    decades = SMALLEST_RADIUS + torch.log10(width / size)
    radius = size * 10 ** (-SMALLEST_RADIUS + decades * uniform[near, 0])
    angle = 2 * math.pi * uniform[near, 1]
    around = geometry.centres[chosen] + radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    inside = ((around >= low) & (around <= high)).all(1, keepdim=True)
    points[near] = torch.where(inside | periodic, around, points[near])
    return points


def _placed(held: tuple[Any, ...], k: int, value: Any) -> tuple[Any, ...]:
    return (*held[: k - 1], value, *held[k:])


def _known(error: float) -> float:
    return 0.0 if math.isnan(error) else error
