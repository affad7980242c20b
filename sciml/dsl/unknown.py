"""A term that is not known: a pointwise function of given arguments, to be learned from data.

It is opaque: its values and its derivatives by its arguments are unknown, and everything else that
holds for a smooth function of them holds for it. The same name is the same function.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.printing.pretty.stringpict import prettyForm

from sciml.dsl.coordinates import check_name
from sciml.dsl.operators import as_expression
from sciml.dsl.vectors import Labelled
from sciml.errors import DeclarationError

__all__ = ["Unknown", "stand_in", "unknown_terms"]


class Unknown(Labelled):
    """An unknown real function ``F(a, b, …)`` of what its arguments are at the same time and place.

    ``F = Unknown("F", u)`` stands in an equation like any pointwise function of u:
    ``Dt(u) = Laplacian(u) + F``. A problem that holds it is solved by methods that learn it from data.

    Args:
        name: Identity of the function.
        arguments: Scalars: unknown fields, linear maps of them such as ``Dx(u, x)``, coordinates.

    Raises:
        DeclarationError: The name is no identifier, there is no argument, or one is no expression.
    """

    def __new__(cls, name: Any, *arguments: Any) -> Any:
        label = name.name if isinstance(name, sp.Symbol) else name
        check_name(label, "Unknown")
        if not arguments:
            msg = f"the unknown function {label} needs to know what it depends on."
            fix = f'sm.Unknown("{label}", u), with fields, linear maps such as sm.Dx(u, x), or coordinates'
            raise DeclarationError("S219", msg, fix=fix)
        given = (as_expression(a, f"Unknown({label!r}, ...)") for a in arguments)
        return sp.Expr.__new__(cls, sp.Symbol(label, real=True), *given)

    @property
    def arguments(self) -> tuple[sp.Expr, ...]:
        """What it is a function of."""
        return tuple(self.args[1:])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return set().union(*(a.free_symbols for a in self.arguments))

    def _eval_is_real(self) -> bool:
        return True

    def _eval_derivative(self, variable: sp.Symbol) -> sp.Expr:
        return super()._eval_derivative(variable) if variable in self.free_symbols else sp.S.Zero

    def _refuse_dummy(self, variable: sp.Symbol) -> None:
        if isinstance(variable, sp.Dummy):
            msg = f"the function {self.name} is unknown, and so is its derivative by a field."
            fix = f"its derivative by a coordinate is sm.Dx({self.name}, x)"
            raise DeclarationError("S113", msg, fix=fix)

    def _eval_subs(self, old: Any, new: Any) -> sp.Expr:
        # Pointwise: F(u) at x = 0 is F of u at x = 0. Its name is no symbol of the expression.
        return self.func(self.args[0], *(a._subs(old, new) for a in self.arguments))

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}({', '.join(printer._print(a) for a in self.arguments)})"

    def _latex(self, printer: Any) -> str:
        inside = ", ".join(printer._print(a) for a in self.arguments)
        return rf"{printer._print(self.args[0])}\left({inside}\right)"

    def _pretty(self, printer: Any) -> prettyForm:
        inside = prettyForm(*printer._print_seq(self.arguments, delimiter=", ").parens())
        return prettyForm(*inside.left(printer._print(self.args[0])))


def unknown_terms(expressions: Iterable[sp.Basic]) -> tuple[Unknown, ...]:
    """Return the unknown functions in expressions, by name."""
    found: set[Unknown] = set().union(*(e.atoms(Unknown) for e in expressions))
    return tuple(sorted(found, key=lambda f: (f.name, str(f))))


def stand_in(expr: sp.Expr) -> sp.Expr:
    """Put sines of their arguments, another for each name, in the place of unknown functions.

    What is asked of the result must not depend on which smooth function it is.
    """
    names = sorted({f.name for f in expr.atoms(Unknown)})

    def sine(label: sp.Symbol, *arguments: sp.Expr) -> sp.Expr:
        weight = 1 + sp.Rational(names.index(label.name) + 1, 10)
        return sp.sin(weight * sp.Add(*(n * a for n, a in enumerate(arguments, 1))))

    return expr.replace(Unknown, sine)
