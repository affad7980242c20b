"""One-step schemes of semilinear SPDEs: ``û' = A û + D N̂(û, t) + noise``, all three by the modes.

    exponential Euler     A = e^{hP}                           D = h φ₁(hP)
    semi-implicit Euler   A = R (1 + hP₀)                      D = h R,  R = (1 - hP₁)⁻¹
    Crank-Nicolson        A = R (1 + hP₁/2 + hP₀)              D = h R,  R = (1 - hP₁/2)⁻¹

P = M⁻¹L; P₀ holds the terms without derivatives on its diagonal, P₁ the others. Noise whose amplitude does not
contain the state enters by a matrix for each mode, applied to its increments over equal parts of
the step. For exponential Euler there are two such matrices:

- *path*: ``E[∫₀ʰ e^{(h-s)P} b dW_s | increments]``, the best one given the increments, as a replay wants;
- *law*: the nearest one to it for which the result has the covariance ``∫₀ʰ e^{sP} b b* e^{sP*} ds``
  of the exact stochastic convolution, at any step size. A system of n fields takes n parts.

Lord & Rougemont 2004, doi:10.1093/imanum/24.4.587; Jentzen & Kloeden 2009, doi:10.1098/rspa.2008.0325.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.forms import SemilinearForm
from sciml.fourier.modes import Modes
from sciml.fourier.phi import balanced, phi_diagonal, phi_matrix
from sciml.fourier.scheme_names import SchemeName, Weighting

__all__ = ["OneStep", "linear_parts", "one_step"]

SMALL = 2.0**-4  # of h|P| below which Gauss-Legendre quadrature of the covariance is exact to rounding
NODES = 8


@dataclass(frozen=True)
class OneStep:
    """A scheme for one step size, in double precision.

    Attributes:
        h: The step.
        linear: ``A``, ``(batch, n, *spectrum)`` if diagonal, else ``(batch, n, n, *spectrum)``.
        drift: ``D``, shaped likewise.
        noise: What multiplies ``M⁻¹B[g ΔW]`` where the amplitude g contains the state, shaped likewise.
        additive: For each column b of the other noises, ``(batch, n, parts, *spectrum)``.
        parts: Equal parts of the step whose increments the noise is made of.
    """

    h: float
    linear: Tensor
    drift: Tensor
    noise: Tensor
    additive: tuple[Tensor, ...]
    parts: int


def linear_parts(form: SemilinearForm, modes: Modes, *, differences: bool) -> tuple[Tensor, Tensor]:
    """Return P₁ and P₀ on the modes, diagonals ``(batch, n, *spectrum)`` or matrices ``(batch, n, n, *spectrum)``.

    Args:
        form: The canonical form.
        modes: The grid.
        differences: Take the symbols of second-order central differences for derivatives in P₁.
    """
    n, k = len(form.state), tuple(form.frame.k.values())
    places = [(i, i) for i in range(n)] if form.is_diagonal else [(i, j) for i in range(n) for j in range(n)]
    with_k, without = [], []
    for place in places:
        constant, rest = sp.expand(form.propagator[place]).as_independent(*k, as_Add=True)
        if place[0] != place[1]:  # what couples fields, as u_t = v in a wave, is no reaction that may be explicit
            constant, rest = sp.S.Zero, constant + rest
        with_k.append(_differenced(rest, form, modes) if differences else rest)
        without.append(constant)
    out = []
    for entries in (with_k, without):
        values = [modes.symbol(e) for e in entries]
        if any(v.is_complex() for v in values):
            values = [v.to(torch.complex128) for v in values]
        stacked = torch.stack(torch.broadcast_tensors(*values), dim=1)
        out.append(stacked if form.is_diagonal else stacked.unflatten(1, (n, n)))
    return out[0], out[1]


def _differenced(symbol: sp.Expr, form: SemilinearForm, modes: Modes) -> sp.Expr:
    """Replace powers of k: ``k²`` by ``(2/dx sin(k dx/2))²``, and one factor k of an odd power by ``sin(k dx)/dx``."""
    for axis, k in enumerate(form.frame.k.values()):
        dx = sp.Float(modes.lengths[axis] / (modes.grid[axis] - (modes.folds[axis] > 1)))
        second, first = (2 / dx * sp.sin(k * dx / 2)) ** 2, sp.sin(k * dx) / dx
        poly = sp.Poly(symbol, k)
        symbol = sp.Add(*(c * second ** (p // 2) * first ** (p % 2) for (p,), c in poly.terms()))
    return symbol


def one_step(
    scheme: SchemeName,
    parts: tuple[Tensor, Tensor],
    h: float,
    columns: Sequence[Tensor],
    *,
    diagonal: bool,
    weighting: Weighting,
) -> OneStep:
    """Return a scheme for a step size.

    Args:
        scheme: Its name.
        parts: P₁ and P₀ of :func:`linear_parts`.
        h: The step.
        columns: ``M⁻¹b`` of each noise with an amplitude free of the state, ``(batch, n, *spectrum)``.
        diagonal: Whether P₁ and P₀ are diagonals.
        weighting: How exponential Euler weights increments; the others have one way only.
    """
    if scheme != "exponential-euler":
        made = _implicit_diagonal if diagonal else _implicit_matrix
        return made(parts[0], parts[1], h, 0.5 if scheme == "crank-nicolson" else 1.0, columns)
    total = parts[0] + parts[1]
    return (_exponential_diagonal if diagonal else _exponential_matrix)(total, h, columns, weighting)


def _exponential_diagonal(p: Tensor, h: float, columns: Sequence[Tensor], weighting: Weighting) -> OneStep:
    phi = phi_diagonal(p * h)[0]
    growth = 2 * h * (p.real if p.is_complex() else p)
    # The phase is that of the conditional mean, so that of all weights with this law it is the nearest.
    weight = torch.sqrt(phi_diagonal(growth)[0]) * torch.sgn(phi) if weighting == "law" else phi
    additive, parts = tuple((weight * b)[:, :, None] for b in columns), 1
    if weighting == "law" and any(int((b != 0).flatten(2).any(2).any(0).sum()) > 1 for b in columns):
        # One noise in several fields: what they share of it depends on how each forgets, which takes several parts.
        additive, parts = _additive(torch.diag_embed(p.movedim(1, -1)), h, columns, weighting)
    return OneStep(h, torch.exp(p * h), h * phi, weight, additive, parts)


def _exponential_matrix(p: Tensor, h: float, columns: Sequence[Tensor], weighting: Weighting) -> OneStep:
    matrices = _inner(p)
    exponential, phi, *_ = phi_matrix(matrices * h)
    made = tuple(m.movedim((-2, -1), (1, 2)) for m in (exponential, h * phi, phi))
    return OneStep(h, made[0], made[1], made[2], *_additive(matrices, h, columns, weighting))


def _additive(p: Tensor, h: float, columns: Sequence[Tensor], weighting: Weighting) -> tuple[tuple[Tensor, ...], int]:
    """Return the weights of each column for matrices ``(batch, *spectrum, n, n)``, and in how many parts of a step."""
    count = p.shape[-1] if weighting == "law" and columns else 1
    p, additive = p.to(torch.complex128), []
    for b in columns:
        vector = b.movedim(1, -1)[..., None].to(torch.complex128)
        best = _conditional(p, vector, h, count)
        weights = _matched(best, _covariance(p, vector, h), h / count) if weighting == "law" else best
        additive.append(weights.movedim((-2, -1), (1, 2)))
    return tuple(additive), count


def _implicit_diagonal(p1: Tensor, p0: Tensor, h: float, theta: float, columns: Sequence[Tensor]) -> OneStep:
    r = 1 / (1 - theta * h * p1)
    linear = r * (1 + (1 - theta) * h * p1 + h * p0)
    return OneStep(h, linear, h * r, r, tuple((r * b)[:, :, None] for b in columns), 1)


def _implicit_matrix(p1: Tensor, p0: Tensor, h: float, theta: float, columns: Sequence[Tensor]) -> OneStep:
    first, rest = _inner(p1), _inner(p0)
    eye = torch.eye(first.shape[-1], dtype=first.dtype, device=first.device)
    r = torch.linalg.inv(eye - theta * h * first)
    linear = r @ (eye + (1 - theta) * h * first + h * rest)
    additive = [r @ b.movedim(1, -1)[..., None].to(r.dtype) for b in columns]
    made = tuple(m.movedim((-2, -1), (1, 2)) for m in (linear, h * r, r, *additive))
    return OneStep(h, made[0], made[1], made[2], made[3:], 1)


def _inner(matrices: Tensor) -> Tensor:
    return matrices.movedim((1, 2), (-2, -1)).to(torch.complex128)


def _conditional(p: Tensor, b: Tensor, h: float, count: int) -> Tensor:
    """Return the weights ``E[∫ e^{(h-s)P} b dW_s | increments over equal parts]``, ``(..., n, count)``."""
    exponential, phi, *_ = phi_matrix(p * (h / count))
    columns = [phi @ b]
    for _ in range(count - 1):
        columns.insert(0, exponential @ columns[0])
    return torch.cat(columns, dim=-1)


def _covariance(p: Tensor, b: Tensor, h: float) -> Tensor:
    """Return ``Q(h) = ∫₀ʰ e^{sP} b b* e^{sP*} ds``: by quadrature for a short time, which is then doubled.

    ``Q(2s) = Q(s) + e^{sP} Q(s) e^{sP*}`` has positive terms only, and needs no inverse of P.
    """
    scale, p = balanced(p.contiguous())
    b = b / scale[..., None]
    size = float(torch.linalg.matrix_norm(p).max()) * h
    doublings = max(0, math.ceil(math.log2(size / SMALL))) if size > 0 else 0
    s = h / 2**doublings
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    total = torch.zeros_like(p)
    for node, weight in zip(nodes, weights, strict=True):
        column = torch.linalg.matrix_exp(p * (s * (node + 1) / 2)) @ b
        total = total + (s * weight / 2) * (column @ column.mH)
    for _ in range(doublings):
        exponential = torch.linalg.matrix_exp(p * s)
        total = total + exponential @ total @ exponential.mH
        s *= 2
    restored: Tensor = total * scale[..., :, None] * scale[..., None, :]
    return restored


def _matched(best: Tensor, covariance: Tensor, part: float) -> Tensor:
    """Return the weights nearest to ``best`` for which increments over ``part`` give the covariance."""
    values, vectors = torch.linalg.eigh((covariance + covariance.mH) / 2)
    root = (vectors * values.clamp(min=0).sqrt()[..., None, :]) @ vectors.mH
    left, _, right = torch.linalg.svd(root @ best)
    nearest: Tensor = root @ left @ right / math.sqrt(part)
    return nearest
