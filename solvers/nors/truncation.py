"""Half spectra cut to their lowest modes, and put back among more."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["embedded", "lowest"]


def _places(kept: int, size: int, *, half: bool, device: torch.device) -> Tensor:
    """Return where the modes ``|m| < kept`` stand: 0 .. kept-1, and the negative ones where both signs are stored."""
    found = list(range(kept)) if half else [*range(kept), *range(size - kept + 1, size)]
    return torch.tensor(found, device=device)


def lowest(hats: Tensor, kept: Sequence[int]) -> Tensor:
    """Return the modes with ``|m| < kept`` on each of the last axes, of which the very last is the halved one."""
    for i, count in enumerate(kept):
        axis = i - len(kept)
        places = _places(count, hats.shape[axis], half=axis == -1, device=hats.device)
        hats = hats.index_select(axis, places)
    return hats


def embedded(hats: Tensor, kept: Sequence[int], spectrum: Sequence[int]) -> Tensor:
    """Return the coefficients of :func:`lowest` among those of a whole half spectrum, 0 elsewhere."""
    for i, (count, size) in enumerate(zip(kept, spectrum, strict=True)):
        axis = i - len(kept)
        shape = [*hats.shape]
        shape[axis] = size
        places = _places(count, size, half=axis == -1, device=hats.device)
        hats = hats.new_zeros(shape).index_copy(axis, places, hats)
    return hats
