"""How a form differs from Navier-Stokes, in the words of the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from sciml.dsl.text import text
from sciml.dsl.wavenumbers import squared_norm
from sciml.forms.bilinear import velocity_symbol
from sciml.forms.frame import Frame
from sciml.forms.multiplier import Multiplier, differentiate, is_local, multiply, to_derivatives, with_derivatives
from sciml.forms.norm import from_norm, in_norm
from sciml.forms.response import Monomial, monomials
from sciml.forms.semilinear import SemilinearForm

__all__ = ["excess", "multiples", "shown", "shown_linear", "shown_monomial", "vector_name"]

MOST_TERMS = 5


def vector_name(fields: Sequence[sp.Expr], frame: Frame) -> str:
    """Return ``w`` for ``w`` and for ``(w_x, w_y, w_z)``; other fields are listed."""
    names: list[str] = [f.func.__name__ for f in fields]
    base = names[0].removesuffix(f"_{frame.space[0].name}")
    if len(names) == 1 or names == [f"{base}_{x.name}" for x in frame.space]:
        return names[0] if len(names) == 1 else base
    return f"({', '.join(names)})"


def shown(expr: sp.Expr, frame: Frame) -> str:
    """Print an expression with derivatives where operators are local, and ``|k|`` elsewhere."""
    norm: str = text(squared_norm(frame.k))
    plain = text(with_derivatives(expr, frame)).replace(f"Reciprocal({norm})", "|k|^-2")
    return plain.replace(f"sqrt({norm})", "|k|").replace(f"({norm})", "|k|^2")


def shown_linear(form: SemilinearForm, field: int, symbol: sp.Expr) -> str:
    """Print a linear term, with derivatives where it is local."""
    return shown(multiply(form.state[field], sp.expand(symbol), form.frame), form.frame)


def shown_monomial(form: SemilinearForm, monomial: Monomial) -> str:
    """Print one pointwise term, without the operator it enters the equations through."""
    return shown(form.expression(monomial.expr), form.frame).removeprefix("-")


def multiples(pieces: Mapping[str, sp.Expr], vorticity: str, known: str, frame: Frame) -> str:
    """Say which of the expected terms has a wrong factor, and what is missing.

    Args:
        pieces: The factor of each term.
        vorticity: Its name.
        known: What the names in the answer mean.
        frame: Time and space.
    """
    terms = {"advection": (f"Advect(v, {vorticity})", 1), "stretching": (f"Advect({vorticity}, v)", -1)}
    said, missing = [], []
    values = set(pieces.values())
    if len(pieces) > 1 and len(values) == 1:
        said.append(f"the quadratic terms are {_factor(values.pop())}s")
    else:
        said += [f"the {name} term is {_factor(c)}" for name, c in pieces.items() if c != 1]
    for name, c in pieces.items():
        term, sign = terms[name]
        if (gap := sp.expand(sign * (c - 1))) != 0:
            missing.append(_times(gap, term))
    order = ", ".join(x.name for x in frame.space)
    turned = set(pieces.values()) == {sp.S.NegativeOne}
    hint = f" (the velocity is reversed, or curls are not taken in the coordinate order ({order}))" if turned else ""
    total = " + ".join(missing).replace("+ -", "- ")
    return f"{' and '.join(said)}{hint}; expected minus declared: {total} with {known}"


def _factor(c: sp.Expr) -> str:
    return "missing" if c == 0 else f"{text(c)} times the expected one"


def _times(c: sp.Expr, term: str) -> str:
    if abs(c) == 1:
        return term if c == 1 else f"-{term}"
    return f"({text(c)})*{term}" if c.is_Add else f"{text(c)}*{term}"


def excess(form: SemilinearForm, rows: Sequence[int], known: str) -> str:
    """Print what the quadratic part lacks, term by term after the product rule."""
    frame, found, explained = form.frame, [], False
    w = [form.state[r] for r in rows]
    velocity, names = _velocity(w, frame)
    for i, r in enumerate(rows):
        terms = [-v * differentiate(w[i], x, frame) for v, x in zip(velocity, frame.space, strict=True)]
        if frame.dim == 3:
            terms += [wm * differentiate(velocity[i], x, frame) for wm, x in zip(w, frame.space, strict=True)]
        for m in monomials(form):
            if m.degree == 2:
                symbol = (form.inverse_mass * sp.Matrix(m.term.column))[r]
                terms.append(-_opened(form.expression(m.expr), sp.expand(symbol), frame))
        gap = sp.expand(_canonical(sp.expand(sp.Add(*terms)), w, frame)).xreplace(names)
        explained = explained or bool(gap.free_symbols & {v.as_coeff_Mul()[1] for v in names.values()})
        if gap != 0:
            found.append(_first(gap, frame) + (f" in the equation of {text(w[i])}" if len(rows) > 1 else ""))
    total = ", ".join(found) + (f" with {known}" if explained else "")
    return f"the quadratic terms are not those of Navier-Stokes; expected minus declared: {total}"


def _velocity(w: Sequence[sp.Expr], frame: Frame) -> tuple[list[sp.Expr], dict[sp.Expr, sp.Expr]]:
    """Return the velocity of a vorticity, and names for its components where each is one atom."""
    velocity = [
        sp.Add(*(multiply(f, s, frame) for f, s in zip(w, row, strict=True))) for row in velocity_symbol(frame.k)
    ]
    names = {}
    for v, x in zip(velocity, frame.space, strict=True):
        sign, atom = v.as_coeff_Mul()
        if isinstance(atom, Multiplier):
            names[_canonical(atom, w, frame)] = sign * sp.Symbol(f"v_{x.name}", real=True)
    return velocity, names


def _opened(expr: sp.Expr, symbol: sp.Expr, frame: Frame) -> sp.Expr:
    return to_derivatives(expr, symbol, frame) if is_local(symbol, frame) else multiply(expr, symbol, frame)


def _canonical(expr: sp.Expr, w: Sequence[sp.Expr], frame: Frame) -> sp.Expr:
    """Give equal maps of a field one spelling: a sum of single powers, without divergence of w."""
    if isinstance(expr, Multiplier):
        *ks, last = frame.k.values()
        total = []
        for term in sp.Add.make_args(in_norm(expr.symbol, frame)):
            if len(w) == 3 and expr.operand == w[-1] and term.has(last):  # k_z ω_z = -k_x ω_x - k_y ω_y
                total += [(f, -k * term / last) for f, k in zip(w, ks, strict=False)]
            else:
                total.append((_canonical(expr.operand, w, frame), term))
        single = [(f, s) for f, term in total for s in sp.Add.make_args(from_norm(term, frame))]
        return sp.Add(*(multiply(f, s, frame) for f, s in single))
    if not expr.args or not expr.has(Multiplier):
        return expr
    return expr.func(*(_canonical(a, w, frame) for a in expr.args))


def _first(gap: sp.Expr, frame: Frame) -> str:
    terms = sp.Add.make_args(gap)
    first = shown(sp.Add(*terms[:MOST_TERMS]), frame)
    return first if len(terms) <= MOST_TERMS else f"{first} and {len(terms) - MOST_TERMS} more"
