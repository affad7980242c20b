"""Brownian paths: what they depend on, how they refine, and their law."""

import numpy as np
import pytest

from sciml.brownian import Brownian, factors


def path(samples=(0,), modes=4, *, parts=1, interval=0.5, intervals=3, seed=0, given=None):
    return Brownian(seed, "xi", samples, modes, intervals=intervals, interval=interval, parts=[parts], given=given)


def whole(brownian, intervals=3):
    return np.stack([brownian.increments(i) for i in range(intervals)])


@pytest.mark.parametrize(("n", "expected"), [(1, []), (2, [2]), (12, [3, 2, 2]), (20, [5, 2, 2]), (49, [7, 7])])
def test_factors_descend(n, expected):
    assert factors(n) == expected


@pytest.mark.parametrize("parts", [2, 3, 12, 35])
def test_parts_of_an_interval_add_up_to_it(parts):
    fine, coarse = whole(path(parts=parts)), whole(path())
    assert np.abs(fine.sum(1) - coarse[:, 0]).max() < 1e-14


def test_halved_steps_refine_the_same_path():
    fine, coarse = whole(path(parts=20)), whole(path(parts=10))
    assert np.abs(fine.reshape(3, 10, 2, 1, 4, 2).sum(2) - coarse).max() < 1e-14


def test_a_sample_does_not_depend_on_its_neighbours_nor_a_mode_on_how_many_there_are():
    many = whole(path(samples=range(7), modes=300, parts=6))
    for sample in (0, 3, 6):
        assert np.array_equal(many[:, :, sample, :40], whole(path(samples=[sample], modes=40, parts=6))[:, :, 0])


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_draw_the_same_noise(block):
    reference = whole(path(samples=range(64), modes=70, parts=2))
    parts = [whole(path(samples=range(b, min(b + block, 64)), modes=70, parts=2)) for b in range(0, 64, block)]
    assert np.array_equal(np.concatenate(parts, axis=2), reference)


def test_a_path_can_be_read_from_any_interval_on_but_not_backwards():
    late = path(parts=4)
    assert np.array_equal(late.increments(2), whole(path(parts=4))[2])
    with pytest.raises(ValueError, match="read in order"):
        late.increments(1)


@pytest.mark.parametrize("parts", [1, 2, 5, 6])
def test_increments_are_independent_normal_with_the_variance_of_the_step(parts):
    n = 4000
    steps = whole(path(samples=range(n), modes=2, parts=parts)).reshape(3 * parts, n, 4).transpose(0, 2, 1)
    flat = steps.reshape(-1, n) / np.sqrt(0.5 / parts)
    correlation = flat @ flat.T / n
    off = correlation - np.eye(len(flat))
    spread = np.where(np.eye(len(flat)) > 0, np.sqrt(2 / n), np.sqrt(1 / n))
    assert np.abs(off / spread).max() < 4.5  # the largest of some hundred numbers
    assert abs((flat**4).mean() - 3) < 4 * np.sqrt(96 / flat.size)


def test_a_bridge_of_the_wrong_width_is_caught():
    """Negative control: without the bridge's own variance the parts are too alike."""
    n = 4000
    base = whole(path(samples=range(n)))[:, 0]
    halves = np.repeat(base / 2, 2, axis=0)
    assert abs(halves.var() / 0.25 - 1) > 0.4


def test_given_increments_are_refined_by_the_same_bridges():
    coarse = whole(path())
    replayed = whole(path(parts=6, given=lambda i: coarse[i, 0]))
    assert np.array_equal(replayed, whole(path(parts=6)))
