"""The plan-level engine: one step is one slice of a march, or one optimiser step of joint training."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sympy as sp
import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of, dtype_of
from sciml.errors import DataError
from sciml.forms.multiplier import explicit_derivatives
from sciml.fourier.discretisation import Discretisation
from sciml.fourier.window import Window
from sciml.labels import Labels as Axes
from sciml.solvers.drvm import initial_vorticity
from sciml.solvers.drvm.field import VortexField
from sciml.solvers.drvm.fits import FitOptions
from sciml.solvers.drvm.flow import Flow, slice_times
from sciml.solvers.drvm.initial import components_of
from sciml.solvers.drvm.march import March, MarchState
from sciml.solvers.drvm.observe import Observables, Particles
from sciml.solvers.drvm.packing import packed, unpacked
from sciml.solvers.drvm.stored import arrays_of

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.drvm import DRVM

__all__ = ["DRVMEngine"]

HIDDEN = {"lm": (16, 16), "ridge": (512,), "adam": (64, 64)}
QUERIES = 512
CHECKED = 64  # points an axis, for means and constraints of a velocity
MISFIT = 0.1  # relative, of a fit, that is announced
MOST_CENTRES = 16  # that one small network is built round
STEPS = {True: 20, False: 40}  # of singular vorticity, of functions
PARTICLES = {False: 2**15, True: 2**16}  # in the plane, on a torus


class DRVMEngine:
    """Solves one flow."""

    def __init__(self, method: DRVM, problem: Problem, grid: Grid, run: Run) -> None:
        self.method, self.problem, self.run = method, problem, run
        assert problem.recognised is not None  # checked by requires
        self.found = problem.recognised
        self.storage = grid.resolve(problem.frame.time, problem.domain, problem.family)
        self.where, self.dtype = device_of(run), dtype_of(run, torch.float32)
        start, end = (problem.number(v) for v in problem.time[1:])
        self.times = np.linspace(start, end, self.storage.intervals + 1)
        self.axes = Axes(problem, self.storage, self.times)
        self.numbers = {**problem.numbers, **self._means()}
        self.flow = self._flow(start, end)
        periodic = self.flow.lengths is not None
        self.fit = (
            method.fit
            if method.fit != "auto"
            else ("lm" if self.flow.is_singular and len(self.flow.components) <= MOST_CENTRES else "ridge")
        )
        self.particles = method.n_particles or PARTICLES[periodic]
        self.hidden = method.hidden or HIDDEN[self.fit]
        wide = 2 ** math.ceil(math.log2(2 * self.hidden[-1]))
        self.queries = method.queries or (wide if self.fit == "ridge" else QUERIES)
        self.observables = Observables(problem, self.found, self.storage, self.numbers, run)
        kind: Literal["lm", "ridge"] = "ridge" if self.fit == "ridge" else "lm"
        options = FitOptions(kind, self.hidden, method.iterations, method.ridge, run.seed)
        self.march = March(
            self.flow,
            options,
            groups=method.groups,
            size=self.particles // method.groups,
            queries=self.queries,
            seed=run.seed,
            device=self.where,
            dtype=self.dtype,
            sampling=method.sampling,
            drift=method.drift,
        )

    # --- the flow -----------------------------------------------------------------------------------

    def _discretised(self, points: int) -> Discretisation:
        """Return the declared form on a square grid of a torus, for its initial data."""
        ends = list(self.problem.bounds.values())
        window = Window.around(ends, (points,) * 2, (1, 1), (False, False))
        values = {s: torch.tensor(v, dtype=torch.float64) for s, v in self.problem.numbers.items()}
        return Discretisation(self.problem, window, values, replace(self.run, device="cpu", dtype="float64"))

    def _on_grid(self, expr: sp.Expr, points: int) -> np.ndarray:
        """Evaluate initial data of a torus on a square grid of that many points an axis."""
        found = self._discretised(points).observer(expr, None, self.problem.number(self.problem.time[1]))
        if found.is_complex() or not bool(torch.isfinite(found).all()):
            msg = "the initial vorticity is not finite and real on the grid."
            raise DataError("D201", msg, fix="give data that are finite and real everywhere")
        return found.expand(1, points, points)[0].numpy()

    def _means(self) -> dict[sp.Symbol, float]:
        """Return the mean of the initial velocity where the vorticity leaves it open."""
        if not self.found.means:
            return {}
        self._check_constraints()
        values = self.problem.initial_values()
        out = {}
        for symbol, expr in self.found.means.items():
            given = explicit_derivatives(expr.xreplace(values), self.problem.frame)
            out[symbol] = float(self._on_grid(given, CHECKED).mean()) if self.problem.domain.periodic else 0.0
        return out

    def _check_constraints(self) -> None:
        """Refuse a velocity with divergence, as the spectral method does."""
        if not self.problem.domain.periodic:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a grid that is only there for this check
            self._discretised(CHECKED).initial_state(self.problem.number(self.problem.time[1]))

    def _flow(self, start: float, end: float) -> Flow:
        problem, found = self.problem, self.found
        periodic = bool(problem.domain.periodic)
        ends = tuple(self.storage.ends.get(name, bounds) for name, bounds in problem.bounds.items())
        parts, constant = components_of(
            initial_vorticity(problem, found),
            problem.frame.space,
            dict(problem.numbers),
            box=ends,  # type: ignore[arg-type]
            periodic=periodic,
            on_grid=self._on_grid,
        )
        singular = any(c.spacing == 0 for c in parts)
        return Flow(
            nu=float(sum(c for c, _ in found.diffusion).subs(self.numbers)),
            drag=float(found.drag.subs(self.numbers)),
            mean_flow=tuple(float(sp.sympify(u).subs(self.numbers)) for u in found.mean_flow),  # type: ignore[arg-type]
            lengths=tuple(hi - lo for lo, hi in ends) if periodic else None,  # type: ignore[arg-type]
            box=ends,  # type: ignore[arg-type]
            times=slice_times(start, end, self.method.steps or STEPS[singular], singular),
            components=tuple(parts),
            constant=constant,
        )

    # --- what the plan asks ---------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Slices of all marches."""
        return self.method.marches * self.flow.steps

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        return f"{self.where}, particles in {str(self.dtype).removeprefix('torch.')}, fits in float64"

    @property
    def threads(self) -> int | None:
        """One: chunks are small enough for a cache, and threads would wait for each other."""
        return 1

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be done, before any cost is paid."""
        method, flow = self.method, self.flow
        lengths = flow.lengths
        if lengths is None:
            kernel, labels = "the plane", "sums over pairs"
        else:
            modes = [flow.modes(k) for k in (1, flow.steps)]
            kernel = "the torus"
            labels = " then ".join(
                dict.fromkeys("pairs" if m is None else f"{2 * m + 1}² Fourier modes" for m in modes)
            )
        spread = "graded towards the start" if flow.is_singular else "even"
        pairs = self.particles * self.queries * self.total
        memory = self.particles * (16 * flow.steps + 24)
        return [
            ("vorticity", f"{_kinds(flow)}; circulation {flow.circulation:.4g}"),
            ("kernel", f"Biot-Savart of {kernel}, smoothed by half a step of noise; labels by {labels}"),
            ("slices", f"{flow.steps}, {spread}, dt = {flow.step(1):.3g} to {flow.step(flow.steps):.3g}"),
            ("particles", f"{self.particles} in {method.groups} groups, {method.sampling} increments"),
            (
                "fit",
                f"{self.fit}, hidden {self.hidden}, {self.queries} points a slice, {method.marches} march(es) at most",
            ),
            ("cost", f"{pairs / 1e6:.3g} million pairs, {memory / 2**20:.3g} MiB of particles"),
            ("device", self.device),
        ]

    def start(self) -> MarchState:
        """Return the state before the first slice."""
        return self.march.start()

    def step(self, state: MarchState) -> MarchState:
        """Advance by one slice."""
        return self.march.step(state)

    def finished(self, state: MarchState) -> bool:
        """Tell whether all marches are through, or labels are as good as asked for."""
        if state.march >= self.method.marches:
            return True
        target = self.method.target
        if target is None or state.march == 0 or state.slices:
            return False
        return max(label.error for label in state.labels) <= target

    def metrics(self, state: MarchState) -> Mapping[str, float]:
        """Return the errors of the last slice: of its labels, and what its fit left."""
        if not state.networks:
            return {}
        k = (state.slices or self.flow.steps) - 1
        return {"label_error": state.labels[k].error, "fit_left": state.fits[k]}

    def pack(self, state: MarchState) -> dict[str, Any]:
        """Return what the coming slices depend on."""
        return packed(state)

    def unpack(self, content: dict[str, Any]) -> MarchState:
        """Return a state that was packed."""
        return unpacked(content, self.flow, self.where)

    # --- results --------------------------------------------------------------------------------------

    def field(self, state: MarchState) -> VortexField:
        """Return the flow that was computed so far."""
        if self.method.answer == "network":
            return VortexField(self.flow, state.networks)
        return VortexField(self.flow, [self._summed(state, k) for k in range(1, len(state.networks) + 1)])

    def _summed(self, state: MarchState, k: int) -> Callable[[Tensor], Tensor]:
        """Return the velocity of the particles of a slice."""
        means, weights = (v.double() for v in state.particles[k - 1])
        return lambda points: self.flow.velocity(points, means, weights, self.flow.core(k), k).sum(0)

    def finish(self, state: MarchState) -> xr.Dataset:
        """Evaluate every variable at the stored times that were reached."""
        dataset = self.evaluated(self.field(state), state)
        self._warn_of_misfits(state)
        dataset.attrs["diagnostics"] = {
            "slice_times": list(self.flow.times[1 : len(state.networks) + 1]),
            "label_error": [label.error for label in state.labels],
            "fit_left": list(state.fits),
            "marches": state.march,
        }
        if self.method.answer == "network":
            dataset.attrs["model"] = arrays_of(state.networks)
        return dataset

    def _warn_of_misfits(self, state: MarchState) -> None:
        """A network that misses its labels by far more than their error is no answer."""
        worst = max(zip(state.fits, self.flow.times[1:], strict=False), default=(0.0, 0.0))
        if worst[0] > MISFIT and self.method.answer == "network":
            msg = (
                f"the network at t = {worst[1]:.3g} misses its labels by {100 * worst[0]:.0f} %: do not trust the "
                "answer there. Try the other of DRVM(fit='lm') and fit='ridge', more queries, wider hidden layers."
            )
            warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def evaluated(self, field: VortexField, state: MarchState) -> xr.Dataset:
        """Evaluate every variable of a field."""
        points = self.observables.points
        reached = [t for t in self.times if t <= field.end + 1e-9 * (self.times[-1] - self.times[0])]
        rows = []
        for t in reached:
            velocity, vorticity = field.velocity(t, points), field.vorticity(t, points)
            rows.append(self.observables(t, velocity, vorticity, self._particles(field, state, t)))
        arrays = {label: np.stack([r[label] for r in rows])[None] for label in rows[0]}
        return self.axes.dataset(arrays)

    def _nodes(self, age: float, share: float) -> Particles:
        """Return the initial nodes, carried by the mean flow and spread by diffusion alone."""
        flow = self.flow
        nodes = [(c.positions.reshape(-1, 2), c.weights.ravel()) for c in flow.components]
        places, weights = (torch.as_tensor(np.concatenate(v), device=self.where) for v in zip(*nodes, strict=True))
        carried = places + age * torch.tensor(flow.mean_flow, dtype=torch.float64, device=self.where)
        return Particles(carried, weights * (share * math.exp(-flow.drag * age)), 2 * flow.nu * age)

    def _particles(self, field: VortexField, state: MarchState, time: float) -> list[Particles]:
        """Return the particles that stand for the vorticity at a time: those of the slices next to it."""
        flow = self.flow
        age = time - flow.times[0]
        if not field.is_known(time):
            return [self._nodes(age, 1.0)]
        out = []
        for index, share in field.weights(time):
            if index < 0:
                out.append(self._nodes(0.0, share))
                continue
            if index >= len(state.particles):
                return []  # nothing asks for them
            means, weights = state.particles[index]
            flat = means.flatten(0, 1).double(), weights.flatten().double() * share
            out.append(Particles(*flat, flow.core(index + 1)))
        return out


def _kinds(flow: Flow) -> str:
    kinds = ["point vortex" if c.is_point else "sheet" if c.spacing == 0 else "function" for c in flow.components]
    return ", ".join(f"{kinds.count(name)} x {name}" for name in dict.fromkeys(kinds))
