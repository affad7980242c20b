"""The response of a form to plane waves: what its equations say, whatever way they are written.

With ``z = Σ_a z^a exp(i k^a·x)`` the part of degree p of ``M⁻¹ Σ_m A_m[n_m]`` has the coefficients

    N̂_i(k¹+…+k^p) = Σ T[i; j_1…j_p](k¹…k^p) z¹_{j_1} … z^p_{j_p},

and T, made symmetric under exchange of the waves together with their indices, is unique. Two
declarations of one evolution have the same T, be they conservative, expanded, scaled, or written
with a stream function; a wrong sign or a forgotten term changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import factorial, prod
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.text import text
from sciml.forms.frame import Frame
from sciml.forms.semilinear import NonlinearTerm, SemilinearForm, Slot

__all__ = ["Monomial", "Refusal", "Response", "linear_symbol", "monomials", "multilinear_symbol", "wave_symbols"]

Array = np.ndarray[Any, np.dtype[Any]]
Waves = tuple[tuple[sp.Symbol, ...], ...]


def wave_symbols(frame: Frame, count: int) -> Waves:
    """Return fresh wavenumber symbols for each of several waves."""
    return tuple(tuple(sp.Dummy(f"{k.name}{a + 1}", real=True) for k in frame.k.values()) for a in range(count))


@dataclass(frozen=True)
class Refusal:
    """Why a part of a form has no response: ``expr`` has a coefficient that is not constant.

    A coefficient that depends on space makes other waves of the waves it is given, one that
    depends on time makes another response at each time.
    """

    expr: sp.Expr
    coordinates: tuple[sp.Symbol, ...]

    def __str__(self) -> str:
        names = " and ".join(map(str, self.coordinates))
        return f"the coefficient of {text(self.expr)} depends on {names}"


@dataclass(frozen=True, eq=False)
class Response:
    """A multilinear symbol.

    Attributes:
        waves: The wavenumber symbols of each wave, one per space coordinate.
        array: ``T[i, j_1, …, j_p]``, expressions in them and in parameters.
    """

    waves: Waves
    array: Array

    @property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """The symbols besides the wavenumbers."""
        found = set().union(*(e.free_symbols for e in self.array.flat))
        return tuple(sorted(found - {k for wave in self.waves for k in wave}, key=str))

    def part(self, *indices: tuple[int, ...]) -> Response:
        """Return the block of the given rows and columns, one tuple of indices per axis."""
        return Response(self.waves, self.array[np.ix_(*indices)])

    def at(self, waves: Array, parameters: Mapping[sp.Symbol, float]) -> Array:
        """Evaluate at wave vectors of shape ``(p, dim, *batch)``; returns ``(*array.shape, *batch)``."""
        values = self._compiled(*waves.reshape(-1, *waves.shape[2:]), *(parameters[s] for s in self.parameters))
        filled = [np.broadcast_to(np.asarray(v, dtype=complex), waves.shape[2:]) for v in values]
        return np.stack(filled).reshape(*self.array.shape, *waves.shape[2:])

    @cached_property
    def _compiled(self) -> Any:
        arguments = [*(k for wave in self.waves for k in wave), *self.parameters]
        return sp.lambdify(arguments, list(self.array.flat), [{"Reciprocal": _reciprocal}, "numpy"], cse=True)


def _reciprocal(value: Array) -> Array:
    value = np.asarray(value)
    with np.errstate(divide="ignore"):
        return np.where(value == 0, 0, 1 / value)


@dataclass(frozen=True)
class Monomial:
    """One additive part of a pointwise term: ``coefficient · Π slots``, or any function of the slots.

    Attributes:
        term: The nonlinear term it belongs to.
        expr: The part itself.
        coefficient: Its factor that is free of the state; holds coordinates if the part does.
        slots: The linear maps of the state that are multiplied; None if it is not a polynomial.
    """

    term: NonlinearTerm
    expr: sp.Expr
    coefficient: sp.Expr
    slots: tuple[Slot, ...] | None

    @property
    def degree(self) -> int | None:
        """Number of factors; None if it is not a polynomial of the state."""
        return None if self.slots is None else len(self.slots)


def monomials(form: SemilinearForm) -> tuple[Monomial, ...]:
    """Take the pointwise terms of a form apart."""
    return tuple(m for term in form.nonlinear for m in _of_term(term, form.slots))


def _of_term(term: NonlinearTerm, slots: tuple[Slot, ...]) -> list[Monomial]:
    used = [s for s in slots if s.placeholder in term.n.free_symbols]
    if not used:
        return [Monomial(term, term.n, term.n, ())]
    if term.degree is None:
        parts = sp.Add.make_args(term.n)
        if len(parts) == 1:
            return [Monomial(term, term.n, sp.S.One, None)]
        degrees = [_degree(p, used) for p in parts]
        split = [NonlinearTerm(term.column, p, d, term.origins) for p, d in zip(parts, degrees, strict=True)]
        return [m for t in split for m in _of_term(t, slots)]
    placeholders = [s.placeholder for s in used]
    found = []
    for powers, c in sp.Poly(term.n, *placeholders).terms():
        factors = tuple(s for s, n in zip(used, powers, strict=True) for _ in range(n))
        found.append(Monomial(term, c * prod(s.placeholder for s in factors), c, factors))
    return found


def _degree(expr: sp.Expr, slots: list[Slot]) -> int | None:
    try:
        return int(sp.Poly(expr, *(s.placeholder for s in slots)).total_degree())
    except sp.PolynomialError:
        return None


def linear_symbol(form: SemilinearForm) -> Response:
    """Return ``M⁻¹L``, the response of the linear part."""
    waves = wave_symbols(form.frame, 1)
    renamed = dict(zip(form.frame.k.values(), waves[0], strict=True))
    array = np.empty(form.propagator.shape, dtype=object)
    for index in np.ndindex(array.shape):
        array[index] = form.propagator[index].xreplace(renamed)
    return Response(waves, array)


def multilinear_symbol(form: SemilinearForm, degree: int) -> Response | Refusal:
    """Return the response of the part of one degree in the state.

    Args:
        form: Any form; parts of other degrees, and parts that are no polynomials, are left out.
        degree: Number of waves, at least 1.

    Returns:
        The symmetric symbol, or why there is none.
    """
    n, frame = len(form.state), form.frame
    waves = wave_symbols(frame, degree)
    at = [dict(zip(frame.k.values(), wave, strict=True)) for wave in waves]
    at_sum = {k: sp.Add(*(wave[k] for wave in at)) for k in frame.k.values()}
    array = np.full((n,) * (degree + 1), sp.S.Zero, dtype=object)
    for m in monomials(form):
        if m.slots is None or m.degree != degree:
            continue
        if found := m.coefficient.free_symbols & frame.coordinates:
            return Refusal(form.expression(m.expr), tuple(sorted(found, key=str)))
        column = [c.xreplace(at_sum) for c in form.inverse_mass * sp.Matrix(m.term.column)]
        for order in permutations(range(degree)):
            # Factor a of the product takes wave order[a].
            factor = sp.Mul(*(s.symbol.xreplace(at[wave]) for s, wave in zip(m.slots, order, strict=True)))
            states = tuple(m.slots[order.index(wave)].state for wave in range(degree))
            for i, c in enumerate(column):
                array[(i, *states)] += m.coefficient * c * factor / factorial(degree)
    return Response(waves, array)
