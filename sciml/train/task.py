"""What the loop drives: anything that starts, steps and ends on an explicit state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Task"]


class Task(Protocol):
    """A computation in steps; the loop owns budget, interruption, checkpoints, metrics and progress.

    A state is either a new object each step, or one whose content the step changes in place; in the
    second case the step calls :func:`sciml.train.interrupts.commit` before it begins to change it, and
    raises before that point only.
    """

    @property
    def total(self) -> int:
        """Number of steps of a complete run, fixed before it starts."""
        ...

    def start(self) -> Any:
        """Return the initial state."""
        ...

    def step(self, state: Any) -> Any:
        """Advance by one step.

        Raises:
            Diverged: The state is no longer usable; the previous one still is.
        """
        ...

    def finished(self, state: Any) -> bool:
        """Tell whether nothing is left to do; an iteration may end before ``total``."""
        ...

    def metrics(self, state: Any) -> Mapping[str, float]:
        """Return a few numbers about the last step, as they are logged and shown."""
        ...

    def pack(self, state: Any) -> dict[str, Any]:
        """Return all that the coming steps depend on: tensors, numbers, text, None, lists, tuples and dicts."""
        ...

    def unpack(self, packed: dict[str, Any]) -> Any:
        """Return the state that was packed; the steps after it are those of an uninterrupted run, bit for bit.

        Raises:
            FileError, LookupError, TypeError, ValueError, RuntimeError: The content does not fit this task.
        """
        ...
