"""Real fields need real equations: every symbol Hermitian, every pointwise term real."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.complex_fields import complex_field, split_equation
from sciml.dsl.text import text, typed
from sciml.dsl.vectors import VectorField
from sciml.forms.rows import Origin, refuse
from sciml.forms.semilinear import SemilinearForm

__all__ = ["check_real"]


def check_real(form: SemilinearForm, equations: Mapping[str, sp.Eq]) -> None:
    """Refuse a form whose solution would leave the real fields.

    Raises:
        DeclarationError: A Fourier symbol with s(-k) ≠ conj(s(k)), or an imaginary coefficient.
            Where the equation is linear, the message holds the two real ones it stands for.
    """
    found = _complex_part(form)
    if found is None:
        return
    headline, origins = found
    # Of all terms of a row, the one that the user wrote an imaginary coefficient in.
    origin = next((o for o in origins if o.term.has(sp.I)), origins[0])
    raise refuse("S141", headline, origin, tuple(_advice(form, origin.equation, equations)))


def _complex_part(form: SemilinearForm) -> tuple[str, Sequence[Origin]] | None:
    reflected = {k: -k for k in form.frame.k.values()}

    def unreal(symbols: Iterable[sp.Expr]) -> str | None:
        for s in symbols:
            plain = not (s.has(sp.I) or s.free_symbols & set(reflected))
            if not plain and sp.expand(s.xreplace(reflected) - s.xreplace({sp.I: -sp.I})) != 0:
                return f"the coefficient {form.symbol_text(s)} is not that of a real operator"
        return None

    for i, origins in enumerate(form.origins):
        if why := unreal((*form.mass.row(i), *form.linear.row(i))):
            return why, origins
    driven = [(t.n, t.column, t.origins) for t in form.nonlinear]
    driven += [(t.amplitude, t.column, t.origins) for t in form.noise]
    for n, column, origins in driven:
        slots = [s.symbol for s in form.slots if s.placeholder in n.free_symbols]
        if why := unreal((*column, *slots)):
            return why, origins
        if n.has(sp.I):
            return f"the term {text(form.expression(n))} is not real", origins
    return None


def _advice(form: SemilinearForm, name: str, equations: Mapping[str, sp.Eq]) -> Iterable[str]:
    """Say how the equation is written with complex fields, and as real ones if that is certain."""
    yield "sm.Field is real; a complex unknown is made by sm.ComplexField, and its equations are split by themselves:"
    equation = equations.get(name)
    fields = sorted(equation.atoms(AppliedUndef), key=str) if equation is not None else []
    for f in fields:
        called = f.func.__name__
        yield f'{called} = sm.ComplexField("{called}", {", ".join(map(str, f.args))})'
    if equation is None or equation.atoms(VectorField):
        return
    here = [t for t in form.nonlinear if any(o.equation == name for o in t.origins)]
    if any(t.degree not in (0, 1) for t in here):
        yield "then write the equation again: of a real field, Abs(u)**2 has already become u**2"
        return
    yield "or write the two real equations:"
    for part in split_equation(equation.xreplace({f: complex_field(f) for f in fields})):
        yield _typed(part)


def _typed(equation: sp.Eq) -> str:
    return f"sp.Eq({typed(equation.lhs)}, {typed(equation.rhs)})"
