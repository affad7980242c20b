"""Unknown parameters from observations: least squares through the integrator.

Minimises ``Σ ((prediction - value)/noise_std)²`` by Levenberg-Marquardt. Derivatives are exact: one
pass of forward-mode differentiation carries one member per unknown, each with its own tangent,
through the initial data, the exponential integrator and the observed quantities.

Near the optimum the estimates have the covariance ``(JᵀJ)⁻¹`` with J the Jacobian of the weighted
residuals; without a given noise_std it is multiplied by the residual variance ``|r|²/(N - p)``.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.autograd import forward_ad

from sciml.compute import device_of
from sciml.errors import Diverged
from sciml.fourier.discretisation import Discretisation
from sciml.least_squares import Fit, covariance, half_square, improved
from sciml.solvers.spectral.engine import SpectralEngine
from sciml.solvers.spectral.etdrk4 import coefficients, step
from sciml.solvers.spectral.sensors import Sensors
from sciml.solvers.spectral.transform import Bounded

if TYPE_CHECKING:
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.spectral import Spectral

__all__ = ["InverseEngine"]

MOST_ITERATIONS = 100
COARSEST_STEPS = 16  # over the whole time interval, before the step is chosen
FINEST_LEVEL = 16
SHIFT = 0.1  # of a standard error: what the time step may move an estimate by
PRECISE = 1e-6  # relative: closer than this, the time step is not refined for data without noise
AT_BOUND = 1e-4  # relative
UNDETERMINED = 1e8  # a standard error so many times larger than its estimate is none
DIGITS = 14  # of a step size, beyond which two are the same

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class InverseState:
    """A fit, and the refinement of the time step that it was made with."""

    fit: Fit
    level: int
    done: bool = False


class InverseEngine:
    """Fits the unknown parameters of one problem; one step is one iteration."""

    def __init__(self, method: Spectral, problem: Problem, grid: Grid, run: Run) -> None:
        self.method, self.problem, self.grid, self.run = method, problem, grid, run
        self.forward = SpectralEngine(method, problem, grid, run)  # at the first guess
        self.unknowns = list(problem.unknowns)
        self.transform = [Bounded.of(s, role) for s, role in problem.unknowns.items()]
        self.sensors = Sensors(problem, self.forward.discretisation)
        # In the logarithm of an unknown, or of its distance from a bound, one is a long way.
        self.longest = np.array([1.0 if b.is_bounded else math.inf for b in self.transform])
        with forward_ad.dual_level():  # its first use loads much of torch, which Ctrl-C must not interrupt
            _ = forward_ad.make_dual(torch.ones(1), torch.ones(1)) * torch.ones(1)
        self._last: tuple[tuple[float, ...], tuple[Array, Array]] | None = None  # the latest linearisation
        self.span = float(self.forward.times[-1] - self.forward.times[0])

    @property
    def total(self) -> int:
        """Most iterations."""
        return MOST_ITERATIONS

    @property
    def device(self) -> str:
        """As the forward computation."""
        return self.forward.device

    @property
    def threads(self) -> int | None:
        """As the forward computation."""
        return self.forward.threads

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be fitted and to what."""
        unknown = ", ".join(f"{s} from {role}" for s, role in self.problem.unknowns.items())
        return [
            ("unknown", unknown),
            ("data", f"{self.sensors.count} values at {len(self.sensors.times)} times"),
            ("fit", "Levenberg-Marquardt through the integrator, exact derivatives (forward mode)"),
            *self.forward.describe(),
        ]

    def start(self) -> InverseState:
        """Evaluate the first guess, and choose a time step that the data cannot tell from a finer one."""
        point = np.array(
            [b.inverse(r.init) for b, r in zip(self.transform, self.problem.unknowns.values(), strict=True)]
        )
        level, residual = 0, self._residual(point, 0)
        while level < FINEST_LEVEL and self.method.dt is None:
            finer = self._residual(point, level + 1)
            moved = np.abs(finer - residual).max() if np.isfinite(finer).all() else math.inf
            level, residual = level + 1, finer
            if moved < self._negligible(residual):
                break
        if not np.isfinite(residual).all():
            shown = ", ".join(f"{s} = {r.init:g}" for s, r in self.problem.unknowns.items())
            msg = f"the solution with the first guess {shown} is not finite."
            raise Diverged("R305", msg, fix="start nearer: Infer(init=...), with bounds that keep the problem solvable")
        return InverseState(Fit(point, float(residual @ residual) / 2), level)

    def _negligible(self, residual: Array) -> float:
        """How far a residual may move with the time step: a small part of the noise, known or guessed."""
        if self.sensors.weighted:
            return SHIFT
        return 1e-4 * float(np.sqrt((self.sensors.values**2).mean()))

    def step(self, state: InverseState) -> InverseState:
        """Take one iteration; once it has converged, check that the time step does not matter."""
        residual, jacobian = self._linearised(state.fit.point, state.level)
        fit = improved(
            state.fit,
            jacobian.T @ jacobian,
            jacobian.T @ residual,
            lambda p: half_square(self._residual(p, state.level)),
            longest=self.longest,
        )
        if not fit.converged:
            return replace(state, fit=fit)
        if self.method.dt is not None or state.level >= FINEST_LEVEL:
            return replace(state, fit=fit, done=True)
        coarse, jacobian = self._linearised(fit.point, state.level)
        fine = self._residual(fit.point, state.level + 1)
        moved, *_ = np.linalg.lstsq(jacobian, fine - coarse, rcond=None)
        spread = np.sqrt(np.diag(covariance(jacobian)) * self._variance(coarse))
        if (np.abs(moved) <= SHIFT * spread + PRECISE * np.abs(fit.point)).all():
            return replace(state, fit=fit, done=True)
        cost = float(fine @ fine) / 2
        return InverseState(replace(fit, cost=cost, converged=False), state.level + 1)

    def finished(self, state: InverseState) -> bool:
        """Tell whether the fit has converged."""
        return state.done

    def metrics(self, state: InverseState) -> dict[str, float]:
        """The cost, the damping, and the estimates."""
        values = self._values(state.fit.point).tolist()
        names = [s.name for s in self.unknowns]
        return {"cost": state.fit.cost, "damping": state.fit.damping, **dict(zip(names, values, strict=True))}

    def pack(self, state: InverseState) -> dict[str, Any]:
        """Return the fit and the refinement of its time step."""
        fit = {f.name: getattr(state.fit, f.name) for f in fields(state.fit)}
        return {"fit": fit, "level": state.level, "done": state.done}

    def unpack(self, packed: dict[str, Any]) -> InverseState:
        """Return the state that was packed.

        Raises:
            LookupError, TypeError, ValueError: It is not a fit of so many unknowns.
        """
        fit, level, done = dict(packed["fit"]), packed["level"], packed["done"]
        point = fit.pop("point").numpy()
        whole = type(fit["iterations"]) is int and type(level) is int and 0 <= level <= FINEST_LEVEL
        flags = type(fit["converged"]) is bool and type(done) is bool
        real = type(fit["cost"]) is float and type(fit["damping"]) is float and math.isfinite(fit["damping"])
        if not (whole and flags and real) or point.shape != (len(self.unknowns),) or point.dtype != np.float64:
            msg = f"it is not a fit of {len(self.unknowns)} unknowns"
            raise ValueError(msg)
        return InverseState(Fit(point=point, **fit), level, done)

    def finish(self, state: InverseState) -> xr.Dataset:
        """Solve with the estimates; the dataset carries them, their covariance, and the misfit."""
        values = self._values(state.fit.point)
        known = {s: float(v) for s, v in zip(self.unknowns, values, strict=True)}
        engine = SpectralEngine(self.method, self.problem.with_(parameters=known), self.grid, self.run)
        progress = engine.start()
        while not engine.finished(progress):
            progress = engine.step(progress)
        dataset = engine.finish(progress)
        dataset.attrs["estimates"] = self._estimates(state, values)
        dataset.attrs["iterations"] = state.fit.iterations
        return dataset

    def _estimates(self, state: InverseState, values: Array) -> dict[str, Any]:
        residual, jacobian = self._linearised(state.fit.point, state.level)
        slopes = np.array([b.slope(p) for b, p in zip(self.transform, state.fit.point, strict=True)])
        spread = covariance(jacobian / slopes) * self._variance(residual)
        if state.done:  # a fit that is still under way has not settled anywhere; its status says so
            self._warn_at_bounds(values)
            self._warn_of_misfit(residual)
        few = not self.sensors.weighted and self.sensors.count <= len(self.unknowns)
        if few or not (np.sqrt(np.diag(spread)) < UNDETERMINED * (1 + np.abs(values))).all():
            spread = np.full_like(spread, np.inf)
            names = ", ".join(s.name for s in self.unknowns)
            msg = f"the observations do not determine {names} together: the standard errors are infinite."
            warnings.warn(msg, RuntimeWarning, stacklevel=2)
        return {
            "names": [s.name for s in self.unknowns],
            "values": values.tolist(),
            "std": np.sqrt(np.diag(spread)).tolist(),
            "covariance": spread.tolist(),
            "misfit": float(residual @ residual),
            "observations": self.sensors.count,
            "noise_std": None if self.sensors.weighted else math.sqrt(self._variance(residual)),
        }

    def _warn_at_bounds(self, values: Array) -> None:
        """An estimate that ran into a bound has no standard error to speak of."""
        for symbol, bounded, value in zip(self.unknowns, self.transform, values, strict=True):
            for bound in (bounded.low, bounded.high):
                if bound is not None and abs(value - bound) < AT_BOUND * (abs(bound) + abs(value - bound) + 1e-300):
                    msg = f"the estimate of {symbol} stands at its bound {bound:g}; its standard error means nothing."
                    warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def _warn_of_misfit(self, residual: Array) -> None:
        """χ² far above its mean says that model, optimum or noise_std is wrong."""
        free = max(len(residual) - len(self.unknowns), 1)
        misfit = float(residual @ residual)
        if self.sensors.weighted and misfit > free + 10 * math.sqrt(2 * free) + 10:
            msg = (
                f"the misfit {misfit:.3g} is far above the {free} that noise_std explains: a local minimum, a wrong "
                "model or too small a noise_std. Standard errors mean nothing then."
            )
            warnings.warn(msg, RuntimeWarning, stacklevel=2)

    def _variance(self, residual: Array) -> float:
        """Variance of the weighted residuals: 1 where the noise is known."""
        if self.sensors.weighted:
            return 1.0
        return float(residual @ residual) / max(len(residual) - len(self.unknowns), 1)

    def _values(self, point: Array) -> Array:
        return np.array([b(torch.as_tensor(p)).item() for b, p in zip(self.transform, point, strict=True)])

    def _residual(self, point: Array, level: int) -> Array:
        with torch.no_grad():
            found = self._predicted(torch.as_tensor(point)[None], level)[0].cpu().numpy()
        residual: Array = (found - self.sensors.values) / self.sensors.noise
        return residual

    def _linearised(self, point: Array, level: int) -> tuple[Array, Array]:
        """Return residual and Jacobian in one pass: member i carries the derivative by unknown i."""
        key = (level, *point.tolist())
        if self._last is None or self._last[0] != key:
            self._last = key, self._differentiated(point, level)
        return self._last[1]

    def _differentiated(self, point: Array, level: int) -> tuple[Array, Array]:
        count = len(point)
        with torch.no_grad(), forward_ad.dual_level():
            members = torch.as_tensor(point).expand(count, count).contiguous()
            dual = forward_ad.make_dual(members, torch.eye(count, dtype=members.dtype))
            primal, tangent = forward_ad.unpack_dual(self._predicted(dual, level))
            tangent = torch.zeros_like(primal) if tangent is None else tangent
        residual = (primal[0].cpu().numpy() - self.sensors.values) / self.sensors.noise
        return residual, (tangent.cpu().numpy() / self.sensors.noise).T

    def _predicted(self, points: Tensor, level: int) -> Tensor:
        """Return the observed quantities ``(members, N)`` for unknowns ``(members, p)``."""
        device = device_of(self.run)
        fixed = {s: torch.tensor(v, dtype=torch.float64, device=device) for s, v in self.problem.numbers.items()}
        free = {
            s: b(points[:, i].to(device)) for i, (s, b) in enumerate(zip(self.unknowns, self.transform, strict=True))
        }
        made = self.forward.discretised({**fixed, **free})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # told once, by the forward computation
            state = made.initial_state(float(self.forward.times[0]))
        return self._integrated(made, state, self._longest_step(level))

    def _longest_step(self, level: int) -> float:
        return self.method.dt or self.span / (COARSEST_STEPS * 2**level)

    def _integrated(self, made: Discretisation, state: Tensor, longest: float) -> Tensor:
        diagonal, linear = made.form.is_diagonal, made.system.linear
        known: dict[str, Any] = {}
        t = float(self.forward.times[0])
        parts = []
        for until, rows in self.sensors.by_time:
            count = max(1, math.ceil((until - t) / longest - 1e-9)) if until > t else 0
            if made.system.is_linear:
                count = min(count, 1)  # one step is exact
            h = (until - t) / max(count, 1)
            key = f"{h:.{DIGITS}g}"  # equal intervals differ by rounding
            if count and key not in known:
                known[key] = coefficients(linear, h, diagonal, made.modes.dtype)
            for i in range(count):
                state = step(made.system, state, t + i * h, known[key])
            state, t = made.system.symmetrised(state), until
            parts.append(self.sensors.read(made, state, t, rows))
        return torch.cat(parts, dim=1)[:, self.sensors.order]
