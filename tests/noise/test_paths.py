"""One Brownian path seen by many discretisations: steps, grids, precision, replays, interruptions."""

import numpy as np
import pytest
import sympy as sp
from noise.cases import drawn, spde, t, u, x, xi

import sciml as sm

CUBIC = sp.Eq(sm.Dt(u), sm.Laplacian(u) + u - u**3 + xi)
START = sp.cos(x) + sm.RandomField.fourier("a", x, modes=2, scale=0.2)


def cubic(**more):
    return spde(CUBIC, start=START, end=sp.Rational(1, 2), **more)


def at_end(problem, n, x_points, dt, modes=None):
    return drawn(problem, n, sm.Spectral(dt=dt), grid=sm.Grid(x=x_points, t=1))["u"].isel(time=-1).values


def relative(problem, truth, points, dt):
    shown = truth[:, :: truth.shape[1] // points]
    return np.linalg.norm(at_end(problem, 4, points, dt) - shown) / np.linalg.norm(shown)


def test_two_steps_and_two_grids_converge_to_one_solution():
    """White noise: order 1/4 to 1/2 in time, 1/2 in space."""
    problem = cubic()
    truth = at_end(problem, 4, 256, 1 / 4096)
    by_step = np.array([relative(problem, truth, 256, dt) for dt in (1 / 16, 1 / 64, 1 / 256, 1 / 1024)])
    assert (by_step[1:] < by_step[:-1] / 1.4).all()
    assert by_step[-1] < 0.06
    by_grid = np.array([relative(problem, truth, n, 1 / 2048) for n in (16, 32, 64, 128)])
    assert (by_grid[1:] < by_grid[:-1] / 1.3).all()
    assert by_grid[-1] < 0.1
    # Negative control: another seed is another path.
    other = drawn(problem, 4, sm.Spectral(dt=1 / 64), grid=sm.Grid(x=256, t=1), seed=1)["u"].isel(time=-1).values
    assert np.linalg.norm(other - truth) / np.linalg.norm(truth) > 0.5


def test_smooth_noise_converges_fast_in_both():
    problem = spde(CUBIC.xreplace({xi: sm.WhiteNoise("xi", t, x, modes=5)}), start=START, end=sp.Rational(1, 2))
    truth = at_end(problem, 4, 128, 1 / 2048)
    assert relative(problem, truth, 128, 1 / 64) < 4e-2
    assert relative(problem, truth, 128, 1 / 256) < 1e-2
    assert relative(problem, truth, 32, 1 / 2048) < 2e-3
    assert relative(problem, truth, 64, 1 / 2048) < 1e-6


def test_a_solution_is_sample_zero():
    problem = cubic()
    run = sm.Run(seed=5)
    one = problem.solve(sm.Spectral(dt=0.05), grid=sm.Grid(x=16, t=5), run=run)
    many = sm.Spectral(dt=0.05).sampler(problem, sm.Grid(x=16, t=5), run).draw(range(3))
    assert np.abs(one["u"].values - many["u"].isel(sample=0).values).max() < 1e-13
    assert np.array_equal(one["xi"].values, many["xi"].isel(sample=0).values)
    assert one["xi"].dims == ("time", "x")


def test_members_of_a_family_share_their_noise():
    sigma = sp.Symbol("sigma", positive=True)
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + sigma * xi), parameters={sigma: sm.Range(1, 2)})
    sol = problem.solve(sm.Spectral(), grid=sm.Grid(x=16, t=3, sigma=2))
    assert np.abs(sol["u"].sel(sigma=2) - 2 * sol["u"].sel(sigma=1)).max() < 1e-13


def test_samples_draw_their_own_parameters_and_fields():
    sigma, scale = sp.symbols("sigma scale", positive=True)
    from scipy import stats

    field = sm.RandomField.fourier("a", x, modes=2, scale=scale)
    problem = spde(
        sp.Eq(sm.Dt(u), sm.Laplacian(u) + sigma * xi),
        start=field,
        parameters={sigma: sm.Range(0.1, 10, scale="log"), scale: stats.uniform(1, 2)},
    )
    ds = drawn(problem, 400)
    values = ds["sigma"].values
    assert ds["sigma"].dims == ("sample",)
    assert 0.1 <= values.min() < 0.13
    assert 7 < values.max() <= 10
    assert abs(np.log10(values).mean()) < 4 * (2 / np.sqrt(12)) / 20
    first = ds["u"].isel(time=0).values
    assert np.abs(first).max(1).min() > 0
    assert abs(np.corrcoef(ds["scale"].values, values)[0, 1]) < 0.2
    again = drawn(problem, 3, first=7)
    assert np.array_equal(again["sigma"].values, values[7:10])
    assert np.abs(again["u"].values - ds["u"].values[7:10]).max() < 1e-12


def replayed(problem, recorded, intervals, method=None, points=16):
    sampler = (method or sm.Spectral()).sampler(problem, sm.Grid(x=points, t=intervals), sm.Run(), recorded)
    return sampler.draw(range(3))


def test_a_recorded_path_is_replayed_coarsened_and_refined():
    problem = cubic()
    original = drawn(problem, 3, sm.Spectral(dt=1 / 64), grid=sm.Grid(x=16, t=16))
    again = replayed(problem, original, 16, sm.Spectral(dt=1 / 64))
    assert np.abs(again["u"] - original["u"]).max() < 1e-12  # the seed draws the same bridges
    coarse = replayed(problem, original, 4)
    summed = original["xi"].values[:, 1:].reshape(3, 4, 4, 16).sum(2)
    assert np.abs(coarse["xi"].values[:, 1:] - summed).max() < 1e-13
    fine = replayed(problem, original, 64)
    parts = fine["xi"].values[:, 1:].reshape(3, 16, 4, 16).sum(2)
    assert np.abs(parts - original["xi"].values[:, 1:]).max() < 1e-13
    error = [float(np.abs(d["u"].isel(time=-1) - original["u"].isel(time=-1)).max()) for d in (coarse, fine)]
    assert error[1] < error[0]


def test_recorded_noise_that_does_not_fit_is_refused():
    problem = cubic()
    original = drawn(problem, 3, grid=sm.Grid(x=16, t=6))
    with pytest.raises(sm.DataError, match=r"D223.*6 intervals.*4"):
        replayed(problem, original, 4)
    with pytest.raises(sm.DataError, match=r"D223.*same points"):
        replayed(problem, original, 6, points=32)
    with pytest.raises(sm.DataError, match=r"D223.*no recorded noise 'xi'"):
        replayed(problem, original.drop_vars("xi"), 6)


@pytest.mark.parametrize("scheme", ["exponential-euler", "semi-implicit-euler", "crank-nicolson"])
def test_single_precision_follows_double(scheme):
    problem = cubic()
    method = sm.Spectral(dt=0.05, scheme=scheme)
    double, single = (drawn(problem, 2, method, dtype=d) for d in ("float64", "float32"))
    assert single["u"].dtype == np.float32
    assert float(np.abs(double["u"] - single["u"]).max()) < 1e-5


def test_the_published_generator_is_reproduced():
    """u' = (1 - dt A/dx²)⁻¹ (u + dt (3u - u³) + σ ΔW) with the matrix A of second differences."""
    n, dt, sigma = 32, 1e-3, 0.1
    problem = spde(
        sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + sigma * xi),
        domain=sm.Torus((x, 0, 1)),
        start=sp.sin(2 * sp.pi * x),
        end=sp.Rational(1, 50),
    )
    method = sm.Spectral(scheme="semi-implicit-euler", differences=True, degree=0)
    ds = drawn(problem, 2, method, grid=sm.Grid(x=n, t=20))
    second = (np.roll(np.eye(n), 1, 0) + np.roll(np.eye(n), -1, 0) - 2 * np.eye(n)) * n**2
    inverse = np.linalg.inv(np.eye(n) - dt * second)
    state = ds["u"].values[:, 0]
    for i in range(20):
        state = (state + dt * (3 * state - state**3) + sigma * ds["xi"].values[:, i + 1]) @ inverse.T
    assert np.abs(state - ds["u"].values[:, -1]).max() < 1e-13


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path):
    problem, grid, method = cubic(), sm.Grid(x=16, t=8), sm.Spectral(dt=0.01)
    whole = problem.solve(method, grid=grid)
    folder = tmp_path / "run"
    part = problem.solve(method, grid=grid, run=sm.Run(out=folder, budget=sm.Budget(steps=3)))
    assert part.status == "budget"
    rest = sm.resume(folder)
    assert np.array_equal(rest["u"].values, whole["u"].values)
    assert np.array_equal(rest["xi"].values, whole["xi"].values)


def test_a_solution_keeps_its_noise_in_the_file(tmp_path):
    sol = cubic().solve(sm.Spectral(), grid=sm.Grid(x=16, t=4))
    back = sm.load(sol.save(tmp_path / "path.h5"))
    assert np.array_equal(back["xi"].values, sol["xi"].values)


def test_noise_is_compared_on_demand():
    problem, grid = cubic(), sm.Grid(x=16, t=4)
    one, other = (problem.solve(sm.Spectral(dt=dt), grid=grid) for dt in (0.05, 0.01))
    assert list(one.compare(other)) == ["u"]
    assert float(one.compare(other, on=["xi"])["xi"][1:].max()) < 1e-12


def test_noise_on_coarser_stored_points_is_not_aliased():
    problem = cubic()
    fine = problem.solve(sm.Spectral(resolution=64), grid=sm.Grid(x=16, t=2))
    whole = problem.solve(sm.Spectral(), grid=sm.Grid(x=64, t=2))
    low, high = (np.fft.rfft(s["xi"].values[1], norm="forward") for s in (fine, whole))
    assert np.abs(low[:8] - high[:8]).max() < 1e-14
