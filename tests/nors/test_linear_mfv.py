"""The linear model on features: weights, accuracy, windows, coarse steps, files, other grids."""

from dataclasses import replace

import numpy as np
import pytest
from nors.cases import PUBLISHED, RUN, phi4, spde, u, untrained, worst

import sciml as sm
from sciml.errors import FileError
from sciml.problems.stochastic_wave import stochastic_wave

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")

GRID = sm.Grid(x=64, t=50)
IMPLICIT = sm.Spectral(scheme="semi-implicit-euler", differences=True, degree=0)
SAME = {"scheme": "semi-implicit-euler", "differences": True, "degree": 0}


@pytest.fixture(scope="module")
def data():
    """Sixty paths to learn from, and forty."""
    return phi4().sample(100, IMPLICIT, grid=GRID, seed=1, run=RUN)


def fitted(data, **options):
    return phi4().solve(sm.LinearMFV(**options), data=data[:60], run=RUN)


@pytest.fixture(scope="module")
def first_order(data):
    return fitted(data, integrations=1)


def error(predicted, truth):
    return float(predicted.compare(truth)["u"].mean())


def diagnostics(solution):
    return solution.provenance["diagnostics"]


# --- weights -------------------------------------------------------------------------------------

PICARD = {"I[xi]": 1, "I_c": 1, "I[I[xi]]": 3, "I[I_c]": 3, "I[I[xi] I_c^2]": -3}


def coefficients(solution):
    found = diagnostics(solution)
    return dict(zip(found["features"], found["weights"][0], strict=True))


def test_published_features_have_the_weights_of_picard_iteration(data):
    found = coefficients(fitted(data, features="published"))
    for name, weight in PICARD.items():
        assert abs(found[name] / weight - 1) < 0.1, found


def test_another_equation_has_other_weights():
    problem = spde(u - u**3, start=phi4().conditions[0].value)
    other = problem.sample(60, IMPLICIT, grid=GRID, seed=1, run=RUN)
    found = coefficients(problem.solve(PUBLISHED, data=other, run=RUN))
    assert abs(found["I[I[xi]]"] - 1) < 0.1
    assert abs(found["I[I_c]"] - 1) < 0.1


def test_the_fit_is_that_of_least_squares(data, first_order):
    """Against a dense solution on the grid, each path divided by its norm."""
    from nors.cases import features

    some = data[:60]
    found = features(phi4(), some, sm.LinearMFV(integrations=1))
    truth = some["u"].values[:, 1:]
    size = np.sqrt((truth**2).sum((1, 2), keepdims=True))
    columns = np.stack([(v[:, 1:] / size).ravel() for v in found.values()], axis=1)
    wanted = np.linalg.lstsq(columns, (truth / size).ravel())[0]
    assert np.abs(first_order.model["weights"][:, 0] - wanted).max() < 1e-7
    left = np.sqrt((((columns @ wanted) - (truth / size).ravel()) ** 2).sum() / 60)
    assert abs(diagnostics(first_order)["training_error"][0] / left - 1) < 1e-3
    plain = np.linalg.lstsq(columns * size.repeat(50, 1).repeat(64, 2).reshape(-1, 1), truth.ravel())[0]
    assert np.abs(plain - wanted).max() > 1e-6


def test_a_large_penalty_leaves_the_weights_of_the_equation(data):
    held = fitted(data, integrations=1, penalty=0.999)
    free = fitted(data, integrations=1)
    assert np.abs(held.model["weights"] - 1).max() < np.abs(free.model["weights"] - 1).max() / 1.5
    shrunk = coefficients(fitted(data, features="published", penalty=0.999))
    assert shrunk["I[xi]"] < 0.9
    assert shrunk["I_c"] < 0.9


# --- accuracy ------------------------------------------------------------------------------------


def baseline(data):
    """Relative error of the mean over the paths that are learned from."""
    values = data["u"].values[:, 1:]
    truth, mean = values[60:], values[:60].mean(0)
    return np.mean(np.sqrt(((truth - mean) ** 2).sum((1, 2)) / (truth**2).sum((1, 2))))


def test_it_beats_the_mean_and_the_expansion_that_is_not_fitted(data, first_order):
    learned = error(first_order, data[60:])
    alone = untrained(phi4(), data, integrations=1, **SAME)[60:]
    assert baseline(data) > 0.5
    assert learned < 5e-5
    assert learned < 0.7 * error(alone, data[60:])
    assert error(fitted(data, features="published"), data[60:]) < 2e-3
    assert error(fitted(data), data[60:]) < 5e-7
    assert diagnostics(first_order)["training_error"] < diagnostics(first_order)["error_with_prior"]


def test_windows_are_more_accurate(data, first_order):
    short, whole = error(fitted(data, integrations=1, window=0.01), data[60:]), error(first_order, data[60:])
    assert 1e-7 < short < whole / 3


def test_windows_restart_from_the_own_prediction(data):
    """By hand: five problems one after the other, each from the end of the one before."""
    fit, some = fitted(data, integrations=1, window=0.01), data[60:64]
    whole = fit.replay(some, run=RUN)["u"].values
    short, grid = phi4(end=0.01), sm.Grid(x=64, t=10)
    numbers = list(some.numbers)

    def follow(restart):
        """Yield the prediction in each window from what ``restart`` makes of the last one and the truth."""
        states = some["u"].values[:, 0]
        for first in range(0, 50, 10):
            ds = some.ds[["u", "xi"]].isel(time=slice(first, first + 11)).copy(deep=True)
            ds["u"][:, 0] = states
            ds = ds.assign_coords(time=np.linspace(0, 0.01, 11))
            one = sm.LinearMFV(integrations=1)
            found = one.sampler(short, grid, RUN, ds, fit.model).draw(numbers)["u"].values
            yield found[:, 1:]
            states = restart(found[:, -1], some["u"].values[:, first + 10])

    own = np.concatenate(list(follow(lambda predicted, _: predicted)), axis=1)
    true = np.concatenate(list(follow(lambda _, truth: truth)), axis=1)
    assert worst(own, whole[:, 1:]) < 1e-12
    assert worst(true, whole[:, 1:]) > 1e-8


def test_the_window_counts_paths_once_in_each(data):
    assert diagnostics(fitted(data, integrations=1, window=0.02))["paths"] == 180  # 20, 20 and 10 steps
    assert diagnostics(fitted(data, integrations=1))["paths"] == 60


@pytest.fixture(scope="module")
def refined():
    return phi4().sample(60, grid=sm.Grid(x=64, t=200), seed=1, run=RUN)


def test_coarse_trees_keep_the_fine_noise(refined):
    """Ten steps of the trees against two hundred of the reference, and against ten of it."""
    fit = phi4().solve(sm.LinearMFV(every=20, integrations=1), data=refined[:40], run=RUN)
    predicted = fit.replay(refined[40:], run=RUN)
    assert predicted.ds.sizes["time"] == 11
    coarse = phi4().replay(refined, grid=sm.Grid(x=64, t=10), run=RUN)
    ours, theirs = error(predicted, refined[40:]), error(coarse[40:], refined[40:])
    assert ours < 1e-3 < 0.1 < theirs
    noise = refined["xi"].values[40:, 1:].reshape(20, 10, 20, 64).sum(2)
    assert np.abs(predicted["xi"].values[:, 1:] - noise).max() < 1e-12


def test_coarse_trees_converge_to_fine_ones(refined):
    """The trapezoid is of second order for smooth sources; v and its cube are rough in time: first order or more."""
    some = refined[:20]
    found = {n: untrained(phi4(), some, every=n, integrations=1)["u"].values[:, -1] for n in (1, 5, 10, 20)}
    errors = [np.sqrt(((found[n] - some["u"].values[:, -1]) ** 2).mean()) for n in (20, 10, 5)]
    assert errors[0] > 1.2 * errors[1]
    assert errors[-1] < 1e-3


def test_data_of_many_steps_an_interval_are_taken_at_both_ends(data):
    fine = phi4().sample(40, sm.Spectral(dt=2.5e-4), grid=GRID, seed=1, run=RUN)
    plan = str(phi4().plan(sm.LinearMFV(), data=fine, run=RUN))
    assert "exponential-euler, sources trapezoid" in plan
    assert "semi-implicit-euler, sources left" in str(phi4().plan(sm.LinearMFV(), data=data, run=RUN))
    assert "semi-implicit-euler, sources right" in str(phi4().plan(PUBLISHED, data=data, run=RUN))


def test_a_wave_is_learned_in_its_field():
    """Its velocity is not stored: windows are refused, and its weights stay those of the equation."""
    problem = stochastic_wave(spread=0.3, end=0.2)
    paths = problem.sample(40, grid=sm.Grid(x=64, t=20), seed=1, run=RUN)
    fit = problem.solve(sm.LinearMFV(integrations=1), data=paths[:30], run=RUN)
    assert error(fit, paths[30:]) < 4e-3
    assert diagnostics(fit)["training_error"] < diagnostics(fit)["error_with_prior"]
    weights = fit.model["weights"]
    assert (weights[:, 1] == 1).all()
    assert (weights[:, 0] != 1).any()


# --- files and other grids -----------------------------------------------------------------------


def test_a_file_gives_the_same_predictions(data, tmp_path):
    fit = fitted(data, integrations=1, window=0.01)
    loaded = sm.load(fit.save(tmp_path / "fit.h5"))
    assert loaded.sample(3, seed=7, run=RUN).ds.identical(fit.sample(3, seed=7, run=RUN).ds)
    assert np.array_equal(loaded.replay(data[60:63], run=RUN)["u"].values, fit.replay(data[60:63], run=RUN)["u"].values)
    other = fitted(data[20:], integrations=1, window=0.01)
    assert not loaded.sample(3, seed=7, run=RUN).ds.identical(other.sample(3, seed=7, run=RUN).ds)


@pytest.mark.parametrize("options", [{"features": "published"}, {"integrations": 1}], ids=["published", "expansion"])
def test_another_grid_costs_little_accuracy(data, options):
    fit = fitted(data, **options)
    fine = phi4().sample(20, IMPLICIT, grid=sm.Grid(x=128, t=100), seed=5, run=RUN)
    here, there = error(fit, data[60:]), error(fit.replay(fine, run=RUN), fine)
    assert there < 1.4 * here
    assert here < 2e-3


def test_predictions_for_a_seed_are_those_of_the_reference(data, first_order):
    drawn = first_order.sample(8, seed=5, run=RUN)
    truth = phi4().sample(8, IMPLICIT, grid=GRID, seed=5, run=RUN)
    assert np.array_equal(drawn["xi"].values, truth["xi"].values)
    assert error(drawn, truth) < 1e-4
    assert error(drawn, phi4().sample(8, IMPLICIT, grid=GRID, seed=6, run=RUN)) > 0.1


# What was stored, and what is put in its place.
WEIGHTS = {
    "too few": lambda w: w[:1],
    "too many states": lambda w: np.repeat(w, 3, axis=1),
    "one axis": lambda w: w[:, 0],
    "text": lambda w: np.array([["a"], ["b"]]),
}
NUMERICS = {
    "too short": [1, 1, 0],
    "two axes": [[1, 1, 0, 0, 0, 1]],
    "no such scheme": [9, 1, 0, 0, 0, 1],
    "negative": [-1, 1, 0, 0, 0, 1],
    "no steps": [1, 1, 0, 0, 0, 0],
    "not a number": [1, 1, 0, 0, 0, np.nan],
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_hostile_weights(first_order, name):
    broken = {**first_order.model, "weights": WEIGHTS[name](first_order.model["weights"])}
    with pytest.raises(FileError, match="F412"):
        replace(first_order, model=broken).sample(2, run=RUN)


@pytest.mark.parametrize("name", NUMERICS)
def test_hostile_numerics(first_order, name):
    broken = {**first_order.model, "numerics": np.array(NUMERICS[name])}
    with pytest.raises(FileError, match=r"F412.*stored model is not one of features[\s\S]*fit it again"):
        replace(first_order, model=broken).sample(2, run=RUN)


@pytest.mark.parametrize("missing", ["weights", "numerics"])
def test_arrays_that_are_missing(first_order, missing):
    rest = {n: v for n, v in first_order.model.items() if n != missing}
    with pytest.raises(FileError, match=f"F412.*{missing}"):
        replace(first_order, model=rest).sample(2, run=RUN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("numerics", [1, 1, 0, 0, 0, np.inf]),  # OverflowError
        ("numerics", [1, 1, 0, 0, 0, 3]),  # O362: every does not divide, though the method has every=1
        ("numerics", [1, 1, 0, 0, 0, 2]),  # other steps than those of the method
        ("numerics", [1, 1, 0, 0, 0, 1.5]),  # cut to 1
        ("weights", [[np.nan], [1.0]]),  # R301: a smaller step
        ("weights", [[np.inf], [1.0]]),
    ],
)
def test_hostile_arrays_that_pass(first_order, name, value):
    with pytest.raises(FileError, match="F412"):
        replace(first_order, model={**first_order.model, name: np.array(value)}).sample(2, run=RUN)
