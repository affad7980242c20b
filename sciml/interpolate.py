"""Evaluation of grid data at arbitrary points: trigonometric on periodic axes, splines on bounded ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import make_interp_spline

__all__ = ["fourier_interpolate", "spline_interpolate"]

Array = np.ndarray[Any, Any]


def fourier_interpolate(values: Array, axis: int, low: float, period: float, points: Array) -> Array:
    """Evaluate the trigonometric interpolant of ``values`` along one periodic axis.

    Exact for band-limited data. On an even number of points the Nyquist mode is a cosine.

    Args:
        values: Real data on ``low + period * arange(n)/n`` along ``axis``.
        axis: The periodic axis.
        low: Left end.
        period: Period.
        points: Target coordinates, shape ``(m,)``.

    Returns:
        Values with ``axis`` replaced by one of length m.
    """
    n = values.shape[axis]
    coefficients = np.fft.rfft(values, axis=axis, norm="forward")
    modes = np.arange(n // 2 + 1)
    weight = np.where((modes == 0) | ((n % 2 == 0) & (modes == n // 2)), 1.0, 2.0)
    phase = np.exp(2j * np.pi * np.outer((points - low) / period, modes)) * weight
    moved = np.moveaxis(coefficients, axis, -1)
    return np.moveaxis((moved @ phase.T).real, -1, axis)


def spline_interpolate(values: Array, axis: int, grid: Array, points: Array) -> Array:
    """Evaluate the interpolating spline of degree 7 (or what the grid allows) along a bounded axis.

    Args:
        values: Data on ``grid`` along ``axis``.
        axis: The bounded axis.
        grid: Increasing coordinates, both ends included.
        points: Target coordinates within the grid, shape ``(m,)``.

    Returns:
        Values with ``axis`` replaced by one of length m; nan along lines that are not finite throughout.
    """
    degree = min(7, (len(grid) - 1) // 2 * 2 - 1)
    known = np.isfinite(values).all(axis=axis, keepdims=True)
    spline = make_interp_spline(grid, np.where(known, values, 0.0), k=degree, axis=axis)
    return np.where(known, np.asarray(spline(np.clip(points, grid[0], grid[-1]))), np.nan)
