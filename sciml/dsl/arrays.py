"""Arrays that belong to a declaration: initial data on a grid, observations.

An array is named by the SHA-256 of its content, so that equal data are the same data wherever they
come from, and a problem stays hashable.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.vectors import Named
from sciml.errors import DataError, shown

__all__ = ["Array", "Sampled", "array_name", "frozen_array", "imaginary_part", "is_array_like", "real_part"]

Array = np.ndarray[Any, np.dtype[np.float64]]
NAME_DIGITS = 24
TEXT = ("text", "convert it first: np.asarray(values, dtype=float)")
FIXES = {
    "U": TEXT,
    "S": TEXT,
    "M": ("dates", "give seconds since the start: (dates - dates[0]) / np.timedelta64(1, 's')"),
    "m": ("durations", "divide by a unit: durations / np.timedelta64(1, 's')"),
    "c": ("complex numbers", "give data.real; data of a complex field belong to sm.ComplexField"),
}


class Sampled(Named):
    """Values on a regular grid of the domain, named by their content; its arguments are coordinates."""

    def _sympystr(self, printer: Any) -> str:
        return f"<data on a grid, {self.name.removeprefix('data_')[:8]}>"

    def _latex(self, printer: Any) -> str:
        return r"\text{data}"


def is_array_like(value: Any) -> bool:
    """Tell arrays, xarray objects and solutions from expressions."""
    if isinstance(value, (sp.Basic, sp.MatrixBase)):
        return False
    if isinstance(value, list):
        return not any(isinstance(v, sp.Basic) for v in value)
    return isinstance(value, np.ndarray) or any(hasattr(value, name) for name in ("dims", "ds", "__array__"))


def real_part(value: Any) -> Any:
    """Return the data of the real part of a complex field; labelled variables are chosen by name later."""
    return _part(value, "real")


def imaginary_part(value: Any) -> Any:
    """Return the data of the imaginary part of a complex field."""
    return _part(value, "imag")


def _part(value: Any, which: str) -> Any:
    if hasattr(value, "ds") or hasattr(value, "data_vars"):
        return value
    return getattr(np.asarray(value) if isinstance(value, list) else value, which)


def frozen_array(value: Any, where: str) -> Array:
    """Return a read-only float64 copy.

    Raises:
        DataError: The values are not real numbers.
    """
    found = np.asarray(value) if not hasattr(value, "dtype") else value
    kind = getattr(getattr(found, "dtype", None), "kind", "O")
    # NumPy would parse text, count nanoseconds of dates, and drop imaginary parts with a warning.
    if kind in FIXES:
        what, fix = FIXES[kind]
        msg = f"{where} needs real numbers; got {what}."
        raise DataError("D230", msg, fix=fix)
    try:
        array = np.array(value, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        odd = next((v for v in np.ravel(found) if not isinstance(v, (int, float, np.number))), value)
        msg = f"{where} needs real numbers; got {shown(odd)}."
        raise DataError("D230", msg, fix="give numbers, and NaN where a measurement is missing") from None
    array.flags.writeable = False
    return array


def array_name(array: Array) -> str:
    """Return the name of an array: ``data_`` and the start of the SHA-256 of shape and bytes."""
    digest = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
    return f"data_{digest[:NAME_DIGITS]}"
