"""Families: many parameter values in one batch, and the roles of parameters."""

import json

import numpy as np
import pytest
import sympy as sp
from scipy import stats

import sciml as sm
from sciml.errors import DataError, DeclarationError, MethodMismatch, OptionError
from sciml.method import registry

t, x = sm.coords("t x")
u = sm.Field("u", t, x)
nu, a = sp.symbols("nu a", positive=True)
CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}
VISCOSITIES = sm.Range(0.05, 0.5, scale="log")


def burgers(observations=(), **parameters):
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, a * sp.sin(x))],
        parameters={nu: 0.1, a: 1.0} | {{"nu": nu, "a": a}[k]: v for k, v in parameters.items()},
        outputs={"energy": sm.Integral(u**2) / 2},
        observations=observations,
    )


@pytest.mark.parametrize("method", [sm.Spectral(dt=0.02), sm.Spectral(rtol=1e-9)])
def test_a_family_equals_its_members(method):
    grid = sm.Grid(x=64, t=5, nu=16)
    family = burgers(nu=VISCOSITIES).solve(method, grid=grid)
    assert family["u"].dims == ("nu", "time", "x")
    assert family["energy"].dims == ("nu", "time")
    assert np.allclose(family.ds["nu"], np.geomspace(0.05, 0.5, 16), rtol=1e-15)
    worst = 0.0
    for value in family.ds["nu"].values:
        alone = burgers(nu=float(value)).solve(method, grid=sm.Grid(x=64, t=5))
        worst = max(worst, np.abs(family.at(nu=value)["u"] - alone["u"]).max())
    assert worst < (1e-12 if method.dt else 1e-8)  # chosen steps are shared by the family


def test_two_parameters_and_a_two_dimensional_flow():
    family = burgers(nu=VISCOSITIES, a=sm.Range(1, 2)).solve(sm.Spectral(dt=0.02), grid=sm.Grid(x=32, t=2, nu=3, a=2))
    assert dict(family["u"].sizes) == {"a": 2, "nu": 3, "time": 3, "x": 32}
    alone = burgers(nu=0.5, a=2.0).solve(sm.Spectral(dt=0.02), grid=sm.Grid(x=32, t=2))
    assert np.abs(family.at(nu=0.5, a=2.0)["u"] - alone["u"]).max() < 1e-13
    vortices = CATALOGUE["taylor-green"]()
    (symbol,) = vortices.parameters
    many = vortices.with_(parameters={symbol: sm.Range(0.01, 0.1)}).solve(grid=sm.Grid(x=16, y=16, t=2, nu=3))
    assert float(many.compare("exact")["u"].max()) < 1e-12
    assert many.compare("exact")["u"].dims == ("nu", "time")


def test_a_wrong_member_is_seen_by_the_comparison_with_the_exact_family():
    vortices = CATALOGUE["taylor-green"]()
    (symbol,) = vortices.parameters
    many = vortices.with_(parameters={symbol: sm.Range(0.01, 0.1)}).solve(grid=sm.Grid(x=16, y=16, t=2, nu=3))
    many.ds["u_x"][1] *= 1.02
    errors = many.compare("exact")["u"].max("time").values
    assert errors[1] > 0.009 > 1e-10 > max(errors[0], errors[2])


def test_family_of_laws_takes_quantiles():
    family = burgers(nu=stats.loguniform(0.05, 0.5)).solve(sm.Spectral(dt=0.05), grid=sm.Grid(x=32, t=1, nu=4))
    assert np.allclose(family.ds["nu"], 0.05 * 10 ** ((np.arange(4) + 0.5) / 4))


def test_a_family_is_saved_and_loaded(tmp_path):
    problem = burgers(nu=VISCOSITIES, a=stats.uniform(1, 1))
    solution = problem.solve(sm.Spectral(dt=0.05), grid=sm.Grid(x=16, t=2, nu=[0.1, 0.2], a=3))
    loaded = sm.load(solution.save(tmp_path / "family.h5"))
    assert loaded.ds.identical(solution.ds)
    assert loaded.problem == problem
    assert loaded.at(nu=0.2, t=1.0)["u"].sizes == {"a": 3, "x": 16}
    solution.plot(path=tmp_path / "family.png")


@pytest.mark.parametrize("role", [VISCOSITIES, sm.Infer(0.1, bounds=(0.01, None)), stats.lognorm(0.5, scale=0.1)])
def test_roles_survive_json(role):
    table = {"t": [0.5, 1.0], "x": [1.0, 2.0], "u": [0.1, 0.2]}
    watched = [sm.Observe(u, table, noise_std=0.1)] if isinstance(role, sm.Infer) else []
    problem = burgers(observations=watched, nu=role)
    again = sm.Problem.from_json(json.loads(json.dumps(problem.to_json())), problem.arrays)
    assert again == problem
    assert str(again) == str(problem)
    assert again.numbers == problem.numbers


def test_roles_change_with_with_():
    problem = burgers()
    family = problem.with_(parameters={nu: VISCOSITIES})
    assert list(family.family) == [nu]
    assert problem.family == {}
    assert family.numbers[nu] == pytest.approx(np.sqrt(0.05 * 0.5))
    assert family.with_(parameters={nu: 0.1}) == problem


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: sm.Range(1, 1), "S180"),
        (lambda: sm.Range(0, 1, scale="log"), "S180"),
        (lambda: sm.Range(0, 1, scale="cubic"), "S180"),
        (lambda: sm.Infer(2, bounds=(0, 1)), "S180"),
        (lambda: sm.Infer("a"), "S180"),
        (lambda: burgers(nu=sm.Range(-0.1, 0.1)), "S107"),
        (lambda: burgers(nu=stats.norm(0, 1)), "S107"),
        (lambda: burgers(nu=stats.cauchy(0, 1)), "S180"),
    ],
)
def test_impossible_roles_are_refused(make, code):
    with pytest.raises(DeclarationError, match=code):
        make()


def test_impossible_grids_are_refused():
    family = burgers(nu=VISCOSITIES)
    for grid, code in [
        (sm.Grid(nu=[0.1, 7.0]), "O312"),
        (sm.Grid(nu=[0.1, 0.1]), "O310"),
        (sm.Grid(x=[1, 2]), "O310"),
        (sm.Grid(mu=4), "O311"),
    ]:
        with pytest.raises(OptionError, match=code):
            family.plan(grid=grid)
    solution = family.solve(sm.Spectral(dt=0.1), grid=sm.Grid(x=16, t=1, nu=3))
    with pytest.raises(DataError, match="D207"):
        solution.at(nu=0.123)


def test_a_family_over_the_size_of_the_domain_is_refused():
    length = sp.Symbol("L", positive=True)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)),
        domain=sm.Torus((x, 0, length)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(2 * sp.pi * x / length))],
        parameters={length: sm.Range(1, 2)},
    )
    with pytest.raises(MethodMismatch, match="share no grid"):
        problem.solve("spectral")
