"""Ensembles on disk: netCDF-4 that is plain HDF5, filled block by block, and safe from a kill at any moment.

The whole structure of the file (header, coordinates, room for every sample) is written and closed
before the first block: HDF5 is never open while an ensemble grows. A block is bytes put into that
room; after they are on disk, one number in the file, ``/progress/samples``, says how many samples are
complete. A killed process leaves a file that is valid and holds every block it says it holds.

Until it is complete the file is called ``NAME.partial``, so that a reader without this package never
takes room for samples.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5netcdf
import h5py
import numpy as np
import xarray as xr

from sciml.errors import FileError
from sciml.io.hdf5 import READ_ERRORS
from sciml.io.header import has, header_attributes, read_header
from sciml.io.json_text import bounded_json
from sciml.io.replacing import replacing
from sciml.io.stored import check_storage
from sciml.labels import SAMPLE_ATTRIBUTES, ensemble_dims
from sciml.problem import Problem

__all__ = ["StoredEnsemble", "Writer", "partial_path", "read_ensemble"]

Array = np.ndarray[Any, Any]
COUNTERS = {"samples": np.dtype("int64"), "seconds": np.dtype("float64")}
ROOM = "make room on the disk, store fewer times or points (grid=...), or take another folder (to=...)"


def partial_path(path: Path) -> Path:
    """Return the name of a file that is being filled."""
    return path.with_name(path.name + ".partial")


@dataclass(frozen=True)
class StoredEnsemble:
    """What a file holds.

    Attributes:
        ds: Its complete samples; arrays stay on disk until they are asked for.
        problem: The declaration.
        method: Name and options of the method.
        provenance: Run, device, versions, date, wall time.
        record: Seed, block, grid and dtype of the samples.
        total: Samples that there is room for.
    """

    ds: xr.Dataset
    problem: Problem
    method: dict[str, Any]
    provenance: dict[str, Any]
    record: dict[str, Any]
    total: int


class Writer:
    """Fills the room that :meth:`create` made.

    Attributes:
        done: Complete samples.
        total: Samples that there is room for.
        seconds: Time that they took, of all runs together.
    """

    def __init__(self, target: Path, like: xr.Dataset) -> None:
        """Go on with ``target.partial``, which :func:`read_ensemble` has checked, and which holds samples ``like``."""
        self.target, self.path = target, partial_path(target)
        self._like = like.isel(sample=slice(0)).load()
        with h5py.File(self.path, "r") as file:
            self._places = {str(n): _Place.of(self.path, file[str(n)]) for n in like.data_vars}
            self._counters = {n: _Place.of(self.path, file["progress"][n]) for n in COUNTERS}
            self.total = int(file["sample"].size)
        with _disk_errors(self.path):
            self._file = self.path.open("r+b")  # after HDF5, which would end the lock by closing the file
        try:
            _lock(self._file, self.path)
            self.done, self.seconds = int(self._counted("samples")), float(self._counted("seconds"))
            _check_room(target, sum(p.stride for p in self._places.values()) * (self.total - self.done))
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, target: Path, first: xr.Dataset, numbers: Array, header: StoredEnsemble) -> Writer:
        """Make ``target.partial`` with room for an ensemble.

        Args:
            target: Name of the complete file.
            first: Some of its samples: names, dims, dtypes and coordinates of all.
            numbers: Numbers of all samples.
            header: What the header says; its ``ds`` and ``total`` do not matter.

        Raises:
            FileError: The disk is too small, or the file cannot be written.
        """
        stride = sum(v.nbytes // first.sizes["sample"] for v in first.data_vars.values())
        _check_room(target, stride * len(numbers))
        with _disk_errors(target), replacing(partial_path(target)) as temporary:
            _make(temporary, first, numbers, header)
        return cls(target, first)

    def append(self, block: xr.Dataset, seconds: float) -> None:
        """Write the samples that come next, and then say that they are there.

        Args:
            block: Samples ``done, done + 1, ...``.
            seconds: Time that they took.

        Raises:
            FileError: The disk is full, or the samples are not like those in the file.
        """
        if not _alike(self._like, block):
            msg = f"{self.path} does not fit the samples that are drawn now: other variables, dtypes or coordinates."
            raise FileError("F420", msg, fix="take another file, or move the old one away")
        with _disk_errors(self.path):
            for name, place in self._places.items():
                self._put(place.offset + self.done * place.stride, block[name].values)
            self._sync()
            self.done, self.seconds = self.done + block.sizes["sample"], self.seconds + seconds
            for name, value in (("seconds", self.seconds), ("samples", self.done)):
                self._put(self._counters[name].offset, np.array(value, COUNTERS[name]))
            self._file.flush()

    def finish(self) -> None:
        """Give the complete file its name.

        Raises:
            FileError: Another process has replaced it meanwhile.
        """
        with _disk_errors(self.path):
            self._sync()
            if not self.path.exists() or not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat()):
                msg = f"{self.path} was replaced by another process while this one filled it."
                raise FileError("F420", msg, fix="let one process at a time write to a file")
            self.close()
            self.path.replace(self.target)

    def close(self) -> None:
        """Let go of the file; what it holds stays."""
        self._file.close()

    def _counted(self, name: str) -> Array:
        self._file.seek(self._counters[name].offset)
        found: Array = np.frombuffer(self._file.read(8), COUNTERS[name])[0]
        return found

    def _put(self, offset: int, values: Array) -> None:
        self._file.seek(offset)
        self._file.write(np.ascontiguousarray(values).data)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _alike(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Tell whether two sets of samples have the same variables, dtypes, dims and coordinates, numbers apart."""
    empty = [ds.isel(sample=slice(0)) for ds in (one, other)]
    return empty[0].equals(empty[1]) and all(one[n].dtype == other[n].dtype for n in one.data_vars)


@dataclass(frozen=True)
class _Place:
    """Where an array lies in the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def stride(self) -> int:
        """Bytes of one sample."""
        return int(np.prod(self.shape[1:], dtype=int)) * self.dtype.itemsize

    @classmethod
    def of(cls, path: Path, dataset: Any) -> _Place:
        offset = dataset.id.get_offset() if isinstance(dataset, h5py.Dataset) and dataset.chunks is None else None
        if offset is None or offset + dataset.nbytes > path.stat().st_size:
            msg = f"{path.name}: {dataset.name} has no room in the file."
            raise FileError("F412", msg)
        return cls(offset, dataset.shape, dataset.dtype)


def _make(path: Path, first: xr.Dataset, numbers: Array, header: StoredEnsemble) -> None:
    counted = xr.Variable("sample", numbers, SAMPLE_ATTRIBUTES)
    known = {name: value for name, value in header.provenance.items() if name != "seconds"}  # they are counted
    attributes = header_attributes(header.problem, header.method, known)
    with h5netcdf.File(path, "w") as file:
        file.attrs.update({**attributes, "sciml_ensemble": json.dumps(header.record)})
        file.dimensions = {str(d): len(numbers) if d == "sample" else n for d, n in first.sizes.items()}
        for d in first.sizes:
            _put(file, str(d), counted if d == "sample" else first[d].variable)
        for name, v in first.data_vars.items():
            made = file.create_variable(str(name), v.dims, v.dtype)
            made.attrs.update(v.attrs)
            made[(0,) * v.ndim] = 0  # with its first value HDF5 gives an array its place in the file
        for name, array in header.problem.arrays.items():
            dims = [f"{name}_{i}" for i in range(array.ndim)]
            file.dimensions.update(zip(dims, array.shape, strict=True))
            _put(file, f"/data/{name}", xr.Variable(dims, array))
        for name, kind in COUNTERS.items():
            _put(file, f"/progress/{name}", xr.Variable((), np.zeros((), kind)))


def _put(group: Any, name: str, variable: xr.Variable) -> None:
    made = group.create_variable(name, variable.dims, variable.dtype, data=variable.values)
    made.attrs.update(variable.attrs)


def _lock(file: IO[bytes], path: Path) -> None:
    """Keep other processes from filling the same file; the lock ends with the process, however it ends."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):  # else the file system has no locks
            msg = f"{path} is being filled by another process."
            raise FileError("F420", msg, fix="wait for it, or take another file: to=...") from None


def _check_room(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        msg = f"the ensemble needs {needed / 1e9:.3g} GB in {target.parent}, which has {free / 1e9:.3g} GB left."
        raise FileError("F421", msg, fix=ROOM)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Say what to do where the disk is full or gone; complete blocks stay in the file."""
    try:
        yield
    except OSError as error:
        msg = f"{path} cannot be written: {error}; its complete samples are kept."
        raise FileError("F410", msg, fix=ROOM) from None


def read_ensemble(path: Path) -> StoredEnsemble:
    """Read an ensemble, of a file that is still being filled its complete samples.

    Raises:
        FileError: Not an ensemble of this package, damaged, or asking for more than a loader may do.
    """
    header = read_header(path, "ensemble")
    record = bounded_json(header.own["sciml_ensemble"], "attribute 'sciml_ensemble'")
    if not has(record, seed=int, block=int, grid=dict) or record["block"] < 1:
        msg = f"{path.name}: seed, block or grid is not of this schema."
        raise FileError("F412", msg)
    needed, further = ensemble_dims(header.problem)
    try:
        with h5py.File(path, "r") as file:
            known = {**needed, **{n: d for n, d in further.items() if n in file}}
            axes = [*dict.fromkeys(d for dims in known.values() for d in dims)]
        check_storage(path, [*axes, *known, *(f"progress/{name}" for name in COUNTERS)])
        with h5py.File(path, "r") as file:
            done, seconds = int(file["progress/samples"][()]), float(file["progress/seconds"][()])
        opened = xr.open_dataset(path, engine="h5netcdf", decode_cf=False, phony_dims="access", cache=False)
        ds = opened[[*known]].set_coords([n for n in axes if n in opened])
        ds = ds.assign_coords({n: ds[n].load() for n in axes})
        _check_dims(path, ds, known)
    except (*READ_ERRORS, ValueError) as error:
        if isinstance(error, FileError):
            raise
        msg = f"{path.name}: its samples cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None
    total = ds.sizes["sample"]
    if not 0 <= done <= total or not np.isfinite(seconds):
        msg = f"{path.name}: its count of samples is damaged."
        raise FileError("F412", msg)
    provenance = {**header.provenance, "seconds": round(seconds, 3)}
    complete = ds.isel(sample=slice(0, done)).drop_attrs(deep=False)
    return StoredEnsemble(complete, header.problem, header.method, provenance, record, total)


def _check_dims(path: Path, ds: xr.Dataset, known: Mapping[str, tuple[str, ...]]) -> None:
    for name, dims in known.items():
        if ds[name].dims != dims:
            msg = f"{path.name}: variable {name!r} has the dims {ds[name].dims}."
            raise FileError("F412", msg)
    for axis in ds.sizes:
        if axis not in ds.coords or ds[axis].dims != (axis,):
            msg = f"{path.name}: the coordinate {axis!r} is missing or damaged."
            raise FileError("F412", msg)
