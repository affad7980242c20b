"""Fit the network of one slice to labels: Levenberg-Marquardt on all weights, or ridge on the last layer.

Both minimise the mean square over the query points; first-order training is in :mod:`paper`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sciml.least_squares import Fit, improved, ridge
from sciml.solvers.drvm.features import Geometry
from sciml.solvers.drvm.networks import Network, fresh_weights, jacobian, perceptron, split_weights

__all__ = ["FitOptions", "fitted"]

STALLED, STALLS = 5e-3, 3  # relative fall of the cost in so many iterations in a row, below which a fit ends
STEEP = 1e-6  # penalty on weights: no ridges between the points, and far below the error of labels
POOR, RESTARTS = 0.1, 3  # what a fit may leave before it starts again from other weights, and how often
FEATURE_SPREAD = 1.0  # of random hidden weights, per unit of the features


@dataclass(frozen=True)
class FitOptions:
    """How slices are fitted.

    Attributes:
        kind: ``"lm"`` or ``"ridge"``.
        hidden: Widths of the hidden layers (lm), or the number of random features (ridge).
        iterations: Most iterations of a slice (lm); three times as many for the first.
        ridge: Penalty relative to the mean square of the features.
        seed: Root of the streams of initial weights.
    """

    kind: Literal["lm", "ridge"]
    hidden: tuple[int, ...]
    iterations: int
    ridge: float
    seed: int

    def fresh(self, inputs: int, attempt: int = 0) -> tuple[tuple[int, ...], Tensor]:
        """Return the sizes and initial weights of a network with that many features."""
        sizes = (inputs, *self.hidden, 2)
        spread = {"gain": FEATURE_SPREAD * math.sqrt(inputs), "bias": 1.0} if self.kind == "ridge" else {}
        return sizes, fresh_weights(sizes, self.seed, self.kind, attempt, **spread)


def fitted(
    options: FitOptions, geometry: Geometry, queries: Tensor, labels: Tensor, noise: float, former: Network | None
) -> tuple[Network, float]:
    """Fit a network to labels.

    Args:
        options: How.
        geometry: Features of the slice.
        queries: Points ``(P, 2)``, float64.
        labels: Velocities there, ``(P, 2)``.
        noise: Relative error of the labels: a fit far below it would be a fit to noise.
        former: The network of the slice before, where the fit starts (lm), or whose hidden layer is
            shared (ridge).

    Returns:
        The network, and the relative root mean square of what is left.
    """
    features, envelope = geometry(queries)
    size = labels.square().mean().sqrt()
    scale = float(size / envelope.square().mean().sqrt())
    sizes, flat = (former.sizes, former.flat) if former is not None else options.fresh(geometry.width)
    if former is not None and options.kind == "ridge":
        scale = former.scale  # then the velocity is linear in the last layer, with one basis for all slices
    start = Network(sizes, flat.to(queries.device), scale, geometry)
    solve = _by_ridge if options.kind == "ridge" else _by_marquardt
    more = 3 if former is None else 1
    network = solve(replace(options, iterations=more * options.iterations), start, features, envelope, labels, noise)
    left = _left(network, queries, labels)
    for attempt in range(1, 1 + RESTARTS if options.kind == "lm" else 1):
        if left <= max(POOR, noise):
            break
        again = replace(start, flat=options.fresh(geometry.width, attempt)[1].to(queries.device))
        other = solve(replace(options, iterations=3 * options.iterations), again, features, envelope, labels, noise)
        if (better := _left(other, queries, labels)) < left:
            network, left = other, better
    return network, left


def _left(network: Network, queries: Tensor, labels: Tensor) -> float:
    return float((network(queries) - labels).square().sum().sqrt() / labels.square().sum().sqrt())


def _by_ridge(
    options: FitOptions, start: Network, features: Tensor, envelope: Tensor, labels: Tensor, noise: float
) -> Network:
    layers = split_weights(start.flat, start.sizes)
    hidden = features
    for w, b in layers[:-1]:
        hidden = torch.tanh(torch.addmm(b, hidden, w.T))
    design = torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1) * (envelope * start.scale)
    found = ridge(design, labels, options.ridge)
    last = torch.cat([found[:-1].T.reshape(-1), found[-1]])
    return replace(start, flat=torch.cat([start.flat[: -len(last)], last]))


def _by_marquardt(
    options: FitOptions, start: Network, features: Tensor, envelope: Tensor, labels: Tensor, noise: float
) -> Network:
    weight = envelope * start.scale / labels.square().mean().sqrt()
    target = labels / labels.square().mean().sqrt()
    enough = (noise / 4) ** 2 * target.numel() / 2

    def cost(point: np.ndarray) -> float:
        flat = torch.as_tensor(point, device=features.device)
        left = perceptron(split_weights(flat, start.sizes), features) * weight - target
        return (float(left.square().sum()) + STEEP * float(point @ point)) / 2

    point = start.flat.cpu().numpy()
    fit, stalls = Fit(point, cost(point)), 0
    for _ in range(options.iterations):
        outputs, slopes = jacobian(torch.as_tensor(fit.point, device=features.device), start.sizes, features)
        residual = (outputs * weight - target).flatten()
        slopes = (slopes * weight[..., None]).flatten(0, 1)
        normal, gradient = (slopes.T @ slopes).cpu().numpy(), (slopes.T @ residual).cpu().numpy()
        normal[np.diag_indices_from(normal)] += STEEP
        gradient += STEEP * fit.point
        better = improved(fit, normal, gradient, cost)
        stalls = stalls + 1 if better.cost > (1 - STALLED) * fit.cost else 0
        fit = better
        if fit.converged or stalls == STALLS or fit.cost < enough:
            break
    return replace(start, flat=torch.as_tensor(fit.point, device=features.device))
