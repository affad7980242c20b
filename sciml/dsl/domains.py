"""Where a problem lives."""

from __future__ import annotations

from typing import Any

import sympy as sp

from sciml.dsl.operators import as_expression
from sciml.errors import DeclarationError

__all__ = ["Interval", "Torus", "interval"]

Interval = tuple[sp.Symbol, sp.Expr, sp.Expr]


def interval(value: Any, where: str) -> Interval:
    """Check a ``(symbol, low, high)`` triple, SymPy's own convention for ranges."""
    if not isinstance(value, (tuple, list, sp.Tuple)) or len(value) != 3 or not isinstance(value[0], sp.Symbol):
        msg = f"{where} needs a triple (coordinate, low, high); got {value!r}."
        raise DeclarationError("S117", msg, fix=f"{where}: (x, 0, 1)")
    low, high = (as_expression(v, where) for v in value[1:])
    if (high - low).is_positive is False or not (low.is_finite is not False and high.is_finite is not False):
        msg = f"{where} needs finite low < high; got ({value[0]}, {low}, {high})."
        raise DeclarationError("S117", msg, fix=f"({value[0]}, 0, 1)")
    return value[0], low, high


class Torus:
    """A periodic box ``[low, high)`` in each of 1 to 3 coordinates, e.g. ``Torus((x, 0, 1), (y, 0, 2))``.

    Bounds may be expressions in parameters.
    """

    __slots__ = ("axes",)
    axes: tuple[Interval, ...]

    def __init__(self, *axes: Any) -> None:
        checked = tuple(interval(a, "Torus") for a in axes)
        if not 1 <= len(checked) <= 3 or len({a[0] for a in checked}) != len(checked):
            msg = f"Torus needs 1 to 3 distinct coordinates; got {len(checked)}."
            raise DeclarationError("S117", msg, fix="sm.Torus((x, 0, 1), (y, 0, 1))")
        object.__setattr__(self, "axes", checked)

    def __setattr__(self, name: str, value: Any) -> None:
        msg = "a Torus is immutable; make a new one"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[Any, ...]:
        return Torus, self.axes

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The space coordinates, in order."""
        return tuple(a[0] for a in self.axes)

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All bounds, for role checks."""
        return tuple(b for a in self.axes for b in a[1:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Torus) and self.axes == other.axes

    def __hash__(self) -> int:
        return hash((Torus, self.axes))

    def __repr__(self) -> str:
        return f"Torus({', '.join(f'({x}, {lo}, {hi})' for x, lo, hi in self.axes)})"
