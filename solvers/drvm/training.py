"""The plan-level engine of joint first-order training: one step is one step of the optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of
from sciml.solvers.drvm.engine import DRVMEngine
from sciml.solvers.drvm.field import VortexField
from sciml.solvers.drvm.march import MarchState
from sciml.solvers.drvm.paper import Bank, SliceObjective, scouted
from sciml.solvers.drvm.paths import drawn_cloud
from sciml.solvers.drvm.stored import arrays_of
from sciml.train.distributed import World
from sciml.train.trainer import Trainer, TrainingState

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.drvm import DRVM

__all__ = ["TrainedEngine"]


class TrainedEngine(DRVMEngine):
    """Solves one flow by training all slices together."""

    def __init__(self, method: DRVM, problem: Problem, grid: Grid, run: Run) -> None:
        self.world = World.current(device_of(run))
        super().__init__(method, problem, grid, run)
        self._trainer: Trainer | None = None

    @property
    def trainer(self) -> Trainer:
        """The training; made when it starts, because scouts have to run first."""
        if self._trainer is None:
            scouts = scouted(self.flow, self.run.seed, self.where, self.dtype)
            bank = Bank(scouts, self.hidden, self.run.seed, self.dtype)
            objective = SliceObjective(
                self.flow,
                bank,
                batch=self.method.batch,
                queries=self.queries,
                seed=self.run.seed,
                world=self.world,
            )
            self._trainer = Trainer(objective, self.method.training, world=self.world)
        return self._trainer

    @property
    def total(self) -> int:
        """Optimiser steps."""
        return self.method.training.steps

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be done, before any cost is paid."""
        training, rows = self.method.training, super().describe()
        pairs = self.method.batch * self.queries * self.flow.steps * training.steps
        changed = {
            "particles": f"{self.method.batch} fresh ones a step of training",
            "fit": f"{training.optimizer}, {training.steps} steps at {training.learning_rate:g}, hidden {self.hidden}",
            "cost": f"{pairs / 1e6:.3g} million pairs",
        }
        return [(name, changed.get(name, text)) for name, text in rows]

    def start(self) -> TrainingState:  # type: ignore[override]
        """Return the state before the first step."""
        return self.trainer.start()

    def step(self, state: TrainingState) -> TrainingState:  # type: ignore[override]
        """Take one optimiser step."""
        return self.trainer.step(state)

    def finished(self, state: TrainingState) -> bool:  # type: ignore[override]
        """Tell whether all steps are taken."""
        return self.trainer.finished(state)

    def metrics(self, state: TrainingState) -> Mapping[str, float]:  # type: ignore[override]
        """Return loss, norm of the gradient, rate."""
        return self.trainer.metrics(state)

    def pack(self, state: TrainingState) -> dict[str, Any]:  # type: ignore[override]
        """Return networks and optimiser."""
        return self.trainer.pack(state)

    def unpack(self, content: dict[str, Any]) -> TrainingState:  # type: ignore[override]
        """Put networks and optimiser where they were."""
        return self.trainer.unpack(content)

    def finish(self, state: TrainingState) -> xr.Dataset:  # type: ignore[override]
        """Evaluate every variable at the stored times."""
        with torch.no_grad():
            reached = self._as_march()
            dataset = self.evaluated(VortexField(self.flow, reached.networks), reached)
        dataset.attrs["diagnostics"] = {
            "slice_times": list(self.flow.times[1:]),
            "training_steps": state.step,
            **{name: float(v) for name, v in state.metrics.items()},
        }
        dataset.attrs["model"] = arrays_of(reached.networks)
        return dataset

    def _as_march(self) -> MarchState:
        """Return networks in double precision, and particles that moved with them."""
        objective = self.trainer.objective
        assert isinstance(objective, SliceObjective)
        bank = objective.module
        networks = []
        for k in range(1, self.flow.steps + 1):
            network = bank.network(k)
            networks.append(replace(network, flat=network.flat.double().clone()))
        particles: list[tuple[Tensor, Tensor]] = []
        if self.observables.moments:
            cloud = drawn_cloud(
                self.flow.components,
                groups=range(self.method.groups),
                size=self.particles // self.method.groups,
                steps=self.flow.steps,
                seed=self.run.seed,
                march="after training",
            )
            weights = torch.as_tensor(cloud.weights / self.method.groups, dtype=self.dtype, device=self.where)
            for k, means in enumerate(objective.paths(cloud), start=1):
                particles.append((means.view(*weights.shape, 2), weights * self.flow.weight(k)))
        return MarchState(1, 0, torch.empty(0), tuple(networks), (), (), (), tuple(particles))
