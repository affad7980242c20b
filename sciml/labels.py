"""From arrays to a labelled dataset: names, dimensions and attributes of every result.

Dimensions are ``(time, z, y, x)`` in this order, the parameters of a family before them; ``time`` is
the name of the time dimension whatever its symbol; a vector ``v`` is ``v_x, v_y, v_z``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import xarray as xr

from sciml.dsl.noise import Noise
from sciml.dsl.operators import Spectrum, is_global
from sciml.dsl.text import latex, text

if TYPE_CHECKING:
    from sciml.grid import Storage
    from sciml.problem import Problem

__all__ = ["SAMPLE_ATTRIBUTES", "Drawn", "Labels", "component_names", "ensemble_dims", "noises"]

Array = np.ndarray[Any, Any]
SAMPLE_ATTRIBUTES = {"units": "1", "long_name": "number of the sample"}


def component_names(problem: Problem, name: str) -> list[str]:
    """Return the stored variables of a field or output: ``v_x, v_y`` for a vector."""
    directions = [x.name for x in problem.frame.space]
    count = len(problem.variables()[name])
    if not problem.is_vector(name):  # a spectrum, of however many components, among them
        return [name]
    if count == len(directions):
        return [f"{name}_{d}" for d in directions]
    return [f"{name}_{a}{b}" for a in directions for b in directions]


def _reversed(data: Array) -> Array:
    """Bring ``(member, time, x, y, z)`` to ``(member, time, z, y, x)``."""
    return data.transpose(0, 1, *range(data.ndim - 1, 1, -1))


def ensemble_dims(problem: Problem) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return what an ensemble of a problem must hold, and what it may hold besides: names with their dims.

    It holds every field and output, and may hold the driving noise and the parameters that were drawn.
    """
    outer = ("sample", "time")
    space = tuple(x.name for x in reversed(problem.frame.space))
    needed: dict[str, tuple[str, ...]] = {}
    for name in problem.variables():
        expr = problem.outputs.get(name)
        dims = ("wavenumber",) if isinstance(expr, Spectrum) else space
        if expr is not None and is_global(expr, problem.frame.space):
            dims = ()
        needed |= {label: (*outer, *dims) for label in component_names(problem, name)}
    further: dict[str, tuple[str, ...]] = {s.name: ("sample",) for s in problem.family}
    for noise in noises(problem):
        places = {x.name for x in noise.coordinates}
        further[noise.name] = (*outer, *(x for x in space if x in places))
    return needed, further


def noises(problem: Problem) -> list[Noise]:
    """Return the noise that drives the equations, by name."""
    found: set[Noise] = set().union(*(e.atoms(Noise) for e in problem.equations.values()))
    return sorted(found, key=lambda noise: str(noise.name))


def _attributes_of(symbol: sp.Symbol) -> dict[str, str]:
    return {"units": "1", "long_name": symbol.name, "latex": latex(symbol)}


@dataclass(frozen=True)
class Drawn:
    """Samples of an ensemble: their numbers, and the value that each parameter with a range or a law has in each."""

    samples: Sequence[int]
    parameters: Mapping[sp.Symbol, Array]


class Labels:
    """Names and coordinates of a solution on a grid, or of samples.

    Args:
        problem: What the arrays are about.
        storage: The resolved grid.
        times: Stored times.
        drawn: The samples; None for one solution or a family.
    """

    def __init__(self, problem: Problem, storage: Storage, times: Array, drawn: Drawn | None = None) -> None:
        self.problem, self.times, self.drawn = problem, times, drawn
        self.values = storage.values
        self.noises = {n.name: len(n.coordinates) > 1 for n in noises(problem)}
        self.axes = {}
        for n, x in zip(storage.points, problem.frame.space, strict=True):
            low, high = storage.ends.get(x.name, problem.bounds[x.name])
            self.axes[x.name] = np.linspace(low, high, n, endpoint=x not in problem.domain.periodic)
        self.spectra = {n for n, e in problem.outputs.items() if isinstance(e, Spectrum)}
        self._global = {n for n, e in problem.outputs.items() if is_global(e, problem.frame.space)}

    def is_global(self, name: str) -> bool:
        """Tell whether an output is one number per time."""
        return name in self._global

    def dataset(self, arrays: Mapping[str, Array]) -> xr.Dataset:
        """Label arrays ``(member, time, x, y, z)`` or ``(member, time)``.

        Members become one dimension per parameter of the family, none if there is no family, or the
        dimension ``sample``; the space axes are reversed to ``z, y, x``. Noise is labelled like fields.
        """
        count = next(iter(arrays.values())).shape[1]
        coordinates = self._leading()
        members, shape = tuple(coordinates), tuple(len(c[1]) for c in coordinates.values())
        coordinates["time"] = ("time", self.times[:count], self._time_attributes())
        for axis, x in zip("XYZ", self.problem.frame.space, strict=False):
            low, high = self.problem.bounds[x.name]
            attributes: dict[str, Any] = {"axis": axis, **_attributes_of(x)}
            if x in self.problem.domain.periodic:
                attributes["period"] = high - low
            coordinates[x.name] = (x.name, self.axes[x.name], attributes)
        variables: dict[str, Any] = {}
        if self.spectra:
            first = arrays[min(self.spectra)]
            longest = max(
                self.problem.bounds[x.name][1] - self.problem.bounds[x.name][0] for x in self.problem.frame.space
            )
            k = 2 * np.pi / longest * np.arange(first.shape[2])
            coordinates["wavenumber"] = ("wavenumber", k, {"units": "1", "long_name": "wavenumber"})
        for name in self.problem.variables():
            for label in component_names(self.problem, name):
                data = arrays[label]
                dims: tuple[str, ...] = (*members, "time")
                if name in self.spectra:
                    dims = (*dims, "wavenumber")
                elif data.ndim > 2:
                    dims = (*dims, *reversed(self.axes))
                    data = _reversed(data)
                data = data.reshape(*shape, *data.shape[1:])
                variables[label] = (dims, np.ascontiguousarray(data), self._attributes(name, label))
        return xr.Dataset(variables | self._noise(arrays) | self._parameters(), coordinates)

    def _leading(self) -> dict[str, Any]:
        """Return the coordinates of the dimensions before the time."""
        if self.drawn is not None:
            return {"sample": ("sample", np.array(list(self.drawn.samples)), SAMPLE_ATTRIBUTES)}
        return {s.name: (s.name, v, _attributes_of(s)) for s, v in self.values.items()}

    def _noise(self, arrays: Mapping[str, Array]) -> dict[str, Any]:
        """Return the increments of each noise; the members of a family share them."""
        out = {}
        for name, in_space in self.noises.items():
            data = _reversed(arrays[name])
            dims = ("time", *(reversed(self.axes) if in_space else ()))
            told = {"units": "1", "long_name": f"increments of {name} since the time before"}
            alone = self.drawn is None
            out[name] = (dims if alone else ("sample", *dims), np.ascontiguousarray(data[0] if alone else data), told)
        return out

    def _parameters(self) -> dict[str, Any]:
        """Return the values of drawn parameters."""
        drawn = {} if self.drawn is None else self.drawn.parameters
        return {s.name: ("sample", v, _attributes_of(s)) for s, v in drawn.items()}

    def _time_attributes(self) -> dict[str, str]:
        return {"axis": "T", **_attributes_of(self.problem.frame.time)}

    def _attributes(self, name: str, label: str) -> dict[str, str]:
        out = {"units": "1", "long_name": label}
        if name in self.problem.outputs:
            expr = self.problem.outputs[name]
            out |= {"definition": text(expr), "latex": latex(expr)}
        return out
