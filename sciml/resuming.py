"""Go on with a run that a folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciml.dsl.arrays import array_name, frozen_array
from sciml.ensembles.remembering import remembered
from sciml.ensembles.training_data import an_ensemble
from sciml.errors import FileError, OptionError
from sciml.grid import Grid
from sciml.method import check_match, method_from
from sciml.options import rebuilt
from sciml.plan import Plan
from sciml.problem import Problem
from sciml.run import Budget, Run
from sciml.train.checkpoint import Checkpoint, read
from sciml.train.folder import CHECKPOINT, OLD

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.solution import Solution

__all__ = ["restored", "resume"]

OURS = ("O322", "F412", "F413", "F423", "F424")  # errors that say all that is to be said


def resume(folder: str | Path, budget: Budget | str | None = None, *, data: Ensemble | None = None) -> Solution:
    """Go on with the run in a folder, to its end or to a budget.

    The problem, the method, the grid, seed, precision and threads are those of the checkpoint, and the
    steps that follow are those of an uninterrupted run, bit for bit on the CPU with the same versions.

    Args:
        folder: Of a run that was made with ``Run(out=folder)``.
        budget: Further steps or seconds, whatever the run had used; None runs to the end.
        data: The ensemble that the run learns from, or one that holds its samples; None reads the file that
            they came from.

    Raises:
        FileError: There is no checkpoint, or it is damaged; nothing in it is executed. Or the data are not
            those of the run, or in no file.
        DataError: ``data`` is no ensemble.
        Diverged: As :meth:`Problem.solve`.
    """
    limit = Budget.of(budget)
    return restored(folder, data).complete(limit)


def restored(folder: str | Path, data: Ensemble | None = None) -> Plan:
    """Return the plan in a folder, at the step where its checkpoint was written.

    Raises:
        FileError, DataError: As :func:`resume`.
    """
    given = None if data is None else an_ensemble(data)
    path = Path(folder) / CHECKPOINT
    kept = path.with_name(path.name + OLD)
    if kept.is_file() and not path.exists():
        msg = f"{path} is not there: the run was started over, and stopped before its first checkpoint."
        raise FileError("F411", msg, fix=f"mv {kept} {path}   to go on from the earlier run")
    checkpoint = read(path)
    record = checkpoint.record
    try:
        problem = Problem.from_json(record["problem"], _arrays(checkpoint))
        method = method_from(record["method"])
        grid = Grid(**{str(n): v for n, v in record["grid"].items()})
        run = rebuilt(Run, {**record["run"], "out": str(folder), "budget": None})
        check_match(method, problem)
        plan = Plan(problem, method, grid, run, remembered(record.get("data"), given, Path(folder)))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, (FileError, OptionError)) and getattr(error, "code", "") in OURS:
            raise
        headline = getattr(error, "headline", str(error))
        msg = f"{path} names a run that cannot be made here: {str(headline)[:200]}"
        raise FileError("F415", msg, fix="install the methods and the version of sciml-solvers that wrote it") from None
    return plan.resume(checkpoint)


def _arrays(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the arrays of the problem, each of which must be the one that its name promises."""
    found = {n: frozen_array(a, n) for n, a in checkpoint.arrays.items()}
    for name, array in found.items():
        if array_name(array) != name:
            msg = f"the array {name[:40]} of the checkpoint does not match its checksum."
            raise FileError("F413", msg, fix="the file was changed after it was written; compute again")
    return found
