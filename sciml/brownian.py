"""Paths of independent Brownian motions: drawn once, coarsened by summing, refined by bridges.

A path is a stream of standard normal numbers for each (seed, noise, sample, mode): it depends on
neither the grid, nor the block of samples that is computed together, nor the order of drawing. Its
increments over the intervals between stored times are drawn first; the steps within an interval
follow by Brownian bridges, prime factor by prime factor, so that

    ΔW of an interval = sum of the ΔW of its parts        (exactly, for any number of parts)

and 20 parts refine 10, which refine 5. Lévy 1948; Brownian bridge in p equal parts: given ΔW over h,
the parts are ``ΔW/p + √(h/p) (Z_i - mean Z)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sciml.streams import stream

__all__ = ["Brownian", "factors", "sample_labels"]

Array = np.ndarray[Any, np.dtype[np.float64]]
CHUNK = 64  # modes that share a stream; the chunks after the first double
AHEAD = 2**15  # numbers drawn at once for one stream


def sample_labels(sample: int) -> tuple[Any, ...]:
    """Return the labels of a sample's streams; a single solution is sample 0 and has none."""
    return ("sample", sample) if sample else ()


def factors(n: int) -> list[int]:
    """Return the prime factors of n, the largest first: numbers of parts that differ by 2 refine each other."""
    out, p = [], 2
    while n > 1:
        while n % p == 0:
            out.append(p)
            n //= p
        p += 1 if p * p <= n else max(n - p, 1)
    return out[::-1]


class Brownian:
    """Increments of Brownian motions ``(sample, mode, 2)``, interval after interval.

    Args:
        seed: Root of the random streams.
        name: Name of the noise.
        samples: Numbers of the samples.
        modes: Number of modes, each with two independent motions; more modes leave the first ones as they are.
        intervals: How many intervals there are.
        interval: Length of each, nondimensional time.
        parts: Equal parts of each interval; several numbers divide it one after the other.
        given: Increments of interval i, ``(samples, modes, 2)``, where they are known; otherwise they are drawn.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        samples: Sequence[int],
        modes: int,
        *,
        intervals: int,
        interval: float,
        parts: Sequence[int] = (),
        given: Callable[[int], Array] | None = None,
    ) -> None:
        self.interval, self.given = interval, given
        self._factors = [p for n in parts for p in factors(n)]
        self._shape = (len(samples), modes, 2)

        def normals(level: int, count: int) -> Iterator[Array]:
            return _normals([(seed, "noise", name, *sample_labels(k), level) for k in samples], modes, count, intervals)

        self._base = None if given else normals(0, 1)
        counts = np.cumprod([1, *self._factors])
        # Halves need one number for two parts; p parts take p numbers, less their mean.
        self._bridges = [
            normals(level, int(parents) * (p if p > 2 else 1))
            for level, (p, parents) in enumerate(zip(self._factors, counts, strict=False), start=1)
        ]
        self._next = 0

    def increments(self, index: int) -> Array:
        """Return the increments over the steps of an interval, ``(parts, samples, modes, 2)``.

        Intervals are drawn in order; asking for a later one passes over those between.

        Raises:
            ValueError: The interval was passed already.
        """
        if index < self._next:
            msg = f"interval {index} of a path was drawn before; a path is read in order"
            raise ValueError(msg)
        while self._next < index:
            self._increments()
        return self._increments()

    def _increments(self) -> Array:
        index, self._next = self._next, self._next + 1
        if self._base is not None:
            out = next(self._base)
            out *= np.sqrt(self.interval)
        else:
            assert self.given is not None
            out = self.given(index)[None]
        h = self.interval
        for p, bridge in zip(self._factors, self._bridges, strict=True):
            out = _split(out, p, h, next(bridge))
            h /= p
        return out


def _split(parents: Array, p: int, h: float, normal: Array) -> Array:
    """Divide increments over h into those over p equal parts."""
    if p == 2:
        half, swing = parents / 2, (np.sqrt(h) / 2) * normal
        parts = np.stack([half + swing, half - swing], axis=1)
    else:
        free = normal.reshape(len(parents), p, *parents.shape[1:])
        parts = parents[:, None] / p + np.sqrt(h / p) * (free - free.mean(1, keepdims=True))
    out: Array = parts.reshape(-1, *parents.shape[1:])
    return out


def _chunks(modes: int) -> list[tuple[int, int]]:
    """Return the ranges of modes that share a stream; all but the first are as long as what precedes them."""
    out, start = [(0, CHUNK)], CHUNK
    while start < modes:
        out.append((start, 2 * start))
        start *= 2
    return out


def _normals(labels: Sequence[tuple[Any, ...]], modes: int, count: int, times: int) -> Iterator[Array]:
    """Yield standard normal numbers ``(count, samples, modes, 2)``, at least so many times."""
    chunks = _chunks(modes)
    streams = [[stream(*label, chunk) for chunk in range(len(chunks))] for label in labels]
    ahead = min(times, max(1, AHEAD // (count * chunks[-1][1] * 2)))
    drawn = [np.empty((len(labels), ahead, count, end - start, 2)) for start, end in chunks]
    for _ in range(0, times, ahead):
        for sample, row in enumerate(streams):
            for numbers, generator in zip(drawn, row, strict=True):
                generator.standard_normal(out=numbers[sample])
        for i in range(ahead):
            out = np.empty((count, len(labels), modes, 2))
            for (start, end), numbers in zip(chunks, drawn, strict=True):
                out[:, :, start:end] = numbers[:, i, :, : modes - start].swapaxes(0, 1)
            yield out
