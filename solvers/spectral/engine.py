"""The plan-level engine of the spectral method: one step is one stored interval.

A batch holds the members of a family, which share their noise and random data, or samples of an
ensemble, which have their own.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of
from sciml.dsl.domains import Domain
from sciml.dsl.text import text
from sciml.errors import DataError, OptionError
from sciml.fourier.discretisation import Discretisation
from sciml.fourier.modes import Modes, kept_modes
from sciml.fourier.observables import Observables
from sciml.fourier.scheme_names import SCHEMES
from sciml.fourier.stabilise import explicit_rate
from sciml.fourier.window import Window
from sciml.labels import Drawn, Labels
from sciml.solvers.spectral.paths import Paths
from sciml.solvers.spectral.stepper import Progress, Stepper, unpacked_progress
from sciml.solvers.spectral.stochastic import StochasticStepper

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.spectral import Spectral

__all__ = ["SpectralEngine", "SpectralState"]

LIMIT = 2.8  # of dt × rate for a stable explicit oscillation
MANY_STEPS = 10_000  # that short waves may ask for before the plan says so
ONE_THREAD_POINTS = 2**16


@dataclass(frozen=True)
class SpectralState:
    """What has been computed: the integration and the stored values of every variable."""

    progress: Progress
    stored: tuple[dict[str, np.ndarray[Any, Any]], ...]


class SpectralEngine:
    """Grid, right-hand side and stepper for one problem, or for a block of samples of it.

    Args:
        method: Its options.
        problem: What is solved.
        grid: Where the answer is stored.
        run: Seed, device and precision.
        drawn: The samples of an ensemble, with the values of their parameters; None for one solution.
        recorded: Earlier samples on the same space grid, whose noise is replayed.
    """

    def __init__(
        self,
        method: Spectral,
        problem: Problem,
        grid: Grid,
        run: Run,
        drawn: Drawn | None = None,
        recorded: xr.Dataset | None = None,
    ) -> None:
        self.method, self.problem = method, problem
        self.form = problem.form
        self.storage = grid.resolve(problem.frame.time, problem.domain, problem.family if drawn is None else {})
        self.intervals = self.storage.intervals
        strides, points = _internal(self.storage.points, method.resolution, problem.domain)
        ends = [self.storage.ends.get(name, bounds) for name, bounds in problem.bounds.items()]
        infinite = [x in problem.domain.infinite for x in problem.frame.space]
        self.window = Window.around(ends, points, strides, infinite)
        self.drawn, self.recorded = drawn, recorded
        family = self.storage.members() if drawn is None else drawn.parameters
        self.members = self.storage.batch if drawn is None else len(drawn.samples)
        values: dict[sp.Symbol, Any] = {**problem.numbers, **family}
        device = device_of(run)
        parameters = {s: torch.as_tensor(v, dtype=torch.float64, device=device) for s, v in values.items()}
        self.run = run
        self.discretisation = self.discretised(parameters)
        self.modes = self.discretisation.modes
        start, end = (problem.number(v) for v in problem.time[1:])
        self.times = np.linspace(start, end, self.intervals + 1)
        interval = (end - start) / self.intervals
        self.driven: StochasticStepper | None = None
        if self.form.noise:
            # One sample that blows up must not end its block: whoever asked for samples looks at each.
            self.driven = StochasticStepper(
                self.discretisation, method, problem.calculus, interval, self.intervals, throw=drawn is None
            )
            if drawn is None and any(noise.members > 1 for noise in self.driven.noises.values()):
                msg = "the spectrum of a noise depends on a parameter of the family, whose members share their noise."
                raise DataError("D224", msg, fix="problem.sample(n) draws the parameter and the noise of each sample")
        self.stepper = None if self.driven else Stepper(self.discretisation.system, method, interval, end - start)
        self._paths: Paths | None = None
        self.labels = Labels(problem, self.storage, self.times, drawn)
        self.observables = Observables(problem, self.discretisation, self.labels)

    def discretised(self, parameters: Mapping[sp.Symbol, Tensor]) -> Discretisation:
        """Return the form on this window for other parameter values."""
        method = self.method
        return Discretisation(
            self.problem,
            self.window,
            parameters,
            self.run,
            degree=method.degree,
            mollify=method.mollify,
            samples=None if self.drawn is None else self.drawn.samples,
        )

    def assign(self, drawn: Drawn) -> None:
        """Take other samples, of the same number and without parameters of their own."""
        self.drawn = self.labels.drawn = drawn
        self.discretisation.sources.samples = drawn.samples
        self._paths = None

    @property
    def total(self) -> int:
        """Number of stored intervals."""
        return self.intervals

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        return f"{self.modes.device}, {str(self.modes.dtype).removeprefix('torch.')}"

    @property
    def threads(self) -> int | None:
        """One thread for small grids: synchronising costs more than it gives."""
        return 1 if self.members * np.prod(self.modes.points) <= ONE_THREAD_POINTS else None

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be computed and at which cost."""
        modes, n = self.modes, len(self.form.state)
        count = self._fixed_steps
        if count is None:
            steps = f"dt chosen for an error of {self.method.rtol:g}"
        else:
            interval = (self.times[-1] - self.times[0]) / self.intervals
            steps = f"dt = {interval / count:.4g}, {count * self.intervals} steps"
        kept = (
            ", ".join(str(kept_modes(p, self.discretisation.degree)) for p in modes.points)
            if self.discretisation.degree
            else "all"
        )
        transforms = len(self.form.slots) + len(self.form.nonlinear) + len(self.form.noise)
        stages = 4 if self.driven is None else 1 + self.driven.stratonovich
        members, memory = self.members, _memory(self.form, modes, self.members)
        family = " x ".join(f"{len(v)} values of {s}" for s, v in self.storage.values.items())
        kind = "diagonal" if self.form.is_diagonal else f"{n}x{n} per mode"
        series = "Fourier" if not modes.bounded else "sine and cosine series (Fourier on periodic axes)"
        rows = [("space", f"{series}, {' x '.join(map(str, modes.grid))} points, modes kept: {kept}")]
        rough = [t for t in self.form.nonlinear if modes.bounded and not self.discretisation.reflections.is_smooth(t)]
        for term in rough:
            shown = text(self.form.expression(term.n))
            rows.append(("accuracy", f"algebraic in the number of points: {shown} does not vanish as its series does"))
        if family and self.drawn is None:
            rows.append(("family", f"{family}: {members} members in one batch"))
        rows += self._scales()
        return [
            *rows,
            ("time", f"{self._scheme} with {kind} linear part, {steps}; {len(self.times)} stored times"),
            *self._noise(),
            *self._varying(),
            ("cost", f"{stages * transforms} transforms a step, {memory} of memory at least"),
            ("device", self.device),
        ]

    def _scales(self) -> list[tuple[str, str]]:
        """Say how large each field is at the start and how fast its terms act: their ratio is the flow's number."""
        made, t = self.discretisation, float(self.times[0])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # told when the run starts
                state = made.initial_state(t)
        except DataError as error:
            return [("initial", error.headline)]
        contractions = [] if self.driven is None else self.driven.contractions(0)
        nonlinear = made.system.nonlinear(state, t, contractions)
        terms = (state, made.system.linear_rate(state), nonlinear)
        sizes = [self.modes.backward(v).square().flatten(2).mean(2).sqrt().amax(0) for v in terms]
        rows = []
        for z, size, linear, rest in zip(self.form.state, *(s.tolist() for s in sizes), strict=True):
            rates = ", ".join(
                f"{what} {rate / size:.2g}" for what, rate in (("linear", linear), ("other", rest)) if size and rate
            )
            ratio = f", other/linear {rest / linear:.2g}" if linear and rest else ""
            rows.append(
                ("scales", f"|{text(z)}| = {size:.2g}; rates at the start: {rates or '0'} per unit time{ratio}")
            )
        return rows

    def _varying(self) -> Iterator[tuple[str, str]]:
        """Say how terms with varying coefficients are treated, where that matters."""
        made = self.discretisation
        for origin in dict.fromkeys(o for v in made.stabilised.shifted for o in v.origins):
            yield "explicit", f"{text(origin.term)}: its mean coefficient is integrated exactly, the rest explicitly"
        form, span = made.stabilised.form, float(self.times[-1] - self.times[0])
        for v, size in made.stabilised.explicit:
            steps = explicit_rate(form, v, size, self.modes, made.degree) * span / LIMIT
            if steps > MANY_STEPS:
                on = ", ".join(sorted(map(str, v.coefficient.free_symbols & form.frame.coordinates)))
                why = f"its coefficient depends on {on}, which takes about {steps:.1g} steps"
                yield "explicit", f"{text(v.origins[0].term)} is integrated explicitly: {why}"

    def _check_recorded(self, recorded: xr.Dataset) -> None:
        """Recorded noise belongs to the times and places where it was recorded."""
        same = {n: v[[0, -1]] for n, v in self.labels.axes.items() if recorded.sizes.get(n) == len(v)}
        for name, (low, high) in ({"time": self.times[[0, -1]]} | same).items():
            found = np.asarray(recorded[name], dtype=float)[[0, -1]]
            if not np.allclose(found, (low, high), rtol=1e-9, atol=1e-12):
                span = f"{name} from {found[0]:g} to {found[1]:g}, not from {low:g} to {high:g}"
                fix = "replay it on the time interval and the domain that it was drawn for"
                raise DataError("D223", f"the noise was recorded on {span}.", fix=fix)

    def start(self) -> SpectralState:
        """Evaluate the initial conditions on the grid."""
        t = float(self.times[0])
        progress = Progress(t=t, state=self.discretisation.initial_state(t))
        noise = (
            {}
            if self.driven is None
            else self.driven.nothing(self.storage.points, 1 if self.drawn is None else self.members)
        )
        return SpectralState(progress, (self._observe(progress) | noise,))

    def step(self, state: SpectralState) -> SpectralState:
        """Advance to the next stored time."""
        index = len(state.stored)
        noise: dict[str, np.ndarray[Any, Any]] = {}
        if self.driven is not None:
            increments = self._increments(index - 1)
            progress = self.driven.advance(state.progress, increments)
            noise = self.driven.observed(increments, self.window.shown, self.storage.points)
        else:
            assert self.stepper is not None  # there is one or the other
            progress = self.stepper.advance(state.progress)
        progress = replace(progress, t=float(self.times[index]))
        self.discretisation.warn_if_outside(progress.state)
        return SpectralState(progress, (*state.stored, self._observe(progress) | noise))

    def _increments(self, index: int) -> dict[str, Tensor]:
        """Return the noise of an interval; after a resumed run its paths are drawn again from the start."""
        assert self.driven is not None
        if self._paths is None or index < self._paths.position:
            samples = range(1) if self.drawn is None else self.drawn.samples
            if self.recorded is not None:
                self._check_recorded(self.recorded)
            self._paths = Paths(self.driven, self.run.seed, samples, self.recorded)
        return self._paths.interval(index)

    def finished(self, state: SpectralState) -> bool:
        """Tell whether every time is stored."""
        return len(state.stored) > self.intervals

    def finish(self, state: SpectralState) -> xr.Dataset:
        """Label everything stored so far."""
        names = state.stored[0]
        arrays = {n: np.stack([s[n] for s in state.stored], axis=1) for n in names}
        dataset = self.labels.dataset(arrays)
        p = state.progress
        dataset.attrs |= {"steps": p.steps, **self._checked(p)}
        return dataset

    def _checked(self, p: Progress) -> dict[str, float]:
        """Return what tells how accurate or how stable the steps are; noise leaves nothing to tell."""
        if self.driven is not None:
            return {}
        return {"estimated_error": p.error} if self._fixed_steps is None else {"cfl": p.cfl}

    @property
    def _fixed_steps(self) -> int | None:
        if self.driven is not None:
            return self.driven.fixed_steps
        assert self.stepper is not None
        return self.stepper.fixed_steps

    @property
    def _scheme(self) -> str:
        if self.driven is None:
            return "ETDRK4"
        heun = ", Heun in the noise (Stratonovich)" if self.driven.stratonovich else ""
        return f"{self.method.scheme or SCHEMES[0]}{heun}"

    def _noise(self) -> Iterator[tuple[str, str]]:
        """Say how many modes of each noise are drawn, and what Wick powers subtract in the end."""
        if self.driven is None:
            return
        for name, noise in self.driven.noises.items():
            count = self.driven.scheme.parts * (2 * len(noise.numbers) - 1)
            held = f"modes up to {int(np.abs(noise.numbers).max())}" if noise.in_space else "one Brownian motion"
            yield "noise", f"{name}: {held}, {count} numbers a step for each sample"
        for value in self.driven.contractions(self.intervals * self.driven.fixed_steps):
            yield "wick", f"the variance that Wick powers subtract rises from 0 to {float(value.flatten()[0]):.4g}"

    def metrics(self, state: SpectralState) -> dict[str, float]:
        """Time reached, internal steps, and what tells how accurate or how stable they are."""
        p = state.progress
        return {"time": p.t, "internal_steps": p.steps, **self._checked(p)}

    def pack(self, state: SpectralState) -> dict[str, Any]:
        """Return the integration and everything stored so far."""
        stored = {n: np.stack([s[n] for s in state.stored]) for n in state.stored[0]}
        progress = {f.name: getattr(state.progress, f.name) for f in fields(state.progress)}
        return {"progress": progress, "stored": stored}

    def unpack(self, packed: dict[str, Any]) -> SpectralState:
        """Return the state that was packed.

        Raises:
            LookupError, TypeError, ValueError: Other fields, shapes or precision than those of this run.
        """
        progress = unpacked_progress(packed["progress"])
        state, spectrum = progress.state, (len(self.form.state), *self.modes.spectrum)
        members = self.members
        if (
            state.shape[1:] != spectrum
            or state.shape[0] not in (1, members)
            or state.dtype != self.modes.dtype.to_complex()
        ):
            msg = f"a state of shape {tuple(state.shape)} and {state.dtype} is not on this grid"
            raise ValueError(msg)
        scale = progress.scale
        if scale is not None and (scale.shape[1:] != (len(self.form.state),) or scale.shape[0] not in (1, members)):
            msg = "the sizes of the fields are not of this problem"
            raise ValueError(msg)
        device = self.modes.device
        moved = replace(progress, state=state.to(device), scale=None if scale is None else scale.to(device))
        return SpectralState(moved, self._unpacked_stored(packed["stored"]))

    def _unpacked_stored(self, packed: dict[str, Tensor]) -> tuple[dict[str, np.ndarray[Any, Any]], ...]:
        """Compare with the shapes that the declared initial state has."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # told when the run was started
            first = self.start().stored[0]
        stored = {n: packed[n].numpy() for n in first}
        counts = {len(v) for v in stored.values()}
        fits = all(stored[n].shape[1:] == v.shape and stored[n].dtype == v.dtype for n, v in first.items())
        if not fits or len(counts) != 1 or not 1 <= max(counts) <= self.intervals + 1:
            msg = "what was stored is not of the shapes of this grid"
            raise ValueError(msg)
        return tuple({n: v[i] for n, v in stored.items()} for i in range(max(counts)))

    def _observe(self, progress: Progress) -> dict[str, np.ndarray[Any, Any]]:
        return self.observables(progress.state, progress.t, self.members)


def _internal(
    stored: tuple[int, ...], resolution: int | None, domain: Domain
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (stride of storage, points computed with) per axis; ``resolution`` counts intervals."""
    if resolution is None:
        return (1,) * len(stored), stored
    ends = [x not in domain.periodic for x in domain.coordinates]
    intervals = [n - end for n, end in zip(stored, ends, strict=True)]
    if any(resolution % n for n in intervals):
        msg = f"Spectral(resolution={resolution}) must be a multiple of the stored intervals {intervals}."
        raise OptionError("O331", msg, fix=f"resolution={math.lcm(*intervals)}")
    return tuple(resolution // n for n in intervals), tuple(resolution + end for end in ends)


def _memory(form: Any, modes: Modes, members: int) -> str:
    fields = 8 * len(form.state) + 2 * (len(form.slots) + len(form.nonlinear))
    size = fields * members * int(np.prod(modes.points)) * modes.dtype.itemsize
    return f"{size / 2**20:.1f} MiB"
