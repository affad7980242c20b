"""Numeric arrays of MATLAB 5 to 7.2 files, read with every length checked against the bytes that are there.

SciPy's reader is compiled, and a damaged file can end the process that reads it. This one knows real numeric
arrays only, which is what data sets are made of. A file is a header of 128 bytes and a list of elements; an
element is a type, a length and that many bytes, where a short one shares eight bytes with its tag. The format is
MathWorks' "MAT-File Format", chapter "Level 5 MAT-Files".
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Array", "read_matlab5"]

Array = np.ndarray[Any, Any]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

HEADER = 128
MATRIX, COMPRESSED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x0800
PREFIX = 4096  # bytes that are unpacked to learn the name of a compressed array


def read_matlab5(path: Path, names: Collection[str], largest: int) -> dict[str, Array | None]:
    """Return the named arrays that a file has; None stands for what is no real numeric array.

    Args:
        path: The file.
        names: The arrays that are wanted.
        largest: Bytes that a compressed array may unpack to.

    Raises:
        ValueError: The file is not of this format, or damaged.
    """
    content = np.memmap(path, np.uint8, "r")
    mark = bytes(content[HEADER - 2 : HEADER])
    if mark not in (b"IM", b"MI"):
        msg = "it is no MATLAB, HDF5 or NumPy file."
        raise ValueError(msg)
    order = "<" if mark == b"IM" else ">"
    found: dict[str, Array | None] = {}
    for kind, data in _elements(content[HEADER:], order):
        if kind == COMPRESSED:
            if _name(_inside(_unpacked(data, PREFIX, start=True), order, start=True), order) not in names:
                continue
            data = _inside(_unpacked(data, largest), order)
        elif kind != MATRIX:
            continue
        if (name := _name(data, order)) in names:
            found[name] = _numbers(data, order)
    return found


def _elements(data: Bytes, order: str) -> Iterator[tuple[int, Bytes]]:
    """Yield type and bytes of each element; the last may be cut off where the bytes end."""
    at = 0
    while at + 8 <= len(data):
        kind, length = (int(n) for n in data[at : at + 8].view(f"{order}u4"))
        if kind >> 16:  # a short element: the length in the upper half, four bytes of data
            kind, length, begin, padded = kind & 0xFFFF, kind >> 16, at + 4, 4
        else:
            begin, padded = at + 8, length if kind == COMPRESSED else -(-length // 8) * 8
        yield kind, data[begin : begin + length]
        at = begin + padded


def _unpacked(data: Bytes, largest: int, start: bool = False) -> Bytes:
    """Unpack a compressed element, or its first bytes."""
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(data.tobytes(), largest)
    if not (start or unpacking.eof):
        msg = "a compressed array is cut short, or larger than the file can hold."
        raise ValueError(msg)
    return np.frombuffer(unpacked, np.uint8)


def _inside(data: Bytes, order: str, start: bool = False) -> Bytes:
    """Return the bytes of the one matrix in an unpacked element, or of its first bytes."""
    kind, length = (int(n) for n in data[:8].view(f"{order}u4")) if len(data) >= 8 else (0, 0)
    if kind != MATRIX or (length > len(data) - 8 and not start):
        msg = "a compressed element holds no matrix, or less of one than it says."
        raise ValueError(msg)
    return data[8:]


def _parts(data: Bytes, order: str) -> list[tuple[int, Bytes]]:
    """Return flags, dimensions, name and values of a matrix, as far as they are there."""
    parts = []
    for part in _elements(data, order):
        parts.append(part)
        if len(parts) == 4:
            break
    return parts


def _name(data: Bytes, order: str) -> str:
    parts = _parts(data, order)
    return bytes(parts[2][1]).decode("latin-1") if len(parts) > 2 else ""


def _numbers(data: Bytes, order: str) -> Array | None:
    """Return the values of a matrix; MATLAB counts its first index fastest."""
    parts = _parts(data, order)
    flags = parts[0][1]
    flag = int(flags[:4].view(f"{order}u4")[0]) if len(flags) >= 4 else 0
    if flag & 0xFF not in CLASSES or flag & COMPLEX or len(parts) < 4 or parts[3][0] not in STORED:
        return None
    shape = tuple(int(n) for n in parts[1][1].view(f"{order}i4"))
    stored = np.dtype(order + STORED[parts[3][0]])
    values = parts[3][1]
    if len(shape) < 2 or min(shape) < 0 or len(values) != math.prod(shape) * stored.itemsize:
        msg = f"an array of shape {shape} has {len(values)} bytes."
        raise ValueError(msg)
    return values.view(stored).astype(CLASSES[flag & 0xFF]).reshape(shape, order="F")
