"""Initial values in the whole space must vanish at infinity: a numerical look along rays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import sympy as sp

from sciml.dsl.arrays import Sampled
from sciml.dsl.conditions import IC
from sciml.dsl.domains import Domain
from sciml.dsl.measures import Measure
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import excerpt, text
from sciml.errors import DeclarationError
from sciml.forms.frame import Frame
from sciml.forms.multiplier import Multiplier, explicit_derivatives

__all__ = ["check_decay"]

DISTANCES = [2.0**n for n in (2, 4, 8, 12, 20, 28, 36)]
FAR = 2  # the last ones, where the value must have become small
SMALL = 1e-3  # of its largest value on the rays
PHASES = (1.0, 1.0371, 1.0913, 1.1607)  # of a distance, so that no zero of an oscillation is taken for decay
CENTRES = (0.37, -0.21, 0.53)  # rays pass beside the origin, where many functions are 0
MOST_CORNERS = 5  # of the ranges of parameters

Function = Callable[..., Any]


def check_decay(
    conditions: Iterable[IC],
    values: Mapping[sp.Expr, sp.Expr],
    domain: Domain,
    frame: Frame,
    corners: Sequence[Mapping[sp.Symbol, float]],
) -> None:
    """Refuse an initial value that does not tend to 0 along some ray.

    Measures have bounded support and count as 0; what cannot be evaluated is not judged.

    Raises:
        DeclarationError: With the first term that stays, underlined.
    """
    if not domain.infinite:
        return
    for target, value in values.items():
        plain = _pointwise(value, frame)
        direction = None if plain is None else _staying(plain, domain, corners)
        if direction is None:
            continue
        field = target.expr if isinstance(target, sp.Derivative) else target
        declared = next((c for c in conditions if c.field == field), None)
        shown = plain if declared is None else declared.value
        terms = sp.Add.make_args(shown)
        worst = next((t for t in terms if _staying(_pointwise(t, frame), domain, corners)), shown)
        where = ", ".join(f"{e:.3g}" for e in direction)
        msg = (
            f"the initial value of {text(target)} must vanish at infinity in {domain!r}; it does not in the direction "
        )
        msg += f"({where})."
        axes = ", ".join(f"({x}, 0, 2*sp.pi)" for x in domain.coordinates)
        squares = " - ".join(f"{x}**2" for x in domain.coordinates)
        fix = (
            f"use a Torus for what is periodic or the same everywhere: domain=sm.Torus({axes})",
            f"or let it decay: multiply by a function such as sp.exp(-{squares})",
        )
        raise DeclarationError("S163", msg, excerpt=excerpt(text(shown), worst), fix=fix)


def _pointwise(value: sp.Expr, frame: Frame) -> sp.Expr | None:
    """Return a value with its derivatives carried out and without measures; None if that is not possible."""
    plain = explicit_derivatives(value, frame)
    plain = plain.xreplace(dict.fromkeys(plain.atoms(Measure), sp.S.Zero))
    return None if plain.has(Multiplier, Sampled, RandomField) else plain


def _staying(
    value: sp.Expr | None, domain: Domain, corners: Sequence[Mapping[sp.Symbol, float]]
) -> tuple[float, ...] | None:
    """Return a direction in which a function does not tend to 0."""
    if value is None or value == 0:
        return None
    for numbers in corners[:MOST_CORNERS]:
        try:
            f = sp.lambdify(domain.coordinates, value.subs(numbers), "mpmath")
            for ray in _rays(domain):
                if _stays(f, ray):
                    return ray
        except (ArithmeticError, TypeError, ValueError, NameError, SyntaxError):
            continue  # a singularity on a ray, or a function that is not known here
    return None


def _rays(domain: Domain) -> Iterable[tuple[float, ...]]:
    """Yield directions along axes, diagonals and in between, in the infinite coordinates."""
    signs = [(-1, 0, 1) if x in domain.infinite else (0,) for x in domain.coordinates]
    directions = sorted((d for d in product(*signs) if any(d)), key=lambda d: (sum(map(abs, d)), tuple(-c for c in d)))
    for d in directions:
        size = sum(c * c for c in d) ** 0.5
        yield tuple(c / size for c in d)


def _stays(f: Function, ray: Sequence[float]) -> bool:
    sizes = []
    for distance in DISTANCES:
        points = [[c + distance * s * e for c, e in zip(CENTRES, ray, strict=False)] for s in PHASES]
        sizes.append(max(float(abs(f(*p))) for p in points))
    largest = max(sizes)
    return largest > 0 and min(sizes[-FAR:]) > SMALL * largest
