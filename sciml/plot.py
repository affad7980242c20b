"""Pictures of a solution; needs the extra ``plot`` (matplotlib)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sciml.errors import DataError, FileError

if TYPE_CHECKING:
    from sciml.solution import Solution

__all__ = ["plot"]

SNAPSHOTS = 4


def plot(solution: Solution, variable: str | None = None, *, path: str | Path | None = None) -> Any:
    """Draw one variable: profiles and space-time in 1-D, snapshots in 2-D, a middle slice in 3-D.

    Args:
        solution: What to draw.
        variable: Field, output or stored component; None takes the first field. A vector is drawn
            by its magnitude.
        path: Where to save the picture, by its suffix (png, pdf, svg).

    Returns:
        The matplotlib figure.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        msg = "plotting needs matplotlib, which is not installed."
        raise DataError("D220", msg, fix="pip install 'sciml-solvers[plot]'") from None
    name = variable or next(iter(solution.variables()))
    data = solution[name]
    if "component" in data.dims:
        data = ((data**2).sum("component") ** 0.5).rename(f"|{name}|")
    title = f"{solution.problem.name}: {data.name}"
    for symbol in solution.problem.family:  # the member in the middle stands for a family
        middle = data.sizes[symbol.name] // 2
        title += f", {symbol.name} = {float(data[symbol.name][middle]):.4g}"
        data = data.isel({symbol.name: middle})
    space = [str(d) for d in data.dims if d != "time"]
    if len(space) == 3:  # the middle plane of the slowest axis
        middle = data.sizes[space[0]] // 2
        data = data.isel({space[0]: middle})
        space = space[1:]
    finite = data.notnull().any([d for d in data.dims if d != "time"])
    if not finite.all() and finite.any():  # a measure has no values at the start
        data = data.isel(time=np.flatnonzero(finite.values))
    draw = {0: _series, 1: _space_time, 2: _snapshots}[len(space)]
    figure = Figure(layout="constrained")
    draw(figure, data, space)
    figure.suptitle(title)
    if path is not None:
        try:
            figure.savefig(path, dpi=120)
        except (OSError, ValueError) as error:
            msg = f"the picture {path} cannot be written: {error}"
            raise FileError("F410", msg, fix="use a suffix such as .png, .pdf or .svg in an existing folder") from None
    return figure


def _series(figure: Any, data: xr.DataArray, space: list[str]) -> None:
    figure.set_size_inches(6, 4)
    axes = figure.add_subplot()
    axes.plot(data["time"], data)
    axes.set(xlabel="t", ylabel=str(data.name))


def _space_time(figure: Any, data: xr.DataArray, space: list[str]) -> None:
    (x,) = space
    figure.set_size_inches(10, 4)
    left, right = figure.subplots(1, 2)
    for i in np.linspace(0, data.sizes["time"] - 1, 5).round().astype(int):
        left.plot(data[x], data.isel(time=i), label=f"t = {float(data['time'][i]):.4g}")
    left.set(xlabel=x, ylabel=str(data.name))
    left.legend(fontsize="small")
    image = right.pcolormesh(data[x], data["time"], data.transpose("time", x), **_colours(data))
    right.set(xlabel=x, ylabel="t")
    figure.colorbar(image, ax=right, label=str(data.name))


def _snapshots(figure: Any, data: xr.DataArray, space: list[str]) -> None:
    y, x = space
    count = min(SNAPSHOTS, data.sizes["time"])
    figure.set_size_inches(3.4 * count + 0.8, 4.1)
    panels = np.atleast_1d(figure.subplots(1, count, sharey=True))
    shown = np.linspace(0, data.sizes["time"] - 1, count).round().astype(int)
    image = None
    for panel, i in zip(panels, shown, strict=True):
        image = panel.pcolormesh(data[x], data[y], data.isel(time=i).transpose(y, x), **_colours(data))
        panel.set(xlabel=x, title=f"t = {float(data['time'][i]):.4g}", aspect="equal")
    panels[0].set_ylabel(y)
    figure.colorbar(image, ax=list(panels), label=str(data.name), shrink=0.85)


def _colours(data: xr.DataArray) -> dict[str, Any]:
    """Return a symmetric diverging scale for signed data, a sequential one otherwise."""
    low, high = float(data.min()), float(data.max())
    if low < -0.05 * high:
        bound = max(-low, high)
        return {"cmap": "RdBu_r", "vmin": -bound, "vmax": bound, "shading": "nearest"}
    return {"cmap": "magma", "vmin": low, "vmax": high, "shading": "nearest"}
