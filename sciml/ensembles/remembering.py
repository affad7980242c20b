"""How a run remembers the ensemble that it learns from, and finds it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sciml.ensembles.ensemble import Ensemble, load_ensemble
from sciml.ensembles.numbers import bounds_of, listed, numbers_between
from sciml.errors import DataError, FileError

__all__ = ["data_record", "data_title", "remembered"]


def data_record(data: Ensemble) -> dict[str, Any]:
    """Return which samples of which ensemble these are, and the file that holds it, JSON-ready."""
    file = None if data.file is None else str(data.file)
    return {"identity": data.identity, "samples": bounds_of(data.numbers), "file": file}


def data_title(data: Ensemble) -> str:
    """Return a line that tells these samples from all others, wherever they are kept."""
    told = json.dumps([data.identity, bounds_of(data.numbers)], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return f"samples {listed(data.numbers)} of {data.problem.name!r} by {data.method.get('name')} ({digest})"


def remembered(record: Mapping[str, Any] | None, given: Ensemble | None, folder: Path) -> Ensemble | None:
    """Return the samples that :func:`data_record` described; None for a run without data.

    Args:
        record: What the checkpoint says; None for a run that learned from nothing.
        given: An ensemble that holds them, or None to read the file that they came from.
        folder: That of the run, as messages name it.

    Raises:
        FileError: The file is gone, or there was none; or it holds another ensemble.
        LookupError, TypeError, ValueError: The record is not one of a run.
    """
    if record is None:
        if given is not None:
            raise FileError("F424", f"the run in {folder} learned from no data.", fix=f"sm.resume({str(folder)!r})")
        return None
    found = _reloaded(record, folder) if given is None else given
    mine, theirs = record["identity"], found.identity
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            said = f"{name} {str(theirs.get(name))[:200]}, not {str(mine.get(name))[:200]}"
            raise _another(folder, said)
    try:
        return found.numbered(numbers_between(record["samples"], len(found)))
    except (DataError, ValueError) as error:
        raise _another(folder, f"not all of its samples are there: {getattr(error, 'headline', error)}") from None


def _reloaded(record: Mapping[str, Any], folder: Path) -> Ensemble:
    fix = (f"sm.resume({str(folder)!r}, data=ensemble)", f"sciml resume {folder} --data PATH")
    if record["file"] is None:
        msg = f"the run in {folder} learned from an ensemble that was in memory only."
        raise FileError("F423", msg, fix=fix)
    try:
        return load_ensemble(str(record["file"]))
    except FileError as error:
        msg = f"the run in {folder} learned from {str(record['file'])[:200]}, which cannot be read: {error.headline}"
        raise FileError("F423", msg, fix=fix) from None


def _another(folder: Path, difference: str) -> FileError:
    msg = f"the run in {folder} learned from another ensemble: {difference}"
    return FileError("F424", msg, fix="give the ensemble that it learned from, or one that holds its samples")
