"""What the benchmarks of SPDE solution maps share: data of Φ⁴₁, methods and peers trained on them, errors.

Errors are relative L2 over space and all times after the first, one for each test path; what is reported is their
median and 95 % quantile, for each seed of the training.
"""

import time
from functools import cache

import numpy as np
import sympy as sp

import sciml as sm
from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d

THREADS = 1
RUN = sm.Run(threads=THREADS, progress=False)
POINTS, DT, END = 128, 1e-3, 0.05
PACKAGES = ["sciml-solvers", "torch", "numpy", "neuraloperator", "deepxde"]
T, X = sm.coords("t x")
U = sm.Field("u", T, X)


def semi_implicit(dt=DT):
    """The scheme of the published data: backward Euler for the finite-difference Laplacian, all modes kept."""
    return sm.Spectral(scheme="semi-implicit-euler", dt=dt, differences=True, degree=0)


@cache
def phi4(sigma, spread, end, paths, intervals, seed=1, substeps=1):
    """Return problem and paths of Φ⁴₁, drawn once."""
    problem = dynamic_phi4_1d(sigma=sigma, spread=spread, end=end)
    grid, method = sm.Grid(x=POINTS, t=intervals), semi_implicit(end / intervals / substeps)
    return problem, problem.sample(paths, method, grid=grid, seed=seed, block=100, run=RUN)


def smooth_phi4(sigma, modes=63):
    """Return Φ⁴₁ from x(1 - x) driven by a fixed number of modes, the same on every grid."""
    xi = sm.WhiteNoise("xi", T, X, modes=modes)
    equation = sp.Eq(sm.Dt(U), sm.Laplacian(U) + 3 * U - U**3 + sigma * xi)
    removed = {sp.Symbol("sigma", nonnegative=True): None}
    return dynamic_phi4_1d(spread=0.0, end=END).with_(equations={"phi4": equation}, parameters=removed)


def summary(errors):
    """Return median and 95 % quantile of the errors of paths."""
    return {"median": float(np.median(errors)), "p95": float(np.quantile(errors, 0.95))}


def across(runs):
    """Return the median over seeds of each number, with the extremes."""
    keys = [k for k, v in runs[0].items() if isinstance(v, (int, float))]
    return {k: [float(np.median([r[k] for r in runs])), *(f(r[k] for r in runs) for f in (min, max))] for k in keys}


def judged(problem, method, train, test, seed=0, name="u"):
    """Fit a method and return its solution, its errors, and CPU seconds of fit and prediction."""
    run = sm.Run(threads=THREADS, progress=False, seed=seed)
    began = time.process_time()
    solution = problem.solve(method, data=train, run=run)
    fitted = time.process_time()
    errors = solution.compare(test)[name].values
    spent = {"fit_s": fitted - began, "predict_s": time.process_time() - fitted}
    return solution, {**summary(errors), **spent}


def mean_predictor(train, test, name="u"):
    """Return the errors of the mean of the training paths."""
    fields, wanted = train[name].values, test[name].values
    off, axes = fields.mean(0) - wanted, tuple(range(1, wanted.ndim))
    errors = np.sqrt(np.square(off[:, 1:]).sum(axes) / np.square(wanted[:, 1:]).sum(axes))
    return summary(errors)


def untrained(problem, test, integrations):
    """Return the errors of the Picard expansion with the weights of the equation, in the scheme of the data."""
    made = test.method["options"]
    kept = {k: made[k] for k in ("scheme", "differences", "degree")}
    method = sm.LinearMFV(weights="picard", integrations=integrations, **kept)
    whole = problem.replay(test.numbered(range(len(test))), method, run=RUN)
    return summary(whole.compare(test)["u"].values)


def told(label, found):
    """Print a row."""
    shown = ", ".join(f"{k} {v:.3g}" for k, v in found.items() if isinstance(v, (int, float)))
    print(f"  {label}: {shown}", flush=True)
