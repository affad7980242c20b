"""Checks of a whole declaration, in the order in which a user would want to hear of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from sciml.dsl.checks import (
    check_bounds,
    check_condition_values,
    check_fields,
    check_names,
    check_pointwise,
    check_roles,
    check_values,
)
from sciml.dsl.text import text
from sciml.dsl.vectors import VectorField
from sciml.errors import DeclarationError
from sciml.forms.wellposed import check_wellposed

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["check_against_form", "check_declaration"]

FILE_NAMES = {"time", "component", "sample", "member", "body", "space", "parameters"}


def check_declaration(problem: Problem) -> None:
    """Check names, roles, coordinates, ranks and bounds; the form is not needed."""
    t, space = problem.time[0], problem.domain.coordinates
    if t in space:
        msg = f"{t} is both time and a coordinate of the domain."
        raise DeclarationError("S106", msg, fix="time=(t, 0, 1) with the coordinate that is time")
    if clash := {t, *space} & set(problem.parameters):
        msg = f"{', '.join(map(str, clash))} is a coordinate and cannot be a parameter."
        raise DeclarationError("S102", msg, fix="remove it from parameters")
    others = _other_expressions(problem)
    everything = [*problem.equations.values(), *others.values(), *problem.parameters, t, *space]
    check_names(everything)
    taken = {s.name for e in everything for s in e.free_symbols}
    taken |= {f.name if isinstance(f, VectorField) else f.func.__name__ for f in problem.fields}
    taken |= _component_names(problem, taken)
    for name in problem.outputs:
        if name in FILE_NAMES:
            msg = f"the output {name!r} has a name that result files use themselves."
            raise DeclarationError("S109", msg, fix="choose another name for the output")
        if name in taken:
            msg = f"the output {name!r} has the name of a symbol or field of the problem."
            raise DeclarationError("S102", msg, fix="choose another name for the output")
    check_fields(problem.fields, t, space)
    check_values([*problem.equations.values(), *others.values()], problem.parameters)
    check_roles(problem.equations, others, problem.parameters, {t, *space})
    check_condition_values(problem.conditions, problem.fields, t, problem.frame.dim)
    for name, e in problem.outputs.items():
        check_pointwise(f"output {name!r}", e, problem.fields, problem.frame.dim)
    for key, e in problem.exact.items():
        _check_exact(problem, key, e)
    _check_bounds(problem)


def _component_names(problem: Problem, taken: set[str]) -> set[str]:
    """Names of the components of vector fields, which files and messages use."""
    names: set[str] = set()
    for f in problem.fields:
        if isinstance(f, VectorField):
            names |= {f"{f.name}_{x}" for x in problem.domain.coordinates}
    if clash := names & taken:
        msg = f"{sorted(clash)[0]!r} is the name of a field or symbol and of a component of a vector field."
        raise DeclarationError("S102", msg, fix="rename one of them")
    return names


def _check_bounds(problem: Problem) -> None:
    t, start, end = problem.time
    bounds = {x.name: (low, high) for x, low, high in problem.domain.axes} | {t.name: (start, end)}
    check_bounds(bounds, problem.parameters)


def _check_exact(problem: Problem, key: Any, value: sp.Expr) -> None:
    target = problem.outputs.get(key) if isinstance(key, str) else key
    if target is None or (not isinstance(key, str) and key not in {*problem.fields, *problem.scalar_fields}):
        msg = f"exact: {key} is neither an unknown nor an output."
        raise DeclarationError("S105", msg, fix=f"keys: {', '.join(map(text, problem.fields))}")
    wanted = check_pointwise("exact", target, problem.fields, problem.frame.dim)
    if check_pointwise(f"exact solution for {text(key)}", value, (), problem.frame.dim) != wanted:
        msg = f"exact solution for {text(key)}: its rank differs from that of {text(target)}."
        raise DeclarationError("S120", msg, fix="a vector is written sm.Vector(a, b)")


def _other_expressions(problem: Problem) -> dict[str, sp.Basic]:
    out: dict[str, sp.Basic] = {}
    for i, bound in enumerate((*problem.domain.expressions, *problem.time[1:])):
        out[f"a bound of domain or time ({i})"] = bound
    for c in problem.conditions:
        out[f"the value of IC({text(c.target)})"] = c.value
        out[f"the target of IC({text(c.target)})"] = c.field
    out |= {f"output {n!r}": e for n, e in problem.outputs.items()}
    out |= {f"exact solution for {text(k)}": e for k, e in problem.exact.items()}
    return out


def check_against_form(problem: Problem) -> None:
    """Every state has its initial value, nothing else has, outputs can be evaluated, short waves stay bounded."""
    form = problem.form
    for parts in problem.variables().values():
        for e in parts:
            form.in_states(e)
    values = problem.initial_values()
    for state, target in form.lift.items():
        if target not in values:
            order = int(target.variable_count[0][1]) if isinstance(target, sp.Derivative) else 0
            shown = f"sm.Dt({text(target.expr)}{f', {order}' if order > 1 else ''})" if order else text(target)
            msg = f"{text(state)} has no initial condition."
            raise DeclarationError("S160", msg, fix=f"add  sm.IC({shown}, ...)  to conditions")
    for target in values:
        base = target.expr if isinstance(target, sp.Derivative) else target
        if target not in form.lift.values():
            n = form.order[base]
            why = (
                "it has no time derivative and follows from the others"
                if n == 0
                else f"its equation is of order {n} in time"
            )
            msg = f"an initial condition is given for {text(target)}, but {why}."
            raise DeclarationError("S161", msg, fix="remove this condition")
    t, *ends = problem.time
    interval = (problem.number(ends[0]), problem.number(ends[1]))
    places = {x: problem.bounds[x.name] for x in problem.frame.space}
    check_wellposed(form, {**problem.ranges, t: interval, **places})
