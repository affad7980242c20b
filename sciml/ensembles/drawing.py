"""Draw an ensemble: blocks go, in order, into memory or into a file that can be gone on with."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr

from sciml.ensembles.ensemble import Ensemble, load_ensemble
from sciml.ensembles.request import Request, identity
from sciml.ensembles.workers import drawn
from sciml.errors import Diverged, FileError
from sciml.io import check_writable
from sciml.io.ensembles import StoredEnsemble, Writer, partial_path, read_ensemble
from sciml.labels import SAMPLE_ATTRIBUTES
from sciml.progress import progress_bar
from sciml.provenance import origin
from sciml.run import Status

__all__ = ["draw"]

AWAY = "take another file: to=...; or move the old one away"
SHOWN = 5  # numbers of samples in a message


class _Sink(Protocol):
    """Where blocks go."""

    @property
    def done(self) -> int: ...

    def append(self, block: xr.Dataset, seconds: float) -> None: ...

    def close(self) -> None: ...

    def ensemble(self, status: Status, reason: str) -> Ensemble: ...


def draw(request: Request) -> Ensemble:
    """Draw what was asked for; Ctrl-C returns the complete blocks.

    Raises:
        Diverged: Some samples are not finite; ``error.solution`` holds the complete blocks before them.
        FileError: The file belongs to another ensemble, or cannot be written.
    """
    sink: _Sink = _Memory(request)
    if request.target is not None:
        complete = _finished(request, request.target)
        if complete is not None:
            return complete
        sink = _File(request, request.target)
    with closing(sink):
        try:
            _fill(request, sink)
        except KeyboardInterrupt:
            if not sink.done:
                raise
            return sink.ensemble("interrupted", f"stopped after {sink.done} of {request.count} samples")
        except Diverged as error:
            error.solution = sink.ensemble("diverged", error.headline) if sink.done else None
            raise
        return sink.ensemble("converged", f"all {request.count} samples")


def _fill(request: Request, sink: _Sink) -> None:
    run, last = request.run, time.monotonic()
    bar = progress_bar(request.problem.name, request.count, run.progress, sink.done, "samples")
    with bar as report, closing(drawn(request, sink.done)) as blocks:
        for whole in blocks:
            block = whole.isel(sample=slice(0, request.count - sink.done))
            _check_finite(block)
            now = time.monotonic()
            sink.append(block, now - last)
            last = now
            report(sink.done, {})


def _check_finite(block: xr.Dataset) -> None:
    finite = np.ones(block.sizes["sample"], dtype=bool)
    for v in block.data_vars.values():
        finite &= np.isfinite(v.values).reshape(len(finite), -1).all(1)
    bad = block["sample"].values[~finite]
    if bad.size:
        more = ", ..." if bad.size > SHOWN else ""
        msg = f"samples {', '.join(map(str, bad[:SHOWN]))}{more} are not finite; complete blocks before them are kept."
        raise Diverged("R301", msg, fix="a smaller step: an option of the method")


def _header(request: Request, block: xr.Dataset, seconds: float = 0.0) -> StoredEnsemble:
    """Return what the header of this ensemble says, of which a block is known."""
    found = {n: v for n, v in block.attrs.items() if n != "device"}
    provenance = {**origin(request.run, block.attrs["device"], seconds), **found}
    return StoredEnsemble(
        block, request.problem, request.method.record(), provenance, request.record, total=request.count
    )


class _Memory:
    """Samples in arrays of the final size."""

    def __init__(self, request: Request) -> None:
        self._request, self._seconds, self.done = request, 0.0, 0
        self._first: xr.Dataset | None = None
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}

    def append(self, block: xr.Dataset, seconds: float) -> None:
        if self._first is None:
            self._first = block
            count = self._request.count
            self._arrays = {str(n): np.empty((count, *v.shape[1:]), v.dtype) for n, v in block.data_vars.items()}
        end = self.done + block.sizes["sample"]
        for name, array in self._arrays.items():
            array[self.done : end] = block[name].values
        self.done, self._seconds = end, self._seconds + seconds

    def close(self) -> None:
        """Keep everything: the arrays are the result."""

    def ensemble(self, status: Status, reason: str) -> Ensemble:
        first = self._first
        assert first is not None  # asked for only when there is a block
        variables = {n: (first[n].dims, a[: self.done], first[n].attrs) for n, a in self._arrays.items()}
        numbers = {"sample": ("sample", np.array(self._request.numbers[: self.done]), SAMPLE_ATTRIBUTES)}
        ds = xr.Dataset(variables, {**first.drop_vars("sample").coords, **numbers})
        made = _header(self._request, first, self._seconds)
        return Ensemble(ds, made.problem, made.method, made.provenance, made.record, status, reason)


class _File:
    """Samples in a file, from where an earlier run left it."""

    def __init__(self, request: Request, target: Path) -> None:
        check_writable(target)
        self._request, self._target = request, target
        self._writer = _going_on(request, target)

    @property
    def done(self) -> int:
        return self._writer.done if self._writer else 0

    def append(self, block: xr.Dataset, seconds: float) -> None:
        if self._writer is None:
            numbers = np.array(self._request.numbers)
            self._writer = Writer.create(self._target, block, numbers, _header(self._request, block))
        self._writer.append(block, seconds)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def ensemble(self, status: Status, reason: str) -> Ensemble:
        assert self._writer is not None  # asked for only when there is a block
        if self._writer.done == self._writer.total:
            self._writer.finish()
            return load_ensemble(self._target)
        self.close()
        return load_ensemble(partial_path(self._target)).with_status(status, reason)


def _finished(request: Request, target: Path) -> Ensemble | None:
    """Return the ensemble that a file holds already, if it has enough samples."""
    stored = _stored(request, target)
    if stored is None or stored.ds.sizes["sample"] < request.count:
        return None
    found = load_ensemble(target)
    reason = f"the first {request.count} of {len(found)} samples"
    return found if len(found) == request.count else found[: request.count].with_status("converged", reason)


def _going_on(request: Request, target: Path) -> Writer | None:
    """Return the writer of a file that an earlier run began, or that takes up the samples of a smaller one."""
    complete, begun = _stored(request, target), _stored(request, partial_path(target))
    writer = None
    if begun is not None:
        if begun.total != request.count:
            msg = f"{partial_path(target)} was begun with {begun.total} samples; {request.count} are asked for now."
            raise FileError("F422", msg, fix=(f"first  problem.sample({begun.total}, ..., to={str(target)!r})", AWAY))
        writer = Writer(target, begun.ds)
    if complete is not None:
        writer = _taken_up(request, target, complete, writer)
    if writer is not None and writer.done and request.run.progress is not False:
        print(f"{target}: going on after {writer.done} of {request.count} samples", file=sys.stderr)
    return writer


def _taken_up(request: Request, target: Path, complete: StoredEnsemble, writer: Writer | None) -> Writer | None:
    """Copy the whole blocks of a complete ensemble, which has too few of them; it stays until it is replaced."""
    size, ds = request.block, complete.ds
    whole = ds.sizes["sample"] // size * size
    if writer is None and whole:
        writer = Writer.create(target, ds.isel(sample=slice(0, size)), np.array(request.numbers), complete)
    seconds = float(complete.provenance["seconds"])
    while writer is not None and writer.done < whole:
        block = ds.isel(sample=slice(writer.done, writer.done + size)).load()
        writer.append(block, seconds * size / ds.sizes["sample"])
    return writer


def _stored(request: Request, path: Path) -> StoredEnsemble | None:
    """Read the ensemble that stands where this one is to be written.

    Raises:
        FileError: It is another one.
    """
    if not path.exists():
        return None
    try:
        found = read_ensemble(path)
    except FileError as error:
        msg = f"{path} stands where the ensemble would be written, and cannot be gone on with: {error.headline}"
        raise FileError("F422", msg, fix=AWAY) from None
    mine = identity(request.problem, request.method.record(), request.record)
    theirs = identity(found.problem, found.method, found.record)
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            msg = f"{path} holds another ensemble: {name} {theirs.get(name)}, not {mine.get(name)}."
            raise FileError("F422", msg, fix=AWAY)
    stored = found.ds["sample"].values[: request.count]
    if not np.array_equal(stored, request.numbers[: len(stored)]):
        wanted = ", ".join(map(str, request.numbers[:3]))
        msg = f"{path} holds samples that are not numbered {wanted}, ..., so they cannot be gone on with."
        raise FileError("F422", msg, fix=AWAY)
    return found
