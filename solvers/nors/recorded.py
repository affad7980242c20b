"""Paths of an ensemble as Fourier coefficients: initial states, increments of the noise, the solution."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciml.dsl.text import text
from sciml.problem import Problem
from sciml.solvers.nors.setting import Setting

__all__ = ["increments_of", "observed_rows", "start_of", "states_of"]


def observed_rows(problem: Problem) -> dict[int, str]:
    """Return the states that are stored: places among the states, and names of variables."""
    return {i: text(z) for i, z in enumerate(problem.form.state) if z in problem.scalar_fields}


def _values(setting: Setting, ds: xr.Dataset, name: str) -> Tensor:
    """Return a variable, ``(time, sample, x, y, z)`` or ``(time, sample)``."""
    space = [x.name for x in setting.problem.frame.space if x.name in ds[name].dims]
    values = np.ascontiguousarray(ds[name].transpose("time", "sample", *space).values, dtype=np.float64)
    return torch.as_tensor(values, device=setting.modes.device)


def increments_of(setting: Setting, ds: xr.Dataset) -> dict[str, Tensor]:
    """Return the coefficients of each noise over every stored interval, ``(intervals, sample, *spectrum)``."""
    mask, out = setting.system.mask, {}
    for name, noise in setting.noises.items():
        found = noise.transformed(_values(setting, ds, name)[1:])
        out[name] = found if mask is None else found * mask
    return out


def states_of(setting: Setting, ds: xr.Dataset) -> Tensor:
    """Return the coefficients of all states, ``(time, sample, n, *spectrum)``; those that are not stored are 0."""
    rows = observed_rows(setting.problem)
    known = {i: _values(setting, ds, name).to(setting.modes.dtype) for i, name in rows.items()}
    like = next(iter(known.values()))
    fields = [known.get(i, torch.zeros_like(like)) for i in range(len(setting.problem.form.state))]
    return setting.system.states(torch.stack(fields, dim=2))


def start_of(setting: Setting, ds: xr.Dataset) -> Tensor:
    """Return the initial state: stored fields as they are stored, the others as they were drawn."""
    rows = observed_rows(setting.problem)
    stored = states_of(setting, ds.isel(time=[0]))[0]
    if len(rows) == stored.shape[1]:
        return stored
    drawn = setting.made.initial_state(float(setting.times[0])).clone()
    for i in rows:
        drawn[:, i] = stored[:, i]
    return drawn
