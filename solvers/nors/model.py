"""A linear model on features: one weight for each feature and state, in windows that restart from its prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import FileError, OptionError
from sciml.fourier.scheme_names import SCHEMES, WEIGHTS
from sciml.solvers.nors.names import QUADRATURES
from sciml.solvers.nors.setting import Increments, Numerics, Setting

__all__ = ["LinearModel", "picard_weights", "window_steps", "windows"]

Array = np.ndarray[Any, Any]
SLACK = 1e-6


@dataclass(frozen=True)
class LinearModel:
    """What was fitted, and in which discrete time.

    Attributes:
        weights: ``(feature, n)``, float64.
        numerics: How the mild equation was discretised.
    """

    weights: Tensor
    numerics: Numerics

    def arrays(self) -> dict[str, Array]:
        """Return it as arrays, for files."""
        n = self.numerics
        coded = [
            SCHEMES.index(n.scheme),
            int(n.differences),
            -1 if n.degree is None else n.degree,
            WEIGHTS.index(n.weighting),
            QUADRATURES.index(n.quadrature),
            n.every,
        ]
        return {"weights": self.weights.cpu().numpy(), "numerics": np.array(coded, dtype=np.int64)}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> LinearModel:
        """Return the model of :meth:`arrays`.

        Raises:
            FileError: They are not those of a model.
        """
        try:
            weights = torch.as_tensor(np.array(arrays["weights"], dtype=np.float64))
            scheme, differences, degree, weighting, quadrature, every = (int(v) for v in arrays["numerics"])
            if weights.ndim != 2 or every < 1 or min(scheme, weighting, quadrature) < 0:
                msg = "shapes"
                raise ValueError(msg)
            numerics = Numerics(
                SCHEMES[scheme],
                bool(differences),
                None if degree < 0 else degree,
                WEIGHTS[weighting],
                QUADRATURES[quadrature],
                every,
            )
        except (LookupError, TypeError, ValueError) as error:
            msg = f"the stored model is not one of features: {str(error)[:80]}."
            raise FileError("F412", msg, fix="the file was changed after it was written; fit it again") from None
        return cls(weights, numerics)

    def predict(self, setting: Setting, start: Tensor, increments: Increments, window: int | None) -> Tensor:
        """Return the states at the steps of the trees, ``(steps + 1, batch, n, *spectrum)``.

        Args:
            setting: The problem on the grid of the paths.
            start: Their initial states, ``(batch, n, *spectrum)``.
            increments: Of each noise, ``(intervals, batch, *spectrum)``.
            window: Stored intervals in a window; None for all.
        """
        if self.weights.shape != (len(setting.forest), start.shape[1]):
            found, wanted = tuple(self.weights.shape), (len(setting.forest), start.shape[1])
            msg = f"the model has weights of shape {found}, and this problem has features of shape {wanted}."
            raise FileError("F412", msg, fix="predict for the problem that it was fitted to, or fit it again")
        weights = self.weights.to(setting.modes.device, setting.modes.dtype)
        parts = [start[None]]
        for first, some in windows(increments, window):
            leaves, moments = setting.leaves(parts[-1][-1], some, first), setting.moments(some, first)
            parts.append(setting.features.combined(leaves, moments, weights)[1:])
        return torch.cat(parts)


def windows(increments: Increments, length: int | None) -> list[tuple[int, Increments]]:
    """Cut paths into windows: the number of the first stored time, and the increments."""
    count = len(next(iter(increments.values())))
    size = count if length is None else length
    return [(a, {name: v[a : a + size] for name, v in increments.items()}) for a in range(0, count, size)]


def window_steps(window: float | None, setting: Setting) -> int | None:
    """Return the stored intervals in a window.

    Raises:
        OptionError: The steps of the trees do not divide the windows or the time.
    """
    every, count, h = setting.numerics.every, setting.storage.intervals, setting.h
    if count % every:
        msg = f"every={every} does not divide the {count} stored intervals."
        raise OptionError(
            "O362",
            msg,
            fix=f"every={math.gcd(count, every)}, or a number of intervals that is a multiple of {every}",
        )
    if window is None:
        return None
    steps = round(window / h)
    if steps < 1 or abs(steps * h - window) > SLACK * window or steps % every:
        msg = f"window={window:g} is no multiple of the step of the trees, {every * h:g}."
        raise OptionError("O362", msg, fix=f"window={max(1, round(window / h / every)) * every * h:.6g}")
    return None if steps >= count else steps


def picard_weights(setting: Setting) -> Tensor:
    """Return the weights of the Picard expansion, ``(feature, n)``; 0 where the equation leaves one open."""
    column = torch.tensor([[f.weight or 0.0] for f in setting.forest.features], dtype=torch.float64)
    return column.expand(-1, len(setting.problem.form.state)).clone()
