"""The noise of a run, interval after interval: drawn from streams, or replayed from recorded increments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from sciml.brownian import Brownian
from sciml.errors import DataError
from sciml.fourier.noise import NoiseModes
from sciml.solvers.spectral.stochastic import StochasticStepper

__all__ = ["Paths"]

Array = np.ndarray[Any, Any]


class Paths:
    """Brownian paths of every noise for some samples.

    Recorded increments are summed where the run stores fewer times, and refined by Brownian bridges
    where it stores more.

    Args:
        stepper: The scheme, which says how many steps an interval has.
        seed: Root of the random streams.
        samples: Numbers of the samples.
        recorded: Increments of the noises, dims ``(sample, time, ...)``, on the space grid of the run.

    Raises:
        DataError: A noise is not recorded, or its times neither divide nor are divided by those of the run.
    """

    def __init__(
        self, stepper: StochasticStepper, seed: int, samples: Sequence[int], recorded: xr.Dataset | None = None
    ) -> None:
        self.stepper, self.position = stepper, 0
        steps = stepper.fixed_steps * stepper.scheme.parts
        self._refine = 1
        if recorded is not None:
            self._refine = max(1, _ratio(stepper.intervals, recorded.sizes["time"] - 1))
        self._paths = {
            name: Brownian(
                seed,
                name,
                samples,
                noise.count,
                intervals=stepper.intervals // self._refine,
                interval=stepper.interval * self._refine,
                parts=(self._refine, stepper.fixed_steps, stepper.scheme.parts),
                given=None if recorded is None else _given(noise, recorded, samples, stepper.intervals),
            )
            for name, noise in stepper.noises.items()
        }
        self._steps, self._held = steps, (-1, dict[str, Array]())

    def interval(self, index: int) -> dict[str, Tensor]:
        """Return the coefficients ``(steps, samples, *spectrum)`` of the increments in an interval."""
        whole, part = divmod(index, self._refine)
        if self._held[0] != whole:
            self._held = whole, {name: path.increments(whole) for name, path in self._paths.items()}
        self.position = index + 1
        chosen = slice(part * self._steps, (part + 1) * self._steps)
        return {name: self.stepper.noises[name].coefficients(v[chosen]) for name, v in self._held[1].items()}


def _ratio(intervals: int, recorded: int) -> int:
    """Return how many intervals of the run a recorded one covers; 0 where it is the other way round."""
    if intervals % recorded == 0:
        return intervals // recorded
    if recorded % intervals == 0:
        return 0
    msg = (
        f"the noise was recorded in {recorded} intervals, which {intervals} stored intervals neither divide nor refine."
    )
    raise DataError("D223", msg, fix=f"Grid(t={recorded}), a divisor of it, or a multiple")


def _given(noise: NoiseModes, recorded: xr.Dataset, samples: Sequence[int], intervals: int) -> Callable[[int], Array]:
    """Return the function that reads the increments of an interval."""
    name = noise.noise.name
    if name not in recorded:
        msg = f"there is no recorded noise {name!r}."
        raise DataError("D223", msg, fix=f"variables: {', '.join(map(str, recorded.data_vars))}")
    space = [x.name for x in noise.modes.frame.space] if noise.in_space else []
    expected = dict(zip(space, noise.modes.grid, strict=False))
    if {d: n for d, n in recorded[name].sizes.items() if d not in ("sample", "time")} != expected:
        has, needs = dict(recorded[name].sizes), ", ".join(f"{d}={n}" for d, n in expected.items())
        msg = (
            f"the noise {name} was recorded with {has}; a replay computes on the same points: {needs or 'time alone'}."
        )
        raise DataError("D223", msg, fix="give the grid of the recorded ensemble, and no resolution=")
    values = recorded[name].sel(sample=list(samples)).transpose("sample", "time", *space)
    if not noise.holds(np.asarray(values.isel(sample=[0], time=1), dtype=np.float64)):
        msg = f"the noise {name} was recorded with fewer modes than this run would draw, which has another law."
        raise DataError(
            "D223", msg, fix="replay with the dealiasing of the recording, Spectral(degree=...), or declare modes="
        )
    together = max(1, (recorded.sizes["time"] - 1) // intervals)

    def read(index: int) -> Array:
        rows = values.isel(time=slice(1 + index * together, 1 + (index + 1) * together))
        fields = np.asarray(rows.sum("time", skipna=False), dtype=np.float64)
        if not np.isfinite(fields).all():
            msg = f"the recorded increments of {name} are not finite."
            raise DataError("D223", msg, fix="leave out the damaged samples")
        return noise.increments(fields)

    return read
