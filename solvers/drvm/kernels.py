r"""Velocity of particles by the smoothed Biot-Savart law, in the plane and on a torus.

A particle about to take a Gaussian step of variance s² per coordinate induces, on average over that
step, exactly

    E K(z - sξ) = K(z) (1 - e^{-|z|²/2s²}),   K(z) = (-z₂, z₁)/(2π|z|²),

which is a Lamb-Oseen vortex of age s²/2ν: nothing is smoothed that the diffusion would not smooth.
On a torus the images are summed in closed form, row by row,

    u = -1/(2L₂) Σ_m sin a/(cosh b_m - cos a),   a = 2πz₂/L₂, b_m = 2π(z₁ - mL₁)/L₂,

and likewise for v; the uniform background that balances the circulation induces no mean velocity.
Nothing of size queries × particles is ever held: both are cut into chunks.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

__all__ = ["plane_velocity", "torus_velocity"]

PAIRS = 2**17  # in a chunk: the temporaries stay in the cache of a core
PAIRS_CUDA = 2**24
DEEPEST = -80.0  # exponents below are 0 in effect; denormal results slow a CPU down
NEAR = 1e-4  # of the extent squared: below, distances lose too many digits when expanded
SOFT = 1e-6  # of s²: keeps 0/0 away from a query that meets a particle; an error of 5e-7
GAUSSIAN_REACH = 7.8  # e^{-7.8²/2} = 6e-14


def plane_velocity(queries: Tensor, positions: Tensor, weights: Tensor, variance: float) -> Tensor:
    """Return ``Σ_j w_j K_s(x_i - X_j)``, ``(P, 2)``, for vortices of variance s² per coordinate.

    Args:
        queries: x, ``(P, 2)``.
        positions: X, ``(N, 2)``.
        weights: Circulations w, ``(N,)``.
        variance: s² > 0.
    """
    centre = positions.mean(0)
    q, x = queries - centre, positions - centre
    extent = torch.maximum(q.abs().amax(), x.abs().amax())
    exact = q.dtype == torch.float64 or variance > NEAR * float(extent) ** 2
    sums = _expanded if exact else _differences
    return sums(q, x, weights / (2 * math.pi), variance)


def _chunk(queries: Tensor) -> int:
    pairs = PAIRS_CUDA if queries.is_cuda else PAIRS
    return max(1, pairs // min(len(queries), pairs))


def _expanded(q: Tensor, x: Tensor, w: Tensor, variance: float) -> Tensor:
    """Distances and sums as matrix products: ``|q - x|² = |q|² - 2q·x + |x|²``."""
    if len(q) > PAIRS:
        return torch.cat([_expanded(part, x, w, variance) for part in q.split(PAIRS)])
    left = torch.cat([-2 * q, q.square().sum(1, keepdim=True), torch.ones_like(q[:, :1])], dim=1)
    right = torch.stack([x[:, 0], x[:, 1], torch.ones_like(w), x.square().sum(1)])
    moments = torch.stack([w, w * x[:, 0], w * x[:, 1]], dim=1)
    total = torch.zeros((len(q), 3), dtype=q.dtype, device=q.device)
    for r, m in zip(right.split(_chunk(q), dim=1), moments.split(_chunk(q)), strict=True):
        square = (left @ r).clamp_(min=SOFT * variance)
        factor = _core(square, variance).div_(square)
        total.addmm_(factor, m)
    return torch.stack([total[:, 2] - q[:, 1] * total[:, 0], q[:, 0] * total[:, 0] - total[:, 1]], dim=1)


def _core(square: Tensor, variance: float) -> Tensor:
    """Return ``1 - exp(-r²/2s²)``; in double precision without cancellation."""
    exponent = square * (-0.5 / variance)
    if square.dtype == torch.float64:
        return torch.expm1(exponent.clamp_(min=DEEPEST)).neg_()
    return exponent.clamp_(min=DEEPEST).exp_().neg_().add_(1)


def _differences(q: Tensor, x: Tensor, w: Tensor, variance: float) -> Tensor:
    """The same with differences formed first: half as fast, right for cores far smaller than the cloud."""
    if len(q) > PAIRS:
        return torch.cat([_differences(part, x, w, variance) for part in q.split(PAIRS)])
    out = torch.zeros_like(q)
    for part, strength in zip(x.split(_chunk(q)), w.split(_chunk(q)), strict=True):
        dx, dy = q[:, :1] - part[:, 0], q[:, 1:] - part[:, 1]
        square = (dx * dx).addcmul_(dy, dy).add_(SOFT * variance)
        factor = _core(square, variance).div_(square)
        out[:, 0] -= dy.mul_(factor) @ strength
        out[:, 1] += dx.mul_(factor) @ strength
    return out


def torus_velocity(
    queries: Tensor, positions: Tensor, weights: Tensor, variance: float, lengths: tuple[float, float]
) -> Tensor:
    """Return the velocity ``(P, 2)`` on a torus, of mean zero, for vortices of variance s² per coordinate.

    What smoothing takes away is summed over the images that the Gaussian reaches, one if ``s < min(L)/16``.
    """
    out = torch.zeros_like(queries)
    reach = [math.floor(GAUSSIAN_REACH * math.sqrt(variance) / length + 0.5) for length in lengths]
    images = list(itertools.product(*(range(-n, n + 1) for n in reach)))
    chunk = max(1, _chunk(queries) // 4)
    for x, w in zip(positions.split(chunk), weights.split(chunk), strict=True):
        z = [_wrapped(queries[:, a, None] - x[:, a], lengths[a]) for a in (0, 1)]
        out[:, 0] -= _rows(z[1], z[0], lengths[1], lengths[0]) @ w
        out[:, 1] += _rows(z[0], z[1], lengths[0], lengths[1]) @ w
        for n in images:
            dx, dy = (z[a] - n[a] * lengths[a] for a in (0, 1))
            square = (dx.square() + dy.square()).clamp_(min=SOFT * variance)
            lost = torch.exp((square * (-0.5 / variance)).clamp_(min=DEEPEST)).div_(2 * math.pi * square)
            out[:, 0] += (lost * dy) @ w
            out[:, 1] -= (lost * dx) @ w
    return out


def _wrapped(z: Tensor, length: float) -> Tensor:
    return z - length * torch.round(z / length)


def _rows(along: Tensor, across: Tensor, period: float, spacing: float) -> Tensor:
    """Return the sum over rows of vortices, periodic ``along`` and repeated ``across``."""
    a = along * (2 * math.pi / period)
    sine, cosine = torch.sin(a), torch.cos(a)
    # Rows fall off as e^{-2π|across|/period}; the nearest of those left out is half a spacing nearer.
    digits = -math.log(torch.finfo(a.dtype).eps / 16)
    count = math.ceil(digits * period / (2 * math.pi * spacing) + 0.5)
    total = torch.zeros_like(a)
    for m in range(-count, count + 1):
        b = (across - m * spacing) * (2 * math.pi / period)
        gap = 2 * torch.sinh(b / 2).square() + 2 * torch.sin(a / 2).square() if m == 0 else torch.cosh(b) - cosine
        total += sine / gap.clamp_(min=torch.finfo(a.dtype).tiny * 1e4)
    return total / (2 * period)
