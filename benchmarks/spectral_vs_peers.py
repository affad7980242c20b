"""Time to a given error: the spectral method against py-pde and exponax, one thread, one run.

Four periodic problems. Each code is given several resolutions, steps and dealiasing options; at
each error level its fastest setting that reaches the level counts. Set-up and compilation are
excluded for all three and listed apart. The truth is our own finest run; that exponax's finest run
agrees with it is part of the record.

    python benchmarks/spectral_vs_peers.py [--quick]
"""

import sys
import time

from record import environment, limit_threads, save

THREADS = 1
limit_threads(THREADS)

import numpy as np  # noqa: E402
import peers  # noqa: E402
import sympy as sp  # noqa: E402
import torch  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.problems.allen_cahn import allen_cahn  # noqa: E402
from sciml.problems.co_rotating_vortices import co_rotating_vortices  # noqa: E402
from sciml.problems.kuramoto_sivashinsky import kuramoto_sivashinsky  # noqa: E402

LEVELS = [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8]
PACKAGES = ["sciml-solvers", "torch", "py-pde", "numba", "exponax", "jax", "numpy"]
QUICK = "--quick" in sys.argv
REPEATS = 2 if QUICK else 7


def burgers():
    """A sine wave that steepens: ``u_t + (u^2/2)_x = 0.05 u_xx`` up to t = 1."""
    t, x = sm.coords("t x")
    u = sm.Field("u", t, x)
    return sm.Problem(
        name="burgers",
        equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), sm.Laplacian(u) / 20),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
    )


# problem -> (declaration, truth (points, dt), our settings (points, dt, degree), peers' settings)
PROBLEMS = {
    "allen-cahn": {
        "problem": allen_cahn(0.01, end=5.0),
        "truth": (256, 1 / 80),
        "sciml": [(n, h, d) for n in (32, 48, 64, 96, 128) for h in (0.5, 0.25, 0.1, 0.05) for d in (None, 0)],
        "exponax": [
            (peers.exponax_allen_cahn, n, h, {"dealiasing": f})
            for n in (32, 48, 64, 96, 128)
            for h in (0.5, 0.25, 0.1, 0.05)
            for f in (1 / 2, 1)
        ],
        "py-pde": [(peers.pypde_allen_cahn, n, None, {}) for n in (32, 64, 128, 256, 512)],
        "nu": 0.01,
    },
    "burgers": {
        "problem": burgers(),
        "truth": (512, 1 / 2000),
        "sciml": [(n, h, d) for n in (32, 64, 128, 256) for h in (0.1, 0.05, 0.02, 0.01, 0.0025) for d in (None, 0)],
        "exponax": [
            (peers.exponax_burgers, n, h, {"dealiasing": f})
            for n in (32, 64, 128, 256)
            for h in (0.1, 0.05, 0.02, 0.01, 0.0025)
            for f in (2 / 3, 1)
        ],
        "py-pde": [(peers.pypde_burgers, n, None, {}) for n in (32, 64, 128, 256, 512, 1024)],
        "nu": 0.05,
    },
    "kuramoto-sivashinsky": {
        "problem": kuramoto_sivashinsky(22.0, end=10.0),
        "truth": (256, 1 / 400),
        "sciml": [(n, h, None) for n in (32, 48, 64, 96) for h in (0.2, 0.1, 0.05, 0.02, 0.01)],
        "exponax": [
            (peers.exponax_kuramoto_sivashinsky, n, h, {})
            for n in (32, 48, 64, 96)
            for h in (0.2, 0.1, 0.05, 0.02, 0.01)
        ],
        "py-pde": [],
    },
    "navier-stokes": {
        "problem": co_rotating_vortices(0.01, end=2.0),
        "truth": (256, 1 / 200),
        "sciml": [(n, h, None) for n in (48, 64, 96, 128, 192) for h in (0.1, 0.05, 0.02, 0.01)],
        "exponax": [
            (peers.exponax_navier_stokes, n, h, {}) for n in (48, 64, 96, 128, 192) for h in (0.1, 0.05, 0.02, 0.01)
        ],
        "py-pde": [],
    },
}


def ours(problem, points, dt, degree, repeats):
    """Time our integration of ``[0, end]``; set-up (coefficients, compilation) is taken apart."""
    began = time.perf_counter()
    grid = sm.Grid(**{s.name: points for s in problem.frame.space}, t=1)
    plan = problem.plan(sm.Spectral(dt=dt, degree=degree), grid=grid, run=sm.Run(threads=THREADS)).step(0)
    engine, start = plan._engine, plan._state.progress
    engine.stepper.advance(start)
    built = time.perf_counter() - began
    end, seconds = peers.timed(lambda: engine.stepper.advance(start), repeats)
    return engine.modes.backward(end.state)[0, 0].numpy(), seconds, built


def initial_values(problem, points):
    """Return the declared initial data on a grid, as every code receives them."""
    grid = sm.Grid(**{s.name: points for s in problem.frame.space}, t=1)
    name = next(iter(problem.variables()))
    plan = problem.plan(sm.Spectral(degree=0), grid=grid).step(0)
    return plan.solution().ds[name].isel(time=0).transpose(*(s.name for s in problem.frame.space)).values


def error(values, truth):
    """Relative L2 error on the points that both grids share."""
    common = np.gcd(len(values), len(truth))
    strides = (slice(None, None, len(values) // common),) * values.ndim
    of_truth = (slice(None, None, len(truth) // common),) * truth.ndim
    return float(np.linalg.norm(values[strides] - truth[of_truth]) / np.linalg.norm(truth[of_truth]))


def attempt(code, label, call, truth):
    """Run one setting; an unstable one is recorded as such."""
    try:
        values, seconds, built = call()
    except (sm.Diverged, ArithmeticError, ValueError) as failure:
        return {"code": code, "setting": label, "failed": type(failure).__name__}
    deviation = error(values, truth)
    row = {"code": code, "setting": label, "error": deviation, "setup_s": built}
    row |= {"median_s": float(np.median(seconds)), "seconds": seconds}
    print(f"  {code:<8} {label:<36} error {deviation:8.1e}  {1e3 * row['median_s']:9.2f} ms", flush=True)
    return row if np.isfinite(deviation) else {"code": code, "setting": label, "failed": "not finite"}


def measure(name, case):
    """Run all settings of all codes on one problem."""
    problem, end = case["problem"], case["problem"].number(case["problem"].time[2])
    print(name, flush=True)
    truth = ours(problem, *case["truth"], 0 if name == "allen-cahn" else None, 1)[0]
    pick = (lambda settings: settings[:: max(1, len(settings) // 4)]) if QUICK else (lambda settings: settings)
    rows = []
    for points, dt, degree in pick(case["sciml"]):
        label = f"N={points} dt={dt:g}" + (" no dealiasing" if degree == 0 else "")
        rows.append(attempt("sciml", label, lambda p=points, h=dt, d=degree: ours(problem, p, h, d, REPEATS), truth))
    for code in ("exponax", "py-pde"):
        for function, points, dt, options in pick(case[code]):
            dim = problem.frame.dim
            step = dt or min(peers.pypde_stable_dt(points, dim, case["nu"], end), end / 20)
            step = end / np.ceil(end / step - 1e-9)
            label = " ".join([f"N={points} dt={step:.3g}", *(f"{k}={v:.2g}" for k, v in options.items())])
            u0 = initial_values(problem, points)
            call = lambda f=function, u=u0, h=step, o=options: f(u, end, h, REPEATS, **o)  # noqa: E731
            rows.append(attempt(code, label, call, truth))
    finest = [r["error"] for r in rows if r["code"] == "exponax" and "error" in r]
    return {"rows": rows, "truth": case["truth"], "agreement_with_exponax": min(finest, default=None)}


def fastest(rows):
    """Return, for each code and error level, the fastest setting that reaches it."""
    out = {}
    for level in LEVELS:
        for code in dict.fromkeys(r["code"] for r in rows):
            good = [r for r in rows if r["code"] == code and r.get("error", np.inf) <= level]
            if good:
                best = min(good, key=lambda r: r["median_s"])
                spread = [float(np.quantile(best["seconds"], q)) for q in (0.25, 0.75)]
                out.setdefault(f"{level:g}", {})[code] = {
                    "seconds": best["median_s"],
                    "quartiles": spread,
                    "setting": best["setting"],
                    "error": best["error"],
                }
    return out


def main():
    """Measure every problem and write the record."""
    torch.set_num_threads(THREADS)
    figures = {"environment": environment(THREADS, PACKAGES), "repeats": REPEATS, "problems": {}}
    for name, case in PROBLEMS.items():
        measured = measure(name, case)
        measured["fastest"] = fastest(measured["rows"])
        figures["problems"][name] = measured
    save("spectral_vs_peers_quick" if QUICK else "spectral_vs_peers", figures)


if __name__ == "__main__":
    main()
