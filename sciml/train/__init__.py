"""The one training loop: budget, checkpoints, metrics, first-order training, several processes.

Names that need torch are loaded on first use: options of methods are declared without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sciml.train.loop import Loop
from sciml.train.schedules import Constant, Cosine, Schedule, StepDecay, Warmup
from sciml.train.task import Task
from sciml.train.training import Training

if TYPE_CHECKING:
    from sciml.train.distributed import SHARDS, World
    from sciml.train.driving import Outcome, fit
    from sciml.train.trainer import Objective, Trainer, TrainingState

__all__ = [
    "SHARDS",
    "Constant",
    "Cosine",
    "Loop",
    "Objective",
    "Outcome",
    "Schedule",
    "StepDecay",
    "Task",
    "Trainer",
    "Training",
    "TrainingState",
    "Warmup",
    "World",
    "fit",
]

_LAZY = {
    "SHARDS": "distributed",
    "World": "distributed",
    "Outcome": "driving",
    "fit": "driving",
    "Objective": "trainer",
    "Trainer": "trainer",
    "TrainingState": "trainer",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"sciml.train.{_LAZY[name]}"), name)
    msg = f"module 'sciml.train' has no attribute {name!r}"
    raise AttributeError(msg)
