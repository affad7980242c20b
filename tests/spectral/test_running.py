"""Divergence, budgets, batches, precision, hand-driven plans."""

import numpy as np
import pytest
import sympy as sp
import torch

import sciml as sm
from sciml.errors import DataError, Diverged, OptionError
from sciml.fourier.modes import Modes
from sciml.fourier.reflection import Reflections
from sciml.fourier.system import System
from sciml.method import registry
from sciml.solvers.spectral.stepper import Progress, Stepper

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")

CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}
t, x = sm.coords("t x")
u = sm.Field("u", t, x)
CIRCLE = sm.Torus((x, 0, 2 * sp.pi))


def blow_up(end=2):
    """``u' = u²`` from 1: infinite at t = 1."""
    return sm.Problem(
        name="blow-up", equations=sp.Eq(sm.Dt(u), u**2), domain=CIRCLE, time=(t, 0, end), conditions=[sm.IC(u, 1)]
    )


@pytest.mark.parametrize("method", [sm.Spectral(dt=0.05), sm.Spectral()], ids=["fixed", "chosen"])
def test_blow_up_is_reported_with_what_was_computed(method, tmp_path):
    with pytest.raises(Diverged) as caught:
        blow_up().solve(method, grid=sm.Grid(x=8, t=20), run=sm.Run(out=tmp_path))
    solution = caught.value.solution
    assert solution.status == "diverged"
    assert np.isfinite(solution["u"].values).all()
    assert solution.ds.sizes["time"] >= 9
    reloaded = sm.load(tmp_path / "solution.h5")
    assert reloaded.status == "diverged"
    assert reloaded.ds.identical(solution.ds)


def test_divergence_can_be_returned_instead():
    solution = blow_up().solve(sm.Spectral(dt=0.1), grid=sm.Grid(x=8, t=20), run=sm.Run(throw=False))
    assert solution.status == "diverged"
    assert "R301" in solution.reason or "R302" in solution.reason


def test_too_large_a_step_is_stopped_by_the_cfl_number():
    problem = CATALOGUE["burgers"](nu=1e-3)
    fast = problem.with_(conditions=[sm.IC(problem.fields[0], 30 + problem.conditions[0].value)], exact={})
    with pytest.raises(Diverged, match=r"R302.*CFL number") as caught:
        fast.solve(sm.Spectral(dt=0.05), grid=sm.Grid(x=64, t=2))
    assert "Spectral(dt=" in caught.value.fix[0]
    suggested = float(caught.value.fix[0].split("dt=")[1].split(")")[0])
    assert fast.solve(sm.Spectral(dt=suggested), grid=sm.Grid(x=64, t=2)).status == "converged"


def test_cfl_number_of_pure_advection():
    """For u_t + c u_x with c in the nonlinear part, the rate is c times the largest kept wavenumber."""
    c = sp.Symbol("c", positive=True)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), -(c + 0 * x) * sm.Dx(u, x) - sm.Dx(u**2, x) / 10**9),
        domain=CIRCLE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, 10**9 / 2 + sp.sin(x))],
        parameters={c: 1e-9},
    )
    solution = problem.solve(sm.Spectral(dt=0.01), grid=sm.Grid(x=64, t=1))
    assert 0.8 * 0.01 * 21 < solution.provenance["cfl"] <= 1.001 * 0.01 * 21


def test_unresolved_initial_data_are_reported():
    with pytest.warns(RuntimeWarning, match="dealiasing removes"):
        CATALOGUE["korteweg-de-vries"]().plan(grid=sm.Grid(x=32, t=1)).step(0)


def test_initial_data_must_satisfy_the_constraints():
    problem = CATALOGUE["taylor-green"]()
    (velocity, _) = problem.fields
    a, b = problem.frame.space
    wrong = problem.with_(conditions=[sm.IC(velocity, sm.Vector(sp.sin(a), sp.sin(b)))], exact={})
    with pytest.raises(DataError, match=r"D202.*continuity"):
        wrong.solve(grid=sm.Grid(x=16, y=16, t=1))


def test_a_poisson_equation_demands_mean_zero():
    y = sm.coords("y")
    w, psi = sm.Field("w", t, x, y), sm.Field("psi", t, x, y)
    equations = {
        "vorticity": sp.Eq(sm.Dt(w) + sm.Dx(psi, y) * sm.Dx(w, x) - sm.Dx(psi, x) * sm.Dx(w, y), sm.Laplacian(w)),
        "stream function": sp.Eq(sm.Laplacian(psi), -w),
    }
    domain = sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))
    problem = sm.Problem(equations=equations, domain=domain, time=(t, 0, 1), conditions=[sm.IC(w, 1 + sp.sin(x))])
    with pytest.raises(DataError, match=r"D202.*stream function.*mean"):
        problem.solve(grid=sm.Grid(x=16, y=16, t=1))
    right = problem.with_(conditions=[sm.IC(w, sp.sin(x))]).solve(grid=sm.Grid(x=16, y=16, t=1))
    assert np.allclose(right["psi"], right["w"], atol=1e-14)  # -Δ sin x = sin x


def test_infinite_initial_data_are_refused():
    problem = CATALOGUE["heat"]()
    (field,) = problem.fields
    singular = problem.with_(conditions=[sm.IC(field, 1 / sp.sin(problem.frame.space[0]))], exact={})
    with pytest.raises(DataError, match="D201"):
        singular.solve(grid=sm.Grid(x=16, t=1))


def test_budget_stops_and_keeps_what_there_is():
    solution = CATALOGUE["burgers"]().solve(grid=sm.Grid(x=32, t=10), run=sm.Run(budget=sm.Budget(steps=3)))
    assert solution.status == "budget"
    assert solution.ds.sizes["time"] == 4
    timed = CATALOGUE["burgers"]().solve(grid=sm.Grid(x=32, t=10), run=sm.Run(budget="0.000001s"))
    assert timed.status == "budget"
    assert timed.ds.sizes["time"] == 2


def test_interruption_returns_a_usable_solution(monkeypatch):
    plan = CATALOGUE["burgers"]().plan(grid=sm.Grid(x=96, t=10))
    original = plan._engine.step

    def step(state):
        if len(state.stored) == 4:
            raise KeyboardInterrupt
        return original(state)

    monkeypatch.setattr(plan._engine, "step", step)
    solution = plan.complete()
    assert solution.status == "interrupted"
    assert solution.ds.sizes["time"] == 4
    assert float(solution.compare("exact")["u"].max()) < 1e-5


def test_a_plan_driven_by_hand_equals_solve():
    problem, grid = CATALOGUE["burgers"](), sm.Grid(x=32, t=6)
    plan = problem.plan(grid=grid)
    with pytest.raises(DataError, match="nothing has been computed"):
        plan.solution()
    plan.step(2)
    assert plan.solution().status == "budget"
    assert (plan.done, plan.total) == (2, 6)
    plan.step(100)
    assert plan.solution().status == "converged"
    assert plan.solution().ds.identical(problem.solve(grid=grid).ds)


def test_computations_do_not_change_global_state():
    before = torch.get_num_threads(), torch.get_default_dtype(), torch.random.get_rng_state()
    CATALOGUE["burgers"]().solve(grid=sm.Grid(x=32, t=2), run=sm.Run(threads=2, dtype="float32"))
    assert torch.get_num_threads() == before[0]
    assert torch.get_default_dtype() == before[1]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_single_precision():
    solution = CATALOGUE["burgers"]().solve(sm.Spectral(dt=0.02), grid=sm.Grid(x=64, t=2), run=sm.Run(dtype="float32"))
    assert solution["u"].dtype == np.float32
    assert 1e-9 < float(solution.compare("exact")["u"][-1]) < 1e-5


def test_stored_grid_may_be_coarser_than_the_computation():
    problem = CATALOGUE["burgers"]()
    fine = problem.solve(sm.Spectral(dt=0.02, resolution=64), grid=sm.Grid(x=16, t=2))
    assert fine.ds.sizes["x"] == 16
    assert float(fine.compare("exact")["u"][-1]) < 1e-6
    with pytest.raises(OptionError, match="multiple"):
        problem.solve(sm.Spectral(resolution=50), grid=sm.Grid(x=16, t=2))


def test_a_batch_of_initial_values_and_parameters_equals_single_runs():
    problem = CATALOGUE["burgers"]()
    (nu,) = problem.parameters
    values = [0.05, 0.1, 0.3]
    device = torch.device("cpu")

    def final(parameter, phases):
        modes = Modes(problem.frame, (32,), (0.0,), (2 * np.pi,), (1,), {nu: parameter}, device, torch.float64)
        system = System(problem.form, modes, Reflections(problem.form, problem.faces), 2)
        points = modes.coordinates[0][0]
        start = torch.stack([torch.sin(points + p) for p in phases])[:, None]
        stepper = Stepper(system, sm.Spectral(dt=0.05), 1.0, 1.0)
        state = modes.forward(start) * system.mask
        return modes.backward(stepper.advance(Progress(0.0, state)).state)

    phases = [0.0, 1.0, 2.0]
    together = final(torch.tensor(values, dtype=torch.float64), phases)
    assert together.shape == (3, 1, 32)
    for i, (value, phase) in enumerate(zip(values, phases, strict=True)):
        alone = final(torch.tensor(value, dtype=torch.float64), [phase])
        assert torch.allclose(together[i], alone[0], rtol=1e-13, atol=1e-13)


@pytest.mark.gpu
def test_cuda_equals_cpu():
    problem, grid = CATALOGUE["co-rotating-vortices"](nu=0.05), sm.Grid(x=64, y=64, t=2)
    on_gpu = problem.solve(sm.Spectral(dt=0.02), grid=grid, run=sm.Run(device="cuda"))
    on_cpu = problem.solve(sm.Spectral(dt=0.02), grid=grid, run=sm.Run(device="cpu"))
    assert float(on_gpu.compare(on_cpu)["w"].max()) < 1e-12


def test_large_grids_are_transformed_one_by_one():
    problem = CATALOGUE["taylor-green"]()
    solution = problem.solve(
        sm.Spectral(dt=0.05), grid=sm.Grid(x=192, y=192, t=1), run=sm.Run(budget=sm.Budget(steps=1))
    )
    assert float(solution.compare("exact")["u"][-1]) < 1e-12


# --- what independent review found wrong once -------------------------------------------------


def test_rounding_does_not_grow_where_the_transform_cannot_see_it():
    """Unstable modes on the plane k_last = 0: an anti-Hermitian part would grow like e^t to 1e8."""
    energy = CATALOGUE["allen-cahn"](0.05, end=100.0).solve(sm.Spectral(rtol=1e-4), grid=sm.Grid(x=32, y=32, t=10))[
        "energy"
    ]
    assert (np.diff(energy) < 0).all()
    assert abs(float(energy[-1]) - 2.66158) < 1e-4


@pytest.mark.parametrize("points", [(8,), (7,), (8, 6), (7, 5), (4, 6, 8)])
def test_symmetrised_coefficients_are_those_of_a_real_field(points):
    problem = CATALOGUE[{1: "heat", 2: "allen-cahn", 3: "abc-flow"}[len(points)]]()
    ones = (1,) * len(points)
    modes = Modes(problem.frame, points, (0.0,) * 3, (1.0,) * 3, ones, {}, torch.device("cpu"), torch.float64)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 1, *modes.spectrum, dtype=torch.complex128, generator=generator)
    once = modes.symmetrised(noise)
    assert torch.allclose(once, modes.forward(modes.backward(once)), atol=1e-14)
    real = modes.forward(torch.randn(2, 1, *points, dtype=torch.float64, generator=generator))
    assert torch.allclose(modes.symmetrised(real), real, atol=1e-15)


@pytest.mark.parametrize("scale", [1, 1e3, 1e6])
def test_a_small_field_is_as_accurate_as_a_large_one(scale):
    v = sm.Field("v", t, x)
    problem = sm.Problem(
        equations=[sp.Eq(sm.Dt(u), u * (1 - u)), sp.Eq(sm.Dt(v), sm.Laplacian(v) / 100)],
        domain=CIRCLE,
        time=(t, 0, 4),
        conditions=[sm.IC(u, (2 + sp.cos(x)) / 20), sm.IC(v, scale * sp.cos(x))],
        exact={u: 1 / (1 + (20 / (2 + sp.cos(x)) - 1) * sp.exp(-t))},
    )
    assert float(problem.solve(grid=sm.Grid(x=64, t=4)).compare("exact")["u"].max()) < 2e-6


def test_single_precision_with_chosen_steps_ends_and_knows_its_error():
    solution = CATALOGUE["burgers"]().solve(grid=sm.Grid(x=96, t=4), run=sm.Run(dtype="float32"))
    assert float(solution.compare("exact")["u"][-1]) < solution.provenance["estimated_error"] < 1e-3


def test_step_limits():
    decay = sm.Problem(
        equations=sp.Eq(sm.Dt(u), -100 * u**3), domain=CIRCLE, time=(t, 0, 1000), conditions=[sm.IC(u, 1)]
    )
    solution = decay.solve(grid=sm.Grid(x=8, t=1))
    assert np.allclose(solution["u"][-1], 1 / np.sqrt(1 + 200 * 1000), rtol=1e-5)
    with pytest.raises(Diverged, match="R304"):
        decay.solve(sm.Spectral(max_steps=10), grid=sm.Grid(x=8, t=1))
    with pytest.raises(OptionError, match="O332"):
        decay.plan(sm.Spectral(dt=1e-9))


def test_forcing_in_time_alone_and_fast_forcing():
    forced = sp.Eq(sm.Dt(u), sm.Laplacian(u) + sp.cos(t) * sp.sin(x))
    exact = {u: (sp.cos(t) + sp.sin(t) - sp.exp(-t)) / 2 * sp.sin(x)}
    problem = sm.Problem(equations=forced, domain=CIRCLE, time=(t, 0, 1), conditions=[sm.IC(u, 0)], exact=exact)
    assert float(problem.solve(grid=sm.Grid(x=16, t=2)).compare("exact", metric="linf")["u"].max()) < 1e-6
    fast = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sp.cos(8 * sp.pi * t) - u**2 / 10**30),
        domain=CIRCLE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, 0)],
    )
    assert float(np.abs(fast.solve(grid=sm.Grid(x=8, t=1))["u"][-1]).max()) < 1e-6


def test_cfl_number_with_a_coupled_linear_part():
    v = sm.Field("v", t, x)
    cahn = sp.Eq(sm.Dt(u), sm.Laplacian(u**3 - u - sm.Laplacian(u) / 25))
    start = [sm.IC(u, (sp.cos(3 * x) + sp.sin(2 * x)) / 10)]
    alone = sm.Problem(equations=cahn, domain=CIRCLE, time=(t, 0, 1), conditions=start)
    coupled = alone.with_(equations=[cahn, sp.Eq(sm.Dt(v), u - v)], conditions=[*start, sm.IC(v, 0)])
    numbers = [p.solve(sm.Spectral(dt=0.005), grid=sm.Grid(x=128, t=1)).provenance["cfl"] for p in (alone, coupled)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.05)
    assert numbers[0] < 1
    stiff = CATALOGUE["klein-gordon"](1.0, 1e4)
    with pytest.raises(Diverged, match="R302"):
        stiff.solve(sm.Spectral(dt=0.01), grid=sm.Grid(x=64, t=1))


def test_grids_with_odd_and_unequal_axes():
    a, b = sm.coords("a b")
    w = sm.Field("w", t, a, b)
    exact = sp.exp(sp.sin(2 * sp.pi * (a - 1) / 3 - t)) * sp.cos(2 * sp.pi * (b + 2) / 5)
    forcing = exact.diff(t) + exact * exact.diff(a) - exact.diff(b, 2) / 10
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(w) + w * sm.Dx(w, a), sm.Dx(w, b, 2) / 10 + forcing),
        domain=sm.Torus((a, 1, 4), (b, -2, 3)),
        time=(t, 2, sp.Rational(5, 2)),
        conditions=[sm.IC(w, exact.subs(t, 2))],
        exact={w: exact},
    )
    for points in ((48, 15), (51, 16), (49, 17)):
        solution = problem.solve(sm.Spectral(dt=1 / 256), grid=sm.Grid(a=points[0], b=points[1], t=2))
        assert float(solution.compare("exact")["w"][-1]) < 1e-8, points
