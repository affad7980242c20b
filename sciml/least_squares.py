"""Levenberg-Marquardt for a few parameters, one iteration at a time.

Minimises ``|r(φ)|²/2``: ``(JᵀJ + λ diag JᵀJ) δ = -Jᵀr``, with λ lowered after a step that helps and
raised after one that does not (Marquardt 1963, doi:10.1137/0111030).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Fit", "covariance", "improved"]

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
    residual: Array,
    jacobian: Array,
    evaluate: Callable[[Array], Array],
    *,
    longest: float | Array = math.inf,
    tolerance: float = 1e-8,
) -> Fit:
    """Take one iteration from a point whose residual and Jacobian are known.

    Args:
        fit: Where to start.
        residual: r(φ), ``(m,)``.
        jacobian: ∂r/∂φ, ``(m, p)``.
        evaluate: r at another φ; values that are not finite mark a point that cannot be used.
        longest: Largest change of each component of φ in one iteration.
        tolerance: The fit has converged when a step changes φ by less than this fraction, or promises
            to lower the cost by less than a tenth of it.
    """
    normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
    scale = np.maximum(np.diag(normal), 1e-14 * max(float(np.diag(normal).max()), 1e-300))
    damping = fit.damping
    for _ in range(ATTEMPTS):
        step = np.linalg.solve(normal + damping * np.diag(scale), -gradient)
        step *= min(1.0, float((longest / np.maximum(np.abs(step), 1e-300)).min()))
        gain = float(-gradient @ step - step @ normal @ step / 2)
        small = gain <= tolerance * fit.cost / 10 or bool((np.abs(step) <= tolerance * np.abs(fit.point)).all())
        trial = evaluate(fit.point + step)
        cost = float(trial @ trial) / 2 if np.isfinite(trial).all() else np.inf
        if cost <= fit.cost:
            return Fit(fit.point + step, cost, max(damping / 5, 1e-12), fit.iterations + 1, small)
        if small or damping > LARGEST_DAMPING:
            break
        damping *= 6
    return replace(fit, damping=damping, iterations=fit.iterations + 1, converged=True)


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
