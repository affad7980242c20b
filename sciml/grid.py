"""Where the answer is stored."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from sciml.dsl.domains import Domain
from sciml.dsl.roles import Law, Range
from sciml.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from sciml.problem import Problem

__all__ = ["Grid", "Storage", "grid_of"]

DEFAULT_POINTS = {1: 256, 2: 128, 3: 32}
DEFAULT_INTERVALS = 50
DEFAULT_VALUES = 16

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Storage:
    """A grid resolved for one problem.

    Attributes:
        points: Points per space axis.
        ends: First and last stored point of each infinite axis, by its name.
        intervals: Intervals in time.
        values: Values of each parameter of a family.
    """

    points: tuple[int, ...]
    ends: Mapping[str, tuple[float, float]]
    intervals: int
    values: Mapping[sp.Symbol, Array]

    @property
    def batch(self) -> int:
        """Number of members of the family."""
        return int(np.prod([len(v) for v in self.values.values()], dtype=int))

    def members(self) -> dict[sp.Symbol, Array]:
        """Return the value of each parameter for every member, the last parameter varying fastest."""
        mesh = np.meshgrid(*self.values.values(), indexing="ij")
        return {s: m.ravel() for s, m in zip(self.values, mesh, strict=True)}


class Grid:
    """Where a solution is stored, e.g. ``Grid(x=128, y=128, t=50)`` or, for a family, ``Grid(x=128, nu=16)``.

    A periodic axis of n has n points and no right end point; a bounded axis of n has n points, both
    ends included; an infinite axis is stored on a window, ``x=(-2, 2, 65)`` for 65 points. A time axis
    of n has n equal intervals and n + 1 stored times, both ends included. A parameter with a ``Range``
    has n values from end to end in the scale of the range, one with a law its n quantiles
    (j + 1/2)/n, or the values that are listed: ``Grid(nu=[0.01, 0.02])``.

    Axes that are not named get a default: 256, 128 or 32 points in 1, 2 or 3 dimensions (one more on
    a bounded axis), 50 intervals in time, 16 values of a parameter.
    """

    __slots__ = ("axes",)
    axes: dict[str, int | tuple[float, ...]]

    def __init__(self, **axes: Any) -> None:
        object.__setattr__(self, "axes", {name: _axis(name, given) for name, given in axes.items()})

    def __setattr__(self, name: str, value: Any) -> None:
        msg = "a Grid is immutable; make a new one"
        raise AttributeError(msg)

    def resolve(self, time: sp.Symbol, domain: Domain, family: Mapping[sp.Symbol, Range | Law]) -> Storage:
        """Return points, intervals and parameter values for the coordinates and the family of a problem.

        Raises:
            OptionError: An axis the problem does not have, too few points, or values out of range.
        """
        space = domain.coordinates
        known = [s.name for s in (*space, time, *family)]
        for name, given in self.axes.items():
            if name not in known:
                msg = f"Grid has an axis {name!r}, the problem has {', '.join(known)}.{did_you_mean(name, known)}"
                raise OptionError("O311", msg)
            if isinstance(given, tuple) and name not in [s.name for s in (*family, *domain.infinite)]:
                msg = f"Grid({name}=...) lists values, which only a parameter with a range or a law can have."
                raise OptionError("O310", msg, fix=f"Grid({name}=128)")
        windows = {s: self._window(s) for s in domain.infinite}
        points = tuple(
            windows[s][2] if s in windows else self._count(s, DEFAULT_POINTS[len(space)] + (s in domain.bounded))
            for s in space
        )
        if min(points) < 4:
            msg = f"Grid needs at least 4 points on each space axis; got {points}."
            raise OptionError("O310", msg)
        values = {s: self._values(s, role) for s, role in family.items()}
        ends = {s.name: (low, high) for s, (low, high, _) in windows.items()}
        return Storage(points, ends, self._count(time, DEFAULT_INTERVALS), values)

    def _window(self, symbol: sp.Symbol) -> tuple[float, float, int]:
        given = self.axes.get(symbol.name)
        if not isinstance(given, tuple) or len(given) != 3 or given[0] >= given[1] or given[2] != int(given[2]):
            shown = "" if given is None else f"; got {given}"
            msg = f"the axis {symbol} is infinite, so the grid needs a window on it and a number of points{shown}."
            raise OptionError("O313", msg, fix=f"Grid({symbol}=(-2, 2, 65))")
        return given[0], given[1], int(given[2])

    def _count(self, symbol: sp.Symbol, default: int) -> int:
        given = self.axes.get(symbol.name, default)
        assert isinstance(given, int)  # lists are refused before
        return given

    def _values(self, symbol: sp.Symbol, role: Range | Law) -> Array:
        given = self.axes.get(symbol.name, DEFAULT_VALUES)
        if isinstance(given, int):
            return role.points(given)
        if len(set(given)) != len(given):
            msg = f"Grid({symbol}=...) lists a value twice: {list(given)}."
            raise OptionError("O310", msg)
        if isinstance(role, Range) and not all(role.low <= v <= role.high for v in given):
            msg = f"Grid({symbol}=...) lists values outside {role}."
            raise OptionError("O312", msg, fix="widen the range in parameters, or list values inside it")
        return np.array(given)

    def __reduce__(self) -> tuple[Any, ...]:
        return _grid, (self.axes,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.axes == other.axes

    def __hash__(self) -> int:
        return hash((Grid, tuple(sorted(self.axes.items(), key=str))))

    def __repr__(self) -> str:
        return f"Grid({', '.join(f'{k}={_shown(v)}' for k, v in self.axes.items())})"


def grid_of(problem: Problem, ds: xr.Dataset) -> Grid:
    """Return the grid that a solution or samples of a problem lie on; parameters of a family have no axis of it."""
    axes: dict[str, Any] = {problem.frame.time.name: max(1, ds.sizes["time"] - 1)}
    for x in problem.frame.space:
        window = (float(ds[x.name][0]), float(ds[x.name][-1]), ds.sizes[x.name])
        axes[x.name] = window if x in problem.domain.infinite else ds.sizes[x.name]
    return Grid(**axes)


def _axis(name: str, given: Any) -> int | tuple[float, ...]:
    if isinstance(given, (list, tuple, np.ndarray)):
        values = np.asarray(given, dtype=float)
        if values.ndim != 1 or not values.size or not np.isfinite(values).all():
            msg = f"Grid({name}=...) lists finite numbers; got {given!r}."
            raise OptionError("O310", msg, fix=f"Grid({name}=[0.01, 0.02])")
        return tuple(float(v) for v in values)
    n = operator.index(given) if hasattr(given, "__index__") and not isinstance(given, bool) else 0
    if n < 1:
        msg = f"Grid({name}=...) needs a positive whole number; got {given!r}."
        raise OptionError("O310", msg, fix="sm.Grid(x=128, y=128, t=50)")
    return n


def _shown(axis: int | tuple[float, ...]) -> str:
    if isinstance(axis, int):
        return str(axis)
    listed = ", ".join(f"{v:.12g}" for v in axis)
    return f"({listed})" if len(axis) > 1 else f"({listed},)"


def _grid(axes: dict[str, Any]) -> Grid:
    return Grid(**axes)
