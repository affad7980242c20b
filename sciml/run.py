"""How a computation is carried out: seed, device, precision, budget, output folder, checkpoints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from sciml.errors import OptionError
from sciml.options import options

__all__ = ["Budget", "Run", "Status"]

Status = Literal["converged", "budget", "diverged", "interrupted"]

UNITS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}


@options
class Budget:
    """When to stop early; whichever comes first. ``None`` means no limit.

    A budget is that of one call: what a resumed run has used before does not count. It stops a run
    and shapes nothing: schedules know the total number of steps only.

    Args:
        steps: Steps of the plan (for a time integrator: stored times).
        seconds: Wall-clock seconds.
    """

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("seconds", self.seconds)):
            if value is not None and not value > 0:
                msg = f"Budget({name}=...) must be positive; got {value!r}."
                raise OptionError("O320", msg)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a duration such as ``"90s"``, ``"3min"`` or ``"1.5h"``."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text)
        if not match or match[2] not in UNITS:
            msg = f"a budget is a duration such as '90s', '3min' or '2h'; got {text!r}."
            raise OptionError("O320", msg, fix="budget=sm.Budget(steps=1000)")
        return cls(seconds=float(match[1]) * UNITS[match[2]])

    @classmethod
    def of(cls, given: Any, where: str = "budget=...") -> Budget:
        """Return a budget from a Budget, a duration, or None for no limit.

        Raises:
            OptionError: It is none of these.
        """
        if given is None or isinstance(given, cls):
            return given or cls()
        if isinstance(given, str):
            return cls.parse(given)
        msg = f"{where} is a duration such as '3min' or a Budget; got {given!r}."
        raise OptionError("O320", msg)


@options
class Run:
    """Everything about a run that is not mathematics. No global state is ever set.

    Args:
        seed: Root of all random streams.
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        dtype: ``"float64"``, ``"float32"``, or None for the method's own choice.
        budget: A :class:`Budget` or a duration such as ``"3min"``.
        out: Folder for checkpoint, metrics and the final file; created if needed. It belongs to one run:
            a folder that holds the checkpoint of another is refused before anything is computed.
        checkpoint: How often the folder is brought up to date: a duration, or ``Budget(steps=100)``. It
            also is whenever the run stops; :func:`sciml.resume` goes on from there.
        threads: CPU threads of torch during the run; None leaves it to the method, which takes one
            for small problems: threads that wait for each other cost more than they give.
        progress: Show a progress bar, or log lines where there is no terminal; ``"auto"`` keeps short
            runs silent there.
        throw: Raise :class:`Diverged` when the computation fails; else return what there is.
    """

    seed: int = 0
    device: str = "auto"
    dtype: Literal["float64", "float32"] | None = None
    budget: Budget | str | None = None
    out: str | Path | None = None
    checkpoint: Budget | str = "60s"
    threads: int | None = None
    progress: bool | Literal["auto"] = "auto"
    throw: bool = True

    def __post_init__(self) -> None:
        if self.dtype not in (None, "float64", "float32"):
            msg = f"Run(dtype=...) is 'float64' or 'float32'; got {self.dtype!r}."
            raise OptionError("O321", msg)
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(self.device)):
            msg = f"Run(device=...) is 'auto', 'cpu', 'cuda' or 'cuda:N'; got {self.device!r}."
            raise OptionError("O322", msg)
        for name, value, least in (("seed", self.seed, 0), ("threads", self.threads, 1)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
                msg = f"Run({name}=...) is a whole number of at least {least}; got {value!r}."
                raise OptionError("O323", msg)
        Budget.of(self.budget, "Run(budget=...)")
        if self.checkpoint is None or self.pace == Budget():
            msg = "Run(checkpoint=...) needs a number of steps or of seconds."
            raise OptionError("O320", msg, fix="checkpoint='60s'  or  checkpoint=sm.Budget(steps=100)")

    @property
    def limits(self) -> Budget:
        """The budget as an object."""
        return Budget.of(self.budget)

    @property
    def pace(self) -> Budget:
        """How much may be lost to a killed process."""
        return Budget.of(self.checkpoint, "Run(checkpoint=...)")
