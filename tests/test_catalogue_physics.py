"""What the catalogue says of its flows, waves and patterns: exact solutions, balances, blind spots.

Bounds are two or three times what was measured; each kind of check is shown to fail on a broken equation.
"""

from functools import cache

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.problems.allen_cahn import allen_cahn
from sciml.problems.benjamin_bona_mahony import benjamin_bona_mahony
from sciml.problems.boosted_taylor_green import boosted_taylor_green
from sciml.problems.brusselator import brusselator
from sciml.problems.damped_wave import damped_wave
from sciml.problems.fractional_allen_cahn import fractional_allen_cahn
from sciml.problems.fractional_heat import fractional_heat
from sciml.problems.manufactured_flow import manufactured_flow
from sciml.problems.schroedinger import schroedinger
from sciml.problems.swift_hohenberg import swift_hohenberg
from sciml.problems.tri_periodic_flow import tri_periodic_flow
from sciml.problems.unlike_vortices import unlike_vortices

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")
ROUNDING = 1e-14
CIRCLE, LINE, WAVE = sm.Grid(x=32, t=8), sm.Grid(x=256, t=8), sm.Grid(x=512, t=5)
SQUARE, FINER, CUBE = sm.Grid(x=32, y=32, t=4), sm.Grid(x=64, y=64, t=32), sm.Grid(x=16, y=16, z=16, t=2)


@cache
def _solved(problem, grid, method):
    return problem.solve(method, grid=grid)


def _solution(problem, grid, rtol=1e-8):
    return _solved(problem, grid, sm.Spectral(rtol=rtol))


def _changed(problem, change):
    """Return the problem with a function of both sides of each equation put in its place."""
    broken = problem.with_(
        equations={n: sp.Eq(change(e.lhs), change(e.rhs)) for n, e in problem.equations.items()},
    )
    assert broken != problem
    return broken


def _without(node):
    """Return the change that leaves out all terms with a node of this kind."""
    return lambda e: sp.Add(*(a for a in sp.Add.make_args(e) if not a.has(node)))


def _laplacian_for_fractional(e):
    return e.replace(sm.FractionalLaplacian, lambda u, _: sm.Laplacian(u))


def _scaled_laplacian(factor):
    return lambda e: e.replace(sm.Laplacian, lambda u: factor * sm.Laplacian(u))


def _fixed(name, value):
    """Return the change that puts a number in the place of a parameter."""
    return lambda e: e.subs({s: value for s in e.free_symbols if s.name == name})


# --- exact solutions ---

# case: problem, grid, largest relative L2 error over all variables and times
EXACT = {
    "boosted vortices": (boosted_taylor_green, SQUARE, ROUNDING),
    "manufactured flow": (manufactured_flow, SQUARE, 2e-11),
    "manufactured flow of order 1.5": (lambda: manufactured_flow(alpha=1.5), SQUARE, 3e-11),
    "tri-periodic flow": (tri_periodic_flow, CUBE, ROUNDING),
    "solitary wave": (benjamin_bona_mahony, WAVE, 2.5e-9),
    "damped wave": (damped_wave, CIRCLE, ROUNDING),
    "damped wave, faster": (lambda: damped_wave(damping=2.5, speed=1.2), CIRCLE, ROUNDING),
    "wave packet": (schroedinger, LINE, ROUNDING),
    "wave packet, narrow and backwards": (lambda: schroedinger(wavenumber=-1.5, width=0.8), LINE, ROUNDING),
    "fractional heat": (fractional_heat, CIRCLE, ROUNDING),
    "fractional heat of order 1": (lambda: fractional_heat(alpha=1.0), CIRCLE, ROUNDING),
}
BROKEN = {
    "no mean flow": ("boosted vortices", lambda e: e.replace(sm.Vector, lambda *_: sm.Vector(0, 0))),
    "no advection": ("manufactured flow", _without(sm.Dot)),
    "viscosity of order 2": ("manufactured flow of order 1.5", _laplacian_for_fractional),
    "no viscosity": ("tri-periodic flow", _without(sm.Laplacian)),
    "half the mass symbol": ("solitary wave", _scaled_laplacian(sp.S.Half)),
    "damping of the wrong sign": ("damped wave", _fixed("gamma", -1.5)),
    "time runs backwards": ("wave packet", _scaled_laplacian(-1)),
    "diffusion of order 2": ("fractional heat", _laplacian_for_fractional),
}


def _errors(problem, grid):
    errors = _solution(problem, grid).compare("exact").data_vars
    return {name: float(error.max()) for name, error in errors.items()}


@pytest.mark.parametrize("case", EXACT)
def test_exact_solution(case):
    make, grid, bound = EXACT[case]
    assert max(_errors(make(), grid).values()) < bound


@pytest.mark.parametrize("fault", BROKEN)
def test_exact_solution_catches(fault):
    case, change = BROKEN[fault]
    make, grid, _ = EXACT[case]
    assert max(_errors(_changed(make(), change), grid).values()) > 0.02


def test_blind_spots_are_as_described():
    """Induced advection is invisible in the boosted vortices, and in the velocity of a Beltrami flow."""
    carried = _changed(boosted_taylor_green(), lambda e: e.replace(sm.BiotSavart, lambda _: sm.Vector(0, 0)))
    assert _errors(carried, SQUARE)["w"] < ROUNDING
    beltrami = _errors(_changed(tri_periodic_flow(), _without(sm.Dot)), CUBE)
    assert beltrami["u"] < ROUNDING
    assert beltrami["p"] > 0.5


# --- balances dQ/dt + R = 0: the rate R is integrated over the stored times by Simpson's rule ---


def _descent(problem):
    """Add the rate ``∫ (∂ₜu)²`` at which a gradient flow ``∂ₜu = -δE/δu`` loses energy."""
    (equation,) = problem.equations.values()
    return problem.with_(outputs={**problem.outputs, "rate": sm.Integral(equation.rhs**2)})


def _friction(problem):
    (u,) = problem.fields
    return problem.with_(outputs={**problem.outputs, "rate": 3 * sm.Integral(sm.Dt(u) ** 2)})  # 2γ = 3


def _vortices():
    return unlike_vortices(nu=0.05, end=1.0)


# case: problem, grid, Q, R as factor and name, largest defect relative to |Q| (to 1 where Q is 0)
BALANCES = {
    "circulation of vortices": (_vortices, FINER, "circulation", None, 1e-13),
    "energy of vortices": (_vortices, FINER, "energy", (0.1, "enstrophy"), 2e-8),
    "enstrophy of vortices": (_vortices, FINER, "enstrophy", (0.1, "palinstrophy"), 4e-7),
    "damped wave": (lambda: _friction(damped_wave(end=1.0)), sm.Grid(x=32, t=64), "energy", (1, "rate"), 5e-7),
    "Allen-Cahn": (lambda: _descent(allen_cahn(nu=0.1, end=2.0)), FINER, "energy", (1, "rate"), 1e-7),
    "fractional Allen-Cahn": (
        lambda: _descent(fractional_allen_cahn(nu=0.1, end=2.0)),
        FINER,
        "energy",
        (1, "rate"),
        6e-6,
    ),
    "Swift-Hohenberg": (
        lambda: _descent(swift_hohenberg(end=5.0)),
        sm.Grid(x=128, y=128, t=64),
        "energy",
        (1, "rate"),
        6e-5,
    ),
    "Brusselator": (lambda: brusselator(end=1.0), sm.Grid(x=32, y=32, t=32), "amount", (-1, "supplied"), 1e-6),
    "mass of a wave": (benjamin_bona_mahony, WAVE, "mass", None, ROUNDING),
    "energy of a wave": (benjamin_bona_mahony, WAVE, "energy", None, 2e-9),
    "Hamiltonian of a wave": (benjamin_bona_mahony, WAVE, "hamiltonian", None, 2.5e-9),
    "mass of a packet": (schroedinger, LINE, "mass", None, ROUNDING),
    "momentum of a packet": (schroedinger, LINE, "momentum", None, ROUNDING),
}
UNBALANCED = {
    "velocity with divergence": (
        "enstrophy of vortices",
        lambda e: e.replace(sm.BiotSavart, lambda w: sm.Grad(sm.InverseLaplacian(w))),
    ),
    "half the viscosity": ("energy of vortices", _scaled_laplacian(sp.S.Half)),
    "half the damping": ("damped wave", _fixed("gamma", 0.75)),
    "cubic term of another size": ("Allen-Cahn", lambda e: e.replace(lambda a: a.is_Pow, lambda a: a * 1.05)),
    "diffusion of order 2": ("fractional Allen-Cahn", _laplacian_for_fractional),
    "no quadratic term": ("Swift-Hohenberg", _fixed("g", 0)),
    "other supply": ("Brusselator", _fixed("A", 4.4)),
    "half the mass symbol": ("energy of a wave", _scaled_laplacian(sp.S.Half)),
}


def _defect(problem, grid, quantity, rate, rtol=1e-8):
    solution = _solution(problem, grid, rtol)
    q = solution[quantity].values
    lost = 0.0
    if rate is not None:
        factor, name = rate
        r, step = factor * solution[name].values, float(solution["time"][1])
        lost = step / 3 * (r[0] + 4 * r[1::2].sum() + 2 * r[2:-1:2].sum() + r[-1])
    return abs(q[-1] - q[0] + lost) / max(np.abs(q).max(), 1.0)


@pytest.mark.parametrize("case", BALANCES)
def test_balance(case):
    make, grid, quantity, rate, bound = BALANCES[case]
    assert _defect(make(), grid, quantity, rate) < bound


@pytest.mark.parametrize("fault", UNBALANCED)
def test_balance_catches(fault):
    case, change = UNBALANCED[fault]
    make, grid, quantity, rate, _ = BALANCES[case]
    assert _defect(_changed(make(), change), grid, quantity, rate, rtol=1e-4) > 5e-3


# --- what else the docstrings promise ---


@pytest.mark.parametrize("case", ["damped wave", "Allen-Cahn", "fractional Allen-Cahn", "Swift-Hohenberg"])
def test_energy_falls_at_every_time(case):
    make, grid, *_ = BALANCES[case]
    assert (np.diff(_solution(make(), grid)["energy"].values) < 0).all()


def test_phases_stay_within_one():
    solution = _solution(fractional_allen_cahn(nu=0.1), sm.Grid(x=64, y=64, t=1))
    assert 0.9 < float(np.abs(solution["u"]).max()) <= 1


def test_vortices_agree_with_a_finer_run():
    mine = _solution(_vortices(), FINER)
    finer = _vortices().solve(sm.Spectral(resolution=128), grid=FINER)
    assert float(mine.compare(finer, on=["w"])["w"].max()) < 2e-4


@pytest.mark.parametrize(("control", "grows"), [(6.4, False), (7.0, True)])
def test_turing_threshold(control, grows):
    """A small wave of ``k² = 50/64`` follows the linear theory on either side of B = 6.71."""
    problem = brusselator(b=control, end=2.0)
    (u, v), (x, y) = problem.fields, problem.frame.space
    a, k2, amplitude = 4.5, 50 / 64, 1e-4
    wave = amplitude * sp.cos((7 * x + y) / 8)
    problem = problem.with_(conditions=[sm.IC(u, a + wave), sm.IC(v, control / a)])
    contrast = _solution(problem, sm.Grid(x=32, y=32, t=1))["contrast"].values
    jacobian = np.array([[control - 1 - 2 * k2, a**2], [-control, -(a**2) - 16 * k2]])
    rates, vectors = np.linalg.eig(jacobian)
    state = (vectors * np.exp(2 * rates)) @ np.linalg.solve(vectors, [1.0, 0.0])
    assert (rates.max() > 0) == grows
    assert contrast[-1] / contrast[0] == pytest.approx(state[0] ** 2, rel=3e-5)
