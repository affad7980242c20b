"""Two dimensions: stochastic Navier-Stokes on full trajectories, NORS against FNO at equal data; Φ⁴₂ with Wick powers.

Navier-Stokes: ν = 10⁻⁴, σ = 0.05, T = 1, 50 steps, from random vorticity. On a CPU 32² points and 160 training paths;
``--gpu`` is for a machine with CUDA: 64² points, 1000 training paths, as published.

Φ⁴₂: 32² points, T = 0.025, 250 steps. Beside the error of the models stands that of the reference itself: the same
paths with a quarter of its step.

    python benchmarks/nors_plane.py [--quick | --gpu]
"""

import sys
import time

from record import environment, limit_threads, save

GPU, QUICK = "--gpu" in sys.argv, "--quick" in sys.argv
if not GPU:
    limit_threads(1)

import numpy as np  # noqa: E402
import peer_operators  # noqa: E402
import torch  # noqa: E402
from peer_training import Drivers, keep_memory, relative_errors  # noqa: E402
from spde_cases import PACKAGES, RUN, THREADS, across, judged, mean_predictor, summary, told  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.problems.dynamic_phi4_2d import dynamic_phi4_2d  # noqa: E402
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes  # noqa: E402
from sciml.train import Cosine, Training  # noqa: E402

SEEDS = (0,) if QUICK else (0, 1, 2)
POINTS, TRAIN, TEST = (64, 1000, 200) if GPU else (16, 20, 10) if QUICK else (32, 160, 40)
STEPS, SECONDS = (2000, 600) if GPU else (10, 5) if QUICK else (120, 100)
TRAINING = Training(steps=STEPS, learning_rate=1e-2, schedule=Cosine(), evaluate_every=50)


def flow():
    """Return errors of all models on Navier-Stokes."""
    problem = stochastic_navier_stokes(end=1.0)
    grid = sm.Grid(x=POINTS, y=POINTS, t=50)
    data = problem.sample(TRAIN + TEST, sm.Spectral(dt=0.02), grid=grid, seed=1, block=20, run=RUN)
    train, test = data[:TRAIN], data[TRAIN:]
    rows = {"mean": {"label": "mean of the training paths", "runs": [mean_predictor(train, test, "w")]}}
    methods = {
        "v": ("LinearMFV, v alone", sm.LinearMFV(integrations=0)),
        "published": ("LinearMFV, published features", sm.LinearMFV(features="published")),
        "linear_1": ("LinearMFV, v and I[(v·∇)v]", sm.LinearMFV(integrations=1)),
        "linear_2": ("LinearMFV, default", sm.LinearMFV()),
        "nors_1": ("NORS, v and I[(v·∇)v]", sm.NORS(integrations=1, channels=8, layers=2, training=TRAINING)),
        "nors_2": ("NORS, default features", sm.NORS(channels=8, layers=2, training=TRAINING)),
    }
    for name, (label, method) in methods.items():
        seeds = SEEDS if name == "nors_1" else SEEDS[:1]
        rows[name] = {"label": label, "runs": [judged(problem, method, train, test, s, "w")[1] for s in seeds]}
        told(label, rows[name]["runs"][0])
    rows["fno"] = {"label": "FNO (neuraloperator), time and space", "runs": [fno(train, test, s) for s in SEEDS]}
    told("fno", rows["fno"]["runs"][0])
    return {n: {**r, "across": across(r["runs"])} for n, r in rows.items()}


def fno(train, test, seed):
    """Train the library's FNO on the same paths."""
    given, asked = (Drivers(d["w"].values[:, 0], d["xi"].values, 1.0) for d in (train, test))
    began = time.process_time()
    predictor = peer_operators.train("fno", given, train["w"].values, SECONDS, seed)
    spent = time.process_time() - began
    errors = relative_errors(predictor(asked), test["w"].values)
    return {**summary(errors), "fit_s": spent, "steps": predictor.steps}


def phi42():
    """Return errors on Φ⁴₂, and that of the reference."""
    found = {}
    paths = 20 if QUICK else 60
    for sigma in (0.1, 1.0):
        problem = dynamic_phi4_2d(sigma=sigma)
        grid = sm.Grid(x=32, y=32, t=50 if QUICK else 250)
        dt = 0.025 / grid.axes["t"]
        data = problem.sample(paths, sm.Spectral(dt=dt), grid=grid, seed=1, block=20, run=RUN)
        test, train = data[: paths // 3], data[paths // 3 :]
        finer = problem.replay(test, sm.Spectral(dt=dt / 4), grid=grid, run=RUN)
        rows = {"reference": summary(test.compare(finer)["u"].values), "mean": mean_predictor(train, test)}
        for label, method in {
            "v": sm.LinearMFV(integrations=0),
            "linear_1": sm.LinearMFV(integrations=1),
            "linear_2": sm.LinearMFV(),
            "coarse": sm.LinearMFV(every=5),
        }.items():
            rows[label] = judged(problem, method, train, test)[1]
            told(f"sigma {sigma:g}, {label}", rows[label])
        found[f"{sigma:g}"] = rows
    return found


def main():
    """Measure, and write the record."""
    torch.set_num_threads(torch.get_num_threads() if GPU else THREADS)
    keep_memory()
    name = "nors_plane_gpu" if GPU else "nors_plane_quick" if QUICK else "nors_plane"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    figures = {"environment": environment(THREADS, PACKAGES), "device": device, "seeds": list(SEEDS)}
    figures |= {"points": POINTS, "training_paths": TRAIN, "test_paths": TEST, "peer_seconds": SECONDS}
    figures["phi42"] = phi42()
    save(name, figures)
    figures["flow"] = flow()
    save(name, figures)
    print(f"median error of FNO: {np.median([r['median'] for r in figures['flow']['fno']['runs']]):.3g}")


if __name__ == "__main__":
    main()
