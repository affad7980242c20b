"""How the linear part treats short waves: what it smooths, and how strongly.

A state is smoothed with order σ if its row of ``e^{P(k)t}`` falls like ``exp(-c |k|^σ t)``: heat has
order 2; dispersive and hyperbolic equations have 0. Orders are read off the largest radii of the rays
in ``rays.py``, in the direction and for the parameter values where they are lowest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from sciml.dsl.text import text
from sciml.forms.growth import SLOWEST, orders, pattern, reach, top_rates
from sciml.forms.rays import Rays, sample
from sciml.forms.semilinear import SemilinearForm

__all__ = ["linear_part", "smoothing_order"]

Bool = np.ndarray[Any, np.dtype[np.bool_]]
Indices = np.ndarray[Any, np.dtype[np.intp]]


def smoothing_order(form: SemilinearForm, ranges: Mapping[sp.Symbol, tuple[float, float]]) -> tuple[float, ...]:
    """Return for each state the order σ of ``exp(-c |k|^σ t)``; 0 where short waves are not damped away.

    Args:
        form: The canonical form.
        ranges: Lowest and highest value of each parameter; both are the value of a number.
    """
    rays = sample(form, ranges)
    closed = _reach(rays)
    own = [_damping(rays, loop) for loop in _loops(closed)]
    # What acts on a state is not smoother in it than by itself.
    return tuple(min(own[j] for j in np.flatnonzero(row)) for row in closed)


def linear_part(form: SemilinearForm, ranges: Mapping[sp.Symbol, tuple[float, float]]) -> str:
    """Describe the linear part in a few words, such as ``parabolic of order 2``."""
    if form.linear.is_zero_matrix:
        return "zero"
    rays = sample(form, ranges)
    found = [_kind(rays, loop) for loop in _loops(_reach(rays))]
    if len(set(found)) == 1:
        return found[0]
    names: dict[str, list[str]] = {}
    for z, kind in zip(form.state, found, strict=True):
        names.setdefault(kind, []).append(text(z))
    return "; ".join(f"{', '.join(fields)} {kind}" for kind, fields in names.items())


def _reach(rays: Rays) -> Bool:
    return reach(np.asarray(pattern(rays).any((0, 1))))


def _loops(closed: Bool) -> list[Indices]:
    """Return for each state those that act on it and that it acts on."""
    return [np.flatnonzero(row) for row in closed & closed.T]


def _kind(rays: Rays, loop: Indices) -> str:
    if damped := _damping(rays, loop):
        return f"parabolic of order {damped:g}"
    if frequency := max(_largest(rays, loop, 1j), _largest(rays, loop, -1j)):
        return "hyperbolic" if frequency == 1 else f"dispersive of order {frequency:g}"
    if partly := _largest(rays, loop, -1):
        return f"partly parabolic of order {partly:g}"
    return "ODE-like (order 0)"


def _damping(rays: Rays, loop: Indices) -> float:
    """Return the lowest order with which the slowest mode of a loop decays."""
    rates, uncertainty = _rates(rays, loop, 1)
    return _tidy(orders(-rates, uncertainty).min())


def _largest(rays: Rays, loop: Indices, turn: complex) -> float:
    """Return the highest order of the real part of ``turn × λ`` over the eigenvalues λ of a loop."""
    return _tidy(orders(*_rates(rays, loop, turn)).max())


def _rates(rays: Rays, loop: Indices, turn: complex) -> tuple[Any, Any]:
    block = (..., loop[:, None], loop)
    rounding = rays.rounding[block]
    if turn.imag:
        rounding = rounding.imag + 1j * rounding.real
    turned = replace(rays, generator=turn * rays.generator[block], rounding=rounding)
    corners, directions, *_, n = turned.generator.shape
    with np.errstate(all="ignore"):
        return top_rates(turned, np.ones((corners, directions, n, n), dtype=bool))


def _tidy(order: float) -> float:
    return round(float(order), 2) if order > SLOWEST else 0.0
