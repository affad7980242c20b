"""The pictures of docs/noise.md, and the numbers under them.

    python docs/noise.py

draws docs/images/noise-*.png anew and replaces each line of the page that begins with *Measured:*.
About a minute on one core. Needs the extra ``plot``.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import sympy as sp
import torch

import sciml as sm

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
PAGE = HERE / "noise.md"
MEASURED = "*Measured:*"
SEED = 4

t, x, y = sm.coords("t x y")
phi, psi = sm.Field("phi", t, x), sm.Field("phi", t, x, y)
xi = sm.WhiteNoise("xi", t, x)
LINE = sm.Torus((x, 0, 1))
COLOURS = ("tab:blue", "tab:orange", "tab:green")


def equation(nonlinear: sp.Expr, end: float) -> sm.Problem:
    """Return φ_t = φ_xx + nonlinear + ξ from 0."""
    return sm.Problem(
        equations=sp.Eq(sm.Dt(phi), sm.Laplacian(phi) + nonlinear + xi),
        domain=LINE,
        time=(t, 0, sp.nsimplify(end)),
        conditions=[sm.IC(phi, 0)],
    )


def draw(problem: sm.Problem, method: sm.Spectral, grid: sm.Grid, samples: range = range(1)) -> object:
    """Return samples of a problem, by their numbers."""
    return method.sampler(problem, grid, sm.Run(seed=SEED)).draw(samples)


def one_path() -> str:
    """Draw one path on three grids and with three steps."""
    problem = equation(3 * phi - phi**3, 0.05)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
    ends = {}
    for n, colour in zip((32, 128, 512), COLOURS, strict=True):
        ds = draw(problem, sm.Spectral(dt=0.05 / 512), sm.Grid(x=n, t=1))
        values = ds["phi"].values[0, -1]
        ends[n] = values
        left.plot(ds["x"], values, color=colour, lw=1.4 if n < 512 else 0.8, label=f"{n} points")
    steps = {}
    for count, colour in zip((8, 64, 512), COLOURS, strict=True):
        ds = draw(problem, sm.Spectral(dt=0.05 / count), sm.Grid(x=128, t=1))
        steps[count] = ds["phi"].values[0, -1]
        right.plot(ds["x"], steps[count], color=colour, lw=1.2, label=f"{count} steps")
    left.set_title("one path, three grids (512 steps)")
    right.set_title("the same path, three steps (128 points)")
    for axis in (left, right):
        axis.set_xlabel("x")
        axis.legend(frameon=False)
    left.set_ylabel("φ(0.05, x)")
    save(figure, "noise-one-path")
    space = [relative(ends[n], ends[512][:: 512 // n]) for n in (32, 128)]
    time = [relative(steps[n], steps[512]) for n in (8, 64)]
    return (
        f"relative L2 distance from 512 points: {space[0]:.2g} (32), {space[1]:.2g} (128); "
        f"from 512 steps: {time[0]:.2g} (8), {time[1]:.2g} (64). Seed {SEED}."
    )


def law() -> str:
    """Draw variances of modes of the linear equation for several weightings, with their exact values."""
    problem, samples, end = equation(sp.Integer(0), 0.02), 4000, 0.02
    grid = sm.Grid(x=64, t=4)
    methods = {
        'weights="law"': sm.Spectral(),
        'weights="path"': sm.Spectral(weights="path"),
        "semi-implicit Euler": sm.Spectral(scheme="semi-implicit-euler"),
    }
    k = 2 * np.pi * np.arange(1, 32)
    exact = -np.expm1(-2 * k**2 * end) / (2 * k**2)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6))
    left.loglog(k / (2 * np.pi), exact, "k-", lw=1, label="exact")
    told = []
    for (name, method), colour in zip(methods.items(), COLOURS, strict=True):
        hats = np.fft.rfft(draw(problem, method, grid, range(samples))["phi"].values[:, -1], norm="forward")
        found = (np.abs(hats[:, 1:32]) ** 2).mean(0)
        left.loglog(k / (2 * np.pi), found, ".", color=colour, label=name)
        error = found / exact - 1
        right.errorbar(k / (2 * np.pi), error, yerr=1 / np.sqrt(samples), fmt=".", color=colour, label=name, lw=0.8)
        told.append(f"{name} {np.abs(error).max() * np.sqrt(samples):.1f}")
    right.axhline(0, color="k", lw=0.8)
    right.set_ylim(-1, 0.4)
    left.set_title("variance of the modes of the linear equation, 4 steps")
    right.set_title("relative error, one standard error of 4000 samples")
    for axis in (left, right):
        axis.set_xlabel("mode number")
    left.legend(frameon=False)
    save(figure, "noise-law")
    return f"largest deviation of 31 variances, in standard errors: {', '.join(told)}. {samples} samples, seed {SEED}."


def wick() -> str:
    """Draw E[X²] of the linear equation in the plane beside the counterterm of its scheme, for two grids."""
    noise = sm.WhiteNoise("xi", t, x, y)
    plane = sm.Torus((x, 0, 1), (y, 0, 1))
    start = [sm.IC(psi, 0)]
    linear = sp.Eq(sm.Dt(psi), sm.Laplacian(psi) + noise)
    cubic = sp.Eq(sm.Dt(psi), sm.Laplacian(psi) - psi**3 + noise)
    time = (t, 0, sp.Rational(1, 40))
    figure, axis = plt.subplots(figsize=(5.6, 3.6))
    told = []
    for n, colour in zip((24, 96), COLOURS, strict=False):
        method, grid = sm.Spectral(degree=3, scheme="crank-nicolson"), sm.Grid(x=n, y=n, t=10)
        given = {"domain": plane, "time": time, "conditions": start}
        renormalised = sm.Problem(equations=cubic, renormalise="wick", **given)
        driven = method.engine(renormalised, grid, sm.Run()).driven
        constant = np.array([float(driven.contractions(i)[0].flatten()[0]) for i in range(11)])
        count = 400 if n < 50 else 100
        samples = draw(sm.Problem(equations=linear, **given), method, grid, range(count))
        found = (samples["phi"].values ** 2).mean((2, 3))
        mean, error = found.mean(0), found.std(0) / np.sqrt(count)
        times = np.linspace(0, 1 / 40, 11)
        axis.plot(times, constant, "-", color=colour, lw=1, label=f"counterterm, {n}² points")
        axis.errorbar(times, mean, yerr=2 * error, fmt=".", color=colour, label=f"mean of X², {count} samples")
        told.append(f"{np.abs((mean - constant)[1:] / error[1:]).max():.1f} with {n}² points")
    axis.set_xlabel("t")
    axis.set_title("what Wick powers subtract")
    axis.legend(frameon=False, fontsize=8)
    save(figure, "noise-wick")
    return f"largest deviation of the mean of X² from the counterterm, in standard errors: {', '.join(told)}."


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """Return the relative L2 distance."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def save(figure: plt.Figure, name: str) -> None:
    """Write a picture of the page."""
    figure.tight_layout()
    figure.savefig(HERE / "images" / f"{name}.png", dpi=110)
    plt.close(figure)


def main() -> None:
    """Draw everything and bring the page up to date."""
    torch.set_num_threads(1)
    found = iter([one_path(), law(), wick()])
    text = re.sub(rf"^{re.escape(MEASURED)}.*$", lambda _: f"{MEASURED} {next(found)}", PAGE.read_text(), flags=re.M)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
