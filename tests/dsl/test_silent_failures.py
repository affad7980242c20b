"""Failures of symbolic PDE languages that raise nothing: each was seen, each is kept out here."""

import pytest
import sympy as sp

import sciml as sm
from sciml.errors import DeclarationError

t, x, y = sm.coords("t x y")
w, q = sm.Field("w", t, x, y), sm.Field("q", t, x, y)
alpha = sp.Symbol("alpha", positive=True)
TORUS = sm.Torus((x, 0, 1), (y, 0, 1))


def test_operators_commute_in_products():
    a, b = sm.Laplacian(w), sm.Dx(q, x)
    assert a * b == b * a
    assert sp.expand((a + b) ** 2) == a**2 + 2 * a * b + b**2


def test_strings_are_never_evaluated():
    for node in (sm.Laplacian, sm.Grad, sm.Dt, sm.Integral):
        with pytest.raises(DeclarationError, match="strings are never parsed"):
            node("__import__('os').getcwd()")


def test_fields_are_plain_functions_and_do_not_poison_the_cache():
    plain = sp.Function("w", real=True)(t, x, y)
    assert type(w) is type(plain)
    assert w == plain
    assert (plain + 1).has(w)


def test_derivative_by_a_field_is_refused():
    with pytest.raises(DeclarationError, match="S113"):
        sm.Laplacian(w**2).diff(w)
    with pytest.raises(DeclarationError, match="S113"):
        sm.Dot(sm.Vector(w, 0), sm.Grad(w)).diff(w)


def test_derivative_by_a_coordinate_commutes():
    assert sm.Laplacian(w**2).diff(x) == sm.Laplacian((w**2).diff(x))
    assert sm.Advect(sm.BiotSavart(w), w).diff(x) != 0


def test_derivative_by_a_constant_argument_stays_open():
    node = sm.FractionalLaplacian(w, alpha)
    assert isinstance(node.diff(alpha), sp.Derivative)
    assert node.diff(alpha) != 0


def test_substituting_a_coordinate_keeps_the_derivatives_in_it():
    restricted = sm.Laplacian(w).subs(x, 0)
    assert isinstance(restricted, sp.Subs)
    assert (restricted.expr, restricted.variables, restricted.point) == (sm.Laplacian(w), (x,), (0,))
    assert sm.Laplacian(x**2).subs(x, 0) != 0  # the Laplacian is 2, not Laplacian(0)
    assert sm.FractionalLaplacian(w, alpha).subs(alpha, 2) == sm.FractionalLaplacian(w, 2)
    assert sm.Laplacian(w).subs(w, sp.sin(x)) == sm.Laplacian(sp.sin(x))


def test_names_of_nodes_are_not_free_symbols():
    noise, u = sm.WhiteNoise("xi", t, x), sm.VectorField("u", t, x, y)
    assert noise.free_symbols == {t, x}
    assert u.free_symbols == {t, x, y}
    assert sp.Symbol("xi", real=True) not in (noise * w).free_symbols


def test_indexable_nodes_are_not_iterated_for_ever():
    u = sm.VectorField("u", t, x, y)
    assert sp.sympify(u) is u
    assert sp.sympify(sm.Vector(w, q)) == sm.Vector(w, q)
    with pytest.raises(TypeError):
        iter(u)


def test_vector_equations_do_not_collapse():
    u = sm.VectorField("u", t, x, y)
    equation = sp.Eq(sm.Dt(u) + sm.Advect(u, u), 0)
    assert isinstance(equation, sp.Equality)
    matrix = sp.MatrixSymbol("A", 2, 1)
    assert sp.Eq(matrix, 0) is sp.false or not isinstance(sp.Eq(matrix, 0), sp.Equality)  # why vectors are ours


def test_bbm_is_isolated_by_its_mass_symbol():
    t1, x1 = sm.coords("t x")
    u = sm.Field("u", t1, x1)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u) - sm.Dt(sm.Laplacian(u)) + u.diff(x1) + u * u.diff(x1), 0),
        domain=sm.Torus((x1, 0, 1)),
        time=(t1, 0, 1),
        conditions=[sm.IC(u, sp.sin(2 * sp.pi * x1))],
    )
    k = problem.frame.k[x1]
    assert sp.expand(problem.form.mass[0, 0] - (1 + k**2)) == 0
    assert sp.expand(problem.form.linear[0, 0] + sp.I * k) == 0


def test_noise_inside_a_square_is_seen():
    xi = sm.WhiteNoise("xi", t, x, y)
    assert sp.expand((xi * w) ** 2).coeff(xi) == 0  # what collecting by coeff() would have believed
    with pytest.raises(DeclarationError, match="noise must enter linearly"):
        sm.Problem(
            equations=sp.Eq(sm.Dt(w), sm.Laplacian(w) + (xi * w) ** 2),
            domain=TORUS,
            time=(t, 0, 1),
            conditions=[sm.IC(w, 0)],
        )


def test_doit_leaves_operators_alone():
    for node in (sm.Laplacian(w), sm.Dt(w), sm.BiotSavart(w), sm.Advect(sm.BiotSavart(w), w)):
        assert node.doit() == node


def test_conservative_form_is_kept_by_dx_and_div_only():
    t1, x1 = sm.coords("t x")
    u = sm.Field("u", t1, x1)

    def form(flux):
        return sm.Problem(
            equations=sp.Eq(sm.Dt(u) + flux, 0), domain=sm.Torus((x1, 0, 1)), time=(t1, 0, 1), conditions=[sm.IC(u, 0)]
        ).form

    k = form(sm.Dx(u**2 / 2, x1)).frame.k[x1]
    assert form(sm.Dx(u**2 / 2, x1)).nonlinear[0].column == (sp.I * k,)
    assert form((u**2 / 2).diff(x1)).nonlinear[0].column == (1,)


@pytest.mark.parametrize("other", [sp.Symbol("x"), sp.Symbol("x", positive=True)])
def test_a_coordinate_of_other_assumptions_is_refused(other):
    t1, x1 = sm.coords("t x")
    u = sm.Field("u", t1, x1)
    assert u.diff(other) == 0  # silently, before any package sees it
    with pytest.raises(DeclarationError, match="S102"):
        sm.Problem(
            equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + sp.sin(other)),
            domain=sm.Torus((x1, 0, 1)),
            time=(t1, 0, 1),
            conditions=[sm.IC(u, 0)],
        )


def test_time_is_whatever_the_problem_says():
    s, x1 = sm.coords("s x")
    u = sm.Field("u", s, x1)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)),
        domain=sm.Torus((x1, 0, 1)),
        time=(s, 0, 1),
        conditions=[sm.IC(u, 0)],
    )
    assert problem.expand(sm.Dt(u)) == sp.Derivative(u, s)
