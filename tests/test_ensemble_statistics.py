"""Statistics of ensembles: equal to plain NumPy formulas, and to the exact law within their own errors."""

import numpy as np
import pytest
import sympy as sp
from heat_ensembles import MODES, ExactHeat, heat, uniform_heat
from scipy import stats

import sciml as sm
from sciml.ensembles import ensemble as ensembles
from sciml.ensembles.moments import Average
from sciml.errors import DataError

N = 16
GRID = sm.Grid(x=N, t=4)
SAMPLES = 1000
DIFFUSIVITY = 0.1
TIMES = np.linspace(0, 1, 5)
X = 2 * np.pi * np.arange(N) / N
MANY = 5.0  # standard errors; some hundred numbers are compared


@pytest.fixture(scope="module")
def drawn():
    return heat(DIFFUSIVITY).sample(SAMPLES, ExactHeat(), grid=GRID)


@pytest.fixture(scope="module", autouse=True)
def _small_chunks():
    """Stream in pieces of 37 samples or fewer, so that merging is tested."""
    patch = pytest.MonkeyPatch()
    patch.setattr(ensembles, "CHUNK_BYTES", 37 * 5 * N * 8)
    yield
    patch.undo()


def energy(m):
    """Return the exact E|coefficient of cos mx|² at each time."""
    return np.exp(-2 * DIFFUSIVITY * m**2 * TIMES)


def exact_covariance(r):
    """Return E u(x) u(x + r), (time, len(r))."""
    return sum(energy(m)[:, None] * np.cos(m * r) for m in range(1, MODES + 1))


def agrees(found, exact, errors=MANY):
    apart = np.abs(found["value"].values - exact)
    allowed = errors * found["standard_error"].values + 1e-12
    return bool((apart <= allowed).all())


def near(found, value, error):
    np.testing.assert_allclose(found["value"], value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["standard_error"], error, rtol=1e-7, atol=1e-12)


def mean_and_error(contributions, factor=1.0):
    spread = contributions.std(0, ddof=1) / np.sqrt(len(contributions))
    return factor * contributions.mean(0), factor * spread


UNBIASED = SAMPLES / (SAMPLES - 1)


def test_mean(drawn):
    found = drawn.mean("u")
    near(found, *mean_and_error(drawn["u"].values))
    assert agrees(found, 0.0)
    assert not agrees(found, 0.5)
    assert found["value"].dims == ("time", "x")
    assert found.attrs["samples"] == SAMPLES and found.attrs["long_name"] == "mean of u"
    near(drawn.mean("energy"), *mean_and_error(drawn["energy"].values))


def test_the_mean_of_a_random_parameter():
    ensemble = uniform_heat().sample(SAMPLES, ExactHeat(), grid=sm.Grid(x=8, t=1))
    found = ensemble.mean("nu")
    assert found["value"].dims == ()
    assert agrees(found, 0.2)
    assert not agrees(found, 0.22)


def test_errors_are_as_large_as_deviations_are():
    """Of 40 ensembles, the errors of the mean energy are standard normal in units of what is claimed."""
    ensembles = [heat().sample(64, ExactHeat(), grid=sm.Grid(x=8, t=1), seed=s) for s in range(40)]
    exact = np.pi * MODES
    means = [e.mean("energy").isel(time=0) for e in ensembles]
    z = np.array([(float(m["value"]) - exact) / float(m["standard_error"]) for m in means])
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert stats.kstest(2 * z, "norm").pvalue < 0.01


def test_variance(drawn):
    u = drawn["u"].values
    found = drawn.variance("u")
    near(found, *mean_and_error((u - u.mean(0)) ** 2, UNBIASED))
    np.testing.assert_allclose(found["value"], u.var(0, ddof=1))
    exact = sum(energy(m) for m in range(1, MODES + 1))[:, None]
    assert agrees(found, exact)
    assert not agrees(found, 1.3 * exact)


def test_covariance_with_a_reference_point(drawn):
    u = drawn["u"].values
    d = u - u.mean(0)
    found = drawn.covariance("u", at={"x": X[3]})
    near(found, *mean_and_error(d * d[:, :, 3:4], UNBIASED))
    assert agrees(found, exact_covariance(X - X[3]))
    assert not agrees(found, exact_covariance(X - X[4]))
    near(drawn.covariance("u", at={"x": X[3], "time": 0.5}), *mean_and_error(d * d[:, 2:3, 3:4], UNBIASED))
    np.testing.assert_allclose(
        found["value"][2], [np.cov(u[:, 2, i], u[:, 2, 3])[0, 1] for i in range(N)], rtol=1e-9, atol=1e-12
    )


def test_covariance_averaged_over_translations(drawn):
    u = drawn["u"].values
    d = u - u.mean(0)
    products = np.stack([(d * np.roll(d, -r, 2)).mean(2) for r in range(N)], axis=-1)
    found = drawn.covariance("u")
    near(found, *mean_and_error(products, UNBIASED))
    assert found["value"].dims == ("time", "separation_x")
    np.testing.assert_allclose(found["separation_x"], X)
    assert agrees(found, exact_covariance(X))
    assert not agrees(found, 1.3 * exact_covariance(X))
    there = drawn.covariance("u", at={"x": X[0]})
    assert (found["standard_error"][0, 0] < there["standard_error"][0, 0]).all()


def test_spectrum(drawn):
    found = drawn.spectrum("u")
    modes = found["mode_x"].values
    assert modes.tolist() == list(range(-N // 2, N // 2))
    exact = np.where(
        (np.abs(modes) > 0) & (np.abs(modes) <= MODES),
        np.exp(-2 * DIFFUSIVITY * modes**2 * TIMES[:, None]) / 2,
        0.0,
    )
    assert agrees(found, exact)
    assert not agrees(found, 1.3 * exact)
    total = drawn.variance("u")["value"].mean("x")
    np.testing.assert_allclose(found["value"].sum("mode_x"), total)


@pytest.mark.parametrize("order", [1, 2, 3.5])
def test_structure_function_in_space(drawn, order):
    u = drawn["u"].values
    found = drawn.structure_function("u", order)
    powers = np.stack([(np.abs(np.roll(u, -r, 2) - u) ** order).mean(2) for r in range(N // 2 + 1)], axis=-1)
    near(found, *mean_and_error(powers))
    assert found["value"].dims == ("time", "separation")
    assert (found["value"][:, 0] == 0).all()
    gauss = 2 ** (order / 2) * float(sp.gamma((order + 1) / 2)) / np.sqrt(np.pi)  # E|Z|^p
    r = found["separation"].values
    variance = 2 * (exact_covariance(np.zeros(1)) - exact_covariance(r))
    assert agrees(found, gauss * variance ** (order / 2))
    assert not agrees(found, 1.3 * gauss * variance ** (order / 2))


def test_structure_function_in_time(drawn):
    u = drawn["u"].values
    found = drawn.structure_function("u", along="time")
    powers = [((u[:, s:] - u[:, : 5 - s]) ** 2).mean((1, 2)) for s in range(5)]
    near(found, *mean_and_error(np.stack(powers, axis=-1)))
    np.testing.assert_allclose(found["separation"], TIMES)
    near(
        drawn.structure_function("energy", 1, along="time").isel(separation=[4]),
        *mean_and_error(np.abs(drawn["energy"].values[:, 4:] - drawn["energy"].values[:, :1])),
    )


def test_a_file_gives_the_same_statistics(tmp_path, drawn):
    loaded = sm.load_ensemble(drawn[:100].save(tmp_path / "a.nc"))
    assert loaded.covariance("u").identical(drawn[:100].covariance("u"))
    assert not loaded["u"].variable._in_memory


def test_the_error_of_one_sample_is_unknown(drawn):
    one = drawn[:1]
    assert np.isnan(one.mean("u")["standard_error"]).all()
    assert one.mean("u")["value"].equals(drawn["u"][0].drop_vars("sample"))
    for found in (one.variance("u"), one.covariance("u"), one.spectrum("u"), one.covariance("u", at={"x": 0.0})):
        assert np.isnan(found["value"]).all()
        assert np.isnan(found["standard_error"]).all()
    assert np.isnan(one.structure_function("u")["standard_error"]).all()


def test_averages_merge_as_if_all_came_at_once():
    values = 1e6 + np.random.default_rng(0).normal(size=(100, 3))
    merged = Average()
    for start in range(0, 100, 7):
        merged.add(values[start : start + 7])
    np.testing.assert_allclose(merged.mean, values.mean(0), rtol=1e-14)
    np.testing.assert_allclose(merged.standard_error, values.std(0, ddof=1) / 10, rtol=1e-9)


REFUSED = {
    "variable": (lambda e: e.mean("w"), "D204.*no 'w'"),
    "no periodic axis": (lambda e: e.covariance("energy"), "D241.*'energy' has no periodic axis"),
    "spectrum": (lambda e: e.spectrum("energy"), "D241"),
    "axis": (lambda e: e.covariance("u", at={"y": 0.5}), "D241.*no axis 'y'"),
    "no place": (lambda e: e.covariance("u", at={}), "D241.*no reference point"),
    "not stored": (lambda e: e.covariance("u", at={"x": 0.1}), r"(?s)D207.*x = 0.1 is not stored.*at=\{'x': 0\}"),
    "order": (lambda e: e.structure_function("u", 0), "D242"),
    "along": (lambda e: e.structure_function("energy"), "D241"),
    "along what": (lambda e: e.structure_function("u", along="tme"), "D241.*Did you mean 'time'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(drawn, case):
    act, message = REFUSED[case]
    with pytest.raises(DataError, match=message):
        act(drawn)
