"""What the loop asks of the processes that share a run; alone, the answers are trivial."""

from __future__ import annotations

from typing import Protocol

__all__ = ["ALONE", "Crew"]


class Crew(Protocol):
    """The processes of one run, as one of them sees it."""

    @property
    def leads(self) -> bool:
        """Whether this process writes files and shows progress."""
        ...

    @property
    def size(self) -> int:
        """Number of processes."""
        ...

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Tell, for each flag, whether it is set in any process; all get the same answer."""
        ...


class _Alone:
    leads = True
    size = 1

    def any(self, *flags: bool) -> tuple[bool, ...]:
        return flags


ALONE: Crew = _Alone()
