"""Real fields need real equations: every symbol Hermitian, every pointwise term real."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.rows import Origin, refuse
from sciml.forms.semilinear import SemilinearForm

__all__ = ["check_real"]

FIX = "fields are real: write real and imaginary part as two fields, as in the nonlinear Schrödinger entry"


def check_real(form: SemilinearForm) -> None:
    """Refuse a form whose solution would leave the real fields.

    Raises:
        DeclarationError: A Fourier symbol with s(-k) ≠ conj(s(k)), or an imaginary coefficient.
    """
    for i, origins in enumerate(form.origins):
        _check_symbols((*form.mass.row(i), *form.linear.row(i)), origins, form)
    for term in form.nonlinear:
        _check_symbols(term.column, term.origins, form)
        _check_symbols([s.symbol for s in form.slots if s.placeholder in term.n.free_symbols], term.origins, form)
        if term.n.has(sp.I):
            raise refuse("S141", f"the term {text(form.expression(term.n))} is not real", term.origins[0], FIX)


def _check_symbols(symbols: Iterable[sp.Expr], origins: tuple[Origin, ...], form: SemilinearForm) -> None:
    reflected = {k: -k for k in form.frame.k.values()}
    for s in symbols:
        if not s.has(sp.I) and not s.free_symbols & set(reflected):
            continue
        if sp.expand(s.xreplace(reflected) - s.xreplace({sp.I: -sp.I})) != 0:
            shown = form.symbol_text(s)
            if not origins:
                raise DeclarationError("S141", f"the symbol {shown} is not that of a real operator.", fix=FIX)
            raise refuse("S141", f"the coefficient {shown} is not that of a real operator", origins[0], FIX)
