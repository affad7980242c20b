"""Time stepping of SPDEs between two stored times, with fixed steps along given Brownian paths.

Itô amplitudes are taken at the start of each step. Stratonovich ones are averaged over its start and
the Euler predictor of its end, which converges to the Stratonovich integral (the Heun scheme;
Kloeden & Platen 1992, doi:10.1007/978-3-662-12616-5, §15.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import Diverged, OptionError
from sciml.fourier.apply import apply
from sciml.fourier.discretisation import Discretisation
from sciml.fourier.driving import Driving, noise_modes
from sciml.fourier.schemes import OneStep, linear_parts, one_step
from sciml.fourier.wick import Counterterms
from sciml.solvers.spectral.stepper import SYMMETRISE_EVERY, Progress, steps_between

if TYPE_CHECKING:
    from sciml.solvers.spectral import Spectral

__all__ = ["StochasticStepper"]

FOREIGN_GROWTH = 10.0  # over the whole run, by the scheme alone: beyond it nothing of the solution is left


class StochasticStepper:
    """Advances a system driven by noise over storage intervals of equal length.

    Args:
        made: The form on the grid.
        method: Its options.
        calculus: ``ito`` or ``stratonovich``; None where amplitudes are free of the state.
        interval: Length of a storage interval.
        intervals: How many there are.
        throw: Raise when the state is not finite.
    """

    def __init__(
        self,
        made: Discretisation,
        method: Spectral,
        calculus: str | None,
        interval: float,
        intervals: int,
        *,
        throw: bool = True,
    ) -> None:
        self.made, self.method, self.system, self.throw = made, method, made.system, throw
        self.interval, self.intervals = interval, intervals
        self.stratonovich = calculus == "stratonovich"
        self.fixed_steps = 1 if method.dt is None else steps_between(interval, method.dt, method.max_steps)
        terms = made.form.noise
        self.noises = noise_modes(made.reflections, terms, made.modes, made.degree)
        self.driving = Driving(self.system, terms, self.noises)
        parts = linear_parts(self.system.form, made.modes, differences=method.differences)
        self.scheme = self._scheme(parts)
        self._check_growth(parts)
        self.counterterms: Counterterms | None = None
        if made.contractions:
            plain = parts[0], torch.zeros_like(parts[1])
            self.counterterms = Counterterms(self.driving, self._scheme(plain), list(made.contractions))
        self._cast()

    def _scheme(self, parts: tuple[Tensor, Tensor]) -> OneStep:
        return one_step(
            self.method.scheme or "exponential-euler",
            parts,
            self.interval / self.fixed_steps,
            self.driving.columns,
            diagonal=self.system.form.is_diagonal,
            weighting=self.method.weights,
        )

    def _check_growth(self, parts: tuple[Tensor, Tensor]) -> None:
        """Refuse a step at which the scheme lets a mode grow that the equation does not.

        Raises:
            OptionError: With a step that does not.
        """
        h, scheme = self.scheme.h, self.method.scheme
        if scheme in (None, "exponential-euler"):
            return
        made, total = self.scheme.linear, parts[0] + parts[1]
        if self.system.form.is_diagonal:
            grown, own = made.abs().amax(1), total.real.amax(1)
        else:
            inner = [m.movedim((1, 2), (-2, -1)).to(torch.complex128) for m in (made, total)]
            grown, own = torch.linalg.eigvals(inner[0]).abs().amax(-1), torch.linalg.eigvals(inner[1]).real.amax(-1)
        excess = torch.log(grown.clamp(min=1e-300)) / h - own.clamp(min=0)
        if self.system.mask is not None:
            excess = torch.where(self.system.mask > 0, excess, torch.full_like(excess, -1.0))
        span = self.interval * self.intervals
        if float(excess.max()) * span > math.log(FOREIGN_GROWTH):
            msg = (
                f"with dt = {h:.3g} {scheme} lets a mode grow at the rate {float(excess.max()):.3g} that does not grow."
            )
            fix = f"Spectral(dt={h / 4:.2g}, ...), or leave out scheme: exponential Euler is exact in the linear part"
            raise OptionError("O334", msg, fix=fix)

    def _cast(self) -> None:
        """Bring the scheme to the precision of the run, once it is known in double precision."""
        dtype, real = self.system.complex_dtype, self.system.modes.dtype

        def cast(t: Tensor) -> Tensor:
            return t.to(dtype if t.is_complex() else real).contiguous()

        s = self.scheme
        additive = tuple(map(cast, s.additive))
        self.scheme = replace(s, linear=cast(s.linear), drift=cast(s.drift), noise=cast(s.noise), additive=additive)

    def nothing(self, stored: tuple[int, ...], samples: int) -> dict[str, Any]:
        """Return the increments at the first time, which are 0."""
        dtype = np.float32 if self.system.modes.dtype == torch.float32 else np.float64
        shapes = {n: (samples, *stored) if noise.in_space else (samples,) for n, noise in self.noises.items()}
        return {n: np.zeros(shape, dtype if len(shape) > 1 else np.float64) for n, shape in shapes.items()}

    def advance(self, progress: Progress, increments: Mapping[str, Tensor]) -> Progress:
        """Advance by one storage interval.

        Args:
            progress: Where the integration stands.
            increments: Coefficients ``(steps × parts, batch, *spectrum)`` of each noise over the interval.

        Raises:
            Diverged: The state is not finite, and that is to be told here.
        """
        state, h, parts = progress.state, self.scheme.h, self.scheme.parts
        with torch.no_grad():
            for i in range(self.fixed_steps):
                part = {name: values[i * parts : (i + 1) * parts] for name, values in increments.items()}
                state = self._step(state, progress.t + i * h, progress.steps + i, part)
                if i % SYMMETRISE_EVERY == SYMMETRISE_EVERY - 1 or i == self.fixed_steps - 1:
                    state = self.system.symmetrised(state)
        t = progress.t + self.interval
        if self.throw and not bool(torch.isfinite(torch.view_as_real(state)).all()):
            msg = f"the solution is not finite at {self.system.form.frame.time} = {t:.6g} (dt = {h:.3g})."
            fix = f"Spectral(dt={h / 4:.2g}); a path that blows up at every step size has no solution there"
            raise Diverged("R301", msg, fix=fix)
        return replace(progress, t=t, state=state, steps=progress.steps + self.fixed_steps)

    def _step(self, state: Tensor, t: float, done: int, increments: Mapping[str, Tensor]) -> Tensor:
        scheme, driving = self.scheme, self.driving
        drift = self.system.nonlinear(state, t, self.contractions(done))
        moved = apply(scheme.linear, state) + apply(scheme.drift, drift)
        if (added := driving.additive(scheme, increments)) is not None:
            moved = moved + added
        if not driving.others:
            return moved
        fields = driving.grid_fields(increments)
        driven = driving.other(state, t, fields)
        if self.stratonovich:
            predicted = moved + apply(scheme.noise, driven)
            driven = (driven + driving.other(predicted, t + scheme.h, fields)) / 2
        return moved + apply(scheme.noise, driven)

    def contractions(self, steps: int) -> list[Tensor]:
        """Return the covariances that Wick powers subtract after so many steps, shaped like fields."""
        if self.counterterms is None:
            return []
        modes = self.system.modes
        return [c.to(modes.dtype).reshape(-1, *([1] * modes.dim)) for c in self.counterterms.after(steps)]

    def observed(self, increments: Mapping[str, Tensor], shown: tuple[slice, ...], stored: tuple[int, ...]) -> Any:
        """Return the increments over the interval as fields on the stored points; of a noise over time, numbers."""
        modes, out = self.system.modes, {}
        for name, noise in self.noises.items():
            total = increments[name].sum(0)
            if not noise.in_space:
                middle: tuple[Any, ...] = tuple(n // 2 for n in modes.grid)  # at faces a sine series is 0
                out[name] = modes.backward(total)[(slice(None), *middle)].cpu().numpy().astype(np.float64)
                continue
            if stored != modes.grid:  # what the stored points cannot hold would be aliased there
                for m, n, fold in zip(modes.indices, stored, modes.folds, strict=True):
                    held = (n - 1) // 2 if fold == 1 else fold * (n - 1) // 2 - 1
                    total = total * (m.abs() <= held)
            out[name] = modes.backward(total)[(slice(None), *shown)].cpu().numpy()
        return out
