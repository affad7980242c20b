"""Driving noise of stored paths as increments of its Wiener process, checked to be what it is taken for."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sciml.errors import FileError

__all__ = ["Array", "NoiseKind", "check_kind", "check_share", "coarsened", "increments"]

Array = np.ndarray[Any, Any]
NoiseKind = Literal["cumulative", "increments"]

FRAMES = 8  # fewer say nothing about the kind of a noise
PAIRS = 50  # likewise of increments and changes
SHARE = 0.65  # one increment of two leaves 1/2; ten that are one fine step early leave 0.81


def check_kind(noise: Array, kind: NoiseKind, where: str) -> None:
    """Refuse increments taken for a Wiener process, and the reverse.

    Frames of a process that has run for n steps are correlated by ``(n - 1)/(n + 1)``, increments not at all.

    Args:
        noise: ``(sample, time, ...)``.
        kind: What it is taken for.
        where: What a message calls it.
    """
    moving = (noise[:, 1:] if not noise[:, 0].any() else noise).astype(float)
    power = float(np.square(moving[:, :-1]).sum())
    if moving.shape[1] < FRAMES or power == 0:
        return
    correlation = float((moving[:, 1:] * moving[:, :-1]).sum()) / power
    if kind == "increments" and correlation > 0.7:
        msg = f"{where} is not made of increments: frames that follow each other are correlated ({correlation:.2f})."
        raise FileError("F419", msg, fix='noise="cumulative"')
    if kind == "cumulative" and correlation < 0.3:
        msg = f"{where} is no path of a Wiener process: frames that follow each other are unrelated "
        raise FileError("F419", f"{msg}({correlation:.2f}).", fix='noise="increments"')


def increments(noise: Array, kind: NoiseKind, frames: int, where: str) -> Array:
    """Return the increment of each interval at its end, zero at the first of ``frames`` times.

    Args:
        noise: ``(sample, time, ...)``: a path at every time; increments at every time, the first zero; or
            increments of the intervals, one fewer than times.
        kind: Which of them.
        frames: Number of times of the solution.
        where: What a message calls it.
    """
    if kind == "cumulative":
        steps = noise if noise.dtype.kind == "f" else noise.astype(float)  # differences of unsigned numbers wrap
        return np.diff(steps, axis=1, prepend=steps[:, :1])
    if noise.shape[1] == frames - 1:
        return np.concatenate([np.zeros_like(noise[:, :1]), noise], axis=1)
    if noise[:, 0].any():
        msg = f"{where} has an increment at the first time, before which there is no interval."
        raise FileError("F419", msg, fix='noise="cumulative" if it is a path that starts elsewhere than at 0')
    return noise


def check_share(field: Array, noise: Array, where: str) -> None:
    """Refuse increments of some fine steps where the field saw those of all.

    Meant for fields whose spatial mean moves by the noise alone: of r increments, one explains the share 1/r of
    the variance of a change of the mean. Nothing is said of noise without a mean.
    """
    space = tuple(range(2, field.ndim))
    change, driven = (a.mean(axis=space, dtype=float) for a in (field, noise[:, 1:]))
    change = np.diff(change, axis=1)
    if driven.size < PAIRS or np.abs(driven).max() < 1e-6 * np.abs(noise).max():
        return
    if len(change) > 1:
        change, driven = change - change.mean(axis=0), driven - driven.mean(axis=0)
    total = float(np.square(change).sum() * np.square(driven).sum())
    share = float((change * driven).sum()) ** 2 / total if total else 0.0
    if share < SHARE:
        msg = (
            f"{where} explains {share:.0%} of how the mean of the field changes: increments were left out, not summed."
        )
        fix = "sum the increments of the fine steps over each stored interval when the file is made"
        raise FileError("F419", msg, fix=fix)


def coarsened(field: Array, noise: Array, every: int, where: str) -> tuple[Array, Array]:
    """Return every ``every``-th frame of a field, and the sums of the increments between them."""
    intervals = field.shape[1] - 1
    if isinstance(every, bool) or not isinstance(every, (int, np.integer)) or every < 1 or intervals % every:
        divisors = [d for d in range(1, intervals + 1) if intervals % d == 0]
        msg = f"every={every!r} does not divide the {intervals} intervals of {where}."
        raise FileError("F419", msg, fix=f"every = {', '.join(map(str, divisors[:12]))}")
    if every == 1:
        return field, noise
    windows = noise[:, 1:].reshape(len(noise), -1, every, *noise.shape[2:])
    return field[:, ::every], np.concatenate([noise[:, :1], windows.sum(axis=2)], axis=1)
