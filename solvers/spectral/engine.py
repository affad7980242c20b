"""The plan-level engine of the spectral method: one step is one stored interval."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of, dtype_of
from sciml.dsl.domains import Domain
from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal
from sciml.errors import DataError, OptionError
from sciml.forms.multiplier import explicit_derivatives, rebuild
from sciml.forms.semilinear import Constraint
from sciml.labels import Labels, component_names
from sciml.solvers.spectral.modes import Modes, kept_modes
from sciml.solvers.spectral.observe import Observer
from sciml.solvers.spectral.reflection import Reflections
from sciml.solvers.spectral.sources import Sources
from sciml.solvers.spectral.stepper import Progress, Stepper
from sciml.solvers.spectral.system import System

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.spectral import Spectral

__all__ = ["SpectralEngine", "SpectralState"]

LOST = 1e-6  # relative L2 norm of initial data that dealiasing may remove without a warning
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
        self.storage = grid.resolve(problem.frame.time, problem.domain, problem.family)
        self.intervals = self.storage.intervals
        self.stride, points = _internal(self.storage.points, method.resolution, problem.domain)
        values: dict[sp.Symbol, Any] = {**problem.numbers, **self.storage.members()}
        device = device_of(run)
        bounds = problem.bounds.values()
        self.reflections = Reflections(self.form, problem.faces)
        self.modes = Modes(
            frame=problem.frame,
            grid=points,
            low=tuple(lo for lo, _ in bounds),
            lengths=tuple(hi - lo for lo, hi in bounds),
            folds=_folds(problem.domain, self.reflections),
            parameters={s: torch.as_tensor(v, dtype=torch.float64, device=device) for s, v in values.items()},
            device=device,
            dtype=dtype_of(run, torch.float64),
        )
        self.degree = self._degree()
        self.system = System(self.form, self.modes, self.reflections, self.degree)
        self.observer = Observer(self.system, Sources(self.modes, problem.arrays, run.seed, method.mollify))
        start, end = (problem.number(v) for v in problem.time[1:])
        self.times = np.linspace(start, end, self.intervals + 1)
        self.stepper = Stepper(self.system, method, (end - start) / self.intervals, end - start)
        self.labels = Labels(problem, self.storage, self.times)
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
        return 1 if self.storage.batch * np.prod(self.modes.points) <= ONE_THREAD_POINTS else None

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
        members = self.storage.batch
        family = " x ".join(f"{len(v)} values of {s}" for s, v in self.storage.values.items())
        kind = "diagonal" if self.form.is_diagonal else f"{n}x{n} per mode"
        series = "Fourier" if not modes.bounded else "sine and cosine series (Fourier on periodic axes)"
        rows = [("space", f"{series}, {' x '.join(map(str, modes.grid))} points, modes kept: {kept}")]
        rough = [t for t in self.form.nonlinear if modes.bounded and not self.reflections.is_smooth(t)]
        for term in rough:
            shown = text(self.form.expression(term.n))
            rows.append(("accuracy", f"algebraic in the number of points: {shown} does not vanish as its series does"))
        if family:
            rows.append(("family", f"{family}: {members} members in one batch"))
        return [
            *rows,
            ("time", f"ETDRK4 with {kind} linear part, {steps}; {len(self.times)} stored times"),
            ("cost", f"{4 * transforms} transforms a step, {_memory(self.form, modes, members)} of memory at least"),
            ("device", f"{modes.device}, {str(modes.dtype).removeprefix('torch.')}"),
        ]

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
        index = torch.nonzero(marked.any(0))[0].tolist()
        return [float(k.flatten()[i]) for k, i in zip(self.modes.k, index, strict=True)]

    def start(self) -> SpectralState:
        """Evaluate the initial conditions on the grid."""
        self._check_invertible()
        values = self.problem.initial_values()
        fields = []
        for z in self.form.state:
            initial = rebuild(self.form.lift[z], self.form.frame, values.get)
            value = self.observer(explicit_derivatives(initial, self.form.frame), None, float(self.times[0]))
            if value.is_complex() or not bool(torch.isfinite(value).all()):
                msg = f"the initial condition of {text(z)} is not finite and real on the grid."
                raise DataError("D201", msg, fix="shift the grid or mollify the data")
            fields.append(value.expand(self.storage.batch, *self.modes.grid))
        raw = self.system.states(torch.stack(fields, dim=1))
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
        arrays = {n: np.stack([s[n] for s in state.stored], axis=1) for n in names}
        dataset = self.labels.dataset(arrays)
        p = state.progress
        checked = {"estimated_error": p.error} if self.stepper.fixed_steps is None else {"cfl": p.cfl}
        dataset.attrs |= {"steps": p.steps, **checked}
        return dataset

    def _observe(self, progress: Progress) -> dict[str, np.ndarray[Any, Any]]:
        known: dict[sp.Expr, Tensor] = {}
        out = {}
        strides = (slice(None), *(slice(None, None, s) for s in self.stride))
        members = self.storage.batch
        for label, expr, whole in self._variables:
            value = self.observer.value(expr, progress.state, progress.t, known)
            if whole:
                value = value.reshape(value.shape[0]).expand(members)
            else:
                value = value.expand(members, *self.modes.grid)[strides]
            out[label] = value.cpu().numpy().copy()
        return out

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

    def _check_constraint(self, constraint: Constraint, state: Tensor) -> None:
        if constraint.mean_only and self.reflections.of(constraint.expr) != self.reflections.neutral:
            return  # on these faces there is no constant mode whose balance could fail
        t = float(self.times[0])
        space = tuple(range(1, self.modes.dim + 1))
        value = self.observer(self.form.in_states(constraint.expr), state, t)
        terms = [self.observer(self.form.in_states(e), state, t) for e in sp.Add.make_args(constraint.expr)]
        sizes = torch.stack([v.square().mean(space).sqrt() for v in torch.broadcast_tensors(*terms)]).sum(0)
        by_member = value.mean(space).abs() if constraint.mean_only else value.square().mean(space).sqrt()
        missed, size = (float(v) for v in (by_member.amax(), sizes[by_member.argmax()]))
        if missed > VIOLATED * size and missed > 1e-12:
            what = f"mean({text(constraint.expr)})" if constraint.mean_only else text(constraint.expr)
            msg = f"the initial condition violates '{constraint.equation}': {what} = {missed:.3g} instead of 0."
            fix = "subtract the mean" if constraint.mean_only else "give initial data that satisfy it, e.g. a curl"
            raise DataError("D202", msg, fix=fix)


def _internal(
    stored: tuple[int, ...], resolution: int | None, domain: Domain
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (stride of storage, points computed with) per axis; ``resolution`` counts intervals."""
    if resolution is None:
        return (1,) * len(stored), stored
    ends = [x in domain.bounded for x in domain.coordinates]
    intervals = [n - end for n, end in zip(stored, ends, strict=True)]
    if any(resolution % n for n in intervals):
        msg = f"Spectral(resolution={resolution}) must be a multiple of the stored intervals {intervals}."
        raise OptionError("O331", msg, fix=f"resolution={math.lcm(*intervals)}")
    return tuple(resolution // n for n in intervals), tuple(resolution + end for end in ends)


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


def _memory(form: Any, modes: Modes, members: int) -> str:
    fields = 8 * len(form.state) + 2 * (len(form.slots) + len(form.nonlinear))
    size = fields * members * int(np.prod(modes.points)) * modes.dtype.itemsize
    return f"{size / 2**20:.1f} MiB"
