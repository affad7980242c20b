"""Time stepping between two stored times: fixed steps, or steps chosen by step doubling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sciml.errors import Diverged, OptionError
from sciml.fourier.system import System
from sciml.solvers.spectral.etdrk4 import Coefficients, coefficients, step
from sciml.solvers.spectral.stability import ExplicitRate, field_sizes

if TYPE_CHECKING:
    from sciml.solvers.spectral import Spectral

__all__ = ["SYMMETRISE_EVERY", "Progress", "Stepper", "steps_between", "unpacked_progress"]

ORDER = 4
GROW_BELOW = 0.5 / 2 ** (ORDER + 1)  # a doubled step would still meet the tolerance, with a margin of 2
MAX_LEVEL = 40
KEPT_SIZES = 6  # step sizes whose coefficients stay in memory, six arrays of the state's size each
FORCED_LEVEL = 4  # with explicit time the step is at most 1/16 of a storage interval
SYMMETRISE_EVERY = 16  # steps
ROUNDING = 16  # multiples of the machine epsilon that two computations of one step differ by
CHECK_EVERY = 32  # steps between CFL checks, each of which costs about two steps


@dataclass(frozen=True)
class Progress:
    """State of the integration at one time.

    Attributes:
        t: Time reached.
        state: Coefficients ẑ, ``(batch, n, *spectrum)``.
        level: The step is the storage interval divided by ``2**level``.
        error: Estimated relative error so far (0 for fixed steps: not estimated).
        steps: Internal steps so far.
        cfl: Largest CFL number seen (fixed steps only: chosen steps are stable by their error).
        scale: Largest size of each field of each member so far (chosen steps only).
        checked: Steps at the last CFL check (fixed steps only).
    """

    t: float
    state: Tensor
    level: int = 0
    error: float = 0.0
    steps: int = 0
    cfl: float = 0.0
    scale: Tensor | None = None
    checked: int = -CHECK_EVERY


def unpacked_progress(packed: dict[str, Any]) -> Progress:
    """Return the progress that a checkpoint holds.

    Raises:
        TypeError, ValueError: A number or a tensor is missing, of another kind, or not finite.
    """
    numbers = {name: packed[name] for name in ("t", "level", "error", "steps", "cfl", "checked")}
    whole = all(type(numbers[name]) is int for name in ("level", "steps", "checked"))
    real = all(type(numbers[name]) is float and math.isfinite(numbers[name]) for name in ("t", "error", "cfl"))
    state, scale = packed["state"], packed["scale"]
    tensors = isinstance(state, Tensor) and state.dim() > 2 and (scale is None or isinstance(scale, Tensor))
    if not (whole and real and tensors and 0 <= numbers["level"] < MAX_LEVEL):
        msg = "the progress of the integration is not of this version"
        raise ValueError(msg)
    return Progress(state=state, scale=scale, **numbers)


def steps_between(interval: float, dt: float, most: int) -> int:
    """Return how many equal steps of at most dt make up a storage interval.

    Raises:
        OptionError: More than allowed.
    """
    count = max(1, math.ceil(interval / dt - 1e-9))
    if count > most:
        msg = f"dt = {dt:g} takes {count} steps to the next stored time; max_steps is {most}."
        raise OptionError("O332", msg, fix="store more times, or raise max_steps")
    return count


class Stepper:
    """Advances a system over storage intervals of equal length."""

    def __init__(self, system: System, method: Spectral, interval: float, span: float) -> None:
        self.system, self.method = system, method
        self.interval, self.span = interval, span
        self.fixed_steps = self._count()
        self._linear = system.linear
        self._epsilon = torch.finfo(system.modes.dtype).eps
        self._rate = ExplicitRate(system)
        times = {system.form.frame.time}
        self._coarsest = FORCED_LEVEL if any(t.n.free_symbols & times for t in system.form.nonlinear) else 0
        self._coefficients: dict[float, Coefficients] = {}

    def coefficients(self, h: float) -> Coefficients:
        """Return the scheme's coefficients for a step size; those of the last few sizes are kept."""
        made = self._coefficients.pop(h, None)
        if made is None:
            made = coefficients(self._linear, h, self.system.form.is_diagonal, self.system.modes.dtype)
        self._coefficients[h] = made  # the most recently used stands last
        if len(self._coefficients) > KEPT_SIZES:
            del self._coefficients[next(iter(self._coefficients))]
        return made

    def _count(self) -> int | None:
        """Steps per storage interval for a fixed dt; 1 where every step is exact; None if adaptive."""
        if self.system.is_linear:
            return 1
        if self.method.dt is None:
            return None
        return steps_between(self.interval, self.method.dt, self.method.max_steps)

    def advance(self, progress: Progress) -> Progress:
        """Advance by one storage interval.

        Raises:
            Diverged: The state is not finite, or the step violates the CFL limit.
        """
        with torch.no_grad():
            count = self.fixed_steps
            return self._adaptive(progress) if count is None else self._fixed(progress, count)

    def _fixed(self, progress: Progress, count: int) -> Progress:
        c = self.coefficients(self.interval / count)
        state, cfl, checked = progress.state, progress.cfl, progress.checked
        for i in range(count):
            t = progress.t + i * c.h
            if progress.steps + i - checked >= CHECK_EVERY:
                checked = progress.steps + i
                now = self._rate.number(state, t, c)
                if now > self.method.cfl_limit:
                    raise self._unstable(t, c.h, now)
                cfl = max(cfl, now)
            state = step(self.system, state, t, c)
            if i % SYMMETRISE_EVERY == SYMMETRISE_EVERY - 1 or i == count - 1:
                state = self.system.symmetrised(state)
        self._check_finite(state, progress.t + self.interval, c.h)
        t = progress.t + self.interval
        return replace(progress, t=t, state=state, steps=progress.steps + count, cfl=cfl, checked=checked)

    def _adaptive(self, progress: Progress) -> Progress:
        """Compare one step with two halves; keep the halves where they agree well enough."""
        state, error, steps, scale = progress.state, progress.error, progress.steps, progress.scale
        level = max(progress.level, self._coarsest)
        position, ticks = 0, 2**MAX_LEVEL  # place within the interval, in dyadic ticks
        allowed = self.method.rtol * self.interval / self.span
        while position < ticks:
            h, t = self.interval / 2**level, progress.t + self.interval * (position / ticks)
            local, fine, seen = self._doubled(state, t, h, scale)
            if local > allowed / 2**level:
                level = self._finer(level, fine, t)
                continue
            state, scale = self.system.symmetrised(fine), seen
            error += local + ROUNDING * self._epsilon
            position += ticks >> level
            steps += 2
            if steps - progress.steps > self.method.max_steps:
                raise self._too_many(t)
            coarser = level > self._coarsest and position % (ticks >> (level - 1)) == 0
            if coarser and local < GROW_BELOW * allowed / 2**level:
                level -= 1
        t = progress.t + self.interval
        return Progress(t=t, state=state, level=level, error=error, steps=steps, scale=scale)

    def _doubled(self, state: Tensor, t: float, h: float, scale: Tensor | None) -> tuple[float, Tensor, Tensor]:
        """Return the local error, the finer result, and the largest size of each field so far.

        The error is the worst of all fields and members, each relative to its own largest size; what two
        computations differ by through rounding does not count, since no step could remove it.
        """
        whole = step(self.system, state, t, self.coefficients(h))
        half = self.coefficients(h / 2)
        fine = step(self.system, step(self.system, state, t, half), t + h / 2, half)
        seen = torch.maximum(field_sizes(state), field_sizes(fine))
        seen = seen if scale is None else torch.maximum(seen, scale)
        rounding = ROUNDING * self._epsilon * seen.amax(1, keepdim=True)
        error = field_sizes(whole - fine) / (2**ORDER - 1) - rounding
        relative = torch.where(error > 0, error / seen, torch.zeros_like(error))
        local = float(relative.amax()) if bool(torch.isfinite(error).all()) else math.inf
        return local, fine, seen

    def _finer(self, level: int, state: Tensor, t: float) -> int:
        h = self.interval / 2**level
        if level + 1 >= MAX_LEVEL:
            self._check_finite(state, t, h)
            where = f"at {self._time} = {t:.6g}"
            msg = f"the step fell to dt = {h:.3g} {where} without reaching rtol = {self.method.rtol:g}."
            raise Diverged("R303", msg, fix="the solution may blow up there; else use more points or a larger rtol")
        return level + 1

    def _too_many(self, t: float) -> Diverged:
        msg = f"more than max_steps = {self.method.max_steps} steps before {self._time} = {t:.6g}."
        return Diverged("R304", msg, fix="store more times, or raise max_steps")

    def _check_finite(self, state: Tensor, t: float, h: float) -> None:
        if not bool(torch.isfinite(torch.view_as_real(state)).all()):
            msg = f"the solution is not finite at {self._time} = {t:.6g} (dt = {h:.3g})."
            fix = f"Spectral(dt={h / 4:.2g}) or more points; a solution that blows up in finite time stays so"
            raise Diverged("R301", msg, fix=fix)

    def _unstable(self, t: float, h: float, cfl: float) -> Diverged:
        where = f"at {self._time} = {t:.6g}"
        msg = f"the step dt = {h:.3g} is unstable {where}: CFL number {cfl:.3g} > {self.method.cfl_limit:g}."
        stable = h * self.method.cfl_limit / cfl / 2
        return Diverged("R302", msg, fix=f"Spectral(dt={stable:.2g}), or Spectral() to let it choose")

    @property
    def _time(self) -> str:
        return str(self.system.form.frame.time)
