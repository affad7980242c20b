"""Regularity of what noise drives, gains of linear parts, and which products are allowed: against known theory."""

import math

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

import sciml as sm
from sciml.forms.convolution import convolution
from sciml.forms.products import exceeds, regularity_of

t, x, y, z = sm.coords("t x y z")
k = sp.Symbol("k", nonnegative=True)
nu, p = sp.symbols("nu p", positive=True)
half = sp.Rational(1, 2)
SPACE = (x, y, z)


def field(name, dim=1):
    return sm.Field(name, t, *SPACE[:dim])


def white(dim=1, name="xi", **more):
    return sm.WhiteNoise(name, t, *SPACE[:dim], **more)


def coloured(rho, dim=1, **more):
    return sm.ColoredNoise("xi", t, *SPACE[:dim], k=k, spectrum=(1 + k**2) ** -rho, **more)


u, v, w, s = field("u"), field("v"), field("w", 2), field("s", 3)
r = field("r", 3)
V, q = sm.VectorField("V", t, x, y), field("q", 2)
xi, xi2, xi3 = white(1), white(2), white(3)
Lap = sm.Laplacian
vorticity_transport = -sm.Advect(sm.BiotSavart(w), w)


def problem(equations, order=1, **more):
    """Declare scalar equations of this order in time, with everything 0 at the start."""
    equations = equations if isinstance(equations, list) else [equations]
    fields = set().union(*(e.atoms(AppliedUndef) for e in equations))
    (coordinates,) = {f.args[1:] for f in fields}
    domain = sm.Torus(*((c, 0, 2 * sp.pi) for c in coordinates))
    starts = [sm.IC(sm.Dt(f, n) if n else f, 0) for f in fields for n in range(order)]
    return sm.Problem(equations=equations, domain=domain, time=(t, 0, 1), conditions=starts, **more)


def evolve(f, right, order=1, **more):
    return problem(sp.Eq(sm.Dt(f, order), right), order, **more)


# --- regularity, gain and degree

HEAT = {
    f"heat, d = {dim}": (lambda f=f, n=n: evolve(f, Lap(f) + n), (1 - dim / 2,), (2,), -1 - dim / 2)
    for dim, (f, n) in enumerate(((u, xi), (w, xi2), (s, xi3)), 1)
}
COLOURED = {
    f"heat, rho = {rho}": (lambda rho=rho: evolve(u, Lap(u) + coloured(rho)), (half + rho,), (2,), rho - 3 * half)
    for rho in (-half, sp.Rational(1, 4), 1, sp.Rational(5, 2))
}
REGULARITY = {
    **HEAT,
    **COLOURED,
    "fractional heat": (
        lambda: evolve(u, sm.FractionalLaplacian(u, sp.Rational(4, 3)) + xi),
        (1 / 6,),
        (4 / 3,),
        -7 / 6,
    ),
    "wave": (lambda: evolve(u, Lap(u) + xi, 2), (half, -half), (1, 0), -half),
    "damped wave": (
        lambda: problem(sp.Eq(sm.Dt(u, 2) + sm.Dt(u) / 3, 4 * Lap(u) + xi), 2),
        (half, -half),
        (1, 0),
        -half,
    ),
    "strongly damped wave": (
        lambda: problem(sp.Eq(sm.Dt(u, 2), Lap(u) + sm.Dt(Lap(u)) + xi), 2),
        (2 + half - 1, half),
        (2, 2),
        -3 * half,
    ),
    "wave, d = 2": (lambda: evolve(w, Lap(w) + xi2, 2), (0, -1), (1, 0), -1),
    "beam": (lambda: evolve(u, -sm.Dx(u, x, 4) + xi, 2), (3 * half, -half), (2, 0), -half),
    "Korteweg-de Vries": (lambda: evolve(u, -sm.Dx(u, x, 3) / 10 + coloured(1)), (half,), (0,), half),
    "viscous Korteweg-de Vries": (
        lambda: evolve(u, -sm.Dx(u, x, 3) / 10 + sm.Dx(u, x, 2) / 1000 + xi),
        (half,),
        (2,),
        -3 * half,
    ),
    "Kuramoto-Sivashinsky": (
        lambda: evolve(u, -sm.Dx(u, x, 2) - sm.Dx(u, x, 4) - u * sm.Dx(u, x) + xi),
        (3 * half,),
        (4,),
        -5 * half,
    ),
    "no linear part": (lambda: evolve(u, xi), (-half,), (0,), -half),
    "derivative of noise": (lambda: evolve(u, Lap(u) + sm.Dx(xi, x)), (-half,), (2,), -3 * half),
    "inverse of a mass": (
        lambda: problem(sp.Eq(sm.Dt(u) - sm.Dt(Lap(u)), -sm.Dx(u, x) + xi)),
        (3 * half,),
        (2,),
        -half,
    ),
    "FitzHugh-Nagumo": (
        lambda: problem([sp.Eq(sm.Dt(u), Lap(u) + u - u**3 - v + xi), sp.Eq(sm.Dt(v), (u - v) / 10)]),
        (half, 3 * half),
        (2, 0),
        -3 * half,
    ),
    "one heat equation drives another": (
        lambda: problem([sp.Eq(sm.Dt(u), Lap(u) + v), sp.Eq(sm.Dt(v), Lap(v) + xi)]),
        (5 * half, half),
        (2, 2),
        -3 * half,
    ),
    "a square drives another": (
        lambda: problem([sp.Eq(sm.Dt(u), Lap(u) + v**2), sp.Eq(sm.Dt(v), Lap(v) - u * v + xi)]),
        (5 * half, half),
        (2, 2),
        -3 * half,
    ),
    "coefficient that varies": (
        lambda: evolve(u, sm.Dx((2 + sp.sin(x)) * sm.Dx(u, x), x) - u**3 + xi),
        (half,),
        (2,),
        -3 * half,
    ),
    "worst of a range": (
        lambda: evolve(u, sm.FractionalLaplacian(u, p) + xi, parameters={p: sm.Range(1, 2)}),
        (0,),
        (1,),
        -1,
    ),
    "worst direction": (lambda: evolve(w, sm.Dx(w, x, 2) + xi2), (-1,), (0,), -1),
    "Navier-Stokes": (lambda: evolve(w, Lap(w) / 100 + vorticity_transport + xi2), (0,), (2,), -2),
    "pressure": (
        lambda: sm.Problem(
            equations=[
                sp.Eq(sm.Dt(V) + sm.Grad(q), Lap(V) + sm.Vector(white(2, "a"), white(2, "b"))),
                sp.Eq(sm.Div(V), 0),
            ],
            domain=sm.Torus((x, 0, 1), (y, 0, 1)),
            time=(t, 0, 1),
            conditions=[sm.IC(V, sm.Vector(0, 0))],
        ),
        (0, 0),
        (2, 2),
        -2,
    ),
}


@pytest.mark.parametrize("name", REGULARITY)
def test_regularity(name):
    made, alpha, beta, degree = REGULARITY[name]
    found = made().degrees
    assert found.alpha == pytest.approx([float(a) for a in alpha], abs=1e-3)
    assert found.beta == pytest.approx([float(b) for b in beta], abs=1e-3)
    assert min(found.noise.values()) == pytest.approx(float(degree), abs=1e-3)


@pytest.mark.parametrize(
    "noise",
    [white(1, modes=8), sm.WhiteNoise("xi", t), sm.ColoredNoise("xi", t, x, k=k, spectrum=sp.exp(-(k**2)))],
)
def test_smooth_noise_makes_smooth_solutions(noise):
    found = evolve(u, Lap(u) - u**3 + noise).degrees
    assert found.alpha == (math.inf,)
    assert found.noise == {"xi": math.inf}


def test_without_noise_there_are_no_degrees():
    heat = sm.Problem(
        equations=sp.Eq(sm.Dt(u), Lap(u)), domain=sm.Torus((x, 0, 1)), time=(t, 0, 1), conditions=[sm.IC(u, 0)]
    )
    assert heat.degrees is None
    assert "noise" not in str(heat)


def test_the_covariance_is_the_integral_of_the_propagator():
    """The Lyapunov equation against the integral of ``e^{sP} b b* e^{sP*}``, for a damped wave at one radius."""
    form = problem(sp.Eq(sm.Dt(u, 2) + sm.Dt(u) / 3, 4 * Lap(u) + xi), 2).form
    flow = convolution(form.linear, form.mass, [sp.Matrix([0, 1])], form.frame, {})
    found = flow.only(1, slice(1))[0, 0, 0, 0]
    size = flow.radii[0]
    generator = np.array([[0, 1], [-4 * size**2, -1 / 3]]) - np.eye(2)
    rates, modes = np.linalg.eig(generator)
    steps = np.linspace(0, 20, 200_001)
    paths = (modes * np.linalg.solve(modes, [0, 1])) @ np.exp(rates[:, None] * steps)
    expected = np.einsum("it,jt->ij", paths, paths.conj()).real * (steps[1] - steps[0])
    assert found.real == pytest.approx(expected, abs=1e-3 * expected[1, 1])
    assert found[0, 0].real == pytest.approx(expected[0, 0], rel=1e-2)


# --- products


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((0.5, 0.5), 0.5),
        ((0.5, -0.5), -0.5),
        ((-0.5,) * 3, -1.5),
        ((0.0, 1.0), 0.0),
        ((math.inf, -1.0), -1.0),
        ((), math.inf),
    ],
)
def test_regularity_of_a_product(factors, expected):
    assert regularity_of(factors) == expected


def test_equality_is_failure():
    assert not exceeds(0.0, 0.0)
    assert not exceeds(0.004, 0.0)
    assert exceeds(0.1, 0.0)
    assert not exceeds(math.inf, math.inf)


def test_a_field_with_values_on_the_faces_has_its_own_name():
    box = sm.Problem(
        equations=sp.Eq(sm.Dt(u), Lap(u) - u**3 + xi),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, 1), sm.Dirichlet(u, 1, on=x)],
    )
    assert "; u is in C^a for a < 1/2" in str(box)


def wave(f, right, **more):
    return evolve(f, right, 2, **more)


ACCEPTED = {
    "cube, d = 1": lambda: evolve(u, Lap(u) - u**3 + xi),
    "cube, d = 2": lambda: evolve(w, Lap(w) - w**3 + xi2, renormalise="wick"),
    "ninth power, d = 2": lambda: evolve(w, Lap(w) - w**9 + xi2, renormalise="wick"),
    "cube, d = 3, less rough": lambda: evolve(s, Lap(s) - s**3 + coloured(sp.Rational(3, 4), 3)),
    "Cahn-Hilliard, d = 2": lambda: evolve(w, -Lap(Lap(w)) + Lap(w**3 - w) + xi2),
    "Cahn-Hilliard, derivative of noise": lambda: evolve(
        w, -Lap(Lap(w)) + Lap(w**3 - w) + sm.Dx(xi2, x), renormalise="wick"
    ),
    "Burgers": lambda: evolve(u, Lap(u) - u * sm.Dx(u, x) + xi),
    "Burgers, conservative": lambda: evolve(u, Lap(u) - sm.Dx(u**2, x) / 2 + xi),
    "Burgers, noise times an unknown": lambda: evolve(u, Lap(u) - u * sm.Dx(u, x) + u * xi, calculus="ito"),
    "Burgers, noise that varies": lambda: evolve(u, Lap(u) - u * sm.Dx(u, x) + sp.sin(x) * xi),
    "Burgers of higher degree": lambda: evolve(u, Lap(u) - u**2 * sm.Dx(u, x) + xi),
    "Kuramoto-Sivashinsky": lambda: evolve(u, -Lap(u) - sm.Dx(u, x, 4) - sm.Dx(u, x) ** 2 / 2 + xi),
    "Navier-Stokes, smooth noise": lambda: evolve(
        w,
        Lap(w) / 100 + vorticity_transport + sm.ColoredNoise("xi", t, x, y, k=k, spectrum=sp.exp(-(k**2) / 100)),
    ),
    "Navier-Stokes, white noise": lambda: evolve(w, Lap(w) / 100 + vorticity_transport + xi2),
    "noise times an unknown": lambda: evolve(u, Lap(u) + u * xi, calculus="ito"),
    "noise times a function": lambda: evolve(u, Lap(u) + sp.sin(u) * xi, calculus="ito"),
    "Stratonovich": lambda: evolve(u, Lap(u) + u * coloured(1), calculus="stratonovich"),
    "Stratonovich in time alone": lambda: evolve(u, Lap(u) + u * sm.WhiteNoise("b", t), calculus="stratonovich"),
    "transport noise": lambda: evolve(u, Lap(u) + sm.Dx(u, x) * white(modes=4), calculus="stratonovich"),
    "calculus that says nothing": lambda: evolve(u, Lap(u) + xi, calculus="ito"),
    "wave": lambda: wave(u, Lap(u) - u**3 + xi),
    "wave times noise": lambda: wave(u, Lap(u) + u * xi, calculus="ito"),
    "wave, d = 2": lambda: wave(w, Lap(w) - w**3 + xi2, renormalise="wick"),
    "sine of a function": lambda: evolve(u, Lap(u) + sp.sin(u) + xi),
    "Korteweg-de Vries, coloured": lambda: evolve(u, -sm.Dx(u, x, 3) / 10 + 6 * u * sm.Dx(u, x) + coloured(5 * half)),
    "Korteweg-de Vries, conservative": lambda: evolve(
        u, -sm.Dx(u, x, 3) / 10 + 3 * sm.Dx(u**2, x) + coloured(5 * half)
    ),
    "Korteweg-de Vries, viscous and white": lambda: evolve(
        u, -sm.Dx(u, x, 3) / 10 + sm.Dx(u, x, 2) / 1000 + 6 * u * sm.Dx(u, x) + xi
    ),
    "cross derivatives": lambda: evolve(w, Lap(w) + sm.Dx(w, x) * sm.Dx(w, y) + coloured(1, 2)),
    "no mean, infinite spectrum there": lambda: evolve(
        u, Lap(u) + sm.ColoredNoise("xi", t, x, k=k, spectrum=k**-2, mean=False)
    ),
    "linear, d = 3": lambda: evolve(s, Lap(s) + xi3),
    "Brusselator, d = 2": lambda: problem(
        [
            sp.Eq(sm.Dt(w), Lap(w) + 1 - 4 * w + w**2 * q + xi2),
            sp.Eq(sm.Dt(q), 8 * Lap(q) + 3 * w - w**2 * q),
        ],
        renormalise="wick",
    ),
    "two independent fields": lambda: problem(
        [
            sp.Eq(sm.Dt(w), Lap(w) - w * q + xi2),
            sp.Eq(sm.Dt(q), Lap(q) + white(2, "eta")),
        ]
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name):
    made = ACCEPTED[name]()
    assert made.degrees is not None
    assert "noise " in str(made)


REFUSED = {
    "cube, d = 2": (lambda: evolve(w, Lap(w) - w**3 + xi2), "S208"),
    "one noise in two fields": (
        lambda: problem([sp.Eq(sm.Dt(w), Lap(w) - w * q + xi2), sp.Eq(sm.Dt(q), Lap(q) + xi2)]),
        "S208",
    ),
    "square of a gradient, less rough": (lambda: evolve(w, Lap(w) + sm.Dx(w, x) ** 2 + coloured(1, 2)), "S208"),
    "square of a gradient, d = 2": (lambda: evolve(w, Lap(w) + sm.Dx(w, x) ** 2 + coloured(half, 2)), "S209"),
    "cube, d = 3": (lambda: evolve(s, Lap(s) - s**3 + xi3, renormalise="wick"), "S209"),
    "interface": (lambda: evolve(u, Lap(u) + sm.Dx(u, x) ** 2 + xi, renormalise="wick"), "S209"),
    "square of a gradient, weak smoothing": (
        lambda: evolve(u, sm.FractionalLaplacian(u, sp.Rational(3, 2)) + sm.Dx(u, x) ** 2 + xi, renormalise="wick"),
        "S210",
    ),
    "cubic wave, d = 3": (lambda: wave(s, Lap(s) - s**3 + xi3, renormalise="wick"), "S210"),
    "square of a velocity": (lambda: wave(u, Lap(u) - sm.Dt(u) ** 2 + xi), "S211"),
    "Schroedinger-like": (lambda: evolve(u, -sm.Dx(u, x, 3) - u**3 + xi), "S211"),
    "cycle that gains nothing": (
        lambda: problem([sp.Eq(sm.Dt(s), Lap(s) + r**3 + xi3), sp.Eq(sm.Dt(r), Lap(r) + s**6)], renormalise="wick"),
        "S210",
    ),
    "a rough field in an equation without noise": (
        lambda: problem([sp.Eq(sm.Dt(w), Lap(w) + xi2), sp.Eq(sm.Dt(q), Lap(q) + w**2)]),
        "S208",
    ),
    "noise times a wave, d = 2": (lambda: wave(w, Lap(w) + w * xi2, calculus="ito"), "S205"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    made, code = REFUSED[name]
    with pytest.raises(sm.DeclarationError, match=code):
        made()


def test_terms_say_why():
    cube = evolve(w, Lap(w) - w**3 + xi2, renormalise="wick").degrees.terms[0]
    assert (cube.order, cube.degree, [f.regularity for f in cube.factors]) == (0, 0, [0, 0, 0])
    assert cube.is_singular
    assert cube.needs_renormalisation
    burgers = evolve(u, Lap(u) - u * sm.Dx(u, x) + xi).degrees.terms[0]
    assert sorted(f.regularity for f in burgers.factors) == [-0.5, 0.5]
    assert burgers.is_singular
    assert not burgers.needs_renormalisation
    assert burgers.reaches == (1.5,)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (lambda: evolve(u, Lap(u) - u**3 + xi), "xi: white in time and space, degree -3/2; u is in C^a for a < 1/2"),
        (ACCEPTED["cube, d = 2"], "xi: white in time and space, degree -2; w is in C^a for a < 0; Wick powers"),
        (ACCEPTED["noise times an unknown"], "degree -3/2; u is in C^a for a < 1/2; Ito"),
        (
            ACCEPTED["Stratonovich in time alone"],
            "b: white in time, the same everywhere; the solution is smooth in space",
        ),
        (
            lambda: evolve(u, Lap(u) + white(modes=4)),
            "xi: white in time, modes up to 4 in space; the solution is smooth",
        ),
        (lambda: evolve(u, Lap(u) + coloured(1)), "xi: white in time, coloured in space, degree -1/2; u is in C^a"),
    ],
)
def test_a_printed_problem_says_what_the_noise_does(made, line):
    assert line in str(made())


def test_a_changed_problem_is_checked_again():
    renormalised = ACCEPTED["cube, d = 2"]()
    with pytest.raises(sm.DeclarationError, match="S208"):
        renormalised.with_(renormalise=None)
    assert sm.Problem.from_json(renormalised.to_json()).degrees == renormalised.degrees
