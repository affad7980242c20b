"""The networks of all slices as a few plain arrays, for result files, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import FileError
from sciml.solvers.drvm.features import Geometry
from sciml.solvers.drvm.flow import Flow
from sciml.solvers.drvm.networks import Far, Network

__all__ = ["arrays_of", "networks_of"]

Array = np.ndarray[Any, Any]
FAR = 7  # middle, half, circulation, centre


def arrays_of(networks: Sequence[Network]) -> dict[str, Array]:
    """Return the networks of the slices as a few arrays."""
    if not networks:
        return {}
    geometries = [n.geometry for n in networks]
    out = {
        "sizes": np.array(networks[0].sizes, dtype=np.int64),
        "weights": np.stack([n.flat.cpu().numpy() for n in networks]),
        "scale": np.array([n.scale for n in networks]),
        "centres": np.stack([g.centres.cpu().numpy() for g in geometries]),
        "radii": np.stack([g.sizes.cpu().numpy() for g in geometries]),
        "shares": np.stack([g.shares.cpu().numpy() for g in geometries]),
    }
    far = [n.far for n in networks if n.far is not None]
    if far:
        rows = [[*f.middle.tolist(), *f.half.tolist(), f.circulation, *f.centre.tolist()] for f in far]
        out["far"] = np.array(rows)
    return {name: values for name, values in out.items() if values.size}


def networks_of(arrays: Mapping[str, Array], flow: Flow) -> list[Network]:
    """Return the networks of :func:`arrays_of`.

    Raises:
        FileError: The arrays do not belong together.
    """
    try:
        arrays = {name: values.astype(np.float64) for name, values in arrays.items()}  # copies: a file's are read-only
        sizes = tuple(int(n) for n in arrays["sizes"])
        weights, count = torch.as_tensor(arrays["weights"]), len(arrays["weights"])
        wanted = sum((a + 1) * b for a, b in pairwise(sizes))
        centres = torch.as_tensor(arrays.get("centres", np.zeros((count, 0, 2))))
        radii, shares = (torch.as_tensor(arrays.get(name, np.zeros((count, 0)))) for name in ("radii", "shares"))
        whole = centres.shape == (*radii.shape, 2) and radii.shape == shares.shape and len(radii) == count
        if not whole or weights.shape != (count, wanted) or not 0 < count <= flow.steps:
            msg = "shapes"
            raise ValueError(msg)
        out = []
        for k in range(count):
            geometry = Geometry(centres[k], radii[k], shares[k], flow.lengths)
            far = None if flow.lengths is not None else _far(torch.as_tensor(arrays["far"][k]))
            if geometry.width != sizes[0]:
                msg = "features"
                raise ValueError(msg)
            out.append(Network(sizes, weights[k], float(arrays["scale"][k]), geometry, far))
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        msg = f"the stored networks do not fit the problem: {str(error)[:80]}."
        raise FileError("F412", msg, fix="the file was changed after it was written; recompute it") from None
    return out


def _far(row: Tensor) -> Far:
    return Far(row[:2], row[2:4], float(row[4]), row[5:FAR])
