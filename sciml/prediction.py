"""Evaluate a solution that carries a model anywhere, not only on its grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sciml.errors import DataError
from sciml.method import Method, method_from

if TYPE_CHECKING:
    from sciml.solution import Solution

__all__ = ["evaluates", "predicted"]

ROUNDING = 1e-9


def evaluates(solution: Solution) -> bool:
    """Tell whether the model of a solution gives its values anywhere; one that maps noise to paths does not."""
    return bool(solution.model) and type(method_from(solution.method)).predictor is not Method.predictor


def predicted(solution: Solution, times: Any, coordinates: Mapping[str, Any]) -> xr.Dataset:
    """Return the variables that the model of a solution knows, over the product of times and coordinates.

    Args:
        solution: With a model.
        times: A number or 1-D array; None takes the stored times.
        coordinates: Likewise for space coordinates; one that is not given keeps its stored values.

    Raises:
        DataError: A point outside the domain or the window, or a time that was not computed.
    """
    predictor = method_from(solution.method).predictor(solution)
    ds, problem = solution.ds, solution.problem
    given = {"time": times, **coordinates}
    axes = {}
    for name in ("time", *(x.name for x in problem.frame.space)):
        wanted = ds[name].values if given.get(name) is None else given[name]
        values = np.atleast_1d(np.asarray(wanted, dtype=float))
        if values.ndim != 1 or not np.isfinite(values).all():
            msg = f"at({name}=...) needs a finite number or a 1-D array of them; got {wanted!r}."
            raise DataError("D206", msg, fix="at(x=xs, y=ys) evaluates on the product of xs and ys")
        axes[name] = values
    for x in problem.frame.space:
        stored = ds[x.name].values
        infinite = x in problem.domain.infinite
        low, high = (float(stored[0]), float(stored[-1])) if infinite else problem.bounds[x.name]
        slack = ROUNDING * (high - low)
        outside = (axes[x.name] < low - slack) | (axes[x.name] > high + slack)
        if outside.any():
            msg = f"{x} = {axes[x.name][outside][0]:g} lies outside [{low:g}, {high:g}], where the solution is known."
            raise DataError("D209", msg)
    found: xr.Dataset = predictor(axes.pop("time"), axes)
    scalars = {name: 0 for name in found.dims if given.get(str(name)) is not None and np.ndim(given[str(name)]) == 0}
    return found.isel(scalars)
