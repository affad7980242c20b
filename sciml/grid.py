"""Where the answer is stored."""

from __future__ import annotations

import operator
from typing import Any

import sympy as sp

from sciml.dsl.domains import Domain
from sciml.errors import OptionError, did_you_mean

__all__ = ["Grid"]

DEFAULT_POINTS = {1: 256, 2: 128, 3: 32}
DEFAULT_INTERVALS = 50


class Grid:
    """Points per coordinate at which a solution is stored, e.g. ``Grid(x=128, y=128, t=50)``.

    A periodic axis of n has n points and no right end point; a bounded axis of n has n points, both
    ends included. A time axis of n has n equal intervals and n + 1 stored times, both ends included.
    Axes that are not named get a default: 256, 128 or 32 points in 1, 2 or 3 dimensions (one more on
    a bounded axis), and 50 intervals in time.
    """

    __slots__ = ("axes",)
    axes: dict[str, int]

    def __init__(self, **axes: Any) -> None:
        for name, given in axes.items():
            n = operator.index(given) if hasattr(given, "__index__") and not isinstance(given, bool) else 0
            axes[name] = n
            if n < 1:
                msg = f"Grid({name}=...) needs a positive whole number; got {given!r}."
                raise OptionError("O310", msg, fix="sm.Grid(x=128, y=128, t=50)")
        object.__setattr__(self, "axes", dict(axes))

    def __setattr__(self, name: str, value: Any) -> None:
        msg = "a Grid is immutable; make a new one"
        raise AttributeError(msg)

    def resolve(self, time: sp.Symbol, domain: Domain) -> tuple[tuple[int, ...], int]:
        """Return (points per space axis, intervals in time) for the coordinates of a problem."""
        space = domain.coordinates
        known = [s.name for s in (*space, time)]
        for name in self.axes:
            if name not in known:
                msg = f"Grid has an axis {name!r}, the problem has {', '.join(known)}.{did_you_mean(name, known)}"
                raise OptionError("O311", msg)
        points = tuple(self.axes.get(s.name, DEFAULT_POINTS[len(space)] + (s in domain.bounded)) for s in space)
        if min(points) < 4:
            msg = f"Grid needs at least 4 points on each space axis; got {points}."
            raise OptionError("O310", msg)
        return points, self.axes.get(time.name, DEFAULT_INTERVALS)

    def __reduce__(self) -> tuple[Any, ...]:
        return _grid, (self.axes,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.axes == other.axes

    def __hash__(self) -> int:
        return hash((Grid, tuple(sorted(self.axes.items()))))

    def __repr__(self) -> str:
        return f"Grid({', '.join(f'{k}={v}' for k, v in self.axes.items())})"


def _grid(axes: dict[str, int]) -> Grid:
    return Grid(**axes)
