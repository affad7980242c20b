"""Faces of a box: what is known of each field there, and the lifting of constant data.

A condition on the normal derivatives of even order (the field itself, ``∂ₓ²``, …) makes the field
odd about the face; one on those of odd order makes it even. Nonzero constant data are lifted: with
``u = v + ℓ(x)``, where ℓ takes the data on, ``v`` has homogeneous ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from sciml.dsl.conditions import FaceCondition
from sciml.dsl.domains import Domain
from sciml.dsl.rank import RankError, kind, rank
from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.frame import Frame
from sciml.forms.multiplier import Multiplier, atoms_of, is_local
from sciml.forms.semilinear import SemilinearForm

__all__ = ["ODD", "Face", "Faces", "conditions_needed", "faces_of", "parity"]

ODD, EVEN = -1, 1


@dataclass(frozen=True)
class Face:
    """One condition on one scalar field: ``∂ⁿf/∂xⁿ + … = value`` on one end of an axis.

    Attributes:
        field: The scalar field.
        coordinate: The axis.
        side: 0 for the lower end, 1 for the upper one.
        order: Order n of the normal derivative.
        value: A constant: the field, or its outward normal derivative.
        declared: The condition it comes from.
    """

    field: sp.Expr
    coordinate: sp.Symbol
    side: int
    order: int
    value: sp.Expr
    declared: FaceCondition


@dataclass(frozen=True)
class Faces:
    """All face conditions of a problem.

    Attributes:
        domain: The domain.
        faces: One entry for each scalar field, end and condition.
        lifts: ℓ(x) of each field with nonzero data.
    """

    domain: Domain
    faces: tuple[Face, ...]
    lifts: Mapping[sp.Expr, sp.Expr] = field(default_factory=dict)

    def orders(self, f: sp.Expr, coordinate: sp.Symbol, side: int) -> tuple[int, ...]:
        """Return the orders of the normal derivatives that are given for a field at one end."""
        return tuple(sorted(c.order for c in self.faces if (c.field, c.coordinate, c.side) == (f, coordinate, side)))

    def reflection(self, f: sp.Expr, coordinate: sp.Symbol) -> tuple[int, int] | None:
        """Return whether a field is odd (-1) or even (+1) about the two ends; None if nothing is given."""
        ends = [self.orders(f, coordinate, side) for side in (0, 1)]
        if not all(ends):
            return None
        low, high = (EVEN if orders[0] % 2 else ODD for orders in ends)
        return low, high


def parity(symbol: sp.Expr, k: sp.Symbol) -> int | None:
    """Return +1 for a symbol even in k, -1 for an odd one, None for a mixture."""
    flipped = symbol.xreplace({k: -k})
    if sp.expand(flipped - symbol) == 0:
        return EVEN
    return ODD if sp.expand(flipped + symbol) == 0 else None


def faces_of(
    conditions: Sequence[FaceCondition],
    domain: Domain,
    frame: Frame,
    fields: Sequence[sp.Expr],
    numbers: Mapping[sp.Symbol, float],
) -> Faces:
    """Resolve the declared face conditions.

    Args:
        conditions: As declared.
        domain: Where they hold.
        frame: Time and space.
        fields: Scalar unknowns.
        numbers: Values of the parameters, to recognise the ends of an axis.

    Raises:
        DeclarationError: A face that does not exist, a target that has no meaning there, values
            that are not constant, or conditions that contradict each other.
    """
    found = [face for c in conditions for face in _resolved(c, domain, frame, fields, numbers)]
    seen: dict[tuple[sp.Expr, sp.Symbol, int, int], Face] = {}
    for face in found:
        key = face.field, face.coordinate, face.side, face.order
        if key in seen:
            earlier = seen[key].declared
            msg = f"{face.declared} repeats or contradicts {earlier}."
            fix = f"remove one; a condition at one end alone has  on=({face.coordinate}, {_end(face, domain)})"
            raise DeclarationError("S176", msg, fix=fix)
        seen[key] = face
    return Faces(domain, tuple(found), _lifts(found, domain))


def _resolved(
    c: FaceCondition,
    domain: Domain,
    frame: Frame,
    fields: Sequence[sp.Expr],
    numbers: Mapping[sp.Symbol, float],
) -> list[Face]:
    sides = _sides(c, domain, frame, numbers)
    targets, values = _targets_and_values(c, frame)
    out = []
    for target, value in zip(targets, values, strict=True):
        f, symbol = _operator(c, target, fields, frame)
        order = _order(c, f, symbol, frame)
        if value != 0 and symbol != 1:
            raise _no_value(c, f, value, order, domain)
        out += [Face(f, c.coordinate, side, order, value, c) for side in sides]
    return out


def _order(c: FaceCondition, f: sp.Expr, symbol: sp.Expr, frame: Frame) -> int:
    """Return the order of the normal derivative that a condition gives."""
    k, u, on = frame.k[c.coordinate], text(f), c.coordinate
    plain = f"sm.Dirichlet({u}, 0, on={on})  or  sm.Neumann({u}, 0, on={on})"
    if not is_local(symbol, frame):
        msg = f"{c}: on a face, {text(c.target)} must be a field or a derivative of one."
        raise DeclarationError("S173", msg, fix=plain)
    if parity(symbol, k) is None:
        msg = (
            f"{c}: mixed (Robin) conditions have no method; {text(c.target)} holds derivatives in {on} of even and of "
        )
        msg += "odd order."
        raise DeclarationError("S173", msg, fix=plain)
    if sp.Poly(symbol, k).LC().free_symbols & set(frame.k.values()):
        msg = f"{c}: {text(c.target)} holds a derivative along the face, not across it."
        fix = f"the field itself: sm.Dirichlet({u}, 0, on={on}), which gives its derivatives along the face too"
        raise DeclarationError("S173", msg, fix=fix)
    return (int(sp.degree(symbol, k)) if symbol.has(k) else 0) + c.derivatives


def _no_value(c: FaceCondition, f: sp.Expr, value: sp.Expr, order: int, domain: Domain) -> DeclarationError:
    """Return the error of a nonzero value for a derivative."""
    u, on = text(f), c.coordinate
    fix = [f"sm.Dirichlet({u}, {text(value)}, on={on})  or  sm.Neumann({u}, {text(value)}, on={on})"]
    if order == 1:
        _, low, high = domain.axes[domain.coordinates.index(on)]
        fix = ["the slope along the outward normal, at either end:"]
        fix += [f"sm.Neumann({u}, {text(value)}, on=({on}, {text(high)}))"]
        fix += [f"sm.Neumann({u}, {text(-value)}, on=({on}, {text(low)}))"]
    msg = f"{c}: nonzero values are possible for a field and its normal derivative only."
    return DeclarationError("S174", msg, fix=fix)


def _sides(c: FaceCondition, domain: Domain, frame: Frame, numbers: Mapping[sp.Symbol, float]) -> tuple[int, ...]:
    if c.coordinate not in domain.bounded:
        raise _no_face(c, domain, frame)
    if c.point is None:
        return (0, 1)
    _, low, high = domain.axes[domain.coordinates.index(c.coordinate)]
    for side, end in enumerate((low, high)):
        apart = sp.expand(c.point - end)
        if apart == 0 or (apart.subs(numbers).is_number and abs(float(apart.subs(numbers))) < 1e-12):
            return (side,)
    msg = f"{c}: {c.coordinate} = {text(c.point)} is not a face; the axis runs from {text(low)} to {text(high)}."
    fix = f"on=({c.coordinate}, {text(low)})  or  on=({c.coordinate}, {text(high)})"
    raise DeclarationError("S172", msg, fix=fix)


def _no_face(c: FaceCondition, domain: Domain, frame: Frame) -> DeclarationError:
    """Return the error of a condition where the domain ends at no face."""
    x = c.coordinate
    here = ", ".join(map(str, domain.bounded)) or "none"
    if x == frame.time:
        msg = f"{c}: {x} is the time, which has no faces."
        return DeclarationError("S172", msg, fix=f"sm.IC({text(c.target)}, {text(c.value)})")
    if x in domain.infinite:
        msg = f"{c}: the axis {x} has no ends, and fields vanish at infinity."
        return DeclarationError("S172", msg, fix="remove this condition")
    if x not in domain.coordinates:
        msg = f"{c}: {x} is not a coordinate of the domain; axes with faces: {here}."
        return DeclarationError("S172", msg, fix=f"on={domain.bounded[0]}" if domain.bounded else "remove it")
    others = [y for y in domain.coordinates if y in domain.periodic and y != x]
    axes = ", ".join(f"({y}, {text(low)}, {text(high)})" for y, low, high in domain.axes)
    listed = f", periodic=[{', '.join(map(str, others))}]" if others else ""
    msg = f"{c}: the axis {x} is periodic and has no faces; axes with faces: {here}."
    return DeclarationError("S172", msg, fix=f"remove this condition, or write  domain=sm.Box({axes}{listed})")


def _end(face: Face, domain: Domain) -> str:
    return text(domain.axes[domain.coordinates.index(face.coordinate)][1 + face.side])


def _targets_and_values(c: FaceCondition, frame: Frame) -> tuple[list[sp.Expr], list[sp.Expr]]:
    try:
        ranks = [rank(e, frame.dim) for e in (c.target, c.value)]
    except RankError as error:
        raise DeclarationError(error.code, f"in {c}, {error.headline}", fix=error.fix) from None
    targets = list(components(c.target, frame).flat)
    values: list[sp.Expr] = list(components(c.value, frame).flat)
    if ranks[1] not in (None, 0, ranks[0]):
        msg = f"{c}: {text(c.target)} is {kind(ranks[0])}, but its value {text(c.value)} is {kind(ranks[1])}."
        raise DeclarationError("S174", msg, fix="give one number, or sm.Vector(a, b) for a vector field")
    for v in values:
        if atoms_of(v):
            u, on = text(c.target), c.coordinate
            msg = f"{c}: the value {text(c.value)} holds fields; mixed (Robin) conditions have no method."
            raise DeclarationError("S174", msg, fix=f"sm.Dirichlet({u}, 0, on={on})  or  sm.Neumann({u}, 0, on={on})")
        if v.free_symbols & frame.coordinates:
            msg = f"{c}: the value {text(c.value)} must be constant on the face and in time."
            u = text(c.target)
            fix = f"a number or a parameter: sm.{c.name}({u}, 0, on={c.coordinate}), after {u} = v + g by hand, with a"
            raise DeclarationError("S174", msg, fix=(fix, "function g that takes these values, and v the new unknown"))
    return targets, values * len(targets) if len(values) == 1 else values


def _operator(c: FaceCondition, target: sp.Expr, fields: Sequence[sp.Expr], frame: Frame) -> tuple[sp.Expr, sp.Expr]:
    """Return field and symbol of a target that is a linear local operator of one field."""
    terms = sp.Add.make_args(sp.expand(target))
    symbols: dict[sp.Expr, sp.Expr] = {}
    for term in terms:
        constant, core = term.as_independent(*atoms_of(term), as_Add=False)
        f, symbol = (core.operand, core.symbol) if isinstance(core, Multiplier) else (core, sp.S.One)
        if f not in fields or constant.free_symbols & frame.coordinates:
            msg = f"{c}: the target must be an unknown field or a derivative of one; got {text(c.target)}."
            raise DeclarationError("S173", msg, fix=f"sm.{c.name}({text(fields[0])}, 0, on={c.coordinate})")
        symbols[f] = symbols.get(f, sp.S.Zero) + constant * symbol
    if len(symbols) != 1:
        msg = f"{c}: one condition holds one field; {text(c.target)} mixes {', '.join(map(text, symbols))}."
        fix = "; ".join(f"sm.{c.name}({text(f)}, 0, on={c.coordinate})" for f in symbols)
        raise DeclarationError("S173", msg, fix=f"give one condition per field: {fix}")
    return next(iter(symbols.items()))


def _lifts(faces: Sequence[Face], domain: Domain) -> dict[sp.Expr, sp.Expr]:
    out = {}
    for f in dict.fromkeys(c.field for c in faces):
        own = [c for c in faces if c.field == f and c.order <= 1]
        if any(c.value != 0 for c in own):
            out[f] = _lift(f, own, domain)
    return out


def _lift(f: sp.Expr, faces: Sequence[Face], domain: Domain) -> sp.Expr:
    """Return ℓ with the given constant data: a number, or a polynomial in the axes that have data."""
    given = {(c.coordinate, c.side): c for c in faces}
    levels = {c.value for c in faces if c.order == 0}
    if len(levels) == 1 and all(c.value == 0 for c in faces if c.order == 1):
        return levels.pop()
    total = sp.S.Zero
    with_values = {c.coordinate for c in faces if c.order == 0}
    for x in dict.fromkeys(c.coordinate for c in faces):
        if all(c.value == 0 for c in faces if c.coordinate == x):
            continue
        if with_values - {x}:
            msg = f"the values of {text(f)} on the faces of {x} and of {(with_values - {x}).pop()} disagree at an edge."
            y = (with_values - {x}).pop()
            fix = f"use one value on all faces, or let the other axis be free: sm.Neumann({text(f)}, 0, on={y})"
            raise DeclarationError("S177", msg, fix=fix)
        total += _along(x, given[x, 0], given[x, 1], domain) if (x, 0) in given and (x, 1) in given else 0
    return sp.expand(total)


def _along(x: sp.Symbol, low: Face, high: Face, domain: Domain) -> sp.Expr:
    """Return the polynomial of lowest degree in one coordinate with the data of its two ends."""
    _, start, end = domain.axes[domain.coordinates.index(x)]
    length, s = end - start, x - start
    slope_low, slope_high = -low.value, high.value  # along x: the outward normal at the lower end is -x
    if (low.order, high.order) == (0, 0):
        return low.value + (high.value - low.value) * s / length
    if (low.order, high.order) == (0, 1):
        return low.value + slope_high * s
    if (low.order, high.order) == (1, 0):
        return high.value + slope_low * (x - end)
    return slope_low * s + (slope_high - slope_low) * s**2 / (2 * length)


def conditions_needed(form: SemilinearForm, f: sp.Expr, coordinate: sp.Symbol) -> int | None:
    """Return how many conditions an evolving field needs on each face of an axis; None for odd orders.

    0 for a field whose equation does not differentiate it there: its series follows from the others.
    """
    base = next((z for z, e in form.lift.items() if f in atoms_of(e)), f)
    states = [form.state.index(z) for z in form.chain[base]]
    k = form.frame.k[coordinate]
    degrees = [_degree(form.propagator[i, j], k) for i in states for j in states]
    for term in form.nonlinear:
        slots = [s for s in form.slots if s.placeholder in term.n.free_symbols and s.state in states]
        degrees += [
            _degree(term.column[i], k) + _degree(s.symbol, k) for i in states for s in slots if term.column[i] != 0
        ]
    degree = max(degrees)
    return None if degree % 2 else degree // 2


def _degree(symbol: sp.Expr, k: sp.Symbol) -> int:
    """Order of an operator along one axis; 2 stands for what is no differential operator."""
    if not symbol.has(k):
        return 0
    return int(sp.degree(symbol, k)) if symbol.is_polynomial(k) else 2
