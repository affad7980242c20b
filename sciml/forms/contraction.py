"""Contractions of singular products: the infinite constants that renormalisation subtracts, or that vanish.

Fields ``y_a = P_a(D) X`` with the spectral covariance V(k) of X contract to ``C_ab = Σ_k Re P_a(k) conj(P_b(k)) V(k)``,
and what a product n needs is ``½ Σ_ab C_ab ∂²n/∂y_a∂y_b``. It vanishes by symmetry where the sum over a, b is 0 for
each k, or over its mirror images: u u_x is odd under k → -k, and a velocity by Biot-Savart is orthogonal to k.
Where the amplitude of the noise varies in space this is the leading part, and the next is one order smoother.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations_with_replacement

import numpy as np
import sympy as sp

from sciml.dsl.unknown import stand_in
from sciml.forms.convolution import SAMPLED, Convolution
from sciml.forms.frame import Frame
from sciml.forms.products import Monomial, exceeds
from sciml.forms.rays import directions, trace
from sciml.forms.semilinear import SemilinearForm

__all__ = ["vanishes"]

Ranges = Mapping[sp.Symbol, tuple[float, float]]
Pair = tuple[int, int]

NEAR = slice(1, 4)  # of the sampled radii, at which contractions are compared
NOTHING = 1e-6  # relative to the sum of moduli


def vanishes(
    singular: Iterable[Monomial], form: SemilinearForm, flow: Convolution, noises: int, ranges: Ranges
) -> bool:
    """Tell whether the singular products of one pointwise term need no counterterm.

    Args:
        singular: Products of the term; their sum is what is contracted.
        form: The canonical form.
        flow: The linear part on rays; the noises are its first columns.
        noises: How many they are.
        ranges: Lowest and highest value of each symbol.
    """
    products = list(singular)
    rough = {f.slots[0]: f.regularity for p in products for f in p.factors if f.is_slot}
    second = _second_derivatives(products, rough, form)
    places = {*form.frame.space, *(s.placeholder for s in form.slots)}
    stationary = not any(term.amplitude.free_symbols & places for term in form.noise)
    if not stationary and any(not exceeds(rough[a] + rough[b] + 1, 0) for a, b in second):
        return False
    constant = stationary and not any(e.free_symbols & places for e in second.values())
    column = form.nonlinear[products[0].term].column
    if constant and not any(s.subs(dict.fromkeys(form.frame.k.values(), 0)) for s in column):
        return True  # the outer operator takes a derivative of it
    values = _generic(form, ranges, second.values())
    weights = {pair: float(e.xreplace(values)) * (1 if pair[0] == pair[1] else 2) for pair, e in second.items()}
    return _is_nothing(weights, form, flow, noises, ranges)


def _second_derivatives(
    products: list[Monomial], rough: Mapping[int, float], form: SemilinearForm
) -> dict[Pair, sp.Expr]:
    """Return ``∂²n/∂y_a∂y_b`` of the pairs that are too rough to be multiplied."""
    n = stand_in(sp.Add(*(p.piece for p in products)))
    pairs = [p for p in combinations_with_replacement(sorted(rough), 2) if not exceeds(rough[p[0]] + rough[p[1]], 0)]
    found = {(a, b): n.diff(form.slots[a].placeholder, form.slots[b].placeholder) for a, b in pairs}
    return {pair: e for pair, e in found.items() if e != 0}


def _generic(form: SemilinearForm, ranges: Ranges, expressions: Iterable[sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
    """Return values in which nothing cancels by accident; parameters that are numbers keep theirs."""
    symbols = sorted(set().union(*(e.free_symbols for e in expressions)), key=str)
    middle = {s: sp.Float((low + high) / 2) for s, (low, high) in ranges.items() if s not in form.frame.coordinates}
    return {s: middle.get(s, sp.Float(0.3 + 1 / (i + np.sqrt(2)))) for i, s in enumerate(symbols)}


def _is_nothing(
    weights: Mapping[Pair, float], form: SemilinearForm, flow: Convolution, noises: int, ranges: Ranges
) -> bool:
    symbols = _symbols(form, ranges)
    covariance = flow.only(noises, NEAR)
    total, size = np.zeros((2, *covariance.shape[:-2]))
    for (a, b), weight in weights.items():
        i, j = form.slots[a].state, form.slots[b].state
        part = weight * (symbols[a] * symbols[b].conj())[..., None] * covariance[..., i, j]
        total = total + part.real
        size = size + np.abs(part)
    mirrored: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for d, e in enumerate(directions(form.frame.dim)):
        mirrored[tuple(map(abs, e))].append(d)
    for e, orbit in mirrored.items():
        if len(orbit) < 2 ** (sum(c != 0 for c in e) - 1):
            continue  # some mirror images are not among the directions
        if (np.abs(total[:, orbit].sum(1)) > NOTHING * size[:, orbit].sum(1)).any():
            return False
    return True


def _symbols(form: SemilinearForm, ranges: Ranges) -> list[np.ndarray]:
    """Return the symbol of each slot, shape ``(1, direction, radius)``."""
    frame: Frame = form.frame
    middle = {s: ((low + high) / 2,) * 2 for s, (low, high) in ranges.items() if s not in frame.coordinates}
    stacked = sp.Matrix([s.symbol for s in form.slots])
    rays = trace(stacked, sp.eye(stacked.rows), frame, middle)
    return list(np.moveaxis(rays.generator[:, :, SAMPLED, :, 0][:, :, NEAR], -1, 0))
