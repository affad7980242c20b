"""First-order training of all slices: resumes to the same bits, is shared by processes, and learns."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from drvm import joint_training

import sciml as sm
from sciml.errors import MethodMismatch
from sciml.problems.lamb_oseen import lamb_oseen
from sciml.train import Cosine, Training, distributed
from sciml.train.checkpoint import read

SCRIPT = Path(joint_training.__file__)
ENVIRONMENT = {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


def spawned(*command):
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=environment)


def weights(folder):
    return read(folder / "checkpoint.pt").state["module"]["flat"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, joint_training.plan(folder).complete()


def test_killed_at_ten_of_twenty_and_resumed_equals_uninterrupted(tmp_path, whole):
    assert spawned(SCRIPT, tmp_path, "killed").returncode == -9
    assert read(tmp_path / "checkpoint.pt").done == 10
    at_ten = weights(tmp_path)
    solution = sm.resume(tmp_path)
    assert solution.status == "converged"
    assert torch.equal(weights(tmp_path), weights(whole[0]))
    assert solution.ds.identical(whole[1].ds)
    assert not torch.equal(at_ten, weights(tmp_path))  # the steps after the kill did something


def test_two_processes_equal_one(tmp_path, whole):
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "0"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"]
    done = spawned(*command, SCRIPT, tmp_path, "whole")
    assert done.stdout.count("converged 20") == 2, done.stderr
    one, two = weights(whole[0]), weights(tmp_path)
    assert float((one - two).abs().max()) <= 1e-9 * float(one.abs().max())


def test_other_fits_are_refused_under_torchrun(monkeypatch):
    monkeypatch.setattr(distributed, "launched", lambda: 2)
    with pytest.raises(MethodMismatch, match=r"M202.*fit='auto'.*one process"):
        sm.DRVM().engine(lamb_oseen(), joint_training.GRID, sm.Run())


def test_training_beats_its_start_and_the_zero_velocity():
    """The trivial predictor has an error of 1; random networks are worse."""
    problem, grid = lamb_oseen(), sm.Grid(x=(-2, 2, 33), y=(-2, 2, 33), t=2)

    def error(steps):
        training = Training(steps=steps, learning_rate=1e-2, schedule=Cosine())
        method = sm.DRVM(fit="adam", steps=6, hidden=(16, 16), queries=128, batch=256, training=training)
        solution = problem.solve(method, grid=grid, run=sm.Run(threads=1, progress=False))
        return float(solution.compare("exact", on=["v"], times=[0.5, 1.0])["v"].max())

    assert error(1) > 0.5
    assert error(150) < 0.15
