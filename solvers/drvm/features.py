"""What a slice network sees of a point, and the size of what it returns.

Round each centre c of size s, in the plane,

    z = (x - c) asinh(r/s)/r,   r = |x - c|,

is linear in the core and logarithmic far away, so that one small network holds a core and its far
field; the output is multiplied by ``Σ_c γ_c/√(s_c² + r_c²)``, the decay of a vortex of strength γ. On
a torus the inputs are sines and cosines of the coordinates, and centres use the periodic distance
``r² = Σ (L/2π)² (2 - 2cos(2π(x - c)/L))``. Nothing of a solution is built in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Geometry"]

SMOOTH = 1 / 50  # of the period: where the vorticity is a function


@dataclass(frozen=True)
class Geometry:
    """Centres that features are built round, at one time.

    Attributes:
        centres: c, ``(C, 2)``.
        sizes: s > 0, ``(C,)``.
        shares: γ ≥ 0 with sum 1, ``(C,)``.
        lengths: Periods of a torus; None in the plane.
    """

    centres: Tensor
    sizes: Tensor
    shares: Tensor
    lengths: tuple[float, float] | None

    @property
    def width(self) -> int:
        """Number of features."""
        return 2 * len(self.centres) + (0 if self.lengths is None else 4)

    @property
    def smallest(self) -> float:
        """Smallest length over which the velocity varies: a centre, or a fraction of a torus without any."""
        if len(self.sizes):
            return float(self.sizes.amin())
        assert self.lengths is not None
        return SMOOTH * min(self.lengths)

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return features ``(P, F)`` and envelope ``(P, 1)``."""
        centres, sizes, shares = (v.to(points.dtype) for v in (self.centres, self.sizes, self.shares))
        if self.lengths is None:
            features, radius = _scaled(points[:, None] - centres, sizes)
            return features, _envelope(radius, sizes, shares)
        scale = torch.tensor(self.lengths, dtype=points.dtype, device=points.device) / (2 * math.pi)
        angle = points / scale
        waves = torch.cat([torch.sin(angle), torch.cos(angle)], dim=1)
        if not len(centres):
            return waves, torch.ones_like(points[:, :1])
        between = (points[:, None] - centres) / scale
        chord = 2 * torch.sin(between / 2) * scale
        features, radius = _scaled(torch.sin(between) * scale, sizes, chord.norm(dim=-1))
        return torch.cat([waves, features], dim=1), _envelope(radius, sizes, shares)


def _scaled(offsets: Tensor, sizes: Tensor, radius: Tensor | None = None) -> tuple[Tensor, Tensor]:
    radius = offsets.norm(dim=-1) if radius is None else radius
    # At the centre asinh(r/s)/r is 1/s; a tiny floor of r is in effect that limit.
    safe = radius.clamp(min=torch.finfo(radius.dtype).tiny ** 0.5)
    stretched = offsets * (torch.asinh(safe / sizes) / safe)[..., None]
    return stretched.flatten(1), radius


def _envelope(radius: Tensor, sizes: Tensor, shares: Tensor) -> Tensor:
    return (shares / torch.sqrt(sizes**2 + radius**2)).sum(1, keepdim=True)
