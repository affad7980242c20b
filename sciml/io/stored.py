"""Arrays in files of unknown origin: numeric, inside the file, and no larger than it can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sciml.dsl.arrays import Array, array_name, frozen_array
from sciml.errors import FileError
from sciml.io.hdf5 import MAX_EXPANSION, READ_ERRORS, fault_of, is_inside

__all__ = ["check_storage", "is_dimension", "named_arrays", "read_group"]


def check_storage(target: Path, names: Iterable[str]) -> None:
    """Check that every array is present, numeric, stored inside this file, and not larger than it can hold.

    Raises:
        FileError: One is not.
    """
    try:
        with h5py.File(target, "r") as file:
            for name in names:
                _check_variable(target, file, name)
    except READ_ERRORS as error:
        msg = f"{target.name}: its variables cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None


def named_arrays(target: Path, record: str) -> dict[str, Array]:
    """Read the arrays that the JSON of a problem refers to; each is named by its content."""
    wanted = set(re.findall(r"\bdata_[0-9a-f]+\b", record))
    out = read_group(target, "data", lambda group: sorted(wanted & set(group)))
    for name, array in out.items():
        if array_name(array) != name:
            msg = f"{target.name}: the array {name} does not match its checksum."
            raise FileError("F413", msg, fix="the file was changed after it was written; recompute it")
    return out


def read_group(
    target: Path, place: str, chosen: Callable[[Any], list[str]], *, keep_dtype: bool = False
) -> dict[str, Array]:
    """Read arrays of a group as float64, or as they are; read-only, and no more of them than the file can hold."""
    out: dict[str, Array] = {}
    left = MAX_EXPANSION * target.stat().st_size
    try:
        with h5py.File(target, "r") as file:
            group = file[place] if is_inside(file, place) else {}
            for name in chosen(group):
                _check_variable(target, group, name)
                left -= group[name].nbytes
                if left < 0:
                    msg = f"{target.name}: its {place} are larger than the file can hold."
                    raise FileError("F412", msg)
                found = group[name][()]
                out[name] = _frozen(found) if keep_dtype else frozen_array(found, name)
    except READ_ERRORS as error:
        msg = f"{target.name}: its {place} cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None
    return out


def _frozen(value: Any) -> Array:
    array = np.array(value)
    array.flags.writeable = False
    return array


def is_dimension(group: Any, name: str) -> bool:
    """Tell a bare dimension, which netCDF-4 stores as an empty array, from data."""
    kind = group[name].attrs.get("CLASS", b"") if isinstance(group.get(name, getlink=True), h5py.HardLink) else b""
    return bytes(kind) == b"DIMENSION_SCALE" if isinstance(kind, (bytes, np.bytes_)) else False


def _check_variable(target: Path, group: Any, name: str) -> None:
    if fault := fault_of(group, name, target.stat().st_size):
        msg = f"{target.name}: {fault}"
        raise FileError("F412", msg)
