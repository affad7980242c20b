"""Real and imaginary part of an expression in real fields, operators left whole.

SymPy's own ``as_real_imag`` stops at the nodes of this language. Every operator here is real, so it
acts on the two parts separately: ``Laplacian(a + i b)`` is ``Laplacian(a) + i Laplacian(b)``.
"""

from __future__ import annotations

from functools import singledispatchmethod

import sympy as sp

from sciml.dsl.operators import Dt, Integral, LinearOperator
from sciml.dsl.text import text
from sciml.dsl.unknown import Unknown
from sciml.dsl.vectors import Component, Cross, Dot, Outer, Vector
from sciml.errors import DeclarationError

__all__ = ["real_imaginary"]

Pair = tuple[sp.Expr, sp.Expr]
ZERO = sp.S.Zero
COMPLEX = (sp.I, sp.conjugate, sp.re, sp.im)  # what an expression in real symbols is complex by
MAX_POWER = 64


def real_imaginary(expr: sp.Expr) -> Pair:
    """Return ``(a, b)`` with ``expr = a + i b``; fields, coordinates and parameters are real.

    Raises:
        DeclarationError: A function whose parts SymPy does not know.
    """
    # A parameter may have been made without real=True; its values are real numbers all the same.
    real = {s: sp.Dummy(s.name, real=True) for s in expr.free_symbols if s.is_real is None}
    back = {d: s for s, d in real.items()}
    a, b = _Parts().of(expr.xreplace(real))
    return a.xreplace(back), b.xreplace(back)


class _Parts:
    """One rule per node type."""

    def of(self, expr: sp.Expr) -> Pair:
        return self._rule(expr) if expr.has(*COMPLEX) else (expr, ZERO)

    @singledispatchmethod
    def _rule(self, expr: sp.Expr) -> Pair:
        return self._function(expr)

    def _function(self, expr: sp.Expr) -> Pair:
        """SymPy knows the parts of most functions, once the arguments are plain symbols."""
        values: dict[sp.Symbol, sp.Expr] = {}
        arguments = []
        for a, b in (self.of(argument) for argument in expr.args):
            x, y = sp.symbols("x y", real=True, cls=sp.Dummy)
            values |= {x: a, y: b}
            arguments.append(x + sp.I * y if b != 0 else a if a.is_number else x)
        real, imaginary = (_angles(part) for part in expr.func(*arguments).as_real_imag())
        if sp.Tuple(real, imaginary).has(sp.re, sp.im, sp.arg, sp.I):
            msg = f"the real and imaginary parts of {expr.func.__name__}(...) of a complex field are not known."
            raise DeclarationError("S143", msg, fix="write it with real functions of sp.re(psi) and sp.im(psi)")
        return real.xreplace(values), imaginary.xreplace(values)

    @_rule.register
    def _(self, expr: sp.core.numbers.ImaginaryUnit) -> Pair:
        return ZERO, sp.S.One

    @_rule.register
    def _(self, expr: sp.Add) -> Pair:
        real, imaginary = zip(*(self.of(a) for a in expr.args), strict=True)
        return sp.Add(*real), sp.Add(*imaginary)

    @_rule.register
    def _(self, expr: sp.Mul) -> Pair:
        total = (sp.S.One, ZERO)
        for factor in expr.args:
            total = _times(total, self.of(factor))
        return total

    @_rule.register
    def _(self, expr: sp.Pow) -> Pair:
        if not (expr.exp.is_Integer and abs(expr.exp) <= MAX_POWER):
            return self._function(expr)
        (a, b), n = self.of(expr.base), int(expr.exp)
        if b == 0:
            return a**n, ZERO
        if n > 0:
            return _power(a, b, n)
        real, imaginary = _power(a, -b, -n)  # 1/z = conj(z)/|z|²
        size = (a**2 + b**2) ** n
        return real * size, imaginary * size

    @_rule.register
    def _(self, expr: LinearOperator) -> Pair:
        return self._linear(expr)

    @_rule.register
    def _(self, expr: Dt) -> Pair:
        return self._linear(expr)

    @_rule.register
    def _(self, expr: Integral) -> Pair:
        return self._linear(expr)

    @_rule.register
    def _(self, expr: Component) -> Pair:
        return self._linear(expr)

    @_rule.register
    def _(self, expr: sp.Derivative) -> Pair:
        return self._linear(expr)

    def _linear(self, expr: sp.Expr) -> Pair:
        operand, *rest = expr.args
        real, imaginary = (expr.func(part, *rest) if part != 0 else ZERO for part in self.of(operand))
        return real, imaginary

    @_rule.register
    def _(self, expr: Dot) -> Pair:
        return self._bilinear(expr)

    @_rule.register
    def _(self, expr: Cross) -> Pair:
        return self._bilinear(expr)

    @_rule.register
    def _(self, expr: Outer) -> Pair:
        return self._bilinear(expr)

    def _bilinear(self, expr: sp.Expr) -> Pair:
        (a, b), (c, d) = (self.of(argument) for argument in expr.args)
        return expr.func(a, c) - expr.func(b, d), expr.func(a, d) + expr.func(b, c)

    @_rule.register
    def _(self, expr: Unknown) -> Pair:
        parts = [self.of(argument) for argument in expr.arguments]
        for argument, (_, imaginary) in zip(expr.arguments, parts, strict=True):
            if imaginary != 0:
                msg = f"the unknown function {expr.name} takes real arguments; {text(argument)} is complex."
                fix = f'{expr.name} = sm.Unknown("{expr.name}", sp.re({text(argument)}), sp.im({text(argument)}))'
                raise DeclarationError("S219", msg, fix=fix)
        return expr.func(expr.name, *(real for real, _ in parts)), ZERO

    @_rule.register
    def _(self, expr: Vector) -> Pair:
        parts = [self.of(argument) for argument in expr.args]
        imaginary = [b for _, b in parts]
        return Vector(*(a for a, _ in parts)), Vector(*imaginary) if any(imaginary) else ZERO

    @_rule.register
    def _(self, expr: sp.conjugate) -> Pair:
        real, imaginary = self.of(expr.args[0])
        return real, -imaginary

    @_rule.register
    def _(self, expr: sp.re) -> Pair:
        return self.of(expr.args[0])[0], ZERO

    @_rule.register
    def _(self, expr: sp.im) -> Pair:
        return self.of(expr.args[0])[1], ZERO

    @_rule.register
    def _(self, expr: sp.Abs) -> Pair:
        real, imaginary = self.of(expr.args[0])
        return sp.sqrt(real**2 + imaginary**2) if imaginary != 0 else sp.Abs(real), ZERO


def _times(left: Pair, right: Pair) -> Pair:
    (a, b), (c, d) = left, right
    if b == 0 or d == 0:
        return a * c, a * d + b * c
    return _shorter(a * c - b * d), _shorter(a * d + b * c)


def _power(a: sp.Expr, b: sp.Expr, n: int) -> Pair:
    """Return the parts of ``(a + ib)ⁿ`` by the binomial theorem."""
    terms = [sp.binomial(n, j) * a ** (n - j) * b**j * (-1) ** (j // 2) for j in range(n + 1)]
    return sp.Add(*terms[::2]), sp.Add(*terms[1::2])


def _shorter(expr: sp.Expr) -> sp.Expr:
    """Expand where that cancels: ``(a + ib)(a - ib)`` has the imaginary part ``ab - ba``."""
    return min(expr, sp.expand(expr), key=sp.count_ops)


def _angles(expr: sp.Expr) -> sp.Expr:
    """Write the argument of a complex number as an angle of its parts."""
    return expr.replace(sp.arg, lambda z: sp.atan2(*reversed(z.as_real_imag())))
