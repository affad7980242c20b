"""Initial data given as arrays: checked against the domain and put in its order of axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.arrays import Array, Sampled, array_name, frozen_array
from sciml.dsl.conditions import IC
from sciml.dsl.domains import Domain
from sciml.dsl.vectors import Vector, VectorField
from sciml.errors import DataError

__all__ = ["on_grid"]

TOLERANCE = 1e-6  # of the spacing


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
    parts = _parts(condition, condition.data, names, domain)
    arrays = [_in_order(condition, part, domain, numbers) for part in parts]
    nodes = [Sampled(array_name(a), *domain.coordinates) for a in arrays]
    value = Vector(*nodes) if isinstance(target, VectorField) else nodes[0]
    return IC(condition.written, value), arrays


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
        fix = (
            f"store it:  outputs={{{names[0]!r}: {condition.target}}}"
            if condition.order
            else f"data.rename({{...: {names[0]!r}}})"
        )
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
        raise DataError("D203", msg, fix="nothing was broadcast; transpose or reshape it, or give an xarray.DataArray")
    return list(plain) if len(names) > 1 else [plain]


def _in_order(condition: IC, part: Any, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> Array:
    wanted = [x.name for x in domain.coordinates]
    if hasattr(part, "dims"):
        if set(part.dims) != set(wanted):
            msg = f"{condition}: the data have the dims {tuple(map(str, part.dims))}, the field needs {tuple(wanted)}."
            extra = [str(d) for d in part.dims if d not in wanted]
            fix = f"choose one: data.isel({extra[0]}=-1)" if extra else "nothing was broadcast"
            raise DataError("D203", msg, fix=fix)
        for x, low, high in domain.axes:
            if x.name in part.coords:
                ends = float(low.subs(numbers)), float(high.subs(numbers))
                _check_axis(condition, x.name, np.asarray(part.coords[x.name], float), ends, x in domain.periodic)
        part = part.transpose(*wanted).values
    array = frozen_array(part, str(condition))
    if not np.isfinite(array).all():
        msg = f"{condition}: the data hold values that are not finite."
        raise DataError("D201", msg, fix="fill the gaps first, e.g. data.interpolate_na(...)")
    if min(array.shape) < 4:
        msg = f"{condition}: the data have {min(array.shape)} point(s) along an axis; at least 4 are needed."
        raise DataError("D203", msg)
    return array


def _check_axis(condition: IC, name: str, points: Array, ends: tuple[float, float], periodic: bool) -> None:
    low, high = ends
    expected = np.linspace(low, high, len(points), endpoint=not periodic)
    if np.abs(points - expected).max() > TOLERANCE * (high - low) / len(points):
        kind = f"[{low:g}, {high:g}) without its right end" if periodic else f"[{low:g}, {high:g}] with both ends"
        found = f"{len(points)} points from {points[0]:g} to {points[-1]:g}"
        msg = f"{condition}: {name} must run evenly over {kind}; got {found}."
        ends_shown = f"{low:g}, {high:g}, n, endpoint={not periodic}"
        raise DataError("D215", msg, fix=f"data.interp({name}=np.linspace({ends_shown}))")
