"""Check that the initial value problem of the linear part is well-posed.

A problem whose short waves grow without bound as they get shorter has no solution that depends on
its data: whatever a method returns is its own rounding error. The decision is numerical, from the
growth on rays in ``growth.py``; the message names the user's term that is to blame, found by
leaving out one term at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from sciml.dsl.operators import FractionalLaplacian
from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.growth import Growth, largest_growth
from sciml.forms.rays import Rays, sample
from sciml.forms.rows import Origin, Row, Term
from sciml.forms.semilinear import SemilinearForm
from sciml.forms.split import split_row

__all__ = ["Ranges", "check_wellposed"]

Ranges = Mapping[sp.Symbol, tuple[float, float]]


def check_wellposed(form: SemilinearForm, ranges: Ranges) -> None:
    """Refuse a linear part whose modes grow without bound as ``|k|`` grows.

    Args:
        form: The canonical form.
        ranges: Lowest and highest value of each parameter; both are the value of a number.

    Raises:
        DeclarationError: With the responsible term underlined.
    """
    rays = sample(form, ranges)
    growth = largest_growth(rays)
    if growth.severity:
        raise _refusal(form, ranges, rays, growth)


@dataclass(frozen=True)
class _Suspect:
    """A user's term, what it adds to L, and the growth that remains without it."""

    origin: Origin
    part: sp.Matrix
    remaining: Growth


def _refusal(form: SemilinearForm, ranges: Ranges, rays: Rays, growth: Growth) -> DeclarationError:
    suspects = [
        _Suspect(origin, part, largest_growth(sample(form, ranges, form.linear - part)))
        for origin, part in _parts(form)
    ]
    # Where derivatives are lost, the term that brings them in is one that couples two fields.
    worst = min(suspects, key=lambda s: (s.remaining, any(s.part.diagonal())), default=None)
    if worst is None:
        return DeclarationError("S171", f"{_headline(form, rays, growth, None)}.")
    headline = f"{_headline(form, rays, growth, worst.part)} (equation '{worst.origin.equation}')"
    flipped = largest_growth(sample(form, ranges, form.linear - 2 * worst.part))
    fix = _fix(worst.origin, growth, flipped.severity < 2, _good_values(rays))
    return DeclarationError("S171", headline, excerpt=worst.origin.excerpt, fix=fix)


def _parts(form: SemilinearForm) -> Iterator[tuple[Origin, sp.Matrix]]:
    """Yield each user's term that acts linearly on the state, with what it adds to L.

    The components of a vector term belong, in order, to the rows that were made of it.
    """
    rows: dict[Origin, list[int]] = {}
    for i, origins in enumerate(form.origins):
        for origin in origins:
            rows.setdefault(origin, []).append(i)
    for origin, places in rows.items():
        found = [e for e in components(origin.term, form.frame).flat if e != 0]
        part = sp.zeros(len(form.state))
        for i, expr in zip(places, found, strict=False):
            # Row: left side - right side = 0, so L holds the terms of the left side negatively.
            term = Term(-origin.side * form.in_states(expr), origin)
            for f, symbol in split_row(Row(origin.equation, (term,)), form.state, form.frame).linear.items():
                part[i, form.state.index(f)] += symbol
        if not part.is_zero_matrix:
            yield origin, part


def _headline(form: SemilinearForm, rays: Rays, growth: Growth, part: sp.Matrix | None) -> str:
    where = ""
    if not growth.isotropic:
        e = rays.directions[growth.direction]
        where = f" in direction ({', '.join(f'{c:.3g}' for c in e)})"
    if rays.parameters:
        where += f" with {_values(rays, growth.corner)}"
    power = f"|k|^{_number(growth.order)}" if _number(growth.order) != "1" else "|k|"
    if growth.severity == 1:
        return f"the linear part is ill-posed: modes{where} grow like {power} t, so derivatives of the data are lost"
    rate = _symbolic_rate(form, rays, growth, part) or f"{_number(growth.coefficient)} {power}".removeprefix("1 ")
    return f"the linear part is ill-posed: modes{where} grow like exp({rate} t), faster the shorter they are"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _symbolic_rate(form: SemilinearForm, rays: Rays, growth: Growth, part: sp.Matrix | None) -> str | None:
    """Return the rate with parameters by name, where one equation and its one term make it."""
    if part is None or len(form.state) > 1 or form.mass != sp.eye(1) or part.has(sp.I):
        return None
    r = sp.Symbol("|k|", positive=True)
    e = [sp.nsimplify(c, rational=True) for c in rays.directions[growth.direction]]
    along = sp.expand(part[0].xreplace({k: r * c for k, c in zip(form.frame.k.values(), e, strict=True)}))
    factor, power = along.as_independent(r, as_Add=False)
    base, order = power.as_base_exp()
    if base != r or any(abs(c) not in (0, 1) for c in e):
        return None
    shown = "" if factor == 1 else f"{text(factor)} "
    return f"{shown}|k|" if order == 1 else f"{shown}|k|^{text(order)}"


def _values(rays: Rays, corner: int) -> str:
    return ", ".join(f"{s} = {v:g}" for s, v in zip(rays.parameters, rays.corners[corner], strict=True))


def _good_values(rays: Rays) -> str | None:
    """Return parameter values within the ranges for which nothing grows, if there are any."""
    for i in range(len(rays.corners)):
        one = slice(i, i + 1)
        if not largest_growth(replace(rays, generator=rays.generator[one], rounding=rays.rounding[one])).severity:
            return _values(rays, i)
    return None


def _fix(origin: Origin, growth: Growth, flipping_helps: bool, good_values: str | None) -> tuple[str, ...]:
    if good_values is not None:
        return (f"narrow the ranges of the parameters: with {good_values} it is well-posed",)
    if growth.severity == 1:
        return (
            "the field that is differentiated here is not smoothed by its own equation:",
            "add a dissipative term such as nu*Laplacian to that equation, or let the fields act on each other",
        )
    if flipping_helps:
        fractional = origin.term.has(FractionalLaplacian)
        why = ("FractionalLaplacian is -(-Delta)^{alpha/2}: dissipative with a positive coefficient",)
        return (*(why if fractional else ()), f"did you mean  {_with_sign(-origin.term)}  here?")
    return ("remove the term, or add a dissipative one of higher order in the derivatives",)


def _with_sign(term: sp.Expr) -> str:
    shown = text(term)
    return shown if shown.startswith("-") else f"+{shown}"
