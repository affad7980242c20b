"""A small learned method, as an engine of a plan that several processes can share; a script for torchrun."""

import sys
from typing import ClassVar

import numpy as np
import torch
import training_tasks as tasks
import xarray as xr

import sciml as sm
from sciml.compute import device_of
from sciml.method import Method
from sciml.options import options
from sciml.plan import Plan
from sciml.problems.heat import heat
from sciml.train import Training, World
from sciml.train.checkpoint import read


@options
class Learned(Method):
    """Fits a sine and calls it the solution."""

    name: ClassVar[str] = "learned"
    summary: ClassVar[str] = "for tests"
    distributed: ClassVar[bool] = True

    training: Training = Training(steps=12, learning_rate=0.02)

    def requires(self, problem):
        return []

    def engine(self, problem, grid, run):
        return Engine(self, World.current(device_of(run)), run)


class Engine:
    """Adds to a trainer what a plan asks for."""

    threads = 1

    def __init__(self, method, world, run):
        self.objective = tasks.Regression(seed=run.seed)
        self.trainer = tasks.Trainer(self.objective, method.training, world=world, evaluate=self.objective.error)
        self.device = f"{world.device}, float64"
        self.total, self.world = self.trainer.total, world
        for name in ("start", "step", "finished", "metrics", "pack", "unpack"):
            setattr(self, name, getattr(self.trainer, name))

    def describe(self):
        return [("training", f"{self.total} steps")]

    def finish(self, state):
        x = torch.linspace(0, 1, 8, dtype=torch.float64).reshape(self.world.size, -1, 1)[self.world.rank]
        with self.trainer.best(state) as module, torch.no_grad():
            u = self.world.gathered(module(x)[:, 0]).numpy()  # every process takes part in a result
        return xr.Dataset({"u": (("time", "x"), u[None])}, {"time": [0.0], "x": np.linspace(0, 1, 8)})


def main(folder, action):
    """Run a plan in a folder: a ``part`` of it, until the clock of the first process says stop, or ``resume`` it."""
    budget = sm.Budget(seconds=1e-6) if action == "part" and World.current().leads else None
    plan = Plan(heat(), Learned(), sm.Grid(x=8, t=1), sm.Run(out=folder, budget=budget, checkpoint=sm.Budget(steps=2)))
    if action == "resume":
        plan.resume(read(plan._loop.folder.checkpoint))
    solution = plan.complete()
    total = float(np.abs(solution["u"]).sum())
    sys.stdout.write(f"{solution.status} {plan.done} {total:.17g}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
