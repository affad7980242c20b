"""The Picard expansion with the weights of the equation: nothing is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import xarray as xr
from torch import Tensor

from sciml.errors import OptionError
from sciml.solvers.nors.model import FeatureModel, picard_weights, window_steps
from sciml.solvers.nors.numerics import own_numerics
from sciml.solvers.nors.operator import Operator
from sciml.solvers.nors.setting import Increments, Setting

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.nors.linear import LinearMFV

__all__ = ["UntrainedEngine", "untrained"]


def untrained(
    method: LinearMFV, problem: Problem, grid: Grid, run: Run, recorded: xr.Dataset | None = None
) -> Operator:
    """Return the solution map with the weights of the equation.

    Raises:
        OptionError: The equation leaves a weight open.
    """
    numerics = own_numerics(method)

    def predict(setting: Setting, start: Tensor, increments: Increments) -> Tensor:
        open_ones = [f.text for f in setting.forest.features if f.weight is None]
        if open_ones:
            msg = f"the weight of {open_ones[0]} in the Picard expansion is not read off this equation."
            fix = "features='expansion', or fit the weights: data=problem.sample(1000, grid=...)"
            raise OptionError("O363", msg, fix=fix)
        model = FeatureModel(picard_weights(setting), numerics)
        return model.predict(setting, start, increments, window_steps(method.window, setting))

    return Operator(method, problem, grid, run, numerics, predict, recorded)


class UntrainedEngine:
    """Evaluates the expansion for the noise of the run's seed, in one step."""

    total = 1

    def __init__(self, method: LinearMFV, problem: Problem, grid: Grid, run: Run) -> None:
        self.operator = untrained(method, problem, grid, run)

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        return self.operator.device

    @property
    def threads(self) -> int | None:
        """CPU threads that suit the size of the problem."""
        return self.operator.threads

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be computed."""
        return [*self.operator.describe(), ("weights", "those of the Picard expansion; nothing is fitted")]

    def start(self) -> int:
        """Return the state before the only step."""
        return 0

    def step(self, state: int) -> int:
        """Take the only step."""
        return state + 1

    def finished(self, state: int) -> bool:
        """Tell whether it is taken."""
        return state >= 1

    def metrics(self, state: int) -> Mapping[str, float]:
        """Return nothing: there is nothing to watch."""
        return {}

    def pack(self, state: int) -> dict[str, Any]:
        """Return the state."""
        return {"done": state}

    def unpack(self, packed: dict[str, Any]) -> int:
        """Return the state that was packed."""
        done = packed["done"]
        if done not in (0, 1):
            msg = f"{done!r} is no step"
            raise ValueError(msg)
        return int(done)

    def finish(self, state: int) -> xr.Dataset:
        """Return the solution."""
        return self.operator.solution()
