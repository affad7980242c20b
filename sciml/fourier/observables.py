"""What a solution stores, evaluated from the state: fields, outputs, spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from torch import Tensor

from sciml.fourier.discretisation import Discretisation
from sciml.labels import Labels, component_names

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["Observables"]

Array = np.ndarray[Any, Any]


class Observables:
    """Evaluates every variable of a problem for a batch of states.

    Args:
        problem: What is solved.
        made: Its form on the grid.
        labels: Which variables are numbers, and which are spectra.
    """

    def __init__(self, problem: Problem, made: Discretisation, labels: Labels) -> None:
        self.made = made
        form = problem.form
        self._variables = [
            (label, form.in_states(e), labels.is_global(name))
            for name, parts in problem.variables().items()
            if name not in labels.spectra
            for label, e in zip(component_names(problem, name), parts, strict=True)
        ]
        self._spectra = {
            name: [form.in_states(e) for e in problem.variables()[name]] for name in sorted(labels.spectra)
        }

    def __call__(self, state: Tensor, t: float, members: int) -> dict[str, Array]:
        """Return each variable: ``(members, *stored grid)``, ``(members,)`` or ``(members, shells)``."""
        made, known = self.made, dict[sp.Expr, Tensor]()
        modes, shown, out = made.modes, made.window.shown, {}
        for label, expr, whole in self._variables:
            value = made.observer.value(expr, state, t, known)
            if whole:
                value = value.reshape(value.shape[0]).expand(members)
            else:
                value = value.expand(members, *modes.grid)[(slice(None), *shown)]
            out[label] = value.cpu().numpy().copy()
        for name, parts in self._spectra.items():
            fields = [made.observer.value(e, state, t, known) for e in parts]
            out[name] = modes.shells([f.expand(members, *modes.grid) for f in fields]).cpu().numpy()
        return out

    def along(self, states: Tensor, times: Array) -> dict[str, Array]:
        """Return each variable at several times, ``(members, time, ...)``, of ``(time, members, n, *spectrum)``."""
        form, members = self.made.form, states.shape[1]
        plain = {label: form.state.index(e) for label, e, whole in self._variables if not whole and e in form.state}
        place = -self.made.modes.dim - 1
        out: dict[str, Array] = {}
        for label, i in plain.items():  # all times in one transform
            fields = self.made.modes.backward(states.select(place, i)).transpose(0, 1)
            out[label] = fields[(slice(None), slice(None), *self.made.window.shown)].cpu().numpy()
        if len(plain) < len(self._variables) or self._spectra:
            rows = [self(state, float(t), members) for state, t in zip(states, times, strict=True)]
            out = {n: np.stack([r[n] for r in rows], axis=1) for n in rows[0]} | out
        return out
