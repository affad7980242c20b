"""Check that a canonical form still says what the user declared.

The form is written out as expressions again and subtracted from the rows that went in; every
coefficient of the difference must vanish as a function of k.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal
from sciml.forms.frame import Frame
from sciml.forms.multiplier import multiply
from sciml.forms.rows import Row, Term
from sciml.forms.semilinear import SemilinearForm
from sciml.forms.split import split_row

__all__ = ["difference", "reassemble"]

ROUNDING = 1e-13  # of the largest number in a sum


def reassemble(form: SemilinearForm) -> list[sp.Expr]:
    """Return ``M ∂ₜz - L z - Σ A[n] - Σ B[g ξ]`` for each state row."""
    frame, rows = form.frame, []
    for i in range(len(form.state)):
        total = []
        for j, f in enumerate(form.state):
            total.append(multiply(sp.Derivative(f, frame.time), form.mass[i, j], frame))
            total.append(-multiply(f, form.linear[i, j], frame))
        total += [-multiply(form.expression(term.n), term.column[i], frame) for term in form.nonlinear]
        for noise in form.noise:
            driven = form.expression(noise.amplitude) * noise.noise
            total.append(-multiply(driven, noise.column[i], frame))
        rows.append(sp.Add(*total))
    return rows


def difference(form: SemilinearForm, rows: Sequence[Row]) -> list[str]:
    """Return what differs between a form and the rows it was made from; empty if nothing does."""
    found = []
    for row, expr in zip(rows, reassemble(form), strict=True):
        origin = row.terms[0].origin
        both = Row(row.equation, (*row.terms, Term(-expr, origin)))
        found += [f"{row.equation}: {left}" for left in _leftovers(both, form.state, form.frame)]
    return found


def _leftovers(row: Row, state: Sequence[sp.Expr], frame: Frame) -> list[str]:
    split = split_row(row, state, frame)
    sums: dict[sp.Expr, list[sp.Expr]] = {}
    for f, s in [*split.rate.items(), *split.linear.items()]:
        sums.setdefault(f, []).append(s)
    driven = [(p.n, p.outer) for p in split.nonlinear]
    driven += [(p.amplitude * p.noise, p.outer) for p in split.noise]
    for n, outer in driven:
        coefficient, core = n.as_independent(*_variables(n, frame), as_Add=False)
        sums.setdefault(core, []).append(coefficient * outer)
    left = {core: _without_rounding(parts) for core, parts in sums.items()}
    return [f"{text(s)} on {text(core)}" for core, s in left.items() if not vanishes(s)]


def _without_rounding(parts: Sequence[sp.Expr]) -> sp.Expr:
    """Return a sum without the numbers that rounding leaves of those that cancel."""
    largest = max((abs(c) for p in parts for c in p.atoms(sp.Float)), default=0)
    total = sp.expand(sp.Add(*parts))
    return total.xreplace({c: sp.S.Zero for c in total.atoms(sp.Float) if abs(c) <= ROUNDING * largest})


def _variables(n: sp.Expr, frame: Frame) -> list[sp.Expr]:
    from_state = [a for a in n.atoms(sp.Function, sp.Expr) if a.free_symbols & frame.coordinates]
    return from_state or [frame.time]


def vanishes(symbol: sp.Expr) -> bool:
    """Tell whether a symbol is zero for all k ≠ 0."""
    plain = symbol.replace(Reciprocal, lambda e: 1 / e)
    return bool(sp.expand(plain) == 0 or sp.cancel(sp.together(plain)) == 0 or sp.simplify(plain) == 0)
