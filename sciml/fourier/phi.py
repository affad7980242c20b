"""The functions φ₁, φ₂, φ₃ of exponential integrators, for scalars and small matrices.

    φ₁(z) = (eᶻ - 1)/z,   φ_{j+1}(z) = (φ_j(z) - 1/j!)/z

The formulas cancel catastrophically near z = 0. There the mean over a circle around z is taken
(Kassam & Trefethen 2005, doi:10.1137/S1064827502410633), whose points keep away from 0. The
circle is used where |z| < 1 only; elsewhere the formulas are exact to rounding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["balanced", "phi_diagonal", "phi_matrix"]

POINTS = 32  # the mean over a circle of radius r converges like r^n/n!
BALANCING_SWEEPS = 20
RADIUS = 2.0  # with |z| < 1 the points stay at least 1 away from 0


def _circle(like: Tensor, points: int = POINTS) -> Tensor:
    angles = (torch.arange(points, dtype=torch.float64, device=like.device) + 0.5) * (2 * math.pi / points)
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex128)


def _recursion(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    phi1 = torch.expm1(z) / z if not z.is_complex() else (torch.exp(z) - 1) / z
    phi2 = (phi1 - 1) / z
    return phi1, phi2, (phi2 - 0.5) / z


def phi_diagonal(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return φ₁(z), φ₂(z), φ₃(z) elementwise for real or complex ``z`` of any shape."""
    small = z.abs() < 1
    results = _recursion(torch.where(small, torch.ones_like(z), z))
    inside = z[small]
    if inside.numel():
        points = inside.to(torch.complex128)[:, None] + RADIUS * _circle(z)
        for result, values in zip(results, _recursion(points), strict=True):
            mean = values.mean(-1)
            result[small] = (mean if z.is_complex() else mean.real).to(z.dtype)
    return results


def phi_matrix(a: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return e^A, φ₁(A), φ₂(A), φ₃(A) for a batch of complex matrices ``(..., n, n)``.

    The circle is centred on each matrix: A + ζ has the eigenvalues λ + ζ. Its radius is chosen per
    matrix: the smallest of 1, …, n + 1 that is at least 1/2 away from all |λ| (n moduli cannot block
    all of them), so that A + ζ is well conditioned even where one eigenvalue is stiff and another is
    zero.
    """
    scale, a = balanced(a.contiguous())
    size = a.shape[-1]
    eye = torch.eye(size, dtype=a.dtype, device=a.device)
    exponential = torch.linalg.matrix_exp(a)
    moduli = torch.linalg.eigvals(a).abs()
    radii = torch.arange(1, size + 2, dtype=moduli.dtype, device=a.device)
    distance = (moduli[..., None, :] - radii[:, None]).abs().amin(-1)
    radius = radii[(distance >= 0.49).to(torch.uint8).argmax(-1)][..., None, None]
    points = POINTS + 4 * size
    sums = [torch.zeros_like(a) for _ in range(3)]
    for point in _circle(a, points).to(a.dtype):
        zeta = radius * point
        shifted = a + zeta * eye
        value, factorial = torch.exp(zeta) * exponential, 1.0
        for j in range(3):
            value = torch.linalg.solve(shifted, value - eye / factorial)
            sums[j] += value / points
            factorial *= j + 1
    restore = scale[..., :, None] / scale[..., None, :]
    return exponential * restore, sums[0] * restore, sums[1] * restore, sums[2] * restore


def balanced(a: Tensor) -> tuple[Tensor, Tensor]:
    """Return d and ``D⁻¹ A D`` with ``D = diag(d)``, rows and columns of like norm.

    A wave equation couples u and u_t by 1 and -k²; balanced both are k, and the exponential loses
    digits in proportion to k instead of k² (Osborne 1960, doi:10.1145/321043.321048).
    """
    scale = torch.ones(a.shape[:-1], dtype=torch.float64, device=a.device)
    off = a * (1 - torch.eye(a.shape[-1], dtype=a.dtype, device=a.device))
    for _ in range(BALANCING_SWEEPS):
        rows = torch.linalg.vector_norm(off * (scale[..., None, :] / scale[..., :, None]), dim=-1)
        columns = torch.linalg.vector_norm(off * (scale[..., None, :] / scale[..., :, None]), dim=-2)
        usable = (rows > 0) & (columns > 0)
        scale = torch.where(usable, scale * (rows / columns.where(usable, 1.0)).clamp(min=1e-150) ** 0.25, scale)
    scale = torch.exp2(torch.log2(scale).round())  # powers of two: scaling loses nothing
    return scale, a * (scale[..., None, :] / scale[..., :, None])
