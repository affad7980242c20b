"""Fourier modes of a box: wavenumbers, symbols on the grid, dealiasing, reflections at faces.

Arrays are ``(batch, field, x, y, z)``; the last axis holds the half spectrum of a real field. A
periodic axis of n points has no right end point. A bounded axis of n points has both; there fields
are sine or cosine series, transformed by the Fourier transform of their odd or even extension to
2(n-1) points, or 4(n-1) where the two ends differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.dsl.wavenumbers import Reciprocal, squared_norm
from sciml.forms import Frame
from sciml.fourier.quadrature import end_corrected_weights
from sciml.fourier.reflection import Signature
from sciml.fourier.window import cut_green
from sciml.lower import compile_expressions

__all__ = ["Extension", "Modes", "folding", "kept_modes"]

BATCHED_POINTS = 2**15  # on a CPU, larger fields are faster one by one: a batch leaves the cache


def kept_modes(points: int, degree: int) -> int:
    """Return the largest mode index K that products of ``degree`` factors leave free of aliases.

    Products of p modes up to K reach pK and are aliased to pK - n; keeping (p + 1) K < n puts the
    aliases outside. Degree 2 is the 2/3 rule, degree 3 the 1/2 rule.
    """
    return math.ceil(points / (degree + 1)) - 1


@dataclass(frozen=True)
class Modes:
    """Grid and spectrum of a torus or a box.

    Attributes:
        frame: Time and space symbols.
        grid: Number of points per axis.
        low: Left ends of the axes.
        lengths: Lengths of the axes.
        folds: Per axis 1 if it is periodic, else the factor 2 or 4 by which extension lengthens it.
        parameters: Value of each parameter, 0-d or ``(batch,)``.
        device: Where arrays live.
        dtype: Real dtype of fields.
        radius: Where the free-space Green's function of ``-Δ`` is cut off; None for a periodic one.
        region: The part of the grid where velocities are right; all of it but on infinite axes.
    """

    frame: Frame
    grid: tuple[int, ...]
    low: tuple[float, ...]
    lengths: tuple[float, ...]
    folds: tuple[int, ...]
    parameters: Mapping[sp.Symbol, Tensor]
    device: torch.device
    dtype: torch.dtype
    radius: float | None = None
    region: tuple[slice, ...] = ()

    @property
    def dim(self) -> int:
        """Number of space dimensions."""
        return len(self.points)

    @cached_property
    def points(self) -> tuple[int, ...]:
        """Number of points per axis of the periodic extension."""
        return tuple(n if fold == 1 else fold * (n - 1) for n, fold in zip(self.grid, self.folds, strict=True))

    @property
    def bounded(self) -> tuple[int, ...]:
        """The axes with faces."""
        return tuple(axis for axis, fold in enumerate(self.folds) if fold > 1)

    @property
    def spectrum(self) -> tuple[int, ...]:
        """Shape of the half spectrum."""
        return (*self.points[:-1], self.points[-1] // 2 + 1)

    def _along(self, values: Tensor, axis: int) -> Tensor:
        shape = [1] * self.dim
        shape[axis] = -1
        return values.to(self.device).reshape(shape)

    @cached_property
    def indices(self) -> tuple[Tensor, ...]:
        """Integer mode index along each axis, shaped to broadcast over the spectrum."""
        out = []
        for axis, n in enumerate(self.points):
            make = torch.fft.rfftfreq if axis == self.dim - 1 else torch.fft.fftfreq
            out.append(self._along(make(n, 1 / n, dtype=torch.float64), axis))
        return tuple(out)

    @cached_property
    def k(self) -> tuple[Tensor, ...]:
        """Wavenumbers ``2π m / period`` along each axis, float64."""
        periods = [length * fold for length, fold in zip(self.lengths, self.folds, strict=True)]
        return tuple(m * (2 * math.pi / period) for m, period in zip(self.indices, periods, strict=True))

    @cached_property
    def coordinates(self) -> tuple[Tensor, ...]:
        """Grid points along each axis, shaped to broadcast over ``(batch, x, y, z)``."""
        out = []
        for axis, (n, low, length) in enumerate(zip(self.grid, self.low, self.lengths, strict=True)):
            x = low + length * torch.arange(n, dtype=torch.float64) / (n if self.folds[axis] == 1 else n - 1)
            out.append(self._along(x.to(self.dtype), axis)[None])
        return tuple(out)

    @cached_property
    def grid_parameters(self) -> tuple[Tensor, ...]:
        """Parameters shaped to broadcast over ``(batch, x, y, z)``, in the dtype of fields."""
        return tuple(v.to(self.dtype).reshape(-1, *([1] * self.dim)) for v in self.parameters.values())

    def symbol(self, expr: sp.Expr) -> Tensor:
        """Evaluate a Fourier symbol on the half spectrum, shape ``(1 or batch, *spectrum)``.

        On even grids the Nyquist mode stands for +k and -k at once; a symbol acts on it by its
        even part, so that real fields stay real (and ∂ₓ of it is 0).
        """
        return self._symbol(expr, tuple(range(self.dim))).contiguous()

    def plain_symbol(self, expr: sp.Expr) -> Tensor:
        """Evaluate a symbol at the wavenumbers as they are, the Nyquist mode included."""
        return self._symbol(expr, ())

    def _symbol(self, expr: sp.Expr, axes: Sequence[int]) -> Tensor:
        inverse = Reciprocal(squared_norm(self.frame.k))
        inputs = [*self.frame.k.values(), *self.parameters]
        exact = [v.to(torch.float64).reshape(-1, *([1] * self.dim)) for v in self.parameters.values()]
        values = [k[None] for k in self.k] + exact
        if self.radius is not None and expr.has(inverse):
            green = sp.Dummy("G", real=True)
            (result,) = compile_expressions([expr.xreplace({inverse: green})], [*inputs, green])(*values, self._green)
        else:
            (result,) = compile_expressions([expr], inputs)(*values)
        result = result.expand(result.shape[0] if result.ndim else 1, *self.spectrum)
        for position, axis in enumerate(axes):
            ki = list(self.frame.k.values())[axis]
            flipped = expr.xreplace({ki: -ki})
            if self.points[axis] % 2 or flipped == expr:
                continue
            even = self._symbol(sp.expand((expr + flipped) / 2), axes[position + 1 :])
            nyquist = [slice(None)] * (self.dim + 1)
            nyquist[axis + 1] = slice(self.points[axis] // 2, self.points[axis] // 2 + 1)
            result = (result if result.dtype == even.dtype else result + 0 * even).clone()
            result[tuple(nyquist)] = even[tuple(nyquist)].to(result.dtype)
        return result

    @cached_property
    def _green(self) -> Tensor:
        assert self.radius is not None
        norm = torch.stack(torch.broadcast_tensors(*(k**2 for k in self.k))).sum(0).sqrt()
        return cut_green(norm, self.radius, self.dim)[None]

    def mask(self, degree: int) -> Tensor:
        """Return 1 on the modes that products of ``degree`` factors leave free of aliases, else 0."""
        total = torch.ones(self.spectrum, dtype=self.dtype, device=self.device)
        for m, n in zip(self.indices, self.points, strict=True):
            total = total * (m.abs() <= kept_modes(n, degree))
        return total

    def symmetrised(self, coefficients: Tensor) -> Tensor:
        """Return coefficients of a real field: on the planes that hold both k and -k, c(-k) = conj(c(k))."""
        out = coefficients.clone()
        last = self.points[-1]
        others = tuple(range(1 - self.dim, 0))  # the remaining space axes, once the last one is taken out
        for index in (0, last // 2) if last % 2 == 0 else (0,):
            plane = out.select(-1, index)
            mirrored = plane.flip(others).roll((1,) * len(others), others) if others else plane
            plane.copy_((plane + mirrored.conj()) / 2)
        return out

    @cached_property
    def quadrature(self) -> Tensor:
        """Weights of the integral over the box, shaped like the grid, for any smooth integrand."""
        return self._quadrature(end_corrected_weights)

    @cached_property
    def even_quadrature(self) -> Tensor:
        """Weights for integrands that are even about every face: the trapezoidal rule, exact for their series."""
        return self._quadrature(lambda n: np.r_[0.5, np.ones(n - 2), 0.5])

    def _quadrature(self, between_faces: Callable[[int], Any]) -> Tensor:
        total = torch.ones((1,) * self.dim, dtype=torch.float64, device=self.device)
        for axis, (n, length) in enumerate(zip(self.grid, self.lengths, strict=True)):
            bounded = self.folds[axis] > 1
            h = length / (n - 1 if bounded else n)
            w = torch.as_tensor(between_faces(n) if bounded else np.ones(n))
            total = total * self._along(w * h, axis)
        return total.to(self.dtype)

    @cached_property
    def multiplicity(self) -> Tensor:
        """How many modes one of the half spectrum stands for: k and -k, but on the planes that hold both; float64."""
        last = torch.arange(self.spectrum[-1], device=self.device)
        return torch.where((last == 0) | (2 * last == self.points[-1]), 1.0, 2.0).to(torch.float64)

    def shells(self, fields: Sequence[Tensor]) -> Tensor:
        """Return the mean square of fields by ``round(|k|/k₀)``, ``(members, shells)``; periodic axes only."""
        norm = torch.stack(torch.broadcast_tensors(*(k**2 for k in self.k))).sum(0).sqrt()
        shell = torch.round(norm * (max(self.lengths) / (2 * math.pi))).long()
        power = sum(self.forward(f).abs() ** 2 for f in fields) * self.multiplicity.to(self.dtype)
        total = torch.zeros(power.shape[0], int(shell.max()) + 1, dtype=self.dtype, device=self.device)
        return total.index_add(1, shell.flatten(), power.flatten(1))

    def extension(self, signatures: Sequence[Signature]) -> Extension:
        """Prepare the extension of a stack of fields with these signatures to periodic ones."""
        return Extension(self, signatures)

    def forward(self, fields: Tensor) -> Tensor:
        """Transform periodic fields to coefficients, normalised by the number of points."""
        hats: Tensor = torch.fft.rfftn(fields, dim=tuple(range(-self.dim, 0)), norm="forward")
        return hats

    def backward(self, coefficients: Tensor) -> Tensor:
        """Transform coefficients to fields on the grid."""
        fields = self.extended(coefficients)
        for axis in self.bounded:
            fields = fields.narrow(axis - self.dim, 0, self.grid[axis])
        return fields

    def mirrored(self, coefficients: Tensor, signature: Signature) -> Tensor:
        """Return the part of coefficients ``(..., *spectrum)`` that is odd or even about the faces as a signature says.

        Unlike the extension of what stands on the grid, it is the orthogonal projection.
        """
        fields = self.extended(coefficients)
        for place, axis in enumerate(self.bounded):
            n, points = self.grid[axis] - 1, self.points[axis]
            about = [(signature[2 * place], 0), (signature[2 * place + 1], 2 * n)]
            for sign, centre in about[: self.folds[axis] // 2]:
                source = torch.as_tensor((centre - np.arange(points)) % points, device=fields.device)
                fields = (fields + sign * fields.index_select(axis - self.dim, source)) / 2
        return self.forward(fields)

    def extended(self, coefficients: Tensor) -> Tensor:
        """Transform coefficients to fields on the grid of the periodic extension."""
        axes = tuple(range(-self.dim, 0))
        leading = coefficients.shape[: -self.dim]
        if coefficients.device.type == "cpu" and math.prod(self.points) > BATCHED_POINTS and math.prod(leading) > 1:
            single = coefficients.reshape(-1, *self.spectrum)
            parts = [torch.fft.irfftn(c, s=self.points, dim=axes, norm="forward") for c in single]
            return torch.stack(parts).reshape(*leading, *self.points)
        fields: Tensor = torch.fft.irfftn(coefficients, s=self.points, dim=axes, norm="forward")
        return fields


class Extension:
    """Extends a stack of fields on the grid, one signature each, and transforms them.

    On a torus it is the plain transform.
    """

    def __init__(self, modes: Modes, signatures: Sequence[Signature]) -> None:
        self.modes = modes
        self._maps: list[tuple[int, Tensor, Tensor]] = []
        for place, axis in enumerate(modes.bounded):
            ends = [s[2 * place : 2 * place + 2] for s in signatures]
            source, signs = folding(modes.grid[axis], modes.folds[axis], ends)
            shape = [len(signatures), *(1 for _ in range(modes.dim))]
            shape[axis + 1] = -1
            weights = torch.as_tensor(signs, dtype=modes.dtype, device=modes.device).reshape(shape)
            self._maps.append((axis - modes.dim, torch.as_tensor(source, device=modes.device), weights))

    def __call__(self, fields: Tensor) -> Tensor:
        """Return coefficients of fields ``(batch, field, *grid)``."""
        for axis, source, signs in self._maps:
            fields = fields.index_select(axis, source) * signs
        return self.modes.forward(fields)

    def projected(self, coefficients: Tensor) -> Tensor:
        """Return the part of coefficients that has the signatures: rounding must not break a symmetry."""
        return self(self.modes.backward(coefficients))


def folding(n: int, fold: int, ends: Sequence[Signature]) -> tuple[list[int], list[list[float]]]:
    """Return where on the grid each extended point takes its value, and with which sign per field."""
    m = n - 1
    source, signs = [], [[] for _ in ends]  # type: tuple[list[int], list[list[float]]]
    for s in range(fold * m):
        place, at_low, at_high = s, 0, 0
        if place > 2 * m:  # about the lower end: f(-x) = ± f(x)
            place, at_low = 4 * m - place, at_low + 1
        if place > m:  # about the upper end
            place, at_high = 2 * m - place, at_high + 1
        source.append(place)
        for row, (low, high) in zip(signs, ends, strict=True):
            on_face = (place == 0 and low < 0) or (place == m and high < 0)
            row.append(0.0 if on_face else float(low**at_low * high**at_high))
    return source, signs
