"""Fourier symbols as grid arrays that multiply coefficients fast.

torch multiplies a complex array by a real one by first converting the latter to complex. A real
symbol is therefore stored twice over, ``(..., 2)``, and applied to real and imaginary parts.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["GridSymbol", "MatrixSymbol"]


class GridSymbol:
    """A symbol ``s(k)`` on the spectrum; acts elementwise, broadcasting over leading axes."""

    def __init__(self, values: Tensor, dtype: torch.dtype) -> None:
        self._is_complex = values.is_complex()
        if self._is_complex:
            self._values = values.to(dtype.to_complex()).contiguous()
        else:
            self._values = values.to(dtype).unsqueeze(-1).repeat(*[1] * values.ndim, 2)

    def __call__(self, z: Tensor) -> Tensor:
        """Return ``s z``."""
        if self._is_complex:
            return z * self._values
        return torch.view_as_complex(torch.view_as_real(z) * self._values)

    def added(self, total: Tensor, z: Tensor) -> Tensor:
        """Return ``total + s z``."""
        if self._is_complex:
            return torch.addcmul(total, z, self._values)
        result = torch.addcmul(torch.view_as_real(total), torch.view_as_real(z), self._values)
        return torch.view_as_complex(result)


class MatrixSymbol:
    """A matrix of symbols ``S(k)``, ``(batch, n, n, *spectrum)``, acting on ``(batch, n, *spectrum)``."""

    def __init__(self, values: Tensor, dtype: torch.dtype) -> None:
        n = values.shape[1]
        self._entries = [[GridSymbol(values[:, i, j], dtype) for j in range(n)] for i in range(n)]

    def _row(self, row: list[GridSymbol], z: Tensor, total: Tensor | None) -> Tensor:
        for j, symbol in enumerate(row):
            total = symbol(z[:, j]) if total is None else symbol.added(total, z[:, j])
        assert total is not None  # a matrix has at least one column
        return total

    def __call__(self, z: Tensor) -> Tensor:
        """Return ``S z``."""
        return torch.stack([self._row(row, z, None) for row in self._entries], dim=1)

    def added(self, total: Tensor, z: Tensor) -> Tensor:
        """Return ``total + S z``."""
        return torch.stack([self._row(row, z, total[:, i]) for i, row in enumerate(self._entries)], dim=1)
