"""The rank pass: is each expression a scalar, a vector or a tensor, and do the parts fit?

It is the first check of every problem. Rank 0 is a scalar, 1 a vector, 2 a tensor.
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import Any

import sympy as sp

from sciml.dsl.measures import Measure
from sciml.dsl.noise import Noise
from sciml.dsl.operators import Dt, Integral, LinearOperator, Maximum, Norm, Operator, Spectrum
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import text, typed
from sciml.dsl.unknown import Unknown
from sciml.dsl.vectors import Component, Cross, Dot, Named, Outer, Vector, VectorField
from sciml.errors import DeclarationError

__all__ = ["RankError", "rank"]

TAKES = {
    "Div": "Div takes a vector or a tensor",
    "Curl": "Curl takes a vector (in 2-D also a scalar), in 2 or 3 dimensions",
    "BiotSavart": "BiotSavart takes a scalar vorticity in 2-D, a vector in 3-D",
}
KINDS = ("a scalar", "a vector", "a tensor")


class RankError(DeclarationError):
    """Ranks do not fit; ``part`` is the offending subexpression, for the caret."""

    def __init__(self, code: str, headline: str, part: sp.Expr, fix: str = "") -> None:
        super().__init__(code, headline, excerpt=text(part), fix=fix or ())
        self.part = part


def rank(expr: sp.Expr, dim: int) -> int | None:
    """Return the rank of an expression in ``dim`` space dimensions; None for the literal 0.

    Raises:
        RankError: Parts of different rank are added, multiplied without ``Dot``, or an operator
            is applied to a rank it is not defined for.
    """
    return _Rank(dim).of(expr)


def kind(value: int | None) -> str:
    """Name a rank in words."""
    return "zero" if value is None else KINDS[value] if value < len(KINDS) else f"a tensor of rank {value}"


class _Rank:
    def __init__(self, dim: int) -> None:
        self.dim = dim

    @singledispatchmethod
    def of(self, expr: Any) -> int | None:
        """Functions, relations, symbols: everything pointwise takes and gives scalars."""
        for a in expr.args:
            if isinstance(a, (sp.Expr, sp.logic.boolalg.Boolean)):
                self._scalar(a, f"{type(expr).__name__} needs scalars", expr)
        return 0

    def _scalar(self, expr: sp.Expr, why: str, whole: sp.Expr) -> None:
        found = self.of(expr)
        if found:
            fix = "write Dot(a, b), Cross(a, b) or Outer(a, b), or take a component sm.Component(v, x)"
            msg = f"{why}, but {text(expr)} is {kind(found)}."
            raise RankError("S121", msg, whole, fix)

    @of.register
    def _(self, expr: sp.Number) -> int | None:
        return None if expr.is_zero else 0

    @of.register
    def _(self, expr: Named) -> int:
        return 1 if isinstance(expr, VectorField) else 0

    @of.register
    def _(self, expr: Noise | RandomField | Measure) -> int:
        return 0

    @of.register
    def _(self, expr: Unknown) -> int:
        for a in expr.arguments:
            if found := self.of(a):
                msg = f"an unknown function takes scalars, but {text(a)} is {kind(found)}."
                raise RankError("S121", msg, expr, self._by_component(expr))
        return 0

    def _by_component(self, expr: Unknown) -> str:
        """Write an unknown function with the components of vectors as arguments of their own."""
        given = []
        for a in expr.arguments:
            short = isinstance(a, (Vector, VectorField))
            parts = [f"{typed(a)}[{i}]" if short else f"sm.Component({typed(a)}, {i})" for i in range(self.dim)]
            given += parts if self.of(a) == 1 else [typed(a) if not self.of(a) else f"sm.Norm({typed(a)})"]
        return f'{expr.name} = sm.Unknown("{expr.name}", {", ".join(given)})'

    @of.register
    def _(self, expr: sp.Add) -> int | None:
        ranks = {r: a for a in expr.args if (r := self.of(a)) is not None}
        if len(ranks) > 1:
            (r0, a0), (r1, a1) = sorted(ranks.items())[:2]
            msg = f"{kind(r0)} and {kind(r1)} are added: {text(a0)} and {text(a1)}."
            raise RankError(
                "S120", msg, a1, "use Grad, Div, Dot or a component sm.Component(v, x), so that both have one rank"
            )
        return next(iter(ranks), None)

    @of.register
    def _(self, expr: sp.Mul) -> int:
        tensors = [a for a in expr.args if self.of(a)]
        if len(tensors) > 1:
            names = " and ".join(text(a) for a in tensors)
            fix = "write Dot(a, b), Cross(a, b) or Outer(a, b)"
            msg = f"{names} are multiplied with *, which is defined for scalars only."
            raise RankError("S121", msg, expr, fix)
        return (self.of(tensors[0]) or 0) if tensors else 0

    @of.register
    def _(self, expr: sp.Derivative) -> int | None:
        return self.of(expr.expr)

    @of.register
    def _(self, expr: Vector) -> int:
        for c in expr.args:
            self._scalar(c, "components of Vector must be scalars", expr)
        if len(expr.args) != self.dim:
            msg = f"{text(expr)} has {len(expr.args)} components, but the domain has {self.dim} dimension(s)."
            raise RankError("S122", msg, expr, f"give {self.dim} component(s)")
        return 1

    @of.register
    def _(self, expr: Component) -> int:
        vector, index = expr.args
        found = self.of(vector)
        if not found:
            msg = f"only a vector has components, but {text(vector)} is {kind(found)}."
            raise RankError("S123", msg, expr, "remove the index")
        if index.is_Integer and index >= self.dim:
            msg = f"component {index} does not exist in {self.dim} dimension(s); count from 0."
            raise RankError("S123", msg, expr, f"count from 0: {text(vector)}[0] to {text(vector)}[{self.dim - 1}]")
        return found - 1

    @of.register
    def _(self, expr: Dot) -> int:
        left, right = (self.of(a) or 0 for a in expr.args)
        if left < 1 or right < 1:
            part = expr.args[0] if left < 1 else expr.args[1]
            msg = f"Dot contracts two vectors or tensors, but {text(part)} is a scalar."
            raise RankError("S124", msg, expr, "use * with a scalar factor")
        return left + right - 2

    @of.register
    def _(self, expr: Cross) -> int:
        if self.dim == 1 or any(self.of(a) != 1 for a in expr.args):
            msg = "Cross needs two vectors in 2 or 3 dimensions."
            raise RankError("S124", msg, expr, "Cross(a, b) of vectors such as sm.Vector(1, 0); scalars take *")
        return 1 if self.dim == 3 else 0

    @of.register
    def _(self, expr: Outer) -> int:
        return sum(self.of(a) or 0 for a in expr.args)

    @of.register
    def _(self, expr: Dt) -> int | None:
        return self.of(expr.args[0])

    @of.register
    def _(self, expr: Integral | Maximum) -> int:
        self._scalar(expr.args[0], f"{type(expr).__name__} needs a scalar", expr)
        return 0

    @of.register
    def _(self, expr: Norm | Spectrum) -> int:
        self.of(expr.args[0])
        return 0

    @of.register
    def _(self, expr: LinearOperator) -> int:
        for c in expr.constants:
            self._scalar(c, f"constants of {type(expr).__name__} must be scalars", expr)
        found = self.of(expr.operand) or 0
        ranks = expr.ranks(found, self.dim)
        if ranks is None:
            msg = (
                f"{type(expr).__name__} is not defined for {kind(found)} in {self.dim} dimension(s): "
                f"{text(expr.operand)}."
            )
            raise RankError("S125", msg, expr, TAKES[type(expr).__name__])
        return found - ranks[0] + ranks[1]

    @of.register
    def _(self, expr: Operator) -> int:
        msg = f"no rank rule for {type(expr).__name__}"
        raise TypeError(msg)
