"""Coefficients that depend on time or place: equal forms, few steps, and what a plan says of them."""

from itertools import pairwise

import pytest
import sympy as sp
import torch
from spectral.cases import SQUARE, viscosity_in_time

import sciml as sm
from sciml.errors import Diverged
from sciml.fourier import discretisation
from sciml.fourier.stabilise import Stabilised
from sciml.fourier.system import System
from sciml.solvers.spectral.engine import SpectralEngine

t, x, y = sm.coords("t x y")
nu = sp.Symbol("nu", positive=True)
u, w = sm.Field("u", t, x), sm.Field("w", t, x, y)
CIRCLE = sm.Torus((x, 0, 2 * sp.pi))
GRID = sm.Grid(x=64, t=4)


def problem(right, start=None, end=1, **more):
    start = sp.cos(x) + sp.sin(3 * x) + sp.cos(20 * x) if start is None else start
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u), right), domain=CIRCLE, time=(t, 0, end), conditions=[sm.IC(u, start)], **more
    )


def decaying(integral, order, end=1):
    """The exact solution of ``∂ₜu = -c(t) |D|^order u``."""
    exact = sum(
        (
            sp.exp(-(k**order) * integral) * mode
            for k, mode in ((1, sp.cos(x)), (3, sp.sin(3 * x)), (20, sp.cos(20 * x)))
        ),
        sp.S.Zero,
    )
    rate = integral.diff(t)
    operator = sm.Laplacian(u) if order == 2 else -sm.Dx(u, x, 4)
    return problem(rate * operator, exact={u: exact}, end=end)


STIFF = {
    "diffusion that grows": decaying(t + t**2 / 2, 2, end=3),
    "diffusion that dies out": decaying(1 - sp.exp(-t), 2),
    "fourth order": decaying(1 - sp.exp(-t), 4),
}


@pytest.mark.parametrize("name", STIFF)
def test_steps_are_chosen_for_accuracy(name):
    solution = STIFF[name].solve(sm.Spectral(max_steps=1000), grid=GRID)
    assert float(solution.compare("exact", metric="linf")["u"].max()) < 1e-6


def test_without_the_shift_stability_asks_for_many_steps(monkeypatch):
    monkeypatch.setattr(discretisation, "stabilised", lambda form, *_: Stabilised(form, (), ()))
    with pytest.raises(Diverged, match="R304"):
        STIFF["fourth order"].solve(sm.Spectral(max_steps=1000), grid=GRID)


@pytest.mark.parametrize("name", STIFF)
def test_order_four_where_the_coefficient_varies(name):
    errors = [
        float(STIFF[name].solve(sm.Spectral(dt=dt), grid=sm.Grid(x=64, t=1)).compare("exact")["u"][-1])
        for dt in (1 / 32, 1 / 64, 1 / 128, 1 / 256)
    ]
    ratios = [a / b for a, b in pairwise(errors)]
    assert errors[-1] < 1e-10
    assert all(14 < r < 18 for r in ratios), (errors, ratios)


def test_viscosity_that_depends_on_time():
    flow = viscosity_in_time()
    engine = SpectralEngine(sm.Spectral(), flow, sm.Grid(x=16, y=16, t=1), sm.Run())
    assert len(engine.discretisation.stabilised.shifted) == 2  # one for each component
    errors = [
        max(
            float(e[-1])
            for e in flow.solve(sm.Spectral(dt=dt), grid=sm.Grid(x=16, y=16, t=1)).compare("exact").values()
        )
        for dt in (1 / 8, 1 / 16, 1 / 32)
    ]
    assert errors[-1] < 1e-9
    assert all(14 < a / b < 18 for a, b in pairwise(errors)), errors


@pytest.mark.parametrize(
    "declared",
    [
        problem((2 + sp.cos(x) * sp.sin(t)) * sm.Laplacian(u) + sp.exp(-t) * sm.Dx(u, x, 2) + u**2, sp.cos(x)),
        problem(sm.Div((3 + 2 * sp.cos(x) ** 2) * sm.Grad(u)) * nu, sp.cos(x), parameters={nu: 0.3}),
        viscosity_in_time(),
    ],
    ids=["sum", "flux", "flow"],
)
def test_the_right_side_is_the_same(declared):
    points = {s.name: 32 for s in declared.frame.space}
    engine = SpectralEngine(sm.Spectral(), declared, sm.Grid(**points, t=1), sm.Run())
    assert engine.discretisation.stabilised.shifted
    made = engine.discretisation
    plain = System(declared.form, engine.modes, made.reflections, made.degree)
    state = engine.start().progress.state
    for time in (0.0, 0.37):
        rates = [system.rate(state, time) for system in (made.system, plain)]
        assert float((rates[0] - rates[1]).abs().max()) < 1e-11 * float(rates[1].abs().max())
    assert not torch.allclose(made.system.linear, plain.linear)


SAID = {
    "-exp(-t)*Dx(u, x, 4): its mean coefficient is integrated exactly": problem(-sp.exp(-t) * sm.Dx(u, x, 4)),
    "sin(t)*Dx(u, x, 3) is integrated explicitly: its coefficient depends on t, which takes about": problem(
        sp.sin(t) * sm.Dx(u, x, 3)
    ),
}
NOT_SAID = {
    "order zero": problem(sp.cos(x) * u),
    "smaller than what is exact": problem((3 + sp.cos(x)) * sm.Laplacian(u)),
    "not stiff": problem(sp.sin(t) * sm.Dx(u, x)),
    "constant": problem(sm.Laplacian(u) + sp.cos(t)),
}


@pytest.mark.parametrize("line", SAID)
def test_a_plan_says_what_is_explicit(line):
    assert line in str(SAID[line].plan(grid=sm.Grid(x=128, t=4)))


@pytest.mark.parametrize("name", NOT_SAID)
def test_a_plan_does_not_speak_of_what_costs_nothing(name):
    assert "explicit" not in str(NOT_SAID[name].plan(grid=sm.Grid(x=128, t=4)))


def test_the_explicit_wave_speed_counts_as_a_frequency():
    """``c(x)|k|`` of a wave, not the entry ``c²|k|²`` of its matrix."""
    wave = sm.Problem(
        equations=sp.Eq(sm.Dt(w, 2), sm.Div((1 + sp.cos(x) ** 2) * sm.Grad(w))),
        domain=SQUARE,
        time=(t, 0, 1),
        conditions=[sm.IC(w, sp.cos(x)), sm.IC(sm.Dt(w), 0)],
    )
    plan = wave.plan(grid=sm.Grid(x=64, y=64, t=4))
    assert "explicit" not in str(plan)
    assert plan.step(1).done == 1
