"""The random vortex method without a network: particles whose velocity is found on a mesh.

Weights are deposited bilinearly, the Biot-Savart law is a multiplication of Fourier modes (on the plane with
the Green's function cut off beyond the flow's diameter, Vico, Greengard & Ferrando 2016,
doi:10.1016/j.jcp.2016.07.028), and velocities are read back bilinearly. Depositing and reading with the same
weights leaves a particle without a velocity of its own, so that point vortices need no special first step.
Time steps grow with the age of the cores, ``t_k = (k/n)²``, for points; they are equal for smooth data.
"""

import itertools
import math

import numpy as np
import torch
from scipy.special import j0, j1

MARGIN = 6.0  # standard deviations of diffusion around the vortices that the plane's region must hold


class Mesh:
    """A periodic mesh that contains the case's grid, ``refinement`` mesh widths to a grid interval."""

    def __init__(self, case, refinement):
        self.width = (case.axis[1] - case.axis[0]) / refinement
        self.low, self.radius = case.low, None
        self.count = case.points * refinement
        if not case.periodic:
            reach = max(math.hypot(x, y) for x, y, _ in case.vortices)
            half = max(case.high, reach + MARGIN * math.sqrt(2 * case.nu * case.times[-1]))
            self.radius = 2 * math.sqrt(2) * half
            needed = (2 * half + self.radius) / self.width
            self.count = 32 * math.ceil(needed / 32)
            before = (self.count - (case.points - 1) * refinement) // 2
            self.low -= before * self.width
        self.shown = round((case.low - self.low) / self.width) + refinement * np.arange(case.points)
        k = 2 * np.pi * np.fft.fftfreq(self.count, self.width)
        one = 2 * np.pi * np.fft.rfftfreq(self.count, self.width)
        norm = np.hypot(k[:, None], one)
        green = self._green(norm) / self.width**2  # a deposit is a mass, the law wants a density
        blur = (np.sinc(k * self.width / (2 * np.pi))[:, None] * np.sinc(one * self.width / (2 * np.pi))) ** 2
        curl = np.stack([1j * np.broadcast_to(one, norm.shape), -1j * np.broadcast_to(k[:, None], norm.shape)])
        self.law = torch.from_numpy(curl * green / blur)  # undoes the blur of one bilinear deposit

    def _green(self, norm):
        k = np.where(norm > 0, norm, 1.0)
        if self.radius is None:
            return np.where(norm > 0, k**-2, 0.0)
        r = self.radius
        cut = (1 - j0(r * k)) / k**2 - r * math.log(r) * j1(r * k) / k
        return np.where(norm > 0, cut, r**2 / 4 - r**2 / 2 * math.log(r))

    def cells(self, positions):
        """Return the indices of the four mesh points around each particle, and their weights."""
        scaled = (positions - self.low) / self.width
        corner = scaled.floor()
        part = scaled - corner
        corner = corner.long()
        indices, weights = [], []
        for i in (0, 1):
            for j in (0, 1):
                row, column = (corner[:, 0] + i) % self.count, (corner[:, 1] + j) % self.count
                indices.append(row * self.count + column)
                weights.append((part[:, 0] if i else 1 - part[:, 0]) * (part[:, 1] if j else 1 - part[:, 1]))
        return torch.stack(indices), torch.stack(weights)

    def field(self, cells, strength):
        """Return the velocity ``(2, count²)`` of particles on the mesh."""
        indices, weights = cells
        mass = torch.bincount(indices.ravel(), (weights * strength).ravel(), minlength=self.count**2)
        modes = torch.fft.rfft2(mass.reshape(self.count, self.count))
        return torch.fft.irfft2(self.law * modes, s=(self.count, self.count)).reshape(2, -1)

    def drift(self, positions, strength):
        """Return the velocity of the particles at the particles."""
        cells = self.cells(positions)
        field = self.field(cells, strength)
        return torch.stack([(f[cells[0]] * cells[1]).sum(0) for f in field], dim=1)

    def at_nodes(self, positions, strength):
        """Return the velocity of the particles at the nodes of the case's grid."""
        field = self.field(self.cells(positions), strength).reshape(2, self.count, self.count)
        shown = torch.from_numpy(self.shown)
        return field[:, shown][:, :, shown].reshape(2, -1).T.numpy()


def velocities(case, count, steps, refinement, seed):
    """March particles and return their velocity at the nodes for every judged time.

    Drift by the midpoint rule, half of a step's noise before the midpoint; judged times must be steps.
    """
    mesh = Mesh(case, refinement)
    generator = torch.Generator().manual_seed(seed)
    positions, weights, _ = (torch.from_numpy(a) for a in case.particles(count, np.random.default_rng(seed)))
    times = np.linspace(0, 1, steps + 1) if case.periodic else np.linspace(0, 1, steps + 1) ** 2
    times = np.union1d(case.times[-1] * times, case.times)
    found = {}
    for now, then in itertools.pairwise(times):
        dt = then - now
        first, second = (
            math.sqrt(case.nu * dt) * torch.randn(positions.shape, dtype=torch.float64, generator=generator)
            for _ in range(2)
        )
        middle = positions + dt / 2 * mesh.drift(positions, weights) + first
        positions = positions + dt * mesh.drift(middle, weights) + first + second
        if then in case.times:
            found[then] = mesh.at_nodes(positions, weights)
    return found
