"""Render the committed result files into docs/benchmarks.md and its picture.

python benchmarks/render.py
"""

import json
from pathlib import Path

from nors_sections import cost_picture, solution_maps
from sections import ensembles, families, flows, inverse, labels

ROOT = Path(__file__).parent
DOCS = ROOT.parent / "docs"
CODES = ("sciml", "exponax", "py-pde")
INTRODUCTION = """# Benchmarks

Made by `make bench`; the raw figures are in `benchmarks/results/`. This page is rendered from them.

## Spectral method against py-pde and exponax

Time to integrate to a given relative L2 error: for each code the fastest of several resolutions, steps and dealiasing
options that reaches the level. Medians (and quartiles) of {repeats} repeats on {threads} thread of {cpu}
({cores} cores), double precision. Set-up and compilation are excluded from these times for all three; the last column
shows what the first call costs with them. Versions: {versions}; commit {commit}, {date}. Not measured on a GPU.

What the tables say:

- **Two-dimensional flows** (Navier-Stokes): within a factor of 2 of exponax from 1 % error downwards, 2.4 at 10 %
  where both take about 10 ms. exponax is the same scheme compiled by XLA into one program a step.
- **Small problems** (one dimension, or 2-D with few points): exponax is around ten times faster. Our cost there is
  launching some fifty torch operations a step, whatever the size, and the CFL check of a fixed step, which costs as
  much as two steps.
- **py-pde** is a second-order finite-difference code. From an error of 1e-3 (Allen-Cahn) or 1e-4 (Burgers) downwards
  the spectral method wins by its order, from 3.5 times faster to levels that py-pde does not reach. At 1 % and more
  py-pde's compiled loops are *faster* than we are, 4 to 35 times, if its compilation (8 to 34 s) is not counted;
  counting it, ours is faster at every level.
"""
PROBLEMS = {
    "allen-cahn": "Allen-Cahn, 2-D: u_t = 0.01 Δu + u - u³ on [0, 2π]², t = 5",
    "burgers": "Burgers, 1-D: u_t + (u²/2)_x = 0.05 u_xx on [0, 2π], t = 1",
    "kuramoto-sivashinsky": "Kuramoto-Sivashinsky, 1-D: u_t + u u_x + u_xx + u_xxxx = 0 on [0, 22], t = 10",
    "navier-stokes": "Navier-Stokes, 2-D: co-rotating vortices, ν = 0.01, on [0, 2π]², t = 2",
}


def table(measured):
    """Render one problem as a Markdown table."""
    lines = [
        "| error at most | ours | exponax | py-pde | ours / exponax | py-pde / ours | first call, same order |",
        "|---|---|---|---|---|---|---|",
    ]
    run = {r["code"] for r in measured["rows"]}
    for level, entries in measured["fastest"].items():
        cells = [level]
        cells += [_cell(entries.get(code)) if code in run else "not run" for code in CODES]
        ours = entries.get("sciml")
        cells += [_ratio(ours, entries.get("exponax")), _ratio(entries.get("py-pde"), ours)]
        cells.append(", ".join(_first_call(measured["rows"], entries.get(code), code) for code in CODES))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(entry):
    if entry is None:
        return "not reached"
    low, high = (1e3 * q for q in entry["quartiles"])
    return f"{1e3 * entry['seconds']:.3g} ms ({low:.3g}-{high:.3g})"


def _first_call(rows, entry, code):
    """Set-up, compilation and one integration of the setting in the table."""
    if entry is None:
        return "-"
    (row,) = [r for r in rows if r["code"] == code and r["setting"] == entry["setting"]]
    return f"{row['setup_s']:.2g} s"


def _ratio(a, b):
    return f"{a['seconds'] / b['seconds']:.2g}" if a and b else ""


def picture(problems, path):
    """Plot error against time for every setting."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    for axes, (name, record) in zip(figure.subplots(2, 2).flat, problems.items(), strict=True):
        for code, marker in zip(CODES, "osx", strict=True):
            rows = [r for r in record["rows"] if r["code"] == code and "error" in r]
            if rows:
                axes.loglog([r["median_s"] for r in rows], [r["error"] for r in rows], marker, label=code, alpha=0.6)
        axes.set(title=name, xlabel="seconds, set-up excluded", ylabel="relative L2 error", ylim=(1e-12, 2))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=90)


def flow_picture(cases, path):
    """Plot the largest error of the judged times against wall clock, a line for each seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(cases), 5), layout="constrained")
    names = list(dict.fromkeys(name for case in cases.values() for name in case["methods"]))
    for axes, (title, case) in zip(figure.subplots(1, len(cases), squeeze=False).flat, cases.items(), strict=True):
        for name, method in case["methods"].items():
            style = {"color": f"C{names.index(name)}", "marker": "os^vDxP*"[names.index(name) % 8], "alpha": 0.6}
            for i, run in enumerate(method["runs"]):
                errors = [max(row["errors"]) for row in run]
                axes.loglog([row["seconds"] for row in run], errors, label=None if i else method["label"], **style)
        if any(case["drift_off"]):
            axes.axhline(max(case["drift_off"]), color="grey", linestyle=":", label="heat flow alone")
        axes.set(title=title, xlabel="seconds", ylabel="largest relative L2 error of the velocity")
        axes.grid(alpha=0.3)
    handles = [axes.get_legend_handles_labels() for axes in figure.axes]
    shown = {label: handle for both in handles for handle, label in zip(*both, strict=True)}
    figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=90)


def environment_of(record):
    """Return the record's environment with the versions in one line."""
    environment = dict(record["environment"])
    environment["versions"] = ", ".join(f"{k} {v}" for k, v in environment["versions"].items())
    return environment


def read(name):
    """Return a committed result file."""
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


def exists(name):
    """Tell whether a result file is there: not every machine makes those that take long."""
    return (ROOT / "results" / f"{name}.json").exists()


def with_environment(name):
    """Return a result file and its environment."""
    found = read(name)
    return found, environment_of(found)


def main():
    """Write the page and the picture."""
    record = read("spectral_vs_peers")
    environment = environment_of(record)
    lines = [INTRODUCTION.format(repeats=record["repeats"], **environment)]
    lines += ["![error against time](images/spectral_vs_peers.png)", ""]
    for name, title in PROBLEMS.items():
        measured = record["problems"][name]
        agreement = f"exponax's finest run agrees with our truth to {measured['agreement_with_exponax']:.1e}."
        lines += [f"### {title}", "", agreement, "", *table(measured), ""]
    measured = {"families": families, "inverse": inverse, "ensembles": ensembles, "drvm_labels": labels}
    for name, section in measured.items():
        figures = read(name)
        lines += section(figures, environment_of(figures))
    (DOCS / "images").mkdir(parents=True, exist_ok=True)
    if exists("drvm_vs_peers"):
        figures = read("drvm_vs_peers")
        lines += flows(figures, environment_of(figures))
        flow_picture(figures["cases"], DOCS / "images" / "drvm_vs_peers.png")
    lines += solution_maps(with_environment, exists)
    if exists("nors_cost"):
        cost_picture(read("nors_cost"), DOCS / "images" / "nors_cost.png")
    picture(record["problems"], DOCS / "images" / "spectral_vs_peers.png")
    (DOCS / "benchmarks.md").write_text("\n".join(lines))
    print(f"written: {DOCS / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
