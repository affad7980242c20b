"""A stored answer of DRVM evaluated anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import torch
import xarray as xr
from torch import Tensor

from sciml.errors import DataError
from sciml.forms.multiplier import atoms_of
from sciml.grid import grid_of
from sciml.labels import component_names
from sciml.lower import compile_expressions
from sciml.run import Run
from sciml.solvers.drvm import network_atoms
from sciml.solvers.drvm.engine import DRVMEngine
from sciml.solvers.drvm.field import VortexField
from sciml.solvers.drvm.stored import networks_of

if TYPE_CHECKING:
    from sciml.solution import Solution
    from sciml.solvers.drvm import DRVM

__all__ = ["FlowPredictor"]

Array = np.ndarray[Any, Any]


class FlowPredictor:
    """Velocity, vorticity and pointwise functions of them, at any time and place of a solution.

    Args:
        method: The method that computed it.
        solution: With the arrays of its networks.
    """

    def __init__(self, method: DRVM, solution: Solution) -> None:
        problem = solution.problem
        seed = int(solution.provenance["run"].get("seed", 0))
        self.engine = DRVMEngine(method, problem, grid_of(problem, solution.ds), Run(seed=seed, device="cpu"))
        self.field = VortexField(self.engine.flow, networks_of(solution.model, self.engine.flow))
        self.problem, self.found = problem, self.engine.found
        self.atoms = network_atoms(self.found)

    def variables(self) -> list[str]:
        """Return the names of what can be evaluated off the grid."""
        form = self.found.form
        return [
            name
            for name, parts in self.problem.variables().items()
            if all(atoms_of(form.in_states(e)) <= set(self.atoms) for e in parts)
        ]

    def __call__(self, times: Array, axes: Mapping[str, Array]) -> xr.Dataset:
        """Return these variables over the product of times and axes.

        Raises:
            DataError: A time outside those that were computed.
        """
        start, end = self.engine.flow.times[0], self.field.end
        outside = (times < start - 1e-9 * (end - start)) | (times > end + 1e-9 * (end - start))
        if outside.any():
            msg = f"time {times[outside][0]:g} lies outside [{start:g}, {end:g}], where the solution is known."
            raise DataError("D209", msg)
        mesh = np.meshgrid(*axes.values(), indexing="ij")
        points = torch.as_tensor(np.stack([m.ravel() for m in mesh], axis=1))
        rows = [self._at(float(t), points) for t in times]
        dims = ("time", *reversed(list(axes)))
        shape = (len(times), *mesh[0].shape)
        back = (0, *range(len(axes), 0, -1))
        arrays = {n: (dims, np.stack([r[n] for r in rows]).reshape(shape).transpose(back)) for n in rows[0]}
        return xr.Dataset(arrays, {"time": times, **axes})

    def _at(self, time: float, points: Tensor) -> dict[str, Array]:
        form, frame, numbers = self.found.form, self.problem.frame, self.engine.numbers
        with torch.no_grad():
            velocity = self.field.velocity(time, points)
            vorticity = self.field.vorticity(time, points)
        columns = [velocity[:, 0], velocity[:, 1], vorticity]
        dummies = {a: sp.Dummy() for a in self.atoms}
        values = [sign * columns[place] for place, sign in self.atoms.values()]
        fixed = [torch.tensor(v, dtype=torch.float64) for v in numbers.values()]
        inputs = [*dummies.values(), frame.time, *frame.space, *numbers]
        out = {}
        for name in self.variables():
            labels = component_names(self.problem, name)
            for label, expr in zip(labels, self.problem.variables()[name], strict=True):
                program = compile_expressions([form.in_states(expr).xreplace(dummies)], inputs)
                clock = torch.full_like(vorticity, time)
                (found,) = program(*values, clock, points[:, 0], points[:, 1], *fixed)
                out[label] = found.expand_as(vorticity).numpy()
        return out
