"""Problems as JSON, and back: a closed format that holds no code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sympy as sp

from sciml.dsl.conditions import IC
from sciml.dsl.domains import Torus
from sciml.dsl.encoding import decode, encode, normalised
from sciml.errors import DeclarationError, FileError

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["arguments", "normalised_condition", "normalised_in", "rebuilding", "record"]

SCHEMA = 1
# What damaged data can raise on the way to a problem.
REBUILD_ERRORS = (
    DeclarationError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def normalised_in(where: str, expr: Any) -> Any:
    """Return an expression or equation as it comes back from a file.

    Raises:
        DeclarationError: It cannot be stored; the message says where it stands.
    """
    try:
        if isinstance(expr, sp.Equality):
            return sp.Eq(normalised(expr.lhs), normalised(expr.rhs), evaluate=False)
        return normalised(expr)
    except DeclarationError as error:
        raise DeclarationError(error.code, f"in {where}, {error.headline}", fix=error.fix) from None


def normalised_condition(condition: IC) -> IC:
    """Return a condition whose value is as it comes back from a file."""
    value = normalised_in(str(condition), condition.value)
    return IC(condition.target if condition.variable is None else condition.derivative, value)


def _side(tree: Any) -> sp.Expr:
    expr = decode(tree)
    if not isinstance(expr, sp.Expr):
        msg = "a side of an equation is not an expression."
        raise FileError("F402", msg)
    return expr


def record(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON-ready data."""
    return {
        "schema": SCHEMA,
        "name": problem.name,
        "description": problem.description,
        "references": list(problem.references),
        "equations": [[n, encode(e.lhs), encode(e.rhs)] for n, e in problem.equations.items()],
        "domain": ["Torus", *([encode(v) for v in axis] for axis in problem.domain.axes)],
        "time": [encode(v) for v in problem.time],
        "conditions": [["IC", encode(c.field), c.order, encode(c.value)] for c in problem.conditions],
        "parameters": [[encode(s), float(v).hex()] for s, v in problem.parameters.items()],
        "outputs": [[n, encode(e)] for n, e in problem.outputs.items()],
        "exact": [[k if isinstance(k, str) else encode(k), encode(e)] for k, e in problem.exact.items()],
    }


@contextmanager
def rebuilding() -> Iterator[None]:
    """Turn whatever damaged data raise into a ``FileError``."""
    try:
        yield
    except FileError:
        raise
    except REBUILD_ERRORS as error:
        msg = f"the stored problem cannot be rebuilt: {str(error)[:300]}"
        raise FileError("F402", msg) from None


def arguments(data: Any) -> dict[str, Any]:
    """Return the arguments of ``Problem`` that were stored; nothing in ``data`` is executed.

    Raises:
        FileError: Not a problem of this schema.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        msg = f"not a problem of schema {SCHEMA}."
        raise FileError("F402", msg)
    kind, *axes = data["domain"]
    if kind != "Torus":
        msg = f"the stored problem has the unknown domain {str(kind)[:40]!r}."
        raise FileError("F402", msg)
    conditions = []
    for label, field, order, value in data["conditions"]:
        if label != "IC" or not isinstance(order, int) or not 0 <= order <= 16:
            msg = f"the stored problem has the unknown condition {str(label)[:40]!r}."
            raise FileError("F402", msg)
        target = decode(field)
        conditions.append(
            IC(sp.Derivative(target, (decode(data["time"][0]), order)) if order else target, decode(value))
        )
    return {
        "name": data["name"],
        "description": data["description"],
        "references": data["references"],
        "equations": {n: sp.Eq(_side(a), _side(b), evaluate=False) for n, a, b in data["equations"]},
        "domain": Torus(*(tuple(decode(v) for v in axis) for axis in axes)),
        "time": tuple(decode(v) for v in data["time"]),
        "conditions": conditions,
        "parameters": {decode(s): float.fromhex(v) for s, v in data["parameters"]},
        "outputs": {n: decode(e) for n, e in data["outputs"]},
        "exact": {k if isinstance(k, str) else decode(k): decode(e) for k, e in data["exact"]},
    }
