"""Products in the pointwise terms of a form: their factors, and whether rough ones may be multiplied.

A product of factors in ``C^{a_1}`` and ``C^{a_2}`` is defined where ``a_1 + a_2 > 0`` (Young, 1936,
doi:10.1007/BF02401743); it then has the regularity of the rougher factor, or the sum of the negative
ones. ``C^a`` for all ``a < α``: equality counts as failure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from sciml.forms.semilinear import SemilinearForm

__all__ = ["Factor", "Monomial", "exceeds", "factors_of", "regularity_of"]

EQUAL = 0.01  # exponents are read off numerically, to three digits


def exceeds(a: float, b: float) -> bool:
    """Tell whether ``a > b`` for two exponents."""
    return a - b > EQUAL if math.isfinite(b) else a > b


@dataclass(frozen=True)
class Factor:
    """A factor of a product: one slot, or a function of slots that is no polynomial."""

    slots: tuple[int, ...]
    regularity: float = math.inf
    is_slot: bool = True


@dataclass(frozen=True)
class Monomial:
    """One product of a pointwise term ``A[n]``.

    Attributes:
        term: Index of the term in ``form.nonlinear``.
        piece: The product, in placeholders.
        factors: With multiplicity; their regularities are those in the solution.
        order: Order o of the operator A that acts on the product.
        reaches: Regularity of what it contributes to each state; ∞ where it does not act.
        fails_at: A state that it makes as rough as that state makes it; None where it is subcritical.
        needs_renormalisation: It is singular, and its contraction does not vanish.
    """

    term: int
    piece: sp.Expr
    factors: tuple[Factor, ...]
    order: float
    reaches: tuple[float, ...]
    fails_at: int | None = None
    needs_renormalisation: bool = False

    @property
    def regularity(self) -> float:
        """Of the product itself."""
        return regularity_of(f.regularity for f in self.factors)

    @property
    def carriers(self) -> set[int]:
        """Slots that make the product as rough as it is."""
        least = max(0.0, min(f.regularity for f in self.factors))
        return {i for f in self.factors if not exceeds(f.regularity, least) for i in f.slots}

    @property
    def degree(self) -> float:
        """``Σ min(a_i, 0) - o``."""
        return min(self.regularity, 0.0) - self.order

    @property
    def is_linear(self) -> bool:
        """Whether it is one slot, with a coefficient that varies."""
        return len(self.factors) == 1 and self.factors[0].is_slot

    @property
    def is_singular(self) -> bool:
        """Whether its two roughest factors cannot be multiplied."""
        lowest = sorted(f.regularity for f in self.factors)[:2]
        return len(lowest) == 2 and not exceeds(sum(lowest), 0)

    @property
    def is_classical(self) -> bool:
        """Whether it is a product of functions, also after A has acted on it."""
        return exceeds(min(f.regularity for f in self.factors), max(self.order, 0.0))


def regularity_of(factors: Iterable[float]) -> float:
    """Return the sum of the negative regularities, or the lowest where none is negative."""
    given = list(factors)
    rough = [a for a in given if not exceeds(a, 0)]
    return sum(rough) if rough else min(given, default=math.inf)


def factors_of(form: SemilinearForm) -> Iterator[tuple[int, sp.Expr, tuple[Factor, ...]]]:
    """Yield ``(index of the term, product, its factors)`` for each product of a form that holds the state."""
    index = {s.placeholder: i for i, s in enumerate(form.slots)}
    for m, term in enumerate(form.nonlinear):
        for piece in sp.Add.make_args(sp.expand_mul(sp.expand_multinomial(term.n))):
            if found := tuple(_factors(piece, index)):
                yield m, piece, found


def _factors(piece: sp.Expr, index: dict[sp.Symbol, int]) -> Iterator[Factor]:
    for part in sp.Mul.make_args(piece):
        base, exponent = part.as_base_exp()
        slots = tuple(sorted(index[s] for s in part.free_symbols & set(index)))
        if base in index and exponent.is_Integer and exponent > 0:
            yield from [Factor(slots)] * int(exponent)
        elif slots:
            yield Factor(slots, is_slot=False)
