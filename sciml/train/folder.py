"""The output folder of a run: one checkpoint, the metrics, and whose run it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sciml.errors import FileError
from sciml.io import check_writable
from sciml.train.checkpoint import Checkpoint, read, write
from sciml.train.metrics import Metrics

__all__ = ["CHECKPOINT", "METRICS", "OLD", "Folder"]

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"
OLD = ".old"
AWAY = "take another folder: Run(out=...); or move the old one away"


class Folder:
    """What a run writes while it goes on.

    Args:
        path: The folder; made when the run starts.
        identity: What tells this run from others. A folder that holds the checkpoint of a run with
            another identity is refused, since starting there would destroy it.
        record: What is needed to rebuild the run, JSON-ready.
        arrays: Arrays that the record refers to.

    A run of the same identity starts over, unless it resumed (:meth:`claim`), and what the earlier one
    left is kept: ``checkpoint.pt.old``, ``metrics.jsonl.old``.

    Attributes:
        saved: Whether the checkpoint in the folder is this run's own.
    """

    def __init__(
        self,
        path: str | Path,
        identity: Mapping[str, str],
        record: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray[Any, Any]] | None = None,
    ) -> None:
        self.path = Path(path)
        self.identity, self.record, self.arrays = identity, record, arrays or {}
        self.saved = False
        self._metrics: Metrics | None = None

    @property
    def checkpoint(self) -> Path:
        """The file that the run can be resumed from."""
        return self.path / CHECKPOINT

    def open(self, done: int) -> None:
        """Make the folder, before anything is computed, so that no result is lost to a bad path.

        Args:
            done: Steps that the run has already taken.

        Raises:
            FileError: It cannot be written to, or belongs to another run.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the output folder {self.path} cannot be made: {error}."
            raise FileError("F410", msg, fix="Run(out=...) names a folder") from None
        check_writable(self.checkpoint)
        if not self.saved:
            self._check_owner()
            # Both at once: the metrics of a new start do not belong to the checkpoint of an old one.
            for path in (self.checkpoint, self.path / METRICS):
                if path.exists():
                    path.replace(path.with_name(path.name + OLD))
        self._metrics = Metrics(self.path / METRICS, done)

    def close(self) -> None:
        """Close the metrics; the folder can be opened again."""
        if self._metrics:
            self._metrics.close()

    def log(self, step: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Append a line of metrics."""
        assert self._metrics is not None  # the folder is open while the loop runs
        self._metrics.write(step, seconds, metrics)

    def save(self, packed: dict[str, Any], done: int, seconds: float) -> None:
        """Write the checkpoint; a killed process leaves this one or the last."""
        write(self.checkpoint, Checkpoint(self.identity, self.record, self.arrays, done, seconds, packed))

    def claim(self, found: Mapping[str, str]) -> None:
        """Go on from the checkpoint of this identity.

        Raises:
            FileError: It is that of another run.
        """
        self._compare(found)
        self.saved = True

    def _check_owner(self) -> None:
        if not self.checkpoint.exists():
            return
        try:
            found = read(self.checkpoint).identity
        except FileError as error:
            msg = f"{self.checkpoint} stands where this run would write, and cannot be read: {error.headline}"
            raise FileError("F414", msg, fix=AWAY) from None
        self._compare(found)

    def _compare(self, found: Mapping[str, str]) -> None:
        for name in sorted({*found, *self.identity}):
            theirs, mine = found.get(name, "none"), self.identity.get(name, "none")
            if theirs != mine:
                msg = f"{self.path} holds the checkpoint of another run: {name} {_short(theirs)}, not {_short(mine)}."
                raise FileError("F414", msg, fix=(AWAY, f"go on with the old one: sm.resume({str(self.path)!r})"))


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
