"""Unknown functions as polynomials of their arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from sciml.dsl.unknown import Unknown
from sciml.errors import FileError
from sciml.learned_term import LearnedTerm

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = [
    "MOST",
    "Polynomial",
    "exponents",
    "from_arrays",
    "known_problem",
    "put_in",
    "slope",
    "terms_of",
    "to_arrays",
]

Array = np.ndarray[Any, Any]
MOST, POWER = 256, 64  # monomials of a function, and the largest exponent, in a file


@dataclass(frozen=True)
class Polynomial:
    """``Σ_e c_e Π_i a_i^{e_i}``.

    Attributes:
        exponents: Of each monomial, one for each argument.
        coefficients: Of each monomial.
        std: Standard errors of the coefficients.
    """

    exponents: tuple[tuple[int, ...], ...]
    coefficients: tuple[float, ...]
    std: tuple[float, ...]

    def of(self, *arguments: sp.Expr) -> sp.Expr:
        """Return its value for some arguments."""
        monomials = (prod((a**p for a, p in zip(arguments, e, strict=True)), start=sp.S.One) for e in self.exponents)
        return sp.Add(*(sp.Float(c, 17) * m for c, m in zip(self.coefficients, monomials, strict=True)))


def exponents(arguments: int, degree: int) -> list[tuple[int, ...]]:
    """Return the exponents of all monomials up to a total degree, low ones first."""
    found = [e for e in product(range(degree + 1), repeat=arguments) if sum(e) <= degree]
    return sorted(found, key=lambda e: (sum(e), e))


def put_in(expr: sp.Expr, known: Mapping[str, Polynomial]) -> sp.Expr:
    """Return an expression with polynomials in the place of unknown functions; 0 for those that are not there."""

    def value(label: sp.Symbol, *arguments: sp.Expr) -> sp.Expr:
        return known[label.name].of(*arguments) if label.name in known else sp.S.Zero

    return expr.replace(Unknown, value)


def slope(expr: sp.Expr, node: Unknown) -> sp.Expr | None:
    """Return what a function is multiplied with; None where the expression is not linear in the unknown ones."""
    dummies = {f: sp.Dummy(real=True) for f in expr.atoms(Unknown)}
    if node not in dummies:
        return sp.S.Zero
    made = sp.expand(expr.xreplace(dummies)).diff(dummies[node])
    return None if made.free_symbols & set(dummies.values()) else made


def known_problem(problem: Problem, known: Mapping[str, Polynomial]) -> Problem:
    """Return a problem with polynomials in the place of its unknown terms."""
    if not problem.unknown_terms:
        return problem
    equations = {name: sp.Eq(*(put_in(side, known) for side in e.args)) for name, e in problem.equations.items()}
    return problem.with_(equations=equations)


def terms_of(nodes: Iterable[Unknown], known: Mapping[str, Polynomial]) -> dict[str, LearnedTerm]:
    """Return polynomials as terms that can be looked at."""
    pairs = ((node, known[node.name]) for node in nodes)
    return {n.name: LearnedTerm.polynomial(n, p.exponents, p.coefficients, p.std) for n, p in pairs}


def to_arrays(known: Mapping[str, Polynomial]) -> dict[str, Array]:
    """Return polynomials as arrays, for files."""
    out: dict[str, Array] = {}
    for name, p in known.items():
        out[f"unknown_{name}"] = np.array([p.coefficients, p.std])
        size = len(p.exponents[0]) if p.exponents else 0
        out[f"unknown_{name}_exponents"] = np.array(p.exponents, dtype=np.int64).reshape(len(p.exponents), size)
    return out


def from_arrays(arrays: Mapping[str, Array], nodes: Iterable[Unknown]) -> dict[str, Polynomial]:
    """Return the polynomials of :func:`to_arrays`.

    Raises:
        FileError: They are not those of these functions.
    """
    found: dict[str, Polynomial] = {}
    for node in nodes:
        try:
            numbers, powers = np.asarray(arrays[f"unknown_{node.name}"]), arrays[f"unknown_{node.name}_exponents"]
            fits = numbers.shape == (2, len(powers)) and powers.ndim == 2 and numbers.dtype.kind == "f"
            fits = fits and (powers.shape[1] == len(node.arguments) or not len(powers))
            if not fits or len(powers) > MOST or powers.dtype.kind != "i" or not np.isfinite(numbers).all():
                msg = "shapes"
                raise ValueError(msg)
            if powers.size and not 0 <= powers.min() <= powers.max() <= POWER:
                msg = "exponents"
                raise ValueError(msg)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            msg = f"the stored model does not say what {node.name} is: {str(error)[:60]}."
            raise FileError("F412", msg, fix="the file was changed after it was written; fit it again") from None
        found[node.name] = _polynomial(powers, *numbers)
    return found


def _polynomial(powers: Array, coefficients: Sequence[float], std: Sequence[float]) -> Polynomial:
    return Polynomial(
        tuple(tuple(int(p) for p in row) for row in powers),
        tuple(float(c) for c in coefficients),
        tuple(float(s) for s in std),
    )
