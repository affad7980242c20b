"""The state of a march as plain tensors, numbers and lists, for checkpoints."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from sciml.solvers.drvm.features import Geometry
from sciml.solvers.drvm.flow import Flow
from sciml.solvers.drvm.march import Labels, MarchState
from sciml.solvers.drvm.networks import Far, Network

__all__ = ["packed", "unpacked"]


def packed(state: MarchState) -> dict[str, Any]:
    """Return the content of a state."""
    return {
        "march": state.march,
        "slices": state.slices,
        "means": state.means,
        "networks": [_network(n) for n in state.networks],
        "labels": [[v.queries, v.total, v.square, v.count] for v in state.labels],
        "fits": list(state.fits),
        "centres": list(state.centres),
        "particles": [list(p) for p in state.particles],
    }


def _network(network: Network) -> dict[str, Any]:
    geometry, far = network.geometry, network.far
    return {
        "sizes": list(network.sizes),
        "flat": network.flat,
        "scale": network.scale,
        "centres": geometry.centres,
        "radii": geometry.sizes,
        "shares": geometry.shares,
        "far": None if far is None else [far.middle, far.half, far.circulation, far.centre],
    }


def unpacked(content: dict[str, Any], flow: Flow, device: torch.device) -> MarchState:
    """Return the state of a content.

    Raises:
        LookupError, TypeError, ValueError: It is not that of a march of this flow.
    """
    march, slices = content["march"], content["slices"]
    networks = tuple(_rebuilt(n, flow, device) for n in content["networks"])
    labels = tuple(
        Labels(_tensor(queries, device), _tensor(total, device), _tensor(square, device), int(count))
        for queries, total, square, count in content["labels"]
    )
    reached = len(networks)
    counts = {len(content[name]) for name in ("labels", "fits", "centres", "particles")}
    if not all(isinstance(v, int) and v >= 0 for v in (march, slices)) or counts != {reached}:
        msg = "its slices do not belong together"
        raise ValueError(msg)
    if not slices <= reached <= flow.steps or (march > 0) != (reached == flow.steps):
        msg = f"it holds {reached} of {flow.steps} slices"
        raise ValueError(msg)
    return MarchState(
        march,
        slices,
        _tensor(content["means"], device),
        networks,
        labels,
        tuple(float(v) for v in content["fits"]),
        tuple(_tensor(v, device) for v in content["centres"]),
        tuple((_tensor(a, device), _tensor(b, device)) for a, b in content["particles"]),
    )


def _rebuilt(content: dict[str, Any], flow: Flow, device: torch.device) -> Network:
    sizes = tuple(int(n) for n in content["sizes"])
    flat = _tensor(content["flat"], device)
    wanted = sum((a + 1) * b for a, b in pairwise(sizes))
    if flat.shape != (wanted,):
        msg = f"a network of sizes {sizes} has {wanted} weights, not {tuple(flat.shape)}"
        raise ValueError(msg)
    centres, radii, shares = (_tensor(content[name], device) for name in ("centres", "radii", "shares"))
    geometry = Geometry(centres, radii, shares, flow.lengths)
    if geometry.width != sizes[0]:
        msg = f"a network of {sizes[0]} inputs does not fit {geometry.width} features"
        raise ValueError(msg)
    far = content["far"]
    if far is not None:
        far = Far(_tensor(far[0], device), _tensor(far[1], device), float(far[2]), _tensor(far[3], device))
    return Network(sizes, flat, float(content["scale"]), geometry, far)


def _tensor(value: Any, device: torch.device) -> Tensor:
    if not isinstance(value, Tensor):
        msg = f"{type(value).__name__} stands where a tensor should"
        raise TypeError(msg)
    return value.to(device)
