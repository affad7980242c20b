"""A Fourier neural operator by the library `neuraloperator`: space and time at once.

    h ← gelu(W h + 𝓕⁻¹[R(k) 𝓕 h]),   R a complex matrix for each of the lowest modes,

after a pointwise network of (u₀, ξ, t, places), before another to u. Time is the last axis: release 2.0.0 undoes
``fftshift`` by ``fftshift`` on all others, which is right for even sizes only. The time axis is continued by
zeros at both ends by a share of its length; space is periodic.

Li et al. 2021, arXiv:2010.08895; Kossaifi et al. 2024, arXiv:2412.10354.
"""

import torch
from neuralop.models import FNO
from peer_training import coordinates
from torch import nn


class FourierPeer(nn.Module):
    """The library's network with the peers' arguments.

    Args:
        sizes: Of time and space; only their number counts.
        width: Channels.
        modes: Modes kept on each axis, both signs counted; time first.
        depth: Fourier layers.
        continued: Share of the time axis that is added at each end.
    """

    def __init__(self, sizes, width, modes, depth, continued):
        super().__init__()
        dimensions = len(sizes) - 1
        self.network = FNO(
            n_modes=(*modes[1:], modes[0]),
            in_channels=3 + dimensions,
            out_channels=1,
            hidden_channels=width,
            n_layers=depth,
            positional_embedding=None,
            domain_padding=[0.0] * dimensions + [continued],
        )

    def forward(self, start, forcing):
        """Return the field at all times."""
        channels = torch.cat(
            [start[:, None, None].expand_as(forcing[:, None]), forcing[:, None], coordinates(forcing)], dim=1
        )
        return self.network(channels.movedim(2, -1))[:, 0].movedim(-1, 1)
