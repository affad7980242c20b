"""Vorticity that is a measure: point vortices, vortex sheets, vortex patches.

They have a circulation but no values at points, so a method must say what it makes of them; none
smears them silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp

from sciml.dsl.operators import Operator, as_expression
from sciml.errors import DeclarationError, shown

__all__ = ["Measure", "PointVortices", "VortexPatch", "VortexSheet", "measures", "with_measures"]


class Measure(Operator):
    """Base of vorticity that is not a function."""

    __iter__ = None

    def _eval_is_real(self) -> bool:
        return True

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        return sp.Derivative(self, variable, evaluate=False)

    def _eval_subs(self, old: Any, new: Any) -> None:
        return None

    def _latex(self, printer: Any) -> str:
        return rf"\text{{{type(self).__name__}}}"

    def _pretty(self, printer: Any) -> Any:
        return printer._print(sp.Symbol(type(self).__name__))


class PointVortices(Measure):
    """``Σ Γ_i δ(x - a_i)`` in the plane or on a two-dimensional torus.

    Args:
        strength: Circulations Γ_i; counter-clockwise if positive.
        at: Positions a_i, distinct.
    """

    def __new__(cls, strength: Any, at: Any) -> Any:
        strengths = [as_expression(s, "PointVortices") for s in _listed(strength, "strength")]
        positions = []
        for place in _listed(at, "at"):
            point = _listed(place, "at") if isinstance(place, Iterable) else []
            if len(point) not in (2, 3):
                msg = f"PointVortices(at=...) is a list of points such as [(0, 0), (1, 0)]; got {shown(at)}."
                listed = f"at=[({', '.join(map(str, at))})]" if len(list(at)) in (2, 3) and not point else "at=[(0, 0)]"
                raise DeclarationError("S182", msg, fix=f"sm.PointVortices(strength=[1], {listed})")
            positions.append(sp.Tuple(*(as_expression(p, "PointVortices") for p in point)))
        if len(strengths) != len(positions) or not strengths:
            msg = f"PointVortices needs one strength per position; got {len(strengths)} and {len(positions)}."
            raise DeclarationError("S182", msg, fix="sm.PointVortices(strength=[1, -1], at=[(0, 0), (1, 0)])")
        for i, p in enumerate(positions):
            if p in positions[:i]:
                raise coinciding(tuple(p), [strengths[positions.index(p)], strengths[i]])
        return sp.Expr.__new__(cls, sp.Tuple(*strengths), sp.Tuple(*positions))

    @property
    def vortices(self) -> list[tuple[sp.Expr, tuple[sp.Expr, ...]]]:
        """Strength and position of each."""
        return [(g, tuple(p)) for g, p in zip(*self.args, strict=True)]

    def _sympystr(self, printer: Any) -> str:
        shown = [f"{printer._print(g)} at ({', '.join(map(printer._print, p))})" for g, p in self.vortices]
        return f"PointVortices({'; '.join(shown)})"


class VortexSheet(Measure):
    """``∫ γ(s) δ(x - X(s)) |X'(s)| ds``: vorticity on a curve, with γ the strength per length.

    Args:
        strength: γ, an expression in the curve's parameter.
        curve: Its points X, one expression per coordinate.
        s: The parameter with its ends, ``(s, low, high)``.
    """

    def __new__(cls, strength: Any, curve: Any, s: Any) -> Any:
        points = [as_expression(c, "VortexSheet") for c in _listed(curve, "curve")]
        span = _listed(s, "s")
        if len(points) != 2 or len(span) != 3 or not isinstance(span[0], sp.Symbol):
            msg = f"VortexSheet needs a plane curve (X(s), Y(s)) and (s, low, high); got {shown(curve)} and {shown(s)}."
            fix = "sm.VortexSheet(1, curve=(s, 0), s=(s, 0, 1))"
            raise DeclarationError("S182", msg, fix=fix)
        ends = [as_expression(e, "VortexSheet") for e in span[1:]]
        if not any(c.has(span[0]) for c in points):
            curve_shown = ", ".join(map(_short, points))
            msg = f"the curve ({curve_shown}) of VortexSheet does not depend on its parameter {span[0]}: it is a point."
            fix = f"sm.VortexSheet(1, curve=({span[0]}, 0), s=({span[0]}, 0, 1)),  or sm.PointVortices(...) for a point"
            raise DeclarationError("S182", msg, fix=fix)
        if (ends[1] - ends[0]).is_positive is False:
            raise reversed_sheet(span[0], *ends)
        return sp.Expr.__new__(cls, as_expression(strength, "VortexSheet"), sp.Tuple(*points), sp.Tuple(span[0], *ends))

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        bound = self.args[2][0]
        return set().union(*(e.free_symbols for e in (self.args[0], *self.args[1], *self.args[2][1:]))) - {bound}

    @property
    def density(self) -> sp.Expr:
        """Circulation per unit of the parameter, ``γ |X'|``."""
        s = self.args[2][0]
        return self.args[0] * sp.sqrt(sp.Add(*(c.diff(s) ** 2 for c in self.args[1])))

    def _sympystr(self, printer: Any) -> str:
        (s, low, high), curve = self.args[2], ", ".join(map(printer._print, self.args[1]))
        return f"VortexSheet({printer._print(self.args[0])} along ({curve}), {s} in [{low}, {high}])"


class VortexPatch(Measure):
    """``strength`` where ``inside`` holds, 0 elsewhere; ``inside`` is an inequality in the coordinates."""

    def __new__(cls, strength: Any, inside: Any) -> Any:
        if not isinstance(inside, (sp.core.relational.Relational, sp.And, sp.Or)):
            msg = f"VortexPatch(inside=...) is an inequality in the coordinates; got {inside!r}."
            raise DeclarationError("S182", msg, fix="sm.VortexPatch(1, inside=x**2 + y**2 < 1)")
        return sp.Expr.__new__(cls, as_expression(strength, "VortexPatch"), inside)

    @property
    def values(self) -> sp.Expr:
        """The same as a function of the coordinates."""
        return sp.Piecewise((self.args[0], self.args[1]), (0, True))

    def _sympystr(self, printer: Any) -> str:
        return f"VortexPatch({printer._print(self.args[0])} where {printer._print(self.args[1])})"


def _listed(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, Iterable):
        msg = f"{what} must be a list; got {shown(value)}."
        raise DeclarationError("S182", msg, fix="sm.PointVortices(strength=[1], at=[(0, 0)])")
    return list(value)


def coinciding(place: Sequence[sp.Expr], strengths: Sequence[sp.Expr]) -> DeclarationError:
    """Return the error of two vortices at one place."""
    where = ", ".join(map(_short, place))
    msg = f"two point vortices stand at the same place ({where})."
    fix = f"give the place once, with the sum of the strengths: {_short(sp.Add(*strengths))} at ({where})"
    return DeclarationError("S182", msg, fix=fix)


def reversed_sheet(s: sp.Symbol, low: sp.Expr, high: sp.Expr) -> DeclarationError:
    """Return the error of a sheet whose parameter runs backwards, which would turn its sign."""
    msg = f"VortexSheet needs low < high; got ({s}, {_short(low)}, {_short(high)})."
    return DeclarationError("S182", msg, fix=f"s=({s}, {_short(high)}, {_short(low)})")


def _short(expr: sp.Expr) -> str:
    return f"{float(expr):g}" if isinstance(expr, sp.Float) else str(expr)


def measures(expr: sp.Expr) -> list[Measure]:
    """Return the measures in an initial value."""
    return sorted(expr.atoms(Measure), key=sp.default_sort_key)


def with_measures(expr: sp.Expr, coordinates: Sequence[sp.Symbol]) -> sp.Expr:
    """Write products of ``DiracDelta`` as point vortices, and a single one as a straight sheet.

    Raises:
        DeclarationError: A delta function of anything but ``coordinate - place``.
    """
    if not expr.has(sp.DiracDelta):
        return expr
    if len(coordinates) != 2:
        msg = f"a delta function is read as vorticity in a plane, and this domain has {len(coordinates)} dimension(s)."
        x = coordinates[0]
        raise DeclarationError("S183", msg, fix=f"a narrow Gaussian: sp.exp(-{x}**2/(2*a**2))/sp.sqrt(2*sp.pi*a**2)")
    expanded = sp.expand(expr)
    return sp.Add(*(_from_deltas(term, coordinates) for term in sp.Add.make_args(expanded)))


def _from_deltas(term: sp.Expr, coordinates: Sequence[sp.Symbol]) -> sp.Expr:
    places: dict[sp.Symbol, sp.Expr] = {}
    rest: list[sp.Expr] = []
    for factor in sp.Mul.make_args(term):
        if not factor.has(sp.DiracDelta):
            rest.append(factor)
            continue
        found = _place(factor, coordinates)
        if found is None or found[0] in places:
            msg = f"{factor} is not a delta function of one coordinate, such as DiracDelta(x - 1)."
            x, y = coordinates
            fix = [f"a point: sp.DiracDelta({x})*sp.DiracDelta({y})"]
            fix += ["a circle: sm.VortexSheet(1, curve=(sp.cos(s), sp.sin(s)), s=(s, 0, 2*sp.pi))"]
            raise DeclarationError("S183", msg, fix=fix)
        places[found[0]] = found[1]
        rest.append(found[2])
    if not places:
        return term
    factor = sp.Mul(*rest).subs(places)
    if set(places) == set(coordinates):
        return PointVortices([factor], [[places[x] for x in coordinates]])
    s = sp.Symbol("s")
    curve = ", ".join(str(places.get(x, s)) for x in coordinates)
    msg = f"{term} is concentrated on a line."
    raise DeclarationError("S183", msg, fix=f"sm.VortexSheet({factor}, curve=({curve}), s=(s, low, high))")


def _place(factor: sp.Expr, coordinates: Sequence[sp.Symbol]) -> tuple[sp.Symbol, sp.Expr, sp.Expr] | None:
    """Return coordinate, place and factor of ``δ(a x - b) = δ(x - b/a)/|a|``."""
    if not isinstance(factor, sp.DiracDelta) or len(factor.args) > 1:
        return None
    held = [x for x in coordinates if factor.args[0].has(x)]
    if len(held) != 1 or not factor.args[0].is_polynomial(held[0]) or sp.degree(factor.args[0], held[0]) != 1:
        return None
    slope, offset = sp.Poly(factor.args[0], held[0]).all_coeffs()
    return held[0], -offset / slope, 1 / sp.Abs(slope)
