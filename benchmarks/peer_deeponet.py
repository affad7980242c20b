"""DeepONet by DeepXDE: one network of the input, one of the place, and the scalar product of both.

    u(t, x) = Σ_i b_i(u₀, ξ) τ_i(t, x) + c,   b and τ networks of relu layers.

b takes all values of the input on the grid of the training paths and works on no other; τ has sines and cosines of
the places, so that it is periodic.

Lu, Jin, Pang, Zhang & Karniadakis 2021, doi:10.1038/s42256-021-00302-5.
"""

import math
import os

import torch
from peer_training import coordinates
from torch import nn

os.environ.setdefault("DDE_BACKEND", "pytorch")

from deepxde.nn.pytorch import DeepONetCartesianProd


class DeepONetPeer(nn.Module):
    """DeepXDE's network with the peers' arguments.

    Args:
        sizes: Of time and space, for good.
        width: Neurons of each layer, and terms of the sum.
        depth: Layers of b and of τ.
    """

    def __init__(self, sizes, width, depth):
        super().__init__()
        inputs = math.prod(sizes) + math.prod(sizes[1:])
        branch, trunk = depth
        self.network = DeepONetCartesianProd(
            [inputs] + [width] * branch, [2 * len(sizes) - 1] + [width] * trunk, "relu", "Glorot normal"
        )

    def forward(self, start, forcing):
        """Return the field at all times."""
        time, *places = coordinates(forcing[:1])[0].flatten(1)
        waves = [wave(2 * math.pi * place) for place in places for wave in (torch.sin, torch.cos)]
        values = torch.cat([start.flatten(1), forcing.flatten(1)], dim=1)
        return self.network((values, torch.stack([time, *waves], dim=1))).reshape(forcing.shape)
