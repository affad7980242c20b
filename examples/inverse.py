"""Viscosity and order from sensors:  u_t + (u^2/2)_x = -nu (-Laplacian)^(alpha/2) u,  nu and alpha unknown.

u was measured at ten places at each of ten times, with errors of standard deviation 0.01. Parameters
with the role Infer are fitted to such a table by least squares, with exact derivatives of the solver.
Run: python examples/inverse.py [folder for the result file]
"""

import sys
from pathlib import Path

import numpy as np
import sympy as sp

import sciml as sm

t, x = sm.coords("t x")
nu, alpha = sp.symbols("nu alpha", positive=True)
u = sm.Field("u", t, x)
TRUTH, NOISE = {nu: 0.2, alpha: 1.5}, 0.01

known = sm.Problem(
    name="fractional burgers",
    equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), nu * sm.FractionalLaplacian(u, alpha)),
    domain=sm.Torus((x, 0, 2 * sp.pi)),
    time=(t, 0, 1),
    conditions=[sm.IC(u, sp.sin(x) + sp.cos(3 * x) / 2)],
    parameters=TRUTH,
)


def measurements(seed: int = 0) -> dict[str, np.ndarray]:
    """What an experiment would give: a table with one row for each measurement."""
    rng = np.random.default_rng(seed)
    solution = known.solve(grid=sm.Grid(x=64, t=10))
    times, places = np.repeat(np.linspace(0.1, 1, 10), 10), rng.uniform(0, 2 * np.pi, 100)
    values = [float(solution.at(t=a, x=b)["u"]) for a, b in zip(times, places, strict=True)]
    return {"t": times, "x": places, "u": np.array(values) + NOISE * rng.standard_normal(100)}


def main(folder: Path | None = None, seed: int = 0) -> float:
    """Return the larger distance of an estimate from the truth, in standard errors."""
    problem = known.with_(
        parameters={nu: sm.Infer(0.5, bounds=(0.001, 2)), alpha: sm.Infer(1.0, bounds=(0.2, 2))},
        observations=[sm.Observe(u, measurements(seed), noise_std=NOISE)],
    )
    solution = problem.solve(grid=sm.Grid(x=64, t=10))
    print(problem, solution, sep="\n\n")
    found = {s: solution.parameters[s.name] for s in TRUTH}
    for symbol, estimate in found.items():
        print(f"{symbol.name:<5} = {estimate}, truth {TRUTH[symbol]}")
    worst = max(abs(e.value - TRUTH[s]) / e.std for s, e in found.items())
    print(f"farthest from the truth by {worst:.2f} standard errors")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        solution.save(folder / "inverse.h5")
    return worst


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
