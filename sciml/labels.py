"""From arrays to a labelled dataset: names, dimensions and attributes of every result.

Dimensions are ``(time, z, y, x)`` in this order; ``time`` is the name of the time dimension
whatever its symbol; a vector ``v`` is ``v_x, v_y, v_z``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import xarray as xr
from sympy.core.function import AppliedUndef

from sciml.dsl.operators import Integral
from sciml.dsl.text import latex, text
from sciml.dsl.vectors import VectorField

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["Labels", "is_global"]

Array = np.ndarray[Any, Any]


def is_global(expr: sp.Expr, space: tuple[sp.Symbol, ...]) -> bool:
    """Tell whether an output is one number per time: no field or coordinate outside integrals."""
    outside = expr.replace(lambda e: isinstance(e, Integral), lambda e: sp.Dummy())
    return not outside.atoms(AppliedUndef, VectorField) and not outside.free_symbols & set(space)


class Labels:
    """Names and coordinates of a solution on a grid of the torus."""

    def __init__(self, problem: Problem, points: tuple[int, ...], times: Array) -> None:
        self.problem = problem
        self.dims = tuple(x.name for x in problem.frame.space)
        self.times = times
        self.axes = {}
        for n, (x, low, high) in zip(points, problem.domain.axes, strict=True):
            lo, hi = problem.number(low), problem.number(high)
            self.axes[x.name] = lo + (hi - lo) * np.arange(n) / n
        self._global = {n for n, e in problem.outputs.items() if is_global(e, problem.frame.space)}

    def components(self, name: str) -> list[str]:
        """Names of the stored variables of a field or output: ``v_x, v_y`` for a vector."""
        if not self.problem.is_vector(name):
            return [name]
        count = len(self.problem.variables()[name])
        if count == len(self.dims):
            return [f"{name}_{d}" for d in self.dims]
        return [f"{name}_{a}{b}" for a in self.dims for b in self.dims]

    def is_global(self, name: str) -> bool:
        """Tell whether an output is one number per time."""
        return name in self._global

    def dataset(self, arrays: Mapping[str, Array]) -> xr.Dataset:
        """Label arrays ``(time, x, y, z)`` or ``(time,)``; the space axes are reversed to ``z, y, x``."""
        count = len(next(iter(arrays.values())))
        coordinates: dict[str, Any] = {"time": ("time", self.times[:count], self._time_attributes())}
        for d, values in self.axes.items():
            x = next(s for s in self.problem.frame.space if s.name == d)
            axis = "XYZ"[self.dims.index(d)]
            low, high = next((lo, hi) for s, lo, hi in self.problem.domain.axes if s == x)
            period = self.problem.number(high) - self.problem.number(low)
            attributes = {"axis": axis, "units": "1", "long_name": d, "latex": latex(x), "period": period}
            coordinates[d] = (d, values, attributes)
        variables: dict[str, Any] = {}
        for name in self.problem.variables():
            for label in self.components(name):
                data = arrays[label]
                dims: tuple[str, ...] = ("time",)
                if data.ndim > 1:
                    dims = ("time", *reversed(self.dims))
                    data = data.transpose(0, *range(data.ndim - 1, 0, -1))
                variables[label] = (dims, np.ascontiguousarray(data), self._attributes(name, label))
        return xr.Dataset(variables, coordinates)

    def _time_attributes(self) -> dict[str, str]:
        t = self.problem.frame.time
        return {"axis": "T", "units": "1", "long_name": t.name, "latex": latex(t)}

    def _attributes(self, name: str, label: str) -> dict[str, str]:
        out = {"units": "1", "long_name": label}
        if name in self.problem.outputs:
            expr = self.problem.outputs[name]
            out |= {"definition": text(expr), "latex": latex(expr)}
        return out
