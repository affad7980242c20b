"""Check that the initial value problem of the linear part is well-posed.

A problem whose short waves grow without bound as they get shorter has no solution that depends on
its data: whatever a method returns is its own rounding error. The decision is numerical, from the
growth on rays in ``growth.py``; the message names the user's term that is to blame, found by
leaving out one term at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from sciml.dsl.operators import FractionalLaplacian
from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.frozen import coefficient_of, frozen, varying
from sciml.forms.growth import Growth, largest_growth
from sciml.forms.rays import Rays, sample
from sciml.forms.rows import Origin, Row, Term
from sciml.forms.semilinear import SemilinearForm
from sciml.forms.split import Split, split_row

__all__ = ["Ranges", "check_wellposed"]

Ranges = Mapping[sp.Symbol, tuple[float, float]]


def check_wellposed(form: SemilinearForm, ranges: Ranges) -> None:
    """Refuse a linear part whose modes grow without bound as ``|k|`` grows.

    Terms that are linear but for a coefficient depending on time or place are judged with the
    coefficient frozen at a few of these, if ``ranges`` holds the coordinates.

    Args:
        form: The canonical form.
        ranges: Lowest and highest value of each parameter, and of coordinates; both are the value of
            a number.

    Raises:
        DeclarationError: With the responsible term underlined.
    """
    case = _Case(form, ranges, form.linear)
    if case.growth.severity:
        raise _refusal(case)
    if terms := [v for v in varying(form) if v.coefficient.free_symbols <= set(ranges)]:
        # A frozen coefficient says nothing about the loss of derivatives.
        case = _Case(form, ranges, frozen(form, terms), algebraic=False)
        if case.growth.severity:
            raise _refusal(case)


@dataclass(frozen=True)
class _Case:
    """A linear part, and how its modes grow."""

    form: SemilinearForm
    ranges: Ranges
    linear: sp.Matrix
    algebraic: bool = True

    @cached_property
    def rays(self) -> Rays:
        return sample(self.form, self.ranges, self.linear)

    @cached_property
    def growth(self) -> Growth:
        return largest_growth(self.rays, self.algebraic)

    def without(self, part: sp.Matrix) -> Growth:
        """Return the growth that remains when a part is taken away."""
        return replace(self, linear=self.linear - part).growth


@dataclass(frozen=True)
class _Suspect:
    """A user's term, what it adds to L, and the growth that remains without it."""

    origin: Origin
    part: sp.Matrix
    remaining: Growth


def _refusal(case: _Case) -> DeclarationError:
    suspects = [_Suspect(origin, part, case.without(part)) for origin, part in _parts(case)]
    # Where derivatives are lost, the term that brings them in is one that couples two fields.
    worst = min(suspects, key=lambda s: (s.remaining, any(s.part.diagonal())), default=None)
    if worst is None:
        fix = "add a dissipative term of higher order in the derivatives, such as -nu*Laplacian(Laplacian(u))"
        return DeclarationError("S171", f"{_headline(case, None)}.", fix=fix)
    headline = f"{_headline(case, worst.part)} (equation '{worst.origin.equation}')"
    return DeclarationError("S171", headline, excerpt=worst.origin.excerpt, fix=_fix(case, worst))


def _parts(case: _Case) -> Iterator[tuple[Origin, sp.Matrix]]:
    """Yield each user's term that acts linearly on the state, with what it adds to L.

    The components of a vector term belong, in order, to the rows that were made of it.
    """
    form = case.form
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
            for j, symbol in _linear(split_row(Row(origin.equation, (term,)), form.state, form.frame), case):
                part[i, j] += symbol
        if not part.is_zero_matrix:
            yield origin, part


def _linear(split: Split, case: _Case) -> Iterator[tuple[int, sp.Expr]]:
    for f, symbol in split.linear.items():
        yield case.form.state.index(f), symbol
    for p in split.nonlinear if not case.algebraic else ():
        if (found := coefficient_of(p.n, case.form)) is not None:
            coefficient, j, symbol = found
            yield j, coefficient * p.outer * symbol


def _headline(case: _Case, part: sp.Matrix | None) -> str:
    growth, rays = case.growth, case.rays
    where = ""
    if not growth.isotropic:
        e = rays.directions[growth.direction]
        where = f" in direction ({', '.join(f'{c:.3g}' for c in e)})"
    if rays.parameters:
        where += f" with {_values(rays, growth.corner)}"
    order = f"{growth.order:.3g}"
    power = f"|k|^{order}" if order != "1" else "|k|"
    if growth.severity == 1:
        return f"the linear part is ill-posed: modes{where} grow like {power} t, so derivatives of the data are lost"
    rate = _symbolic_rate(case, part) or f"{growth.coefficient:.3g} {power}".removeprefix("1 ")
    return f"the linear part is ill-posed: modes{where} grow like exp({rate} t), faster the shorter they are"


def _symbolic_rate(case: _Case, part: sp.Matrix | None) -> str | None:
    """Return the rate with parameters by name, where one equation and its one term make it."""
    form = case.form
    if part is None or len(form.state) > 1 or form.mass != sp.eye(1):
        return None
    if part.has(sp.I) or part.free_symbols & form.frame.coordinates:
        return None
    r = sp.Symbol("|k|", positive=True)
    e = [sp.nsimplify(c, rational=True) for c in case.rays.directions[case.growth.direction]]
    along = sp.expand(part[0].xreplace({k: r * c for k, c in zip(form.frame.k.values(), e, strict=True)}))
    factor, power = along.as_independent(r, as_Add=False)
    base, order = power.as_base_exp()
    if base != r or any(abs(c) not in (0, 1) for c in e):
        return None
    shown = "" if factor == 1 else f"{text(factor)} "
    return f"{shown}|k|" if order == 1 else f"{shown}|k|^{text(order)}"


def _values(rays: Rays, corner: int) -> str:
    return ", ".join(f"{s} = {v:g}" for s, v in zip(rays.parameters, rays.corners[corner], strict=True))


def _good_values(case: _Case) -> str | None:
    """Return parameter values within the ranges for which nothing grows, if there are any."""
    rays = case.rays
    for i in range(len(rays.corners)):
        one = replace(rays, generator=rays.generator[i : i + 1], rounding=rays.rounding[i : i + 1])
        if not largest_growth(one, case.algebraic).severity:
            return _values(rays, i)
    return None


def _fix(case: _Case, worst: _Suspect) -> tuple[str, ...]:
    term = worst.origin.term
    if (good := _good_values(case)) is not None:
        if set(case.rays.parameters) & case.form.frame.coordinates:
            return (f"its coefficient must not change sign: with {good} it is well-posed",)
        return (f"narrow the ranges of the parameters: with {good} it is well-posed",)
    if case.growth.severity == 1:
        return (
            "the field that is differentiated here is not smoothed by its own equation:",
            "add a dissipative term such as nu*Laplacian to that equation, or let the fields act on each other",
        )
    if case.without(2 * worst.part).severity < 2:  # the opposite sign
        why = ("FractionalLaplacian is -(-Delta)^{alpha/2}: dissipative with a positive coefficient",)
        return (*(why if term.has(FractionalLaplacian) else ()), f"did you mean  {_with_sign(-term)}  here?")
    return ("remove the term, or add a dissipative one of higher order in the derivatives",)


def _with_sign(term: sp.Expr) -> str:
    shown = text(term)
    return shown if shown.startswith("-") else f"+{shown}"
