"""The command line, as a user types it."""

import sys

import pytest
from typer.testing import CliRunner

import sciml as sm
from sciml import cli

runner = CliRunner()
SCRIPT = """
import sympy as sp, sciml as sm
t, x = sm.coords("t x")
u = sm.Field("u", t, x)
{name} = sm.Problem(name="mine", equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)), domain=sm.Torus((x, 0, 2*sp.pi)),
    time=(t, 0, 1), conditions=[sm.IC(u, sp.sin(x))], exact={{u: sp.exp(-t)*sp.sin(x)}})
"""


def run(*arguments):
    result = runner.invoke(cli.app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_lists():
    assert "kuramoto-sivashinsky" in run("problems")
    assert "spectral" in run("methods")
    assert "spectral   yes" in run("methods", "burgers")


def test_solve_info_plot(tmp_path):
    path = tmp_path / "heat.h5"
    shown = run("solve", "heat", "--set", "nu=0.05", "--grid", "x=32,t=4", "--out", path, "--option", "rtol=1e-8")
    assert "canonical form" in shown
    assert "relative L2 error at the last time: u" in shown
    solution = sm.load(path)
    assert next(iter(solution.problem.parameters.values())) == 0.05
    assert solution.method["options"]["rtol"] == 1e-8
    assert "converged" in run("info", path)
    run("plot", path, "--variable", "u")
    assert (tmp_path / "heat.png").exists()


def test_solve_in_a_folder_and_resume(tmp_path):
    folder, grid = tmp_path / "run", "x=32,t=4"
    options = ["--grid", grid, "--out", tmp_path / "a.h5", "--folder", folder, "--budget", "0.000001s"]
    assert "budget: 1 of 4 steps" in run("solve", "heat", *options)
    shown = run("resume", folder)
    assert "going on after 1 of 4 steps" in shown
    assert "converged" in shown
    assert sm.load(folder / "solution.h5").ds.sizes["time"] == 5


def test_solve_a_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(name="anything"))
    assert "Problem 'mine'" in run("solve", script, "--out", tmp_path / "a.h5", "--grid", "x=16,t=2")
    script.write_text(SCRIPT.format(name="a") + "b = a.with_(name='other')\n")
    with pytest.raises(sm.DeclarationError, match="2 problems"):
        run("solve", script)
    script.write_text(SCRIPT.format(name="a") + "problem = a.with_(name='other')\n")
    assert "Problem 'other'" in run("solve", script, "--out", tmp_path / "a.h5", "--grid", "x=16,t=2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "heet"], "Did you mean 'heat'"),
        (["solve", "heat", "--set", "nuu=1"], "no parameter 'nuu'. Did you mean 'nu'"),
        (["solve", "heat", "--set", "nu"], "expected name=value"),
        (["solve", "heat", "--method", "spektral"], "Did you mean 'spectral'"),
        (["solve", "heat", "--grid", "z=4"], "axis 'z'"),
        (["solve", "no_script.py"], "there is no script"),
        (["info", "no_file.h5"], "there is no file"),
        (["resume", "no_folder"], "there is no checkpoint"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["sciml", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
