"""Complex unknowns as pairs of real ones, and the real equations that a complex one stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.coordinates import Field, check_coordinates, check_name
from sciml.dsl.real_imaginary import real_imaginary
from sciml.dsl.text import equation_text
from sciml.errors import DeclarationError

__all__ = [
    "ComplexField",
    "complex_field",
    "is_complex_field",
    "real_if_possible",
    "split_equation",
    "split_equations",
    "split_keys",
]

REAL, IMAGINARY = "_re", "_im"


def ComplexField(name: str, *coordinates: sp.Symbol) -> Any:
    """Create a complex scalar unknown: ``psi_re + I*psi_im`` of two real fields.

    An equation that holds ``I`` and such a field is split into its real and imaginary part when a
    problem is declared, and so are initial conditions and exact solutions of it. ``sp.Abs(psi)**2``,
    ``sp.conjugate(psi)``, ``sp.re`` and ``sp.im`` work as usual. Results hold ``psi_re`` and ``psi_im``.

    Args:
        name: Name of the unknown, e.g. ``"psi"``.
        coordinates: Its coordinates, time among them.

    Returns:
        A plain SymPy expression.

    Raises:
        DeclarationError: The name is not an identifier, or the coordinates are not distinct symbols.
    """
    check_name(name, "ComplexField")
    check_coordinates(coordinates, f"ComplexField({name!r}, ...)")
    return complex_field(sp.Function(name)(*coordinates))


def complex_field(field: sp.Expr) -> sp.Expr:
    """Return ``f_re + I*f_im`` for the field f."""
    real, imaginary = (Field(field.func.__name__ + suffix, *field.args) for suffix in (REAL, IMAGINARY))
    return real + sp.I * imaginary


def is_complex_field(expr: Any) -> bool:
    """Tell whether something is what :func:`ComplexField` returns."""
    if not isinstance(expr, sp.Add):
        return False
    found = [f for f in expr.atoms(AppliedUndef) if f.func.__name__.endswith(REAL)]
    return len(found) == 1 and expr == _of_pair(found[0])


def _of_pair(real: sp.Expr) -> sp.Expr:
    name = real.func.__name__.removesuffix(REAL)
    return complex_field(sp.Function(name)(*real.args))


def holds_complex_field(expr: sp.Basic) -> bool:
    """Tell whether both halves of some complex field occur."""
    fields = expr.atoms(AppliedUndef)
    return any(f.func.__name__.endswith(REAL) and _of_pair(f).atoms(AppliedUndef) <= fields for f in fields)


def split_equations(equations: Mapping[str, sp.Eq]) -> dict[str, sp.Eq]:
    """Replace each complex equation of complex fields by its real and imaginary part.

    A part that says 0 = 0 is left out, and the other one keeps the name.
    """
    out: dict[str, sp.Eq] = {}
    for name, equation in equations.items():
        if not (equation.has(sp.I) and holds_complex_field(equation)):
            out[name] = equation
            continue
        try:
            both = split_equation(equation)
        except DeclarationError as error:
            msg = f"in equation '{name}', {error.headline}"
            raise DeclarationError(error.code, msg, excerpt=equation_text(equation), fix=error.fix) from None
        parts = dict(zip(("real part", "imaginary part"), both, strict=True))
        saying = {what: e for what, e in parts.items() if sp.expand(e.lhs - e.rhs) != 0} or parts
        for what, e in saying.items():
            out[f"{name} ({what})" if len(saying) > 1 else name] = e
    return out


def split_equation(equation: sp.Eq) -> tuple[sp.Eq, sp.Eq]:
    """Return the real and the imaginary part of an equation."""
    left, right = real_imaginary(equation.lhs), real_imaginary(equation.rhs)
    real, imaginary = (sp.Eq(a, b, evaluate=False) for a, b in zip(left, right, strict=True))
    return real, imaginary


def split_keys(values: Mapping[Any, sp.Expr]) -> dict[Any, sp.Expr]:
    """Replace entries ``{complex field: value}`` by those of the two real fields."""
    out: dict[Any, sp.Expr] = {}
    for key, value in values.items():
        if is_complex_field(key):
            out |= zip(real_imaginary(key), real_imaginary(value), strict=True)
        else:
            out[key] = value
    return out


def real_if_possible(expr: sp.Expr) -> sp.Expr:
    """Write ``psi*conjugate(psi)`` and the like with real fields; leave alone what is complex."""
    if not holds_complex_field(expr):
        return expr
    real, imaginary = real_imaginary(expr)
    return real if sp.expand(imaginary) == 0 else expr
