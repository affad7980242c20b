"""Boxes: each kind of face against closed forms, lifting, orders, what sines and cosines cannot do."""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.errors import DeclarationError, MethodMismatch
from sciml.fourier.quadrature import end_corrected_weights

t, x, y = sm.coords("t x y")
u = sm.Field("u", t, x)
v = sm.Field("v", t, x, y)
nu = sp.Symbol("nu", positive=True)
LOW, LENGTH = sp.Rational(-1, 2), sp.Rational(9, 5)
S = (x - LOW) / LENGTH
PI = sp.pi
FACES = {"value": sm.Dirichlet, "flux": sm.Neumann}
# eigenfunctions of ∂ₓₓ on a box for each pair of ends, with the eigenvalue √λ L/π
SERIES = {
    ("value", "value"): lambda n: (sp.sin(n * PI * S), n),
    ("flux", "flux"): lambda n: (sp.cos(n * PI * S), n),
    ("value", "flux"): lambda n: (sp.sin((n - sp.Rational(1, 2)) * PI * S), n - sp.Rational(1, 2)),
    ("flux", "value"): lambda n: (sp.cos((n - sp.Rational(1, 2)) * PI * S), n - sp.Rational(1, 2)),
}


def ends(low, high, values=(0, 0), field=u):
    return [
        FACES[low](field, values[0], on=(x, LOW)),
        FACES[high](field, values[1], on=(x, LOW + LENGTH)),
    ]


def series(kind, amplitudes, rate=1):
    total = 0
    for n, a in amplitudes.items():
        shape, k = SERIES[kind](n)
        total += a * shape * sp.exp(-rate * nu * (k * PI / LENGTH) ** 2 * t)
    return total


def heat(kind, exact, values=(0, 0), extra=0, parameters=(), **more):
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u) + extra),
        domain=sm.Box((x, LOW, LOW + LENGTH)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, exact.subs(t, 0)), *ends(*kind, values)],
        parameters={nu: 0.3, **dict(parameters)},
        exact={u: exact},
        **more,
    )


def worst(problem, method=None, **grid):
    solution = problem.solve(method or sm.Spectral(), grid=sm.Grid(**grid))
    return float(max(e.max() for e in solution.compare("exact").data_vars.values()))


@pytest.mark.parametrize("kind", SERIES)
def test_heat_with_each_kind_of_ends(kind):
    assert worst(heat(kind, series(kind, {1: 1, 3: -2, 4: 0.5})), x=17, t=3) < 1e-13


@pytest.mark.filterwarnings("ignore:the initial")
@pytest.mark.parametrize("kind", SERIES)
def test_the_wrong_faces_are_seen(kind):
    other = next(k for k in SERIES if k != kind)
    problem = heat(kind, series(kind, {1: 1, 3: -2}))
    wrong = problem.with_(conditions=[problem.initial_conditions[0], *ends(*other)])
    assert worst(wrong, x=33, t=2) > 0.05


@pytest.mark.parametrize(
    ("kind", "values", "steady"),
    [
        (("value", "value"), (2, -1), 2 - 3 * S),
        (("value", "flux"), (2, -1), 2 - (x - LOW)),
        (("flux", "value"), (2, -1), -1 - 2 * (x - LOW - LENGTH)),
        (("flux", "flux"), (2, -2), -2 * (x - LOW)),
        (("flux", "flux"), (0, 3), 3 * ((x - LOW) ** 2 / (2 * LENGTH) + nu * t / LENGTH)),
        (("value", "value"), (1, 1), sp.Integer(1)),
    ],
)
def test_constant_data_on_faces_are_lifted(kind, values, steady):
    assert worst(heat(kind, steady + series(kind, {1: 1, 2: 0.3}), values), x=17, t=3) < 1e-12


def test_face_values_may_be_parameters_and_are_kept_in_outputs():
    g = sp.Symbol("g", real=True)
    exact = g * S + series(("value", "value"), {1: 1})
    outputs = {"slope": sm.Dx(u, x), "total": sm.Integral(u)}
    problem = heat(("value", "value"), exact, (0, g), parameters={g: 0.7}, outputs=outputs)
    solution = problem.solve(grid=sm.Grid(x=33, t=2))
    slope = sp.lambdify((t, x), exact.diff(x).subs({g: 0.7, nu: 0.3}))
    points = solution.ds["x"].values
    for time in solution.ds["time"].values:
        assert np.allclose(solution["slope"].sel(time=time), slope(time, points), atol=1e-12)
    total = sp.integrate(exact.subs({g: sp.Rational(7, 10), nu: sp.Rational(3, 10), t: 1}), (x, LOW, LOW + LENGTH))
    assert abs(float(solution["total"][-1]) - float(total)) < 1e-9


@pytest.mark.parametrize("faces", [("x", "y"), ("x",), ("y",)])
def test_two_dimensions_with_faces_on_some_axes(faces):
    """sin × cos on a box, and with one axis periodic."""
    box = [(x, 0, 1), (y, 0, 2)]
    periodic = [c for c in (x, y) if c.name not in faces]
    across = sp.cos(PI * y / 2) if y not in periodic else sp.sin(PI * y)
    along = sp.sin(2 * PI * x)
    k2 = 4 * PI**2 + (PI**2 / 4 if y not in periodic else PI**2)
    conditions = [sm.Dirichlet(v, 0, on=x)] if x not in periodic else []
    conditions += [sm.Neumann(v, 0, on=y)] if y not in periodic else []
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(v), nu * sm.Laplacian(v)),
        domain=sm.Box(*box, periodic=periodic),
        time=(t, 0, 1),
        conditions=[sm.IC(v, along * across), *conditions],
        parameters={nu: 0.02},
        exact={v: along * across * sp.exp(-nu * k2 * t)},
    )
    assert worst(problem, x=16, y=17, t=2) < 1e-13


def test_simply_supported_beam():
    """u_tt = -u_xxxx: sin(nπx) cos(n²π²t)."""
    exact = sp.sin(2 * PI * x) * sp.cos(4 * PI**2 * t) + sp.sin(3 * PI * x) * sp.cos(9 * PI**2 * t) / 2
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u, 2), -sm.Dx(u, x, 4)),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, 1),
        conditions=[
            sm.IC(u, exact.subs(t, 0)),
            sm.IC(sm.Dt(u), 0),
            sm.Dirichlet(u, 0, on=x),
            sm.Dirichlet(sm.Laplacian(u), 0, on=x),
        ],
        exact={u: exact},
    )
    assert worst(problem, x=33, t=4) < 1e-10


def burgers(end=1.0):
    """Cole-Hopf on [0, 1]: u = 2νπ e sin(πx)/(2 + e cos(πx)), e = exp(-νπ²t)."""
    decay = sp.exp(-nu * PI**2 * t)
    exact = 2 * nu * PI * decay * sp.sin(PI * x) / (2 + decay * sp.cos(PI * x))
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), nu * sm.Laplacian(u)),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, exact.subs(t, 0)), sm.Dirichlet(u, 0, on=x)],
        parameters={nu: 0.1},
        outputs={"mass": sm.Integral(u)},
        exact={u: exact},
    )


@pytest.mark.filterwarnings("ignore:dealiasing removes")
def test_burgers_between_walls():
    assert worst(burgers(), sm.Spectral(rtol=1e-10), x=65, t=4) < 1e-9
    errors = [worst(burgers(), sm.Spectral(rtol=1e-11), x=n, t=1) for n in (9, 17, 33)]
    assert errors[0] > 30 * errors[1] > 900 * errors[2]  # spectral, not algebraic


REACTION = {
    "value": sm.Dirichlet(u, 0, on=x),
    "flux": sm.Neumann(u, 0, on=x),
}


@pytest.mark.parametrize("kind", REACTION)
def test_fourth_order_in_time(kind):
    """A manufactured solution of Allen-Cahn with forcing that has the symmetry of the faces."""
    shape = sp.sin(PI * x) if kind == "value" else sp.cos(PI * x)
    exact = sp.cos(3 * t) * shape
    forcing = sp.expand(exact.diff(t) - exact.diff(x, 2) / 10 - exact + exact**3)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) / 10 + u - u**3 + forcing),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, exact.subs(t, 0)), REACTION[kind]],
        exact={u: exact},
    )
    errors = [worst(problem, sm.Spectral(dt=dt), x=25, t=1) for dt in (1 / 8, 1 / 16, 1 / 32, 1 / 64)]
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (abs(rates - 4) < 0.25).all(), rates
    assert errors[-1] < 1e-7


def test_free_slip_walls_are_the_torus_folded():
    """A flow with the symmetries of the walls is the same on the box and on the doubled torus."""
    w = sm.Field("w", t, x, y)
    velocity = sm.BiotSavart(w)
    start = sp.sin(x) * sp.sin(y) + sp.sin(2 * x) * sp.sin(y) / 2 + sp.sin(3 * y) * sp.sin(x) / 3

    def problem(domain, *faces):
        return sm.Problem(
            equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), nu * sm.Laplacian(w)),
            domain=domain,
            time=(t, 0, 1),
            conditions=[sm.IC(w, 5 * start), *faces],
            parameters={nu: 0.05},
            outputs={"v": velocity},
        )

    walls = problem(sm.Box((x, 0, PI), (y, 0, PI)), sm.Dirichlet(w, 0, on=x), sm.Dirichlet(w, 0, on=y))
    folded = problem(sm.Torus((x, 0, 2 * PI), (y, 0, 2 * PI)))
    box = walls.solve(sm.Spectral(dt=0.02), grid=sm.Grid(x=25, y=25, t=2))
    torus = folded.solve(sm.Spectral(dt=0.02), grid=sm.Grid(x=48, y=48, t=2))
    corner = torus.ds.isel(x=slice(0, 25), y=slice(0, 25))
    for name in ("w", "v_x", "v_y"):
        assert np.abs(box.ds[name].values - corner[name].values).max() < 1e-12
    assert abs(box.ds["v_x"].values[:, :, 0]).max() < 1e-13  # nothing flows through the wall
    primitive = slip_walls()
    again = primitive.solve(sm.Spectral(dt=0.02), grid=sm.Grid(x=25, y=25, t=2))
    assert np.abs(again.ds["u_x"].values - box.ds["v_x"].values).max() < 1e-12


def slip_walls():
    velocity, p = sm.VectorField("u", t, x, y), sm.Field("p", t, x, y)
    # w = Σ a sin(mx) sin(ny) has the velocity (a n/(m² + n²)) sin(mx) cos(ny), …
    terms = [(5, 1, 1), (sp.Rational(5, 2), 2, 1), (sp.Rational(5, 3), 1, 3)]
    along = sum(a * n / sp.Integer(m * m + n * n) * sp.sin(m * x) * sp.cos(n * y) for a, m, n in terms)
    across = -sum(a * m / sp.Integer(m * m + n * n) * sp.cos(m * x) * sp.sin(n * y) for a, m, n in terms)
    return sm.Problem(
        equations={
            "momentum": sp.Eq(
                sm.Dt(velocity) + sm.Advect(velocity, velocity) + sm.Grad(p), nu * sm.Laplacian(velocity)
            ),
            "continuity": sp.Eq(sm.Div(velocity), 0),
        },
        domain=sm.Box((x, 0, PI), (y, 0, PI)),
        time=(t, 0, 1),
        conditions=[
            sm.IC(velocity, sm.Vector(along, across)),
            sm.Dirichlet(velocity[x], 0, on=x),
            sm.Neumann(velocity[x], 0, on=y),
            sm.Neumann(velocity[y], 0, on=x),
            sm.Dirichlet(velocity[y], 0, on=y),
        ],
        parameters={nu: 0.05},
    )


def test_what_series_cannot_represent_is_refused():
    advected = heat(("value", "value"), series(("value", "value"), {1: 1}), extra=-sm.Dx(u, x))
    with pytest.raises(MethodMismatch, match="do not fit the faces"):
        advected.solve("spectral")
    flow = slip_walls()
    (velocity,) = [f for f in flow.fields if isinstance(f, sm.VectorField)]
    no_slip = [sm.Dirichlet(velocity, 0, on=c) for c in (x, y)]
    with pytest.raises(MethodMismatch, match="series"):
        flow.with_(conditions=[*flow.initial_conditions, *no_slip]).solve("spectral")
    with pytest.raises(DeclarationError, match="S175"):
        clamped = [sm.Dirichlet(u, 0, on=x), sm.Neumann(u, 0, on=x)]
        heat(("value", "value"), series(("value", "value"), {1: 1})).with_(conditions=[sm.IC(u, 0), *clamped])


def test_a_term_without_the_symmetry_is_announced_and_still_converges():
    """Fisher's u² is even where u is odd: the series converges, but only algebraically."""
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) / 50 + u * (1 - u)),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, 2),
        conditions=[sm.IC(u, sp.sin(PI * x) / 2), sm.Dirichlet(u, 0, on=x)],
    )
    assert "algebraic" in str(problem.plan(grid=sm.Grid(x=33, t=1)))
    assert "algebraic" not in str(burgers().plan(grid=sm.Grid(x=33, t=1)))
    runs = [problem.solve(grid=sm.Grid(x=n, t=1)) for n in (17, 33, 65, 129)]
    errors = [float(a.compare(b)["u"][-1]) for a, b in pairwise(runs)]
    assert errors[0] > 2.5 * errors[1] > 6 * errors[2]


def test_rounding_does_not_break_the_symmetry():
    """Allen-Cahn: even modes grow like e^t, and an odd solution must stay odd about its walls."""
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) / 1000 + u - u**3),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, 60),
        conditions=[sm.IC(u, sp.sin(2 * PI * x)), sm.Dirichlet(u, 0, on=x)],
    )
    final = problem.solve(sm.Spectral(dt=0.1), grid=sm.Grid(x=129, t=1)).final["u"].values
    assert abs(final[0]) < 1e-14
    assert np.abs(final + final[::-1]).max() < 1e-6


@pytest.mark.parametrize("n", [4, 9, 20, 33])
def test_quadrature_is_exact_for_polynomials_of_its_order(n):
    points = np.linspace(0, 1, n)
    for power in range(min(10, n // 2)):
        found = end_corrected_weights(n) @ points**power / (n - 1)
        assert abs(found - 1 / (power + 1)) < 1e-12


def test_a_solution_on_a_box_is_evaluated_between_its_points_and_survives_a_file(tmp_path):
    solution = burgers().solve(sm.Spectral(rtol=1e-9), grid=sm.Grid(x=65, t=2))
    found = solution.at(x=[0.0, 0.123, 0.777, 1.0])["u"].values
    exact = sp.lambdify((t, x), burgers().exact[u].subs(nu, 0.1))
    expected = [[exact(s, p) for p in (0.0, 0.123, 0.777, 1.0)] for s in (0.0, 0.5, 1.0)]
    assert np.abs(found - expected).max() < 1e-8
    loaded = sm.load(solution.save(tmp_path / "box.h5"))
    assert loaded.ds.identical(solution.ds)
    assert loaded.problem == solution.problem
