"""Unknown functions: the algebra of the node, and problems that hold it as text, JSON and pickle."""

import json
import os
import pickle
import subprocess
import sys

import pytest
import sympy as sp

import sciml as sm
from sciml.dsl.encoding import decode, encode
from sciml.dsl.text import latex, text
from sciml.dsl.unknown import stand_in, unknown_terms
from sciml.errors import DeclarationError, FileError, MethodMismatch
from sciml.method import find_method, installed

t, x, y = sm.coords("t x y")
u, v = sm.Field("u", t, x), sm.Field("v", t, x)
nu, sigma = sp.symbols("nu sigma", positive=True)
F = sm.Unknown("F", u)
G = sm.Unknown("G", u, sm.Dx(u, x), x, t)
xi = sm.WhiteNoise("xi", t, x)


def problem(right=None, **more):
    right = sm.Laplacian(u) + F - u**3 if right is None else right
    given = {"domain": sm.Torus((x, 0, 1)), "time": (t, 0, 1), "conditions": [sm.IC(u, 0)]} | more
    return sm.Problem(equations=sp.Eq(sm.Dt(u), right), **given)


# --- the node


def test_it_is_real_and_commutes_and_its_name_is_no_symbol():
    assert F.is_real
    assert F.is_commutative
    assert F * u == u * F
    assert sp.sqrt(F**2) == sp.Abs(F)
    assert F.free_symbols == {t, x}
    assert sm.Unknown("F", nu * u).free_symbols == {t, x, nu}
    assert not F.is_number
    assert not sm.Unknown("F", x).is_constant()


def test_one_name_and_arguments_are_one_function():
    assert sm.Unknown("F", u) == F
    assert F - sm.Unknown("F", u) == 0
    assert hash(sm.Unknown("F", u)) == hash(F)
    assert F.func(*F.args) == F
    assert sm.Unknown("G", u) != F
    assert sm.Unknown("F", v) != F
    assert sm.Unknown("F", u, v) != sm.Unknown("F", v, u)


def test_arguments_are_replaced_and_the_name_is_not():
    assert F.subs(u, v) == F.xreplace({u: v}) == sm.Unknown("F", v)
    assert sm.Unknown("F", nu * u).subs(nu, 2) == sm.Unknown("F", 2 * u)
    assert F.subs(sp.Symbol("F", real=True), 3) == F
    assert G.subs(u, v).arguments == (v, sm.Dx(v, x), x, t)
    # Pointwise: its value at a place is that of its arguments there; a derivative is taken first.
    assert F.subs(x, 0) == sm.Unknown("F", u.subs(x, 0))
    assert sm.Unknown("F", sm.Dx(u, x)).subs(x, 0) == sm.Unknown("F", sp.Subs(sm.Dx(u, x), x, 0))


def test_it_is_replaced_as_a_whole():
    assert (u * F + nu).subs(F, u**2) == u**3 + nu
    assert (u * F).xreplace({F: sp.sin(u)}) == u * sp.sin(u)


def test_derivatives_by_coordinates_stay_and_by_fields_are_refused():
    assert F.diff(x) == sp.Derivative(F, x, evaluate=False)
    assert isinstance(F.diff(x), sp.Derivative)
    assert F.diff(nu) == F.diff(y) == 0
    assert (x * F).diff(x) == F + x * F.diff(x)
    assert text((x * F).diff(x)) == "x*F(u).diff(x) + F(u)"
    for wrong in (F, u * F, sp.sin(F)):
        with pytest.raises(DeclarationError, match=r"\[S113\] the function F is unknown"):
            wrong.diff(u)
    dummy = sp.Dummy("y0", real=True)
    with pytest.raises(DeclarationError, match=r"\[S113\]"):
        F.xreplace({u: dummy}).diff(dummy)
    assert F.diff(dummy) == 0


def test_it_is_printed_as_a_function():
    assert text(F) == "F(u)"
    assert text(G) == "G(u, Dx(u, x), x, t)"
    assert text(u * F**2 - sp.sin(F)) == "u*F(u)**2 - sin(F(u))"
    assert str(F) == "F(u(t, x))"
    assert latex(F) == r"F\left(u\right)"
    assert latex(G**2) == r"G\left(u, \partial_{x} u, x, t\right)^{2}"
    assert latex(sm.Unknown("phi_1", u)) == r"\phi_{1}\left(u\right)"
    assert sp.pretty(F * 2, use_unicode=False) == "2*F(u(t, x))"


@pytest.mark.parametrize("arguments", [(), ("u",), ([u],), (sp.Eq(u, v),), (sp.Matrix([u, v]),)], ids=str)
def test_what_is_no_argument_is_refused(arguments):
    with pytest.raises(DeclarationError, match=r"\[S(219|112)\]"):
        sm.Unknown("F", *arguments)


@pytest.mark.parametrize("name", ["", "1F", "lambda", "F(u)", 3, u, None], ids=str)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(DeclarationError, match=r"\[S110\]"):
        sm.Unknown(name, u)


def test_unknown_terms_are_sorted_by_name():
    assert unknown_terms([u * G + F, sp.Eq(F, sm.Dx(sm.Unknown("E", x), x))]) == (sm.Unknown("E", x), F, G)
    assert unknown_terms([u, nu]) == ()


def test_stand_ins_are_smooth_and_differ_by_name_and_argument():
    expr = u * F - u * sm.Unknown("G", u) + sm.Unknown("H", u, v)
    smooth = stand_in(expr)
    assert not smooth.atoms(sm.Unknown)
    assert len(smooth.atoms(sp.sin)) == 3
    assert smooth.diff(u) != 0
    assert stand_in(sm.Unknown("H", u, v)) != stand_in(sm.Unknown("H", v, u))


# --- files


@pytest.mark.parametrize("expr", [F, G, u * F - sp.sin(G), sm.Dx(F, x), F.diff(x), F / (1 + F**2)], ids=text)
def test_round_trips(expr):
    tree = json.loads(json.dumps(encode(expr)))
    assert decode(tree) == expr
    assert pickle.loads(pickle.dumps(expr)) == expr


def test_a_stored_function_keeps_name_and_order_of_arguments():
    tree = encode(sm.Unknown("F", v, u))
    assert tree[:2] == ["Unknown", "F"]
    assert decode(tree).arguments == (v, u)
    for wrong in (["Unknown"], ["Unknown", "F"], ["Unknown", 3, encode(u)], ["Unknown", "a b", encode(u)]):
        with pytest.raises(FileError, match=r"\[F401\]"):
            decode(wrong)


def test_a_problem_comes_back():
    noise = sm.WhiteNoise("xi", t, x, modes=4)
    declared = problem(sm.Laplacian(u) + F + u * G + sigma * noise, parameters={sigma: 0.1})
    stored = json.loads(json.dumps(declared.to_json()))
    for again in (sm.Problem.from_json(stored), pickle.loads(pickle.dumps(declared)), declared.with_()):
        assert again == declared
        assert hash(again) == hash(declared)
        assert again.unknown_terms == declared.unknown_terms == (F, G)
        assert str(again) == str(declared)
    assert problem() != problem(sm.Laplacian(u) + sm.Unknown("G", u) - u**3)
    assert problem() != problem(sm.Laplacian(u) + sm.Unknown("F", u, x) - u**3)


SHOWN = """
import sympy as sp, sciml as sm
t, x = sm.coords("t x")
u, v = sm.Field("u", t, x), sm.Field("v", t, x)
F, G = sm.Unknown("F", u, v), sm.Unknown("G", v, sm.Dx(u, x))
p = sm.Problem(
    equations={"a": sp.Eq(sm.Dt(u), sm.Laplacian(u) + u*F - sp.sin(G)), "b": sp.Eq(sm.Dt(v), sm.Laplacian(v) + F*G)},
    domain=sm.Torus((x, 0, 1)), time=(t, 0, 1), conditions=[sm.IC(u, 0), sm.IC(v, 0)])
print(p, p.digest, p.latex(), p.unknown_terms, p.form)
"""


def test_nothing_depends_on_the_seed_of_hashes():
    shown = set()
    for seed in "0", "1", "42":
        done = subprocess.run(
            [sys.executable, "-c", SHOWN], capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        assert done.returncode == 0, done.stderr
        shown.add(done.stdout)
    assert len(shown) == 1


# --- problems and methods


def test_a_problem_lists_what_is_to_be_learned():
    lines = [" ".join(line.split()) for line in str(problem()).splitlines()]
    assert "unknown u; F(u) to be learned" in lines
    assert "n0 = -y0**3 + F(y0)" in lines
    assert problem().latex().endswith(r"- u^{3} + \Delta u + F\left(u\right)\end{aligned}")
    known = problem(sm.Laplacian(u) - u**3)
    assert known.unknown_terms == ()
    assert "to be learned" not in str(known)


def test_a_known_term_takes_its_place():
    declared = problem()
    solved = declared.with_(equations=[e.xreplace({F: u}) for e in declared.equations.values()])
    assert solved.unknown_terms == ()
    assert not find_method("spectral").requires(solved)


LEARNS = {"linear-mfv", "nors"}  # methods that learn unknown terms
METHODS = sorted(set(installed()) - LEARNS)


@pytest.mark.parametrize("name", METHODS)
def test_methods_that_learn_nothing_refuse_it(name):
    (unmet,) = find_method(name).requires(problem())
    assert unmet.reason == "F(u) is unknown; it is learned from data, and this method takes known terms only"
    assert "problem.with_(equations=...)" in unmet.fix
    for compute in (problem().plan, problem().solve):
        with pytest.raises(MethodMismatch, match=r"\[M201\].* F\(u\) is unknown; it is learned from data"):
            compute(name)
    assert name not in problem().methods().able


def test_it_is_not_sampled():
    declared = problem(sm.Laplacian(u) + F + xi)
    with pytest.raises(MethodMismatch, match=r"\[M201\] 'spectral' .* F\(u\) is unknown"):
        declared.sample(2)
    refused = [find_method("spectral").requires(problem(sm.Laplacian(u) + e + xi)) for e in (F, sp.sin(u))]
    assert len(refused[0]) == 1
    assert not refused[1]


def test_a_flow_with_an_unknown_forcing_is_refused_for_that_reason():
    w = sm.Field("w", t, x, y)
    transport = sm.Dt(w) + sm.Advect(sm.BiotSavart(w), w)
    flow = sm.Problem(
        equations=sp.Eq(transport, sm.Laplacian(w) + sm.Unknown("F", x, y)),
        domain=sm.Torus((x, 0, 1), (y, 0, 1)),
        time=(t, 0, 1),
        conditions=[sm.IC(w, sp.sin(2 * sp.pi * x))],
    )
    assert flow.recognised.is_navier_stokes
    (unmet,) = find_method("drvm").requires(flow)
    assert unmet.reason.startswith("F(x, y) is unknown")
