"""A small joint training, as a script: ``FOLDER whole`` or ``FOLDER killed``; also under torchrun."""

import os
import signal
import sys

import torch

import sciml as sm
from sciml.problems.point_vortex_pair import point_vortex_pair
from sciml.train import Cosine, Training

METHOD = sm.DRVM(
    fit="adam",
    steps=4,
    hidden=(8, 8),
    queries=64,
    batch=128,
    n_particles=256,
    training=Training(steps=20, learning_rate=3e-3, schedule=Cosine()),
)
GRID = sm.Grid(x=(-2, 2, 9), y=(-2, 2, 9), t=2)


def plan(folder):
    """Return the plan of a run with a checkpoint every five steps, in double precision."""
    run = sm.Run(out=folder, checkpoint=sm.Budget(steps=5), dtype="float64", threads=1, progress=False)
    return point_vortex_pair().plan(METHOD, grid=GRID, run=run)


def main(folder, action):
    """Run it, or kill this process when ten steps are done."""
    made = plan(folder)
    if action == "killed":
        original = made._engine.step

        def step(state):
            if state.step == 10:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(state)

        made._engine.step = step
    solution = made.complete()
    sys.stdout.write(f"{solution.status} {made.done}\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
