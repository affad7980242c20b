"""Random initial data: Gaussian fields with a name, a law, and nothing else.

The same name is the same field wherever it occurs, so that ``R - R`` is 0; different names are
independent. What is drawn belongs to the Fourier modes and not to the grid points, so a finer grid
shows the same field with more of its modes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sympy as sp

from sciml.dsl.coordinates import check_coordinates, check_name
from sciml.dsl.operators import as_expression
from sciml.dsl.vectors import Labelled
from sciml.errors import DeclarationError, shown

__all__ = ["FourierField", "RandomField", "StationaryField"]

EXAMPLE = 'sm.RandomField.fourier("a", x, modes=8, scale=0.1)'


class RandomField(Labelled):
    """A real Gaussian random field of mean zero on a periodic domain; made by one of three constructors.

    >>> RandomField.fourier("a", x, modes=8, scale=0.1)                        # doctest: +SKIP
    >>> RandomField.matern("a", x, y, length=0.2, smoothness=sp.Rational(5, 2))  # doctest: +SKIP
    >>> RandomField.spectrum("a", x, y, k=k, density=625 * (k**2 + 25) ** -2.5)  # doctest: +SKIP

    On a bounded axis the field is the restriction of one on an axis of twice the length.
    """

    kind: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]

    def __new__(cls, *args: Any) -> Any:
        if cls is RandomField:
            msg = "RandomField is made by one of its constructors, which give its law."
            raise DeclarationError("S181", msg, fix=EXAMPLE)
        return super().__new__(cls, *args)

    @classmethod
    def fourier(cls, name: str, *coordinates: Any, modes: int, scale: Any = 1, decay: Any = 0) -> FourierField:
        """Return ``Σ_m scale (1 + |m|²)^{-decay/2} (ξ_m cos k_m·x + η_m sin k_m·x)``, ξ and η standard normal.

        Args:
            name: Identity of the field.
            coordinates: Space coordinates.
            modes: Largest mode number in each direction; the sum is over half of ``|m_i| ≤ modes``.
            scale: Standard deviation of the amplitudes.
            decay: How fast they fall.
        """
        made: FourierField = FourierField(name, sp.Tuple(*coordinates), modes, scale, decay)
        return made

    @classmethod
    def matern(cls, name: str, *coordinates: Any, length: Any, smoothness: Any, std: Any = 1) -> StationaryField:
        """Return the periodised Matérn field of standard deviation ``std``.

        Spectral density ``std² (4π)^{d/2} Γ(s + d/2)/Γ(s) κ^{2s} (κ² + |k|²)^{-(s + d/2)}`` with
        ``κ = √(2s)/length``; it has derivatives up to order ``s = smoothness`` (Stein 1999,
        doi:10.1007/978-1-4612-1494-6, §2.7).
        """
        k = sp.Symbol("k", nonnegative=True)
        length, s, std = (as_expression(e, "RandomField.matern") for e in (length, smoothness, std))
        for what, value in (("length", length), ("smoothness", s)):
            if value.is_positive is False:
                msg = f"RandomField.matern({name!r}) needs a positive {what}; got {value}."
                fix = f'sm.RandomField.matern("{name}", x, length=0.2, smoothness=1.5)'
                raise DeclarationError("S181", msg, fix=fix)
        half = sp.Rational(len(coordinates), 2)
        kappa2 = 2 * s / length**2
        constant = std**2 * (4 * sp.pi) ** half * sp.gamma(s + half) / sp.gamma(s)
        return cls.spectrum(name, *coordinates, k=k, density=constant * kappa2**s * (kappa2 + k**2) ** (-s - half))

    @classmethod
    def spectrum(cls, name: str, *coordinates: Any, k: sp.Symbol, density: Any) -> StationaryField:
        """Return the field whose covariance operator has the Fourier symbol ``density(|k|)``.

        With the volume V of the torus each coefficient has ``E|c_k|² = density(|k|)/V``; the
        pointwise variance is their sum. ``density = σ²(|k|² + τ²)^{-a}`` is ``N(0, σ²(-Δ + τ²)^{-a})``.

        Args:
            name: Identity of the field.
            coordinates: Space coordinates.
            k: The symbol that stands for ``|k|`` in ``density``.
            density: Its dependence on ``|k|`` and on parameters; not negative.
        """
        made: StationaryField = StationaryField(name, sp.Tuple(*coordinates), k, density)
        return made

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The space coordinates it depends on."""
        return tuple(self.args[1])

    @property
    def constants(self) -> tuple[sp.Expr, ...]:
        """What its law depends on."""
        return tuple(self.args[2:])

    def _eval_is_real(self) -> bool:
        return True

    @property
    def constructor(self) -> str:
        """How it was made, as it is typed."""
        given = {n: c for n, c in zip(self.parameters, self.constants, strict=True)}
        arguments = ", ".join([f'"{self.name}"', *map(str, self.coordinates), *(f"{n}={c}" for n, c in given.items())])
        return f"RandomField.{self.kind}({arguments})"


def _label(name: Any, coordinates: Any) -> tuple[sp.Symbol, sp.Tuple]:
    label = name.name if isinstance(name, sp.Symbol) else name
    check_name(label, "RandomField")
    check_coordinates(tuple(coordinates), f"RandomField({label!r}, ...)")
    return sp.Symbol(label, real=True), sp.Tuple(*coordinates)


def _check_law(kind: str, name: Any, coordinates: Any, law: sp.Basic) -> None:
    if found := law.free_symbols & set(coordinates):
        x = sorted(found, key=str)[0]
        msg = f"the law of RandomField.{kind}('{name}', ...) depends on {x}; it must be the same everywhere."
        raise DeclarationError("S181", msg, fix=f"multiply the field by a function of {x}: sp.sin({x})*a")


class FourierField(RandomField):
    """See :meth:`RandomField.fourier`; args are (name, coordinates, modes, scale, decay)."""

    kind = "fourier"
    parameters = ("modes", "scale", "decay")

    def __new__(cls, name: Any, coordinates: Any, modes: Any, scale: Any, decay: Any) -> Any:
        count, *rest = (as_expression(e, "RandomField.fourier") for e in (modes, scale, decay))
        if not (count.is_Integer and count > 0):
            msg = f"RandomField.fourier needs a positive number of modes; got {modes}."
            raise DeclarationError("S181", msg, fix=EXAMPLE)
        _check_law("fourier", name, coordinates, sp.Tuple(*rest))
        return sp.Expr.__new__(cls, *_label(name, coordinates), count, *rest)

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return {*self.coordinates}.union(*(c.free_symbols for c in self.constants))


class StationaryField(RandomField):
    """See :meth:`RandomField.spectrum`; args are (name, coordinates, k, density)."""

    kind = "spectrum"
    parameters = ("k", "density")

    def __new__(cls, name: Any, coordinates: Any, k: Any, density: Any) -> Any:
        if not isinstance(k, sp.Symbol):
            msg = f"RandomField.spectrum(k=...) is the symbol that stands for |k|; got {shown(k)}."
            raise DeclarationError("S181", msg, fix='k = sp.Symbol("k", nonnegative=True)')
        density = as_expression(density, "RandomField.spectrum")
        if density.is_negative:
            msg = f"RandomField.spectrum needs a density that is not negative; got {density}."
            raise DeclarationError("S181", msg, fix="density=(k**2 + 25) ** -2")
        _check_law("spectrum", name, coordinates, density)
        return sp.Expr.__new__(cls, *_label(name, coordinates), k, density)

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        k, density = self.constants
        free: set[sp.Symbol] = density.free_symbols - {k}
        return free.union(self.coordinates)
