"""Coordinates and fields: plain SymPy symbols and functions, never subclasses.

A subclass of ``Symbol`` or ``AppliedUndef`` would compare equal to the plain object of the same
name, and SymPy's cache then hands out either one of the two.
"""

from __future__ import annotations

import keyword
from typing import Any

import sympy as sp

from sciml.errors import DeclarationError

__all__ = ["Field", "check_name", "coords"]


def check_name(name: Any, what: str) -> str:
    """Return ``name`` if it can name a variable in Python, in files and in messages."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        msg = f"{what} needs a name that is a Python identifier, such as 'w' or 'u1'; got {name!r}."
        raise DeclarationError("S110", msg, fix='sm.Field("w", t, x), sm.coords("t x y")')
    return name


def coords(names: str) -> Any:
    """Create real coordinates, time among them.

    Args:
        names: Names separated by spaces or commas, as in ``coords("t x y")``.

    Returns:
        One ``sympy.Symbol(name, real=True)`` for a single name, else a tuple of them.
    """
    if not isinstance(names, str) or not names.replace(",", " ").split():
        msg = f"coords needs names in one string, as in coords('t x y'); got {names!r}."
        raise DeclarationError("S110", msg, fix='t, x, y = sm.coords("t x y")')
    listed = names.replace(",", " ").split()
    if len(set(listed)) != len(listed):
        msg = f"coords({names!r}) names a coordinate twice."
        raise DeclarationError("S110", msg, fix='sm.coords("t x y")')
    symbols = tuple(sp.Symbol(check_name(n, "a coordinate"), real=True) for n in listed)
    return symbols[0] if len(symbols) == 1 else symbols


def Field(name: str, *coordinates: sp.Symbol) -> Any:
    """Create a real scalar unknown of the given coordinates, time among them.

    Returns:
        The plain SymPy expression ``Function(name, real=True)(*coordinates)``; it can be
        differentiated, printed and combined like any other.
    """
    check_name(name, "Field")
    check_coordinates(coordinates, f"Field({name!r}, ...)")
    return sp.Function(name, real=True)(*coordinates)


def check_coordinates(coordinates: tuple[Any, ...], where: str) -> None:
    """Refuse anything but distinct coordinate symbols."""
    good = all(isinstance(c, sp.Symbol) and c.is_real for c in coordinates)
    if not coordinates or not good or len(set(coordinates)) != len(coordinates):
        msg = f"{where} needs distinct coordinates made by coords(...); got {tuple(coordinates)!r}."
        raise DeclarationError("S111", msg, fix='t, x = sm.coords("t x");  w = sm.Field("w", t, x)')
