"""Error against wall clock of two-dimensional Navier-Stokes: DRVM, particles, PINN, DRVN; one thread, three seeds.

Methods that train (the peers) get a budget and are looked at when 1/32, 1/16, ... of it is over; the last third
of a PINN's budget is L-BFGS, so that its earlier looks are not what it would reach with less. Methods of the
package and the particles run to the end, at several settings each. Every method of a case is judged at the same
times on the same grid, and seeds are the outer loop, so that whatever else the machine does falls on all.

    python benchmarks/drvm_vs_peers.py [--quick] [--cases ...] [--methods ...] [--seconds 300] [--seeds 3]

``drvn-official``, of the published size, is run only by name: an iteration takes 11 s on one thread.
"""

import argparse
import dataclasses
import time
import warnings
from functools import partial

from record import environment, limit_threads, save

THREADS = 1
limit_threads(THREADS)

import particle_mesh  # noqa: E402
import peer_drvn  # noqa: E402
import peer_pinn  # noqa: E402
import torch  # noqa: E402
from flow_cases import CASES  # noqa: E402

import sciml as sm  # noqa: E402
from sciml.train import Cosine, Training  # noqa: E402

PACKAGES = ["sciml-solvers", "torch", "deepxde", "numpy", "scipy"]

# name -> (label, settings, cheapest first)
OURS = {
    "drvm-lm": (
        "DRVM, Levenberg-Marquardt",
        (sm.DRVM(fit="lm", n_particles=2**12), sm.DRVM(fit="lm", n_particles=2**15)),
    ),
    "drvm-ridge": ("DRVM, ridge", (sm.DRVM(fit="ridge", n_particles=2**12), sm.DRVM(fit="ridge", n_particles=2**15))),
    "drvm-adam": (
        "DRVM, first-order training",
        (sm.DRVM(fit="adam", steps=20, training=Training(steps=200, learning_rate=3e-3, schedule=Cosine())),),
    ),
}
# name -> (label, trainer); a trainer is called with case, seed and seconds and returns its looks
PEERS = {
    "drvn-small": ("DRVN re-stated, 64 × 3", partial(peer_drvn.run, preset="small")),
    "drvn-official": ("DRVN re-stated, 512 × 6", partial(peer_drvn.run, preset="official")),
    "pinn-late": ("PINN (DeepXDE)", partial(peer_pinn.run, variant="late")),
    "pinn-mollified": ("PINN (DeepXDE), mollified start", partial(peer_pinn.run, variant="mollified")),
}
# particles, steps, mesh widths to a grid interval
PARTICLES = ((4_000, 20, 2), (32_000, 20, 2), (256_000, 40, 4))
NOT_BY_DEFAULT = ("drvn-official",)


def methods_of(case):
    """Return name -> (label, kind, function of seed and seconds that returns the rows)."""
    found = {name: (label, "settings", partial(ours, case, given)) for name, (label, given) in OURS.items()}
    found["spectral"] = ("spectral reference method", "settings", partial(ours, case, case.spectral))
    found["particles"] = ("particles on a mesh, no network", "settings", partial(particles, case))
    for name, (label, train) in PEERS.items():
        if not (case.periodic and name == "pinn-mollified"):  # smooth data need no mollifying
            found[name] = (label, "trajectory", partial(train, case))
    return found


def ours(case, settings, seed, seconds):
    """Solve with methods of the package; whole solves are timed, set-up included."""
    del seconds  # they run to the end
    run = sm.Run(seed=seed, threads=THREADS, progress=False)
    rows = []
    for method in settings:
        began = time.perf_counter()
        solution = case.problem.solve(method, grid=case.grid, run=run)
        rows.append((time.perf_counter() - began, case.errors_of(solution), {"setting": changed(method)}))
    return rows


def changed(method):
    """Return a method as it would be typed: without the options that have their default."""
    given = {f.name: getattr(method, f.name) for f in dataclasses.fields(method)}
    shown = [f"{f.name}={given[f.name]!r}" for f in dataclasses.fields(method) if given[f.name] != f.default]
    return f"{type(method).__name__}({', '.join(shown)})"


def particles(case, seed, seconds):
    """March particles without a network."""
    del seconds
    rows = []
    for count, steps, refinement in PARTICLES:
        began = time.perf_counter()
        velocity = particle_mesh.velocities(case, count, steps, refinement, seed)
        taken = time.perf_counter() - began
        errors = {t: case.error(velocity[t], t) for t in case.times}
        rows.append((taken, errors, {"setting": f"{count} particles, {steps} steps"}))
    return rows


def recorded(rows):
    """Return rows for the record; the errors stand in the order of the judged times."""
    return [{"seconds": s, "errors": list(errors.values()), **extra} for s, errors, extra in rows]


def measure(case, names, seeds, seconds):
    """Run every method on one case."""
    print(case.name, flush=True)
    known = {k: list(v.values()) for k, v in case.reference_error.items()}
    figures = {"title": case.title, "times": list(case.times), "reference_error": known}
    figures |= {"drift_off": list(case.drift_off().values()), "methods": {}}
    methods = {n: m for n, m in methods_of(case).items() if n in names}
    for name, (label, kind, function) in methods.items():
        figures["methods"][name] = {"label": label, "kind": kind, "runs": []}
        if kind == "settings" and name != "drvm-adam":  # which runs after methods that load the same modules
            function(seeds[0], seconds)  # imports, not counted
    for seed in seeds:
        for name, (_, _, function) in methods.items():
            rows = recorded(function(seed, seconds))
            figures["methods"][name]["runs"].append(rows)
            shown = ", ".join(f"{100 * e:.2f} %" for e in rows[-1]["errors"])
            print(f"  {name:<16} seed {seed}  {rows[-1]['seconds']:7.1f} s  {shown}", flush=True)
    return figures


def options():
    """Read the command line."""
    names = [*OURS, "spectral", "particles", *PEERS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 seconds, one seed, another file")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--methods", nargs="+", choices=names, default=[n for n in names if n not in NOT_BY_DEFAULT])
    parser.add_argument("--seconds", type=float, default=None, help="budget of each training")
    parser.add_argument("--seeds", type=int, default=None)
    given = parser.parse_args()
    given.seconds = given.seconds or (5.0 if given.quick else 300.0)
    given.seeds = given.seeds or (1 if given.quick else 3)
    return given


def main():
    """Measure the cases and write the record after each, since all of them take hours."""
    given = options()
    torch.set_num_threads(THREADS)
    warnings.filterwarnings("ignore", message="dealiasing removes|.*lies outside the window")  # coarse settings
    figures = {"environment": environment(THREADS, PACKAGES), "seconds": given.seconds}
    figures |= {"seeds": list(range(given.seeds)), "cases": {}}
    for name in given.cases:
        figures["cases"][name] = measure(CASES[name], given.methods, figures["seeds"], given.seconds)
        save("drvm_vs_peers_quick" if given.quick else "drvm_vs_peers", figures)


if __name__ == "__main__":
    main()
