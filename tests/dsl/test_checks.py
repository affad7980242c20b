"""What the checks of declarations must let through, beside the wrong ones that they refuse."""

import numpy as np
import pytest
import sympy as sp
import xarray
from wrong.setting import (
    CIRCLE,
    HEAT,
    LINE,
    PLANE,
    ROD,
    VORTICITY,
    declare,
    flow,
    mu,
    nu,
    psi,
    rod,
    start,
    t,
    u,
    w,
    x,
    y,
)

import sciml as sm

SCHROEDINGER = sp.Eq(sp.I * sm.Dt(psi), -nu * sm.Laplacian(psi))
HALVES = {f.func.__name__: f for f in psi.atoms(sp.Function)}
r2 = x**2 + y**2


@pytest.mark.parametrize(
    "value",
    [
        sp.S.Zero,
        sp.exp(-r2),
        sp.exp(-r2 / 10**10),  # wide, in whatever unit
        sp.exp(-((x - 1000) ** 2) - y**2),
        1 / (1 + r2),
        1 / sp.sqrt(1 + r2),
        sp.cos(x) * sp.exp(-r2),
        sp.Heaviside(1 - r2),
        sp.Piecewise((1, r2 < 1), (0, True)),
        sm.PointVortices([1, -1], [(0, 0), (1, 0)]),
        sm.PointVortices([1], [(0, 0)]) / 2 + mu * sm.PointVortices([1], [(1, 0)]) + sp.exp(-r2),
        sm.VortexPatch(1, inside=r2 < 1),
        sm.Laplacian(sp.exp(-mu * r2)),
    ],
    ids=str,
)
def test_data_that_vanish_at_infinity_are_accepted(value):
    used = {mu: sm.Range(0.1, 2)} if sp.sympify(value).has(mu) else {}
    problem = flow([sm.IC(w, value)], parameters={nu: 0.1, **used})
    assert problem.recognised.is_navier_stokes
    assert sm.Problem.from_json(problem.to_json()) == problem
    assert "WholeSpace(x, y)" in str(problem)


def test_what_cannot_be_evaluated_is_not_judged():
    assert flow([sm.IC(w, sm.Component(sm.BiotSavart(sp.exp(-r2)), 0))]).domain == PLANE


def test_the_line_may_be_infinite():
    assert declare(domain=LINE, conditions=[sm.IC(u, 1 / sp.cosh(x))]).bounds == {"x": (-np.inf, np.inf)}


@pytest.mark.parametrize("points", [8, 9, 64])
def test_data_on_the_points_of_a_period_are_accepted(points):
    places = np.arange(points) / points
    shifted = (np.arange(points) + 0.5) / points  # symmetric: the first value is the last one
    for values in (np.sin(2 * np.pi * places), np.cos(2 * np.pi * shifted), np.zeros(points), places * (1 - places)):
        assert declare(conditions=[sm.IC(u, values)]).arrays
    rough = np.random.default_rng(0).normal(size=points)
    rough[-1] = rough[0]
    assert declare(conditions=[sm.IC(u, rough)]).arrays


def test_complex_data_are_those_of_both_halves():
    values = np.exp(2j * np.pi * np.arange(8) / 8)
    labelled = xarray.DataArray(values, dims="x")
    halves = xarray.Dataset({"psi_re": labelled.real, "psi_im": labelled.imag})
    for data in (values, list(values), labelled, halves):
        problem = declare(SCHROEDINGER, conditions=[sm.IC(psi, data)])
        held = {c.field: problem.arrays[c.value.name] for c in problem.initial_conditions}
        np.testing.assert_array_equal(held[HALVES["psi_re"]], values.real)
        np.testing.assert_array_equal(held[HALVES["psi_im"]], values.imag)


def test_real_data_of_a_complex_field_have_no_imaginary_part():
    problem = declare(SCHROEDINGER, conditions=[sm.IC(psi, np.ones(8))])
    held = {c.field: problem.arrays[c.value.name] for c in problem.initial_conditions}
    assert not held[HALVES["psi_im"]].any()


def test_face_conditions_of_a_complex_field_are_those_of_both_halves():
    wall = sp.sin(sp.pi * x)
    conditions = [sm.IC(psi, wall), sm.Dirichlet(psi, 0, on=x)]
    problem = declare(
        SCHROEDINGER,
        ROD,
        time=(t, 0, 0.1),
        conditions=conditions,
        exact={psi: wall * sp.exp(-sp.I * nu * sp.pi**2 * t)},
    )
    assert {c.target for c in problem.face_conditions} == set(HALVES.values())
    errors = problem.solve(grid=sm.Grid(x=16, t=2)).compare("exact")
    assert all(float(errors[name].max()) < 1e-5 for name in ("psi_re", "psi_im"))


def test_the_place_of_a_face_needs_no_keyword():
    assert rod(sm.Dirichlet(u, 0, x)) == rod(sm.Dirichlet(u, 0, on=x))


def test_a_noise_may_be_over_time_alone():
    noise = sm.WhiteNoise("eta", t)
    assert declare(sp.Eq(sm.Dt(u), nu * sm.Laplacian(u) + noise)).form.noise


def test_a_range_may_hold_what_its_symbol_allows():
    kappa = sp.Symbol("kappa", nonnegative=True)
    problem = declare(sp.Eq(sm.Dt(u), kappa * sm.Laplacian(u)), parameters={kappa: sm.Range(0, 1)})
    assert problem.ranges == {kappa: (0, 1)}


def test_vorticity_that_is_a_curl_is_accepted():
    z = sp.Symbol("z", real=True)
    spin = sm.VectorField("w", t, x, y, z)
    v = sm.BiotSavart(spin)
    equation = sp.Eq(sm.Dt(spin) + sm.Advect(v, spin), sm.Advect(spin, v))
    cube = sm.Torus(*((s, 0, 2 * sp.pi) for s in (x, y, z)))
    flow_like = sm.Vector(sp.sin(y), sp.sin(z) * sp.cos(x), sp.cos(x + y))
    problem = declare(equation, cube, conditions=[sm.IC(spin, sm.Curl(flow_like))], parameters={})
    assert problem.domain == cube


def test_columns_may_be_named_by_what_they_are():
    table = {"when": [0.1, 0.2], "where": [0.0, 0.5], "angle": [1.0, 2.0]}
    columns = {"when": t, "where": x, "angle": u}
    problem = declare(parameters={nu: sm.Infer(init=0.1)}, observations=[sm.Observe(u, table, columns)])
    np.testing.assert_array_equal(problem.observations[0].values[:, 0], [1.0, 2.0])


def test_the_right_settings_stay_right():
    assert declare(HEAT, CIRCLE, conditions=[start]).name == "problem"
    assert flow(equations=VORTICITY).outputs
