"""Velocity of particles on a torus by its Fourier series.

    û(k) = (ik₂, -ik₁) e^{-s²|k|²/2} Σ_j w_j e^{-ik·X_j} / (V|k|²),   |m₁|, |m₂| ≤ K

A matrix product over particles, another over queries: a hundred times cheaper than pairs, and the
modes above K, which hold noise only once the vorticity is smooth, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Series", "particle_series"]

PARTICLES = 2**14  # at a time


@dataclass(frozen=True)
class Series:
    """A real velocity of mean zero: coefficients ``(..., 2K+1, K+1)`` of the vorticity, k₂ ≥ 0.

    Attributes:
        vorticity: Coefficients for ``m₁ = -K…K``, ``m₂ = 0…K``.
        lengths: Periods.
    """

    vorticity: Tensor
    lengths: tuple[float, float]

    @property
    def largest(self) -> int:
        """K."""
        return self.vorticity.shape[-1] - 1

    def velocity(self, queries: Tensor) -> Tensor:
        """Return the velocity at the queries, ``(..., P, 2)``."""
        big = self.largest
        k1, k2 = wavenumbers(big, self.lengths, queries)
        square = k1[:, None].square() + k2.square()
        inverse = torch.where(square > 0, 1 / square.clamp(min=1e-300 if square.dtype == torch.float64 else 1e-30), 0)
        # Modes with m₂ > 0 stand for their conjugates too; those with m₂ = 0 come in both signs already.
        twice = torch.where(torch.arange(big + 1, device=queries.device) > 0, 2.0, 1.0).to(square.dtype)
        psi = self.vorticity * (inverse * twice)
        maps = torch.stack([1j * k2.expand_as(square), -1j * k1[:, None].expand_as(square)])
        both = psi[..., None, :, :] * maps
        e1, e2 = _waves(queries[:, 0], k1), _waves(queries[:, 1], k2)
        inner = torch.einsum("pm,...cmn->...cpn", e1, both)
        return (inner * e2).sum(-1).real.transpose(-1, -2)


def wavenumbers(largest: int, lengths: Sequence[float], like: Tensor) -> tuple[Tensor, Tensor]:
    """Return k₁ for m = -K…K and k₂ for m = 0…K."""
    m1, m2 = torch.arange(-largest, largest + 1).to(like), torch.arange(largest + 1).to(like)
    return m1 * (2 * math.pi / lengths[0]), m2 * (2 * math.pi / lengths[1])


def _waves(x: Tensor, k: Tensor) -> Tensor:
    phase = x[:, None] * k
    return torch.complex(torch.cos(phase), torch.sin(phase))


def particle_series(
    positions: Tensor, weights: Tensor, variance: float, lengths: tuple[float, float], largest: int
) -> Series:
    """Return the series of groups of particles, positions ``(G, N, 2)``, weights ``(G, N)``."""
    k1, k2 = wavenumbers(largest, lengths, positions)
    rows = []
    for x, w in zip(positions, weights, strict=True):
        total = torch.zeros((len(k1), len(k2)), dtype=positions.dtype.to_complex(), device=positions.device)
        for part, strength in zip(x.split(PARTICLES), w.split(PARTICLES), strict=True):
            left = _waves(part[:, 0], k1).conj() * strength[:, None]
            total.addmm_(left.T, _waves(part[:, 1], k2).conj())
        rows.append(total)
    damping = torch.exp(-variance / 2 * (k1[:, None].square() + k2.square())) / (lengths[0] * lengths[1])
    return Series(torch.stack(rows) * damping, lengths)
