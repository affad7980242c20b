"""Write and read one solution per file.

The file is netCDF-4 written through h5netcdf: readable by h5py, netCDF4 and xarray
without this package. Attributes are numbers and text; structured ones are JSON text. Reading
executes nothing: the problem is rebuilt from a closed table, weights would be arrays.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5netcdf
import h5py
import numpy as np
import xarray as xr

from sciml.dsl.arrays import Array, array_name, frozen_array
from sciml.dsl.operators import Spectrum
from sciml.errors import FileError
from sciml.io.hdf5 import MAX_EXPANSION, READ_ERRORS, fault_of
from sciml.io.json_text import bounded_json
from sciml.io.replacing import replacing
from sciml.labels import component_names
from sciml.problem import Problem

if TYPE_CHECKING:
    from sciml.solution import Solution

__all__ = ["check_writable", "load", "write"]

SCHEMA_VERSION = 1
COMPRESS_ABOVE = 100 * 2**20  # gzip saves a fifth of a smooth field and costs forty times the write
MAX_MODEL = 256  # arrays and dimensions of a stored model


def write(solution: Solution, path: str | Path) -> Path:
    """Write a solution; an existing file is replaced only once the new one is complete.

    Raises:
        FileError: The folder does not exist or cannot be written to.
    """
    target = Path(path)
    tree = solution.tree
    tree.attrs = _attributes(solution)
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


def _attributes(solution: Solution) -> dict[str, Any]:
    problem, provenance = solution.problem, solution.provenance
    versions = provenance.get("versions", {})
    source = f"sciml-solvers {versions.get('sciml-solvers', 'unknown')}, method {solution.method.get('name')}"
    return {
        "Conventions": "CF-1.12",
        "title": problem.name,
        "comment": problem.description,
        "source": source,
        "history": f"{provenance.get('created', '')} created by {source}",
        "references": "; ".join(problem.references),
        "sciml_schema_version": SCHEMA_VERSION,
        "sciml_problem": json.dumps(problem.to_json()),
        "sciml_problem_sha256": problem.digest,
        "sciml_method": json.dumps(solution.method),
        "sciml_provenance": json.dumps(provenance),
        "sciml_status": solution.status,
        "sciml_reason": solution.reason,
    }


def load(path: str | Path) -> Solution:
    """Read a solution back, problem included.

    Raises:
        FileError: Not a file of this package, damaged, or asking for more than a loader may do.
    """
    from sciml.solution import Solution

    target = Path(path)
    if not target.is_file():
        msg = f"there is no file {target}."
        raise FileError("F411", msg)
    attributes = _read_attributes(target)
    record = attributes["sciml_problem"]
    problem = Problem.from_json(bounded_json(record, "attribute 'sciml_problem'"), _arrays(target, record))
    if problem.digest != str(attributes["sciml_problem_sha256"]):
        msg = f"{target.name}: the stored problem does not match its checksum."
        raise FileError("F413", msg, fix="the file was changed after it was written; recompute it")
    method = bounded_json(attributes["sciml_method"], "attribute 'sciml_method'")
    provenance = bounded_json(attributes["sciml_provenance"], "attribute 'sciml_provenance'")
    status = attributes["sciml_status"]
    if not _has(method, name=str, options=dict) or not _has(provenance, run=dict, versions=dict):
        msg = f"{target.name}: method or provenance is not of this schema."
        raise FileError("F412", msg)
    if not _is_estimate(provenance.get("estimates")):
        msg = f"{target.name}: its estimates are not of this schema."
        raise FileError("F412", msg)
    if status not in ("converged", "budget", "diverged", "interrupted"):
        msg = f"{target.name}: unknown status {str(status)[:40]!r}."
        raise FileError("F412", msg)
    ds, reason = _dataset(target, problem), str(attributes["sciml_reason"])
    return Solution(ds, problem, method, provenance, status, reason, model=_model(target))


def _is_estimate(found: Any) -> bool:
    """Tell whether the estimates of a fit are names with as many numbers."""
    if found is None:
        return True
    columns = [found.get(n) if isinstance(found, dict) else None for n in ("names", "values", "std")]
    return all(isinstance(c, list) and len(c) == len(columns[0] or ()) for c in columns) and all(
        isinstance(v, (int, float)) for c in columns[1:] for v in c or ()
    )


def _has(record: Any, **kinds: type) -> bool:
    return isinstance(record, dict) and all(isinstance(record.get(k), kind) for k, kind in kinds.items())


def _read_attributes(target: Path) -> dict[str, Any]:
    wanted = (
        "sciml_problem",
        "sciml_problem_sha256",
        "sciml_method",
        "sciml_provenance",
        "sciml_status",
        "sciml_reason",
        "sciml_schema_version",
    )
    try:
        with h5netcdf.File(target, "r") as file:
            found = {name: file.attrs[name] for name in wanted if name in file.attrs}
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{target.name} cannot be read as netCDF-4: {str(error)[:200]}"
        raise FileError("F412", msg) from None
    missing = [name for name in wanted if name not in found]
    if missing:
        msg = f"{target.name} was not written by this package: it has no attribute {missing[0]!r}."
        raise FileError("F412", msg, fix="open it with xarray.open_dataset(path, engine='h5netcdf')")
    version = found["sciml_schema_version"]
    if not isinstance(version, (int, np.integer)) or int(version) != SCHEMA_VERSION:
        msg = f"{target.name} has file schema {str(version)[:40]!r}; this version reads {SCHEMA_VERSION}."
        raise FileError("F412", msg, fix="install a matching version of sciml-solvers")
    return found


def _dataset(target: Path, problem: Problem) -> xr.Dataset:
    """Read the variables that the problem names, without interpreting any text attribute."""
    outer = [*(s.name for s in problem.family), "time"]
    space = [x.name for x in problem.frame.space]
    axes = [*outer, *space, *(["wavenumber"] if any(isinstance(e, Spectrum) for e in problem.outputs.values()) else [])]
    names = [c for v in problem.variables() for c in component_names(problem, v)]
    noises = {
        n.noise.name: ("time", *(reversed(space) if len(n.noise.coordinates) > 1 else ())) for n in problem.form.noise
    }
    names += noises
    _check_storage(target, [*axes, *names])
    try:
        with xr.open_dataset(target, engine="h5netcdf", decode_cf=False, phony_dims="access") as ds:
            loaded = ds[names].set_coords([n for n in axes if n in ds]).load()
    except (*READ_ERRORS, ValueError) as error:
        msg = f"{target.name}: its variables cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None
    for name in names:
        fields = (tuple(outer), (*outer, *reversed(space)), (*outer, "wavenumber"))
        if loaded[name].dims not in ((noises[name],) if name in noises else fields):
            msg = f"{target.name}: variable {name!r} has the dims {loaded[name].dims}."
            raise FileError("F412", msg)
    return loaded.drop_attrs(deep=False)


def _arrays(target: Path, record: str) -> dict[str, Array]:
    """Read the arrays that the problem refers to; each is named by its content."""
    wanted = set(re.findall(r"\bdata_[0-9a-f]+\b", record))
    out = _group(target, "data", lambda group: sorted(wanted & set(group)))
    for name, array in out.items():
        _check_content(target, name, array)
    return out


def _model(target: Path) -> dict[str, Array]:
    """Read the arrays of a learned model; the method that uses them checks that they belong together."""
    return _group(target, "model", lambda group: [n for n in list(group)[:MAX_MODEL] if not _is_dimension(group, n)])


def _group(target: Path, place: str, chosen: Callable[[Any], list[str]]) -> dict[str, Array]:
    """Read arrays of a group, no more of them than the file can hold."""
    out: dict[str, Array] = {}
    left = MAX_EXPANSION * target.stat().st_size
    try:
        with h5py.File(target, "r") as file:
            group = file.get(place, {})
            for name in chosen(group):
                _check_variable(target, group, name)
                left -= group[name].nbytes
                if left < 0:
                    msg = f"{target.name}: its {place} are larger than the file can hold."
                    raise FileError("F412", msg)
                out[name] = frozen_array(group[name][()], name)
    except READ_ERRORS as error:
        msg = f"{target.name}: its {place} cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None
    return out


def _is_dimension(group: Any, name: str) -> bool:
    """Tell a bare dimension, which netCDF-4 stores as an empty array, from data."""
    kind = group[name].attrs.get("CLASS", b"") if isinstance(group.get(name, getlink=True), h5py.HardLink) else b""
    return bytes(kind) == b"DIMENSION_SCALE" if isinstance(kind, (bytes, np.bytes_)) else False


def _check_content(target: Path, name: str, array: Array) -> None:
    if array_name(array) != name:
        msg = f"{target.name}: the array {name} does not match its checksum."
        raise FileError("F413", msg, fix="the file was changed after it was written; recompute it")


def _check_storage(target: Path, names: list[str]) -> None:
    """Every array is present, numeric, stored inside this file, and not larger than it can hold."""
    try:
        with h5py.File(target, "r") as file:
            for name in names:
                _check_variable(target, file, name)
    except READ_ERRORS as error:
        msg = f"{target.name}: its variables cannot be read: {str(error)[:200]}"
        raise FileError("F412", msg) from None


def _check_variable(target: Path, group: Any, name: str) -> None:
    if fault := fault_of(group, name, target.stat().st_size):
        msg = f"{target.name}: {fault}"
        raise FileError("F412", msg)
