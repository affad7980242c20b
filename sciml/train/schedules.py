"""How the learning rate changes with the step; never with time, so that a slow machine trains the same.

A schedule is a function of the step and of the horizon, the total number of steps, which is fixed when
a training starts: neither a budget nor a resumed run shapes it.
"""

from __future__ import annotations

import math

from sciml.errors import OptionError
from sciml.options import options

__all__ = ["Constant", "Cosine", "Schedule", "StepDecay", "Warmup"]


@options
class Constant:
    """The same rate at every step."""

    def scale(self, step: int, horizon: int) -> float:
        """Return what the learning rate is multiplied with at a step, from 0 to ``horizon - 1``."""
        return 1.0


@options
class Cosine:
    """From 1 down to ``final`` along half a cosine, after a linear rise over ``warmup`` steps.

    ``final + (1 - final) (1 + cos(π p))/2`` with p the part of the steps after the warm-up that is done.

    Args:
        warmup: Steps of the rise; the first step has the scale ``1/(warmup + 1)``.
        final: Scale that the last step approaches.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
    """

    warmup: int = 0
    final: float = 0.0

    def __post_init__(self) -> None:
        _check_whole("Cosine", "warmup", self.warmup, 0)
        _check_part("Cosine", "final", self.final, 0.0)

    def scale(self, step: int, horizon: int) -> float:
        """Return what the learning rate is multiplied with at a step."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        part = (step - self.warmup) / max(horizon - self.warmup, 1)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(part, 1.0))) / 2


@options
class StepDecay:
    """Multiplied with ``factor`` after every ``every`` steps: ``factor^⌊step/every⌋``."""

    every: int = 1000
    factor: float = 0.5

    def __post_init__(self) -> None:
        _check_whole("StepDecay", "every", self.every, 1)
        _check_part("StepDecay", "factor", self.factor, 0.0)

    def scale(self, step: int, horizon: int) -> float:
        """Return what the learning rate is multiplied with at a step."""
        return float(self.factor ** (step // self.every))


@options
class Warmup:
    """A linear rise over ``steps`` steps, then another schedule over the steps that are left."""

    steps: int = 100
    then: Constant | Cosine | StepDecay = Constant()

    def __post_init__(self) -> None:
        _check_whole("Warmup", "steps", self.steps, 0)
        if not isinstance(self.then, (Constant, Cosine, StepDecay)):
            msg = f"Warmup(then=...) is Constant(), Cosine(...) or StepDecay(...); got {self.then!r}."
            raise OptionError("O324", msg)

    def scale(self, step: int, horizon: int) -> float:
        """Return what the learning rate is multiplied with at a step."""
        if step < self.steps:
            return (step + 1) / (self.steps + 1)
        return self.then.scale(step - self.steps, horizon - self.steps)


Schedule = Constant | Cosine | StepDecay | Warmup


def _check_whole(owner: str, name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        msg = f"{owner}({name}=...) is a whole number of at least {least}; got {value!r}."
        raise OptionError("O324", msg)


def _check_part(owner: str, name: str, value: object, least: float) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= 1:
        msg = f"{owner}({name}=...) is a number from {least:g} to 1; got {value!r}."
        raise OptionError("O324", msg)
