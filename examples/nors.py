"""Phi^4 driven by white noise, its solution map learned:  u_t = u_xx + 3 u - u^3 + xi/10,  from noise and start to u.

Paths of the reference teach a linear model on iterated integrals of the noise, and NORS, which adds a network.
Windows of 0.1 are chained until T = 1/2, each from the model's own prediction. One minute on a CPU.
Run: python examples/nors.py [folder for a picture]
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
    equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + xi / 10),
    domain=sm.Torus((x, 0, 1)),
    time=(t, 0, sp.Rational(1, 2)),
    conditions=[sm.IC(u, x * (1 - x) + sm.RandomField.fourier("a", x, modes=5, scale=0.1))],
)


def main(folder: Path | None = None, paths: int = 120, steps: int = 200) -> float:
    """Return the median error of NORS, as a part of that of the linear model on the same features."""
    data = problem.sample(paths + paths // 3, sm.Spectral(dt=1e-3, degree=0), grid=sm.Grid(x=64, t=500), seed=1)
    known, unseen, errors = data[:paths], data[paths:], {}
    linear = sm.LinearMFV(window=0.1, integrations=1)
    training = Training(steps=steps, learning_rate=0.01, schedule=Cosine(), evaluate_every=50)
    nors = sm.NORS(window=0.1, integrations=1, training=training)
    print(linear.feature_table(problem), problem.plan(nors, data=known), "", sep="\n\n")
    for method in (linear, nors):
        solution = problem.solve(method, data=known)
        predicted = solution.replay(unseen)
        errors[method.name] = predicted.compare(unseen, each_time=True)["u"]
        last = errors[method.name].isel(time=-1)
        print(f"{method.name:10}  median error at T = 1/2: {float(last.median()):.1e}, {solution.status}")
    if folder is not None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name, error in errors.items():
            left.semilogy(error["time"][1:], error.median("sample")[1:], label=name)
        left.set(xlabel="t", ylabel="median relative L2 error", title="paths that were not trained on")
        for paths_of, style in ((unseen, "k"), (predicted, "--")):
            right.plot(paths_of.ds["x"], paths_of["u"][0, -1], style)
        right.set(xlabel="x", ylabel="u(1/2, x)", title="one of them; dashed: NORS")
        left.legend()
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / "nors.png")
    return float(np.divide(*(errors[n].isel(time=-1).median() for n in ("nors", "linear-mfv"))))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
