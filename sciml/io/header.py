"""The header of every file: what was solved, how, and where it came from; as numbers and text.

Structured attributes are JSON text. Reading executes nothing: the problem is rebuilt from a closed table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5netcdf
import numpy as np

from sciml.errors import FileError
from sciml.io.json_text import bounded_json
from sciml.io.stored import named_arrays
from sciml.problem import Problem

__all__ = ["Header", "has", "header_attributes", "kind_of", "read_header"]

SCHEMA_VERSION = 1
SHARED = ("sciml_problem", "sciml_problem_sha256", "sciml_method", "sciml_provenance", "sciml_schema_version")
OWN = {"solution": ("sciml_status", "sciml_reason"), "ensemble": ("sciml_ensemble",)}
LOADERS = {"solution": "sm.load(path)", "ensemble": "sm.load_ensemble(path)"}
NAMES = {"solution": "a solution", "ensemble": "an ensemble"}

Kind = Literal["solution", "ensemble"]


@dataclass(frozen=True)
class Header:
    """A header that was read and checked.

    Attributes:
        problem: The declaration, rebuilt.
        method: Name and options of the method.
        provenance: Run, device, versions, date.
        own: The attributes that files of this kind have besides.
    """

    problem: Problem
    method: dict[str, Any]
    provenance: dict[str, Any]
    own: Mapping[str, Any]


def header_attributes(problem: Problem, method: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that all files have."""
    versions = provenance.get("versions", {})
    source = f"sciml-solvers {versions.get('sciml-solvers', 'unknown')}, method {method.get('name')}"
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
        "sciml_method": json.dumps(method),
        "sciml_provenance": json.dumps(provenance),
    }


def kind_of(path: str | Path) -> Kind:
    """Tell what a file of this package holds.

    Raises:
        FileError: There is none, or it is not of this package.
    """
    target = Path(path)
    found = _attributes(target)
    kind: Kind = "ensemble" if "sciml_ensemble" in found else "solution"
    _check_kind(target, found, kind)
    return kind


def read_header(target: Path, kind: Kind) -> Header:
    """Read and check the header of a file of this kind.

    Raises:
        FileError: No such file, not one of this package, of another kind, damaged, or changed.
    """
    found = _attributes(target)
    _check_kind(target, found, kind)
    record = found["sciml_problem"]
    problem = Problem.from_json(bounded_json(record, "attribute 'sciml_problem'"), named_arrays(target, record))
    if problem.digest != str(found["sciml_problem_sha256"]):
        msg = f"{target.name}: the stored problem does not match its checksum."
        raise FileError("F413", msg, fix="the file was changed after it was written; recompute it")
    method = bounded_json(found["sciml_method"], "attribute 'sciml_method'")
    provenance = bounded_json(found["sciml_provenance"], "attribute 'sciml_provenance'")
    if not has(method, name=str, options=dict) or not has(provenance, run=dict, versions=dict):
        msg = f"{target.name}: method or provenance is not of this schema."
        raise FileError("F412", msg)
    return Header(problem, method, provenance, {name: found[name] for name in OWN[kind]})


def has(record: Any, **kinds: type) -> bool:
    """Tell whether a record holds entries of these classes."""
    return isinstance(record, dict) and all(isinstance(record.get(k), kind) for k, kind in kinds.items())


def _attributes(target: Path) -> dict[str, Any]:
    if not target.is_file():
        msg = f"there is no file {target}."
        raise FileError("F411", msg)
    wanted = (*SHARED, *OWN["solution"], *OWN["ensemble"])
    try:
        with h5netcdf.File(target, "r") as file:
            return {name: file.attrs[name] for name in wanted if name in file.attrs}
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{target.name} cannot be read as netCDF-4: {str(error)[:200]}"
        raise FileError("F412", msg) from None


def _check_kind(target: Path, found: Mapping[str, Any], kind: Kind) -> None:
    missing = [name for name in (*SHARED, *OWN[kind]) if name not in found]
    other: Kind = "ensemble" if kind == "solution" else "solution"
    if missing and all(name in found for name in (*SHARED, *OWN[other])):
        msg = f"{target.name} holds {NAMES[other]}, not {NAMES[kind]}."
        raise FileError("F412", msg, fix=LOADERS[other])
    if missing:
        msg = f"{target.name} was not written by this package: it has no attribute {missing[0]!r}."
        raise FileError("F412", msg, fix="open it with xarray.open_dataset(path, engine='h5netcdf')")
    version = found["sciml_schema_version"]
    if not isinstance(version, (int, np.integer)) or int(version) != SCHEMA_VERSION:
        msg = f"{target.name} has file schema {str(version)[:40]!r}; this version reads {SCHEMA_VERSION}."
        raise FileError("F412", msg, fix="install a matching version of sciml-solvers")
