"""Navier-Stokes is recognised by what the equations do: in every surface form, and in nothing else."""

import dataclasses

import numpy as np
import pytest
import sympy as sp
import torch

import sciml as sm
from sciml.dsl.wavenumbers import Reciprocal, squared_norm
from sciml.forms import recognise
from sciml.forms.linear_flow import common_symbol, linear_flow
from sciml.forms.multiplier import multiply
from sciml.forms.norm import in_norm, plain, reduced
from sciml.forms.reassemble import difference, reassemble
from sciml.forms.response import Refusal, linear_symbol, monomials, multilinear_symbol
from sciml.forms.rows import Origin, Row, Term
from sciml.forms.vorticity import vorticity_form
from sciml.fourier.reflection import Reflections
from sciml.fourier.system import System
from sciml.method import registry
from sciml.solvers.spectral.engine import SpectralEngine

t, x, y, z = sm.coords("t x y z")
a, b = sm.coords("a b")
nu, mu, alpha, beta = sp.symbols("nu mu alpha beta", positive=True)
U, V = sp.symbols("U V", real=True)
VALUES = {nu: 0.05, mu: 0.1, alpha: 1.3, beta: 0.7, U: 0.4, V: -0.3}
CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}

w, psi, p, q, T = (sm.Field(name, t, x, y) for name in ("w", "psi", "p", "q", "T"))
SPACE = (x, y, z)
u, B = sm.VectorField("u", t, x, y), sm.VectorField("u", t, *SPACE)  # in the plane and in space
v = sm.BiotSavart(w)
DIFFUSION, FRICTION = nu * sm.Laplacian(w), nu * sm.Laplacian(u)
inverse = sm.InverseLaplacian(w)
START = sp.sin(x) * sp.cos(2 * y) + sp.cos(x + y) / 2 + sp.sin(2 * x - y) / 3
STREAM = sp.sin(x) * sp.cos(2 * y) / 5 + sp.cos(x + y) / 4 + sp.sin(2 * x - y) / 15  # -Laplacian of it is START
VELOCITY = sm.Vector(STREAM.diff(y), -STREAM.diff(x))


def problem(equations, start, space=(x, y)):
    """A problem with the initial values that it needs; ``start`` maps fields to values."""
    equations = equations if isinstance(equations, (list, tuple)) else [equations]
    used = set().union(*(e.free_symbols for e in equations))
    velocity = next((f for f in start if f in (u, B)), None)
    return sm.Problem(
        equations=equations,
        domain=sm.Torus(*((s, 0, 2 * sp.pi) for s in space)),
        time=(t, 0, sp.Rational(1, 5)),
        conditions=[sm.IC(f, value) for f, value in start.items()],
        parameters={s: VALUES[s] for s in used & set(VALUES)},
        outputs={} if velocity is None else {"vorticity": sm.Curl(velocity)},
    )


def vorticity_equation(advection, rest=DIFFUSION):
    return problem(sp.Eq(sm.Dt(w) + advection, rest), {w: START})


def primitive(advection, rest=FRICTION, extra=(), start=None):
    """Velocity and pressure, from the same vorticity by default."""
    equations = [sp.Eq(sm.Dt(u) + advection + sm.Grad(p), rest), sp.Eq(sm.Div(u), 0), *extra]
    return problem(equations, {u: VELOCITY, **(start or {})})


# --- two dimensions: surface forms with an advection term c times the right one ------------------


def biot_savart(c=1):
    return vorticity_equation(c * sm.Advect(v, w))


def velocity_by_hand(c=1):
    by_hand = sm.Vector(-sm.Dx(inverse, y), sm.Dx(inverse, x))
    return vorticity_equation(c * sm.Advect(by_hand, w))


def stream_function(c=1):
    advection = c * (sm.Dx(psi, y) * sm.Dx(w, x) - sm.Dx(psi, x) * sm.Dx(w, y))
    equations = [sp.Eq(sm.Dt(w) + advection, nu * sm.Laplacian(w)), sp.Eq(sm.Laplacian(psi), -w)]
    return problem(equations, {w: START})


def divergence_of_outer(c=1):
    return vorticity_equation(sm.Div(c * sm.Outer(v, w)))


def conservative(c=1):
    return vorticity_equation(c * sm.Div(v * w))


def evaluated_derivatives(c=1):
    advection = c * (inverse.diff(x) * w.diff(y) - inverse.diff(y) * w.diff(x))
    return vorticity_equation(advection, nu * (w.diff(x, 2) + w.diff(y, 2)))


def moved_across(c=1):
    return problem(sp.Eq(nu * sm.Laplacian(w) - c * sm.Advect(v, w) - sm.Dt(w), 0), {w: START})


def times_minus_two(c=1):
    return problem(sp.Eq(-2 * sm.Dt(w) - 2 * c * sm.Advect(v, w), -2 * nu * sm.Laplacian(w)), {w: START})


def renamed(c=1):
    f = sm.Field("vort", t, b, a)
    equation = sp.Eq(sm.Dt(f) + c * sm.Advect(sm.BiotSavart(f), f), nu * sm.Laplacian(f))
    return problem(equation, {f: START.subs({x: a, y: b}, simultaneous=True)}, (a, b))


def permuted(c=1):
    swapped = START.subs({x: y, y: x}, simultaneous=True)
    return problem(sp.Eq(sm.Dt(w) + c * sm.Advect(v, w), nu * sm.Laplacian(w)), {w: swapped}, (y, x))


def pressure(c=1):
    return primitive(c * sm.Advect(u, u))


def pressure_conservative(c=1):
    return primitive(c * sm.Div(sm.Outer(u, u)))


def pressure_rotational(c=1):
    spin = sm.Curl(u)
    return primitive(c * spin * sm.Vector(-u[1], u[0]))


def pressure_of_scalars(c=1):
    """Two scalar equations with scales of their own, the components in the other order."""
    f, g = sm.Field("f", t, x, y), sm.Field("g", t, x, y)  # along y and x

    def advected(e):
        return c * (g * sm.Dx(e, x) + f * sm.Dx(e, y))

    equations = [
        sp.Eq(-2 * sm.Dt(f) - 2 * advected(f) - 2 * sm.Dx(p, y), -2 * nu * sm.Laplacian(f)),
        sp.Eq(sm.Dt(g) + advected(g) + sm.Dx(p, x), nu * sm.Laplacian(g)),
        sp.Eq(3 * sm.Dx(f, y) + 3 * sm.Dx(g, x), 0),
    ]
    return problem(equations, {f: VELOCITY[1], g: VELOCITY[0]})


def laplacian_of_stream_function(c=1):
    advection = c * (sm.Dx(psi, y) * sm.Dx(sm.Laplacian(psi), x) - sm.Dx(psi, x) * sm.Dx(sm.Laplacian(psi), y))
    equation = sp.Eq(sm.Dt(sm.Laplacian(psi)) + advection, nu * sm.Laplacian(sm.Laplacian(psi)))
    return problem(equation, {psi: 0})


VORTICITY = [
    biot_savart,
    velocity_by_hand,
    stream_function,
    divergence_of_outer,
    conservative,
    evaluated_derivatives,
    moved_across,
    times_minus_two,
    renamed,
    permuted,
]
PRIMITIVE = [pressure, pressure_conservative, pressure_rotational, pressure_of_scalars]
PLANE = [*VORTICITY, *PRIMITIVE, laplacian_of_stream_function]


def difference_of_responses(one, other):
    """Entries of one response less another with the waves identified, as plain fractions."""
    waves = dict(zip(sum(other.waves, ()), sum(one.waves, ()), strict=True))
    return [
        sp.cancel(sp.together(plain(e - f.xreplace(waves))))
        for e, f in zip(one.array.flat, other.array.flat, strict=True)
    ]


@pytest.mark.parametrize("surface", PLANE)
def test_every_plane_form_has_one_symbol(surface):
    reference, found = biot_savart().recognised, surface().recognised
    assert found.is_navier_stokes, str(found)
    assert difference_of_responses(multilinear_symbol(reference.form, 2), multilinear_symbol(found.form, 2)) == [0]
    means = dict.fromkeys(found.means, 0)
    linear = linear_symbol(found.form)
    linear = dataclasses.replace(linear, array=np.array([[linear.array[0, 0].subs(means)]], dtype=object))
    assert difference_of_responses(linear_symbol(reference.form), linear) == [0]
    assert (found.dim, found.diffusion, found.drag, found.forcing) == (2, ((nu, 2),), 0, (0,))
    assert found.pieces == {"advection": 1}
    assert str(found).startswith("2-D incompressible Navier-Stokes, vorticity ")
    assert "viscosity nu" in str(found)


@pytest.mark.parametrize("factor", [-1, beta])
@pytest.mark.parametrize("surface", PLANE)
def test_no_plane_form_may_have_a_wrong_factor(surface, factor):
    found = surface(factor).recognised
    if surface is laplacian_of_stream_function and factor == -1:
        assert found.is_navier_stokes  # with w = Laplacian(psi)
        return
    assert not found.is_navier_stokes
    assert found.pieces == {"advection": factor}
    gap = {-1: "-2*Advect", beta: "(beta - 1)*Advect"}[factor]
    assert f"the advection term is {factor} times the expected one" in str(found)
    assert f"expected minus declared: {gap}(v, " in str(found)


def solved(p, points):
    grid = sm.Grid(**{s.name: points for s in p.frame.space}, t=1)
    return p.solve(sm.Spectral(dt=0.02), grid=grid).ds.isel(time=-1)


@pytest.fixture(scope="module")
def plane_solution():
    return solved(biot_savart(), 32)["w"].transpose("x", "y").values


@pytest.mark.parametrize("surface", [f for f in PLANE if f is not laplacian_of_stream_function])
def test_every_plane_form_has_one_solution(surface, plane_solution):
    end = solved(surface(), 32)
    if surface is pressure_of_scalars:
        i = 1j * np.fft.fftfreq(32, 1 / 32)
        f, g = (np.fft.fft2(end[name].transpose("x", "y").values) for name in "fg")
        found = np.fft.ifft2(i[:, None] * f - i[None, :] * g).real
    elif surface in PRIMITIVE:
        found = end["vorticity"].transpose("x", "y").values
    elif surface is renamed:
        found = end["vort"].transpose("a", "b").values
    else:
        found = end["w"].transpose("y", "x").values if surface is permuted else end["w"].transpose("x", "y").values
    assert np.abs(found - plane_solution).max() <= 1e-10 * np.abs(plane_solution).max()


def test_the_solution_sees_a_wrong_factor(plane_solution):
    wrong = solved(biot_savart(2), 32)["w"].transpose("x", "y").values
    assert np.abs(wrong - plane_solution).max() > 1e-2


# --- three dimensions ----------------------------------------------------------------------------

W = sm.VectorField("w", t, *SPACE)
P3 = sm.Field("p", t, *SPACE)
K = sm.BiotSavart(W)
SPIN_DIFFUSION, FLOW_FRICTION = nu * sm.Laplacian(W), nu * sm.Laplacian(B)
FLOW = (sp.sin(z) + sp.cos(2 * y), sp.sin(x) + sp.cos(z) / 2, sp.sin(y) + sp.cos(x + y) / 3)
SPIN = (
    FLOW[2].diff(y) - FLOW[1].diff(z),
    FLOW[0].diff(z) - FLOW[2].diff(x),
    FLOW[1].diff(x) - FLOW[0].diff(y),
)


def spatial(quadratic, rest=SPIN_DIFFUSION, space=SPACE):
    along = dict(zip(SPACE, SPIN, strict=True))  # components come in the order of the domain
    return problem(sp.Eq(sm.Dt(W) + quadratic, rest), {W: sm.Vector(*(along[s] for s in space))}, space)


def spatial_primitive(quadratic, rest=FLOW_FRICTION):
    equations = [sp.Eq(sm.Dt(B) + quadratic + sm.Grad(P3), rest), sp.Eq(sm.Div(B), 0)]
    return problem(equations, {B: sm.Vector(*FLOW)}, SPACE)


ADVECTION, STRETCHING = sm.Advect(K, W), sm.Advect(W, K)
SPATIAL = {
    "advection and stretching": lambda: spatial(ADVECTION - STRETCHING),
    "divergence of outer products": lambda: spatial(sm.Div(sm.Outer(K, W) - sm.Outer(W, K))),
    "curl of a cross product": lambda: spatial(-sm.Curl(sm.Cross(K, W))),
    "curl of curl": lambda: spatial(ADVECTION - STRETCHING, -nu * sm.Curl(sm.Curl(W))),
    "pressure": lambda: spatial_primitive(sm.Advect(B, B)),
    "pressure, rotational": lambda: spatial_primitive(sm.Cross(sm.Curl(B), B)),
}


@pytest.fixture(scope="module")
def spatial_problems():
    return {name: make() for name, make in SPATIAL.items()}


@pytest.mark.parametrize("name", SPATIAL)
def test_every_spatial_form_has_one_symbol(name, spatial_problems):
    reference = spatial_problems["advection and stretching"].recognised
    found = spatial_problems[name].recognised
    assert found.is_navier_stokes, str(found)
    assert (found.dim, found.diffusion, found.drag) == (3, ((nu, 2),), 0)
    assert found.pieces == {"advection": 1, "stretching": 1}
    assert str(found).startswith("3-D incompressible Navier-Stokes, vorticity w")
    rng = np.random.default_rng(4)  # other waves than recognition itself takes
    waves = rng.normal(size=(2, 3, 20))
    first, second = np.cross(waves, rng.normal(size=(2, 3, 20)), axis=1)
    one, other = (
        np.einsum("ijmx,jx,mx->ix", multilinear_symbol(r.form, 2).at(waves, VALUES), first, second)
        for r in (reference, found)
    )
    assert np.abs(one - other).max() <= 1e-12 * np.abs(one).max()
    zero_means = VALUES | dict.fromkeys(found.means, 0.0)
    one, other = (
        np.einsum("ijx,jx->ix", linear_symbol(r.form).at(waves[:1], zero_means), first) for r in (reference, found)
    )
    assert np.abs(one - other).max() <= 1e-12 * np.abs(one).max()


@pytest.mark.parametrize("name", [n for n in SPATIAL if n != "advection and stretching"])
def test_every_spatial_form_has_one_solution(name, spatial_problems):
    def end(declared):
        fields = solved(declared, 12)
        found = "vorticity" if "vorticity_x" in fields else "w"
        return np.stack([fields[f"{found}_{s}"].values for s in "xyz"])

    expected = end(spatial_problems["advection and stretching"])
    size = np.abs(expected).max()
    assert np.abs(end(spatial_problems[name]) - expected).max() <= 1e-10 * size
    if name == "curl of curl":  # the solution sees a missing stretching
        assert np.abs(end(spatial(ADVECTION)) - expected).max() > 1e-3 * size


@pytest.mark.parametrize("space", [(y, x, z), (z, x, y)])
def test_spatial_coordinates_may_come_in_any_order(space):
    assert spatial(ADVECTION - STRETCHING, space=space).recognised.is_navier_stokes


def test_components_declared_as_scalars_in_any_order():
    fields = sm.Field("b", t, *SPACE), sm.Field("c", t, *SPACE), sm.Field("a", t, *SPACE)
    vorticity = sm.Vector(*fields)
    velocity = sm.BiotSavart(vorticity)
    quadratic = sm.Advect(velocity, vorticity) - sm.Advect(vorticity, velocity)
    equations = [sp.Eq(sm.Dt(f) + sm.Component(quadratic, i), nu * sm.Laplacian(f)) for i, f in enumerate(fields)]
    # Declared in another order than that of the coordinates.
    found = problem([equations[i] for i in (2, 0, 1)], dict.fromkeys(fields, 0), SPACE).recognised
    assert found.is_navier_stokes
    assert found.vorticity == fields


@pytest.mark.parametrize(
    ("quadratic", "pieces", "said"),
    [
        (-ADVECTION + STRETCHING, (-1, -1), "the quadratic terms are -1 times the expected ones"),
        (2 * (ADVECTION - STRETCHING), (2, 2), "expected minus declared: Advect(v, w) - Advect(w, v)"),
        (ADVECTION, (1, 0), "the stretching term is missing; expected minus declared: Advect(w, v)"),
        (ADVECTION + STRETCHING, (1, -1), "the stretching term is -1 times the expected one"),
        (ADVECTION - beta * STRETCHING, (1, beta), "(1 - beta)*Advect(w, v)"),
        (-STRETCHING, (0, 1), "the advection term is missing; expected minus declared: -Advect(v, w)"),
        (ADVECTION - STRETCHING + W[0] * W, None, "expected minus declared: w_x**2 in the equation of w_x"),
        (sm.Div(sm.Outer(K, W) - sm.Outer(W, K)) + W[0] * W, None, "w_x**2 in the equation of w_x"),
    ],
)
def test_what_is_wrong_in_space_is_said(quadratic, pieces, said):
    found = spatial(quadratic).recognised
    assert not found.is_navier_stokes
    assert said in str(found)
    assert found.pieces == ({} if pieces is None else dict(zip(("advection", "stretching"), pieces, strict=True)))


def test_rotation_and_a_scalar_in_space_are_not_navier_stokes():
    rotating = spatial_primitive(sm.Advect(B, B) + beta * sm.Cross(sm.Vector(0, 0, 1), B))
    assert "the linear terms act unlike on the components" in str(rotating.recognised)
    assert "beta" in str(rotating.recognised)
    scalar = sm.Field("r", t, *SPACE)
    alone = problem(sp.Eq(sm.Dt(scalar), -scalar * sm.InverseLaplacian(scalar)), {scalar: 0}, SPACE)
    assert "is no vorticity, which has 3 components in 3-D" in str(alone.recognised)


# --- what belongs to Navier-Stokes besides --------------------------------------------------------


def test_mean_flow_drag_forcing_and_fractional_diffusion_are_read_off():
    carried = sm.Advect(v + sm.Vector(U, V), w)
    diffusion = nu * sm.FractionalLaplacian(w, alpha) + mu * sm.Laplacian(w) + 2 * mu * sm.Laplacian(w)
    found = vorticity_equation(carried + mu * w + beta * w, diffusion + sp.sin(4 * y) * sp.cos(t)).recognised
    assert found.is_navier_stokes
    assert set(found.diffusion) == {(nu, alpha), (3 * mu, 2)}
    assert found.drag == mu + beta
    assert found.mean_flow == (U, V)
    assert found.forcing == (sp.sin(4 * y) * sp.cos(t),)
    k = squared_norm(found.form.frame.k)
    one, other = found.form.frame.k.values()
    assert found.velocity[0] == U + multiply(w, sp.I * other * Reciprocal(k), found.form.frame)
    assert found.velocity[1] == V - multiply(w, sp.I * one * Reciprocal(k), found.form.frame)
    for part in ("diffusion nu*|k|^alpha", "viscosity 3*mu", "drag beta + mu", "mean flow (U, V)", "forcing sin(4*y)"):
        assert part in str(found)


def test_a_sign_of_the_mean_flow_is_not_lost():
    assert vorticity_equation(sm.Advect(v - sm.Vector(U, V), w)).recognised.mean_flow == (-U, -V)


def test_numbers_in_place_of_parameters():
    scaled = sp.Eq(0.3 * sm.Dt(w) + 0.1 * sm.Advect(v, w) + 0.2 * sm.Div(v * w), 0.3 * 0.25 * sm.Laplacian(w) - 0.3 * w)
    found = problem(scaled, {w: START}).recognised
    assert found.is_navier_stokes, str(found)
    assert found.drag == 1
    ((viscosity, order),) = found.diffusion
    assert float(viscosity) == pytest.approx(0.25)
    assert order == 2
    assert not vorticity_equation(1.0001 * sm.Advect(v, w)).recognised.is_navier_stokes
    assert not vorticity_equation(sm.Advect(v, w) + sp.Rational(1, 10**12) * w**2).recognised.is_navier_stokes


def test_inviscid_and_hyperviscous_flow():
    assert "no viscosity" in str(vorticity_equation(sm.Advect(v, w), 0).recognised)
    assert vorticity_equation(sm.Advect(v, w), -nu * sm.Laplacian(sm.Laplacian(w))).recognised.diffusion == ((nu, 4),)


def test_momentum_with_drag_forcing_and_a_base_flow():
    force = sm.Vector(sp.sin(4 * y) * sp.cos(t), 0)
    found = primitive(sm.Advect(u + sm.Vector(U, V), u), nu * sm.Laplacian(u) - mu * u + force).recognised
    assert found.is_navier_stokes, str(found)
    assert found.drag == mu
    assert found.forcing == (-4 * sp.cos(4 * y) * sp.cos(t),)
    means = tuple(found.means)
    assert [str(s) for s in means] == ["u_x_mean", "u_y_mean"]
    assert tuple(found.means.values()) == tuple(u.component(s) for s in (x, y))
    assert found.mean_flow == (means[0] + U, means[1] + V)
    # The mean velocity obeys an equation of its own, which must leave it constant.
    assert {c.expr: c.mean_only for c in found.form.constraints} == {
        -mu * means[0] + sp.sin(4 * y) * sp.cos(t): True,
        -mu * means[1]: True,
    }
    assert "= Curl(u)" in str(found)


def test_a_term_in_the_potential_of_a_velocity_drops_out():
    found = primitive(sm.Advect(u, u) + sm.Grad(sm.Dot(u, u) / 2 + sp.cos(x)), nu * sm.Laplacian(u)).recognised
    assert found.is_navier_stokes, str(found)
    assert found.forcing == (0,)


# --- what does not -------------------------------------------------------------------------------

GRADIENT = sm.Grad(inverse)
WRONG = {
    "another velocity": (sm.Advect(GRADIENT, w), 0, "expected minus declared: -v_x*w.diff(x)"),
    "compressible": (sm.Div(w * GRADIENT), 0, "+ w**2 with v = BiotSavart(w)"),
    "quadratic drag": (sm.Advect(v, w) + beta * w**2, 0, "expected minus declared: beta*w**2"),
    "cubic drag": (sm.Advect(v, w) + beta * w**3, 0, "the term beta*w**3 is of degree 3"),
    "drag of any size": (sm.Advect(v, w) + beta * w * sp.Abs(w), 0, "w*Abs(w) is no polynomial of the fields"),
    "beta plane": (sm.Advect(v, w) + beta * sm.Component(v, y), 0, "[k_x*i*beta*|k|^-2](w) is neither diffusion"),
    "anisotropic": (sm.Advect(v, w) - sm.Dx(w, x, 2), 0, "the linear term w.diff(x, 2) is neither"),
    "friction at large scales": (sm.Advect(v, w) - beta * inverse, 0, "beta*|k|^-2](w) is neither"),
    "dispersion": (sm.Advect(v, w) + sm.Dx(w, x, 3), 0, "w.diff(x, 3) is neither"),
    "variable shear": (sm.Advect(v, w) + sp.sin(y) * sm.Dx(w, x), 0, "sin(y)*w.diff(x) has a coefficient"),
    "unsteady advection": (sp.cos(t) * sm.Advect(v, w), 0, "depends on t"),
    "variable advection": (sp.cos(x) * sm.Advect(v, w), 0, "depends on x"),
    "surface quasi-geostrophic": (
        sm.Advect(sm.BiotSavart(-sm.FractionalLaplacian(w, 1)), w),
        0,
        "the quadratic terms are not those of Navier-Stokes",
    ),
    "smoothed velocity": (sm.Advect(sm.BiotSavart(w + inverse), w), 0, "the quadratic terms are not"),
    "no advection": (sm.Div(v), w * inverse, "expected minus declared"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_the_plane_is_said(name):
    left, right, said = WRONG[name]
    equation = sp.Eq(sm.Dt(w) + left, nu * sm.Laplacian(w) + right)
    found = problem(equation, {w: START}).recognised
    assert not found.is_navier_stokes
    assert str(found).startswith("not Navier-Stokes: ")
    assert said in str(found), str(found)
    assert "_k_" not in str(found)


def test_fields_that_are_not_the_flow_are_said():
    other = [
        sp.Eq(sm.Dt(w) + sm.Advect(sm.BiotSavart(q), w), nu * sm.Laplacian(w)),
        sp.Eq(sm.Dt(q), sm.Laplacian(q)),
    ]
    said = str(problem(other, {w: START, q: 0}).recognised)
    assert "the advection term is missing" in said
    assert "q evolves as well" in said
    assert "holds another field than the vorticity" in said
    buoyant = [
        sp.Eq(sm.Dt(w) + sm.Advect(v, w), nu * sm.Laplacian(w) + beta * sm.Dx(T, x)),
        sp.Eq(sm.Dt(T) + sm.Advect(v, T), sm.Laplacian(T)),
    ]
    for found in (
        problem(buoyant, {w: START, T: 0}).recognised,
        primitive(
            sm.Advect(u, u),
            nu * sm.Laplacian(u) + beta * sm.Vector(0, T),
            [sp.Eq(sm.Dt(T) + sm.Advect(u, T), sm.Laplacian(T))],
            {T: 0},
        ).recognised,
    ):
        assert found.pieces == {"advection": 1}
        assert found.differences == ("the term beta*T.diff(x) drives w", "T evolves as well")
    passive = [sp.Eq(sm.Dt(w) + sm.Advect(v, w), nu * sm.Laplacian(w)), sp.Eq(sm.Dt(T) + sm.Advect(v, T), 0)]
    assert problem(passive, {w: START, T: 0}).recognised.differences == ("T evolves as well",)


def test_drag_on_a_velocity_is_said_in_its_own_terms():
    for drag, said in [
        (beta * u * sp.sqrt(sm.Dot(u, u)), "beta*sqrt(u_x**2 + u_y**2)*u_x (and 1 more) is no polynomial"),
        (beta * u * sm.Dot(u, u), "the term beta*u_x**3 (and 3 more) is of degree 3"),
        (beta * u * sm.Dot(u, u) ** 4, "is of degree 9"),
        (beta * u[0] * u, "the quadratic terms are not those of Navier-Stokes"),
    ]:
        assert said in str(primitive(sm.Advect(u, u) + drag).recognised)


def test_noise_and_a_second_time_derivative():
    noisy = vorticity_equation(sm.Advect(v, w), nu * sm.Laplacian(w) + sm.WhiteNoise("xi", t, x, y))
    assert noisy.recognised.differences == ("the noise xi drives it",)
    wave = problem(sp.Eq(sm.Dt(w, 2) + sm.Advect(v, w), sm.Laplacian(w)), {w: START, sm.Dt(w): 0})
    assert not wave.recognised.is_navier_stokes
    assert "w evolves as well" in str(wave.recognised)


def test_terms_that_cancel_are_nothing():
    nothing = sm.Dx(w**3, x) - 3 * w**2 * sm.Dx(w, x)
    assert vorticity_equation(sm.Advect(v, w) + nothing).recognised.is_navier_stokes
    along_contours = sm.BiotSavart(w + beta * sm.Laplacian(w))  # the velocity of Δw is tangential to those of w
    assert vorticity_equation(sm.Advect(along_contours, w)).recognised.is_navier_stokes
    assert not vorticity_equation(sm.Advect(v, w) + sm.Dx(w**3, x)).recognised.is_navier_stokes


def test_by_hand_in_another_coordinate_order_is_a_reversed_velocity():
    by_hand = -sm.Dx(inverse, y) * sm.Dx(w, x) + sm.Dx(inverse, x) * sm.Dx(w, y)
    found = problem(sp.Eq(sm.Dt(w) + by_hand, nu * sm.Laplacian(w)), {w: START}, (y, x)).recognised
    assert found.pieces == {"advection": -1}
    assert "coordinate order (y, x)" in str(found)


# --- the vorticity form of a velocity -------------------------------------------------------------


def test_the_vorticity_form_names_what_it_adds():
    declared = primitive(sm.Advect(u, u))
    derived = vorticity_form(declared.form)
    (omega,) = derived.form.state
    assert omega == w
    assert derived.axes == (0, 1)
    assert set(derived.form.recover) == {*declared.scalar_fields}
    kx, ky = declared.frame.k.values()
    ux, uy = (u.component(s) for s in (x, y))
    assert derived.form.lift[omega] == multiply(uy, sp.I * kx, declared.frame) - multiply(ux, sp.I * ky, declared.frame)
    assert derived.form.constraints == ()
    assert vorticity_form(biot_savart().form) is None
    taken = primitive(sm.Advect(u, u), extra=[sp.Eq(sm.Dt(w) + sm.Advect(u, w), sm.Laplacian(w))], start={w: 0})
    assert [f.func.__name__ for f in vorticity_form(taken.form).form.state] == ["vorticity", "w"]


def test_the_vorticity_form_reassembles_and_a_changed_one_does_not():
    form = vorticity_form(primitive(sm.Advect(u, u)).form).form
    origin = Origin("", "", sp.S.Zero)
    rows = [Row("curl", (Term(e, origin),)) for e in reassemble(form)]
    assert difference(form, rows) == []
    changed = dataclasses.replace(form, linear=2 * form.linear)
    assert difference(changed, rows) != []


def rates(declared, derived, means, points):
    """Curl of the rate of a velocity, and the rate of its vorticity, at one random smooth state."""
    grid = sm.Grid(**{s.name: points for s in declared.frame.space}, t=1)
    engine = SpectralEngine(sm.Spectral(degree=2), declared, grid, sm.Run())
    modes, frame = engine.modes, declared.frame
    state = engine.start().progress.state.clone()
    state[(0, slice(None), *(0,) * frame.dim)] = torch.tensor(means, dtype=state.dtype)

    def curled(hats):
        d = [1j * k for k in modes.k]
        if frame.dim == 2:
            return torch.stack([d[0] * hats[:, 1] - d[1] * hats[:, 0]], dim=1)
        return torch.stack([d[i - 2] * hats[:, i - 1] - d[i - 1] * hats[:, i - 2] for i in range(3)], dim=1)

    symbols = dict(zip(derived.means, (torch.tensor(m, dtype=torch.float64) for m in means), strict=True))
    moved = dataclasses.replace(modes, parameters={**modes.parameters, **symbols})
    expected = curled(engine.discretisation.system.rate(state, 0.3))
    found = System(derived.form, moved, Reflections(derived.form, declared.faces), 2).rate(curled(state), 0.3)
    return modes.backward(expected).numpy(), modes.backward(found).numpy()


@pytest.mark.parametrize(
    ("declared", "means", "points"),
    [
        (
            primitive(sm.Advect(u, u), nu * sm.Laplacian(u) - mu * u + sm.Vector(sp.sin(y) * sp.cos(t), 0)),
            (0.7, -0.4),
            24,
        ),
        (spatial_primitive(sm.Advect(B, B)), (0.7, -0.4, 0.2), 12),
        (spatial_primitive(sm.Div(sm.Outer(B, B)), -nu * sm.Curl(sm.Curl(B))), (0.0, 0.3, 0.2), 12),
    ],
    ids=["plane", "space", "space, conservative"],
)
def test_the_vorticity_form_moves_as_the_velocity_does(declared, means, points):
    derived = declared.recognised
    assert derived.is_navier_stokes
    expected, found = rates(declared, derived, means, points)
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()
    # Negative control: the mean flow carries the vorticity.
    _, still = rates(declared, derived, [0.0] * len(means), points)
    assert np.abs(still - expected).max() > 1e-3 * np.abs(expected).max()


# --- responses and symbols -----------------------------------------------------------------------


def test_a_response_is_symmetric_and_explicit():
    f = sm.Field("f", t, x)
    form = problem(sp.Eq(2 * sm.Dt(f) + 6 * f * sm.Dx(f, x), sm.Laplacian(f) - f**3), {f: sp.sin(x)}, (x,)).form
    two = multilinear_symbol(form, 2)
    (k,), (m,) = two.waves
    assert sp.expand(two.array[0, 0, 0] + sp.Rational(3, 2) * sp.I * (k + m)) == 0
    assert multilinear_symbol(form, 3).array[0, 0, 0, 0] == -sp.Rational(1, 2)
    assert multilinear_symbol(form, 1).array[0, 0] == 0
    assert linear_symbol(form).array[0, 0].subs(linear_symbol(form).waves[0][0], 2) is not None
    assert np.allclose(linear_symbol(form).at(np.array([[[2.0, 3.0]]]), {}), [[[-2.0, -4.5]]])
    assert sorted(m.degree for m in monomials(form)) == [2, 3]


def test_a_response_of_several_fields():
    form = CATALOGUE["gray-scott"]().form
    three = multilinear_symbol(form, 3).array
    assert three.shape == (2, 2, 2, 2)
    assert three[0, 0, 1, 1] == three[0, 1, 0, 1] == three[0, 1, 1, 0] == -sp.Rational(1, 3)  # -u v²
    assert three[0, 0, 0, 1] == 0
    assert three[1, 0, 1, 1] == sp.Rational(1, 3)


def test_a_response_at_opposite_waves_is_finite():
    form = biot_savart().form
    wave = np.array([[1.0], [2.0]])
    values = multilinear_symbol(form, 2).at(np.stack([wave, -wave]), {})
    assert np.all(values == 0)
    assert np.all(np.isfinite(multilinear_symbol(form, 2).at(np.stack([wave, 0 * wave]), {})))


def test_a_coefficient_that_varies_has_no_response():
    form = vorticity_equation(sm.Advect(v, w) * sp.cos(x)).form
    refused = multilinear_symbol(form, 2)
    assert isinstance(refused, Refusal)
    assert refused.coordinates == (x,)
    assert "depends on x" in str(refused)


@pytest.mark.parametrize("dim", [2, 3])
def test_reduced_symbols_are_equal_for_all_k_but_zero(dim):
    frame = CATALOGUE["taylor-green" if dim == 2 else "abc-flow"]().frame
    ks = tuple(frame.k.values())
    square = squared_norm(frame.k)
    r = Reciprocal(square)
    for s in (square * r, ks[0] * ks[-1] ** 3 * r + ks[0], ks[-1] ** 2 * r**2 * square + nu * square ** (alpha / 2)):
        short = reduced(s, frame)
        at = dict(zip(ks, (2, -3, 5), strict=False)) | {nu: 2, alpha: 3}
        assert sp.simplify((short - s).subs(at)) == 0
    assert reduced(square * r, frame) == 1
    assert in_norm(sp.expand(square**2), frame).free_symbols.isdisjoint(ks)
    assert not in_norm(ks[0] ** 2 - ks[1] ** 2, frame).free_symbols.isdisjoint(ks)


def test_a_linear_symbol_is_taken_apart():
    frame = CATALOGUE["taylor-green"]().frame
    (kx, ky), square = frame.k.values(), squared_norm(frame.k)
    flow = linear_flow(sp.expand(-nu * square - mu - sp.I * U * kx + sp.I * V * ky - 2 * square ** (alpha / 2)), frame)
    assert set(flow.diffusion) == {(nu, 2), (2, alpha)}
    assert (flow.drag, flow.mean_flow, flow.rest) == (mu, (U, -V), 0)
    odd = linear_flow(sp.I * kx**3 - nu * square, frame)
    assert odd.rest == sp.I * kx**3
    assert odd.diffusion == ((nu, 2),)


def test_vector_operators_have_one_symbol_across():
    frame = CATALOGUE["abc-flow"]().frame
    k, square = sp.Matrix(list(frame.k.values())), squared_norm(frame.k)
    symbol, unlike = common_symbol((-nu * (square * sp.eye(3) - k * k.T)).applyfunc(sp.expand), frame)
    assert sp.expand(symbol + nu * square) == 0
    assert unlike.is_zero_matrix
    assert not common_symbol(sp.diag(1, 1, 2), frame)[1].is_zero_matrix


# --- the door for the user ------------------------------------------------------------------------


def test_a_problem_says_what_it_is_when_it_is_printed():
    assert "\n  this is 2-D incompressible Navier-Stokes, vorticity w, viscosity nu" in str(biot_savart())
    wrong = biot_savart(-1)
    assert "recognised" not in vars(wrong)  # nothing is compared until it is asked for
    assert "\n  not Navier-Stokes: the advection term is -1 times the expected one" in str(wrong)


def test_only_flows_are_compared():
    plane = ("boosted-taylor-green", "co-rotating-vortices", "manufactured-flow", "taylor-green", "unlike-vortices")
    plane += ("lamb-oseen", "fractional-lamb-oseen", "point-vortex-pair", "vortex-sheet", "elliptic-patch")
    expected = dict.fromkeys((*plane, "strained-vortex", "stochastic-navier-stokes"), 2) | {
        "abc-flow": 3,
        "tri-periodic-flow": 3,
    }
    for name, make in CATALOGUE.items():
        found = make().recognised
        assert (found.dim if found else None) == expected.get(name), name
        # Strain and stretching in the cross-section are not terms of a plane flow, and noise drives the other.
        assert found is None or found.is_navier_stokes == (name not in ("strained-vortex", "stochastic-navier-stokes"))
    assert "Navier" not in str(CATALOGUE["gray-scott"]())
    burgers = problem(sp.Eq(sm.Dt(u) + sm.Advect(u, u), nu * sm.Laplacian(u)), {u: sm.Vector(0, 0)})
    assert burgers.recognised is None
    assert not recognise(burgers.form).is_navier_stokes
    assert "it has 1 space dimension" in str(recognise(CATALOGUE["burgers"]().form))
