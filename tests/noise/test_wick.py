"""Wick powers: the counterterm is that of the discrete scheme and of the modes that are drawn."""

import numpy as np
import pytest
import sympy as sp
import torch
from noise.cases import drawn, spde, t, u, v, x, xi, y

import sciml as sm
from sciml.fourier.wick import wick_ordered

PLANE = sm.Torus((x, 0, 1), (y, 0, 1))
white = sm.WhiteNoise("xi", t, x, y)
LINEAR = sp.Eq(sm.Dt(v), sm.Laplacian(v) + white)
CUBIC = sp.Eq(sm.Dt(v), sm.Laplacian(v) + 3 * v - v**3 + white)
SAMPLES = 800
END = sp.Rational(1, 40)


def plane(equation, **more):
    return spde(equation, domain=PLANE, field=v, end=END, **more)


def counterterms(method, points, intervals):
    """Return C after each stored time, by the scheme of the cubic equation."""
    problem = plane(CUBIC, renormalise="wick")
    engine = method.engine(problem, sm.Grid(x=points, y=points, t=intervals), sm.Run())
    steps = engine.driven.fixed_steps
    return np.array([float(engine.driven.contractions(steps * i)[0].flatten()[0]) for i in range(intervals + 1)])


@pytest.mark.parametrize("scheme", ["exponential-euler", "semi-implicit-euler", "crank-nicolson"])
def test_the_mean_of_the_wick_square_is_zero(scheme):
    """X solves the linear equation on the modes that the cubic one keeps: 32 points, degree 3."""
    method = sm.Spectral(scheme=scheme, degree=3)
    c = counterterms(method, 24, 5)
    ds = drawn(plane(LINEAR), SAMPLES, method, grid=sm.Grid(x=24, y=24, t=5))
    square = (ds["v"].values ** 2).mean((2, 3)) - c
    errors = square.mean(0)[1:] / (square.std(0)[1:] / np.sqrt(SAMPLES))
    assert np.abs(errors).max() < 3
    # Negative controls: the constant of the continuum with the same cut-off, and that of twice the modes.
    others = counterterms(method, 48, 5)
    wrong = (ds["v"].values ** 2).mean((2, 3)) - others
    assert np.abs(wrong.mean(0)[1:] / (wrong.std(0)[1:] / np.sqrt(SAMPLES))).max() > 6


def test_exponential_euler_has_the_constant_of_the_continuum_and_others_their_own():
    kept, time = 5, float(END)
    m = np.arange(-kept, kept + 1)
    rate = (2 * np.pi) ** 2 * (m[:, None] ** 2 + m**2)
    exact = time + (-np.expm1(-2 * rate[rate > 0] * time) / (2 * rate[rate > 0])).sum()
    found = {s: counterterms(sm.Spectral(scheme=s), 24, 5)[-1] for s in ("exponential-euler", "semi-implicit-euler")}
    assert abs(found["exponential-euler"] - exact) < 1e-13
    assert abs(found["semi-implicit-euler"] / exact - 1) > 0.05


def test_the_constant_grows_like_the_logarithm_of_the_modes():
    values = [counterterms(sm.Spectral(), n, 1)[-1] for n in (32, 64, 128)]
    growth = np.diff(values)
    assert np.abs(growth / (np.log(2) / (4 * np.pi)) - 1).max() < 0.15  # (σ²/4π) log K, in 2 d-wise cut-off squares


def test_wick_order_is_hermite():
    form = plane(CUBIC, renormalise="wick").form
    ordered, pairs = wick_ordered(form)
    (constant,) = pairs.values()
    (placeholder,) = [s.placeholder for s in form.slots]
    total = sp.Add(*(term.n for term in ordered.nonlinear))
    assert sp.expand(total + placeholder**3 - 3 * constant * placeholder) == 0


def test_a_solution_differs_by_the_counterterm_from_the_plain_cubic():
    """With the counterterm moved into the equation by hand at each step, both are the same path."""
    method, grid = sm.Spectral(), sm.Grid(x=24, y=24, t=5)
    wick = plane(CUBIC, renormalise="wick")
    c = counterterms(method, 24, 5)
    engine = method.engine(wick, grid, sm.Run())
    state = engine.start()
    states = [state.progress.state]
    for _ in range(5):
        state = engine.step(state)
        states.append(state.progress.state)
    system, scheme = engine.discretisation.system, engine.driven.scheme
    fields = engine.modes.backward(states[2][:, 0])
    cubic = engine.modes.forward(-(fields**3) + 3 * c[2] * fields) * system.mask
    moved = scheme.linear[:, 0] * states[2][:, 0] + scheme.drift[:, 0] * cubic
    noise = engine._increments(2)["xi"][0] * scheme.additive[0][:, 0, 0]
    assert torch.abs(moved + noise - states[3][:, 0]).max() < 1e-13


def test_the_first_moments_of_the_renormalised_equation_settle_as_modes_grow():
    """Without the counterterm the field is damped more and more as modes are added; with it, it is not."""
    start = sp.Integer(1)
    wick = plane(CUBIC, renormalise="wick", start=start)
    means = [drawn(wick, 200, grid=sm.Grid(x=n, y=n, t=25))["v"].isel(time=-1).values.mean() for n in (12, 48)]
    assert abs(means[0] - means[1]) < 0.03


def test_truncation_above_nyquist_is_refused():
    noise = sm.WhiteNoise("xi", t, x, y, modes=16)
    with pytest.raises(sm.DataError, match=r"D222.*aliased, which is another law"):
        drawn(plane(LINEAR.xreplace({white: noise})), 1, grid=sm.Grid(x=32, y=32, t=1))


def test_one_dimension_has_no_use_for_it():
    assert u is not v
    equation = sp.Eq(sm.Dt(u), sm.Laplacian(u) - u**3 + xi)
    assert drawn(spde(equation), 1)["u"].shape == (1, 5, 16)
