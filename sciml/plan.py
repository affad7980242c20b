"""A plan: what will be done, and the whole run of it.

The method computes (``start → step → finish``); the loop of ``sciml.train`` drives it; the plan knows
the problem, and makes solutions, files and checkpoints of it.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sciml.compute import device_of, limited_threads
from sciml.ensembles.remembering import data_record, data_title
from sciml.errors import DataError, Diverged
from sciml.io import check_writable
from sciml.options import as_record
from sciml.run import Budget
from sciml.solution import Solution
from sciml.train.crew import ALONE, Crew
from sciml.train.distributed import World, refuse_many
from sciml.train.folder import Folder
from sciml.train.loop import Loop

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.grid import Grid
    from sciml.method import Engine, Method
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.train.checkpoint import Checkpoint

__all__ = ["RESULTS", "Plan"]

RESULTS = "solution.h5"


class Plan:
    """A prepared computation; print it before paying for it, run it whole or by hand.

    >>> plan = problem.plan("spectral")      # doctest: +SKIP
    >>> print(plan)                          # doctest: +SKIP
    >>> plan.step(10); plan.solution()       # doctest: +SKIP
    """

    def __init__(self, problem: Problem, method: Method, grid: Grid, run: Run, data: Ensemble | None = None) -> None:
        self.problem, self.method, self.grid, self.run, self.data = problem, method, grid, run, data
        self._crew = _crew(method, run)
        self._engine: Engine = (
            method.engine(problem, grid, run) if data is None else method.learner(problem, grid, run, data)
        )
        self._written: Solution | None = None
        self._loop = Loop(
            self._engine,
            run,
            name=problem.name,
            folder=None if run.out is None else self._folder(run.out),
            crew=self._crew,
            around=partial(limited_threads, run.threads or self._engine.threads),
            results=self._write_results,
        )

    @property
    def total(self) -> int:
        """Number of steps of a complete run."""
        return self._engine.total

    @property
    def done(self) -> int:
        """Number of steps taken."""
        return self._loop.done

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self._loop.finished

    def __str__(self) -> str:
        rows = [("method", f"{self.method.name}: {self.method.summary}"), *self._engine.describe()]
        if self.data is not None:
            rows.insert(1, ("data", data_title(self.data)))
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
        self._loop.advance(count)
        return self

    def solution(self) -> Solution:
        """Return what has been computed so far."""
        loop = self._loop
        if loop.state is None:
            msg = "nothing has been computed yet."
            raise DataError("D205", msg, fix="plan.step()  or  problem.solve(...)")
        found = self._engine.finish(loop.state)
        return Solution.collect(
            found if self.data is None else found.assign_attrs(data=data_title(self.data)),
            problem=self.problem,
            method=self.method.record(),
            run=self.run,
            status=loop.status,
            reason=loop.reason,
            seconds=loop.seconds,
            device=self._engine.device,
            plan=None if loop.status == "converged" else self,  # nothing is left to resume
        )

    def save(self, path: str | Path) -> Path:
        """Write what has been computed so far to a file."""
        return self.solution().save(path)

    def complete(self, budget: Budget | None = None) -> Solution:
        """Run to the end or to the budget; Ctrl-C returns what there is.

        Args:
            budget: Of this call; None takes that of the run.

        Raises:
            FileError: The output folder cannot be written to, or belongs to another run.
            Diverged: The computation failed; ``error.solution`` holds what there is.
        """
        self._written = None
        if self.run.out is not None and Path(self.run.out).is_dir():
            check_writable(Path(self.run.out) / RESULTS)
        try:
            self._loop.complete(self.run.limits if budget is None else budget)
        except Diverged as error:
            if self._loop.state is None:
                raise
            error.solution = self._written or self.solution()
            if self.run.throw:
                raise
            return error.solution  # type: ignore[no-any-return]
        return self._written or self.solution()

    def resume(self, checkpoint: Checkpoint) -> Plan:
        """Go to where a checkpoint of this plan was written.

        Raises:
            FileError: It is not of this plan, or its content does not fit the method.
        """
        self._loop.resume(checkpoint)
        return self

    def _folder(self, out: str | Path) -> Folder:
        run = {name: value for name, value in as_record(self.run).items() if name not in ("out", "budget")}
        axes = {name: list(v) if isinstance(v, tuple) else v for name, v in self.grid.axes.items()}
        record = {"problem": self.problem.to_json(), "method": self.method.record(), "grid": axes, "run": run}
        identity = {
            "problem": f"{self.problem.name!r} ({self.problem.digest[:16]})",
            "method": json.dumps(self.method.record(), sort_keys=True),
            "grid": json.dumps(axes, sort_keys=True),
            "seed": str(self.run.seed),
            "dtype": str(self.run.dtype),
        }
        if self.data is not None:
            record["data"], identity["data"] = data_record(self.data), data_title(self.data)
        return Folder(out, identity, record, self.problem.arrays)

    def _write_results(self) -> None:
        """Collect what there is in every process, which may have to work together; write it in one."""
        self._written = self.solution()
        if self._crew.leads and self.run.out is not None:
            self._written.save(Path(self.run.out) / RESULTS)


def _crew(method: Method, run: Run) -> Crew:
    """Return the processes that share the run.

    Raises:
        MethodMismatch: There are several, and the method cannot share its work.
    """
    if method.distributed:
        return World.current(device_of(run))
    refuse_many(method.name)
    return ALONE
