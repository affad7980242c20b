"""The linear part driven by noise and by sources: what it gains, read off the largest radii of rays.

With ``P = M⁻¹L`` and a column ``b = M⁻¹B``, the mode k of the stochastic convolution is
``X(t) = ∫₀ᵗ e^{(t-s)P} b dW``. Its covariance at a fixed time falls with the same power of |k| as
``V = ∫₀^∞ e^{-2cs} e^{sP} b b* e^{sP*} ds``, c above the growth of the mode, which solves

    (P - c) V + V (P - c)* = -b b*.

A source that acts through a column gains the power of |k| with which the supremum of the resolvent
``|[(c + iω - P)⁻¹ b]_i|`` over the frequency ω falls: 2 for heat, 1 for the position and 0 for the
velocity of a wave, 0 for a dispersive equation. Da Prato & Zabczyk, Stochastic Equations in Infinite
Dimensions (2014), ch. 5, doi:10.1017/CBO9781107295513.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from sciml.forms.frame import Frame
from sciml.forms.growth import balancing, loops, pattern, reach, top_rates
from sciml.forms.rays import RADII, ROUNDING, Rays, trace

__all__ = ["SAMPLED", "Convolution", "convolution", "symbol_orders"]

Real = np.ndarray[Any, np.dtype[np.float64]]
Complex = np.ndarray[Any, np.dtype[np.complex128]]
Bool = np.ndarray[Any, np.dtype[np.bool_]]

TRUSTED = 1e-4  # largest change of a value by rounding, relative
CERTAIN = 0.05  # largest uncertainty of a rate of growth, absolute or relative
DIGITS = 4  # of an exponent
SAMPLED = slice(2, None, 2)  # of the radii: slopes need no more


@dataclass(frozen=True)
class Convolution:
    """``P`` and columns ``b`` on rays, in coordinates that balance the states of each loop.

    Attributes:
        radii: The radii, shape ``(radius,)``; the other axes of the arrays are corner and direction.
        generator: ``P - c``, shape ``(corner, direction, radius, n, n)``.
        rounding: Bounds of the errors of its entries.
        columns: ``b``, shape ``(corner, direction, radius, n, column)``; 0 where it is nothing but rounding.
        logs: ``log2`` of what each state was divided by.
        usable: Where all numbers are finite.
        acts: Which states (last axis) act on which, themselves included.
    """

    radii: Real
    generator: Complex
    rounding: Real
    columns: Complex
    logs: Real
    usable: Bool
    acts: Bool

    def covariance(self, generator: Complex | None = None) -> Complex:
        """Return V of each column, shape ``(corner, direction, radius, column, n, n)``."""
        a = self.generator if generator is None else generator
        n, columns = self.columns.shape[-2:]
        one = np.eye(n)
        kron = np.einsum("...ij,kl->...ikjl", a, one) + np.einsum("ij,...kl->...ikjl", one, a.conj())
        power = np.einsum("...is,...js->...ijs", self.columns, self.columns.conj())
        shape = a.shape[:-2]
        solved = np.linalg.solve(kron.reshape(*shape, n * n, n * n), -power.reshape(*shape, n * n, columns))
        found: Complex = np.moveaxis(solved.reshape(*shape, n, n, columns), -1, -3)
        return found

    def only(self, columns: int, radii: slice) -> Complex:
        """Return the covariance of the states for the first columns at some radii, unscaled."""
        part = replace(
            self,
            radii=self.radii[radii],
            generator=self.generator[:, :, radii],
            columns=self.columns[:, :, radii, :, :columns],
        )
        scale = np.exp2(self.logs[:, :, radii])
        found: Complex = part.covariance() * (scale[..., :, None] * scale[..., None, :])[..., None, :, :]
        return found

    @cached_property
    def decay(self) -> Real:
        """Exponent r of each state and column, ``V_ii ~ |k|^{-2r}`` in the worst direction; ∞ where nothing arrives."""

        def variances(a: Complex) -> Real:
            return np.asarray(np.einsum("...sii->...is", self.covariance(a)).real)

        return self._slope(variances, 2 * self.logs[..., None]) / 2

    @cached_property
    def gain(self) -> Real:
        """The power of |k| that a source gains through each column in each state; ∞ where it does not arrive."""

        def peaks(a: Complex) -> Real:
            rates = np.linalg.eigvals(a).imag
            shifted = 1j * rates[..., None, None] * np.eye(a.shape[-1]) - a[..., None, :, :]
            response = np.linalg.solve(shifted, self.columns[..., None, :, :])
            return np.asarray(np.abs(response).max(-3))

        return self._slope(peaks, self.logs[..., None])

    def _slope(self, values: Any, logs: Real) -> Real:
        """Return the lowest p with ``values ~ |k|^{-p}`` between the two largest radii that rounding leaves alone."""
        with np.errstate(all="ignore"):
            found = values(self.generator)
            signs = np.random.default_rng(0).choice([-1.0, 1.0], self.generator.shape[-2:])
            moved = values(self.generator + signs * (self.rounding + ROUNDING * np.abs(self.generator)))
            arrives = np.einsum("...ij,...js->...is", self.acts, self.columns != 0) > 0
            trusted = arrives & (found > 0) & np.isfinite(found) & (np.abs(moved - found) <= TRUSTED * found)
            trusted &= self.usable[..., None, None]
            octaves = np.where(trusted, np.log2(self.radii)[:, None, None], -np.inf)
            last = np.sort(np.argsort(octaves, axis=2, kind="stable")[:, :, -2:], axis=2)
            heights = np.where(trusted, np.log2(found) + logs, np.nan)
            (y0, y1), (x0, x1) = (np.moveaxis(np.take_along_axis(v, last, 2), 2, 0) for v in (heights, octaves))
            slopes = (y0 - y1) / (x1 - x0)
        # What arrives and cannot be trusted at two radii gains nothing.
        unknown = np.where(arrives.any((0, 1, 2)) & ~np.isfinite(slopes).any((0, 1)), 0.0, np.inf)
        lowest = np.minimum(np.where(np.isfinite(slopes), slopes, np.inf).min((0, 1)), unknown)
        return np.asarray(np.round(lowest, DIGITS) + 0.0)


def convolution(
    linear: sp.Matrix,
    mass: sp.Matrix,
    columns: Sequence[sp.Matrix],
    frame: Frame,
    ranges: Mapping[sp.Symbol, tuple[float, float]],
) -> Convolution:
    """Evaluate a linear part and the columns that drive it along rays.

    Args:
        linear: ``L(k)``, shape ``(n, n)``; it may depend on coordinates in ``ranges``.
        mass: ``M(k)``.
        columns: ``B(k)`` of each noise or source, shape ``(n, 1)``.
        frame: Time and space.
        ranges: Lowest and highest value of each symbol.
    """
    rays = trace(sp.Matrix.hstack(linear, *columns), mass, frame, ranges)
    n = linear.rows
    values, errors = rays.generator[:, :, SAMPLED], rays.rounding[:, :, SAMPLED]
    square = replace(rays, generator=values[..., :n], rounding=errors[..., :n])
    driven = np.where(np.abs(values[..., n:]) > np.abs(errors[..., n:]), values[..., n:], 0)
    with np.errstate(all="ignore"):
        return _balanced(square, driven)


def _balanced(rays: Rays, columns: Complex) -> Convolution:
    coupled = pattern(rays)
    same = loops(coupled)
    logs = balancing(np.where(same[:, :, None], rays.generator, 0), same)
    step = np.exp2(logs[..., None, :] - logs[..., :, None])
    parts = rays.generator * step, np.abs(rays.rounding) * step, columns * np.exp2(-logs)[..., None]
    usable: Bool = np.asarray(np.all([np.isfinite(v).all((-2, -1)) for v in parts], axis=0))
    generator, rounding, driven = (np.where(usable[..., None, None], v, 0) for v in parts)
    rates, doubt = top_rates(rays, same)
    certain = np.isfinite(rates) & (doubt <= CERTAIN * np.maximum(1, np.abs(rates)))
    # The same for all radii: at the largest, the growth of a wave is its rounding error.
    discount = 1 + np.where(certain, rates, 0).max(-1, initial=0)[..., None]
    damped = generator - discount[..., None, None] * np.eye(generator.shape[-1])
    return Convolution(RADII[SAMPLED], damped, rounding, driven, logs, usable, reach(coupled)[:, :, None])


def symbol_orders(
    symbols: Sequence[sp.Expr], frame: Frame, ranges: Mapping[sp.Symbol, tuple[float, float]]
) -> list[float]:
    """Return the highest power of |k| with which each symbol grows in any direction."""
    if not symbols:
        return []
    rays = trace(sp.Matrix(len(symbols), 1, list(symbols)), sp.eye(len(symbols)), frame, ranges)
    values = rays.generator[..., 0]
    with np.errstate(all="ignore"):
        sizes = np.where(np.abs(values) > np.abs(rays.rounding[..., 0]), np.abs(values), np.nan)
        rise = np.diff(np.log2(sizes), axis=2) / np.diff(np.log2(RADII))[:, None]
    found = []
    for i in range(len(symbols)):
        ends = [ray[np.isfinite(ray)][-1:] for ray in rise[..., i].reshape(-1, rise.shape[2])]
        known = [float(e[0]) for e in ends if e.size]
        found.append(round(max(known), DIGITS) + 0.0 if known else 0.0)
    return found
