"""The gallery: every catalogue entry solved, measured and drawn; one Markdown page a family.

    python docs/gallery.py            writes docs/gallery/ anew
    python docs/gallery.py --check    solves everything coarsely and briefly, into a temporary folder

The check fails if an entry belongs to no family, if a solution is not what its line promises, or if
the pages list other entries, equations, descriptions or calls than the catalogue does now. Numbers
and pictures are not compared. Needs the extra ``plot``.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

import sciml as sm
from sciml.method import registry

FOLDER = Path(__file__).parent / "gallery"
MAX_BYTES = 60_000
MEASURED = "*Measured:*"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How an entry is shown.

    Attributes:
        grid: Where its solution is stored.
        draw: The variable that is drawn.
        arguments: What the catalogue function is called with.
        rtol: Accuracy in time.
        watch: The output that is measured; None measures the error against the exact solution.
        expect: How that output changes from the first time to the last.
        mollify: Width that singular data are given.
        dt: Time step of an equation driven by noise, one path of which is drawn; ``rtol`` says nothing then.
        measured: Variables whose error is measured; all that have an exact solution if empty.
    """

    grid: sm.Grid
    draw: str
    arguments: Mapping[str, float] = field(default_factory=dict)
    rtol: float = 1e-6
    watch: str | None = None
    expect: Literal["is conserved", "falls", "goes"] = "is conserved"
    mollify: float | None = None
    dt: float | None = None
    measured: tuple[str, ...] = ()

    @property
    def method(self) -> sm.Spectral:
        """The method as it is printed."""
        if self.dt is not None:
            return sm.Spectral(dt=self.dt)
        return sm.Spectral(rtol=self.rtol, mollify=self.mollify)

    @property
    def call(self) -> str:
        """The method as a user types it."""
        if self.dt is not None:
            return f"sm.Spectral(dt={self.dt:g})"
        return f"sm.Spectral(rtol={self.rtol:g}{'' if self.mollify is None else f', mollify={self.mollify:g}'})"


def _line(points: int, times: int = 100) -> sm.Grid:
    return sm.Grid(x=points, t=times)


def _square(points: int, times: int = 9) -> sm.Grid:
    return sm.Grid(x=points, y=points, t=times)


def _window(half: float, points: int, times: int = 9) -> sm.Grid:
    return sm.Grid(x=(-half, half, points), y=(-half, half, points), t=times)


FAMILIES: dict[str, dict[str, Shown]] = {
    "diffusion-and-reaction": {
        "heat": Shown(grid=_line(64), draw="u", arguments={"nu": 0.5, "end": 2.0}),
        "fractional-heat": Shown(grid=_line(64), draw="u", arguments={"nu": 0.5, "alpha": 1.0, "end": 2.0}),
        "allen-cahn": Shown(
            grid=_square(128), draw="u", arguments={"nu": 0.03, "end": 15.0}, watch="energy", expect="falls"
        ),
        "fractional-allen-cahn": Shown(
            grid=_square(128), draw="u", arguments={"nu": 0.1, "end": 15.0}, watch="energy", expect="falls"
        ),
    },
    "waves-and-dispersion": {
        "burgers": Shown(grid=_line(128), draw="u", arguments={"nu": 0.1, "end": 4.0}),
        "damped-wave": Shown(grid=_line(64), draw="u", arguments={"damping": 1.1, "end": 4.0}),
        "klein-gordon": Shown(grid=_line(128), draw="u", watch="energy"),
        "schroedinger": Shown(grid=_line(256), draw="density", arguments={"end": 3.0}),
        "nonlinear-schroedinger": Shown(grid=_line(512), draw="density", arguments={"end": 6.0}),
        "korteweg-de-vries": Shown(grid=_line(256), draw="u", arguments={"end": 3.0}),
        "benjamin-bona-mahony": Shown(grid=_line(512), draw="u"),
    },
    "patterns": {
        "kuramoto-sivashinsky": Shown(
            grid=_line(192, 160), draw="u", arguments={"length": 60.0, "end": 160.0}, watch="mass", rtol=1e-4
        ),
        "swift-hohenberg": Shown(grid=_square(128), draw="u", watch="energy", expect="falls", rtol=1e-4),
        "cahn-hilliard": Shown(
            grid=_square(128), draw="u", arguments={"epsilon": 0.1, "end": 3.0}, watch="mass", rtol=1e-4
        ),
        "gray-scott": Shown(
            grid=_square(128), draw="v", arguments={"end": 4500.0}, watch="amount", expect="goes", rtol=1e-3
        ),
        "brusselator": Shown(grid=_square(96), draw="u", watch="contrast", expect="goes", rtol=1e-3),
    },
    "flows": {
        "taylor-green": Shown(grid=_square(64), draw="vorticity", arguments={"end": 9.0}),
        "boosted-taylor-green": Shown(grid=_square(64), draw="w", arguments={"end": 3.0}),
        "manufactured-flow": Shown(grid=_square(64), draw="w", arguments={"end": 3.0}),
        "co-rotating-vortices": Shown(grid=_square(128), draw="w", arguments={"end": 1.5}, watch="circulation"),
        "unlike-vortices": Shown(grid=_square(128), draw="w", watch="energy", expect="falls"),
        "abc-flow": Shown(grid=sm.Grid(x=48, y=48, z=48, t=3), draw="u", arguments={"end": 3.0}),
        "tri-periodic-flow": Shown(grid=sm.Grid(x=48, y=48, z=48, t=3), draw="u", arguments={"end": 3.0}),
    },
    "boxes": {
        "heat-on-interval": Shown(grid=_line(65), draw="u", arguments={"end": 2.0}),
        "simply-supported-beam": Shown(grid=_line(65), draw="u", arguments={"end": 2.0}),
    },
    "vortices-in-the-plane": {
        "lamb-oseen": Shown(grid=_window(2.0, 129), draw="v", mollify=0.06, rtol=1e-4, measured=("v",)),
        "fractional-lamb-oseen": Shown(grid=_window(6.0, 129), draw="v", mollify=0.15, rtol=1e-4, measured=("v",)),
        "point-vortex-pair": Shown(
            grid=_window(2.0, 129),
            draw="w",
            arguments={"nu": 0.002, "end": 10.0},
            watch="circulation",
            mollify=0.1,
            rtol=1e-4,
        ),
        "vortex-sheet": Shown(
            grid=_window(2.0, 129), draw="w", arguments={"end": 4.0}, watch="circulation", mollify=0.06, rtol=1e-4
        ),
        "elliptic-patch": Shown(
            grid=_window(3.0, 129), draw="w", arguments={"end": 8.0}, watch="circulation", mollify=0.1, rtol=1e-3
        ),
        "strained-vortex": Shown(grid=_window(3.0, 65), draw="w", arguments={"end": 3.0}),
    },
    "driven-by-noise": {
        "stochastic-heat": Shown(grid=_line(128), draw="u", watch="mass", expect="goes", dt=1e-3),
        "dynamic-phi4-1d": Shown(
            grid=_line(128), draw="u", arguments={"sigma": 1.0, "end": 2.0}, watch="mass", expect="goes", dt=1e-3
        ),
        "parabolic-multiplicative": Shown(
            grid=_line(128), draw="u", arguments={"sigma": 1.0, "end": 2.0}, watch="mass", expect="goes", dt=1e-3
        ),
        "stochastic-wave": Shown(grid=_line(128), draw="u", watch="mass", expect="goes", dt=1e-3),
        "stochastic-burgers": Shown(grid=_line(256), draw="u", arguments={"end": 4.0}, watch="mass", dt=1e-3),
        "stochastic-korteweg-de-vries": Shown(grid=_line(128), draw="u", watch="mass", dt=1e-4),
        "dynamic-phi4-2d": Shown(
            grid=_square(64), draw="u", arguments={"sigma": 0.5, "end": 0.2}, watch="mass", expect="goes", dt=1e-4
        ),
        "stochastic-navier-stokes": Shown(
            grid=_square(64), draw="w", arguments={"copies": 10, "end": 8.0}, watch="circulation", dt=1e-3
        ),
    },
}


def main(arguments: list[str]) -> int:
    """Write the gallery or check it; return the exit status."""
    warnings.filterwarnings("ignore", message="dealiasing removes|.*lies outside the window")
    torch.set_num_threads(1)
    _check_complete()
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    if not arguments:
        _write(FOLDER, coarse=False)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), coarse=True)
        faults = _differences(Path(folder))
    print(*faults or ["the gallery is up to date"], sep="\n")
    return 1 if faults else 0


def _check_complete() -> None:
    """Every registered entry belongs to exactly one family, and nothing else does."""
    listed = sorted(name for family in FAMILIES.values() for name in family)
    if listed != sorted(registry("sciml.problems")):
        odd = sorted(set(listed) ^ set(registry("sciml.problems"))) or listed
        raise SystemExit(f"FAMILIES in docs/gallery.py and the catalogue differ, or a name is repeated: {odd}")


def _write(folder: Path, *, coarse: bool) -> None:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    contents = ["# Gallery", "", "Every entry of the catalogue, written by `python docs/gallery.py`.", ""]
    for family, entries in FAMILIES.items():
        parts = [f"# {_title(family)}", "", "[Gallery](README.md)"]
        contents += [f"- [{_title(family)}]({family}.md): {', '.join(entries)}"]
        for name, shown in entries.items():
            parts += ["", *_entry(name, shown, folder, coarse=coarse)]
        (folder / f"{family}.md").write_text("\n".join(parts) + "\n")
    (folder / "README.md").write_text("\n".join(contents) + "\n")


def _title(family: str) -> str:
    return family.replace("-", " ").capitalize()


def _entry(name: str, shown: Shown, folder: Path, *, coarse: bool) -> list[str]:
    make = registry("sciml.problems")[name].load()
    problem = make(**shown.arguments)
    solution = _coarse(problem, shown) if coarse else problem.solve(shown.method, grid=shown.grid)
    _draw(solution, shown.draw, folder / "images" / f"{name}.png")
    function = make.__name__
    arguments = ", ".join(f"{k}={v!r}" for k, v in shown.arguments.items())
    print(f"{name:<24} {solution.provenance['seconds']:6.1f} s")
    return [
        f"## {_summary(make)}",
        "",
        problem.description,
        "",
        "```math",
        problem.latex(),
        "```",
        "",
        "```python",
        "import sciml as sm",
        f"from sciml.problems.{function} import {function}",
        "",
        f"solution = {function}({arguments}).solve({shown.call}, grid=sm.{shown.grid!r})",
        f'solution.plot("{shown.draw}", path="{name}.png")',
        "```",
        "",
        f"![{problem.description}](images/{name}.png)",
        "",
        f"{MEASURED} {_measured(solution, shown, demanding=not (coarse and shown.mollify))}.",
    ]


def _summary(make: Any) -> str:
    """Return the first line of the module, as ``sciml problems`` prints it."""
    return (sys.modules[make.__module__].__doc__ or "").splitlines()[0].rstrip(".")


def _coarse(problem: sm.Problem, shown: Shown) -> sm.Solution:
    """Solve for a tenth of the time, with half the points and little accuracy."""
    t, start, end = problem.time
    brief = problem.with_(time=(t, start, start + (end - start) / 10))
    axes = {n: _fewer(points) for n, points in shown.grid.axes.items() if n != t.name}
    mollify = None if shown.mollify is None else 2 * shown.mollify
    method = sm.Spectral(rtol=1e-3, mollify=mollify) if shown.dt is None else shown.method
    return brief.solve(method, grid=sm.Grid(**axes, **{t.name: 4}))


def _fewer(points: int | tuple[float, ...]) -> int | tuple[float, ...]:
    """Halve the points of an axis, or the intervals of a window."""
    return (*points[:2], (points[2] - 1) / 2 + 1) if isinstance(points, tuple) else max(points // 2, 12)


def _measured(solution: sm.Solution, shown: Shown, *, demanding: bool) -> str:
    """Return the sentence with the error or the change of an output, after checking that it is as expected.

    A coarse run of mollified data is another problem, of which nothing is demanded.
    """
    end = f"t = {float(solution.ds['time'][-1]):g}"
    if shown.watch is None:
        errors = {n: float(e[-1]) for n, e in solution.compare("exact", on=shown.measured or None).data_vars.items()}
        _demand(not demanding or max(errors.values()) < 0.1, solution, f"errors {errors}")
        listed = ", ".join(f"{n} {e:.0e}" for n, e in errors.items())
        return f"relative L2 error against the exact solution at {end}: {listed}"
    values = solution[shown.watch].values
    first, last = float(values[0]), float(values[-1])
    size = max(float(np.abs(values).max()), 1.0)
    as_expected = {
        "is conserved": abs(last - first) < 1e-4 * size,
        "falls": bool((np.diff(values) < 0).all()),
        "goes": bool(np.isfinite(values).all()),
    }
    _demand(not demanding or as_expected[shown.expect], solution, f"{shown.watch} {values}")
    if shown.expect == "is conserved":
        start = round(first / size, 12) * size + 0.0  # a mean of 1e-17 is 0
        return f"{shown.watch} is conserved: {start:.6g} at the start, changed by {abs(last - first):.0e} at {end}"
    return f"{shown.watch} {shown.expect} from {first:.6g} to {last:.6g} at {end}"


def _demand(truth: bool, solution: sm.Solution, what: str) -> None:
    if not truth:
        raise SystemExit(f"{solution.problem.name}: the solution is not what its entry promises: {what}")


def _draw(solution: sm.Solution, variable: str, path: Path) -> None:
    """Save the picture in full colour, or in 256 colours of its own where that would be too large."""
    buffer = io.BytesIO()
    solution.plot(variable).savefig(buffer, dpi=66)
    picture = Image.open(buffer).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        picture.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path.name} has {path.stat().st_size} bytes, more than {MAX_BYTES}")


def _differences(fresh: Path) -> list[str]:
    """Compare the committed pages with fresh ones, measured lines apart."""
    faults = []
    for name in sorted({p.name for f in (FOLDER, fresh) for p in f.glob("*.md")}):
        pages = [_comparable(f / name) for f in (FOLDER, fresh)]
        if pages[0] != pages[1]:
            faults.append(f"docs/gallery/{name} is out of date: run python docs/gallery.py")
    pictures = [{p.name for p in (f / "images").glob("*")} for f in (FOLDER, fresh)]
    if pictures[0] != pictures[1]:
        faults.append(f"docs/gallery/images has other pictures: {sorted(pictures[0] ^ pictures[1])}")
    return faults


def _comparable(page: Path) -> str:
    return re.sub(rf"{re.escape(MEASURED)}.*", MEASURED, page.read_text()) if page.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
