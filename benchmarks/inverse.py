"""Three unknowns of a fractional Burgers equation from 100 noisy sensors: coverage, time, and two baselines.

Viscosity, order and strength of the forcing of

    u_t + (u^2/2)_x = -nu (-Laplacian)^(alpha/2) u + A cos(2x) cos(t)

are fitted to ten values at each of ten times, with errors of standard deviation 0.01, for 20 seeds.
The same data go to ``scipy.optimize.least_squares`` with its own finite differences around our forward
solver, and are compared with the trivial predictor, the first guess. The truth is computed on a finer
grid and with a finer step than the fits use.

    python benchmarks/inverse.py [--quick]
"""

import sys
import time

from record import environment, limit_threads, save

THREADS = 1
limit_threads(THREADS)

import numpy as np  # noqa: E402
import sympy as sp  # noqa: E402
import torch  # noqa: E402
from scipy.optimize import least_squares  # noqa: E402
from torch.autograd import forward_ad  # noqa: E402

import sciml as sm  # noqa: E402

QUICK = "--quick" in sys.argv
SEEDS = range(2 if QUICK else 20)
PACKAGES = ["sciml-solvers", "torch", "scipy", "numpy", "sympy"]
NOISE, PLACES, TIMES = 0.01, 10, 10
POINTS, DT = 64, 0.025  # of the fits; DT of the baseline, ours chooses its step

t, x = sm.coords("t x")
u = sm.Field("u", t, x)
nu, alpha, amplitude = sp.symbols("nu alpha A", positive=True)
TRUTH = {nu: 0.2, alpha: 1.5, amplitude: 0.7}
GUESS = {nu: 0.1, alpha: 1.0, amplitude: 0.3}
BOUNDS = {nu: (1e-3, 1.0), alpha: (0.2, 2.0), amplitude: (0.0, None)}
RUN = sm.Run(threads=THREADS)

KNOWN = sm.Problem(
    name="fractional burgers",
    equations=sp.Eq(
        sm.Dt(u) + sm.Dx(u**2 / 2, x),
        nu * sm.FractionalLaplacian(u, alpha) + amplitude * sp.cos(2 * x) * sp.cos(t),
    ),
    domain=sm.Torus((x, 0, 2 * sp.pi)),
    time=(t, 0, 1),
    conditions=[sm.IC(u, sp.sin(x))],
    parameters=TRUTH,
)


def measurements(truth, seed):
    """Return the table of one experiment."""
    rng = np.random.default_rng(seed)
    rows = {"t": [], "x": [], "u": []}
    for moment in truth.ds["time"].values[1:]:
        places = rng.uniform(0, 2 * np.pi, PLACES)
        rows["t"] += [float(moment)] * PLACES
        rows["x"] += places.tolist()
        rows["u"] += truth.at(t=moment, x=places)["u"].values.tolist()
    rows["u"] = np.array(rows["u"]) + NOISE * rng.standard_normal(len(rows["u"]))
    return rows


class Counted:
    """A function that counts its calls and adds up their time."""

    def __init__(self, function):
        self.function, self.calls, self.seconds = function, 0, 0.0

    def __call__(self, *arguments):
        """Call it."""
        began = time.perf_counter()
        result = self.function(*arguments)
        self.calls, self.seconds = self.calls + 1, self.seconds + time.perf_counter() - began
        return result


def ours(table):
    """Fit with default options, the declaration included in the time."""
    began = time.perf_counter()
    unknown = {s: sm.Infer(GUESS[s], bounds=BOUNDS[s]) for s in TRUTH}
    problem = KNOWN.with_(parameters=unknown, observations=[sm.Observe(u, table, noise_std=NOISE)])
    plan = problem.plan(sm.Spectral(), grid=sm.Grid(x=POINTS, t=TIMES), run=RUN)
    engine = plan._engine
    engine._residual, engine._linearised = Counted(engine._residual), Counted(engine._linearised)
    solution = plan.complete()
    seconds = time.perf_counter() - began
    found = [solution.parameters[s.name] for s in TRUTH]
    return {
        "values": [e.value for e in found],
        "std": [e.std for e in found],
        "status": solution.status,
        "misfit": solution.provenance["estimates"]["misfit"],
        "seconds": seconds,
        "residuals": engine._residual.calls,
        "linearised": engine._linearised.calls,
        "linearised_s": engine._linearised.seconds,
    }


def predictor(table):
    """Return the residuals of our forward solver as a function of the unknowns, counted in its parts."""
    places, moments = np.array(table["x"]).reshape(TIMES, PLACES), np.unique(table["t"])
    modes = np.fft.rfftfreq(POINTS, 1 / POINTS)
    waves = [np.exp(1j * np.outer(row, modes)) * np.where(modes == 0, 1, 2) / POINTS for row in places]
    declare = Counted(lambda values: KNOWN.with_(parameters=dict(zip(TRUTH, map(float, values), strict=True))))
    solve = Counted(lambda problem: problem.solve(sm.Spectral(dt=DT), grid=sm.Grid(x=POINTS, t=TIMES), run=RUN))

    def residual(values):
        solution = solve(declare(values))
        assert np.allclose(solution.ds["time"].values[1:], moments)
        spectra = np.fft.rfft(solution["u"].values[1:], axis=1)
        found = np.concatenate([(w @ s).real for w, s in zip(waves, spectra, strict=True)])
        return (found - table["u"]) / NOISE

    return residual, declare, solve


def scipys(table):
    """Fit with scipy's trust-region method and forward differences."""
    began = time.perf_counter()
    residual, declare, solve = predictor(table)
    ends = [[-np.inf if low is None else low for low, _ in BOUNDS.values()]]
    ends.append([np.inf if high is None else high for _, high in BOUNDS.values()])
    fit = least_squares(residual, list(GUESS.values()), bounds=ends, x_scale="jac")
    seconds = time.perf_counter() - began
    spread = np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)))
    return {
        "values": fit.x.tolist(),
        "std": spread.tolist(),
        "misfit": float(2 * fit.cost),
        "seconds": seconds,
        "forward_solves": solve.calls,
        "declare_s": declare.seconds,
        "solve_s": solve.seconds,
    }


def guess(table):
    """Return the misfit of the first guess."""
    residual = predictor(table)[0](list(GUESS.values()))
    return {"values": list(GUESS.values()), "misfit": float(residual @ residual)}


def cost_of_products():
    """Time products of complex arrays, with and without derivatives attached, in microseconds."""
    found = {}
    for size in (33, 3 * 33, 33_000, 330_000):
        a, b = (torch.randn(size, dtype=torch.complex128) for _ in range(2))
        with torch.no_grad(), forward_ad.dual_level():
            da, db = (forward_ad.make_dual(e, torch.randn_like(e)) for e in (a, b))
            kinds = {"plain": (a, b), "dual and plain": (da, b), "dual and dual": (da, db)}
            found[str(size)] = {name: _microseconds(*pair) for name, pair in kinds.items()}
    return found


def _microseconds(a, b, repeats=200):
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        a * b
        seconds.append(time.perf_counter() - began)
    return 1e6 * float(np.median(seconds))


def pulls_of(fits):
    """Return ``(estimate - truth)/standard error``, ``(seeds, 3)``."""
    values, spread = (np.array([f[key] for f in fits]) for key in ("values", "std"))
    return (values - np.array(list(TRUTH.values()))) / spread


def coverage(fits):
    """Return what a table needs of one method's fits."""
    pulls, seconds = pulls_of(fits), [f["seconds"] for f in fits]
    values = np.array([f["values"] for f in fits])
    truth = np.array(list(TRUTH.values()))
    return {
        "within": {str(k): float((np.abs(pulls) <= k).mean()) for k in (1, 2, 3)},
        "rms_pull": float(np.sqrt((pulls**2).mean())),
        "rms_pull_each": np.sqrt((pulls**2).mean(0)).tolist(),
        "rms_relative_error": np.sqrt((((values - truth) / truth) ** 2).mean(0)).tolist(),
        "seconds": {"median": float(np.median(seconds)), "min": min(seconds), "max": max(seconds)},
    }


def main():
    """Fit every seed and write the record."""
    torch.set_num_threads(THREADS)
    truth = KNOWN.solve(sm.Spectral(rtol=1e-10), grid=sm.Grid(x=2 * POINTS, t=TIMES), run=RUN)
    tables = [measurements(truth, seed) for seed in SEEDS]
    ours(tables[0])  # what is imported and compiled once does not count
    fits = {"sciml": [], "scipy": [], "guess": []}
    for seed, table in zip(SEEDS, tables, strict=True):
        order = (("sciml", ours), ("scipy", scipys)) if seed % 2 else (("scipy", scipys), ("sciml", ours))
        for name, fit in (*order, ("guess", guess)):
            fits[name].append(fit(table))
        mine, theirs = fits["sciml"][-1], fits["scipy"][-1]
        line = f"seed {seed:2d}: ours {mine['seconds']:.2f} s, {mine['residuals']} + {mine['linearised']} passes; "
        line += f"scipy {theirs['seconds']:.2f} s, {theirs['forward_solves']} forward solves"
        print(f"{line}; pulls {pulls_of([mine])[0].round(2)}", flush=True)
    apart = [
        np.abs(np.subtract(a["values"], b["values"])) / a["std"]
        for a, b in zip(fits["sciml"], fits["scipy"], strict=True)
    ]
    start = np.array(list(GUESS.values())) - np.array(list(TRUTH.values()))
    figures = {
        "environment": environment(THREADS, PACKAGES),
        "seeds": len(SEEDS),
        "sensors": PLACES * TIMES,
        "noise": NOISE,
        "points": POINTS,
        "baseline_dt": DT,
        "unknowns": [s.name for s in TRUTH],
        "truth": list(TRUTH.values()),
        "guess": list(GUESS.values()),
        "sciml": coverage(fits["sciml"]),
        "scipy": coverage(fits["scipy"]),
        "guess_in_standard_errors": (np.abs(start) / np.median([f["std"] for f in fits["sciml"]], axis=0)).tolist(),
        "largest_difference_in_standard_errors": float(np.max(apart)),
        "product_us": cost_of_products(),
        "fits": fits,
    }
    for name in ("sciml", "scipy"):
        print(name, figures[name])
    print(f"largest difference {figures['largest_difference_in_standard_errors']:.1e} standard errors")
    print(f"first guess {np.round(figures['guess_in_standard_errors'], 1)} standard errors away")
    print(f"products in microseconds {figures['product_us']}")
    save("inverse_quick" if QUICK else "inverse", figures)


if __name__ == "__main__":
    main()
