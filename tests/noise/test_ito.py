"""Itô products: noise is multiplied by what was there before it."""

import numpy as np
import sympy as sp
from noise.cases import drawn, spde, t, u, x, xi

import sciml as sm

SAMPLES = 2000
HEAT = sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi)


def errors(values):
    """Mean in standard errors."""
    return values.mean(0) / (values.std(0) / np.sqrt(len(values)))


def test_the_mean_of_noise_times_the_linear_solution_is_zero():
    ds = drawn(spde(HEAT), SAMPLES, grid=sm.Grid(x=16, t=20))
    before, increments = ds["u"].values[:, :-1], ds["xi"].values[:, 1:]
    product = (before * increments).mean(2).sum(1)
    assert abs(errors(product)) < 3
    # Negative control: the solution after the increment holds it, and the mean grows with the number of modes.
    after = (ds["u"].values[:, 1:] * increments).mean(2).sum(1)
    assert errors(after) > 30


def test_a_multiplicative_martingale_keeps_its_mean():
    """E u solves the heat equation under Itô noise; under Stratonovich noise it grows by half the trace."""
    noise = sm.WhiteNoise("xi", t, x, modes=2)
    equation = sp.Eq(sm.Dt(u), sm.Laplacian(u) + u * noise / 2)
    method = sm.Spectral(dt=1 / 64)
    ito = drawn(spde(equation, start=1, calculus="ito"), SAMPLES, method)
    mean = ito["u"].isel(time=-1).values.mean(1)
    assert abs(errors(mean - 1)) < 3
    other = drawn(spde(equation, start=1, calculus="stratonovich"), SAMPLES, method)
    grown = other["u"].isel(time=-1).values.mean(1)
    trace = 5 / (2 * np.pi) / 4  # of five modes, for the amplitude u/2
    assert abs(errors(grown - np.exp(trace / 2))) < 3
    assert errors(grown - 1) > 8


def test_white_multiplicative_noise_is_predictable_on_the_grid():
    """du = Δu + σ u ξ with white noise: E u = 1 at every step size, however many modes there are."""
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + u * xi / 2), start=1, calculus="ito")
    for points in (16, 64):
        ds = drawn(problem, 1000, sm.Spectral(dt=1 / 16), grid=sm.Grid(x=points, t=1))
        assert abs(errors(ds["u"].isel(time=-1).values.mean(1) - 1)) < 3
