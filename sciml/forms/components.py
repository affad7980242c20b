"""Component pass: vectors, tensors and named operators become scalars and Fourier multipliers.

After it, an expression holds only fields of the declaration (components of vector fields
included), their time derivatives, multipliers, noises, coordinates and parameters.
"""

from __future__ import annotations

from functools import singledispatchmethod
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.arrays import Sampled
from sciml.dsl.measures import Measure
from sciml.dsl.noise import Noise
from sciml.dsl.operators import Dt, Dx, Integral, LinearOperator, Maximum, Norm, Spectrum
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import text
from sciml.dsl.vectors import Component, Cross, Dot, Outer, Vector, VectorField
from sciml.errors import DeclarationError
from sciml.forms.frame import Frame
from sciml.forms.multiplier import differentiate, multiply

__all__ = ["Components", "components"]

Array = np.ndarray[Any, np.dtype[np.object_]]


def components(expr: sp.Expr, frame: Frame) -> Array:
    """Return the components of an expression as an object array of shape ``(dim,)*rank``."""
    return Components(frame).of(expr)


def _array(values: Any) -> Array:
    return np.array(values, dtype=object)


def scalar(value: sp.Expr) -> Array:
    """Wrap one expression as an array of rank 0."""
    out = np.empty((), dtype=object)
    out[()] = value
    return out


class Components:
    """One rule per node type; results are arrays of scalar expressions."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def _each(self, array: Array, function: Any) -> Array:
        out = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            out[index] = function(array[index])
        return out

    @singledispatchmethod
    def of(self, expr: Any) -> Array:
        """Pointwise functions of scalars: rebuild with the components of the arguments."""
        if not expr.args:
            return scalar(expr)
        return scalar(expr.func(*(self.of(a)[()] if isinstance(a, sp.Basic) else a for a in expr.args)))

    @of.register
    def _(self, expr: AppliedUndef) -> Array:
        return scalar(expr)

    @of.register
    def _(self, expr: Noise | Sampled | RandomField | Measure) -> Array:
        return scalar(expr)

    @of.register
    def _(self, expr: VectorField) -> Array:
        return _array([expr.component(x) for x in self.frame.space])

    @of.register
    def _(self, expr: Vector) -> Array:
        return _array([self.of(c)[()] for c in expr.args])

    @of.register
    def _(self, expr: Component) -> Array:
        vector, index = expr.args
        if isinstance(index, sp.Symbol) and index not in self.frame.space:
            msg = f"{text(expr)}: {index} is not a space coordinate."
            raise DeclarationError("S123", msg, fix=f"components: {', '.join(map(str, self.frame.space))}")
        position = self.frame.space.index(index) if isinstance(index, sp.Symbol) else int(index)
        return np.asarray(self.of(vector)[position], dtype=object)

    @of.register
    def _(self, expr: sp.Add) -> Array:
        parts = [self.of(a) for a in expr.args]
        shape = max((p.shape for p in parts), key=len)
        total = np.full(shape, sp.S.Zero, dtype=object)
        for p in parts:  # a literal 0 has rank 0 and adds to anything
            total = total + p
        return np.asarray(total, dtype=object)

    @of.register
    def _(self, expr: sp.Mul) -> Array:
        total = scalar(sp.S.One)
        for a in expr.args:
            total = np.asarray(total * self.of(a), dtype=object)
        return total

    @of.register
    def _(self, expr: sp.Derivative) -> Array:
        out = self.of(expr.expr)
        for variable, count in expr.variable_count:
            if not count.is_Integer:
                msg = f"the order of {text(expr)} must be a positive integer."
                raise DeclarationError("S115", msg, fix="u.diff(x, 2)  or  sm.Dx(u, x, 2)")
            out = self._derivative(out, variable, int(count), expr)
        return out

    def _derivative(self, array: Array, variable: sp.Symbol, count: int, whole: sp.Expr) -> Array:
        if variable == self.frame.time:
            return self._each(array, lambda e: differentiate(e, variable, self.frame, count))
        if variable not in self.frame.k:
            msg = f"{text(whole)} differentiates by {variable}, which is neither time nor a space coordinate."
            fix = f"differentiate by {', '.join(map(str, (self.frame.time, *self.frame.space)))}"
            raise DeclarationError("S126", msg, fix=fix)
        return self._each(array, lambda e: multiply(e, (sp.I * self.frame.k[variable]) ** count, self.frame))

    @of.register
    def _(self, expr: Dt) -> Array:
        operand, order = expr.args
        return self._derivative(self.of(operand), self.frame.time, int(order), expr)

    @of.register
    def _(self, expr: Dot) -> Array:
        left, right = (self.of(a) for a in expr.args)
        return np.asarray(np.tensordot(left, right, axes=1), dtype=object)

    @of.register
    def _(self, expr: Outer) -> Array:
        left, right = (self.of(a) for a in expr.args)
        return np.asarray(np.multiply.outer(left, right), dtype=object)

    @of.register
    def _(self, expr: Cross) -> Array:
        a, b = (self.of(v) for v in expr.args)
        if self.frame.dim == 2:
            return scalar(a[0] * b[1] - a[1] * b[0])
        return _array([a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)])

    @of.register
    def _(self, expr: Integral | Maximum) -> Array:
        return scalar(type(expr)(self.of(expr.args[0])[()]))

    @of.register
    def _(self, expr: Norm) -> Array:
        operand, p = expr.args
        parts: list[sp.Expr] = list(self.of(operand).flat)
        if p == sp.oo:
            return scalar(sp.sqrt(Maximum(sp.Add(*(c**2 for c in parts)))))
        power = sp.Add(*(c**2 for c in parts)) ** (p / 2) if len(parts) > 1 or p.is_even else sp.Abs(parts[0]) ** p
        return scalar(Integral(power) ** (1 / p))

    @of.register
    def _(self, expr: Spectrum) -> Array:
        return scalar(expr)

    def _check_constants(self, expr: LinearOperator) -> None:
        if isinstance(expr, Dx):
            if expr.constants[0] not in self.frame.k:
                msg = f"{text(expr)} differentiates by {expr.constants[0]}, which is not a space coordinate."
                fix = f"space coordinates: {', '.join(map(str, self.frame.space))}; for time use Dt"
                raise DeclarationError("S126", msg, fix=fix)
            return
        for c in expr.constants:
            if c.free_symbols & self.frame.coordinates:
                msg = f"{text(c)} in {text(expr)} must not depend on coordinates: it would have no Fourier symbol."
                raise DeclarationError("S128", msg, fix="use a number or a parameter")

    @of.register
    def _(self, expr: LinearOperator) -> Array:
        operand = self.of(expr.operand)
        self._check_constants(expr)
        symbol = expr.symbol(self.frame.k, operand.ndim)
        consumed, produced = expr.ranks(operand.ndim, self.frame.dim) or (0, 0)
        dim = self.frame.dim
        out = np.empty((dim,) * produced + operand.shape[consumed:], dtype=object)
        for index in np.ndindex(out.shape):
            head, tail = index[:produced], index[produced:]
            terms = []
            for inner in product(range(dim), repeat=consumed):
                s = symbol[(*head, *inner)] if symbol.shape else symbol[()]
                terms.append(multiply(operand[(*inner, *tail)], s, self.frame))
            out[index] = sp.Add(*terms)
        return out
