"""Published data of stochastic equations: paths and the noise that drove them, in the layouts of their generators."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from sciml.dsl.coordinates import check_name
from sciml.errors import FileError, shown
from sciml.io.increments import Array, NoiseKind, check_kind, check_share, coarsened, increments
from sciml.io.named_arrays import CONVERT, read_arrays

__all__ = ["load_published"]

RESERVED = ("xi", "sample", "time", "x", "y")
LISTED = 5  # samples in a message
LARGEST = 1e30  # of a value: a path that has blown up passes it on its way to infinity


@dataclass(frozen=True)
class Layout:
    """Where the files of a generator keep what.

    Attributes:
        field, noise, time: Names of arrays.
        space: Names of the coordinates, or none: then the box is [0, 1)².
        axes: Axes of field and noise.
        kind: What the noise is.
        mean_is_driven: Whether the spatial mean of the field moves by the noise alone.
    """

    field: str
    noise: str
    time: str
    space: tuple[str, ...]
    axes: tuple[str, ...]
    kind: NoiseKind
    mean_is_driven: bool = False

    @property
    def names(self) -> set[str]:
        """The arrays that a file needs."""
        return {self.field, self.noise, self.time, *self.space}


LINE, PLANE = ("sample", "time", "x"), ("sample", "time", "x", "y")
# A layout in the plane comes before one on the line that asks for fewer of the same names.
LAYOUTS = (
    Layout("sol", "W", "T", ("X", "Y"), PLANE, "cumulative"),
    Layout("sol", "W", "T", ("X",), ("sample", "x", "time"), "cumulative"),
    Layout("sol", "forcing", "t", (), ("sample", "x", "y", "time"), "increments", mean_is_driven=True),
    Layout("Solution", "W", "T", ("X", "Y"), PLANE, "increments", mean_is_driven=True),
    Layout("Solution", "W", "T", ("X",), LINE, "cumulative"),
    Layout("Soln_add", "W", "T", ("X",), LINE, "cumulative"),
)


def load_published(path: str | Path, *, field: str = "u", noise: NoiseKind | None = None, every: int = 1) -> xr.Dataset:
    """Read paths and their noise from a file as SPDEBench, torchspde and DLR-Net write them.

    The layouts are ``.mat`` (MATLAB 5 and 7.3) and HDF5 with ``X, T, W, sol`` as ``[sample, x, t]``, with
    ``X, Y, T, W, sol`` as ``[sample, t, x, y]``, or with ``t, sol, forcing`` as ``[sample, x, y, t]``; and ``.npz``
    with ``X, T, W`` and ``Solution`` or ``Soln_add`` as ``[sample, t, x]``. The dataset has the field and the noise
    ``xi`` over ``(sample, time, [y,] x)``. ``xi`` at a time is the increment of the Wiener process over the interval
    that ends there, zero at the first: neither multiplied by the amplitude σ nor divided by the step. The published
    forcing of the Navier-Stokes data adds up ten draws: its variance is ten times what its spectrum says.

    A last column that repeats the first is dropped, and attribute ``ends`` says for each axis what was found.

    Args:
        path: The file.
        field: Name of the field in the dataset.
        noise: Whether the file holds the path of the Wiener process or its increments, where that differs from
            what its layout says.
        every: Keep every such frame, and sum the increments between.

    Raises:
        FileError: Pickled, damaged, of another layout; arrays that do not fit each other; values that are not finite;
            noise that is not what it is taken for.

    Source: Salvi, Lemercier & Gerasimovičs 2022, arXiv:2110.10249 (torchspde); Li et al. 2025, arXiv:2505.18511
    (SPDEBench).
    """
    target = Path(path)
    if not target.is_file():
        msg = f"there is no file {target}."
        raise FileError("F411", msg)
    if check_name(field, "field=") in RESERVED or noise not in (None, "cumulative", "increments"):
        given = f"field={field!r}" if field in RESERVED else f"noise={shown(noise)}"
        msg = (
            f"the dataset has {', '.join(RESERVED)} besides the field, and noise is cumulative or increments; {given}."
        )
        raise FileError("F419", msg, fix='sm.load_published(path, field="u", noise="increments")')
    layout, found = _found(target)
    kind = noise or layout.kind
    u, w = (_as_samples(target, layout, found[name], name) for name in (layout.field, layout.noise))
    for name, values in ((layout.field, u), (layout.noise, w)):
        _check_finite(target, name, values)
    places = [found[name] for name in layout.space] or [np.linspace(0, 1, n, endpoint=False) for n in u.shape[2:]]
    axes = [_axis(target, place, i) for i, place in enumerate(places)]
    u, w, axes, ends = _one_period(target, u, w, axes)
    time = _times(target, found[layout.time], u, w, kind)
    where = f"{layout.noise!r} of {target.name}"
    check_kind(w, kind, where)
    xi = increments(w, kind, len(time), where)
    if layout.mean_is_driven:
        check_share(u, xi, where)
    u, xi = coarsened(u, xi, every, target.name)
    return _labelled(field, u, xi, time[::every], axes, {"source": target.name, "ends": ends})


def _found(target: Path) -> tuple[Layout, dict[str, Array]]:
    found = read_arrays(target, set().union(*(layout.names for layout in LAYOUTS)))
    for layout in LAYOUTS:
        if layout.names <= set(found):
            return layout, found
    msg = f"{target.name} has none of the published layouts; of their arrays it holds {', '.join(found) or 'none'}."
    raise FileError("F416", msg, fix=CONVERT)


def _as_samples(target: Path, layout: Layout, array: Array, name: str) -> Array:
    """Return an array as ``(sample, time, x, [y])``."""
    if array.ndim != len(layout.axes) or 0 in array.shape:
        msg = f"{target.name}: {name!r} has the shape {array.shape}; it needs [{', '.join(layout.axes)}]."
        raise FileError("F417", msg)
    wanted = LINE if "y" not in layout.axes else PLANE
    return array.transpose([layout.axes.index(axis) for axis in wanted])


def _axis(target: Path, place: Array, i: int) -> Array:
    """Return the points of an axis, from a list of them or from a mesh of all points."""
    if place.ndim == 2 and min(place.shape) > 1:
        place = place[:, 0] if i == 0 else place[0]
    points = place.ravel().astype(float)
    if len(points) < 2 or not np.isfinite(points).all() or (np.diff(points) <= 0).any():
        msg = f"{target.name}: the points of {'xy'[i]} do not increase."
        raise FileError("F417", msg)
    return points


def _one_period(target: Path, u: Array, w: Array, axes: list[Array]) -> tuple[Array, Array, list[Array], str]:
    """Drop the end of each axis that repeats its start; say for each what was found."""
    said: list[str] = []
    for i, points in enumerate(axes):
        axis, count = i + 2, u.shape[i + 2]
        if len(points) == count + 1:  # the field was stored without its end
            axes[i], said = points[:-1], [*said, f"{'xy'[i]}: not stored"]
            w = w.take(range(count), axis) if w.shape[axis] == count + 1 else w
        elif w.shape[axis] == count == len(points):
            gap, size = _gap(u, axis)
            repeated = size > 0 and gap == 0 and _gap(w, axis)[0] == 0
            if repeated:
                u, w, axes[i] = u.take(range(count - 1), axis), w.take(range(count - 1), axis), points[:-1]
            kept = "kept, both ends are zero" if size == 0 else f"kept, apart from the start by {gap:.1e}"
            said.append(f"{'xy'[i]}: {'dropped, equal to the start' if repeated else kept}")
    shape = (*u.shape[:1], *map(len, axes))
    if any((a.shape[0], *a.shape[2:]) != shape for a in (u, w)):
        shapes = f"field {u.shape}, noise {w.shape}, points {tuple(map(len, axes))}"
        msg = f"{target.name}: samples and points do not agree, as (sample, time, x, y): {shapes}."
        raise FileError("F417", msg)
    return u, w, axes, "; ".join(said)


def _gap(values: Array, axis: int) -> tuple[float, float]:
    """Return how far the two ends of an axis are apart, 0 if equal to rounding, and their size."""
    first, last = (values.take(end, axis).astype(float) for end in (0, -1))
    gap, size = float(np.abs(last - first).max()), float(np.abs(np.stack([first, last])).max())
    scale = float(np.abs(values).max())
    precision = np.finfo(values.dtype).eps if values.dtype.kind == "f" else 0
    return (0.0 if gap <= np.sqrt(precision) * scale else gap), (size if size > precision * scale else 0.0)


def _times(target: Path, stored: Array, u: Array, w: Array, kind: NoiseKind) -> Array:
    """Return the times of the frames; a file may list those of every step of its solver."""
    frames, time = u.shape[1], stored.ravel().astype(float)
    stride, rest = divmod(len(time) - 1, max(frames - 1, 1))
    allowed = {frames, frames - 1} if kind == "increments" else {frames}
    if frames < 2 or rest or stride < 1 or w.shape[1] not in allowed:
        msg = f"{target.name}: {len(time)} times, {frames} frames of the field and {w.shape[1]} of the noise."
        raise FileError("F417", msg)
    if not np.isfinite(time).all() or (np.diff(time) <= 0).any():
        msg = f"{target.name}: its times do not increase."
        raise FileError("F417", msg)
    if w.shape[1] == frames - 1 and stride > 1:
        early = f"each window of noise in {target.name} begins and ends one step of the solver early"
        msg = f"{early}, as SPDEBench sums them: it lacks the last of its {stride} increments."
        warnings.warn(msg, RuntimeWarning, stacklevel=3)
    return time[::stride]


def _check_finite(target: Path, name: str, values: Array) -> None:
    bad = np.flatnonzero(~(np.abs(values) < LARGEST).reshape(len(values), -1).all(axis=1))
    if len(bad):
        listed = ", ".join(map(str, bad[:LISTED])) + (", ..." if len(bad) > LISTED else "")
        msg = f"{target.name}: {name!r} is not finite, or beyond {LARGEST:g}, in {len(bad)} of {len(values)} samples: "
        fix = "leave these samples out of the file, or make them anew with a smaller step"
        raise FileError("F418", f"{msg}{listed}.", fix=fix)


def _labelled(
    field: str, u: Array, xi: Array, time: Array, axes: list[Array], attributes: dict[str, str]
) -> xr.Dataset:
    space = ("x", "y")[: len(axes)]
    dims = ("sample", "time", *reversed(space))
    last_first = (0, 1, *range(u.ndim - 1, 1, -1))
    coordinates = {"sample": np.arange(len(u)), "time": time, **dict(zip(space, axes, strict=True))}
    ds = xr.Dataset({field: (dims, u.transpose(last_first)), "xi": (dims, xi.transpose(last_first))}, coordinates)
    ds["xi"].attrs["long_name"] = "increment of the Wiener process over the interval that ends at this time"
    return ds.assign_attrs(attributes)
