"""Products of symbols with coefficients: one number or one matrix for each mode."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["apply", "apply_add"]


def apply(operator: Tensor, z: Tensor) -> Tensor:
    """Return ``S z`` for a diagonal or matrix-valued symbol S."""
    if operator.ndim == z.ndim:
        return z * operator
    columns = range(z.shape[1])
    return torch.stack([_row(operator[:, i], z, None, columns) for i in columns], dim=1)


def apply_add(total: Tensor, operator: Tensor, z: Tensor) -> Tensor:
    """Return ``total + S z``."""
    if operator.ndim == z.ndim:
        return torch.addcmul(total, z, operator)
    columns = range(z.shape[1])
    return torch.stack([_row(operator[:, i], z, total[:, i], columns) for i in columns], dim=1)


def _row(entries: Tensor, z: Tensor, total: Tensor | None, columns: range) -> Tensor:
    for j in columns:
        total = z[:, j] * entries[:, j] if total is None else torch.addcmul(total, z[:, j], entries[:, j])
    assert total is not None  # a system has at least one field
    return total
