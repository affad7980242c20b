"""Problems as JSON, and back: a closed format that holds no code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from sciml.dsl.arrays import Array, array_name
from sciml.dsl.conditions import IC, Condition, Dirichlet, FaceCondition, Neumann
from sciml.dsl.domains import Box, Domain, Torus, WholeSpace
from sciml.dsl.encoding import Unstorable, decode, encode, normalised
from sciml.dsl.observations import Observation
from sciml.dsl.roles import LAWS, Infer, Law, Range, Role
from sciml.dsl.text import equation_text, excerpt, text
from sciml.errors import DeclarationError, FileError

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["arguments", "normalised_condition", "normalised_in", "rebuilding", "record"]

SCHEMA = 1
MAX_TIME_ORDER = 16
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
        shown = ""
        if isinstance(error, Unstorable):
            line = equation_text(expr) if isinstance(expr, sp.Equality) else text(expr)
            shown = excerpt(line, error.part) if text(error.part) != line else ""
        raise DeclarationError(error.code, f"in {where}, {error.headline}", excerpt=shown, fix=error.fix) from None


def normalised_condition(condition: Condition) -> Condition:
    """Return a condition whose value is as it comes back from a file."""
    if isinstance(condition, FaceCondition):
        target, value = (normalised_in(str(condition), e) for e in (condition.target, condition.value))
        place = condition.coordinate if condition.point is None else (condition.coordinate, condition.point)
        return type(condition)(target, value, on=place)
    value = normalised_in(str(condition), condition.value)
    return IC(condition.written, value)


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
        "domain": _domain_record(problem.domain),
        "time": [encode(v) for v in problem.time],
        "conditions": [_condition_record(c) for c in problem.conditions],
        "parameters": [[encode(s), _role_record(p)] for s, p in problem.parameters.items()],
        "outputs": [[n, encode(e)] for n, e in problem.outputs.items()],
        "exact": [[k if isinstance(k, str) else encode(k), encode(e)] for k, e in problem.exact.items()],
        "observations": [_observation_record(o) for o in problem.observations],
        # Left out where there are none, so that the digests of problems without noise stay what they were.
        **({"calculus": problem.calculus} if problem.calculus else {}),
        **({"renormalise": problem.renormalise} if problem.renormalise else {}),
    }


def _domain_record(domain: Domain) -> list[Any]:
    if isinstance(domain, WholeSpace):
        return ["WholeSpace", *(encode(x) for x in domain.coordinates)]
    axes = [[encode(v) for v in axis] for axis in domain.axes]
    if isinstance(domain, Torus):
        return ["Torus", *axes]
    return ["Box", *([*axis, x in domain.periodic] for axis, x in zip(axes, domain.coordinates, strict=True))]


def _domain(data: Any) -> Domain:
    kind, *axes = data
    if kind == "WholeSpace":
        return WholeSpace(*(decode(x) for x in axes))
    if kind == "Torus":
        return Torus(*(tuple(decode(v) for v in axis) for axis in axes))
    if kind == "Box":
        triples = [tuple(decode(v) for v in axis[:3]) for axis in axes]
        return Box(*triples, periodic=[x for (x, *_), axis in zip(triples, axes, strict=True) if axis[3] is True])
    msg = f"the stored problem has the unknown domain {str(kind)[:40]!r}."
    raise FileError("F402", msg)


def _condition_record(c: Condition) -> list[Any]:
    if isinstance(c, IC):
        return ["IC", encode(c.field), c.order, encode(c.value)]
    point = None if c.point is None else encode(c.point)
    return [c.name, encode(c.target), encode(c.value), encode(c.coordinate), point]


def _condition(data: Any, time: sp.Symbol) -> Condition:
    label, *rest = data
    if label == "IC":
        field, order, value = rest
        if isinstance(order, int) and 0 <= order <= MAX_TIME_ORDER:
            target = decode(field)
            return IC(sp.Derivative(target, (time, order)) if order else target, decode(value))
    for made in (Dirichlet, Neumann):
        if label == made.name:
            target, value, coordinate, point = rest
            x = decode(coordinate)
            return made(decode(target), decode(value), on=x if point is None else (x, decode(point)))
    msg = f"the stored problem has the unknown condition {str(label)[:40]!r}."
    raise FileError("F402", msg)


def _observation_record(o: Observation) -> dict[str, Any]:
    std = o.noise_std
    return {
        "quantity": o.quantity if isinstance(o.quantity, str) else encode(o.quantity),
        "points": [[name, array_name(p)] for name, p in o.points.items()],
        "values": array_name(o.values),
        "noise_std": array_name(std) if isinstance(std, np.ndarray) else None if std is None else std.hex(),
    }


def _observation(data: Any, arrays: Mapping[str, Array]) -> Observation:
    quantity, std = data["quantity"], data["noise_std"]
    spread = None if std is None else arrays[std] if std in arrays else float.fromhex(std)
    points = {str(name): arrays[p] for name, p in data["points"]}
    named = quantity if isinstance(quantity, str) else decode(quantity)
    return Observation(named, points, arrays[data["values"]], spread)


def _role_record(parameter: float | Role) -> Any:
    if isinstance(parameter, Range):
        return ["Range", parameter.low.hex(), parameter.high.hex(), parameter.scale]
    if isinstance(parameter, Infer):
        return ["Infer", *(None if v is None else v.hex() for v in (parameter.init, parameter.low, parameter.high))]
    if isinstance(parameter, Law):
        return [
            "Law",
            parameter.name,
            [a.hex() for a in parameter.arguments],
            {k: v.hex() for k, v in parameter.keywords},
        ]
    return parameter.hex()


def _role(data: Any) -> Any:
    if isinstance(data, str):
        return float.fromhex(data)
    label, *rest = data
    if label == "Range":
        low, high, scale = rest
        return Range(float.fromhex(low), float.fromhex(high), scale)
    if label == "Infer":
        init, low, high = (None if v is None else float.fromhex(v) for v in rest)
        return Infer(init, (low, high))
    if label == "Law" and rest[0] in LAWS:
        from scipy import stats  # takes a second to load, and few problems hold a law

        name, arguments, keywords = rest
        named = {str(k): float.fromhex(v) for k, v in keywords.items()}
        return getattr(stats, name)(*(float.fromhex(a) for a in arguments), **named)
    msg = f"the stored problem has a parameter of unknown kind {str(label)[:40]!r}."
    raise FileError("F402", msg)


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


def arguments(data: Any, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return the arguments of ``Problem`` that were stored; nothing in ``data`` is executed.

    Args:
        data: What :func:`record` made.
        arrays: The arrays it names.

    Raises:
        FileError: Not a problem of this schema.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        msg = f"not a problem of schema {SCHEMA}."
        raise FileError("F402", msg)
    return {
        "name": data["name"],
        "description": data["description"],
        "references": data["references"],
        "equations": {n: sp.Eq(_side(a), _side(b), evaluate=False) for n, a, b in data["equations"]},
        "domain": _domain(data["domain"]),
        "time": tuple(decode(v) for v in data["time"]),
        "conditions": [_condition(c, decode(data["time"][0])) for c in data["conditions"]],
        "parameters": {decode(s): _role(p) for s, p in data["parameters"]},
        "outputs": {n: decode(e) for n, e in data["outputs"]},
        "exact": {k if isinstance(k, str) else decode(k): decode(e) for k, e in data["exact"]},
        "observations": [_observation(o, arrays) for o in data["observations"]],
        "calculus": data.get("calculus"),
        "renormalise": data.get("renormalise"),
        "arrays": arrays,
    }
