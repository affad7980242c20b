"""Navier-Stokes in the plane from a point vortex:  w_t + (v.grad) w = nu Laplacian(w),  v = BiotSavart(w).

The initial vorticity is a measure: no grid holds it. DRVM takes it as it is; the exact solution is that
of Lamb and Oseen. Then the same equation on a torus: two vortices turn round each other, judged by the
spectral method. Run: python examples/quickstart.py [folder] [--small]
"""

import sys
from pathlib import Path

import sympy as sp

import sciml as sm

t, x, y = sm.coords("t x y")
nu = sp.Symbol("nu", positive=True)
w = sm.Field("w", t, x, y)
v = sm.BiotSavart(w)  # velocity: a nonlocal operator of w
r2, core = x**2 + y**2, 4 * nu * t
swirl = sp.Piecewise(((1 - sp.exp(-r2 / core)) / r2, r2 > 0), (1 / core, True)) / (2 * sp.pi)

lamb = sm.Problem(
    name="Lamb-Oseen vortex",
    equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), nu * sm.Laplacian(w))},
    domain=sm.WholeSpace(x, y),
    time=(t, 0, 1),
    conditions=[sm.IC(w, sm.PointVortices(strength=[1], at=[(0, 0)]))],
    parameters={nu: 0.1},
    outputs={"v": v},
    exact={"v": sm.Vector(-y * swirl, x * swirl)},
)
blobs = [10 * sp.exp(8 * (sp.cos(x - sp.pi - a) + sp.cos(y - sp.pi) - 2)) for a in (-0.7, 0.7)]
torus = sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))
pair = lamb.with_(
    name="co-rotating pair", domain=torus, conditions=[sm.IC(w, sum(blobs))], parameters={nu: 0.02}, exact={}
)


def main(folder: Path, small: bool = False) -> tuple[float, float]:
    """Solve both, write files and pictures; return the largest errors of the velocity."""
    method = sm.DRVM(n_particles=8192, steps=20) if small else sm.DRVM()
    window, square = sm.Grid(x=(-2, 2, 65), y=(-2, 2, 65), t=4), sm.Grid(x=64, y=64, t=4)
    print(lamb, lamb.methods(), lamb.plan(method, grid=window), sep="\n\n")
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for problem, grid, truth in ((lamb, window, "exact"), (pair, square, pair.solve("spectral", grid=square))):
        solution = problem.solve(method, grid=grid)
        error = solution.compare(truth, on=["v"], times=[0.25, 0.5, 1.0])["v"]
        found.append(float(error.max()))
        shown = ", ".join(f"{100 * float(e):.2f} % at t = {float(e.time):g}" for e in error)
        print(f"\n{solution}\nrelative L2 error of the velocity: {shown}; {solution.provenance['seconds']:.1f} s")
        solution.save(folder / f"{problem.name.split()[0].lower()}.h5")
        solution.plot("w", path=folder / f"{problem.name.split()[0].lower()}.png")
    print("off the grid:", solution.at(t=0.37, x=3.0, y=[2.0, 4.0])["v"].values.round(3).tolist())
    return found[0], found[1]


if __name__ == "__main__":
    folders = [a for a in sys.argv[1:] if not a.startswith("--")]
    main(Path(folders[0] if folders else "."), "--small" in sys.argv)
