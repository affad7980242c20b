"""The plan-level engine of the spectral method: one step is one stored interval."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of, dtype_of
from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal
from sciml.errors import DataError, OptionError
from sciml.forms.semilinear import Constraint
from sciml.labels import Labels, component_names
from sciml.solvers.spectral.modes import Modes, kept_modes
from sciml.solvers.spectral.observe import Observer
from sciml.solvers.spectral.stabilise import explicit_rate, stabilised
from sciml.solvers.spectral.stepper import Progress, Stepper
from sciml.solvers.spectral.system import System

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.spectral import Spectral

__all__ = ["SpectralEngine", "SpectralState"]

LOST = 1e-6  # relative L2 norm of initial data that dealiasing may remove without a warning
LIMIT = 2.8  # of dt × rate for a stable explicit oscillation
MANY_STEPS = 10_000  # that short waves may ask for before the plan says so
ONE_THREAD_POINTS = 2**16
VIOLATED = 1e-6  # relative size of a constraint that initial data may miss


@dataclass(frozen=True)
class SpectralState:
    """What has been computed: the integration and the stored values of every variable."""

    progress: Progress
    stored: tuple[dict[str, np.ndarray[Any, Any]], ...]


class SpectralEngine:
    """Grid, right-hand side and stepper for one problem."""

    def __init__(self, method: Spectral, problem: Problem, grid: Grid, run: Run) -> None:
        self.method, self.problem = method, problem
        self.form = problem.form
        stored, self.intervals = grid.resolve(problem.frame.time, problem.frame.space)
        self.stride, points = _internal(stored, method.resolution)
        device = device_of(run)
        bounds = problem.bounds.values()
        self.modes = Modes(
            frame=problem.frame,
            points=points,
            low=tuple(lo for lo, _ in bounds),
            lengths=tuple(hi - lo for lo, hi in bounds),
            parameters={s: torch.tensor(v, dtype=torch.float64, device=device) for s, v in problem.parameters.items()},
            device=device,
            dtype=dtype_of(run, torch.float64),
        )
        self.degree = self._degree()
        start, end = (problem.number(v) for v in problem.time[1:])
        self.stabilised = stabilised(self.form, self.modes, (start, end))
        self.system = System(self.stabilised.form, self.modes, self.degree)
        self.observer = Observer(self.system)
        self.times = np.linspace(start, end, self.intervals + 1)
        self.stepper = Stepper(self.system, method, (end - start) / self.intervals, end - start)
        self.labels = Labels(problem, stored, self.times)
        self._variables = [
            (label, self.form.in_states(e), self.labels.is_global(name))
            for name, parts in problem.variables().items()
            for label, e in zip(component_names(problem, name), parts, strict=True)
        ]

    def _degree(self) -> int:
        if self.method.degree is not None:
            return self.method.degree
        degree = self.form.degree
        explicit = any(t.n.free_symbols & set(self.form.frame.space) for t in self.form.nonlinear)
        if degree is None or (degree == 1 and explicit):
            return 2
        return degree if degree > 1 else 0

    @property
    def total(self) -> int:
        """Number of stored intervals."""
        return self.intervals

    @property
    def threads(self) -> int | None:
        """One thread for small grids: synchronising costs more than it gives."""
        return 1 if np.prod(self.modes.points) <= ONE_THREAD_POINTS else None

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be computed and at which cost."""
        modes, n = self.modes, len(self.form.state)
        count = self.stepper.fixed_steps
        if count is None:
            steps = f"dt chosen for an error of {self.method.rtol:g}"
        else:
            steps = f"dt = {self.stepper.interval / count:.4g}, {count * self.intervals} steps"
        kept = ", ".join(str(kept_modes(p, self.degree)) for p in modes.points) if self.degree else "all"
        transforms = len(self.form.slots) + len(self.form.nonlinear)
        kind = "diagonal" if self.form.is_diagonal else f"{n}x{n} per mode"
        return [
            ("space", f"Fourier, {' x '.join(map(str, modes.points))} points, modes kept: {kept}"),
            ("time", f"ETDRK4 with {kind} linear part, {steps}; {len(self.times)} stored times"),
            *self._varying(),
            ("cost", f"{4 * transforms} transforms a step, {_memory(self.form, modes)} of memory at least"),
            ("device", f"{modes.device}, {str(modes.dtype).removeprefix('torch.')}"),
        ]

    def _varying(self) -> Iterator[tuple[str, str]]:
        """Say how terms with varying coefficients are treated, where that matters."""
        for origin in dict.fromkeys(o for v in self.stabilised.shifted for o in v.origins):
            yield "explicit", f"{text(origin.term)}: its mean coefficient is integrated exactly, the rest explicitly"
        form, span = self.stabilised.form, float(self.times[-1] - self.times[0])
        for v, size in self.stabilised.explicit:
            steps = explicit_rate(form, v, size, self.modes, self.degree) * span / LIMIT
            if steps > MANY_STEPS:
                on = ", ".join(sorted(map(str, v.coefficient.free_symbols & form.frame.coordinates)))
                why = f"its coefficient depends on {on}, which takes about {steps:.1g} steps"
                yield "explicit", f"{text(v.origins[0].term)} is integrated explicitly: {why}"

    def _check_invertible(self) -> None:
        """Every symbol that was inverted may vanish at k = 0 only, with these parameter values."""
        form = self.form
        maps = [*form.inverse_mass, *form.propagator, *(s.symbol for s in form.slots), *form.recover.values()]
        maps += [c for term in form.nonlinear for c in term.column]
        for inverted in sorted(set().union(*(e.atoms(Reciprocal) for e in maps)), key=str):
            values = self.modes.symbol(inverted.args[0]).abs()
            zero = values <= 1e-12 * values.max()
            zero.reshape(zero.shape[0], -1)[:, 0] = False
            if bool(zero.any()):
                where = ", ".join(f"{k:.4g}" for k in self._wavenumber(zero))
                shown = form.symbol_text(inverted.args[0])
                msg = f"an operator that must be inverted vanishes at k = ({where}): {shown}."
                fix = "change its coefficients or the periods: its equation has no unique solution"
                raise DataError("D212", msg, fix=fix)

    def _wavenumber(self, marked: Tensor) -> list[float]:
        index = torch.nonzero(marked[0])[0].tolist()
        return [float(k.flatten()[i]) for k, i in zip(self.modes.k, index, strict=True)]

    def start(self) -> SpectralState:
        """Evaluate the initial conditions on the grid."""
        self._check_invertible()
        values = self.problem.initial_values()
        fields = []
        for z in self.form.state:
            value = self.observer(values[self.form.lift[z]], None, float(self.times[0]))
            if value.is_complex() or not bool(torch.isfinite(value).all()):
                msg = f"the initial condition of {text(z)} is not finite and real on the grid."
                raise DataError("D201", msg, fix="shift the grid or mollify the data")
            fields.append(value.expand(1, *self.modes.points))
        raw = self.modes.forward(torch.stack(fields, dim=1))
        state = raw if self.system.mask is None else raw * self.system.mask
        self._warn_if_truncated(raw, state)
        for constraint in self.form.constraints:
            self._check_constraint(constraint, state)
        progress = Progress(t=float(self.times[0]), state=state)
        return SpectralState(progress, (self._observe(progress),))

    def step(self, state: SpectralState) -> SpectralState:
        """Advance to the next stored time."""
        index = len(state.stored)
        progress = self.stepper.advance(state.progress)
        progress = replace(progress, t=float(self.times[index]))
        return SpectralState(progress, (*state.stored, self._observe(progress)))

    def finish(self, state: SpectralState) -> xr.Dataset:
        """Label everything stored so far."""
        names = state.stored[0]
        arrays = {n: np.stack([s[n] for s in state.stored]) for n in names}
        dataset = self.labels.dataset(arrays)
        p = state.progress
        checked = {"estimated_error": p.error} if self.stepper.fixed_steps is None else {"cfl": p.cfl}
        dataset.attrs |= {"steps": p.steps, **checked}
        return dataset

    def _observe(self, progress: Progress) -> dict[str, np.ndarray[Any, Any]]:
        known: dict[sp.Expr, Tensor] = {}
        out = {}
        strides = tuple(slice(None, None, s) for s in self.stride)
        for label, expr, whole in self._variables:
            value = self.observer.value(expr, progress.state, progress.t, known)[0]
            value = value.reshape(()) if whole else value.expand(self.modes.points)[strides]
            out[label] = value.cpu().numpy().copy()
        return out

    def _warn_if_truncated(self, raw: Tensor, kept: Tensor) -> None:
        for j, z in enumerate(self.form.state):
            size = float(torch.linalg.vector_norm(raw[:, j]))
            lost = float(torch.linalg.vector_norm(raw[:, j] - kept[:, j])) / size if size else 0.0
            if lost > LOST:
                msg = (
                    f"dealiasing removes {lost:.1e} of the L2 norm of the initial {text(z)}; "
                    "use more points to resolve it."
                )
                warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def _check_constraint(self, constraint: Constraint, state: Tensor) -> None:
        t = float(self.times[0])
        value = self.observer(self.form.in_states(constraint.expr), state, t)
        terms = [self.observer(self.form.in_states(e), state, t) for e in sp.Add.make_args(constraint.expr)]
        size = sum(float(v.square().mean().sqrt()) for v in terms)
        missed = float(value.mean().abs() if constraint.mean_only else value.square().mean().sqrt())
        if missed > VIOLATED * size and missed > 1e-12:
            what = f"mean({text(constraint.expr)})" if constraint.mean_only else text(constraint.expr)
            msg = f"the initial condition violates '{constraint.equation}': {what} = {missed:.3g} instead of 0."
            fix = "subtract the mean" if constraint.mean_only else "give initial data that satisfy it, e.g. a curl"
            raise DataError("D202", msg, fix=fix)


def _internal(stored: tuple[int, ...], resolution: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if resolution is None:
        return (1,) * len(stored), stored
    if any(resolution % n for n in stored):
        msg = f"Spectral(resolution={resolution}) must be a multiple of the stored points {stored}."
        raise OptionError("O331", msg, fix=f"resolution={math.lcm(*stored)}")
    return tuple(resolution // n for n in stored), (resolution,) * len(stored)


def _memory(form: Any, modes: Modes) -> str:
    fields = 8 * len(form.state) + 2 * (len(form.slots) + len(form.nonlinear))
    size = fields * int(np.prod(modes.points)) * modes.dtype.itemsize
    return f"{size / 2**20:.1f} MiB"
