"""An ensemble: samples of a problem, where they came from, and what one asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciml.ensembles import statistics
from sciml.ensembles.numbers import sequence, slice_of
from sciml.ensembles.pathwise import pathwise
from sciml.ensembles.request import BLOCK, identity
from sciml.errors import DataError, FileError, did_you_mean, shown
from sciml.grid import Grid, grid_of
from sciml.io import check_writable
from sciml.io.ensembles import StoredEnsemble, Writer, partial_path, read_ensemble
from sciml.labels import component_names, noises
from sciml.norms import Metric
from sciml.problem import Problem
from sciml.run import Status

__all__ = ["Ensemble", "load_ensemble"]

CHUNK_BYTES = 2**23  # of one variable in float64, where samples are streamed


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Independent samples of a problem.

    Attributes:
        ds: Fields and outputs, ``(sample, time, z, y, x)`` or ``(sample, time)``; the driving noise as
            increments over ``(t_{n-1}, t_n]``; random parameters, ``(sample,)``. Arrays of a file stay
            on disk until they are asked for.
        problem: The declaration they are drawn from.
        method: Name and options of the method.
        provenance: Run, device, versions, wall time, creation date.
        record: Seed, block, grid and dtype.
        status: ``converged``, ``interrupted`` or ``diverged``.
        reason: Why it stopped.
        file: Where the samples come from; None for what was computed in memory.
    """

    ds: xr.Dataset
    problem: Problem
    method: dict[str, Any]
    provenance: dict[str, Any]
    record: dict[str, Any]
    status: Status
    reason: str
    file: Path | None = None

    def __len__(self) -> int:
        return int(self.ds.sizes["sample"])

    def __getitem__(self, key: str | int | slice | Sequence[int]) -> Any:
        """Return a stored variable by its name, or some of the samples, by their places, as an ensemble."""
        return self.variable(key) if isinstance(key, str) else self.isel(key)

    def variable(self, name: str) -> xr.DataArray:
        """Return a stored variable, lazily where it is in a file.

        Raises:
            DataError: There is none of this name.
        """
        if name in self.ds.data_vars:
            return self.ds[name]
        parts = component_names(self.problem, name) if name in self.problem.variables() else []
        stored = [*map(str, self.ds.data_vars)]
        hint = f" It is stored as {', '.join(parts)}." if parts else did_you_mean(str(name), stored)
        msg = f"the ensemble holds no {name!r}.{hint}"
        raise DataError("D204", msg, fix=f"variables: {', '.join(stored)}")

    def isel(self, sample: int | slice | Sequence[int]) -> Ensemble:
        """Return the ensemble of some samples, by their places.

        Raises:
            DataError: There is no such sample.
        """
        try:
            chosen = np.arange(len(self))[sample if isinstance(sample, slice) else np.atleast_1d(np.asarray(sample))]
        except (IndexError, TypeError, ValueError):
            msg = f"samples are chosen by whole numbers below {len(self)}, a slice or a list of them; got {sample!r}."
            raise DataError("D204", msg, fix="ensemble[:100]  or  ensemble[[0, 5]]") from None
        if not len(chosen):
            raise DataError("D204", f"{sample!r} chooses none of the {len(self)} samples.", fix="ensemble[:100]")
        places = sample if isinstance(sample, slice) else chosen  # slices stay lazy
        part = self.reason if len(chosen) == len(self) else f"{len(chosen)} of {len(self)} samples"
        return replace(self, ds=self.ds.isel(sample=places), reason=part)

    @property
    def numbers(self) -> Sequence[int]:
        """Numbers of the samples, as a range where they are consecutive.

        Raises:
            DataError: A sample is there twice.
        """
        return sequence(self.ds["sample"].values)

    def numbered(self, numbers: Sequence[int]) -> Ensemble:
        """Return the samples of these numbers, in this order.

        Raises:
            DataError: One is not there, or twice.
        """
        places = dict(zip(self.numbers, range(len(self)), strict=True))
        missing = [k for k in numbers if k not in places]
        if missing:
            msg = f"the ensemble holds no sample with the number {missing[0]}."
            raise DataError("D204", msg, fix="ensemble.numbers  lists those that it holds")
        chosen = slice_of(np.array([places[k] for k in numbers], dtype=int))
        return self.isel(chosen if isinstance(chosen, slice) else chosen.tolist())

    @property
    def grid(self) -> Grid:
        """The grid that the samples lie on."""
        return Grid(**self.record["grid"]) if "grid" in self.record else grid_of(self.problem, self.ds)

    @property
    def noise(self) -> tuple[str, ...]:
        """Names of the driving noises that are stored."""
        return tuple(n.name for n in noises(self.problem) if n.name in self.ds)

    @property
    def identity(self) -> dict[str, str]:
        """What tells it from other ensembles, whatever the number of samples."""
        return identity(self.problem, self.method, self.record)

    def blocks(self, size: int | None = None) -> Iterator[xr.Dataset]:
        """Yield all samples in memory, ``size`` at a time; those of a block if not given."""
        step = size or self.record.get("block", BLOCK)
        for start in range(0, len(self), step):
            yield self.ds.isel(sample=slice(start, start + step)).load()

    def arrays(self, name: str) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
        """Yield a variable, ``(some samples, *dims)``, in pieces of bounded size, float64."""
        variable = self.variable(name)
        step = max(1, CHUNK_BYTES // (8 * int(np.prod(variable.shape[1:], dtype=int))))
        for start in range(0, len(self), step):
            yield variable[start : start + step].values.astype(np.float64)

    def mean(self, name: str) -> xr.Dataset:
        """Return the mean over samples, at each time and place.

        Returns:
            ``value`` and ``standard_error``, which is the standard deviation of what single samples
            contribute, over the square root of their number; nan where there is one sample. The same
            holds for all statistics of an ensemble, whose samples are independent; those of squares of
            deviations are nan below four samples, and too small by a tenth or more below twenty.
        """
        return statistics.mean(self, name)

    def variance(self, name: str) -> xr.Dataset:
        """Return the unbiased variance over samples, at each time and place, with its standard error."""
        return statistics.variance(self, name)

    def covariance(self, name: str, at: Mapping[str, float] | None = None) -> xr.Dataset:
        """Return the unbiased two-point covariance, with its standard error.

        Args:
            name: A stored variable.
            at: Coordinates of a reference point, as in ``{"x": 0.5}``: the covariance of the value
                anywhere with that at the reference; coordinates that are not given are those of the
                other point. None averages over translations of the periodic axes, ``separation_x`` in
                place of ``x``; the error is then that of the averages of single samples.

        Raises:
            DataError: No such coordinate or stored value; or no periodic axis, where ``at`` is None.
        """
        return statistics.covariance(self, name, at)

    def spectrum(self, name: str) -> xr.Dataset:
        """Return the variance of each Fourier coefficient on the periodic axes, with its standard error.

        The coefficient of the mode m is ``û_m = (1/N) Σ_j u(x_j) exp(-2πi m j/N)``; the axis ``mode_x``
        stands in place of ``x``, and the sum over modes is the mean of the variance over places.
        """
        return statistics.spectrum(self, name)

    def structure_function(self, name: str, order: float = 2, along: str | None = None) -> xr.Dataset:
        """Return ``E|u(· + r) - u(·)|^p``, averaged over space, with its standard error.

        Args:
            name: A stored variable.
            order: p, positive.
            along: Axis of the increments: the first periodic one if not given; ``"time"`` averages over
                starting times as well. Increments on a periodic axis go round it.

        Returns:
            ``value`` and ``standard_error`` over ``separation``, and ``time`` unless increments are in
            time; the error is that of the averages of single samples.
        """
        return statistics.structure_function(self, name, order, along)

    def compare(self, other: Ensemble, metric: Metric = "rel_l2", *, each_time: bool = False) -> xr.Dataset:
        """Return the error of each sample against the sample of the same number in another ensemble.

        Args:
            other: The reference, with the same samples and coordinates, or finer ones that include these.
            metric: As in :meth:`Solution.compare`: relative to the size of ``other``.
            each_time: Give the error at each time, over space; not one over all times after the first.

        Returns:
            For each field and output of both ``(sample,)``, or ``(sample, time)``.

        Raises:
            DataError: Other samples or coordinates, nothing in common, no such metric; nothing is ever broadcast
                or interpolated.
        """
        if not isinstance(other, Ensemble):
            msg = f"an ensemble is compared with an ensemble; got {shown(other)}."
            raise DataError("D208", msg, fix="solution.replay(ensemble).compare(ensemble)")
        return pathwise(self, other, metric, each_time)

    def with_status(self, status: Status, reason: str) -> Ensemble:
        """Return the same samples with another reason why there are no more."""
        return replace(self, status=status, reason=reason)

    def save(self, path: str | Path) -> Path:
        """Write one netCDF-4 file that xarray, h5py and netCDF4 can read; an existing one is replaced when it is done.

        Raises:
            FileError: The file cannot be written, or one of this name is being filled.
        """
        target = Path(path)
        check_writable(target)
        if partial_path(target).exists():
            msg = f"{partial_path(target)} holds an ensemble that is not complete."
            raise FileError("F422", msg, fix="complete it: problem.sample(..., to=...); or move it away")
        header = StoredEnsemble(self.ds, self.problem, self.method, self.provenance, self.record, len(self))
        writer = Writer.create(target, self.ds, self.ds["sample"].values, header)
        try:
            for i, block in enumerate(self.blocks()):
                writer.append(block, 0.0 if i else float(self.provenance["seconds"]))
            writer.finish()
        except BaseException:
            writer.close()
            writer.path.unlink(missing_ok=True)
            raise
        return target

    def __str__(self) -> str:
        sizes = ", ".join(f"{d}: {n}" for d, n in self.ds.sizes.items())
        names = ", ".join(map(str, self.ds.data_vars))
        name = self.method.get("name")
        return f"Ensemble of {self.problem.name!r} by {name}: {names} on ({sizes}); {self.status}: {self.reason}"

    __repr__ = __str__


def load_ensemble(path: str | Path) -> Ensemble:
    """Read an ensemble back, problem included; its arrays stay on disk until they are asked for.

    A file that is being filled, ``NAME.partial``, gives its complete samples, with the status
    ``interrupted``.

    Raises:
        FileError: Not an ensemble of this package, damaged, or asking for more than a loader may do.
    """
    target = Path(path)
    if not target.exists() and partial_path(target).exists():
        msg = f"there is no file {target}, but one that is not complete."
        raise FileError("F411", msg, fix=f"sm.load_ensemble({str(partial_path(target))!r})  gives its complete samples")
    found = read_ensemble(target)
    done = found.ds.sizes["sample"]
    complete = done == found.total
    status: Status = "converged" if complete else "interrupted"
    reason = f"all {done} samples" if complete else f"{done} of {found.total} samples are complete"
    origin = target.resolve()
    return Ensemble(found.ds, found.problem, found.method, found.provenance, found.record, status, reason, origin)
