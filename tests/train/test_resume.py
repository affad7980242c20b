"""Runs of problems: killed, interrupted, diverged, and resumed to the same bits."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import torch

import sciml as sm
from sciml.errors import DataError, Diverged, FileError, OptionError
from sciml.problems.burgers import burgers
from sciml.problems.heat import heat

GRID = sm.Grid(x=96, t=20)
SCRIPT = """
import os, signal, sys
import sciml as sm
from sciml.problems.burgers import burgers
folder, sign = sys.argv[1:]
plan = burgers().plan(grid=sm.Grid(x=96, t=20), run=sm.Run(out=folder, checkpoint=sm.Budget(steps=4), threads=1))
original = plan._engine.step
def step(state):
    if len(state.stored) == 11:
        os.kill(os.getpid(), getattr(signal, sign))
    return original(state)
plan._engine.step = step
solution = plan.complete()
print(solution.status, solution.ds.sizes["time"], float(solution.compare("exact")["u"].max()) < 1e-4)
"""


def spawned(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(sm.__file__).parent.parent)


def steps(folder):
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def uninterrupted():
    return burgers().solve(grid=GRID, run=sm.Run(threads=1))


def test_killed_and_resumed_equals_uninterrupted(tmp_path, uninterrupted):
    assert spawned("-c", SCRIPT, tmp_path, "SIGKILL").returncode == -9
    assert torch.load(tmp_path / "checkpoint.pt")["done"] == 8
    assert sm.load(tmp_path / "solution.h5").ds.sizes["time"] == 9
    solution = sm.resume(tmp_path)
    assert solution.status == "converged"
    assert solution.ds.identical(uninterrupted.ds)
    assert solution.provenance["estimated_error"] == uninterrupted.provenance["estimated_error"]
    assert sm.load(tmp_path / "solution.h5").ds.identical(uninterrupted.ds)
    assert steps(tmp_path) == list(range(1, 21))


def test_killed_and_resumed_from_the_command_line(tmp_path, uninterrupted):
    spawned("-c", SCRIPT, tmp_path, "SIGKILL")
    command = ["-c", "import sys; from sciml.cli import main; sys.argv[0] = 'sciml'; main()", "resume", tmp_path]
    done = spawned(*command, "--budget", "10min")
    assert "going on after 8 of 20 steps" in done.stdout, done.stderr
    assert "converged" in done.stdout
    assert sm.load(tmp_path / "solution.h5").ds.identical(uninterrupted.ds)
    nothing = spawned(*command[:-1], tmp_path / "no")
    assert "F411" in nothing.stderr
    assert "Traceback" not in nothing.stderr


def test_ctrl_c_leaves_a_usable_solution_and_files(tmp_path, uninterrupted):
    done = spawned("-c", SCRIPT, tmp_path, "SIGINT")
    assert done.stdout == "interrupted 11 True\n", done.stderr
    assert sm.load(tmp_path / "solution.h5").status == "interrupted"
    assert sm.resume(tmp_path).ds.identical(uninterrupted.ds)


def inverse():
    t, x = sm.coords("t x")
    u, nu = sm.Field("u", t, x), sp.Symbol("nu", positive=True)
    rng = np.random.default_rng(0)
    times, places = rng.uniform(0.1, 1, 40), rng.uniform(0, 2 * np.pi, 40)
    values = np.exp(-0.3 * times) * np.sin(places)
    table = {"t": times, "x": places, "u": values}
    observed = sm.Observe(u, table, columns={"t": t, "x": x, "u": u}, noise_std=0.01)
    return sm.Problem(
        name="unknown diffusion",
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={nu: sm.Infer(init=2.0, bounds=(0.01, 10))},
        observations=[observed],
    )


KILLED_FIT = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_resume import inverse
import sciml as sm
plan = inverse().plan(grid=sm.Grid(x=16, t=4), run=sm.Run(out=sys.argv[1], checkpoint=sm.Budget(steps=1), threads=1))
original = plan._engine.step
def step(state):
    if state.fit.iterations == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(state)
plan._engine.step = step
plan.complete()
"""


def test_a_fit_resumes_to_the_same_bits(tmp_path):
    problem, grid = inverse(), sm.Grid(x=16, t=4)
    expected = problem.solve(grid=grid, run=sm.Run(threads=1))
    killed = spawned("-c", KILLED_FIT.format(tests=str(Path(__file__).parent)), tmp_path)
    assert killed.returncode == -9, killed.stderr
    assert torch.load(tmp_path / "checkpoint.pt")["done"] == 3
    found = sm.resume(tmp_path)
    assert found.problem == problem  # observations included
    assert found.status == "converged"
    assert found.provenance["estimates"] == expected.provenance["estimates"]
    assert found.ds.identical(expected.ds)


@pytest.mark.parametrize("method", [sm.Spectral(dt=0.013), sm.Spectral()], ids=["fixed", "chosen"])
def test_a_family_with_random_data_resumes(tmp_path, method):
    problem = heat()
    (nu,), (u,) = problem.parameters, problem.fields
    (x,) = problem.frame.space
    field = sm.RandomField.fourier("a", x, modes=3, scale=0.1)
    family = problem.with_(parameters={nu: sm.Range(0.01, 0.1)}, conditions=[sm.IC(u, field)], exact={})
    grid = sm.Grid(x=16, t=6, nu=3)
    expected = family.solve(method, grid=grid, run=sm.Run(seed=7))
    family.solve(method, grid=grid, run=sm.Run(seed=7, out=tmp_path, budget=sm.Budget(steps=2)))
    part = sm.resume(tmp_path, budget=sm.Budget(steps=3))
    assert (part.status, part.ds.sizes["time"]) == ("budget", 6)
    assert sm.resume(tmp_path).ds.identical(expected.ds)


def test_single_precision_resumes(tmp_path):
    run = sm.Run(dtype="float32", out=tmp_path, budget=sm.Budget(steps=2))
    burgers().solve(grid=sm.Grid(x=96, t=4), run=run)
    expected = burgers().solve(grid=sm.Grid(x=96, t=4), run=sm.Run(dtype="float32"))
    assert sm.resume(tmp_path).ds.identical(expected.ds)


def test_a_state_that_forgets_its_step_size_is_caught(tmp_path, monkeypatch, uninterrupted):
    from sciml.solvers.spectral.engine import SpectralEngine

    packed = SpectralEngine.pack

    def forgetful(self, state):
        found = packed(self, state)
        return {**found, "progress": {**found["progress"], "level": 6}}

    monkeypatch.setattr(SpectralEngine, "pack", forgetful)
    burgers().solve(grid=GRID, run=sm.Run(out=tmp_path, budget=sm.Budget(steps=8), threads=1))
    assert not sm.resume(tmp_path).ds.identical(uninterrupted.ds)


def test_a_solution_in_memory_can_go_on(uninterrupted, tmp_path):
    solution = burgers().solve(grid=GRID, run=sm.Run(threads=1, budget=sm.Budget(steps=5)))
    assert pickle.loads(pickle.dumps(solution)).ds.identical(solution.ds)
    further = solution.resume(sm.Budget(steps=5))
    assert (further.status, further.ds.sizes["time"]) == ("budget", 11)
    complete = further.resume()
    assert complete.ds.identical(uninterrupted.ds)
    assert complete.resume() is complete
    loaded = sm.load(solution.save(tmp_path / "part.h5"))
    with pytest.raises(DataError, match=r"D217[\s\S]*sm.resume\(DIR\)"):
        loaded.resume()
    with pytest.raises(OptionError, match="O320"):
        further.resume(3)


def test_divergence_names_the_checkpoint_that_is_kept(tmp_path):
    t, x = sm.coords("t x")
    u = sm.Field("u", t, x)
    problem = sm.Problem(
        name="blow-up",
        equations=sp.Eq(sm.Dt(u), u**2),
        domain=sm.Torus((x, 0, 1)),
        time=(t, 0, 2),
        conditions=[sm.IC(u, 1)],
    )
    run = sm.Run(out=tmp_path, checkpoint=sm.Budget(steps=3))
    with pytest.raises(Diverged, match=r"; the last good checkpoint, .*checkpoint\.pt, is kept\.") as caught:
        problem.solve(grid=sm.Grid(x=8, t=20), run=run)
    assert torch.load(tmp_path / "checkpoint.pt")["done"] == 9
    assert caught.value.solution.status == "diverged"
    assert caught.value.solution.reason == str(caught.value)
    with pytest.raises(Diverged):
        sm.resume(tmp_path)


OTHERS = {
    "problem": lambda run: heat().plan(grid=GRID, run=run),
    "method": lambda run: burgers().plan(sm.Spectral(dt=0.1), grid=GRID, run=run),
    "grid": lambda run: burgers().plan(grid=sm.Grid(x=96, t=10), run=run),
    "seed": lambda run: burgers().plan(grid=GRID, run=sm.Run(out=run.out, seed=1)),
    "dtype": lambda run: burgers().plan(grid=GRID, run=sm.Run(out=run.out, dtype="float32")),
}


FITS = {
    "no fit": lambda s: {**s, "fit": None},
    "two unknowns": lambda s: {**s, "fit": {**s["fit"], "point": torch.ones(2, dtype=torch.float64)}},
    "level": lambda s: {**s, "level": 99},
    "unknown entry": lambda s: {**s, "fit": {**s["fit"], "more": 1}},
}


@pytest.mark.parametrize("change", FITS.values(), ids=FITS)
def test_a_fit_of_something_else_is_refused(tmp_path, change):
    run = sm.Run(out=tmp_path, budget=sm.Budget(steps=1), threads=1)
    inverse().solve(grid=sm.Grid(x=16, t=2), run=run)
    changed(tmp_path / "checkpoint.pt", state=change(torch.load(tmp_path / "checkpoint.pt")["state"]))
    with pytest.raises(FileError, match="F415"):
        sm.resume(tmp_path)


@pytest.mark.parametrize(("name", "make"), OTHERS.items(), ids=OTHERS)
def test_a_folder_of_another_run_is_refused_before_computing(tmp_path, name, make):
    run = sm.Run(out=tmp_path, budget=sm.Budget(steps=2))
    burgers().solve(grid=GRID, run=run)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    plan = make(run)
    with pytest.raises(FileError, match=f"F414.*another run: {name}") as caught:
        plan.complete()
    assert "sm.resume(" in str(caught.value)
    assert plan.done == 0
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_starting_over_and_stopping_early_says_where_the_old_one_is(tmp_path):
    burgers().solve(grid=GRID, run=sm.Run(out=tmp_path, budget=sm.Budget(steps=2)))
    (tmp_path / "checkpoint.pt").rename(tmp_path / "checkpoint.pt.old")
    with pytest.raises(FileError, match=r"F411[\s\S]*mv .*checkpoint.pt.old"):
        sm.resume(tmp_path)


def changed(path, **entries):
    content = torch.load(path)
    torch.save({**content, **entries}, path)


def encoded(data):
    return torch.tensor(list(json.dumps(data).encode()), dtype=torch.uint8)


@pytest.fixture
def stopped(tmp_path):
    burgers().solve(grid=GRID, run=sm.Run(out=tmp_path, budget=sm.Budget(steps=2), threads=1))
    return tmp_path / "checkpoint.pt"


STATES = {
    "empty": lambda s: {},
    "no progress": lambda s: {**s, "progress": 3},
    "other grid": lambda s: {**s, "progress": {**s["progress"], "state": torch.zeros(1, 1, 5, dtype=torch.complex128)}},
    "precision": lambda s: {**s, "progress": {**s["progress"], "state": s["progress"]["state"].to(torch.complex64)}},
    "level": lambda s: {**s, "progress": {**s["progress"], "level": 10**9}},
    "not finite": lambda s: {**s, "progress": {**s["progress"], "t": float("nan")}},
    "scale": lambda s: {**s, "progress": {**s["progress"], "scale": torch.ones(7, 7)}},
    "stored": lambda s: {**s, "stored": {"u": torch.zeros(3, 9, dtype=torch.float64)}},
    "many stored": lambda s: {**s, "stored": {"u": torch.zeros(99, 1, 96, dtype=torch.float64)}},
    "nothing stored": lambda s: {**s, "stored": {}},
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_state_that_does_not_fit_is_refused(stopped, change):
    changed(stopped, state=change(torch.load(stopped)["state"]))
    with pytest.raises(FileError, match=r"F41[25]"):
        sm.resume(stopped.parent)


RECORDS = {
    "method unknown": lambda r: {**r, "method": {"name": "nothing", "options": {}}},
    "method option": lambda r: {**r, "method": {"name": "spectral", "options": {"dt": "fast"}}},
    "method text": lambda r: {**r, "method": "spectral"},
    "problem": lambda r: {**r, "problem": {"schema": 1}},
    "equation": lambda r: {**r, "problem": {**r["problem"], "equations": [["e", ["__import__", "os"], 0]]}},
    "another problem": lambda r: {**r, "problem": {**r["problem"], "name": "other"}},
    "grid": lambda r: {**r, "grid": {"x": "many"}},
    "run": lambda r: {**r, "run": {"seed": -1}},
    "run of code": lambda r: {**r, "run": {"checkpoint": {"kind": "Popen", "args": ["touch", "owned"]}}},
    "nothing": lambda r: {},
}


@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS)
def test_a_record_that_cannot_be_rebuilt_is_refused(stopped, change):
    record = json.loads(bytes(torch.load(stopped)["record"].tolist()))
    changed(stopped, record=encoded(change(record)))
    with pytest.raises(FileError) as caught:
        sm.resume(stopped.parent)
    assert caught.value.fix


def test_more_steps_than_there_are_is_refused(stopped):
    changed(stopped, done=10**6)
    with pytest.raises(FileError, match="F415"):
        sm.resume(stopped.parent)


def test_impossible_paces_are_refused():
    for pace in (None, "often", sm.Budget(), 3):
        with pytest.raises(OptionError, match="O320"):
            sm.Run(checkpoint=pace)
