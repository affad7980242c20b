"""Errors of single samples: two ensembles of the same samples, compared path by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sciml.ensembles.numbers import listed, slice_of
from sciml.errors import DataError
from sciml.labels import component_names
from sciml.norms import error_size

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble

__all__ = ["pathwise"]

Array = np.ndarray[Any, Any]
CHUNK_BYTES = 2**23  # of one variable in float64, where samples are streamed
TOLERANCE = 1e-9  # of a coordinate, relative to the length of its axis


def pathwise(one: Ensemble, other: Ensemble, metric: str, each_time: bool) -> xr.Dataset:
    """Return the error of each sample of ``one``, in bounded memory."""
    names = _in_both(one, other)
    labels = [label for parts in names.values() for label in parts]
    mine, theirs = one.ds[labels], _same_samples(one, other).ds[labels]
    _check_dims(mine, theirs)
    theirs = theirs.isel({d: _places(mine, theirs, str(d)) for d in mine.dims if d != "sample"})
    if not each_time:
        mine, theirs = (ds.isel(time=slice(1, None)) for ds in (mine, theirs))
    kept = ("sample", "time") if each_time else ("sample",)
    errors = {name: (kept, _errors(mine, theirs, parts, metric, kept)) for name, parts in names.items()}
    return xr.Dataset(errors, {d: mine[d] for d in kept}, {"metric": metric})


def _errors(mine: xr.Dataset, theirs: xr.Dataset, parts: list[str], metric: str, kept: tuple[str, ...]) -> Array:
    dims = mine[parts[0]].dims
    over = tuple(i for i, d in enumerate(dims) if d not in kept)
    count = mine.sizes["sample"]
    step = max(1, CHUNK_BYTES // (8 * mine[parts[0]].size // count))
    found = []
    for start in range(0, count, step):
        a, b = (_stacked(ds, parts, dims, slice(start, start + step)) for ds in (mine, theirs))
        found.append(error_size(a, b, metric, over))
    return np.concatenate(found)


def _stacked(ds: xr.Dataset, parts: list[str], dims: Any, samples: slice) -> Array:
    return np.stack([ds[p].isel(sample=samples).transpose(*dims).values.astype(np.float64) for p in parts])


def _in_both(one: Ensemble, other: Ensemble) -> Mapping[str, list[str]]:
    """Return the fields and outputs that both hold, with the stored variables of each.

    Raises:
        DataError: There is none.
    """
    names = {name: component_names(one.problem, name) for name in one.problem.variables()}
    both = {n: parts for n, parts in names.items() if all(p in one.ds and p in other.ds for p in parts)}
    if not both:
        msg = "compare: the two ensembles have no field or output in common."
        raise DataError("D204", msg, fix=f"this one has {', '.join(names)}; the other {', '.join(map(str, other.ds))}")
    return both


def _same_samples(one: Ensemble, other: Ensemble) -> Ensemble:
    mine, theirs = one.numbers, other.numbers
    if mine == theirs:
        return other
    if sorted(mine) != sorted(theirs):
        msg = f"compare: one ensemble holds the samples {listed(mine)}, the other {listed(theirs)}."
        raise DataError("D206", msg, fix="choose the same samples of both:  one[:100].compare(other[:100])")
    return other.numbered(mine)


def _check_dims(mine: xr.Dataset, theirs: xr.Dataset) -> None:
    for name in mine:
        if set(mine[name].dims) != set(theirs[name].dims):
            msg = f"compare: {name!r} has dims {mine[name].dims}, in the other ensemble {theirs[name].dims}."
            raise DataError("D203", msg, fix="nothing was broadcast; bring the other to the same dims")


def _places(mine: xr.Dataset, theirs: xr.Dataset, axis: str) -> slice | Array:
    """Return where the coordinates of one stand among those of the other, which may be finer.

    Raises:
        DataError: One of them is not there; nothing is interpolated.
    """
    wanted, stored = (np.asarray(ds[axis].values, dtype=np.float64) for ds in (mine, theirs))
    nearest = np.abs(stored[None, :] - wanted[:, None]).argmin(1)
    off = np.abs(stored[nearest] - wanted) > TOLERANCE * max(float(np.ptp(wanted)), float(np.ptp(stored)))
    if off.any():
        msg = f"compare: {axis} = {wanted[off][0]:g} is not stored in the other ensemble, and nothing is interpolated."
        raise DataError("D206", msg, fix="draw both on one grid, or this one on some points of the other's")
    return slice_of(nearest)
