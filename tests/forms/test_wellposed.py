"""Well-posedness and smoothing of the linear part: textbook equations, random systems, broken variants."""

import dataclasses

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.dsl.checks import equations_of, fields_of
from sciml.dsl.vectors import VectorField
from sciml.forms import Frame, semilinear
from sciml.forms.growth import largest_growth
from sciml.forms.rays import sample
from sciml.forms.smoothing import linear_part, smoothing_order
from sciml.forms.wellposed import check_wellposed
from sciml.method import registry

t, x, y, z = sm.coords("t x y z")
nu, alpha = sp.symbols("nu alpha", positive=True)
RANGES = {nu: (0.1, 0.1), alpha: (1.5, 1.5)}
CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}
u, v, w = (sm.Field(name, t, x) for name in "uvw")
q, theta, psi = (sm.Field(name, t, x, y) for name in ("q", "theta", "psi"))
V = sm.VectorField("V", t, x, y)
A = sm.VectorField("A", t, x, y, z)
Dt, Dx, Lap, Fractional = sm.Dt, sm.Dx, sm.Laplacian, sm.FractionalLaplacian


def form_of(*equations, dim=1):
    named, space = equations_of(equations), (x, y, z)[:dim]
    fields = []
    for f in fields_of(named.values(), space):
        fields += [f.component(s) for s in space] if isinstance(f, VectorField) else [f]
    return semilinear(named, fields, Frame(t, space))


HEAT = sp.Eq(Dt(u), nu * Lap(u))
COMPETING = sp.Eq(Dt(u), Lap(u) - nu * Fractional(u, alpha))

# name: (equations, dimension, what the linear part is, smoothing order of each state)
GOOD = {
    "heat": ([HEAT], 1, "parabolic of order 2", (2,)),
    "fractional heat": ([sp.Eq(Dt(u), nu * Fractional(u, alpha))], 1, "parabolic of order 1.5", (1.5,)),
    "anti-diffusion of lower order": ([COMPETING], 1, "parabolic of order 2", (2,)),
    "Kuramoto-Sivashinsky": ([sp.Eq(Dt(u), -Lap(u) - Dx(u, x, 4))], 1, "parabolic of order 4", (4,)),
    "Swift-Hohenberg": ([sp.Eq(Dt(u), u - (u + 2 * Lap(u) + Dx(u, x, 4)))], 1, "parabolic of order 4", (4,)),
    "hyperviscosity that acts late": (
        [sp.Eq(Dt(u), -Lap(u) - sp.Float(1e-12) * Dx(u, x, 4))],
        1,
        "parabolic of order 4",
        (4,),
    ),
    "Korteweg-de Vries": ([sp.Eq(Dt(u) + Dx(u, x, 3), 0)], 1, "dispersive of order 3", (0,)),
    "BBM": ([sp.Eq(Dt(u) - Lap(Dt(u)) + Dx(u, x), 0)], 1, "ODE-like (order 0)", (0,)),
    "fast reaction": ([sp.Eq(Dt(u), 1000 * u)], 1, "ODE-like (order 0)", (0,)),
    "no linear part": ([sp.Eq(Dt(u), u**2)], 1, "zero", (0,)),
    "wave": ([sp.Eq(Dt(u, 2), Lap(u))], 1, "hyperbolic", (0, 0)),
    "wave as two equations": ([sp.Eq(Dt(v), u), sp.Eq(Dt(u), Lap(v))], 1, "hyperbolic", (0, 0)),
    "acoustics": ([sp.Eq(Dt(u), -Dx(v, x)), sp.Eq(Dt(v), -Dx(u, x))], 1, "hyperbolic", (0, 0)),
    "Klein-Gordon": ([sp.Eq(Dt(u, 2), Lap(u) - u)], 1, "hyperbolic", (0, 0)),
    "damped wave": ([sp.Eq(Dt(u, 2) + nu * Dt(u), Lap(u))], 1, "hyperbolic", (0, 0)),
    "strongly damped wave": ([sp.Eq(Dt(u, 2), Lap(Dt(u)) + Lap(u))], 1, "partly parabolic of order 2", (0, 0)),
    "beam": ([sp.Eq(Dt(u, 2), -Dx(u, x, 4))], 1, "dispersive of order 2", (0, 0)),
    "damped beam": ([sp.Eq(Dt(u, 2), -Dx(u, x, 4) + Lap(Dt(u)))], 1, "parabolic of order 2", (2, 2)),
    "third order in time": ([sp.Eq(Dt(u, 3) + Dt(u, 2), 2 * Lap(Dt(u)) + Lap(u))], 1, "hyperbolic", (0, 0, 0)),
    "Boussinesq": ([sp.Eq(Dt(u, 2) - Lap(Dt(u, 2)), Lap(u))], 1, "ODE-like (order 0)", (0, 0)),
    "Schroedinger": ([sp.Eq(Dt(u), -Lap(v)), sp.Eq(Dt(v), Lap(u))], 1, "dispersive of order 2", (0, 0)),
    "Ginzburg-Landau": (
        [sp.Eq(Dt(u), Lap(u) - 2 * Lap(v) + u), sp.Eq(Dt(v), Lap(v) + 2 * Lap(u) + v)],
        1,
        "parabolic of order 2",
        (2, 2),
    ),
    "dispersive pair": ([sp.Eq(Dt(u), Dx(v, x, 3)), sp.Eq(Dt(v), Dx(u, x, 3))], 1, "dispersive of order 3", (0, 0)),
    "advection and reaction": (
        [sp.Eq(Dt(u), -Dx(u, x) + v - u), sp.Eq(Dt(v), 3 * Dx(v, x) + 5 * u - v)],
        1,
        "hyperbolic",
        (0, 0),
    ),
    "one-way coupling": ([sp.Eq(Dt(u), Lap(u) + Dx(v, x)), sp.Eq(Dt(v), Lap(v))], 1, "parabolic of order 2", (2, 2)),
    "a field that is not smoothed acts on one that is": (
        [sp.Eq(Dt(u), Lap(u) + Dx(v, x)), sp.Eq(Dt(v), -v)],
        1,
        "u parabolic of order 2; v ODE-like (order 0)",
        (0, 0),
    ),
    "thermoelasticity": (
        [sp.Eq(Dt(u, 2), Lap(u) - Dx(v, x)), sp.Eq(Dt(v), Lap(v) - Dx(Dt(u), x))],
        1,
        "hyperbolic",
        (0, 0, 0),
    ),
    "coupled waves": ([sp.Eq(Dt(u, 2), Lap(u) + Lap(v) / 2), sp.Eq(Dt(v, 2), 2 * Lap(v))], 1, "hyperbolic", (0,) * 4),
    "plate with a static load": (
        [sp.Eq(Dt(u, 2), -Dx(u, x, 4) + Dx(w, x, 4)), sp.Eq(Dt(w), 0)],
        1,
        "u, u_t dispersive of order 2; w ODE-like (order 0)",
        (0, 0, 0),
    ),
    "pressureless gas": ([sp.Eq(Dt(u), -Dx(v, x)), sp.Eq(Dt(v), 0)], 1, "ODE-like (order 0)", (0, 0)),
    "heat in one direction": ([sp.Eq(Dt(q), Dx(q, x, 2))], 2, "partly parabolic of order 2", (0,)),
    "Rossby waves": (
        [sp.Eq(Dt(Lap(psi)) + Dx(psi, x), nu * Lap(Lap(psi)))],
        2,
        "parabolic of order 2",
        (2,),
    ),
    "stratified flow": (
        [
            sp.Eq(Dt(V) + sm.Grad(q), nu * Lap(V) + sm.Vector(0, theta)),
            sp.Eq(sm.Div(V), 0),
            sp.Eq(Dt(theta), Lap(theta) - V[1]),
        ],
        2,
        None,
        None,
    ),
    "Maxwell's vector potential": ([sp.Eq(Dt(A, 2), -sm.Curl(sm.Curl(A)))], 3, "hyperbolic", (0,) * 6),
    "elastic waves": ([sp.Eq(Dt(A, 2), Lap(A) + 2 * sm.Grad(sm.Div(A)))], 3, "hyperbolic", (0,) * 6),
}

# name: (equations, dimension, severity, order of growth)
BAD = {
    "backward heat": ([sp.Eq(Dt(u), -nu * Lap(u))], 1, 2, 2),
    "backward fractional heat": ([sp.Eq(Dt(u), -nu * Fractional(u, alpha))], 1, 2, 1.5),
    "weak backward heat under dispersion": (
        [sp.Eq(Dt(u) + Dx(u, x, 3), -sp.Float(1e-9) * Lap(u))],
        1,
        2,
        2,
    ),
    "flipped Kuramoto-Sivashinsky": ([sp.Eq(Dt(u), -Lap(u) + Dx(u, x, 4))], 1, 2, 4),
    "elliptic in time": ([sp.Eq(Dt(u, 2), -Lap(u))], 1, 2, 1),
    "elliptic as two equations": ([sp.Eq(Dt(u), Dx(v, x)), sp.Eq(Dt(v), -Dx(u, x))], 1, 2, 1),
    "odd order in space, two in time": ([sp.Eq(Dt(u, 2), Dx(u, x))], 1, 2, 0.5),
    "third order in time without damping": ([sp.Eq(Dt(u, 3), Lap(u))], 1, 2, 2 / 3),
    "bad Boussinesq": ([sp.Eq(Dt(u, 2), Lap(u) + Dx(u, x, 4))], 1, 2, 2),
    "backward heat in a dispersive pair": (
        [sp.Eq(Dt(u), Dx(v, x, 4) - Lap(u)), sp.Eq(Dt(v), -Dx(u, x, 4))],
        1,
        2,
        2,
    ),
    "Jordan block": ([sp.Eq(Dt(u), Lap(v)), sp.Eq(Dt(v), 0)], 1, 1, 2),
    "Jordan block in other unknowns": ([sp.Eq(Dt(u), Lap(u - v)), sp.Eq(Dt(v), Lap(u - v))], 1, 1, 2),
    "Jordan block under dispersion": (
        [sp.Eq(Dt(u), Dx(u, x, 3) + Lap(v)), sp.Eq(Dt(v), Dx(v, x, 3))],
        1,
        1,
        2,
    ),
    "one bad direction": ([sp.Eq(Dt(q), Dx(q, x, 2) - Dx(q, y, 2))], 2, 2, 2),
    "a thin bad cone": (
        [sp.Eq(Dt(q), Dx(q, x, 2) + sp.Float(2.02) * Dx(Dx(q, x), y) + Dx(q, y, 2))],
        2,
        2,
        2,
    ),
    "wrong viscosity under a pressure": (
        [sp.Eq(Dt(V) + sm.Grad(q), -nu * Lap(V)), sp.Eq(sm.Div(V), 0)],
        2,
        2,
        2,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_well_posed(name):
    equations, dim, kind, orders = GOOD[name]
    form = form_of(*equations, dim=dim)
    check_wellposed(form, RANGES)
    if kind is not None:
        assert linear_part(form, RANGES) == kind
        assert smoothing_order(form, RANGES) == pytest.approx(orders)


@pytest.mark.parametrize("name", BAD)
def test_ill_posed(name):
    equations, dim, severity, order = BAD[name]
    form = form_of(*equations, dim=dim)
    growth = largest_growth(sample(form, RANGES))
    assert growth.severity == severity
    assert growth.order == pytest.approx(order, rel=0.1)
    with pytest.raises(sm.DeclarationError, match="S171"):
        check_wellposed(form, RANGES)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_is_well_posed(name):
    p = CATALOGUE[name]()
    check_wellposed(p.form, p.ranges)
    assert f"linear part: {linear_part(p.form, p.ranges)}" in str(p)


# --- ranges of parameters ---------------------------------------------------------------------


@pytest.mark.parametrize("low, good", [(0.0, True), (-0.1, False)])
def test_growth_hidden_in_a_range(low, good):
    ranges = {nu: (low, 1.0)}
    if good:
        check_wellposed(form_of(HEAT), ranges)
        return
    with pytest.raises(sm.DeclarationError, match=r"with nu = -0.1.*\n.*\n.*\n.*narrow the ranges") as caught:
        check_wellposed(form_of(HEAT), ranges)
    assert "exp(-nu |k|^2 t)" in str(caught.value)


@pytest.mark.parametrize("orders, good", [((1, 1.9), True), ((3, 3), False), ((1, 3), False), ((2.1, 2.1), False)])
def test_anti_diffusion_above_the_order_of_the_diffusion(orders, good):
    ranges = {nu: (0.5, 0.5), alpha: orders}
    if good:
        check_wellposed(form_of(COMPETING), ranges)
        return
    with pytest.raises(sm.DeclarationError, match="S171") as caught:
        check_wellposed(form_of(COMPETING), ranges)
    assert "^" * len("-nu*FractionalLaplacian(u, alpha)") in caught.value.excerpt
    assert "exp(nu |k|^alpha t)" in caught.value.headline


def test_many_parameters_with_ranges():
    names = sp.symbols("a0:8")
    equation = sp.Eq(Dt(u), sp.Add(*(a * Dx(u, x, 2) for a in names)))
    ranges = dict.fromkeys(names, (0.0, 1.0))
    check_wellposed(form_of(equation), ranges)
    with pytest.raises(sm.DeclarationError, match="S171"):
        check_wellposed(form_of(equation), ranges | {names[3]: (-9.0, 1.0)})


# --- the message -----------------------------------------------------------------------------


def test_the_term_that_is_underlined_is_the_one_to_blame():
    form = form_of(sp.Eq(Dt(u) + 3 * Dx(u, x) - Lap(u), u + 3 * Dx(u, x, 4) + Dx(u, x, 3)))
    with pytest.raises(sm.DeclarationError) as caught:
        check_wellposed(form, {})
    line, carets = caught.value.excerpt.splitlines()
    assert line[carets.index("^") : carets.rindex("^") + 1] == "3*Dx(u, x, 4)"


def test_a_singular_mass_is_left_to_the_solver():
    a = sp.Symbol("a")
    check_wellposed(form_of(sp.Eq(a * Dt(u), -a * Lap(u))), {a: (0.0, 0.0)})
    with pytest.raises(sm.DeclarationError, match="S171"):
        check_wellposed(form_of(sp.Eq(a * Dt(u), -a * Lap(u))), {a: (1.0, 1.0)})


# --- random systems --------------------------------------------------------------------------


def system(matrix):
    """A form of first order in time with the given symbol matrix in (k_x, k_y)."""
    size = matrix.rows
    fields = [sm.Field(f"u{i}", t, x, y) for i in range(size)]
    form = form_of(*(sp.Eq(Dt(f), 0) for f in fields), dim=2)
    return dataclasses.replace(form, linear=sp.ImmutableMatrix(matrix.applyfunc(sp.expand)))


def matrix(array):
    return sp.Matrix(*array.shape, [sp.Float(float(e)) for e in array.ravel()])


def random_linear_part(kind, seed):
    """L of a random system with lower-order terms, in random unknowns."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    basis = rng.normal(size=(n, n))
    kx, ky = Frame(t, (x, y)).k.values()
    lower = matrix(rng.normal(size=(n, n)))
    eigenvalues = rng.uniform(0.01, 2, n)
    if kind == "parabolic, one sign wrong":
        eigenvalues[0] = -0.01
    if kind.startswith("parabolic"):
        first = sp.I * kx * matrix(rng.normal(size=(n, n)))
        return -(kx**2 + ky**2) * matrix(basis @ np.diag(eigenvalues) @ np.linalg.inv(basis)) + first + lower
    symmetric = [s + s.T for s in rng.normal(size=(2, n, n))]
    a, b = (matrix(basis @ s @ np.linalg.inv(basis)) for s in symmetric)
    if kind == "hyperbolic":
        return sp.I * (kx * a + ky * b) + lower
    if kind == "dispersive":
        return sp.I * (kx**2 + ky**2) * a + lower
    gain = np.diag([0.1] + [0.0] * (n - 1))
    return sp.I * (kx**2 + ky**2) * a + sp.sqrt(kx**2 + ky**2) * matrix(basis @ gain @ np.linalg.inv(basis))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["parabolic", "hyperbolic", "dispersive"])
def test_random_systems_are_accepted(kind, seed):
    assert largest_growth(sample(system(random_linear_part(kind, seed)), {})).severity == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["parabolic, one sign wrong", "dispersive with gain"])
def test_random_systems_with_growth_are_refused(kind, seed):
    assert largest_growth(sample(system(random_linear_part(kind, seed)), {})).severity == 2


# --- coefficients that depend on time or place -------------------------------------------------

TIMES = {t: (0.0, 4.0), x: (0.0, 2 * np.pi), y: (0.0, 2 * np.pi), nu: (0.1, 0.1)}
cosine, sine = sp.cos(t), sp.sin(t)
ROTATING = (  # diffusion 1 along a turning axis, 1/10 across: each coefficient alone may be as bad as -0.45
    (cosine**2 + sine**2 / 10) * Dx(q, x, 2)
    + sp.Rational(9, 5) * cosine * sine * Dx(Dx(q, x), y)
    + (sine**2 + cosine**2 / 10) * Dx(q, y, 2)
)
FROZEN_GOOD = {
    "growing diffusion": ([sp.Eq(Dt(u), (1 + t) * Lap(u))], 1),
    "conductivity": ([sp.Eq(Dt(u), sm.Div((2 + sp.cos(x)) * sm.Grad(u)))], 1),
    "rotating anisotropy": ([sp.Eq(Dt(q), ROTATING)], 2),
    "advection either way": ([sp.Eq(Dt(u), sp.cos(x) * Dx(u, x))], 1),
    "reaction either way": ([sp.Eq(Dt(u), Lap(u) + 100 * sp.cos(t) * u)], 1),
    "dispersion either way": ([sp.Eq(Dt(u), sp.sin(t) * Dx(u, x, 3))], 1),
    "varying wave speed": ([sp.Eq(Dt(u, 2), (2 + sp.cos(x)) * Lap(u))], 1),
    "anti-diffusion below hyperviscosity": ([sp.Eq(Dt(u), sp.cos(x) * Lap(u) - Dx(u, x, 4))], 1),
    "a function that NumPy lacks": ([sp.Eq(Dt(u), (2 + sp.erf(x) + sp.gamma(1 + t)) * Lap(u))], 1),
}
FROZEN_BAD = {
    "diffusion that changes sign in time": ([sp.Eq(Dt(u), sp.sin(t) * Lap(u))], 1, "t = 4"),
    "diffusion that changes sign in space": (
        [sp.Eq(Dt(u), nu * sm.Div((1 + 2 * sp.cos(x)) * sm.Grad(u)))],
        1,
        "x = 3.14",
    ),
    "wave equation that turns elliptic": ([sp.Eq(Dt(u, 2), sp.cos(x) * Lap(u))], 1, "x = 3.14"),
    "one bad place in the plane": ([sp.Eq(Dt(q), (1 - 2 * sp.sin(x / 2) * sp.sin(y / 2)) * Lap(q))], 2, "x = 3.14"),
}


@pytest.mark.parametrize("name", FROZEN_GOOD)
def test_frozen_coefficients_are_accepted(name):
    equations, dim = FROZEN_GOOD[name]
    check_wellposed(form_of(*equations, dim=dim), TIMES)


@pytest.mark.parametrize("name", FROZEN_BAD)
def test_frozen_coefficients_are_refused(name):
    equations, dim, where = FROZEN_BAD[name]
    form = form_of(*equations, dim=dim)
    check_wellposed(form, RANGES)  # without coordinates, nothing is known of the coefficient
    with pytest.raises(sm.DeclarationError, match="S171") as caught:
        check_wellposed(form, TIMES)
    assert where in caught.value.headline
    assert "must not change sign" in caught.value.fix[0]
    assert "^" in caught.value.excerpt
