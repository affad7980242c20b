"""ETDRK4: the fourth-order exponential Runge-Kutta scheme of Cox and Matthews.

    a = e^{hL/2} z + Q N(z)            b = e^{hL/2} z + Q N(a)
    c = e^{hL/2} a + Q (2 N(b) - N(z))    Q = (h/2) φ₁(hL/2)
    z' = e^{hL} z + f₁ N(z) + 2 f₂ (N(a) + N(b)) + f₃ N(c)
    f₁ = h(φ₁ - 3φ₂ + 4φ₃)   f₂ = h(φ₂ - 2φ₃)   f₃ = h(4φ₃ - φ₂)   at hL

Exact for N = 0. Cox & Matthews 2002, doi:10.1006/jcph.2002.6995, eqs. (26)-(29).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fourier.apply import apply, apply_add
from sciml.fourier.phi import phi_diagonal, phi_matrix
from sciml.fourier.system import System

__all__ = ["Coefficients", "coefficients", "step", "weights"]


@dataclass(frozen=True)
class Coefficients:
    """The scheme for one step size.

    Each array is ``(batch, n, *spectrum)`` for a diagonal linear part, and
    ``(batch, n, n, *spectrum)`` for a matrix at each mode.
    """

    h: float
    full: Tensor
    half: Tensor
    q: Tensor
    f1: Tensor
    f2: Tensor
    f3: Tensor


def weights(phi1: Tensor, phi2: Tensor, phi3: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return f₁/h, 2f₂/h and f₃/h; at hL = 0 they are 1/6, 1/3 twice over two stages, and 1/6."""
    return phi1 - 3 * phi2 + 4 * phi3, 2 * (phi2 - 2 * phi3), 4 * phi3 - phi2


def coefficients(linear: Tensor, h: float, diagonal: bool, dtype: torch.dtype) -> Coefficients:
    """Compute the coefficients in double precision and cast them to the dtype of the run."""
    if diagonal:
        half = phi_diagonal(linear * (h / 2))[0]
        phis = phi_diagonal(linear * h)
        exponentials = torch.exp(linear * h), torch.exp(linear * (h / 2))
    else:
        matrices = linear.movedim((1, 2), (-2, -1)).to(torch.complex128)
        at_half = phi_matrix(matrices * (h / 2))
        at_full = phi_matrix(matrices * h)
        back = [_back(m, linear) for m in (at_half[1], *at_full[1:], at_full[0], at_half[0])]
        half, phis, exponentials = back[0], (back[1], back[2], back[3]), (back[4], back[5])
    f1, f2, f3 = weights(*phis)
    made = (*exponentials, half * (h / 2), f1 * h, f2 * h, f3 * h)
    return Coefficients(h, *(c.to(dtype.to_complex()).contiguous() for c in made))


def _back(matrices: Tensor, like: Tensor) -> Tensor:
    moved = matrices.movedim((-2, -1), (1, 2))
    return moved if like.is_complex() else moved.real


def step(system: System, state: Tensor, t: float, c: Coefficients) -> Tensor:
    """Advance the coefficients ``ẑ`` by one step of size ``c.h``."""
    n0 = system.nonlinear(state, t)
    half = apply(c.half, state)
    a = apply_add(half, c.q, n0)
    n1 = system.nonlinear(a, t + c.h / 2)
    b = apply_add(half, c.q, n1)
    n2 = system.nonlinear(b, t + c.h / 2)
    last = apply_add(apply(c.half, a), c.q, 2 * n2 - n0)
    n3 = system.nonlinear(last, t + c.h)
    total = apply_add(apply(c.full, state), c.f1, n0)
    return apply_add(apply_add(total, c.f2, n1 + n2), c.f3, n3)
