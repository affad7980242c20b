"""Ensembles of SPDEs by the spectral method: blocks, workers, kills, replays."""

import os
import signal
import subprocess
import sys
import time as clock
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from noise.cases import spde, t, u, x, xi

import sciml as sm

GRID = sm.Grid(x=32, t=5)
METHOD = sm.Spectral(dt=0.02)


def cubic():
    start = sp.cos(x) + sm.RandomField.fourier("a", x, modes=2, scale=0.2)
    return spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + u - u**3 + xi), start=start, end=sp.Rational(1, 2))


def test_noise_is_the_same_bits_for_every_block_size():
    drawn = {b: cubic().sample(70, METHOD, grid=GRID, seed=3, block=b) for b in (1, 7, 64)}
    for b in (1, 7):
        assert np.array_equal(drawn[b]["xi"].values, drawn[64]["xi"].values)
        assert np.array_equal(drawn[b]["u"].isel(time=0).values, drawn[64]["u"].isel(time=0).values)
        assert np.abs(drawn[b]["u"].values - drawn[64]["u"].values).max() < 1e-12


def test_solutions_are_the_same_bits_for_any_number_of_samples_and_workers(tmp_path):
    whole = cubic().sample(30, METHOD, grid=GRID, seed=3, block=8)
    fewer = cubic().sample(11, METHOD, grid=GRID, seed=3, block=8)
    two = cubic().sample(30, METHOD, grid=GRID, seed=3, block=8, workers=2, to=tmp_path / "two.h5")
    assert np.array_equal(whole["u"].values[:11], fewer["u"].values)
    assert np.array_equal(whole["u"].values, two["u"].values)


def test_a_solution_is_the_first_sample():
    one = cubic().solve(METHOD, grid=GRID, run=sm.Run(seed=3))
    many = cubic().sample(2, METHOD, grid=GRID, seed=3, block=2)
    assert np.abs(one["u"].values - many["u"].values[0]).max() < 1e-13


SCRIPT = """
import sys, sympy as sp
sys.path.insert(0, {tests!r})
import sciml as sm
from noise.test_samples import cubic, GRID
cubic().sample(400, sm.Spectral(dt=0.0005), grid=GRID, seed=3, block=8, to={path!r})
"""


def test_a_killed_run_goes_on_to_the_same_file(tmp_path):
    path = tmp_path / "paths.h5"
    tests = str(Path(__file__).parent.parent)
    script = SCRIPT.format(tests=tests, path=str(path))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", script], env=environment)
    partial = path.with_name(path.name + ".partial")
    deadline = clock.monotonic() + 60
    while clock.monotonic() < deadline and not (partial.exists() and len(sm.load_ensemble(partial)) >= 8):
        clock.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = sm.load_ensemble(partial)
    assert 8 <= len(kept) < 400
    method = sm.Spectral(dt=0.0005)
    rest = cubic().sample(400, method, grid=GRID, seed=3, block=8, to=path)
    assert not partial.exists()
    whole = cubic().sample(400, method, grid=GRID, seed=3, block=8)
    assert np.array_equal(rest["u"].values, whole["u"].values)
    assert np.array_equal(rest["xi"].values, whole["xi"].values)


def test_replays_use_the_recorded_noise():
    coarse = cubic().sample(6, METHOD, grid=GRID, seed=3)
    again = cubic().replay(coarse, METHOD, grid=GRID)
    assert np.abs(again["u"].values - coarse["u"].values).max() < 1e-12
    fine = cubic().replay(coarse, sm.Spectral(dt=0.002), grid=GRID)
    assert np.abs(fine["xi"].values - coarse["xi"].values).max() < 1e-12
    assert 1e-6 < np.abs(fine["u"].values - coarse["u"].values).max() < 0.5


def test_a_sample_that_blows_up_is_named_and_not_written(tmp_path):
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + u**3 + xi), start=1)
    path = tmp_path / "paths.h5"
    with pytest.raises(sm.Diverged, match="sample") as caught:
        problem.sample(40, sm.Spectral(dt=0.01), grid=GRID, seed=0, block=4, to=path)
    assert "R301" in str(caught.value)


@pytest.mark.gpu
@pytest.mark.parametrize("calculus", ["ito", "stratonovich"])
def test_cuda_equals_cpu(calculus):
    noise = sm.WhiteNoise("eta", t, x, modes=4)
    equation = sp.Eq(sm.Dt(u), sm.Laplacian(u) + u - u**3 + xi + u * noise / 2)
    problem = spde(equation, start=sp.cos(x), calculus=calculus)
    both = [problem.sample(8, METHOD, grid=GRID, seed=1, run=sm.Run(device=d)) for d in ("cpu", "cuda")]
    assert np.abs(both[0]["eta"].values - both[1]["eta"].values).max() < 1e-13
    assert np.abs(both[0]["u"].values - both[1]["u"].values).max() < 1e-10


def test_statistics_of_the_linear_equation():
    """Variance at a point and increments in space against the sums over the modes that the grid holds."""
    problem = spde(sp.Eq(sm.Dt(u), sm.Laplacian(u) + xi))
    ensemble = problem.sample(1500, grid=GRID, seed=1)
    k = np.arange(-15, 16)
    time = ensemble.ds["time"].values[1:, None]
    power = np.where(k == 0, time, -np.expm1(-2 * k**2 * time) / np.where(k == 0, 1, 2 * k**2)) / (2 * np.pi)
    variance = ensemble.variance("u")
    error = (variance["value"].values[1:] - power.sum(1)[:, None]) / variance["standard_error"].values[1:]
    assert np.abs(error).max() < 4.5
    structure = ensemble.structure_function("u", along="x")
    shift = structure["value"].dims[-1]
    r = structure[shift].values
    exact = 2 * (power[:, None] * (1 - np.cos(k * r[:, None]))).sum(-1)
    found = structure["value"].values[1:]
    spread = structure["standard_error"].values[1:]
    assert np.abs((found - exact)[:, 1:] / spread[:, 1:]).max() < 4.5
