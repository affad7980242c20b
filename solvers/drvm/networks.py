"""Networks for one time slice: a small multilayer perceptron, and the Jacobian of its outputs.

``u(x) = e(x) scale N(f(x))`` with features f and envelope e of :mod:`features` and N a tanh network of
two outputs. Weights are kept in float64 for fitting; particles are moved in the precision asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sciml.solvers.drvm.features import Geometry
from sciml.streams import stream

__all__ = ["Far", "Network", "fresh_weights", "jacobian", "perceptron", "split_weights"]


def fresh_weights(sizes: Sequence[int], seed: int, *labels: object, gain: float = 1.0, bias: float = 0.3) -> Tensor:
    """Return the flat weights of a network: normal, of variance ``gain²/inputs``; biases of spread ``bias``."""
    rng = stream(seed, "network", *labels)
    parts = []
    for inputs, outputs in pairwise(sizes):
        parts += [gain * rng.normal(size=inputs * outputs) / math.sqrt(inputs), bias * rng.normal(size=outputs)]
    return torch.as_tensor(np.concatenate(parts))


def split_weights(flat: Tensor, sizes: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """Return ``(W, b)`` of each layer, views of the flat vector; leading dimensions are kept."""
    out, at = [], 0
    for inputs, outputs in pairwise(sizes):
        w = flat[..., at : at + inputs * outputs].unflatten(-1, (outputs, inputs))
        at += inputs * outputs
        out.append((w, flat[..., at : at + outputs]))
        at += outputs
    return out


def perceptron(layers: Sequence[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """Evaluate a tanh network on ``(P, inputs)``."""
    for w, b in layers[:-1]:
        x = torch.addmm(b, x, w.T).tanh_()
    w, b = layers[-1]
    return torch.addmm(b, x, w.T)


def jacobian(flat: Tensor, sizes: Sequence[int], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs ``(P, o)`` and their derivatives by the weights, ``(P, o, weights)``.

    Written out because reverse mode would go through the network once for each output and point.
    """
    layers, inputs = split_weights(flat, sizes), [x]
    for w, b in layers[:-1]:
        inputs.append(torch.tanh(torch.addmm(b, inputs[-1], w.T)))
    w, b = layers[-1]
    outputs = torch.addmm(b, inputs[-1], w.T)
    count, size = outputs.shape
    sensitivity = torch.eye(size, dtype=x.dtype, device=x.device).expand(count, size, size)
    parts: list[Tensor] = []
    for i in reversed(range(len(layers))):
        by_weight = sensitivity[..., None] * inputs[i][:, None, None, :]
        parts = [by_weight.flatten(2), sensitivity, *parts]
        if i:
            sensitivity = (sensitivity @ layers[i][0]) * (1 - inputs[i] ** 2)[:, None, :]
    return outputs, torch.cat(parts, dim=2)


@dataclass(frozen=True)
class Far:
    """The plane outside the box that a network was fitted in: one vortex of the whole circulation.

    Attributes:
        middle: Centre of the box, ``(2,)``.
        half: Half its widths, ``(2,)``.
        circulation: Γ.
        centre: Where the vortex stands, ``(2,)``.
    """

    middle: Tensor
    half: Tensor
    circulation: float
    centre: Tensor

    def __call__(self, points: Tensor, inside: Tensor) -> Tensor:
        """Return ``inside`` within the box, the far field elsewhere; both ``(P, 2)``."""
        middle, half, centre = (v.to(points.dtype) for v in (self.middle, self.half, self.centre))
        offset = points - centre
        turned = torch.stack([-offset[:, 1], offset[:, 0]], dim=1)
        square = offset.square().sum(1, keepdim=True).clamp(min=1e-30)
        outside = ((points - middle).abs() > half).any(1, keepdim=True)
        return torch.where(outside, turned * (self.circulation / (2 * math.pi)) / square, inside)


@dataclass(frozen=True)
class Network:
    """The velocity of one slice.

    Attributes:
        sizes: Inputs, hidden layers, outputs (2).
        flat: Weights, float64.
        scale: Factor of the output.
        geometry: Features.
        far: What holds outside the box it was fitted in; None on a torus.
    """

    sizes: tuple[int, ...]
    flat: Tensor
    scale: float
    geometry: Geometry
    far: Far | None = None

    def __call__(self, points: Tensor) -> Tensor:
        """Return the velocity ``(P, 2)`` in the precision of the points."""
        features, envelope = self.geometry(points)
        layers = split_weights(self.flat.to(points.dtype), self.sizes)
        found = perceptron(layers, features) * (envelope * self.scale)
        return found if self.far is None else self.far(points, found)
