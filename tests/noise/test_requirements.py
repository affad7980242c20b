"""What the spectral method says about noise before it computes: plans and refusals."""

import numpy as np
import pytest
import sympy as sp
import xarray as xr
from noise.cases import spde, t, u, x, xi

import sciml as sm

HEAT = sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi)
sigma = sp.Symbol("sigma", positive=True)


def refused(problem, method=None):
    with pytest.raises(sm.MethodMismatch) as caught:
        problem.plan(method or sm.Spectral(), grid=sm.Grid(x=16, t=2))
    return str(caught.value)


def test_schemes_belong_to_noise():
    quiet = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u)))
    assert "crank-nicolson is for equations with noise" in refused(quiet, sm.Spectral(scheme="crank-nicolson"))
    assert "differences is for equations with noise" in refused(quiet, sm.Spectral(differences=True))


def test_differences_belong_to_implicit_schemes_and_polynomials():
    assert "is for implicit schemes" in refused(spde(HEAT), sm.Spectral(differences=True))
    fractional = spde(sp.Eq(sm.Dt(u), sm.FractionalLaplacian(u, sp.Rational(3, 2)) + xi))
    method = sm.Spectral(differences=True, scheme="semi-implicit-euler")
    assert "no polynomial" in refused(fractional, method)


def test_the_rate_of_a_driven_field_is_no_function():
    message = refused(spde(HEAT, outputs={"rate": sm.Dt(u)}))
    assert "'rate' holds the time derivative of a field that noise drives" in message
    wave = spde(sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) + xi), conditions=[sm.IC(sm.Dt(u), 0)], outputs={"p": sm.Dt(u)})
    assert wave.solve(grid=sm.Grid(x=16, t=2))["p"].shape == (3, 16)


def test_parameters_of_noisy_equations_are_not_inferred():
    data = xr.Dataset({"u": (("time", "x"), np.zeros((2, 4)))}, {"time": [0.5, 1.0], "x": [0.0, 1.0, 2.0, 3.0]})
    problem = spde(
        sp.Eq(sm.Dt(u), sm.Laplacian(u) + sigma * xi),
        parameters={sigma: sm.Infer(init=0.1)},
        observations=[sm.Observe(u, data["u"], noise_std=0.1)],
    )
    assert "cannot infer parameters of an equation with noise" in refused(problem)


def test_options_are_checked():
    for bad in ({"scheme": "milstein"}, {"weights": "both"}, {"differences": 1}):
        with pytest.raises(sm.OptionError, match="O333"):
            sm.Spectral(**bad)


def test_a_plan_says_what_is_drawn():
    plan = str(spde(HEAT).plan(sm.Spectral(dt=0.1), grid=sm.Grid(x=16, t=2)))
    assert "exponential-euler with diagonal linear part, dt = 0.1, 10 steps" in plan
    assert "xi: modes up to 7, 15 numbers a step for each sample" in plan
    over_time = str(spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + sm.WhiteNoise("b", t))).plan(grid=sm.Grid(x=16, t=2)))
    assert "b: one Brownian motion" in over_time
    heun = spde(sp.Eq(sm.Dt(u), u * sm.WhiteNoise("b", t)), start=1, calculus="stratonovich")
    assert "Heun in the noise (Stratonovich)" in str(heun.plan(grid=sm.Grid(x=16, t=2)))


def test_a_path_that_blows_up_says_so_and_keeps_what_there_is():
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + u**3 + xi), start=3)
    with pytest.raises(sm.Diverged, match=r"R301.*not finite") as caught:
        problem.solve(sm.Spectral(dt=0.01), grid=sm.Grid(x=16, t=10))
    assert 1 <= caught.value.solution.ds.sizes["time"] < 11


def test_one_noise_between_faces_has_one_series():
    """Added to a field that vanishes at the faces and to one whose slope does, it would need two."""
    w = sm.Field("w", t, x)
    box, faces = sm.Box((x, 0, 1)), [sm.Dirichlet(u, 0, on=x), sm.Neumann(w, 0, on=x), sm.IC(w, 0)]
    pair = [HEAT, sp.Eq(sm.Dt(w), sm.Laplacian(w) + xi)]
    assert "xi drives w" in refused(spde(pair, domain=box, conditions=faces))
    other = [HEAT, sp.Eq(sm.Dt(w), sm.Laplacian(w) + sm.WhiteNoise("eta", t, x))]
    assert spde(other, domain=box, conditions=faces).solve(grid=sm.Grid(x=17, t=2)).status == "converged"


def test_products_between_faces_need_no_parity():
    faces = [sm.Dirichlet(u, 0, on=x)]
    equation = sp.Eq(sm.Dt(u), sm.Laplacian(u) + (1 + u) * xi)
    problem = spde(equation, domain=sm.Box((x, 0, 1)), conditions=faces, calculus="ito")
    ends = problem.solve(sm.Spectral(dt=0.01), grid=sm.Grid(x=17, t=4))["u"].isel(x=[0, -1])
    assert float(abs(ends).max()) < 1e-14
