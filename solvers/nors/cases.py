"""What the network is trained on: paths in windows, and the error of a correction on batches of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sciml.solvers.nors.correction import Correction
from sciml.streams import stream

__all__ = ["Cases", "Objective"]

LEAST = 1e-4  # of the median error, below which a case counts no more


@dataclass(frozen=True)
class Cases:
    """What a network is trained on, each case a path in a window.

    Attributes:
        inputs: ``(case, channel, [steps + 1,] *points)``, single precision.
        targets: What the linear model left in units of its size, ``(case, n, [steps + 1,] *points)``.
        weights: Which each state's square error counts with, ``(case, n)``; 0 for states that are not known.
        dim: Space dimensions.
        path: Whether there are steps.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor

    dim: int
    path: bool

    def loss(self, module: Correction, places: Tensor) -> Tensor:
        """Return the mean square relative error of some cases."""
        return self._each(module(self.inputs[places]) - self.targets[places], self.weights[places]).mean()

    def in_units(self, *, alike: bool) -> Cases:
        """Return the cases with weights that make 1 of the loss of adding nothing.

        Args:
            alike: Of each case, and not of their mean: in a family the error of the linear model differs by orders of
                magnitude from member to member, and those where it is large would be all that is learned.
        """
        found = self
        if alike:
            alone = self._each(self.targets, self.weights)
            least = LEAST * alone.median()
            found = replace(self, weights=self.weights / alone.clamp(min=least)[:, None])
        mean = found._each(found.targets, found.weights).mean()
        return replace(found, weights=found.weights / torch.where(mean > 0, mean, torch.ones_like(mean)))

    def score(self, module: Correction, batch: int) -> float:
        """Return the root mean square relative error."""
        with torch.no_grad():
            places = torch.arange(len(self.inputs), device=self.inputs.device)
            losses = [float(self.loss(module, part)) * len(part) for part in places.split(batch)]
        return math.sqrt(sum(losses) / len(places))

    def _each(self, left: Tensor, weights: Tensor) -> Tensor:
        """Return the square error of each case."""
        size = left.square().mean(tuple(range(-self.dim, 0)))
        if self.path:
            size = size[:, :, 1:].sum(2)  # a window begins at a known state
        return (size * weights).sum(1)


class Objective:
    """The error of a correction on batches of cases.

    Args:
        module: What is trained.
        cases: What it is trained on.
        batch: Cases in a step.
        seed: Root of the streams that batches are drawn from.
    """

    def __init__(self, module: Correction, cases: Cases, batch: int, seed: int) -> None:
        self.module, self.cases, self.seed = module, cases, seed
        self.batch = min(batch, len(cases.inputs))
        self._order: tuple[int, Tensor] | None = None

    def loss(self, step: int, shards: Sequence[int]) -> tuple[Tensor, dict[str, float | Tensor]]:
        """Return the loss of the batch of a step: every case once, in random order, before any is seen again."""
        each = len(self.cases.inputs) // self.batch
        epoch, place = divmod(step, each)
        if self._order is None or self._order[0] != epoch:
            drawn = stream(self.seed, "batches", epoch).permutation(len(self.cases.inputs))
            self._order = epoch, torch.as_tensor(drawn, device=self.cases.inputs.device)
        places = self._order[1][place * self.batch : (place + 1) * self.batch]
        return self.cases.loss(self.module, places), {}
