"""Schedules: values at each step, and options that are refused."""

import math

import pytest

from sciml.errors import OptionError
from sciml.options import as_record, rebuilt
from sciml.train import Constant, Cosine, StepDecay, Training, Warmup

pytestmark = pytest.mark.quick


def values(schedule, horizon):
    return [schedule.scale(k, horizon) for k in range(horizon)]


def test_values():
    assert values(Constant(), 3) == [1, 1, 1]
    assert values(StepDecay(every=2, factor=0.1), 5) == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert values(Cosine(), 4) == pytest.approx([1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])
    assert values(Cosine(warmup=3, final=0.2), 5) == pytest.approx([0.25, 0.5, 0.75, 1, 0.6])
    assert values(Warmup(steps=1, then=StepDecay(every=1, factor=0.5)), 4) == pytest.approx([0.5, 1, 0.5, 0.25])
    assert Cosine(final=0.1).scale(10**6, 10) == pytest.approx(0.1)
    assert Cosine(warmup=10).scale(9, 10) < 1  # a warm-up as long as the training never ends


def test_the_horizon_is_that_of_the_options():
    training = Training(steps=8, learning_rate=0.5, schedule=Cosine())
    assert training.rate(4) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cosine(warmup=-1),
        lambda: Cosine(final=2.0),
        lambda: StepDecay(every=0),
        lambda: StepDecay(factor="half"),
        lambda: Warmup(then=Warmup()),
        lambda: Training(steps=0),
        lambda: Training(steps=True),
        lambda: Training(learning_rate=-1.0),
        lambda: Training(learning_rate=math.inf),
        lambda: Training(clip=0),
        lambda: Training(weight_decay=-0.1),
        lambda: Training(evaluate_every=0),
        lambda: Training(optimizer="adamm"),
        lambda: Training(schedule="cosine"),
    ],
)
def test_impossible_values_are_refused(make):
    with pytest.raises(OptionError, match="O324"):
        make()


def test_the_closest_optimizer_is_named():
    with pytest.raises(OptionError, match="Did you mean 'adamw'"):
        Training(optimizer="adamww")


@pytest.mark.parametrize("schedule", [Constant(), Cosine(warmup=2), Warmup(steps=3, then=Cosine(final=0.1))])
def test_nested_options_come_back_from_their_record(schedule):
    training = Training(schedule=schedule, clip=1.0)
    assert rebuilt(Training, as_record(training)) == training


@pytest.mark.parametrize(
    "record",
    [
        [],
        {"schedule": {"kind": "Popen", "args": "ls"}},
        {"schedule": {"kind": "Training"}},
        {"schedule": {}},
        {"steps": {}},
    ],
)
def test_a_record_can_name_the_annotated_classes_only(record):
    with pytest.raises(ValueError, match=r"can stand here|stored as"):
        rebuilt(Training, record)
