"""The loop: budgets, metrics, divergence, Ctrl-C, and resuming bit for bit."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_tasks as tasks

import sciml as sm
from sciml.errors import Diverged, FileError, OptionError
from sciml.train import Cosine, Loop, fit
from sciml.train.interrupts import commit

SCRIPT = tasks.__file__


def spawned(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a)


def whole(steps=20, **options):
    task = tasks.trainer(steps, evaluate=True, every=3, **options)
    return tasks.weights(task) if fit(task, name="regression").status == "converged" else None, task


def test_training_lowers_the_loss():
    before = tasks.trainer().objective.error()
    _, task = whole(200)
    assert task.objective.error() < before / 10


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    killed = spawned(tmp_path, "kill")
    assert killed.returncode == -9
    assert [line["step"] for line in lines(tmp_path)] == list(range(1, 11))  # two more than the checkpoint
    again = spawned(tmp_path, "resume")
    assert again.stdout == "converged 20\n", again.stderr
    expected, _ = whole()
    assert equal(torch.load(tmp_path / "weights-0.pt"), expected)
    spawned(tmp_path / "other", "whole")
    for mine, other in zip(lines(tmp_path), lines(tmp_path / "other"), strict=True):
        assert {**mine, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_resumed_in_parts_equals_uninterrupted(tmp_path, optimizer):
    options = {"optimizer": optimizer, "schedule": Cosine(warmup=3, final=0.1)}
    expected, _ = whole(**options)
    for resume in (False, True, True, True):
        task = tasks.trainer(evaluate=True, every=3, **options)
        run = sm.Run(out=tmp_path, budget=sm.Budget(steps=6))
        outcome = fit(task, run, name="regression", resume=resume)
    assert (outcome.status, outcome.done) == ("converged", 20)
    assert equal(tasks.weights(task), expected)
    assert [line["step"] for line in lines(tmp_path)] == list(range(1, 21))


def test_a_task_that_forgets_its_optimiser_is_caught(tmp_path):
    def forgetful(**options):
        task = tasks.trainer(evaluate=True, every=3, **options)
        packed = task.pack
        task.pack = lambda state: {**packed(state), "optimizer": {}}
        return task

    expected, _ = whole()
    fit(forgetful(), sm.Run(out=tmp_path, budget=sm.Budget(steps=10)), name="regression")
    task = forgetful()
    fit(task, sm.Run(out=tmp_path), name="regression", resume=True)
    assert not equal(tasks.weights(task), expected)


def test_budgets_stop_and_shape_nothing(tmp_path):
    task = tasks.trainer(schedule=Cosine())
    outcome = fit(task, sm.Run(budget=sm.Budget(steps=7), out=tmp_path), name="regression")
    assert (outcome.status, outcome.done, outcome.reason) == ("budget", 7, "7 of 20 steps")
    expected = [task.training.learning_rate * Cosine().scale(k, 20) for k in range(7)]
    assert [line["rate"] for line in lines(tmp_path)] == pytest.approx(expected, rel=1e-14)
    timed = fit(tasks.trainer(), sm.Run(budget="0.000001s"), name="regression")
    assert (timed.status, timed.done) == ("budget", 1)


def test_ctrl_c_leaves_a_usable_state_and_files(tmp_path):
    stopped = spawned(tmp_path, "interrupt")
    assert stopped.stdout == "interrupted 10\n", stopped.stderr
    part = tasks.trainer(evaluate=True, every=3)
    fit(part, sm.Run(budget=sm.Budget(steps=10)), name="regression")
    assert equal(torch.load(tmp_path / "weights-0.pt"), tasks.weights(part))
    assert spawned(tmp_path, "resume").stdout == "converged 20\n"
    assert equal(torch.load(tmp_path / "weights-0.pt"), whole()[0])


class Counter:
    """Counts, and changes its state in place."""

    total = 6

    def __init__(self, at=None, late=False):
        self.at, self.late = at, late

    def start(self):
        return {"n": 0}

    def step(self, state):
        if not self.late and state["n"] == self.at:
            tasks.signal.raise_signal(tasks.signal.SIGINT)
        commit()
        state["n"] += 1
        if self.late and state["n"] == self.at:
            tasks.signal.raise_signal(tasks.signal.SIGINT)
        return state

    def finished(self, state):
        return state["n"] >= self.total

    def metrics(self, state):
        return {"n": state["n"], "odd": float("nan")}

    def pack(self, state):
        return dict(state)

    def unpack(self, packed):
        return dict(packed)


@pytest.mark.parametrize("late", [False, True])
def test_ctrl_c_during_a_change_in_place_waits_for_its_end(tmp_path, late):
    before = tasks.signal.getsignal(tasks.signal.SIGINT)
    outcome = fit(Counter(3, late), sm.Run(out=tmp_path), name="counter")
    assert (outcome.status, outcome.done, outcome.state["n"]) == ("interrupted", 3, 3)
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]
    assert tasks.signal.getsignal(tasks.signal.SIGINT) is before


def test_ctrl_c_in_a_loop_driven_by_hand_waits_as_well():
    loop = Loop(Counter(3, late=True), sm.Run(), name="counter")
    with pytest.raises(KeyboardInterrupt):
        loop.advance(5)
    assert (loop.done, loop.state["n"], loop.status) == (3, 3, "budget")
    loop.advance(5)
    assert (loop.done, loop.status) == (6, "converged")


def test_a_full_disk_does_not_end_the_run_before_its_end(tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError("no space left on device")

    task, replace = Counter(), Path.replace
    run = sm.Run(out=tmp_path, checkpoint=sm.Budget(steps=1))
    step = task.step

    def spoil(state):
        monkeypatch.setattr(Path, "replace", fail if state["n"] < limit else replace)
        return step(state)

    task.step, limit = spoil, 4
    with pytest.warns(RuntimeWarning, match=r"checkpoint could not be written, the run goes on: \[F410\].*no space"):
        fit(task, run, name="counter")
    assert torch.load(tmp_path / "checkpoint.pt")["done"] == 6
    limit = 99
    with pytest.warns(RuntimeWarning, match="goes on"), pytest.raises(FileError, match="F410"):
        fit(task, run, name="counter")
    assert not list(tmp_path.glob(".*"))


def test_numbers_that_are_not_finite_are_null(tmp_path):
    fit(Counter(), sm.Run(out=tmp_path), name="counter")
    assert {line["odd"] for line in lines(tmp_path)} == {None}


def test_a_half_written_line_of_metrics_is_dropped(tmp_path):
    fit(Counter(), sm.Run(out=tmp_path, budget=sm.Budget(steps=3)), name="counter")
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "sec')
    fit(Counter(), sm.Run(out=tmp_path), name="counter", resume=True)
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_divergence_keeps_the_last_good_checkpoint(tmp_path):
    task = tasks.trainer(fail_at=9)
    before_step = tasks.trainer()
    fit(before_step, sm.Run(budget=sm.Budget(steps=9)), name="regression")
    kept = tmp_path / "checkpoint.pt"
    with pytest.raises(Diverged, match=r"loss is nan at step 10; the last good checkpoint, .*checkpoint.pt, is kept"):
        fit(task, sm.Run(out=tmp_path, checkpoint=sm.Budget(steps=4)), name="regression")
    assert torch.load(kept)["done"] == 8
    assert equal(tasks.weights(task), tasks.weights(before_step))  # nothing was changed by the step that failed
    returned = fit(tasks.trainer(fail_at=9), sm.Run(throw=False), name="regression")
    assert (returned.status, returned.done) == ("diverged", 9)
    assert "R301" in returned.reason


def test_divergence_before_the_first_checkpoint_writes_one(tmp_path):
    with pytest.raises(Diverged, match="is kept"):
        fit(tasks.trainer(fail_at=2), sm.Run(out=tmp_path), name="regression")
    assert torch.load(tmp_path / "checkpoint.pt")["done"] == 2


def test_a_gradient_that_is_not_finite_is_noticed_before_it_is_used():
    task = tasks.trainer(clip=None)
    loss = task.objective.loss

    def singular(step, shards):
        value, extra = loss(step, shards)
        zero = (value - value.detach()).abs()  # 0, with the slope of a square root at 0
        return value + (zero.sqrt() if step == 3 else 0.0), extra

    task.objective.loss = singular
    with pytest.raises(Diverged, match=r"norm of the gradient is (nan|inf) at step 4"):
        fit(task, name="regression")
    assert all(bool(torch.isfinite(v).all()) for v in tasks.weights(task).values())


def test_the_best_state_is_lent_and_taken_back():
    task = tasks.trainer(30, evaluate=True, every=1, clip=None)
    task.training = task.training.__class__(steps=30, learning_rate=0.5)  # so large that it gets worse again
    state = fit(task, name="regression").state
    now = tasks.weights(task)
    with task.best(state):
        assert task.objective.error() == state.score
    assert equal(tasks.weights(task), now)


def test_global_state_of_torch_is_left_alone():
    task = tasks.trainer(evaluate=True)  # torch's own layers draw from its global generator
    before = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads()
    fit(task, sm.Run(threads=2), name="regression")
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1], before[2]) == (torch.get_default_dtype(), torch.get_num_threads())


def test_a_folder_of_another_run_is_refused_before_computing(tmp_path):
    fit(Counter(), sm.Run(out=tmp_path), name="counter")
    content = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(FileError, match=r"F414.*another run: task counter, not regression"):
        fit(tasks.trainer(), sm.Run(out=tmp_path), name="regression")
    with pytest.raises(FileError, match="F414"):
        fit(tasks.trainer(), sm.Run(out=tmp_path), name="regression", resume=True)
    assert (tmp_path / "checkpoint.pt").read_bytes() == content
    (tmp_path / "checkpoint.pt").write_text("my notes")
    with pytest.raises(FileError, match=r"F414.*cannot be read"):
        fit(Counter(), sm.Run(out=tmp_path), name="counter")
    assert (tmp_path / "checkpoint.pt").read_text() == "my notes"


def test_starting_over_keeps_what_the_earlier_run_left(tmp_path):
    fit(Counter(), sm.Run(out=tmp_path, budget=sm.Budget(steps=4)), name="counter")
    fit(Counter(), sm.Run(out=tmp_path, budget=sm.Budget(steps=2)), name="counter")
    assert torch.load(tmp_path / "checkpoint.pt.old")["done"] == 4
    assert torch.load(tmp_path / "checkpoint.pt")["done"] == 2
    assert len((tmp_path / "metrics.jsonl.old").read_text().splitlines()) == 4
    assert len(lines(tmp_path)) == 2


def test_resuming_without_a_folder_is_refused():
    with pytest.raises(OptionError, match="O326"):
        fit(Counter(), name="counter", resume=True)


def test_progress_is_silent_for_short_runs_unless_asked_for(capsys):
    fit(Counter(), name="counter")
    assert capsys.readouterr().err == ""
    fit(Counter(), sm.Run(progress=True), name="counter")
    assert capsys.readouterr().err.startswith("counter: 1 of 6 steps")


def test_a_long_run_is_logged_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sciml.progress.LOG_SECONDS", 0.0)
    fit(Counter(), name="counter")
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 6
    assert re.fullmatch(r"counter: 3 of 6 steps, 0 s, \S+ steps/s, 0 s left  n 3.*", shown[2])
    fit(Counter(), sm.Run(progress=False), name="counter")
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_a_bar_with_the_newest_metrics(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    fit(Counter(), name="counter")
    assert "counter" in screen.getvalue()
    assert "n 6" in screen.getvalue()


SPOILT = {
    "empty": lambda s: {},
    "step": lambda s: {**s, "step": 10**6},
    "score": lambda s: {**s, "score": "low"},
    "no module": lambda s: {**s, "module": {}},
    "other network": lambda s: {**s, "module": {"weight": torch.ones(3)}},
    "other size": lambda s: {**s, "module": {**s["module"], "0.weight": torch.ones(9, 1)}},
    "not tensors": lambda s: {**s, "module": dict.fromkeys(s["module"], 1.0)},
    "best": lambda s: {**s, "best": {"0.weight": torch.ones(8, 1)}},
    "moments": lambda s: {**s, "optimizer": {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(5)}}},
    "moments of nothing": lambda s: {**s, "optimizer": {-1: {}}},
    "moments as text": lambda s: {**s, "optimizer": {0: {"exp_avg": "text"}}},
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_a_checkpoint_that_does_not_fit_the_network_is_refused(tmp_path, change):
    fit(tasks.trainer(evaluate=True), sm.Run(out=tmp_path, budget=sm.Budget(steps=2)), name="regression")
    content = torch.load(tmp_path / "checkpoint.pt")
    torch.save({**content, "state": change(content["state"])}, tmp_path / "checkpoint.pt")
    task = tasks.trainer()
    before = tasks.weights(task)
    with pytest.raises(FileError, match=r"F415.*does not fit 'regression'") as caught:
        fit(task, sm.Run(out=tmp_path), name="regression", resume=True)
    assert caught.value.fix
    assert equal(tasks.weights(task), before)
