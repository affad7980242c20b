"""What model features refuse, in the user's words."""

import pytest
import sympy as sp
from nors.cases import PUBLISHED, RUN, UNIT, paths, phi4, spde, t, u, w, x, xi

import sciml as sm
from sciml.errors import DataError, DeclarationError, MethodMismatch, OptionError
from sciml.problems.dynamic_phi4_2d import dynamic_phi4_2d
from sciml.problems.parabolic_multiplicative import parabolic_multiplicative
from sciml.problems.stochastic_wave import stochastic_wave

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")

GRID = sm.Grid(x=16, t=6)
PICARD = sm.LinearMFV(weights="picard")
BOX = sm.Box((x, 0, 1))
a, b = sp.symbols("a b", positive=True)


def inferred():
    table = {"t": [0.01], "x": [0.5], "u": [0.3]}
    role = {a: sm.Infer(init=1.0, bounds=(0.1, 2))}
    return spde(-a * u**3, parameters=role, observations=[sm.Observe(u, table, noise_std=0.1)])


def lifted():
    faces = [sm.Dirichlet(u, 1, on=(x, 0)), sm.Dirichlet(u, 0, on=(x, 1))]
    return spde(-(u**3), domain=BOX, start=1 - x, faces=faces)


def between_faces():
    return spde(-(u**3), domain=BOX, start=x * (1 - x), faces=[sm.Dirichlet(u, 0, on=x)])


def system():
    equations = [sp.Eq(sm.Dt(u), sm.Laplacian(u) - u**3 + xi), sp.Eq(sm.Dt(w), sm.Laplacian(w) - u)]
    return sm.Problem(equations=equations, domain=UNIT, time=(t, 0, 1), conditions=[sm.IC(u, 0), sm.IC(w, 0)])


def growing():
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) - u**3 + xi),
        domain=sm.Torus((x, 0, a)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, 0)],
        parameters={a: sm.Range(0.5, 1)},
    )


def unknown():
    return spde(u * sm.Unknown("F", u) ** 2)


EXPANSION = "features='expansion' takes systems, waves, faces"
MISMATCHES = {
    "no noise": (lambda: spde(-(u**3), 0), {}, "needs a driving noise", "WhiteNoise"),
    "inferred": (inferred, {}, r"infers no parameters \(a\)", "a Range to learn a family"),
    "unknown term squared": (unknown, {}, r"learns unknown terms that the equation is linear in", "a name of its own"),
    "stratonovich": (
        lambda: spde(-(u**3), u * sm.WhiteNoise("beta", t), calculus="stratonovich"),
        {},
        "iterated integrals are those of Itô",
        'calculus="ito" with the correction term',
    ),
    "faces with values": (lifted, {}, "no faces with values other than 0", "subtract a function"),
    "a domain of each sample": (growing, {}, "ends of domain or time depend on a", "rescale the coordinate"),
    "coarse and multiplied": (
        parabolic_multiplicative,
        {"every": 2},
        "coarse steps would lose the products of noise",
        "every=1",
    ),
    "published system": (system, {"features": "published"}, "one field of first order in time", EXPANSION),
    "published wave": (stochastic_wave, {"features": "published"}, "one field of first order in time", EXPANSION),
    "published box": (between_faces, {"features": "published"}, "for periodic fields", EXPANSION),
    "published wick": (dynamic_phi4_2d, {"features": "published"}, "no Wick powers", EXPANSION),
    "published noises": (
        lambda: spde(-(u**3), xi + sm.WhiteNoise("eta", t, x)),
        {"features": "published"},
        "for one noise",
        EXPANSION,
    ),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_problems_that_have_no_features(name):
    make, options, reason, fix = MISMATCHES[name]
    method = sm.LinearMFV(weights="picard", **options)
    with pytest.raises(MethodMismatch, match=rf"M201.*'linear-mfv' cannot solve.*{reason}[\s\S]*{fix}"):
        make().plan(method, grid=GRID)


def test_what_is_refused_is_what_is_named():
    """Negative control: the same problems without the offending part are planned."""
    for problem, options in (
        (spde(-(u**3), u * sm.WhiteNoise("beta", t), calculus="ito"), {}),
        (between_faces(), {}),
        (system(), {}),
        (parabolic_multiplicative(), {"every": 1}),
        (phi4(), {"features": "published"}),
    ):
        assert problem.plan(sm.LinearMFV(weights="picard", **options), grid=sm.Grid(x=17, t=6)).total == 1


def test_all_of_space_is_refused_where_it_is_declared():
    noise = sp.exp(-(x**2)) * sm.WhiteNoise("beta", t)
    with pytest.raises(DeclarationError, match=r"S214.*beta drives all of space[\s\S]*Torus"):
        spde(-(u**3), noise, domain=sm.WholeSpace(x), start=sp.exp(-(x**2)))


# --- options -------------------------------------------------------------------------------------

OUT_OF_RANGE = [
    ({"integrations": -1}, "integrations=... is a whole number of at least 0; got -1"),
    ({"integrations": 1.5}, "got 1.5"),
    ({"integrations": True}, "got True"),
    ({"height": 0}, "height=... is a whole number of at least 1"),
    ({"degree": -1}, "degree=... is a whole number of at least 0"),
    ({"chunk": 0}, "chunk=... is a whole number of at least 1"),
    ({"every": 0}, "every=... is a whole number of at least 1"),
    ({"max_features": None}, "max_features=... is a whole number of at least 1; got None"),
    ({"features": "hairer"}, "features=... is one of 'expansion', 'published'; got 'hairer'"),
    ({"quadrature": "middle"}, "is one of 'left', 'right', 'trapezoid'"),
    ({"scheme": "euler"}, "is one of 'exponential-euler', 'semi-implicit-euler', 'crank-nicolson'"),
    ({"differences": "yes"}, "differences=... is one of True, False; got 'yes'"),
    ({"weights": "lasso"}, "weights=... is one of 'ridge', 'picard'"),
    ({"cutoff": float("nan")}, "cutoff=... is a number; got nan"),
    ({"cutoff": "7"}, "cutoff=... is a number; got '7'"),
    ({"window": 0}, "window=... is a positive number; got 0"),
    ({"penalty": 0.0}, "penalty=... is a number between 0 and 1; got 0.0"),
    ({"penalty": 1.5}, "penalty=... is a number between 0 and 1; got 1.5"),
]


@pytest.mark.parametrize(("options", "message"), OUT_OF_RANGE)
def test_options_out_of_range(options, message):
    name, _, rest = message.partition("=...")
    expected = rf"LinearMFV\({name}=\.\.\.\){rest}" if rest else message
    with pytest.raises(OptionError, match=rf"O361.*{expected}"):
        sm.LinearMFV(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 3}, r"width=...\) is for features='published'"),
        ({"noise_width": 1}, r"noise_width=...\) is for features='published'"),
        ({"features": "published", "integrations": 2}, r"integrations=...\) is for features='expansion'"),
        ({"every": 2, "quadrature": "left"}, r"every=2, take their sources at both ends, not 'left'"),
        ({"every": 2, "features": "published"}, r"every=2, are for features='expansion'"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(OptionError, match=rf"O361.*{message}[\s\S]*\n  "):
        sm.LinearMFV(**options)


def test_a_misspelt_option():
    with pytest.raises(OptionError, match=r"O302.*'heigth'. Did you mean 'height'"):
        sm.LinearMFV(heigth=2)


def test_too_many_features():
    deep = sm.LinearMFV(weights="picard", integrations=12, max_features=32)
    told = r"O360.*more than 32 features: 1 with 0 integrals, 1 with 1 integral, 1 with 2 integrals, 2 with 3.*to come"
    with pytest.raises(OptionError, match=told + r"[\s\S]*max_features=64"):
        phi4().plan(deep, grid=GRID)
    with pytest.raises(OptionError, match=r"O360.*2 with 0 integrals, 9 with 1 integral"):
        sm.LinearMFV(features="published", height=4, cutoff=20).feature_table(phi4())
    wide = sm.LinearMFV(features="published", width=40, cutoff=1000, max_features=4)
    with pytest.raises(OptionError, match=r"O360.*and more to come"):  # 10^9 products are not all made first
        wide.feature_table(spde(sm.Dx(u, x) * u))


# --- steps and windows ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    return paths(phi4())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 4}, r"every=4 does not divide the 6 stored intervals.\n  every=2, or .* a multiple of 4"),
        ({"window": 0.01}, r"window=0.01 is no multiple of the stored interval, 0.00833333.\n  window=0.00833333"),
        ({"window": 0.0001}, r"window=0.0001 is no multiple .*\n  window=0.00833333"),
        ({"every": 3, "window": 0.05 / 6}, r"the step of the trees, 0.025.\n  window=0.025"),
    ],
)
def test_steps_that_do_not_fit(data, options, message):
    with pytest.raises(OptionError, match=f"O362.*{message}"):
        phi4().plan(sm.LinearMFV(**options), data=data)
    with pytest.raises(OptionError, match=f"O362.*{message}"):
        phi4().plan(sm.LinearMFV(weights="picard", **options), grid=GRID)


def test_the_window_that_is_suggested_is_taken():
    long = paths(phi4(end=1))
    plan = phi4(end=1).plan(sm.LinearMFV(window=0.166667), data=long)
    assert "0.166667, restarted" in str(plan)


# --- data ----------------------------------------------------------------------------------------


def test_a_fit_needs_data_and_the_expansion_none(data):
    needs = r"D250.*'linear-mfv' is fitted to an ensemble, and there is none[\s\S]*weights='picard'"
    for act in (
        lambda: phi4().plan(sm.LinearMFV(), grid=GRID),
        lambda: phi4().sample(3, sm.LinearMFV(), grid=GRID),
        lambda: phi4().replay(data, sm.LinearMFV()),
    ):
        with pytest.raises(DataError, match=needs):
            act()
    with pytest.raises(DataError, match=r"D250.*weights='picard' are those of the equation[\s\S]*leave out data="):
        phi4().plan(PICARD, data=data)


def test_windows_need_all_states():
    problem = stochastic_wave(end=0.1)
    some = paths(problem)
    with pytest.raises(DataError, match=r"D251.*windows begin at true states, and u_t\(t, x\) is not stored"):
        problem.plan(sm.LinearMFV(window=0.05), data=some)
    problem.plan(sm.LinearMFV(), data=some)
    problem.replay(some, sm.LinearMFV(weights="picard", window=0.05), run=RUN)


def test_weights_that_the_equation_leaves_open():
    method = sm.LinearMFV(features="published", weights="picard")
    family = spde(-a * u**3, parameters={a: sm.Range(1, 2)})
    with pytest.raises(OptionError, match=r"O363.*the weight of I\[I\[xi\]\] .* is not read off[\s\S]*expansion"):
        family.solve(method, grid=GRID, run=RUN)
    assert phi4().solve(method, grid=GRID, run=RUN).status == "converged"
    open_ones = [f.text for f in PUBLISHED.feature_table(family).features if f.weight is None]
    assert "I[I[xi]^3]" in open_ones


def test_numbers_of_parameters_are_known():
    table = PUBLISHED.feature_table(spde(-a * u**3, parameters={a: 2.0}))
    assert {f.text: f.weight for f in table.features}["I[I[xi]^3]"] == -2
