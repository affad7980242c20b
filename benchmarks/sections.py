"""Sections of docs/benchmarks.md on families, fits and vortices, as lines of Markdown."""

import textwrap

import numpy as np

WIDTH = 120

FAMILIES = """
The same fixed step for both, {threads} thread of {cpu} ({cores} cores), double precision; medians (and extremes) of
{pairs} pairs, each measured in turn. The integration excludes set-up on both sides; whole solves include it, but not
the declarations. A step of n members takes about `overhead + n × arithmetic`, fitted to 1 to 16 members; no number of
members could give a speed-up of more than `1 + overhead/arithmetic`. The gate is a speed-up of {gate:g} of the
integration, the goal {goal:g}. Versions: {versions}; commit {commit}, {date}. Not measured on a GPU.
"""
FAMILY_CASES = {
    "burgers": "Burgers, 128 points",
    "korteweg-de-vries": "Korteweg-de Vries with viscosity, 256 points",
    "vortices-32": "co-rotating vortices, 32²",
    "vortices-64": "co-rotating vortices, 64²",
}
FAMILY_COLUMNS = (
    "",
    "16 single",
    "one family",
    "speed-up",
    "speed-up of whole solves",
    "a step: overhead, arithmetic",
    "at most",
    "largest relative difference",
    "gate {gate:g}, goal {goal:g}",
)
FAMILIES_SAY = """
A family saves the overhead of launching torch operations and nothing else. In one dimension that is nearly the whole
cost of a step. In two dimensions arithmetic takes over as the grid grows: at 64² the ceiling lies below the gate, so
that no batching on one thread can pass it.
"""
INVERSE = """
Viscosity ν, order α and strength A of the forcing of `u_t + (u²/2)_x = -ν(-Δ)^(α/2) u + A cos(2x) cos(t)`, from
{sensors} values with errors of standard deviation {noise:g}, for {seeds} seeds; {points} points, default options. The
baseline is `scipy.optimize.least_squares` with its own finite differences around `sm.Spectral(dt={baseline_dt:g})`,
on the same data and from the same first guess (ν, α, A = {guess}; truth {truth}). {threads} thread of {cpu} ({cores}
cores); medians (and extremes) over the seeds. Versions: {versions}; commit {commit}, {date}. Not measured on a GPU.
"""
INVERSE_COLUMNS = (
    "",
    "within 1, 2, 3 standard errors",
    "rms pull",
    "rms relative error of ν, α, A",
    "solves of the equation",
    "time of a fit",
)
COVERAGE_SAYS = """
These are {count} numbers, so that the share within one standard error is uncertain by {uncertain:.0f} %. The
estimates of the two fits differ by at most {apart:.0e} standard errors.
"""
SPEED_SAYS = """
On this small problem our fit is **{slower:.1f} times slower** than finite differences: {share:.0f} % of its time are
passes with derivatives. Forward-mode differentiation in torch finds the part that a factor without a tangent adds by
way of Python: the product of a differentiated array of 99 complex numbers and a plain one takes {mixed:.0f} µs, of
two differentiated ones {both:.0f} µs, of two plain ones {plain:.0f} µs. For 330 000 numbers the three take
{mixed_large:.1f}, {both_large:.1f} and {plain_large:.1f} ms. Of the baseline's time {declared:.0f} % are
declarations, one for each solve. Ours also chooses the time step and checks that it does not move the estimates; the
baseline was told its step.
"""
ENSEMBLES = """
{paths} paths of `u_t = u_xx + 3u - u³ + 0.1 ξ` from x(1 - x) until t = 0.05 on 128 points of the circle of length 1.
Medians (and extremes) of {rounds} rounds, in each of which all take their turn; {threads} thread of {cpu} ({cores}
cores), double precision. Ratios are of pairs of one round. Ours and the loops take 50 semi-implicit steps and keep
every one. py-pde's scheme is explicit and unstable with that step: it takes steps of {pypde_dt:.1e} and keeps the end;
the {pypde_build_s:.0f} s that it compiles are not counted. Those that drew fewer paths are scaled up. Versions:
{versions}; commit {commit}, {date}. Not measured on a GPU.
"""
ENSEMBLE_CODES = {
    "sciml": "ours, `Problem.sample`",
    "vectorised": "the published scheme in plain NumPy, all paths at once",
    "published": "the published generator, re-stated",
    "py-pde": "py-pde, Euler-Maruyama, compiled",
}
ENSEMBLE_COLUMNS = ("", "paths a round", "1000 paths", "times ours", "E mean of u(T)", "E u(½, T)²", "apart from ours")
ENSEMBLES_SAY = """
The last column is the larger difference of the two expectations from ours, in standard errors of the difference. The
published generator spends most of its time on a table of sines that it makes number by number for each path; the
plain loop multiplies the same dense matrices and makes the table once.
"""
STREAMED_SAY = """
Streamed to a file, 16 points × 4 times a path, each run in a process of its own. Before it stands what the process
needs for its first {block} paths.
"""
FLOWS = """
Two-dimensional Navier-Stokes from point vortices and from smooth ones: relative L2 error of the velocity, over both
components, on {points}. Networks that train have {seconds:g} s each, set-up included; looks at their errors are not
counted. All other methods run to the end, whole solves timed after one that is not. {threads} thread of {cpu} ({cores}
cores); medians, and extremes in brackets, over seeds {seeds}. Made by `make bench-flows`.
Versions: {versions}; commit {commit}, {date}. Not measured on a GPU, where the networks belong: read the rows of DRVN
and PINN as what they reach on a processor.
"""
FLOW_NOTES = """
- **DRVM** is this package's. For one forward solve its networks add no accuracy over the same particles summed without
  them; what they add is a smooth field that is stored and evaluated anywhere, and a drift that costs O(N) operations.
  Whole solves are timed, outputs on the grid included. First-order training stops far from its end here.
- **Spectral method**: points are mollified by a Gaussian, whose width is the error; on the torus the data are smooth.
  As a reference it starts later instead, when the cores are as wide as the Gaussian (`benchmarks/flow_references.py`).
- **Particles on a mesh**: the random vortex method without a network, `benchmarks/particle_mesh.py`.
- **DRVN**: one network for each of 40 slices, re-stated from the published algorithm without its code; extended by us
  to several vortices and to the torus. 64 × 3 is a smaller network with smaller batches than the published 512 × 6.
- **PINN**: DeepXDE with the settings of its own Navier-Stokes example, but fewer points. It cannot start from points:
  in one variant it is given the solution at t₀ > 0, in the other a mollified start. On the window it is given the
  velocities of point vortices as boundary values; the other methods need none.
- **Heat flow alone** is what a method without the coupling of vorticity and velocity would show.
"""


LABELS = """
Sum of the smoothed Biot-Savart velocities of {particles} particles at {queries} points, against the expression that
one would write first (all pairs at once), {threads} thread of {cpu}; medians and ranges of pairwise ratios in one run,
torch {torch}, commit {commit}, {date}.
"""


def labels(record, environment):
    """Render the section on labels."""
    known = {name: record[name] for name in ("particles", "queries")}
    known["torch"] = record["environment"]["versions"]["torch"]
    lines = ["## DRVM: labels in the plane", "", _paragraph(LABELS, **environment, **known), ""]
    head = ["precision", "plain, Mpairs/s", "ours, Mpairs/s", "ratio", "relative difference"]
    lines += [*_row(head), "|---" * len(head) + "|"]
    for precision in ("float32", "float64"):
        found = record[precision]
        low, high = found["ratio_range"]
        ratio = f"{found['ratio']:.1f} ({low:.1f}-{high:.1f})"
        lines += _row([precision, f"{found['plain']:.0f}", f"{found['ours']:.0f}", ratio, f"{found['error']:.0e}"])
    queries, particles = record["large"]
    memory = record["memory"]
    said = (
        f"{particles} particles on {queries} points: {memory['seconds']:.1f} s, at most {memory['peak_gib']:.2f} GiB."
    )
    return [*lines, "", said, ""]


def families(record, environment):
    """Render the section on families."""
    known = {k: record[k] for k in ("pairs", "gate", "goal")}
    head = [c.format(**known) for c in FAMILY_COLUMNS]
    lines = ["## Families: one batched solve of 16 viscosities against 16 single ones", ""]
    lines += [_paragraph(FAMILIES, **environment, **known), "", *_row(head), "|---" * len(head) + "|"]
    for name, title in FAMILY_CASES.items():
        case = record["cases"][name]
        alone, step = case["integration"], case["step"]
        overhead, arithmetic = (1e6 * step[k] for k in ("overhead_s", "arithmetic_s"))
        cells = [title, f"{alone['singles_s']:.3g} s", f"{alone['family_s']:.3g} s"]
        cells += [_speedup(alone), _speedup(case["solve"]), f"{overhead:.0f} µs + {arithmetic:.0f} µs a member"]
        ceiling = 1 + overhead / arithmetic
        cells += [f"{ceiling:.0f}" if ceiling > 10 else f"{ceiling:.1f}", f"{case['max_relative_difference']:.1e}"]
        lines += _row([*cells, _verdict(alone, **known)])
    return [*lines, "", _paragraph(FAMILIES_SAY), ""]


def _speedup(found):
    low, high = found["speedup_range"]
    return f"{found['speedup']:.1f} ({low:.1f}-{high:.1f})"


def _verdict(found, gate, goal, **_):
    speedup, lowest = found["speedup"], found["speedup_range"][0]
    if speedup < gate:
        return "missed"
    name, bound = ("goal", goal) if speedup >= goal else ("gate", gate)
    return f"{name} met" + (", not by every pair" if lowest < bound else "")


def inverse(record, environment):
    """Render the section on fits."""
    known = {k: record[k] for k in ("sensors", "noise", "seeds", "points", "baseline_dt")}
    known |= {k: ", ".join(f"{v:g}" for v in record[k]) for k in ("guess", "truth")}
    lines = [f"## Fits: three unknowns from {record['sensors']} noisy sensors", ""]
    lines += [_paragraph(INVERSE, **environment, **known), "", *_row(INVERSE_COLUMNS), "|---" * 6 + "|"]
    lines += _row(["exact standard errors would give", "68 %, 95 %, 99.7 %", "1", "", "", ""])
    for name, title in (("sciml", "ours"), ("scipy", "finite differences, scipy")):
        found, seconds = record[name], record[name]["seconds"]
        within = ", ".join(f"{100 * v:.0f} %" for v in found["within"].values())
        errors = ", ".join(f"{100 * e:.1f} %" for e in found["rms_relative_error"])
        time = f"{seconds['median']:.2f} s ({seconds['min']:.2f}-{seconds['max']:.2f})"
        lines += _row([title, within, f"{found['rms_pull']:.2f}", errors, _solves(name, record["fits"][name]), time])
    away = np.abs(np.array(record["guess"]) / np.array(record["truth"]) - 1)
    far = ", ".join(f"{v:.0f}" for v in record["guess_in_standard_errors"])
    errors = ", ".join(f"{100 * e:.0f} %" for e in away)
    lines += _row(["the first guess", f"{far} standard errors away", "", errors, "", ""])
    return [*lines, "", *_inverse_says(record), ""]


def _solves(name, fits):
    if name == "scipy":
        return f"{_median(fits, 'forward_solves'):.0f}"
    return f"{_median(fits, 'residuals'):.0f}, and {_median(fits, 'linearised'):.0f} with derivatives"


def _inverse_says(record):
    fits, product = record["fits"], record["product_us"]
    small, large = product["99"], product["330000"]
    count = 3 * record["seeds"]
    kinds = {"mixed": "dual and plain", "both": "dual and dual", "plain": "plain"}
    figures = {name: small[kind] for name, kind in kinds.items()}
    figures |= {f"{name}_large": large[kind] / 1e3 for name, kind in kinds.items()}
    figures["slower"] = record["sciml"]["seconds"]["median"] / record["scipy"]["seconds"]["median"]
    figures["share"] = 100 * _total(fits["sciml"], "linearised_s") / _total(fits["sciml"], "seconds")
    figures["declared"] = 100 * _total(fits["scipy"], "declare_s") / _total(fits["scipy"], "seconds")
    uncertain = 100 * (0.683 * 0.317 / count) ** 0.5
    apart = record["largest_difference_in_standard_errors"]
    return [
        _paragraph(COVERAGE_SAYS, count=count, uncertain=uncertain, apart=apart),
        "",
        _paragraph(SPEED_SAYS, **figures),
    ]


def ensembles(record, environment):
    """Render the section on ensembles."""
    known = {k: record[k] for k in ("paths", "rounds", "pypde_dt", "pypde_build_s")}
    lines = [f"## Ensembles: {record['paths']} paths of Φ⁴₁", "", _paragraph(ENSEMBLES, **environment, **known), ""]
    lines += [*_row(ENSEMBLE_COLUMNS), "|---" * len(ENSEMBLE_COLUMNS) + "|"]
    for name, title in ENSEMBLE_CODES.items():
        against = record["against_ours"].get(name)
        times = "{ratio:.2g} ({range[0]:.2g}-{range[1]:.2g})".format(**against) if against else ""
        law = [f"{value:.5f} ± {error:.5f}" for value, error in record["laws"][name].values()]
        difference = record["apart_in_standard_errors"].get(name)
        cells = [title, str(record["drawn"][name]), _spread(record["seconds"][name]), times, *law]
        lines += _row([*cells, f"{difference:.1f}" if against else ""])
    lines += ["", _paragraph(ENSEMBLES_SAY), "", _paragraph(STREAMED_SAY, block=record["block"]), ""]
    head = ["paths", "time", "file", "memory before", "at most"]
    lines += [*_row(head), "|---" * len(head) + "|"]
    for row in record["streamed"]:
        sizes = [f"{n / 2**20:.1f} MiB" for n in (row["bytes"], 2**10 * row["first_kib"], 2**10 * row["peak_kib"])]
        lines += _row([str(row["paths"]), f"{row['seconds']:.1f} s", *sizes])
    return [*lines, ""]


def flows(record, environment):
    """Render the section on vortices."""
    known = {"seconds": record["seconds"], "seeds": ", ".join(map(str, record["seeds"]))}
    known["points"] = "65² points of [-2, 2]² (64² of the torus)"
    lines = ["## Vortices: DRVM, particles, PINN, DRVN", "", _paragraph(FLOWS, **environment, **known)]
    lines += [FLOW_NOTES, "![error against wall clock](images/drvm_vs_peers.png)", ""]
    for case in record["cases"].values():
        lines += [f"### {case['title']}", "", *_flow_reference(case), *_flow_table(case), ""]
    return lines


def _flow_reference(case):
    if not case["reference_error"]:
        return ["The reference is exact.", ""]
    times = ", ".join(f"{t:g}" for t in case["times"])
    found = [f"{name} {_percents(errors)}" for name, errors in case["reference_error"].items()]
    return [_paragraph(f"The reference is spectral; at t = {times} {' and '.join(found)}."), ""]


def _flow_table(case):
    head = ["method", "seconds", *(f"t = {t:g}" for t in case["times"])]
    lines = [*_row(head), "|---" * len(head) + "|"]
    for method in case["methods"].values():
        runs = method["runs"]
        kept = range(len(runs[0])) if method["kind"] == "settings" else [-1]  # of a training its end
        for i in kept:
            setting = runs[0][i].get("setting")
            title = method["label"] + (f", `{setting}`" if setting else "")
            errors = zip(*(run[i]["errors"] for run in runs), strict=True)
            lines += _row([title, _spread([run[i]["seconds"] for run in runs]), *(_spread(e, 100) for e in errors)])
    return lines + _row(["heat flow alone", "", *(f"{100 * e:.3g} %" for e in case["drift_off"])])


def _spread(values, percent=None):
    low, middle, high = (np.array([min(values), np.median(values), max(values)]) * (percent or 1)).tolist()
    shown = f"{middle:.3g} {'%' if percent else 's'}"
    return shown if f"{low:.3g}" == f"{high:.3g}" else f"{shown} ({low:.3g}-{high:.3g})"


def _percents(errors):
    return ", ".join(f"{100 * e:.2g} %" for e in errors)


def _median(fits, key):
    return float(np.median([f[key] for f in fits]))


def _total(fits, key):
    return sum(f[key] for f in fits)


def _row(cells):
    return [f"| {' | '.join(cells)} |"]


def _paragraph(template, **values):
    return textwrap.fill(
        " ".join(template.format(**values).split()), WIDTH, break_long_words=False, break_on_hyphens=False
    )
