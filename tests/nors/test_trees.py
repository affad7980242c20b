"""Canonical trees, and what bounds their number."""

from itertools import permutations

import pytest
from nors.cases import PUBLISHED, phi4

import sciml as sm
from sciml.errors import OptionError
from sciml.solvers.nors.forest import Limits
from sciml.solvers.nors.trees import Branch, Tree

A, B = Tree("a"), Tree("b")
PLANTED = Tree("I", 0, (Branch(A), Branch(B)))


def test_equal_products_are_equal_trees():
    factors = [Branch(A), Branch(A), Branch(B), Branch(PLANTED), Branch(A, 1)]
    trees = {Tree("I", 0, order) for order in permutations(factors)}
    assert len(trees) == 1
    (tree,) = trees
    assert [(b.tree.name, b.slot, count) for b, count in tree.repeated] == [
        ("a", None, 2),
        ("a", 1, 1),
        ("b", None, 1),
        ("I", None, 1),
    ]


@pytest.mark.parametrize(
    "other",
    [
        Tree("I", 0, (Branch(A), Branch(A), Branch(B))),
        Tree("I", 0, (Branch(A), Branch(B, 1))),
        Tree("I xi", 1, (Branch(A), Branch(B))),
        Tree("I", 0, (Branch(PLANTED),)),
    ],
)
def test_other_products_are_other_trees(other):
    assert other != PLANTED
    assert other.text != PLANTED.text


def test_height_and_integrations():
    deep = Tree("I", 0, (Branch(PLANTED), Branch(PLANTED), Branch(A)))
    assert (A.height, A.integrations) == (1, 0)
    assert (PLANTED.height, PLANTED.integrations) == (2, 1)
    assert (deep.height, deep.integrations) == (3, 3)
    assert sorted([deep, PLANTED, B, A], key=lambda tree: tree.key) == [A, B, PLANTED, deep]


def test_too_many_are_refused_with_their_numbers():
    limits = Limits(None, None, None, 2)
    limits.check([A, B])
    with pytest.raises(
        OptionError, match=r"O360.*more than 2 features: 2 with 0 integrals, 1 with 1 integral\."
    ) as told:
        limits.check([A, B, PLANTED], complete=True)
    assert "max_features=3" in str(told.value)
    with pytest.raises(OptionError, match=r"1 with 1 integral and more to come"):
        limits.check([A, B, PLANTED])


@pytest.mark.parametrize("method", [PUBLISHED, sm.LinearMFV(integrations=4)])
def test_each_feature_comes_after_those_it_is_made_of(method):
    forest = method.feature_table(phi4())
    made = [i for f in forest.features if f.products for p in f.products for _, i in p.factors]
    assert made
    for place, feature in enumerate(forest.features):
        assert all(i < place for p in feature.products for _, i in p.factors)
        assert all(
            place in [i for p in forest.features[j].products for _, i in p.factors] for j in forest.parents(place)
        )
    assert len(set(forest.names)) == len(forest)


def test_the_table_says_what_features_are():
    printed = str(PUBLISHED.feature_table(phi4())).splitlines()
    assert printed[0] == "10 features, rule 'published'"
    assert printed[2].split() == ["I[xi]", "1/2", "1", "1", "march,", "1", "transforms", "1"]
    (row,) = [line for line in printed if line.startswith("I[I[xi]^2 I_c]")]
    assert row.split()[2:5] == ["5", "2", "1"]
    assert row.split()[-1] == "-3"
