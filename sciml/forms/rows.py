"""Scalar equations as sums of terms that remember where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp

from sciml.dsl.rank import RankError, kind, rank
from sciml.dsl.text import equation_text, excerpt, text
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.frame import Frame

__all__ = ["Origin", "Row", "Term", "check_ranks", "refuse", "rows_of"]


@dataclass(frozen=True)
class Origin:
    """A term of the user's equation, before anything was done to it.

    ``side`` is 1 on the left, -1 on the right, 0 in an equation that the package added.
    """

    equation: str
    line: str
    term: sp.Expr
    side: int = 1

    @property
    def excerpt(self) -> str:
        """The user's line with the term underlined."""
        return excerpt(self.line, self.term)


@dataclass(frozen=True)
class Term:
    """One additive term of a scalar equation, moved to the left side."""

    expr: sp.Expr
    origin: Origin


@dataclass(frozen=True)
class Row:
    """A scalar equation ``Σ terms = 0``."""

    equation: str
    terms: tuple[Term, ...]

    @property
    def expr(self) -> sp.Expr:
        """The left side as one expression."""
        return sp.Add(*(t.expr for t in self.terms))


def refuse(code: str, headline: str, origin: Origin, fix: str | tuple[str, ...] = ()) -> DeclarationError:
    """Build the error for a term, underlined in the user's own line."""
    return DeclarationError(code, f"{headline} (equation '{origin.equation}')", excerpt=origin.excerpt, fix=fix)


def check_ranks(equations: Mapping[str, sp.Eq], frame: Frame) -> None:
    """Check that the parts and the sides of every equation fit, before anything that follows from them."""
    for name, equation in equations.items():
        _equation_rank(name, equation, frame.dim)


def rows_of(equations: Mapping[str, sp.Eq], frame: Frame) -> list[Row]:
    """Check ranks and split every equation into scalar rows."""
    rows = []
    for name, equation in equations.items():
        shape = (frame.dim,) * _equation_rank(name, equation, frame.dim)
        parts: dict[tuple[int, ...], list[Term]] = {index: [] for index in np.ndindex(shape)}
        for sign, side in ((1, equation.lhs), (-1, equation.rhs)):
            for term in sp.Add.make_args(side):
                if term == 0:
                    continue
                origin = Origin(name, equation_text(equation), term, sign)
                for index, value in _components(term, frame, origin).items():
                    parts[index].append(Term(sign * value, origin))
        for index, terms in parts.items():
            suffix = "".join(f"[{frame.space[i]}]" for i in index)
            rows.append(Row(name + suffix, tuple(t for t in terms if t.expr != 0)))
    return rows


def _components(term: sp.Expr, frame: Frame, origin: Origin) -> dict[tuple[int, ...], sp.Expr]:
    try:
        array = components(term, frame)
    except DeclarationError as error:
        raise refuse(error.code, error.headline, origin, error.fix) from None
    return {index: array[index] for index in np.ndindex(array.shape)}


def _equation_rank(name: str, equation: sp.Eq, dim: int) -> int:
    try:
        left, right = rank(equation.lhs, dim), rank(equation.rhs, dim)
    except RankError as error:
        shown = excerpt(equation_text(equation), error.part)
        raise DeclarationError(
            error.code, f"in equation '{name}', {error.headline}", excerpt=shown, fix=error.fix
        ) from None
    if left is not None and right is not None and left != right:
        msg = (
            f"in equation '{name}', the sides differ: {text(equation.lhs)} is {kind(left)}, "
            f"{text(equation.rhs)} is {kind(right)}."
        )
        fix = "use Grad, Div, Dot or a component sm.Component(v, x), so that both sides have one rank"
        raise DeclarationError("S120", msg, excerpt=equation_text(equation), fix=fix)
    return left or right or 0
