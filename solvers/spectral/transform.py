"""Unknowns within bounds, as smooth functions of numbers without bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy as sp
import torch
from torch import Tensor

from sciml.dsl.roles import Infer

__all__ = ["Bounded"]


@dataclass(frozen=True)
class Bounded:
    """``φ ↦ θ``: the identity, an exponential, or a logistic function, by the bounds that there are."""

    low: float | None
    high: float | None

    @classmethod
    def of(cls, symbol: sp.Symbol, role: Infer) -> Bounded:
        """Return the map of an unknown; a symbol declared positive or negative is bounded by 0."""
        low, high = role.low, role.high
        if low is None and symbol.is_nonnegative:
            low = 0.0
        if high is None and symbol.is_nonpositive:
            high = 0.0
        return cls(low, high)

    @property
    def is_bounded(self) -> bool:
        """True for all but the identity."""
        return self.low is not None or self.high is not None

    def __call__(self, free: Tensor) -> Tensor:
        """Return θ."""
        if self.low is not None and self.high is not None:
            return self.low + (self.high - self.low) * torch.sigmoid(free)
        if self.low is not None:
            return self.low + torch.exp(free)
        return free if self.high is None else self.high - torch.exp(-free)

    def inverse(self, value: float) -> float:
        """Return φ of a value strictly inside the bounds."""
        if self.low is not None and self.high is not None:
            share = (value - self.low) / (self.high - self.low)
            return math.log(share / (1 - share))
        if self.low is not None:
            return math.log(value - self.low)
        return value if self.high is None else -math.log(self.high - value)

    def slope(self, free: float) -> float:
        """Return dθ/dφ."""
        if self.low is not None and self.high is not None:
            share = 1 / (1 + math.exp(-free))
            return (self.high - self.low) * share * (1 - share)
        if self.low is not None:
            return math.exp(free)
        return 1.0 if self.high is None else math.exp(-free)
