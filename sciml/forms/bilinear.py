"""The two quadratic terms of incompressible flow, and how much of each a response holds.

    ∂ₜω = -a (v·∇)ω + b (ω·∇)v,   v = curl (-Δ)⁻¹ ω,

with a = b = 1 in three dimensions; in two, ω is a scalar and there is no stretching (b). On the
response to plane waves both are explicit, so a and b follow from a few wave vectors exactly, and
whether nothing else is there from others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.operators import BiotSavart, Curl
from sciml.dsl.wavenumbers import Wavenumbers
from sciml.forms.norm import plain, rounded
from sciml.forms.response import Response, Waves

__all__ = ["combination", "curl_symbol", "expected", "is_combination", "velocity_symbol"]

Array = np.ndarray[Any, np.dtype[Any]]

PAIRS = 20  # of random wave vectors
TOLERANCE = 1e-10  # relative
SMALL = 1500  # operations of an expression that SymPy still cancels in well under a second
# Integer wave vectors and directions: a and b come out as exact expressions in the parameters.
INTEGERS = (((1, 2, 3), (2, -1, 1)), ((2, 1, -1), (1, 3, 2)), ((3, -1, 2), (-1, 1, 4)))
DIRECTIONS = ((1, 0, 1), (0, 1, 2))


def velocity_symbol(k: Wavenumbers) -> Array:
    """Return ``B[m, j]`` with ``v_m = B[m, j](D) ω_j``, in the coordinate order of the domain."""
    symbol = np.array(BiotSavart(sp.Symbol("w")).symbol(k, 0 if len(k) == 2 else 1), dtype=object)
    return symbol.reshape(len(k), -1)


def curl_symbol(k: Wavenumbers) -> Array:
    """Return ``C[j, m]`` with ``ω_j = C[j, m](D) v_m``."""
    symbol = np.array(Curl(sp.Symbol("v")).symbol(k, 1), dtype=object)
    return symbol.reshape(-1, len(k))


def expected(waves: Waves) -> tuple[Response, ...]:
    """Return the responses of advection, and of stretching in three dimensions, for a = b = 1."""
    dim = len(waves[0])
    v = [velocity_symbol({sp.Dummy(): k for k in wave}) for wave in waves]
    n = v[0].shape[1]
    advection = np.full((n, n, n), sp.S.Zero, dtype=object)
    stretching = np.full((n, n, n), sp.S.Zero, dtype=object)
    for this, other in ((0, 1), (1, 0)):  # which wave takes the first factor
        for i, j, m in np.ndindex(n, n, dim):
            first, second = ((j, i), (i, j))[this]
            advection[i, first, second] -= v[this][m, j] * sp.I * waves[other][m] / 2
        for i, m, j in np.ndindex(n, n, n if dim == 3 else 0):
            first, second = ((m, j), (j, m))[this]
            stretching[i, first, second] += sp.I * waves[other][m] * v[other][i, j] / 2
    terms = (advection, stretching) if dim == 3 else (advection,)
    return tuple(Response(waves, t) for t in terms)


def combination(response: Response, basis: Sequence[Response]) -> tuple[sp.Expr, ...] | None:
    """Return coefficients c with ``response = Σ c_i basis_i`` on fields without divergence.

    Returns:
        Expressions in the parameters, or None if the response holds something else.
    """
    columns = [sp.Matrix([value for pair in INTEGERS for value in _exact(r, pair)]) for r in (*basis, response)]
    left, right = sp.Matrix.hstack(*columns[:-1]), columns[-1]
    chosen = list(left.T.rref()[1])  # as many independent equations as there are coefficients
    found = left[chosen, :].inv() * right[chosen, :]
    coefficients = tuple(rounded(sp.cancel(c)) for c in found)
    return coefficients if is_combination(response, basis, coefficients) else None


def _exact(response: Response, pair: tuple[tuple[int, ...], ...]) -> list[sp.Expr]:
    """Evaluate at one pair of integer wave vectors, with amplitudes orthogonal to them."""
    n = response.array.shape[0]
    at = {
        k: sp.Integer(v) for wave, ks in zip(response.waves, pair, strict=True) for k, v in zip(wave, ks, strict=False)
    }
    across = [np.cross(k, d) if n == 3 else (1,) for k, d in zip(pair, DIRECTIONS, strict=True)]
    amplitudes = [[sp.Integer(int(a)) for a in row] for row in across]
    out = []
    for i in range(n):
        terms = (response.array[i, j, m] * amplitudes[0][j] * amplitudes[1][m] for j, m in np.ndindex(n, n))
        out.append(sp.Add(*(t.xreplace(at) for t in terms)))
    return out


def is_combination(response: Response, basis: Sequence[Response], coefficients: Sequence[sp.Expr]) -> bool:
    """Tell whether ``response = Σ c_i basis_i`` on fields without divergence.

    A small scalar response is compared as a rational function. Others, and those with rounded
    numbers, are compared at fixed random wave vectors and parameter values.
    """
    total = response.array - sum(c * b.array for c, b in zip(coefficients, basis, strict=True))
    if total.size == 1 and sp.count_ops(total.flat[0]) < SMALL:
        difference = plain(total.flat[0])
        if not difference.has(sp.Float) and all(p.exp.is_Integer for p in difference.atoms(sp.Pow)):
            return bool(sp.cancel(sp.together(difference)) == 0)
    (found, *terms), values = _at_random((response, *basis))
    numbers = [complex(c.subs(values)) for c in coefficients]
    gap = found - sum(c * term for c, term in zip(numbers, terms, strict=True))
    return bool(np.abs(gap).max() <= TOLERANCE * max(np.abs(a).max() for a in (found, *terms)))


def _at_random(responses: Sequence[Response]) -> tuple[list[Array], dict[sp.Symbol, float]]:
    """Apply responses to random waves; three components are taken orthogonal to the wave vector."""
    n, dim = responses[0].array.shape[0], len(responses[0].waves[0])
    rng = np.random.default_rng(20)
    waves = rng.normal(size=(2, dim, PAIRS))
    amplitudes = rng.normal(size=(2, n, PAIRS))
    if n == 3:
        amplitudes = np.cross(waves, amplitudes, axis=1)
    symbols = sorted(set().union(*(r.parameters for r in responses)), key=str)
    values = {s: _value(s, rng) for s in symbols}
    return [np.einsum("ijmx,jx,mx->ix", r.at(waves, values), *amplitudes) for r in responses], values


def _value(symbol: sp.Symbol, rng: np.random.Generator) -> float:
    """Choose a value that a parameter may have by its assumptions."""
    size = float(rng.integers(1, 6)) if symbol.is_integer else float(rng.uniform(0.5, 1.5))
    return -size if symbol.is_negative or symbol.is_nonpositive else size
