"""Write and read one solution per file.

The file is netCDF-4 written through h5netcdf: readable by h5py, netCDF4 and xarray
without this package. Attributes are numbers and text; structured ones are JSON text. Reading
executes nothing: the problem is rebuilt from a closed table, weights would be arrays.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from sciml.dsl.arrays import Array
from sciml.dsl.operators import Spectrum
from sciml.errors import FileError
from sciml.io.hdf5 import READ_ERRORS
from sciml.io.header import header_attributes, read_header
from sciml.io.replacing import replacing
from sciml.io.stored import check_storage, is_dimension, read_group
from sciml.labels import component_names, noises
from sciml.problem import Problem

if TYPE_CHECKING:
    from sciml.solution import Solution

__all__ = ["check_writable", "load", "write"]

COMPRESS_ABOVE = 100 * 2**20  # gzip saves a fifth of a smooth field and costs forty times the write
MAX_MODEL = 4096  # arrays and dimensions of a stored model


def write(solution: Solution, path: str | Path) -> Path:
    """Write a solution; an existing file is replaced only once the new one is complete.

    Raises:
        FileError: The folder does not exist or cannot be written to.
    """
    target = Path(path)
    tree = solution.tree
    attributes = header_attributes(solution.problem, solution.method, solution.provenance)
    tree.attrs = {**attributes, "sciml_status": solution.status, "sciml_reason": solution.reason}
    encoding = {"/": {str(n): _encoding(v) for n, v in solution.ds.variables.items()}}
    for group in tree.children:
        encoding[f"/{group}"] = {str(n): {"_FillValue": None} for n in tree[group].data_vars}
    check_writable(target)
    with replacing(target) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
    return target


def check_writable(path: str | Path) -> None:
    """Refuse a target that could not be written, before anything is computed for it.

    Raises:
        FileError: The folder is missing or not writable, or the target is a folder.
    """
    target = Path(path)
    if not target.parent.is_dir():
        msg = f"the folder {target.parent} does not exist."
        raise FileError("F410", msg, fix=f"mkdir -p {target.parent}")
    if target.is_dir():
        msg = f"{target} is a folder; a file name is needed."
        raise FileError("F410", msg, fix=f"{target / 'solution.h5'}")
    if not os.access(target.parent, os.W_OK):
        msg = f"the folder {target.parent} is not writable."
        raise FileError("F410", msg)


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    encoding: dict[str, Any] = {"_FillValue": None}
    if variable.nbytes > COMPRESS_ABOVE:
        encoding |= {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (1, *variable.shape[1:])}
    return encoding


def load(path: str | Path) -> Solution:
    """Read a solution back, problem included.

    Raises:
        FileError: Not a file of this package, damaged, or asking for more than a loader may do.
    """
    from sciml.solution import Solution

    target = Path(path)
    header = read_header(target, "solution")
    problem, provenance = header.problem, header.provenance
    status, reason = header.own["sciml_status"], str(header.own["sciml_reason"])
    if not _is_estimate(provenance.get("estimates")):
        msg = f"{target.name}: its estimates are not of this schema."
        raise FileError("F412", msg)
    if status not in ("converged", "budget", "diverged", "interrupted"):
        msg = f"{target.name}: unknown status {str(status)[:40]!r}."
        raise FileError("F412", msg)
    ds = _dataset(target, problem)
    return Solution(ds, problem, header.method, provenance, status, reason, model=_model(target))


def _is_estimate(found: Any) -> bool:
    """Tell whether the estimates of a fit are names with as many numbers."""
    if found is None:
        return True
    columns = [found.get(n) if isinstance(found, dict) else None for n in ("names", "values", "std")]
    return all(isinstance(c, list) and len(c) == len(columns[0] or ()) for c in columns) and all(
        isinstance(v, (int, float)) for c in columns[1:] for v in c or ()
    )


def _dataset(target: Path, problem: Problem) -> xr.Dataset:
    """Read the variables that the problem names, without interpreting any text attribute."""
    outer = [*(s.name for s in problem.family), "time"]
    space = [x.name for x in problem.frame.space]
    axes = [*outer, *space, *(["wavenumber"] if any(isinstance(e, Spectrum) for e in problem.outputs.values()) else [])]
    names = [c for v in problem.variables() for c in component_names(problem, v)]
    driving = {n.name: ("time", *reversed([x for x in space if x in map(str, n.coordinates)])) for n in noises(problem)}
    names += driving
    check_storage(target, [*axes, *names])
    try:
        with xr.open_dataset(target, engine="h5netcdf", decode_cf=False, phony_dims="access") as ds:
            loaded = ds[names].set_coords([n for n in axes if n in ds]).load()
    except (*READ_ERRORS, ValueError) as error:
        msg = f"{target.name}: its variables cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None
    for name in names:
        fields = (tuple(outer), (*outer, *reversed(space)), (*outer, "wavenumber"))
        if loaded[name].dims not in ((driving[name],) if name in driving else fields):
            msg = f"{target.name}: variable {name!r} has the dims {loaded[name].dims}."
            raise FileError("F412", msg)
    return loaded.drop_attrs(deep=False)


def _model(target: Path) -> dict[str, Array]:
    """Read the arrays of a learned model, in their precision; the method that uses them checks that they fit."""

    def arrays(group: Any) -> list[str]:
        return [n for n in list(group)[:MAX_MODEL] if not is_dimension(group, n)]

    return read_group(target, "model", arrays, keep_dtype=True)
