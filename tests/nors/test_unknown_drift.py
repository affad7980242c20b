"""Unknown terms from trajectories: which coefficients are found, how well, and what is refused."""

import numpy as np
import pytest
import sympy as sp
from nors.cases import RUN, UNIT, spde, t, u, w, x, xi

import sciml as sm
from sciml.errors import DataError, DeclarationError, MethodMismatch, OptionError
from sciml.problems.stochastic_wave import stochastic_wave
from sciml.train import Training

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")

GRID = sm.Grid(x=32, t=50)
IMPLICIT = {"scheme": "semi-implicit-euler", "differences": True, "degree": 0}
EVERY_STEP = sm.Spectral(**IMPLICIT)
k, b = sp.symbols("k b", positive=True)
SMOOTH = sm.ColoredNoise("eta", t, x, k=k, spectrum=sp.exp(-(k**2) / 400))
START = 1 + sp.cos(2 * sp.pi * x) / 2 + sm.RandomField.fourier("a", x, modes=4, scale=0.5)
PLAIN = sm.LinearMFV(integrations=1)
F, G = sm.Unknown("F", u), sm.Unknown("G", sm.Dx(u, x))
H = sm.Unknown("H", u, sm.Dx(u, x))
VALUES = np.linspace(0.3, 1.7, 15)


def problem(drift, noise=SMOOTH, **more):
    return spde(drift, noise, start=START, **more)


def learned(unknown, true, noise=SMOOTH, *, method=PLAIN, made_by=EVERY_STEP, grid=GRID, n=20, run=RUN, **more):
    """Return the solution of a problem with unknown terms, from data of one without."""
    data = problem(true, noise, **more).sample(n, made_by, grid=grid, seed=1, run=RUN)
    return problem(unknown, noise, **more).solve(method, data=data, run=run)


def coefficients(fit, name="F"):
    """Return the coefficients of a term by the powers of its arguments."""
    term = fit.unknown[name]
    poly = sp.Poly(term.expression, *(sp.Symbol(n, real=True) for n in term.arguments))
    return {powers if len(powers) > 1 else powers[0]: float(c) for powers, c in poly.terms()}


def check(found, wanted, within=1e-8):
    """Compare all coefficients: there are no others."""
    assert set(found) == set(wanted)
    assert max(abs(found[p] - c) for p, c in wanted.items()) < within, found


@pytest.fixture(scope="module")
def cubic():
    return learned(F, 3 * u - u**3, xi / 5)


# --- exact ---------------------------------------------------------------------------------------


def test_a_cubic_drift_is_found_to_rounding(cubic):
    check(coefficients(cubic), {1: 3, 3: -1})
    assert max(cubic.unknown["F"].std.values()) < 1e-8
    assert str(cubic.unknown["F"]) == "F(u) = 3*u - 1*u**3"


@pytest.mark.parametrize("degree", [2, 3])
def test_the_degree_must_suffice(degree):
    """Negative control: the best square is clearly worse."""
    fit = learned(F, 3 * u - u**3, xi / 5, method=sm.LinearMFV(integrations=1, unknown_degree=degree))
    left = np.abs(fit.unknown["F"].at(u=VALUES) - (3 * VALUES - VALUES**3)).max()
    assert left < 1e-8 if degree == 3 else left > 0.1


@pytest.mark.parametrize(
    ("unknown", "true", "wanted"),
    [
        (H, u - u * sm.Dx(u, x), {(1, 0): 1, (1, 1): -1}),
        (u * sm.Unknown("H", x), u * (x - x**2), {1: 1, 2: -1}),
        (sm.Dx(sm.Unknown("H", u), x), sm.Dx(u**2 / 2, x), {2: 0.5}),
        (u * sp.sin(2 * sp.pi * x) * sm.Unknown("H", u), u * sp.sin(2 * sp.pi * x) * (1 - u**2), {0: 1, 2: -1}),
    ],
    ids=["two arguments", "of place", "in a derivative", "times a known function"],
)
def test_other_terms(unknown, true, wanted):
    check(coefficients(learned(unknown, true), "H"), wanted)


def test_two_functions():
    fit = learned(F + G, u - u**3 + sm.Dx(u, x) ** 2 / 10)
    check(coefficients(fit, "F"), {1: 1, 3: -1})
    check(coefficients(fit, "G"), {2: 0.1})


@pytest.mark.parametrize("noise", [u * xi / 5, u * sm.WhiteNoise("beta", t) / 5 + xi / 5], ids=["alone", "with other"])
def test_noise_that_is_multiplied(noise):
    check(coefficients(learned(F, u - u**3, noise, calculus="ito")), {1: 1, 3: -1})


def test_a_known_term_beside_it():
    check(coefficients(learned(F - u**3, 2 * u - u**3)), {1: 2})


def test_values_far_from_zero():
    """Powers of the distance to the middle, expanded: (u - 20)³ has coefficients up to 8000."""
    start = 20 + sp.cos(2 * sp.pi * x)
    data = spde(-((u - 20) ** 3), SMOOTH, start=start).sample(20, EVERY_STEP, grid=GRID, seed=1, run=RUN)
    fit = spde(F, SMOOTH, start=start).solve(PLAIN, data=data, run=RUN)
    assert np.abs(fit.unknown["F"].at(u=19 + VALUES) - (1 - VALUES) ** 3).max() < 1e-6


def test_a_family():
    roles = {b: sm.Range(0.1, 0.5)}
    check(coefficients(learned(F, 3 * u - u**3, b * SMOOTH, parameters=roles)), {1: 3, 3: -1})


def fields(first, second):
    start = [sm.IC(u, START), sm.IC(w, sp.sin(2 * sp.pi * x))]
    equations = [sp.Eq(sm.Dt(u), sm.Laplacian(u) + first + SMOOTH), sp.Eq(sm.Dt(w), sm.Laplacian(w) + second)]
    return sm.Problem(equations=equations, domain=UNIT, time=(t, 0, 0.05), conditions=start)


def test_two_fields():
    data = fields(u - u**3, u * w).sample(20, EVERY_STEP, grid=GRID, seed=1, run=RUN)
    fit = fields(F, sm.Unknown("G", u, w)).solve(PLAIN, data=data, run=RUN)
    check(coefficients(fit), {1: 1, 3: -1})
    check(coefficients(fit, "G"), {(1, 1): 1})


def test_two_functions_of_two_fields():
    data = fields(u - u**3 - u * w, u * w).sample(20, EVERY_STEP, grid=GRID, seed=1, run=RUN)
    fit = fields(sm.Unknown("F", u, w), sm.Unknown("G", u, w)).solve(PLAIN, data=data, run=RUN)
    check(coefficients(fit), {(1, 0): 1, (3, 0): -1, (1, 1): -1})
    check(coefficients(fit, "G"), {(1, 1): 1})


@pytest.mark.parametrize("options", [{"inputs": "initial"}, {"window": 0.01}, {"chunk": 1}], ids=str)
def test_the_options_of_the_model_do_not_matter(options):
    fit = learned(F, 3 * u - u**3, xi / 5, method=sm.LinearMFV(**{"integrations": 0, **options}))
    check(coefficients(fit), {1: 3, 3: -1})


def test_single_precision():
    fit = learned(F, 3 * u - u**3, xi / 5, run=sm.Run(threads=1, dtype="float32"))
    assert np.abs(fit.unknown["F"].at(u=VALUES) - (3 * VALUES - VALUES**3)).max() < 1e-3


# --- other steps ---------------------------------------------------------------------------------


def test_four_steps_an_interval_leave_a_few_per_cent():
    """Where every mode is resolved by the stored steps; half of them halve the error or better."""
    true = 3 * VALUES - VALUES**3

    def left(steps):
        fine = sm.Spectral(**IMPLICIT, dt=0.05 / steps / 4)
        fit = learned(F, 3 * u - u**3, xi / 5, made_by=fine, grid=sm.Grid(x=32, t=steps), n=30)
        return np.abs(fit.unknown["F"].at(u=VALUES) - true).max() / np.abs(true).max()

    coarse, fine = left(100), left(400)
    assert fine < 0.03
    assert 1e-6 < fine < coarse / 2


# --- predictions ---------------------------------------------------------------------------------


def test_predictions_are_those_of_the_known_equation(cubic):
    known = problem(3 * u - u**3, xi / 5)
    truth = known.sample(5, EVERY_STEP, grid=GRID, seed=7, run=RUN)
    data = known.sample(20, EVERY_STEP, grid=GRID, seed=1, run=RUN)
    told = known.solve(PLAIN, data=data, run=RUN)
    ours, theirs = (float(f.compare(truth)["u"].mean()) for f in (cubic, told))
    assert abs(ours / theirs - 1) < 1e-3
    assert ours < 4e-3


def test_a_network_beside_it_and_a_file(tmp_path):
    method = sm.NORS(
        integrations=0,
        channels=3,
        layers=1,
        points=16,
        time_modes=3,
        training=Training(steps=60, learning_rate=2e-2, evaluate_every=20),
    )
    fit = learned(F, 3 * u - u**3, xi / 5, method=method)
    check(coefficients(fit), {1: 3, 3: -1})
    assert "network" in fit.model
    loaded = sm.load(fit.save(tmp_path / "fit.h5"))
    assert loaded.unknown["F"] == fit.unknown["F"]
    some = problem(3 * u - u**3, xi / 5).sample(3, EVERY_STEP, grid=GRID, seed=7, run=RUN)
    assert loaded.replay(some, run=RUN)["u"].values.tobytes() == fit.replay(some, run=RUN)["u"].values.tobytes()
    assert loaded.sample(2, seed=3, run=RUN).ds["u"].identical(fit.sample(2, seed=3, run=RUN).ds["u"])


def test_the_plan_says_what_was_learned():
    data = problem(u - u**2).sample(6, EVERY_STEP, grid=GRID, seed=1, run=RUN)
    assert "learned   F(u) = 1*u - 1*u**2" in str(problem(F).plan(PLAIN, data=data, run=RUN))


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bent", [F**2, sp.sin(F), F * sm.Unknown("G", u), u * F / (2 + F)], ids=str)
def test_terms_that_are_not_linear(bent):
    with pytest.raises(MethodMismatch, match=r"M201.*learns unknown terms that the equation is linear in[\s\S]*a name"):
        problem(bent).plan(PLAIN, grid=GRID)


def test_faces():
    walls = [sm.Dirichlet(u, 0, on=x)]
    between = spde(F, domain=sm.Box((x, 0, 1)), start=x * (1 - x), faces=walls)
    with pytest.raises(MethodMismatch, match=r"M201.*learns unknown terms \(F\) of periodic fields only[\s\S]*a Torus"):
        between.plan(PLAIN, grid=GRID)


@pytest.mark.parametrize("method", [PLAIN, sm.LinearMFV(weights="picard"), sm.NORS()], ids=lambda m: type(m).__name__)
def test_without_data(method):
    with pytest.raises(DataError, match=r"D250.*an ensemble, and there is none"):
        problem(F).solve(method, grid=GRID, run=RUN)


def test_states_that_are_not_stored():
    wave = stochastic_wave(end=0.05)
    data = wave.sample(4, sm.Spectral(scheme="semi-implicit-euler"), grid=GRID, seed=1, run=RUN)
    unknown = wave.with_(
        equations=sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) + F + next(iter(wave.parameters)) * u * xi),
    )
    with pytest.raises(DataError, match=r"D251.*fitted to all states.*some are not stored[\s\S]*first order in time"):
        unknown.plan(PLAIN, data=data, run=RUN)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: problem(u, F * SMOOTH, calculus="ito"), "S220"),
        (lambda: problem(F, outputs={"f": F}), "S220"),
        (lambda: problem(F + sm.Unknown("F", u, x)), "S102"),
        (lambda: problem(sm.Unknown("F", sm.Unknown("G", u))), "S219"),
    ],
    ids=["amplitude", "output", "other arguments", "nested"],
)
def test_places_where_no_unknown_stands(make, code):
    with pytest.raises(DeclarationError, match=code):
        make()


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"features": "published"}, {"integrations": 0, "every": 5}], ids=str)
def test_data_of_every_step_are_exact_whatever_the_features(options):
    fit = learned(F, 3 * u - u**3, xi / 5, method=sm.LinearMFV(**options))
    check(coefficients(fit), {1: 3, 3: -1})


@pytest.mark.parametrize(
    ("unknown", "true"), [(sm.Unknown("F", u, t), t * u), (sm.Unknown("F", t), 1 + t), (t * F, t * u)], ids=str
)
def test_functions_of_time(unknown, true):
    assert coefficients(learned(unknown, true))


def test_a_drift_that_is_not_there():
    fit = learned(F, 0 * u, xi / 5, n=30)
    assert np.abs(fit.unknown["F"].at(u=VALUES)).max() < 1e-8


def test_a_degree_that_cannot_be_stored():
    with pytest.raises(OptionError, match=r"O361.*unknown_degree=\.\.\.\) is at most 20; got 70"):
        sm.LinearMFV(integrations=0, unknown_degree=70)
    with pytest.raises(OptionError, match=r"O361.*makes 1771 monomials; at most 256 are fitted"):
        learned(sm.Unknown("F", u, sm.Dx(u, x), x), u, method=sm.LinearMFV(integrations=0, unknown_degree=20))


def rates(first, second):
    """Return two fields with the same product in both equations, as predator and prey."""
    return fields(-first * u * w, second * u * w)


@pytest.mark.parametrize(("first", "second"), [(0.7, 0.3), (sp.Rational(183, 100), sp.Rational(197, 100))])
def test_products_in_two_equations(first, second):
    assert len(rates(first, second).form.nonlinear) == 1


def test_products_in_two_equations_with_other_numbers():
    form = rates(1.83, 1.97).form
    entered = sp.Matrix([sum(t.column[i] * t.n for t in form.nonlinear) for i in range(2)])
    product = sp.Mul(*(s.placeholder for s in form.slots))
    assert [float(e.coeff(product)) for e in entered.applyfunc(sp.expand)] == pytest.approx([-1.83, 1.97])
