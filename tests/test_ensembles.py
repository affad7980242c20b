"""Drawing ensembles: fixed blocks whose bits depend on nothing else, processes, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from heat_ensembles import ExactHeat, heat, nu, u, uniform_heat, x

import sciml as sm
from sciml.errors import DataError, DeclarationError, Diverged, MethodMismatch, OptionError, ScimlError

GRID = sm.Grid(x=16, t=4)
TESTS = Path(__file__).parent


def draw(n, problem=None, method=None, **options):
    options = {"block": 8, "grid": GRID, **options}
    return (problem or heat()).sample(n, method or ExactHeat(), **options)


@pytest.fixture(scope="module")
def forty():
    return draw(40)


@pytest.mark.parametrize("n", [1, 7, 8, 21, 40])
def test_a_sample_has_the_same_bits_however_many_are_drawn(forty, n):
    assert draw(n).ds.identical(forty[:n].ds)


def test_a_sample_has_the_same_bits_whatever_process_draws_it(forty):
    assert draw(21, workers=2).ds.identical(forty[:21].ds)


def test_the_block_is_what_the_last_bits_depend_on(forty):
    other = draw(40, block=5)
    assert not other.ds.equals(forty.ds)
    np.testing.assert_allclose(other["u"], forty["u"], rtol=1e-13)


def test_the_seed_is_that_of_the_run_and_samples_differ(forty):
    assert draw(40, run=sm.Run(seed=3)).ds.equals(draw(40, seed=3).ds)
    assert draw(40, run=sm.Run(device="cpu"), seed=3).ds.equals(draw(40, seed=3).ds)
    assert not draw(40, seed=3).ds.equals(forty.ds)
    assert len(np.unique(forty["u"][:, 0, 0])) == 40


def test_random_parameters_are_stored_with_each_sample():
    ensemble = draw(9, uniform_heat())
    assert ensemble["nu"].dims == ("sample",)
    assert ((ensemble["nu"] > 0.1) & (ensemble["nu"] < 0.3)).all()
    amplitude = np.abs(np.fft.rfft(ensemble["u"])[..., 2])
    np.testing.assert_allclose(amplitude[:, -1] / amplitude[:, 0], np.exp(-4 * ensemble["nu"]))


def test_what_an_ensemble_tells_of_itself(forty):
    assert len(forty) == 40
    assert str(forty) == (
        "Ensemble of 'random heat' by exact-heat: u, energy on (sample: 40, time: 5, x: 16); converged: all 40 samples"
    )
    assert forty.provenance["steps"] == 4
    assert forty.provenance["device"] == "cpu, float64"
    assert forty.record == {"seed": 0, "block": 8, "grid": {"x": 16, "t": 4}, "dtype": None}
    assert [b.sizes["sample"] for b in forty.blocks(15)] == [15, 15, 10]
    assert forty.noise == ()


def test_samples_are_chosen_by_their_place(forty):
    assert forty.isel(sample=[3, 5]).ds["sample"].values.tolist() == [3, 5]
    assert forty.isel(sample=3).ds.sizes["sample"] == 1
    assert forty[10:20:5].ds["sample"].values.tolist() == [10, 15]
    with pytest.raises(DataError, match=r"D204.*Did you mean 'energy'"):
        forty["enrgy"]


def test_replay_takes_initial_data_and_parameters_from_the_ensemble():
    ensemble = draw(13, uniform_heat(), seed=5)
    again = uniform_heat().replay(ensemble, ExactHeat(), workers=1)
    np.testing.assert_allclose(again["u"], ensemble["u"], rtol=1e-12, atol=1e-13)
    assert again["nu"].equals(ensemble["nu"])
    assert again.record["recorded"] and again.record["block"] == 8 and again.record["seed"] == 5
    colder = heat(0.4).replay(ensemble, ExactHeat())
    np.testing.assert_allclose(colder["u"][:, 0], ensemble["u"][:, 0], rtol=1e-12, atol=1e-13)
    assert (colder["energy"][:, -1] < ensemble["energy"][:, -1]).all()
    with pytest.raises(DataError, match="D240"):
        heat().replay(ensemble[3:], ExactHeat())
    with pytest.raises(OptionError, match="O304"):
        heat().replay(ensemble.ds, ExactHeat())


def deterministic():
    return heat().with_(conditions=[sm.IC(u, sp.sin(x))])


class Solver(ExactHeat):
    sampler = sm.method.Method.sampler


REFUSED = {
    "n": (lambda: draw(0), OptionError, "O323.*n= is a whole number"),
    "block": (lambda: draw(2, block=0), OptionError, "O323"),
    "workers": (lambda: draw(2, workers=1.5), OptionError, "O323"),
    "seed twice": (lambda: draw(2, seed=1, run=sm.Run(seed=2)), OptionError, "O327"),
    "negative seed": (lambda: draw(2, seed=-1), OptionError, "O323"),
    "budget": (lambda: draw(2, run=sm.Run(budget="1s")), OptionError, "O328"),
    "out": (lambda: draw(2, run=sm.Run(out="folder")), OptionError, "O328.*\n.*to=PATH"),
    "run": (lambda: draw(2, run=3), OptionError, "O304"),
    "axis": (lambda: draw(2, grid=sm.Grid(y=3)), OptionError, "O311"),
    "grid of a random parameter": (lambda: draw(2, uniform_heat(), grid=sm.Grid(nu=3)), OptionError, "O311"),
    "nothing random": (lambda: draw(2, deterministic()), DeclarationError, "S217.*nothing is random"),
    "unknown": (
        lambda: draw(
            1,
            heat().with_(
                parameters={nu: sm.Infer(0.1)},
                observations=[sm.Observe("energy", {"t": [0.5], "energy": [1.0]}, noise_std=0.1)],
            ),
        ),
        DeclarationError,
        "S216.*nu is to be inferred",
    ),
    "method": (lambda: draw(2, method=Solver()), MethodMismatch, "M204.*'exact-heat' draws no ensembles"),
    "folder": (lambda: draw(2, to="/no/such/folder/a.nc"), ScimlError, "F410"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    act, kind, message = REFUSED[case]
    with pytest.raises(kind, match=rf"(?s)\[{message}" if message[0] != "[" else message):
        act()


def test_one_sample_of_a_deterministic_problem_is_drawn():
    assert len(draw(1, deterministic())) == 1


def test_refusals_need_no_torch():
    code = """
import sys
from heat_ensembles import *
assert "torch" not in sys.modules
for n, options in ((0, {}), (5, dict(run=sm.Run(budget="1s"))), (5, dict(grid=sm.Grid(y=3)))):
    try:
        heat().sample(n, ExactHeat(), **options)
    except sm.OptionError:
        continue
    sys.exit("not refused")
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS)
    assert done.returncode == 0, done.stderr


def test_a_sample_that_explodes_is_named_and_complete_blocks_are_kept(forty):
    with pytest.raises(Diverged, match=r"R301.*samples 19 are not finite") as caught:
        draw(40, method=ExactHeat(diverges=19))
    assert caught.value.solution.ds.identical(forty[:16].ds)
    assert caught.value.solution.status == "diverged"
    with pytest.raises(Diverged) as caught:
        draw(40, method=ExactHeat(diverges=3))
    assert caught.value.solution is None
    draw(19, method=ExactHeat(diverges=19))  # computed with the block, and not asked for


def test_an_error_in_a_worker_reaches_the_user_as_it_was_raised():
    for workers in (1, 2):
        with pytest.raises(Diverged, match="R302") as caught:
            draw(40, method=ExactHeat(fails=12), workers=workers)
        assert caught.value.fix == ("a smaller step",)
        assert caught.value.__notes__[0] == "while drawing the samples 8 to 15"
        assert caught.value.solution.ds.sizes["sample"] == 8


def test_a_killed_worker_is_reported():
    with pytest.raises(RuntimeError, match=r"exit code -9 before it had drawn the samples 8 to 15.*__main__"):
        draw(40, method=ExactHeat(killed=12), workers=2)


def test_ctrl_c_returns_the_complete_blocks(forty):
    stopped = draw(40, method=ExactHeat(interrupted=25))
    assert stopped.ds.identical(forty[:24].ds)
    assert stopped.status == "interrupted"
    with pytest.raises(KeyboardInterrupt):
        draw(40, method=ExactHeat(interrupted=2))


def test_progress_tells_rate_and_time_left(capsys):
    draw(16, run=sm.Run(progress=True))
    assert capsys.readouterr().err.startswith("random heat: 8 of 16 samples, 0 s, ")
    draw(16)
    assert capsys.readouterr().err == ""


def test_errors_survive_the_way_between_processes():
    import pickle

    error = Diverged("R301", "not finite.", excerpt="u = 1/0\n    ^", fix=("a", "b"))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.fix, again.excerpt) == (Diverged, str(error), error.fix, error.excerpt)


def test_the_memory_of_a_file_does_not_grow_with_it(tmp_path):
    import tracemalloc

    def peak(n):
        tracemalloc.start()
        draw(n, grid=sm.Grid(x=64, t=16), to=tmp_path / f"{n}.nc")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(8)  # what is loaded and cached once
    assert peak(400) < 1.2 * peak(40) + 2**18 < 400 * 17 * 64 * 8
