"""What a problem knows of a parameter: a number, a range, a probability law, or that it is to be inferred.

The role belongs to the problem and not to the symbol: the same ``nu`` is a number in one problem and
unknown in the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sciml.errors import DeclarationError, shown

__all__ = ["LAWS", "Infer", "Law", "Range", "Role", "role_of"]

LAWS = ("beta", "expon", "gamma", "loguniform", "lognorm", "norm", "t", "triang", "truncnorm", "uniform", "weibull_min")
EXAMPLES = {"norm": "loc=1, scale=0.1", "uniform": "0.01, 0.09", "lognorm": "0.5, scale=0.1", "expon": "scale=0.1"}
TAIL = 1e-3  # probability beyond the bounds that checks use for a law

Array = np.ndarray[Any, np.dtype[np.float64]]


def _finite(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        msg = f"{what} must be a finite number; got {shown(value)}."
        raise DeclarationError("S180", msg, fix="sm.Range(1e-3, 0.1)  or  sm.Infer(init=0.05, bounds=(1e-3, 1))")
    return number


def _range_instead(low: float, high: float, scale: str) -> str:
    """Return what was probably meant by bounds that are no range."""
    if low == high:
        return f"a single value is written as a number: {low:g}"
    low, high = min(low, high), max(low, high)
    if scale == "linear":
        return f"sm.Range({low:g}, {high:g})"
    if low > 0:
        return f"sm.Range({low:g}, {high:g}, scale='log')"
    return f"sm.Range({high / 1000:g}, {high:g}, scale='log')" if high > 0 else f"sm.Range({low:g}, {high:g})"


@dataclass(frozen=True, init=False)
class Range:
    """A family: every value from ``low`` to ``high``.

    Args:
        low: Smallest value.
        high: Largest value.
        scale: How values are spread, ``"linear"`` or ``"log"`` (evenly in the logarithm).
    """

    low: float
    high: float
    scale: Literal["linear", "log"]

    def __init__(self, low: Any, high: Any, scale: str = "linear") -> None:
        lo, hi = (_finite(v, "a bound of Range") for v in (low, high))
        if scale not in ("linear", "log"):
            msg = f"Range(scale=...) is 'linear' or 'log'; got {scale!r}."
            likely = "log" if str(scale).startswith("log") else "linear"
            raise DeclarationError("S180", msg, fix=f"sm.Range({lo:g}, {hi:g}, scale='{likely}')")
        if not lo < hi or (scale == "log" and lo <= 0):
            needs = "0 < low < high" if scale == "log" else "low < high"
            msg = f"Range needs {needs}; got ({lo:g}, {hi:g})."
            raise DeclarationError("S180", msg, fix=_range_instead(lo, hi, scale))
        for name, value in (("low", lo), ("high", hi), ("scale", scale)):
            object.__setattr__(self, name, value)

    @property
    def nominal(self) -> float:
        """The middle, in the scale of the range."""
        return float(self.points(3)[1])

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.low, self.high

    def points(self, n: int) -> Array:
        """Return n values from one end to the other; the middle for n = 1."""
        if n == 1:
            return self.points(3)[1:2]
        space = np.geomspace if self.scale == "log" else np.linspace
        return space(self.low, self.high, n)

    def quantile(self, share: Array) -> Array:
        """Return the values below which a share of the range lies, in its scale."""
        if self.scale == "log":
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share

    def __str__(self) -> str:
        return f"Range({self.low:g}, {self.high:g}{', log' if self.scale == 'log' else ''})"


@dataclass(frozen=True, init=False)
class Infer:
    """An unknown that observations determine.

    Args:
        init: First guess.
        bounds: Where it may lie, as ``(low, high)``; either may be None. A symbol declared positive
            has the lower bound 0 without saying so.
    """

    init: float
    low: float | None
    high: float | None

    def __init__(self, init: Any, bounds: Any = (None, None)) -> None:
        start = _finite(init, "Infer(init=...)")
        if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
            msg = f"Infer(bounds=...) is a pair (low, high); got {shown(bounds)}."
            raise DeclarationError("S180", msg, fix="sm.Infer(init=0.1, bounds=(1e-3, 1))")
        low, high = (None if b is None else _finite(b, "a bound of Infer") for b in bounds)
        inside = (low is None or low < start) and (high is None or start < high)
        if not inside:
            ends = ", ".join("None" if b is None else f"{b:g}" for b in (low, high))
            msg = f"Infer starts at {start:g}, which does not lie inside its bounds ({ends})."
            fix = f"choose init strictly between the bounds: sm.Infer(init=..., bounds=({ends}))"
            if low is not None and high is not None and low < high:
                fix = f"choose init strictly between the bounds: sm.Infer(init={(low + high) / 2:g}, bounds=({ends}))"
            raise DeclarationError("S180", msg, fix=fix)
        for name, value in (("init", start), ("low", low), ("high", high)):
            object.__setattr__(self, name, value)

    @property
    def nominal(self) -> float:
        """The first guess."""
        return self.init

    @property
    def bounds(self) -> tuple[float, float]:
        """The first guess twice: what lies between the bounds need not make sense everywhere."""
        return self.init, self.init

    def __str__(self) -> str:
        shown = f", bounds=({self.low}, {self.high})" if (self.low, self.high) != (None, None) else ""
        return f"Infer({self.init:g}{shown})"


@dataclass(frozen=True)
class Law:
    """A probability law, given by a frozen ``scipy.stats`` distribution such as ``uniform(0, 1)``.

    Attributes:
        name: Name in ``scipy.stats``, one of :data:`LAWS`.
        arguments: Positional parameters.
        keywords: Named parameters.
        frozen: The distribution itself.
    """

    name: str
    arguments: tuple[float, ...]
    keywords: tuple[tuple[str, float], ...]
    frozen: Any = field(compare=False, repr=False)

    @property
    def nominal(self) -> float:
        """The median."""
        return float(self.frozen.ppf(0.5))

    @property
    def bounds(self) -> tuple[float, float]:
        """The quantiles that leave a thousandth on each side."""
        return float(self.frozen.ppf(TAIL)), float(self.frozen.ppf(1 - TAIL))

    def points(self, n: int) -> Array:
        """Return the n quantiles (j + 1/2)/n, which stand for equal shares of probability."""
        return self.quantile((np.arange(n) + 0.5) / n)

    def quantile(self, share: Array) -> Array:
        """Return the values below which a share of the probability lies."""
        return np.asarray(self.frozen.ppf(share), dtype=float)

    def __str__(self) -> str:
        shown = [f"{a:g}" for a in self.arguments] + [f"{k}={v:g}" for k, v in self.keywords]
        return f"{self.name}({', '.join(shown)})"


Role = Range | Infer | Law


def role_of(value: Any, symbol: Any) -> Role | None:
    """Return the role that a declared value is, or None for what should be a number.

    Raises:
        DeclarationError: A distribution that is not in the table.
    """
    if isinstance(value, (Range, Infer, Law)):
        return value
    if isinstance(value, type) and value in (Range, Infer):
        written = "sm.Range(0.01, 0.1)" if value is Range else "sm.Infer(init=0.05)"
        msg = f"parameter {symbol} has the role {value.__name__} without its values."
        raise DeclarationError("S180", msg, fix=f"parameters={{{symbol}: {written}}}")
    if not all(hasattr(value, name) for name in ("dist", "args", "kwds", "ppf")):
        if not isinstance(value, type) and all(hasattr(value, name) for name in ("rvs", "cdf", "numargs")):
            name = getattr(value, "name", "uniform")
            msg = f"parameter {symbol} has the distribution {name!r} without its parameters."
            fix = f"parameters={{{symbol}: scipy.stats.{name}({EXAMPLES.get(name, '...')})}}"
            raise DeclarationError("S180", msg, fix=fix)
        return None
    name = getattr(value.dist, "name", "")
    if name not in LAWS:
        msg = f"parameter {symbol} has the law {name!r}, which cannot be stored."
        raise DeclarationError("S180", msg, fix=(f"laws of scipy.stats: {', '.join(LAWS)}", "or  sm.Range(0.01, 0.1)"))
    arguments = tuple(_finite(a, f"a parameter of {name}") for a in value.args)
    keywords: Mapping[str, Any] = value.kwds
    named = tuple(sorted((str(k), _finite(v, f"a parameter of {name}")) for k, v in keywords.items()))
    return Law(name, arguments, named, value)
