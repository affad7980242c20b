"""Wavenumber symbols, and the one function that Fourier symbols need beyond SymPy's own.

Fourier convention: ``∂_x e^{ikx} = ik e^{ikx}``. Every linear operator of the language is a
Fourier multiplier, written as an expression in the real symbols returned by :func:`wavenumber`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import sympy as sp

__all__ = ["Reciprocal", "Wavenumbers", "mean_projector", "squared_norm", "wavenumber", "wavenumbers"]

Wavenumbers = Mapping[sp.Symbol, sp.Symbol]


@cache
def wavenumber(coordinate: sp.Symbol) -> sp.Dummy:
    """Return the wavenumber symbol that belongs to a coordinate.

    A ``Dummy`` (one per coordinate and process), so that it can never collide with a user's
    own ``k_x``.
    """
    return sp.Dummy(f"k_{coordinate.name}", real=True)


def wavenumbers(coordinates: Iterable[sp.Symbol]) -> dict[sp.Symbol, sp.Symbol]:
    """Map each coordinate to its wavenumber, in order."""
    return {x: wavenumber(x) for x in coordinates}


def squared_norm(k: Wavenumbers) -> sp.Expr:
    """Return ``|k|² = Σ k_i²``."""
    return sp.Add(*(ki**2 for ki in k.values()))


def mean_projector(k: Wavenumbers) -> sp.Expr:
    """Return the symbol that is 1 at k = 0 and 0 elsewhere: ``e ↦ mean(e)``."""
    norm = squared_norm(k)
    return 1 - norm * Reciprocal(norm)


class Reciprocal(sp.Function):  # type: ignore[misc]
    """``1/e`` where ``e ≠ 0``, and 0 where ``e = 0``.

    The inverse of an elliptic symbol on the functions of mean zero: ``Reciprocal(|k|²)`` inverts
    ``-Δ`` and drops the mean. SymPy's own ``1/|k|²`` would cancel against ``|k|²`` and bring the
    mean back.
    """

    nargs = 1

    @classmethod
    def eval(cls, e: Any) -> sp.Expr | None:
        if e.is_zero:
            return sp.S.Zero
        if e.is_Number or (not e.atoms(sp.Dummy) and e.is_nonzero):
            return 1 / e
        content, rest = e.as_content_primitive()
        if rest.could_extract_minus_sign():
            content, rest = -content, -rest
        # Powers come out, so that products of reciprocals merge: 1/(|k|²)² = (1/|k|²)².
        if rest.is_Pow and rest.exp.is_Integer and rest.exp > 1:
            return cls(rest.base) ** rest.exp / content
        if content != 1:
            return cls(rest) / content
        return None

    def _eval_is_real(self) -> bool | None:
        real: bool | None = self.args[0].is_real
        return real

    def _eval_is_zero(self) -> bool | None:
        zero: bool | None = self.args[0].is_zero
        return zero
