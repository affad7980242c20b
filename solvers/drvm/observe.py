"""From velocity and vorticity on the stored grid to every variable of the problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.compute import device_of
from sciml.dsl.operators import Integral
from sciml.forms import Recognition
from sciml.forms.multiplier import atoms_of
from sciml.fourier.modes import Modes
from sciml.fourier.observe import Observer
from sciml.fourier.reflection import Reflections
from sciml.fourier.sources import Sources
from sciml.fourier.system import System
from sciml.labels import component_names
from sciml.solvers.drvm import inner_atoms, network_atoms

if TYPE_CHECKING:
    from sciml.grid import Storage
    from sciml.problem import Problem
    from sciml.run import Run

__all__ = ["Observables", "Particles"]

Array = np.ndarray[Any, Any]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(3)  # exact for moments up to degree 5


@dataclass(frozen=True)
class Particles:
    """Particles ``(N, 2)`` with circulations ``(N,)``, each a Gaussian of this variance per coordinate."""

    positions: Tensor
    weights: Tensor
    variance: float


class Observables:
    """Evaluates the variables of a problem.

    Vorticity and velocity are those of the networks; other linear maps of the vorticity are applied
    to it on the grid, on a torus. Integrals that are linear in the vorticity are sums over particles.

    Args:
        problem: The declaration.
        found: What was recognised in it.
        storage: The stored grid.
        numbers: Values of parameters and mean velocities.
        run: Device and seed.
    """

    def __init__(
        self, problem: Problem, found: Recognition, storage: Storage, numbers: Mapping[sp.Symbol, float], run: Run
    ) -> None:
        self.problem, self.found, self.form = problem, found, found.form
        self.atoms = network_atoms(found)
        ends = [storage.ends.get(name, bounds) for name, bounds in problem.bounds.items()]
        steps = [
            (hi - lo) / (n if x in problem.domain.periodic else n - 1)
            for x, (lo, hi), n in zip(problem.frame.space, ends, storage.points, strict=True)
        ]
        device = device_of(run)
        self.modes = Modes(
            frame=self.form.frame,
            grid=storage.points,
            low=tuple(lo for lo, _ in ends),
            lengths=tuple(h * n for h, n in zip(steps, storage.points, strict=True)),
            folds=(1, 1),
            parameters={s: torch.tensor(v, dtype=torch.float64, device=device) for s, v in numbers.items()},
            device=device,
            dtype=torch.float64,
        )
        system = System(self.form, self.modes, Reflections(self.form, problem.faces), 0)
        self.observer = Observer(system, Sources(self.modes, problem.arrays, run.seed, None))
        self.variables = [
            (label, self.form.in_states(e))
            for name, parts in problem.variables().items()
            for label, e in zip(component_names(problem, name), parts, strict=True)
        ]
        self.needs_series = any(inner_atoms(e) - set(self.atoms) for _, e in self.variables)
        self.moments = self._moments()

    @property
    def points(self) -> Tensor:
        """Points of the grid, ``(P, 2)``."""
        grid = torch.broadcast_tensors(*(c.reshape(c.shape[-2:]) for c in self.modes.coordinates))
        return torch.stack([g.flatten() for g in grid], dim=1)

    def _moments(self) -> dict[sp.Expr, sp.Expr]:
        """Return the integrals ``∫ f ω`` among the atoms, with their f."""
        w = self.found.vorticity[0]
        out: dict[sp.Expr, sp.Expr] = {}
        if self.problem.domain.periodic:
            return out  # where sums over the grid are exact
        for _, expr in self.variables:
            for atom in atoms_of(expr):
                if isinstance(atom, Integral) and inner_atoms(atom) == {w}:
                    dummy = sp.Dummy()
                    inside = sp.expand(atom.args[0].xreplace({w: dummy}))
                    factor = inside.coeff(dummy, 1)
                    if not factor.has(dummy) and sp.expand(inside - factor * dummy) == 0:
                        out[atom] = factor
        return out

    def __call__(
        self, time: float, velocity: Tensor, vorticity: Tensor, particles: Sequence[Particles]
    ) -> dict[str, Array]:
        """Return every stored variable, space axes in the order of the domain, without batch.

        Args:
            time: t.
            velocity: On the grid, ``(P, 2)``, without mean flow.
            vorticity: ``(P,)``.
            particles: What stands for the vorticity in integrals.
        """
        grid = (1, *self.modes.grid)
        columns = [velocity[:, 0], velocity[:, 1], vorticity]
        known = {a: (sign * columns[place]).reshape(grid) for a, (place, sign) in self.atoms.items()}
        known |= {atom: self._integrated(f, time, particles) for atom, f in self.moments.items()}
        state = self.modes.forward(vorticity.reshape(1, *grid)) if self.needs_series else None
        out = {}
        for label, expr in self.variables:
            values = self.observer.value(expr, state, time, known)
            is_number = values.numel() == 1
            out[label] = values.reshape(()) if is_number else values.expand(grid)[0]
        return {label: v.cpu().numpy() for label, v in out.items()}

    def _integrated(self, factor: sp.Expr, time: float, particles: Sequence[Particles]) -> Tensor:
        """Return ``Σ_j w_j E f(X_j + sξ)``."""
        program = self.observer.system.compile([factor], [])
        parameters = [v.reshape(1) for v in self.modes.parameters.values()]
        total = torch.zeros((), dtype=torch.float64, device=self.modes.device)
        for group in particles:
            clock, spread = torch.full_like(group.weights, time), group.variance**0.5
            for i, j in np.ndindex(len(NODES), len(NODES)):
                x, y = (group.positions[:, a] + spread * float(NODES[n]) for a, n in ((0, i), (1, j)))
                (values,) = program(clock, x, y, *parameters, like=clock)
                share = float(WEIGHTS[i] * WEIGHTS[j] / WEIGHTS.sum() ** 2)
                total = total + share * (values * group.weights).sum()
        return total.reshape(1, 1, 1)
