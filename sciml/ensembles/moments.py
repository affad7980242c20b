"""Mean and standard error of what independent samples contribute, in one pass and bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Average"]

Array = np.ndarray[Any, np.dtype[np.float64]]


class Average:
    """The mean of contributions and its standard error; merged as in Chan, Golub and LeVeque (1983).

    Attributes:
        count: Samples so far.
        mean: Mean of their contributions.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Array = np.zeros(())
        self._squares: Array = np.zeros(())  # sum of squared deviations from the mean

    def add(self, values: Array) -> None:
        """Take in contributions, ``(samples, ...)``."""
        count, mean = len(values), values.mean(0)
        total = self.count + count
        apart = mean - self.mean
        self._squares = self._squares + ((values - mean) ** 2).sum(0) + apart**2 * (self.count * count / total)
        self.mean = self.mean + apart * (count / total)
        self.count = total

    @property
    def standard_error(self) -> Array:
        """Standard deviation of the contributions over the square root of their number; nan for one."""
        if self.count < 2:
            return np.full(np.shape(self.mean), np.nan)
        return np.asarray(np.sqrt(self._squares / ((self.count - 1) * self.count)))
