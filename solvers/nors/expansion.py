"""The expansion of the solution around v, the solution of the linear equation: ``z = v + Σ_τ F(τ)``.

The mild equation ``z = v + Σ_m I_m[n_m(y(z))]`` has the iterated integrals

    F(m; τ₁ ... τ_r) = 1/Πμ! · I_m[ Dʳn_m(y(v)) [y(F(τ₁)), ..., y(F(τ_r))] ],

one for each kind m of node and multiset of trees, μ their multiplicities: the elementary differentials of Butcher's
series, with the semigroup in every integral. Linear terms are in the semigroup, initial data, additive noise and
forcing in v; products and their coefficients are those of the equation, so that each tree has weight 1. Noise times
a function of the solution is a kind of node like any other, with the Itô integral for I.

Butcher 1972, doi:10.1090/S0025-5718-1972-0305608-0; Jentzen & Kloeden 2009, doi:10.1214/09-AOP500.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import factorial, prod

import sympy as sp

from sciml.dsl.text import text
from sciml.forms.convolution import symbol_orders
from sciml.forms.degrees import Degrees
from sciml.forms.multiplier import with_derivatives
from sciml.forms.semilinear import NoiseTerm, NonlinearTerm, SemilinearForm
from sciml.solvers.nors.forest import Factor, Feature, Forest, Limits, Product
from sciml.solvers.nors.trees import Branch, Tree

__all__ = ["V", "expansion", "graded"]

V = "v"
Ranges = Mapping[sp.Symbol, tuple[float, float]]


def graded(form: SemilinearForm) -> SemilinearForm:
    """Split terms by their degree in the solution: each kind of node is homogeneous, what is free of it is in v."""
    y = [s.placeholder for s in form.slots]
    nonlinear = [replace(t, n=part, degree=d) for t in form.nonlinear for d, part in _by_degree(t.n, y, t.degree)]
    noise = [replace(t, amplitude=part) for t in form.noise for _, part in _by_degree(t.amplitude, y, None)]
    return replace(form, nonlinear=tuple(nonlinear), noise=tuple(noise))


def _by_degree(expr: sp.Expr, y: list[sp.Symbol], degree: int | None) -> list[tuple[int | None, sp.Expr]]:
    if not (expr.free_symbols & set(y)) or not expr.is_polynomial(*y):
        return [(degree, expr)]
    parts: dict[int | None, sp.Expr] = {}
    for powers, c in sp.Poly(expr, *y).terms():
        monomial = sp.Mul(c, *(s**p for s, p in zip(y, powers, strict=True)))
        parts[sum(powers)] = parts.get(sum(powers), sp.S.Zero) + monomial
    return sorted(parts.items(), key=lambda part: part[0] or 0)


@dataclass(frozen=True)
class _Kind:
    """A kind of node: a term that contains the solution."""

    place: int
    pointwise: sp.Expr
    name: str
    gain: float
    noise: str = ""


def expansion(form: SemilinearForm, degrees: Degrees | None, ranges: Ranges, limits: Limits) -> Forest:
    """Return the trees of the expansion.

    Args:
        form: The equation; :func:`graded` splits its terms.
        degrees: How rough the noise makes it; None without noise.
        ranges: Of parameters and coordinates.
        limits: Which trees are kept.

    Raises:
        OptionError: There are too many trees.
    """
    return _Expansion(form, degrees, ranges, limits).forest()


class _Expansion:
    def __init__(self, form: SemilinearForm, degrees: Degrees | None, ranges: Ranges, limits: Limits) -> None:
        self.form, self.limits = form, limits
        self.y = [s.placeholder for s in form.slots]
        self.alpha = math.inf if degrees is None else min(degrees.alpha, default=math.inf)
        self.orders = symbol_orders([s.symbol for s in form.slots], form.frame, ranges)
        beta = 0.0 if degrees is None else max(degrees.beta, default=0.0)
        self.terms: tuple[NonlinearTerm | NoiseTerm, ...] = (*form.nonlinear, *form.noise)
        self.kinds = [k for i, term in enumerate(self.terms) if (k := self._kind(i, term, beta, degrees, ranges))]

    def _kind(
        self, place: int, term: NonlinearTerm | NoiseTerm, beta: float, degrees: Degrees | None, ranges: Ranges
    ) -> _Kind | None:
        noise = term.noise.name if isinstance(term, NoiseTerm) else ""
        pointwise = term.amplitude if isinstance(term, NoiseTerm) else term.n
        if not pointwise.free_symbols & set(self.y):
            return None  # it is part of v
        order = max(symbol_orders([s for s in term.column if s != 0], self.form.frame, ranges))
        gain = beta - order
        if noise and degrees is not None:
            gain += degrees.noise[noise]
        return _Kind(place, pointwise, f"{'g' if noise else 'n'}{place}", gain, noise)

    def forest(self) -> Forest:
        features = {Tree(V): Feature(Tree(V), V, self.alpha)}
        for size in range(1, (self.limits.integrations or 0) + 1):
            made = [self._feature(tree, features) for tree in self._planted(size, list(features))]
            features |= {f.tree: f for f in sorted((f for f in made if f is not None), key=lambda f: f.tree.key)}
            self.limits.check(list(features), complete=size == self.limits.integrations)
        named = tuple((k.name, self._meaning(k)) for k in self.kinds if self._monomial(k) is None)
        return Forest("expansion", self.form, self.terms, tuple(features.values()), named)

    def _planted(self, size: int, known: list[Tree]) -> Iterator[Tree]:
        """Yield the candidates with so many integrals."""
        smaller = [t for t in known if t.term is not None]
        found = 0
        for kind in self.kinds:
            for chosen in _multisets(smaller, size - 1):
                tree = Tree(kind.name, kind.place, tuple(Branch(t) for t in chosen))
                if self.limits.height is None or tree.height <= self.limits.height:
                    found += 1
                    yield tree
                    if found > 8 * self.limits.most:  # most candidates vanish only where products are of low degree
                        self.limits.check([*known, *[tree] * found])

    def _feature(self, tree: Tree, known: Mapping[Tree, Feature]) -> Feature | None:
        kind = next(k for k in self.kinds if k.place == tree.term)
        places = {t: i for i, t in enumerate(known)}
        products = self._products(kind, [places[b.tree] for b in tree.branches], tree)
        degree = self._degree(kind, [known[b.tree].degree for b in tree.branches])
        if not products or (self.limits.cutoff is not None and degree > self.limits.cutoff):
            return None
        return Feature(tree, self._text(kind, [known[b.tree].text for b in tree.branches]), degree, products)

    def _products(self, kind: _Kind, children: list[int], tree: Tree) -> tuple[Product, ...]:
        """Expand ``Dʳn [y(τ₁), ..., y(τ_r)] / Πμ!`` in slots."""
        share = sp.Rational(1, prod(factorial(m) for _, m in tree.repeated))
        found: dict[tuple[Factor, ...], sp.Expr] = {}
        for slots in product(self.form.slots_in(kind.pointwise), repeat=len(children)):
            derivative = kind.pointwise
            for j in slots:
                derivative = derivative.diff(self.y[j])
            if derivative != 0:
                key = tuple(sorted(zip(slots, children, strict=True)))
                found[key] = found.get(key, sp.S.Zero) + derivative
        return tuple(Product(sp.expand(share * c), key) for key, c in found.items())

    def _degree(self, kind: _Kind, children: list[float]) -> float:
        """Homogeneity: of the roughest product, where it is a polynomial in rough factors."""
        if not kind.pointwise.is_polynomial(*self.y):
            return kind.gain + sum(children)
        slots = self.form.slots_in(kind.pointwise)
        lowest = math.inf
        for powers in sp.Poly(kind.pointwise, *(self.y[j] for j in slots)).monoms():
            factors = sum(powers) - len(children)
            if factors >= 0:
                lost = sum(p * self.orders[j] for p, j in zip(powers, slots, strict=True))
                lowest = min(lowest, (factors * self.alpha if factors else 0.0) + sum(children) - lost)
        return kind.gain + lowest

    def _monomial(self, kind: _Kind) -> int | None:
        """Return p where the term is a multiple of the p-th power of one state."""
        slots = self.form.slots_in(kind.pointwise)
        if len(slots) != 1 or len(self.form.state) != 1 or self.form.slots[slots[0]].symbol != 1:
            return None
        y = self.y[slots[0]]
        _, power = kind.pointwise.as_independent(y, as_Add=False)
        p = power.as_base_exp()[1] if power.as_base_exp()[0] == y else None
        return int(p) if p is not None and p.is_Integer and p > 0 else None

    def _text(self, kind: _Kind, children: list[str]) -> str:
        power, noise = self._monomial(kind), f"{kind.noise} " if kind.noise else ""
        if power is None:
            inside = f"{kind.name}{chr(39) * len(children)}" + (f"({', '.join(children)})" if children else "")
            return f"I[{noise}{inside}]"
        left = power - len(children)
        factors = [V if left == 1 else f"{V}^{left}"] if left else []
        return f"I[{noise}{' '.join([*factors, *_powers(children)])}]"

    def _meaning(self, kind: _Kind) -> str:
        term = self.terms[kind.place]
        shown = text(with_derivatives(self.form.expression(kind.pointwise), self.form.frame))
        rows = [text(z) for z, s in zip(self.form.state, term.column, strict=True) if s != 0]
        return f"{shown}, in the equation of {', '.join(rows)}"


def _powers(names: list[str]) -> list[str]:
    counted = {n: names.count(n) for n in names}
    return [n if c == 1 else f"{n}^{c}" for n, c in counted.items()]


def _multisets(trees: list[Tree], total: int, start: int = 0) -> Iterator[tuple[Tree, ...]]:
    """Yield the multisets of trees with so many integrals together."""
    if total == 0:
        yield ()
        return
    for i in range(start, len(trees)):
        size = trees[i].integrations
        if size <= total:
            for rest in _multisets(trees, total - size, i):
                yield (trees[i], *rest)
