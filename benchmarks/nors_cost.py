"""Error against cost on refined truth, and what features cost.

Truth: Φ⁴₁ (σ = 1, 128 points, T = 0.05) with dt/16, dt = 10⁻³, which resolves the noise; its increments are summed down
for everybody who takes coarse steps. CPU time per 1000 paths, features and the exact stochastic convolution included:

- the reference scheme at 5 to 800 steps, fed summed increments;
- *split solver*, the fair rival: v exactly from the fine noise, exponential Euler in few steps for u - v;
- LinearMFV on coarse trees with the exact v; the same untrained; NORS on coarse trees; FNO and Neural SPDE on 50 summed
  increments.

Then ratios in one run, on paths at the solver's own step: fused linear inference, materialised features (published and
default), the published algorithm point by point, all against a solve by the reference; and memory by chunk.

    python benchmarks/nors_cost.py [--quick] [cost] [memory] [refined]
"""

import json
import sys
import time
from dataclasses import replace

from record import RESULTS, environment, limit_threads, save

limit_threads(1)

import numpy as np  # noqa: E402
import peer_operators  # noqa: E402
import torch  # noqa: E402
from peer_training import Drivers, keep_memory, relative_errors  # noqa: E402
from spde_cases import END, PACKAGES, POINTS, RUN, THREADS, phi4, semi_implicit, summary, told  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.labels import Drawn  # noqa: E402
from sciml.solvers.nors.numerics import numerics_for, own_numerics  # noqa: E402
from sciml.solvers.nors.operator import Operator, path_bytes  # noqa: E402
from sciml.solvers.nors.recorded import increments_of, start_of  # noqa: E402
from sciml.train import Cosine, Training  # noqa: E402

QUICK = "--quick" in sys.argv
TRAIN, TEST = (60, 20) if QUICK else (600, 100)
FINE = 800
COARSE = (5, 10, 25, 50)
ROUNDS = 2 if QUICK else 5
SECONDS = 5 if QUICK else 60
TRAINING = Training(steps=30 if QUICK else 500, learning_rate=1e-2, schedule=Cosine(), evaluate_every=100)
SLOW_PATHS = 1  # of the point by point algorithm
CHUNKS = (4, 32)


def thinned(data, steps):
    """Return an ensemble at every so many fine steps, with the increments between summed."""
    times = data.ds.sizes["time"] - 1
    stride = times // steps
    kept = data.ds.isel(time=slice(0, None, stride))
    noise = data.ds["xi"].values
    summed = noise[:, 1:].reshape(noise.shape[0], steps, stride, -1).sum(2)
    xi = np.concatenate([np.zeros_like(summed[:, :1]), summed], axis=1)
    record = {**data.record, "grid": {**data.record["grid"], "t": steps}}
    return replace(data, ds=kept.assign(xi=(data.ds["xi"].dims, xi, data.ds["xi"].attrs)), record=record)


def timed(work, paths):
    """Return what work gives, and CPU seconds per 1000 paths, on the one thread that there is."""
    began = time.process_time()
    found = work()
    return found, (time.process_time() - began) * 1000 / paths


def coarse_solver(problem, test, steps):
    """Return errors and cost of the reference scheme in few steps."""
    given, method = thinned(test, steps), semi_implicit(END / steps)
    found, cost = timed(lambda: problem.replay(given, method, grid=given.grid, run=RUN), len(test))
    return errors_of(found["u"].values, given["u"].values), cost


def errors_of(mine, theirs):
    """Return relative errors over space and all times after the first."""
    off, size = (np.square(a[:, 1:]).sum((1, 2)) for a in (mine - theirs, theirs))
    return np.sqrt(off / size)


class Split:
    """v from the fine noise by the linear flow of the reference, and exponential Euler for u - v in coarse steps."""

    def __init__(self, problem, data, steps):
        method = sm.LinearMFV(integrations=0, every=FINE // steps, scheme="semi-implicit-euler", differences=True)
        self.operator = Operator(method, problem, data.grid, RUN, numerics_for(method, data), None)
        self.steps = steps

    def __call__(self, data):
        """Return the field at the coarse times."""
        ds = data.ds
        setting = self.operator.setting(Drawn([int(k) for k in ds["sample"].values], {}))
        start, increments = start_of(setting, ds), increments_of(setting, ds)
        (v,) = setting.leaves(start, increments)
        h, modes = END / self.steps, setting.modes
        k = 2 * torch.pi * torch.arange(POINTS // 2 + 1, dtype=torch.float64)
        generator = 3 - (2 * POINTS * torch.sin(k / POINTS / 2)) ** 2
        decay, weight = torch.exp(h * generator), torch.expm1(h * generator) / generator
        w, states = torch.zeros_like(v[0]), [v[0]]
        for n in range(self.steps):
            u = modes.backward(v[n] + w)
            w = decay * w + weight * modes.forward(-(u**3))
            states.append(v[n + 1] + w)
        return modes.backward(torch.stack(states))[:, :, 0].transpose(0, 1).numpy()


def refined():
    """Return a row for each method and step: errors, and seconds per 1000 paths."""
    problem, data = phi4(1.0, 0.1, END, TRAIN + TEST, FINE)
    train, test = data[TEST:], data[:TEST]  # replays are of the first samples
    rows, kept = [], {"scheme": "semi-implicit-euler", "differences": True, "degree": 0}

    def add(label, steps, errors, cost, fit=0.0):
        rows.append({"label": label, "steps": steps, **summary(errors), "seconds": cost, "fit_s": fit})
        told(label, rows[-1])

    for steps in (*COARSE, 100, 200, 400):
        add("reference scheme", steps, *coarse_solver(problem, test, steps))
    for steps in COARSE:
        truth, every = thinned(test, steps), FINE // steps
        split = Split(problem, test, steps)
        found, cost = timed(lambda split=split: split(test), TEST)
        add("split solver", steps, errors_of(found, truth["u"].values), cost)
        picard = sm.LinearMFV(weights="picard", every=every, **kept)
        found, cost = timed(lambda m=picard: problem.replay(test, m, run=RUN), TEST)
        add("Picard, untrained", steps, errors_of(found["u"].values, truth["u"].values), cost)
        methods = {"LinearMFV": sm.LinearMFV(every=every)}
        if steps == 10:
            methods["NORS"] = sm.NORS(every=every, training=TRAINING, time_modes=min(8, steps // 2))
        for label, method in methods.items():
            began = time.process_time()
            solution = problem.solve(method, data=train, run=RUN)
            fit = time.process_time() - began
            found, cost = timed(lambda s=solution: s.replay(test, run=RUN), TEST)
            add(label, steps, errors_of(found["u"].values, truth["u"].values), cost, fit)
    coarse, wanted = thinned(train, 50), thinned(test, 50)
    for name in ("fno", "nspde"):
        given = Drivers(coarse["u"].values[:, 0], coarse["xi"].values, END)
        asked = Drivers(wanted["u"].values[:, 0], wanted["xi"].values, END)
        began = time.process_time()
        predictor = peer_operators.train(name, given, coarse["u"].values, SECONDS, 0)
        fit = time.process_time() - began
        found, cost = timed(lambda p=predictor, a=asked: p(a), TEST)
        add(name, 50, relative_errors(found, wanted["u"].values), cost, fit)
    return rows


def per_point(start, noise, steps, sigma):
    """Evaluate the ten published features of one path as the published code does, a number at a time; return them."""
    dx, dt = 1 / POINTS, END / steps
    matrix = np.eye(POINTS) * (1 + 2 * dt / dx**2)
    for i in range(POINTS):
        matrix[i, (i + 1) % POINTS] = matrix[i, i - 1] = -dt / dx**2
    inverse = np.linalg.inv(matrix).tolist()

    def march(first, source):
        rows = [list(first)]
        for n in range(1, steps + 1):
            given = [rows[-1][i] + source(n, i) for i in range(POINTS)]
            rows.append([sum(inverse[i][j] * given[j] for j in range(POINTS)) for i in range(POINTS)])
        return rows

    nothing = [0.0] * POINTS
    leaf = march(nothing, lambda n, i: sigma * noise[n][i])
    flow = march(start, lambda n, i: 0.0)
    powers = [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2)]
    made = [march(nothing, lambda n, i, a=a, b=b: dt * leaf[n][i] ** a * flow[n][i] ** b) for a, b in powers]
    return np.array([leaf, flow, *made])


def costs():
    """Return seconds of each way in every round, for the same 1000 paths at the solver's own step."""
    count = 100 if QUICK else 1000
    problem, data = phi4(1.0, 0.1, END, count, 50)
    data = replace(data, ds=data.ds.load())
    start_fields, noise = data["u"].values[:, 0], data["xi"].values
    ways, seconds = {}, {}
    for label, method in (("default", sm.LinearMFV()), ("published", sm.LinearMFV(features="published"))):
        operator = Operator(method, problem, data.grid, RUN, numerics_for(method, data), None)
        size = max(1, method.chunk * 2**20 // path_bytes(operator.first))
        blocks = []
        for a in range(0, count, size):
            block = data.ds.isel(sample=slice(a, a + size))
            setting = operator.setting(Drawn([int(k) for k in block["sample"].values], {}))
            blocks.append((setting, start_of(setting, block), increments_of(setting, block)))
        weights = torch.ones(operator.count, 1, dtype=torch.float64)

        def materialised(blocks=blocks):
            return [s.features(*s.window(start, increments)).shape for s, start, increments in blocks]

        def fused(blocks=blocks, weights=weights):
            return [s.features.combined(*s.window(z, xi), weights).shape for s, z, xi in blocks]

        ways |= {f"{label}, materialised": materialised, f"{label}, fused": fused}
    ways["reference"] = lambda: bare_reference(start_fields, noise)
    for turn in range(ROUNDS):
        for name in np.roll(list(ways), turn):
            with torch.no_grad():
                seconds.setdefault(str(name), []).append(timed(ways[name], count)[1])
    for turn in range(1 if QUICK else 3):
        k = turn % count
        _, cost = timed(lambda k=k: per_point(start_fields[k].tolist(), noise[k].tolist(), 50, 1.0), SLOW_PATHS)
        seconds.setdefault("published, point by point", []).append(cost)
    base = np.median(seconds["reference"])
    ratios = {n: float(np.median(s) / base) for n, s in seconds.items()}
    slow = float(np.median(seconds["published, point by point"]) / np.median(seconds["published, materialised"]))
    told("times a solve by the reference", ratios)
    return {"seconds": seconds, "ratios": ratios, "published_over_materialised": slow, "paths": count}


def bare_reference(start, noise):
    """Solve all paths by the reference scheme in plain torch, without drawing, labels or files."""
    dt = END / 50
    k = 2 * torch.pi * torch.arange(POINTS // 2 + 1, dtype=torch.float64)
    resolvent = 1 / (1 + dt * (2 * POINTS * torch.sin(k / POINTS / 2)) ** 2)
    u, kicks = torch.as_tensor(start), torch.as_tensor(noise)
    states = [u]
    for n in range(1, 51):
        u = torch.fft.irfft(resolvent * torch.fft.rfft(u + dt * (3 * u - u**3) + kicks[:, n]), n=POINTS)
        states.append(u)
    return torch.stack(states, dim=1)


def memory():
    """Return what the features of the paths computed together take, by the option that bounds it."""
    problem, data = phi4(1.0, 0.1, END, 100 if QUICK else 1000, 50)
    rows = []
    for chunk in CHUNKS:
        method = sm.LinearMFV(features="published", chunk=chunk)
        operator = Operator(method, problem, data.grid, RUN, own_numerics(method), None)
        each = path_bytes(operator.first)
        paths = max(1, chunk * 2**20 // each)
        block = data.ds.isel(sample=slice(0, paths)).load()
        setting = operator.setting(Drawn([int(k) for k in block["sample"].values], {}))
        made = setting.features(*setting.window(start_of(setting, block), increments_of(setting, block)))
        held = made.numel() * made.element_size() / 2**20
        rows.append({"chunk_mib": chunk, "paths": paths, "features_mib": held})
    return rows


PARTS = {"cost": costs, "memory": memory, "refined": refined}


def main():
    """Measure the parts that were asked for, and put each into the record when it is done."""
    torch.set_num_threads(THREADS)
    keep_memory()
    name = "nors_cost_quick" if QUICK else "nors_cost"
    path = RESULTS / f"{name}.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    for part in [p for p in sys.argv[1:] if p in PARTS] or PARTS:
        figures |= {part: PARTS[part](), "environment": environment(THREADS, PACKAGES)}
        figures |= {"fine_steps": FINE, "train": TRAIN, "test": TEST, "rounds": ROUNDS}
        save(name, figures)


if __name__ == "__main__":
    main()
