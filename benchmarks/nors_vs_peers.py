"""Solution maps of Φ⁴₁ until t = 0.05: NORS, its linear part, Picard expansions, FNO, DeepONet, Neural SPDE.

``u_t = u_xx + 3u - u^3 + sigma xi``, 128 points, 50 steps, 1000 training and 200 test paths:

- ξ → u from x(1 - x), σ = 1;  (u₀, ξ) → u, σ = 0.1;  u₀ → u, σ = 0.1, beside the floor that the noise leaves;
- the same network on finer grids and steps, noise modes held fixed;
- a family in σ and the cubic coefficient, against models of single parameters;
- the drift unknown, against FNO at equal data.

    python benchmarks/nors_vs_peers.py [--quick] [xi] [both] [draws] [initial] [finer] [family] [unknown]
"""

import json
import sys
import time
from dataclasses import replace

from record import RESULTS, environment, limit_threads, save

limit_threads(1)

import numpy as np  # noqa: E402
import peer_operators  # noqa: E402
import sympy as sp  # noqa: E402
import torch  # noqa: E402
from peer_training import Drivers, keep_memory, relative_errors  # noqa: E402
from spde_cases import (  # noqa: E402
    END,
    PACKAGES,
    POINTS,
    RUN,
    THREADS,
    T,
    U,
    X,
    across,
    judged,
    mean_predictor,
    phi4,
    semi_implicit,
    smooth_phi4,
    summary,
    told,
    untrained,
)

import sciml as sm  # noqa: E402
from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d  # noqa: E402
from sciml.train import Cosine, Training  # noqa: E402

QUICK = "--quick" in sys.argv
SEEDS = (0,) if QUICK else (0, 1, 2)
TRAIN, TEST = (100, 20) if QUICK else (1000, 200)
SECONDS = {"fno": 150, "deeponet": 60, "nspde": 150}  # of CPU time, of a training; the DeepONet gains no more
TRAINING = Training(steps=60 if QUICK else 1000, learning_rate=1e-2, schedule=Cosine(), evaluate_every=100)
METHODS = {
    "published": ("LinearMFV, published features", sm.LinearMFV(features="published")),
    "published_left": (
        "the same, sources at n - 1",
        sm.LinearMFV(features="published", quadrature="left"),
    ),
    "linear_1": ("LinearMFV, v and I[v³]", sm.LinearMFV(integrations=1)),
    "linear_2": ("LinearMFV, default", sm.LinearMFV()),
    "nors_published": ("NORS, published features", sm.NORS(features="published", quadrature="left", training=TRAINING)),
    "nors": ("NORS, v and I[v³]", sm.NORS(integrations=1, training=TRAINING)),
}
GRIDS = {
    "128 points, 50 steps": (128, 50),
    "256 points": (256, 50),
    "512 points": (512, 50),
    "100 steps": (128, 100),
    "200 steps": (128, 200),
}
SIGMA, CUBIC = sp.Symbol("sigma", nonnegative=True), sp.Symbol("c", positive=True)
PLACES = {"σ = 0.3, c = 0.7": (0.3, 0.7), "σ = 0.9, c = 1.8": (0.9, 1.8)}


def drivers_of(data):
    """Return what peers are given."""
    return Drivers(data["u"].values[:, 0], data["xi"].values, END)


def peer(name, train, test, seed):
    """Train a peer on the same paths."""
    began = time.process_time()
    seconds = 5 if QUICK else SECONDS[name]
    predictor = peer_operators.train(name, drivers_of(train), train["u"].values, seconds, seed)
    fitted = time.process_time()
    errors = relative_errors(predictor(drivers_of(test)), test["u"].values)
    spent = {"fit_s": fitted - began, "predict_s": time.process_time() - fitted, "steps": predictor.steps}
    return predictor, {**summary(errors), **spent}


def task(title, sigma, spread, peer_seeds):
    """Return the errors of all methods on a task; the slow peers may have fewer seeds."""
    print(title)
    problem, data = phi4(sigma, spread, END, TRAIN + TEST, 50)
    train, test = data[:TRAIN], data[TRAIN:]
    rows = {"mean": {"label": "mean of the training paths", "runs": [mean_predictor(train, test)]}}
    _, own = phi4(sigma, spread, END, TEST, 50, seed=7)
    for p in (1, 2):
        rows[f"picard_{p}"] = {
            "label": f"Picard expansion, {p} integrals, untrained",
            "runs": [untrained(problem, own, p)],
        }
    for name, (label, method) in METHODS.items():
        seeds = SEEDS if isinstance(method, sm.NORS) else SEEDS[:1]
        rows[name] = {"label": label, "runs": [judged(problem, method, train, test, s)[1] for s in seeds]}
        told(label, rows[name]["runs"][0])
    for name in peer_operators.PEERS:
        rows[name] = {"label": name, "runs": [peer(name, train, test, s)[1] for s in peer_seeds]}
        told(name, rows[name]["runs"][0])
    return {"title": title, "rows": {n: {**r, "across": across(r["runs"])} for n, r in rows.items()}}


def draws():
    """Return errors of the linear models for three draws of the data: fits have no seed of their own."""
    found = {}
    for title, sigma, spread in (("ξ → u, σ = 1", 1.0, 0.0), ("(u₀, ξ) → u, σ = 0.1", 0.1, 0.1)):
        rows = {}
        for seed in (1, 2, 3):
            problem, data = phi4(sigma, spread, END, TRAIN + TEST, 50, seed=seed)
            for name in ("published", "linear_2"):
                run = judged(problem, METHODS[name][1], data[:TRAIN], data[TRAIN:])[1]
                rows.setdefault(METHODS[name][0], []).append(run)
        found[title] = rows
    return found


def initial():
    """Return what a model that sees no noise can reach, and the floor: the mean over many paths from one start."""
    problem, data = phi4(0.1, 0.1, END, TRAIN + TEST, 50)
    train, test = data[:TRAIN], data[TRAIN : TRAIN + (4 if QUICK else 40)]  # the floor takes many solves of each
    rows = {"mean": mean_predictor(train, test)}
    rows["linear"] = judged(problem, sm.LinearMFV(inputs="initial"), train, test)[1]
    nors = sm.NORS(inputs="initial", training=replace(TRAINING, steps=60 if QUICK else 400))
    rows["nors"] = [judged(problem, nors, train, test, s)[1] for s in SEEDS]
    left = []
    for k in range(len(test)):
        start = test["u"].values[k, 0]
        same = problem.with_(conditions=[sm.IC(U, start)])
        paths = same.sample(64, semi_implicit(), grid=sm.Grid(x=POINTS, t=50), seed=100 + k, block=64, run=RUN)
        off = test["u"].values[k, 1:] - paths["u"].values[:, 1:].mean(0)
        left.append(float(np.sqrt((off**2).sum() / (test["u"].values[k, 1:] ** 2).sum())))
    rows["floor"] = {**summary(left), "starts": len(left), "paths": 64}
    told("floor", rows["floor"])
    return rows


def finer():
    """Return errors on grids and steps that a model has not seen."""
    problem = smooth_phi4(1.0)

    def draw(paths, points, steps, seed):
        method = sm.Spectral(dt=END / steps, degree=0)
        return problem.sample(paths, method, grid=sm.Grid(x=points, t=steps), seed=seed, block=50, run=RUN)

    train = draw(TRAIN, 128, 50, 1)
    tests = {label: draw(TEST // 2, *sizes, 5) for label, sizes in GRIDS.items()}
    rows = {}
    for name, method in (("linear_1", sm.LinearMFV(integrations=1)), ("nors", METHODS["nors"][1])):
        runs = []
        for seed in SEEDS if name == "nors" else SEEDS[:1]:
            solution, _ = judged(problem, method, train, tests["128 points, 50 steps"], seed)
            runs.append({label: summary(solution.compare(test)["u"].values) for label, test in tests.items()})
        rows[name] = runs
    for name in ("fno", "nspde"):
        rows[name] = []
        for seed in SEEDS[:1]:
            predictor, _ = peer(name, train, tests["128 points, 50 steps"], seed)
            found = {g: relative_errors(predictor(drivers_of(d)), d["u"].values) for g, d in tests.items()}
            rows[name].append({label: summary(e) for label, e in found.items()})
    return rows


def family():
    """Return errors of one model of a family, and of models of single parameters, at the same places."""
    xi = sm.WhiteNoise("xi", T, X)
    base = dynamic_phi4_1d(sigma=1.0, spread=0.1, end=END).with_(
        equations={"phi4": sp.Eq(sm.Dt(U), sm.Laplacian(U) + 3 * U - CUBIC * U**3 + SIGMA * xi)},
        parameters={SIGMA: sm.Range(0.1, 1.0), CUBIC: sm.Range(0.5, 2.0)},
    )

    def draw(problem, paths, seed):
        return problem.sample(paths, semi_implicit(), grid=sm.Grid(x=POINTS, t=50), seed=seed, block=100, run=RUN)

    places = {label: base.with_(parameters={SIGMA: s, CUBIC: c}) for label, (s, c) in PLACES.items()}
    tests = {label: draw(problem, TEST, 9) for label, problem in places.items()}
    whole = draw(base, TRAIN, 1)
    found = {label: {"family": [], "single": [], "linear": []} for label in PLACES}
    method = sm.NORS(integrations=1, training=TRAINING)
    for seed in SEEDS:
        run = sm.Run(threads=THREADS, progress=False, seed=seed)
        fitted = base.solve(method, data=whole, run=run)
        for label, problem in places.items():
            # The same model for a place in the range: samples carry the values of their parameters.
            test = _with_parameters(base, tests[label], PLACES[label])
            found[label]["family"].append(summary(fitted.compare(test)["u"].values))
            if seed == SEEDS[0]:
                train = draw(problem, TRAIN, 1)
                found[label]["single"].append(judged(problem, method, train, tests[label], seed)[1])
                found[label]["linear"].append(judged(problem, sm.LinearMFV(integrations=1), train, tests[label])[1])
    return found


def _with_parameters(base, data, values):
    count = len(data)
    named = {s.name: ("sample", np.full(count, v)) for s, v in zip((SIGMA, CUBIC), values, strict=True)}
    return replace(data, ds=data.ds.assign(named), problem=base)


def unknown():
    """Return errors where the drift is learned from paths, beside those where it is known, and of FNO."""
    truth, data = phi4(1.0, 0.1, END, TRAIN + TEST, 50)
    train, test = data[:TRAIN], data[TRAIN:]
    drift = sm.Unknown("F", U)
    right = sm.Laplacian(U) + drift + SIGMA * sm.WhiteNoise("xi", T, X)
    problem = truth.with_(equations={"phi4": sp.Eq(sm.Dt(U), right)})
    rows = {}
    solution, rows["unknown"] = judged(problem, sm.LinearMFV(), train, test)
    _, rows["known"] = judged(truth, sm.LinearMFV(), train, test)
    rows["fno"] = [peer("fno", train, test, s)[1] for s in SEEDS]
    values = np.linspace(float(test["u"].min()), float(test["u"].max()), 201)
    off = solution.unknown["F"].at(u=values) - (3 * values - values**3)
    rows["drift"] = {"found": str(solution.unknown["F"]), "largest_error": float(np.abs(off).max())}
    told("unknown drift", rows["unknown"])
    return rows


PARTS = {
    "xi": lambda: task("ξ → u, σ = 1", 1.0, 0.0, SEEDS),
    "both": lambda: task("(u₀, ξ) → u, σ = 0.1", 0.1, 0.1, SEEDS[:1]),
    "draws": draws,
    "initial": initial,
    "finer": finer,
    "family": family,
    "unknown": unknown,
}


def main():
    """Measure the parts that were asked for, and put each into the record when it is done."""
    torch.set_num_threads(THREADS)
    keep_memory()
    name = "nors_vs_peers_quick" if QUICK else "nors_vs_peers"
    for part in [p for p in sys.argv[1:] if p in PARTS] or PARTS:
        print(part, flush=True)
        found = PARTS[part]()
        path = RESULTS / f"{name}.json"  # read late: parts may be measured side by side
        figures = json.loads(path.read_text()) if path.exists() else {}
        figures[part] = found
        figures |= {
            "environment": environment(THREADS, PACKAGES),
            "seeds": list(SEEDS),
            "training_paths": TRAIN,
            "test_paths": TEST,
            "peer_seconds": SECONDS,
            "settings": {f"{n}, {d}-D": v for (n, d), v in peer_operators.SETTINGS.items()},
        }
        save(name, figures)


if __name__ == "__main__":
    main()
