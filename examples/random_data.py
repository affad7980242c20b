"""Decaying turbulence from a random field:  w_t + (v.grad) w = nu Laplacian(w),  w(0) a Gaussian random field.

The initial vorticity is drawn from a Matern law. What is drawn are Fourier modes, by name and seed: a
finer grid shows the same field with more of its modes, so that runs at two resolutions can be
compared. A warning says how much of the field a grid does not hold.
Run: python examples/random_data.py [folder for a picture]
"""

import sys
from pathlib import Path

import sympy as sp

import sciml as sm

t, x, y = sm.coords("t x y")
nu = sp.Symbol("nu", positive=True)
w = sm.Field("w", t, x, y)
v = sm.BiotSavart(w)
start = sm.RandomField.matern("eddies", x, y, length=1, smoothness=3, std=5)

problem = sm.Problem(
    name="decaying turbulence",
    equations=sp.Eq(sm.Dt(w) + sm.Advect(v, w), nu * sm.Laplacian(w)),
    domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
    time=(t, 0, 1),
    conditions=[sm.IC(w, start)],
    parameters={nu: 0.01},
    outputs={"energy": sm.Integral(sm.Dot(v, v)) / 2, "enstrophy": sm.Integral(w**2) / 2},
)


def solve(points: int, seed: int) -> sm.Solution:
    return problem.solve(grid=sm.Grid(x=points, y=points, t=4), run=sm.Run(seed=seed))


def main(folder: Path | None = None, points: int = 64, seed: int = 7) -> float:
    """Return the relative L2 difference of the two resolutions at the end."""
    print(problem, end="\n\n")
    coarse, fine, other = solve(points, seed), solve(2 * points, seed), solve(points, seed + 1)
    difference = coarse.compare(fine)["w"].values
    print(f"{fine}\nrelative L2 difference of {points} and {2 * points} points each way: ", end="")
    print(f"{difference[0]:.1e} at the start, {difference[-1]:.1e} at the end")
    print(f"the same for two seeds: {float(coarse.compare(other)['w'][-1]):.1f}")
    for name in ("energy", "enstrophy"):
        print(f"{name:<9} {float(fine[name][0]):8.3f} -> {float(fine[name][-1]):8.3f}")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        fine.plot("w", path=folder / "random_data.png")
    return float(difference[-1])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
