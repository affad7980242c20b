"""Evaluate expressions of the state on the grid: outputs, recovered fields, initial values."""

from __future__ import annotations

import sympy as sp
from torch import Tensor

from sciml.dsl.arrays import Sampled
from sciml.dsl.measures import Measure
from sciml.dsl.operators import Integral, Maximum
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import text
from sciml.errors import DataError
from sciml.forms.multiplier import Multiplier, atoms_of
from sciml.fourier.sources import Sources
from sciml.fourier.system import System
from sciml.lower import Compiled

__all__ = ["Observer"]


class Observer:
    """Evaluates expressions in component language, multipliers and integrals included."""

    def __init__(self, system: System, sources: Sources) -> None:
        self.system, self.modes, self.form = system, system.modes, system.form
        self.sources = sources
        self._programs: dict[sp.Expr, tuple[Compiled, list[sp.Expr]]] = {}
        self._symbols: dict[sp.Expr, Tensor] = {}

    def __call__(self, expr: sp.Expr, state: Tensor | None, t: float) -> Tensor:
        """Return the values of ``expr``, ``(batch, x, y, z)`` or, for an integral, ``(batch, 1, 1, 1)``."""
        return self.value(expr, state, t, {})

    def value(self, expr: sp.Expr, state: Tensor | None, t: float, known: dict[sp.Expr, Tensor]) -> Tensor:
        """Like a call; ``known`` keeps the fields that several expressions share."""
        if expr not in self._programs:
            atoms = sorted(atoms_of(expr), key=sp.default_sort_key)
            dummies = {a: sp.Dummy() for a in atoms}
            self._programs[expr] = self.system.compile([expr.xreplace(dummies)], list(dummies.values())), atoms
        program, atoms = self._programs[expr]
        for atom in atoms:
            if atom not in known:
                known[atom] = self._atom(atom, state, t, known)
        (result,) = self.system.evaluate(program, [known[a] for a in atoms], t)
        return result.reshape((1,) * (self.modes.dim + 1)) if result.ndim == 0 else result

    def _atom(self, atom: sp.Expr, state: Tensor | None, t: float, known: dict[sp.Expr, Tensor]) -> Tensor:
        if isinstance(atom, Integral):
            values = self._on_grid(self.value(atom.args[0], state, t, known))
            axes = tuple(range(-self.modes.dim, 0))
            even = self.system.reflections.of(atom.args[0]) == self.system.reflections.neutral
            weights = self.modes.even_quadrature if even else self.modes.quadrature
            return (values * weights).sum(axes, keepdim=True)
        if isinstance(atom, Maximum):
            values = self._on_grid(self.value(atom.args[0], state, t, known))
            values = values[(slice(None), *self.modes.region)]
            return values.amax(tuple(range(-self.modes.dim, 0)), keepdim=True)
        if isinstance(atom, (Sampled, RandomField, Measure)):
            return self.sources(atom)
        return self.modes.backward(self._coefficients(atom, state, t, known))

    def _coefficients(self, atom: sp.Expr, state: Tensor | None, t: float, known: dict[sp.Expr, Tensor]) -> Tensor:
        if isinstance(atom, Multiplier):
            if atom.symbol not in self._symbols:
                self._symbols[atom.symbol] = self.system.symbol(atom.symbol)
            operand = atom.operand
            if atoms_of(operand) == {operand} and not isinstance(operand, (Sampled, RandomField, Measure)):
                inner = self._coefficients(operand, state, t, known)
            else:
                values = self._on_grid(self.value(operand, state, t, known))
                signature = self.system.reflections.of(operand)
                if signature is None:
                    msg = (
                        f"an output applies an operator to {text(operand)}, which is neither odd nor even at the faces."
                    )
                    raise DataError("D213", msg, fix="write its derivatives out by the product rule")
                inner = self.modes.extension([signature])(values[:, None])[:, 0]
            return inner * self._symbols[atom.symbol]
        assert state is not None  # initial values hold no fields: checked at declaration
        if isinstance(atom, sp.Derivative):
            return self.system.rate(state, t)[:, self.form.state.index(atom.expr)]
        return state[:, self.form.state.index(atom)]

    def _on_grid(self, values: Tensor) -> Tensor:
        return values.expand(values.shape[0], *self.modes.grid)
