"""Fourier multipliers: the only operator left after the component pass.

``Multiplier(e, s)`` is the function whose Fourier coefficients are ``s(k) ê(k)``. The functions
here keep it in normal form: operands are single products of state atoms, symbols are expanded
and carry no sign of their own, nested multipliers are merged, sums and constants are outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.arrays import Sampled
from sciml.dsl.measures import Measure
from sciml.dsl.noise import Noise
from sciml.dsl.operators import Functional, Integral
from sciml.dsl.random_fields import RandomField
from sciml.dsl.unknown import Unknown
from sciml.dsl.wavenumbers import Reciprocal
from sciml.errors import DeclarationError
from sciml.forms.frame import Frame

__all__ = [
    "Multiplier",
    "atoms_of",
    "differentiate",
    "explicit_derivatives",
    "is_explicit",
    "is_local",
    "multiply",
    "rebuild",
    "simplify_symbol",
    "substitute",
    "to_derivatives",
    "with_derivatives",
]


class Multiplier(sp.Expr):  # type: ignore[misc]
    """``s(D) e``: args are (operand e, symbol s in the wavenumbers)."""

    is_commutative = True

    @property
    def operand(self) -> sp.Expr:
        """The expression acted upon."""
        return self.args[0]

    @property
    def symbol(self) -> sp.Expr:
        """Its factor in Fourier space."""
        return self.args[1]

    def _eval_is_real(self) -> bool:
        return True

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        msg = f"Multiplier is differentiated by forms.differentiate, not by {variable}"
        raise TypeError(msg)

    def _sympystr(self, printer: Any) -> str:
        return f"[{printer._print(self.symbol)}]({printer._print(self.operand)})"

    def _latex(self, printer: Any) -> str:
        return rf"\left[{printer._print(self.symbol)}\right]{printer._print(self.operand)}"


Atom = (AppliedUndef, sp.Derivative, Multiplier, Noise, Sampled, RandomField, Measure, Functional)


def atoms_of(expr: sp.Expr) -> set[sp.Expr]:
    """Return the outermost state atoms: fields, time derivatives, multipliers, noises, integrals."""
    if isinstance(expr, Atom):
        return {expr}
    return set().union(*(atoms_of(a) for a in expr.args)) if expr.args else set()


def simplify_symbol(symbol: sp.Expr) -> sp.Expr:
    """Expand a symbol, so that equal symbols of one declaration are the same expression."""
    return sp.expand(symbol)


def is_constant(expr: sp.Expr, frame: Frame) -> bool:
    """Tell whether an expression depends on parameters only."""
    return not atoms_of(expr) and not expr.free_symbols & frame.coordinates


def multiply(expr: sp.Expr, symbol: sp.Expr, frame: Frame) -> sp.Expr:
    """Apply the multiplier ``symbol`` to ``expr``, in normal form."""
    if symbol == 0 or expr == 0:
        return sp.S.Zero
    if symbol == 1:
        return expr
    if expr.is_Add:
        return sp.Add(*(multiply(a, symbol, frame) for a in expr.args))
    constants: list[sp.Expr] = []
    rest: list[sp.Expr] = []
    for factor in sp.Mul.make_args(expr):
        (constants if is_constant(factor, frame) else rest).append(factor)
    constant, core = sp.Mul(*constants), sp.Mul(*rest)
    if not atoms_of(core) and not core.free_symbols & set(frame.space):
        # A function that is constant in space sees the symbol at k = 0 only.
        return constant * core * symbol.subs(dict.fromkeys(frame.k.values(), 0))
    if core.is_Add:
        return constant * multiply(core, symbol, frame)
    if isinstance(core, Multiplier):
        core, symbol = core.operand, symbol * core.symbol
    symbol = simplify_symbol(symbol)
    if symbol == 0:
        return sp.S.Zero
    if symbol.could_extract_minus_sign():  # one spelling for s and -s
        constant, symbol = -constant, -symbol
    return constant * (core if symbol == 1 else Multiplier(core, symbol))


def rebuild(expr: sp.Expr, frame: Frame, replace: Callable[[sp.Expr], sp.Expr | None]) -> sp.Expr:
    """Replace state atoms bottom-up and keep the multipliers around them in normal form.

    ``replace(atom)`` returns the new expression for a field, derivative or noise, or None.
    """
    if isinstance(expr, Multiplier):
        return multiply(rebuild(expr.operand, frame, replace), expr.symbol, frame)
    if isinstance(expr, Atom) and not isinstance(expr, Functional):
        new = replace(expr)
        return expr if new is None else new
    if not expr.args or not atoms_of(expr):
        return expr
    return expr.func(*(rebuild(a, frame, replace) if isinstance(a, sp.Basic) else a for a in expr.args))


def substitute(expr: sp.Expr, mapping: Mapping[sp.Expr, sp.Expr], frame: Frame) -> sp.Expr:
    """Replace fields by expressions, also below time derivatives and multipliers."""

    def replace(atom: sp.Expr) -> sp.Expr | None:
        if isinstance(atom, sp.Derivative) and atom.expr in mapping:
            count = int(sum(n for _, n in atom.variable_count))
            return differentiate(mapping[atom.expr], frame.time, frame, count)
        return mapping.get(atom)

    return rebuild(expr, frame, replace)


def differentiate(expr: sp.Expr, variable: sp.Symbol, frame: Frame, order: int = 1) -> sp.Expr:
    """Differentiate by time or by a coordinate with the chain rule over state atoms."""
    for _ in range(order):
        dummies = {a: sp.Dummy(real=True) for a in atoms_of(expr)}
        back = {d: a for a, d in dummies.items()}
        plain = expr.xreplace(dummies)
        terms = [plain.diff(variable)]
        terms += [plain.diff(d) * _derivative_of_atom(a, variable, frame) for a, d in dummies.items()]
        expr = sp.Add(*terms).xreplace(back)
    return expr


def _derivative_of_atom(atom: sp.Expr, variable: sp.Symbol, frame: Frame) -> sp.Expr:
    if variable != frame.time:
        return multiply(atom, sp.I * frame.k[variable], frame)
    if isinstance(atom, Multiplier):
        return multiply(differentiate(atom.operand, variable, frame), atom.symbol, frame)
    if isinstance(atom, Integral):
        return Integral(differentiate(atom.args[0], variable, frame))
    if isinstance(atom, Functional):
        msg = f"{type(atom).__name__}(...) cannot be differentiated in time."
        raise DeclarationError("S185", msg, fix="store it, and difference the stored values")
    return sp.Derivative(atom, variable)


def is_local(symbol: sp.Expr, frame: Frame) -> bool:
    """Tell whether a symbol is a polynomial in the wavenumbers: a differential operator."""
    ks = tuple(frame.k.values())
    return not symbol.has(Reciprocal) and bool(symbol.is_polynomial(*ks))


def to_derivatives(expr: sp.Expr, symbol: sp.Expr, frame: Frame) -> sp.Expr:
    """Apply a local symbol to ``expr`` by the product rule instead of as a multiplier."""
    ks = tuple(frame.k.values())
    terms = []
    for powers, coefficient in sp.Poly(symbol, *ks).terms():
        result = expr
        for x, n in zip(frame.space, powers, strict=True):
            result = differentiate(result, x, frame, n)
        terms.append(coefficient * (-sp.I) ** sum(powers) * result)
    return sp.Add(*terms)


def is_explicit(expr: sp.Expr) -> bool:
    """Tell whether an expression is a known function of coordinates and parameters alone."""
    return not atoms_of(expr) and not expr.atoms(Unknown)


def explicit_derivatives(expr: sp.Expr, frame: Frame) -> sp.Expr:
    """Differentiate functions of the coordinates alone exactly: they need not be periodic."""
    if isinstance(expr, Multiplier) and is_explicit(expr.operand) and is_local(expr.symbol, frame):
        return to_derivatives(expr.operand, expr.symbol, frame)
    if not expr.args or not expr.has(Multiplier):
        return expr
    return expr.func(*(explicit_derivatives(a, frame) if isinstance(a, sp.Basic) else a for a in expr.args))


def with_derivatives(expr: sp.Expr, frame: Frame) -> sp.Expr:
    """Write local multipliers as ordinary derivatives, for the reader."""
    if isinstance(expr, Multiplier):
        inner = with_derivatives(expr.operand, frame)
        if not is_local(expr.symbol, frame):
            return Multiplier(inner, expr.symbol)
        terms = []
        for powers, c in sp.Poly(expr.symbol, *frame.k.values()).terms():
            counts = [(x, n) for x, n in zip(frame.space, powers, strict=True) if n]
            derivative = sp.Derivative(inner, *counts, evaluate=False) if counts else inner
            terms.append(c * (-sp.I) ** sum(powers) * derivative)
        return sp.Add(*terms)
    if not expr.args or not expr.has(Multiplier):
        return expr
    return expr.func(*(with_derivatives(a, frame) for a in expr.args))
