"""Measurements: what was observed, where, and how precisely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.arrays import Array, array_name, frozen_array
from sciml.dsl.operators import as_expression
from sciml.dsl.text import text
from sciml.dsl.vectors import Named
from sciml.errors import DataError, DeclarationError, did_you_mean, shown

__all__ = ["Observation", "Observe"]


@dataclass(frozen=True, eq=False)
class Observation:
    """Measurements with every column assigned, as a problem holds them.

    Attributes:
        quantity: The observed expression, or the name of an output.
        points: A column for each coordinate, by its name, the time first; shape ``(N,)``.
        values: One column per component, shape ``(N, components)``.
        noise_std: Standard deviation of the errors: a number, ``(N,)``, or None if unknown.
    """

    quantity: sp.Expr | str
    points: Mapping[str, Array]
    values: Array
    noise_std: float | Array | None

    @property
    def arrays(self) -> list[Array]:
        """Every array it holds."""
        std = [self.noise_std] if isinstance(self.noise_std, np.ndarray) else []
        return [*self.points.values(), self.values, *std]

    @property
    def key(self) -> tuple[Any, ...]:
        """What two equal observations have in common."""
        std = array_name(self.noise_std) if isinstance(self.noise_std, np.ndarray) else self.noise_std
        places = tuple((n, array_name(p)) for n, p in self.points.items())
        return str(self.quantity), places, array_name(self.values), std

    def __str__(self) -> str:
        what = self.quantity if isinstance(self.quantity, str) else text(self.quantity)
        std = self.noise_std
        spread = "" if std is None else ", noise_std per row" if isinstance(std, np.ndarray) else f", noise_std {std:g}"
        return f"{what} at {len(self.values)} points{spread}"


class Observe:
    """Values of an expression at points of time and space.

    Args:
        quantity: A field, any expression of fields such as ``Dx(u, x)``, or the name of an output.
        table: A table of columns (``pandas.DataFrame`` or a dict of 1-D arrays) with one row per
            measurement, or an ``xarray`` Dataset or DataArray on a product grid.
        columns: Which column is which coordinate: ``{"time_s": t, "x_m": x}``. Columns called like a
            coordinate need not be listed (``time`` is the time). A column may also be given for the
            observed quantity or its components, ``{"angle_rad": theta}`` or ``{"vx": v[x]}``; else
            the columns that are left are its components, in order.
        noise_std: Standard deviation of independent Gaussian errors: a number, one per row, or the
            name of a column. None: unknown, estimated from the misfit.

    Rows whose value is NaN are missing and dropped. Nothing is ever broadcast.

    Raises:
        DataError: Columns that are missing, left over, of unequal length, or not finite.
    """

    def __init__(
        self, quantity: Any, table: Any, columns: Mapping[str, Any] | None = None, noise_std: Any = None
    ) -> None:
        self.quantity = quantity if isinstance(quantity, str) else as_expression(quantity, "Observe")
        if isinstance(self.quantity, sp.Expr) and not self.quantity.atoms(AppliedUndef, Named):
            msg = f"Observe({text(self.quantity)}) holds no field, so nothing of the solution is observed."
            raise DeclarationError("S190", msg, fix="sm.Observe(u, table)  or  sm.Observe(sm.Dx(u, x), table)")
        self.columns = _checked_columns(columns or {})
        self.table = _flattened(table, str(self))
        if not self.table:
            msg = f"{self}: the table has no columns."
            raise DataError("D231", msg, fix='sm.Observe(u, {"t": times, "x": places, "u": values})')
        for name in [*self.columns, *([noise_std] if isinstance(noise_std, str) else [])]:
            if name not in self.table:
                msg = f"{self}: there is no column {name!r}.{did_you_mean(name, self.table)}"
                raise DataError("D231", msg, fix=f"columns of the table: {', '.join(self.table)}")
        self.noise_std = self.table.pop(noise_std) if isinstance(noise_std, str) else noise_std

    def __str__(self) -> str:
        return f"Observe({self.quantity if isinstance(self.quantity, str) else text(self.quantity)})"

    def resolve(
        self,
        coordinates: Sequence[sp.Symbol],
        components: Sequence[sp.Expr],
        scalar: Callable[[sp.Expr], sp.Expr],
    ) -> Observation:
        """Assign the columns to coordinates and components.

        Args:
            coordinates: Time, and the space coordinates if the quantity depends on them.
            components: Scalar expressions of the quantity.
            scalar: Brings the meaning of a column to the form of those.
        """
        left = dict(self.table)
        points = {}
        for number, s in enumerate(coordinates):
            meant = {*(c.name for c in coordinates), *map(text, components)}
            name = self._column_of(s, left, meant, is_time=number == 0)
            points[s.name] = left.pop(name)
        meanings = {n: self.columns[n] for n in left if n in self.columns}
        if meanings and (stray := [n for n in left if n not in meanings]):
            msg = f"{self}: the column(s) {', '.join(stray)} have no meaning."
            raise DataError("D231", msg, fix=f"drop them: {_dropped(stray)}, or name them in columns={{...}}")
        if len(left) != len(components):
            names = list(map(text, components))
            msg = f"{self}: {len(left)} column(s) of values ({', '.join(left)}) for {len(components)} component(s)."
            stray = [n for n in left if n not in names]
            fix = f"components: {', '.join(names)}"
            if len(left) > len(components) and len(left) - len(stray) == len(components):
                fix = f"drop what is not observed: {_dropped(stray)}"
            raise DataError("D231", msg, fix=fix)
        by_component = {scalar(m): left[n] for n, m in meanings.items()}
        return self._checked(points, np.stack(self._in_order(left, by_component, components), axis=-1))

    def _column_of(self, coordinate: sp.Symbol, left: Mapping[str, Array], meant: set[str], is_time: bool) -> str:
        named = [n for n, meaning in self.columns.items() if meaning == coordinate]
        for name in [*named, coordinate.name, *(["time"] if is_time else [])]:
            if name in left:
                return str(name)
        msg = f"{self}: no column holds the coordinate {coordinate}."
        taken = {n for n, meaning in self.columns.items() if meaning != coordinate}
        free = [n for n in left if n not in taken | meant]
        close = [n for n in free if n.startswith(coordinate.name)] or free
        likely = close[0] if close else "..."
        fix = f"columns={{{likely!r}: {coordinate}}}; columns of the table: {', '.join(self.table)}"
        raise DataError("D231", msg, fix=fix)

    def _in_order(
        self, left: Mapping[str, Array], by_component: Mapping[sp.Expr, Array], components: Sequence[sp.Expr]
    ) -> list[Array]:
        if not by_component:
            return list(left.values())
        if set(by_component) != set(components):
            wanted = ", ".join(f"{n!r}: {text(c)}" for n, c in zip(left, components, strict=True))
            msg = f"{self}: columns gives {', '.join(left)} a meaning that is not observed here."
            raise DataError("D231", msg, fix=f"columns={{{wanted}}}")
        return [by_component[c] for c in components]

    def _checked(self, points: Mapping[str, Array], values: Array) -> Observation:
        for name, column in points.items():
            if not np.isfinite(column).all():
                msg = f"{self}: the coordinate {name} has values that are not finite."
                raise DataError("D232", msg, fix="drop those rows")
        if np.isinf(values).any():
            msg = f"{self}: some values are infinite."
            raise DataError("D232", msg, fix="mark missing values with NaN")
        kept = np.asarray(np.isfinite(values).all(axis=1))
        if not kept.any():
            msg = f"{self}: the table holds no value."
            raise DataError("D232", msg, fix="every row has a NaN; give at least one row of numbers")
        places = {n: frozen_array(p[kept], n) for n, p in points.items()}
        return Observation(self.quantity, places, frozen_array(values[kept], str(self)), self._spread(kept))

    def _spread(self, kept: np.ndarray[Any, Any]) -> float | Array | None:
        if self.noise_std is None:
            return None
        spread = frozen_array(self.noise_std, f"{self}: noise_std")
        if spread.ndim > 1 or (spread.ndim and len(spread) != len(kept)) or not (spread > 0).all():
            found = f"shape {spread.shape}" if spread.ndim else f"{float(spread):g}"
            found = "values that are not positive" if spread.shape == kept.shape else found
            msg = f"{self}: noise_std is a positive number, or one per row ({len(kept)}); got {found}."
            raise DataError("D232", msg, fix="noise_std=0.01, or leave it out if it is unknown")
        return frozen_array(spread[kept], "noise_std") if spread.ndim else float(spread)


def _dropped(names: Sequence[str]) -> str:
    return f"del {', '.join(f'table[{n!r}]' for n in names)}"


def _checked_columns(columns: Any) -> dict[str, Any]:
    if not isinstance(columns, Mapping):
        msg = f"columns={{...}} maps names of columns to what they are; got {shown(columns)}."
        raise DataError("D231", msg, fix='columns={"time_s": t, "x_m": x}')
    for name, meaning in columns.items():
        if not isinstance(name, str):
            msg = f"columns={{...}} maps names of columns to what they are; got {name}: {shown(meaning)}."
            turned = f"columns={{{meaning!r}: {name}}}" if isinstance(meaning, str) else 'columns={"time_s": t}'
            raise DataError("D231", msg, fix=turned)
    return {name: as_expression(meaning, f"columns[{name!r}]") for name, meaning in columns.items()}


def _flattened(table: Any, where: str) -> dict[str, Array]:
    """Return columns of equal length from a table, or from labelled arrays on a product grid."""
    if hasattr(table, "dims") and not hasattr(table, "columns"):
        return _from_labelled(table, where)
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        msg = f"{where} needs a table (DataFrame or dict of columns) or xarray data; got {shown(table)}."
        raise DataError("D231", msg, fix='sm.Observe(u, {"t": times, "x": places, "u": values})')
    columns = {str(n): frozen_array(table[n], f"{where}, column {n!r}") for n in getattr(table, "columns", table)}
    if any(c.ndim != 1 for c in columns.values()) or len({c.shape for c in columns.values()}) > 1:
        found = ", ".join(f"{n}: {c.shape}" for n, c in columns.items())
        msg = f"{where}: the columns must be 1-D and of equal length; got {found}."
        raise DataError("D203", msg, fix="nothing was broadcast; give one row per measurement")
    return columns


def _from_labelled(table: Any, where: str) -> dict[str, Array]:
    variables = dict(table.data_vars) if hasattr(table, "data_vars") else {str(table.name or "value"): table}
    if len({frozenset(v.dims) for v in variables.values()}) != 1:
        found = ", ".join(f"{n}: {tuple(map(str, v.dims))}" for n, v in variables.items())
        msg = f"{where}: the variables must have the same dims; got {found or 'no variable'}."
        raise DataError("D203", msg, fix="nothing was broadcast; select or unstack first")
    order = next(iter(variables.values())).dims
    for d in order:
        if d not in table.coords:
            msg = f"{where}: the dim {str(d)!r} has no coordinate values."
            raise DataError("D203", msg, fix=f"data.assign_coords({d}=...)")
    mesh = np.meshgrid(*(np.asarray(table.coords[d], dtype=float) for d in order), indexing="ij")
    out = {str(d): frozen_array(m.ravel(), str(d)) for d, m in zip(order, mesh, strict=True)}
    for name, v in variables.items():
        out[str(name)] = frozen_array(np.asarray(v.transpose(*order)).ravel(), f"{where}, variable {name!r}")
    return out
