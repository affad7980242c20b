"""Ridge regression of solutions on features, from moments that are summed over blocks of paths.

    min_w  Σ_paths |u - Σ_f w_f F_f|² / |u|²  +  ε Σ_f s_f² (w_f - p_f)²,      s_f² = Σ_paths |F_f|²/|u|²,

one w for all times and places, for each state. p are the Picard weights of the expansion, so that what data do not
tell stays as the equation has it, and the moments are those of the small rest ``u - Σ p_f F_f``.
Norms are sums over modes, which equal those over the grid (Parseval).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Moments", "norms", "solved"]


@dataclass(frozen=True)
class Moments:
    """Sums over paths.

    Attributes:
        products: ``(n, feature + 1, feature + 1)``: products of features, the rest last.
        paths: Number of paths; each has the norm 1.
    """

    products: Tensor
    paths: int

    @classmethod
    def nothing(cls, states: int, features: int) -> Moments:
        """Return the sums over no path."""
        return cls(torch.zeros(states, features + 1, features + 1, dtype=torch.float64), 0)

    def added(self, features: Tensor, rest: Tensor, sizes: Tensor, multiplicity: Tensor, rows: list[int]) -> Moments:
        """Return the sums with a block of paths more.

        Args:
            features: ``(steps, feature, batch, n, *spectrum)``.
            rest: ``u - Σ p_f F_f``, ``(steps, batch, n, *spectrum)``.
            sizes: ``|u|`` of each path and state, ``(batch, n)``.
            multiplicity: How many modes each of the half spectrum stands for.
            rows: The states that are known.
        """
        products = self.products.clone()
        for i in rows:
            weight = multiplicity.sqrt() / sizes[:, i].reshape(-1, *([1] * (features.ndim - 4)))
            both = torch.cat([features[:, :, :, i], rest[:, None, :, i]], dim=1) * weight
            flat = torch.view_as_real(both.to(torch.complex128)).transpose(0, 1).flatten(1)
            products[i] += (flat @ flat.T).cpu()
        return Moments(products, self.paths + features.shape[2])


def norms(states: Tensor, multiplicity: Tensor) -> Tensor:
    """Return ``(batch, n)``: the norm of each path and state of ``(steps, batch, n, *spectrum)``."""
    square = torch.view_as_real(states).square().sum(-1).to(torch.float64) * multiplicity
    return square.flatten(3).sum((0, 3)).sqrt()


def solved(moments: Moments, prior: Tensor, penalty: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights ``(feature, n)``; and ``(n,)`` each, the relative error on the paths with prior and weights."""
    count = len(prior)
    weights, before, after = [], [], []
    for products, own in zip(moments.products, prior.T, strict=True):
        gram, wanted, square = products[:count, :count], products[:count, count], products[count, count]
        scale = gram.diagonal().sqrt()
        used = scale > 0
        scale = torch.where(used, scale, torch.ones_like(scale))
        normal = gram / scale[:, None] / scale + penalty * torch.eye(count, dtype=gram.dtype)
        normal = normal + torch.diag(torch.where(used, 0.0, 1.0).to(gram))
        change = torch.linalg.solve(normal, wanted / scale) / scale
        left = square - 2 * change @ wanted + change @ gram @ change
        weights.append(own + torch.where(used, change, torch.zeros_like(change)))
        before.append((square / max(moments.paths, 1)).sqrt())
        after.append((left.clamp(min=0) / max(moments.paths, 1)).sqrt())
    return torch.stack(weights, dim=1), torch.stack(before), torch.stack(after)
