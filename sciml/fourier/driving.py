"""The driving terms of an SPDE on the modes: ``M⁻¹ B_s[g_s ΔW_s]`` for increments of the noises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp
import torch
from torch import Tensor

from sciml.forms.semilinear import NoiseTerm
from sciml.fourier.modes import Modes, kept_modes
from sciml.fourier.noise import NoiseModes
from sciml.fourier.reflection import Reflections
from sciml.fourier.schemes import OneStep
from sciml.fourier.system import Columns, System

__all__ = ["Driving", "kept_numbers", "noise_modes"]


def kept_numbers(modes: Modes, degree: int) -> tuple[int, ...]:
    """Return the largest mode number on each axis that is below Nyquist and free of aliases."""
    return tuple(kept_modes(n, degree) if degree else (n - 1) // 2 for n in modes.points)


def noise_modes(
    reflections: Reflections, terms: Sequence[NoiseTerm], modes: Modes, degree: int
) -> dict[str, NoiseModes]:
    """Return every noise of the terms on a grid, by name."""
    kept = kept_numbers(modes, degree)
    varying = {*(s.placeholder for s in reflections.form.slots), *reflections.form.frame.space}
    out: dict[str, NoiseModes] = {}
    # Noise that is added as it is comes first: it must have the series of the field that it drives.
    for term in sorted(terms, key=lambda t: bool(t.amplitude.free_symbols & varying)):
        if term.noise.name not in out:
            signature = reflections.of_term(term) or reflections.neutral
            out[term.noise.name] = NoiseModes(term.noise, modes, kept, signature)
    return out


class Driving:
    """All noise terms of a system.

    Args:
        system: The deterministic part.
        terms: The noise terms.
        noises: Each noise on the grid, by name.
    """

    def __init__(self, system: System, terms: Sequence[NoiseTerm], noises: Mapping[str, NoiseModes]) -> None:
        self.system, self.noises = system, noises
        held = {system.form.frame.time, *system.form.frame.space, *(s.placeholder for s in system.form.slots)}
        self.plain = [t for t in terms if not t.amplitude.free_symbols & held]
        self.others = [t for t in terms if t.amplitude.free_symbols & held]
        self.added = list(dict.fromkeys(t.noise.name for t in self.plain))
        self._nothing = sp.zeros(len(system.form.state), 1)
        placeholders = [s.placeholder for s in system.form.slots]
        self._amplitudes = system.compile([t.amplitude for t in self.others], placeholders)
        self._columns = Columns(system, self.others) if self.others else None

    @property
    def columns(self) -> list[Tensor]:
        """``Σ M⁻¹B g`` over the terms of each noise with a constant amplitude, ``(batch, n, *spectrum)``, float64."""
        system, modes = self.system, self.system.modes
        out = []
        for name in self.added:
            column = sum((t.amplitude * sp.Matrix(t.column) for t in self.plain if t.noise.name == name), self._nothing)
            rows = [modes.symbol(sp.expand(s)) for s in system.form.inverse_mass * column]
            if any(r.is_complex() for r in rows):
                rows = [r.to(torch.complex128) for r in rows]
            column = torch.stack(torch.broadcast_tensors(*rows), dim=1)
            out.append(column if system.mask is None else column * system.mask.to(torch.float64))
        return out

    def additive(self, step: OneStep, increments: Mapping[str, Tensor]) -> Tensor | None:
        """Return what the terms with constant amplitudes add in a step.

        Args:
            step: The scheme.
            increments: Coefficients ``(parts, batch, *spectrum)`` of each noise.
        """
        total: Tensor | None = None
        for name, weights in zip(self.added, step.additive, strict=True):
            for j, part in enumerate(increments[name]):
                added = weights[:, :, j] * part[:, None]
                total = added if total is None else total + added
        return total

    def other(self, state: Tensor, t: float | Tensor, fields: Mapping[str, Tensor]) -> Tensor:
        """Return ``M⁻¹B[g(state, t) ΔW]`` of the terms with varying amplitudes.

        Args:
            state: Coefficients ``(batch, n, *spectrum)``.
            t: Time, or times as in :meth:`System.evaluate`.
            fields: Increments of each noise over the step, on the grid, ``(batch, *grid)``.
        """
        assert self._columns is not None  # asked only where there are such terms
        amplitudes = self.system.evaluate(self._amplitudes, self.system.inputs(state), t)
        products = [g * fields[term.noise.name] for g, term in zip(amplitudes, self.others, strict=True)]
        return self._columns(products)

    def grid_fields(self, increments: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the increments over a whole step on the grid, of the noises that need it."""
        wanted = {t.noise.name for t in self.others}
        return {n: self.system.modes.backward(increments[n].sum(0)) for n in wanted}
