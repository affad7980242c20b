"""Declare a mathematical problem once, in SymPy; solve it by learned or classical methods.

Importing this package, declaring, printing and asking for methods load SymPy and NumPy only;
torch and xarray are loaded when something is computed.
"""

from importlib import import_module
from typing import Any

from sciml.dsl import *  # noqa: F403
from sciml.dsl import __all__ as _language
from sciml.errors import (
    DataError,
    DeclarationError,
    Diverged,
    FileError,
    MethodMismatch,
    OptionError,
    ScimlError,
    UnknownMethod,
)
from sciml.grid import Grid
from sciml.method import installed
from sciml.problem import Problem
from sciml.run import Budget, Run

__version__ = "0.1.0"

_LAZY = {
    "Ensemble": "sciml.ensembles.ensemble",
    "Plan": "sciml.plan",
    "Solution": "sciml.solution",
    "load": "sciml.io",
    "load_ensemble": "sciml.ensembles.ensemble",
    "load_published": "sciml.io.published",
    "resume": "sciml.resuming",
}

__all__ = [
    "Budget",
    "DataError",
    "DeclarationError",
    "Diverged",
    "Ensemble",
    "FileError",
    "Grid",
    "MethodMismatch",
    "OptionError",
    "Plan",
    "Problem",
    "Run",
    "ScimlError",
    "Solution",
    "UnknownMethod",
    "load",
    "load_ensemble",
    "load_published",
    "resume",
    *_language,
]


def __getattr__(name: str) -> Any:
    """Load heavy parts, and the option classes of installed methods, on first use."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    for point in installed().values():
        if point.attr == name:
            return point.load()
    msg = f"module 'sciml' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *(p.attr for p in installed().values())})
