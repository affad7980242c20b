"""A term of the equations that was learned from data, as a function that one can look at and evaluate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.operators import Dt, Dx
from sciml.dsl.text import text
from sciml.dsl.unknown import Unknown
from sciml.errors import DataError, did_you_mean

__all__ = ["LearnedTerm"]


@dataclass(frozen=True)
class LearnedTerm:
    """``F(a, b, ...)``, in the units of the problem.

    Attributes:
        name: Of the unknown function.
        arguments: What it is a function of, as declared: names by which :meth:`at` takes them.
        expression: Its formula in symbols of these names.
        std: Standard error of each coefficient, by its monomial.
    """

    name: str
    arguments: tuple[str, ...]
    expression: sp.Expr
    std: Mapping[sp.Expr, float]

    @classmethod
    def polynomial(
        cls, node: Unknown, exponents: Sequence[Sequence[int]], coefficients: Sequence[float], std: Sequence[float]
    ) -> LearnedTerm:
        """Return a polynomial of the arguments of an unknown function."""
        names = tuple(_name(a, i) for i, a in enumerate(node.arguments))
        symbols = [sp.Symbol(n, real=True) for n in names]
        monomials = [sp.Mul(*(s**p for s, p in zip(symbols, e, strict=True))) for e in exponents]
        terms = (sp.Float(c, 17) * m for c, m in zip(coefficients, monomials, strict=True))
        return cls(node.name, names, sp.Add(*terms), dict(zip(monomials, std, strict=True)))

    def at(self, **values: Any) -> Any:
        """Evaluate it, for numbers or arrays that broadcast, as in ``at(u=0.2, u_x=0.0)``.

        Raises:
            DataError: An argument is missing, or there is none of this name.
        """
        for name in values:
            if name not in self.arguments:
                msg = f"{self.name} has no argument {name!r}.{did_you_mean(name, self.arguments)}"
                raise DataError("D206", msg, fix=f"arguments: {', '.join(self.arguments)}")
        if missing := [n for n in self.arguments if n not in values]:
            msg = f"{self.name} needs {', '.join(missing)}."
            raise DataError("D206", msg, fix=f"at({', '.join(f'{n}=...' for n in self.arguments)})")
        given = [np.asarray(values[n], dtype=np.float64) for n in self.arguments]
        poly = sp.Poly(self.expression, *(sp.Symbol(n, real=True) for n in self.arguments))
        total = np.zeros(np.broadcast_shapes(*(v.shape for v in given)))
        for powers, c in poly.terms():
            total = total + float(c) * math.prod(v**p for v, p in zip(given, powers, strict=True))
        return total

    def __str__(self) -> str:
        terms = [(float(self.expression.as_coefficients_dict()[m]), m) for m in self.std]
        shown = " ".join(f"{'-' if c < 0 else '+'} {abs(c):.6g}{'' if m == 1 else f'*{text(m)}'}" for c, m in terms)
        return f"{self.name}({', '.join(self.arguments)}) = {shown.removeprefix('+ ') or '0'}"


def _name(argument: sp.Expr, place: int) -> str:
    """Return ``u``, ``u_xx``, ``u_t``, ``x``; a letter for what has no such name."""
    if isinstance(argument, sp.Symbol):
        return str(argument.name)
    if isinstance(argument, AppliedUndef):
        return text(argument)
    if isinstance(argument, (Dx, Dt)) and isinstance(argument.args[0], AppliedUndef):
        along = argument.args[1].name if isinstance(argument, Dx) else "t"
        return f"{text(argument.args[0])}_{along * int(argument.args[-1])}"
    return f"a{place}"
