"""NORS: what the network adds to the linear model, on which problems, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import sympy as sp
import torch
from nors.cases import RUN, UNIT, block, phi4, spde, t, u, w, x, xi

import sciml as sm
from sciml.errors import DataError, FileError, OptionError
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes
from sciml.problems.stochastic_wave import stochastic_wave
from sciml.solvers.nors.channels import Channels
from sciml.train import Training
from sciml.train.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")

IMPLICIT = sm.Spectral(scheme="semi-implicit-euler", differences=True, degree=0)
SEMI = sm.Spectral(scheme="semi-implicit-euler")
SMALL, SHORT, LONG = sm.Grid(x=32, t=20), sm.Grid(x=64, t=25), sm.Grid(x=32, t=50)


def trained(steps, rate=2e-2):
    return Training(steps=steps, learning_rate=rate, schedule=Cosine(), evaluate_every=max(1, steps // 4))


def nors(steps=100, **options):
    return sm.NORS(
        **{
            "channels": 6,
            "layers": 1,
            "points": 16,
            "integrations": 0,
            "time_modes": 4,
            "training": trained(steps),
            **options,
        }
    )


def linear(**options):
    return sm.LinearMFV(**{"integrations": 0, **options})


def fitted(problem, data, method):
    return problem.solve(method, data=data, run=RUN)


def error(fit, data, name="u"):
    return float(fit.compare(data)[name].mean())


def relative(values, truth):
    """Return the mean over paths of the relative error, the first axis that of paths."""
    left = ((values - truth) ** 2).reshape(len(truth), -1).sum(1)
    return float(np.sqrt(left / (truth**2).reshape(len(truth), -1).sum(1)).mean())


def baseline(learned, data, name="u"):
    """Return the error of the mean over the paths that are learned from."""
    return relative(learned[name].values[:, 1:].mean(0), data[name].values[:, 1:])


def kept_aside(fit):
    return fit.provenance["diagnostics"]["error_kept_aside"]


# --- against its own linear part -----------------------------------------------------------------

PUBLISHED = {"features": "published", "integrations": None, "quadrature": "left"}
WINDOWS = {"integrations": 1, "window": 0.1}


@pytest.fixture(scope="module")
def short():
    return phi4().sample(60, IMPLICIT, grid=SHORT, seed=1, run=RUN)


@pytest.fixture(scope="module")
def long():
    return phi4(end=0.5).sample(60, grid=LONG, seed=1, run=RUN)


@pytest.fixture(scope="module")
def windowed(long):
    return fitted(phi4(end=0.5), long[:40], nors(200, **WINDOWS))


def test_it_halves_the_error_on_published_features(short):
    fit, alone = (fitted(phi4(), short[:40], m(**PUBLISHED)) for m in (lambda **o: nors(200, **o), linear))
    assert error(fit, short[40:]) < error(alone, short[40:]) / 2
    assert error(alone, short[40:]) < 1e-3
    assert abs(kept_aside(fit) / (error(fit, short[40:]) / error(alone, short[40:])) - 1) < 0.3
    assert fit.provenance["diagnostics"]["training_steps"] == 200


def test_it_halves_the_error_in_windows(long, windowed):
    alone = fitted(phi4(end=0.5), long[:40], linear(**WINDOWS))
    assert np.array_equal(alone.model["weights"], windowed.model["weights"])
    assert error(windowed, long[40:]) < error(alone, long[40:]) / 3
    assert error(alone, long[40:]) < 0.02 < 0.5 < baseline(long[:40], long[40:])


def test_another_grid_and_step_need_no_training(windowed):
    """The same law of the noise on twice the points and half the step; a model of another window is the control."""
    fine = phi4(end=0.5).sample(20, grid=sm.Grid(x=64, t=100), seed=5, run=RUN)
    same = phi4(end=0.5).sample(20, grid=LONG, seed=5, run=RUN)
    assert error(windowed, fine) < 1.3 * error(windowed, same)
    assert error(windowed, same) < 0.5 * 0.0162  # half of that of the linear part


def test_statistics_of_an_ensemble(windowed):
    """The variance at each time against that of other paths of the reference, both with their errors."""
    ours = windowed.sample(160, seed=7, run=RUN)
    truth, louder = (phi4(end=0.5, sigma=s).sample(160, grid=LONG, seed=8, run=RUN) for s in (1.0, 1.4))
    some = {"time": [10, 20, 30, 40, 50], "x": [0, 8, 16, 24]}

    def distance(other):
        a, b = ours.variance("u").isel(some), other.variance("u").isel(some)
        return (a["value"] - b["value"]) / np.hypot(a["standard_error"], b["standard_error"])

    assert np.abs(distance(truth)).max() < 4
    assert np.sqrt((distance(truth) ** 2).mean()) < 1.5
    assert np.sqrt((distance(louder) ** 2).mean()) > 2


# --- the linear part alone -----------------------------------------------------------------------


def test_stopped_before_training_it_is_the_linear_model(short):
    alone = fitted(phi4(), short[:20], linear())
    early = phi4().solve(nors(), data=short[:20], run=sm.Run(threads=1, budget=sm.Budget(steps=1)))
    assert early.status == "budget"
    assert "network" not in early.model
    assert early.ds.identical(alone.ds)
    assert early.sample(2, seed=3, run=RUN).ds.identical(alone.sample(2, seed=3, run=RUN).ds)


def test_a_training_that_does_not_help_keeps_the_linear_model(short):
    wild = nors(training=Training(steps=3, learning_rate=3.0))
    with pytest.warns(RuntimeWarning, match=r"kept aside the network has .* times the error of the linear model"):
        fit = fitted(phi4(), short[:20], wild)
    assert kept_aside(fit) > 1
    assert "network" not in fit.model
    assert fit.ds.identical(fitted(phi4(), short[:20], linear()).ds)


@pytest.mark.filterwarnings("ignore:on samples kept aside")  # of the last step alone
def test_the_best_evaluation_is_kept(short):
    """A rate that is too large: the last step is worse, and what is stored has the error that is told."""
    learned = short[:20]

    def until(every):
        training = Training(steps=25, learning_rate=0.1, evaluate_every=every)
        return fitted(phi4(), learned, nors(training=training))

    best, last = until(1), until(None)
    assert kept_aside(best) < kept_aside(last) / 1.1
    aside, alone = learned[18:], fitted(phi4(), learned, linear())
    ours, theirs = (np.sqrt((f.compare(aside)["u"] ** 2).mean()) for f in (best, alone))
    assert abs(kept_aside(best) / float(ours / theirs) - 1) < 0.02


def test_scales_are_those_of_what_is_trained_on(short):
    """Paths kept aside are the last ones: others in their place change no scale of the features."""
    learned = short[[*range(18), 18, 19]]
    other = short[[*range(18), 30, 31]]
    first, second = (fitted(phi4(), d, nors(8, validation=0.1)).model for d in (learned, other))
    for name in ("feature_mean", "feature_spread"):
        assert np.array_equal(first[name], second[name])
    third = fitted(phi4(), short[[*range(17), 30, 18, 19]], nors(8, validation=0.1)).model
    assert not np.array_equal(first["feature_mean"], third["feature_mean"])


def test_the_same_seed_gives_the_same_bits(short):
    def solved(seed):
        return phi4().solve(nors(8), data=short[:12], run=sm.Run(threads=1, seed=seed)).model["network"]

    assert np.array_equal(solved(2), solved(2))
    assert not np.array_equal(solved(2), solved(3))


def test_the_plan_says_what_will_be_trained(long):
    told = str(phi4(end=0.5).plan(nors(7, **WINDOWS), data=long[:20], run=RUN))
    assert "1 layers of width 6, 4 x 6 modes on 16 points" in told
    assert "2 features and 1 other channels at all steps of a window" in told
    assert "7 steps of 20 of 100 windows" in told


# --- answers and inputs --------------------------------------------------------------------------


def test_the_ends_of_windows_alone():
    problem = phi4(end=0.2, spread=1.0, sigma=0.5)
    data = problem.sample(60, grid=sm.Grid(x=32, t=40), seed=1, run=RUN)
    truth = data["u"].values[40:]

    def end(method):
        found = fitted(problem, data[:40], method).replay(data[40:], run=RUN)
        return found, relative(found["u"].values[:, -1], truth[:, -1])

    (found, ours), (whole, path), (_, alone) = map(
        end, (nors(150, answer="terminal", window=0.1), nors(150, window=0.1), linear(window=0.1))
    )
    assert np.allclose(found.ds["time"], [0, 0.1, 0.2])
    assert whole.ds.sizes["time"] == 41
    assert np.abs(found["u"].values[:, 0] - truth[:, 0]).max() < 1e-12
    sums = data["xi"].values[40:, 1:].reshape(20, 2, 20, 32).sum(2)
    assert np.abs(found["xi"].values[:, 1:] - sums).max() < 1e-12
    assert ours < 1.5 * path
    assert ours < alone / 1.4


def mean_over_noise(start):
    return spde(3 * u - u**3, xi / 2, start=start, end=0.2)


def test_hidden_noise_leaves_its_mean():
    """Against the mean of many paths from the same start, which no model without the noise can beat."""
    family = mean_over_noise(1 + sm.RandomField.fourier("a", x, modes=1, decay=1) / 2)
    data = family.sample(60, grid=SMALL, seed=1, run=RUN)
    fit, alone = (fitted(family, data, m(inputs="initial")) for m in (lambda **o: nors(150, **o), linear))
    for start in (1 + sp.sin(2 * sp.pi * x) / 2, sp.Rational(3, 4)):
        some = mean_over_noise(start).sample(200, grid=SMALL, seed=9, run=RUN)
        values = some["u"].values[:, 1:]
        floor = relative(values.mean(0), values)
        found = fit.replay(some[:4], run=RUN)["u"].values[:, 1:]
        assert np.array_equal(found, found[[0] * 4])  # whatever the noise
        assert 0.99 * floor < relative(found[0], values) < 1.3 * floor
        other = alone.replay(some[:1], run=RUN)["u"].values[0, 1:]
        assert relative(found[0], values) < 0.9 * relative(other, values)


def test_hidden_noise_is_noise_of_size_zero(short):
    some, method = short[:4], linear(integrations=1, inputs="initial")
    piece = block(phi4(), some, method)
    silent = phi4(sigma=0.0).sample(4, IMPLICIT, grid=SHORT, seed=1, run=RUN)
    bare = block(phi4(), silent, linear(integrations=1))
    nothing = {n: torch.zeros_like(v) for n, v in bare.increments.items()}
    wanted = bare.setting.features(*bare.setting.window(piece.start, nothing))
    assert torch.equal(piece.features(), wanted)
    seen = block(phi4(), some, linear(integrations=1)).features()
    assert float((seen - wanted).abs().max()) > 1e-2


# --- problems ------------------------------------------------------------------------------------


def test_one_model_serves_a_family():
    a, b = sp.symbols("a b", positive=True)
    roles = {b: sm.Range(0.1, 1.0), a: sm.Range(1.0, 4.0, scale="log")}
    problem = spde(u - a * u**3, b * xi, end=0.5, parameters=roles)
    data = problem.sample(60, grid=SMALL, seed=1, run=RUN)
    fit = fitted(problem, data[:40], nors())
    ours = error(fit, data[40:])
    assert ours < error(fitted(problem, data[:40], linear()), data[40:]) / 2
    assert ours < baseline(data[:40], data[40:]) / 2
    assert fit.model["network_shape"][1] == 3  # time in the window, and two parameters
    # Without knowing the parameters, which the features do not tell: the same network on constant channels.
    assert fit.sample(3, seed=2, run=RUN).ds["a"].shape == (3,)


def test_a_parameter_with_a_law(monkeypatch):
    a = sp.Symbol("a", positive=True)
    problem = spde(u - a * u**3, end=0.5, parameters={a: scipy.stats.lognorm(0.5)})
    data = problem.sample(50, grid=SMALL, seed=1, run=RUN)
    ours = error(fitted(problem, data[:35], nors()), data[35:])
    monkeypatch.setattr("sciml.solvers.nors.channels._place_in", lambda role, values: 0 * values)
    blind = error(fitted(problem, data[:35], nors()), data[35:])
    assert ours < 0.8 * blind  # negative control: it is the parameter that helps


def test_faces_are_kept():
    start, faces = 5 * x * (1 - x), [sm.Dirichlet(u, 0, on=x)]
    problem = spde(-(u**3), domain=sm.Box((x, 0, 1)), start=start, faces=faces, end=0.5)
    data = problem.sample(50, grid=sm.Grid(x=17, t=20), seed=1, run=RUN)
    fit = fitted(problem, data[:30], nors())
    assert error(fit, data[30:]) < error(fitted(problem, data[:30], linear()), data[30:]) / 2
    assert error(fit, data[30:]) < baseline(data[:30], data[30:]) / 10
    values = fit.replay(data[30:], run=RUN)["u"].values
    assert np.abs(values[:, :, [0, -1]]).max() < 1e-14


def test_two_fields():
    equations = [
        sp.Eq(sm.Dt(u), sm.Laplacian(u) / 10 - u**3 + w + xi / 2),
        sp.Eq(sm.Dt(w), sm.Laplacian(w) / 10 - u),
    ]
    start = [sm.IC(u, 1), sm.IC(w, 0)]
    problem = sm.Problem(equations=equations, domain=UNIT, time=(t, 0, 1), conditions=start)
    data = problem.sample(50, SEMI, grid=SMALL, seed=1, run=RUN)
    fit, alone = (fitted(problem, data[:35], m()) for m in (nors, linear))
    for name in ("u", "w"):
        assert error(fit, data[35:], name) < error(alone, data[35:], name) / 1.2
        assert error(fit, data[35:], name) < baseline(data[:35], data[35:], name) / 2


def test_a_wave_with_a_state_that_is_not_stored():
    problem = stochastic_wave(spread=0.3, end=0.5)
    data = problem.sample(50, SEMI, grid=SMALL, seed=1, run=RUN)
    fit = fitted(problem, data[:40], nors(100))
    assert kept_aside(fit) < 1
    assert error(fit, data[40:]) < baseline(data[:40], data[40:]) / 1.5
    # Nothing is learned of the velocity, and nothing added to it.
    skip = fit.model["network"][:2].reshape(1, 2)
    assert skip[0, 0] != 0
    assert skip[0, 1] == 0


@pytest.fixture(scope="module")
def flow():
    problem = stochastic_navier_stokes(sigma=2.0, end=1.0, nu=1e-2)
    data = problem.sample(40, grid=sm.Grid(x=16, y=16, t=10), seed=1, run=RUN)
    method = nors(channels=4, layers=2, time_modes=3, space_modes=4, training=trained(60, 1e-2))
    return fitted(problem, data[:30], method), data


def test_a_flow_in_two_dimensions(flow):
    fit, data = flow
    assert kept_aside(fit) < 1
    assert error(fit, data[30:], "w") < baseline(data[:30], data[30:], "w") / 2
    assert fit.model["network_shape"][1] == 5  # time in the window, sines and cosines of two places


def test_what_is_conserved_stays(flow):
    fit, data = flow
    assert np.abs(data["circulation"].values).max() < 1e-14
    assert np.abs(fit.replay(data[30:], run=RUN)["circulation"].values).max() < 1e-12


@pytest.mark.parametrize("hidden", ["in_time", "places"])
def test_coefficients_of_time_and_place_have_channels(hidden, monkeypatch):
    problem = spde(20 * (t - 0.1) * sp.sin(2 * sp.pi * x) * u, end=0.4, start=sp.Integer(1))
    data = problem.sample(40, grid=SMALL, seed=1, run=RUN)
    method = nors(window=0.1, time_modes=2)
    ours = error(fitted(problem, data[:30], method), data[30:])
    assert ours < error(fitted(problem, data[:30], linear(window=0.1)), data[30:]) / 2
    monkeypatch.setattr(Channels, "__init__", without(hidden))
    assert error(fitted(problem, data[:30], method), data[30:]) > 2 * ours  # negative control


def without(name):
    made = Channels.__init__

    def init(self, *args, **kwargs):
        made(self, *args, **kwargs)
        setattr(self, name, type(getattr(self, name))())

    return init


@pytest.fixture(scope="module")
def coarse(long):
    return fitted(phi4(end=0.5), long[:40], nors(every=2))


def test_coarse_trees(long, coarse):
    """Twenty-five steps of the trees in fifty of v; predictions are at the coarse ones."""
    alone = fitted(phi4(end=0.5), long[:40], linear(every=2))
    assert coarse.replay(long[40:], run=RUN).ds.sizes["time"] == 26
    assert error(coarse, long[40:]) < error(alone, long[40:]) / 1.5


def test_single_precision(long):
    problem = phi4(end=0.5)
    single = sm.Run(threads=1, dtype="float32")
    half, whole = (problem.solve(nors(60, window=0.1), data=long[:30], run=run) for run in (single, RUN))
    assert half.ds["u"].dtype == np.float32
    assert abs(error(half, long[40:]) / error(whole, long[40:]) - 1) < 0.2


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(short):
    return fitted(phi4(), short[:30], nors(60, channels=3, layers=1, space_modes=3, time_modes=2))


def test_a_file_gives_the_same_predictions(stored, short, tmp_path):
    loaded = sm.load(stored.save(tmp_path / "fit.h5"))
    assert "network" in stored.model
    assert {n: v.tobytes() for n, v in loaded.model.items()} == {n: v.tobytes() for n, v in stored.model.items()}
    for act in (lambda s: s.sample(3, seed=7, run=RUN), lambda s: s.replay(short[40:43], run=RUN)):
        assert act(loaded).ds["u"].identical(act(stored).ds["u"])
    spoilt = replace(stored, model={**stored.model, "network": stored.model["network"] + 1e-3})
    assert not spoilt.sample(3, seed=7, run=RUN).ds["u"].identical(stored.sample(3, seed=7, run=RUN).ds["u"])


SIZES = ["features", "others", "states", "width", "layers", "has_time", "time_modes", "space_modes", "points"]
REFUSED = [
    *((name, value) for name in SIZES for value in (-1, 2**17, 2**40) if (name, value) != ("others", -1)),
    *((name, value) for name in ("features", "others", "states", "width", "layers") for value in (2, 7)),
    *((name, value) for name in ("time_modes", "space_modes") for value in (1, 7)),
    *((name, 0) for name in ("features", "others", "layers", "has_time", "space_modes")),
    ("has_time", 2),
]
NOT_REFUSED = [
    ("others", -1),  # ZeroDivisionError
    ("states", 0),
    ("width", 0),
    ("time_modes", 0),  # RuntimeError
    ("points", 0),
    ("points", 1),  # IndexError, when it predicts
    ("points", 4),
]


def with_size(model, name, value):
    shape = model["network_shape"].copy()
    shape[SIZES.index(name)] = value
    return {**model, "network_shape": shape}


def check_refused(stored, model):
    with pytest.raises(FileError, match=r"F412.*stored model is not one of features[\s\S]*fit it again"):
        replace(stored, model=model).sample(2, run=RUN)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_hostile_sizes(stored, name, value):
    check_refused(stored, with_size(stored.model, name, value))


@pytest.mark.parametrize(("name", "value"), NOT_REFUSED)
def test_hostile_sizes_that_pass(stored, name, value):
    check_refused(stored, with_size(stored.model, name, value))


ARRAYS = {
    "shape too short": ("network_shape", lambda v: v[:5]),
    "no points": ("network_shape", lambda v: v[:8]),
    "points of two axes": ("network_shape", lambda v: np.append(v, 16)),
    "shape of two axes": ("network_shape", lambda v: v[None]),
    "shape with nan": ("network_shape", lambda v: np.where(v == 16, np.nan, v)),
    "shape with inf": ("network_shape", lambda v: np.where(v == 16, np.inf, v)),
    "one weight less": ("network", lambda v: v[:-1]),
    "one weight more": ("network", lambda v: np.append(v, v[:1])),
    "no weights": ("network", lambda v: v[:0]),
}
ARRAYS_THAT_PASS = {
    "sizes with fractions": ("network_shape", lambda v: v + 0.5),
    "sizes as text": ("network_shape", lambda v: v.astype(str)),
    "weights of two axes": ("network", lambda v: v[None]),
    "weights with nan": ("network", lambda v: np.where(np.arange(len(v)) == 3, np.nan, v)),
    "weights with inf": ("network", lambda v: np.where(np.arange(len(v)) == 3, np.inf, v)),
    "weights too large": ("network", lambda v: np.full(len(v), 1e300)),
    "weights as text": ("network", lambda v: v.astype(str)),
    "mean too long": ("feature_mean", lambda v: np.append(v, 0.0)),
    "mean of no axis": ("feature_mean", lambda v: v[0]),
    "mean with nan": ("feature_mean", lambda v: v * np.nan),
    "spread too short": ("feature_spread", lambda v: v[:0]),
    "spread 0": ("feature_spread", lambda v: 0 * v),
    "spread negative": ("feature_spread", lambda v: -v),
    "spread infinite": ("feature_spread", lambda v: v + np.inf),
    "scale too long": ("network_scale", lambda v: np.append(v, 0.0)),
    "scale with nan": ("network_scale", lambda v: v * np.nan),
    "scale negative": ("network_scale", lambda v: -v),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_hostile_arrays(stored, name):
    array, change = ARRAYS[name]
    check_refused(stored, {**stored.model, array: change(stored.model[array])})


@pytest.mark.parametrize("name", ARRAYS_THAT_PASS)
def test_hostile_arrays_that_pass(stored, name):
    array, change = ARRAYS_THAT_PASS[name]
    check_refused(stored, {**stored.model, array: change(stored.model[array])})


@pytest.mark.parametrize("missing", ["network_shape", "feature_mean", "feature_spread", "network_scale"])
def test_arrays_that_are_missing(stored, missing):
    check_refused(stored, {n: v for n, v in stored.model.items() if n != missing})


def test_weights_that_are_missing(stored):
    check_refused(stored, {n: v for n, v in stored.model.items() if n != "network"})


def test_a_spoilt_file(stored, tmp_path):
    spoilt = replace(stored, model={**stored.model, "network": stored.model["network"][:-1]})
    loaded = sm.load(spoilt.save(tmp_path / "fit.h5"))
    with pytest.raises(FileError, match=r"F412.*number of weights"):
        loaded.sample(2, run=RUN)


# --- refusals ------------------------------------------------------------------------------------

OUT_OF_RANGE = [
    ({"channels": 0}, "channels=... is a whole number of at least 1; got 0"),
    ({"channels": None}, "channels=... is a whole number of at least 1; got None"),
    ({"layers": 0}, "layers=... is a whole number of at least 1"),
    ({"points": 2}, "points=... is a whole number of at least 4; got 2"),
    ({"points": 16.0}, "got 16.0"),
    ({"space_modes": 0}, "space_modes=... is a whole number of at least 1"),
    ({"time_modes": True}, "time_modes=... is a whole number of at least 1; got True"),
    ({"batch": 0}, "batch=... is a whole number of at least 1"),
    ({"validation": 0}, "validation=... is a number above 0, at most 0.5; got 0"),
    ({"validation": 0.6}, "at most 0.5; got 0.6"),
    ({"validation": "a tenth"}, "got 'a tenth'"),
    ({"memory": 0}, "memory=... is a number above 0; got 0"),
    ({"memory": float("nan")}, "memory=... is a number above 0; got nan"),
    ({"answer": "both"}, "answer=... is one of 'path', 'terminal'; got 'both'"),
    ({"inputs": "noise"}, "inputs=... is one of 'all', 'initial'; got 'noise'"),
    ({"training": 100}, r"training=... is a Training\(steps=...\) of sciml.train; got 100"),
    ({"unknown_degree": 0}, "unknown_degree=... is a whole number of at least 1"),
]


@pytest.mark.parametrize(("options", "message"), OUT_OF_RANGE)
def test_options_out_of_range(options, message):
    name, _, rest = message.partition("=...")
    expected = rf"NORS\({name}=\.\.\.\){rest}" if rest else message
    with pytest.raises(OptionError, match=f"O361.*{expected}"):
        sm.NORS(**options)


def test_modes_that_the_points_do_not_hold(short):
    told = r"O361.*space_modes=9\) needs 18 points or more; got 16.\n  points=18, or space_modes=8"
    with pytest.raises(OptionError, match=told):
        sm.NORS(points=16, space_modes=9)
    most = fitted(phi4(), short[:20], nors(20, points=16, space_modes=8))
    assert most.model["network_shape"][7] == 8
    assert sm.NORS(space_modes=20).grid_points(1) == 40
    assert [sm.NORS().grid_points(dim) for dim in (1, 2, 3)] == [32, 16, 16]


def test_it_needs_data(short):
    for act in (
        lambda: phi4().plan(sm.NORS(), grid=SMALL),
        lambda: phi4().sample(3, sm.NORS(), grid=SMALL),
        lambda: phi4().replay(short, sm.NORS()),
    ):
        with pytest.raises(DataError, match=r"D250.*'nors' is trained on an ensemble[\s\S]*solve\(NORS\(\), data="):
            act()


def test_grids_coarser_than_its_own(stored):
    coarse = phi4().sample(6, grid=sm.Grid(x=12, t=20), seed=1, run=RUN)
    told = r"D252.*needs 16 points on an axis, and the grid has 12.\n  a grid of 16 points or more, or NORS\(points=12"
    with pytest.raises(DataError, match=told):
        phi4().plan(nors(), data=coarse, run=RUN)
    with pytest.raises(DataError, match=told):
        stored.sample(2, grid=sm.Grid(x=12, t=50), run=RUN)
    with pytest.raises(DataError, match=told):
        stored.replay(coarse, run=RUN)
    fine = phi4().sample(6, grid=SMALL, seed=1, run=RUN)
    with pytest.raises(DataError, match=told):
        phi4().plan(nors(), data=fine, grid=sm.Grid(x=12, t=20), run=RUN)


def test_a_coarse_grid_between_faces():
    problem = spde(-(u**3), domain=sm.Box((x, 0, 1)), start=x * (1 - x), faces=[sm.Dirichlet(u, 0, on=x)])
    data = problem.sample(6, grid=sm.Grid(x=9, t=20), seed=1, run=RUN)
    with pytest.raises(
        DataError, match=r"D252.*needs 17 points on an axis, and the grid has 9\.\n  a grid of 17 points"
    ):
        problem.plan(nors(points=32), data=data, run=RUN)


def test_too_few_samples(short):
    with pytest.raises(DataError, match=r"D253.*of 2 samples 1 would be kept aside[\s\S]*data=problem.sample"):
        phi4().plan(nors(), data=short[:2], run=RUN)
    with pytest.raises(DataError, match=r"D253.*of 3 samples 2 would be kept aside"):
        phi4().plan(nors(validation=0.5), data=short[:3], run=RUN)
    phi4().plan(nors(), data=short[:3], run=RUN)


def test_windows_that_do_not_divide(short):
    told = r"O362.*windows of 0.02 do not divide the whole time, 0.05.\n  all windows must be alike: window=0.025"
    with pytest.raises(OptionError, match=told):
        phi4().plan(nors(window=0.02), data=short[:8], run=RUN)
    phi4().plan(nors(window=0.01), data=short[:8], run=RUN)
    phi4().plan(linear(window=0.02), data=short[:8], run=RUN)
    with pytest.raises(OptionError, match=r"O362.*window=0.0105 is no multiple of the stored interval"):
        phi4().plan(nors(window=0.0105), data=short[:8], run=RUN)


def test_memory(short):
    with pytest.raises(OptionError, match=r"O364.*takes 0.000112 GiB, more than memory=1e-05.\n  fewer samples"):
        phi4().plan(nors(memory=1e-5), data=short[:8], run=RUN)
    phi4().plan(nors(memory=2e-4), data=short[:8], run=RUN)
    phi4().plan(nors(memory=1e-5, answer="terminal"), data=short[:8], run=RUN)


# --- what goes wrong -----------------------------------------------------------------------------


def test_samples_have_the_times_of_the_solution(coarse):
    assert np.array_equal(coarse.sample(2, run=RUN).ds["time"], coarse.ds["time"])


def test_samples_of_a_family_are_drawn_from_it():
    a = sp.Symbol("a", positive=True)
    family = spde(-a * u**3, parameters={a: sm.Range(0.5, 2)})
    data = family.sample(8, grid=SMALL, seed=1, run=RUN)
    solution = family.solve(linear(), data=data, grid=sm.Grid(x=32, t=20, a=3), run=RUN)
    drawn = solution.sample(2, run=RUN)
    assert solution.ds.sizes["a"] == 3
    assert (drawn.ds["a"].dims, drawn.ds["u"].dims) == (("sample",), ("sample", "time", "x"))


@pytest.mark.filterwarnings("ignore:on samples kept aside")  # four steps
@pytest.mark.parametrize("options", [{"window": 0.01}, {"every": 5}], ids=["short window", "coarse trees"])
def test_few_steps_in_a_window(short, options):
    assert fitted(phi4(), short[:8], nors(4, time_modes=8, **options)).status == "converged"


@pytest.mark.filterwarnings("ignore:on samples kept aside")  # four steps
def test_a_coarser_step_is_predicted(short):
    fit = fitted(phi4(), short[:20], nors(40, time_modes=8))
    assert fit.sample(2, grid=sm.Grid(x=32, t=3), run=RUN).status == "converged"


@pytest.mark.filterwarnings("ignore:on samples kept aside")  # four steps
def test_another_default_precision(short):
    usual, before = fitted(phi4(), short[:8], nors(4)), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        other = fitted(phi4(), short[:8], nors(4))
    finally:
        torch.set_default_dtype(before)
    assert other.ds.identical(usual.ds)
