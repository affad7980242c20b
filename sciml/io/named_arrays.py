"""Named arrays out of MATLAB, HDF5 and NumPy files of unknown origin; nothing is executed or unpickled."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import h5py
import numpy as np

from sciml.errors import FileError
from sciml.io.hdf5 import MAX_EXPANSION, READ_ERRORS, fault_of
from sciml.io.matlab5 import Array, read_matlab5

__all__ = ["Array", "read_arrays"]

# NumPy parses the header of an array as a Python literal, and fails as the parser does.
ERRORS = (*READ_ERRORS, EOFError, ValueError, SyntaxError, tokenize.TokenError, zlib.error, zipfile.BadZipFile)
CONVERT = (
    "convert it once, in a session in which you trust the file:",
    '    scipy.io.savemat("data.mat", {"X": x, "T": t, "W": noise, "sol": u})  # W and sol as [sample, x, t]',
)


def read_arrays(path: Path, names: Collection[str]) -> dict[str, Array]:
    """Return those of the named arrays that a file has; axes as the program that wrote it had them.

    MATLAB 5 to 7.2, HDF5 (with the axes of MATLAB 7.3 put back), and ``.npz``, told apart by content.

    Raises:
        FileError: The file is pickled, damaged, or an array in it is not of numbers, or larger than it can hold.
    """
    try:
        if h5py.is_hdf5(path):
            return _hdf5(path, names)
        if zipfile.is_zipfile(path):
            return _npz(path, names)
        with path.open("rb") as file:
            _refuse_pickles(path, file.read(2))
        return _matlab(path, names)
    except ERRORS as error:
        if isinstance(error, FileError):
            raise
        msg = f"{path.name} cannot be read: {str(error)[:200]}"
        raise FileError("F416", msg) from None


def _refuse_pickles(path: Path, start: bytes) -> None:
    if start[:1] == b"\x80":
        msg = f"{path.name} is pickled: reading it would run what it holds."
        raise FileError("F416", msg, fix=CONVERT)


def _matlab(path: Path, names: Collection[str]) -> dict[str, Array]:
    found = {}
    for name, array in read_matlab5(path, names, MAX_EXPANSION * path.stat().st_size).items():
        if array is None:
            raise _unusable(path, name)
        found[name] = array
    return found


def _hdf5(path: Path, names: Collection[str]) -> dict[str, Array]:
    found = {}
    with h5py.File(path, "r") as file:
        for name in names:
            if name not in file:
                continue
            if fault := fault_of(file, name, path.stat().st_size):
                msg = f"{path.name}: {fault}"
                raise FileError("F416", msg)
            array = file[name][()]
            # MATLAB counts the first index fastest and marks what it wrote; others store as they count.
            found[name] = array.T if "MATLAB_class" in file[name].attrs else array
    return found


def _npz(path: Path, names: Collection[str]) -> dict[str, Array]:
    with zipfile.ZipFile(path) as members:
        sizes = {member.filename: member.file_size for member in members.infolist()}
    if not any(member.endswith(".npy") for member in sizes):
        _refuse_pickles(path, b"\x80")  # torch.save writes pickles into an archive
    present = [name for name in names if f"{name}.npy" in sizes]
    if sum(sizes[f"{name}.npy"] for name in present) > MAX_EXPANSION * path.stat().st_size:
        msg = f"{path.name}: its arrays are larger than the file can hold."
        raise FileError("F416", msg)
    with np.load(path, allow_pickle=False) as archive:
        return {name: _numbers(path, name, archive[name]) for name in present}


def _numbers(path: Path, name: str, array: Array) -> Array:
    if array.dtype.kind not in "fiu":
        raise _unusable(path, name)
    return array


def _unusable(path: Path, name: str) -> FileError:
    msg = f"{path.name}: {name!r} is no array of real numbers that the file can hold."
    return FileError("F416", msg)
