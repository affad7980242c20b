"""Every catalogue entry: declares, prints, canonicalises, solves at a small budget, saves, loads."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from catalogue_budget import is_singular, small_grid, small_method

import sciml as sm
from sciml.method import registry

pytestmark = [
    pytest.mark.quick,
    pytest.mark.filterwarnings("ignore:dealiasing removes"),
    pytest.mark.filterwarnings("ignore:.*lies outside the window"),  # small windows
]
ENTRIES = registry("sciml.problems")


def test_every_file_is_registered_under_its_name():
    folder = Path(importlib.import_module("sciml.problems").__file__).parent
    files = {p.stem for p in folder.glob("*.py")} - {"__init__"}
    assert files == {p.value.split(":")[1] for p in ENTRIES.values()}
    assert files == {p.module.rsplit(".", 1)[1] for p in ENTRIES.values()}
    assert all(name == point.attr.replace("_", "-") for name, point in ENTRIES.items())


@pytest.mark.parametrize("name", ENTRIES)
def test_contract(name, tmp_path):
    make = ENTRIES[name].load()
    assert "Source:" in make.__doc__
    assert "Args:" in make.__doc__
    problem = make()
    assert problem.name == name
    assert "canonical form" in str(problem)
    end = problem.number(problem.time[2])
    start = problem.number(problem.time[1])
    short = problem.with_(time=(problem.time[0], start, start + (end - start) / 50))
    solution = short.solve(small_method(problem), grid=small_grid(problem))
    assert solution.status == "converged"
    assert set(solution.variables()) == set(problem.variables())
    assert all(np.isfinite(v).all() for v in solution.ds.data_vars.values())
    if problem.exact and not is_singular(problem):  # mollified data are those of a later time
        assert all(float(v[-1]) < 0.05 for v in solution.compare("exact").data_vars.values())
    loaded = sm.load(solution.save(tmp_path / "s.h5"))
    assert loaded.ds.identical(solution.ds)
    assert loaded.problem == short
