"""Wick powers: products of the rough part of a solution with their infinite means taken out.

X solves the linear equation with the terms that have derivatives, from 0:  dX = P₁ X dt + b dW. With
``C_ij(t) = E[y_i(X) y_j(X)]`` for the linear maps y of the state, a polynomial n becomes

    :n: = exp(-½ Σ_ij C_ij ∂²/∂y_i∂y_j) n,      :y²: = y² - C,   :y³: = y³ - 3 C y.

C is that of the scheme and of the modes that are drawn, not of the continuum, so that the mean of
``:y(X)²:`` is exactly 0. Da Prato & Debussche 2003, doi:10.1214/aop/1068646370.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement

import sympy as sp
import torch
from torch import Tensor

from sciml.forms import SemilinearForm
from sciml.fourier.driving import Driving
from sciml.fourier.schemes import OneStep

__all__ = ["Counterterms", "wick_ordered"]

Pair = tuple[int, int]


def wick_ordered(form: SemilinearForm) -> tuple[SemilinearForm, dict[Pair, sp.Symbol]]:
    """Return the form with Wick powers, and the symbol of each covariance C_ij that occurs in it."""
    used = [i for i, s in enumerate(form.slots) if any(s.placeholder in t.n.free_symbols for t in form.nonlinear)]
    pairs = {pair: sp.Dummy(f"C{pair[0]}{pair[1]}", real=True) for pair in combinations_with_replacement(used, 2)}
    y = {i: form.slots[i].placeholder for i in used}

    def lowered(n: sp.Expr) -> sp.Expr:
        terms = [c * (1 if i == j else 2) * n.diff(y[i]).diff(y[j]) for (i, j), c in pairs.items()]
        return sp.expand(sp.Add(*terms) / 2)

    def ordered(n: sp.Expr) -> sp.Expr:
        total, term, order = n, n, 0
        while (term := lowered(term)) != 0:
            order += 1
            term = -term / order
            total += term
        return sp.expand(total)

    nonlinear = tuple(replace(t, n=ordered(t.n)) for t in form.nonlinear)
    occurring = set().union(*(t.n.free_symbols for t in nonlinear))
    return replace(form, nonlinear=nonlinear), {p: c for p, c in pairs.items() if c in occurring}


class Counterterms:
    """``C_ij`` after each step of a scheme, for one field driven by noise of constant amplitude.

    Args:
        driving: The noise terms on the grid.
        step: The scheme for P₁ alone, with the columns of the noise.
        pairs: The pairs (i, j) of slots.
    """

    def __init__(self, driving: Driving, step: OneStep, pairs: Sequence[Pair]) -> None:
        modes, form = driving.system.modes, driving.system.form
        self._decay = step.linear[:, 0].abs() ** 2
        power = torch.zeros_like(self._decay)
        for name, weights in zip(driving.added, step.additive, strict=True):
            power = power + weights[:, 0, 0].abs() ** 2 * driving.noises[name].power * step.h
        symbols = [modes.symbol(s.symbol).to(torch.complex128) for s in form.slots]
        self._shares = [(symbols[i] * symbols[j].conj()).real * modes.multiplicity * power for i, j in pairs]

    def after(self, steps: int) -> list[Tensor]:
        """Return each ``C_ij`` after so many steps, ``(1 or batch,)``."""
        if steps == 0:
            return [torch.zeros_like(share.flatten(1).sum(1)) for share in self._shares]
        a = self._decay.clamp(min=1e-300)  # what is damped at once has no logarithm
        # The sum of a geometric series; a = 1 is a mode that is not damped.
        series = torch.where(a == 1, torch.full_like(a, steps), -torch.expm1(steps * torch.log(a)) / (1 - a))
        return [(share * series).flatten(1).sum(1) for share in self._shares]
