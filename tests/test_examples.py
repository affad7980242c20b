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
    for part in ("canonical form", "d/dt w = [-nu*|k|^2] w + n0", "error against the finer run", "circulation"):
        assert part in done.stdout
    assert {p.name for p in tmp_path.iterdir()} == {"quickstart.h5", "quickstart.png"}
    module = runpy.run_path(str(script), run_name="example")
    assert module["main"](tmp_path, 64) < 0.02


@pytest.mark.parametrize(("name", "bound"), [("soliton", 1e-6), ("own_equation", 1e-5)])
def test_example(name, bound, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="example")["main"]() < bound
    assert list(tmp_path.iterdir()) == []


def test_every_example_is_tested():
    assert {p.stem for p in EXAMPLES.glob("*.py")} == {"quickstart", "soliton", "own_equation"}


@pytest.mark.filterwarnings("ignore:dealiasing removes")
def test_the_scripts_of_the_readme_run(tmp_path, monkeypatch):
    readme = (EXAMPLES.parent / "README.md").read_text()
    blocks = [part.split("```")[0] for part in readme.split("```python\n")[1:]]
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(blocks).replace("x=128, y=128", "x=48, y=48"), names)
    assert {"vortices.h5", "vortices.png"} == {p.name for p in tmp_path.iterdir()}
    assert float(names["solution"].compare("exact")["u"].max()) < 1e-5
