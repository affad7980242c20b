"""Differential and nonlocal operators as SymPy expressions.

Every node is immutable, commutative (so that ``A*B == B*A``), real when its operand is, and
rebuilds itself: ``obj.func(*obj.args) == obj``. Nodes stay unevaluated; the meaning of a linear
one is its Fourier symbol, and nothing else in the package knows more about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.sympify import SympifyError, _sympify
from sympy.printing.pretty.stringpict import prettyForm

from sciml.dsl.wavenumbers import Reciprocal, Wavenumbers, squared_norm
from sciml.errors import DeclarationError, shown

__all__ = [
    "BiotSavart",
    "Curl",
    "Div",
    "Dt",
    "Dx",
    "FractionalLaplacian",
    "Functional",
    "Grad",
    "Integral",
    "InverseLaplacian",
    "Laplacian",
    "LinearOperator",
    "Maximum",
    "Norm",
    "Operator",
    "Spectrum",
    "as_expression",
    "is_global",
]


def as_expression(value: Any, where: str) -> sp.Expr:
    """Convert numbers and expressions to SymPy; refuse strings, which ``sympify`` would execute."""
    try:
        expression = _sympify(value)
    except SympifyError:
        expression = None
    if not isinstance(expression, sp.Expr) or isinstance(value, sp.MatrixBase):
        msg = f"{where} needs a SymPy expression or a number; got {shown(value)}."
        raise DeclarationError("S112", msg, fix=_instead_of(value))
    return expression


def _instead_of(value: Any) -> str:
    """Say what to write instead of something that is no expression."""
    if isinstance(value, str):
        what = "pass the object itself" if value.isidentifier() else "write it with SymPy, as in sp.sin(x)"
        return f"strings are never parsed: {what}"
    if isinstance(value, sp.logic.boolalg.Boolean):
        return "give one side alone, without =, < or >"
    if isinstance(value, sp.MatrixBase) and min(value.shape) > 1:
        return "diffusion that differs by direction is written out: sm.Dx(w, x, 2) + 2*sm.Dx(w, y, 2)"
    if isinstance(value, (list, tuple, sp.MatrixBase)):
        return f"a vector is written sm.Vector({', '.join('abc'[: len(value)])})"
    if isinstance(value, Mapping):
        return "give an array of values alone, or an xarray object with named dims"
    if callable(value):
        return "give an expression in the coordinates, as in sp.sin(x)"
    return "give a number, or an expression of coordinates, parameters and fields"


class Operator(sp.Expr):  # type: ignore[misc]
    """Base of all nodes: fixed arity, own printers, safe differentiation and substitution."""

    is_commutative = True
    latex_name: ClassVar[str] = ""

    def __new__(cls, *args: Any) -> Any:
        converted = [as_expression(a, cls.__name__) for a in args]
        return sp.Expr.__new__(cls, *converted)

    def _eval_is_real(self) -> bool | None:
        return True if all(a.is_real for a in self.args) else None

    def _refuse_dummy(self, variable: sp.Symbol) -> None:
        # SymPy differentiates by a field by first replacing it with a Dummy; commuting with that
        # would turn Laplacian(w**2).diff(w) into Laplacian(2*w), silently.
        if isinstance(variable, sp.Dummy):
            name = type(self).__name__
            msg = f"{name}(...) cannot be differentiated by a field: it is an operator, not a pointwise function."
            raise DeclarationError("S113", msg, fix="differentiate the pointwise law before it goes into the operator")

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        """Product rule: every operator here is linear in each of its operands."""
        self._refuse_dummy(variable)
        terms = []
        for i, a in enumerate(self.args):
            if variable in a.free_symbols:
                terms.append(self.func(*self.args[:i], a.diff(variable), *self.args[i + 1 :]))
        return sp.Add(*terms)

    def _eval_subs(self, old: Any, new: Any) -> sp.Expr | None:
        # Laplacian(w).subs(x, 0) restricts the *result* to x = 0; substituting inside would lose
        # the derivatives in x. Parameters and whole fields may be replaced inside.
        if isinstance(old, sp.Symbol) and self._depends_as_coordinate(old):
            return sp.Subs(self, old, new)
        return None

    def _depends_as_coordinate(self, symbol: sp.Symbol) -> bool:
        fields = self.atoms(AppliedUndef)
        return any(symbol in f.args for f in fields) or (not fields and symbol in self.args[0].free_symbols)

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(printer._print(a) for a in self.args)})"

    def _latex(self, printer: Any) -> str:
        return rf"{self.latex_name or type(self).__name__}{_latex_operand(printer, self.args[0])}"

    def _pretty(self, printer: Any) -> prettyForm:
        operands = prettyForm(*printer._print_seq(self.args, delimiter=", ").parens())
        return prettyForm(*operands.left(type(self).__name__))


def _latex_operand(printer: Any, operand: sp.Expr) -> str:
    text = printer._print(operand)
    return rf"\left({text}\right)" if operand.is_Add or operand.is_Mul else f" {text}"


class LinearOperator(Operator):
    """A Fourier multiplier: args are (operand, *constants); an operand of 0 gives 0.

    ``symbol(k, *constants)`` returns an array ``S[out..., in...]`` of expressions in the
    wavenumbers; ``in`` is contracted with the leading indices of the operand's components.
    """

    def __new__(cls, operand: Any, *constants: Any) -> Any:
        operand = as_expression(operand, cls.__name__)
        if operand.is_Number and operand.is_zero:
            return sp.S.Zero
        return super().__new__(cls, operand, *constants)

    @property
    def operand(self) -> sp.Expr:
        """The expression that is acted upon."""
        return self.args[0]

    @property
    def constants(self) -> tuple[sp.Expr, ...]:
        """Everything but the operand."""
        return tuple(self.args[1:])

    def ranks(self, rank: int, dim: int) -> tuple[int, int] | None:
        """Return (indices consumed, indices produced) for an operand, or None if it does not fit."""
        return (0, 0)

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        """Return the Fourier symbol for an operand of the given rank."""
        raise TypeError(type(self).__name__)

    def _eval_is_real(self) -> bool | None:
        real: bool | None = self.operand.is_real
        return real

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        """Commutes with coordinates; by a constant such as alpha it stays unevaluated."""
        self._refuse_dummy(variable)
        if any(variable in c.free_symbols for c in self.constants):
            return sp.Derivative(self, variable, evaluate=False)
        if variable not in self.operand.free_symbols:
            return sp.S.Zero
        return self.func(self.operand.diff(variable), *self.constants)


class Laplacian(LinearOperator):
    """``Δe = Σ ∂²e/∂x_i²``, symbol ``-|k|²``; acts on each component of a vector."""

    latex_name = r"\Delta"

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        return sp.Array(-squared_norm(k))


class FractionalLaplacian(LinearOperator):
    """``-(-Δ)^{α/2} e``, symbol ``-|k|^α``: dissipative, and ``α = 2`` is :class:`Laplacian`.

    Args:
        operand: A scalar or vector expression.
        alpha: The order α > 0, a number or a parameter.
    """

    def __new__(cls, operand: Any, alpha: Any) -> Any:
        alpha = as_expression(alpha, "FractionalLaplacian")
        if alpha.is_positive is False:
            shown_order = str(alpha).replace("I", "i")
            msg = f"FractionalLaplacian needs an order alpha > 0; got {shown_order}."
            fix = "sm.FractionalLaplacian(u, 1.5);  sm.InverseLaplacian(u) has the symbol -1/|k|^2"
            raise DeclarationError("S114", msg, fix=fix)
        return super().__new__(cls, operand, alpha)

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        return sp.Array(-(squared_norm(k) ** (self.constants[0] / 2)))

    def _latex(self, printer: Any) -> str:
        alpha = printer._print(self.constants[0])
        # Brackets: a factor or a minus sign may come before it.
        return rf"\left[-\left(-\Delta\right)^{{{alpha}/2}}\right]{_latex_operand(printer, self.operand)}"


class InverseLaplacian(LinearOperator):
    """``Δ⁻¹ e`` with mean zero, symbol ``-1/|k|²`` (0 at k = 0)."""

    latex_name = r"\Delta^{-1}"

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        return sp.Array(-Reciprocal(squared_norm(k)))


class Dx(LinearOperator):
    """``∂ⁿe/∂xⁿ`` along one space coordinate, kept in conservative form.

    ``Dx(u**2/2, x)`` is discretised as the derivative of the flux; ``(u**2/2).diff(x)`` has
    already become ``u*u_x`` before the package sees it.
    """

    def __new__(cls, operand: Any, coordinate: Any, order: Any = 1) -> Any:
        coordinate, order = as_expression(coordinate, "Dx"), as_expression(order, "Dx")
        if not isinstance(coordinate, sp.Symbol) or not (order.is_Integer and order > 0):
            msg = f"Dx needs a coordinate and a positive integer order; got {coordinate} and {order}."
            raise DeclarationError("S115", msg, fix="sm.Dx(u**2/2, x)  or  sm.Dx(u, x, 3)")
        return super().__new__(cls, operand, coordinate, order)

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        coordinate, order = self.constants
        return sp.Array((sp.I * k[coordinate]) ** order)

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        if variable not in self.operand.free_symbols:
            return sp.S.Zero
        return self.func(self.operand.diff(variable), *self.constants)

    def _sympystr(self, printer: Any) -> str:
        shown = self.args if self.args[2] != 1 else self.args[:2]
        return f"Dx({', '.join(printer._print(a) for a in shown)})"

    def _latex(self, printer: Any) -> str:
        x, order = (printer._print(c) for c in self.constants)
        power = "" if self.constants[1] == 1 else f"^{{{order}}}"
        return rf"\partial_{{{x}}}{power}{_latex_operand(printer, self.operand)}"


class Grad(LinearOperator):
    """Gradient: ``Grad(f)[j] = ∂_j f`` and ``Grad(v)[j, i] = ∂_j v_i``."""

    latex_name = r"\nabla"

    def ranks(self, rank: int, dim: int) -> tuple[int, int] | None:
        return (0, 1)

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        return sp.Array([sp.I * ki for ki in k.values()])


class Div(LinearOperator):
    """Divergence over the first index: ``Div(v) = ∂_j v_j``, ``Div(T)[i] = ∂_j T[j, i]``."""

    latex_name = r"\nabla\cdot"

    def ranks(self, rank: int, dim: int) -> tuple[int, int] | None:
        return (1, 0) if rank >= 1 else None

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        return sp.Array([sp.I * ki for ki in k.values()])


class Curl(LinearOperator):
    """Curl of a vector; in 2-D a scalar ``∂_x v_y - ∂_y v_x``, and of a scalar ``(∂_y ψ, -∂_x ψ)``."""

    latex_name = r"\nabla\times"

    def ranks(self, rank: int, dim: int) -> tuple[int, int] | None:
        return {(2, 1): (1, 0), (2, 0): (0, 1), (3, 1): (1, 1)}.get((dim, rank))

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        return _curl_symbol([sp.I * ki for ki in k.values()], rank)


class BiotSavart(LinearOperator):
    """Velocity of a vorticity: ``v = curl(-Δ)⁻¹ω``, counter-clockwise for ω > 0 in 2-D.

    Scalar ω in 2-D, vector ω in 3-D. Mean-free on the torus; add ``+ sm.Vector(U, V)`` for a
    mean flow.
    """

    latex_name = r"\mathcal{K}\ast"

    def ranks(self, rank: int, dim: int) -> tuple[int, int] | None:
        return {(2, 0): (0, 1), (3, 1): (1, 1)}.get((dim, rank))

    def symbol(self, k: Wavenumbers, rank: int) -> sp.NDimArray:
        inverse = Reciprocal(squared_norm(k))
        return _curl_symbol([sp.I * ki for ki in k.values()], rank).applyfunc(lambda s: inverse * s)


def _curl_symbol(d: list[sp.Expr], rank: int) -> sp.NDimArray:
    if len(d) == 3:
        return sp.Array([[0, -d[2], d[1]], [d[2], 0, -d[0]], [-d[1], d[0], 0]])
    return sp.Array([d[1], -d[0]]) if rank == 0 else sp.Array([-d[1], d[0]])


class Dt(Operator):
    """``∂ⁿe/∂tⁿ`` in the problem's own time, whatever its symbol is called."""

    def __new__(cls, operand: Any, order: Any = 1) -> Any:
        operand, order = as_expression(operand, "Dt"), as_expression(order, "Dt")
        if not (order.is_Integer and order > 0):
            msg = f"Dt needs a positive integer order; got {order}."
            fix = "sm.Dt(u)  or  sm.Dt(u, 2);  derivatives of fractional order in time have no form here"
            raise DeclarationError("S115", msg, fix=fix)
        if operand.is_Number:
            return sp.S.Zero
        if isinstance(operand, Dt):
            operand, order = operand.args[0], order + operand.args[1]
        return sp.Expr.__new__(cls, operand, order)

    def _eval_is_real(self) -> bool | None:
        real: bool | None = self.args[0].is_real
        return real

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        operand, order = self.args
        return self.func(operand.diff(variable), order) if variable in operand.free_symbols else sp.S.Zero

    def _sympystr(self, printer: Any) -> str:
        shown = self.args if self.args[1] != 1 else self.args[:1]
        return f"Dt({', '.join(printer._print(a) for a in shown)})"

    def _latex(self, printer: Any) -> str:
        power = "" if self.args[1] == 1 else f"^{{{self.args[1]}}}"
        return rf"\partial_t{power}{_latex_operand(printer, self.args[0])}"


class Functional(Operator):
    """Something that has one value, or one series of values, at each time. Used in outputs."""

    def __new__(cls, operand: Any) -> Any:
        return sp.Expr.__new__(cls, as_expression(operand, cls.__name__))

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        self._refuse_dummy(variable)
        return sp.Derivative(self, variable, evaluate=False)


class Integral(Functional):
    """``∫ e dx`` over the whole domain: a number at each time."""

    def _latex(self, printer: Any) -> str:
        return rf"\int {printer._print(self.args[0])}\,\mathrm{{d}}x"


class Maximum(Functional):
    """The largest value of a scalar over the grid: a number at each time."""

    def _latex(self, printer: Any) -> str:
        return rf"\max_x {printer._print(self.args[0])}"


class Spectrum(Functional):
    """Mean square of a scalar or vector by wavenumber: ``E_n = Σ |ê_k|²`` over ``n - 1/2 ≤ |k|/k₀ < n + 1/2``.

    ``k₀ = 2π/L`` with the longest period L; ``Σ E_n`` is the mean of ``|e|²``. An output of its own, on
    periodic domains; stored with the dimension ``wavenumber``.
    """

    def _latex(self, printer: Any) -> str:
        return rf"E\left[{printer._print(self.args[0])}\right]"


class Norm(Functional):
    """The norm ``(∫ |e|^p dx)^{1/p}`` of a scalar or vector, or its largest modulus for p = ∞.

    Args:
        operand: A scalar or vector expression.
        p: A number at least 1, or ``oo``.
    """

    def __new__(cls, operand: Any, p: Any = 2) -> Any:
        order = as_expression(p, "Norm")
        if not (order.is_number and order >= 1):
            msg = f"Norm needs an order p of at least 1; got {p}."
            raise DeclarationError("S197", msg, fix="sm.Norm(u)  or  sm.Norm(u, sp.oo)")
        return sp.Expr.__new__(cls, as_expression(operand, "Norm"), order)

    def _sympystr(self, printer: Any) -> str:
        shown = self.args if self.args[1] != 2 else self.args[:1]
        return f"Norm({', '.join(printer._print(a) for a in shown)})"

    def _latex(self, printer: Any) -> str:
        return rf"\left\|{printer._print(self.args[0])}\right\|_{{{printer._print(self.args[1])}}}"


def is_global(expr: sp.Expr, space: tuple[sp.Symbol, ...]) -> bool:
    """Tell whether an expression is one number per time: no field or coordinate outside functionals."""
    outside = expr.replace(lambda e: isinstance(e, Functional) and not isinstance(e, Spectrum), lambda e: sp.Dummy())
    # Vector fields, noises and random fields carry their coordinates as free symbols.
    return not outside.atoms(AppliedUndef) and not outside.free_symbols & set(space)
