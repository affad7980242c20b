"""What the catalogue says of its equations driven by noise: their declarations and the laws that are exact."""

import json
import math
import pickle

import numpy as np
import pytest

import sciml as sm
from sciml.dsl.noise import Noise
from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d
from sciml.problems.dynamic_phi4_2d import dynamic_phi4_2d
from sciml.problems.parabolic_multiplicative import parabolic_multiplicative
from sciml.problems.stochastic_burgers import stochastic_burgers
from sciml.problems.stochastic_heat import mode_variance, stochastic_heat
from sciml.problems.stochastic_korteweg_de_vries import stochastic_korteweg_de_vries
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes
from sciml.problems.stochastic_wave import stochastic_wave

ENTRIES = (
    dynamic_phi4_1d,
    dynamic_phi4_2d,
    parabolic_multiplicative,
    stochastic_burgers,
    stochastic_heat,
    stochastic_korteweg_de_vries,
    stochastic_navier_stokes,
    stochastic_wave,
)


def noise_of(problem):
    (equation,) = problem.equations.values()
    (noise,) = equation.atoms(Noise)
    return noise


@pytest.mark.parametrize("make", ENTRIES)
def test_an_entry_is_printed_and_stored(make):
    problem = make()
    assert problem.name == make.__name__.replace("_", "-")
    assert f"*{noise_of(problem)}" in str(problem)
    assert r"\xi" in problem.latex()
    assert pickle.loads(pickle.dumps(problem)) == problem
    assert sm.Problem.from_json(json.loads(json.dumps(problem.to_json()))) == problem
    assert make(end=0.01) != problem


@pytest.mark.parametrize("make", [stochastic_burgers, stochastic_korteweg_de_vries, stochastic_navier_stokes])
def test_the_mean_is_not_driven(make):
    assert not noise_of(make()).has_mean


def test_the_start_is_random_where_it_is_asked_to_be():
    for make in (dynamic_phi4_1d, parabolic_multiplicative, stochastic_korteweg_de_vries, stochastic_wave):
        assert "a" not in {s.name for c in make(spread=0.0).conditions for s in c.value.atoms(sm.RandomField)}
        assert "a" in {s.name for c in make(spread=0.1).conditions for s in c.value.atoms(sm.RandomField)}


def test_draws_that_are_added_make_the_noise_stronger():
    once, summed = (stochastic_navier_stokes(sigma=0.05, copies=n).numbers for n in (1, 10))
    (sigma,) = (s for s in once if s.name == "sigma")
    assert summed[sigma] == pytest.approx(math.sqrt(10) * once[sigma])
    assert {s: v for s, v in once.items() if s != sigma} == {s: v for s, v in summed.items() if s != sigma}


def test_mode_variance_obeys_its_equation():
    """``dV/dt = σ²/2π - 2νk² V`` from 0."""
    k, t, step, nu, sigma = np.arange(6), 0.7, 1e-4, 0.3, 0.8
    rate = (mode_variance(k, t + step, nu, sigma) - mode_variance(k, t - step, nu, sigma)) / (2 * step)
    expected = sigma**2 / (2 * np.pi) - 2 * nu * k**2 * mode_variance(k, t, nu, sigma)
    np.testing.assert_allclose(rate, expected, rtol=1e-6)
    assert (mode_variance(k, 0.0, nu, sigma) == 0).all()
    assert mode_variance(k[:, None], np.linspace(0, 1, 3)).shape == (6, 3)
