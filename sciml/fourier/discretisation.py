"""A form on a grid for given parameters: modes, right-hand side, initial state."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import sympy as sp
import torch
from torch import Tensor

from sciml.compute import device_of, dtype_of
from sciml.dsl.domains import Domain
from sciml.dsl.parameters import corners
from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal
from sciml.errors import DataError
from sciml.forms.multiplier import explicit_derivatives, rebuild, with_derivatives
from sciml.forms.semilinear import Constraint, SemilinearForm
from sciml.fourier.modes import Modes
from sciml.fourier.observe import Observer
from sciml.fourier.reflection import Reflections
from sciml.fourier.sources import Sources
from sciml.fourier.stabilise import stabilised
from sciml.fourier.system import System
from sciml.fourier.wick import wick_ordered
from sciml.fourier.window import Window

if TYPE_CHECKING:
    from sciml.problem import Problem
    from sciml.run import Run

__all__ = ["Discretisation", "dealiased_for"]

LOST = 1e-6  # relative L2 norm of initial data that dealiasing may remove without a warning
MISSED = 1e-3  # of the size, or of the largest difference of neighbours, that a face condition may be missed by
SLOPES = {5: (-25 / 12, 4, -3, 4 / 3, -1 / 4), 7: (-49 / 20, 6, -15 / 2, 20 / 3, -15 / 4, 6 / 5, -1 / 6)}
OUTSIDE = 1e-4  # share of a field that may lie outside the window without a warning
VIOLATED = 1e-6  # relative size of a constraint that initial data may miss


class Discretisation:
    """Everything that the choice of grid and of parameter values determines.

    Args:
        problem: What is solved.
        window: The computing box.
        parameters: Value of every parameter, 0-d or ``(members,)``; derivatives pass through.
        run: Device, precision and seed.
        degree: Number of factors to dealias for; None reads it from the equation, 0 keeps all modes.
        mollify: Standard deviation of the Gaussian that measures are convolved with.
        samples: Numbers of the samples whose random initial data are drawn, one batch member each; None for
            one solution.
    """

    def __init__(
        self,
        problem: Problem,
        window: Window,
        parameters: Mapping[sp.Symbol, Tensor],
        run: Run,
        *,
        degree: int | None = None,
        mollify: float | None = None,
        samples: Sequence[int] | None = None,
    ) -> None:
        self.problem, self.form = problem, problem.form
        self.window = window
        self._told_outside = False
        self.reflections = Reflections(self.form, problem.faces)
        self.modes = Modes(
            frame=problem.frame,
            grid=window.grid,
            low=window.low,
            lengths=window.lengths,
            folds=_folds(problem.domain, self.reflections),
            parameters=parameters,
            device=device_of(run),
            dtype=dtype_of(run, torch.float64),
            radius=window.radius,
            region=tuple(slice(s.start, s.stop) for s in window.shown),
        )
        self.members = max([v.numel() for v in parameters.values()] + [len(samples or (0,))])
        self.degree = dealiased_for(self.form) if degree is None else degree
        times = problem.number(problem.time[1]), problem.number(problem.time[2])
        self.stabilised = stabilised(self.form, self._judged(samples), times)
        form = self.stabilised.form
        self.contractions: dict[tuple[int, int], sp.Symbol] = {}
        if problem.renormalise == "wick":
            form, self.contractions = wick_ordered(form)
        varying = tuple(self.contractions.values())
        self.system = System(form, self.modes, self.reflections, self.degree, varying)
        self.sources = Sources(self.modes, problem.arrays, run.seed, mollify, samples or range(1))
        self.observer = Observer(self.system, self.sources)

    def _judged(self, samples: Sequence[int] | None) -> Modes:
        """Return the grid with the parameters by which coefficients are judged.

        For samples these are the extremes of what can be drawn, so that no sample depends on those beside it.
        """
        if samples is None or not self.problem.family:
            return self.modes
        listed, like = corners(self.problem.parameters), next(iter(self.modes.parameters.values()))
        values = {s: torch.tensor([c[s] for c in listed]).to(like) for s in self.modes.parameters}
        return replace(self.modes, parameters=values)

    def initial_state(self, t: float) -> Tensor:
        """Evaluate the initial conditions; coefficients ``(members, n, *spectrum)``.

        Raises:
            DataError: They are not finite on the grid, or violate a constraint.
        """
        self._check_invertible()
        values = self.problem.initial_values()
        fields = []
        for z in self.form.state:
            initial = rebuild(self.form.lift[z], self.form.frame, values.get)
            value = self.observer(explicit_derivatives(initial, self.form.frame), None, t)
            if value.is_complex() or not bool(torch.isfinite(value).all()):
                msg = f"the initial condition of {text(z)} is not finite and real on the grid."
                raise DataError(
                    "D201",
                    msg,
                    fix="give data that are finite and real everywhere, e.g. log(r**2 + a**2) for log(r**2)",
                )
            fields.append(value.expand(self.members, *self.modes.grid))
        stacked = torch.stack(fields, dim=1)
        self._warn_at_faces(stacked)
        raw = self.system.states(stacked)
        state = raw if self.system.mask is None else raw * self.system.mask
        self._warn_if_truncated(raw, state)
        self.warn_if_outside(state)
        for constraint in self.form.constraints:
            self._check_constraint(constraint, state, t)
        return state

    def _check_invertible(self) -> None:
        """Every symbol that was inverted may vanish at k = 0 only, with these parameter values."""
        form = self.form
        maps = [*form.inverse_mass, *form.propagator, *(s.symbol for s in form.slots), *form.recover.values()]
        maps += [c for term in form.nonlinear for c in term.column]
        for inverted in sorted(set().union(*(e.atoms(Reciprocal) for e in maps)), key=str):
            values = self.modes.plain_symbol(inverted.args[0]).abs()
            zero = values <= 1e-12 * values.max()
            zero.reshape(zero.shape[0], -1)[:, 0] = False
            if bool(zero.any()):
                where = ", ".join(f"{k:.4g}" for k in self._wavenumber(zero))
                shown = form.symbol_text(inverted.args[0])
                msg = f"an operator that must be inverted vanishes at k = ({where}): {shown}."
                fix = "change its coefficients or the periods: its equation has no unique solution"
                raise DataError("D212", msg, fix=fix)

    def _wavenumber(self, marked: Tensor) -> list[float]:
        index = torch.nonzero(marked.any(0))[0].tolist()
        return [float(k.flatten()[i]) for k, i in zip(self.modes.k, index, strict=True)]

    def _warn_at_faces(self, values: Tensor) -> None:
        """Data that miss their face condition have a jump or a kink as series, whose error falls slowly."""
        for place, axis in enumerate(self.modes.bounded):
            x = self.form.frame.space[axis]
            for j, z in enumerate(self.form.state):
                inward = values[:, j].movedim(axis + 1, 0)
                for end, sign in enumerate(self.reflections.states[j][2 * place : 2 * place + 2]):
                    if _misses(inward if end == 0 else inward.flip(0), odd=sign < 0):
                        where = self.modes.low[axis] + end * self.modes.lengths[axis]
                        msg = (
                            f"the initial {text(z)} does not satisfy its condition at {x} = {where:g}; "
                            "the error falls with the square of the spacing only."
                        )
                        warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def warn_if_outside(self, state: Tensor) -> None:
        """On the whole space, what leaves the window is no longer computed rightly."""
        if self.window.radius is None or self._told_outside:
            return
        for j, z in enumerate(self.form.state):
            share = self.window.outside(self.modes.backward(state[:, j]))
            if share > OUTSIDE:
                self._told_outside = True
                msg = f"{share:.1e} of the integral of |{text(z)}| lies outside the window; enlarge it in the grid."
                warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def _warn_if_truncated(self, raw: Tensor, kept: Tensor) -> None:
        for j, z in enumerate(self.form.state):
            sizes, removed = (torch.linalg.vector_norm(c[:, j].flatten(1), dim=1) for c in (raw, raw - kept))
            lost = float(torch.where(sizes > 0, removed / sizes, torch.zeros_like(sizes)).amax())
            if lost > LOST:
                msg = (
                    f"dealiasing removes {lost:.1e} of the L2 norm of the initial {text(z)}; "
                    "use more points to resolve it."
                )
                warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def _check_constraint(self, constraint: Constraint, state: Tensor, t: float) -> None:
        if constraint.mean_only and self.window.radius is not None:
            return  # in free space any source is balanced at infinity
        if constraint.mean_only and self.reflections.of(constraint.expr) != self.reflections.neutral:
            return  # on these faces there is no constant mode whose balance could fail
        space = tuple(range(1, self.modes.dim + 1))
        value = self.observer(self.form.in_states(constraint.expr), state, t)
        terms = [self.observer(self.form.in_states(e), state, t) for e in sp.Add.make_args(constraint.expr)]
        sizes = torch.stack([v.square().mean(space).sqrt() for v in torch.broadcast_tensors(*terms)]).sum(0)
        by_member = value.mean(space).abs() if constraint.mean_only else value.square().mean(space).sqrt()
        wrong = by_member > VIOLATED * sizes.expand_as(by_member)
        if bool((wrong & (by_member > 1e-12)).any()):
            missed = float(by_member[wrong].amax())
            shown = text(with_derivatives(constraint.expr, self.form.frame))
            what = f"mean({shown})" if constraint.mean_only else shown
            msg = f"the initial condition violates '{constraint.equation}': {what} = {missed:.3g} instead of 0."
            fix = "give initial data that satisfy it; a velocity without divergence is a curl: sm.Curl(psi)"
            if constraint.mean_only:
                fix = f"subtract the mean of the initial data, of size {missed:.3g}"
            raise DataError("D202", msg, fix=fix)


def dealiased_for(form: SemilinearForm) -> int:
    """Return the number of factors that products of a form are dealiased for; 0 where nothing is multiplied."""
    degree = _factors(form)
    explicit = any(t.n.free_symbols & set(form.frame.space) for t in form.nonlinear)
    if degree is None or (degree == 1 and explicit):
        return 2
    return degree if degree > 1 else 0


def _factors(form: SemilinearForm) -> int | None:
    """Return the largest number of factors of a product, noise among them; None if one is no polynomial."""
    degree = form.degree
    placeholders = [s.placeholder for s in form.slots]
    for term in form.noise:
        if not term.amplitude.free_symbols & {*placeholders, *form.frame.space}:
            continue
        held = [y for y in placeholders if y in term.amplitude.free_symbols]
        if held and not term.amplitude.is_polynomial(*held):
            return None
        factors = 1 + (sp.Poly(term.amplitude, *held).total_degree() if held else 1)
        degree = None if degree is None else max(degree, factors)
    return degree


def _folds(domain: Domain, reflections: Reflections) -> tuple[int, ...]:
    """Return the factor by which extension lengthens each axis: 4 where some field is odd at one end only."""
    out = []
    for x in domain.coordinates:
        if x not in domain.bounded:
            out.append(1)
            continue
        place = 2 * domain.bounded.index(x)
        out.append(2 if all(s[place] == s[place + 1] for s in reflections.states) else 4)
    return tuple(out)


def _misses(inward: Tensor, *, odd: bool) -> bool:
    """Tell whether values, counted from a face inward, are not 0 there, or their slope is not."""
    size = inward.abs().amax()
    if odd:
        return bool(inward[0].abs().amax() > MISSED * size)
    if len(inward) < 2 * max(SLOPES):
        return False  # too few points to know the slope
    low, high = (sum(c * inward[i] for i, c in enumerate(weights)) for weights in SLOPES.values())
    assert isinstance(low, Tensor)
    assert isinstance(high, Tensor)
    steepest = inward.diff(dim=0).abs().amax()
    known = (high - low).abs().amax() < 0.1 * high.abs().amax()  # else the grid does not resolve it
    return bool(known and high.abs().amax() > 10 * MISSED * steepest and steepest > 1e-12 * size)
