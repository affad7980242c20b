"""A drift that is not known, learned from noisy paths:  u_t = u_xx + F(u) + sigma xi;  the truth is F(u) = 3 u - u^3.

F is declared as Unknown and fitted by a polynomial to the mild form of the equation, which differentiates nothing;
then the features are those of the equation that was found, and the model predicts paths for new noise.
Run: python examples/unknown_drift.py
"""

import numpy as np
import sympy as sp

import sciml as sm

t, x = sm.coords("t x")
u, xi, sigma = sm.Field("u", t, x), sm.WhiteNoise("xi", t, x), sp.Symbol("sigma", positive=True)
F = sm.Unknown("F", u)

problem = sm.Problem(
    name="phi4 with an unknown drift",
    equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + F + sigma * xi),
    domain=sm.Torus((x, 0, 1)),
    time=(t, 0, sp.Rational(1, 20)),
    conditions=[sm.IC(u, sp.sin(2 * sp.pi * x) + sm.RandomField.fourier("a", x, modes=5, scale=0.2))],
    parameters={sigma: 1},
)
truth = problem.with_(equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + sigma * xi))


def main(paths: int = 200) -> float:
    """Return the median error of predictions for paths that were not seen."""
    grid = sm.Grid(x=64, t=50)
    data = truth.sample(paths + 50, sm.Spectral(scheme="semi-implicit-euler", dt=1e-3), grid=grid, seed=1)
    print(problem, end="\n\n")
    solution = problem.solve(sm.LinearMFV(), data=data[:paths])
    print(solution.unknown["F"])
    u_values = np.array([-1.0, 0.5, 1.0])
    print(f"F at u = {u_values.tolist()}: {solution.unknown['F'].at(u=u_values).round(6).tolist()}")
    error = float(solution.compare(data[paths:])["u"].median())
    print(f"median error of the predicted paths: {error:.1e}")

    # The same with an integrator that takes eight steps for each one that is stored: what it did between is not known.
    finer = truth.sample(paths, sm.Spectral(dt=1.25e-4), grid=grid, seed=1)
    print("from every eighth step:", problem.solve(sm.LinearMFV(), data=finer).unknown["F"])
    return error


if __name__ == "__main__":
    main()
