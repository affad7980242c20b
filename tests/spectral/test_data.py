"""Initial data: arrays on their own grid, earlier solutions, random fields, singular vorticity."""

import json
import pickle

import numpy as np
import pytest
import sympy as sp
import torch
import xarray as xr

import sciml as sm
from sciml.errors import DataError, DeclarationError, FileError, MethodMismatch
from sciml.sampling import half_modes, sample_fields
from sciml.streams import stream

t, x, y = sm.coords("t x y")
u, w = sm.Field("u", t, x), sm.Field("w", t, x, y)
v = sm.VectorField("v", t, x, y)
s = sp.Symbol("s", real=True)
CIRCLE, PLANE = sm.Torus((x, 0, 2 * sp.pi)), sm.Torus((x, 0, 2 * sp.pi), (y, 0, 4))
RUN = sm.Run(seed=3)


def heat(value, domain=CIRCLE, field=u, *more, **kwargs):
    return sm.Problem(
        equations=sp.Eq(sm.Dt(field), sm.Laplacian(field) / 10),
        domain=domain,
        time=(t, 0, 1),
        conditions=[sm.IC(field, value), *more],
        **kwargs,
    )


def start(problem, method="spectral", run=RUN, **grid):
    return problem.solve(method, grid=sm.Grid(**grid, t=1), run=run).ds.isel(time=0)


# --- arrays -------------------------------------------------------------------------------------


def profile(n):
    points = 2 * np.pi * np.arange(n) / n
    return points, np.exp(np.sin(points))


@pytest.mark.parametrize("points", [16, 64, 96])
def test_an_array_is_evaluated_on_any_grid(points):
    found = start(heat(profile(64)[1]), x=points)["u"].values
    assert np.abs(found - profile(points)[1]).max() < 1e-13


def test_an_array_on_a_box_is_splined():
    points = np.linspace(0, 1, 41)
    problem = heat(np.cos(np.pi * points), sm.Box((x, 0, 1)), u, sm.Neumann(u, 0, on=x))
    found = start(problem, x=65)
    assert np.abs(found["u"].values - np.cos(np.pi * found["x"].values)).max() < 1e-9


def test_labelled_data_are_matched_by_name_and_order():
    xs, ys = 2 * np.pi * np.arange(16) / 16, 4 * np.arange(12) / 12
    values = np.sin(xs)[:, None] + np.cos(np.pi * ys / 2)[None]
    labelled = xr.DataArray(values.T, {"y": ys, "x": xs}, ["y", "x"])
    a = start(heat(labelled, PLANE, w), x=16, y=12)
    b = start(heat(values, PLANE, w), x=16, y=12)
    exact = start(heat(sp.sin(x) + sp.cos(sp.pi * y / 2), PLANE, w), x=16, y=12)
    assert a["w"].equals(b["w"])
    assert np.abs(a["w"].values - exact["w"].values).max() < 1e-14


def test_a_solution_goes_on_as_initial_data(tmp_path):
    whole = heat(sp.sin(x) + sp.cos(3 * x)).solve(grid=sm.Grid(x=32, t=2))
    first = heat(sp.sin(x) + sp.cos(3 * x)).with_(time=(t, 0, 0.5)).solve(grid=sm.Grid(x=32, t=1))
    for given in (first, first.final, first.final["u"]):
        second = heat(given).with_(time=(t, 0.5, 1)).solve(grid=sm.Grid(x=32, t=1))
        assert np.abs(second.final["u"].values - whole.final["u"].values).max() < 1e-14
    assert second.problem == pickle.loads(pickle.dumps(second.problem))
    loaded = sm.load(second.save(tmp_path / "second.h5"))
    assert loaded.problem == second.problem
    again = loaded.problem.solve(grid=sm.Grid(x=32, t=1))
    assert np.array_equal(again.ds["u"].values, second.ds["u"].values)


def test_a_vector_field_takes_components_by_name_or_first_axis():
    swirl = heat(sm.Vector(sp.sin(y * sp.pi / 2), sp.cos(x)), PLANE, v).solve(grid=sm.Grid(x=16, y=16, t=1))
    by_name = start(heat(swirl, PLANE, v), x=16, y=16)
    stacked = np.stack([swirl.final["v_x"].values.T, swirl.final["v_y"].values.T])
    by_axis = start(heat(stacked, PLANE, v), x=16, y=16)
    by_component = start(heat(swirl["v"].isel(time=-1), PLANE, v), x=16, y=16)
    for found in (by_name, by_axis, by_component):
        for c in ("v_x", "v_y"):
            assert np.abs(found[c].values - swirl.final[c].values).max() < 1e-14


def test_complex_data_start_a_complex_field():
    psi = sm.ComplexField("psi", t, x)
    values = np.exp(2j * profile(16)[0])
    equation = sp.Eq(sp.I * sm.Dt(psi), -sm.Laplacian(psi))

    def problem(data):
        return sm.Problem(equations=equation, domain=CIRCLE, time=(t, 0, 1), conditions=[sm.IC(psi, data)])

    labelled = xr.DataArray(values, {"x": profile(16)[0]}, ["x"])
    for given in (values, labelled, problem(values).solve(grid=sm.Grid(x=16, t=1)).ds.isel(time=0)):
        found = start(problem(given), x=16)
        assert np.abs(found["psi_re"].values - values.real).max() < 1e-14
        assert np.abs(found["psi_im"].values - values.imag).max() < 1e-14
    with pytest.raises(DataError, match="complex"):
        heat(values)


def test_changed_data_are_another_problem_and_a_changed_file_is_refused(tmp_path):
    values = profile(16)[1]
    assert heat(values) == heat(values.copy())
    assert heat(values) != heat(values + 1e-12)
    path = heat(values).solve(grid=sm.Grid(x=16, t=1)).save(tmp_path / "s.h5")
    import h5py

    with h5py.File(path, "a") as file:
        (name,) = [n for n in file["data"] if file["data"][n].dtype.kind == "f" and not n.endswith("_0")]
        file["data"][name][0] += 1.0
    with pytest.raises(FileError, match="checksum"):
        sm.load(path)
    with pytest.raises(FileError, match="missing"):
        sm.Problem.from_json(json.loads(json.dumps(heat(values).to_json())))


BAD_DATA = {
    "wrong rank": (lambda: heat(np.ones((8, 8))), "D203"),
    "not finite": (lambda: heat(np.full(8, np.nan)), "D201"),
    "too few": (lambda: heat(np.ones(3)), "D203"),
    "text": (lambda: heat(np.array(["a"] * 8)), "D230"),
    "time left in": (lambda: heat(xr.DataArray(np.ones((2, 8)), dims=["time", "x"])), "D203"),
    "right end kept": (
        lambda: heat(xr.DataArray(np.ones(9), {"x": np.linspace(0, 2 * np.pi, 9)}, ["x"])),
        "D215",
    ),
    "other variable": (lambda: heat(xr.Dataset({"a": ("x", np.ones(8)), "b": ("x", np.ones(8))})), "D204"),
    "whole space": (lambda: heat(np.ones(8), sm.WholeSpace(x)), "D214"),
    "vector from scalar": (lambda: heat(np.ones((8, 8)), PLANE, v), "D203"),
}


@pytest.mark.parametrize(("make", "code"), BAD_DATA.values(), ids=BAD_DATA)
def test_data_that_do_not_fit_are_refused(make, code):
    with pytest.raises(DataError, match=code):
        make()


# --- random fields --------------------------------------------------------------------------------

LAWS = {
    "fourier": lambda name, *c: sm.RandomField.fourier(name, *c, modes=5, scale=0.3, decay=1),
    "matern": lambda name, *c: sm.RandomField.matern(name, *c, length=0.8, smoothness=sp.Rational(3, 2), std=2),
    "spectrum": lambda name, *c: sm.RandomField.spectrum(name, *c, k=s, density=9 * (s**2 + 9) ** -2),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("domain", [CIRCLE, PLANE], ids=["1d", "2d"])
def test_the_same_field_at_every_resolution(law, domain):
    """The Fourier coefficients that both grids hold are equal; the finer one has more."""
    field = u if domain is CIRCLE else w
    make = LAWS[law]("a", *domain.coordinates)
    coarse, fine = (
        start(heat(make, domain, field), **{c.name: n for c in domain.coordinates})[str(field.func)].values
        for n in (16, 32)
    )
    axes = tuple(range(coarse.ndim))
    a, b = (np.fft.fftn(e, axes=axes, norm="forward") for e in (coarse, fine))
    held = [np.r_[0:8, -7:0]] * coarse.ndim
    assert np.abs(a[np.ix_(*held)] - b[np.ix_(*held)]).max() < 1e-14
    assert np.abs(a).max() > 1e-3
    if law == "fourier":  # band-limited: equal at the points themselves
        assert np.abs(fine[(slice(None, None, 2),) * coarse.ndim] - coarse).max() < 1e-13


def test_a_name_is_an_identity():
    a, b = (LAWS["matern"](name, x) for name in "ab")
    assert a - LAWS["matern"]("a", x) == 0
    assert a - b != 0
    difference = start(heat(a - b), x=256)["u"].values
    assert np.abs(difference).max() > 0.1
    first, second = (start(heat(e), x=256)["u"].values for e in (a, b))
    assert np.abs(first - second - difference).max() < 1e-13
    other = LAWS["fourier"]("a", x)
    with pytest.raises(DeclarationError, match="S102"):
        heat(a + other)


def test_the_seed_decides_and_nothing_else():
    problem = heat(LAWS["matern"]("a", x))
    one = start(problem, x=32, run=sm.Run(seed=1))["u"].values
    assert np.array_equal(one, start(problem, x=32, run=sm.Run(seed=1))["u"].values)
    assert np.abs(one - start(problem, x=32, run=sm.Run(seed=2))["u"].values).max() > 0.1
    state = torch.get_rng_state()
    start(problem, x=32)
    assert torch.equal(state, torch.get_rng_state())


def draws(field, count, points, periods):
    return sample_fields(field, [(i,) for i in range(count)], 0, points, periods, {}).numpy()


@pytest.mark.parametrize("law", LAWS)
def test_two_fields_are_independent(law):
    a, b = (draws(LAWS[law](name, x), 600, (32,), (2 * np.pi,)) for name in "ab")
    correlation = (a * b).mean() / np.sqrt((a**2).mean() * (b**2).mean())
    assert abs(correlation) < 0.1


def test_variances_are_those_of_the_law():
    """Pointwise variance of 1500 draws against the sum of the spectrum, within four standard errors."""
    k = np.abs(np.fft.fftfreq(64, 1 / 64))
    k = k[k < 32]
    expected = {
        "fourier": 0.09 * sum(1 / (1 + m**2) for m in range(6)),
        "spectrum": (9 * (k**2 + 9) ** -2.0).sum() / (2 * np.pi),
    }
    for law, variance in expected.items():
        values = draws(LAWS[law]("a", x), 1500, (64,), (2 * np.pi,))[:, ::16]
        found = (values**2).mean(0)
        assert np.abs(found / variance - 1).max() < 4 * np.sqrt(2 / 1500)
        assert abs(values.mean()) < 4 * np.sqrt(variance / 1500)


def test_matern_covariance_on_a_long_torus():
    """For s = 3/2 the covariance is σ²(1 + √3 r/ℓ) exp(-√3 r/ℓ)."""
    values = draws(LAWS["matern"]("a", x), 1500, (256,), (16.0,))
    lags = np.array([0, 4, 8, 16, 32])
    r = lags * 16 / 256
    exact = 4 * (1 + np.sqrt(3) * r / 0.8) * np.exp(-np.sqrt(3) * r / 0.8)
    found = np.array([(values[:, 0] * values[:, j]).mean() for j in lags])
    assert np.abs(found - exact).max() < 4 * 4 * np.sqrt(2 / 1500)


def test_modes_of_a_coarse_grid_come_first():
    for dim in (1, 2, 3):
        coarse, fine = half_modes(2, dim), half_modes(4, dim)
        assert np.array_equal(fine[: len(coarse)], coarse)
        assert len(coarse) == (5**dim + 1) // 2
        assert len({tuple(m) for m in np.concatenate([coarse, -coarse])}) == 5**dim


def test_streams_do_not_collide():
    seen = {
        tuple(stream(seed, *labels).standard_normal(2))
        for seed in (0, 1)
        for labels in [(), ("a",), ("b",), ("a", 1), ("a1",)]
    }
    assert len(seen) == 10


def test_a_scale_is_a_parameter_and_a_family():
    amplitude = sp.Symbol("A", positive=True)
    field = sm.RandomField.fourier("a", x, modes=3, scale=amplitude)
    problem = heat(field, parameters={amplitude: sm.Range(1, 3)})
    found = problem.solve(grid=sm.Grid(x=16, t=1, A=3), run=RUN).ds["u"].values[:, 0]
    assert np.allclose(found[1], 2 * found[0])
    assert np.allclose(found[2], 3 * found[0])


def test_operators_of_random_fields_make_vector_data():
    stream_function = LAWS["fourier"]("psi", x, y)
    found = start(heat(sm.Curl(stream_function), PLANE, v, outputs={"div": sm.Div(v)}), x=16, y=16)
    assert np.abs(found["div"].values).max() < 1e-12
    assert np.abs(found["v_x"].values).max() > 0.1


def test_a_random_field_on_a_box_is_not_periodic():
    problem = heat(LAWS["matern"]("a", x), sm.Box((x, 0, 1)), u, sm.Neumann(u, 0, on=x))
    values = start(problem, x=65)["u"].values
    assert abs(values[0] - values[-1]) > 1e-3


# --- singular vorticity --------------------------------------------------------------------------


def vorticity(value, **kwargs):
    velocity = sm.BiotSavart(w)
    return sm.Problem(
        equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), sm.Laplacian(w) / 50),
        domain=sm.Torus((x, -4, 4), (y, -4, 4)),
        time=(t, 0, 0.2),
        conditions=[sm.IC(w, value)],
        outputs={"circulation": sm.Integral(w)},
        **kwargs,
    )


def gaussian(px, py, strength, width):
    return lambda a, b: strength * np.exp(-((a - px) ** 2 + (b - py) ** 2) / (2 * width**2)) / (2 * np.pi * width**2)


def test_point_vortices_are_mollified_only_on_request():
    pair = sm.PointVortices([1, -2], at=[(-1, 0), (1, sp.Rational(1, 2))])
    problem = vorticity(pair)
    with pytest.raises(MethodMismatch, match="no values on a grid"):
        problem.solve("spectral")
    found = start(problem, sm.Spectral(mollify=0.3), x=96, y=96)
    xs, ys = np.meshgrid(found["x"].values, found["y"].values)
    expected = gaussian(-1, 0, 1, 0.3)(xs, ys) + gaussian(1, 0.5, -2, 0.3)(xs, ys)
    assert np.abs(found["w"].values - expected).max() < 1e-9
    assert abs(float(found["circulation"]) + 1) < 1e-12


def test_products_of_delta_functions_are_point_vortices():
    dirac = sp.DiracDelta
    a = vorticity(2 * dirac(x - 1) * dirac(y) - dirac(x) * dirac(2 - y))
    b = vorticity(sm.PointVortices([2], [(1, 0)]) + sm.PointVortices([-1], [(0, 2)]))
    assert a.conditions == b.conditions


def test_a_sheet_is_the_limit_of_its_points():
    """A circle of strength 1 has the circulation 2πr; its mollified vorticity is the Bessel integral."""
    circle = sm.VortexSheet(1 + sp.cos(s) / 2, curve=(2 * sp.cos(s), 2 * sp.sin(s)), s=(s, 0, 2 * sp.pi))
    found = start(vorticity(circle), sm.Spectral(mollify=0.3), x=96, y=96)
    assert abs(float(found["circulation"]) - 4 * np.pi) < 1e-11
    angles = 2 * np.pi * np.arange(400) / 400
    xs, ys = np.meshgrid(found["x"].values, found["y"].values)
    expected = sum(
        gaussian(2 * np.cos(a), 2 * np.sin(a), (1 + np.cos(a) / 2) * 2 * 2 * np.pi / 400, 0.3)(xs, ys) for a in angles
    )
    assert np.abs(found["w"].values - expected).max() < 1e-7


def test_a_patch_is_a_function():
    found = start(vorticity(sm.VortexPatch(3, inside=x**2 + y**2 < 4)), sm.Spectral(degree=0), x=64, y=64)
    inside = found["x"] ** 2 + found["y"] ** 2 < 4
    assert np.abs(found["w"].values - 3 * inside.transpose("y", "x").values).max() < 1e-12


def test_a_strength_may_be_a_parameter():
    gamma = sp.Symbol("Gamma", real=True)
    problem = vorticity(sm.PointVortices([gamma], [(0, 0)]), parameters={gamma: sm.Range(-1, 1)})
    found = problem.solve(sm.Spectral(mollify=0.7, dt=0.05), grid=sm.Grid(x=48, y=48, t=1, Gamma=3))
    assert np.allclose(found["circulation"].values[:, 0], [-1, 0, 1], atol=1e-12)


BAD_MEASURES = {
    "same place": lambda: sm.PointVortices([1, 2], [(0, 0), (0, 0)]),
    "counts differ": lambda: sm.PointVortices([1, 2], [(0, 0)]),
    "outside the torus": lambda: vorticity(sm.PointVortices([1], [(5, 0)])),
    "sheet outside": lambda: vorticity(sm.VortexSheet(1, curve=(s, 0), s=(s, 0, 9))),
    "on a curve": lambda: vorticity(sp.DiracDelta(x**2 + y**2 - 1)),
    "on a line": lambda: vorticity(sp.DiracDelta(y)),
    "in one dimension": lambda: heat(sm.PointVortices([1], [(0, 0)])),
    "not an inequality": lambda: sm.VortexPatch(1, inside=x**2),
    "in an equation": lambda: heat(0).with_(equations=sp.Eq(sm.Dt(u), LAWS["matern"]("a", x) + sm.Laplacian(u))),
    "in an output": lambda: heat(0, outputs={"a": LAWS["matern"]("a", x)}),
}


@pytest.mark.parametrize("make", BAD_MEASURES.values(), ids=BAD_MEASURES)
def test_measures_that_make_no_sense_are_refused(make):
    with pytest.raises(DeclarationError, match=r"S18[1234]"):
        make()
