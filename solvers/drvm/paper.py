"""First-order training of all slices together on fresh particles: the published way to fit.

Every optimiser step draws new particles, moves them through all slices with the networks as they are
(detached: no derivative passes through a path), labels new points, and descends

    Σ_k |u_θk(x) - û_k(x)|² / |û_k|²     averaged over points and slices.

Features, splitting and moving frames are those of :mod:`march`; where they need to know the vortices
(centres, sizes, box, scale of the velocity), a march of a few particles tells them first. The networks
start from random weights and learn from the labels alone.

Particles and points come in 8 shards with streams of their own, keyed by the step: processes share
them without changing the result, and a run resumes without any generator's state.

Source: Zhang et al. 2022, doi:10.1063/5.0110342.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.solvers.drvm.drift import PROBES, Between, Frames, moved, started, turning
from sciml.solvers.drvm.fits import FitOptions
from sciml.solvers.drvm.flow import Flow
from sciml.solvers.drvm.march import March, query_points
from sciml.solvers.drvm.networks import Network, fresh_weights, split_weights
from sciml.solvers.drvm.paths import Cloud, drawn_cloud
from sciml.streams import stream
from sciml.train.distributed import SHARDS, World

__all__ = ["Bank", "Paths", "SliceObjective", "scouted"]

SCOUTS, SCOUT_QUERIES, SCOUT_HIDDEN, SCOUT_ITERATIONS = 2048, 256, (12, 12), 10


def scouted(flow: Flow, seed: int, device: torch.device, dtype: torch.dtype) -> tuple[Network, ...]:
    """Return the networks of a small march, for the geometry of every slice."""
    options = FitOptions("lm", SCOUT_HIDDEN, SCOUT_ITERATIONS, 1e-10, seed)
    march = March(flow, options, groups=1, size=SCOUTS, queries=SCOUT_QUERIES, seed=seed, device=device, dtype=dtype)
    state = march.start()
    while state.march == 0:
        state = march.step(state)
    return state.networks


class Bank(torch.nn.Module):
    """One network of the same sizes for each slice, evaluated together.

    Args:
        scouts: Geometry and scale of each slice.
        hidden: Widths.
        seed: Root of the streams of initial weights.
        dtype: Precision of the training.
    """

    def __init__(self, scouts: Sequence[Network], hidden: tuple[int, ...], seed: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.scouts = tuple(scouts)
        self.sizes = (scouts[0].geometry.width, *hidden, 2)
        flat = torch.stack([fresh_weights(self.sizes, seed, "bank", k, bias=0.1) for k in range(len(scouts))])
        self.flat = torch.nn.Parameter(flat.to(scouts[0].flat.device, dtype))

    def network(self, k: int) -> Network:
        """Return the network of slice k ≥ 1 as it is, without gradient."""
        scout = self.scouts[k - 1]
        return Network(self.sizes, self.flat[k - 1].detach(), scout.scale, scout.geometry, scout.far)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(slices, P, F)`` to ``(slices, P, 2)``, before scale and envelope."""
        x = features
        layers = split_weights(self.flat, self.sizes)
        for i, (w, b) in enumerate(layers):
            x = torch.baddbmm(b[:, None], x, w.transpose(1, 2))
            x = torch.tanh(x) if i < len(layers) - 1 else x
        return x


@dataclass(frozen=True)
class Paths:
    """Moves particles through all slices with the networks of a bank."""

    flow: Flow
    bank: Bank
    world: World

    @property
    def device(self) -> torch.device:
        """Where particles live."""
        return self.bank.flat.device

    @property
    def dtype(self) -> torch.dtype:
        """Their precision."""
        return self.bank.flat.dtype

    def __call__(self, cloud: Cloud) -> list[Tensor]:
        """Return m of every slice, ``(G N, 2)`` each."""
        groups = len(cloud.positions)
        component = torch.as_tensor(cloud.component, device=self.device).flatten()
        points = torch.as_tensor(cloud.positions, dtype=self.dtype, device=self.device).flatten(0, 1)
        out = []
        for k in range(1, self.flow.steps + 1):
            noise = torch.as_tensor(np.ascontiguousarray(cloud.increments[:, :, k - 1]), dtype=self.dtype)
            points = points + self.flow.spread(k) * noise.to(self.device).flatten(0, 1)
            points = self._moved(points, component, k, groups)
            out.append(points)
        return out

    def _moved(self, points: Tensor, component: Tensor, k: int, groups: int) -> Tensor:
        flow, step = self.flow, self.flow.step(k)
        mean = torch.tensor(flow.mean_flow, dtype=self.dtype, device=self.device)
        frames = self._frames(points, component, k)
        if k == 1:
            return started(flow, points, frames) + step * mean
        between = Between(self.bank.network(k - 1), self.bank.network(k), step)
        probes = points.unflatten(0, (groups, -1))[:, : PROBES // SHARDS].flatten(0, 1)
        angle = turning(probes, between.now, step, between.now.geometry.smallest)
        angle = float(self.world.gathered(torch.tensor([angle], dtype=torch.float64, device=self.device)).amax())
        frames = frames.carried(points, mean * step)
        return moved(points, lambda x, t: between.velocity(x, t, frames), step, angle) + step * mean

    def _frames(self, points: Tensor, component: Tensor, k: int) -> Frames:
        """Return frames that move from slice to slice as the scouts did."""
        listed = self.flow.points
        if not listed:
            return Frames()
        shift = torch.zeros((len(self.flow.components), 2), dtype=self.dtype, device=self.device)
        for i in listed:
            shift[i] = (self._centre(i, k) - self._centre(i, k - 1)).to(self.dtype)
        whole = shift[component]
        mean = torch.tensor(self.flow.mean_flow, dtype=self.dtype, device=self.device)
        own = torch.isin(component, torch.tensor(listed, device=self.device))
        velocity = torch.where(own[:, None], whole / self.flow.step(k) - mean, torch.zeros_like(whole))
        return Frames(velocity, whole, own)

    def _centre(self, component: int, k: int) -> Tensor:
        if k == 0:
            return torch.as_tensor(self.flow.components[component].centre, device=self.device)
        place = component if self.flow.lengths is None else self.flow.points.index(component)
        return self.bank.scouts[k - 1].geometry.centres[place]


class SliceObjective:
    """The loss of one step, for :class:`sciml.train.Trainer`.

    Args:
        flow: What is solved.
        bank: Networks.
        batch: Particles of a step, over all shards.
        queries: Points of a slice and step, over all shards.
        seed: Root of the streams.
        world: Processes that share the shards.
    """

    def __init__(self, flow: Flow, bank: Bank, *, batch: int, queries: int, seed: int, world: World) -> None:
        self.flow, self.module, self.seed, self.world = flow, bank, seed, world
        self.batch, self.queries = batch // SHARDS, max(2, queries // SHARDS)
        self.paths = Paths(flow, bank, world)

    def loss(self, step: int, shards: Sequence[int]) -> tuple[Tensor, dict[str, float | Tensor]]:
        """Return the mean over slices of the squared error relative to the size of the velocity."""
        with torch.no_grad():
            features, envelope, target = self._labelled(step, shards)
        found = self.module(features) * envelope
        return (found - target).square().sum(2).mean(), {}

    def _labelled(self, step: int, shards: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        cloud = self._cloud(step, shards)
        weights = self.world.gathered(torch.as_tensor(cloud.weights / SHARDS).to(self.module.flat)).flatten()
        paths = self.world.gathered(torch.stack(self.paths(cloud), dim=1)).unbind(1)
        rows = []
        each, half = [self._uniform(step, s) for s in shards], self.queries // 2
        # The first half of the points goes near the centres: half of every shard, whoever holds it.
        uniform = np.concatenate([u[:, :half] for u in each] + [u[:, half:] for u in each], axis=1)
        for k, means in enumerate(paths, start=1):
            network = self.module.scouts[k - 1]
            queries = self._points(uniform[k - 1], k)
            feature, envelope = network.geometry(queries)
            label = self.flow.velocity(
                queries.to(means.dtype), means[None], (weights * self.flow.weight(k))[None], self.flow.core(k), k
            )[0]
            size = network.scale * self.world.mean(envelope.square().mean()).sqrt()
            rows.append((feature, envelope * network.scale / size, label / size))
        features, envelopes, labels = zip(*rows, strict=True)
        return tuple(torch.stack(v).to(self.module.flat) for v in (features, envelopes, labels))  # type: ignore[return-value]

    def _cloud(self, step: int, shards: Sequence[int]) -> Cloud:
        return drawn_cloud(
            self.flow.components,
            groups=shards,
            size=self.batch,
            steps=self.flow.steps,
            seed=self.seed,
            march=f"training {step}",
        )

    def _uniform(self, step: int, shard: int) -> np.ndarray:
        """Return the numbers that place the points of a shard, ``(slices, P, 4)``."""
        return stream(self.seed, "training queries", step, shard).random((self.flow.steps, self.queries, 4))

    def _points(self, uniform: np.ndarray, k: int) -> Tensor:
        scout = self.module.scouts[k - 1]
        if scout.far is None:
            ends = torch.tensor(self.flow.box, dtype=torch.float64)
            low, high = ends[:, 0], ends[:, 1]
        else:
            low, high = scout.far.middle - scout.far.half, scout.far.middle + scout.far.half
        device = self.module.flat.device
        return query_points(scout.geometry, low.to(device), high.to(device), torch.as_tensor(uniform, device=device))
