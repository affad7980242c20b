"""Methods that learn from an ensemble: what they are given, what they predict, and how runs go on."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import test_methods
from mean_model import GRID, MeanModel, driven, t, u, x
from methods_table import CASES, Case
from typer.testing import CliRunner

import sciml as sm
from sciml import cli
from sciml.ensembles.numbers import bounds_of, listed, numbers_between, slice_of
from sciml.errors import DataError, FileError, MethodMismatch, OptionError
from sciml.method import installed

TESTS = Path(__file__).parent
TWO_STEPS = sm.Budget(steps=2)


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    known = {**installed(), "mean-model": EntryPoint("mean-model", "mean_model:MeanModel", "sciml.methods")}
    monkeypatch.setattr("sciml.method.installed", lambda: known)


@pytest.fixture(scope="module")
def data():
    """Sixty samples, in memory; the first forty are learned from."""
    return driven().sample(60, grid=GRID, block=16)


@pytest.fixture(scope="module")
def stored(data, tmp_path_factory):
    return data.save(tmp_path_factory.mktemp("data") / "driven.nc")


@pytest.fixture(scope="module")
def fitted(data):
    return driven().solve(MeanModel(), data=data[:40])


def learn(data, **run):
    return driven().solve(MeanModel(), data=data, run=sm.Run(**run))


# --- solving with data ---------------------------------------------------------------------------


def test_it_learns_what_the_held_out_samples_do(data, fitted):
    held_out = data[40:]
    errors = fitted.compare(held_out)
    assert errors["u"].dims == ("sample",)
    assert errors["sample"].values.tolist() == list(range(40, 60))
    assert float(errors["u"].max()) < 0.2
    untrained = replace(fitted, model={**fitted.model, "weights": np.ones((9, 2), np.float32)})
    assert (untrained.compare(held_out)["u"] > errors["u"]).all()


def test_the_answer_is_stored_where_the_data_are(data, fitted):
    assert dict(fitted.ds.sizes) == {"time": 9, "x": 16}
    assert driven().plan(MeanModel(), data=data).grid == GRID
    assert driven().plan(MeanModel(), data=replace(data, record={})).grid == GRID
    coarser = driven().solve(MeanModel(), data=data, grid=sm.Grid(x=16, t=4))
    assert coarser.ds.sizes["time"] == 5


def test_plan_and_solution_say_what_was_learned_from(data, fitted):
    title = "samples 0 to 39 of 'driven heat' by spectral ("
    assert f"data        {title}" in str(driven().plan("mean-model", data=data[:40]))
    assert fitted.provenance["data"].startswith(title)
    assert fitted.provenance["data"] != learn(data[1:41]).provenance["data"]
    assert fitted.provenance["learned_from"] == 40


def test_a_problem_with_another_drift_and_other_laws_is_fitted(data):
    assert driven(drift=u - u**3, start=0.4).solve(MeanModel(), data=data).status == "converged"


def test_a_method_that_learns_nothing_refuses_data(data):
    with pytest.raises(MethodMismatch, match=r"M205.*'spectral' learns nothing from data[\s\S]*do: .*mean-model"):
        driven().solve(data=data)
    with pytest.raises(MethodMismatch, match=r"M205"):
        sm.Spectral().learner(driven(), GRID, sm.Run(), data)
    with pytest.raises(MethodMismatch, match=r"needs data"):
        driven().solve("mean-model")


def changed(data, **arrays):
    return replace(data, ds=data.ds.assign(arrays))


def with_nan(data):
    field = data["u"].copy(deep=True)
    field[7, 3, 2] = np.nan
    return changed(data, u=field)


def two_fields():
    v = sm.Field("v", t, x)
    first = driven()
    return first.with_(
        equations=[*first.equations.values(), sp.Eq(sm.Dt(v), sm.Laplacian(v))],
        conditions=[*first.conditions, sm.IC(v, 0)],
    )


WRONG = {
    "dataset": (lambda d: (driven(), d.ds), r"D243.*got a Dataset.*\n.*problem.sample\(1000, grid=...\)"),
    "one sample": (lambda d: (driven(), d[:1]), r"D244.*2 samples or more; it was given 1"),
    "twice": (lambda d: (driven(), d[[0, 5, 5]]), r"D248.*holds the sample 5 twice"),
    "noise": (lambda d: (driven(modes=3), d), r"D223.*xi of 'driven heat' is not that of the ensemble"),
    "no noise": (lambda d: (driven(), replace(d, ds=d.ds.drop_vars("xi"))), r"D223.*no increments of the noise xi"),
    "end": (lambda d: (driven(end=2), d), r"D245.*t time in \[0, 1\], not time in \[0, 2\]"),
    "length": (lambda d: (driven(length=6.3), d), r"D245.*x periodic in \[0, 6.28319\], not periodic in \[0, 6.3\]"),
    "fields": (lambda d: (two_fields(), d), r"D245.*the fields u\(sample, time, x\), not u\(.*\), v\("),
    "nan": (lambda d: (driven(), with_nan(d)[3:]), r"D246.*'u' is not finite in the sample 7"),
    "dims": (lambda d: (driven(), changed(d, u=d["u"].isel(x=0, drop=True))), r"D245.*u\(sample, time\), not"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_data_are_refused(data, case):
    make, message = WRONG[case]
    problem, wrong = make(data)
    with pytest.raises(DataError, match=rf"(?s){message}"):
        problem.plan(MeanModel(), data=wrong)


def test_ends_that_differ_by_rounding_are_the_same(data):
    assert driven(length=2 * sp.pi * (1 + sp.Float(1e-12))).plan(MeanModel(), data=data)


def test_refusals_need_no_torch():
    code = """
import sys
from heat_ensembles import *
class Learner(ExactHeat):
    def learner(self, problem, grid, run, data): raise NotImplementedError
data = heat().sample(4, ExactHeat(), grid=sm.Grid(x=16, t=4))
other = heat().with_(time=(t, 0, 2))
for problem, method, given in ((heat(), ExactHeat(), data), (heat(), Learner(), 3), (other, Learner(), data)):
    try:
        problem.plan(method, data=given)
    except (sm.DataError, sm.MethodMismatch):
        continue
    sys.exit("not refused")
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS)
    assert done.returncode == 0, done.stderr


# --- predicting ensembles ------------------------------------------------------------------------


def test_a_replay_takes_noise_and_initial_data_of_any_samples(data, fitted):
    found = fitted.replay(data[[50, 3, 44]], block=2)
    assert found.numbers == (50, 3, 44)
    np.testing.assert_allclose(found["xi"][1], data["xi"][3], atol=1e-14)
    np.testing.assert_allclose(found["u"][:, 0], data["u"][[50, 3, 44], 0], rtol=1e-6)
    again = fitted.replay(data[40:])
    assert again.numbers == range(40, 60)
    np.testing.assert_allclose(again["u"].sel(sample=[50, 44]), found["u"].sel(sample=[50, 44]), rtol=1e-14)
    assert [len(b["sample"]) for b in again.blocks()] == [16, 4]


def test_samples_are_drawn_as_from_the_problem(fitted):
    mine, true = fitted.sample(20, seed=5), driven().sample(20, grid=GRID, seed=5)
    np.testing.assert_allclose(mine["xi"], true["xi"], atol=1e-14)
    assert mine.grid == GRID
    assert float(mine.compare(true)["u"].max()) < 0.2
    assert not mine.ds.equals(fitted.sample(20, seed=6).ds)


def test_workers_have_the_model(data, fitted):
    assert fitted.replay(data[40:], workers=2, block=8).ds.identical(fitted.replay(data[40:], block=8).ds)


def test_the_fit_is_part_of_the_identity_and_of_the_file(data, fitted, tmp_path):
    path = tmp_path / "predicted.nc"
    written = fitted.replay(data[40:], to=path)
    assert written.ds.identical(fitted.replay(data[40:]).ds)
    assert written.identity == fitted.replay(data[40:]).identity
    assert written.numbers == range(40, 60)
    other = learn(data[:20])
    assert other.replay(data[40:]).identity != written.identity
    assert {**other.replay(data[40:]).record, "model": ""} == {**written.record, "model": ""}
    with pytest.raises(FileError, match=r"F422.*holds another ensemble: model"):
        other.replay(data[40:], to=path)
    with pytest.raises(FileError, match=r"F422.*not numbered 30, 31, 32"):
        fitted.replay(data[30:], to=path)


def test_a_file_of_predictions_is_gone_on_with(data, fitted, tmp_path, capsys):
    path = tmp_path / "predicted.nc"
    fitted.replay(data[10:30], to=path, block=8)
    longer = fitted.replay(data[10:50], to=path, block=8)
    assert "going on after 16 of 40 samples" in capsys.readouterr().err
    assert longer.ds.identical(fitted.replay(data[10:50], block=8).ds)
    assert fitted.replay(data[10:20], to=path, block=8).ds.identical(longer[:10].ds)
    sampled = tmp_path / "sampled.nc"
    fitted.sample(12, block=8, to=sampled)
    assert fitted.sample(20, block=8, to=sampled).ds.identical(fitted.sample(20, block=8).ds)


def test_a_saved_solution_predicts_the_same(data, fitted, tmp_path):
    loaded = sm.load(fitted.save(tmp_path / "fit.h5"))
    assert loaded.model["weights"].dtype == np.float32
    assert not loaded.model["weights"].flags.writeable
    first, again = fitted.replay(data[40:]), loaded.replay(data[40:])
    assert again.ds.identical(first.ds)
    assert again.identity == first.identity
    assert loaded.provenance["data"] == fitted.provenance["data"]


def test_a_model_that_maps_noise_to_paths_leaves_points_to_interpolation(fitted):
    between = fitted.at(x=[0.1, 0.2])
    assert between["u"].sizes == {"time": 9, "x": 2}
    stored = replace(fitted, model={}).at(x=[0.1, 0.2])
    assert between.identical(stored)


def test_a_replay_on_coarser_times(data, fitted):
    coarse = fitted.replay(data[40:], grid=sm.Grid(x=16, t=4))
    assert coarse.record["grid"] == {"x": 16, "t": 4}
    errors = coarse.compare(data[40:], each_time=True)
    fine = fitted.replay(data[40:]).compare(data[40:], each_time=True)
    np.testing.assert_allclose(errors["u"], fine["u"][:, ::2])


def test_what_cannot_predict(data, fitted):
    plain = driven().solve(grid=GRID)
    for act in (lambda: plain.sample(3), lambda: plain.replay(data), lambda: plain.compare(data)):
        with pytest.raises(DataError, match=r"D247.*by spectral holds no model[\s\S]*data=ensemble"):
            act()
    with pytest.raises(MethodMismatch, match="fitted model only"):
        driven().sample(3, "mean-model", grid=GRID)
    with pytest.raises(DataError, match="D245"):
        fitted.replay(driven(end=2).sample(2, grid=GRID))
    with pytest.raises(DataError, match="D248"):
        fitted.replay(data[[1, 1]])
    with pytest.raises(OptionError, match="O304"):
        fitted.replay(data.ds)
    with pytest.raises(DataError, match=r"D206[\s\S]*each_time=True"):
        fitted.compare(data, times=[1.0])
    with pytest.raises(DataError, match="D240"):
        driven().replay(data[40:])


# --- comparing ensembles -------------------------------------------------------------------------


def shifted(data, by):
    return changed(data, u=data["u"] + by)


@pytest.mark.parametrize("metric", ["l2", "linf", "rel_l2", "rel_linf"])
def test_errors_of_paths(data, metric):
    moved, truth = shifted(data, 0.25), data["u"].values
    errors = moved.compare(data, metric)
    np.testing.assert_allclose(errors["u"], 0.25 / size(truth[:, 1:], metric, (1, 2)), rtol=1e-12)
    assert not errors["mass"].any()
    assert set(errors) == {"u", "mass"}
    assert errors.attrs["metric"] == metric
    times = moved.compare(data, metric, each_time=True)["u"]
    assert times.dims == ("sample", "time")
    np.testing.assert_allclose(times, 0.25 / size(truth, metric, 2), rtol=1e-12)


def size(truth, metric, axes):
    """Return what the error of a constant shift is divided by."""
    relative = {"rel_l2": np.sqrt((truth**2).mean(axes)), "rel_linf": np.abs(truth).max(axes)}
    return relative.get(metric, np.ones_like(relative["rel_l2"]))


def test_the_first_time_does_not_count(data):
    first = data["u"].copy(deep=True)
    first[:, 0] += 1
    moved = changed(data, u=first)
    assert not moved.compare(data)["u"].any()
    assert (moved.compare(data, each_time=True)["u"][:, 0] > 0.5).all()


def test_samples_are_matched_by_their_number(data):
    order = np.random.default_rng(0).permutation(60)
    errors = data[order.tolist()].compare(shifted(data, 0.1), "l2")
    assert errors["sample"].values.tolist() == order.tolist()
    np.testing.assert_allclose(errors["u"], 0.1)


def test_a_coarser_ensemble_is_compared_where_its_points_are(data):
    places = {"time": slice(None, None, 4), "x": slice(None, None, 2)}
    coarse = replace(data, ds=data.ds.isel(places))
    assert not coarse.compare(data)["u"].any()
    assert coarse.compare(data)["u"].sizes == {"sample": 60}
    with pytest.raises(DataError, match=r"D206.*time = 0.125 is not stored in the other"):
        data.compare(coarse)
    moved = replace(data, ds=data.ds.assign_coords(x=data.ds["x"] + 0.01))
    with pytest.raises(DataError, match=r"D206.*x = 0.01 is not stored"):
        moved.compare(data)


def test_a_comparison_takes_bounded_memory(data, monkeypatch):
    expected = shifted(data, 0.1).compare(data)
    seen = []
    from sciml.ensembles import pathwise

    whole = pathwise.error_size
    monkeypatch.setattr(pathwise, "CHUNK_BYTES", 8 * 9 * 16 * 7)
    monkeypatch.setattr(pathwise, "error_size", lambda a, *rest: seen.append(a.shape) or whole(a, *rest))
    found = shifted(data, 0.1).compare(data)
    assert max(shape[1] for shape in seen if len(shape) == 4) == 7
    np.testing.assert_allclose(found["u"], expected["u"], rtol=1e-12)


def test_what_cannot_be_compared(data):
    with pytest.raises(DataError, match=r"D206.*samples 0 to 9, the other 0 to 59"):
        data[:10].compare(data)
    with pytest.raises(DataError, match=r"D208.*got a Dataset"):
        data.compare(data.ds)
    with pytest.raises(DataError, match=r"D210.*'rel_l2'"):
        data.compare(data, "rel_l3")
    with pytest.raises(DataError, match=r"D203.*'u' has dims"):
        data.compare(changed(data, u=data["u"].isel(x=0, drop=True)))
    with pytest.raises(DataError, match="D204"):
        replace(data, ds=data.ds[["xi"]]).compare(data)


# --- runs that go on -----------------------------------------------------------------------------


def same_fit(one, other):
    np.testing.assert_array_equal(one.model["weights"], other.model["weights"])
    return one.ds.identical(other.ds)


@pytest.mark.parametrize("chosen", [slice(None, 40), slice(3, 50, 2), [5, 1, 30, 31, 7]])
def test_a_run_on_samples_of_a_file_finds_them_again(stored, tmp_path, monkeypatch, chosen):
    monkeypatch.chdir(stored.parent)
    samples = sm.load_ensemble(stored.name)[chosen]  # a relative path
    part = learn(samples, out=tmp_path / "run", budget=TWO_STEPS)
    assert (part.status, part.reason) == ("budget", "2 of 4 steps")
    monkeypatch.chdir(tmp_path)
    resumed = sm.resume(tmp_path / "run")
    assert resumed.status == "converged"
    assert same_fit(resumed, learn(samples))
    with pytest.raises(AssertionError):
        same_fit(resumed, learn(sm.load_ensemble(stored)[:10]))


def test_a_run_on_samples_in_memory_is_given_them_again(data, tmp_path):
    learn(data[10:40], out=tmp_path, budget=TWO_STEPS)
    with pytest.raises(FileError, match=r"F423.*in memory only[\s\S]*data=ensemble"):
        sm.resume(tmp_path)
    with pytest.raises(FileError, match=r"F424.*another ensemble: not all of its samples are there: .* number 10"):
        sm.resume(tmp_path, data=data[20:])
    with pytest.raises(FileError, match=r"F424.*another ensemble: seed 1, not 0"):
        sm.resume(tmp_path, data=driven().sample(40, grid=GRID, seed=1, block=16))
    with pytest.raises(DataError, match=r"D243"):
        sm.resume(tmp_path, data=data.ds)
    assert same_fit(sm.resume(tmp_path, data=data), learn(data[10:40]))  # the samples are found among all


def test_data_that_were_moved_are_named_on_the_command_line(stored, tmp_path):
    moved = tmp_path / "moved.nc"
    copy = tmp_path / "copy.nc"
    copy.write_bytes(stored.read_bytes())
    learn(sm.load_ensemble(copy)[:20], out=tmp_path / "run", budget=TWO_STEPS)
    copy.rename(moved)
    with pytest.raises(FileError, match=r"F423.*copy.nc, which cannot be read[\s\S]*--data PATH"):
        sm.resume(tmp_path / "run")
    done = CliRunner().invoke(cli.app, ["resume", str(tmp_path / "run"), "--data", str(moved)])
    assert done.exit_code == 0, done.exception
    assert "going on after 2 of 4 steps" in done.stdout
    assert "samples 0 to 19 of 'driven heat'" in done.stdout
    assert same_fit(sm.load(tmp_path / "run" / "solution.h5"), learn(sm.load_ensemble(stored)[:20]))


def test_a_folder_belongs_to_the_data_of_its_run(data, tmp_path):
    learn(data[:40], out=tmp_path, budget=TWO_STEPS)
    with pytest.raises(FileError, match=r"F414.*data samples 0 to 39 of .* not samples 0 to 29"):
        learn(data[:30], out=tmp_path)
    driven().solve(grid=GRID, run=sm.Run(out=tmp_path / "plain", budget=TWO_STEPS))
    with pytest.raises(FileError, match=r"F424.*learned from no data"):
        sm.resume(tmp_path / "plain", data=data)


def test_the_checkpoint_names_samples_in_few_numbers(stored, tmp_path):
    from sciml.train.checkpoint import read

    learn(sm.load_ensemble(stored)[:40], out=tmp_path, budget=TWO_STEPS)
    record = json.loads(json.dumps(read(tmp_path / "checkpoint.pt").record))["data"]
    assert record["samples"] == [0, 40]
    assert record["file"] == os.fspath(stored.resolve())


CONTRACT = [name for name in vars(test_methods.TestRuns) if name.startswith("test_")]


@pytest.mark.parametrize("promise", CONTRACT)
def test_a_method_that_learns_keeps_the_contract_of_all(data, monkeypatch, tmp_path, promise):
    method, refused = MeanModel(), (driven, "")
    case = Case(method=method, problem=driven, grid=GRID, refused=refused, data=lambda: data[:40])
    case = replace(case, dtypes=((None, "float64"),))
    monkeypatch.setitem(CASES, "mean-model", case)
    check = getattr(test_methods.TestRuns(), promise)
    known = {"name": "mean-model", "monkeypatch": monkeypatch, "tmp_path": tmp_path}
    check(**{n: known[n] for n in signature(check).parameters})


def test_an_ensemble_knows_its_file_and_its_numbers(data, stored):
    loaded = sm.load_ensemble(stored)
    assert (loaded.file, loaded[3:].file, data.file) == (stored.resolve(), stored.resolve(), None)
    assert loaded.numbered([5, 6, 7]).ds.identical(loaded[5:8].ds)
    assert not loaded.numbered(range(30, 40))["u"].variable._in_memory
    with pytest.raises(DataError, match=r"D204.*no sample with the number 60"):
        loaded.numbered([3, 60])


def test_numbers_are_said_in_stretches():
    numbers = [0, 1, 2, 7, 5, 6]
    assert bounds_of(numbers) == [0, 3, 7, 8, 5, 7]
    assert numbers_between(bounds_of(numbers), 6) == numbers
    with pytest.raises(ValueError, match="not more than 5"):
        numbers_between(bounds_of(numbers), 5)
    with pytest.raises(ValueError, match="not more than 5"):
        numbers_between([0, 10**18], 5)
    assert listed(numbers) == "0 to 2, 7, 5 to 6"
    assert listed(range(0, 20, 2)) == "0, 2, 4, 6, ..."
    assert slice_of(np.array([3, 5, 7])) == slice(3, 8, 2)
    assert slice_of(np.array([4])) == slice(4, 5, 1)
    for places in ([5, 3], [1, 2, 4], [2, 2]):
        assert isinstance(slice_of(np.array(places)), np.ndarray)
