"""ETDRK4: the fourth-order exponential Runge-Kutta scheme of Cox and Matthews.

    a = e^{hL/2} z + Q N(z)            b = e^{hL/2} z + Q N(a)
    c = e^{hL/2} a + Q (2 N(b) - N(z)) Q = (h/2) φ₁(hL/2)
    z' = e^{hL} z + f₁ N(z) + 2 f₂ (N(a) + N(b)) + f₃ N(c)
    f₁ = h(φ₁ - 3φ₂ + 4φ₃)   f₂ = h(φ₂ - 2φ₃)   f₃ = h(4φ₃ - φ₂)   at hL

Exact for N = 0. Cox & Matthews 2002, doi:10.1006/jcph.2002.6995, eqs. (26)-(29).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.solvers.spectral.phi import phi_diagonal, phi_matrix
from sciml.solvers.spectral.symbols import GridSymbol, MatrixSymbol
from sciml.solvers.spectral.system import System

__all__ = ["Coefficients", "coefficients", "step", "weights"]


Operator = GridSymbol | MatrixSymbol


@dataclass(frozen=True)
class Coefficients:
    """The scheme for one step size."""

    h: float
    full: Operator
    half: Operator
    q: Operator
    f1: Operator
    f2: Operator
    f3: Operator


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
    kind = GridSymbol if diagonal else MatrixSymbol
    return Coefficients(h, *(kind(c, dtype) for c in (*exponentials, half * (h / 2), f1 * h, f2 * h, f3 * h)))


def _back(matrices: Tensor, like: Tensor) -> Tensor:
    moved = matrices.movedim((-2, -1), (1, 2))
    return moved if like.is_complex() else moved.real


def step(system: System, state: Tensor, t: float, c: Coefficients) -> Tensor:
    """Advance the coefficients ``ẑ`` by one step of size ``c.h``."""
    n0 = system.nonlinear(state, t)
    half = c.half(state)
    a = c.q.added(half, n0)
    n1 = system.nonlinear(a, t + c.h / 2)
    b = c.q.added(half, n1)
    n2 = system.nonlinear(b, t + c.h / 2)
    last = c.q.added(c.half(a), torch.add(-n0, n2, alpha=2))
    n3 = system.nonlinear(last, t + c.h)
    total = c.f1.added(c.full(state), n0)
    return c.f3.added(c.f2.added(total, n1 + n2), n3)
