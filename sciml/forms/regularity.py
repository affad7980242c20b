"""How smooth declared initial data are: the order s such that they lie in H^r for all r < s.

A jump across a surface has s = 1/2, a kink 3/2, vorticity on a curve -1/2, a point mass -d/2; a random
field with the spectral density ``|k|^{-p}`` has s = (p - d)/2. An expression that is smooth but not
periodic jumps at the ends of a torus. Operators shift s by their order, sums and products keep the
least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.arrays import Sampled
from sciml.dsl.domains import Domain
from sciml.dsl.measures import Measure, PointVortices, VortexPatch
from sciml.dsl.operators import (
    BiotSavart,
    Dx,
    FractionalLaplacian,
    InverseLaplacian,
    Laplacian,
    LinearOperator,
    Operator,
)
from sciml.dsl.random_fields import FourierField, RandomField, StationaryField
from sciml.dsl.vectors import Vector

__all__ = ["Regularity", "decay_of", "regularity"]

Array = np.ndarray[Any, np.dtype[np.float64]]

JUMPS = (sp.Heaviside, sp.sign, sp.floor, sp.ceiling, sp.Mod)
KINKS = (sp.Abs, sp.Max, sp.Min)
PLACES = 7  # at which opposite ends of a torus are compared
STEP = 1e-5  # of a period, for one-sided slopes
SAME = 1e-4  # relative difference of values or slopes that counts as none
OSCILLATING = (sp.sin, sp.cos, sp.tan, sp.sinc, sp.besselj)
ENVELOPE = 64  # points of an octave at which an oscillating density is looked at
FAR = 2.0**40  # wavenumber at which the decay of a density is read off
FASTEST = 200.0  # a power beyond this is none: the density falls exponentially


@dataclass(frozen=True)
class Regularity:
    """Order s, and what limits it; ``s = ∞`` for smooth data, None where it is not known."""

    order: float | None
    why: str = ""

    def __str__(self) -> str:
        if self.order is None:
            return f"of unknown regularity ({self.why})"
        return "smooth" if math.isinf(self.order) else f"in H^s for s < {self.order:g} ({self.why})"


SMOOTH = Regularity(math.inf)


def regularity(value: sp.Expr, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> Regularity:
    """Return the regularity of an initial value on a domain.

    Args:
        value: The declared value; for a vector its roughest component counts.
        domain: Where it lives.
        numbers: Values of the parameters.
    """
    if isinstance(value, Vector):
        return _least([regularity(c, domain, numbers) for c in value.args])
    found = _least([_of(a, domain, numbers) for a in sp.Add.make_args(value)])
    return _least([found, _at_the_seam(value, domain, numbers)])


def _least(parts: list[Regularity]) -> Regularity:
    unknown = [p for p in parts if p.order is None]
    known = sorted((p for p in parts if p.order is not None), key=lambda p: p.order or 0.0)
    if unknown and (not known or known[0].order == math.inf):
        return unknown[0]
    return known[0] if known else SMOOTH


def _of(expr: sp.Expr, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> Regularity:
    if isinstance(expr, Measure):
        return _of_measure(expr, len(domain.axes))
    if isinstance(expr, RandomField):
        return _of_field(expr, len(domain.axes), numbers)
    if isinstance(expr, Sampled):
        return Regularity(None, "data on a grid")
    if isinstance(expr, LinearOperator):
        inner = _of(expr.operand, domain, numbers)
        shift = _order(expr, numbers)
        return inner if inner.order is None else Regularity(inner.order - shift, inner.why)
    if not expr.free_symbols & set(domain.coordinates):
        return SMOOTH
    parts = [_of(a, domain, numbers) for a in expr.args if isinstance(a, sp.Expr)]
    if isinstance(expr, JUMPS):
        parts.append(Regularity(0.5, "a jump"))
    if isinstance(expr, KINKS):
        parts.append(Regularity(1.5, "a kink"))
    if isinstance(expr, sp.Piecewise):
        parts = [*(_of(e, domain, numbers) for e, _ in expr.args), Regularity(None, "given piecewise")]
    return _least(parts)


def _of_measure(measure: Measure, dim: int) -> Regularity:
    if isinstance(measure, PointVortices):
        return Regularity(-dim / 2, "point vortices")
    return Regularity(0.5, "a patch") if isinstance(measure, VortexPatch) else Regularity(-0.5, "a sheet")


def _of_field(field: RandomField, dim: int, numbers: Mapping[sp.Symbol, float]) -> Regularity:
    if isinstance(field, FourierField):
        return SMOOTH
    assert isinstance(field, StationaryField)
    k, density = field.constants
    decay = decay_of(density.subs(numbers), k)
    return SMOOTH if decay == math.inf else Regularity((decay - dim) / 2, f"random field {field.name}")


def decay_of(density: sp.Expr, k: sp.Symbol) -> float:
    """Return p where a spectral density falls like ``|k|^{-p}``; ∞ where it falls faster than any power."""
    law = sp.log(density)
    # Where it oscillates, its envelope counts.
    places = [1 + 0.6180339887 * j % 1 for j in range(ENVELOPE)] if density.has(*OSCILLATING) else [1.0]

    def highest(octave: int) -> float:
        return max(float(sp.re(law.subs(k, sp.Float(FAR * octave * p, 30)).evalf(30))) for p in places)

    decay = (highest(1) - highest(2)) / math.log(2)
    if len(places) > 1:  # sampled, and so known to a few digits
        return float(round(2 * decay) / 2) if decay < FASTEST else math.inf
    return round(decay, 6) if decay < FASTEST else math.inf


def _order(operator: LinearOperator, numbers: Mapping[sp.Symbol, float]) -> float:
    if isinstance(operator, FractionalLaplacian):
        return float(operator.constants[0].subs(numbers))
    if isinstance(operator, Dx):
        return float(operator.constants[1])
    return {Laplacian: 2.0, InverseLaplacian: -2.0, BiotSavart: -1.0}.get(type(operator), 1.0)


def _at_the_seam(value: sp.Expr, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> Regularity:
    """Compare values and slopes at opposite ends of the periodic axes."""
    if value.atoms(Operator) or not value.free_symbols & domain.periodic:
        return SMOOTH
    coordinates = domain.coordinates
    function = sp.lambdify(coordinates, value.subs(numbers), "numpy")
    found = [SMOOTH]
    for x, low, high in domain.axes:
        if x in domain.periodic:
            ends = [float(e.subs(numbers)) for e in (low, high)]
            found.append(_jump(function, domain, numbers, x, (ends[0], ends[1])))
    return _least(found)


def _jump(
    function: Callable[..., Any],
    domain: Domain,
    numbers: Mapping[sp.Symbol, float],
    x: sp.Symbol,
    ends: tuple[float, float],
) -> Regularity:
    places = []
    for c, low, high in domain.axes:
        lo, hi = (float(e.subs(numbers)) for e in (low, high))
        places.append(lo + (hi - lo) * (np.arange(PLACES) + 0.41) / PLACES if c != x else None)
    h = STEP * (ends[1] - ends[0])

    def at(where: float) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(*(where if p is None else p for p in places)), float)

    low, inside_low, high, inside_high = at(ends[0]), at(ends[0] + h), at(ends[1]), at(ends[1] - h)
    values = [low, inside_low, high, inside_high]
    if not all(np.isfinite(v).all() for v in values):
        return SMOOTH  # a pole is found when the data are put on a grid
    middle = at((ends[0] + ends[1]) / 2)
    size = max(float(np.abs(v).max()) for v in [*values, middle]) or 1.0
    if float(np.abs(high - low).max()) > SAME * size:
        return Regularity(0.5, f"a jump between the ends of {x}")
    slopes = (inside_low - low) / h, (high - inside_high) / h
    steep = max(float(np.abs(s).max()) for s in slopes) or 1.0
    if float(np.abs(slopes[1] - slopes[0]).max()) > 1e-2 * max(steep, size / (ends[1] - ends[0])):
        return Regularity(1.5, f"a kink between the ends of {x}")
    return SMOOTH
