"""Unknown functions in the canonical form: with slots for arguments, reassembled, and counted as smooth functions."""

import dataclasses

import pytest
import sympy as sp

import sciml as sm
from sciml.errors import DeclarationError
from sciml.forms.frozen import varying
from sciml.forms.reassemble import difference, reassemble
from sciml.forms.rows import Row, Term, rows_of
from sciml.forms.split import normal

t, x, y = sm.coords("t x y")
nu = sp.Symbol("nu", positive=True)
u, p = sm.Field("u", t, x), sm.Field("p", t, x)
w, psi = sm.Field("w", t, x, y), sm.Field("psi", t, x, y)
V, q = sm.VectorField("V", t, x, y), sm.Field("q", t, x, y)
xi = sm.WhiteNoise("xi", t, x)
Lap, Dx, Unknown = sm.Laplacian, sm.Dx, sm.Unknown
F = Unknown("F", u)
CIRCLE, SQUARE = sm.Torus((x, 0, 2 * sp.pi)), sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))


def declare(equations, starts=(u,), domain=CIRCLE, faces=(), **more):
    return sm.Problem(
        equations=equations,
        domain=domain,
        time=(t, 0, 1),
        conditions=[*(sm.IC(f, sm.Vector(0, 0) if f == V else 0) for f in starts), *faces],
        **more,
    )


def heat(term, **more):
    return declare(sp.Eq(sm.Dt(u), Lap(u) + term), **more)


def slot(form, state, symbol=sp.S.One):
    (found,) = [s for s in form.slots if form.state[s.state] == state and sp.expand(s.symbol - symbol) == 0]
    return found.placeholder


# --- what the form holds


def test_arguments_become_slots_and_come_back():
    form = heat(F - u**3).form
    y0 = slot(form, u)
    (term,) = form.nonlinear
    assert term.n == Unknown("F", y0) - y0**3
    assert term.degree is None
    assert form.degree is None
    assert form.expression(term.n) == F - u**3
    assert form.slots_in(term.n) == (0,)
    assert "n0 = -y0**3 + F(y0)" in str(form)


def test_linear_maps_and_coordinates_are_arguments():
    G = Unknown("G", u, Dx(u, x), 2 * u - Dx(u, x, 3), x, t)
    form = heat(G).form
    k = form.frame.k[x]
    y0, y1, y3 = slot(form, u), slot(form, u, sp.I * k), slot(form, u, sp.I * k**3)
    (term,) = form.nonlinear
    assert term.n == Unknown("G", y0, y1, 2 * y0 + y3, x, t)
    assert form.slots_in(term.n) == (0, 1, 2)


def test_arguments_share_slots_with_known_terms():
    form = heat(F - u * Dx(u, x) + Unknown("G", Dx(u, x)) * u).form
    assert len(form.slots) == 2


def test_it_is_multiplied_and_put_into_functions():
    form = heat(x * u * F**2 + sp.sin(F) - nu * Unknown("G", x, t) * u, parameters={nu: 1}).form
    y0 = slot(form, u)
    f, g = Unknown("F", y0), Unknown("G", x, t)
    (term,) = form.nonlinear
    assert sp.expand(term.n - (x * y0 * f**2 + sp.sin(f) - nu * g * y0)) == 0


def test_operators_stand_outside():
    form = declare(sp.Eq(sm.Dt(u), -Lap(Lap(u)) + Lap(F) + Dx(x * F, x))).form
    k = form.frame.k[x]
    found = {sp.expand(term.column[0]): form.expression(term.n) for term in form.nonlinear}
    assert found == {k**2: -F, sp.I * k: x * F}
    (term,) = heat(F.diff(x)).form.nonlinear
    assert term.column == (sp.I * k,)


def test_an_unknown_function_of_coordinates_is_not_differentiated():
    G = Unknown("G", x, t)
    form = heat(Dx(sp.sin(x) * G, x) + Dx(sp.sin(x), x)).form
    found = {term.column[0]: term.n for term in form.nonlinear}
    assert found == {sp.I * form.frame.k[x]: sp.sin(x) * G, sp.S.One: sp.cos(x)}
    algebraic = declare([sp.Eq(sm.Dt(u), Lap(u) + p), sp.Eq(p, Dx(G, x))])
    assert "p = [k_x*i](G(x, t))" in str(algebraic.form)
    assert not any(e.atoms(sp.Derivative) for e in (algebraic.form.in_states(p),))


def test_unknown_coefficients_are_not_frozen():
    assert len(varying(heat(sp.sin(x) * Dx(u, x)).form)) == 1
    assert not varying(heat(Unknown("G", x) * Dx(u, x)).form)


def test_lower_time_derivatives_are_states():
    form = declare(sp.Eq(sm.Dt(u, 2), Lap(u) - Unknown("G", sm.Dt(u))), [u, sm.Dt(u)]).form
    assert form.nonlinear[0].n == -Unknown("G", slot(form, form.state[1]))


def test_fields_that_equations_determine_are_arguments():
    stream = sp.Eq(Lap(psi), -w)
    form = declare([sp.Eq(sm.Dt(w), Lap(w) + Unknown("F", psi)), stream], [w], SQUARE).form
    (term,) = form.nonlinear
    assert len(form.slots) == 1
    assert term.n == Unknown("F", form.slots[0].placeholder)
    assert sp.simplify(form.slots[0].symbol.replace(sm.dsl.wavenumbers.Reciprocal, lambda e: 1 / e)) == 1 / sum(
        k**2 for k in form.frame.k.values()
    )


def test_values_on_faces_are_put_into_the_arguments():
    faces = [sm.Dirichlet(u, 0, on=(x, 0)), sm.Dirichlet(u, 1, on=(x, 1))]
    form = heat(Unknown("F", u, Dx(u, x)), domain=sm.Box((x, 0, 1)), faces=faces).form
    (z,) = form.state
    y0, y1 = slot(form, z), slot(form, z, sp.I * form.frame.k[x])
    assert form.nonlinear[0].n == Unknown("F", y0 + x, y1 + 1)


# --- reassembly

MOMENTUM = sm.Dt(V) + sm.Advect(V, V) + sm.Grad(q) - Lap(V)
VORTICITY = sm.Dt(w) + sm.Advect(sm.BiotSavart(w), w) - Lap(w)
DECLARED = {
    "reaction": lambda: heat(F - u**3),
    "product": lambda: heat(u * F + x * F**2 + sp.sin(F) / (2 + F**2)),
    "flux": lambda: heat(nu * Dx(F, x) + Dx(u * F, x), parameters={nu: 3}),
    "derivatives": lambda: heat(Unknown("F", Dx(u, x), x, t) * Dx(u, x)),
    "with noise": lambda: heat(F + xi / (2 + sp.sin(x))),
    "coordinates": lambda: heat(Dx(Unknown("F", x), x) + Unknown("G", t) * u),
    "wave": lambda: declare(sp.Eq(sm.Dt(u, 2), Lap(u) + Dx(F, x)), [u, sm.Dt(u)]),
    "two rows": lambda: declare([sp.Eq(sm.Dt(u), Lap(u) - u * F), sp.Eq(sm.Dt(p), Lap(p) + 2 * u * F)], [u, p]),
    "vorticity": lambda: declare(sp.Eq(VORTICITY, Unknown("F", w, Dx(w, y))), [w], SQUARE),
    "velocity": lambda: declare(
        [sp.Eq(MOMENTUM, sm.Vector(Unknown("F", V[0], V[1]), Unknown("G", x))), sp.Eq(sm.Div(V), 0)], [V], SQUARE
    ),
    "mass": lambda: declare(sp.Eq(sm.Dt(u - Lap(u)), Lap(u) + F + Dx(F**2, x))),
}


@pytest.mark.parametrize("name", DECLARED)
def test_forms_say_what_was_declared(name):
    problem = DECLARED[name]()
    form = problem.form
    assert any(term.n.atoms(Unknown) for term in form.nonlinear)
    if len(form.state) == 1:
        (row,) = rows_of(problem.equations, problem.frame)
        (again,) = reassemble(form)
        assert difference(form, [row]) == []
        # Symbols of one field are summed in the form only.
        assert name == "mass" or normal(again - row.expr, problem.frame) == 0


@pytest.mark.parametrize("change", [lambda n: 2 * n, lambda n: n.xreplace({F.args[0]: sp.Symbol("G", real=True)})])
def test_the_check_notices_another_function(change):
    problem = DECLARED["reaction"]()
    form, (row,) = problem.form, rows_of(problem.equations, problem.frame)
    (again,) = reassemble(form)
    assert sp.expand(again - row.expr) == 0
    (term,) = form.nonlinear
    wrong = dataclasses.replace(form, nonlinear=(dataclasses.replace(term, n=change(term.n)),))
    assert difference(wrong, [row])
    (again,) = reassemble(wrong)
    assert sp.expand(again - row.expr) != 0


def test_the_check_notices_another_argument():
    problem = DECLARED["reaction"]()
    (row,) = rows_of(problem.equations, problem.frame)
    terms = tuple(Term(e.expr.xreplace({F: Unknown("F", 2 * u)}), e.origin) for e in row.terms)
    assert difference(problem.form, [Row(row.equation, terms)])


# --- regularity counts it as a sine

COUNTED = {
    "reaction": lambda f: heat(f(u) + xi),
    "times a rough derivative": lambda f: heat(f(u) * Dx(u, x) + xi),
    "Burgers and more": lambda f: heat(u * Dx(u, x) * f(u) + xi),
    "flux": lambda f: heat(Dx(f(u), x) + xi),
    "wave": lambda f: declare(sp.Eq(sm.Dt(u, 2), Lap(u) + f(u) + xi), [u, sm.Dt(u)]),
    "smooth noise": lambda f: heat(f(u, Dx(u, x)) + sm.WhiteNoise("xi", t, x, modes=4)),
    "coefficient": lambda f: heat(f(x) * Dx(u, x) + xi),
    "another field": lambda f: declare(
        [sp.Eq(sm.Dt(u), Lap(u) + f(p) * u + xi), sp.Eq(sm.Dt(p), Lap(p) + f(p, u))], [u, p]
    ),
    "square of a distribution": lambda f: declare(
        [sp.Eq(sm.Dt(u), -Lap(Lap(u)) + u), sp.Eq(sm.Dt(p), Lap(p) + Dx(f(u) * p**2, x) + Dx(xi, x))],
        [u, p],
        renormalise=None,
    ),
}


def known(*arguments):
    return sp.sin(sp.Add(*(n * a for n, a in enumerate(arguments, 1))))


def unknown(*arguments):
    return Unknown("F" + str(len(arguments)), *arguments)


def counted(make, f):
    try:
        found = make(f).degrees
    except DeclarationError as error:
        return error.code
    terms = sorted((p.regularity, p.order, p.reaches, p.fails_at, p.is_singular) for p in found.terms)
    return found.alpha, found.beta, found.noise, terms, found.wick_suffices


@pytest.mark.parametrize("name", COUNTED)
def test_it_counts_as_a_smooth_function_of_its_slots(name):
    assert counted(COUNTED[name], unknown) == counted(COUNTED[name], known)


def test_counting_tells_functions_of_rough_and_smooth_fields_apart():
    rough = sm.FractionalLaplacian(u, sp.Rational(1, 2)) + xi
    for f in (unknown, known):
        with pytest.raises(DeclarationError, match=r"\[S212\] u\*.*\(u\) is undefined"):
            declare(sp.Eq(sm.Dt(u), rough + u * f(u)))
    assert heat(u * F + xi).degrees.alpha == pytest.approx((0.5,), abs=0.01)


# --- below operators

ACCEPTED = {
    "flux below diffusion": lambda: heat(Dx(F, x)),
    "diffusion below fourth order": lambda: declare(sp.Eq(sm.Dt(u), -Lap(Lap(u)) + Lap(F))),
    "flux below fractional diffusion": lambda: declare(
        sp.Eq(sm.Dt(u), nu * sm.FractionalLaplacian(u, sp.Rational(3, 2)) + Dx(F, x)), parameters={nu: sm.Range(1, 2)}
    ),
    "flux below diffusion that varies": lambda: declare(sp.Eq(sm.Dt(u), sp.exp(sp.sin(x)) * Lap(u) + Dx(F, x))),
    "smoothed": lambda: declare(sp.Eq(sm.Dt(u), sm.InverseLaplacian(F))),
    "diffusion with a mass": lambda: declare(sp.Eq(sm.Dt(Lap(u)), Lap(Lap(u)) + Lap(F))),
    "force of a wave": lambda: declare(sp.Eq(sm.Dt(u, 2), Lap(u) + Dx(F, x)), [u, sm.Dt(u)]),
    "nothing known": lambda: declare(sp.Eq(sm.Dt(u), Unknown("F", u, Dx(u, x), Dx(u, x, 2)))),
}
REFUSED = {
    "diffusion": lambda: heat(Lap(F)),
    "flux alone": lambda: declare(sp.Eq(sm.Dt(u), Dx(F, x))),
    "flux below weak diffusion": lambda: declare(
        sp.Eq(sm.Dt(u), nu * sm.FractionalLaplacian(u, 1) + Dx(F, x)), parameters={nu: sm.Range(1, 2)}
    ),
    "diffusion that varies": lambda: declare(sp.Eq(sm.Dt(u), sp.exp(sp.sin(x)) * Lap(u) + Lap(F))),
    "second order of a wave": lambda: declare(sp.Eq(sm.Dt(u, 2), Lap(u) + Lap(F)), [u, sm.Dt(u)]),
    "by an equation without Dt": lambda: declare([sp.Eq(sm.Dt(u), Lap(u) + Lap(p)), sp.Eq(p, F)]),
    "mass of lower order": lambda: declare(sp.Eq(sm.Dt(u - Lap(u)), Lap(u) + Dx(F, x, 3))),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_operators_below_the_highest_order_may_act_on_it(name):
    assert ACCEPTED[name]().unknown_terms


@pytest.mark.parametrize("name", REFUSED)
def test_operators_of_the_highest_order_may_not(name):
    with pytest.raises(DeclarationError, match=r"\[S221\]"):
        REFUSED[name]()


def test_well_posedness_of_the_rest_is_checked_as_before():
    with pytest.raises(DeclarationError, match=r"\[S171\]"):
        declare(sp.Eq(sm.Dt(u), -Lap(u) + F))
