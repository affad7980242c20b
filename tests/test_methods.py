"""The contract of every registered method, and of the registry."""

import json
from importlib.metadata import EntryPoint

import pytest

import sciml as sm
from sciml import method as registry_module
from sciml.errors import OptionError, UnknownMethod
from sciml.method import Method, installed, registry

METHODS = {name: point.load() for name, point in installed().items()}


@pytest.mark.quick
@pytest.mark.parametrize("name", METHODS)
class TestContract:
    def test_name_and_summary(self, name):
        assert METHODS[name].name == name
        assert METHODS[name].summary
        assert issubclass(METHODS[name], Method)

    def test_options_round_trip(self, name):
        method = METHODS[name]()
        record = json.loads(json.dumps(method.record()))
        assert record["name"] == name
        assert METHODS[name](**record["options"]) == method
        assert hash(METHODS[name]()) == hash(method)

    def test_options_are_frozen_and_checked(self, name):
        method = METHODS[name]()
        option = next(iter(method.record()["options"]))
        with pytest.raises(AttributeError):
            setattr(method, option, 1)
        with pytest.raises(OptionError, match="has no option"):
            METHODS[name](no_such_option=1)
        with pytest.raises(OptionError, match="Did you mean"):
            METHODS[name](**{option + "s": 1})

    def test_same_seed_same_bits(self, name):
        problem = registry("sciml.problems")["burgers"].load()()
        if METHODS[name]().requires(problem):
            pytest.skip("does not solve this problem")
        grid = sm.Grid(x=96, t=2)
        first, second = (problem.solve(name, grid=grid, run=sm.Run(seed=3)) for _ in range(2))
        assert first.ds.identical(second.ds)


def points(*values):
    return [EntryPoint("spectral", v, "sciml.methods") for v in values]


def test_two_methods_of_one_name_are_an_error(monkeypatch):
    monkeypatch.setattr(registry_module, "entry_points", lambda group: points("a:A", "b:B"))
    with pytest.raises(UnknownMethod, match=r"M203.*a:A and b:B"):
        registry("sciml.methods")


def test_the_same_method_seen_twice_is_not(monkeypatch):
    monkeypatch.setattr(registry_module, "entry_points", lambda group: points("a:A", "a:A"))
    assert list(registry("sciml.methods")) == ["spectral"]
