"""Numbers of samples: as short as they can be said, and as slices where they can be read as such."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from sciml.errors import DataError

__all__ = ["bounds_of", "listed", "numbers_between", "sequence", "slice_of"]

Array = np.ndarray[Any, Any]
SHOWN = 4  # stretches of numbers in a message


def sequence(numbers: Array) -> Sequence[int]:
    """Return numbers as a range where they are consecutive.

    Raises:
        DataError: One is there twice.
    """
    distinct, counts = np.unique(numbers, return_counts=True)
    if len(distinct) < len(numbers):
        msg = f"the ensemble holds the sample {distinct[counts > 1][0]} twice."
        raise DataError("D248", msg, fix="choose each sample once: ensemble[:100]  or  ensemble[[0, 5]]")
    bounds = bounds_of(numbers)
    return range(*bounds) if len(bounds) == 2 else tuple(int(k) for k in numbers)


def bounds_of(numbers: Array | Sequence[int]) -> list[int]:
    """Return the first number and the one after the last of each stretch of consecutive numbers, in a row."""
    stretches = np.split(np.asarray(numbers), np.flatnonzero(np.diff(numbers) != 1) + 1)
    return [int(k) for s in stretches if len(s) for k in (s[0], s[-1] + 1)]


def numbers_between(bounds: Sequence[int], most: int) -> list[int]:
    """Return the numbers that :func:`bounds_of` described.

    Raises:
        ValueError: They are more than ``most``, or not described like this.
    """
    stretches = [range(first, after) for first, after in zip(bounds[::2], bounds[1::2], strict=True)]
    if sum(map(len, stretches)) > most:
        msg = f"there are not more than {most} samples."
        raise ValueError(msg)
    return list(chain.from_iterable(stretches))


def listed(numbers: Sequence[int]) -> str:
    """Say which samples these are."""
    bounds = bounds_of(numbers)
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))[:SHOWN]
    said = [str(first) if after == first + 1 else f"{first} to {after - 1}" for first, after in pairs]
    return ", ".join([*said, "..."] if len(bounds) > 2 * SHOWN else said)


def slice_of(places: Array) -> slice | Array:
    """Return increasing places at equal distances as a slice, which files read at once and arrays do not copy."""
    steps = np.diff(places)
    if not len(places) or (len(steps) and not (steps[0] > 0 and (steps == steps[0]).all())):
        return places
    return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]) if len(steps) else 1)
