"""One file that a run can go on from: tensors, numbers and text, and nothing that can be executed."""

from __future__ import annotations

import json
import math
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import FileError
from sciml.io.json_text import bounded_json
from sciml.io.replacing import replacing
from sciml.train.archive import Suspicious, check_archive

__all__ = ["Checkpoint", "read", "write"]

SCHEMA = 1
MAX_NODES = 200_000
MAX_DEPTH = 20
MAX_STEPS = 2**53
DAMAGED = "compute again, or take a copy of the folder that was made earlier"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood.

    Attributes:
        identity: What tells this run from others, as a few lines of text by name.
        record: Problem, method, grid and run, or what a bare task says of itself; JSON-ready.
        arrays: The arrays that the problem holds, by their names.
        done: Steps taken.
        seconds: Time that they took.
        state: What the task packed.
    """

    identity: Mapping[str, str]
    record: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray[Any, Any]]
    done: int
    seconds: float
    state: dict[str, Any]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a file of this name is replaced only once the new one is complete.

    Raises:
        FileError: It cannot be written.
        TypeError: The packed state holds something else than tensors, numbers, text and containers of them.
    """
    content = {
        "sciml_schema_version": SCHEMA,
        "identity": _text({"identity": dict(checkpoint.identity)}),
        "record": _text(checkpoint.record),
        "arrays": {n: torch.tensor(a) for n, a in checkpoint.arrays.items()},
        "done": checkpoint.done,
        "seconds": checkpoint.seconds,
        "state": _plain(checkpoint.state),
    }
    try:
        with replacing(path) as temporary:
            torch.save(content, temporary)
    except (OSError, RuntimeError) as error:  # torch says RuntimeError where the disk is full
        msg = f"the checkpoint {path} cannot be written: {str(error)[:200]}."
        raise FileError("F410", msg, fix="make room on the disk, or take another folder") from None


def read(path: Path) -> Checkpoint:
    """Read a checkpoint; tensors are on the CPU. Nothing in the file is executed.

    Raises:
        FileError: No such file, or not one of this package, damaged, or asking for more than it holds.
    """
    content = _load(path)
    version = content.get("sciml_schema_version") if isinstance(content, dict) else None
    if type(version) is not int or version != SCHEMA:
        msg = f"{path} is no checkpoint of schema {SCHEMA}; it says {str(version)[:40]!r}."
        raise FileError("F412", msg, fix="install the version of sciml-solvers that wrote it")
    try:
        _check(content, [0], 0)
        identity = _parsed(content["identity"])["identity"]
        record, arrays, state = _parsed(content["record"]), content["arrays"], content["state"]
        done, seconds = content["done"], content["seconds"]
        fits = isinstance(record, dict) and isinstance(state, dict) and isinstance(done, int) and 0 <= done < MAX_STEPS
        fits = fits and isinstance(seconds, float) and 0 <= seconds < math.inf and isinstance(identity, dict)
        if not fits or not all(isinstance(v, str) for v in identity.values()):
            msg = f"{path} is not a checkpoint of this package."
            raise FileError("F412", msg, fix=DAMAGED)
        found = {str(n): a.numpy() for n, a in arrays.items()}
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        msg = f"{path} is not a checkpoint of this package: {str(error)[:120]}"
        raise FileError("F412", msg, fix=DAMAGED) from None
    return Checkpoint(identity, record, found, done, seconds, state)


def _load(path: Path) -> Any:
    if not path.is_file():
        msg = f"there is no checkpoint {path}."
        raise FileError("F411", msg, fix="give the folder of a run that was made with Run(out=DIR)")
    try:
        check_archive(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, zipfile.BadZipFile, pickle.UnpicklingError, Suspicious) as error:
        reason = str(error)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        reason = str(error)  # what a damaged list of tensors can raise on its way through pickle, zip and torch
    msg = f"{path} cannot be read as a checkpoint: {reason[:200]}"
    raise FileError("F412", msg, fix=DAMAGED)


def _text(data: Any) -> Tensor:
    """Return JSON text as bytes: the list of tensors stays short, so that its length can be bounded."""
    return torch.frombuffer(bytearray(json.dumps(data).encode()), dtype=torch.uint8)


def _parsed(stored: Tensor) -> Any:
    if stored.dtype != torch.uint8 or stored.dim() != 1:
        msg = "a text is stored as something else."
        raise ValueError(msg)
    return bounded_json(stored.numpy().tobytes().decode(), "a text of the checkpoint")


def _plain(value: Any) -> Any:
    """Return the value with every tensor as one plain block on the CPU that shares memory with no other."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        return value.detach().cpu().clone(memory_format=torch.contiguous_format)
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    if isinstance(value, dict) and all(isinstance(k, (str, int)) for k in value):
        return {k: _plain(v) for k, v in value.items()}
    msg = f"pack() may hold tensors, numbers, text, None, lists, tuples and dicts; got {type(value).__name__}."
    raise TypeError(msg)


def _check(value: Any, count: list[int], depth: int) -> None:
    """Refuse anything but plain content, of bounded size: lists that hold each other grow exponentially."""
    count[0] += 1
    plain = type(value) is Tensor or value is None or isinstance(value, (bool, int, float, str))
    inner = list(value.values()) if type(value) is dict else value if type(value) in (list, tuple) else ()
    if count[0] > MAX_NODES or depth > MAX_DEPTH or not (plain or type(value) in (dict, list, tuple)):
        msg = f"it holds {type(value).__name__}, or too much"
        raise ValueError(msg)
    for part in inner:
        _check(part, count, depth + 1)
