"""The feature engine: all features of a batch of paths, at all steps at once, tree level by tree level.

Arrays are ``(steps + 1, [feature,] batch, n, *spectrum)`` and ``(steps + 1, batch, *grid)``, time first: one transform
takes every step of every path of a feature, the recurrence in time every feature of a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import sympy as sp
import torch
from torch import Tensor

from sciml.forms.semilinear import NoiseTerm
from sciml.fourier.system import Columns, System
from sciml.solvers.nors.duhamel import Duhamel
from sciml.solvers.nors.forest import Feature, Forest, Product

__all__ = ["FeatureMap", "Moments"]

Fields = dict[tuple[int, int], Tensor]  # (slot, place of the feature) → values on the grid


class Moments:
    """What products depend on besides the leaves, at the steps of the trees.

    Args:
        times: ``(steps + 1,)``.
        noise: Increments of each noise over the step before, on the grid, ``(steps + 1, batch, *grid)``, 0 at the
            first; those that products need.
        contractions: The variance of each pair that Wick powers subtract, ``(steps + 1, 1 or batch)``.
    """

    def __init__(self, times: Tensor, noise: Mapping[str, Tensor], contractions: Sequence[Tensor] = ()) -> None:
        self.times, self.noise, self.contractions = times, noise, contractions


class FeatureMap:
    """Evaluates the trees of a forest on a grid.

    Args:
        forest: The features.
        system: The equation on the grid, with the slots of the forest.
        duhamel: The integral in discrete time, of the steps of the trees.
    """

    def __init__(self, forest: Forest, system: System, duhamel: Duhamel) -> None:
        self.forest, self.system, self.duhamel = forest, system, duhamel
        self._columns = {i: Columns(system, [term]) for i, term in enumerate(forest.terms) if self._is_used(i)}
        self._symbols = [system.symbol(s.symbol) for s in forest.form.slots]
        products = [p for f in forest.features for p in f.products]
        self._coefficients = list(dict.fromkeys(p.coefficient for p in products if not p.coefficient.is_number))
        placeholders = [s.placeholder for s in forest.form.slots]
        self._program = system.compile(self._coefficients, [*placeholders, *system.varying])
        self._read = {i for c in self._coefficients for i in forest.form.slots_in(c)}
        self._wanted = {(slot, i) for p in products for slot, i in p.factors} | {(slot, 0) for slot in self._read}

    def _is_used(self, term: int) -> bool:
        return any(f.term == term for f in self.forest.features)

    @property
    def noises(self) -> set[str]:
        """The noises that products need on the grid."""
        terms = [t for i, t in enumerate(self.forest.terms) if i in self._columns]
        return {t.noise.name for t in terms if isinstance(t, NoiseTerm)}

    def __call__(self, leaves: Sequence[Tensor], moments: Moments) -> Tensor:
        """Return all features, ``(steps + 1, feature, batch, n, *spectrum)``.

        Args:
            leaves: The first features, ``(steps + 1, batch, n, *spectrum)`` each.
            moments: What products depend on besides.
        """
        first = leaves[0]
        out = first.new_empty(first.shape[0], len(self.forest), *first.shape[1:])
        for i, leaf in enumerate(leaves):
            out[:, i] = leaf
        fields, coefficients = self._leaf_fields(leaves, moments)
        for places in self._levels():
            for i, made in zip(places, self._integrated(places, fields, coefficients, moments), strict=True):
                out[:, i] = made
                self._add_fields(fields, i, made)
        return out

    def combined(self, leaves: Sequence[Tensor], moments: Moments, weights: Tensor) -> Tensor:
        """Return ``Σ_f w_f F_f`` without its summands: one integral takes all sources that no other tree needs.

        Args:
            leaves: The first features.
            moments: What products depend on besides.
            weights: ``(feature, n)``.
        """
        shape = (-1, *([1] * self.system.modes.dim))
        rows = [w.reshape(shape) for w in weights]
        total = sum((leaf * row for leaf, row in zip(leaves, rows, strict=False)), torch.zeros_like(leaves[0]))
        fields, coefficients = self._leaf_fields(leaves, moments)
        last: list[int] = []
        for places in self._levels():
            inner = [i for i in places if any((s, i) in self._wanted for s in range(len(self._symbols)))]
            last += [i for i in places if i not in inner]
            for i, made in zip(inner, self._integrated(inner, fields, coefficients, moments), strict=True):
                total += made * rows[i]
                self._add_fields(fields, i, made)
        return total + self._together(last, rows, fields, coefficients, moments)

    def _together(
        self,
        places: list[int],
        rows: list[Tensor],
        fields: Fields,
        coefficients: Mapping[sp.Expr, Tensor],
        moments: Moments,
    ) -> Tensor | float:
        """Integrate the weighted sum of several sources at once, drift and noise for themselves."""
        if not places:
            return 0.0
        if not self.duhamel.diagonal:  # rows that are weighted differently do not commute with the semigroup
            made = self._integrated(places, fields, coefficients, moments)
            return sum((m * rows[i] for i, m in zip(places, made, strict=True)), torch.zeros_like(made[0]))
        driven: Tensor | None = None
        for noisy, chosen in self._by_kind(places):
            parts = self._weighted(chosen, rows, fields, coefficients, moments)
            added = self.duhamel.driven(sum(parts[1:], parts[0]), stochastic=noisy)
            driven = added if driven is None else driven + added
        assert driven is not None  # there are places
        return self.duhamel.propagate(driven)

    def _weighted(
        self,
        places: list[int],
        rows: list[Tensor],
        fields: Fields,
        coefficients: Mapping[sp.Expr, Tensor],
        moments: Moments,
    ) -> list[Tensor]:
        """Return weighted sources whose sum is wanted: what enters one row is added up before it is transformed."""
        parts = []
        for term in sorted({t for i in places if (t := self.forest.features[i].term) is not None}):
            row, own = self._single_row(term), [i for i in places if self.forest.features[i].term == term]
            if row is None:
                parts += [self._source(i, fields, coefficients, moments) * rows[i] for i in own]
                continue
            value = self._values(own[0], fields, coefficients, moments) * rows[own[0]].flatten()[row]
            for i in own[1:]:
                value.add_(self._values(i, fields, coefficients, moments), alpha=float(rows[i].flatten()[row]))
            parts.append(self._columns[term]([value]))
        return parts

    def _single_row(self, term: int) -> int | None:
        """Return the row that a term enters, where it is one."""
        column = self.forest.form.inverse_mass * sp.Matrix(self.forest.terms[term].column)
        rows = [i for i, s in enumerate(column) if sp.expand(s) != 0]
        return rows[0] if len(rows) == 1 else None

    def _levels(self) -> list[list[int]]:
        """Return the planted trees level by level: each is made of those before."""
        order = [(f.tree.height, i) for i, f in enumerate(self.forest.features) if f.term is not None]
        return [[i for _, i in level] for _, level in groupby(sorted(order), key=lambda pair: pair[0])]

    def _by_kind(self, places: list[int]) -> list[tuple[bool, list[int]]]:
        found: dict[bool, list[int]] = {}
        for i in places:
            found.setdefault(isinstance(self._term(self.forest.features[i]), NoiseTerm), []).append(i)
        return list(found.items())

    def _term(self, feature: Feature) -> object:
        assert feature.term is not None  # leaves have no source
        return self.forest.terms[feature.term]

    def _integrated(
        self, places: list[int], fields: Fields, coefficients: Mapping[sp.Expr, Tensor], moments: Moments
    ) -> list[Tensor]:
        made: dict[int, Tensor] = {}
        for noisy, chosen in self._by_kind(places):
            sources = torch.stack([self._source(i, fields, coefficients, moments) for i in chosen], dim=1)
            values = self.duhamel.integrate(sources, stochastic=noisy)
            made |= dict(zip(chosen, values.unbind(1), strict=True))
        return [made[i] for i in places]

    def _source(self, place: int, fields: Fields, coefficients: Mapping[sp.Expr, Tensor], moments: Moments) -> Tensor:
        """Return the source of a tree on the modes; of noise times a tree at the step that the increment ends with."""
        term = self.forest.features[place].term
        assert term is not None  # leaves have no source
        return self._columns[term]([self._values(place, fields, coefficients, moments)])

    def _values(self, place: int, fields: Fields, coefficients: Mapping[sp.Expr, Tensor], moments: Moments) -> Tensor:
        """Return the source of a tree on the grid."""
        feature = self.forest.features[place]
        parts = [_product(p, fields, coefficients) for p in feature.products]
        value = sum(parts[1:], parts[0])
        term = self._term(feature)
        if isinstance(term, NoiseTerm):
            increments = moments.noise[term.noise.name]
            # The tree at the start of the step, whatever increment is multiplied with it: the Itô integral.
            value = torch.cat([torch.zeros_like(increments[:1]), value[:-1] * increments[1:]])
        return value

    def _leaf_fields(self, leaves: Sequence[Tensor], moments: Moments) -> tuple[Fields, Mapping[sp.Expr, Tensor]]:
        fields: Fields = {}
        for i, leaf in enumerate(leaves):
            self._add_fields(fields, i, leaf)
        dim = self.system.modes.dim
        nothing = torch.zeros((), dtype=self.system.modes.dtype, device=self.system.modes.device)
        values = [fields.get((slot, 0), nothing) for slot in range(len(self._symbols))]
        values += [c.to(nothing).reshape(*c.shape, *([1] * dim)) for c in moments.contractions]
        times = moments.times.reshape(-1, *([1] * (dim + 1)))
        found = self.system.evaluate(self._program, values, times)
        return fields, dict(zip(self._coefficients, found, strict=True))

    def _add_fields(self, fields: Fields, place: int, made: Tensor) -> None:
        """Put the slots of a feature that products need on the grid."""
        form, dim = self.forest.form, self.system.modes.dim
        for slot, i in sorted(self._wanted):
            if i == place:
                own = made.select(-dim - 1, form.slots[slot].state)
                moved = own if form.slots[slot].symbol == 1 else own * self._symbols[slot]
                fields[slot, place] = self.system.modes.backward(moved)


def _product(product: Product, fields: Fields, coefficients: Mapping[sp.Expr, Tensor]) -> Tensor:
    value: Tensor | None = None
    if not product.coefficient.is_number:
        value = coefficients[product.coefficient]
    for factor in product.factors:
        value = fields[factor] if value is None else value * fields[factor]
    assert value is not None  # a source depends on something
    number = float(product.coefficient) if product.coefficient.is_number else 1.0
    return value if number == 1.0 else value * number
