"""Navier-Stokes stirred by noise, its paths learned:  w_t + (v.grad) w = nu Lap(w) + f + sigma xi,  v = BiotSavart(w).

The feature I[n1] is the whole product (v.grad) v with its Biot-Savart. NORS predicts whole paths for new noise.
Run: python examples/nors_flow.py [folder for a picture]
"""

import sys
from pathlib import Path

import numpy as np

import sciml as sm
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes
from sciml.train import Cosine, Training

problem = stochastic_navier_stokes(nu=1e-3, sigma=0.5, end=1.0)


def main(folder: Path | None = None, points: int = 32, paths: int = 60, steps: int = 100) -> float:
    """Return the median error of NORS on paths that it has not seen."""
    grid = sm.Grid(x=points, y=points, t=25)
    data = problem.sample(paths + 20, sm.Spectral(dt=0.04), grid=grid, seed=1)
    known, unseen = data[:paths], data[paths:]
    training = Training(steps=steps, learning_rate=0.01, schedule=Cosine(), evaluate_every=25)
    linear, nors = sm.LinearMFV(integrations=1), sm.NORS(integrations=1, channels=8, layers=2, training=training)
    print(linear.feature_table(problem), end="\n\n")
    mean = known["w"].values.mean(0)
    off = [np.linalg.norm(w[1:] - mean[1:]) / np.linalg.norm(w[1:]) for w in unseen["w"].values]
    print(f"mean of the training paths   median error {np.median(off):.2e}")
    for method in (linear, nors):
        solution = problem.solve(method, data=known)
        predicted = solution.replay(unseen)
        error = float(predicted.compare(unseen)["w"].median())
        print(f"{method.name:27}  median error {error:.2e}")
    if folder is not None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 3.5), layout="constrained")
        truth, mine = (paths["w"][0, -1].values for paths in (unseen, predicted))
        fields = {"vorticity at t = 1": truth, "NORS": mine, "difference": mine - truth}
        for axes, (title, field) in zip(figure.subplots(1, 3), fields.items(), strict=True):
            shown = axes.imshow(field, origin="lower", extent=(0, 1, 0, 1), cmap="RdBu_r")
            axes.set(title=title, xlabel="x", ylabel="y")
            figure.colorbar(shown, ax=axes)
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / "nors_flow.png")
    return error


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
