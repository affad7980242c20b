"""The law of Phi^4 at t = 1/2 from a learned solution map:  u_t = u_xx + 3 u - u^3 + xi.

120 paths teach NORS, which then predicts thousands for new noise; laws are compared in standard errors.
Run: python examples/nors_law.py [folder for a picture]
"""

import sys
from pathlib import Path

import numpy as np
import sympy as sp

import sciml as sm
from sciml.train import Cosine, Training

t, x = sm.coords("t x")
u, xi = sm.Field("u", t, x), sm.WhiteNoise("xi", t, x)
problem = sm.Problem(
    name="phi4",
    equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + xi),
    domain=sm.Torus((x, 0, 1)),
    time=(t, 0, sp.Rational(1, 2)),
    conditions=[sm.IC(u, sm.RandomField.fourier("a", x, modes=5, scale=0.1))],
    outputs={"energy": sm.Integral(u**2) / 2},
)


def main(folder: Path | None = None, n: int = 2000, steps: int = 200) -> float:
    """Return the largest difference of the two laws, in standard errors."""
    reference, grid = sm.Spectral(dt=1e-2), sm.Grid(x=64, t=50)
    method = sm.NORS(window=0.1, time_modes=5, training=Training(steps=steps, learning_rate=0.01, schedule=Cosine()))
    model = problem.solve(method, data=problem.sample(120, reference, grid=grid, seed=1))
    print(model, f"\n{model.provenance['diagnostics']['error_kept_aside']:.2f} times the error of its linear part")
    learned, true = model.sample(n, seed=2), problem.sample(n, reference, grid=grid, seed=3)
    apart, laws = {}, {}
    laws["variance of u(1/2)"] = lambda paths: paths.variance("u").isel(time=-1, x=32)
    laws["covariance at distance 1/4"] = lambda paths: paths.covariance("u").isel(time=-1, separation_x=16)
    laws["mean energy"] = lambda paths: paths.mean("energy").isel(time=-1)
    laws["variance of the energy"] = lambda paths: paths.variance("energy").isel(time=-1)
    for name, law in laws.items():
        (a, da), (b, db) = ([float(law(p)[v]) for v in ("value", "standard_error")] for p in (learned, true))
        apart[name] = abs(a - b) / np.hypot(da, db)
        print(f"{name:28} {a:.4f} +- {da:.4f}, reference {b:.4f} +- {db:.4f}: {apart[name]:.1f} standard errors")
    if folder is not None:
        from matplotlib.figure import Figure

        folder.mkdir(parents=True, exist_ok=True)
        figure, bins = Figure(layout="constrained"), np.linspace(-3, 3, 41)
        axes = figure.subplots()
        for paths, label in ((learned, "NORS"), (true, "reference")):
            axes.hist(paths["u"][:, -1, 32], bins, density=True, histtype="step", label=label)
        axes.set(xlabel="u(1/2, 1/2)", ylabel="density", title=f"{n} paths each, of different noise")
        axes.legend()
        figure.savefig(folder / "nors_law.png")
    return max(apart.values())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
