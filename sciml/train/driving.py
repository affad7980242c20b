"""Drive a task that belongs to no problem, with the same loop as a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sciml.compute import limited_threads
from sciml.errors import Diverged, OptionError
from sciml.run import Budget, Run, Status
from sciml.train.checkpoint import read
from sciml.train.crew import ALONE, Crew
from sciml.train.folder import Folder
from sciml.train.loop import Loop
from sciml.train.task import Task

__all__ = ["Outcome", "fit"]


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        state: The last good state.
        done: Steps taken.
        seconds: Time they took.
        status: ``converged``, ``budget``, ``diverged`` or ``interrupted``.
        reason: Why it stopped.
    """

    state: Any
    done: int
    seconds: float
    status: Status
    reason: str


def fit(
    task: Task,
    run: Run | None = None,
    *,
    name: str,
    identity: Mapping[str, str] | None = None,
    world: Crew = ALONE,
    resume: bool = False,
) -> Outcome:
    """Run a task to its end or to the budget of the run.

    Args:
        task: What is driven, e.g. a :class:`sciml.train.trainer.Trainer`.
        run: Budget, folder, threads, progress. The task knows its own device, precision and seed.
        name: Title of the progress bar.
        identity: What tells this computation from others, e.g. its options as text; a folder with the
            checkpoint of another is refused.
        world: The processes that share the task.
        resume: Go on from the checkpoint in the folder instead of starting.

    Raises:
        FileError: The folder cannot be used, or its checkpoint not resumed.
        Diverged: The computation failed, and ``run.throw`` is set.
    """
    run = run or Run()
    known = {"task": name, **(identity or {})}
    folder = None if run.out is None else Folder(run.out, known, {"task": name})
    around = partial(limited_threads, run.threads)
    loop = Loop(task, run, name=name, folder=folder, crew=world, around=around)
    if resume:
        if folder is None:
            msg = "there is nothing to resume from: Run(out=...) names no folder."
            raise OptionError("O326", msg, fix="Run(out=DIR)  with the folder of the run")
        loop.resume(read(folder.checkpoint))
    try:
        loop.complete(Budget.of(run.budget))
    except Diverged:
        if loop.state is None or run.throw:
            raise
    return Outcome(loop.state, loop.done, loop.seconds, loop.status, loop.reason)
