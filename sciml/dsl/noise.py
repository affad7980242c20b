"""Driving noise, as it is declared in an equation: white in time, white or coloured in space.

The same name is the same noise wherever it occurs; different names are independent. What is drawn
belongs to the modes of the domain (Fourier on periodic axes; sines or cosines between faces, as the
driven field has them) and not to grid points, so a finer grid sees the same path.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from sciml.dsl.coordinates import check_coordinates, check_name
from sciml.dsl.operators import as_expression
from sciml.dsl.vectors import Labelled
from sciml.errors import DeclarationError, shown

__all__ = ["ColoredNoise", "Noise", "WhiteNoise"]

GREEK = {"xi", "eta", "zeta"}


class Noise(Labelled):
    """Gaussian noise that is white in time: the formal time derivative of a Wiener process ``W``."""

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """Time and the space coordinates it depends on."""
        return tuple(self.args[1])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return set(self.coordinates)

    @property
    def modes(self) -> int | None:
        """Largest mode number in each direction; None for all that a grid can hold."""
        raise NotImplementedError

    @property
    def has_mean(self) -> bool:
        """Whether the mode 0 is driven."""
        return bool(self.args[-1] == 1)

    @property
    def is_smooth(self) -> bool:
        """Whether it has finitely many modes by its declaration."""
        return self.modes is not None or len(self.coordinates) == 1

    def spectrum(self, k: sp.Expr) -> sp.Expr:
        """Return the symbol ``q(|k|)`` of the covariance operator of ``W(1)``."""
        raise NotImplementedError

    def _eval_is_real(self) -> bool:
        return True

    def _latex(self, printer: Any) -> str:
        return rf"\{self.name}" if self.name in GREEK else self.name


def _label(cls: type, name: Any, coordinates: Any) -> tuple[sp.Symbol, sp.Tuple]:
    label = name.name if isinstance(name, sp.Symbol) else name
    check_name(label, cls.__name__)
    check_coordinates(tuple(coordinates), f"{cls.__name__}({label!r}, ...)")
    return sp.Symbol(label, real=True), sp.Tuple(*coordinates)


def _count(cls: type, name: Any, modes: Any) -> sp.Integer:
    count = sp.Integer(0) if modes is None else as_expression(modes, f"{cls.__name__}({str(name)!r}, modes=...)")
    if not (count.is_Integer and count >= 0):
        msg = f"{cls.__name__}({str(name)!r}, modes=...) is the largest mode number, 1 or more; got {shown(modes)}."
        raise DeclarationError("S200", msg, fix=f'sm.{cls.__name__}("{name}", t, x, modes=32), or leave modes out')
    return count


class WhiteNoise(Noise):
    """Gaussian white noise of unit intensity in the coordinates it is given.

    ``sigma*WhiteNoise("xi", t)`` adds ``σ dB``; ``sigma*WhiteNoise("xi", t, x)`` adds ``σ dW`` with the
    cylindrical Wiener process ``W = Σ_m e_m(x) B_m(t)``: e_m an orthonormal basis of L² of the domain
    and B_m independent Brownian motions.

    Args:
        name: Identity of the noise.
        coordinates: The time, and the space coordinates it is white in.
        modes: Largest mode number in each direction. It is part of the law: noise with ``modes`` is
            smooth in space, and stays the same on every grid. Without it the noise is white in space,
            and a grid cuts it off at the modes it can hold.
        mean: False leaves out the mode 0, so that the spatial mean is not driven.

    Raises:
        DeclarationError: A name or coordinates that are none, or modes that are no positive number.
    """

    def __new__(cls, name: Any, *coordinates: Any, modes: Any = None, mean: bool = True) -> Any:
        if coordinates and isinstance(coordinates[0], sp.Tuple):  # rebuilt from its args
            given, modes, mean = coordinates
            return sp.Expr.__new__(cls, *_label(cls, name, given), _count(cls, name, modes), sp.Integer(bool(mean)))
        count = _count(cls, name, modes)
        if modes is not None and count == 0:
            msg = f"WhiteNoise({str(name)!r}, modes=0) has no modes."
            raise DeclarationError("S200", msg, fix="mode 0 alone is noise over the time: sm.WhiteNoise(name, t)")
        if len(coordinates) == 1 and (modes is not None or not mean):
            msg = f"the noise {name} is over {coordinates[0]} alone: it has no modes in space."
            raise DeclarationError("S200", msg, fix=f'sm.WhiteNoise("{name}", {coordinates[0]})')
        return sp.Expr.__new__(cls, *_label(cls, name, coordinates), count, sp.Integer(bool(mean)))

    @property
    def modes(self) -> int | None:
        return int(self.args[2]) or None

    def spectrum(self, k: sp.Expr) -> sp.Expr:
        return sp.S.One


class ColoredNoise(Noise):
    """Gaussian noise, white in time, with the spatial covariance operator ``Q`` of symbol ``q(|k|)``.

    ``sigma*ColoredNoise("xi", t, x, y, k=k, spectrum=sp.exp(-k**2/100))`` adds ``σ Q^{1/2} dW``. On a
    domain of volume V the Fourier coefficients of an increment have the variance ``q(|k|) dt/V``.

    Args:
        name: Identity of the noise.
        coordinates: The time, and every space coordinate.
        k: The symbol that stands for ``|k|`` in ``spectrum``.
        spectrum: Its dependence on ``|k|`` and on parameters; not negative.
        mean: False leaves out the mode 0, so that the spatial mean is not driven.

    Raises:
        DeclarationError: The spectrum is no expression, negative, or depends on time or place.
    """

    def __new__(cls, name: Any, *coordinates: Any, k: Any = None, spectrum: Any = None, mean: bool = True) -> Any:
        if coordinates and isinstance(coordinates[0], sp.Tuple):  # rebuilt from its args
            given, k, spectrum, mean = coordinates
            coordinates = tuple(given)
        example = f'k = sp.Symbol("k", nonnegative=True);  sm.ColoredNoise("{name}", t, x, k=k, spectrum=sp.exp(-k**2))'
        if not isinstance(k, sp.Symbol) or spectrum is None:
            missing = "spectrum" if isinstance(k, sp.Symbol) else "k, the symbol that stands for |k|"
            msg = f"ColoredNoise({str(name)!r}, ...) needs {missing}."
            raise DeclarationError("S200", msg, fix=example)
        law = as_expression(spectrum, f"ColoredNoise({str(name)!r}, spectrum=...)")
        if law.is_negative or law.has(sp.I):
            msg = f"the spectrum of the noise {name} must not be negative: it is a variance; got {law}."
            raise DeclarationError("S200", msg, fix=example)
        if found := law.free_symbols & set(coordinates):
            x = min(found, key=str)
            msg = f"the spectrum of the noise {name} depends on {x}; it must be the same everywhere."
            raise DeclarationError("S200", msg, fix=f"multiply the noise by a function of {x}: sp.sin({x})*{name}")
        if len(coordinates) == 1:
            msg = f"the noise {name} is over {coordinates[0]} alone: it has no spectrum in space."
            raise DeclarationError("S200", msg, fix=f'sm.WhiteNoise("{name}", {coordinates[0]})')
        return sp.Expr.__new__(cls, *_label(cls, name, coordinates), k, law, sp.Integer(bool(mean)))

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        k, law = self.args[2:4]
        return {*self.coordinates, *(law.free_symbols - {k})}

    @property
    def modes(self) -> int | None:
        return None

    def spectrum(self, k: sp.Expr) -> sp.Expr:
        symbol, law = self.args[2:4]
        return law.xreplace({symbol: k})
