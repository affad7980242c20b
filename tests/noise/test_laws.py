"""Linear SPDEs: the covariance of every mode against its exact value, at steps far from small."""

import numpy as np
import pytest
import scipy.linalg
import sympy as sp
from noise.cases import coloured, drawn, spde, t, u, v, x, xi, y

import sciml as sm

SAMPLES = 4000
END = 1.0


def exact_covariance(generator, column, time):
    """Return ∫₀ᵗ e^{sP} b b* e^{sP*} ds, by SciPy's matrix exponential on a fine Gauss rule."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    total = 0
    for node, weight in zip((nodes + 1) * time / 2, weights * time / 2, strict=True):
        moved = scipy.linalg.expm(generator * node) @ column
        total = total + weight * np.outer(moved, moved.conj())
    return total


def worst(problem, names, generator, column, *, method=None, n=16, t_intervals=4, colour=lambda k: 1.0):
    """Return the largest deviation of covariances of modes, in standard errors, over all stored times.

    ``generator(k)`` and ``column(k)`` are P and b of one mode; sums of squares of complex Gaussians
    of variance q have the standard deviation q √(1/N), real ones q √(2/N).
    """
    ds = drawn(problem, SAMPLES, method, grid=sm.Grid(x=n, t=t_intervals))
    length = 2 * np.pi
    hats = np.stack([np.fft.rfft(ds[name].values, norm="forward") for name in names])  # (field, sample, time, k)
    out = 0.0
    for m in range((n - 1) // 2):
        for j, time in enumerate(ds["time"].values):
            if j == 0:
                continue
            found = hats[:, :, j, m] @ hats[:, :, j, m].conj().T / SAMPLES
            q = colour(float(m)) / length
            expected = q * exact_covariance(generator(m), column(m), time)
            scale = np.sqrt(np.outer(np.diag(expected).real, np.diag(expected).real) * (2 if m == 0 else 1) / SAMPLES)
            out = max(out, float((np.abs(found - expected) / np.maximum(scale, 1e-15)).max()))
    return out


def one(value):
    return np.array([[value]], dtype=complex)


HEAT = sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi)
KDV = sp.Eq(sm.Dt(u), sm.Dx(u, x, 3) + sm.Laplacian(u) / 2 + xi)
b1 = np.array([1.0])
LIMIT = 3.0  # standard errors, the largest of up to 200 numbers; seeds are fixed


@pytest.mark.parametrize("t_intervals", [1, 4])
def test_heat(t_intervals):
    assert worst(spde(HEAT), ["u"], lambda k: one(-(k**2)), lambda k: b1, t_intervals=t_intervals) < LIMIT


def test_heat_with_coloured_noise():
    problem = spde(HEAT.xreplace({xi: coloured}))
    assert worst(problem, ["u"], lambda k: one(-(k**2)), lambda k: b1, colour=lambda k: 1 / (1 + k**2)) < LIMIT


def test_dispersive_and_derivative_noise():
    problem = spde(KDV.xreplace({xi: sm.Dx(xi, x)}))
    assert worst(problem, ["u"], lambda k: one(-1j * k**3 - k**2 / 2), lambda k: np.array([1j * k])) < LIMIT


def wave_problem():
    return spde(
        sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) - sm.Dt(u) / 5 + xi),
        conditions=[sm.IC(sm.Dt(u), 0)],
        outputs={"speed": sm.Dt(u)},
    )


def wave(k):
    return np.array([[0, 1], [-(k**2), -0.2]], dtype=complex)


B2 = np.array([0.0, 1.0])


def test_wave():
    """Two fields, one noise: the joint covariance of displacement and velocity, 7 radians of phase a step."""
    assert worst(wave_problem(), ["u", "speed"], wave, lambda k: B2, t_intervals=1) < LIMIT
    assert worst(wave_problem(), ["u", "speed"], wave, lambda k: B2) < LIMIT


def test_coupled_fields_one_of_them_stiff():
    w = sm.Field("w", t, x)
    equations = [sp.Eq(sm.Dt(u), 20 * sm.Laplacian(u) + w + xi), sp.Eq(sm.Dt(w), u - w)]
    problem = spde(equations, conditions=[sm.IC(w, 0)])
    assert (
        worst(
            problem,
            ["u", "w"],
            lambda k: np.array([[-20 * k**2, 1], [1, -1]], dtype=complex),
            lambda k: np.array([1.0, 0]),
        )
        < LIMIT
    )


def test_one_noise_in_two_fields():
    """They share it, and forget it at different rates: the covariance between them is of rank two."""
    w = sm.Field("w", t, x)
    pair = [sp.Eq(sm.Dt(u), 5 * sm.Laplacian(u) - u + xi), sp.Eq(sm.Dt(w), sm.Laplacian(w) / 5 + 2 * xi)]
    problem = spde(pair, conditions=[sm.IC(w, 0)])

    def column(k):
        return np.array([1.0, 2.0])

    def rates(k):
        return np.diag([-5 * k**2 - 1, -(k**2) / 5]).astype(complex)

    assert worst(problem, ["u", "w"], rates, column, t_intervals=1) < LIMIT
    coupled = [sp.Eq(sm.Dt(u), sm.Laplacian(u) + w + xi), sp.Eq(sm.Dt(w), sm.Laplacian(w) - u + xi)]
    problem = spde(coupled, conditions=[sm.IC(w, 0)])

    def turning(k):
        return np.array([[-(k**2), 1], [-1, -(k**2)]], dtype=complex)

    assert worst(problem, ["u", "w"], turning, lambda k: np.ones(2), t_intervals=1) < LIMIT


def test_negative_controls():
    """Weights that are not matched, a wrong amplitude and a wrong equation are caught."""
    heat = lambda k: one(-(k**2))  # noqa: E731
    column = lambda k: b1  # noqa: E731
    assert worst(spde(HEAT), ["u"], heat, column, method=sm.Spectral(weights="path")) > 10
    assert worst(spde(HEAT), ["u"], heat, column, method=sm.Spectral(scheme="semi-implicit-euler")) > 10
    assert worst(spde(HEAT.xreplace({xi: sp.Rational(11, 10) * xi})), ["u"], heat, column) > 6
    assert worst(spde(HEAT), ["u"], lambda k: one(-(k**2) + 0.2), column) > 6
    assert worst(wave_problem(), ["u", "speed"], wave, lambda k: B2, method=sm.Spectral(weights="path")) > 10


def test_path_weights_have_the_law_when_the_step_is_small():
    fine = sm.Spectral(weights="path", dt=1 / 128)
    assert worst(wave_problem(), ["u", "speed"], wave, lambda k: B2, method=fine, t_intervals=1) < LIMIT


def test_the_plane():
    noise = sm.WhiteNoise("xi", t, x, y)
    torus = sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))
    problem = spde(sp.Eq(sm.Dt(v), sm.Laplacian(v) / 3 + noise), domain=torus, field=v)
    ds = drawn(problem, 1500, grid=sm.Grid(x=8, y=8, t=1))
    hats = np.fft.fft2(ds["v"].isel(time=1).values, norm="forward")
    m = np.fft.fftfreq(8, 1 / 8)
    k2 = (m[:, None] ** 2 + m**2) / 3
    area = (2 * np.pi) ** 2
    exact = np.where(k2 > 0, -np.expm1(-2 * k2) / np.where(k2 > 0, 2 * k2, 1), 1.0) / area
    inside = (np.abs(m[:, None]) < 4) & (np.abs(m) < 4)
    errors = ((np.abs(hats) ** 2).mean(0) / exact - 1)[inside] * np.sqrt(1500)
    assert np.abs(errors[1:]).max() < LIMIT
    assert np.abs(hats[:, ~inside]).max() < 1e-14


def test_between_faces():
    """Sine modes of the heat equation between cold ends: σ² (1 - e^{-2λt})/2λ."""
    faces = [sm.Dirichlet(u, 0, on=x)]
    problem = spde(HEAT, domain=sm.Box((x, 0, 1)), conditions=faces, end=sp.Rational(1, 10))
    ds = drawn(problem, SAMPLES, grid=sm.Grid(x=17, t=1))
    s = np.linspace(0, 1, 17)
    j = np.arange(1, 10)
    coefficients = ds["u"].isel(time=1).values @ (np.sqrt(2) / 16 * np.sin(np.pi * np.outer(j, s))).T
    rate = (np.pi * j) ** 2
    exact = -np.expm1(-0.2 * rate) / (2 * rate)
    assert np.abs(((coefficients**2).mean(0) / exact - 1) * np.sqrt(SAMPLES / 2)).max() < LIMIT
