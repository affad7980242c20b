"""How declarations are shown: the user's own words, a caret under a term, LaTeX."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from sciml.dsl.operators import LinearOperator

__all__ = ["equation_text", "excerpt", "latex", "text", "typed"]


class _Text(StrPrinter):  # type: ignore[misc]
    """Fields are printed by name alone: ``w`` instead of ``w(t, x, y)``."""

    def _print_Function(self, expr: sp.Expr) -> str:
        if isinstance(expr, AppliedUndef) and all(a.is_Symbol for a in expr.args):
            return str(expr.func.__name__)
        return str(super()._print_Function(expr))

    def _print_Derivative(self, expr: sp.Derivative) -> str:
        plain = not (expr.expr.is_Add or expr.expr.is_Mul or expr.expr.is_Pow)
        inner = self._print(expr.expr)
        for variable, order in expr.variable_count:
            inner = inner if plain else f"({inner})"
            inner += f".diff({self._print(variable)})" if order == 1 else f".diff({self._print(variable)}, {order})"
            plain = True
        return str(inner)

    def _print_Dummy(self, expr: sp.Dummy) -> str:
        return str(expr.name)

    def _print_ImaginaryUnit(self, expr: sp.Expr) -> str:
        return "i"

    def _print_ComplexInfinity(self, expr: sp.Expr) -> str:
        return "1/0"

    def _print_NaN(self, expr: sp.Expr) -> str:
        return "0/0"

    def _print_Float(self, expr: sp.Float) -> str:
        return f"{float(expr):.12g}"


class _Latex(LatexPrinter):  # type: ignore[misc]
    def _print_Function(self, expr: sp.Expr, exp: Any = None) -> str:
        if isinstance(expr, AppliedUndef) and all(a.is_Symbol for a in expr.args):
            name = self._deal_with_super_sub(expr.func.__name__)
            return name if exp is None else f"{name}^{{{exp}}}"
        return str(super()._print_Function(expr, exp))

    def _print_Dummy(self, expr: sp.Dummy) -> str:
        return str(self._print_Symbol(sp.Symbol(expr.name)))

    def _needs_mul_brackets(self, expr: sp.Expr, first: bool = False, last: bool = False) -> bool:
        # SymPy decides by the class name "Laplacian", which is its own vector operator.
        return not isinstance(expr, LinearOperator) and bool(super()._needs_mul_brackets(expr, first, last))


def text(expr: Any) -> str:
    """Print an expression as the user would type it, fields by name alone."""
    return str(_Text().doprint(_complex_fields_whole(expr)))


def _complex_fields_whole(expr: Any) -> Any:
    """Write ``psi_re + I*psi_im`` as the complex field ``psi`` that it was declared as."""
    if not (isinstance(expr, sp.Basic) and expr.has(sp.I)):
        return expr
    whole: dict[sp.Expr, sp.Expr] = {}
    for real in expr.atoms(AppliedUndef):
        name = real.func.__name__.removesuffix("_re")
        if name != real.func.__name__:
            imaginary = sp.Function(f"{name}_im", real=True)(*real.args)
            whole[real + sp.I * imaginary] = sp.Function(name)(*real.args)
    return expr.xreplace(whole) if whole else expr


def typed(expr: sp.Basic) -> str:
    """Print an expression as it is typed with ``import sympy as sp, sciml as sm``."""
    line = text(expr)
    for node in {type(n) for n in sp.preorder_traversal(expr) if n.args and not isinstance(n, AppliedUndef)}:
        module = "sm" if node.__module__.startswith("sciml") else "sp"
        line = re.sub(rf"(?<![\w.]){node.__name__}(?=\()", f"{module}.{node.__name__}", line)
    return re.sub(r"(?<![\w.])(pi|sqrt)\b", r"sp.\1", line)


def latex(expr: Any) -> str:
    """Print an expression in LaTeX, fields by name alone."""
    return str(_Latex({}).doprint(expr))


def equation_text(equation: sp.Eq) -> str:
    """Print ``lhs = rhs`` on one line."""
    return f"{text(equation.lhs)} = {text(equation.rhs)}"


def excerpt(line: str, part: Any) -> str:
    """Return ``line`` with ``part`` underlined by carets, or the bare line if it is not found."""
    found = _locate(line, text(part))
    return line if found is None else f"{line}\n{' ' * found[0]}{'^' * (found[1] - found[0])}"


def _locate(line: str, part: str) -> tuple[int, int] | None:
    # Inside a sum the sign of a term stands apart from it: "a - b*c" holds the term "-b*c".
    for candidate in (part, part.lstrip("-"), part.lstrip("-").strip("()")):
        match = re.search(rf"(?<!\w){re.escape(candidate)}(?!\w)", line)
        if match:
            return match.span()
    return None
