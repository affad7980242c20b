"""Canonical trees: which iterated integrals of a mild equation are features.

A tree is a leaf, known without the solution, or an integral ``I[...]`` of a product over its branches. Branches are
kept sorted by their text, so that equal products are equal trees, in the same order in every process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

__all__ = ["Branch", "Tree"]


@dataclass(frozen=True)
class Branch:
    """A factor: a linear map (slot) of a tree; slot None where a node takes the tree as it is."""

    tree: Tree
    slot: int | None = None

    @property
    def key(self) -> tuple[int, int, str, int]:
        """What branches are sorted by: small trees first."""
        return (*self.tree.key, -1 if self.slot is None else self.slot)


@dataclass(frozen=True)
class Tree:
    """A leaf (``term`` None) or a planted tree.

    Attributes:
        name: Of the leaf, or of the kind of node.
        term: Which term of the equation the node comes from.
        branches: Factors, sorted.
    """

    name: str
    term: int | None = None
    branches: tuple[Branch, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", tuple(sorted(self.branches, key=lambda b: b.key)))

    @cached_property
    def integrations(self) -> int:
        """Number of integrals in time."""
        return (self.term is not None) + sum(b.tree.integrations for b in self.branches)

    @cached_property
    def height(self) -> int:
        """1 for a leaf; the largest number of nested integrals, plus 1."""
        deepest = max((b.tree.height for b in self.branches), default=1)
        return deepest + (self.term is not None)

    @cached_property
    def key(self) -> tuple[int, int, str]:
        """What trees are sorted by: integrations, height, text."""
        return self.integrations, self.height, self.text

    @cached_property
    def text(self) -> str:
        """The whole tree, whatever names are printed for it."""
        inner = ",".join(b.tree.text if b.slot is None else f"{b.slot}:{b.tree.text}" for b in self.branches)
        return self.name if self.term is None else f"{self.name}({inner})"

    @property
    def repeated(self) -> list[tuple[Branch, int]]:
        """Each different branch with its multiplicity."""
        return [(branch, len(list(same))) for branch, same in groupby(self.branches)]
