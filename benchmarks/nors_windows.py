"""Long horizons of Φ⁴₁: windows that restart from the model's own prediction, linear and with a network.

``u_t = u_xx + 3u - u^3 + sigma xi`` until T = 1, 128 points, 1000 steps of the reference, from random data around
x(1 - x); 300 training and 100 test paths. Errors are over space, at T = 1/2 and T = 1, medians and 95 % quantiles.

    python benchmarks/nors_windows.py [--quick]
"""

import sys

from record import environment, limit_threads, save

limit_threads(1)

import numpy as np  # noqa: E402
from spde_cases import DT, PACKAGES, THREADS, across, judged, phi4, told  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.train import Cosine, Training  # noqa: E402

QUICK = "--quick" in sys.argv
SEEDS = (0,) if QUICK else (0, 1, 2)
TRAIN, TEST = (40, 10) if QUICK else (300, 100)
TRAINING = Training(steps=40 if QUICK else 500, learning_rate=1e-2, schedule=Cosine(), evaluate_every=100)
WINDOWS, SIGMAS, TIMES = (0.05, 0.1, 0.2), (0.1, 1.0), (0.5, 1.0)
LONGEST = 0.1  # windows from here on are trained


def rolled(problem, method, train, test, seed):
    """Return errors at the judged times, and CPU seconds."""
    solution, found = judged(problem, method, train, test, seed)
    errors = solution.replay(test).compare(test, each_time=True)["u"]
    row = {"fit_s": found["fit_s"], "predict_s": found["predict_s"]}
    for t in TIMES:
        at = errors.sel(time=t, method="nearest").values
        row |= {f"median at {t:g}": float(np.median(at)), f"p95 at {t:g}": float(np.quantile(at, 0.95))}
    return row


def main():
    """Measure, and write the record."""
    cases = []
    for sigma in SIGMAS:
        problem, data = phi4(sigma, 0.1, 1.0, TRAIN + TEST, round(1 / DT))
        train, test = data[:TRAIN], data[TRAIN:]
        for window in WINDOWS:
            methods = {"LinearMFV, published features": (sm.LinearMFV(features="published", window=window), SEEDS[:1])}
            methods["LinearMFV, v and I[v³]"] = (sm.LinearMFV(integrations=1, window=window), SEEDS[:1])
            methods["LinearMFV, default"] = (sm.LinearMFV(window=window), SEEDS[:1])
            if window >= LONGEST:
                methods["NORS, default features"] = (sm.NORS(window=window, training=TRAINING), SEEDS)
            for label, (method, seeds) in methods.items():
                runs = [rolled(problem, method, train, test, s) for s in seeds]
                told(f"sigma {sigma:g}, window {window:g}, {label}", runs[0])
                cases.append({"sigma": sigma, "window": window, "label": label, "runs": runs, "across": across(runs)})
    figures = {
        "environment": environment(THREADS, PACKAGES),
        "seeds": list(SEEDS),
        "training_paths": TRAIN,
        "test_paths": TEST,
        "dt": DT,
        "cases": cases,
    }
    save("nors_windows_quick" if QUICK else "nors_windows", figures)


if __name__ == "__main__":
    main()
