"""Phi^4 in one dimension with white noise:  u_t = u_xx + 3 u - u^3 + sigma xi;  an ensemble of paths, and one of them.

The first path of an ensemble is the solution of its seed. Its noise is stored with it, so that another step
can be tried along the same path. In space a solution is as rough as Brownian motion: the mean square of its
increments over small r is sigma^2 r/2.
Run: python examples/stochastic.py [folder for a file and a picture]
"""

import sys
from pathlib import Path

import numpy as np
import sympy as sp

import sciml as sm

t, x = sm.coords("t x")
u, xi, sigma = sm.Field("u", t, x), sm.WhiteNoise("xi", t, x), sp.Symbol("sigma", positive=True)

problem = sm.Problem(
    name="phi4",
    equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + sigma * xi),
    domain=sm.Torus((x, 0, 1)),
    time=(t, 0, sp.Rational(1, 20)),
    conditions=[sm.IC(u, sp.sin(2 * sp.pi * x) + sm.RandomField.fourier("a", x, modes=2, scale=0.1))],
    parameters={sigma: 1},
)


def main(folder: Path | None = None, n: int = 500) -> tuple[float, float]:
    """Return E|u(x + r) - u(x)|^2/r at a small r, and by how much the first path differs from the solution."""
    print(problem, end="\n\n")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    grid = sm.Grid(x=128, t=10)
    paths = problem.sample(n, grid=grid, seed=1, to=None if folder is None else folder / "phi4.h5")
    print(paths)
    one = problem.solve(grid=grid, run=sm.Run(seed=1))
    same = float(abs(one["u"] - paths["u"][0]).max())
    again = problem.replay(paths.isel(sample=slice(0, 1)), sm.Spectral(dt=1e-4), grid=grid)
    step = float(np.linalg.norm(again["u"][0] - one["u"]) / np.linalg.norm(one["u"]))
    print(f"the solution of the seed and the first path differ by {same:.0e}; a step of 1e-4 changes it by {step:.0%}")
    mean, structure = paths.mean("u").isel(time=-1), paths.structure_function("u", along="x").isel(time=-1)
    print(f"mean of u(T, 1/4): {float(mean['value'][32]):.3f} +- {float(mean['standard_error'][32]):.3f}")
    r = structure["value"][structure["value"].dims[-1]].values
    slope, error = (float(structure[name][6] / r[6]) for name in ("value", "standard_error"))
    print(f"E|u(x + r) - u(x)|^2 / r = {slope:.3f} +- {error:.3f} at r = {r[6]:.3f}; sigma^2/2 = 0.5 as r -> 0")
    if folder is not None:
        one.plot("u", path=folder / "phi4.png")
    return slope, same


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
