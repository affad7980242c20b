"""Noise on grids: unit intensity, the same path on every grid, faces, colours, truncation."""

import numpy as np
import pytest
import sympy as sp
from noise.cases import coloured, drawn, k, spde, t, u, v, x, xi, y

import sciml as sm

INTERVAL = sm.Box((x, 0, 1))
HEAT = sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi)
SAMPLES = 3000


def increments(problem, n=SAMPLES, name="xi", **grid):
    return drawn(problem, n, grid=sm.Grid(t=1, **grid))[name].isel(time=1).values


def errors(values, expected):
    """Deviation of second moments from their exact values, in standard errors."""
    products = values[:, :, None] * values[:, None, :]
    return (products.mean(0) - expected) / (products.std(0) / np.sqrt(len(values)))


def test_white_noise_has_the_covariance_of_a_delta_on_the_grid():
    n, dt = 15, 1.0
    values = increments(spde(HEAT), x=n)
    cell = 2 * np.pi / n
    assert np.abs(errors(values, np.eye(n) * dt / cell)).max() < 4.5


@pytest.mark.parametrize(
    ("face", "basis"),
    [
        (lambda: [sm.Dirichlet(u, 0, on=x)], lambda j, s: np.sqrt(2) * np.sin(np.pi * (j + 1) * s)),
        (lambda: [sm.Neumann(u, 0, on=x)], lambda j, s: (np.sqrt(2) if j else 1) * np.cos(np.pi * j * s)),
        (
            lambda: [sm.Dirichlet(u, 0, on=(x, 0)), sm.Neumann(u, 0, on=(x, 1))],
            lambda j, s: np.sqrt(2) * np.sin(np.pi * (j + 0.5) * s),
        ),
    ],
    ids=["sines", "cosines", "quarter waves"],
)
def test_noise_between_faces_is_white_in_their_series(face, basis):
    """Coefficients in the orthonormal basis of the faces are independent with variance dt."""
    s = np.linspace(0, 1, 33)
    values = increments(spde(HEAT, domain=INTERVAL, conditions=face()), x=33)
    weights = np.full(33, 1 / 32)
    weights[[0, -1]] /= 2
    functions = np.stack([basis(j, s) for j in range(6)])
    assert np.abs((functions * weights) @ functions.T - np.eye(6)).max() < 1e-12
    assert np.abs(errors(values @ (functions * weights).T, np.eye(6))).max() < 4


def test_colour_is_the_covariance_operator():
    values = increments(spde(HEAT.xreplace({xi: coloured})), x=15)
    hats = np.fft.fft(values, norm="forward")
    power = (np.abs(hats) ** 2).mean(0)
    m = np.abs(np.fft.fftfreq(15, 1 / 15))
    expected = 1 / (1 + m**2) / (2 * np.pi)
    error = expected * np.sqrt(np.where(m == 0, 2, 1) / SAMPLES)
    assert np.abs((power - expected) / error).max() < 4


def test_noise_in_two_dimensions_and_without_mean():
    noise = sm.WhiteNoise("xi", t, x, y, mean=False)
    plane = sm.Torus((x, 0, 1), (y, 0, 2))
    problem = spde(sp.Eq(sm.Dt(v), sm.Laplacian(v) + noise), domain=plane, field=v)
    values = increments(problem, 1500, x=5, y=7)
    assert np.abs(values.mean((1, 2))).max() < 1e-12
    expected = 35 / 2 * (1 - 1 / 35)  # per cell 1/(area of a cell), less the mean
    assert abs(values.var() / expected - 1) < 4 * np.sqrt(2 / values.size)


def test_noise_over_time_alone_is_one_brownian_motion():
    noise = sm.WhiteNoise("b", t)
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * noise))
    ds = drawn(problem, 2000)
    assert ds["b"].dims == ("sample", "time")
    total = ds["b"].sum("time").values
    assert abs(total.var() - 1) < 4 * np.sqrt(2 / 2000)
    assert np.abs(ds["u"].isel(time=-1).values - 3 * total[:, None]).max() < 1e-12


def test_two_noises_are_independent_and_one_name_is_one_noise():
    eta = sm.WhiteNoise("eta", t, x)
    w = sm.Field("w", t, x)
    pair = [sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi), sp.Eq(sm.Dt(w), sm.Laplacian(w) + xi + 0 * eta)]
    same = drawn(spde(pair, conditions=[sm.IC(w, 0)]), 3)
    assert np.array_equal(same["u"].values, same["w"].values)
    both = drawn(spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi + eta)), 500)
    a, b = (both[n].isel(time=1).values.ravel() for n in ("xi", "eta"))
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(len(a))


def test_a_finer_grid_sees_the_same_path_with_more_of_its_modes():
    coarse, fine = (increments(spde(HEAT), 3, x=n) for n in (16, 64))
    low, high = (np.fft.rfft(w, norm="forward") for w in (coarse, fine))
    assert np.abs(low[:, :8] - high[:, :8]).max() < 1e-14
    fixed = spde(HEAT.xreplace({xi: sm.WhiteNoise("xi", t, x, modes=5)}))
    a, b = (increments(fixed, 3, x=n) for n in (16, 64))
    assert np.abs(a - b[:, ::4]).max() < 1e-13


def test_truncation_above_nyquist_is_refused_and_just_below_is_not():
    problem = spde(HEAT.xreplace({xi: sm.WhiteNoise("xi", t, x, modes=8)}))
    with pytest.raises(sm.DataError, match=r"D222.*modes up to 8.*hold\s+modes up to 7"):
        drawn(problem, 1, grid=sm.Grid(x=16, t=1))
    drawn(problem, 1, grid=sm.Grid(x=18, t=1))
    cubic = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) - u**3 + sm.WhiteNoise("xi", t, x, modes=7)))
    with pytest.raises(sm.DataError, match=r"free of aliases") as caught:
        drawn(cubic, 1, grid=sm.Grid(x=16, t=1))
    assert "Spectral(degree=0)" in str(caught.value)
    drawn(cubic, 1, sm.Spectral(degree=0), grid=sm.Grid(x=16, t=1))


def test_a_spectrum_that_depends_on_a_parameter_may_be_wrong_for_its_value():
    a = sp.Symbol("a", real=True)
    bad = sm.ColoredNoise("xi", t, x, k=k, spectrum=a + sp.sin(k))
    problem = spde(HEAT.xreplace({xi: bad}), parameters={a: 2})
    drawn(problem, 1)
    with pytest.raises((sm.DataError, sm.DeclarationError)):
        drawn(problem.with_(parameters={a: -2}), 1)
