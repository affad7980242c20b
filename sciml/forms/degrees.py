"""Regularity of a solution driven by noise, and the degrees of noise and products, from first principles.

A state that noise of the spectral density ``q ~ |k|^{-2ρ}`` drives has ``E|X(k)|² ~ |k|^{-2(r+ρ)}``, so it
is in ``C^a`` for all ``a < α = r + ρ - d/2``: r is 1 for heat, 1 for the position and 0 for the velocity of
a wave, 0 for a dispersive equation. The degree of the noise is α less what the linear part gains. Amplitudes
count as order 0. Degrees as in Hairer, A theory of regularity structures (2014),
doi:10.1007/s00222-014-0505-4, with time scaled like the linear part; the remainder after Wick powers as in
Da Prato & Debussche (2003), doi:10.1214/aop/1068646370.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product

import numpy as np
import sympy as sp

from sciml.dsl.noise import Noise, WhiteNoise
from sciml.dsl.text import text
from sciml.forms.contraction import vanishes
from sciml.forms.convolution import Convolution, convolution, symbol_orders
from sciml.forms.frozen import frozen, varying
from sciml.forms.growth import reach
from sciml.forms.products import Factor, Monomial, exceeds, factors_of, regularity_of
from sciml.forms.regularity import decay_of
from sciml.forms.semilinear import SemilinearForm

__all__ = ["Degrees", "degrees", "ends", "exponent_text", "noise_lines", "spectral_decay"]

Ranges = Mapping[sp.Symbol, tuple[float, float]]
Part = tuple[int, sp.Expr, tuple[Factor, ...]]

MOST_CROSSED = 6  # parameters
DENOMINATOR = 12  # the largest of a fraction in a message


@dataclass(frozen=True)
class Degrees:
    """What the linear part makes of the noise.

    Attributes:
        alpha: Regularity of each state.
        beta: What the linear part gains for each state, from its own equation.
        noise: Degree of each noise, by name; ∞ for noise that is smooth in space.
        rho: Half the decay of the spectral density of each noise.
        slots: Regularity of each slot of the form.
        terms: The products of the pointwise terms.
        wick_suffices: Every product of the remainder with Wick powers is defined.
    """

    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    noise: Mapping[str, float]
    rho: Mapping[str, float]
    slots: tuple[float, ...]
    terms: tuple[Monomial, ...]
    wick_suffices: bool


def degrees(form: SemilinearForm, ranges: Ranges) -> Degrees | None:
    """Return the degrees of a form, in the worst direction and for the worst parameters; None without noise.

    Args:
        form: The canonical form.
        ranges: Lowest and highest value of each parameter, and of the coordinates.
    """
    return _Case(form, ranges).degrees if form.noise else None


@dataclass(frozen=True)
class _Case:
    """The numbers of one form, each found from those above it."""

    form: SemilinearForm
    ranges: Ranges

    @cached_property
    def columns(self) -> dict[Noise, sp.Matrix]:
        """What each noise drives, all terms it stands in together: one noise may drive two equations."""
        found: dict[Noise, sp.Matrix] = {}
        known = set(self.ranges) - self.form.frame.coordinates
        for i, term in enumerate(self.form.noise):
            constant = term.amplitude.free_symbols <= known
            # An amplitude that varies counts as order 0, and never cancels another.
            amplitude = term.amplitude if constant else sp.Rational(101 + 2 * i, 100)
            part = amplitude * sp.Matrix(term.column)
            found[term.noise] = found[term.noise] + part if term.noise in found else part
        return found

    @cached_property
    def rho(self) -> dict[str, float]:
        return {noise.name: spectral_decay(noise, self.ranges) for noise in self.columns}

    @cached_property
    def flow(self) -> Convolution:
        """The linear part, driven by the noises, by the pointwise terms, and by each state's own equation."""
        form = self.form
        known = [v for v in varying(form) if v.coefficient.free_symbols <= set(self.ranges)]
        linear = frozen(form, known) if known else form.linear
        ends = {z: chain[-1] for chain in form.chain.values() for z in chain}
        own = [sp.Matrix([int(z == ends[f]) for z in form.state]) for f in form.state]
        columns = [*self.columns.values(), *(sp.Matrix(t.column) for t in form.nonlinear), *own]
        return convolution(linear, form.mass, columns, form.frame, self.ranges)

    @cached_property
    def orders(self) -> list[float]:
        return symbol_orders([y.symbol for y in self.form.slots], self.form.frame, self.ranges)

    @cached_property
    def beta(self) -> list[float]:
        start = len(self.columns) + len(self.form.nonlinear)
        return [float(self.flow.gain[i, start + i]) for i in range(len(self.form.state))]

    @cached_property
    def linear_alpha(self) -> list[list[float]]:
        """Regularity that each noise alone gives each state: ``[state][noise]``."""
        half = self.form.frame.dim / 2
        rho = list(self.rho.values())
        return [[float(r) + p - half for r, p in zip(row, rho, strict=True)] for row in self.flow.decay[:, : len(rho)]]

    @cached_property
    def parts(self) -> list[Part]:
        return list(factors_of(self.form))

    def gain(self, state: int, term: int) -> float:
        """What the linear part gains for a state from a pointwise term, less the order of the term's operator."""
        return float(self.flow.gain[state, len(self.columns) + term])

    def slot(self, i: int, alpha: list[float]) -> float:
        return alpha[self.form.slots[i].state] - self.orders[i]

    def factors(self, part: Part, alpha: list[float]) -> tuple[Factor, ...]:
        return tuple(replace(f, regularity=min(self.slot(i, alpha) for i in f.slots)) for f in part[2])

    def reaches(self, part: Part, alpha: list[float]) -> tuple[float, ...]:
        inner = regularity_of(f.regularity for f in self.factors(part, alpha))
        return tuple(inner + self.gain(i, part[0]) for i in range(len(alpha)))

    @cached_property
    def settled(self) -> list[float]:
        """Regularity of each state: of its linear solution, or of what rougher states contribute to it.

        States are settled from the roughest on, so that none counts what it contributes to itself.
        """
        n = len(self.form.state)
        settled = [math.inf] * n
        free = set(range(n))
        while free:
            reached = [self.reaches(part, settled) for part in self.parts]
            found = {i: min([*self.linear_alpha[i], *(r[i] for r in reached)]) for i in free}
            roughest = min(found, key=lambda i: found[i])
            settled[roughest] = found[roughest]
            free.remove(roughest)
        return settled

    def monomial(self, part: Part, alpha: list[float]) -> Monomial:
        m, piece, _ = part
        order = max((b - self.gain(i, m) for i, b in enumerate(self.beta) if self.gain(i, m) < math.inf), default=0)
        return Monomial(m, piece, self.factors(part, alpha), order, self.reaches(part, alpha))

    @cached_property
    def failures(self) -> list[int | None]:
        """For each product a state that it makes as rough as that state makes it: the equation is not subcritical.

        Such states lie on a cycle of products, each of which gains nothing.
        """
        found = [self.monomial(part, self.settled) for part in self.parts]
        edges = [self._edges(one) for one in found]
        acts = np.zeros((len(self.settled),) * 2, dtype=bool)
        for i, j in set().union(*edges):
            acts[i, j] = True
        closed = reach(acts)
        return [next((i for i, j in sorted(own) if closed[j, i]), None) for own in edges]

    def _edges(self, one: Monomial) -> set[tuple[int, int]]:
        """Return ``(i, j)`` where state j makes the product rough, and the product is no smoother in state i."""
        if one.is_linear or one.is_classical:
            return set()
        states = enumerate(zip(one.reaches, self.settled, strict=True))
        tight = [i for i, (reached, alpha) in states if reached < math.inf and not exceeds(reached, alpha)]
        return {(i, self.form.slots[slot].state) for i in tight for slot in one.carriers}

    @cached_property
    def alpha(self) -> list[float]:
        """Regularity of each state; without a solution theory that of the linear solution, where noise drives it."""
        if not any(i is not None for i in self.failures):
            return self.settled
        linear = [min(driven) for driven in self.linear_alpha]
        return [a if a < math.inf else b for a, b in zip(linear, self.settled, strict=True)]

    @cached_property
    def monomials(self) -> list[Monomial]:
        made = [self.monomial(part, self.alpha) for part in self.parts]
        found = [replace(one, fails_at=i) for one, i in zip(made, self.failures, strict=True)]
        infinite = set()
        for m in {p.term for p in found if p.is_singular}:
            singular = [p for p in found if p.term == m and p.is_singular]
            if not vanishes(singular, self.form, self.flow, len(self.columns), self.ranges):
                infinite.add(m)
        return [replace(p, needs_renormalisation=p.is_singular and p.term in infinite) for p in found]

    @property
    def wick_suffices(self) -> bool:
        """Whether v in ``u = X + v`` is smooth enough to be multiplied by Wick powers of X, and by itself."""
        remainder = list(self.alpha)
        for i, driven in enumerate(self.linear_alpha):
            if min(driven) == self.alpha[i]:
                remainder[i] = min((p.reaches[i] for p in self.monomials), default=math.inf)
        for p in self.monomials:
            if not p.is_singular:
                continue
            smooth = [min(self.slot(i, remainder) for i in f.slots) for f in p.factors]
            for j, a in enumerate(smooth):
                others = [f.regularity for i, f in enumerate(p.factors) if i != j]
                if not exceeds(a + regularity_of(others), 0):
                    return False
            if any(not exceeds(a + b, 0) for a, b in combinations(smooth, 2)):
                return False
        return True

    @property
    def degrees(self) -> Degrees:
        levels = {}
        for s, noise in enumerate(self.rho):
            gained = [(a[s], float(self.flow.gain[i, s])) for i, a in enumerate(self.linear_alpha)]
            levels[noise] = min((a - g for a, g in gained if max(a, g) < math.inf), default=math.inf)
        return Degrees(
            alpha=tuple(self.alpha),
            beta=tuple(self.beta),
            noise=levels,
            rho=self.rho,
            slots=tuple(self.slot(i, self.alpha) for i in range(len(self.form.slots))),
            terms=tuple(self.monomials),
            wick_suffices=self.wick_suffices,
        )


def spectral_decay(noise: Noise, ranges: Ranges) -> float:
    """Return ρ where the spectral density of a noise falls like ``|k|^{-2ρ}``, for the worst parameters."""
    if noise.is_smooth:
        return math.inf
    k = sp.Symbol("k", positive=True)
    law = noise.spectrum(k)
    symbols = sorted(law.free_symbols - {k}, key=str)
    return min(decay_of(law.subs(dict(zip(symbols, values, strict=True))), k) / 2 for values in ends(symbols, ranges))


def ends(symbols: Sequence[sp.Symbol], ranges: Ranges) -> list[tuple[float, ...]]:
    """Return the extreme values of parameters, crossed where they are few, else one at a time."""
    pairs = [sorted(set(ranges[s])) for s in symbols]
    if len(pairs) <= MOST_CROSSED:
        return list(product(*pairs))
    lowest, highest = tuple(p[0] for p in pairs), tuple(p[-1] for p in pairs)
    single = [(*lowest[:i], p[-1], *lowest[i + 1 :]) for i, p in enumerate(pairs)]
    return [lowest, *single, highest]


def exponent_text(a: float) -> str:
    """Print an exponent as a fraction, where it is one."""
    near = Fraction(a).limit_denominator(DENOMINATOR)
    return str(near) if abs(float(near) - a) < 1e-3 else f"{a:.3g}"


def noise_lines(form: SemilinearForm, found: Degrees, calculus: str | None, renormalise: str | None) -> list[str]:
    """Return a line for each noise: what it is, its degree, how rough it makes the states.

    Args:
        form: The canonical form.
        found: Its degrees.
        calculus: What noise times an unknown means.
        renormalise: What products of rough factors mean.
    """
    known = zip(form.state, found.alpha, strict=True)
    rough = [f"{text(form.declared(z))} is in C^a for a < {exponent_text(a)}" for z, a in known if a < math.inf]
    states = ", ".join(rough) or "the solution is smooth in space"
    if form.is_multiplicative:
        states += "; Ito" if calculus == "ito" else "; Stratonovich"
    if renormalise:
        states += "; Wick powers"
    lines = []
    for noise in dict.fromkeys(term.noise for term in form.noise):
        degree = found.noise[noise.name]
        shown = f", degree {exponent_text(degree)}" if degree < math.inf else ""
        lines.append(f"{noise.name}: {_kind(noise)}{shown}; {states}")
    return lines


def _kind(noise: Noise) -> str:
    if len(noise.coordinates) == 1:
        return "white in time, the same everywhere"
    if noise.modes is not None:
        return f"white in time, modes up to {noise.modes} in space"
    return "white in time and space" if isinstance(noise, WhiteNoise) else "white in time, coloured in space"
