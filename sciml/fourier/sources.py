"""Initial data that are not expressions: arrays, random fields, singular vorticity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from sciml.brownian import sample_labels
from sciml.dsl.arrays import Sampled
from sciml.dsl.measures import Measure, PointVortices, VortexPatch, VortexSheet
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import text
from sciml.errors import DataError
from sciml.fourier.modes import Modes
from sciml.interpolate import fourier_interpolate, spline_interpolate
from sciml.lower import compile_expressions
from sciml.sampling import sample_fields

__all__ = ["Sources"]

PANELS = 128  # of a sheet, each with a Gauss rule
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


class Sources:
    """Evaluates the data of initial conditions on a grid.

    Args:
        modes: The grid.
        arrays: Arrays by name.
        seed: Root of the random streams.
        mollify: Standard deviation of the Gaussian that measures are convolved with; patches may go without.
        samples: Numbers of the samples; a random field is drawn for each.
    """

    def __init__(
        self,
        modes: Modes,
        arrays: Mapping[str, Any],
        seed: int,
        mollify: float | None,
        samples: Sequence[int] = range(1),
    ) -> None:
        self.modes, self.arrays, self.seed, self.mollify = modes, arrays, seed, mollify
        self.samples = samples

    def __call__(self, atom: sp.Expr) -> Tensor:
        """Return values on the grid, ``(1 or batch, x, y, z)``."""
        if isinstance(atom, Sampled):
            return self._sampled(atom)
        if isinstance(atom, RandomField):
            return self._random(atom)
        assert isinstance(atom, Measure)
        if isinstance(atom, VortexPatch):
            return self._patch(atom)
        return self.modes.backward(self._singular(atom))

    def _sampled(self, atom: Sampled) -> Tensor:
        values = np.asarray(self.arrays[atom.name])
        for axis, (n, fold) in enumerate(zip(self.modes.grid, self.modes.folds, strict=True)):
            held = values.shape[axis]
            if held == n:
                continue
            if fold == 1:
                values = fourier_interpolate(values, axis, 0.0, 1.0, np.arange(n) / n)
            else:
                values = spline_interpolate(values, axis, np.linspace(0, 1, held), np.linspace(0, 1, n))
        return torch.as_tensor(values.copy(), dtype=self.modes.dtype, device=self.modes.device)[None]

    def _random(self, atom: RandomField) -> Tensor:
        """Draw on the periodic extension: a bounded axis shows half of a period."""
        modes = self.modes
        points = [n if fold == 1 else 2 * (n - 1) for n, fold in zip(modes.grid, modes.folds, strict=True)]
        periods = [length * min(fold, 2) for length, fold in zip(modes.lengths, modes.folds, strict=True)]
        labels = [sample_labels(k) for k in self.samples]
        values = sample_fields(atom, labels, self.seed, points, periods, modes.parameters)
        for axis, n in enumerate(modes.grid):
            values = values.narrow(axis + 1, 0, n)
        return values.to(modes.dtype)

    def _patch(self, atom: VortexPatch) -> Tensor:
        modes = self.modes
        program = compile_expressions([atom.values], [*modes.frame.space, *modes.parameters])
        (values,) = program(*modes.coordinates, *modes.grid_parameters)
        if self.mollify is None or modes.bounded:
            return values
        values = values.expand(values.shape[0], *modes.grid)
        blurred = modes.forward(values[:, None])
        for k in modes.k:
            blurred = blurred * torch.exp(-((self.mollify * k) ** 2) / 2)
        return modes.backward(blurred)[:, 0]

    def _singular(self, atom: Measure) -> Tensor:
        """Return the exact Fourier coefficients ``Σ Γ e^{-ik·a}/V`` times those of the Gaussian."""
        modes = self.modes
        assert self.mollify is not None  # refused before
        strengths, places = self._points(atom)
        for x, place, low, length in zip(modes.frame.space, places, modes.low, modes.lengths, strict=True):
            if modes.radius is not None and bool(((place < low) | (place > low + length)).any()):
                msg = f"{text(atom)} reaches outside the box that is computed with, {x} in [{low:g}, {low + length:g}]."
                raise DataError("D216", msg, fix=f"enlarge the window: Grid({x}=(low, high, points))")
        total: Tensor | None = None
        for k, place, low in zip(modes.k, places, modes.low, strict=True):
            wave = k.reshape(-1)
            waves = torch.polar(torch.ones_like(wave * (place - low)[..., None]), -wave * (place - low)[..., None])
            waves = waves * torch.exp(-((self.mollify * wave) ** 2) / 2)
            total = waves * strengths[..., None] if total is None else torch.einsum("bpx,bpy->bxy", total, waves)
        assert total is not None
        return total / float(np.prod(modes.lengths))

    def _points(self, atom: Measure) -> tuple[Tensor, list[Tensor]]:
        """Return strengths and coordinates of the points that make up a measure, each ``(batch, n)``."""
        if isinstance(atom, PointVortices):
            columns = [self._evaluated([p[i] for _, p in atom.vortices], {}) for i in range(self.modes.dim)]
            return self._evaluated([g for g, _ in atom.vortices], {}), columns
        assert isinstance(atom, VortexSheet)
        s, low, high = atom.args[2]
        edges = np.linspace(0, 1, PANELS + 1)
        nodes = (edges[:-1, None] + (NODES + 1) / (2 * PANELS)).ravel()
        weights = torch.as_tensor(np.tile(WEIGHTS / (2 * PANELS), PANELS), device=self.modes.device)
        unit = sp.Dummy("s", real=True)
        at = {unit: torch.as_tensor(nodes, device=self.modes.device)}
        along = low + (high - low) * unit
        strength = self._evaluated([(atom.density * (high - low)).subs(s, along)], at) * weights
        places = [self._evaluated([c.subs(s, along)], at).expand_as(strength) for c in atom.args[1]]
        return strength, places

    def _evaluated(self, expressions: list[sp.Expr], at: Mapping[sp.Symbol, Tensor]) -> Tensor:
        parameters = self.modes.parameters
        inputs = [v[None] for v in at.values()] + [v.reshape(-1, 1) for v in parameters.values()]
        like = torch.zeros((1, 1), dtype=torch.float64, device=self.modes.device)
        found = compile_expressions(expressions, [*at, *parameters])(*inputs, like=like)
        columns: list[Tensor] = list(torch.broadcast_tensors(*(f if f.ndim == 2 else f.reshape(1, 1) for f in found)))
        if at:
            return columns[0].expand(columns[0].shape[0], len(next(iter(at.values()))))
        return torch.cat(columns, dim=1)
