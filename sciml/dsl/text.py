"""How declarations are shown: the user's own words, a caret under a term, LaTeX."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from sciml.dsl.operators import LinearOperator

__all__ = ["equation_text", "excerpt", "latex", "text"]


class _Text(StrPrinter):  # type: ignore[misc]
    """Fields are printed by name alone: ``w`` instead of ``w(t, x, y)``."""

    def _print_Function(self, expr: sp.Expr) -> str:
        if isinstance(expr, AppliedUndef) and all(a.is_Symbol for a in expr.args):
            return str(expr.func.__name__)
        return str(super()._print_Function(expr))

    def _print_Dummy(self, expr: sp.Dummy) -> str:
        return str(expr.name)

    def _print_ImaginaryUnit(self, expr: sp.Expr) -> str:
        return "i"

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
    return str(_Text().doprint(expr))


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
