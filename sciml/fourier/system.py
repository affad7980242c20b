"""A semilinear form on a grid: ``∂ₜẑ = L̂ ẑ + N̂(ẑ, t)`` with the mass matrix divided out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import sympy as sp
import torch
from torch import Tensor

from sciml.forms import SemilinearForm
from sciml.forms.semilinear import NoiseTerm, NonlinearTerm
from sciml.fourier.modes import Modes
from sciml.fourier.reflection import Reflections
from sciml.lower import Compiled, compile_expressions

__all__ = ["Columns", "System"]


class System:
    """The right-hand side of a form on the modes of a torus or a box.

    Args:
        form: The canonical form; its noise is left to :class:`~sciml.fourier.driving.Driving`.
        modes: The grid, with parameter values.
        reflections: The series of each field on the bounded axes.
        degree: Number of factors that products are dealiased for; 0 keeps all modes.
        varying: Symbols of the pointwise terms whose values are given anew at each evaluation.
    """

    def __init__(
        self,
        form: SemilinearForm,
        modes: Modes,
        reflections: Reflections,
        degree: int,
        varying: Sequence[sp.Symbol] = (),
    ) -> None:
        self.varying = tuple(varying)
        self.form, self.modes, self.reflections = form, modes, reflections
        self.states = modes.extension(reflections.states)
        self.mask = modes.mask(degree) if degree else None
        self.complex_dtype = modes.dtype.to_complex()
        self._zero = torch.zeros((1,) * (modes.dim + 1), dtype=modes.dtype, device=modes.device)
        self._slots = _Slots(form, modes)
        varying = [t for t in form.nonlinear if not self._is_static(t)]
        static = [t for t in form.nonlinear if self._is_static(t)]
        self._pointwise = self._compile([t.n for t in varying])
        self._columns = Columns(self, varying) if varying else None
        self._static = self._static_forcing(static) if static else None

    def _is_static(self, term: NonlinearTerm) -> bool:
        return not term.n.free_symbols & {
            self.form.frame.time,
            *self.varying,
            *(s.placeholder for s in self.form.slots),
        }

    def symbol(self, expr: sp.Expr) -> Tensor:
        """Return a symbol ready to multiply coefficients."""
        return self.modes.symbol(expr).to(self.complex_dtype)

    def compile(self, expressions: Sequence[sp.Expr], atoms: Sequence[sp.Symbol]) -> Compiled:
        """Compile pointwise expressions of ``atoms``, time, space and parameters."""
        frame = self.form.frame
        return compile_expressions(expressions, [*atoms, frame.time, *frame.space, *self.modes.parameters])

    def evaluate(self, program: Compiled, values: Sequence[Tensor], t: float | Tensor) -> tuple[Tensor, ...]:
        """Evaluate a program of :meth:`compile` on the grid; several times at once are ``(times, 1, 1, 1, 1)``."""
        time = self._zero
        if program.uses(self.form.frame.time):
            time = t.to(self._zero) if isinstance(t, Tensor) else torch.full_like(self._zero, t)
        return program(*values, time, *self.modes.coordinates, *self.modes.grid_parameters, like=time)

    def _compile(self, expressions: list[sp.Expr]) -> Compiled:
        return self.compile(expressions, [*(s.placeholder for s in self.form.slots), *self.varying])

    def _static_forcing(self, terms: list[NonlinearTerm]) -> Tensor:
        """Forcing without time or state is transformed once."""
        unused = [self._zero] * (len(self.form.slots) + len(self.varying))
        values = self.evaluate(self._compile([t.n for t in terms]), unused, 0.0)
        return Columns(self, terms)(values)

    def inputs(self, state: Tensor) -> Sequence[Tensor]:
        """Return the slot fields y on the grid, ``(..., batch, x, y, z)``, of states ``(..., batch, n, *spectrum)``."""
        return self._slots(state)

    def nonlinear(self, state: Tensor, t: float | Tensor, varying: Sequence[Tensor] = ()) -> Tensor:
        """Return ``N̂(ẑ, t)``: pointwise terms on the grid, transformed, dealiased; times as in :meth:`evaluate`."""
        if self._columns is None:
            return torch.zeros_like(state) if self._static is None else self._static.expand_as(state)
        total = self._columns(self.evaluate(self._pointwise, [*self.inputs(state), *varying], t))
        return total if self._static is None else total + self._static

    @property
    def is_linear(self) -> bool:
        """True where N̂ does not depend on the state or on time, so that every step is exact."""
        return self._columns is None

    def rate(self, state: Tensor, t: float) -> Tensor:
        """Return ``∂ₜẑ = L̂ ẑ + N̂(ẑ, t)``."""
        return self.linear_rate(state) + self.nonlinear(state, t)

    def linear_rate(self, state: Tensor) -> Tensor:
        """Return ``L̂ ẑ``."""
        linear = self.linear.to(self.complex_dtype)
        return linear * state if self.form.is_diagonal else torch.einsum("bij...,bj...->bi...", linear, state)

    def symmetrised(self, state: Tensor) -> Tensor:
        """Return the nearest coefficients of real fields with the symmetries of the faces.

        The inverse transform does not see what breaks them, so the right side cannot damp it:
        rounding errors there would grow freely wherever the linear part grows.
        """
        return self.states.projected(state) if self.modes.bounded else self.modes.symmetrised(state)

    @cached_property
    def linear(self) -> Tensor:
        """Return ``M⁻¹L``: ``(batch, n, *spectrum)`` if diagonal, else ``(batch, n, n, *spectrum)``, float64."""
        form, n = self.form, len(self.form.state)
        if form.is_diagonal:
            return _stacked([self.modes.symbol(form.propagator[i, i]) for i in range(n)])
        entries = [self.modes.symbol(form.propagator[i, j]) for i in range(n) for j in range(n)]
        matrix: Tensor = _stacked(entries).unflatten(1, (n, n))
        return matrix


class _Slots:
    """Evaluates all ``y_i = P_i(D) z_{f_i}`` with one product and one batched transform."""

    def __init__(self, form: SemilinearForm, modes: Modes) -> None:
        self.modes = modes
        states = [s.state for s in form.slots]
        self._symbol: Tensor | None = None
        self._picked: slice | Tensor = slice(None)
        self._any = bool(states)
        if states:
            single = len(set(states)) == 1
            self._picked = slice(states[0], states[0] + 1) if single else torch.tensor(states, device=modes.device)
            if states == list(range(len(form.state))):
                self._picked = slice(None)
            self._where = (..., self._picked, *(slice(None) for _ in range(modes.dim)))
            if any(s.symbol != 1 for s in form.slots):
                symbols = _stacked([modes.symbol(s.symbol) for s in form.slots])
                self._symbol = symbols.to(modes.dtype.to_complex())

    def __call__(self, state: Tensor) -> Sequence[Tensor]:
        if not self._any:
            return ()
        picked = state[self._where]
        fields = self.modes.backward(picked if self._symbol is None else picked * self._symbol)
        return fields.unbind(-self.modes.dim - 1)


class Columns:
    """Transforms pointwise terms and adds them to the rows they enter, dealiased."""

    def __init__(self, system: System, terms: Sequence[NonlinearTerm | NoiseTerm]) -> None:
        self.system = system
        wanted = [system.reflections.of_term(t) or system.reflections.neutral for t in terms]
        self._extension = system.modes.extension(wanted)
        entries: list[tuple[int, int, Tensor]] = []
        for m, term in enumerate(terms):
            for i, s in enumerate(system.form.inverse_mass * sp.Matrix(term.column)):
                if (s := sp.expand(s)) != 0:
                    values = system.modes.symbol(s)
                    entries.append((i, m, values if system.mask is None else values * system.mask))
        # The common case, one term in each row in order, is a single product.
        self._direct = [(i, m) for i, m, _ in entries] == [(i, i) for i in range(len(system.form.state))]
        dtype = system.complex_dtype
        self._all = _stacked([v for *_, v in entries]).to(dtype) if self._direct else None
        self._entries = [] if self._direct else [(i, m, v.to(dtype)) for i, m, v in entries]

    def __call__(self, values: Sequence[Tensor]) -> Tensor:
        """Return the rows ``(..., batch, n, *spectrum)`` of the values of the terms on the grid."""
        hats, place = self._extension(self._stack(values)), -self.system.modes.dim - 1
        if self._all is not None:
            return hats * self._all
        rows: list[Tensor | None] = [None] * len(self.system.form.state)
        for i, m, symbol in self._entries:
            row, hat = rows[i], hats.select(place, m)
            rows[i] = hat * symbol if row is None else torch.addcmul(row, hat, symbol)
        filled = next(r for r in rows if r is not None)
        return torch.stack([torch.zeros_like(filled) if r is None else r for r in rows], dim=place)

    def _stack(self, values: Sequence[Tensor]) -> Tensor:
        grid, dim = self.system.modes.grid, self.system.modes.dim
        if len(values) == 1 and values[0].shape[-dim:] == grid:
            return values[0].unsqueeze(-dim - 1)
        full = torch.broadcast_shapes(*(v.shape for v in values), (1, *grid))
        return torch.stack([v.expand(full) for v in values], dim=-dim - 1)


def _stacked(symbols: Sequence[Tensor]) -> Tensor:
    """Stack symbols ``(1 or batch, *spectrum)`` along a new axis 1, complex if one of them is."""
    if any(s.is_complex() for s in symbols):
        symbols = [s.to(torch.complex128) for s in symbols]
    return torch.stack(torch.broadcast_tensors(*symbols), dim=1)
