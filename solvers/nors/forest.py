"""The features of a problem: trees with what they are integrals of, printed as a table."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import sympy as sp

from sciml.errors import OptionError
from sciml.forms.degrees import exponent_text
from sciml.forms.semilinear import NoiseTerm, NonlinearTerm, SemilinearForm
from sciml.solvers.nors.trees import Tree

__all__ = ["Factor", "Feature", "Forest", "Limits", "Product"]

Factor = tuple[int, int]  # slot, place of a feature


@dataclass(frozen=True)
class Limits:
    """Which trees are kept.

    Attributes:
        integrations: Most integrals in time; None for any number.
        height: Largest height; None for any.
        cutoff: Largest degree; None for any.
        most: Most features; more are refused.
    """

    integrations: int | None
    height: int | None
    cutoff: float | None
    most: int

    def check(self, trees: list[Tree], *, complete: bool = False) -> None:
        """Refuse an explosion, with the counts so far.

        Raises:
            OptionError: There are more trees than features are allowed.
        """
        if len(trees) <= self.most:
            return
        counts = sorted(Counter(t.integrations for t in trees).items())
        told = ", ".join(f"{n} with {p} integral{'s' * (p != 1)}" for p, n in counts)
        more = "" if complete else " and more to come"
        msg = f"this makes more than {self.most} features: {told}{more}."
        smaller = (
            "a smaller height, width or cutoff" if self.integrations is None else "fewer integrations, or a cutoff"
        )
        fix = (smaller, f"or allow them: max_features={len(trees) if complete else 2 * self.most}")
        raise OptionError("O360", msg, fix=fix)


@dataclass(frozen=True)
class Product:
    """A summand of a source: ``coefficient(y(v), x, t) Π y_slot(feature)``."""

    coefficient: sp.Expr
    factors: tuple[Factor, ...]


@dataclass(frozen=True)
class Feature:
    """A tree among the features.

    Attributes:
        tree: What it is.
        text: How it is printed.
        degree: Its homogeneity; infinite where the noise is smooth in space.
        products: The source, a sum; empty for leaves.
        weight: Its coefficient in the Picard expansion of the solution; None where the equation leaves it open.
    """

    tree: Tree
    text: str
    degree: float
    products: tuple[Product, ...] = ()
    weight: float | None = 1.0

    @property
    def term(self) -> int | None:
        """Place of its term among those of the forest; None for a leaf."""
        return self.tree.term


@dataclass(frozen=True)
class Forest:
    """All features of a problem, leaves first, each after those that it is made of.

    Attributes:
        rule: ``expansion`` or ``published``.
        form: The equation, with the slots that factors refer to.
        terms: What nodes integrate: the operator of the term acts on the source.
        features: Sorted by integrations, height and text.
        kinds: What the names of nodes stand for.
        wick: Whether powers of v are Wick powers.
    """

    rule: str
    form: SemilinearForm
    terms: tuple[NonlinearTerm | NoiseTerm, ...]
    features: tuple[Feature, ...]
    kinds: tuple[tuple[str, str], ...] = ()
    wick: bool = False

    def __len__(self) -> int:
        return len(self.features)

    @property
    def names(self) -> list[str]:
        """The features as they are printed."""
        return [f.text for f in self.features]

    @property
    def leaves(self) -> list[Feature]:
        """What is known without products."""
        return [f for f in self.features if f.term is None]

    def parents(self, place: int) -> list[int]:
        """Return the features that a feature is a factor of."""
        return [j for j, f in enumerate(self.features) if any(place == i for p in f.products for _, i in p.factors)]

    def transforms(self, place: int) -> int:
        """Return the transforms of a field that a feature costs beside its march in time."""
        feature = self.features[place]
        own = {slot for f in self.features for p in f.products for slot, i in p.factors if i == place}
        if feature.term is None:
            own |= {i for f in self.features for p in f.products for i in self.form.slots_in(p.coefficient)}
        return len(own) + (feature.term is not None)

    def __str__(self) -> str:
        rows = [("feature", "degree", "height", "cost", "Picard weight")]
        for i, f in enumerate(self.features):
            degree = "smooth" if math.isinf(f.degree) else exponent_text(f.degree)
            weight = "to be fitted" if f.weight is None else f"{f.weight:g}"
            rows.append((f.text, degree, str(f.tree.height), f"1 march, {self.transforms(i)} transforms", weight))
        widths = [max(len(r[c]) for r in rows) for c in range(len(rows[0]))]
        lines = ["  ".join(v.ljust(w) for v, w in zip(r, widths, strict=True)).rstrip() for r in rows]
        known = [f"  {name} = {meaning}" for name, meaning in self.kinds]
        head = f"{len(self)} features, rule {self.rule!r}" + (", powers of v are Wick powers" if self.wick else "")
        return "\n".join([head, *lines, *(["with", *known] if known else [])])

    __repr__ = __str__
