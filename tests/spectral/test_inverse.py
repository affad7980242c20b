"""Unknown parameters from noisy sensors: exact derivatives, coverage of the standard errors, refusals."""

import numpy as np
import pytest
import sympy as sp
import xarray as xr

import sciml as sm
from sciml.errors import DataError, DeclarationError, Diverged, MethodMismatch
from sciml.least_squares import Fit, covariance, half_square, improved

t, x, y = sm.coords("t x y")
u, w = sm.Field("u", t, x), sm.Field("w", t, x, y)
nu, alpha, amplitude = sp.symbols("nu alpha A", positive=True)
TRUTH = {nu: 0.2, alpha: 1.5, amplitude: 0.7}
GRID = sm.Grid(x=48, t=2)
NOISE = 0.01
COARSE = sm.Spectral(dt=0.1)  # its error, 1e-5, is a thousandth of the noise


def burgers(parameters, observations=(), **kwargs):
    """Fractional Burgers' equation with a forcing of unknown strength."""
    damping = nu * sm.FractionalLaplacian(u, alpha)
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), damping + amplitude * sp.cos(2 * x) * sp.cos(t)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={**TRUTH, **parameters},
        observations=observations,
        outputs={"energy": sm.Integral(u**2) / 2},
        **kwargs,
    )


@pytest.fixture(scope="module")
def truth():
    return burgers({}).solve(sm.Spectral(rtol=1e-10), grid=sm.Grid(x=48, t=10))


def sensors(truth, seed, noise=NOISE, count=10):
    """Ten places at each of ten times: 100 noisy values."""
    rng = np.random.default_rng(seed)
    rows = {"t": [], "x": [], "u": []}
    for time in truth.ds["time"].values[1:]:
        places = rng.uniform(0, 2 * np.pi, count)
        rows["t"] += [float(time)] * count
        rows["x"] += places.tolist()
        rows["u"] += truth.at(t=time, x=places)["u"].values.tolist()
    rows["u"] = np.array(rows["u"]) + noise * rng.standard_normal(len(rows["u"]))
    return rows


GUESS = {
    nu: sm.Infer(0.1, bounds=(1e-3, 1)),
    alpha: sm.Infer(1.0, bounds=(0.2, 2)),
    amplitude: sm.Infer(0.3),
}


def test_three_unknowns_are_covered_by_their_standard_errors(truth):
    """Viscosity, order and forcing from 100 noisy sensors: within three standard errors for 20 seeds."""
    pulls = []
    for seed in range(20):
        problem = burgers(GUESS, [sm.Observe(u, sensors(truth, seed), noise_std=NOISE)])
        solution = problem.solve(COARSE, grid=GRID)
        assert solution.status == "converged"
        found = solution.parameters
        pulls.append([(found[s.name].value - TRUTH[s]) / found[s.name].std for s in (nu, alpha, amplitude)])
        assert found["nu"].std < 0.04
    pulls = np.array(pulls)
    assert np.abs(pulls).max() < 3.3  # 60 numbers: one beyond 3 happens in one of six runs of this test
    assert (np.abs(pulls) < 3).mean() > 0.96
    assert 0.6 < np.sqrt((pulls**2).mean()) < 1.4  # neither too small nor too large


def test_without_noise_the_truth_is_found(truth):
    problem = burgers(GUESS, [sm.Observe(u, sensors(truth, 0, noise=0.0))])
    found = problem.solve("spectral", grid=GRID).parameters
    for symbol, value in TRUTH.items():
        assert abs(found[symbol.name].value - value) < 1e-4


def test_the_noise_is_estimated_where_it_is_not_given(truth):
    table = sensors(truth, 1)
    given = burgers(GUESS, [sm.Observe(u, table, noise_std=NOISE)]).solve(COARSE, grid=GRID)
    unknown = burgers(GUESS, [sm.Observe(u, table)]).solve(COARSE, grid=GRID)
    assert unknown.provenance["estimates"]["noise_std"] == pytest.approx(NOISE, rel=0.25)
    for name in ("nu", "alpha", "A"):
        assert unknown.parameters[name].value == pytest.approx(given.parameters[name].value, rel=1e-3)
        assert unknown.parameters[name].std == pytest.approx(given.parameters[name].std, rel=0.25)


def test_wrong_standard_errors_would_be_seen(truth):
    """With a claimed noise of a tenth of the real one, the pulls are ten times too large."""
    problem = burgers(GUESS, [sm.Observe(u, sensors(truth, 2), noise_std=NOISE / 10)])
    with pytest.warns(RuntimeWarning, match="far above the 97"):
        found = problem.solve(COARSE, grid=GRID).parameters
    pulls = [(found[s.name].value - TRUTH[s]) / found[s.name].std for s in TRUTH]
    assert np.abs(pulls).max() > 3.3


def test_derivatives_are_those_of_the_solution(truth):
    """The Jacobian against central differences, through initial data, mass symbols and functionals too."""
    table = {"t": [0.5, 1.0], "x": [1.0, 2.0], "u": [0.0, 0.0]}
    energy = {"t": [0.0, 0.7], "energy": [1.0, 1.0]}
    watched = [sm.Observe(u, table), sm.Observe("energy", energy)]
    problem = burgers(GUESS, watched)
    problem = problem.with_(conditions=[sm.IC(u, amplitude * sp.sin(x) + nu * sp.cos(x))])
    engine = problem.plan(sm.Spectral(dt=0.05), grid=GRID)._engine
    point = engine.start().fit.point
    residual, jacobian = engine._linearised(point, 0)
    assert np.allclose(residual, engine._residual(point, 0), atol=1e-13)
    step = 1e-5
    for i in range(3):
        shift = np.zeros(3)
        shift[i] = step
        difference = (engine._residual(point + shift, 0) - engine._residual(point - shift, 0)) / (2 * step)
        assert np.abs(jacobian[:, i] - difference).max() < 1e-8


def test_vector_observations_on_a_grid_and_face_values():
    """Strength and viscosity of a vortex from a field of velocities, labelled or in a table."""
    strength = sp.Symbol("G", real=True)
    velocity = sm.BiotSavart(w)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), nu * sm.Laplacian(w)),
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(w, strength * (sp.cos(x) * sp.cos(y) + sp.sin(2 * x + y)))],
        parameters={nu: 0.1, strength: 1.5},
        outputs={"v": velocity},
    )
    grid = sm.Grid(x=16, y=16, t=2)
    truth = problem.solve(grid=grid)
    rng = np.random.default_rng(0)
    piv = truth.ds[["v_x", "v_y"]].isel(time=slice(1, None), x=slice(None, None, 3), y=slice(None, None, 5))
    noisy = piv + 0.01 * xr.Dataset({n: (v.dims, rng.standard_normal(v.shape)) for n, v in piv.data_vars.items()})
    frame = noisy.to_dataframe().reset_index().rename(columns={"time": "seconds", "v_x": "vx", "v_y": "vy"})
    # The columns may be named, and then come in any order.
    named = {"seconds": t, "vy": sm.Component(velocity, 1), "vx": sm.Component(velocity, 0)}
    unknown = {nu: sm.Infer(0.5), strength: sm.Infer(0.5)}
    results = []
    for watched in (sm.Observe("v", noisy, noise_std=0.01), sm.Observe("v", frame, columns=named, noise_std=0.01)):
        found = problem.with_(parameters=unknown, observations=[watched]).solve("spectral", grid=grid).parameters
        assert abs(found["nu"].value - 0.1) < 3.3 * found["nu"].std
        assert abs(found["G"].value - 1.5) < 3.3 * found["G"].std
        results.append(found["nu"].value)
    assert results[0] == pytest.approx(results[1], rel=1e-6)


def test_the_solution_is_the_one_with_the_estimates_and_survives_a_file(truth, tmp_path):
    table = sensors(truth, 3)
    problem = burgers(GUESS, [sm.Observe(u, table, noise_std=NOISE)])
    solution = problem.solve(COARSE, grid=GRID)
    values = {s: solution.parameters[s.name].value for s in TRUTH}
    direct = problem.with_(parameters=values).solve(COARSE, grid=GRID)
    assert np.array_equal(solution.ds["u"].values, direct.ds["u"].values)
    loaded = sm.load(solution.save(tmp_path / "inverse.h5"))
    assert loaded.problem == problem
    assert loaded.parameters == solution.parameters
    with xr.open_datatree(tmp_path / "inverse.h5", engine="h5netcdf") as tree:
        assert float(tree["parameters"]["nu"]) == values[nu]
        assert tree["parameters"]["nu"].attrs["std"] > 0
    assert "±" in str(solution.parameters["nu"])


def test_an_unknown_that_the_data_do_not_see_has_no_finite_error():
    silent = sp.Symbol("b", real=True)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x) + silent * sp.sin(5 * x))],
        parameters={nu: sm.Infer(0.5), silent: sm.Infer(0.1)},
        observations=[sm.Observe(u, table(x=[np.pi / 5, 2 * np.pi / 5]), noise_std=0.1)],  # where sin 5x = 0
    )
    with pytest.warns(RuntimeWarning, match="do not determine"):
        found = problem.solve("spectral", grid=sm.Grid(x=16, t=1)).parameters
    assert np.isinf(found["b"].std)


def one_sensor(value, noise_std=None, bounds=(None, None)):
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={nu: sm.Infer(0.1, bounds=bounds)},
        observations=[sm.Observe(u, {"t": [1.0], "x": [np.pi / 2], "u": [value]}, noise_std=noise_std)],
    )
    return problem.solve("spectral", grid=sm.Grid(x=16, t=1)).parameters["nu"]


def test_one_value_has_a_standard_error_only_if_its_noise_is_known():
    found = one_sensor(0.5, noise_std=0.01)
    assert found.value == pytest.approx(np.log(2), rel=1e-6)
    assert found.std == pytest.approx(0.02, rel=1e-4)
    with pytest.warns(RuntimeWarning, match="do not determine"):
        assert np.isinf(one_sensor(0.5).std)


def test_an_estimate_at_its_bound_is_announced():
    with pytest.warns(RuntimeWarning, match=r"stands at its bound 0\.3"):
        found = one_sensor(0.5, noise_std=1.0, bounds=(0.01, 0.3))
    assert found.value == pytest.approx(0.3, rel=1e-3)


def test_a_budget_stops_a_fit_and_leaves_what_it_has(truth):
    problem = burgers(GUESS, [sm.Observe(u, sensors(truth, 4), noise_std=NOISE)])
    solution = problem.solve("spectral", grid=GRID, run=sm.Run(budget=sm.Budget(steps=2)))
    assert solution.status == "budget"
    assert solution.parameters["nu"].std > 0


def table(**changes):
    return {"t": [0.5, 1.0], "x": [1.0, 2.0], "u": [0.1, 0.2]} | changes


REFUSED = {
    "no data": (lambda: burgers(GUESS), DeclarationError, "S192"),
    "outside in space": (lambda: solve([sm.Observe(u, table(x=[1.0, 9.0]))]), DataError, "D233"),
    "outside in time": (lambda: solve([sm.Observe(u, table(t=[0.5, 3.0]))]), DataError, "D233"),
    "some noise unknown": (
        lambda: solve([sm.Observe(u, table()), sm.Observe(u, table(), noise_std=0.1)]),
        DataError,
        "D234",
    ),
    "unequal columns": (lambda: sm.Observe(u, table(u=[1.0])), DataError, "D203"),
    "no time": (lambda: solve([sm.Observe(u, {"x": [1.0], "u": [1.0]})]), DataError, "D231"),
    "misspelt column": (lambda: sm.Observe(u, table(), columns={"tt": t}), DataError, "D231"),
    "column left over": (lambda: solve([sm.Observe(u, table(extra=[1.0, 2.0]))]), DataError, "D231"),
    "unknown output": (lambda: solve([sm.Observe("enrgy", table())]), DeclarationError, "S190"),
    "foreign field": (lambda: solve([sm.Observe(sm.Field("q", t, x), table())]), DeclarationError, "S105"),
    "negative noise": (lambda: solve([sm.Observe(u, table(), noise_std=-1)]), DataError, "D232"),
    "infinite value": (lambda: solve([sm.Observe(u, table(u=[np.inf, 1.0]))]), DataError, "D232"),
    "all missing": (lambda: solve([sm.Observe(u, table(u=[np.nan, np.nan]))]), DataError, "D232"),
    "one number": (lambda: sm.Observe(u, 3.0), DataError, "D231"),
    "array without labels": (lambda: sm.Observe(u, np.ones((3, 4))), DataError, "D231"),
    "not a list": (lambda: burgers(GUESS, {"u": 1}), DeclarationError, "S190"),
    "with a family": (
        lambda: burgers(GUESS | {nu: sm.Range(0.1, 0.2)}, [sm.Observe(u, table())]).solve("spectral"),
        MethodMismatch,
        "one problem at a time",
    ),
}


def solve(observations):
    return burgers(GUESS, observations).solve("spectral", grid=GRID)


@pytest.mark.parametrize(("make", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_observations_that_do_not_fit_are_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_missing_values_are_dropped():
    observed = burgers({}, [sm.Observe(u, table(u=[np.nan, 0.2]))]).observations[0]
    assert observed.values.tolist() == [[0.2]]
    assert observed.points["x"].tolist() == [2.0]


def test_a_first_guess_that_blows_up_is_refused():
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), amplitude * u**3),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, 1 + sp.sin(x) / 10)],
        parameters={amplitude: sm.Infer(9.0)},
        observations=[sm.Observe(u, table(), noise_std=0.1)],
    )
    with pytest.raises(Diverged, match="R305"):
        problem.solve(sm.Spectral(dt=0.01), grid=sm.Grid(x=16, t=1))


# --- the least-squares iteration itself -----------------------------------------------------------


def rosenbrock(p):
    return np.array([10 * (p[1] - p[0] ** 2), 1 - p[0]])


def test_levenberg_marquardt_on_rosenbrock():
    fit = Fit(np.array([-1.2, 1.0]), float(rosenbrock([-1.2, 1.0]) @ rosenbrock([-1.2, 1.0])) / 2)
    while not fit.converged:
        p = fit.point
        jacobian = np.array([[-20 * p[0], 10.0], [-1.0, 0.0]])
        after = improved(fit, jacobian.T @ jacobian, jacobian.T @ rosenbrock(p), lambda q: half_square(rosenbrock(q)))
        assert after.cost <= fit.cost
        fit = after
        assert fit.iterations < 60
    assert np.abs(fit.point - 1).max() < 1e-8


def test_covariance_of_a_linear_model_is_exact():
    rng = np.random.default_rng(0)
    j = rng.standard_normal((30, 3)) * [1, 1e-6, 1e6]
    assert np.allclose(covariance(j), np.linalg.inv(j.T @ j), rtol=1e-8)
    assert np.isinf(covariance(np.stack([j[:, 0], 2 * j[:, 0]], axis=1))).all()
