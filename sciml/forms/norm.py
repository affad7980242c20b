"""Symbols as functions of ``|k|²`` and the components of k, for k ≠ 0.

``k_y² = |k|² - k_x²`` makes one of the squares redundant. Without the last one, a symbol that is
rational in ``|k|²`` with powers of components has one spelling only, and an isotropic one holds no
component at all. This is much faster than cancelling fractions in all components.
"""

from __future__ import annotations

import sympy as sp

from sciml.dsl.wavenumbers import Reciprocal, squared_norm
from sciml.forms.frame import Frame

__all__ = ["NORM", "ROUNDING", "from_norm", "in_norm", "plain", "reduced", "rounded"]

NORM = sp.Dummy("norm", positive=True)  # |k|²
ROUNDING = 1e-12  # relative error of a few operations on floating-point numbers


def plain(symbol: sp.Expr) -> sp.Expr:
    """Write ``Reciprocal(e)`` as ``1/e``: the same function for almost every k."""
    return symbol.replace(Reciprocal, lambda e: 1 / e)


def in_norm(symbol: sp.Expr, frame: Frame) -> sp.Expr:
    """Write a symbol in ``NORM`` and the components, the last one to the power 0 or 1."""
    *others, last = frame.k.values()
    root = sp.sqrt(NORM - sp.Add(*(k**2 for k in others)))
    expr = sp.expand(plain(symbol).subs(last, root))
    if any(p.exp.is_negative and p.base.is_Add for p in expr.atoms(sp.Pow)):
        expr = sp.expand(sp.cancel(sp.together(expr)))
    return expr.xreplace({root: last})


def from_norm(expr: sp.Expr, frame: Frame) -> sp.Expr:
    """Return to the components of k, with ``Reciprocal`` for what is not defined at k = 0."""
    square = squared_norm(frame.k)

    def power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        if exponent.could_extract_minus_sign():
            return Reciprocal(square**-exponent)
        return square**exponent

    negative = {p: power(*p.args) for p in expr.atoms(sp.Pow) if p.base == NORM}
    return sp.expand(expr.xreplace(negative).xreplace({NORM: square}))


def reduced(symbol: sp.Expr, frame: Frame) -> sp.Expr:
    """Cancel ``|k|²`` against its reciprocal; equal to the symbol for all k ≠ 0."""
    expanded = sp.expand(symbol)
    if not (expanded.is_Add and expanded.has(Reciprocal)):
        return expanded
    return from_norm(in_norm(expanded, frame), frame)


def rounded(expr: sp.Expr) -> sp.Expr:
    """Replace floating-point numbers that stand for integers: 0.3/0.3 is 1."""
    near = {f: sp.Integer(round(f)) for f in expr.atoms(sp.Float)}
    return expr.xreplace({f: n for f, n in near.items() if abs(f - n) <= ROUNDING})
