"""The one loop: budget, Ctrl-C, divergence, checkpoints, metrics and progress of any task.

It knows neither problems nor networks nor torch: a plan drives the engine of a method with it, and
:func:`sciml.train.fit` a task that belongs to no problem.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sciml.errors import Diverged, FileError
from sciml.progress import Report, progress_bar
from sciml.run import Budget, Run, Status
from sciml.train.crew import ALONE, Crew
from sciml.train.interrupts import Interrupts, watching
from sciml.train.task import Task

if TYPE_CHECKING:
    from sciml.train.checkpoint import Checkpoint
    from sciml.train.folder import Folder

__all__ = ["Loop"]

# What a task can raise on content that is not its own; whatever it computes with later raises elsewhere.
UNFIT = (LookupError, TypeError, AttributeError, ValueError, RuntimeError, ArithmeticError)


class Loop:
    """Drives one task, by hand (:meth:`advance`) or to the end (:meth:`complete`).

    Args:
        task: What is driven.
        run: Pace of checkpoints, progress.
        name: Title of the progress bar.
        folder: Where checkpoints and metrics go; None for a run without a folder.
        crew: The processes that share the run.
        around: Makes the context that steps run in, e.g. a number of threads.
        results: Brings further files of the folder up to date, after each checkpoint.

    Attributes:
        state: The last good state; None before the start.
        done: Steps that led to it.
        seconds: Time that they took, the parts before a resumption included.
        status: Why the loop stopped, with ``reason`` in words.
    """

    def __init__(
        self,
        task: Task,
        run: Run,
        *,
        name: str,
        folder: Folder | None = None,
        crew: Crew = ALONE,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        results: Callable[[], object] = lambda: None,
    ) -> None:
        self.task, self.run, self.name = task, run, name
        self.folder, self.crew = folder, crew
        self._around, self._results = around, results
        # One assignment replaces both, so that Ctrl-C never finds a state with another one's count.
        self._position: tuple[Any, int] = (None, 0)
        self._logged = 0
        self.seconds = 0.0
        self.status: Status = "budget"
        self.reason = "not started"

    @property
    def state(self) -> Any:
        """The last good state; None before the start."""
        return self._position[0]

    @property
    def done(self) -> int:
        """Number of steps taken."""
        return self._position[1]

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do; an iteration that used up its steps is not finished."""
        return self.state is not None and self.task.finished(self.state)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go to where a checkpoint of the folder was written.

        Raises:
            FileError: It belongs to another run, or its content does not fit the task.
        """
        assert self.folder is not None  # checkpoints come from folders
        self.folder.claim(checkpoint.identity)
        try:
            if checkpoint.done > self.task.total:
                msg = f"it counts {checkpoint.done} of {self.task.total} steps"
                raise ValueError(msg)
            state = self.task.unpack(checkpoint.state)
        except UNFIT as error:
            path = self.folder.checkpoint
            msg = f"{path} does not fit {self.name!r}: {str(error)[:200]}."
            fix = "the file was changed after it was written, or by another version: compute again"
            raise FileError("F415", msg, fix=fix) from None
        self._position, self.seconds, self._logged = (state, checkpoint.done), checkpoint.seconds, checkpoint.done
        self._stopped()

    def advance(self, count: int = 1) -> None:
        """Take up to ``count`` steps, by hand.

        Raises:
            Diverged: The last good state is kept.
            KeyboardInterrupt: Ctrl-C was pressed; the state is that of the last whole step.
        """
        with watching(always_wait=self.crew.size > 1) as interrupts:
            self._begin()
            for _ in range(min(count, self.task.total - self.done)):
                if self.finished:
                    break
                self._step(interrupts)
                if any(self.crew.any(interrupts.pressed)):
                    raise KeyboardInterrupt

    def _begin(self) -> None:
        if self.state is None:
            with self._timed():
                self._position = (self.task.start(), 0)
        self._stopped()

    def _step(self, interrupts: Interrupts) -> None:
        with self._timed():
            self._position = (self.task.step(self.state), self.done + 1)
            interrupts.recorded()
        self._stopped()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with self._around():
                yield
        except Diverged as error:
            self.status, self.reason = "diverged", str(error)
            raise
        finally:
            self.seconds += time.perf_counter() - began

    def _stopped(self) -> None:
        complete = self.finished
        self.status = "converged" if complete else "budget"
        self.reason = "complete" if complete else f"{self.done} of {self.task.total} steps"

    def complete(self, budget: Budget | None = None) -> None:
        """Run to the end or to the budget, which is that of this call; Ctrl-C stops with what there is.

        Raises:
            FileError: The output folder cannot be written to, or belongs to another run.
            Diverged: The computation failed; the message names the checkpoint that is kept.
            KeyboardInterrupt: Ctrl-C came before there was a state.
        """
        if self.folder and self.crew.leads:
            self.folder.open(self.done)
        try:
            with watching(always_wait=self.crew.size > 1) as interrupts:
                self._drive(budget or Budget(), interrupts)
        except KeyboardInterrupt:
            if self.state is None:
                raise
            self._interrupted()
        except Diverged as error:
            if self.state is None:
                raise
            if not self.folder:
                raise
            raise self._with_checkpoint(error, self.folder) from error
        finally:
            if self.folder and self.crew.leads:
                self.folder.close()
        self._save()

    def _drive(self, budget: Budget, interrupts: Interrupts) -> None:
        began = saved = time.perf_counter()
        limit = min(self.task.total, self.done + (budget.steps or self.task.total))
        kept, pace = self.done, self.run.pace
        self._begin()
        shown = self.run.progress if self.crew.leads else False
        with progress_bar(self.name, self.task.total, shown, self.done) as report:
            while self.done < limit and not self.finished:
                self._step(interrupts)
                self._log(report)
                now = time.perf_counter()
                late = budget.seconds is not None and now - began > budget.seconds
                due = self.folder is not None and _due(pace, self.done - kept, now - saved)
                # Every process must take the same turn: one that stopped alone would leave the others waiting.
                pressed, late, due = self.crew.any(interrupts.pressed, late, due)
                if pressed:
                    raise KeyboardInterrupt
                if late:
                    break
                if due and not self.finished:
                    with _going_on("a checkpoint"):
                        self._save()
                    kept, saved = self.done, time.perf_counter()

    def _interrupted(self) -> None:
        self._log()
        self._stopped()
        if not self.finished:
            self.status, self.reason = "interrupted", f"interrupted after {self.done} of {self.task.total} steps"

    def _log(self, report: Report | None = None) -> None:
        """Log and show the last step, once."""
        if not self.crew.leads or self._logged >= self.done:
            return
        metrics = self.task.metrics(self.state)
        if self.folder:
            with _going_on("a line of metrics"):
                self.folder.log(self.done, self.seconds, metrics)
        self._logged = self.done
        if report:
            report(self.done, metrics)

    def _save(self) -> None:
        """Write a checkpoint, then the results; all processes take part, one of them writes."""
        if not self.folder:
            return
        packed = self.task.pack(self.state)
        if self.crew.leads:
            self.folder.save(packed, self.done, self.seconds)
        self.folder.saved = True
        self._results()

    def _with_checkpoint(self, error: Diverged, folder: Folder) -> Diverged:
        """Return the error with the checkpoint that is kept.

        The state just before a divergence is often spoilt already, so an earlier checkpoint stays;
        where there is none, this state is better than nothing.
        """
        kept = f"the last good checkpoint, {folder.checkpoint}, is kept"
        made = Diverged(error.code, f"{error.headline.rstrip('.')}; {kept}.", excerpt=error.excerpt, fix=error.fix)
        self.reason = str(made)
        if folder.saved:
            self._results()
        else:
            self._save()
        return made


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Let hours of computing survive a disk that is full for a while; what is written last must succeed."""
    try:
        yield
    except (OSError, FileError) as error:
        msg = f"{what} could not be written, the run goes on: {error}"
        warnings.warn(msg, RuntimeWarning, stacklevel=3)


def _due(pace: Budget, steps: int, seconds: float) -> bool:
    return (pace.steps is not None and steps >= pace.steps) or (pace.seconds is not None and seconds > pace.seconds)
