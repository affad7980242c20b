"""Declaring is light; every name has one home; the package list is complete."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import sciml as sm

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "xarray", "pandas", "scipy", "h5py", "h5netcdf", "matplotlib", "typer", "rich")
DECLARE = """
import sys
import sympy as sp, sciml as sm
t, x, y = sm.coords("t x y")
w, nu = sm.Field("w", t, x, y), sp.Symbol("nu", positive=True)
p = sm.Problem(
    equations=sp.Eq(sm.Dt(w) + sm.Advect(sm.BiotSavart(w), w), nu*sm.Laplacian(w)),
    domain=sm.Torus((x, 0, 1), (y, 0, 1)), time=(t, 0, 1),
    conditions=[sm.IC(w, sp.sin(2*sp.pi*x))], parameters={nu: 0.1})
print(p, repr(p), p._repr_latex_(), p.methods(), p.digest, file=sys.stderr)
print(sm.Spectral(dt=0.1), sm.Run(seed=1), sm.Grid(x=8), file=sys.stderr)
try:
    p.solve("spektral")
except sm.UnknownMethod:
    pass
print(*sorted({m.split(".")[0] for m in sys.modules} & set(sys.argv[1].split(","))))
"""


@pytest.mark.quick
def test_declaring_printing_and_methods_load_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", DECLARE, ",".join(HEAVY)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_check_above_can_fail():
    code = DECLARE.replace("print(*sorted", "p.plan()\nprint(*sorted")
    done = subprocess.run([sys.executable, "-c", code, ",".join(HEAVY)], capture_output=True, text=True)
    assert "torch" in done.stdout


@pytest.mark.quick
@pytest.mark.parametrize("folder", ["problems", "solvers", "learning"])
def test_root_folders_have_one_import_name(folder):
    place = Path(sm.__file__).parent / folder
    code = f"import sys; sys.path.insert(0, {str(place.resolve().parent)!r}); import {folder}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: import this package as sciml." in done.stderr


def test_every_package_is_listed_for_the_wheel():
    if not (ROOT / "pyproject.toml").exists() or not (ROOT / "sciml").exists():
        pytest.skip("not in a checkout")
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(p.relative_to(ROOT).parent.parts)
        for p in (ROOT / "sciml").glob("*/**/__init__.py")
        if "__pycache__" not in p.parts
    }
    for link in ("problems", "solvers", "learning"):
        inside = (ROOT / link).rglob("__init__.py")
        found |= {".".join(("sciml", *p.relative_to(ROOT).parent.parts)) for p in inside}
    assert set(listed) == found | {"sciml"}


@pytest.mark.quick
def test_public_names_exist_and_are_declared_for_type_checkers():
    assert len(set(sm.__all__)) == len(sm.__all__)
    for name in sm.__all__:
        assert getattr(sm, name) is not None
    stub = (Path(sm.__file__).parent / "__init__.pyi").read_text()
    methods = [p.attr for p in entry_points(group="sciml.methods") if p.value.startswith("sciml.")]
    for name in [*sm.__all__, *methods]:
        assert f"{name} as {name}" in stub, name
        assert name in dir(sm)
    with pytest.raises(AttributeError, match="no attribute 'Spektral'"):
        _ = sm.Spektral
