"""The whole plane and space: velocities of free space, windows, moments that any vorticity obeys."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad
from scipy.special import erf, exp1, j1

import sciml as sm
from sciml.errors import MethodMismatch, OptionError
from sciml.method import registry
from sciml.problems.fractional_lamb_oseen import azimuthal_velocity

t, x, y, z = sm.coords("t x y z")
w, q = sm.Field("w", t, x, y), sm.Field("q", t, x, y, z)
CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}
PLANE = sm.WholeSpace(x, y)


def window(half, points, **more):
    return sm.Grid(x=(-half, half, points), y=(-half, half, points), **more)


def gaussian(px, py, strength, width):
    return strength / (2 * sp.pi * width**2) * sp.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * width**2))


def flow(value, nu=0.01, end=1.0, **outputs):
    velocity = sm.BiotSavart(w)
    return sm.Problem(
        equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), nu * sm.Laplacian(w)),
        domain=PLANE,
        time=(t, 0, end),
        conditions=[sm.IC(w, value)],
        outputs={"v": velocity, **outputs},
    )


def swirl(xs, ys, px, py, strength, variance):
    """Velocity of a Gaussian vortex."""
    dx, dy = xs - px, ys - py
    square = dx**2 + dy**2
    factor = strength * -np.expm1(-square / (2 * variance)) / (2 * np.pi * np.where(square > 0, square, 1))
    return np.where(square > 0, -dy * factor, 0), np.where(square > 0, dx * factor, 0)


def test_velocity_is_that_of_free_space():
    """Two vortices of unlike strength and net circulation, which no periodic box could hold."""
    vortices = [(-0.6, 0.2, 1.5, 0.25), (0.5, -0.3, -0.4, 0.3)]
    problem = flow(sum(gaussian(*v) for v in vortices))
    ds = problem.solve(sm.Spectral(dt=0.5), grid=window(2, 65, t=2)).ds.isel(time=0)
    xs, ys = np.meshgrid(ds["x"].values, ds["y"].values)
    expected = np.sum([swirl(xs, ys, px, py, g, s**2) for px, py, g, s in vortices], axis=0)
    assert np.abs(ds["v_x"].values - expected[0]).max() < 1e-9
    assert np.abs(ds["v_y"].values - expected[1]).max() < 1e-9
    # Negative control: the torus of the same size has another velocity.
    periodic = problem.with_(domain=sm.Torus((x, -2, 2), (y, -2, 2)))
    wrong = periodic.solve(sm.Spectral(dt=0.5), grid=sm.Grid(x=64, y=64, t=2)).ds.isel(time=0)
    assert np.abs(wrong["v_x"].values - expected[0][:-1, :-1]).max() > 0.02


def test_stream_function_with_its_logarithm():
    """``ψ = -(1/4π)(ln r² + E₁(r²/2σ²))``: the constant of the Green's function is right as well."""
    problem = flow(gaussian(0, 0, 1, 0.3), psi=-sm.InverseLaplacian(w))
    ds = problem.solve(sm.Spectral(dt=0.5), grid=window(2, 64, t=1)).ds.isel(time=0)
    xs, ys = np.meshgrid(ds["x"].values, ds["y"].values)
    square = xs**2 + ys**2
    expected = -(np.log(square) + exp1(square / (2 * 0.09))) / (4 * np.pi)
    assert np.abs(ds["psi"].values - expected).max() < 1e-9


def test_poisson_in_space():
    """``-Δ⁻¹`` of a Gaussian is ``erf(r/√2σ)/4πr``."""
    shape = sp.exp(-(x**2 + y**2 + z**2) / (2 * sp.Rational(1, 4))) / (2 * sp.pi * sp.Rational(1, 4)) ** sp.Rational(
        3, 2
    )
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(q), sm.Laplacian(q) / 100),
        domain=sm.WholeSpace(x, y, z),
        time=(t, 0, 1),
        conditions=[sm.IC(q, shape)],
        outputs={"psi": -sm.InverseLaplacian(q)},
    )
    axis = (-2.4, 2.4, 24)
    ds = problem.solve(grid=sm.Grid(x=axis, y=axis, z=axis, t=1)).ds
    r = np.sqrt(sum(np.meshgrid(*[ds["x"].values ** 2] * 3)))
    for time in (0, 1):
        variance = 0.25 + 0.02 * float(ds["time"][time])
        expected = erf(r / np.sqrt(2 * variance)) / (4 * np.pi * r)
        assert np.abs(ds["psi"].isel(time=time).values - expected).max() < 2e-5 * expected.max()


def test_a_mollified_point_vortex_is_an_older_one():
    """Lamb-Oseen from a Gaussian of width s: at time t it has the age t + s²/2ν, exactly."""
    solution = CATALOGUE["lamb-oseen"]().solve(sm.Spectral(mollify=0.2, rtol=1e-9), grid=window(2.5, 81, t=2))
    xs, ys = np.meshgrid(solution.ds["x"].values, solution.ds["y"].values)
    for time in solution.ds["time"].values:
        expected = swirl(xs, ys, 0, 0, 1, 0.04 + 0.2 * time)
        found = solution.ds.sel(time=time)
        assert np.abs(found["v_x"].values - expected[0]).max() < 1e-7
    finer = [
        float(CATALOGUE["lamb-oseen"]().solve(sm.Spectral(mollify=s), grid=window(2, n, t=1)).compare("exact")["v"][-1])
        for s, n in ((0.24, 49), (0.12, 97))
    ]
    assert finer[1] < finer[0] / 2.5  # second order in the width
    assert finer[1] < 0.03


def test_strained_vortex():
    """Stretching and a background flow that grows without bound."""
    make = CATALOGUE["strained-vortex"]
    errors = make().solve(sm.Spectral(rtol=1e-7), grid=window(3, 65, t=2)).compare("exact")
    assert float(errors["w"].max()) < 1e-6
    assert float(errors["v"].max()) < 1e-6
    problem = make()
    (gamma,) = [s for s in problem.parameters if s.name == "gamma"]
    (equation,) = problem.equations.values()
    unstretched = problem.with_(equations=equation.subs(gamma * w, 0))
    assert float(unstretched.solve(grid=window(3, 49, t=1)).compare("exact")["w"][-1]) > 0.1


def test_moments_of_an_unlike_pair():
    """Circulation and centre do not move, and the inertia grows by 4νΓt, whatever the vorticity."""
    solution = CATALOGUE["point-vortex-pair"]().solve(sm.Spectral(mollify=0.15), grid=window(2.5, 97, t=4))
    circulation, centre, inertia = (solution[n].values for n in ("circulation", "centre", "inertia"))
    assert np.ptp(circulation) < 1e-12
    assert np.abs(centre - centre[0]).max() < 1e-9
    expected = inertia[0] + 4 * 0.02 * 1.5 * solution.ds["time"].values
    assert np.abs(inertia - expected).max() < 1e-6
    assert abs(inertia[0] - (1.5 / 4 + 2 * 0.15**2 * 1.5)) < 1e-9  # what mollifying adds
    # Negative control: without the coupling the vortices stand still.
    problem = CATALOGUE["point-vortex-pair"]()
    still = problem.with_(
        equations=sp.Eq(sm.Dt(w), problem.parameters and sp.Symbol("nu", positive=True) * sm.Laplacian(w))
    )
    alone = still.solve(sm.Spectral(mollify=0.15), grid=window(2.5, 97, t=4))
    assert float(alone.compare(solution, on=["w"])["w"][-1]) > 0.3


@pytest.mark.filterwarnings("ignore:.*lies outside the window")
def test_fractional_vortex_against_quadrature():
    for r in (0.3, 1.0, 2.5):
        closed = (1 - 0.2 / np.hypot(0.2, r)) / (2 * np.pi * r)
        assert abs(azimuthal_velocity(r, 1.0, 0.2, 1.0) - closed) < 1e-12
        assert abs(azimuthal_velocity(r, 1.0, 0.1, 2.0) + np.expm1(-(r**2) / 0.4) / (2 * np.pi * r)) < 1e-12
    problem = CATALOGUE["fractional-lamb-oseen"](alpha=1.5)
    solution = problem.solve(sm.Spectral(mollify=0.3), grid=window(6, 129, t=1))
    found = solution.at(t=1.0, x=[0.5, 1.0, 1.5], y=0.0)["v"].sel(component="y").values
    expected = [
        quad(lambda k, r=r: np.exp(-0.2 * k**1.5 - 0.045 * k**2) * j1(k * r), 0, 30)[0] for r in (0.5, 1.0, 1.5)
    ]
    assert (
        np.abs(found / (np.array(expected) / (2 * np.pi)) - 1).max() < 2e-3
    )  # of which most is the tail beyond the window


def test_moving_the_window_changes_nothing():
    """The same vortex, seen in two windows: the velocity at common points agrees."""
    problem = flow(gaussian(0, 0, 1, 0.3) + gaussian(0.6, 0, 0.5, 0.25))
    a = problem.solve(sm.Spectral(dt=0.05), grid=window(2, 65, t=1))
    b = problem.solve(sm.Spectral(dt=0.05), grid=sm.Grid(x=(-2, 3, 81), y=(-3, 2, 81), t=1))
    points = {"x": np.linspace(-1.5, 1.5, 7), "y": np.linspace(-1.5, 1.5, 7)}
    difference = a.at(t=1.0, **points)["v"] - b.at(t=1.0, **points)["v"]
    assert np.abs(difference).max() < 1e-6


def test_what_leaves_the_window_is_announced():
    with pytest.warns(RuntimeWarning, match="outside the window"):
        flow(gaussian(1.9, 0, 1, 0.3)).solve(sm.Spectral(dt=0.5), grid=window(2, 49, t=1))


def test_a_window_is_needed_and_the_resolution_may_be_finer():
    problem = flow(gaussian(0, 0, 1, 0.3))
    for grid in (sm.Grid(), sm.Grid(x=65, y=65), sm.Grid(x=(2, -2, 65), y=(-2, 2, 65))):
        with pytest.raises(OptionError, match="window"):
            problem.plan(grid=grid)
    with pytest.raises(OptionError, match="O310"):
        flow(0).with_(domain=sm.Torus((x, 0, 1), (y, 0, 1))).plan(grid=window(2, 65))
    coarse = problem.solve(sm.Spectral(dt=0.1, resolution=64), grid=window(2, 33, t=1))
    fine = problem.solve(sm.Spectral(dt=0.1), grid=window(2, 65, t=1))
    assert np.abs(coarse.ds["w"].values - fine.ds["w"].values[:, ::2, ::2]).max() < 1e-13


def test_what_has_no_free_space_kernel_is_refused():
    u, p = sm.VectorField("u", t, x, y), sm.Field("p", t, x, y)
    primitive = sm.Problem(
        equations=[sp.Eq(sm.Dt(u) + sm.Advect(u, u) + sm.Grad(p), sm.Laplacian(u)), sp.Eq(sm.Div(u), 0)],
        domain=PLANE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, sm.Curl(sp.exp(-(x**2) - y**2)))],
    )
    with pytest.raises(MethodMismatch, match="vorticity equation"):
        primitive.solve("spectral", grid=window(2, 33))
    twice = flow(gaussian(0, 0, 1, 0.3), b=sm.InverseLaplacian(sm.InverseLaplacian(w)))
    with pytest.raises(MethodMismatch, match="free-space kernel"):
        twice.solve("spectral", grid=window(2, 33))
