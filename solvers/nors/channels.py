"""What the network sees on its own coarse grid: features without their scales, and what they do not tell.

Features come from any grid: their lowest modes are taken to a grid of fixed size, on which the network lives. Beside
them stand the time since the window began; where the equation depends on them, the time that the window began at and
the place, as sines and cosines of the period; and the parameters of a family, each by its place in its range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sciml.dsl.roles import Range
from sciml.errors import DataError
from sciml.solvers.nors.setting import Setting
from sciml.solvers.nors.truncation import embedded, lowest

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["Channels"]


class Channels:
    """Takes features to the grid of the network, and fields on that grid back to coefficients.

    Args:
        problem: What is solved.
        points: Points of the network's grid on each space axis.
        path: Whether the network sees all steps of a window, or its end alone.
        windowed: Whether windows begin at different times.
    """

    def __init__(self, problem: Problem, points: Sequence[int], *, path: bool, windowed: bool) -> None:
        self.problem, self.points, self.path = problem, tuple(points), path
        form = problem.form
        held = set().union(*(t.n.free_symbols for t in form.nonlinear), *(t.amplitude.free_symbols for t in form.noise))
        self.in_time = windowed and (problem.frame.time in held or problem.renormalise == "wick")
        self.places = [i for i, x in enumerate(problem.frame.space) if x in held]

    @property
    def count(self) -> int:
        """Channels beside the features."""
        return int(self.path) + int(self.in_time) + 2 * len(self.places) + len(self.problem.family)

    @property
    def _kept(self) -> tuple[int, ...]:
        return tuple((n + 1) // 2 for n in self.points)

    def check(self, setting: Setting) -> None:
        """Refuse a grid that is coarser than the network's.

        Raises:
            DataError: With the sizes of both.
        """
        modes = setting.modes
        for own, points, fold, n in zip(self.points, modes.points, modes.folds, modes.grid, strict=True):
            if points < own:
                needed = own if fold == 1 else -(-own // fold) + 1
                msg = f"the network needs {needed} points on an axis, and the grid has {n}."
                raise DataError("D252", msg, fix=f"a grid of {needed} points or more, or NORS(points={points})")

    def on_grid(self, hats: Tensor) -> Tensor:
        """Return the lowest modes of coefficients ``(..., *spectrum)`` on the network's grid."""
        axes = tuple(range(-len(self.points), 0))
        small = [*self.points[:-1], self.points[-1] // 2 + 1]
        low = embedded(lowest(hats, self._kept), self._kept, small)
        fields: Tensor = torch.fft.irfftn(low, s=self.points, dim=axes, norm="forward")
        return fields

    def to_modes(self, fields: Tensor, spectrum: Sequence[int]) -> Tensor:
        """Return the coefficients of fields on the network's grid among those of a finer one."""
        axes = tuple(range(-len(self.points), 0))
        hats = torch.fft.rfftn(fields, dim=axes, norm="forward")
        return embedded(lowest(hats, self._kept), self._kept, spectrum)

    def features(self, features: Tensor) -> Tensor:
        """Return ``(batch, feature * n, [steps + 1,] *points)`` of ``(steps + 1, feature, batch, n, *spectrum)``."""
        seen = features if self.path else features[-1:]
        fields = self.on_grid(seen).movedim(0, 3).movedim(1, 0)  # batch, feature, n, steps + 1
        flat = fields.flatten(1, 2)
        return flat if self.path else flat.squeeze(2)

    def others(self, setting: Setting, first: int, steps: int) -> Tensor:
        """Return the channels beside the features, ``(1 or batch, count, [steps + 1,] *points)``.

        Args:
            setting: The problem on a grid, for some samples.
            first: Number of the stored time that the window begins with.
            steps: Steps of the trees in the window.
        """
        frames, made = ([steps + 1] if self.path else []), []
        shape = [*frames, *self.points]
        if self.path:
            since = torch.linspace(-1, 1, steps + 1, dtype=torch.float64)
            made.append(since.reshape(1, -1, *([1] * len(self.points))).expand(1, *shape))
        if self.in_time:
            start, end = setting.times[0], setting.times[-1]
            part = 2 * (setting.times[first] - start) / (end - start) - 1
            made.append(torch.full((1, *shape), float(part), dtype=torch.float64))
        for axis in self.places:
            angle = 2 * math.pi * torch.arange(self.points[axis], dtype=torch.float64) / self.points[axis]
            along = [1] * (len(shape) + 1)
            along[axis - len(self.points)] = -1
            made += [f(angle).reshape(along).expand(1, *shape) for f in (torch.sin, torch.cos)]
        for symbol, role in self.problem.family.items():
            values = np.atleast_1d(setting.drawn.parameters.get(symbol, self.problem.numbers[symbol]))
            part = torch.as_tensor(_place_in(role, values)).reshape(-1, *([1] * len(shape)))
            made.append(part.expand(-1, *shape))
        batch = max((m.shape[0] for m in made), default=1)
        whole = [m.expand(batch, *shape) for m in made]
        joined = torch.stack(whole, dim=1) if whole else torch.zeros(1, 0, *shape, dtype=torch.float64)
        return joined.to(setting.modes.device)


def _place_in(role: object, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> object:
    """Return where values lie, from -1 to 1 over a range; by the standard deviation round the mean of a law."""
    if isinstance(role, Range):
        low, high = role.bounds
        if role.scale == "log":
            low, high, values = math.log(low), math.log(high), np.log(values)
        return 2 * (values - low) / (high - low) - 1
    low, middle, high = role.quantile(np.array([0.1, 0.5, 0.9]))  # type: ignore[attr-defined]
    return 2 * (values - middle) / (high - low)
