"""Split pass: which part of a row is a time derivative, linear, nonlinear, forcing or noise.

Nothing here solves or takes limits: terms are sorted by inspection after expansion, noise by
its polynomial degree. Sums inside a multiplier are opened; products are not, so conservative
form is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from math import comb

import sympy as sp

from sciml.dsl.noise import Noise
from sciml.dsl.operators import Functional
from sciml.dsl.text import text
from sciml.dsl.unknown import Unknown, unknown_terms
from sciml.errors import DeclarationError
from sciml.forms.frame import Frame
from sciml.forms.multiplier import Multiplier, atoms_of, is_constant, is_explicit, is_local, multiply, to_derivatives
from sciml.forms.rows import Origin, Row, refuse

__all__ = ["NoisePart", "NonlinearPart", "Split", "expand", "normal", "split_row"]

MAX_EXPANDED_TERMS = 5_000
MAX_POWER = 64  # expanding a higher power takes seconds


@dataclass(frozen=True)
class NonlinearPart:
    """``outer(k)[n]``: forcing and every term that is not linear with constant coefficients."""

    outer: sp.Expr
    n: sp.Expr
    origin: Origin


@dataclass(frozen=True)
class NoisePart:
    """``outer(k)[g ξ]``."""

    outer: sp.Expr
    amplitude: sp.Expr
    noise: sp.Expr
    origin: Origin


@dataclass
class Split:
    """A row sorted by kind: ``Σ rate ∂ₜf + Σ linear f + Σ outer[n] + Σ outer[g ξ] = 0``."""

    row: Row
    rate: dict[sp.Expr, sp.Expr] = field(default_factory=dict)
    linear: dict[sp.Expr, sp.Expr] = field(default_factory=dict)
    nonlinear: list[NonlinearPart] = field(default_factory=list)
    noise: list[NoisePart] = field(default_factory=list)


def expansion_size(expr: sp.Expr) -> int:
    """Bound the number of terms that expanding ``expr`` would give."""
    if expr.is_Add:
        return sum(expansion_size(a) for a in expr.args)
    if expr.is_Mul:
        size = 1
        for a in expr.args:
            size = min(size * expansion_size(a), 10 * MAX_EXPANDED_TERMS)
        return size
    if expr.is_Pow and expr.exp.is_Integer and expr.exp > 0:
        m, n = expansion_size(expr.base), min(int(expr.exp), MAX_EXPANDED_TERMS)
        if m > 1 and n > MAX_POWER:
            return 10 * MAX_EXPANDED_TERMS
        return 1 if m == 1 else min(comb(n + m - 1, min(n, m - 1)), 10 * MAX_EXPANDED_TERMS)
    return 1


def expand(expr: sp.Expr) -> sp.Expr:
    """Expand products and integer powers; leave exponentials and logarithms alone."""
    if expansion_size(expr) > MAX_EXPANDED_TERMS:
        msg = f"this term would expand to more than {MAX_EXPANDED_TERMS} terms."
        raise DeclarationError("S137", msg, fix="write it with fewer nested powers, or as a pointwise function")
    return sp.expand(expr, power_base=False, power_exp=False, log=False, trig=False)


def normal(expr: sp.Expr, frame: Frame) -> sp.Expr:
    """Expand an expression and the operands of all multipliers in it."""

    def opened(e: sp.Expr) -> sp.Expr:
        if isinstance(e, Multiplier):
            return multiply(normal(e.operand, frame), e.symbol, frame)
        if not e.has(Multiplier):
            return e
        return e.func(*(opened(a) for a in e.args))

    return expand(opened(expr))


def split_row(row: Row, fields: Collection[sp.Expr], frame: Frame) -> Split:
    """Sort the terms of a row.

    Args:
        row: The scalar equation.
        fields: The unknown fields that may occur in it.
        frame: Time and space.

    Raises:
        DeclarationError: A term does not fit the semilinear form; the message names it.
    """
    out = Split(row)
    for term in row.terms:
        try:
            pieces = sp.Add.make_args(normal(term.expr, frame))
        except DeclarationError as error:
            raise refuse(error.code, error.headline, term.origin, error.fix) from None
        for piece in pieces:
            if piece != 0:
                _sort(piece, term.origin, out, fields, frame)
    for group in (out.rate, out.linear):
        for f in [f for f, s in group.items() if sp.expand(s) == 0]:
            del group[f]
    return out


def _sort(piece: sp.Expr, origin: Origin, out: Split, fields: Collection[sp.Expr], frame: Frame) -> None:
    constant, core = _constant_and_core(piece, frame)
    outer, body = (core.symbol, core.operand) if isinstance(core, Multiplier) else (sp.S.One, core)
    if body in fields:
        out.linear[body] = out.linear.get(body, 0) + constant * outer
        return
    if body.atoms(sp.Derivative):
        _sort_rate(constant * outer, body, origin, out, fields)
        return
    if found := body.atoms(Functional):
        name = type(found.pop()).__name__
        msg = f"{name}(...) is for outputs and cannot drive an equation: {text(origin.term)}."
        raise refuse("S136", msg, origin, "use a local term, or a nonlocal operator such as InverseLaplacian")
    if any(isinstance(a, Multiplier) and a.atoms(Noise) for a in atoms_of(body)):
        msg = f"an operator acts on noise inside a product: {text(origin.term)}."
        raise refuse("S133", msg, origin, "bring the operator outside: Dx(u*xi, x) - xi*Dx(u, x)")
    bad = [a for a in atoms_of(body) if isinstance(a, Multiplier) and a.operand not in fields]
    if bad or (outer != 1 and is_explicit(body) and is_local(outer, frame)):
        target = bad[0] if bad else core
        for smaller in _opened(constant, outer, body, target, origin, frame):
            _sort(smaller, origin, out, fields, frame)
        return
    if body.atoms(Noise):
        out.noise.append(_noise_part(outer, constant, body, origin))
        return
    out.nonlinear.append(NonlinearPart(outer, constant * body, origin))


def _constant_and_core(piece: sp.Expr, frame: Frame) -> tuple[sp.Expr, sp.Expr]:
    factors = sp.Mul.make_args(piece)
    constant = sp.Mul(*(f for f in factors if is_constant(f, frame)))
    return constant, sp.Mul(*(f for f in factors if not is_constant(f, frame)))


def _sort_rate(symbol: sp.Expr, body: sp.Expr, origin: Origin, out: Split, fields: Collection[sp.Expr]) -> None:
    if isinstance(body, sp.Derivative) and body.expr in fields:
        out.rate[body.expr] = out.rate.get(body.expr, 0) + symbol
        return
    msg = "the time derivative must enter linearly with constant coefficients"
    fix = "divide by its coefficient, or choose the conserved quantity as the unknown"
    raise refuse("S131", f"{msg}; got {text(origin.term)}.", origin, fix)


def _opened(
    constant: sp.Expr, outer: sp.Expr, body: sp.Expr, target: Multiplier, origin: Origin, frame: Frame
) -> Iterator[sp.Expr]:
    """Apply a local operator by the product rule where a multiplier is not possible."""
    if not is_local(target.symbol, frame):
        msg = f"a nonlocal operator of {text(target.operand)} is multiplied by other fields."
        fix = (
            "only nonlocal operators of the evolving fields themselves may be multiplied",
            "(a field that an equation without Dt determines is such an operator of its sources)",
        )
        raise refuse("S132", msg, origin, fix)
    if unknown := unknown_terms([target.operand]):
        f = unknown[0]
        msg = f"a derivative of {text(f)} is multiplied, and how {text(f)} changes with its arguments is unknown"
        outside = f"bring the operator outside: sm.Dx(u*{f.name}, x) - {f.name}*sm.Dx(u, x)"
        raise refuse("S222", msg, origin, outside)
    opened = to_derivatives(target.operand, target.symbol, frame)
    if target.operand == body and target.symbol == outer:  # explicit forcing: differentiate it exactly
        yield from sp.Add.make_args(normal(constant * opened, frame))
        return
    product = constant * body.xreplace({target: opened})
    yield from sp.Add.make_args(normal(multiply(product, outer, frame), frame))


def _noise_part(outer: sp.Expr, constant: sp.Expr, body: sp.Expr, origin: Origin) -> NoisePart:
    noises = sorted(body.atoms(Noise), key=str)
    dummies = {n: sp.Dummy() for n in noises}
    plain = body.xreplace(dummies)
    try:
        terms = sp.Poly(plain, *dummies.values()).terms()
    except sp.PolynomialError:
        terms = []
    if len(terms) != 1 or sum(terms[0][0]) != 1:
        msg = f"noise must enter linearly, for functions and products of it mean nothing; got {text(origin.term)}."
        fix = f"write  amplitude(u, x, t)*{noises[0].name}  with the amplitude free of noise; noises are summed"
        raise refuse("S133", msg, origin, fix)
    powers, amplitude = terms[0]
    if amplitude.atoms(Unknown):
        msg = f"{text(unknown_terms([amplitude])[0])} is unknown and cannot multiply noise"
        raise refuse("S220", msg, origin, f"write  {noises[0].name}  with a known amplitude")
    return NoisePart(outer, constant * amplitude, noises[powers.index(1)], origin)
