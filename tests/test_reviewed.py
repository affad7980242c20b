"""What fresh eyes found wrong once, each with the smallest case that showed it."""

import h5py
import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.errors import DataError, DeclarationError, FileError, MethodMismatch

t, x, y = sm.coords("t x y")
u, v = sm.Field("u", t, x), sm.Field("v", t, x)
w, psi = sm.Field("w", t, x, y), sm.Field("psi", t, x, y)
nu, amplitude = sp.Symbol("nu", positive=True), sp.Symbol("A", real=True)
CIRCLE = {"domain": sm.Torus((x, 0, 2 * sp.pi)), "time": (t, 0, 1)}
ROD = {"domain": sm.Box((x, 0, 1)), "time": (t, 0, 1)}
HEAT = sp.Eq(sm.Dt(u), sm.Laplacian(u))


def test_poisson_in_one_dimension_on_even_grids():
    problem = sm.Problem(
        equations=[sp.Eq(sm.Dt(u), sm.Laplacian(u)), sp.Eq(sm.Laplacian(v), -u)],
        conditions=[sm.IC(u, sp.sin(2 * x))],
        **CIRCLE,
    )
    ds = problem.solve(grid=sm.Grid(x=32, t=1)).ds
    assert np.abs(ds["v"].values - ds["u"].values / 4).max() < 1e-14
    walls = problem.with_(domain=sm.Box((x, 0, sp.pi)), conditions=[sm.IC(u, sp.sin(2 * x)), sm.Dirichlet(u, 0, on=x)])
    ds = walls.solve(grid=sm.Grid(x=33, t=1)).ds
    assert np.abs(ds["v"].values - ds["u"].values / 4).max() < 1e-14


def test_the_velocity_of_a_solution_is_not_the_solution():
    wave = sm.Problem(
        equations=sp.Eq(sm.Dt(u, 2), sm.Laplacian(u)), conditions=[sm.IC(u, sp.sin(x)), sm.IC(sm.Dt(u), 0)], **CIRCLE
    )
    first = wave.solve(grid=sm.Grid(x=16, t=1))
    with pytest.raises(DataError, match="u_t"):
        wave.with_(conditions=[sm.IC(u, first), sm.IC(sm.Dt(u), first)], time=(t, 1, 2))
    stored = wave.with_(outputs={"u_t": sm.Dt(u)}).solve(grid=sm.Grid(x=16, t=1))
    second = wave.with_(conditions=[sm.IC(u, stored), sm.IC(sm.Dt(u), stored)], time=(t, 1, 2))
    final = second.solve(grid=sm.Grid(x=16, t=1)).final["u"].values
    assert final[4] == pytest.approx(np.cos(2), abs=1e-12)


@pytest.mark.parametrize(
    ("constraint", "faces"),
    [
        (sp.Eq(sm.Laplacian(v) - v, u + 1), [sm.Dirichlet(v, 0, on=x)]),
        (sp.Eq(sm.Laplacian(v) - v, u), [sm.Dirichlet(v, 1, on=x)]),
    ],
)
def test_sources_of_constraints_between_faces_are_not_lost(constraint, faces):
    with pytest.raises(DeclarationError, match="S178"):
        sm.Problem(equations=[HEAT, constraint], conditions=[sm.IC(u, 0), sm.Dirichlet(u, 0, on=x), *faces], **ROD)


def test_conditions_of_a_field_that_follows_must_be_those_it_inherits():
    square = {"domain": sm.Box((x, 0, sp.pi), (y, 0, sp.pi)), "time": (t, 0, 1)}
    equations = [sp.Eq(sm.Dt(w), sm.Laplacian(w)), sp.Eq(sm.Laplacian(psi), -w)]
    walls = [sm.IC(w, sp.sin(x) * sp.sin(y)), *(sm.Dirichlet(w, 0, on=c) for c in (x, y))]
    fits = sm.Problem(equations=equations, conditions=[*walls, *(sm.Dirichlet(psi, 0, on=c) for c in (x, y))], **square)
    assert fits.solve(grid=sm.Grid(x=9, y=9, t=1)).status == "converged"
    other = fits.with_(conditions=[*walls, *(sm.Neumann(psi, 0, on=c) for c in (x, y))])
    with pytest.raises(MethodMismatch, match="inherits"):
        other.solve("spectral")


def test_fields_without_derivatives_across_a_face_need_no_condition():
    """u_t = v_x, v_t = u_x with u = 0 at the ends: v is a cosine series without being asked."""
    exact = sp.sin(sp.pi * x) * sp.cos(sp.pi * t)
    problem = sm.Problem(
        equations=[sp.Eq(sm.Dt(u), sm.Dx(v, x)), sp.Eq(sm.Dt(v), sm.Dx(u, x))],
        conditions=[sm.IC(u, exact.subs(t, 0)), sm.IC(v, 0), sm.Dirichlet(u, 0, on=x)],
        exact={u: exact},
        **ROD,
    )
    found = problem.solve(grid=sm.Grid(x=17, t=4)).compare("exact", metric="linf")
    assert float(found["u"].max()) < 1e-13


def test_a_conserved_mass_is_conserved_at_every_resolution():
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) / 100),
        conditions=[sm.IC(u, 1 + sp.cos(20 * sp.pi * x)), sm.Neumann(u, 0, on=x)],
        outputs={"mass": sm.Integral(u), "square": sm.Integral(u**2)},
        **ROD,
    )
    ds = problem.solve(grid=sm.Grid(x=33, t=4)).ds
    assert np.abs(ds["mass"].values - 1).max() < 1e-14
    assert ds["square"].values[0] == pytest.approx(1.5, abs=1e-13)


@pytest.mark.parametrize(
    ("value", "face", "told"),
    [
        (x**2, sm.Neumann(u, 0, on=x), "x = 1"),
        (1 + x, sm.Dirichlet(u, 0, on=x), "x = 0"),
        (sp.cos(3 * sp.pi * x), sm.Neumann(u, 0, on=x), None),
        (sp.sin(3 * sp.pi * x), sm.Dirichlet(u, 0, on=x), None),
        (x**2 * (1 - x) ** 2, sm.Neumann(u, 0, on=x), None),
        (sp.cos(10 * sp.pi * x), sm.Neumann(u, 0, on=x), None),
    ],
)
def test_data_that_miss_their_face_condition_are_announced(value, face, told, recwarn):
    problem = sm.Problem(equations=HEAT, conditions=[sm.IC(u, value), face], **ROD)
    problem.solve(grid=sm.Grid(x=33, t=1))
    messages = [str(w.message) for w in recwarn]
    assert [m for m in messages if "does not satisfy its condition" in m] == messages
    assert any(told in m for m in messages) if told else not messages


def test_velocities_are_not_integrated_over_the_plane():
    velocity = sm.BiotSavart(w)
    blob = sp.exp(-(x**2) - y**2)

    def flow(**outputs):
        return sm.Problem(
            equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), sm.Laplacian(w) / 100),
            domain=sm.WholeSpace(x, y),
            time=(t, 0, 1),
            conditions=[sm.IC(w, -2 * x * blob)],
            outputs=outputs,
        )

    with pytest.raises(MethodMismatch, match="integrates a velocity"):
        flow(energy=sm.Integral(sm.Dot(velocity, velocity))).solve(
            "spectral", grid=sm.Grid(x=(-4, 4, 65), y=(-4, 4, 65))
        )
    # ∫|v|² = ∫ψω = π/4 for this dipole, on any window; its largest velocity is 1/2.
    for half in (4, 5):
        found = flow(energy=sm.Integral(-sm.InverseLaplacian(w) * w), top=sm.Maximum(sm.Component(velocity, 1))).solve(
            sm.Spectral(dt=0.5), grid=sm.Grid(x=(-half, half, 81), y=(-half, half, 81), t=1)
        )
        assert float(found["energy"][0]) == pytest.approx(np.pi / 4, rel=1e-9)
        assert float(found["top"][0]) == pytest.approx(0.5, rel=1e-9)


def test_singular_data_outside_the_box_are_refused():
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(w), sm.Laplacian(w) / 100),
        domain=sm.WholeSpace(x, y),
        time=(t, 0, 1),
        conditions=[sm.IC(w, sm.PointVortices([1], [(12.5, 0)]))],
    )
    with pytest.raises(DataError, match="D216"):
        problem.solve(sm.Spectral(mollify=0.1), grid=sm.Grid(x=(-2, 2, 65), y=(-2, 2, 65), t=1))


def fit(unknowns, value, observations, initial):
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        conditions=[sm.IC(u, initial)],
        parameters={nu: 0.3, amplitude: 1.0} | unknowns,
        observations=observations,
        **CIRCLE,
    )
    return problem.solve(sm.Spectral(dt=0.25), grid=sm.Grid(x=16, t=2)).parameters[value]


def test_one_number_does_not_determine_two():
    one = sm.Observe(u, {"t": [0.5], "x": [1.0], "u": [0.3]}, noise_std=0.01)
    with pytest.warns(RuntimeWarning, match="do not determine"):
        found = fit({nu: sm.Infer(0.5), amplitude: sm.Infer(1.0)}, "A", [one], amplitude * sp.sin(x))
    assert np.isinf(found.std)


@pytest.mark.parametrize(("truth", "guess"), [(1e-9, 3e-9), (500.0, 1.0)])
def test_small_and_far_unknowns_are_found(truth, guess):
    ts, xs = np.linspace(0.1, 1, 6), np.linspace(0.5, 2.5, 6)
    data = sm.Observe(u, {"t": ts, "x": xs, "u": truth * np.exp(-0.3 * ts) * np.sin(xs)}, noise_std=1e-5 * truth)
    unknowns = {amplitude: sm.Infer(guess), nu: sm.Infer(0.2)}
    found = fit(unknowns, "A", [data], amplitude * sp.sin(x))
    assert found.value == pytest.approx(truth, rel=1e-4)


def test_sensors_between_faces_read_the_series():
    """cos 5πx on nine points: a spline through them is off by one."""
    ts, xs = np.repeat([0.5, 1.0], 5), np.tile([0.13, 0.31, 0.52, 0.77, 0.9], 2)
    values = np.exp(-0.001 * 25 * np.pi**2 * ts) * np.cos(5 * np.pi * xs)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        conditions=[sm.IC(u, sp.cos(5 * sp.pi * x)), sm.Neumann(u, 0, on=x)],
        parameters={nu: sm.Infer(0.01)},
        observations=[sm.Observe(u, {"t": ts, "x": xs, "u": values}, noise_std=1e-6)],
        **ROD,
    )
    assert problem.solve(grid=sm.Grid(x=9, t=1)).parameters["nu"].value == pytest.approx(0.001, rel=1e-4)


def test_measures_are_not_multiplied_by_functions():
    vortex = sm.PointVortices([2], [(1, 1)])
    for value in (vortex**2, sp.exp(vortex), vortex * sp.cos(x)):
        with pytest.raises(DeclarationError, match="S18"):
            sm.Problem(
                equations=sp.Eq(sm.Dt(w), sm.Laplacian(w)),
                domain=sm.Torus((x, 0, 4), (y, 0, 4)),
                time=(t, 0, 1),
                conditions=[sm.IC(w, value)],
            )


def test_names_that_files_use_are_refused_before_anything_is_computed():
    for name in ("parameters", "data"):
        field = sm.Field(name, t, x)
        with pytest.raises(DeclarationError, match="S109"):
            sm.Problem(equations=sp.Eq(sm.Dt(field), sm.Laplacian(field)), conditions=[sm.IC(field, 0)], **CIRCLE)


def test_a_parameter_can_be_removed():
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)), conditions=[sm.IC(u, 0)], parameters={nu: 1}, **CIRCLE
    )
    assert problem.with_(equations=HEAT, parameters={nu: None}).parameters == {}


def test_the_time_derivative_of_an_integral_is_that_of_its_integrand():
    problem = sm.Problem(
        equations=HEAT, conditions=[sm.IC(u, sp.sin(x))], outputs={"rate": sm.Dt(sm.Integral(u**2))}, **CIRCLE
    )
    assert float(problem.solve(grid=sm.Grid(x=16, t=1))["rate"][0]) == pytest.approx(-2 * np.pi, rel=1e-12)
    with pytest.raises(DeclarationError, match="S185"):
        problem.with_(outputs={"rate": sm.Dt(sm.Maximum(u))})


@pytest.mark.parametrize("kind", ["external", "soft"])
def test_links_in_a_file_are_not_followed(kind, tmp_path):
    solved = sm.Problem(equations=HEAT, conditions=[sm.IC(u, sp.sin(x))], **CIRCLE).solve(grid=sm.Grid(x=16, t=1))
    path, other = solved.save(tmp_path / "s.h5"), tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["secret"] = np.full((2, 16), 42.0)
    with h5py.File(path, "r+") as file:
        file.move("u", "hidden")
        file["u"] = h5py.ExternalLink(str(other), "secret") if kind == "external" else h5py.SoftLink("/hidden")
    with pytest.raises(FileError, match="F412"):
        sm.load(path)


def test_arrays_that_the_problem_does_not_name_are_not_read(tmp_path):
    problem = sm.Problem(equations=HEAT, conditions=[sm.IC(u, np.sin(2 * np.pi * np.arange(16) / 16))], **CIRCLE)
    path = problem.solve(grid=sm.Grid(x=16, t=1)).save(tmp_path / "s.h5")
    with h5py.File(path, "r+") as file:
        file["data"].create_dataset("data_" + "0" * 24, shape=(10**10,), chunks=(10**5,), dtype="f8")
    assert sm.load(path).problem == problem
