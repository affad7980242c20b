"""Every error a user can meet, in the user's words.

A message has three parts: what must hold and what was found; the user's own line with the
offending piece underlined; the fix to type. Codes are stable and searchable:
S = declaration, D = data, M = method, O = option, R = run, F = file.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import Any

__all__ = [
    "DataError",
    "DeclarationError",
    "Diverged",
    "FileError",
    "MethodMismatch",
    "OptionError",
    "ScimlError",
    "UnknownMethod",
    "did_you_mean",
    "shown",
]


LONGEST = 80  # characters of a value in a message


class ScimlError(Exception):
    """Root of all errors raised on purpose by this package.

    Args:
        code: Stable identifier such as ``"S101"``.
        headline: What must hold, and what was found instead.
        excerpt: The user's own line(s), already underlined where possible.
        fix: Lines to type instead; shown indented below the excerpt.
    """

    def __init__(self, code: str, headline: str, *, excerpt: str = "", fix: str | Iterable[str] = ()) -> None:
        self.code = code
        self.headline = headline
        self.excerpt = excerpt
        self.fix = (fix,) if isinstance(fix, str) else tuple(fix)
        lines = [f"[{code}] {headline}"]
        lines += [f"    {line}" for line in excerpt.splitlines()]
        lines += [f"  {line}" for line in self.fix]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors of worker processes reach the user as they were raised."""
        return partial(type(self), excerpt=self.excerpt, fix=self.fix), (self.code, self.headline), self.__dict__


class DeclarationError(ScimlError, ValueError):
    """The declared problem is incomplete, contradictory, or outside the canonical forms."""


class DataError(ScimlError, ValueError):
    """Arrays, grids or coordinates do not fit the problem they are used with."""


class OptionError(ScimlError, TypeError):
    """An option of a method, run or grid is unknown or has an impossible value."""


class MethodMismatch(ScimlError, ValueError):
    """The method exists but cannot solve this problem."""


class UnknownMethod(ScimlError, ValueError):
    """No installed method has this name."""


class FileError(ScimlError, ValueError):
    """A file is not one of ours, is damaged, or asks for more than a loader may do."""


class Diverged(ScimlError, ArithmeticError):
    """The numerical solution became non-finite or unstable.

    ``solution`` holds everything that was computed before that happened.
    """

    solution: Any = None


def shown(value: Any) -> str:
    """Print what was given, where an expression or a number was expected, in a few words."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    plain = repr(value)
    if getattr(value, "shape", None):
        return f"{_a(value)} of shape {tuple(value.shape)}"
    return _a(value) if len(plain) > LONGEST or plain.startswith("<") or " at 0x" in plain.lower() else plain


def _a(value: Any) -> str:
    known = {"ndarray": "array", "ufunc": "NumPy function", "function": "Python function"}
    name = known.get(type(value).__name__, type(value).__name__)
    name = "Matrix" if "DenseMatrix" in name else name
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty string."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
