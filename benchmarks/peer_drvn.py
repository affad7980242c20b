"""Deep random vortex networks, re-stated from their published algorithm: one network for each time slice.

Zhang, Hu, Meng, Zhang, Zhu, Wang, Ma & Liu, Physics of Fluids 34, 107112 (2022), doi:10.1063/5.0110342. No
code of theirs is used. As in their program for a point vortex:

* forty equal steps; the network of slice k is the velocity at ``t_(k+1)`` and moves the particles in the next
  step, without a derivative through it; the first step has no drift (a point vortex does not move itself);
* new particles and new query points, uniform on the square, in every iteration;
* the label of a query point is the mean of the singular kernel with 1e-10 added to the squared distance;
* in each slice the five largest squared errors of the batch are dropped;
* Adam at 1e-3, halved every 500 iterations; weights normal with deviation ``1/√(in + out)``.

Ours are three extensions, for the cases that theirs does not have. Several point vortices share the particles
by strength, and the first drift is that of the other vortices. Smooth vorticity is sampled exactly, and the first
drift is the known initial velocity. On the torus the kernel is the sum over five rows of images, particles are
wrapped, and networks see sines and cosines.

The gradient of a slice does not depend on other slices, so that it is taken as soon as the slice is done; that
changes memory, not results. ``official`` is their size; ``small`` fits a processor's budget of minutes.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from trajectory import Trajectory
from vortices import lamb_vortices, torus_velocity

SLICES, DROPPED, SOFTENING = 40, 5, 1e-10
RATE, HALVED_EVERY = 1e-3, 500
IMAGES = range(-2, 3)


@dataclass(frozen=True)
class Preset:
    """Size of networks and batches."""

    width: int
    depth: int
    queries: int
    particles: int


PRESETS = {"official": Preset(512, 6, 2000, 1000), "small": Preset(64, 3, 500, 250)}


class Slice(nn.Module):
    """Velocity at one time."""

    def __init__(self, periodic, preset, generator):
        super().__init__()
        self.periodic = periodic
        sizes = [4 if periodic else 2] + [preset.width] * preset.depth + [2]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        for layer in self.layers:
            deviation = 1 / math.sqrt(layer.in_features + layer.out_features)
            nn.init.normal_(layer.weight, 0, deviation, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        """Return velocities ``(points, 2)``."""
        if self.periodic:
            x = torch.cat([x.sin(), x.cos()], dim=1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def plane_kernel(queries, particles, weights):
    """Return the velocity that weighted particles induce at query points of the plane."""
    dx, dy = (queries[:, None, a] - particles[:, a] for a in (0, 1))
    inverse = 1 / (dx**2 + dy**2 + SOFTENING)
    return torch.stack([-(dy * inverse) @ weights, (dx * inverse) @ weights], dim=1) / (2 * math.pi)


def torus_kernel(queries, particles, weights):
    """The same on the torus of side 2π, where each particle has a uniform background that cancels it."""
    offsets = [queries[:, None, a] - particles[:, a] for a in (0, 1)]
    dx, dy = (torch.remainder(d + math.pi, 2 * math.pi) - math.pi for d in offsets)

    def rows(along, across):
        near = (across / 2).sin() ** 2
        images = (0.5 / (((along - 2 * math.pi * m) / 2).sinh() ** 2 + near + SOFTENING) for m in IMAGES)
        return (across.sin() * sum(images)) @ weights

    return torch.stack([-rows(dx, dy), rows(dy, dx)], dim=1) / (4 * math.pi)


class Trainer:
    """The state of one training."""

    def __init__(self, case, seed, preset):
        self.case, self.preset = case, preset
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.slices = [Slice(case.periodic, preset, self.generator) for _ in range(SLICES)]
        parameters = [p for s in self.slices for p in s.parameters()]
        self.adam = torch.optim.Adam(parameters, lr=RATE)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.adam, HALVED_EVERY, 0.5)
        self.kernel = torus_kernel if case.periodic else plane_kernel
        self.dt = case.times[-1] / SLICES
        self.iterations = 0

    def first_drift(self, positions, owner):
        """Return the velocity of the initial vorticity at its particles, ``(particles, 2)``."""
        if self.case.periodic:
            return torus_velocity(self.case, positions)
        drift = np.zeros_like(positions)
        for mine in range(len(self.case.vortices)):
            others = [v for i, v in enumerate(self.case.vortices) if i != mine]
            drift[owner == mine] = lamb_vortices(positions[owner == mine], others, 0.0)
        return drift

    def particles(self):
        """Return new particles: positions, weights and their first drift."""
        positions, weights, owner = self.case.particles(self.preset.particles, self.rng)
        drift = self.first_drift(positions, owner)
        return (torch.from_numpy(a).float() for a in (positions, weights, drift))

    def iterate(self):
        """Make one step of Adam on new particles and new query points; return the loss."""
        low, high = self.case.low, self.case.high
        queries = low + (high - low) * torch.rand(self.preset.queries, 2, generator=self.generator)
        positions, weights, drift = self.particles()
        self.adam.zero_grad()
        total = 0.0
        for k, net in enumerate(self.slices):
            with torch.no_grad():
                if k > 0:
                    drift = self.slices[k - 1](positions)
                noise = torch.randn(positions.shape, generator=self.generator)
                positions = positions + drift * self.dt + math.sqrt(2 * self.case.nu * self.dt) * noise
                if self.case.periodic:
                    positions = torch.remainder(positions, 2 * math.pi)
                labels = self.kernel(queries, positions, weights)
            errors = ((net(queries) - labels) ** 2).sum(1)
            loss = errors.sort().values[:-DROPPED].mean()
            loss.backward()
            total += float(loss.detach())
        self.adam.step()
        self.schedule.step()
        self.iterations += 1
        return total

    @torch.no_grad()
    def velocity(self, points, time):
        """Return the velocity at the end of a slice."""
        return self.slices[round(time / self.dt) - 1](torch.from_numpy(points).float()).numpy()


def run(case, seed, seconds, preset="small"):
    """Train for a wall-clock budget.

    Args:
        case: A flow of ``flow_cases``.
        seed: Of weights, particles and query points.
        seconds: Budget of training; looks at the error are not counted.
        preset: Key of ``PRESETS``.

    Returns:
        List of ``(seconds, {time: error}, {"iterations", "loss"})``.
    """
    trajectory = Trajectory(case, seconds)
    trainer = Trainer(case, seed, PRESETS[preset])
    while not trajectory.over:
        loss = trainer.iterate()
        trajectory.look(trainer.velocity, iterations=trainer.iterations, loss=loss)
    return trajectory.rows
