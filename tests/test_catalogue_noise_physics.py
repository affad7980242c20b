"""Exact statements about the solutions of the catalogue's equations driven by noise, checked on ensembles.

Statistical bounds are four standard errors; schemes of first order add a bias, for which steps are short.
"""

from functools import cache

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d
from sciml.problems.parabolic_multiplicative import parabolic_multiplicative
from sciml.problems.stochastic_burgers import stochastic_burgers
from sciml.problems.stochastic_heat import mode_variance, stochastic_heat
from sciml.problems.stochastic_korteweg_de_vries import stochastic_korteweg_de_vries
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")
SIGNIFICANT = 4  # standard errors


@cache
def drawn(problem, n, grid, dt):
    return problem.sample(n, sm.Spectral(scheme="semi-implicit-euler", dt=dt, degree=0), grid=grid, seed=1)


def in_errors(samples, expected):
    """Return how many standard errors the mean over samples is away from what it should be."""
    samples = np.asarray(samples)
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return np.abs(samples.mean(axis=0) - expected) / error


def heat_spectra(problem):
    """Return ``û_k`` at the end for k from 0 to 8, (sample, k)."""
    paths = drawn(problem, 400, sm.Grid(x=32, t=2), 1 / 400)["u"].values[:, -1]
    return np.fft.rfft(paths, axis=1)[:, :9] / paths.shape[1]


def test_modes_of_the_heat_equation_have_their_mean_and_variance():
    spectra, k = heat_spectra(stochastic_heat()), np.arange(9)
    mean = np.where(k == 1, np.exp(-0.1) / 2j, 0)
    assert (in_errors(spectra.real, mean.real) < SIGNIFICANT).all()
    assert (in_errors(spectra.imag[:, 1:], mean.imag[1:]) < SIGNIFICANT).all()
    assert (in_errors(np.abs(spectra - mean) ** 2, mode_variance(k, 1.0)) < SIGNIFICANT).all()


def test_that_catches_another_strength_of_the_noise():
    spectra, k = heat_spectra(stochastic_heat(sigma=0.7)), np.arange(9)
    mean = np.where(k == 1, np.exp(-0.1) / 2j, 0)
    assert (in_errors(np.abs(spectra - mean) ** 2, mode_variance(k, 1.0)) > SIGNIFICANT).all()


# case: problem, grid, time step, output that every path conserves
CONSERVED = {
    "Burgers": (stochastic_burgers(), sm.Grid(x=64, t=4), 1 / 400, "mass"),
    "Korteweg-de Vries": (stochastic_korteweg_de_vries(end=0.1), sm.Grid(x=64, t=4), 1 / 4000, "mass"),
    "Navier-Stokes": (stochastic_navier_stokes(end=0.05), sm.Grid(x=32, y=32, t=4), 1 / 400, "circulation"),
}


@pytest.mark.parametrize("case", CONSERVED)
def test_what_noise_without_a_mean_conserves(case):
    problem, grid, dt, output = CONSERVED[case]
    values = drawn(problem, 8, grid, dt)[output].values
    np.testing.assert_allclose(values, values[:, :1] * np.ones(values.shape[1]), atol=1e-12)


@pytest.mark.parametrize(("modes", "balanced"), [(16, True), (8, False)])
def test_energy_of_burgers_equation_balances_in_the_mean(modes, balanced):
    """``energy(T) - energy(0) + ∫ dissipation dt - σ² modes T`` has the mean 0."""
    paths = drawn(stochastic_burgers(modes=16), 400, sm.Grid(x=64, t=200), 1 / 1000)
    energy, lost = paths["energy"].values, paths["dissipation"].values
    gained = energy[:, -1] - energy[:, 0] + np.trapezoid(lost, dx=1 / 200, axis=1)
    assert (in_errors(gained, 0.2**2 * modes) < SIGNIFICANT) == balanced


def test_noise_in_the_sense_of_ito_leaves_the_linear_mean_alone():
    """Without ``u³`` the mean is that of ``u' = 3u``; Stratonovich's product would make it grow faster."""
    problem = parabolic_multiplicative(sigma=1.0)
    (equation,) = problem.equations.values()
    linear = problem.with_(equations=sp.Eq(equation.lhs, equation.rhs.replace(lambda a: a.is_Pow, lambda a: 0)))
    paths = drawn(linear, 1000, sm.Grid(x=64, t=1), 1 / 4000)
    assert in_errors(paths["mass"].values[:, -1], np.exp(0.15) / 6) < SIGNIFICANT


def test_increments_of_coloured_noise_have_the_variance_of_their_spectrum():
    """``Δt Σ_k q(|k|)/V`` at a point, over the modes that are driven."""
    paths = drawn(stochastic_navier_stokes(end=0.05), 64, sm.Grid(x=32, y=32, t=50), 1 / 1000)
    k2 = (2 * np.pi) ** 2 * np.add.outer(np.arange(-15, 16) ** 2, np.arange(-15, 16) ** 2)
    at_points = (paths["xi"].values[:, 1:] ** 2).mean(axis=(1, 2, 3))
    assert in_errors(at_points, 1e-3 * (np.exp(-0.005 * k2).sum() - 1)) < SIGNIFICANT


def test_increments_of_white_noise_fill_the_modes_of_the_grid():
    """A coefficient of an increment has the variance Δt/L, whatever the mode."""
    paths = drawn(dynamic_phi4_1d(), 64, sm.Grid(x=32, t=50), 1 / 1000)
    spectra = np.fft.rfft(paths["xi"].values[:, 1:], axis=-1)[..., :15] / 32
    assert (in_errors((np.abs(spectra) ** 2).mean(axis=1), 1e-3) < SIGNIFICANT).all()
