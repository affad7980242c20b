"""Several processes: the same numbers as one, the same stop in all, files from the first."""

import json
import os
import subprocess
import sys

import pytest
import torch
import training_plan
import training_tasks as tasks

import sciml as sm
from sciml.errors import MethodMismatch, OptionError
from sciml.problems.heat import heat
from sciml.train import SHARDS, World, fit

ENVIRONMENT = {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


def torchrun(*arguments, processes=2, script=tasks.__file__):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--max-restarts", "0"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"]
    command += [script, *map(str, arguments)]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    done = torchrun(folder, "whole")
    assert done.returncode == 0, done.stderr
    assert "destroy_process_group" not in done.stderr  # torch complains of groups that nobody left
    return folder, done


def test_two_processes_equal_one(together, tmp_path):
    folder, done = together
    assert done.stdout.count("converged 20") == 2  # both return what came out
    task = tasks.trainer(evaluate=True, every=3)
    fit(task, sm.Run(out=tmp_path), name="regression")
    alone = tasks.weights(task)
    ranks = [torch.load(folder / f"weights-{r}.pt") for r in range(2)]
    for name, expected in alone.items():
        assert torch.equal(ranks[0][name], ranks[1][name])
        assert float((ranks[0][name] - expected).abs().max()) <= 1e-12 * float(expected.abs().max())
    for mine, other in zip(lines(folder), lines(tmp_path), strict=True):
        assert mine == pytest.approx({**other, "seconds": mine["seconds"]}, rel=1e-10)


def test_shards_seen_once_only_would_be_noticed(together):
    """The negative control: training on the shards of one process alone gives something else."""
    folder, _ = together
    half = tasks.trainer(evaluate=True, every=3)
    loss = half.objective.loss
    half.objective.loss = lambda step, shards: loss(step, range(4))
    fit(half, name="regression")
    found = torch.load(folder / "weights-0.pt")
    assert max(float((found[n] - v).abs().max()) for n, v in tasks.weights(half).items()) > 1e-3


def test_a_plan_is_shared_stopped_and_resumed_by_all(tmp_path, capsys):
    """The clock of one stops both; both return the solution, which takes both to collect; the first one writes."""
    part = torchrun(tmp_path, "part", script=training_plan.__file__)
    first, second = part.stdout.splitlines()
    assert first == second, part.stderr
    assert first.startswith("budget 1 ")
    done = torchrun(tmp_path, "resume", script=training_plan.__file__)
    first, second = done.stdout.splitlines()
    assert first == second, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.pt", "metrics.jsonl", "solution.h5"]
    assert [line["step"] for line in lines(tmp_path)] == list(range(1, 13))
    training_plan.main(tmp_path / "alone", "whole")
    status, steps, total = capsys.readouterr().out.split()
    assert [status, steps] == first.split()[:2] == ["converged", "12"]
    assert float(total) == pytest.approx(float(first.split()[2]), rel=1e-12)


def test_shards_are_dealt_out_evenly():
    for size in (1, 2, 4, 8):
        dealt = [s for rank in range(size) for s in World(rank, size, torch.device("cpu")).shards]
        assert dealt == list(range(SHARDS))
    with pytest.raises(OptionError, match="O325"):
        World(0, 3, torch.device("cpu"))


def test_alone_nothing_is_asked():
    world = World.single()
    value = torch.arange(3.0)
    assert world.mean(value) is value
    assert world.gathered(value) is value
    assert world.any(True, False) == (True, False)
    assert world.leads
    assert not torch.distributed.is_initialized()


def test_a_method_that_cannot_share_its_work_is_refused(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MethodMismatch, match=r"M202.*'spectral' runs in one process; torchrun started 2"):
        heat().plan(grid=sm.Grid(x=16, t=1))


@pytest.mark.gpu
def test_training_on_cuda_equals_the_cpu_and_resumes(tmp_path):
    def on_cuda():
        task = tasks.trainer()
        task.objective.module.cuda()
        return tasks.Trainer(task.objective, task.training)

    fit(on_cuda(), sm.Run(out=tmp_path, budget=sm.Budget(steps=10)), name="regression")
    task, alone = on_cuda(), tasks.trainer()
    assert fit(task, sm.Run(out=tmp_path), name="regression", resume=True).status == "converged"
    fit(alone, name="regression")
    for name, value in tasks.weights(alone).items():
        assert torch.allclose(task.objective.module.state_dict()[name].cpu(), value, rtol=1e-9, atol=1e-11)
