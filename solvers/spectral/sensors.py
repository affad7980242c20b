"""Observed quantities at scattered points of a grid solution."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.dsl.observations import Observation
from sciml.dsl.operators import is_global
from sciml.errors import DataError
from sciml.forms.components import components
from sciml.fourier.discretisation import Discretisation
from sciml.fourier.modes import folding
from sciml.interpolate import fourier_interpolate, spline_interpolate

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["Sensors"]

Array = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]


class _Group:
    """The rows of one observation: what is read, and the interpolation to its places."""

    def __init__(self, problem: Problem, observation: Observation, made: Discretisation) -> None:
        quantity = observation.quantity
        expr = problem.outputs[quantity] if isinstance(quantity, str) else quantity
        self.parts = [made.form.in_states(e) for e in components(expr, problem.frame).flat]
        self.whole = is_global(expr, problem.frame.space)
        self.times = observation.points[problem.frame.time.name]
        self.weights: list[Tensor] = []
        signatures = {made.reflections.of(e) for e in self.parts} if made.modes.bounded else set()
        signature = signatures.pop() if len(signatures) == 1 else None
        if not self.whole:
            modes = made.modes
            for axis, x in enumerate(problem.frame.space):
                places = observation.points[x.name]
                ends = modes.low[axis], modes.low[axis] + modes.lengths[axis]
                faces = None
                if axis in modes.bounded and signature is not None:
                    place = 2 * modes.bounded.index(axis)
                    faces = signature[place : place + 2]
                weights = _interpolation(places, modes.grid[axis], ends, modes.folds[axis], faces)
                self.weights.append(torch.as_tensor(weights, dtype=modes.dtype, device=modes.device))

    def read(self, made: Discretisation, state: Tensor, t: float, rows: Rows) -> Tensor:
        """Return the components at some rows, ``(members, rows × components)``."""
        known: dict[sp.Expr, Tensor] = {}
        columns = []
        for part in self.parts:
            values = made.observer.value(part, state, t, known)
            if self.whole:
                columns.append(values.reshape(-1, 1).expand(len(state), len(rows)))
                continue
            values = values.expand(len(state), *made.modes.grid)
            picked = [w[torch.as_tensor(rows, device=w.device)] for w in self.weights]
            first = torch.tensordot(values, picked[0], dims=([1], [1]))  # (members, y, z, rows)
            along = reduce(lambda total, w: torch.einsum("my...r,ry->m...r", total, w), picked[1:], first)
            columns.append(along)
        return torch.stack(columns, dim=-1).flatten(1)


def _interpolation(places: Array, n: int, ends: tuple[float, float], fold: int, faces: tuple[int, ...] | None) -> Array:
    """Return the matrix ``(places, n)`` that takes grid values to values at places.

    On a periodic axis, and on a bounded one where the symmetry about its faces is known, by the series;
    else by splines.
    """
    low, high = ends
    eye = np.eye(n)
    if fold == 1:
        return fourier_interpolate(eye, 0, low, high - low, places)
    if faces is None:
        return spline_interpolate(eye, 0, np.linspace(low, high, n), places)
    source, signs = folding(n, fold, [faces])
    extended = eye[source] * np.array(signs[0])[:, None]
    return fourier_interpolate(extended, 0, low, fold * (high - low), places)


def _spread(o: Observation) -> Array:
    """Return the standard deviation of every value of an observation."""
    std = np.ones(len(o.values)) if o.noise_std is None else np.broadcast_to(o.noise_std, len(o.values))
    return np.repeat(std, o.values.shape[1])


class Sensors:
    """All observations of a problem, sorted by time for one pass of the integrator.

    Attributes:
        values: Observed numbers ``(N,)``, component by component, row by row.
        noise: Their standard deviations, 1 where none was given.
        weighted: Whether the noise was given.
        order: Puts what one pass reads into the order of ``values``.
    """

    def __init__(self, problem: Problem, made: Discretisation) -> None:
        observations = problem.observations
        self._check(problem, made)
        self.groups = [_Group(problem, o, made) for o in observations]
        self.values = np.concatenate([o.values.ravel() for o in observations])
        self.weighted = observations[0].noise_std is not None
        self.noise = np.concatenate([_spread(o) for o in observations])
        self.times = np.unique(np.concatenate([g.times for g in self.groups]))
        offsets = np.cumsum([0, *(o.values.size for o in observations)])
        self.by_time: list[tuple[float, list[tuple[int, Rows]]]] = []
        order = []
        for t in self.times:
            rows = [(i, np.flatnonzero(g.times == t)) for i, g in enumerate(self.groups)]
            rows = [(i, r) for i, r in rows if len(r)]
            self.by_time.append((float(t), rows))
            for i, r in rows:
                width = len(self.groups[i].parts)
                order.append((offsets[i] + r[:, None] * width + np.arange(width)).ravel())
        self.order = torch.as_tensor(np.argsort(np.concatenate(order)), device=made.modes.device)

    @property
    def count(self) -> int:
        """Number of observed values."""
        return len(self.values)

    def read(self, made: Discretisation, state: Tensor, t: float, rows: list[tuple[int, Rows]]) -> Tensor:
        """Return what is observed at one time, ``(members, values)``."""
        return torch.cat([self.groups[i].read(made, state, t, r) for i, r in rows], dim=1)

    def _check(self, problem: Problem, made: Discretisation) -> None:
        given = {o.noise_std is not None for o in problem.observations}
        if len(given) > 1:
            msg = "noise_std is given for some observations and not for others, so they cannot be weighed."
            raise DataError("D234", msg, fix="give noise_std in every Observe(...), or in none")
        ends = {**problem.bounds, problem.frame.time.name: tuple(problem.number(e) for e in problem.time[1:])}
        for axis, x in enumerate(problem.frame.space):
            if x in problem.domain.infinite:
                points, shown = made.modes.coordinates[axis].flatten(), made.window.shown[axis]
                ends[x.name] = float(points[shown.start]), float(points[shown.stop - 1])
        for o in problem.observations:
            for name, places in o.points.items():
                low, high = ends[name]
                slack = 1e-9 * (high - low)
                if (outside := (places < low - slack) | (places > high + slack)).any():
                    msg = f"{o}: {name} = {places[outside][0]:g} lies outside [{low:g}, {high:g}]."
                    raise DataError("D233", msg, fix="drop those rows, or enlarge the domain or the time interval")
