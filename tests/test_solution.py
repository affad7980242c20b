"""What one asks of a solution."""

import numpy as np
import pytest
import sympy as sp
import xarray as xr

import sciml as sm
from sciml.errors import DataError
from sciml.interpolate import fourier_interpolate
from sciml.method import registry

CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}


@pytest.fixture(scope="module")
def flow():
    return CATALOGUE["taylor-green"]().solve(grid=sm.Grid(x=16, y=24, t=4))


def test_dimensions_names_and_attributes(flow):
    assert flow.ds["u_x"].dims == ("time", "y", "x")
    assert flow.ds.sizes == {"time": 5, "y": 24, "x": 16}
    assert flow.ds["energy"].dims == ("time",)
    assert flow.ds["x"].attrs["axis"] == "X"
    assert flow.ds["time"].attrs["axis"] == "T"
    assert all("units" in v.attrs for v in flow.ds.variables.values())
    assert flow["u"].dims[0] == "component"
    assert list(flow["u"]["component"].values) == ["x", "y"]
    assert flow.final.sizes == {"y": 24, "x": 16}


def test_values_are_in_the_right_places(flow):
    x, y = flow.ds["x"], flow.ds["y"]
    assert np.allclose(flow.ds["u_x"][0], (np.cos(x) * np.sin(y)).transpose("y", "x"), atol=1e-14)


def test_evaluation_off_the_grid_is_spectral(flow):
    xs, ys = np.array([0.1, 2.0, 5.5]), np.array([0.3, 6.2])
    got = flow.at(t=0.5, x=xs, y=ys)["u"]
    assert got.dims == ("component", "y", "x")
    decay = np.exp(-2 * 0.05 * 0.5)
    assert np.allclose(got[0], np.outer(np.sin(ys), np.cos(xs)) * decay, atol=1e-13)
    point = flow.at(t=1.0, x=1.0, y=2.0)
    assert point["p"].ndim == 0
    assert np.isclose(float(point["p"]), -(np.cos(2) + np.cos(4)) * np.exp(-0.2) / 4, atol=1e-13)


@pytest.mark.parametrize("n", [7, 8])
def test_interpolation_is_exact_for_band_limited_data(n):
    grid = 2.0 + 3.0 * np.arange(n) / n
    points = np.linspace(2.0, 5.0, 11)

    def f(s):
        return 1 + np.cos(2 * np.pi * (s - 0.3) / 3) + np.sin(2 * np.pi * 3 * s / 3)

    assert np.allclose(fourier_interpolate(f(grid), 0, 2.0, 3.0, points), f(points), atol=1e-13)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"t": 0.3}, "D207"),
        ({"x": 7.0}, "D209"),
        ({"x": float("nan")}, "D209"),
        ({"z": 0.0}, "D206"),
        ({"x": np.zeros((2, 2))}, "D206"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(flow, where, code):
    with pytest.raises(DataError, match=code):
        flow.at(**where)


def test_unknown_variables_are_refused_with_a_hint(flow):
    with pytest.raises(DataError, match=r"D204.*Did you mean 'energy'"):
        flow["enery"]


def test_comparison_with_the_exact_solution(flow):
    errors = flow.compare("exact")
    assert set(errors.data_vars) == {"u", "p"}
    assert errors["u"].dims == ("time",)
    assert float(errors["u"].max()) < 1e-13
    at_end = flow.compare("exact", times=[1.0], on=["u"], metric="linf")
    assert at_end["u"].shape == (1,)


def test_comparison_sees_a_wrong_solution(flow):
    other = CATALOGUE["taylor-green"](nu=0.1).solve(grid=sm.Grid(x=16, y=16, t=4))
    errors = flow.compare(other)["u"]
    expected = abs(np.exp(-0.1 * flow.ds["time"]) - np.exp(-0.2 * flow.ds["time"])) / np.exp(-0.2 * flow.ds["time"])
    assert np.allclose(errors, expected, atol=1e-12)


def test_metrics_by_hand(flow):
    shifted = flow.ds.copy(deep=True)
    shifted["p"] = flow.ds["p"] + 1.0
    assert np.allclose(flow.compare(shifted, on=["p"], metric="l2")["p"], 1.0)
    assert np.allclose(flow.compare(shifted, on=["p"], metric="linf")["p"], 1.0)
    scale = np.sqrt((shifted["p"] ** 2).mean(("x", "y")))
    assert np.allclose(flow.compare(shifted, on=["p"])["p"], 1 / scale)


def test_nothing_is_broadcast_in_a_comparison(flow):
    wrong = xr.Dataset({"p": flow.ds["p"].isel(y=0, drop=True)})
    with pytest.raises(DataError, match=r"D203.*dims"):
        flow.compare(wrong)
    moved = flow.ds.assign_coords(x=flow.ds["x"] + 0.1)
    with pytest.raises(DataError, match=r"D203.*coordinate 'x'"):
        flow.compare(moved)
    with pytest.raises(DataError, match="D210"):
        flow.compare("exact", metric="mse")
    with pytest.raises(DataError, match="D208"):
        flow.compare("truth")
    with pytest.raises(DataError, match="D211"):
        CATALOGUE["allen-cahn"](0.2, end=0.1).solve(grid=sm.Grid(x=32, y=32, t=1)).compare("exact")


def test_outputs_are_any_expression():
    t, x = sm.coords("t x")
    u, a = sm.Field("u", t, x), sp.Symbol("a")
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={a: 3.0},
        outputs={
            "slope": sm.Dx(u, x),
            "rate": sm.Dt(u),
            "ratio": sm.Integral(u**2) / sm.Integral(1 + 0 * x) + a,
            "mixed": u * sm.Integral(u**2) + x,
            "nonlocal_part": sm.InverseLaplacian(u**2),
        },
    )
    ds = problem.solve(grid=sm.Grid(x=32, t=2)).ds
    decay, s = np.exp(-ds["time"]), ds["x"]
    assert np.allclose(ds["slope"], decay * np.cos(s), atol=1e-13)
    assert np.allclose(ds["rate"], -decay * np.sin(s), atol=1e-13)
    assert ds["ratio"].dims == ("time",)
    assert np.allclose(ds["ratio"], decay**2 / 2 + 3, atol=1e-13)
    assert np.allclose(ds["mixed"], decay**3 * np.pi * np.sin(s) + s, atol=1e-13)
    assert np.allclose(ds["nonlocal_part"], decay**2 * np.cos(2 * s) / 8, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "variable"), [("heat", "u"), ("heat", "mass"), ("taylor-green", "u"), ("abc-flow", "p")]
)
def test_plots(name, variable, tmp_path):
    problem = CATALOGUE[name]()
    points = {s.name: 12 for s in problem.frame.space}
    solution = problem.solve(sm.Spectral(dt=0.05), grid=sm.Grid(**points, t=3))
    path = tmp_path / "picture.png"
    figure = solution.plot(variable, path=path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert variable in figure.get_suptitle()
    assert len(figure.axes) >= 1


def test_exact_integrals_and_single_times():
    t, x = sm.coords("t x")
    u = sm.Field("u", t, x)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
        outputs={"square": sm.Integral(u**2)},
        exact={u: sp.exp(-t) * sp.sin(x), "square": sp.pi * sp.exp(-2 * t)},
    )
    solution = problem.solve(grid=sm.Grid(x=16, t=4))
    assert float(solution.compare("exact")["square"].max()) < 1e-13
    assert solution.compare(solution, times=0.5)["u"].shape == ()
    for bad in (float("nan"), [[0.0, 1.0]]):
        with pytest.raises(DataError, match=r"D207|D206"):
            solution.at(t=bad)


def test_comparison_interpolates_with_the_other_ones_period():
    t, x = sm.coords("t x")
    u = sm.Field("u", t, x)

    def on(low, high, points):
        return sm.Problem(
            equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)),
            domain=sm.Torus((x, low, high)),
            time=(t, 0, 1),
            conditions=[sm.IC(u, sp.sin(x))],
        ).solve(grid=sm.Grid(x=points, t=2))

    inside = on(0, 2 * sp.pi, 16)
    assert float(inside.compare(on(-2 * sp.pi, 4 * sp.pi, 64))["u"].max()) < 1e-12
