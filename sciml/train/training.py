"""Options of first-order training; free of torch, so that methods can declare them."""

from __future__ import annotations

import math
from typing import Literal

from sciml.errors import OptionError, did_you_mean
from sciml.options import options
from sciml.train.schedules import Constant, Cosine, Schedule, StepDecay, Warmup

__all__ = ["Training"]

OPTIMIZERS = ("adam", "adamw", "sgd")


@options
class Training:
    """How a network is trained.

    Args:
        steps: Optimiser steps of a complete training, and the horizon of the schedule.
        optimizer: ``"adam"``, ``"adamw"`` or ``"sgd"``, with torch's own coefficients.
        learning_rate: Rate that the schedule scales.
        schedule: ``Constant()``, ``Cosine(...)``, ``StepDecay(...)`` or ``Warmup(...)``.
        clip: Largest norm of the gradient of all parameters together; None leaves it as it is.
        evaluate_every: Steps between two evaluations, the last step included; None evaluates at the
            last step alone.
        weight_decay: Decoupled for ``"adamw"``, else added to the gradient.

    Raises:
        OptionError: A value is impossible.
    """

    steps: int = 10_000
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule = Constant()
    clip: float | None = None
    evaluate_every: int | None = None
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "evaluate_every"):
            value = getattr(self, name)
            if name == "evaluate_every" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                msg = f"Training({name}=...) is a whole number of at least 1; got {value!r}."
                raise OptionError("O324", msg)
        for name, zero in (("learning_rate", False), ("clip", False), ("weight_decay", True)):
            value = getattr(self, name)
            if name == "clip" and value is None:
                continue
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not (0 < value < math.inf or (zero and value == 0)):
                msg = f"Training({name}=...) is a positive number; got {value!r}."
                raise OptionError("O324", msg)
        if self.optimizer not in OPTIMIZERS:
            msg = f"no optimizer {self.optimizer!r}.{did_you_mean(str(self.optimizer), OPTIMIZERS)}"
            raise OptionError("O324", msg, fix=f"optimizers: {', '.join(OPTIMIZERS)}")
        if not isinstance(self.schedule, (Constant, Cosine, StepDecay, Warmup)):
            msg = f"Training(schedule=...) is a schedule such as Cosine(warmup=100); got {self.schedule!r}."
            raise OptionError("O324", msg)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        return self.learning_rate * self.schedule.scale(step, self.steps)
