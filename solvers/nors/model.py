"""A model on features, in windows that restart from its own prediction: linear, and what a network adds to that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import FileError, OptionError
from sciml.fourier.scheme_names import SCHEMES, WEIGHTS
from sciml.solvers.nors.channels import Channels
from sciml.solvers.nors.correction import NAMES, Correction
from sciml.solvers.nors.names import QUADRATURES
from sciml.solvers.nors.setting import Increments, Numerics, Setting

__all__ = ["FeatureModel", "picard_weights", "window_steps", "windows"]

Array = np.ndarray[Any, Any]
SLACK = 1e-5


@dataclass(frozen=True)
class FeatureModel:
    """What was fitted, and in which discrete time.

    Attributes:
        weights: ``(feature, n)``, float64.
        numerics: How the mild equation was discretised.
        correction: What a network adds; None where there is none.
        terminal: Whether predictions are at the ends of windows alone.
    """

    weights: Tensor
    numerics: Numerics
    correction: Correction | None = None
    terminal: bool = False

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
        found = {"weights": self.weights.cpu().numpy(), "numerics": np.array(coded, dtype=np.int64)}
        return found | (self.correction.arrays() if self.correction is not None else {})

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, Array],
        channels: Callable[[Sequence[int]], Channels] | None = None,
        *,
        terminal: bool = False,
        device: torch.device | str = "cpu",
    ) -> FeatureModel:
        """Return the model of :meth:`arrays`.

        Args:
            arrays: What a file holds.
            channels: What a network sees, by the points of its grid; None for a linear model.
            terminal: Whether predictions are at the ends of windows alone.
            device: Where the network computes.

        Raises:
            FileError: They are not those of a model.
        """
        try:
            found = np.asarray(arrays["weights"])
            if found.ndim != 2 or found.dtype.kind != "f" or not np.isfinite(found).all():
                msg = "its weights are no table of finite numbers"
                raise ValueError(msg)
            weights = torch.as_tensor(np.array(found, dtype=np.float64))
            if np.asarray(arrays["numerics"]).dtype.kind != "i":
                msg = "its numerics are no whole numbers"
                raise ValueError(msg)
            scheme, differences, degree, weighting, quadrature, every = (int(v) for v in arrays["numerics"])
            if every < 1 or min(scheme, weighting, quadrature) < 0:
                msg = "its numerics are out of range"
                raise ValueError(msg)
            numerics = Numerics(
                SCHEMES[scheme],
                bool(differences),
                None if degree < 0 else degree,
                WEIGHTS[weighting],
                QUADRATURES[quadrature],
                every,
            )
            correction = None
            if channels is not None and arrays.keys() & set(NAMES):
                correction = Correction.of(arrays, channels, torch.device(device))
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            what = f"it has no array {error}" if isinstance(error, KeyError) else str(error)
            msg = f"the stored model is not one of features: {what[:80]}."
            raise FileError("F412", msg, fix="the file was changed after it was written; fit it again") from None
        return cls(weights, numerics, correction, terminal)

    def predict(self, setting: Setting, start: Tensor, increments: Increments, window: int | None) -> Tensor:
        """Return the states at the steps of the trees, or at the ends of windows, ``(steps + 1, batch, n, *spectrum)``.

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
            made = self._window(setting, parts[-1][-1], some, first, weights)
            parts.append(made[-1:] if self.terminal else made[1:])
        return torch.cat(parts)

    def _window(self, setting: Setting, start: Tensor, increments: Increments, first: int, weights: Tensor) -> Tensor:
        leaves, moments = setting.window(start, increments, first)
        if self.correction is None:
            return setting.features.combined(leaves, moments, weights)
        features = setting.features(leaves, moments)
        seen = features[-1:] if self.terminal else features
        shape = (1, len(weights), 1, weights.shape[1], *([1] * setting.modes.dim))
        linear = (seen * weights.reshape(shape)).sum(1)
        return linear + self.correction.states(setting, features, first)


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
        step = "stored interval" if every == 1 else "step of the trees"
        msg = f"window={window:g} is no multiple of the {step}, {every * h:.6g}."
        raise OptionError("O362", msg, fix=f"window={max(1, round(window / h / every)) * every * h:.8g}")
    return None if steps >= count else steps


def picard_weights(setting: Setting) -> Tensor:
    """Return the weights of the Picard expansion, ``(feature, n)``; 0 where the equation leaves one open."""
    column = torch.tensor([[f.weight or 0.0] for f in setting.forest.features], dtype=torch.float64)
    return column.expand(-1, len(setting.problem.form.state)).clone()
