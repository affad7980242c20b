"""Vectors and tensors as ordinary commutative expressions; ranks are checked by the problem.

SymPy's ``MatrixExpr`` is not used: it turns ``Eq(vector, 0)`` into ``False``. Index convention:
``Dot`` contracts the last index of its first factor with the first index of its second, so that
``(v·∇)w`` is ``Dot(v, Grad(w))``.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from sciml.dsl.coordinates import check_coordinates, check_name
from sciml.dsl.operators import Grad, Operator, as_expression
from sciml.errors import DeclarationError

__all__ = ["Advect", "Component", "Cross", "Dot", "Labelled", "Named", "Outer", "Vector", "VectorField"]


class Labelled(Operator):
    """A node that leads with its own name, which is not one of its free symbols."""

    # Without this, sympify takes a node with __getitem__ for a sequence and iterates for ever.
    __iter__ = None

    @property
    def name(self) -> str:
        """The name given at creation."""
        name: str = self.args[0].name
        return name

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The coordinates it depends on."""
        return tuple(self.args[1:])

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        return sp.Derivative(self, variable, evaluate=False) if variable in self.free_symbols else sp.S.Zero

    def _depends_as_coordinate(self, symbol: sp.Symbol) -> bool:
        return symbol in self.coordinates

    def _sympystr(self, printer: Any) -> str:
        return self.name

    def _latex(self, printer: Any) -> str:
        return str(printer._print(self.args[0]))

    def _pretty(self, printer: Any) -> Any:
        return printer._print(self.args[0])


class Named(Labelled):
    """A name with the coordinates it depends on, and nothing else."""

    def __new__(cls, name: Any, *coordinates: Any) -> Any:
        label = name.name if isinstance(name, sp.Symbol) else name
        check_name(label, cls.__name__)
        check_coordinates(coordinates, f"{cls.__name__}({label!r}, ...)")
        return sp.Expr.__new__(cls, sp.Symbol(label, real=True), *coordinates)

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return set(self.args[1:])


class VectorField(Named):
    """A real vector unknown, e.g. ``u = VectorField("u", t, x, y)``, with components ``u_x, u_y``.

    ``u[x]`` or ``u[0]`` is a component; it prints and is saved as ``u_x``.
    """

    def __getitem__(self, index: Any) -> sp.Expr:
        return Component(self, index)

    def component(self, coordinate: sp.Symbol) -> sp.Expr:
        """Return the scalar field of one direction: ``u_x(t, x, y)``."""
        return sp.Function(f"{self.name}_{coordinate.name}", real=True)(*self.coordinates)

    def _latex(self, printer: Any) -> str:
        return rf"\boldsymbol{{{printer._print(self.args[0])}}}"


class Vector(Operator):
    """A vector given by its components, e.g. ``Vector(U, 0)`` or a forcing."""

    __iter__ = None

    def __new__(cls, *components: Any) -> Any:
        if not 1 <= len(components) <= 3:
            msg = f"Vector needs 1 to 3 components; got {len(components)}."
            raise DeclarationError("S116", msg, fix="sm.Vector(U, V)")
        return sp.Expr.__new__(cls, *(as_expression(c, "Vector") for c in components))

    def __getitem__(self, index: Any) -> sp.Expr:
        return Component(self, index)

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        components = [c.diff(variable) for c in self.args]
        return self.func(*components) if any(c != 0 for c in components) else sp.S.Zero

    def _eval_subs(self, old: Any, new: Any) -> None:
        return None

    def _latex(self, printer: Any) -> str:
        return rf"\left({', '.join(printer._print(c) for c in self.args)}\right)"


class Component(Operator):
    """One component of a vector, by coordinate (``u[x]``) or by position (``u[0]``)."""

    def __new__(cls, vector: Any, index: Any) -> Any:
        vector, index = as_expression(vector, "Component"), as_expression(index, "Component")
        if not (isinstance(index, sp.Symbol) or (index.is_Integer and 0 <= index <= 2)):
            msg = f"a component is named by a coordinate or by 0, 1, 2; got {index}."
            raise DeclarationError("S116", msg, fix="u[x]  or  u[0]")
        if isinstance(vector, VectorField) and isinstance(index, sp.Symbol):
            return vector.component(index)
        if isinstance(vector, Vector) and index.is_Integer and index < len(vector.args):
            return vector.args[int(index)]
        return sp.Expr.__new__(cls, vector, index)

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        vector, index = self.args
        return self.func(vector.diff(variable), index) if variable in vector.free_symbols else sp.S.Zero

    def _sympystr(self, printer: Any) -> str:
        return f"{printer._print(self.args[0])}[{printer._print(self.args[1])}]"

    def _latex(self, printer: Any) -> str:
        return rf"{{{_latex_factor(printer, self.args[0])}}}_{{{printer._print(self.args[1])}}}"


class _Product(Operator):
    """Bilinear product of tensors; 0 in either factor gives 0."""

    latex_sign = ""

    def __new__(cls, left: Any, right: Any) -> Any:
        left, right = as_expression(left, cls.__name__), as_expression(right, cls.__name__)
        if any(a.is_Number and a.is_zero for a in (left, right)):
            return sp.S.Zero
        return sp.Expr.__new__(cls, left, right)

    def _latex(self, printer: Any) -> str:
        left, right = (_latex_factor(printer, a) for a in self.args)
        return rf"{left} {self.latex_sign} {right}"


def _latex_factor(printer: Any, factor: sp.Expr) -> str:
    text = printer._print(factor)
    return rf"\left({text}\right)" if factor.is_Add or isinstance(factor, _Product) else str(text)


class Dot(_Product):
    """``a·b``: contracts the last index of ``a`` with the first index of ``b``."""

    latex_sign = r"\cdot"

    def _latex(self, printer: Any) -> str:
        left, right = self.args
        if isinstance(right, Grad):
            operand = _latex_factor(printer, right.operand)
            return rf"\left({_latex_factor(printer, left)}\cdot\nabla\right) {operand}"
        return super()._latex(printer)


class Cross(_Product):
    """``a×b`` of two vectors: a vector in 3-D, the scalar ``a_x b_y - a_y b_x`` in 2-D."""

    latex_sign = r"\times"


class Outer(_Product):
    """``(a⊗b)[i, j] = a[i] b[j]``; with a scalar factor it is the ordinary product."""

    latex_sign = r"\otimes"


def Advect(velocity: Any, quantity: Any) -> Any:
    """Return ``(v·∇)q`` as ``Dot(v, Grad(q))``."""
    return Dot(velocity, Grad(quantity))
