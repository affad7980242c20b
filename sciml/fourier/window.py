"""The whole plane or space on a periodic box: free-space Green's function, and the window that is shown.

The fields must vanish outside a region D somewhat larger than the window. Their velocity is not
small there, but it is needed in D only, and D sees no more of the Green's function of ``-Δ`` than the
part within the diameter R of D. Cut off at R it has a smooth Fourier transform, and on a box whose
period is at least R plus the width of D no periodic image reaches D: the velocity is that of free
space to spectral accuracy (Vico, Greengard & Ferrando 2016, doi:10.1016/j.jcp.2016.07.028).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from scipy.special import j0, j1
from torch import Tensor

__all__ = ["Window", "cut_green"]

REGION = 1.25  # width of D in widths of the window


@dataclass(frozen=True)
class Window:
    """Computing box around the windows of infinite axes.

    Attributes:
        low: Lower end of each axis of the box.
        lengths: Period of each axis.
        grid: Points of each axis.
        shown: Per axis, which points are stored.
        radius: Where the Green's function is cut off; None without infinite axes.
    """

    low: tuple[float, ...]
    lengths: tuple[float, ...]
    grid: tuple[int, ...]
    shown: tuple[slice, ...]
    radius: float | None

    @classmethod
    def around(
        cls,
        ends: Sequence[tuple[float, float]],
        points: Sequence[int],
        strides: Sequence[int],
        infinite: Sequence[bool],
    ) -> Window:
        """Make the box for axes with these ends, points and strides of storage; finite axes stay as they are."""
        widths = [REGION * (hi - lo) for (lo, hi), far in zip(ends, infinite, strict=True) if far]
        radius = math.hypot(*widths) if widths else None
        low, lengths, grid, shown = [], [], [], []
        for (lo, hi), n, stride, far in zip(ends, points, strides, infinite, strict=True):
            if not far:
                low.append(lo)
                lengths.append(hi - lo)
                grid.append(n)
                shown.append(slice(None, None, stride))
                continue
            assert radius is not None
            h = (hi - lo) / (n - 1)
            count = next_fast_len(2 * math.ceil((REGION * (hi - lo) + radius) / h / 2), real=True)
            count += count % 2
            before = (count - n) // 2
            low.append(lo - before * h)
            lengths.append(count * h)
            grid.append(count)
            shown.append(slice(before, before + n, stride))
        return cls(tuple(low), tuple(lengths), tuple(grid), tuple(shown), radius)

    def outside(self, values: Tensor) -> float:
        """Return the share of ``∫|f|`` that lies outside the region D, the worst over members."""
        inner = values.abs()
        total = inner.flatten(1).sum(1)
        for axis, (n, shown) in enumerate(zip(self.grid, self.shown, strict=True)):
            if shown.start is not None:
                slack = int((REGION - 1) / 2 * (shown.stop - shown.start))
                inner = inner.narrow(axis + 1, shown.start - slack, min(n, shown.stop - shown.start + 2 * slack))
        within = inner.flatten(1).sum(1)
        return float(torch.where(total > 0, 1 - within / total, torch.zeros_like(total)).amax())


def cut_green(norm: Tensor, radius: float, dim: int) -> Tensor:
    """Return the Fourier transform of the Green's function of ``-Δ``, cut off at a radius.

    In the plane ``(1 - J₀(Rk))/k² - R ln R J₁(Rk)/k``, in space ``(1 - cos Rk)/k²``.

    Args:
        norm: ``|k|``.
        radius: R.
        dim: 2 or 3.
    """
    k = torch.where(norm > 0, norm, torch.ones_like(norm))
    z = radius * k
    if dim == 3:
        return torch.where(norm > 0, 2 * torch.sin(z / 2) ** 2 / k**2, torch.full_like(k, radius**2 / 2))
    # SciPy's Bessel functions: torch's own are off by 4e-7 beyond z = 5, in double precision too.
    bessel0, bessel1 = (torch.as_tensor(f(z.cpu().numpy()), device=k.device) for f in (j0, j1))
    value = (1 - bessel0) / k**2 - radius * math.log(radius) * bessel1 / k
    return torch.where(norm > 0, value, torch.full_like(k, radius**2 / 4 - radius**2 / 2 * math.log(radius)))
