"""What the Train page foretells."""

from __future__ import annotations

import pytest

from engine.params import PRESETS, TrainParams
from engine.records import MetricPoint, Model, State
from gui.pages.train_facts import (
    TrainFacts,
    best_of,
    command_line,
    measured_step,
    memory_size,
    seconds_of,
    smooth,
    steps_in_time,
    steps_of,
    why_not,
)


def _tuned(summary: dict[str, object], params: dict[str, object]) -> Model:
    return Model(1, "tuned 1", "tuned", "", "", 384, 128, None, None, params, summary, State.COMPLETE, "")


def test_steps_are_what_the_passes_give():
    assert steps_of(TrainParams(epochs=3, batch_size=64, max_steps=0), 640) == 30


def test_steps_end_at_the_limit():
    assert steps_of(TrainParams(epochs=3, batch_size=64, max_steps=20), 640) == 20


def test_time_follows_the_pace_of_the_last_run():
    pace = measured_step([_tuned({"steps": 60, "seconds": 120.0}, {})])
    facts = TrainFacts(questions=6400, seconds_a_step=pace)
    assert seconds_of(TrainParams(epochs=1, max_steps=0, minutes=0), facts) == pytest.approx(100 * 2.0)


def test_a_step_of_twice_the_length_takes_twice_the_time():
    facts = TrainFacts(questions=640, seconds_a_step=1.0)
    short = seconds_of(TrainParams(max_length=128), facts)
    assert seconds_of(TrainParams(max_length=256), facts) == pytest.approx(2 * short)


def test_the_limit_of_time_bounds_the_estimate():
    facts = TrainFacts(questions=64_000, seconds_a_step=2.0)
    assert seconds_of(TrainParams(max_steps=0, minutes=2), facts) == 120


def test_quick_is_never_foretold_to_take_longer_than_its_limit():
    quick = PRESETS["quick"]
    assert seconds_of(quick, TrainFacts(questions=2_106)) <= quick.minutes * 60


def test_steps_end_where_the_clock_does():
    facts = TrainFacts(questions=64_000, seconds_a_step=2.0)
    assert steps_in_time(TrainParams(max_steps=400, minutes=2), facts) == 60
    assert steps_in_time(TrainParams(max_steps=40, minutes=2), facts) == 40
    assert steps_in_time(TrainParams(max_steps=400, minutes=0), facts) == 400


def test_larger_presets_take_more_memory():
    assert [memory_size(PRESETS[name]) for name in ("quick", "balanced", "thorough")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("facts", "busy", "reason"),
    [
        (TrainFacts(), "", "split"),
        (TrainFacts(dev=3, test=4), "", "questions"),
        (TrainFacts(questions=10), "", "dev"),
        (TrainFacts(questions=10, dev=3), "", ""),
        (TrainFacts(questions=10, dev=3), "Training runs already", "Training runs already"),
    ],
)
def test_what_is_missing_is_named(facts, busy, reason):
    assert why_not(facts, busy) == reason


def test_smoothing_corrects_for_the_start():
    assert smooth([MetricPoint(1, 2.0), MetricPoint(2, 2.0)]) == [(1.0, pytest.approx(2.0)), (2.0, pytest.approx(2.0))]


def test_smoothing_weighs_the_past():
    # (0.15 * 1 * 0.85 + 0.15 * 3) / (1 - 0.85 ** 2) by hand
    assert smooth([MetricPoint(1, 1.0), MetricPoint(2, 3.0)])[1][1] == pytest.approx(2.081081, abs=1e-6)


def test_the_earlier_of_two_equal_points_is_the_best():
    assert best_of([MetricPoint(10, 0.5), MetricPoint(20, 0.5), MetricPoint(30, 0.4)]) == MetricPoint(10, 0.5)


def test_the_command_says_what_was_changed():
    line = command_line("/a b", {"preset": "quick", "base": "3", "learning_rate": 1e-4, "batch_size": 32})
    assert line == ("searchsmith train '/a b' --preset quick --base 3 --set learning_rate=0.0001 --set batch_size=32")
