"""Checks of a whole declaration, in the order in which a user would want to hear of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sympy as sp

from sciml.dsl.checks import (
    RESERVED,
    check_bounds,
    check_condition_values,
    check_fields,
    check_names,
    check_noise,
    check_pointwise,
    check_roles,
    check_values,
)
from sciml.dsl.data_checks import check_data_nodes
from sciml.dsl.domains import MOST_AXES
from sciml.dsl.noise import Noise
from sciml.dsl.parameters import corners
from sciml.dsl.text import text
from sciml.dsl.unknown import unknown_terms
from sciml.dsl.vectors import VectorField
from sciml.errors import DeclarationError
from sciml.forms.admissible import check_admissible
from sciml.forms.decay import check_decay
from sciml.forms.divergence import check_vorticity
from sciml.forms.driving import check_driving
from sciml.forms.faces import conditions_needed
from sciml.forms.learned import check_arguments, check_known, check_operators
from sciml.forms.mean_square import check_mean_square
from sciml.forms.rows import check_ranks
from sciml.forms.wellposed import check_wellposed

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["check_against_form", "check_declaration"]

MOST_UNKNOWNS = 16


def check_declaration(problem: Problem) -> None:
    """Check names, roles, coordinates, ranks and bounds; the form is not needed."""
    t, space = problem.time[0], problem.domain.coordinates
    if t in space:
        msg = f"{t} is both time and a coordinate of the domain."
        raise DeclarationError("S106", msg, fix="time=(t, 0, 1) with the coordinate that is time")
    if clash := {t, *space} & set(problem.parameters):
        msg = f"{', '.join(map(str, clash))} is a coordinate and cannot be a parameter."
        raise DeclarationError("S102", msg, fix="remove it from parameters")
    if not any(e.has(Noise) for e in problem.equations.values()):
        _check_axes(problem)
    check_noise(problem.equations.values(), (t, *space))
    others = _other_expressions(problem)
    check_known(others, _lines(problem))
    everything = [*problem.equations.values(), *others.values(), *problem.parameters, t, *space]
    check_names(everything)
    taken = {s.name for e in everything for s in e.free_symbols}
    taken |= {f.name if isinstance(f, VectorField) else f.func.__name__ for f in problem.fields}
    learned = {f.name for f in unknown_terms(problem.equations.values())}
    taken |= _component_names(problem, taken | learned)
    noises = {n.name for e in problem.equations.values() for n in e.atoms(Noise)}
    for name in problem.outputs:
        if name in RESERVED:
            msg = f"the output {name!r} has a name that result files use themselves."
            raise DeclarationError("S109", msg, fix="choose another name for the output")
        if name in taken:
            msg = f"the output {name!r} has the name of a symbol or field of the problem."
            raise DeclarationError("S102", msg, fix="choose another name for the output")
        if name in learned:
            msg = f"the output {name!r} has the name of an unknown function of the problem."
            raise DeclarationError("S102", msg, fix="choose another name for the output")
        if name in noises:
            msg = f"the output {name!r} has the name of a noise, under which a solution holds its increments."
            raise DeclarationError("S102", msg, fix="choose another name for the output")
    check_fields(problem.fields, t, space)
    check_data_nodes(problem.equations, problem.initial_conditions, problem.domain, problem.numbers)
    check_values([*problem.equations.values(), *others.values()], problem.parameters)
    check_roles(problem.equations, others, problem.parameters, {t, *space}, _lines(problem))
    check_ranks(problem.equations, problem.frame)
    check_arguments(problem.equations, problem.frame)
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


def _check_axes(problem: Problem) -> None:
    """A problem with noise is refused later, when it is known whether it would make sense with so many axes."""
    if len(problem.domain.axes) > MOST_AXES:
        raise problem.domain.miscounted()


def _check_bounds(problem: Problem) -> None:
    t, start, end = problem.time
    finite = [axis for axis in problem.domain.axes if axis[0] not in problem.domain.infinite]
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
    finite = [axis for axis in problem.domain.axes if axis[0] not in problem.domain.infinite]
    for x, low, high in (*finite, problem.time):
        out[f"the interval of {x}"] = sp.Tuple(low, high)
    for face in problem.face_conditions:
        given = (face.target, face.value, face.coordinate, face.point)
        out[str(face)] = sp.Tuple(*(e for e in given if e is not None))
    for c in problem.initial_conditions:
        out[f"the value of IC({text(c.target)})"] = c.value
        out[f"the target of IC({text(c.target)})"] = c.field
    out |= {f"output {n!r}": e for n, e in problem.outputs.items()}
    out |= {f"exact solution for {text(k)}": e for k, e in problem.exact.items()}
    return out


def _lines(problem: Problem) -> dict[str, str]:
    """What is shown of expressions that stand in a pair or triple."""
    lines = {str(face): str(face) for face in problem.face_conditions}
    for x, low, high in (*problem.domain.axes, problem.time):
        lines[f"the interval of {x}"] = f"({x}, {text(low)}, {text(high)})"
    return lines


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
        fix = f"observations=[sm.Observe({text(problem.fields[0])}, table, noise_std=0.01)]"
        raise DeclarationError("S192", msg, fix=fix)
    if len(problem.unknowns) > MOST_UNKNOWNS:
        msg = f"{len(problem.unknowns)} parameters are to be inferred; at most {MOST_UNKNOWNS} are possible."
        fix = f"give some of them numbers: parameters={{{next(iter(problem.unknowns))}: 0.1, ...}}, or one unknown that"
        raise DeclarationError("S195", msg, fix=(fix, "they all follow from"))
    needed = form.targets
    for target in needed:
        if target not in values:
            shown = _typed(problem, target, values)
            msg = f"{shown.replace('sm.', '').replace('sp.', '')} has no initial condition."
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
            msg = f"an initial condition is given for {_typed(problem, target, values).replace('sm.', '')}, but {why}."
            raise DeclarationError("S161", msg, fix="remove this condition")
    check_decay(problem.initial_conditions, values, problem.domain, problem.frame, corners(problem.parameters))
    check_vorticity(problem.equations, problem.initial_conditions, problem.frame, problem.numbers)
    check_wellposed(form, problem.extents)
    check_operators(form, problem.extents)
    check_driving(form, problem.faces, problem.extents)
    check_admissible(form, problem.degrees, problem.calculus, problem.renormalise)
    check_mean_square(form, problem.extents, problem.calculus)
    _check_axes(problem)
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
            if needed and given != needed:
                msg = (
                    f"the equation of {text(f)} is of order {2 * needed} in {x}, so the face {x} = {text(end)} needs "
                    f"{needed} condition(s) on it; {given} given."
                )
                u = text(f)
                kind = "Neumann" if orders[0] % 2 else "Dirichlet"
                fix = f"add  sm.{kind}(sm.Dx({u}, {x}, 2), 0, on={x})"
                if given > needed:
                    fix = f"keep one: sm.Dirichlet({u}, 0, on={x})  or  sm.Neumann({u}, 0, on={x})"
                raise DeclarationError("S175", msg, fix=fix)
            _check_orders(problem, f, x, side)


def _check_orders(problem: Problem, f: sp.Expr, x: sp.Symbol, side: int) -> None:
    """Sine series know the derivatives of even order from 0 on at a face, cosine series those of odd order."""
    orders = problem.faces.orders(f, x, side)
    first = orders[0] % 2
    if orders == tuple(range(first, first + 2 * len(orders), 2)):
        return
    u, end = text(f), text(problem.domain.axes[problem.domain.coordinates.index(x)][1 + side])
    named = {0: u, 1: f"the slope of {u}"}
    given = " and ".join(named.get(n, f"the derivative of {u} of order {n}") for n in orders)
    pair = len(orders) > 1
    msg = f"{given} {'are both' if pair else 'is'} given at {x} = {end}; neither a sine nor a cosine series has that."
    fix = [f"sm.Dirichlet({u}, 0, on={x})  or  sm.Neumann({u}, 0, on={x})"]
    if pair:
        second = f"sm.Dx({u}, {x}, 2)"
        fix = [f"simply supported: sm.Dirichlet({u}, 0, on={x}), sm.Dirichlet({second}, 0, on={x})"]
        fix += [f"sliding: sm.Neumann({u}, 0, on={x}), sm.Neumann({second}, 0, on={x});  clamped ends have no method"]
    raise DeclarationError("S165", msg, fix=fix)


def _typed(problem: Problem, target: sp.Expr, values: Mapping[sp.Expr, sp.Expr]) -> str:
    """Return a field or its time derivative as it is typed, halves of a complex field by ``re`` and ``im``."""
    order = int(target.variable_count[0][1]) if isinstance(target, sp.Derivative) else 0
    base = target.expr if order else target
    name = base.func.__name__
    for half, other, part in (("_re", "_im", "re"), ("_im", "_re", "im")):
        whole = name.removesuffix(half)
        twin = sp.Function(whole + other, real=True)(*base.args)
        if name.endswith(half) and twin in problem.scalar_fields:
            given = any((v.expr if isinstance(v, sp.Derivative) else v) == twin for v in values)
            name = f"sp.{part}({whole})" if given else whole
    return f"sm.Dt({name}{f', {order}' if order > 1 else ''})" if order else name
