"""What an HDF5 file of unknown origin may hold as an array."""

from __future__ import annotations

from typing import Any

import h5py

__all__ = ["MAX_EXPANSION", "READ_ERRORS", "fault_of", "is_inside"]

READ_ERRORS = (OSError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError, MemoryError)
MAX_EXPANSION = 1000  # bytes of an array for each byte of the file: more is an unallocated chunked dataset


def fault_of(group: Any, name: str, size: int) -> str:
    """Say why ``group[name]`` is no numeric array stored inside a file of ``size`` bytes; empty if it is one."""
    found = group[name] if is_inside(group, name) else None
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu":
        return f"there is no numeric variable {name!r}."
    if found.external or found.is_virtual or found.nbytes > MAX_EXPANSION * size:
        return f"the data of {name!r} are not inside the file."
    return ""


def is_inside(group: Any, path: str) -> bool:
    """Tell whether a path leads nowhere but into this file: no link to another file, or to another name."""
    parts = path.split("/")
    places = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return all(isinstance(group.get(place, getlink=True), h5py.HardLink) for place in places)
