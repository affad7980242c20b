"""Conditions that select one solution."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.arrays import imaginary_part, is_array_like, real_part
from sciml.dsl.complex_fields import is_complex_field
from sciml.dsl.operators import Dt, as_expression
from sciml.dsl.real_imaginary import real_imaginary
from sciml.dsl.text import text
from sciml.dsl.vectors import Component, VectorField
from sciml.errors import DeclarationError, shown

__all__ = ["IC", "Condition", "Dirichlet", "FaceCondition", "Neumann"]


@dataclass(frozen=True, init=False)
class IC:
    """Initial condition ``target(t0, ·) = value``.

    Args:
        target: A field, a vector field, a complex field, or ``Dt`` of one where the equation is of
            second order.
        value: An expression in the space coordinates and parameters; for a vector field a
            ``Vector(...)`` or any vector expression such as ``Curl(...)``. Or data on a regular grid
            that fills the domain: an array (axes in the order of the domain's coordinates, a vector's
            components first), an ``xarray`` object (dims by name), or a Solution (its last time).
    """

    field: sp.Expr
    order: int
    value: sp.Expr
    variable: sp.Symbol | None  # what the target is differentiated by, where that was written out
    data: Any = dataclasses.field(compare=False, repr=False)  # arrays, until a problem names them

    def __init__(self, target: Any, value: Any) -> None:
        target = _whole(target)
        order, field, variable = 0, target, None
        if isinstance(target, Dt):
            field, order = target.args[0], int(target.args[1])
        elif isinstance(target, sp.Derivative) and len(target.variable_count) == 1:
            field, (variable, order) = target.expr, target.variable_count[0]
        if not (isinstance(field, (AppliedUndef, VectorField)) or is_complex_field(field)):
            found = text(target) if isinstance(target, sp.Basic) else shown(target)
            msg = f"IC needs a field or Dt(field) as its target; got {found}."
            raise DeclarationError("S118", msg, fix=_of_a_field(target))
        if isinstance(field, AppliedUndef) and not all(a.is_Symbol for a in field.args):
            name = field.func.__name__
            msg = f"IC holds at the start time as it is; its target is the field itself, not {text(target)}."
            raise DeclarationError("S118", msg, fix=f"sm.IC({name}, ...)")
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "order", int(order))
        object.__setattr__(self, "variable", variable)
        given = is_array_like(value)
        object.__setattr__(self, "data", value if given else None)
        object.__setattr__(self, "value", sp.S.Zero if given else as_expression(value, "IC"))

    @property
    def written(self) -> sp.Expr:
        """The left side as it was written, by ``Dt`` or by a derivative in ``variable``."""
        if self.variable is None or not self.order:
            return self.target
        return sp.Derivative(self.field, (self.variable, self.order))

    @property
    def target(self) -> sp.Expr:
        """The left side, as it was declared."""
        return Dt(self.field, self.order) if self.order else self.field

    @property
    def real_parts(self) -> tuple[IC, ...]:
        """The condition itself, or those of the real and imaginary part of a complex field."""
        if not is_complex_field(self.field):
            return (self,)
        targets = real_imaginary(self.written)
        values = real_imaginary(self.value) if self.data is None else (real_part(self.data), imaginary_part(self.data))
        return tuple(IC(target, value) for target, value in zip(targets, values, strict=True))

    def __str__(self) -> str:
        return f"IC({text(self.target)}, {'data' if self.data is not None else text(self.value)})"


def _of_a_field(target: Any) -> str:
    """Say how a condition is written whose target is no field."""
    fields = sorted(target.atoms(AppliedUndef, VectorField), key=str) if isinstance(target, sp.Basic) else []
    return f"sm.IC({text(fields[0])}, ...)" if fields else "sm.IC(u, sp.sin(x)) with the field u = sm.Field(...)"


def _whole(target: Any) -> Any:
    """Undo what ``psi.diff(t)`` of a complex field has become: ``∂ₜpsi_re + i ∂ₜpsi_im``."""
    if not isinstance(target, sp.Add):
        return target
    a, b = real_imaginary(target)
    if isinstance(a, sp.Derivative) and isinstance(b, sp.Derivative) and a.variable_count == b.variable_count:
        return sp.Derivative(a.expr + sp.I * b.expr, *a.variable_count, evaluate=False)
    return target


@dataclass(frozen=True, init=False)
class FaceCondition:
    """A condition on one face of a :class:`Box`, or on both faces of an axis.

    Attributes:
        target: The field, or an operator of it.
        value: Its value there.
        coordinate: The axis that the face is orthogonal to.
        point: Where on that axis the face stands; None for both ends.
    """

    target: sp.Expr
    value: sp.Expr
    coordinate: sp.Symbol
    point: sp.Expr | None
    name: ClassVar[str]
    derivatives: ClassVar[int]  # in the direction of the outward normal

    def __init__(self, target: Any, value: Any = 0, on: Any = None) -> None:
        what = self.name
        expression = as_expression(target, what)
        if not expression.atoms(AppliedUndef, VectorField, Component):
            msg = f"{what} needs a field, or an operator of one, as its target; got {text(expression)}."
            raise DeclarationError("S179", msg, fix=f"sm.{what}(u, 0, on=x)")
        place = on if isinstance(on, (tuple, list)) else (on, None)
        if len(place) != 2 or not isinstance(place[0], sp.Symbol):
            u, found = text(expression), "nothing" if on is None else shown(on)
            msg = f"{what}({u}, on=...) names a coordinate, or a coordinate and where on it; got {found}."
            fix = f"sm.{what}({u}, 0, on=x) for both ends of x,  sm.{what}({u}, 0, on=(x, 0)) for the end at 0"
            raise DeclarationError("S179", msg, fix=fix)
        object.__setattr__(self, "target", expression)
        object.__setattr__(self, "value", as_expression(value, what))
        object.__setattr__(self, "coordinate", place[0])
        object.__setattr__(self, "point", None if place[1] is None else as_expression(place[1], what))

    @property
    def place(self) -> Any:
        """What was given as ``on``."""
        return self.coordinate if self.point is None else (self.coordinate, self.point)

    @property
    def real_parts(self) -> tuple[FaceCondition, ...]:
        """The condition itself, or those of the real and imaginary part of a complex field."""
        if not self.target.has(sp.I):
            return (self,)
        pairs = zip(real_imaginary(self.target), real_imaginary(self.value), strict=True)
        return tuple(type(self)(target, value, on=self.place) for target, value in pairs)

    def __str__(self) -> str:
        place = self.coordinate if self.point is None else f"({self.coordinate}, {text(self.point)})"
        return f"{self.name}({text(self.target)}, {text(self.value)}, on={place})"


class Dirichlet(FaceCondition):
    """``target = value`` on a face, e.g. ``Dirichlet(u, 0, on=x)`` or ``Dirichlet(u, 1, on=(x, 0))``.

    Equations of fourth order need two conditions on each face: a simply supported beam has
    ``Dirichlet(u, 0, on=x)`` and ``Dirichlet(Dx(u, x, 2), 0, on=x)``.

    Args:
        target: A field, a vector field (each component), or a derivative of one.
        value: A number or an expression in parameters.
        on: A coordinate (both faces), or ``(coordinate, place)``.
    """

    name = "Dirichlet"
    derivatives = 0


class Neumann(FaceCondition):
    """``∂target/∂n = value`` on a face, with n the outward normal, e.g. ``Neumann(u, 0, on=x)``.

    Args: as for :class:`Dirichlet`.
    """

    name = "Neumann"
    derivatives = 1


Condition = IC | FaceCondition
