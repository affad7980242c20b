"""The examples run as a new user runs them, in an empty folder, and give the right numbers."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_examples_are_short_and_begin_with_the_equation(script):
    lines = script.read_text().splitlines()
    assert len(lines) <= 60
    assert lines[0].startswith('"""')
    assert "=" in lines[0]


@pytest.mark.filterwarnings("ignore:dealiasing removes")
def test_quickstart(tmp_path):
    script = EXAMPLES / "quickstart.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), ".", "--small"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for part in ("canonical form", "d/dt w = [-nu*|k|^2] w + n0", "1 x point vortex", "error of the velocity"):
        assert part in done.stdout
    names = ("lamb-oseen", "co-rotating")
    assert {p.name for p in tmp_path.iterdir()} == {f"{n}.{s}" for n in names for s in ("h5", "png")}
    module = runpy.run_path(str(script), run_name="example")
    plane, torus = module["main"](tmp_path, small=True)
    assert plane < 0.02
    assert torus < 0.03


# name -> (largest number that main may return, its arguments, what it writes into a folder)
RUNS = {
    "soliton": (1e-6, {}, None),
    "own_equation": (1e-5, {}, None),
    "walls": (1e-13, {}, "walls.png"),
    "family": (1e-13, {"points": 64}, "family.png"),
    "inverse": (3, {}, "inverse.h5"),
    "random_data": (0.1, {"points": 32}, "random_data.png"),
    "complex_field": (1e-7, {}, "complex_field.png"),
    "nors": (0.9, {"paths": 21, "steps": 40}, "nors.png"),
    "nors_law": (4.5, {"n": 200, "steps": 20}, "nors_law.png"),
    "nors_flow": (0.25, {"points": 16, "paths": 20, "steps": 15}, "nors_flow.png"),
    "unknown_drift": (1e-5, {"paths": 20}, None),
}
NOISE = ("stochastic",)


@pytest.mark.filterwarnings("ignore:dealiasing removes", "ignore:on samples kept aside")
@pytest.mark.parametrize("name", RUNS)
def test_example(name, tmp_path, monkeypatch):
    bound, arguments, written = RUNS[name]
    monkeypatch.chdir(tmp_path)
    main = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="example")["main"]
    assert main(**arguments) < bound
    assert list(tmp_path.iterdir()) == []
    if written:
        main(tmp_path / "out", **arguments)
        assert [p.name for p in (tmp_path / "out").iterdir()] == [written]


def test_every_example_is_tested():
    assert {p.stem for p in EXAMPLES.glob("*.py")} == {"quickstart", *RUNS, *NOISE}


@pytest.mark.filterwarnings("ignore:dealiasing removes")
def test_an_ensemble_of_an_equation_with_noise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = runpy.run_path(str(EXAMPLES / "stochastic.py"), run_name="example")["main"]
    slope, same = main(tmp_path, n=300)
    assert abs(slope - 0.5) < 0.06
    assert same < 1e-12
    assert {p.name for p in tmp_path.iterdir()} == {"phi4.h5", "phi4.png"}


@pytest.mark.filterwarnings("ignore:dealiasing removes", "ignore:on samples kept aside")
def test_the_scripts_of_the_readme_run(tmp_path, monkeypatch):
    readme = (EXAMPLES.parent / "README.md").read_text()
    blocks = [part.split("```")[0] for part in readme.split("```python\n")[1:]]
    assert len(blocks) == 4
    monkeypatch.chdir(tmp_path)
    names = {}
    smaller = {
        "sm.DRVM()": "sm.DRVM(n_particles=2048, steps=6)",
        "sample(1000,": "sample(60,",
        "800": "50",
        "sm.NORS(integrations=1)": "sm.NORS(integrations=1, training=sm.train.Training(steps=20))",
        "fit.sample(5000,": "fit.sample(20,",
    }
    script = "\n".join(blocks)
    for whole, part in smaller.items():
        assert whole in script
        script = script.replace(whole, part)
    exec(script, names)
    assert float(names["fit"].compare(names["paths"][50:])["phi"].median()) < 1e-3
    assert {"vortices.h5", "vortices.png", "phi4.h5"} == {p.name for p in tmp_path.iterdir()}
    assert float(names["solution"].compare("exact")["u"].max()) < 1e-5
