"""One batched solve of 16 viscosities against 16 single solves: same fixed step, one thread, one run.

Each pair of measurements takes both in turn, the second one first every other time, so that whatever
else the machine does falls on both. Two times are taken: the integration alone, and whole solves with
set-up and labelled results (declarations are made before). The time of a step with 1 to 16 members is
fitted by ``overhead + members * arithmetic``: a family saves overhead and nothing else.

    python benchmarks/families.py [--quick]
"""

import sys
import time
import warnings

from record import environment, limit_threads, save

THREADS = 1
limit_threads(THREADS)

import numpy as np  # noqa: E402
import sympy as sp  # noqa: E402
import torch  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.problems.co_rotating_vortices import co_rotating_vortices  # noqa: E402

QUICK = "--quick" in sys.argv
PAIRS = 2 if QUICK else 5
MEMBERS = 16
SIZES = (1, 2, 4, 8, 16)
PACKAGES = ["sciml-solvers", "torch", "numpy", "sympy"]
GATE, GOAL = 3.0, 6.0

t, x = sm.coords("t x")
u = sm.Field("u", t, x)
nu = sp.Symbol("nu", positive=True)


def burgers():
    """``u_t + (u^2/2)_x = nu u_xx`` from sin x."""
    return sm.Problem(
        name="burgers",
        equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={nu: 0.1},
    )


def korteweg_de_vries():
    """``u_t + 6 u u_x + u_xxx = nu u_xx``: a soliton of speed 4 that loses height."""
    return sm.Problem(
        name="korteweg-de-vries",
        equations=sp.Eq(sm.Dt(u) + 3 * sm.Dx(u**2, x) + sm.Dx(u, x, 3), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, -20, 20)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, 2 / sp.cosh(x) ** 2)],
        parameters={nu: 0.1},
    )


# name -> (declaration, range of viscosities, points, time step)
CASES = {
    "burgers": (burgers(), (0.05, 0.5), {"x": 128}, 1 / 500),
    "korteweg-de-vries": (korteweg_de_vries(), (0.01, 0.1), {"x": 256}, 1 / 500),
    "vortices-32": (co_rotating_vortices(0.1, end=1.0), (0.05, 0.2), {"x": 32, "y": 32}, 1 / 200),
    "vortices-64": (co_rotating_vortices(0.1, end=1.0), (0.01, 0.1), {"x": 64, "y": 64}, 1 / 200),
}


def timed(call):
    """Return the result of a call and its wall time."""
    began = time.perf_counter()
    result = call()
    return result, time.perf_counter() - began


def stepper(problem, method, grid):
    """Return a function that integrates the whole interval; set-up is done."""
    plan = problem.plan(method, grid=grid, run=sm.Run(threads=THREADS)).step(0)
    start = plan._state.progress
    advance = plan._engine.stepper.advance
    advance(start)  # coefficients, compilation
    return lambda: advance(start)


def alternating(family, singles):
    """Return the wall times of both, taken in turn."""
    seconds = {"family": [], "singles": []}
    calls = {"family": family, "singles": lambda: [single() for single in singles]}
    for pair in range(PAIRS):
        for name in sorted(calls, reverse=bool(pair % 2)):
            seconds[name].append(timed(calls[name])[1])
    return seconds


def summary(seconds):
    """Return medians and the speed-up of each pair, with median and extremes."""
    ratios = np.array(seconds["singles"]) / np.array(seconds["family"])
    return {
        "seconds": seconds,
        "family_s": float(np.median(seconds["family"])),
        "singles_s": float(np.median(seconds["singles"])),
        "speedup": float(np.median(ratios)),
        "speedup_range": [float(ratios.min()), float(ratios.max())],
    }


def step_times(problem, method, points, values, steps):
    """Return the median time of one step for several numbers of members, and the straight line through them."""
    calls = [stepper(problem, method, sm.Grid(**points, t=1, nu=list(values[:n]))) for n in SIZES]
    rounds = [[timed(call)[1] / steps for call in calls] for _ in range(PAIRS)]
    medians = np.median(rounds, axis=0)
    # Weighted by 1/time: the line should be as good for one member as for sixteen, relatively.
    arithmetic, overhead = np.polyfit(SIZES, medians, 1, w=1 / medians)
    return {
        "members": list(SIZES),
        "step_s": medians.tolist(),
        "overhead_s": float(overhead),
        "arithmetic_s": float(arithmetic),
    }


def measure(problem, ends, points, dt):
    """Compare one problem's family with its members."""
    (symbol,) = problem.parameters
    family = problem.with_(parameters={symbol: sm.Range(*ends, scale="log")})
    values = np.geomspace(*ends, MEMBERS)
    members = [problem.with_(parameters={symbol: float(v)}) for v in values]
    method, run = sm.Spectral(dt=dt), sm.Run(threads=THREADS)
    many, one = sm.Grid(**points, t=1, nu=MEMBERS), sm.Grid(**points, t=1)
    together = family.solve(method, grid=many, run=run).final
    alone = [m.solve(method, grid=one, run=run).final for m in members]
    name = next(iter(problem.variables()))
    pairs = [(together[name].isel(nu=i).values, a[name].values) for i, a in enumerate(alone)]
    difference = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
    integration = alternating(stepper(family, method, many), [stepper(m, method, one) for m in members])
    whole = alternating(
        lambda: family.solve(method, grid=many, run=run),
        [lambda m=m: m.solve(method, grid=one, run=run) for m in members],
    )
    return {
        "points": points,
        "viscosities": list(ends),
        "dt": dt,
        "max_relative_difference": difference,
        "integration": summary(integration),
        "solve": summary(whole),
        "step": step_times(family, method, points, values, round(1 / dt)),
    }


def main():
    """Measure every case and write the record."""
    torch.set_num_threads(THREADS)
    warnings.filterwarnings("ignore", "dealiasing removes")  # from the coarse grids of both sides alike
    figures = {"environment": environment(THREADS, PACKAGES), "members": MEMBERS, "pairs": PAIRS}
    figures |= {"gate": GATE, "goal": GOAL, "cases": {}}
    for name, case in CASES.items():
        problem, ends, points, dt = case
        figures["cases"][name] = measured = measure(problem, ends, points, 5 * dt if QUICK else dt)
        for what in ("integration", "solve"):
            found = measured[what]
            low, high = found["speedup_range"]
            times = f"{found['singles_s']:7.3f} s / {found['family_s']:7.3f} s"
            print(f"{name:<18} {what:<12} {times} = {found['speedup']:.2f} ({low:.2f}-{high:.2f})", flush=True)
        step = measured["step"]
        shown = f"overhead {1e6 * step['overhead_s']:.0f} us, arithmetic {1e6 * step['arithmetic_s']:.0f} us a member"
        print(f"{'':<18} a step: {shown}; largest relative difference {measured['max_relative_difference']:.1e}")
    save("families_quick" if QUICK else "families", figures)


if __name__ == "__main__":
    main()
