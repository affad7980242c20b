"""1000 paths of Φ⁴₁ by `Problem.sample`, by the loop that made the published data, and by py-pde; memory on disk.

All solve ``u_t = u_xx + 3u - u^3 + 0.1 xi`` from ``x (1 - x)`` until t = 0.05 on 128 points of the circle. Ours and
the loops take 50 semi-implicit steps and keep every one; py-pde is explicit, needs steps below ``dx^2/2``, and keeps
the end. Each round takes all in turn, in another order each time, so that whatever else the machine does falls on
all; those that are slow draw fewer paths, and their time is scaled up. The laws are compared before any time is
believed: the spatial mean and ``u(1/2)^2`` at the end, averaged over all paths of all rounds.

    python benchmarks/ensembles.py [--quick]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import environment, limit_threads, save

THREADS = 1
limit_threads(THREADS)

import numpy as np  # noqa: E402
from peer_spde_loop import DT, INTERVALS, STEPS, published, vectorised  # noqa: E402
from peers import pypde_phi4  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d  # noqa: E402

QUICK = "--quick" in sys.argv
STREAM = "--stream"  # how this script calls itself, for a process of its own
ROUNDS = 2 if QUICK else 5
SIZES = (1000, 10_000) if QUICK else (1000, 10_000, 100_000)
PATHS, PUBLISHED, PYPDE = 1000, 100, 100  # of a round
SIGMA, END = 0.1, DT * STEPS
BLOCK = 250
DOUBTFUL = 4  # standard errors; six differences exceed it by chance once in 2600 runs
PACKAGES = ["sciml-solvers", "torch", "numpy", "py-pde", "numba"]

PROBLEM = dynamic_phi4_1d(sigma=SIGMA, spread=0.0, end=END)
METHOD = sm.Spectral(scheme="semi-implicit-euler", dt=DT, differences=True, degree=0)
RUN = sm.Run(threads=THREADS)


def ours(seed, paths=PATHS):
    """Return final values, ``(paths, 128)``."""
    drawn = PROBLEM.sample(paths, METHOD, grid=sm.Grid(x=INTERVALS, t=STEPS), seed=seed, block=BLOCK, run=RUN)
    return drawn["u"].values[:, -1]


def loop(draw, paths):
    """Return a function like :func:`ours` for one of the loops, whose last point repeats the first."""
    return lambda seed: draw(paths, SIGMA, seed)[:, -1, :-1]


def pypde():
    """Return a function like :func:`ours`, its time step, and the seconds to compile it."""
    dx, x = 1 / INTERVALS, (np.arange(INTERVALS) + 0.5) / INTERVALS  # it keeps the centres of cells
    dt = END / int(np.ceil(END / (0.45 * dx**2)))
    path, built = pypde_phi4(x * (1 - x), END, dt, SIGMA)
    return lambda seed: np.stack([path() for _ in range(PYPDE)]), dt, built


def measure(codes):
    """Return seconds for 1000 paths, by round, and the final values of all paths."""
    seconds, finals = {name: [] for name in codes}, {name: [] for name in codes}
    for turn in range(ROUNDS):
        names = list(codes)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            drawn = codes[name](turn)
            seconds[name].append((time.perf_counter() - began) * PATHS / len(drawn))
            finals[name].append(drawn)
        print(f"round {turn}: " + ", ".join(f"{n} {s[-1]:.2f} s" for n, s in seconds.items()), flush=True)
    return seconds, {name: np.concatenate(parts) for name, parts in finals.items()}


def law(final):
    """Return means over paths and their standard errors."""
    middle = final[:, final.shape[1] // 2]
    found = {"mean": final.mean(axis=1), "middle_squared": middle**2}
    return {n: [float(v.mean()), float(v.std(ddof=1) / len(v) ** 0.5)] for n, v in found.items()}


def apart(one, other):
    """Return the largest difference of two laws, in standard errors of the difference."""
    pairs = [(one[name], other[name]) for name in one]
    return max(abs(a[0] - b[0]) / float(np.hypot(a[1], b[1])) for a, b in pairs)


def ratios(slow, fast):
    """Return the median and the extremes of what rounds say."""
    found = np.array(slow) / np.array(fast)
    return {"ratio": float(np.median(found)), "range": [float(found.min()), float(found.max())]}


def stream(paths, folder):
    """Draw small paths to a file; print seconds, and peak memory in KiB before and after."""
    small = dynamic_phi4_1d(sigma=SIGMA)
    grid = sm.Grid(x=16, t=3)
    small.sample(BLOCK, METHOD, grid=grid, seed=0, to=Path(folder, "first.h5"), block=BLOCK, run=RUN)
    before, began = peak_kib(), time.perf_counter()
    small.sample(paths, METHOD, grid=grid, seed=1, to=Path(folder, "paths.h5"), block=1000, run=RUN)
    print(time.perf_counter() - began, before, peak_kib())


def peak_kib():
    """Return the peak of resident memory; getrusage would count that of the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def memory():
    """Return time, size and peak memory of streamed ensembles, each in a process of its own."""
    rows = []
    for paths in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, STREAM, str(paths), folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, before, after = map(float, done.stdout.split())
            size = Path(folder, "paths.h5").stat().st_size
        rows.append({"paths": paths, "seconds": seconds, "bytes": size, "first_kib": before, "peak_kib": after})
        print(f"{paths} paths to disk: {seconds:.1f} s, {size / 2**20:.1f} MiB, peak {after / 2**10:.0f} MiB")
    return rows


def main():
    """Measure, compare the laws, and write the record."""
    drawn, dt, built = pypde()
    codes = {
        "sciml": ours,
        "vectorised": loop(vectorised, PATHS),
        "published": loop(published, PUBLISHED),
        "py-pde": drawn,
    }
    ours(0, BLOCK)  # what is imported and compiled once does not count
    seconds, finals = measure(codes)
    laws = {name: law(final) for name, final in finals.items()}
    agreement = {name: apart(laws["sciml"], found) for name, found in laws.items() if name != "sciml"}
    print(f"largest difference from ours in standard errors: {agreement}")
    if max(agreement.values()) > DOUBTFUL:
        raise SystemExit("the laws differ: the times are not of the same thing")
    figures = {
        "environment": environment(THREADS, PACKAGES),
        "rounds": ROUNDS,
        "paths": PATHS,
        "block": BLOCK,
        "drawn": {name: len(final) // ROUNDS for name, final in finals.items()},
        "pypde_dt": dt,
        "pypde_build_s": built,
        "seconds": seconds,
        "medians_s": {name: float(np.median(s)) for name, s in seconds.items()},
        "against_ours": {name: ratios(s, seconds["sciml"]) for name, s in seconds.items() if name != "sciml"},
        "laws": laws,
        "apart_in_standard_errors": agreement,
        "streamed": memory(),
    }
    save("ensembles_quick" if QUICK else "ensembles", figures)


if __name__ == "__main__":
    if STREAM in sys.argv:
        stream(int(sys.argv[-2]), sys.argv[-1])
    else:
        main()
