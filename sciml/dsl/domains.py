"""Where a problem lives: periodic boxes, boxes with faces, the whole space."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import sympy as sp

from sciml.dsl.operators import as_expression
from sciml.errors import DeclarationError, shown

__all__ = ["MOST_AXES", "Box", "Domain", "Interval", "Torus", "WholeSpace", "interval"]

MOST_AXES = 3

Interval = tuple[sp.Symbol, sp.Expr, sp.Expr]


def interval(value: Any, where: str) -> Interval:
    """Check a ``(symbol, low, high)`` triple, SymPy's own convention for ranges."""
    is_time = where == "time"
    if not isinstance(value, (tuple, list, sp.Tuple)) or len(value) != 3 or not isinstance(value[0], sp.Symbol):
        what = "(t, start, end)" if is_time else "(coordinate, low, high) for each axis"
        msg = f"{where} needs a triple {what}; got {shown(value)}."
        name = "t" if is_time else "x"
        made = ""
        if isinstance(value, (tuple, list)) and len(value) == 3 and isinstance(value[0], str):
            name = value[0]
            made = f'{name} = sm.coords("{name}");  '
        raise DeclarationError("S117", msg, fix=made + _written(where, name, 0, 1))
    x = value[0]
    low, high = (as_expression(v, where) for v in value[1:])
    if low.is_finite is False or high.is_finite is False:
        msg = f"{where} needs finite ends; got ({x}, {low}, {high})."
        fix = _written(where, x, 0, 1) + ("" if is_time else f";  all of space is sm.WholeSpace({x})")
        raise DeclarationError("S117", msg, fix=fix)
    if (high - low).is_positive is False:
        needs = "time must end after it starts" if is_time else f"{where} needs low < high"
        msg = f"{needs}; got ({x}, {low}, {high})."
        ends = (low, low + 1) if low == high else (high, low)
        raise DeclarationError("S117", msg, fix=_written(where, x, *ends))
    return x, low, high


def _written(where: str, x: Any, low: Any, high: Any) -> str:
    return f"time=({x}, {low}, {high})" if where == "time" else f"sm.{where}(({x}, {low}, {high}))"


class Domain:
    """A product of 1 to 3 coordinate axes, each periodic, bounded by two faces, or infinite.

    A fourth axis can be written and is refused with the problem, which then says why: noise may be critical there.

    Attributes:
        axes: ``(coordinate, low, high)`` of each axis; ``-oo, oo`` for an infinite one.
        periodic: The coordinates whose ends are identified.
    """

    __slots__ = ("axes", "periodic")
    axes: tuple[Interval, ...]
    periodic: frozenset[sp.Symbol]
    example: ClassVar[str]

    def __init__(self, axes: Iterable[Interval], periodic: Iterable[sp.Symbol]) -> None:
        checked = tuple(axes)
        object.__setattr__(self, "axes", checked)
        if not 1 <= len(checked) <= MOST_AXES + 1 or len({a[0] for a in checked}) != len(checked):
            raise self.miscounted()
        object.__setattr__(self, "periodic", frozenset(periodic))

    def miscounted(self) -> DeclarationError:
        """Return the error of a domain with too few, too many or repeated axes."""
        given = ", ".join(map(str, self.coordinates)) or "none"
        msg = f"{type(self).__name__} needs 1 to {MOST_AXES} distinct coordinates; got {given}."
        return DeclarationError("S117", msg, fix=self.example)

    def __setattr__(self, name: str, value: Any) -> None:
        msg = f"a {type(self).__name__} is immutable; make a new one"
        raise AttributeError(msg)

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The space coordinates, in order."""
        return tuple(a[0] for a in self.axes)

    @property
    def bounded(self) -> tuple[sp.Symbol, ...]:
        """The coordinates with two faces, in order."""
        return tuple(x for x, low, _ in self.axes if x not in self.periodic and low.is_finite is not False)

    @property
    def infinite(self) -> tuple[sp.Symbol, ...]:
        """The coordinates that run over the whole line, in order."""
        return tuple(x for x, low, _ in self.axes if low.is_finite is False)

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All finite bounds, for role checks."""
        return tuple(b for a in self.axes for b in a[1:] if b.is_finite is not False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Domain) or type(other) is not type(self):
            return False
        return (self.axes, self.periodic) == (other.axes, other.periodic)

    def __hash__(self) -> int:
        return hash((type(self), self.axes, self.periodic))

    def _triples(self) -> str:
        return ", ".join(f"({x}, {lo}, {hi})" for x, lo, hi in self.axes)


class Torus(Domain):
    """A periodic box ``[low, high)`` in each of 1 to 3 coordinates, e.g. ``Torus((x, 0, 1), (y, 0, 2))``.

    Bounds may be expressions in parameters.
    """

    __slots__ = ()
    example = "sm.Torus((x, 0, 1), (y, 0, 1))"

    def __init__(self, *axes: Any) -> None:
        checked = [interval(a, "Torus") for a in axes]
        super().__init__(checked, [x for x, *_ in checked])

    def __reduce__(self) -> tuple[Any, ...]:
        return Torus, self.axes

    def __repr__(self) -> str:
        return f"Torus({self._triples()})"


class Box(Domain):
    """A box ``[low, high]`` in each of 1 to 3 coordinates, with two faces on each axis that is not periodic.

    Every evolving field needs a condition on every face: ``sm.Dirichlet(u, 0, on=x)`` holds on both
    faces of the x axis, ``on=(x, 0)`` on one of them.

    Args:
        axes: ``(coordinate, low, high)``; bounds may be expressions in parameters.
        periodic: Coordinates whose two ends are identified instead.
    """

    __slots__ = ()
    example = "sm.Box((x, 0, 1), (y, 0, 1), periodic=[y])"

    def __init__(self, *axes: Any, periodic: Any = ()) -> None:
        checked = [interval(a, "Box") for a in axes]
        known = [x for x, *_ in checked]
        if not isinstance(periodic, (sp.Symbol, list, tuple, set, frozenset)):
            msg = f"Box(periodic=...) lists coordinates; got {shown(periodic)}."
            fix = [f"periodic=[{known[0] if known else 'x'}]  makes this axis periodic; all of them:  sm.Torus(...)"]
            raise DeclarationError("S117", msg, fix=fix)
        listed = [periodic] if isinstance(periodic, sp.Symbol) else list(periodic)
        for x in listed:
            if x not in known:
                msg = f"Box(periodic=...) names {x}, which is not one of its coordinates {', '.join(map(str, known))}."
                raise DeclarationError("S117", msg, fix=self.example)
        if checked and len(set(listed)) == len(checked):
            msg = "a Box whose axes are all periodic has no faces."
            raise DeclarationError("S117", msg, fix=f"sm.Torus({', '.join(f'({x}, {a}, {b})' for x, a, b in checked)})")
        super().__init__(checked, listed)

    def __reduce__(self) -> tuple[Any, ...]:
        return _box, (self.axes, tuple(x for x in self.coordinates if x in self.periodic))

    def __repr__(self) -> str:
        listed = ", ".join(str(x) for x in self.coordinates if x in self.periodic)
        return f"Box({self._triples()}, periodic=[{listed}])" if listed else f"Box({self._triples()})"


def _box(axes: tuple[Interval, ...], periodic: tuple[sp.Symbol, ...]) -> Box:
    return Box(*axes, periodic=periodic)


class WholeSpace(Domain):
    """All of space in 1 to 3 coordinates, e.g. ``WholeSpace(x, y)``; fields vanish at infinity."""

    __slots__ = ()
    example = "sm.WholeSpace(x, y)"

    def __init__(self, *coordinates: Any) -> None:
        for x in coordinates:
            if not isinstance(x, sp.Symbol):
                msg = f"WholeSpace takes coordinates without bounds; got {shown(x)}."
                fix = "sm.WholeSpace(x, y);  with bounds it is a sm.Torus((x, 0, 1)) or a sm.Box((x, 0, 1))"
                raise DeclarationError("S117", msg, fix=fix)
        super().__init__([(x, -sp.oo, sp.oo) for x in coordinates], ())

    def __reduce__(self) -> tuple[Any, ...]:
        return WholeSpace, self.coordinates

    def __repr__(self) -> str:
        return f"WholeSpace({', '.join(map(str, self.coordinates))})"
