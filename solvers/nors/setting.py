"""A problem on a grid, for some samples: the linear flow that gives the leaves, and the map to all features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.compute import device_of
from sciml.forms.semilinear import NonlinearTerm, SemilinearForm
from sciml.fourier.discretisation import Discretisation
from sciml.fourier.driving import Driving, noise_modes
from sciml.fourier.reflection import Reflections
from sciml.fourier.scheme_names import SchemeName, Weighting
from sciml.fourier.schemes import linear_parts, one_step
from sciml.fourier.system import System
from sciml.fourier.wick import Counterterms, wick_ordered
from sciml.fourier.window import Window
from sciml.labels import Drawn
from sciml.solvers.nors.duhamel import Duhamel
from sciml.solvers.nors.expansion import graded
from sciml.solvers.nors.features import FeatureMap, Moments
from sciml.solvers.nors.forest import Forest
from sciml.solvers.nors.names import Quadrature
from sciml.solvers.nors.published import INITIAL

if TYPE_CHECKING:
    from sciml.grid import Storage
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.nors.options import FeatureMethod

__all__ = ["Numerics", "Setting"]

Increments = Mapping[str, Tensor]


@dataclass(frozen=True)
class Numerics:
    """How the mild equation is discretised.

    Attributes:
        scheme: Semigroup of the linear flow.
        differences: Whether its symbols are those of central differences.
        degree: Number of factors to dealias for; None reads it from the equation.
        weighting: Of increments, for exponential Euler.
        quadrature: Where the sources of trees are taken.
        every: Stored intervals in a step of the trees.
    """

    scheme: SchemeName = "exponential-euler"
    differences: bool = False
    degree: int | None = None
    weighting: Weighting = "law"
    quadrature: Quadrature = "left"
    every: int = 1


class Setting:
    """Everything that grid, parameters and options determine.

    Args:
        problem: What is solved.
        storage: Grid and times; one step of the linear flow is one stored interval.
        run: Device, precision and seed.
        options: Which features.
        numerics: How integrals are discretised.
        drawn: Samples with the values of their parameters.
    """

    def __init__(
        self,
        problem: Problem,
        storage: Storage,
        run: Run,
        options: FeatureMethod,
        numerics: Numerics,
        drawn: Drawn,
    ) -> None:
        self.problem, self.storage, self.numerics, self.drawn = problem, storage, numerics, drawn
        start, end = (problem.number(v) for v in problem.time[1:])
        self.times = np.linspace(start, end, storage.intervals + 1)
        self.h = (end - start) / storage.intervals
        self.made = self._discretised(run)
        self.modes = self.made.modes
        given = self.made.stabilised.form
        self.published = options.features == "published"
        self.hidden = options.inputs == "initial"
        form = given if self.published else graded(given)
        self.forest = options.forest(form, problem)
        self._contractions: dict[tuple[int, int], sp.Symbol] = {}
        if problem.renormalise == "wick":
            self.forest, self._contractions = _wick(self.forest)
        self.reflections = Reflections(self.forest.form, problem.faces)
        inner = replace(self.forest.form, nonlinear=self._forcing(graded(given)), noise=())
        varying = tuple(self._contractions.values())
        self.system = System(inner, self.modes, self.reflections, self.made.degree, varying)
        self.noises = noise_modes(self.made.reflections, given.noise, self.modes, self.made.degree)
        held = {s.placeholder for s in form.slots}
        alone = [t for t in form.noise if not t.amplitude.free_symbols & held]
        self.driving = Driving(self.system, alone, self.noises)
        parts = linear_parts(given, self.modes, differences=numerics.differences)
        self._parts = (parts[0], torch.zeros_like(parts[1])) if self.published else parts
        self._plain = parts[0], torch.zeros_like(parts[1])
        # The linear flow always takes a step for each stored increment, whatever the steps of the trees.
        self.fine = self._duhamel(self.h, numerics.quadrature if numerics.every == 1 else "left")
        self.coarse = self.fine if numerics.every == 1 else self._duhamel(self.h * numerics.every, "trapezoid")
        self.features = FeatureMap(self.forest, self.system, self.coarse)

    def _discretised(self, run: Run) -> Discretisation:
        problem, storage = self.problem, self.storage
        ends = [storage.ends.get(name, bounds) for name, bounds in problem.bounds.items()]
        window = Window.around(ends, storage.points, (1,) * len(ends), [False] * len(ends))
        values = {**problem.numbers, **self.drawn.parameters}
        device = device_of(run)
        parameters = {s: torch.as_tensor(v, dtype=torch.float64, device=device) for s, v in values.items()}
        return Discretisation(problem, window, parameters, run, degree=self.numerics.degree, samples=self.drawn.samples)

    def _forcing(self, form: SemilinearForm) -> tuple[NonlinearTerm, ...]:
        held = {s.placeholder for s in form.slots}
        return tuple(t for t in form.nonlinear if not t.n.free_symbols & held)

    def _duhamel(self, h: float, quadrature: Quadrature) -> Duhamel:
        return Duhamel.of(
            self._parts,
            h,
            self.driving.columns,
            scheme=self.numerics.scheme,
            quadrature=quadrature,
            weighting=self.numerics.weighting,
            diagonal=self.forest.form.is_diagonal,
            dtype=self.system.complex_dtype,
        )

    @cached_property
    def counterterms(self) -> Counterterms | None:
        """The variances of the linear flow of the equation's derivatives, which Wick powers subtract."""
        if not self._contractions:
            return None
        step = one_step(
            self.numerics.scheme,
            self._plain,
            self.h,
            self.driving.columns,
            diagonal=True,
            weighting=self.numerics.weighting,
        )
        return Counterterms(self.driving, step, list(self._contractions))

    def window(self, start: Tensor, increments: Increments, first: int = 0) -> tuple[list[Tensor], Moments]:
        """Return the leaves, and what products depend on besides, of the paths that a model may see.

        Args:
            start: Coefficients of the state, ``(batch, n, *spectrum)``.
            increments: Coefficients of each noise over every stored interval, ``(intervals, batch, *spectrum)``.
            first: Number of the stored time that the state is of.
        """
        seen = {name: torch.zeros_like(v) for name, v in increments.items()} if self.hidden else increments
        return self.leaves(start, seen, first), self.moments(seen, first)

    def leaves(self, start: Tensor, increments: Increments, first: int = 0) -> list[Tensor]:
        """Return the leaves at the steps of the trees, ``(steps + 1, batch, n, *spectrum)`` each.

        Args:
            start: Coefficients of the state, ``(batch, n, *spectrum)``.
            increments: Coefficients of each noise over every stored interval, ``(intervals, batch, *spectrum)``.
            first: Number of the stored time that the state is of.
        """
        count = len(next(iter(increments.values())))
        driven = start.new_zeros(count + 1, *start.shape)
        self.add_noise(driven, increments, first)
        if not self.published:
            self._add_forcing(driven, first)
            driven[0] = start
            return [self._thinned(self.fine.propagate(driven))]
        initial = torch.zeros_like(driven)
        self._add_forcing(initial, first)
        initial[0] = start
        flows = {INITIAL: initial}
        made = [flows.get(f.text, driven) for f in self.forest.leaves]
        return [self._thinned(self.fine.propagate(flow)) for flow in made]

    def _thinned(self, flow: Tensor) -> Tensor:
        return flow[:: self.numerics.every] if self.numerics.every > 1 else flow

    def add_noise(self, driven: Tensor, increments: Increments, first: int) -> None:
        """Add what noise with an amplitude free of the solution adds in each step, ``(steps + 1, ...)``."""
        for name, weights in zip(self.driving.added, self.fine.additive, strict=True):
            driven[1:] += weights * increments[name].unsqueeze(2)
        if self.driving.others:
            for n in range(1, len(driven)):
                parts = {name: values[n - 1][None] for name, values in increments.items()}
                fields = self.driving.grid_fields(parts)
                added = self.driving.other(torch.zeros_like(driven[0]), self.times[first + n - 1], fields)
                driven[n] += self.fine.apply(self.fine.noise, added)
        if self.published and not self.driving.added and not self.driving.others:
            # The published leaf is there wherever there is noise, with amplitude 1 if it is only multiplied.
            for values in increments.values():
                driven[1:] += self.fine.apply(self.fine.noise, values.unsqueeze(2))

    def _add_forcing(self, driven: Tensor, first: int) -> None:
        if not self.system.form.nonlinear:
            return
        nothing = torch.zeros_like(driven[0])
        values = [self.system.nonlinear(nothing, float(t)) for t in self.times[first : first + len(driven)]]
        driven += self.fine.driven(torch.stack(values))

    def moments(self, increments: Increments, first: int = 0) -> Moments:
        """Return what products depend on besides the leaves."""
        every = self.numerics.every
        count = len(next(iter(increments.values()))) // every
        times = torch.as_tensor(self.times[first : first + count * every + 1 : every], device=self.modes.device)
        noise = {}
        for name in self.features.noises:
            coarse = increments[name].unflatten(0, (count, every)).sum(1)
            fields = self.modes.backward(coarse)
            noise[name] = torch.cat([torch.zeros_like(fields[:1]), fields])
        return Moments(times, noise, self._variances(first, count))

    def _variances(self, first: int, count: int) -> Sequence[Tensor]:
        if self.counterterms is None:
            return ()
        every = self.numerics.every
        # Where the noise is hidden, v is not random, and its powers are those of a number.
        steps = [self.counterterms.after(0 if self.hidden else first + every * n) for n in range(count + 1)]
        return [torch.stack(values) for values in zip(*steps, strict=True)]


def _wick(forest: Forest) -> tuple[Forest, dict[tuple[int, int], sp.Symbol]]:
    """Take every power of v for its Wick power; they commute with the derivatives that made the coefficients."""
    products = [p for f in forest.features for p in f.products]
    coefficients = list(dict.fromkeys(p.coefficient for p in products))
    column = (sp.S.One,) * len(forest.form.state)
    terms = tuple(NonlinearTerm(column, c, None, ()) for c in coefficients)
    ordered, pairs = wick_ordered(replace(forest.form, nonlinear=terms))
    known = dict(zip(coefficients, (t.n for t in ordered.nonlinear), strict=True))
    features = tuple(
        replace(f, products=tuple(replace(p, coefficient=known[p.coefficient]) for p in f.products))
        for f in forest.features
    )
    return replace(forest, features=features), pairs
