"""A plan: what will be done, and the loop that does it.

The method computes (``start → step → finish``); the plan owns everything around it: budget,
interruption, divergence, checkpoints, progress.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciml.compute import limited_threads
from sciml.errors import DataError, Diverged, FileError
from sciml.io import check_writable
from sciml.solution import Solution, Status

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.method import Engine, Method
    from sciml.problem import Problem
    from sciml.run import Run

__all__ = ["Plan"]

CHECKPOINT_SECONDS = 60.0


class Plan:
    """A prepared computation; print it before paying for it, run it whole or by hand.

    >>> plan = problem.plan("spectral")      # doctest: +SKIP
    >>> print(plan)                          # doctest: +SKIP
    >>> plan.step(10); plan.solution()       # doctest: +SKIP
    """

    def __init__(self, problem: Problem, method: Method, grid: Grid, run: Run) -> None:
        self.problem, self.method, self.grid, self.run = problem, method, grid, run
        self._engine: Engine = method.engine(problem, grid, run)
        self._state: Any = None
        self._done = 0
        self._seconds = 0.0
        self._status: Status = "budget"
        self._reason = "not started"

    @property
    def total(self) -> int:
        """Number of steps of a complete run."""
        return self._engine.total

    @property
    def done(self) -> int:
        """Number of steps taken."""
        return self._done

    def __str__(self) -> str:
        rows = [("method", f"{self.method.name}: {self.method.summary}"), *self._engine.describe()]
        if self.problem.exact:
            rows.append(("check", "an exact solution is declared: sol.compare('exact')"))
        width = max(len(n) for n, _ in rows)
        lines = [f"  {n:<{width}}  {v}" for n, v in rows]
        return "\n".join([f"Plan for {self.problem.name!r}", *lines])

    __repr__ = __str__

    def step(self, count: int = 1) -> Plan:
        """Take up to ``count`` steps.

        Raises:
            Diverged: The last good state is kept and ``solution()`` still works.
        """
        began = time.perf_counter()
        try:
            with limited_threads(self.run.threads or self._engine.threads):
                self._start()
                for _ in range(min(count, self.total - self._done)):
                    if self._engine.finished(self._state):
                        break
                    self._state = self._engine.step(self._state)
                    self._done += 1
        except Diverged as error:
            self._status, self._reason = "diverged", str(error)
            raise
        finally:
            self._seconds += time.perf_counter() - began
        complete = self.finished
        self._status = "converged" if complete else "budget"
        self._reason = "complete" if complete else f"{self._done} of {self.total} steps"
        return self

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self._state is not None and self._engine.finished(self._state)

    def _start(self) -> None:
        if self._state is None:
            self._state = self._engine.start()

    def solution(self) -> Solution:
        """Return what has been computed so far."""
        if self._state is None:
            msg = "nothing has been computed yet."
            raise DataError("D205", msg, fix="plan.step()  or  problem.solve(...)")
        return Solution.collect(
            self._engine.finish(self._state),
            problem=self.problem,
            method=self.method.record(),
            run=self.run,
            status=self._status,
            reason=self._reason,
            seconds=self._seconds,
            device=self._engine.device,
        )

    def save(self, path: str | Path) -> Path:
        """Write what has been computed so far to a file."""
        return self.solution().save(path)

    def complete(self) -> Solution:
        """Run to the end or to the budget; Ctrl-C returns what there is."""
        from sciml.progress import progress_bar

        self._prepare_folder()
        budget, began, saved = self.run.limits, time.perf_counter(), time.perf_counter()
        limit = min(self.total, budget.steps or self.total)
        try:
            self.step(0)
            with progress_bar(self.problem.name, self.total, self.run.progress) as advance:
                while self._done < limit and not self.finished:
                    self.step()
                    advance()
                    now = time.perf_counter()
                    if budget.seconds and now - began > budget.seconds:
                        break
                    if self.run.out and now - saved > CHECKPOINT_SECONDS:
                        self._checkpoint()
                        saved = now
        except KeyboardInterrupt:
            if self._state is None:
                raise
            self._status, self._reason = "interrupted", f"interrupted after {self._done} of {self.total} steps"
        except Diverged as error:
            if self._state is None:
                raise
            error.solution = self.solution()
            self._checkpoint()
            if self.run.throw:
                raise
            return error.solution  # type: ignore[no-any-return]
        self._checkpoint()
        return self.solution()

    def _prepare_folder(self) -> None:
        """Make the output folder before anything is computed, so that no result is lost to a bad path."""
        if not self.run.out:
            return
        try:
            Path(self.run.out).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the output folder {self.run.out} cannot be made: {error}."
            raise FileError("F410", msg, fix="Run(out=...) names a folder") from None
        check_writable(Path(self.run.out) / "solution.h5")

    def _checkpoint(self) -> None:
        if self.run.out:
            self.save(Path(self.run.out) / "solution.h5")
