"""The command ``sciml``: list, solve, resume, inspect, plot."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sciml.errors import DeclarationError, Diverged, OptionError, ScimlError, did_you_mean
from sciml.grid import Grid
from sciml.method import find_method, installed, registry, table
from sciml.problem import Problem
from sciml.run import Budget, Run

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Declare once, solve by many methods.")
PROBLEMS = "sciml.problems"


def main() -> None:
    """Run the command; errors of the package are printed without a traceback."""
    try:
        app()
    except ScimlError as error:
        typer.echo(f"{type(error).__name__} {error}", err=True)
        sys.exit(1)


@app.command()
def problems() -> None:
    """List the catalogue."""
    for name, point in registry(PROBLEMS).items():
        summary = (sys.modules[point.load().__module__].__doc__ or "").splitlines()[0]
        typer.echo(f"{name:<24} {summary}")


@app.command()
def methods(
    problem: Annotated[str | None, typer.Argument(help="A catalogue name or a script; none lists all methods.")] = None,
) -> None:
    """List the installed methods, or tell which can solve a problem."""
    if problem is not None:
        typer.echo(str(table(_problem(problem))))
        return
    for name, point in installed().items():
        typer.echo(f"{name:<12} {point.load().summary}")


@app.command()
def solve(
    problem: Annotated[
        str, typer.Argument(metavar="NAME_OR_SCRIPT", help="Catalogue name, or a .py file with a Problem.")
    ],
    method: Annotated[str | None, typer.Option(help="Method name; the reference if not given.")] = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("solution.h5"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="Parameter value, as in nu=0.05; repeatable.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="Method option, as in dt=0.01; repeatable.")] = None,
    grid: Annotated[str | None, typer.Option(help="Stored points, as in x=128,y=128,t=50.")] = None,
    seed: int = 0,
    device: str = "auto",
    dtype: Annotated[str | None, typer.Option(help="float64 or float32.")] = None,
    budget: Annotated[str | None, typer.Option(help="Stop after a duration such as 90s or 3min.")] = None,
    threads: int | None = None,
    folder: Annotated[Path | None, typer.Option(help="Folder for checkpoints; 'sciml resume' goes on from it.")] = None,
) -> None:
    """Solve a problem, write the file, and compare with the exact solution where one is declared."""
    declared = _with_parameters(_problem(problem), set_ or [])
    chosen = find_method(method)
    if option:
        chosen = type(chosen)(**_unique(option))
    points = Grid(**_unique(grid.split(","))) if grid else None
    run = Run(seed=seed, device=device, dtype=dtype, budget=budget, threads=threads, out=folder)  # type: ignore[arg-type]
    from sciml.io import check_writable

    check_writable(out)
    plan = declared.plan(chosen, grid=points, run=run)
    typer.echo(f"{declared}\n{plan}")
    try:
        solution = plan.complete()
    except Diverged as error:
        error.solution.save(out)
        typer.echo(f"written up to then: {out}")
        raise
    solution.save(out)
    typer.echo(str(solution))
    if declared.exact:
        final = solution.compare("exact").isel(time=-1)
        shown = ", ".join(f"{n} {float(v):.2e}" for n, v in final.data_vars.items())
        typer.echo(f"relative L2 error at the last time: {shown}")
    typer.echo(f"written: {out}")


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="The folder of a run: --folder of 'sciml solve', or Run(out=...).")],
    budget: Annotated[str | None, typer.Option(help="Stop again after a duration such as 90s or 3min.")] = None,
    data: Annotated[Path | None, typer.Option(help="File of the ensemble it learns from, if that was moved.")] = None,
) -> None:
    """Go on with a run that was stopped or killed."""
    from sciml.ensembles.ensemble import load_ensemble
    from sciml.plan import RESULTS
    from sciml.resuming import restored

    plan = restored(folder, None if data is None else load_ensemble(data))
    typer.echo(f"{plan}\ngoing on after {plan.done} of {plan.total} steps")
    typer.echo(str(plan.complete(Budget.of(budget))))
    typer.echo(f"written: {folder / RESULTS}")


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A file written by this package.")]) -> None:
    """Tell what a result file holds and where it came from."""
    from sciml.ensembles.ensemble import load_ensemble
    from sciml.io import kind_of, load

    found = load_ensemble(file) if kind_of(file) == "ensemble" else load(file)
    typer.echo(f"{found}\n{found.problem}")
    provenance = found.provenance
    typer.echo(f"method      {found.method}")
    for key in ("data", "device", "seconds", "steps", "estimated_error", "created", "versions"):
        if key in provenance:
            typer.echo(f"{key:<11} {provenance[key]}")


@app.command()
def plot(
    file: Annotated[Path, typer.Argument(help="A file written by this package.")],
    variable: Annotated[str | None, typer.Option(help="What to draw; the first field if not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Picture to write; the file's name with .png if not given.")] = None,
) -> None:
    """Draw a variable of a result file."""
    from sciml.io import load

    target = out or file.with_suffix(".png")
    load(file).plot(variable, path=target)
    typer.echo(f"written: {target}")


def _problem(name: str) -> Problem:
    known = registry(PROBLEMS)
    if name in known:
        found: Problem = known[name].load()()
        return found
    if not name.endswith(".py"):
        msg = f"no problem {name!r} in the catalogue.{did_you_mean(name, known)}"
        raise DeclarationError("S170", msg, fix=f"known: {', '.join(known)}; or give a .py file")
    if not Path(name).is_file():
        msg = f"there is no script {name}."
        raise DeclarationError("S193", msg, fix="give the path of a Python file that declares a Problem")
    sys.path.insert(0, str(Path(name).resolve().parent))  # as Python does for a script
    found_in = {k: v for k, v in runpy.run_path(name, run_name="sciml_script").items() if isinstance(v, Problem)}
    distinct = list(dict.fromkeys(found_in.values()))
    if "problem" not in found_in and len(distinct) != 1:
        msg = f"{name} defines {len(distinct)} problems at top level."
        raise DeclarationError("S194", msg, fix="call the one to solve 'problem'")
    return found_in.get("problem", distinct[0])


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        msg = f"expected name=value; got {text!r}."
        raise OptionError("O340", msg, fix="as in  --set nu=0.05")
    return name.strip(), value.strip()


def _unique(settings: list[str]) -> dict[str, Any]:
    pairs = [_pair(s) for s in settings]
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        msg = f"a name is given twice in {', '.join(settings)}."
        raise OptionError("O342", msg, fix="give each name once")
    return {name: _value(value) for name, value in pairs}


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _with_parameters(problem: Problem, settings: list[str]) -> Problem:
    symbols = {s.name: s for s in problem.parameters}
    values = {}
    for name, value in map(_pair, settings):
        if name not in symbols:
            msg = f"{problem.name!r} has no parameter {name!r}.{did_you_mean(name, symbols)}"
            raise OptionError("O341", msg, fix=f"parameters: {', '.join(symbols) or 'none'}")
        values[symbols[name]] = _value(value)
    return problem.with_(parameters=values) if values else problem
