"""A progress bar in a terminal, log lines elsewhere; the newest metrics stand beside either."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

__all__ = ["Report", "progress_bar"]

LOG_SECONDS = 10.0  # between two log lines, and before the first unless progress was asked for
SHOWN = 4  # metrics beside the bar

Report = Callable[[int, Mapping[str, float]], None]


@contextmanager
def progress_bar(
    title: str, total: int, show: bool | Literal["auto"], done: int = 0, unit: str = "steps"
) -> Iterator[Report]:
    """Yield a function to call after each step with the number of steps taken and its metrics.

    Args:
        title: What is going on.
        total: Steps of the whole.
        show: Whether to; ``"auto"`` keeps short runs silent where there is no terminal.
        done: Steps that were taken before; they do not count for the rate.
        unit: What is counted.
    """
    pace = _Pace(total, done, unit)
    if show is False:
        yield lambda step, metrics: None
    elif sys.stderr.isatty():
        with _bar(title, pace) as report:
            yield report
    else:
        yield _log(title, pace, at_once=show is True)


class _Pace:
    """How fast it goes, and how long it will take from here."""

    def __init__(self, total: int, done: int, unit: str) -> None:
        self.total, self.done, self.unit = total, done, unit
        self.began = time.monotonic()

    def rate(self, step: int) -> float:
        """Steps per second since this run began."""
        return (step - self.done) / max(time.monotonic() - self.began, 1e-9)

    def left(self, step: int) -> str:
        """Return the time left, if it goes on like this."""
        rate = self.rate(step)
        return _duration((self.total - step) / rate) if rate else "unknown"


@contextmanager
def _bar(title: str, pace: _Pace) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    usual = Progress.get_default_columns()[:-1]
    shown = (TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[metrics]}"))
    columns = (*usual, TimeElapsedColumn(), TimeRemainingColumn(), *shown)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=pace.total, completed=pace.done, metrics="", rate="")

        def report(step: int, metrics: Mapping[str, float]) -> None:
            rate = f"{pace.rate(step):.3g} {pace.unit}/s"
            bar.update(task, completed=step, metrics=_text(metrics), rate=rate)

        yield report


def _log(title: str, pace: _Pace, at_once: bool) -> Report:
    """Return a function that writes a line now and then; a short run that nobody asked about writes none."""
    due = pace.began if at_once else pace.began + LOG_SECONDS

    def report(step: int, metrics: Mapping[str, float]) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + LOG_SECONDS
            taken = f"{_duration(now - pace.began)}, {pace.rate(step):.3g} {pace.unit}/s, {pace.left(step)} left"
            print(f"{title}: {step} of {pace.total} {pace.unit}, {taken}  {_text(metrics)}", file=sys.stderr)

    return report


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _text(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in list(metrics.items())[:SHOWN])
