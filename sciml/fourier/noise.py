"""Noise on the modes of a grid: from Brownian increments to Fourier coefficients and back.

With the volume V of the domain and the symbol q of the covariance operator, an increment has the
coefficients ``ΔŴ(k) = √(q(|k|)/2V) (ΔB_1 - i ΔB_2)``, real and ``√(q(0)/V) ΔB_1`` at k = 0. Between
faces it is the part of such noise on the periodic extension that has the series of the driven
field, scaled to unit intensity. Modes that the grid does not keep are left out, never aliased.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.dsl.noise import Noise
from sciml.errors import DataError
from sciml.fourier.modes import Modes
from sciml.fourier.reflection import Signature
from sciml.lower import compile_expressions
from sciml.sampling import half_modes

__all__ = ["NoiseModes"]

Array = np.ndarray[Any, Any]


class NoiseModes:
    """One noise on one grid.

    Args:
        noise: Its declaration.
        modes: The grid.
        kept: Largest mode number that the scheme keeps on each axis.
        signature: The series of the field that it drives, on the bounded axes.

    Raises:
        DataError: The noise has more modes than the grid keeps, or its spectrum is not finite.
    """

    def __init__(self, noise: Noise, modes: Modes, kept: tuple[int, ...], signature: Signature) -> None:
        self.noise, self.modes = noise, modes
        self.in_space = len(noise.coordinates) > 1
        self._signature = signature
        # Modes are numbered by the series of the driven field, which other fields may have extended further.
        self._folds = _folds(modes, signature)
        times = np.array([whole // own for whole, own in zip(modes.folds, self._folds, strict=True)])
        waves = [(noise.modes or 0) * max(1, own // 2) for own in self._folds]  # a quarter wave has odd numbers only
        own_kept = np.array(kept) // times
        if noise.modes is not None and (np.array(waves) > own_kept).any():
            raise _too_fine(noise, modes, tuple(kept))
        largest = np.array(waves) if noise.modes is not None else own_kept
        ordered = half_modes(int(largest.max()), modes.dim)
        held = np.flatnonzero((np.abs(ordered) <= largest).all(1)) if self.in_space else np.array([0])
        self.count = int(held[-1]) + 1
        self.numbers = ordered[held] * times
        self._held = torch.as_tensor(held, device=modes.device)
        self._scale = self._scales()
        self._place()

    def _scales(self) -> Tensor:
        """Return the standard deviation of a coefficient's real part per unit time, ``(1 or batch, modes)``."""
        modes = self.modes
        if not self.in_space:
            return torch.ones((1, 1), dtype=torch.float64, device=modes.device)
        periods = [length * fold for length, fold in zip(modes.lengths, modes.folds, strict=True)]
        wave = torch.as_tensor(2 * np.pi * np.linalg.norm(self.numbers / np.array(periods), axis=1)).to(modes.device)
        k = sp.Dummy("k", nonnegative=True)
        program = compile_expressions([self.noise.spectrum(k)], [k, *modes.parameters])
        values = [v.reshape(-1, 1) for v in modes.parameters.values()]
        (power,) = program(wave[None], *values, like=wave[None])
        power = power.to(torch.float64).expand(power.shape[0] if power.ndim == 2 else 1, len(wave)).clone()
        if not self.noise.has_mean:
            power[:, 0] = 0
        if not bool(torch.isfinite(power).all()) or bool((power < 0).any()):
            msg = f"the spectrum of the noise {self.noise.name} is negative or not finite at a wavenumber of the grid."
            fix = "mean=False leaves out k = 0; check the values of its parameters"
            raise DataError("D221", msg, fix=fix)
        # Between faces this is the noise of the extension, √fold times: folding it takes as much away again.
        scale = torch.sqrt(power / (2 * math.prod(modes.lengths)))
        scale[:, 0] *= math.sqrt(2)
        return scale

    def _place(self) -> None:
        """Find where each mode, or the conjugate of its twin, stands in the half spectrum."""
        spectrum, device = self.modes.spectrum, self.modes.device
        points = np.array(self.modes.points)
        flat: list[Array] = []
        for sign in (1, -1):
            numbers = sign * self.numbers
            inside = numbers[:, -1] >= 0
            inside &= (numbers != 0).any(1) | (sign > 0)
            places = np.ravel_multi_index(tuple((numbers[inside] % points).T), spectrum)
            flat.append(np.stack([places, np.flatnonzero(inside)]))
        self._plain, self._mirrored = (torch.as_tensor(f, device=device) for f in flat)
        self._in_order = not flat[1].size and bool((flat[0] == np.arange(len(self.numbers))).all())  # one dimension
        self._pairs = torch.stack([self._scale, -self._scale], dim=-1)
        self._pairs[:, 0, 1] = 0  # the mode 0 is real

    @cached_property
    def power(self) -> Tensor:
        """``E|ΔŴ(k)|²`` per unit time on the half spectrum, ``(1 or batch, *spectrum)``; periodic axes only."""
        twice = torch.full_like(self._scale, 2.0)
        twice[:, 0] = 1.0
        out = torch.zeros(len(self._scale), math.prod(self.modes.spectrum), dtype=torch.float64)
        out = out.to(self.modes.device)
        for places, source in (self._plain, self._mirrored):
            out[:, places] = (twice * self._scale**2)[:, source]
        return out.reshape(-1, *self.modes.spectrum)

    @cached_property
    def _constant(self) -> Tensor:
        """The coefficients of 1, in the series of the driven field."""
        one = torch.ones((1, 1, *self.modes.grid), dtype=self.modes.dtype, device=self.modes.device)
        return self.modes.extension([self._signature])(one)[0, 0]

    def coefficients(self, increments: Array) -> Tensor:
        """Return coefficients ``(..., *spectrum)`` of increments ``(..., modes, 2)``; the batch is the last of ``...``.

        Increments of noise over the time alone are constant in space.
        """
        modes = self.modes
        drawn = torch.as_tensor(np.ascontiguousarray(increments), device=modes.device)
        if not self.in_space:
            motion = drawn[..., 0, 0].reshape(*drawn.shape[:-2], *([1] * modes.dim))
            return (motion * self._constant).to(modes.dtype.to_complex())
        drawn = drawn.index_select(-2, self._held) if len(self._held) < drawn.shape[-2] else drawn
        values = torch.view_as_complex(drawn * self._pairs)
        out = values.new_zeros(*values.shape[:-1], math.prod(modes.spectrum))
        if self._in_order:
            out[..., : values.shape[-1]] = values
        else:
            out[..., self._plain[0]] = values[..., self._plain[1]]
            out[..., self._mirrored[0]] = values[..., self._mirrored[1]].conj()
        out = out.reshape(*values.shape[:-1], *modes.spectrum)
        if modes.bounded:
            out = modes.mirrored(out, self._signature)
        return out.to(modes.dtype.to_complex())

    def transformed(self, fields: Tensor) -> Tensor:
        """Return coefficients ``(..., *spectrum)`` of increments on the grid, or ``(...)`` of noise over the time."""
        modes = self.modes
        given = fields.to(modes.device, torch.float64)
        if self.in_space:
            out = modes.extension([self._signature])(given.unsqueeze(-modes.dim - 1)).squeeze(-modes.dim - 1)
        else:
            out = given.reshape(*given.shape, *([1] * modes.dim)) * self._constant
        return out.to(modes.dtype.to_complex())

    @property
    def members(self) -> int:
        """How many laws there are: 1, or one for each member of a batch of parameters."""
        return len(self._scale)

    def holds(self, fields: Array) -> bool:
        """Tell whether fields have all modes of the noise: one that was never drawn is 0 to rounding."""
        found = np.abs(self.increments(fields)).max((0, 2))[self._held.cpu().numpy()]
        drawn = (self._scale > 0).any(0).cpu().numpy()
        return bool((found[drawn] > 1e-10 * found.max()).all())

    def increments(self, fields: Array) -> Array:
        """Return increments ``(batch, modes, 2)`` whose coefficients are those of fields ``(batch, *grid)``."""
        modes = self.modes
        if not self.in_space:
            out = np.zeros((len(fields), 1, 2))
            out[:, 0, 0] = fields
            return out
        given = torch.as_tensor(fields, dtype=torch.float64, device=modes.device)
        extension = modes.extension([self._signature])
        values = extension(given[:, None])[:, 0].flatten(1)
        found = values.new_zeros(len(values), len(self.numbers))
        found[:, self._mirrored[1]] = values[:, self._mirrored[0]].conj()
        found[:, self._plain[1]] = values[:, self._plain[0]]
        found = torch.where(self._scale > 0, found / self._scale, torch.zeros_like(found))
        out = np.zeros((len(fields), self.count, 2))
        out[:, self._held.cpu().numpy(), 0] = found.real.cpu().numpy()
        out[:, self._held.cpu().numpy(), 1] = -found.imag.cpu().numpy()
        out[:, 0, 1] = 0
        return out


def _folds(modes: Modes, signature: Signature) -> tuple[int, ...]:
    """Return by how much the series of a field lengthens each axis: 4 where its ends differ, else 2, or 1."""
    out = []
    for axis, whole in enumerate(modes.folds):
        place = 2 * modes.bounded.index(axis) if whole > 1 else 0
        out.append(1 if whole == 1 else 2 if signature[place] == signature[place + 1] else 4)
    return tuple(out)


def _too_fine(noise: Noise, modes: Modes, kept: tuple[int, ...]) -> DataError:
    axis = min(range(modes.dim), key=lambda a: kept[a])
    x, n = modes.frame.space[axis], modes.points[axis]
    nyquist = (n - 1) // 2
    dealiased = "" if kept[axis] == nyquist else " that products leave free of aliases"
    msg = (
        f"the noise {noise.name} has modes up to {noise.modes}, but the {modes.grid[axis]} points of {x} hold "
        f"modes up to {kept[axis]}{dealiased}: the others would be aliased, which is another law."
    )
    assert noise.modes is not None
    needed = math.ceil((noise.modes + 1) * n / (kept[axis] + 1))
    fix = [f"Grid({x}={needed + needed % 2})  or  modes={kept[axis]}"]
    if dealiased and noise.modes <= nyquist:
        fix.append("Spectral(degree=0) keeps all modes of the grid, aliases of products included")
    return DataError("D222", msg, fix=fix)
