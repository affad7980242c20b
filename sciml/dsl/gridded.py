"""Initial data given as arrays: checked against the domain and put in its order of axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.arrays import Array, Sampled, array_name, frozen_array
from sciml.dsl.conditions import IC
from sciml.dsl.domains import Domain
from sciml.dsl.text import text
from sciml.dsl.vectors import Vector, VectorField
from sciml.errors import DataError

__all__ = ["on_grid"]

TOLERANCE = 1e-6  # of the spacing
LEAST_ENDS = 6  # points, to tell a repeated end
SAME = 1e-9  # of the largest value: equal but for rounding
MUCH_SMOOTHER = 1e-3


def on_grid(condition: IC, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> tuple[IC, list[Array]]:
    """Return a condition whose data are ``Sampled`` nodes, and the arrays they name.

    Raises:
        DataError: The data have other dims than the field, or stand on points that do not fill the
            domain evenly; nothing is broadcast, cut or padded.
    """
    if condition.data is None:
        return condition, []
    if domain.infinite:
        msg = f"{condition}: data on a grid cannot fill {domain!r}."
        raise DataError("D214", msg, fix="pose the problem on a Torus or a Box, or give an expression")
    target = condition.field
    vector = isinstance(target, VectorField)
    names = [f"{target.name}_{x}" for x in domain.coordinates] if vector else [target.func.__name__]
    if condition.order:  # the velocity of u is not u: it must have been stored under a name of its own
        names = [f"{n}_{'t' * condition.order}" for n in names]
    _check_kind(condition, domain, names)
    parts = _parts(condition, condition.data, names, domain)
    arrays = [_in_order(condition, part, domain, numbers) for part in parts]
    nodes = [Sampled(array_name(a), *domain.coordinates) for a in arrays]
    value = Vector(*nodes) if isinstance(target, VectorField) else nodes[0]
    return IC(condition.written, value), arrays


def _check_kind(condition: IC, domain: Domain, names: list[str]) -> None:
    """Tables of pandas have an index instead of axes, which would be ignored."""
    data = condition.data
    if not (hasattr(data, "to_xarray") and hasattr(data, "index") and not hasattr(data, "dims")):
        return
    x = domain.coordinates[0]
    kind, columns = type(data).__name__, hasattr(data, "columns")
    index = "[" + ", ".join(repr(c.name) for c in domain.coordinates) + "]" if len(domain.axes) > 1 else repr(x.name)
    fix = f"data.set_index({index})[{names[0]!r}].to_xarray()" if columns else ""
    msg = f"{condition}: a {kind} has rows and no axes in space."
    raise DataError("D203", msg, fix=fix or f"data.rename_axis({index}).to_xarray(), with {x} as its index")


def _parts(condition: IC, data: Any, names: list[str], domain: Domain) -> list[Any]:
    """Return one array, labelled or plain, for each component."""
    if hasattr(data, "ds") and hasattr(data, "final"):  # a Solution
        data = data.final
    if hasattr(data, "data_vars"):
        found = [n for n in names if n in data]
        if found == names:
            return [data[n] for n in names]
        only = list(data.data_vars)
        if len(names) == len(only) == 1 and not condition.order:
            return [data[only[0]]]
        msg = f"{condition}: the dataset holds {', '.join(map(str, only))}, but not {', '.join(names)}."
        fix = f"data.rename({{{only[0]!r}: {names[0]!r}}})" if only else "give a dataset that holds them"
        if condition.order:
            fix = f"store it:  outputs={{{names[0]!r}: {text(condition.target)}}}"
        raise DataError("D204", msg, fix=fix)
    if hasattr(data, "dims"):
        if len(names) == 1:
            return [data]
        if "component" in data.dims and data.sizes["component"] == len(names):
            return [data.isel(component=i, drop=True) for i in range(len(names))]
        msg = f"{condition}: a vector field needs the dim 'component' of size {len(names)}; got {tuple(data.dims)}."
        raise DataError("D203", msg, fix="give a Dataset with one variable per component")
    plain = frozen_array(data, str(condition))
    wanted = len(domain.axes) + (len(names) > 1)
    if plain.ndim != wanted or (len(names) > 1 and len(plain) != len(names)):
        axes = (["component"] if len(names) > 1 else []) + [x.name for x in domain.coordinates]
        msg = f"{condition}: the array has shape {plain.shape}, the field needs the axes ({', '.join(axes)})."
        fix = "nothing was broadcast; transpose or reshape it, or give an xarray.DataArray"
        if len(names) > 1 and plain.ndim == wanted and plain.shape[-1] == len(names):
            fix = "nothing was moved; components come first: np.moveaxis(data, -1, 0)"
        raise DataError("D203", msg, fix=fix)
    return list(plain) if len(names) > 1 else [plain]


def _in_order(condition: IC, part: Any, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> Array:
    wanted = [x.name for x in domain.coordinates]
    if hasattr(part, "dims"):
        if set(part.dims) != set(wanted):
            msg = f"{condition}: the data have the dims {tuple(map(str, part.dims))}, the field needs {tuple(wanted)}."
            extra = [str(d) for d in part.dims if d not in wanted]
            missing = [n for n in wanted if n not in part.dims]
            fix = f"nothing was broadcast; give one value for each of {', '.join(missing)}"
            if extra:
                renamed = f"data.rename({{{extra[0]!r}: {missing[0]!r}}})" if missing else ""
                fix = renamed or f"choose one: data.isel({extra[0]}=-1)"
            raise DataError("D203", msg, fix=fix)
        for x, low, high in domain.axes:
            if x.name in part.coords:
                ends = float(low.subs(numbers)), float(high.subs(numbers))
                _check_axis(condition, x.name, np.asarray(part.coords[x.name], float), ends, x in domain.periodic)
        part = part.transpose(*wanted).values
    array = frozen_array(part, str(condition))
    if not np.isfinite(array).all():
        msg = f"{condition}: the data hold values that are not finite."
        fix = "fill the gaps first: np.nan_to_num(data), or data.interpolate_na(...) of an xarray object"
        raise DataError("D201", msg, fix=fix)
    _check_repeated_ends(condition, array, domain)
    if min(array.shape) < 4:
        msg = f"{condition}: the data have {min(array.shape)} point(s) along an axis; at least 4 are needed."
        raise DataError("D203", msg, fix="give at least 4 points on each axis; a known formula is better: sp.sin(x)")
    return array


def _check_repeated_ends(condition: IC, array: Array, domain: Domain) -> None:
    """Refuse a periodic axis whose last point is its first one again.

    Such data have a kink there; without the last point they are smoother by far. Data that only
    happen to be equal at both ends are not.
    """
    for i, (x, low, high) in enumerate(domain.axes):
        values = np.moveaxis(array, i, -1)
        size = np.abs(values - values.mean()).max()
        if x not in domain.periodic or values.shape[-1] < LEAST_ENDS or not size:
            continue
        if np.abs(values[..., 0] - values[..., -1]).max() > SAME * size:
            continue
        if _roughness(values[..., :-1]) < MUCH_SMOOTHER * _roughness(values):
            ends = f"np.linspace({low}, {high}, {values.shape[-1] - 1}, endpoint=False)"
            msg = f"{condition}: the last point along {x} repeats the first, which stands for both ends of a period."
            index = ", ".join(":-1" if j == i else ":" for j in range(array.ndim))
            raise DataError("D215", msg, fix=f"data[{index}], the values at {ends}")


def _roughness(values: Array) -> float:
    """Return the share of the shortest third of the waves along the last axis."""
    power = np.abs(np.fft.rfft(values)) ** 2
    power = power.reshape(-1, power.shape[-1]).sum(axis=0)[1:]
    return float(np.sqrt(power[len(power) * 2 // 3 :].sum() / max(power.sum(), 1e-300)))


def _check_axis(condition: IC, name: str, points: Array, ends: tuple[float, float], periodic: bool) -> None:
    low, high = ends
    expected = np.linspace(low, high, len(points), endpoint=not periodic)
    if np.abs(points - expected).max() > TOLERANCE * (high - low) / len(points):
        kind = f"[{low:g}, {high:g}) without its right end" if periodic else f"[{low:g}, {high:g}] with both ends"
        found = f"{len(points)} points from {points[0]:g} to {points[-1]:g}"
        msg = f"{condition}: {name} must run evenly over {kind}; got {found}."
        ends_shown = f"{low:g}, {high:g}, n, endpoint={not periodic}"
        raise DataError("D215", msg, fix=f"data.interp({name}=np.linspace({ends_shown}))")
