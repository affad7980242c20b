"""Neural SPDE, re-stated from its published algorithm: Picard sweeps of a mild equation in a latent space.

    z⁰ = K_t * L u₀,   z ← z⁰ + K ∗ (F(z) + G(z) ξ),   u = R z,

L linear, R a pointwise network of one hidden layer, F and G pointwise: linear, batch normalisation, tanh. The kernel K
is a complex matrix for each of the lowest modes of time and space; ``K_t *`` is its inverse transform in time, applied
in space, and ``∗`` the convolution in both, which is circular in time as well.

Salvi, Lemercier & Gerasimovičs 2022, arXiv:2110.10249. No code of theirs is used. Fields are real, so that half of
the modes of the last axis do; transforms are normalised so that one kernel means one operator on every grid.
"""

import torch
from torch import nn


class Mix(nn.Linear):
    """A linear map of channels, ``(sample, channel, place)``."""

    def forward(self, z):
        """Apply at all places alike."""
        return self.weight @ z + self.bias[:, None]


class Kernel(nn.Module):
    """The operators ``K_t *`` and ``K ∗``.

    Args:
        width: Channels.
        modes: Modes kept on each axis, time first; m of them are the frequencies ``-m/2 .. m/2 - 1``.
        gain: The deviation of the initial K is ``gain / width``.
    """

    def __init__(self, width, modes, gain):
        super().__init__()
        self.modes = modes
        self.symbol = nn.Parameter(gain / width * torch.randn(*modes[:-1], modes[-1] // 2, width, width, 2))

    def transport(self, z, steps):
        """Return ``K_t * z`` of fields ``(sample, channel, *space)`` at all times."""
        axes = tuple(range(2, z.ndim))
        hats = torch.fft.rfftn(z, dim=axes, norm="forward")[_kept(self.modes[1:], z.shape[2:])]
        hats = torch.einsum("ni...,m...ij->njm...", hats, torch.view_as_complex(self.symbol))
        return self._inverse(hats, (steps, *z.shape[2:])).roll(-1, dims=2)  # the first time is 1 / steps

    def convolve(self, z):
        """Return ``K ∗ z`` of fields ``(sample, channel, time, *space)``."""
        axes = tuple(range(2, z.ndim))
        hats = torch.fft.rfftn(z, dim=axes, norm="forward")[_kept(self.modes, z.shape[2:])]
        hats = torch.einsum("ni...,...ij->nj...", hats, torch.view_as_complex(self.symbol))
        return self._inverse(hats, z.shape[2:])

    def _inverse(self, hats, sizes):
        full = hats.new_zeros(*hats.shape[:2], *sizes[:-1], sizes[-1] // 2 + 1)
        full[_kept(self.modes, sizes)] = hats
        return torch.fft.irfftn(full, s=sizes, dim=tuple(range(2, full.ndim)), norm="forward")


def _kept(modes, sizes):
    """Return the index of the kept modes of a half spectrum."""
    if any(m > n for m, n in zip(modes, sizes, strict=True)):
        msg = f"{modes} modes do not fit on a grid of {tuple(sizes)}"
        raise ValueError(msg)
    places = [torch.arange(-(m // 2), m - m // 2) % n for m, n in zip(modes[:-1], sizes[:-1], strict=True)]
    return slice(None), slice(None), *torch.meshgrid(*places, torch.arange(modes[-1] // 2), indexing="ij")


class NeuralSPDE(nn.Module):
    """The network.

    Args:
        sizes: Of time and space; other grids must not be coarser.
        width: Channels of the latent field.
        modes: Modes of the kernel, see :class:`Kernel`; at most as many as ``sizes``.
        sweeps: Picard sweeps.
        readout: Neurons of R.
        gain: See :class:`Kernel`.
    """

    def __init__(self, sizes, width, modes, sweeps, readout, gain):
        super().__init__()
        self.sweeps = sweeps
        self.lift = Mix(1, width)
        self.kernel = Kernel(width, [min(m, n) for m, n in zip(modes, sizes, strict=True)], gain)
        self.drift, self.diffusion = (
            nn.Sequential(Mix(width, width), nn.BatchNorm1d(width), nn.Tanh()) for _ in range(2)
        )
        self.readout = nn.Sequential(Mix(width, readout), nn.ReLU(), Mix(readout, 1))

    def forward(self, start, forcing):
        """Return the field at all times."""
        lifted = self.lift(start.flatten(1)[:, None]).unflatten(2, start.shape[1:])
        z0 = self.kernel.transport(lifted, forcing.shape[1])
        z, rate = z0, forcing.flatten(1)[:, None]
        for _ in range(self.sweeps):
            flat = z.flatten(2)
            z = z0 + self.kernel.convolve((self.drift(flat) + self.diffusion(flat) * rate).reshape(z.shape))
        return self.readout(z.flatten(2)).reshape(forcing.shape)
