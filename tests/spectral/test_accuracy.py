"""Accuracy in time and space, against exact and manufactured solutions, with negative controls."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch
from spectral.cases import MANUFACTURED

import sciml as sm
from sciml.fourier import modes
from sciml.fourier.modes import kept_modes
from sciml.method import registry
from sciml.solvers.spectral import etdrk4
from sciml.solvers.spectral.engine import SpectralEngine

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")  # coarse grids are the point here

CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}
ORDER_STEPS = {
    "burgers": (64, [1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64], 2e-9),
    "nonlinear-schroedinger": (256, [1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128], 2e-8),
}


def grid_of(problem, points, t=1):
    return sm.Grid(**{s.name: points for s in problem.frame.space}, t=t)


def error(problem, points, dt=None, t=1, **options):
    method = sm.Spectral(dt=dt, **options)
    solution = problem.solve(method, grid=grid_of(problem, points, t))
    return max(float(v[-1]) for v in solution.compare("exact").data_vars.values())


def rates(errors):
    return [math.log2(a / b) for a, b in pairwise(errors)]


def self_errors(name, points, steps):
    """Errors against the same grid at an eighth of the last step: time alone."""
    problem = CATALOGUE[name]()
    truth = problem.solve(sm.Spectral(dt=steps[-1] / 8), grid=grid_of(problem, points))
    runs = [problem.solve(sm.Spectral(dt=h), grid=grid_of(problem, points)) for h in steps]
    names = [f.func.__name__ for f in problem.scalar_fields]
    return [max(float(r.compare(truth, on=names)[n][-1]) for n in names) for r in runs]


@pytest.mark.parametrize("name", ORDER_STEPS)
def test_order_four_in_time(name):
    points, steps, bound = ORDER_STEPS[name]
    errors = self_errors(name, points, steps)
    assert errors[-1] < bound
    assert all(abs(r - 4) < 0.2 for r in rates(errors)[1:]), (errors, rates(errors))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_wrong_coefficient_spoils_the_order(monkeypatch, wrong):
    right = etdrk4.weights

    def weights(*phis):
        values = list(right(*phis))
        values[wrong] = values[wrong] * 1.001
        return tuple(values)

    points, steps, _ = ORDER_STEPS["burgers"]
    problem = CATALOGUE["burgers"]()
    truth = problem.solve(sm.Spectral(dt=steps[-1] / 8), grid=grid_of(problem, points))
    monkeypatch.setattr(etdrk4, "weights", weights)
    runs = [problem.solve(sm.Spectral(dt=h), grid=grid_of(problem, points)) for h in steps]
    errors = [float(r.compare(truth, on=["u"])["u"][-1]) for r in runs]
    assert not all(abs(r - 4) < 0.2 for r in rates(errors)[1:])


@pytest.mark.parametrize("case", MANUFACTURED.values(), ids=MANUFACTURED)
def test_manufactured_solution(case):
    errors = [error(case(), 48, dt) for dt in (1 / 16, 1 / 32, 1 / 64)]
    assert errors[-1] < 1e-7
    assert all(abs(r - 4) < 0.3 for r in rates(errors)), errors


@pytest.mark.parametrize("case", MANUFACTURED.values(), ids=MANUFACTURED)
def test_a_dropped_nonlinearity_is_caught(case):
    problem = case()
    form = problem.form
    forcing_only = tuple(
        dataclasses.replace(term, n=sp.expand(term.n).subs({s.placeholder: 0 for s in form.slots}))
        for term in form.nonlinear
    )
    problem.__dict__["form"] = dataclasses.replace(form, nonlinear=forcing_only)
    assert error(problem, 48, 1 / 16) > 1e-2


def test_error_decays_spectrally_in_space():
    problem = CATALOGUE["burgers"]()
    points = (12, 24, 48, 96)
    errors = [error(problem, n, 1 / 512) for n in points]
    # Like e^{-aN}: the error is squared by each doubling, while a scheme of order p divides it by 2^p.
    logs = [-math.log(e) for e in errors]
    ratios = [b / a for a, b in pairwise(logs)]
    assert all(r > 1.75 for r in ratios), (errors, ratios)
    assert errors[-1] < 1e-9


def test_cole_hopf():
    assert error(CATALOGUE["burgers"](), 96, t=4, rtol=1e-9) < 1e-6


def test_conservative_burgers_keeps_its_mean():
    problem = CATALOGUE["burgers"](nu=0.02, end=4.0)
    (u,) = problem.scalar_fields
    shifted = problem.with_(conditions=[sm.IC(u, problem.conditions[0].value + 1)], exact={})
    mass = shifted.solve(sm.Spectral(dt=1 / 128), grid=grid_of(problem, 128, 8))["mass"].values / (2 * np.pi)
    assert np.abs(mass - 1).max() < 1e-14


def test_kdv_soliton():
    assert error(CATALOGUE["korteweg-de-vries"](), 256, t=2, rtol=1e-9) < 1e-6


def test_kuramoto_sivashinsky_against_finer_runs():
    problem = CATALOGUE["kuramoto-sivashinsky"](end=20.0)
    grid, dt = grid_of(problem, 64, 1), 1 / 40
    coarse = problem.solve(sm.Spectral(dt=dt), grid=grid)
    assert float(coarse.compare(problem.solve(sm.Spectral(dt=dt / 4), grid=grid))["u"][-1]) < 1e-6
    finer = problem.solve(sm.Spectral(dt=dt, resolution=128), grid=grid)
    assert float(coarse.compare(finer)["u"][-1]) < 1e-6
    assert float(np.abs(coarse["u"][-1]).max()) > 0.5


def test_taylor_green():
    assert error(CATALOGUE["taylor-green"](), 32, 1 / 20) < 1e-10


def test_abc_flow():
    assert error(CATALOGUE["abc-flow"](), 16, 1 / 10) < 1e-10


def test_soliton_of_the_nonlinear_schroedinger_equation():
    assert error(CATALOGUE["nonlinear-schroedinger"](), 512, rtol=1e-8) < 1e-6


def test_klein_gordon_conserves_energy():
    energy = CATALOGUE["klein-gordon"]().solve(sm.Spectral(rtol=1e-9), grid=sm.Grid(x=64, t=10))["energy"].values
    assert np.abs(energy / energy[0] - 1).max() < 1e-8


def test_energies_of_phase_separation_fall():
    for name, points in (("allen-cahn", 48), ("cahn-hilliard", 48)):
        problem = CATALOGUE[name](0.2, end=0.5)
        energy = problem.solve(sm.Spectral(rtol=1e-4), grid=grid_of(problem, points, 5))["energy"].values
        assert (np.diff(energy) < 0).all()


def test_linear_problems_are_exact_in_one_step():
    solution = CATALOGUE["heat"]().solve(grid=sm.Grid(x=16, t=1))
    assert solution.provenance["steps"] == 1
    assert float(solution.compare("exact")["u"][-1]) < 1e-14


def test_adaptive_steps_meet_the_tolerance():
    problem = CATALOGUE["burgers"](nu=0.1, end=2.0)
    for rtol in (1e-4, 1e-6, 1e-8):
        solution = problem.solve(sm.Spectral(rtol=rtol), grid=grid_of(problem, 128, 4))
        assert float(solution.compare("exact")["u"][-1]) < 3 * rtol
        assert 0 < solution.provenance["estimated_error"] < rtol


# --- dealiasing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "degree", "kept"), [(128, 2, 42), (96, 2, 31), (128, 3, 31), (64, 1, 31), (64, 5, 10)]
)
def test_kept_modes(points, degree, kept):
    assert kept_modes(points, degree) == kept
    assert (degree + 1) * kept < points <= (degree + 1) * (kept + 1)


def aliasing(degree, points=32):
    """Deviation of a product of ``degree`` factors on the grid from the same product on a fine grid."""
    t, x = sm.coords("t x")
    u = sm.Field("u", t, x)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), u**degree),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, 0)],
    )
    engines = [SpectralEngine(sm.Spectral(), problem, sm.Grid(x=n, t=1), sm.Run()) for n in (points, 8 * points)]
    kept = int(engines[0].discretisation.system.mask.sum()) - 1
    generator = torch.Generator().manual_seed(degree)
    small = torch.zeros(1, 1, points // 2 + 1, dtype=torch.complex128)
    small[..., 1 : kept + 1] = torch.randn(kept, dtype=torch.complex128, generator=generator)
    large = torch.zeros(1, 1, 4 * points + 1, dtype=torch.complex128)
    large[..., : small.shape[-1]] = small
    a, b = (
        e.discretisation.system.nonlinear(z, 0.0)[..., : kept + 1] for e, z in zip(engines, (small, large), strict=True)
    )
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_products_are_free_of_aliases(degree):
    assert aliasing(degree) < 1e-13


@pytest.mark.parametrize("degree", [2, 3])
def test_a_wrong_mask_is_caught(monkeypatch, degree):
    monkeypatch.setattr(modes, "kept_modes", lambda points, degree: kept_modes(points, degree) + 2)
    assert aliasing(degree) > 1e-4


def test_derivatives_of_the_nyquist_mode_vanish():
    t, x = sm.coords("t x")
    u = sm.Field("u", t, x)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Dx(u, x, 3)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.cos(8 * x))],
    )
    solution = problem.solve(grid=sm.Grid(x=16, t=1))
    assert np.allclose(solution["u"][-1], np.cos(8 * solution.ds["x"]), atol=1e-13)
