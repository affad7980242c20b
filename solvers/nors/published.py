"""The published features: integrals of all products of up to m factors among smaller trees.

    M¹ = { I[ξ], I_c[u₀] },   M^{h+1} = M^h ∪ { I[Π τ_i] : at most m factors } ∪ { I[ξ Π τ_i] : at most l factors },

factors being trees of M^h or, where the equation holds derivatives, their derivatives of the first order; a tree is
kept if its degree is at most a cutoff. The linear terms without derivatives are products like any other here: they
are not in the semigroup. Degrees: those of noise and of the linear part, 2 for I_c.

Hu, Meng, Chen et al. 2022, arXiv:2204.06255; Chevyrev, Gerasimovičs & Weber 2024, doi:10.1007/s10915-023-02401-4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations_with_replacement
from math import factorial, prod

import sympy as sp

from sciml.forms.degrees import Degrees
from sciml.forms.semilinear import NoiseTerm, NonlinearTerm, SemilinearForm, Slot, slot_symbol
from sciml.solvers.nors.forest import Feature, Forest, Limits, Product
from sciml.solvers.nors.trees import Branch, Tree

__all__ = ["INITIAL", "noise_leaf", "published", "reaction"]

INITIAL = "I_c"
INITIAL_DEGREE = 2.0
PRODUCT, NOISY = 0, 1  # places among the terms of the forest


def noise_leaf(name: str) -> str:
    """Return how the stochastic convolution of a noise is printed."""
    return f"I[{name}]"


def reaction(form: SemilinearForm) -> sp.Expr:
    """Return the terms that the published rule leaves to products, as an expression of the slots of the field."""
    (linear,) = form.propagator
    constant, _ = sp.expand(linear).as_independent(*form.frame.k.values(), as_Add=True)
    whole = sp.Add(*(t.n for t in form.nonlinear))
    plain = next((s.placeholder for s in form.slots if s.symbol == 1), None)
    if constant != 0:
        whole += constant * (plain or slot_symbol(len(form.slots)))
    return sp.expand(whole)


def published(
    form: SemilinearForm,
    degrees: Degrees | None,
    limits: Limits,
    *,
    width: int | None,
    noisy: int | None,
    numbers: Mapping[sp.Symbol, float] | None = None,
) -> Forest:
    """Return the features of the published rule, for one field of first order in time.

    Args:
        form: The equation.
        degrees: Of noise and linear part.
        limits: Height, cutoff, number.
        width: Most factors of a product; None takes the degree of the equation.
        noisy: Most factors that noise is multiplied with; None takes the degree of its amplitude.
        numbers: Parameters whose values are known, for the Picard weights.

    Raises:
        OptionError: There are too many features.
    """
    return _Published(form, degrees, limits, width, noisy, numbers or {}).forest()


class _Published:
    def __init__(
        self,
        form: SemilinearForm,
        degrees: Degrees | None,
        limits: Limits,
        width: int | None,
        noisy: int | None,
        numbers: Mapping[sp.Symbol, float],
    ) -> None:
        self.given, self.limits, self.numbers = form, limits, numbers
        y = [s.placeholder for s in form.slots]
        polynomials = [t.n for t in form.nonlinear if t.n.is_polynomial(*y)]
        self.width = width or max((sp.Poly(n, *y).total_degree() for n in polynomials), default=1) or 1
        held = [t for t in form.noise if t.amplitude.free_symbols & set(y)]
        self.noisy = (1 if held else 0) if noisy is None else noisy
        dim = form.frame.dim
        written = [s.symbol for s in form.slots] + [c for t in form.nonlinear for c in t.column]  # d/dx (u^2) too
        has_slopes = any(sp.sympify(s).free_symbols & set(form.frame.k.values()) for s in written)
        symbols = [sp.S.One, *(sp.I * k for k in form.frame.k.values())] if has_slopes else [sp.S.One]
        self.slots = tuple(Slot(0, s, slot_symbol(i)) for i, s in enumerate(symbols))
        self.beta = 2.0 if degrees is None else max(degrees.beta)
        noise = -math.inf if degrees is None else min(degrees.noise.values(), default=math.inf)
        self.noise_degree = noise if math.isfinite(noise) else -(self.beta + dim) / 2
        self.names = [s.name for s in form.frame.space]
        self.noise = form.noise[0].noise.name if form.noise else ""

    def forest(self) -> Forest:
        known = {t: self._leaf(t) for t in ([Tree(noise_leaf(self.noise))] if self.noise else []) + [Tree(INITIAL)]}
        for height in range(2, (self.limits.height or 2) + 1):
            made = {t: f for t in self._planted(list(known)) if t not in known and (f := self._feature(t, known))}
            known |= {t: made[t] for t in sorted(made, key=lambda t: t.key)}
            self.limits.check(list(known), complete=height == self.limits.height)
        ordered = [f for f in known.values() if f.term is None]
        ordered += sorted((f for f in known.values() if f.term is not None), key=lambda f: (f.tree.height, f.tree.key))
        places = {f.tree: i for i, f in enumerate(ordered)}
        features = [replace(f, products=self._products(f.tree, places)) for f in ordered]
        weighed = tuple(replace(f, weight=self._weight(f.tree)) for f in features)
        return Forest("published", replace(self.given, slots=self.slots), self._terms(), weighed)

    def _terms(self) -> tuple[NonlinearTerm | NoiseTerm, ...]:
        column = (sp.S.One,)
        product = NonlinearTerm(column, sp.S.One, None, ())
        if not self.noise:
            return (product,)
        first = self.given.noise[0]
        return product, NoiseTerm(column, sp.S.One, first.noise, ())

    def _leaf(self, tree: Tree) -> Feature:
        degree = INITIAL_DEGREE if tree.name == INITIAL else self.noise_degree + self.beta
        return Feature(tree, tree.name, degree)

    def _multiplies(self, term: NoiseTerm) -> bool:
        return bool(term.amplitude.free_symbols & {s.placeholder for s in self.given.slots})

    def _planted(self, known: list[Tree]) -> Iterator[Tree]:
        branches = [Branch(t, slot) for t in known for slot in range(len(self.slots))]
        found = 0
        for place, most in ((PRODUCT, self.width), (NOISY, self.noisy)):
            for count in range(1, most + 1):
                for chosen in combinations_with_replacement(branches, count):
                    found += 1
                    yield Tree("I" if place == PRODUCT else f"I {self.noise}", place, chosen)
                    if found > 100 * self.limits.most:
                        self.limits.check([*known, *[Tree("I", PRODUCT, chosen)] * found])

    def _feature(self, tree: Tree, known: dict[Tree, Feature]) -> Feature | None:
        lost = sum(b.slot != 0 for b in tree.branches)
        degree = self.beta + sum(known[b.tree].degree for b in tree.branches) - lost
        degree += self.noise_degree if tree.term == NOISY else 0.0
        if self.limits.cutoff is not None and degree > self.limits.cutoff:
            return None
        return Feature(tree, self._text(tree, known), degree)

    def _products(self, tree: Tree, places: dict[Tree, int]) -> tuple[Product, ...]:
        if tree.term is None:
            return ()
        return (Product(sp.S.One, tuple((b.slot or 0, places[b.tree]) for b in tree.branches)),)

    def _text(self, tree: Tree, known: dict[Tree, Feature]) -> str:
        factors = [self.noise] if tree.term == NOISY else []
        for branch, count in tree.repeated:
            slope = f"d{self.names[branch.slot - 1]} " if branch.slot else ""
            inner = f"{slope}{known[branch.tree].text}"
            factors.append(inner if count == 1 else f"({inner})^{count}" if slope else f"{inner}^{count}")
        return f"I[{' '.join(factors)}]"

    def _weight(self, tree: Tree) -> float | None:
        """Return the coefficient in the Picard expansion, where the equation is a polynomial of the field itself."""
        if tree.term is None and (tree.name == INITIAL or any(not self._multiplies(t) for t in self.given.noise)):
            return 1.0
        y = slot_symbol(len(self.given.slots))
        plain = {s.placeholder: y for s in self.given.slots if s.symbol == 1}
        whole = reaction(self.given).xreplace(plain)
        if tree.term == NOISY or tree.term is None:
            whole = sum((t.amplitude for t in self.given.noise), sp.S.Zero).xreplace(plain)
        whole = sp.sympify(whole).subs(self.numbers)
        columns = {c for t in self.given.nonlinear for c in t.column}
        simple = len(self.slots) == 1 and columns <= {sp.S.One} and self.given.mass[0, 0] == 1
        if not simple or not whole.is_polynomial(y) or whole.free_symbols - {y} - self.given.frame.coordinates:
            return None
        coefficient = sp.Poly(whole, y).coeff_monomial(y ** len(tree.branches))
        count = factorial(len(tree.branches)) // prod(factorial(m) for _, m in tree.repeated)
        inner = [self._weight(b.tree) for b in tree.branches]
        if not coefficient.is_number or None in inner:
            return None
        return float(coefficient) * count * prod(w for w in inner if w is not None)
