"""Checks of initial data: random fields, measures, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy as sp

from sciml.dsl.arrays import Array, array_name
from sciml.dsl.conditions import IC
from sciml.dsl.domains import Domain
from sciml.dsl.measures import Measure, PointVortices, VortexSheet, coinciding, reversed_sheet
from sciml.dsl.observations import Observation
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import equation_text, excerpt, text
from sciml.dsl.vectors import VectorField
from sciml.errors import DeclarationError

__all__ = ["check_arrays", "check_data_nodes"]

SAME = 1e-12  # relative distance of places that are equal but for rounding


def check_data_nodes(
    equations: Mapping[str, sp.Eq], conditions: Sequence[IC], domain: Domain, numbers: Mapping[sp.Symbol, float]
) -> None:
    """Random fields and measures stand in initial conditions, on a domain where they make sense."""
    for name, equation in equations.items():
        for node in equation.atoms(RandomField, Measure):
            msg = f"equation '{name}' uses {text(node)}, which belongs to initial conditions."
            fix = [f"for the initial value: conditions=[sm.IC(u, {text(node)})]"]
            if isinstance(node, RandomField):
                over = _listed(node.coordinates)
                fix += [f'for noise that drives the equation: sm.WhiteNoise("{node.name}", t, {over})']
            raise DeclarationError("S184", msg, excerpt=excerpt(equation_text(equation), node), fix=fix)
    for c in conditions:
        for field in c.value.atoms(RandomField):
            if set(field.coordinates) != set(domain.coordinates) or domain.infinite:
                has, needs = _listed(field.coordinates), _listed(domain.coordinates)
                if domain.infinite:
                    msg = f"{c}: the random field {field.name} is the same everywhere and does not vanish at infinity."
                    box = ", ".join(f"({x}, -10, 10)" for x in domain.coordinates)
                    raise DeclarationError("S181", msg, fix=f"domain=sm.Torus({box}), large enough")
                msg = f"{c}: the random field {field.name} is over ({has}), the domain has ({needs})."
                fixed = field.constructor.replace(f'", {has}', f'", {needs}')
                raise DeclarationError("S181", msg, fix=f"sm.{fixed}")
        for measure in c.value.atoms(Measure):
            _check_measure(c, measure, domain, numbers)


def _check_measure(c: IC, measure: Measure, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> None:
    kind = type(measure).__name__
    if isinstance(c.field, VectorField) or len(domain.axes) != 2:
        msg = f"{c}: {kind} is the vorticity of a flow in two dimensions, a scalar."
        raise DeclarationError("S182", msg, fix="sm.IC(w, ...) for the scalar vorticity w")
    if isinstance(measure, (PointVortices, VortexSheet)):
        _check_linear(c, measure, domain)
    if isinstance(measure, PointVortices):
        places = [_inside(c, kind, place, domain, numbers) for _, place in measure.vortices]
        _check_distinct(measure, places, domain)
    if isinstance(measure, VortexSheet):
        s, low, high = measure.args[2]
        if (high - low).subs(numbers).is_positive is False:
            raise reversed_sheet(s, low, high)
        for e in (low, high):
            _inside(c, kind, [p.subs(s, e) for p in measure.args[1]], domain, numbers)


def _check_linear(c: IC, measure: Measure, domain: Domain) -> None:
    """What has no values at points can be added and multiplied by numbers only."""
    if found := measure.free_symbols & set(domain.coordinates):
        x = sorted(found, key=str)[0]
        msg = f"{text(measure)} depends on the coordinate {x}; strengths and places are numbers or parameters."
        raise DeclarationError("S182", msg, fix="vorticity that varies in space is a function: sm.IC(w, sp.exp(-x**2))")
    for term in sp.Add.make_args(sp.expand(c.value)):
        factor = term.xreplace({measure: sp.S.One})
        if term.has(measure) and (factor * measure != term or factor.free_symbols & set(domain.coordinates)):
            msg = f"{c}: {type(measure).__name__} has no values at points, so it can only be added and scaled."
            fix = "put the factor into its strength: sm.PointVortices(strength=[2*g], at=[(0, 0)])"
            raise DeclarationError("S182", msg, excerpt=excerpt(text(c.value), term), fix=fix)


def _inside(
    c: IC, kind: str, place: Sequence[sp.Expr], domain: Domain, numbers: Mapping[sp.Symbol, float]
) -> list[sp.Expr]:
    """Return a place with the parameter values, after checking that it lies in the domain."""
    if len(place) != len(domain.axes):
        shown = ", ".join(map(text, place))
        msg = f"{c}: the position ({shown}) has {len(place)} coordinates, the domain has {len(domain.axes)}."
        raise DeclarationError("S182", msg, fix=f"one number for each of {_listed(domain.coordinates)}: at=[(0, 0)]")
    values = []
    for p, (x, low, high) in zip(place, domain.axes, strict=True):
        value, start, end = (e.subs(numbers) for e in (p, low, high))
        if value.is_number and not start <= value <= end:
            msg = f"{c}: {kind} reaches {x} = {text(value)}, outside [{text(low)}, {text(high)}]."
            fix = f"move it inside, or enlarge the domain: ({x}, {text(low)}, {text(high)})"
            if x in domain.periodic:
                moved = start + sp.Mod(value - start, end - start)
                fix = f"on this torus it is the same place as {x} = {text(sp.nsimplify(moved, rational=True))}"
            raise DeclarationError("S182", msg, fix=fix)
        values.append(value)
    return values


def _check_distinct(measure: PointVortices, places: Sequence[Sequence[sp.Expr]], domain: Domain) -> None:
    """Places may differ as they are written, and be the same with the parameters or by a period."""
    known: list[tuple[float, ...]] = []
    periods = [float("inf") if low.is_finite is False else high - low for _, low, high in domain.axes]
    for i, place in enumerate(places):
        if not all(p.is_number for p in (*place, *periods) if isinstance(p, sp.Expr)):
            return
        here = tuple(
            float(p) % float(d) if x in domain.periodic else float(p)
            for p, d, x in zip(place, periods, domain.coordinates, strict=True)
        )
        for j, other in enumerate(known):
            if all(abs(a - b) < SAME * max(abs(a), 1.0) for a, b in zip(here, other, strict=True)):
                raise coinciding(measure.vortices[j][1], [measure.vortices[k][0] for k in (j, i)])
        known.append(here)


def check_arrays(
    arrays: Mapping[str, Array], needed: set[str], observations: Iterable[Observation]
) -> dict[str, Array]:
    """Return the arrays that a problem refers to; each must be there."""
    held = {array_name(a): a for o in observations for a in o.arrays}
    if missing := sorted(needed - set(arrays)):
        msg = f"the data {missing[0]} of an initial condition are missing."
        raise DeclarationError("S191", msg, fix="load the problem from its file, which holds them")
    return held | {name: arrays[name] for name in sorted(needed)}


def _listed(symbols: Iterable[sp.Symbol]) -> str:
    return ", ".join(map(str, symbols))
