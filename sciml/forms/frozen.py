"""Terms that are linear in the state, with a coefficient that depends on time or place.

The canonical form holds them among its pointwise terms. With the coefficient frozen at one time and
place they act on short waves like any linear term, which is what decides whether short waves grow
there, and how stiff they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from sciml.forms.multiplier import Multiplier, is_explicit
from sciml.forms.rows import Origin
from sciml.forms.semilinear import SemilinearForm

__all__ = ["Varying", "coefficient_of", "frozen", "varying"]


@dataclass(frozen=True)
class Varying:
    """``coefficient(t, x) × part(k) z``, part of the pointwise term ``form.nonlinear[index]``.

    Attributes:
        coefficient: The function of time and place, with parameters.
        part: What it multiplies, as a matrix of symbols like L.
        index: Which pointwise term it stands in.
        piece: The summand of ``n`` that it is, in placeholders.
        origins: The user's terms it comes from.
    """

    coefficient: sp.Expr
    part: sp.ImmutableMatrix
    index: int
    piece: sp.Expr
    origins: tuple[Origin, ...]


def varying(form: SemilinearForm) -> list[Varying]:
    """Return the terms whose symbol depends on k and whose coefficient on time or place."""
    found = []
    for index, term in enumerate(form.nonlinear):
        for piece in sp.Add.make_args(term.n):
            split = coefficient_of(form.expression(piece), form)
            if split is None:
                continue
            coefficient, j, symbol = split
            part = sp.zeros(len(form.state))
            for i, outer in enumerate(term.column):
                part[i, j] = sp.expand(outer * symbol)
            if part.free_symbols & set(form.frame.k.values()):
                found.append(Varying(coefficient, sp.ImmutableMatrix(part), index, piece, term.origins))
    return found


def coefficient_of(n: sp.Expr, form: SemilinearForm) -> tuple[sp.Expr, int, sp.Expr] | None:
    """Return ``(c, j, s)`` if a product is ``c × s(D) z_j`` with c known and free of the state."""
    factors = sp.Mul.make_args(n)
    atoms = [f for f in factors if f in form.state or (isinstance(f, Multiplier) and f.operand in form.state)]
    coefficient = sp.Mul(*(f for f in factors if f not in atoms))
    if len(atoms) != 1 or not is_explicit(coefficient):
        return None
    atom = atoms[0]
    field, symbol = (atom, sp.S.One) if atom in form.state else (atom.operand, atom.symbol)
    return coefficient, form.state.index(field), symbol


def frozen(form: SemilinearForm, terms: Iterable[Varying]) -> sp.Matrix:
    """Return L with varying terms added; its entries depend on time and place."""
    linear = sp.Matrix(form.linear)
    for v in terms:
        linear += v.part.applyfunc(lambda s, c=v.coefficient: sp.Add(*(c * a for a in sp.Add.make_args(s))))
    return linear
