"""A vorticity in three dimensions is a curl: its initial value must be free of divergence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import sympy as sp

from sciml.dsl.conditions import IC
from sciml.dsl.operators import BiotSavart
from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.frame import Frame
from sciml.forms.multiplier import Multiplier, atoms_of, explicit_derivatives

__all__ = ["check_vorticity"]

POINTS = 12
LARGE = 1e-6  # of the sum of the sizes of its terms


def check_vorticity(
    equations: Mapping[str, sp.Eq], conditions: Iterable[IC], frame: Frame, numbers: Mapping[sp.Symbol, float]
) -> None:
    """Refuse an initial vorticity with divergence where its Biot-Savart velocity is taken.

    Of such a field ``curl BiotSavart(w)`` is not w, so the equations do not mean what they say.
    Data that are no expression are not judged.

    Raises:
        DeclarationError: With the divergence.
    """
    if frame.dim != 3:
        return
    carried = {node.operand for e in equations.values() for node in e.atoms(BiotSavart)}
    for c in conditions:
        if c.field not in carried or c.order:
            continue
        parts = [explicit_derivatives(e, frame) for e in components(c.value, frame).flat]
        if len(parts) != frame.dim or any(atoms_of(e) or e.has(Multiplier) for e in parts):
            continue
        terms = [e.diff(x) for e, x in zip(parts, frame.space, strict=True)]
        if _is_large(terms, frame, numbers):
            name, shown = text(c.field), text(sp.Add(*terms))
            msg = f"the initial vorticity {name} has the divergence {shown}; a vorticity has none."
            fix = f"give the curl of a velocity: sm.IC({name}, sm.Curl(sm.Vector(a, b, c)))"
            raise DeclarationError("S164", msg, excerpt=f"{name} = {text(c.value)}", fix=fix)


def _is_large(terms: list[sp.Expr], frame: Frame, numbers: Mapping[sp.Symbol, float]) -> bool:
    places = np.random.default_rng(0).uniform(0.1, 1.0, (POINTS, frame.dim))
    functions = [sp.lambdify(frame.space, e.subs(numbers), "mpmath") for e in terms]
    try:
        found = [[complex(f(*p)) for f in functions] for p in places]
    except (ArithmeticError, TypeError, ValueError, NameError):
        return False
    return max(abs(sum(v)) for v in found) > LARGE * max(sum(map(abs, v)) for v in found)
