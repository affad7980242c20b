"""Small tasks and a script that trains one: what the tests of the loop drive, also in processes they kill."""

import os
import signal
import sys

import torch

import sciml as sm
from sciml.streams import stream
from sciml.train import Constant, Trainer, Training, World, fit

SIZE = 4  # samples a shard draws


class Regression:
    """Fits a sine by a small network from batches that each shard draws for itself."""

    def __init__(self, seed=0, fail_at=None, signal_at=None, sign=signal.SIGKILL):
        generator = torch.Generator().manual_seed(seed)
        self.module = torch.nn.Sequential(
            torch.nn.Linear(1, 8, dtype=torch.float64), torch.nn.Tanh(), torch.nn.Linear(8, 1, dtype=torch.float64)
        )
        for p in self.module.parameters():
            torch.nn.init.normal_(p, std=0.5, generator=generator)
        self.seed, self.fail_at, self.signal_at, self.sign = seed, fail_at, signal_at, sign

    def loss(self, step, shards):
        if step == self.signal_at:
            os.kill(os.getpid(), self.sign)
        x = torch.cat([torch.as_tensor(stream(self.seed, "batch", step, s).uniform(-1, 1, (SIZE, 1))) for s in shards])
        x = x.to(self.module[0].weight.device)
        residual = self.module(x) - torch.sin(3 * x)
        loss = residual.square().mean()
        return loss * float("nan") if step == self.fail_at else loss, {"largest": residual.detach().abs().mean()}

    def error(self):
        x = torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None]
        with torch.no_grad():
            return float((self.module(x) - torch.sin(3 * x)).square().mean())


def trainer(steps=20, world=None, optimizer="adam", schedule=None, clip=1.0, evaluate=False, every=None, **objective):
    made = Regression(**objective)
    training = Training(
        steps=steps,
        optimizer=optimizer,
        learning_rate=0.02,
        schedule=schedule or Constant(),
        clip=clip,
        evaluate_every=every,
    )
    return Trainer(made, training, world=world, evaluate=made.error if evaluate else None)


def weights(task):
    return {n: v.clone() for n, v in task.objective.module.state_dict().items()}


def main(folder, action):
    """Train in a folder: ``whole``, ``resume``, or stopped by a signal at step 10."""
    sign = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT}.get(action)
    world = World.current()
    task = trainer(world=world, signal_at=10 if sign else None, sign=sign, evaluate=True, every=3)
    run = sm.Run(out=folder, checkpoint=sm.Budget(steps=4), threads=1)
    outcome = fit(task, run, name="regression", world=world, resume=action == "resume")
    torch.save(weights(task), f"{folder}/weights-{world.rank}.pt")
    sys.stdout.write(f"{outcome.status} {outcome.done}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
