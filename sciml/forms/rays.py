"""The linear part along rays ``k = r e``: the numbers behind every statement about large wavenumbers.

A symbol is summed term by term, so that what cancels leaves a bound of its rounding errors behind:
``k_x² - k_x²|k|²/|k|²`` is 0, and a few units of 1e-16·|k|² in floating point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from statistics import NormalDist
from typing import Any

import numpy as np
import sympy as sp

from sciml.forms.frame import Frame
from sciml.forms.semilinear import SemilinearForm

__all__ = ["RADII", "ROUNDING", "Rays", "directions", "sample", "trace"]

Real = np.ndarray[Any, np.dtype[np.float64]]
Complex = np.ndarray[Any, np.dtype[np.complex128]]

# Octaves up to 2²⁰; a few far points beyond, where small coefficients of high order show as well.
RADII = 2.0 ** np.array([*range(21), 24, 28, 32, 36, 40, 44, 48, 52, 56, 60])
ROUNDING = 2.0**-48  # relative size of the rounding errors of one evaluated term, with a margin of 16
REACH = {1: 1, 2: 3, 3: 1, 4: 1}  # integer directions up to this size
GENERIC = ((1, 2, 3), (3, -1, 2), (2, 3, -1), (-1, 2, 2), (2, -1, 0), (0, 1, 2), (1, 0, -3))
MAX_CROSSED = 5  # with more varying parameters, one at a time leaves its midpoint
PLACES = {1: 17, 2: 5, 3: 3, 4: 3}  # times and places along each coordinate that coefficients depend on


@dataclass(frozen=True)
class Rays:
    """``M⁻¹L`` on rays.

    Attributes:
        parameters: The parameters that vary, and the coordinates, in the order of ``corners``.
        corners: Their values, shape ``(corner, parameter)``; one empty row if none varies.
        directions: Unit vectors e, shape ``(direction, dim)``.
        generator: ``M⁻¹L`` at ``RADII``, shape ``(corner, direction, radius, n, n)``; not finite
            where M is singular or numbers overflow.
        rounding: Bounds of the rounding errors of each entry, of its real and imaginary part.
    """

    parameters: tuple[sp.Symbol, ...]
    corners: Real
    directions: Real
    generator: Complex
    rounding: Complex


def _pointwise(function: Callable[[float], float]) -> Any:
    def rule(value: float) -> float:
        try:
            return function(value)
        except (ValueError, OverflowError):  # a pole
            return math.nan

    return np.vectorize(rule, otypes=[float])


def _reciprocal(e: Any) -> Any:
    return np.where(e == 0, 0.0, 1 / np.where(e == 0, 1.0, e))


# Functions of the language that NumPy does not have; only coefficients hold the pointwise ones.
RULES = {
    "Reciprocal": _reciprocal,
    "erf": _pointwise(math.erf),
    "erfc": _pointwise(math.erfc),
    "erfinv": _pointwise(lambda y: NormalDist().inv_cdf((1 + y) / 2) / math.sqrt(2)),
    "gamma": _pointwise(math.gamma),
    "loggamma": _pointwise(math.lgamma),
}


@cache
def directions(dim: int) -> tuple[tuple[int, ...], ...]:
    """Integer directions, one of each pair ±e: axes, diagonals, a few others."""
    reach = range(REACH[dim], -REACH[dim] - 1, -1)
    found = [e for e in product(reach, repeat=dim) if math.gcd(*e) == 1 and next(c for c in e if c) > 0]
    found.sort(key=lambda e: (sum(map(abs, e)), [-c for c in e]))
    return tuple(found + [e for e in GENERIC if len(e) == dim])


def sample(
    form: SemilinearForm, ranges: Mapping[sp.Symbol, tuple[float, float]], linear: sp.Matrix | None = None
) -> Rays:
    """Evaluate ``M⁻¹L`` along rays, at ends and midpoints of the parameters' ranges.

    Args:
        form: The canonical form.
        ranges: Lowest and highest value of each symbol in M and L; equal for a number.
        linear: Another matrix to take in place of L; it may depend on coordinates in ``ranges``.
    """
    return trace(form.linear if linear is None else linear, form.mass, form.frame, ranges)


def trace(matrix: sp.Matrix, mass: sp.Matrix, frame: Frame, ranges: Mapping[sp.Symbol, tuple[float, float]]) -> Rays:
    """Evaluate ``M⁻¹`` times any matrix of symbols along rays; see :func:`sample`."""
    symbols = sorted((matrix.free_symbols | mass.free_symbols) & set(ranges), key=str)
    fixed = {s: _number(low) for s in symbols for low, high in [ranges[s]] if low == high}
    places = [s for s in symbols if s in frame.coordinates]
    parameters = [s for s in symbols if s not in fixed and s not in places]
    varying = [*parameters, *places]
    corners = _corners([ranges[s] for s in parameters], [ranges[s] for s in places])
    units = np.array(directions(frame.dim), dtype=float)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    # Axes: corner, direction, radius.
    k = [units[None, :, None, i] * RADII for i in range(frame.dim)]
    inputs = [*k, *(corners[:, None, None, i] for i in range(len(varying)))]
    names = [*frame.k.values(), *varying]
    shape = (len(corners), len(units), len(RADII))
    with np.errstate(all="ignore"):
        right, size = _evaluate(matrix.xreplace(fixed), names, inputs, shape)
        if mass != sp.eye(mass.rows):
            inverse = _inverse(_evaluate(mass.xreplace(fixed), names, inputs, shape)[0])
            right, size = inverse @ right, _product(inverse, size)
    return Rays(tuple(varying), corners, units, right, ROUNDING * size)


def _number(value: float) -> sp.Expr:
    return sp.Integer(int(value)) if float(value).is_integer() else sp.Float(value)


def _corners(parameters: Sequence[tuple[float, float]], coordinates: Sequence[tuple[float, float]]) -> Real:
    """Cross ends and midpoints of parameters with a few times and places."""
    marks = [(low, (low + high) / 2, high) for low, high in parameters]
    if len(marks) <= MAX_CROSSED and not coordinates:
        values = list(product(*marks))
    else:
        middle = tuple(m[1] for m in marks)
        values = [(*middle[:i], end, *middle[i + 1 :]) for i, m in enumerate(marks) for end in (m[0], m[2])] or [()]
    places = list(product(*(np.linspace(*r, PLACES[len(coordinates)]) for r in coordinates)))
    found = [(*v, *p) for v in values for p in places]
    return np.array(found, dtype=float).reshape(len(found), len(parameters) + len(coordinates))


def _evaluate(
    matrix: sp.Matrix, names: Sequence[sp.Symbol], inputs: Sequence[Real], shape: tuple[int, ...]
) -> tuple[Complex, Complex]:
    """Return the values of a matrix of symbols, and ``Σ|Re| + i Σ|Im|`` of their terms."""
    n, m = matrix.shape
    places, terms = [], []
    for i, j in product(range(n), range(m)):
        for term in sp.Add.make_args(matrix[i, j]):
            if term != 0:
                places.append((i, j))
                terms.append(term)
    values, sizes = np.zeros((2, *shape, n, m), dtype=complex)
    function = sp.lambdify(names, terms, modules=[RULES, "numpy"])
    for (i, j), value in zip(places, function(*inputs), strict=True):
        values[..., i, j] += value
        sizes[..., i, j] += _moduli(value)
    return values, sizes


def _product(matrix: Complex, size: Complex) -> Complex:
    """Return the sums of moduli of a product of matrices, given those of the right one."""
    real, imaginary = np.abs(matrix.real), np.abs(matrix.imag)
    swapped: Complex = imaginary @ (size.imag + 1j * size.real)
    return real @ size + swapped


def _moduli(value: Any) -> Any:
    return np.abs(np.real(value)) + 1j * np.abs(np.imag(value))


def _inverse(mass: Complex) -> Complex:
    """Invert a mass matrix; not a number where it is singular."""
    usable = np.asarray(np.isfinite(mass).all((-2, -1)))[..., None, None]
    usable = usable & (np.linalg.det(np.where(usable, mass, 0.0)) != 0)[..., None, None]
    inverse: Complex = np.where(usable, np.linalg.inv(np.where(usable, mass, np.eye(mass.shape[-1]))), np.nan)
    return inverse
