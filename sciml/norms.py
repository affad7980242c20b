"""Sizes of errors: the metrics of every comparison."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sciml.errors import DataError, did_you_mean

__all__ = ["METRICS", "Metric", "error_size"]

Metric = Literal["rel_l2", "l2", "rel_linf", "linf"]
Array = np.ndarray[Any, Any]
METRICS = ("rel_l2", "l2", "rel_linf", "linf")


def error_size(mine: Array, theirs: Array, metric: str, over: tuple[int, ...]) -> Array:
    """Return the size of ``mine - theirs``.

    Args:
        mine: Components of a variable along axis 0.
        theirs: The reference, of the same shape.
        metric: ``rel_l2``, ``l2`` (root mean square), ``rel_linf`` or ``linf``; relative ones are divided by
            the size of ``theirs``.
        over: Axes, counted without that of the components, that the norm is taken over.

    Raises:
        DataError: There is no such metric.
    """
    if metric not in METRICS:
        msg = f"compare: unknown metric {metric!r}.{did_you_mean(str(metric), METRICS)}"
        raise DataError("D210", msg, fix=f"metrics: {', '.join(METRICS)}")
    norm = _largest if metric.endswith("linf") else _root_mean_square
    error = norm(mine - theirs, over)
    if metric.startswith("rel_"):
        size = norm(theirs, over)
        ratio = np.divide(error, size, out=np.full_like(error, np.inf), where=size > 0)
        error = np.where((size == 0) & (error == 0), 0.0, ratio)
    return error


def _root_mean_square(parts: Array, over: tuple[int, ...]) -> Array:
    """Norm over components (axis 0) and the given axes."""
    return np.asarray(np.sqrt((parts**2).mean(tuple(i + 1 for i in over)).sum(0)))


def _largest(parts: Array, over: tuple[int, ...]) -> Array:
    return np.asarray(np.abs(parts).max(tuple(i + 1 for i in over)).max(0))
