"""Conditions that select one solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.complex_fields import is_complex_field
from sciml.dsl.operators import Dt, as_expression
from sciml.dsl.real_imaginary import real_imaginary
from sciml.dsl.vectors import VectorField
from sciml.errors import DeclarationError

__all__ = ["IC"]


@dataclass(frozen=True, init=False)
class IC:
    """Initial condition ``target(t0, ·) = value``.

    Args:
        target: A field, a vector field, a complex field, or ``Dt`` of one where the equation is of
            second order.
        value: An expression in the space coordinates and parameters; for a vector field a
            ``Vector(...)`` or any vector expression such as ``Curl(...)``.
    """

    field: sp.Expr
    order: int
    value: sp.Expr
    variable: sp.Symbol | None  # what the target is differentiated by, where that was written out

    def __init__(self, target: Any, value: Any) -> None:
        target = _whole(target)
        order, field, variable = 0, target, None
        if isinstance(target, Dt):
            field, order = target.args[0], int(target.args[1])
        elif isinstance(target, sp.Derivative) and len(target.variable_count) == 1:
            field, (variable, order) = target.expr, target.variable_count[0]
        if not (isinstance(field, (AppliedUndef, VectorField)) or is_complex_field(field)):
            msg = f"IC needs a field or Dt(field) as its target; got {target!r}."
            raise DeclarationError("S118", msg, fix="sm.IC(w, sp.sin(x))")
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "order", int(order))
        object.__setattr__(self, "variable", variable)
        object.__setattr__(self, "value", as_expression(value, "IC"))

    @property
    def derivative(self) -> sp.Expr:
        """The left side with its derivative written out by ``variable``."""
        return sp.Derivative(self.field, (self.variable, self.order)) if self.order else self.field

    @property
    def target(self) -> sp.Expr:
        """The left side, as it was declared."""
        return Dt(self.field, self.order) if self.order else self.field

    @property
    def real_parts(self) -> tuple[IC, ...]:
        """The condition itself, or those of the real and imaginary part of a complex field."""
        if not is_complex_field(self.field):
            return (self,)
        target = self.target if self.variable is None else self.derivative
        pairs = zip(real_imaginary(target), real_imaginary(self.value), strict=True)
        return tuple(IC(target, value) for target, value in pairs)

    def __str__(self) -> str:
        return f"IC({self.target}, {self.value})"


def _whole(target: Any) -> Any:
    """Undo what ``psi.diff(t)`` of a complex field has become: ``∂ₜpsi_re + i ∂ₜpsi_im``."""
    if not isinstance(target, sp.Add):
        return target
    a, b = real_imaginary(target)
    if isinstance(a, sp.Derivative) and isinstance(b, sp.Derivative) and a.variable_count == b.variable_count:
        return sp.Derivative(a.expr + sp.I * b.expr, *a.variable_count, evaluate=False)
    return target
