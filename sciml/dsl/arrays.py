"""Arrays that belong to a declaration: initial data on a grid, observations.

An array is named by the SHA-256 of its content, so that equal data are the same data wherever they
come from, and a problem stays hashable.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from sciml.dsl.vectors import Named
from sciml.errors import DataError

__all__ = ["Array", "Sampled", "array_name", "complex_parts", "frozen_array", "is_array_like"]

Array = np.ndarray[Any, np.dtype[np.float64]]
NAME_DIGITS = 24


class Sampled(Named):
    """Values on a regular grid of the domain, named by their content; its arguments are coordinates."""

    def _sympystr(self, printer: Any) -> str:
        return f"<data on a grid, {self.name.removeprefix('data_')[:8]}>"

    def _latex(self, printer: Any) -> str:
        return r"\text{data}"


def is_array_like(value: Any) -> bool:
    """Tell arrays, xarray objects and solutions from expressions."""
    return isinstance(value, (np.ndarray, list)) or any(hasattr(value, name) for name in ("dims", "ds", "__array__"))


def complex_parts(data: Any) -> tuple[Any, Any]:
    """Return real and imaginary part of array data; named variables are told apart later, by their names."""
    if hasattr(data, "ds") or hasattr(data, "data_vars"):
        return data, data
    if hasattr(data, "dims"):
        return data.real, data.imag
    plain = np.asarray(data)
    return plain.real, plain.imag


def frozen_array(value: Any, where: str) -> Array:
    """Return a read-only float64 copy.

    Raises:
        DataError: The values are not real numbers.
    """
    if np.iscomplexobj(value):
        msg = f"{where} needs real numbers; got a complex array."
        raise DataError("D230", msg, fix="a complex field takes it: sm.ComplexField(...); else give its parts apart")
    try:
        array = np.array(value, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        msg = f"{where} needs an array of real numbers; got {type(value).__name__}."
        raise DataError("D230", msg) from None
    array.flags.writeable = False
    return array


def array_name(array: Array) -> str:
    """Return the name of an array: ``data_`` and the start of the SHA-256 of shape and bytes."""
    digest = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
    return f"data_{digest[:NAME_DIGITS]}"
