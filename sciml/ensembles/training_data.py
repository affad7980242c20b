"""What an ensemble must be to be learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.ensembles.ensemble import Ensemble
from sciml.ensembles.setting import check_setting
from sciml.errors import DataError, shown

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["an_ensemble", "training_data"]

FEWEST = 2  # samples: one says nothing about how they differ


def an_ensemble(data: Any) -> Ensemble:
    """Return the data if they are an ensemble.

    Raises:
        DataError: They are something else; the message says what to write.
    """
    if isinstance(data, Ensemble):
        return data
    msg = f"data= must be an ensemble of samples; got {shown(data)}."
    raise DataError("D243", msg, fix="data=problem.sample(1000, grid=...)  or  data=sm.load_ensemble(path)")


def training_data(problem: Problem, data: Any) -> Ensemble:
    """Return the data that a method learns from, once everything about them is checked.

    Parameters, initial laws and equations may differ from those of the problem: an unknown drift is
    fitted to data of the true one.

    Raises:
        DataError: They are no ensemble, too few, one sample twice, of other fields, noise, domain or times,
            or not finite.
    """
    found = an_ensemble(data)
    if len(found.numbers) < FEWEST:
        msg = f"a method learns from {FEWEST} samples or more; it was given {len(found)}."
        raise DataError("D244", msg, fix="data=problem.sample(1000, grid=...)")
    check_setting(problem, found)
    for name in map(str, found.ds.data_vars):
        _check_finite(found, name)
    return found


def _check_finite(data: Ensemble, name: str) -> None:
    start = 0
    for values in data.arrays(name):
        bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
        if bad.size:
            msg = f"{name!r} is not finite in the sample {data.numbers[start + bad[0]]} of the data."
            raise DataError("D246", msg, fix="leave it out: data[[...]]  with the places of the others")
        start += len(values)
