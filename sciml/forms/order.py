"""Time order pass: equations of higher order in time become systems of first order.

``u`` with highest derivative ∂ᵣu becomes the states ``u, u_t, …`` (r of them); the equation then
holds ``∂ₜ`` of the last one, and ``∂ₜu = u_t`` is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from sciml.dsl.noise import Noise
from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.frame import Frame
from sciml.forms.multiplier import rebuild
from sciml.forms.rows import Origin, Row, Term

__all__ = ["FirstOrder", "first_order"]


@dataclass(frozen=True)
class FirstOrder:
    """Rows with first time derivatives only.

    Attributes:
        rows: The rows that were declared, rewritten.
        definitions: The added rows ``∂ₜu - u_t = 0``.
        order: Highest time derivative of each declared field (0 for algebraic ones).
        chain: The states that stand for each field and its lower derivatives.
    """

    rows: tuple[Row, ...]
    definitions: tuple[Row, ...]
    order: dict[sp.Expr, int]
    chain: dict[sp.Expr, tuple[sp.Expr, ...]]


def time_orders(rows: Sequence[Row], fields: Sequence[sp.Expr], frame: Frame) -> dict[sp.Expr, int]:
    """Return the highest time derivative of each field."""
    order = dict.fromkeys(fields, 0)
    for row in rows:
        for term in row.terms:
            for d in term.expr.atoms(sp.Derivative):
                variables = {v for v, _ in d.variable_count}
                if d.expr not in order or variables != {frame.time}:
                    shown = term.origin.excerpt
                    msg = f"{text(d)} is not a time derivative of an unknown field."
                    fix = f"derivatives in time are of the unknowns: {', '.join(map(text, fields))}"
                    if d.atoms(Noise):
                        fix = "the noise itself is the derivative of a Wiener process: write it without Dt"
                    raise DeclarationError("S130", msg, excerpt=shown, fix=fix)
                order[d.expr] = max(order[d.expr], int(sum(n for _, n in d.variable_count)))
    return order


def first_order(rows: Sequence[Row], fields: Sequence[sp.Expr], frame: Frame) -> FirstOrder:
    """Rewrite rows of any order in time as rows of first order."""
    order = time_orders(rows, fields, frame)
    chain = {f: _chain(f, max(r, 1), frame) for f, r in order.items()}
    generated = [z for f, states in chain.items() for z in states[1:]]
    for z in generated:
        if z in order:
            msg = f"the field {text(z)} has the name of a time derivative that the package adds to the state."
            raise DeclarationError("S102", msg, fix="rename it")

    def replace(atom: sp.Expr) -> sp.Expr | None:
        if not isinstance(atom, sp.Derivative):
            return None
        n = int(sum(c for _, c in atom.variable_count))
        states = chain[atom.expr]
        return states[n] if n < len(states) else sp.Derivative(states[-1], frame.time)

    rewritten = tuple(
        Row(row.equation, tuple(Term(rebuild(t.expr, frame, replace), t.origin) for t in row.terms)) for row in rows
    )
    definitions = []
    for states in chain.values():
        for lower, higher in pairwise(states):
            name = f"{text(higher)} (definition)"
            origin = Origin(name, f"Dt({text(lower)}) = {text(higher)}", higher, side=0)
            terms = (Term(sp.Derivative(lower, frame.time), origin), Term(-higher, origin))
            definitions.append(Row(name, terms))
    return FirstOrder(rewritten, tuple(definitions), order, chain)


def _chain(field: sp.Expr, order: int, frame: Frame) -> tuple[sp.Expr, ...]:
    name, t = field.func.__name__, frame.time.name
    names = [name, *(f"{name}_{t * n}" for n in range(1, order))]
    return tuple(sp.Function(n, real=True)(*field.args) for n in names)
