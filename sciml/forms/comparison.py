"""The parts of a form against those of Navier-Stokes in vorticity: quadratic, linear, and the rest.

Each comparison takes the rows of the form that are the vorticity, and returns what it found and
a line for each difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

import numpy as np
import sympy as sp

from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal
from sciml.forms.bilinear import combination, curl_symbol, expected
from sciml.forms.differences import excess, multiples, shown, shown_linear, shown_monomial, vector_name
from sciml.forms.linear_flow import LinearFlow, common_symbol, linear_flow
from sciml.forms.multiplier import multiply, with_derivatives
from sciml.forms.norm import in_norm, plain
from sciml.forms.response import Monomial, Refusal, monomials, multilinear_symbol
from sciml.forms.semilinear import SemilinearForm
from sciml.forms.vorticity import VorticityForm

__all__ = ["candidates", "compare_linear", "compare_others", "compare_quadratic", "core", "forcing"]

LONGEST = 80  # characters of a term in a message

Rows = tuple[int, ...]


def candidates(form: SemilinearForm, size: int) -> Rows:
    """Return the rows that hold a product with a nonlocal map, those of their own fields first."""

    def order(row: int) -> int:
        own, nonlocal_ = True, False
        for m in monomials(form):
            if m.slots and m.degree == 2 and m.term.column[row] != 0:
                own = own and all(s.state == row for s in m.slots)
                nonlocal_ = nonlocal_ or any(s.symbol.has(Reciprocal) for s in m.slots)
        return 2 if not nonlocal_ else 0 if own else 1

    return tuple(sorted(sorted(range(len(form.state)), key=order)[:size]))


def core(form: SemilinearForm) -> SemilinearForm:
    """Return a form without pointwise terms of degree above 2 and those that are no polynomials."""
    parts = monomials(form)
    kept = [m for m in parts if m.degree is not None and m.degree <= 2]
    if len(kept) == len(parts):
        return form
    return replace(form, nonlinear=tuple(replace(m.term, n=m.expr, degree=m.degree) for m in kept))


def compare_quadratic(form: SemilinearForm, rows: Rows, definition: str) -> tuple[Rows, dict[str, sp.Expr], list[str]]:
    """Compare the response to two waves with advection and stretching.

    Args:
        form: The form.
        rows: The fields that are the vorticity.
        definition: What the vorticity is if it was derived; then its components are in order.

    Returns:
        The rows in the order of the coordinates, the factor of each expected term, differences.
    """
    response = multilinear_symbol(form, 2)
    if isinstance(response, Refusal):
        names = " and ".join(map(str, response.coordinates))
        return rows, {}, [f"the coefficient of {shown(response.expr, form.frame)} depends on {names}"]
    basis = expected(response.waves)
    for order in _orders(form, rows, definition):
        coefficients = combination(response.part(order, order, order), basis)
        if coefficients is not None:
            pieces = dict(zip(("advection", "stretching"), coefficients, strict=False))
            right = all(c == 1 for c in coefficients)
            return order, pieces, [] if right else [multiples(pieces, *_named(form, order, definition), form.frame)]
    return rows, {}, [excess(form, rows, _named(form, rows, definition)[1])]


def _orders(form: SemilinearForm, rows: Rows, definition: str) -> Iterable[Rows]:
    """Return the orders that components may be in: any, if they were declared as scalars."""
    of_a_vector = vector_name([form.state[r] for r in rows], form.frame).isidentifier()
    return [rows] if definition or of_a_vector else permutations(rows)


def _named(form: SemilinearForm, rows: Rows, definition: str) -> tuple[str, str]:
    """Return the name of the vorticity, and what the names in a message mean."""
    w = vector_name([form.state[r] for r in rows], form.frame)
    return w, f"v = BiotSavart({w})" + (f", {w} = {definition}" if definition else "")


def compare_linear(form: SemilinearForm, rows: Rows) -> tuple[LinearFlow, list[str]]:
    """Read the linear terms of the vorticity, and find those that do not belong."""
    frame = form.frame
    matrix = sp.Matrix(form.propagator)
    symbol, unlike = common_symbol(matrix[list(rows), list(rows)], frame)
    wrong = []
    if not unlike.is_zero_matrix:
        i, j = next((i, j) for i, j in np.ndindex(unlike.shape) if unlike[i, j] != 0)
        term, w = shown_linear(form, rows[j], unlike[i, j]), text(form.state[rows[i]])
        wrong.append(f"the linear terms act unlike on the components, as {term} in the equation of {w}")
    flow = linear_flow(symbol, frame)
    if flow.rest != 0:
        term = shown_linear(form, rows[0], flow.rest)
        wrong.append(f"the linear term {term} is neither diffusion, drag nor advection by a mean flow")
    for c, order in flow.diffusion:
        if c.is_negative:
            wrong.append(f"the diffusion coefficient {text(c)} (of |k|^{text(order)}) is negative")
    for r in rows:
        for j in _outside(form, rows):
            if in_norm(matrix[r, j], frame) != 0:
                wrong.append(f"the term {shown_linear(form, j, matrix[r, j])} drives {text(form.state[r])}")
    return flow, wrong


def _outside(form: SemilinearForm, rows: Rows) -> list[int]:
    return [j for j in range(len(form.state)) if j not in rows]


def forcing(form: SemilinearForm, rows: Rows) -> tuple[sp.Expr, ...]:
    """Return what the vorticity's equations hold that is free of the state."""
    total = [sp.S.Zero for _ in rows]
    for m, column in _held(form, rows):
        if m.degree == 0:
            for i, s in enumerate(column):
                total[i] += with_derivatives(multiply(m.expr, s, form.frame), form.frame)
    return tuple(total)


def compare_others(
    form: SemilinearForm, rows: Rows, declared: SemilinearForm, changed: VorticityForm | None
) -> list[str]:
    """Find every term, as it was declared, and every field without counterpart in Navier-Stokes."""
    wrong = []
    if outside := _outside(form, rows):
        wrong.append(f"{vector_name([form.state[j] for j in outside], form.frame)} evolves as well")
    source = rows if changed is None else changed.axes or (0,)
    # A gradient in the equations of a velocity, such as a term in its potential, drops out.
    curl = sp.Matrix(curl_symbol(declared.frame.k)) if changed is not None and changed.axes else sp.eye(len(source))
    reasons: dict[str, list[str]] = {}
    for m, column in _held(declared, source):
        if (why := _reason(m, source, declared)) and any(in_norm(s, declared.frame) for s in curl * column):
            reasons.setdefault(why, []).append(shown_monomial(declared, m))
    wrong += [f"{_listed(dict.fromkeys(terms))} {why}" for why, terms in reasons.items()]
    return [*wrong, *(f"the noise {noise.noise} drives it" for noise in form.noise)]


def _reason(m: Monomial, rows: Rows, form: SemilinearForm) -> str:
    if m.slots is None:
        return "is no polynomial of the fields"
    if any(s.state not in rows for s in m.slots):
        return "holds another field than the vorticity"
    if len(m.slots) == 1:
        return "has a coefficient that is not constant"
    if len(m.slots) > 2 and not _cancels(form, rows, len(m.slots)):
        return f"is of degree {len(m.slots)}"
    return ""


def _cancels(form: SemilinearForm, rows: Rows, degree: int) -> bool:
    """Tell whether the terms of a higher degree are 0 together, as ``Dx(w**3, x) - 3*w**2*Dx(w, x)``."""
    if degree != 3:  # the number of entries grows as that of permutations
        return False
    response = multilinear_symbol(form, degree)
    if isinstance(response, Refusal):
        return False
    entries = response.part(*((rows,) * (degree + 1))).array.flat
    return all(sp.expand(plain(e)) == 0 for e in entries)


def _held(form: SemilinearForm, rows: Rows) -> list[tuple[Monomial, sp.Matrix]]:
    """Return each monomial with its column ``M⁻¹A`` in some rows, where that is not zero."""
    held = []
    for m in monomials(form):
        column = form.inverse_mass * sp.Matrix(m.term.column)
        part = sp.Matrix([sp.expand(column[r]) for r in rows])
        if not part.is_zero_matrix:
            held.append((m, part))
    return held


def _listed(terms: Iterable[str]) -> str:
    """Return ``the term a``, or the first of several."""
    first, *more = (s if len(s) <= LONGEST else f"{s[:LONGEST]}…" for s in terms)
    return f"the term {first}" + (f" (and {len(more)} more)" if more else "")
