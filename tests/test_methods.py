"""The contract of every registered method, and of the registry."""

import json
from importlib.metadata import EntryPoint

import pytest
import torch
from methods_table import CASES

import sciml as sm
from sciml import method as registry_module
from sciml.errors import Diverged, MethodMismatch, OptionError, UnknownMethod
from sciml.method import Method, installed, method_from, registry

pytestmark = pytest.mark.filterwarnings("ignore:the network at t")  # budgets are tiny here

METHODS = {name: point.load() for name, point in installed().items()}
HALF = sm.Budget(steps=2)


def planned(name, **run):
    case, given = CASES[name], sm.Run(**{"seed": 3, "threads": 1, **run})
    return case.problem().plan(case.method, data=data_of(name), grid=case.grid, run=given)


def solved(name, **run):
    return planned(name, **run).complete()


def data_of(name):
    return CASES[name].data and CASES[name].data()


def test_every_registered_method_is_in_the_table():
    assert set(CASES) == set(METHODS), "give each method a quick problem in tests/methods_table.py"


@pytest.mark.quick
@pytest.mark.parametrize("name", METHODS)
class TestOptions:
    def test_name_and_summary(self, name):
        assert METHODS[name].name == name
        assert METHODS[name].summary
        assert issubclass(METHODS[name], Method)

    @pytest.mark.parametrize("which", ["default", "quick"])
    def test_options_round_trip(self, name, which):
        method = METHODS[name]() if which == "default" else CASES[name].method
        record = json.loads(json.dumps(method.record()))
        assert record["name"] == name
        assert method_from(record) == method
        assert hash(method_from(record)) == hash(method)

    def test_options_are_frozen_and_checked(self, name):
        method = METHODS[name]()
        option = next(iter(method.record()["options"]))
        with pytest.raises(AttributeError):
            setattr(method, option, 1)
        with pytest.raises(OptionError, match="has no option"):
            METHODS[name](no_such_option=1)
        with pytest.raises(OptionError, match=f"Did you mean '{option}'"):
            METHODS[name](**{option + "s": 1})

    def test_an_unsupported_problem_is_refused_with_the_reason(self, name):
        make, reason = CASES[name].refused
        assert name not in make().methods().able
        with pytest.raises(MethodMismatch, match=rf"M201.*{reason}"):
            make().plan(CASES[name].method)


@pytest.mark.parametrize("name", METHODS)
class TestRuns:
    def test_same_seed_same_bits_another_seed_another_solution(self, name):
        first = solved(name)
        assert first.ds.identical(solved(name).ds)
        assert not first.ds.identical(solved(name, seed=4).ds)

    def test_precision_and_device_are_those_of_the_run(self, name):
        for dtype, promised in CASES[name].dtypes:
            solution = solved(name, dtype=dtype, device="cpu", budget=HALF)
            fields = {str(v.dtype) for v in solution.ds.data_vars.values()}
            assert fields == {promised}
            assert solution.provenance["device"].startswith("cpu")

    def test_global_state_is_left_alone(self, name):
        solved(name, budget=HALF)  # torch's own lazy parts are loaded by now
        before = torch.get_num_threads(), torch.get_default_dtype(), torch.get_rng_state()
        solved(name, threads=2, budget=HALF)
        assert before[:2] == (torch.get_num_threads(), torch.get_default_dtype())
        assert torch.equal(before[2], torch.get_rng_state())

    def test_a_file_gives_the_solution_back(self, name, tmp_path):
        solution = solved(name)
        loaded = sm.load(solution.save(tmp_path / "solution.h5"))
        assert loaded.ds.identical(solution.ds)
        assert (loaded.problem, loaded.method) == (solution.problem, json.loads(json.dumps(solution.method)))

    def test_an_interruption_leaves_a_usable_solution(self, name, monkeypatch):
        solution = stopped(name, monkeypatch, KeyboardInterrupt).complete()
        assert solution.status == "interrupted"
        assert solution.final.sizes
        assert solution.resume().ds.identical(solved(name).ds)

    def test_a_divergence_is_raised_or_returned_with_what_there_is(self, name, monkeypatch):
        failure = Diverged("R301", "loss is nan at step 3.")
        with pytest.raises(Diverged, match="R301") as caught:
            stopped(name, monkeypatch, failure).complete()
        assert caught.value.solution.status == "diverged"
        returned = stopped(name, monkeypatch, failure, throw=False).complete()
        assert (returned.status, returned.reason) == ("diverged", str(failure))

    def test_stopped_and_resumed_equals_uninterrupted(self, name, tmp_path):
        part = solved(name, out=tmp_path, budget=HALF)
        assert part.status == "budget"
        resumed = sm.resume(tmp_path, data=data_of(name))
        assert resumed.status == "converged"
        assert resumed.ds.identical(solved(name).ds)
        steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
        assert steps == list(range(1, len(steps) + 1))
        assert len(steps) > HALF.steps

    def test_a_result_in_the_middle_does_not_change_what_follows(self, name):
        plan = planned(name)
        plan.step(2).solution()
        assert plan.step(plan.total).solution().ds.identical(solved(name).ds)


def stopped(name, monkeypatch, error, **run):
    """Return a plan whose third step fails once."""
    plan = planned(name, **run)
    original, failures = plan._engine.step, [error]

    def step(state):
        if plan.done == 2 and failures:
            raise failures.pop()
        return original(state)

    monkeypatch.setattr(plan._engine, "step", step)
    return plan


def points(*values):
    return [EntryPoint("spectral", v, "sciml.methods") for v in values]


def test_two_methods_of_one_name_are_an_error(monkeypatch):
    monkeypatch.setattr(registry_module, "entry_points", lambda group: points("a:A", "b:B"))
    with pytest.raises(UnknownMethod, match=r"M203.*a:A and b:B"):
        registry("sciml.methods")


def test_the_same_method_seen_twice_is_not(monkeypatch):
    monkeypatch.setattr(registry_module, "entry_points", lambda group: points("a:A", "a:A"))
    assert list(registry("sciml.methods")) == ["spectral"]
