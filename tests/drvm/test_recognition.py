"""What DRVM takes, however it is written, and what it refuses, with the reason."""

import numpy as np
import pytest
import sympy as sp
from drvm.cases import CATALOGUE, PLANE, SQUARE, flow, gaussian, run, t, v, w, window, x, y
from forms.test_navier_stokes import PLANE as SURFACES
from forms.test_navier_stokes import PRIMITIVE, biot_savart, laplacian_of_stream_function

import sciml as sm
from sciml.errors import DataError, DeclarationError, MethodMismatch, OptionError

pytestmark = pytest.mark.filterwarnings("ignore:the network at t")  # budgets are tiny here

nu, free = sp.Symbol("nu", positive=True), sp.Symbol("c", real=True)
u, p, T = sm.VectorField("u", t, x, y), sm.Field("p", t, x, y), sm.Field("T", t, x, y)
START = sp.sin(x) * sp.cos(2 * y) + sp.cos(x + y) / 2
TINY = sm.DRVM(n_particles=256, steps=2, hidden=(32,))


# --- accepted --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", SURFACES)
def test_every_plane_form_is_accepted(surface):
    assert sm.DRVM().requires(surface()) == []
    assert "drvm" in surface().methods().able


@pytest.mark.parametrize("surface", [f for f in SURFACES if f is not laplacian_of_stream_function])
def test_no_plane_form_is_accepted_with_advection_reversed(surface):
    (unmet,) = sm.DRVM().requires(surface(-1))
    assert "the advection term is -1 times the expected one" in unmet.reason


def solved(problem, seed=3, method=TINY):
    grid = sm.Grid(**{s.name: 12 for s in problem.frame.space}, t=1)
    return problem.solve(method, grid=grid, run=run(seed, dtype="float64")).ds.isel(time=-1)


def velocity_of(surface):
    """Velocity in the order of x and y, from whatever the form calls it."""
    declared = surface()
    if surface in PRIMITIVE:
        end = solved(declared)
        names = ("g", "f") if surface.__name__ == "pressure_of_scalars" else ("u_x", "u_y")
        return np.stack([end[n].transpose("x", "y").values for n in names])
    vorticity = declared.initial_conditions[0].target
    end = solved(declared.with_(outputs={"v": sm.BiotSavart(vorticity)}))
    along = ("a", "b") if surface.__name__ == "renamed" else ("x", "y")
    return np.stack([end[f"v_{s}"].transpose(*along).values for s in along])


@pytest.fixture(scope="module")
def reference():
    return velocity_of(biot_savart)


NAMES = ("stream_function", "times_minus_two", "renamed", "pressure", "pressure_of_scalars")


@pytest.mark.parametrize("surface", [f for f in SURFACES if f.__name__ in NAMES])
def test_every_plane_form_has_one_solution(surface, reference):
    found = velocity_of(surface)
    assert np.linalg.norm(found - reference) < 1e-6 * np.linalg.norm(reference)


def test_the_solution_sees_seed_and_equation(reference):
    """Negative control of the test before."""
    problem = biot_savart().with_(outputs={"v": v})
    size = np.linalg.norm(reference)
    for other in (solved(problem, seed=4), solved(problem.with_(parameters={nu: 0.06}))):
        end = np.stack([other[f"v_{s}"].transpose("x", "y").values for s in "xy"])
        assert np.linalg.norm(end - reference) > 1e-4 * size


def test_drag_and_mean_flow_are_accepted():
    assert sm.DRVM().requires(flow(START, drag=sp.Rational(1, 10))) == []
    assert sm.DRVM().requires(CATALOGUE["boosted-taylor-green"]()) == []
    assert sm.DRVM().requires(flow(sm.PointVortices(strength=[1], at=[(0, 0)]), PLANE)) == []
    assert sm.DRVM().requires(flow(sm.RandomField.fourier("a", x, y, modes=2))) == []


# --- refused ---------------------------------------------------------------------------------------------


def momentum(rest=0, domain=SQUARE, extra=(), conditions=(), **more):
    equations = [
        sp.Eq(sm.Dt(u) + sm.Advect(u, u) + sm.Grad(p), sm.Laplacian(u) / 10 + rest),
        sp.Eq(sm.Div(u), 0),
        *extra,
    ]
    stream = sp.exp(-(x**2) - y**2) if domain == PLANE else sp.sin(x) * sp.sin(y)
    initial = sm.IC(u, sm.Vector(stream.diff(y), -stream.diff(x)))
    return sm.Problem(equations=equations, domain=domain, time=(t, 0, 1), conditions=[initial, *conditions], **more)


def changed(right, **more):
    return sm.Problem(
        equations=sp.Eq(sm.Dt(w) + sm.Advect(v, w), right),
        domain=SQUARE,
        time=(t, 0, 1),
        conditions=[sm.IC(w, START)],
        **more,
    )


def with_walls():
    box = sm.Box((x, 0, sp.pi), (y, 0, sp.pi))
    return sm.Problem(
        equations=sp.Eq(sm.Dt(w) + sm.Advect(v, w), sm.Laplacian(w) / 10),
        domain=box,
        time=(t, 0, 1),
        conditions=[sm.IC(w, sp.sin(x) * sp.sin(y)), *(sm.Dirichlet(w, 0, on=c) for c in (x, y))],
    )


def with_heat():
    return momentum(
        sm.Vector(0, T),
        extra=[sp.Eq(sm.Dt(T) + sm.Advect(u, T), sm.Laplacian(T))],
        conditions=[sm.IC(T, sp.sin(x))],
    )


DIFFUSION = sm.Laplacian(w) / 10
REFUSED = {
    "three dimensions": (lambda: CATALOGUE["tri-periodic-flow"](), "no three-dimensional flow yet"),
    "heat": (lambda: CATALOGUE["heat"](), "it is a method for incompressible Navier-Stokes"),
    "no advection": (lambda: flow(START, velocity=sm.Vector(1, 0)), "this is|incompressible Navier-Stokes"),
    "inviscid": (lambda: changed(0), "viscosity above 0"),
    "vanishing viscosity": (lambda: changed(free * sm.Laplacian(w), parameters={free: 0}), "viscosity above 0"),
    "fractional": (lambda: changed(sm.FractionalLaplacian(w, sp.Rational(3, 2)) / 10), "no diffusion of order 3/2"),
    "fractional, by a parameter": (lambda: CATALOGUE["fractional-lamb-oseen"](), "no diffusion of order alpha"),
    "forcing": (lambda: changed(DIFFUSION + sp.sin(y)), r"no forcing yet \(sin\(y\)\)"),
    "forced momentum": (lambda: momentum(sm.Vector(sp.sin(y), 0)), "no forcing yet"),
    "noise": (
        lambda: changed(DIFFUSION + sm.WhiteNoise("xi", t, x, y)),
        "the noise xi drives it|no scheme for driving noise",
    ),
    "drag in time": (lambda: changed(DIFFUSION - t * w), "drag|this is"),
    "viscosity in time": (lambda: changed((1 + t) * DIFFUSION), "viscosity is a constant|this is"),
    "walls": (with_walls, "walls make vorticity"),
    "range": (lambda: changed(nu * sm.Laplacian(w), parameters={nu: sm.Range(0.1, 1)}), "nu has a range"),
    "buoyancy": (with_heat, "fields beside the flow|T evolves"),
    "spectrum": (lambda: changed(DIFFUSION, outputs={"E": sm.Spectrum(w)}), r"no spectra \(output 'E'\)"),
    "rate": (lambda: changed(DIFFUSION, outputs={"r": sm.Dt(w)}), r"no time derivatives \(output 'r'\)"),
    "pressure in the plane": (lambda: momentum(domain=PLANE), "'p' needs the pressure"),
    "stream function in the plane": (
        lambda: flow(gaussian(0, 0, 1, 0.3), PLANE, psi=-sm.InverseLaplacian(w)),
        "vorticity and velocity only, and 'psi' needs",
    ),
    "gradient in the plane": (lambda: flow(gaussian(0, 0, 1, 0.3), PLANE, g=sm.Grad(w)), "only, and 'g' needs"),
    "wrong sign": (lambda: flow(START, velocity=-v), "advection term is -1 times the expected one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_why(name):
    make, reason = REFUSED[name]
    problem = make()
    with pytest.raises(MethodMismatch, match=rf"M201[^$]*({reason})"):
        problem.plan(sm.DRVM(), grid=window() if problem.domain.infinite else sm.Grid())
    assert "drvm" not in problem.methods().able


def test_parameters_to_infer_are_refused():
    table = {"t": [0.5], "x": [1.0], "y": [1.0], "w": [0.2]}
    problem = changed(
        nu * sm.Laplacian(w),
        parameters={nu: sm.Infer(0.1)},
        observations=[sm.Observe(w, table, columns={"t": t, "x": x, "y": y, "w": w})],
    )
    (unmet,) = sm.DRVM().requires(problem)
    assert "infers no parameters yet (nu)" in unmet.reason


def test_random_data_in_the_plane_are_refused_when_declared():
    with pytest.raises(DeclarationError, match=r"S181[^$]*does not vanish at infinity[^$]*Torus"):
        flow(sm.RandomField.fourier("a", x, y, modes=2) * sp.exp(-(x**2) - y**2), PLANE)


def test_the_plane_needs_a_window():
    with pytest.raises(OptionError, match="window"):
        flow(gaussian(0, 0, 1, 0.3), PLANE).plan(sm.DRVM())


def test_zero_vorticity_is_refused_when_prepared():
    with pytest.raises(DataError, match=r"D201.*0 everywhere"):
        laplacian_of_stream_function().plan(TINY)


# --- options ---------------------------------------------------------------------------------------------

WRONG = {
    "n_particles": [0, 32, 1000, 2.0**12, True, "many"],
    "steps": [1, 0, 2.5],
    "fit": ["sgd", None],
    "hidden": [(), (0,), (16, 2.5), 16, "16"],
    "queries": [8, 100, 64.0],
    "marches": [0, 1.5],
    "target": [0, -1.0, "small", True],
    "groups": [0, 3, 1024],
    "sampling": ["halton"],
    "drift": ["heun"],
    "iterations": [0],
    "ridge": [0.0, -1e-9, None],
    "batch": [0, 32, 1000],
    "answer": ["both"],
}


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, values in WRONG.items() for v in values])
def test_an_option_out_of_range(option, value):
    with pytest.raises(OptionError, match=rf"O3\d\d.*{option}"):
        sm.DRVM(**{option: value})


def test_every_option_is_in_that_table():
    assert set(sm.DRVM().record()["options"]) == {*WRONG, "training"}


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("n_particles", 1000, (512, 1024)),
        ("n_particles", 33000, (32768, 65536)),
        ("queries", 100, (64, 128)),
        ("groups", 3, (2, 4)),
        ("batch", 1000, (512, 1024)),
    ],
)
def test_the_powers_of_two_on_both_sides_are_named(option, value, near):
    with pytest.raises(OptionError, match="power of 2") as caught:
        sm.DRVM(**{option: value})
    for n in near:
        assert f"DRVM({option}={n})" in str(caught.value)
        sm.DRVM(**{option: n})


def test_options_that_need_each_other():
    with pytest.raises(OptionError, match="2 groups of 64") as caught:
        sm.DRVM(n_particles=64, groups=2)
    assert "DRVM(n_particles=128)" in str(caught.value)
    with pytest.raises(OptionError, match="at least two groups"):
        sm.DRVM(target=1e-2, groups=1)
    assert sm.DRVM(target=1e-2, groups=2).target == 1e-2


def test_a_misspelt_option():
    with pytest.raises(OptionError, match="Did you mean 'marches'"):
        sm.DRVM(marchs=2)


def test_target_stops_the_marches():
    problem = flow(START).with_(outputs={"v": v})
    grid = sm.Grid(x=12, y=12, t=1)
    options = {"n_particles": 256, "steps": 2, "hidden": (32,), "marches": 4}

    def done(target):
        plan = problem.plan(sm.DRVM(target=target, **options), grid=grid, run=run())
        found = plan.complete().provenance["diagnostics"]
        assert plan.done == 2 * found["marches"]
        return found["marches"], max(found["label_error"])

    assert done(None)[0] == 4
    assert done(1e-9)[0] == 4
    one, error = done(10.0)
    assert one == 1
    count, better = done(0.75 * error)
    assert 1 < count < 4
    assert better <= 0.75 * error
