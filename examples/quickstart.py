"""Navier-Stokes in vorticity form on a torus:  w_t + (v.grad) w = nu Laplacian(w),  v = BiotSavart(w).

Two vortices of like sign turn around each other. The script prints what the package understood,
solves, compares with a run of twice the resolution and a hundredth of the tolerance, and writes a
file and a picture. Run: python examples/quickstart.py [folder] [--small]
"""

import sys
from pathlib import Path

import sympy as sp

import sciml as sm

t, x, y = sm.coords("t x y")
nu = sp.Symbol("nu", positive=True)
w = sm.Field("w", t, x, y)
v = sm.BiotSavart(w)  # velocity: a nonlocal operator of w


def vortex(centre: float) -> sp.Expr:
    return 10 * sp.exp(8 * (sp.cos(x - sp.pi - centre) + sp.cos(y - sp.pi) - 2))


problem = sm.Problem(
    name="co-rotating vortices",
    equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), nu * sm.Laplacian(w))},
    domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
    time=(t, 0, 2),
    conditions=[sm.IC(w, vortex(-0.7) + vortex(0.7))],
    parameters={nu: 0.01},
    outputs={"v": v, "circulation": sm.Integral(w), "energy": sm.Integral(sm.Dot(v, v)) / 2},
)


def main(folder: Path, points: int = 128) -> float:
    """Solve, check, save; return the error against the finer run."""
    grid = sm.Grid(x=points, y=points, t=8)
    print(problem, problem.methods(), problem.plan(grid=grid), sep="\n\n")
    solution = problem.solve(grid=grid)
    finer = problem.solve(sm.Spectral(resolution=2 * points, rtol=1e-8), grid=grid)
    error = float(solution.compare(finer)["w"].max())
    print(f"\n{solution}\nlargest relative L2 error against the finer run: {error:.1e}")
    for name in ("circulation", "energy"):
        series = solution[name].values
        print(f"{name:<12} {series[0]:.9f} at the start, {series[-1]:.9f} at the end")
    folder.mkdir(parents=True, exist_ok=True)
    solution.save(folder / "quickstart.h5")
    solution.plot("w", path=folder / "quickstart.png")
    print(f"written: {folder / 'quickstart.h5'}, {folder / 'quickstart.png'}")
    return error


if __name__ == "__main__":
    folders = [a for a in sys.argv[1:] if not a.startswith("--")]
    main(Path(folders[0] if folders else "."), 64 if "--small" in sys.argv else 128)
