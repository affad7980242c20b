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
def progress_bar(title: str, total: int, show: bool | Literal["auto"], done: int = 0) -> Iterator[Report]:
    """Yield a function to call after each step with the number of steps taken and its metrics."""
    if show is False:
        yield lambda step, metrics: None
    elif sys.stderr.isatty():
        with _bar(title, total, done) as report:
            yield report
    else:
        yield _log(title, total, at_once=show is True)


@contextmanager
def _bar(title: str, total: int, done: int) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    usual = Progress.get_default_columns()[:-1]
    columns = (*usual, TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[metrics]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, completed=done, metrics="")
        yield lambda step, metrics: bar.update(task, completed=step, metrics=_text(metrics))


def _log(title: str, total: int, at_once: bool) -> Report:
    """Return a function that writes a line now and then; a short run that nobody asked about writes none."""
    began = time.monotonic()
    due = began if at_once else began + LOG_SECONDS

    def report(step: int, metrics: Mapping[str, float]) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + LOG_SECONDS
            print(f"{title}: {step} of {total} steps, {now - began:.0f} s  {_text(metrics)}", file=sys.stderr)

    return report


def _text(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in list(metrics.items())[:SHOWN])
