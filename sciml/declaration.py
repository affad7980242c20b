"""Checks of a whole declaration, in the order in which a user would want to hear of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from sciml.dsl.checks import (
    check_bounds,
    check_condition_values,
    check_data_nodes,
    check_fields,
    check_names,
    check_pointwise,
    check_roles,
    check_values,
)
from sciml.dsl.text import text
from sciml.dsl.vectors import VectorField
from sciml.errors import DeclarationError
from sciml.forms.faces import conditions_needed
from sciml.forms.wellposed import check_wellposed

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["check_against_form", "check_declaration"]

SAMPLED = (-10.0, 10.0)
MOST_UNKNOWNS = 16
FILE_NAMES = {"time", "wavenumber", "component", "sample", "member", "body", "space", "parameters", "data"}


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
    check_data_nodes(problem.equations, problem.initial_conditions, problem.domain, problem.numbers)
    check_values([*problem.equations.values(), *others.values()], problem.parameters)
    check_roles(problem.equations, others, problem.parameters, {t, *space})
    check_condition_values(problem.initial_conditions, problem.fields, t, problem.frame.dim)
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
    finite = [a for a in problem.domain.axes if a[0] not in problem.domain.infinite]
    bounds = {x.name: (low, high) for x, low, high in finite} | {t.name: (start, end)}
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
    for face in problem.face_conditions:
        for e in (face.target, face.value, face.coordinate, face.point):
            if e is not None:
                out[f"{face} ({len(out)})"] = e
    for c in problem.initial_conditions:
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
    if problem.unknowns and not problem.observations:
        names = ", ".join(map(str, problem.unknowns))
        msg = f"{names} is to be inferred, but the problem has no observations."
        raise DeclarationError("S192", msg, fix="observations=[sm.Observe(u, table, noise_std=0.01)]")
    if len(problem.unknowns) > MOST_UNKNOWNS:
        msg = f"{len(problem.unknowns)} parameters are to be inferred; at most {MOST_UNKNOWNS} are possible."
        raise DeclarationError("S192", msg, fix="fix some of them, or write one unknown that they follow from")
    needed = form.targets
    for target in needed:
        if target not in values:
            order = int(target.variable_count[0][1]) if isinstance(target, sp.Derivative) else 0
            shown = f"sm.Dt({text(target.expr)}{f', {order}' if order > 1 else ''})" if order else text(target)
            msg = f"{shown.removeprefix('sm.')} has no initial condition."
            raise DeclarationError("S160", msg, fix=f"add  sm.IC({shown}, ...)  to conditions")
    for target in values:
        base = target.expr if isinstance(target, sp.Derivative) else target
        if target not in needed:
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
    # On an infinite axis coefficients are judged near the origin.
    far = dict.fromkeys(problem.domain.infinite, SAMPLED)
    places = {x: far.get(x, problem.bounds[x.name]) for x in problem.frame.space}
    check_wellposed(form, {**problem.ranges, t: interval, **places})
    for f in problem.scalar_fields:
        if form.order[f]:
            _check_faces(problem, f)


def _check_faces(problem: Problem, f: sp.Expr) -> None:
    """Every evolving field has as many conditions on each face as its equation needs."""
    for x in problem.domain.bounded:
        needed = conditions_needed(problem.form, f, x)
        for side, end in enumerate(problem.domain.axes[problem.domain.coordinates.index(x)][1:]):
            orders = problem.faces.orders(f, x, side)
            # A condition on a field without Dt, such as a chemical potential, is one on those it follows from.
            others = [g for g in problem.scalar_fields if not problem.form.order[g]]
            given = len(orders) + sum(len(problem.faces.orders(g, x, side)) for g in others) * (needed != 1)
            if needed == 0 and given == 0:
                continue
            if not orders:
                msg = f"{text(f)} has no condition on the face {x} = {text(end)}."
                fix = f"add  sm.Dirichlet({text(f)}, 0, on={x})  or  sm.Neumann({text(f)}, 0, on={x})"
                raise DeclarationError("S175", msg, fix=fix)
            lowest = orders[0] if orders else 0
            if lowest > 1 or orders != tuple(range(lowest, lowest + 2 * len(orders), 2)):
                msg = f"the conditions on {text(f)} at {x} = {text(end)} leave out one of lower order."
                fix = "give ∂u/∂n with ∂³u/∂n³" if lowest % 2 else "give u with ∂²u/∂n²"
                raise DeclarationError("S175", msg, fix=fix)
            if needed and given != needed:
                msg = (
                    f"the equation of {text(f)} is of order {2 * needed} in {x}, so the face {x} = {text(end)} needs "
                    f"{needed} condition(s) on it; {given} given."
                )
                kind = "Neumann" if lowest % 2 else "Dirichlet"
                fix = f"add  sm.{kind}(sm.Dx({text(f)}, {x}, 2), 0, on={x})" if given < needed else "remove one"
                raise DeclarationError("S175", msg, fix=fix)
