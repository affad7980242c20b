"""A learned term as a function: names of its arguments, values, text, arrays of a file."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from nors.cases import RUN, spde, t, u, w, x, xi, y

import sciml as sm
from sciml.errors import DataError, FileError
from sciml.learned_term import LearnedTerm
from sciml.solvers.nors.polynomials import Polynomial, exponents, from_arrays, put_in, slope, to_arrays

F, G = sm.Unknown("F", u), sm.Unknown("G", u, sm.Dx(u, x))
CUBIC = Polynomial(((1,), (3,)), (3.0, -1.0), (1e-9, 2e-9))
BOTH = Polynomial(((0, 0), (1, 1), (2, 0)), (0.1, -1.0, 1 / 3), (1e-3, 2e-3, 3e-3))


def term(node, polynomial):
    return LearnedTerm.polynomial(node, polynomial.exponents, polynomial.coefficients, polynomial.std)


# --- values --------------------------------------------------------------------------------------


def test_values_of_numbers_and_arrays():
    found = term(F, CUBIC)
    assert found.at(u=2.0) == 3 * 2 - 8
    values = np.linspace(-2, 2, 7)
    assert np.abs(found.at(u=values) - (3 * values - values**3)).max() < 1e-14
    assert found.at(u=values.reshape(7, 1)).shape == (7, 1)


def test_arguments_broadcast():
    found, a, b = term(G, BOTH), np.linspace(-1, 1, 5), np.linspace(0, 3, 4)[:, None]
    values = found.at(u_x=b, u=a)
    assert values.shape == (4, 5)
    assert np.abs(values - (0.1 - a * b + a**2 / 3)).max() < 1e-15
    with pytest.raises(ValueError, match="shape mismatch"):
        found.at(u=np.zeros(3), u_x=np.zeros(4))


def test_a_constant_and_nothing():
    assert (term(F, Polynomial(((0,),), (0.25,), (0.1,))).at(u=np.zeros(3)) == 0.25).all()
    assert (term(F, Polynomial((), (), ())).at(u=np.zeros(3)) == 0).all()
    assert str(term(F, Polynomial((), (), ()))) == "F(u) = 0"


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        (u, "u"),
        (x, "x"),
        (t, "t"),
        (sm.Dx(u, x), "u_x"),
        (sm.Dx(u, x, 3), "u_xxx"),
        (sm.Dt(u), "u_t"),
        (sm.Laplacian(u), "a0"),
        (2 * u, "a0"),
        (sm.Field("p", t, x, y), "p"),
    ],
)
def test_names_of_arguments(argument, name):
    found = term(sm.Unknown("H", argument), CUBIC)
    assert found.arguments == (name,)
    assert found.at(**{name: 2.0}) == -2


def test_arguments_that_are_missing_or_misspelt():
    found = term(G, BOTH)
    with pytest.raises(DataError, match=r"D206.*G needs u_x.\n  at\(u=\.\.\., u_x=\.\.\.\)"):
        found.at(u=1.0)
    with pytest.raises(DataError, match=r"D206.*G has no argument 'ux'. Did you mean 'u_x'\?\n  arguments: u, u_x"):
        found.at(u=1.0, ux=1.0)


def test_errors_of_coefficients_are_found_by_monomial():
    symbol = sp.Symbol("u", real=True)
    assert term(F, CUBIC).std == {symbol: 1e-9, symbol**3: 2e-9}
    assert float(term(F, CUBIC).expression.coeff(symbol, 3)) == -1


def test_text():
    assert str(term(G, BOTH)).startswith("G(u, u_x) = ")
    assert "0.333333" in str(term(G, BOTH))


@pytest.mark.parametrize("number", [-0.0291851, 0.1, 2.99863, 1e-7])
def test_six_digits_are_shown(number):
    shown = str(term(F, Polynomial(((1,),), (number * (1 + 1e-10),), (0.0,)))).removeprefix("F(u) = ")
    assert shown.replace(" ", "") == f"{number:g}*u"
    assert str(term(F, CUBIC)) == "F(u) = 3*u - 1*u**3"


# --- polynomials ---------------------------------------------------------------------------------


def test_monomials_up_to_a_degree():
    assert exponents(1, 3) == [(0,), (1,), (2,), (3,)]
    assert exponents(2, 2) == [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)]
    assert len(exponents(3, 4)) == 35


def test_polynomials_take_the_place_of_functions():
    put = put_in(u * F + sm.Dx(F, x) + w, {"F": CUBIC})
    whole = put.xreplace({c: sp.Integer(int(c)) for c in put.atoms(sp.Float)})
    assert whole == u * (3 * u - u**3) + sm.Dx(3 * u - u**3, x) + w
    assert put_in(u * F + w, {}) == w


def test_what_a_function_is_multiplied_with():
    assert slope(u**2 * F + w + 3 * F, F) == u**2 + 3
    assert slope(w, F) == 0
    assert slope(F + G, G) == 1
    for bent in (F**2, sp.sin(F), F * G, u * F / (1 + F)):
        assert slope(bent, F) is None


# --- arrays --------------------------------------------------------------------------------------


def test_arrays_there_and_back():
    arrays = to_arrays({"F": CUBIC, "G": BOTH, "H": Polynomial(((0,),), (1e-300,), (0.0,))})
    assert sorted(arrays) == [f"unknown_{n}{e}" for n in "FGH" for e in ("", "_exponents")]
    found = from_arrays(arrays, [F, G, sm.Unknown("H", x)])
    assert (found["F"], found["G"]) == (CUBIC, BOTH)


def test_a_function_without_monomials_is_stored():
    nothing = {"F": Polynomial((), (), ())}
    assert from_arrays(to_arrays(nothing), [F]) == nothing


def test_what_is_written_can_be_read():
    many = exponents(2, 10)  # LinearMFV(unknown_degree=10) of two arguments
    assert len(many) == 66
    known = {"G": Polynomial(tuple(many), (1.0,) * 66, (0.1,) * 66)}
    assert from_arrays(to_arrays(known), [G]) == known


NUMBERS = {
    "nan": lambda v: np.where(v > 0, np.nan, v),
    "inf": lambda v: v + np.inf,
    "one axis": lambda v: v[0],
    "no errors": lambda v: v[:1],
    "one less": lambda v: v[:, :1],
    "text": lambda v: v.astype(str),
    "objects": lambda v: v.astype(object),
}
POWERS = {
    "negative": lambda v: -v,
    "too large": lambda v: v + 100,
    "fractions": lambda v: v + 0.5,
    "floats": lambda v: v.astype(float),
    "one axis": lambda v: v[:, 0],
    "two arguments": lambda v: np.repeat(v, 2, axis=1),
    "one more": lambda v: np.append(v, v[:1], axis=0),
    "text": lambda v: v.astype(str),
    "a list": lambda v: v.tolist(),
    "very many": lambda v: np.zeros((10**6, 1), dtype=np.int64),
}
HOSTILE = [*(("unknown_F", n) for n in NUMBERS), *(("unknown_F_exponents", n) for n in POWERS)]


@pytest.mark.parametrize(("array", "name"), HOSTILE)
def test_hostile_arrays(array, name):
    arrays = to_arrays({"F": CUBIC})
    arrays[array] = (NUMBERS if array == "unknown_F" else POWERS)[name](arrays[array])
    with pytest.raises(FileError, match=r"F412.*does not say what F is[\s\S]*fit it again"):
        from_arrays(arrays, [F])


@pytest.mark.parametrize("array", ["unknown_F", "unknown_F_exponents"])
def test_arrays_that_are_missing(array):
    arrays = {n: v for n, v in to_arrays({"F": CUBIC}).items() if n != array}
    with pytest.raises(FileError, match=f"F412.*{array}"):
        from_arrays(arrays, [F])


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_complex_coefficients():
    arrays = to_arrays({"F": CUBIC})
    arrays["unknown_F"] = arrays["unknown_F"] * (1 + 1j)
    with pytest.raises(FileError, match="F412"):
        from_arrays(arrays, [F])


# --- of a solution -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def solution():
    implicit = sm.Spectral(scheme="semi-implicit-euler")
    data = spde(u - u**2).sample(6, implicit, grid=sm.Grid(x=16, t=10), seed=1, run=RUN)
    return spde(F).solve(sm.LinearMFV(integrations=0), data=data, run=RUN)


def test_solutions_have_what_was_learned(solution):
    found = solution.unknown
    assert list(found) == ["F"]
    values = np.linspace(0.5, 1.5, 5)
    assert np.abs(found["F"].at(u=values) - (values - values**2)).max() < 1e-8


def test_solutions_without_unknown_terms_have_none():
    made = spde(-(u**3)).solve(sm.LinearMFV(weights="picard"), grid=sm.Grid(x=16, t=4), run=RUN)
    assert made.unknown == {}


@pytest.mark.parametrize("act", [lambda s: s.unknown, lambda s: s.sample(1, run=RUN)], ids=["looked at", "predicted"])
def test_spoilt_solutions(solution, act):
    broken = {**solution.model, "unknown_F": np.full_like(solution.model["unknown_F"], np.nan)}
    with pytest.raises(FileError, match=r"F412.*what F is"):
        act(replace(solution, model=broken))


def test_a_solution_without_its_model(solution):
    with pytest.raises(DataError, match=r"D\d+.*fitted"):
        replace(solution, model={}).unknown  # noqa: B018


def test_the_noise_is_not_asked_for():
    assert xi.name not in term(G, BOTH).arguments
