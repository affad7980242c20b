"""The canonical form of evolution equations: the narrow waist between problem and method.

    M(k) ∂ₜz = L(k) z + Σ_m A_m(k)[ n_m(y, x, t; θ) ] + Σ_s B_s(k)[ g_s(y, x, t; θ) ξ_s ],
    y = (P_1(D) z_{f1}, P_2(D) z_{f2}, …)

M, L, A, B, P are Fourier symbols; y is the deduplicated tuple of linear maps of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.text import text
from sciml.dsl.wavenumbers import squared_norm
from sciml.errors import DeclarationError
from sciml.forms.eliminate import inverse
from sciml.forms.frame import Frame
from sciml.forms.multiplier import (
    Multiplier,
    atoms_of,
    explicit_derivatives,
    multiply,
    rebuild,
    substitute,
)
from sciml.forms.rows import Origin

__all__ = ["Constraint", "NoiseTerm", "NonlinearTerm", "SemilinearForm", "Slot", "slot_symbol"]


@cache
def slot_symbol(index: int) -> sp.Dummy:
    """Return the placeholder ``y_i`` of the i-th linear map of the state."""
    return sp.Dummy(f"y{index}", real=True)


@dataclass(frozen=True)
class Slot:
    """One input ``y_i = symbol(D) z[state]`` of the pointwise terms."""

    state: int
    symbol: sp.Expr
    placeholder: sp.Symbol


@dataclass(frozen=True)
class NonlinearTerm:
    """``column(k)[n(y, x, t; θ)]``; ``degree`` is the polynomial degree in y, None if there is none."""

    column: tuple[sp.Expr, ...]
    n: sp.Expr
    degree: int | None
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class NoiseTerm:
    """``column(k)[g(y, x, t; θ) ξ]``."""

    column: tuple[sp.Expr, ...]
    amplitude: sp.Expr
    noise: sp.Expr
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class Constraint:
    """``expr = 0`` at all times, or only its mean if ``mean_only``; from the named equation."""

    equation: str
    expr: sp.Expr
    mean_only: bool = False


@dataclass(frozen=True, eq=False)
class SemilinearForm:
    """An evolution equation, as every method sees it.

    Attributes:
        frame: Time and space coordinates.
        state: The evolving fields z.
        order: Highest time derivative of each declared field; 0 for algebraic ones.
        mass: ``M(k)``, a matrix of symbols.
        linear: ``L(k)``, a matrix of symbols.
        slots: The inputs y.
        nonlinear: The terms ``A_m[n_m]``, forcing included.
        noise: The terms ``B_s[g_s ξ_s]``.
        recover: Declared fields that are not in the state, as maps of it.
        lift: Each state field's initial value in terms of the declared fields and their time derivatives.
        chain: The states that stand for each field and its lower time derivatives.
        constraints: What initial data must satisfy, and the evolution preserves.
        origins: For each state row, the user's terms it was made of.
    """

    frame: Frame
    state: tuple[sp.Expr, ...]
    order: Mapping[sp.Expr, int]
    mass: sp.ImmutableMatrix
    linear: sp.ImmutableMatrix
    slots: tuple[Slot, ...]
    nonlinear: tuple[NonlinearTerm, ...]
    noise: tuple[NoiseTerm, ...] = ()
    recover: Mapping[sp.Expr, sp.Expr] = field(default_factory=dict)
    lift: Mapping[sp.Expr, sp.Expr] = field(default_factory=dict)
    chain: Mapping[sp.Expr, tuple[sp.Expr, ...]] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    origins: tuple[tuple[Origin, ...], ...] = ()

    @cached_property
    def inverse_mass(self) -> sp.ImmutableMatrix:
        """``M⁻¹``, 0 where its determinant vanishes (those modes do not evolve)."""
        found = inverse(sp.Matrix(self.mass), self.frame)
        return sp.ImmutableMatrix(found)

    @cached_property
    def propagator(self) -> sp.ImmutableMatrix:
        """``M⁻¹ L``: the generator of the linear flow."""
        return sp.ImmutableMatrix((self.inverse_mass * self.linear).applyfunc(sp.expand))

    @property
    def is_diagonal(self) -> bool:
        """True where each field's linear flow is independent of the others."""
        return bool(self.propagator.is_diagonal())

    @property
    def degree(self) -> int | None:
        """Largest polynomial degree of the pointwise terms; None if one is not a polynomial."""
        degrees = [term.degree for term in self.nonlinear]
        return None if None in degrees else max((d for d in degrees if d is not None), default=0)

    def expression(self, pointwise: sp.Expr) -> sp.Expr:
        """Replace the placeholders y in a pointwise expression by what they stand for."""
        maps = {s.placeholder: multiply(self.state[s.state], s.symbol, self.frame) for s in self.slots}
        return pointwise.xreplace(maps)

    def slots_in(self, pointwise: sp.Expr) -> tuple[int, ...]:
        """Return the indices of the slots that occur in a pointwise expression."""
        return tuple(i for i, s in enumerate(self.slots) if s.placeholder in pointwise.free_symbols)

    @property
    def is_multiplicative(self) -> bool:
        """True where an unknown multiplies noise."""
        return any(self.slots_in(term.amplitude) for term in self.noise)

    def declared(self, state: sp.Expr) -> sp.Expr:
        """Return the field that a state is, or stands for between faces with nonzero values."""
        fields = self.lift[state].atoms(AppliedUndef)
        return state if self.lift[state].has(sp.Derivative) or len(fields) != 1 else fields.pop()

    def in_states(self, expr: sp.Expr) -> sp.Expr:
        """Express recovered fields and time derivatives by the state and ``∂ₜ`` of it.

        Raises:
            DeclarationError: A time derivative of higher order than the equations determine.
        """

        def replace(atom: sp.Expr) -> sp.Expr | None:
            if not isinstance(atom, sp.Derivative):
                return None
            chain = self.chain[atom.expr]
            n = int(sum(c for _, c in atom.variable_count))
            if n > len(chain):
                msg = f"{text(atom)} is of higher order in time than the equations determine."
                raise DeclarationError("S162", msg, fix=f"use at most Dt({text(atom.expr)}, {len(chain)})")
            return chain[n] if n < len(chain) else sp.Derivative(chain[-1], self.frame.time)

        in_state = rebuild(substitute(expr, self.recover, self.frame), self.frame, replace)
        return explicit_derivatives(in_state, self.frame)

    @property
    def targets(self) -> dict[sp.Expr, tuple[sp.Expr, ...]]:
        """What initial conditions are needed for: fields and time derivatives, with the states they set."""
        out: dict[sp.Expr, tuple[sp.Expr, ...]] = {}
        for state, expr in self.lift.items():
            for target in atoms_of(expr):
                base = target.operand if isinstance(target, Multiplier) else target
                out[base] = (*out.get(base, ()), state)
        return out

    def symbol_text(self, symbol: sp.Expr) -> str:
        """Print a Fourier symbol with ``|k|^2`` for the sum of squares."""
        shown = text(sp.factor(symbol))
        norm = text(squared_norm(self.frame.k))
        shown = shown.replace(f"Reciprocal({norm})", "|k|^-2")
        return shown.replace(f"({norm})", "|k|^2").replace(norm, "|k|^2") if self.frame.dim > 1 else shown

    def _row_text(self, row: int, matrix: sp.Matrix, mark: str = "") -> str:
        entries = [(matrix[row, j], f"{mark}{text(f)}") for j, f in enumerate(self.state)]
        shown = [f"[{self.symbol_text(s)}] {f}" if s != 1 else f for s, f in entries if s != 0]
        return " + ".join(shown)

    def _column_text(self, row: int) -> list[str]:
        parts = []
        for m, term in enumerate(self.nonlinear):
            if (s := term.column[row]) != 0:
                parts.append(f"n{m}" if s == 1 else f"[{self.symbol_text(s)}] n{m}")
        for m, noise in enumerate(self.noise):
            if (s := noise.column[row]) != 0:
                parts.append(
                    f"g{m}*{text(noise.noise)}" if s == 1 else f"[{self.symbol_text(s)}](g{m}*{text(noise.noise)})"
                )
        return parts

    def __str__(self) -> str:
        lines = []
        for i in range(len(self.state)):
            right = [p for p in (self._row_text(i, self.linear), *self._column_text(i)) if p]
            lines.append(f"{self._row_text(i, self.mass, 'd/dt ')} = {' + '.join(right) or '0'}")
        for m, term in enumerate(self.nonlinear):
            lines.append(f"  n{m} = {text(term.n)}")
        for m, noise in enumerate(self.noise):
            lines.append(f"  g{m} = {text(noise.amplitude)}")
        for s in self.slots:
            target = text(self.state[s.state])
            shown = target if s.symbol == 1 else f"[{self.symbol_text(s.symbol)}] {target}"
            lines.append(f"  {text(s.placeholder)} = {shown}")
        for f, e in self.recover.items():
            lines.append(f"  {text(f)} = {self.symbol_text(e) if not e.args else text(e)}")
        for c in self.constraints:
            shown = f"mean({text(c.expr)}) = 0" if c.mean_only else f"{text(c.expr)} = 0"
            lines.append(f"  constraint from '{c.equation}': {shown}")
        return "\n".join(lines)
