"""The time and space coordinates that every pass works in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from sciml.dsl.wavenumbers import wavenumbers

__all__ = ["Frame"]


@dataclass(frozen=True)
class Frame:
    """Which symbol is time and which are space, in order."""

    time: sp.Symbol
    space: tuple[sp.Symbol, ...]

    @property
    def dim(self) -> int:
        """Number of space dimensions."""
        return len(self.space)

    @cached_property
    def k(self) -> dict[sp.Symbol, sp.Symbol]:
        """Wavenumber of each space coordinate."""
        return wavenumbers(self.space)

    @cached_property
    def coordinates(self) -> frozenset[sp.Symbol]:
        """Time and space together."""
        return frozenset((self.time, *self.space))
