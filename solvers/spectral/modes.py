"""Fourier modes of a periodic box: wavenumbers, symbols on the grid, dealiasing.

Arrays are ``(batch, field, x, y, z)``; the last axis holds the half spectrum of a real field. A
periodic axis of n points has no right end point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp
import torch
from torch import Tensor

from sciml.forms import Frame
from sciml.lower import compile_expressions

__all__ = ["Modes", "kept_modes"]

BATCHED_POINTS = 2**15  # on a CPU, larger fields are faster one by one: a batch leaves the cache


def kept_modes(points: int, degree: int) -> int:
    """Return the largest mode index K that products of ``degree`` factors leave free of aliases.

    Products of p modes up to K reach pK and are aliased to pK - n; keeping (p + 1) K < n puts the
    aliases outside. Degree 2 is the 2/3 rule, degree 3 the 1/2 rule.
    """
    return math.ceil(points / (degree + 1)) - 1


@dataclass(frozen=True)
class Modes:
    """Grid and spectrum of a torus.

    Attributes:
        frame: Time and space symbols.
        points: Number of points per axis.
        low: Left ends of the axes.
        lengths: Periods of the axes.
        parameters: Value of each parameter, 0-d or ``(batch,)``.
        device: Where arrays live.
        dtype: Real dtype of fields.
    """

    frame: Frame
    points: tuple[int, ...]
    low: tuple[float, ...]
    lengths: tuple[float, ...]
    parameters: Mapping[sp.Symbol, Tensor]
    device: torch.device
    dtype: torch.dtype

    @property
    def dim(self) -> int:
        """Number of space dimensions."""
        return len(self.points)

    @property
    def spectrum(self) -> tuple[int, ...]:
        """Shape of the half spectrum."""
        return (*self.points[:-1], self.points[-1] // 2 + 1)

    @property
    def volume(self) -> float:
        """Volume of the box."""
        return math.prod(self.lengths)

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
        """Wavenumbers ``2π m / L`` along each axis, float64."""
        return tuple(m * (2 * math.pi / length) for m, length in zip(self.indices, self.lengths, strict=True))

    @cached_property
    def coordinates(self) -> tuple[Tensor, ...]:
        """Grid points along each axis, shaped to broadcast over ``(batch, x, y, z)``."""
        out = []
        for axis, (n, low, length) in enumerate(zip(self.points, self.low, self.lengths, strict=True)):
            x = low + length * torch.arange(n, dtype=torch.float64) / n
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

    def _symbol(self, expr: sp.Expr, axes: Sequence[int]) -> Tensor:
        inputs = [*self.frame.k.values(), *self.parameters]
        exact = [v.to(torch.float64).reshape(-1, *([1] * self.dim)) for v in self.parameters.values()]
        values = [k[None] for k in self.k] + exact
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

    def mask(self, degree: int) -> Tensor:
        """Return 1 on the modes that products of ``degree`` factors leave free of aliases, else 0."""
        total = torch.ones(self.spectrum, dtype=self.dtype, device=self.device)
        for m, n in zip(self.indices, self.points, strict=True):
            total = total * (m.abs() <= kept_modes(n, degree))
        return total

    def symmetrised(self, coefficients: Tensor) -> Tensor:
        """Return coefficients of a real field: on the planes that hold both k and -k, c(-k) = conj(c(k)).

        The inverse transform does not see what breaks this symmetry, so the right side cannot damp
        it: rounding errors there would grow freely wherever the linear part grows.
        """
        out = coefficients.clone()
        last = self.points[-1]
        others = tuple(range(1 - self.dim, 0))  # the remaining space axes, once the last one is taken out
        for index in (0, last // 2) if last % 2 == 0 else (0,):
            plane = out.select(-1, index)
            mirrored = plane.flip(others).roll((1,) * len(others), others) if others else plane
            plane.copy_((plane + mirrored.conj()) / 2)
        return out

    def forward(self, fields: Tensor) -> Tensor:
        """Transform fields to coefficients, normalised by the number of points."""
        hats: Tensor = torch.fft.rfftn(fields, dim=tuple(range(-self.dim, 0)), norm="forward")
        return hats

    def backward(self, coefficients: Tensor) -> Tensor:
        """Transform coefficients to fields on the grid."""
        axes = tuple(range(-self.dim, 0))
        leading = coefficients.shape[: -self.dim]
        if coefficients.device.type == "cpu" and math.prod(self.points) > BATCHED_POINTS and math.prod(leading) > 1:
            single = coefficients.reshape(-1, *self.spectrum)
            parts = [torch.fft.irfftn(c, s=self.points, dim=axes, norm="forward") for c in single]
            return torch.stack(parts).reshape(*leading, *self.points)
        fields: Tensor = torch.fft.irfftn(coefficients, s=self.points, dim=axes, norm="forward")
        return fields
