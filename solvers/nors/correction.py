"""What a network adds to the linear model: ``û = Σ_f (w_f + δ_f) F_f + s G(F/σ)``.

G sees normalised features on a coarse grid of its own and gives what is left on it, in units s of what the linear
model left of the data; δ is the trainable part of the linear model. Both start at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sciml.solvers.nors.channels import Channels
from sciml.solvers.nors.network import FourierNetwork
from sciml.solvers.nors.setting import Setting

__all__ = ["Correction", "Shape"]

Array = np.ndarray[Any, Any]
CONSERVED = 1e-12
CONSTANT = 1e-6
LARGEST = 2**16  # of any size in a file
NAMES = ("network_shape", "network", "feature_mean", "feature_spread", "network_scale")


@dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Attributes:
        features: Channels that are features: their number times that of the states.
        others: Channels beside them.
        states: Channels that come out.
        width: Channels inside.
        layers: Fourier layers.
        has_time: 1 if it sees all steps of a window, 0 if only its end.
        time_modes: Modes kept in time.
        space_modes: Modes kept on each space axis.
    """

    features: int
    others: int
    states: int
    width: int
    layers: int
    has_time: int
    time_modes: int
    space_modes: int

    def weights(self, dim: int) -> int:
        """Return the number of weights, that of the linear part included."""
        modes = [self.time_modes] * self.has_time + [self.space_modes] * dim
        matrices = math.prod(2 * m - 1 for m in modes[:-1]) * modes[-1]
        layer = self.width**2 * (2 * matrices + 1) + self.width
        ends = (self.features + self.others + 1) * self.width + (self.width + 1) * 2 * self.width
        return self.features + ends + self.layers * layer + (2 * self.width + 1) * self.states

    def network(self, dim: int, seed: int) -> FourierNetwork:
        """Return a network of this shape, with initial weights."""
        modes = [self.time_modes] * self.has_time + [self.space_modes] * dim
        return FourierNetwork(
            self.features + self.others,
            self.states,
            width=self.width,
            layers=self.layers,
            modes=modes,
            has_time=bool(self.has_time),
            seed=seed,
        )


class Correction(nn.Module):
    """The network with its normalisation.

    Args:
        shape: Sizes.
        channels: What it sees.
        seed: Root of the streams of the initial weights.
    """

    mean: Tensor
    spread: Tensor
    scale: Tensor

    def __init__(self, shape: Shape, channels: Channels, seed: int = 0) -> None:
        super().__init__()
        self.shape, self.channels = shape, channels
        self.network = shape.network(len(channels.points), seed)
        self.skip = nn.Parameter(torch.zeros(shape.features // shape.states, shape.states, dtype=torch.float32))
        self.register_buffer("mean", torch.zeros(shape.features, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(shape.features, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(shape.states, dtype=torch.float64))

    def normalise(self, features: Tensor, rest: Tensor) -> None:
        """Take the scales of features ``(batch, channel, ...)`` and of what is to be learned, ``(batch, n, ...)``."""
        over = [0, *range(2, features.ndim)]
        self.mean.copy_(features.mean(over, dtype=torch.float64))
        spread = features.to(torch.float64).std(over)
        known = spread > CONSTANT * self.mean.abs()  # else it is one number, and what is left of it rounding
        self.spread.copy_(torch.where(known, spread, torch.ones_like(spread)))
        size = rest.square().mean(over).sqrt()
        self.scale.copy_(torch.where(size > 0, size, torch.ones_like(size)))

    def inputs(self, features: Tensor, others: Tensor) -> Tensor:
        """Return what the network takes, in single precision."""
        shape = (1, -1, *([1] * (features.ndim - 2)))
        seen = ((features - self.mean.reshape(shape)) / self.spread.reshape(shape)).float()
        return torch.cat([seen, others.float().expand(len(seen), *others.shape[1:])], dim=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the correction in units of its scale, ``(batch, n, [steps + 1,] *points)``."""
        skip = self.skip
        own = inputs[:, : self.shape.features].unflatten(1, tuple(skip.shape))
        linear: Tensor = (own * skip.reshape(1, *skip.shape, *([1] * (own.ndim - 3)))).sum(1)
        return linear + self._bent(inputs)

    def _bent(self, inputs: Tensor) -> Tensor:
        """Return what the network adds; it is 0 where a window begins, since the state there is known."""
        made: Tensor = self.network(inputs)
        if not self.channels.path:
            return made
        return made * torch.linspace(0, 1, made.shape[2], device=made.device, dtype=made.dtype).reshape(
            -1, *([1] * (made.ndim - 3))
        )

    def states(self, setting: Setting, features: Tensor, first: int) -> Tensor:
        """Return what is added, ``(steps + 1 or 1, batch, n, *spectrum)``.

        Args:
            setting: The problem on the grid of the features.
            features: ``(steps + 1, feature, batch, n, *spectrum)``.
            first: Number of the stored time that the window begins with.
        """
        self.channels.check(setting)
        dim = len(self.channels.points)
        others = self.channels.others(setting, first, len(features) - 1)
        inputs = self.inputs(self.channels.features(features), others)
        # The linear part acts on all modes, the network on those that it sees.
        made = self._bent(inputs).to(torch.float64)
        fields = made * self.scale.reshape(1, -1, *([1] * (made.ndim - 2)))
        if not self.channels.path:
            fields = fields.unsqueeze(2)
        steps_first = fields.movedim(2, 0).to(setting.modes.dtype)
        hats = self.channels.to_modes(steps_first, setting.modes.spectrum)
        change, offset = self._linear()
        seen = features if self.channels.path else features[-1:]
        row = [1, *change.shape[:1], 1, change.shape[1], *([1] * dim)]
        hats = hats + (seen * change.reshape(row).to(setting.modes.dtype)).sum(1)
        mean: tuple[slice | int, ...] = (*[slice(None)] * 3, *[0] * dim)
        hats[mean] += offset.to(hats)
        # A mean that is 0 in all features is conserved: of vorticity on a torus, of what noise without a mean drives.
        sizes = features[(slice(None), *mean)].abs().amax((0, 1, 2)), features.abs().amax((0, 1, 2, *range(4, 4 + dim)))
        hats[mean] *= (sizes[0] > CONSERVED * sizes[1]).to(hats)
        return setting.system.symmetrised(hats) if setting.modes.bounded else hats

    def _linear(self) -> tuple[Tensor, Tensor]:
        """Return the trained part of the weights, ``(feature, n)``, and the constant that normalisation leaves."""
        weights = self.skip.to(torch.float64) * self.scale
        change = weights / self.spread.reshape(self.skip.shape)
        return change, -(change * self.mean.reshape(self.skip.shape)).sum(0)

    def arrays(self) -> dict[str, Array]:
        """Return everything that :meth:`of` needs but the problem, for files."""
        flat = nn.utils.parameters_to_vector(self.parameters()).detach().cpu().numpy()
        return {
            "network": flat,
            "network_shape": np.array([*astuple(self.shape), *self.channels.points], dtype=np.int64),
            "feature_mean": self.mean.cpu().numpy(),
            "feature_spread": self.spread.cpu().numpy(),
            "network_scale": self.scale.cpu().numpy(),
        }

    @classmethod
    def of(
        cls, arrays: Mapping[str, Array], make: Callable[[Sequence[int]], Channels], device: torch.device
    ) -> Correction:
        """Return the network of :meth:`arrays`.

        Raises:
            LookupError, TypeError, ValueError: They are not those of a network.
        """
        found = {name: np.asarray(arrays[name]) for name in NAMES}
        if any(a.ndim != 1 or a.dtype.kind != ("i" if n == "network_shape" else "f") for n, a in found.items()):
            msg = "kinds of its arrays"
            raise ValueError(msg)
        numbers = [int(v) for v in found["network_shape"]]
        shape, points = Shape(*numbers[:8]), numbers[8:]
        channels = make(points)
        flat = torch.as_tensor(np.array(found["network"])).float()
        sizes = (shape.features, shape.features, shape.states)
        fits = (
            min(numbers) >= 0
            and max(numbers) <= LARGEST
            and min(shape.features, shape.states, shape.width, shape.layers, shape.space_modes) > 0
            and shape.features % shape.states == 0
            and shape.others == channels.count
            and shape.has_time == channels.path
            and (shape.time_modes > 0) == channels.path
            and 2 * shape.space_modes <= min(points, default=0)
            and shape.weights(len(points)) == flat.numel()
            and tuple(found[n].size for n in NAMES[2:]) == sizes
        )
        if not fits:
            msg = "number of weights or sizes of the network"
            raise ValueError(msg)
        finite = all(np.isfinite(found[n]).all() for n in NAMES[2:]) and bool(torch.isfinite(flat).all())
        if not finite or min(found["feature_spread"].min(), found["network_scale"].min()) <= 0:
            msg = "its numbers are not finite, or scales not positive"
            raise ValueError(msg)
        module = cls(shape, channels)
        place = 0
        with torch.no_grad():
            for p in module.parameters():  # copied: a view into the whole may start where complex numbers cannot
                p.copy_(flat[place : place + p.numel()].reshape(p.shape))
                place += p.numel()
        for buffer, name in ((module.mean, "feature_mean"), (module.spread, "feature_spread")):
            buffer.copy_(torch.as_tensor(np.array(arrays[name], dtype=np.float64)))
        module.scale.copy_(torch.as_tensor(np.array(arrays["network_scale"], dtype=np.float64)))
        return module.to(device)
