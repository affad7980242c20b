"""Statistics of ensembles with standard errors, streamed over samples.

Each is a mean over samples of what a single sample contributes, so its error is that of a mean of
independent numbers. What is centred reads the samples twice: the mean first, then products of
deviations from it, times n/(n - 1), which makes them unbiased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sciml.ensembles.moments import Array, Average
from sciml.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble

__all__ = ["covariance", "mean", "spectrum", "structure_function", "variance"]

Contribution = Callable[[Array], Array]
FEW = 4  # samples, below which the standard error of a square means nothing
TOLERANCE = 1e-9  # of a coordinate, relative to the length of its axis


def mean(ensemble: Ensemble, name: str) -> xr.Dataset:
    """Return the mean over samples."""
    found = _average(ensemble, name, lambda u: u)
    return _labelled(ensemble, name, f"mean of {name}", found.mean, found.standard_error)


def variance(ensemble: Ensemble, name: str) -> xr.Dataset:
    """Return the unbiased variance over samples."""
    return _labelled(ensemble, name, f"variance of {name}", *_centred(ensemble, name, lambda d: d**2))


def covariance(ensemble: Ensemble, name: str, at: Mapping[str, float] | None) -> xr.Dataset:
    """Return the covariance with a reference point, or at each separation on the periodic axes."""
    if at is not None:
        place = _place(ensemble, name, at)
        point = ", ".join(f"{n} = {v:g}" for n, v in at.items())
        what = f"covariance of {name} with its value at {point}"
        return _labelled(ensemble, name, what, *_centred(ensemble, name, lambda d: d * d[place]))
    axes = _periodic(ensemble, name)
    places = _numbers(ensemble, name, axes)

    def product(d: Array) -> Array:
        """Return the mean over x of ``d(x) d(x + r)``, for each r at once."""
        spectrum = np.abs(np.fft.fftn(d, axes=places)) ** 2
        size = np.prod([d.shape[i] for i in places])
        return np.asarray(np.fft.ifftn(spectrum, axes=places).real / size)

    separations = {x: (f"separation_{x}", (v := _coordinate(ensemble, name, x)) - v[0]) for x in axes}
    what = f"covariance of {name}, averaged over translations"
    return _labelled(ensemble, name, what, *_centred(ensemble, name, product), separations)


def spectrum(ensemble: Ensemble, name: str) -> xr.Dataset:
    """Return the variance of each Fourier coefficient on the periodic axes."""
    axes = _periodic(ensemble, name)
    places = _numbers(ensemble, name, axes)

    def power(d: Array) -> Array:
        coefficients = np.fft.fftn(d, axes=places, norm="forward")
        return np.asarray(np.fft.fftshift(np.abs(coefficients) ** 2, axes=places))

    counts = {x: ensemble.variable(name).sizes[x] for x in axes}
    modes = {x: (f"mode_{x}", np.arange(n) - n // 2) for x, n in counts.items()}
    what = f"variance of the Fourier coefficients of {name}"
    return _labelled(ensemble, name, what, *_centred(ensemble, name, power), modes)


def structure_function(ensemble: Ensemble, name: str, order: float, along: str | None) -> xr.Dataset:
    """Return the mean of a power of increments along an axis, averaged over space."""
    variable = ensemble.variable(name)
    if not order > 0:
        msg = f"structure_function needs a positive order; got {order!r}."
        raise DataError("D242", msg, fix=f"structure_function({name!r}, order=2)")
    axis = along or _periodic(ensemble, name)[0]
    coordinate = _coordinate(ensemble, name, axis)
    closed = axis in {x.name for x in ensemble.problem.domain.periodic}
    place, count = variable.get_axis_num(axis), len(coordinate)
    shifts = range(count // 2 + 1 if closed else count)
    kept = [d for d in variable.dims if d == "sample" or (d == "time" and axis != "time")]
    over = tuple(i for i, d in enumerate(variable.dims) if d not in kept)

    def power(u: Array, r: int) -> Array:
        first = np.moveaxis(u, place, 0)
        later = np.roll(first, -r, 0) if closed else first[r:]
        apart = np.moveaxis(later - first[: len(later)], 0, place)
        return np.asarray((np.abs(apart) ** order).mean(over))

    found = _average(ensemble, name, lambda u: np.stack([power(u, r) for r in shifts], axis=-1))
    what = f"E|increment of {name} along {axis}|^{order:g}, averaged over space"
    separation = (("separation", coordinate[: len(shifts)] - coordinate[0]),)
    dims = [(str(d), variable[d].values) for d in kept if d != "sample"] + list(separation)
    return _dataset(ensemble, what, dims, found.mean, found.standard_error)


def _average(ensemble: Ensemble, name: str, contribution: Contribution) -> Average:
    found = Average()
    for values in ensemble.arrays(name):
        found.add(contribution(values))
    return found


def _centred(ensemble: Ensemble, name: str, contribution: Contribution) -> tuple[Array, Array]:
    """Return the unbiased mean of a product of deviations from the mean, and its standard error."""
    middle = _average(ensemble, name, lambda u: u).mean
    found = _average(ensemble, name, lambda u: contribution(u - middle))
    factor = found.count / (found.count - 1) if found.count > 1 else np.nan
    # The spread of a few squares about a mean of their own says nothing: two of them are always equal.
    known = factor if found.count >= FEW else np.nan
    return factor * found.mean, known * found.standard_error


def _periodic(ensemble: Ensemble, name: str) -> list[str]:
    """Return the periodic axes of a variable.

    Raises:
        DataError: There is none.
    """
    dims = ensemble.variable(name).dims
    found = [x.name for x in ensemble.problem.domain.periodic if x.name in dims]
    if not found:
        msg = f"{name!r} has no periodic axis; its dims are {', '.join(map(str, dims[1:]))}."
        raise DataError("D241", msg, fix="covariance(name, at={...})  or  structure_function(name, along='time')")
    return found


def _numbers(ensemble: Ensemble, name: str, axes: Sequence[str]) -> tuple[int, ...]:
    return tuple(ensemble.variable(name).get_axis_num(axes))


def _coordinate(ensemble: Ensemble, name: str, axis: str) -> Array:
    """Return the values of an axis of a variable.

    Raises:
        DataError: The variable has no such axis.
    """
    variable = ensemble.variable(name)
    known = [str(d) for d in variable.dims[1:]]
    if axis not in known:
        msg = f"{name!r} has no axis {axis!r}.{did_you_mean(str(axis), known)}"
        raise DataError("D241", msg, fix=f"axes: {', '.join(known) or 'none'}")
    return np.asarray(variable[axis].values, dtype=np.float64)


def _place(ensemble: Ensemble, name: str, at: Mapping[str, float]) -> tuple[slice, ...]:
    """Return where the reference point lies in an array of samples; axes that are not given are kept."""
    if not at:
        msg = "covariance(at={}) names no reference point."
        raise DataError("D241", msg, fix='at={"x": 0.5}, or leave at out to average over translations')
    places = {}
    for axis, wanted in at.items():
        stored = _coordinate(ensemble, name, axis)
        nearest = int(np.abs(stored - wanted).argmin())
        if not abs(stored[nearest] - wanted) <= TOLERANCE * max(float(np.ptp(stored)), 1.0):
            msg = f"{axis} = {wanted:g} is not stored; {axis} has {len(stored)} values, next is {stored[nearest]:.12g}."
            raise DataError("D207", msg, fix=f"at={{{axis!r}: {stored[nearest]:.12g}}}")
        places[axis] = slice(nearest, nearest + 1)
    return tuple(places.get(str(d), slice(None)) for d in ensemble.variable(name).dims)


def _labelled(
    ensemble: Ensemble,
    name: str,
    what: str,
    value: Array,
    error: Array,
    replaced: Mapping[str, tuple[str, Any]] | None = None,
) -> xr.Dataset:
    variable = ensemble.variable(name)
    dims = [(replaced or {}).get(str(d), (str(d), variable[d].values)) for d in variable.dims[1:]]
    return _dataset(ensemble, what, dims, value, error)


def _dataset(ensemble: Ensemble, what: str, dims: Sequence[tuple[str, Any]], value: Array, error: Array) -> xr.Dataset:
    names = [n for n, _ in dims]
    attributes = {
        "long_name": what,
        "samples": len(ensemble),
        "error": "standard deviation of what single samples contribute, over the square root of their number",
    }
    return xr.Dataset({"value": (names, value), "standard_error": (names, error)}, dict(dims), attributes)
