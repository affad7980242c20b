"""Least squares: Levenberg-Marquardt one iteration at a time, ridge regression in closed form.

Levenberg-Marquardt minimises ``|r(φ)|²/2``: ``(JᵀJ + λ diag JᵀJ) δ = -Jᵀr``, with λ lowered after a step that helps and
raised after one that does not (Marquardt 1963, doi:10.1137/0111030).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Fit", "covariance", "half_square", "improved", "ridge"]

Array = np.ndarray[Any, np.dtype[np.float64]]
ATTEMPTS = 12
LARGEST_DAMPING = 1e12


@dataclass(frozen=True)
class Fit:
    """State of a fit.

    Attributes:
        point: φ.
        cost: ``|r|²/2`` there.
        damping: λ.
        iterations: Accepted or refused steps so far.
        converged: The step or the possible gain has become negligible.
    """

    point: Array
    cost: float
    damping: float = 1e-3
    iterations: int = 0
    converged: bool = False


def improved(
    fit: Fit,
    normal: Array,
    gradient: Array,
    cost_at: Callable[[Array], float],
    *,
    longest: float | Array = math.inf,
    tolerance: float = 1e-8,
) -> Fit:
    """Take one iteration from a point whose linearisation is known.

    Args:
        fit: Where to start.
        normal: ``JᵀJ``, ``(p, p)``, with J = ∂r/∂φ there.
        gradient: ``Jᵀr``, ``(p,)``.
        cost_at: ``|r|²/2`` at another φ; one that is not finite marks a point that cannot be used.
        longest: Largest change of each component of φ in one iteration.
        tolerance: The fit has converged when a step changes φ by less than this fraction, or promises
            to lower the cost by less than a tenth of it.
    """
    scale = np.maximum(np.diag(normal), 1e-14 * max(float(np.diag(normal).max()), 1e-300))
    damping = fit.damping
    for _ in range(ATTEMPTS):
        damped = torch.from_numpy(normal + damping * np.diag(scale))
        # By torch, which keeps to the threads of the run; NumPy takes all cores, and waits for them.
        step = torch.linalg.solve(damped, torch.from_numpy(-gradient)).numpy()
        step *= min(1.0, float((longest / np.maximum(np.abs(step), 1e-300)).min()))
        gain = float(-gradient @ step - step @ normal @ step / 2)
        small = gain <= tolerance * fit.cost / 10 or bool((np.abs(step) <= tolerance * np.abs(fit.point)).all())
        cost = cost_at(fit.point + step)
        if cost <= fit.cost:
            return Fit(fit.point + step, cost, max(damping / 5, 1e-12), fit.iterations + 1, small)
        if small or damping > LARGEST_DAMPING:
            break
        damping *= 6
    return replace(fit, damping=damping, iterations=fit.iterations + 1, converged=True)


def half_square(residual: Array) -> float:
    """Return ``|r|²/2``, infinite where the residual is not finite."""
    return float(residual @ residual) / 2 if np.isfinite(residual).all() else math.inf


def ridge(design: Tensor, targets: Tensor, penalty: float) -> Tensor:
    """Return the W that minimises ``|ΦW - Y|² + λ |W|²``, λ = penalty × mean square of the columns of Φ.

    By an orthogonal factorisation of Φ stacked on √λ: the normal equations would square its condition number.

    Args:
        design: Φ, ``(P, F)``.
        targets: Y, ``(P, m)``.
        penalty: Relative to ``|Φ|²/F``.
    """
    count = design.shape[1]
    weight = (penalty * design.square().sum() / count).sqrt()
    below = weight * torch.eye(count, dtype=design.dtype, device=design.device)
    stacked = torch.cat([design, below])
    q, r = torch.linalg.qr(stacked)
    wanted = q[: len(design)].T @ targets
    found: Tensor = torch.linalg.solve_triangular(r, wanted, upper=True)
    return found


def covariance(jacobian: Array) -> Array:
    """Return ``(JᵀJ)⁻¹`` for residuals of unit variance; infinite along directions that data do not see."""
    scale = np.linalg.norm(jacobian, axis=0)
    if not (scale > 0).all() or len(jacobian) < len(scale):
        return np.full((len(scale),) * 2, np.inf)
    _, singular, right = np.linalg.svd(jacobian / scale, full_matrices=False)
    if singular[-1] < 1e-10 * singular[0]:
        return np.full((len(scale),) * 2, np.inf)
    inverse = (right.T / singular**2) @ right
    found: Array = inverse / np.outer(scale, scale)
    return found
