"""What all operator-learning peers share: data, scales of channels, loss, optimiser, judgement.

A peer is a module ``(start, forcing) -> field`` of normalised single-precision tensors ``(sample, *space)``,
``(sample, time, *space)`` and ``(sample, time, *space)``; times are ``1 .. n`` of n equal intervals, so that a grid
of half the steps has the same period. Forcing is the rate ``dW/dt``, the mean of the noise over the interval that ends
at that time. Each of the three is shifted and scaled by one mean and one deviation, those of the training paths.
"""

import ctypes
import math
import time
from dataclasses import dataclass

import numpy as np
import torch

BATCH, PREDICTED = 20, 50  # paths at once
MMAP_MAX, TRIM_THRESHOLD, TOP_PAD = -4, -1, -2  # of glibc's malloc.h


def keep_memory():
    """Have glibc keep what is freed; by default large arrays go back, and page faults take up to half of a step."""
    libc = ctypes.CDLL(None)
    for option, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, 2**28)):
        libc.mallopt(option, value)


@dataclass(frozen=True)
class Drivers:
    """What decides a path.

    Args:
        start: Initial field, ``(sample, *space)``.
        increments: Of the noise over each stored interval, as the field sees them; ``(sample, time, *space)``, 0 at
            the first time.
        end: Final time.
    """

    start: np.ndarray
    increments: np.ndarray
    end: float

    def tensors(self):
        """Return the start, and the rate of the noise at all times but the first."""
        rate = self.increments[:, 1:] * ((self.increments.shape[1] - 1) / self.end)
        return _tensor(self.start), _tensor(rate)

    def __getitem__(self, paths):
        """Return some of the paths."""
        return Drivers(self.start[paths], self.increments[paths], self.end)


@dataclass(frozen=True)
class Scale:
    """Shift and scale of one channel."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, channel):
        """Return the scale of training data; a channel that is constant is only shifted."""
        return cls(float(channel.mean()), float(channel.std()) or 1.0)

    def encode(self, channel):
        """Return the channel with mean 0 and deviation 1."""
        return (channel - self.mean) / self.deviation

    def decode(self, channel):
        """Undo :meth:`encode`."""
        return channel * self.deviation + self.mean


class Predictor:
    """A trained peer as a function of NumPy arrays; ``steps`` and ``parameters`` say what it took."""

    def __init__(self, model, scales, steps):
        self.model, self.scales, self.steps = model.eval(), scales, steps
        self.parameters = sum(p.numel() * (1 + p.is_complex()) for p in model.parameters())

    @torch.no_grad()
    def __call__(self, drivers):
        """Return fields ``(sample, time, *space)``; the first time is the given start."""
        *scales, field = self.scales
        inputs = [s.encode(c).split(PREDICTED) for s, c in zip(scales, drivers.tensors(), strict=True)]
        found = torch.cat([self.model(*batch) for batch in zip(*inputs, strict=True)])
        return np.concatenate([drivers.start[:, None], field.decode(found).numpy()], axis=1)


def fit(model, drivers, targets, rate, decay, seed, seconds, steps=None):
    """Train by AdamW on the relative L2 error, its rate falling as half a cosine over the budget.

    Args:
        model: The peer.
        drivers: Training paths.
        targets: Fields ``(sample, time, *space)``; the first time is not looked at.
        rate: Largest learning rate.
        decay: Weight decay.
        seed: Of the order of paths.
        seconds: Budget of CPU time, so that what else the machine does costs a peer nothing.
        steps: Budget of steps in its place, which is reproducible.
    """
    start, forcing = drivers.tensors()
    wanted = _tensor(targets[:, 1:])
    scales = [Scale.of(c) for c in (start, forcing, wanted)]
    start, forcing = scales[0].encode(start), scales[1].encode(forcing)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    progress = _progress(seconds, steps)
    model.train()
    taken = 0
    for paths in _batches(len(wanted), torch.Generator().manual_seed(seed)):
        if (done := progress(taken)) >= 1:
            break
        optimiser.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
        found = scales[2].decode(model(start[paths], forcing[paths]))
        loss = relative(found, wanted[paths]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        taken += 1
    return Predictor(model, scales, taken)


def relative(found, wanted):
    """Return ``|found - wanted| / |wanted|`` of each path, over all times and places."""
    return (found - wanted).flatten(1).norm(dim=1) / wanted.flatten(1).norm(dim=1)


def relative_errors(fields, targets):
    """Return the same for arrays, without the first time, which is given."""
    return relative(*(torch.tensor(a[:, 1:], dtype=torch.float64) for a in (fields, targets))).numpy()


def coordinates(like):
    """Return time in (0, 1] and places in [0, 1) as channels ``(sample, 1 + dimensions, time, *space)``."""
    sample, steps, *places = like.shape
    axes = [torch.arange(1, steps + 1) / steps, *(torch.arange(n) / n for n in places)]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    return grid.expand(sample, *grid.shape)


def _tensor(array):
    return torch.tensor(array, dtype=torch.float32)


def _progress(seconds, steps):
    """Return the function of steps taken that is 0 at first and 1 when the budget is spent."""
    if steps is not None:
        return lambda taken: taken / steps
    began = time.process_time()
    return lambda _: (time.process_time() - began) / seconds


def _batches(count, generator):
    """Yield paths without end, each once in every pass, save a rest that does not fill a batch."""
    size = min(BATCH, count)
    while True:
        yield from torch.randperm(count, generator=generator)[: count - count % size].split(size)
