"""What an HDF5 file of unknown origin may hold as an array."""

from __future__ import annotations

from typing import Any

import h5py

__all__ = ["MAX_EXPANSION", "READ_ERRORS", "fault_of"]

READ_ERRORS = (OSError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError, MemoryError)
MAX_EXPANSION = 1000  # bytes of an array for each byte of the file: more is an unallocated chunked dataset


def fault_of(group: Any, name: str, size: int) -> str:
    """Say why ``group[name]`` is no numeric array stored inside a file of ``size`` bytes; empty if it is one."""
    found = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None  # no other file or name
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu":
        return f"there is no numeric variable {name!r}."
    if found.external or found.is_virtual or found.nbytes > MAX_EXPANSION * size:
        return f"the data of {name!r} are not inside the file."
    return ""
