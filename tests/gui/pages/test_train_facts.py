"""What the Train page foretells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.params import PRESETS, TrainParams
from engine.records import MetricPoint, Model, State
from gui.pages.train.commands import command_line, run_changes
from gui.pages.train.facts import (
    TrainFacts,
    best_of,
    kept_of,
    measured_step,
    memory_size,
    seconds_of,
    smooth,
    steps_in_time,
    steps_of,
)
from gui.pages.train.needs import why_no_reranker, why_not


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
    assert [memory_size(PRESETS[name], TrainFacts()) for name in ("quick", "balanced", "thorough")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("facts", "busy", "reason"),
    [
        (TrainFacts(), "", "Split the queries first"),
        (TrainFacts(dev=3, test=4), "", "No query has an answer"),
        (TrainFacts(questions=10), "", "Split off dev queries first"),
        (TrainFacts(questions=10, dev=3), "", ""),
        (TrainFacts(questions=10, dev=3), "Training runs already", "Training runs already"),
    ],
)
def test_what_is_missing_is_named(facts, busy, reason):
    assert why_not(facts, TrainParams(), busy) == reason


def test_what_an_objective_lacks_is_named():
    facts = TrainFacts(questions=10, dev=3, unmet=frozenset({"negatives", "teacher", "texts"}))
    assert why_not(facts, TrainParams(objective="triplet")) == "Mine negatives first"
    assert why_not(facts, TrainParams(objective="kl_distill")) == "Score the pairs first"
    assert why_not(facts, TrainParams(objective="simcse")) == "Import documents first"
    assert why_not(facts, TrainParams(objective="cosent")) == ""
    assert why_no_reranker(facts) == "Mine negatives first"


def test_texts_are_learnt_from_without_labels():
    assert why_not(TrainFacts(texts=100), TrainParams(objective="tsdae")) == ""
    facts = TrainFacts(questions=10, texts=640, seconds_a_step=1.0)
    params = TrainParams(objective="simcse", epochs=1.0, max_steps=0, minutes=0.0)
    assert seconds_of(params, facts) == pytest.approx(10.0)


def test_smoothing_corrects_for_the_start():
    assert smooth([MetricPoint(1, 2.0), MetricPoint(2, 2.0)]) == [(1.0, pytest.approx(2.0)), (2.0, pytest.approx(2.0))]


def test_smoothing_weighs_the_past():
    # (0.15 * 1 * 0.85 + 0.15 * 3) / (1 - 0.85 ** 2) by hand
    assert smooth([MetricPoint(1, 1.0), MetricPoint(2, 3.0)])[1][1] == pytest.approx(2.081081, abs=1e-6)


def test_the_earlier_of_two_equal_points_is_the_best():
    assert best_of([MetricPoint(10, 0.5), MetricPoint(20, 0.5), MetricPoint(30, 0.4)]) == MetricPoint(10, 0.5)


def test_what_is_kept_is_the_best_look_after_the_first_step_even_where_the_base_was_better():
    looks = [MetricPoint(0, 0.6), MetricPoint(5, 0.4), MetricPoint(10, 0.5)]
    assert kept_of(looks) == MetricPoint(10, 0.5)
    assert kept_of([*looks, MetricPoint(15, 0.5)]) == MetricPoint(15, 0.5)
    assert kept_of(looks[:1]) == MetricPoint(0, 0.6)
    assert kept_of([]) is None


def test_the_command_says_what_was_changed():
    line = command_line("/a b", {"preset": "quick", "base": "3", "learning_rate": 1e-4, "batch_size": 32})
    assert line == ("searchsmith train '/a b' --preset quick --base 3 --set learning_rate=0.0001 --set batch_size=32")


def test_a_command_keeps_every_digit():
    assert command_line("p", {"learning_rate": 0.000123456789}).endswith("--set learning_rate=0.000123456789")


def test_what_an_objective_brings_is_no_change_of_a_run():
    params = {"preset": "quick", "objective": "gist", "scale": 100.0, "margin": 0.2, "seed": 5}
    assert run_changes(_tuned({}, params)) == ("quick", {"objective": "gist", "seed": 5})
    assert run_changes(_tuned({}, {**params, "scale": 20.0}))[1] == {"objective": "gist", "scale": 20.0, "seed": 5}


def test_a_run_from_a_base_that_is_no_longer_the_projects_names_it():
    run = _tuned({}, {"preset": "quick", "base": "base"})
    assert run_changes(replace(run, parent_id=3), base_id=3) == ("quick", {})
    assert run_changes(replace(run, parent_id=3), base_id=9) == ("quick", {"base": "3"})
