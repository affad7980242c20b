"""Read viscosity, drag and mean flow off a linear symbol.

A linear symbol of Navier-Stokes is

    ℓ(k) = -i U·k - Σ_j ν_j |k|^{α_j} - μ,

the advection by a mean flow U, (fractional) diffusion and linear drag; whatever else it holds is
kept apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from sciml.dsl.wavenumbers import squared_norm
from sciml.forms.frame import Frame
from sciml.forms.norm import NORM, ROUNDING, from_norm, in_norm, rounded

__all__ = ["LinearFlow", "common_symbol", "linear_flow"]

Pairs = tuple[tuple[sp.Expr, sp.Expr], ...]


@dataclass(frozen=True)
class LinearFlow:
    """The parts of a linear symbol.

    Attributes:
        diffusion: Pairs (ν, α), one for each power ``-ν|k|^α``, highest order first; the
            Laplacian has α = 2.
        drag: μ in ``-μ``.
        mean_flow: U in ``-i U·k``, one component per space coordinate.
        rest: The part of the symbol that is none of these.
    """

    diffusion: Pairs
    drag: sp.Expr
    mean_flow: tuple[sp.Expr, ...]
    rest: sp.Expr


def linear_flow(symbol: sp.Expr, frame: Frame) -> LinearFlow:
    """Sort the terms of a scalar symbol by their dependence on k."""
    ks = tuple(frame.k.values())
    diffusion: dict[sp.Expr, sp.Expr] = {}
    drag, rest = sp.S.Zero, sp.S.Zero
    mean_flow = [sp.S.Zero for _ in ks]
    for term in _significant(sp.Add.make_args(in_norm(symbol, frame))):
        coefficient, core = term.as_independent(NORM, *ks, as_Add=False)
        base, exponent = core.as_base_exp()
        if core == 1:
            drag -= coefficient
        elif core in ks:
            mean_flow[ks.index(core)] += sp.I * coefficient
        elif base == NORM and exponent.is_positive is not False:
            diffusion[2 * exponent] = diffusion.get(2 * exponent, sp.S.Zero) - coefficient
        else:
            rest += term
    orders = sorted((order for order, c in diffusion.items() if c != 0), key=sp.default_sort_key, reverse=True)
    pairs = tuple((rounded(diffusion[order]), order) for order in orders)
    return LinearFlow(pairs, rounded(drag), tuple(map(rounded, mean_flow)), from_norm(rest, frame))


def _significant(terms: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Leave out terms that rounding errors have left over."""
    sizes = [abs(term.as_coeff_Mul()[0]) for term in terms]
    least = ROUNDING * max(sizes)
    return [t for t, size in zip(terms, sizes, strict=True) if not (size.is_Float and size <= least)]


def common_symbol(matrix: sp.Matrix, frame: Frame) -> tuple[sp.Expr, sp.Matrix]:
    """Split a matrix of symbols into ``ℓ(k) I`` and a rest, on vectors orthogonal to k.

    ``-ν curl curl`` and ``ν Δ`` are one operator on fields without divergence.

    Returns:
        The mean ℓ of the two directions, and the rest, which is zero if they are alike.
    """
    first, size = matrix[0, 0], matrix.rows
    if matrix.is_diagonal() and all(matrix[i, i] == first for i in range(size)):
        return first, sp.zeros(size, size)
    k = sp.Matrix(list(frame.k.values()))
    across = squared_norm(frame.k) * sp.eye(size) - k * k.T  # |k|² times the projector
    mapped = (matrix * across).applyfunc(lambda e: sp.expand(in_norm(e, frame) / NORM))
    mean = sp.expand(mapped.trace() / (size - 1))
    rest = mapped - (mean * across / NORM).applyfunc(lambda e: in_norm(e, frame))
    return from_norm(mean, frame), rest.applyfunc(lambda e: from_norm(sp.expand(e), frame))
