"""Ctrl-C between two good states, never in the middle of a change in place.

During a loop the handler raises ``KeyboardInterrupt`` at once, as Python does, unless a step has said
that it is changing its state (:func:`commit`), or unless other processes wait for this one; then the
loop hears of it after the step.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupts", "commit", "watching"]


class Interrupts:
    """What Ctrl-C does at the moment."""

    def __init__(self, always_wait: bool) -> None:
        self._always_wait = always_wait
        self.waiting = always_wait
        self.pressed = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """Take a signal: raise, or remember it, however often it comes (torchrun passes on what the terminal sends)."""
        if not self.waiting:
            raise KeyboardInterrupt
        self.pressed = True

    def recorded(self) -> None:
        """Say that the step's result is recorded; a Ctrl-C that came meanwhile is left in ``pressed``."""
        self.waiting = self._always_wait


_current: list[Interrupts] = []  # signal handlers belong to the process, so this does as well


def commit() -> None:
    """Make Ctrl-C wait until the loop has recorded this step: from here on, the state changes in place."""
    if _current:
        _current[-1].waiting = True


@contextmanager
def watching(always_wait: bool = False) -> Iterator[Interrupts]:
    """Handle Ctrl-C for the duration of a loop; outside the main thread signals are not ours to take."""
    interrupts = Interrupts(always_wait)
    before = signal.getsignal(signal.SIGINT)
    takes = threading.current_thread() is threading.main_thread() and before not in (None, signal.SIG_IGN)
    if takes:
        signal.signal(signal.SIGINT, interrupts.handle)
    _current.append(interrupts)
    try:
        yield interrupts
    finally:
        _current.pop()
        if takes:
            signal.signal(signal.SIGINT, before)
