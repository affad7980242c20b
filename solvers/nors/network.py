"""A Fourier neural operator on a few modes: what the linear model leaves, from the features.

    h₀ = A F,   h_{l+1} = gelu(W_l h_l + 𝓕⁻¹[R_l(k) 𝓕 h_l]),   output = C gelu(B h_L),

R_l a complex matrix for each of the lowest modes. Space is periodic, and never padded; the time axis is continued by
zeros over a fixed share of its length, its ends counted half, so that the same numbers mean the same operator at every
step and grid, to the order of the trapezoidal rule. The last layer starts at 0: before training it adds nothing.

Li, Kovachki, Azizzadenesheli et al. 2021, arXiv:2010.08895.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciml.solvers.nors.truncation import embedded, lowest
from sciml.streams import stream

__all__ = ["FourierNetwork"]

CONTINUED = 0.2  # of the time axis, by zeros: features are not periodic in time


class SpectralLayer(nn.Module):
    """``𝓕⁻¹[R(k) 𝓕 h]`` on the lowest modes of every axis; kept in single precision or better.

    Args:
        width: Channels.
        modes: Modes kept on each axis: ``|m| < modes``.
        generator: Draws the initial R.
    """

    def __init__(self, width: int, modes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.modes = tuple(modes)
        count = math.prod(2 * m - 1 for m in self.modes[:-1]) * self.modes[-1]
        drawn = torch.randn(count, width, width, 2, generator=generator, dtype=torch.float32)
        self.weight = nn.Parameter(drawn / (math.sqrt(2) * width))

    def forward(self, h: Tensor) -> Tensor:
        """Apply to ``(batch, width, *axes)``."""
        axes, sizes = tuple(range(2, h.ndim)), h.shape[2:]
        hats = lowest(torch.fft.rfftn(h, dim=axes, norm="forward"), self.modes)
        mixed = hats.flatten(2).permute(2, 0, 1) @ torch.view_as_complex(self.weight)
        out = mixed.permute(1, 2, 0).unflatten(2, hats.shape[2:])
        whole = embedded(out, self.modes, [*sizes[:-1], sizes[-1] // 2 + 1])
        made: Tensor = torch.fft.irfftn(whole, s=sizes, dim=axes, norm="forward")
        return made


class Pointwise(nn.Module):
    """A linear map of the channels of ``(batch, channel, *axes)``.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        generator: Draws the initial weights; torch's own layers would draw from its global generator.
    """

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter((2 * torch.rand(outputs, inputs, generator=generator) - 1) * bound)
        self.bias = nn.Parameter((2 * torch.rand(outputs, generator=generator) - 1) * bound)

    def forward(self, h: Tensor) -> Tensor:
        """Apply it."""
        flat = torch.baddbmm(self.bias[None, :, None], self.weight[None].expand(len(h), -1, -1), h.flatten(2))
        out: Tensor = flat.unflatten(2, h.shape[2:])
        return out


class FourierNetwork(nn.Module):
    """From features to what is left, ``(batch, inputs, *axes)`` to ``(batch, outputs, *axes)``.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        width: Channels inside.
        layers: Fourier layers.
        modes: Modes kept on each axis, the time first where there is one.
        has_time: Whether the first axis is the time.
        seed: Root of the streams of the initial weights.
    """

    def __init__(
        self, inputs: int, outputs: int, *, width: int, layers: int, modes: Sequence[int], has_time: bool, seed: int
    ) -> None:
        super().__init__()
        self.has_time = has_time
        generator = torch.Generator().manual_seed(int(stream(seed, "network").integers(2**62)))
        self.lift = Pointwise(inputs, width, generator)
        self.spectral = nn.ModuleList([SpectralLayer(width, modes, generator) for _ in range(layers)])
        self.local = nn.ModuleList([Pointwise(width, width, generator) for _ in range(layers)])
        self.inner = Pointwise(width, 2 * width, generator)
        self.last = Pointwise(2 * width, outputs, generator)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Evaluate."""
        h = self.lift(features)
        for spectral, local in zip(self.spectral, self.local, strict=True):
            smooth = self._in_time(spectral, h) if self.has_time else spectral(h)
            h = nn.functional.gelu(smooth + local(h))
        out: Tensor = self.last(nn.functional.gelu(self.inner(h)))
        return out

    def _in_time(self, spectral: nn.Module, h: Tensor) -> Tensor:
        """Apply a spectral layer to what is continued by zeros in time."""
        steps = h.shape[2]
        continued = max(1, round((steps - 1) * (1 + CONTINUED)) - steps)
        weights = h.new_ones(steps, *([1] * (h.ndim - 3)))
        weights[0] = weights[-1] = 0.5
        padded = torch.cat([h * weights, h.new_zeros(*h.shape[:2], continued, *h.shape[3:])], dim=2)
        made: Tensor = spectral(padded)[:, :, :steps]
        return made
