"""Strong order of every scheme along one Brownian path: steps that halve, two-sided, with sampling error."""

import numpy as np
import pytest
import sympy as sp
from noise.cases import drawn, spde, t, u, x

import sciml as sm

beta = sm.WhiteNoise("beta", t)
smooth = sm.WhiteNoise("xi", t, x, modes=3)
SAMPLES = 200
STEPS = (8, 16, 32, 64, 128)
SCHEMES = ("exponential-euler", "semi-implicit-euler", "crank-nicolson")


def errors(problem, scheme, reference, weights="law"):
    """Root mean square error over samples and space at the end, with its standard error, for each step."""
    out = []
    for n in STEPS:
        method = sm.Spectral(dt=1 / n, scheme=scheme, weights=weights)
        found = drawn(problem, SAMPLES, method, grid=sm.Grid(x=16, t=1))
        squares = ((found["u"].isel(time=-1).values - reference(found)) ** 2).mean(1)
        mean, spread = squares.mean(), squares.std() / np.sqrt(SAMPLES)
        out.append((np.sqrt(mean), spread / (2 * np.sqrt(mean))))
    return np.array(out)


def slope(table):
    """Order fitted to all steps, and its standard error from that of the errors."""
    h, e, d = np.log(1 / np.array(STEPS)), np.log(table[:, 0]), table[:, 1] / table[:, 0]
    centred = h - h.mean()
    return centred @ e / (centred @ centred), np.sqrt(((centred * d) ** 2).sum()) / (centred @ centred)


def refined(problem, scheme=None, n=2048):
    fine = drawn(problem, SAMPLES, sm.Spectral(dt=1 / n, scheme=scheme), grid=sm.Grid(x=16, t=1))
    return lambda _: fine["u"].isel(time=-1).values


@pytest.mark.parametrize("scheme", SCHEMES)
def test_additive_noise_converges_with_order_one(scheme):
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + sp.sin(u) + smooth), start=sp.cos(x))
    order, error = slope(table := errors(problem, scheme, refined(problem)))
    assert abs(order - 1) < 0.12 + 3 * error, table
    assert table[-1, 0] < 0.05


def geometric(calculus):
    """du = -u dt + u dβ in every mode 0: the exact solution is known."""
    a, b = -1.0, 0.8
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) - u + sp.Rational(4, 5) * u * beta), start=1, calculus=calculus)
    drift = a - b**2 / 2 if calculus == "ito" else a

    def exact(ds):
        total = ds["beta"].sum("time").values
        return np.exp(drift + b * total)[:, None]

    return problem, exact


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ito_multiplicative_noise_converges_with_order_one_half(scheme):
    problem, exact = geometric("ito")
    order, error = slope(table := errors(problem, scheme, exact))
    assert abs(order - 0.5) < 0.1 + 3 * error, table


@pytest.mark.parametrize("scheme", SCHEMES)
def test_stratonovich_with_one_noise_converges_with_order_one(scheme):
    problem, exact = geometric("stratonovich")
    order, error = slope(table := errors(problem, scheme, exact))
    assert abs(order - 1) < 0.15 + 3 * error, table
    assert table[-1, 0] < 0.02


def test_the_other_calculus_is_another_solution():
    """Negative control: neither converges to the solution of the other."""
    for calculus, other in (("ito", "stratonovich"), ("stratonovich", "ito")):
        problem, _ = geometric(calculus)
        table = errors(problem, None, geometric(other)[1])
        assert table[-1, 0] > 0.1
        assert abs(slope(table)[0]) < 0.2


def test_transport_noise_moves_the_solution_rigidly():
    """du = -∂ₓu ∘ dβ has the solution u0(x - β): the Stratonovich product obeys the chain rule."""
    problem = spde(sp.Eq(sm.Dt(u), -sm.Dx(u, x) * beta / 2), start=sp.sin(x), calculus="stratonovich")

    def exact(ds):
        return np.sin(ds["x"].values - ds["beta"].sum("time").values[:, None] / 2)

    order, error = slope(table := errors(problem, None, exact))
    assert abs(order - 1) < 0.15 + 3 * error, table


def test_stochastic_wave_converges_with_order_one():
    problem = spde(
        sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) + sp.sin(u) + u * smooth),
        start=sp.cos(x),
        conditions=[sm.IC(sm.Dt(u), 0)],
        calculus="ito",
    )
    order, error = slope(table := errors(problem, None, refined(problem)))
    assert abs(order - 1) < 0.15 + 3 * error, table


def test_a_scheme_with_a_lost_weight_has_another_order(monkeypatch):
    """Negative control: noise that is not weighted at all leaves an error that falls more slowly, or not at all."""
    from sciml.solvers.spectral.stochastic import StochasticStepper

    problem = spde(sp.Eq(sm.Dt(u), 5 * sm.Laplacian(u) + smooth))
    good = errors(problem, None, refined(problem))
    original = StochasticStepper._scheme

    def doubled(self, parts):
        made = original(self, parts)
        return type(made)(
            made.h, made.linear, made.drift, made.noise, tuple(1.1 * a for a in made.additive), made.parts
        )

    reference = refined(problem)
    monkeypatch.setattr(StochasticStepper, "_scheme", doubled)
    bad = errors(problem, None, reference)
    assert slope(good)[0] > 0.8
    assert slope(bad)[0] < 0.5
