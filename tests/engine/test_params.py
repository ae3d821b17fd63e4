"""Settings from JSON values and task steering."""

from __future__ import annotations

import threading

import pytest

from engine.errors import Cancelled, UserError
from engine.params import (
    PRESETS,
    AutopilotParams,
    MakeBaseParams,
    MineParams,
    RerankerParams,
    TrainParams,
    params_from_dict,
    params_to_dict,
)
from engine.task import Task


def test_params_survive_the_way_through_json():
    params = params_from_dict(MineParams, {"sources": ["bm25"], "select": {"num_negatives": 7}})
    assert params.select.num_negatives == 7
    assert params_from_dict(MineParams, params_to_dict(params)) == params


def test_an_unknown_setting_is_named_with_those_that_are_known():
    with pytest.raises(UserError, match=r"'learning'.*learning_rate"):
        params_from_dict(TrainParams, {"learning": 1})


def test_a_value_of_the_wrong_type_is_refused():
    with pytest.raises(UserError, match="max_steps"):
        params_from_dict(TrainParams, {"max_steps": "many"})


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (MineParams, {"sources": ["foo"]}, "sources cannot be 'foo'. Choose from bm25, dense, random."),
        (MineParams, {"index": "fast"}, "index cannot be 'fast'. Choose from auto, exact, ivf."),
        (MineParams, {"depth": "deep"}, "depth has a wrong value: expected a whole number, got a text."),
        (TrainParams, {"learning_rate": "low"}, "learning_rate has a wrong value: expected a number, got a text."),
    ],
)
def test_a_wrong_value_is_told_with_the_setting_and_what_it_can_be(kind, values, said):
    with pytest.raises(UserError) as refused:
        params_from_dict(kind, values)
    assert str(refused.value) == f"The setting {said}"


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (AutopilotParams, {"rounds": 0}, "rounds is 0; it has to be 1 or more"),
        (AutopilotParams, {"minutes": -3}, "minutes is -3.0; it has to be 0 or more"),
        (MakeBaseParams, {"dim": 0}, "dim is 0; it has to be 8 or more"),
        (TrainParams, {"learning_rate": 0}, "learning_rate is 0.0; it has to be 1e-12 or more"),
    ],
)
def test_no_rounds_no_time_and_no_numbers_a_vector_are_refused(kind, values, said):
    with pytest.raises(UserError, match=said):
        params_from_dict(kind, values)


def test_a_preset_gives_what_was_not_set():
    params = params_from_dict(TrainParams, {"preset": "thorough", "batch_size": 32})
    assert (params.batch_size, params.learning_rate) == (32, PRESETS["thorough"].learning_rate)


def test_the_first_preset_is_the_default():
    assert PRESETS["quick"] == TrainParams()
    assert all(params.preset == name for name, params in PRESETS.items())


def test_an_unknown_preset_is_refused():
    with pytest.raises(UserError, match="preset"):
        params_from_dict(TrainParams, {"preset": "fast"})


def test_a_cancelled_task_stops_at_its_next_report():
    task = Task()
    task.progress("read", 1, 2)
    task.cancel()
    with pytest.raises(Cancelled):
        task.progress("read", 2, 2)


def test_a_paused_task_waits_until_it_may_go_on():
    task = Task()
    task.pause()
    went_on = threading.Event()

    def work():
        task.check_cancelled()
        went_on.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not went_on.wait(0.05)
    task.resume()
    assert went_on.wait(2)
    thread.join()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0), ("dev_queries", 0), ("epochs", -1.0), ("learning_rate", float("nan")), ("seed", -1),
        ("warmup_share", float("nan")),
    ],
)  # fmt: skip
def test_a_number_of_a_training_below_what_is_possible_is_refused_by_name(name, value):
    with pytest.raises(UserError, match=f"{name} is .* or more"):
        params_from_dict(TrainParams, {name: value})


@pytest.mark.parametrize("name", ["minutes", "epochs"])
def test_an_endless_training_is_refused(name):
    with pytest.raises(UserError, match=f"{name} is endless"):
        params_from_dict(TrainParams, {name: float("inf")})


def test_a_reranker_without_candidates_to_sort_is_refused():
    with pytest.raises(UserError, match="candidates is 0; it has to be 1 or more"):
        params_from_dict(RerankerParams, {"candidates": 0})


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_possible(preset):
    assert params_from_dict(TrainParams, {"preset": preset}) == PRESETS[preset]
