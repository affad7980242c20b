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
        kept = held(self.modes, sizes)
        out = self.mixed(lowest(torch.fft.rfftn(h, dim=axes, norm="forward"), kept), kept)
        whole = embedded(out, kept, [*sizes[:-1], sizes[-1] // 2 + 1])
        made: Tensor = torch.fft.irfftn(whole, s=sizes, dim=axes, norm="forward")
        return made

    def mixed(self, hats: Tensor, kept: Sequence[int]) -> Tensor:
        """Return ``R(k)`` times coefficients of the modes ``|m| < kept``."""
        counts = [*(2 * m - 1 for m in self.modes[:-1]), self.modes[-1]]
        weight = torch.view_as_complex(self.weight).movedim(0, -1).unflatten(-1, counts)
        own = lowest(weight, kept).flatten(2).movedim(-1, 0)
        made: Tensor = (hats.flatten(2).permute(2, 0, 1) @ own).permute(1, 2, 0).unflatten(2, hats.shape[2:])
        return made

    def in_time(self, h: Tensor) -> Tensor:
        """Apply to ``(batch, width, time, *axes)``, continued by zeros to (1 + CONTINUED) times its length.

        The few modes in time are sums: their period is a multiple of the length whatever the step.
        """
        steps, space, sizes = h.shape[2], tuple(range(3, h.ndim)), h.shape[3:]
        period = (1 + CONTINUED) * max(steps - 1, 1)
        kept = [min(self.modes[0], (int(period) + 1) // 2), *held(self.modes[1:], sizes)]
        m = torch.tensor([*range(kept[0]), *range(1 - kept[0], 0)], device=h.device, dtype=h.dtype)
        angle = 2 * math.pi / period * m[:, None] * torch.arange(steps, device=h.device, dtype=h.dtype)
        waves = torch.polar(torch.ones_like(angle), angle)
        ends = h.new_ones(steps)
        ends[0] = ends[-1] = 0.5
        low = lowest(torch.fft.rfftn(h, dim=space, norm="forward"), kept[1:])
        hats = torch.tensordot(waves.conj() * ends / period, low, dims=([1], [2])).movedim(0, 2)
        out = torch.tensordot(waves, self.mixed(hats, kept), dims=([0], [2])).movedim(0, 2)
        whole = embedded(out, kept[1:], [*sizes[:-1], sizes[-1] // 2 + 1])
        made: Tensor = torch.fft.irfftn(whole, s=sizes, dim=space, norm="forward")
        return made


def held(modes: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Return how many modes an axis has that have a sign: fewer on a few points."""
    return [min(m, (n + 1) // 2) for m, n in zip(modes, sizes, strict=True)]


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
        self.weight = nn.Parameter(
            (2 * torch.rand(outputs, inputs, generator=generator, dtype=torch.float32) - 1) * bound
        )
        self.bias = nn.Parameter((2 * torch.rand(outputs, generator=generator, dtype=torch.float32) - 1) * bound)

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
            assert isinstance(spectral, SpectralLayer)  # lists of modules do not tell what they hold
            smooth = self._in_time(spectral, h) if self.has_time else spectral(h)
            h = nn.functional.gelu(smooth + local(h))
        out: Tensor = self.last(nn.functional.gelu(self.inner(h)))
        return out

    def _in_time(self, spectral: SpectralLayer, h: Tensor) -> Tensor:
        return spectral.in_time(h)
