"""First-order training of a module, as a task of the loop.

One step at step s: the mean loss over the shards, its gradient, clipping, and the optimiser at the rate
``learning_rate × schedule(s)``. Nothing here draws a random number or sets a default of torch: an
objective draws its batches from streams keyed by seed, purpose, step and shard (`sciml.streams`), so a
checkpoint needs no state of a generator.

On CUDA the host waits for the device once a step, to see that loss and gradient are finite before they
are used; the metrics come with the same copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from sciml.errors import Diverged
from sciml.train.distributed import World
from sciml.train.interrupts import commit
from sciml.train.training import Training

__all__ = ["Objective", "Trainer", "TrainingState"]

Metrics = Mapping[str, float]


class Objective(Protocol):
    """What is minimised."""

    @property
    def module(self) -> torch.nn.Module:
        """What is trained."""
        ...

    def loss(self, step: int, shards: Sequence[int]) -> tuple[Tensor, dict[str, float | Tensor]]:
        """Return the mean loss over the given virtual shards at a step, and metrics.

        The same names of metrics at every step. Each number is that of these shards; means are taken
        over processes. In a distributed run every parameter that needs a gradient takes part.
        """
        ...


@dataclass(frozen=True)
class TrainingState:
    """Where a training stands; module and optimiser hold the rest and change in place.

    Attributes:
        step: Optimiser steps taken.
        metrics: Numbers of the last step.
        score: Lowest evaluation so far, infinite before the first.
        best: The module's tensors there, by name; empty before the first.
    """

    step: int = 0
    metrics: Metrics = field(default_factory=dict)
    score: float = math.inf
    best: Mapping[str, Tensor] = field(default_factory=dict)


class Trainer:
    """Trains ``objective.module`` in place.

    Args:
        objective: What is minimised.
        training: Steps, optimiser, schedule, clipping.
        world: The processes that share the shards; one by default.
        evaluate: Returns a number to be lowered, e.g. the error on data that are not trained on. The
            module is best where it was lowest (:meth:`best`). In a distributed run every process
            calls it; the number of the first counts.
    """

    def __init__(
        self,
        objective: Objective,
        training: Training,
        *,
        world: World | None = None,
        evaluate: Callable[[], float] | None = None,
    ) -> None:
        self.objective, self.training, self.evaluate = objective, training, evaluate
        self.world = world or World.single(_device(objective.module))
        self._parameters = [p for p in objective.module.parameters() if p.requires_grad]
        self._optimizer = _optimizer(training, self._parameters)
        loss = _Loss(objective)
        self._loss: torch.nn.Module = loss if self.world.size == 1 else DistributedDataParallel(loss)

    @property
    def total(self) -> int:
        """Optimiser steps of a complete training."""
        return self.training.steps

    def start(self) -> TrainingState:
        """Return the state before the first step, with the module as it is."""
        return TrainingState()

    def step(self, state: TrainingState) -> TrainingState:
        """Take one optimiser step.

        Raises:
            Diverged: Loss or gradient is not finite; module and optimiser were not touched.
        """
        self._optimizer.zero_grad(set_to_none=True)
        loss, extra = self._loss(state.step, self.world.shards)
        loss.backward()
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        metrics = self._numbers(state.step, loss, norm, extra)
        if self.training.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self._parameters, self.training.clip, norm)
        rate = self.training.rate(state.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        commit()  # from here on the module changes in place
        self._optimizer.step()
        made = TrainingState(state.step + 1, {**metrics, "rate": rate}, state.score, state.best)
        return self._evaluated(made)

    def _numbers(self, step: int, loss: Tensor, norm: Tensor, extra: Mapping[str, float | Tensor]) -> Metrics:
        """Return loss, norm of the gradient and metrics with one copy from the device, and check them."""
        names = list(extra)
        found = [loss, *(torch.as_tensor(extra[n], device=loss.device) for n in names)]
        means = self.world.mean(torch.stack([v.detach().to(loss.dtype).reshape(()) for v in found]))
        values = torch.cat([means, norm.detach().to(loss.dtype).reshape(1)]).tolist()  # norm: of averaged gradients
        for what, value in (("loss", values[0]), ("norm of the gradient", values[-1])):
            if not math.isfinite(value):
                fix = f"lower the learning rate, {self.training.rate(step):.3g} at this step, or set Training(clip=1.0)"
                msg = f"{what} is {value:g} at step {step + 1}."
                raise Diverged("R301", msg, fix=fix)
        return {"loss": values[0], "gradient": values[-1], **dict(zip(names, values[1:-1], strict=True))}

    def _evaluated(self, state: TrainingState) -> TrainingState:
        every = self.training.evaluate_every or self.total
        if self.evaluate is None or (state.step % every and state.step != self.total):
            return state
        score = float(self.evaluate())
        if self.world.size > 1:
            own = torch.tensor([score if self.world.leads else 0.0], dtype=torch.float64)
            score = float(self.world.mean(own)) * self.world.size
        metrics = {**state.metrics, "evaluation": score}
        if not score < state.score:
            return TrainingState(state.step, metrics, state.score, state.best)
        return TrainingState(state.step, metrics, score, _copied(self.objective.module.state_dict()))

    def finished(self, state: TrainingState) -> bool:
        """Tell whether all steps are taken."""
        return state.step >= self.total

    def metrics(self, state: TrainingState) -> Metrics:
        """Return loss, norm of the gradient before clipping, the objective's numbers, rate, evaluation."""
        return state.metrics

    @contextmanager
    def best(self, state: TrainingState) -> Iterator[torch.nn.Module]:
        """Give the module the tensors of the best evaluation, where there was one, and take them back after.

        Taken back, so that a result can be written in the middle of a training that goes on.
        """
        module = self.objective.module
        now = _copied(module.state_dict())
        if state.best:
            module.load_state_dict(dict(state.best))
        try:
            yield module
        finally:
            module.load_state_dict(now)

    def pack(self, state: TrainingState) -> dict[str, Any]:
        """Return module, optimiser, and the best so far."""
        return {
            "step": state.step,
            "score": state.score,
            "best": dict(state.best),
            "module": dict(self.objective.module.state_dict()),
            "optimizer": self._optimizer.state_dict()["state"],
        }

    def unpack(self, packed: dict[str, Any]) -> TrainingState:
        """Put module and optimiser where they were.

        Raises:
            LookupError, TypeError, ValueError, RuntimeError: The content does not fit module or optimiser.
        """
        step, score, module = packed["step"], packed["score"], self.objective.module
        if not isinstance(step, int) or not 0 <= step <= self.total or not isinstance(score, float):
            msg = f"step {str(step)[:20]} is not one of {self.total}"
            raise ValueError(msg)
        best, shapes = packed["best"], {n: v.shape for n, v in module.state_dict().items()}
        for tensors in (packed["module"], best):
            if (tensors or tensors is not best) and {n: v.shape for n, v in tensors.items()} != shapes:
                msg = "its tensors are not those of the network that the options describe"
                raise ValueError(msg)
        self._check_moments(packed["optimizer"])
        module.load_state_dict(packed["module"])
        groups = self._optimizer.state_dict()["param_groups"]  # options come from the declaration, not from a file
        self._optimizer.load_state_dict({"state": packed["optimizer"], "param_groups": groups})
        device = _device(module)
        return TrainingState(step, {}, score, {n: v.to(device) for n, v in best.items()})

    def _check_moments(self, moments: Mapping[int, Mapping[str, Any]]) -> None:
        known = dict(enumerate(self._parameters))
        for index, tensors in moments.items():
            shape = known[index].shape
            fits = (v is None or (isinstance(v, Tensor) and v.shape in ((), shape)) for v in tensors.values())
            if not all(fits):
                msg = "the state of the optimiser is not of the shape of the network"
                raise ValueError(msg)


class _Loss(torch.nn.Module):
    """The loss as the forward pass of a module: what DistributedDataParallel averages gradients of."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.trained = objective.module
        self._objective = objective

    def forward(self, step: int, shards: Sequence[int]) -> tuple[Tensor, dict[str, float | Tensor]]:
        return self._objective.loss(step, shards)


def _optimizer(training: Training, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = training.learning_rate, training.weight_decay
    if training.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, weight_decay=decay)
    kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=rate, weight_decay=decay)


def _device(module: torch.nn.Module) -> torch.device:
    return next((p.device for p in module.parameters()), torch.device("cpu"))


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n: v.detach().clone() for n, v in tensors.items()}
