"""How a computation is carried out: seed, device, precision, budget, output folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from sciml.errors import OptionError
from sciml.options import options

__all__ = ["Budget", "Run"]

UNITS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}


@options
class Budget:
    """When to stop early; whichever comes first. ``None`` means no limit.

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


@options
class Run:
    """Everything about a run that is not mathematics. No global state is ever set.

    Args:
        seed: Root of all random streams.
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        dtype: ``"float64"``, ``"float32"``, or None for the method's own choice.
        budget: A :class:`Budget` or a duration such as ``"3min"``.
        out: Folder for checkpoints and the final file; created if needed.
        threads: CPU threads of torch during the run; None leaves it to the method, which takes one
            for small problems: threads that wait for each other cost more than they give.
        progress: Show a progress bar; ``"auto"`` does in a terminal.
        throw: Raise :class:`Diverged` when the computation fails; else return what there is.
    """

    seed: int = 0
    device: str = "auto"
    dtype: Literal["float64", "float32"] | None = None
    budget: Budget | str | None = None
    out: str | Path | None = None
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
        if isinstance(self.budget, str):
            Budget.parse(self.budget)
        elif self.budget is not None and not isinstance(self.budget, Budget):
            msg = f"Run(budget=...) is a duration such as '3min' or a Budget; got {self.budget!r}."
            raise OptionError("O320", msg)

    @property
    def limits(self) -> Budget:
        """The budget as an object."""
        if isinstance(self.budget, str):
            return Budget.parse(self.budget)
        return self.budget or Budget()
