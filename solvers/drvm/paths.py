"""Particles and their increments from scrambled Sobol points, in independent groups.

Every particle is one point of a Sobol sequence: one coordinate picks the component of the initial
vorticity, two its place in it, two for each time step the increments. The component has a coordinate
of its own, because the parity of the index goes with a coordinate of the point. Each group has its own
scrambling, so that the spread of groups is an estimate of the error of their mean.

Sources: Owen 1997, doi:10.1214/aos/1031594731 (scrambled nets); Caflisch 1998,
doi:10.1017/S0962492900002804 (paths).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from sciml.errors import DataError
from sciml.solvers.drvm.initial import Component
from sciml.streams import stream

__all__ = ["Cloud", "drawn_cloud", "sobol"]

Array = np.ndarray[Any, Any]
LOST = 1e-3  # share of the circulation that may have no particle in a group
HALF_STEP = 2.0**-31  # points lie on a lattice of 2^-30: shifted off 0, where the normal quantile is infinite


@dataclass(frozen=True)
class Cloud:
    """Particles of one march.

    Attributes:
        positions: At the start, ``(G, N, 2)``.
        weights: Circulations ``(G, N)``; those of a group sum to the whole.
        component: Index of the component of each, ``(G, N)``.
        increments: Standard normals ``(G, N, steps, 2)``.
    """

    positions: Array
    weights: Array
    component: Array
    increments: Array


def drawn_cloud(
    components: Sequence[Component],
    *,
    groups: Sequence[int],
    size: int,
    steps: int,
    seed: int,
    march: int | str,
    sampling: Literal["sobol", "iid"] = "sobol",
) -> Cloud:
    """Draw the particles of some groups.

    Args:
        components: The initial vorticity.
        groups: Which groups: each has streams of its own.
        size: Particles of a group, a power of 2.
        steps: Number of increments.
        seed: Root of the streams.
        march: Repetition; each is independent of the others.
        sampling: Scrambled Sobol points, or independent ones.
    """
    parts = [_group(components, size, steps, stream(seed, "particles", march, g), sampling) for g in groups]
    return Cloud(*(np.stack([p[i] for p in parts]) for i in range(4)))


def sobol(count: int, columns: int, rng: np.random.Generator) -> Array:
    """Return scrambled Sobol points of the unit cube, ``(count, columns)``."""
    seeded = np.random.default_rng(rng.integers(2**63, size=4))  # SciPy spawns from it, which streams cannot
    return np.asarray(qmc.Sobol(columns, scramble=True, rng=seeded).random(count))


def _group(components: Sequence[Component], size: int, steps: int, rng: Any, sampling: str) -> tuple[Array, ...]:
    columns = 3 + 2 * steps
    if sampling == "iid":
        uniform = rng.random((size, columns))
    else:
        uniform = sobol(size, columns, rng) + HALF_STEP
    shares = np.cumsum([c.strength for c in components])
    chosen = np.minimum(np.searchsorted(shares / shares[-1], uniform[:, 0], side="right"), len(components) - 1)
    positions, weights = np.zeros((size, 2)), np.zeros(size)
    for i, c in enumerate(components):
        mine = chosen == i
        places, signs = c.drawn(uniform[mine, 1:3])
        positions[mine] = places
        weights[mine] = _exact(signs, c, LOST * shares[-1])
    increments = ndtri(uniform[:, 3:]).reshape(size, steps, 2).astype(np.float32)
    return positions, weights, chosen, increments


def _exact(signs: Array, component: Component, negligible: float) -> Array:
    """Give the particles of a component its positive and negative circulation exactly.

    Raises:
        DataError: A circulation that is not negligible has no particle.
    """
    weights = np.zeros(len(signs))
    for sign in (1, -1):
        total = float(component.weights[np.sign(component.weights) == sign].sum())
        held = signs == sign
        if held.any():
            weights[held] = total / held.sum()
        elif abs(total) > negligible:
            msg = f"no particle of a group stands for a part of the vorticity, of circulation {total:.3g}: too few."
            raise DataError(
                "D218", msg, fix="more particles a group: DRVM(n_particles=..., groups=...), or a larger batch"
            )
    return weights
