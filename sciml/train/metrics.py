"""Metrics as JSON lines: one line a step, each step once, also after a run was killed and resumed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from sciml.io.replacing import replacing

__all__ = ["Metrics"]


class Metrics:
    """The file ``metrics.jsonl`` of a run; ``None`` of a number that is not finite, as JSON has no other."""

    def __init__(self, path: Path, after: int) -> None:
        """Open the file and drop the lines after step ``after``, which a resumed run writes again."""
        self.path = path
        self._keep(after)
        self._file = path.open("a", buffering=1)  # a line at a time: it can be followed while it grows

    def write(self, step: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Append the line of a step."""
        numbers = {n: float(v) for n, v in metrics.items()}
        line = {n: v if math.isfinite(v) else None for n, v in numbers.items()}
        self._file.write(json.dumps({"step": step, "seconds": round(seconds, 6), **line}) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _keep(self, last: int) -> None:
        with replacing(self.path) as temporary, temporary.open("w") as kept:
            if last == 0 or not self.path.exists():
                return
            with self.path.open() as lines:
                for line in lines:
                    if not 0 < _step(line) <= last:
                        break
                    kept.write(line)


def _step(line: str) -> int:
    """Return the step of a line; 0 for one that a killed process left half written."""
    try:
        found = json.loads(line)["step"] if line.endswith("\n") else 0
    except (ValueError, LookupError, TypeError):
        return 0
    return found if isinstance(found, int) else 0
