"""How fast the modes of a linear part grow with ``|k|``: the numbers that decide well-posedness.

Growth is *exponential* where the largest real part of the eigenvalues of ``P = M⁻¹L`` rises with
|k|: Petrowsky's condition fails. It is *algebraic* where the eigenvalues are bounded and yet
``‖e^{Pt}‖`` rises like a power of |k|, as for ``[[0, -k²], [0, 0]]``: derivatives of the initial
data are lost (Kreiss & Lorenz 1989, Initial-Boundary Value Problems and the Navier-Stokes
Equations, ch. 2).

The norm gives each state the weight of its order. States that act on each other, such as u and ∂ₜu
of a wave equation, form a *loop*, which fixes their weights relative to each other: those that
balance the matrix, |k| and 1 for a wave. The lowest weight of each loop is 1 in the initial data, the
highest is 1 in the solution; a field that is in no loop has weight 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciml.forms.rays import RADII, ROUNDING, Rays

__all__ = [
    "SLOWEST",
    "Growth",
    "balancing",
    "largest_growth",
    "loops",
    "orders",
    "pattern",
    "reach",
    "top_rates",
]

Real = np.ndarray[Any, np.dtype[np.float64]]
Complex = np.ndarray[Any, np.dtype[np.complex128]]
Bool = np.ndarray[Any, np.dtype[np.bool_]]
Indices = np.ndarray[Any, np.dtype[np.intp]]

POINTS = 3  # growth is read off the largest radii with trustworthy numbers
TRUSTED = 0.05  # largest uncertainty of a rate, absolute or relative
SIGNIFICANT = 20.0  # a rate must exceed its own uncertainty by this factor to count as growth
SLOWEST = 0.005  # smaller exponents are none: this is how a bounded rate approaches its limit
LOSS = 1.1  # one derivative may be lost, as in a pressureless gas and other weakly hyperbolic systems
BALANCING_SWEEPS = 12
MAX_SQUARINGS = 22  # beyond, the rounding of a double eigenvalue, 1e-8 of the matrix, looks like growth
TAYLOR_TERMS = 14  # e^A for a norm of at most 1/2


@dataclass(frozen=True, order=True)
class Growth:
    """Modes grow like ``exp(coefficient |k|^order t)`` or ``|k|^order``; sorted by severity.

    Attributes:
        severity: 0 for bounded, 1 for algebraic, 2 for exponential growth.
        order: The power of |k|.
        coefficient: The factor of the power; 1 for algebraic growth.
        corner: Index of the parameter values.
        direction: Index of the direction of k.
        isotropic: The growth is the same in all directions.
    """

    severity: int
    order: float = 0.0
    coefficient: float = 1.0
    corner: int = 0
    direction: int = 0
    isotropic: bool = True


def largest_growth(rays: Rays, algebraic: bool = True) -> Growth:
    """Return the fastest growth on any ray; algebraic growth is looked for unless told not to."""
    with np.errstate(all="ignore"):
        coupled = pattern(rays)
        same = loops(coupled)
        rates, uncertainty = top_rates(rays, same)
        found = _steepest(rates, uncertainty, severity=2)
        if algebraic and found.severity == 0 and coupled.any():
            found = _steepest(*_gains(rays, same, rates), severity=1)
    return found


def pattern(rays: Rays) -> Bool:
    """Tell which states act on which others somewhere on a ray, shape ``(corner, direction, n, n)``."""
    n = rays.generator.shape[-1]
    acts: Bool = np.asarray((np.abs(rays.generator) > np.abs(rays.rounding)).any(axis=2))
    return acts & ~np.eye(n, dtype=bool)


def reach(acts: Bool) -> Bool:
    """Return the transitive closure: row i holds the states that act on state i, itself included."""
    n = acts.shape[-1]
    closed: Bool = acts | np.eye(n, dtype=bool)
    for _ in range(n.bit_length()):
        closed = closed @ closed
    return closed


def loops(acts: Bool) -> Bool:
    """Tell which states act on each other, directly or through others."""
    closed = reach(acts)
    return closed & closed.swapaxes(-1, -2)


def top_rates(rays: Rays, same: Bool) -> tuple[Real, Real]:
    """Return the largest real part of the eigenvalues at each radius, and how uncertain it is.

    Eigenvalues are those of the loops, which are balanced first. Rounding moves a double eigenvalue
    by its square root, so the uncertainty is measured: by what small changes of the matrix do.
    """
    matrix, error = rays.generator, rays.rounding
    n = matrix.shape[-1]
    if not (same & ~np.eye(n, dtype=bool)).any():
        return _top_of_diagonal(matrix, error)
    inside = np.where(same[:, :, None], matrix, 0)
    logs = balancing(inside, same)
    centred, mean, usable = _centred(inside, logs)
    rates = _largest_real(centred)
    noise = _scaled(np.where(same[:, :, None], np.abs(error), 0), logs)
    noise = np.where(usable[..., None, None], noise, 0)
    noise += ROUNDING * np.linalg.norm(centred, axis=(-2, -1))[..., None, None]
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (2, n, n))
    moved = [np.abs(_largest_real(centred + noise * s) - rates) for s in signs]
    uncertainty = np.maximum(*moved) + ROUNDING * np.abs(mean)
    return rates + mean, np.where(usable, uncertainty, np.inf)


def _largest_real(matrix: Complex) -> Real:
    rates: Real = np.linalg.eigvals(matrix).real.max(-1)
    return rates


def _top_of_diagonal(matrix: Complex, error: Complex) -> tuple[Real, Real]:
    diagonal = np.arange(matrix.shape[-1])
    real, bounds = matrix[..., diagonal, diagonal].real, error[..., diagonal, diagonal].real
    top = real.argmax(-1)[..., None]
    return np.take_along_axis(real, top, -1)[..., 0], np.take_along_axis(bounds, top, -1)[..., 0]


def _scaled(matrix: Any, logs: Real) -> Any:
    return matrix * np.exp2(logs[..., None, :] - logs[..., :, None])


def _centred(matrix: Complex, logs: Real) -> tuple[Complex, Real, Bool]:
    """Return ``D⁻¹ A D`` less its mean eigenvalue, the real part of that, and where all is finite."""
    scaled = _scaled(matrix, logs)
    usable: Bool = np.asarray(np.isfinite(scaled).all((-2, -1)))
    scaled = np.where(usable[..., None, None], scaled, 0)
    n = matrix.shape[-1]
    mean = np.trace(scaled, axis1=-2, axis2=-1) / n
    return scaled - mean[..., None, None] * np.eye(n), mean.real, usable


def balancing(matrix: Complex, same: Bool) -> Real:
    """Return ``log2 d`` of the scaling ``D⁻¹ A D`` that gives rows and columns of a loop like size.

    Osborne's iteration (1960, doi:10.1145/321043.321048) on the largest entries, in logarithms. The
    largest log of each loop is 0: the state's weight is 1/d.
    """
    n = matrix.shape[-1]
    entries = np.where(np.eye(n, dtype=bool) | (matrix == 0), -np.inf, np.log2(np.abs(matrix)))
    logs = np.zeros(matrix.shape[:-1])
    for _ in range(BALANCING_SWEEPS):
        for i in range(n):
            row = (entries[..., i, :] + logs).max(-1)
            column = (entries[..., :, i] - logs).max(-1)
            balanced = (row - column) / 2
            logs[..., i] = np.where(np.isfinite(balanced), balanced, logs[..., i])
    top = np.where(same[:, :, None], logs[..., None, :], -np.inf).max(-1)
    return np.asarray(np.round(logs - top))  # powers of two: scaling loses nothing


def _gains(rays: Rays, same: Bool, rates: Real) -> tuple[Real, Real]:
    """Return ``log2 max_{t ≤ 1} ‖e^{(P - r)t}‖`` in the weighted norm, and where it is unknown (∞).

    What is bounded by the rate r of the fastest mode, if it grows at all, is no loss of derivatives.
    """
    logs = balancing(np.where(same[:, :, None], rays.generator, 0), same)
    lowest = np.where(same[:, :, None], logs[..., None, :], np.inf).min(-1)
    centred, mean, usable = _centred(rays.generator, logs)
    squarings = np.ceil(np.log2(np.maximum(np.abs(centred).sum(-1).max(-1), 0.5))) + 1
    usable &= squarings <= MAX_SQUARINGS
    gains = np.full(usable.shape, -np.inf)
    shift = mean - np.maximum(rates, 0)
    gains[usable] = _largest_norm(centred[usable], shift[usable], squarings[usable], np.exp2(lowest[usable]))
    return gains, np.where(usable, 0.0, np.inf)


def _largest_norm(matrix: Complex, shift: Real, squarings: Real, weights: Real) -> Real:
    """Return ``log2 max_t ‖W e^{(A + shift) t}‖`` over ``t = 2^-squarings, …, 1/2, 1``, by squaring."""
    step = matrix * np.exp2(-squarings)[:, None, None]
    power = np.broadcast_to(np.eye(matrix.shape[-1], dtype=complex), matrix.shape)
    for j in range(TAYLOR_TERMS, 0, -1):  # Horner's scheme of the Taylor series
        power = np.eye(matrix.shape[-1]) + step @ power / j
    size = np.zeros(len(matrix))  # the exponential is 2^size times power
    best = np.full(len(matrix), -np.inf)
    for j in range(MAX_SQUARINGS + 1):
        active = j <= squarings
        norm = np.log2(np.linalg.norm(weights[:, :, None] * power, axis=(-2, -1)))
        drift = shift * np.exp2(j - squarings) / np.log(2)
        best = np.where(active, np.fmax(best, norm + size + drift), best)
        largest = np.abs(power).max((-2, -1))
        power = power / largest[:, None, None]
        power, size = power @ power, 2 * (size + np.log2(largest))
    return best


def _top(values: Real, uncertainty: Real) -> tuple[Real, Real, Bool]:
    """Return octaves and values at the largest ``POINTS`` trusted radii, and where they rise for certain."""
    trusted = np.isfinite(values) & (uncertainty <= TRUSTED * np.maximum(1, np.abs(values)))
    indices = np.sort(np.where(trusted, np.arange(len(RADII)), -1), axis=-1)[..., -POINTS:]
    top, doubt = (np.take_along_axis(v, indices, -1) for v in (values, uncertainty))
    certain = np.all((indices >= 0) & (top > SIGNIFICANT * doubt), axis=-1)
    rising: Bool = np.asarray(certain & np.all(np.diff(top) > 0, axis=-1))
    return np.log2(RADII)[indices], top, rising


def _slope(octaves: Real, values: Real) -> Real:
    return np.asarray((values[..., -1] - values[..., 0]) / (octaves[..., -1] - octaves[..., 0]))


def orders(values: Real, uncertainty: Real) -> Real:
    """Return p where values grow like ``|k|^p`` at the largest trusted radii, 0 where they do not."""
    octaves, top, rising = _top(values, uncertainty)
    order = _slope(octaves, np.log2(np.where(top > 0, top, 1)))
    found: Real = np.where(rising & (order > SLOWEST), order, 0)
    return found


def _steepest(values: Real, uncertainty: Real, severity: int) -> Growth:
    """Return the ray on which the values rise fastest at large radii: rates, or logarithms of norms."""
    octaves, top, rising = _top(values, uncertainty)
    if severity == 2:
        order = orders(values, uncertainty)
        coefficient = top[..., -1] / np.exp2(octaves[..., -1] * order)
    else:
        order = _slope(octaves, top)
        order = np.where(rising & (order > LOSS), order, 0)
        coefficient = np.ones_like(order)
    if not order.any():
        return Growth(0)
    # Equal up to rounding in several directions: the first of them, an axis if possible.
    rank = np.round(order, 2) + 1e-6 * np.round(np.log2(coefficient), 3)
    corner, direction = np.unravel_index(np.argmax(np.where(order > 0, rank, -np.inf)), order.shape)
    best = (float(order[corner, direction]), float(coefficient[corner, direction]))
    isotropic = bool(np.allclose([order[corner], coefficient[corner]], np.array(best)[:, None], rtol=1e-3))
    return Growth(severity, *best, int(corner), int(direction), isotropic)
