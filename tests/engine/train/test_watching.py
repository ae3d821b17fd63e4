"""Watched queries, signs and memory of a real run: told while it goes, stored with it, whole after an interruption."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from engine.errors import Cancelled
from engine.store import documents, models, pins, probes, queries
from engine.store.forecasts import find_forecast
from engine.task import Task
from engine.train.forecast import _held, forecast, kept_inside
from engine.train.reranking import RerankerWork
from engine.train.training import train
from tests.engine.train.test_training import Recorder


class Watcher(Recorder):
    def __init__(self, **named):
        super().__init__(**named)
        self.found = []

    def on_probes(self, found):
        self.found += found


def test_pinned_queries_are_told_with_their_first_three_at_every_look(project, small):
    for query_id in (3, 45):  # a training query and a dev query
        pins.pin_query(project, query_id, 10)
    task = Watcher()
    summary = train(project, replace(small, merge="off", max_steps=3, eval_every=3), task)
    assert [(probe.step, probe.query_id) for probe in task.found] == [(0, 3), (0, 45), (3, 3), (3, 45)]
    assert probes.probes(project, summary.model) == task.found
    model = SentenceTransformer(str(project.path / models.model(project, summary.model).path), device="cpu")
    corpus = documents.corpus(project)
    asked = queries.query(project, 3).text
    scores = model.encode(corpus.texts, normalize_embeddings=True) @ model.encode(asked, normalize_embeddings=True)
    order = [int(corpus.ids[row]) for row in np.argsort(-scores, kind="stable")]
    (answer,) = queries.positives(project)[3]
    assert summary.best_step == 3  # the model that was kept is the one that was looked at last
    assert (task.found[-2].rank, task.found[-2].top) == (order.index(answer) + 1, tuple(order[:3]))


def test_an_answer_outside_of_the_dev_pool_is_found_too(project, small):
    pins.pin_query(project, 1, 10)
    task = Watcher()
    train(project, replace(small, dev_queries=2, dev_passages=5, max_steps=4), task)
    assert all(1 <= probe.rank <= 6 and len(probe.top) == 3 for probe in task.found)


def test_without_pins_six_dev_queries_are_watched_and_twelve_at_most(project, small):
    task = Watcher()
    train(project, replace(small, max_steps=1, eval_every=0), task)
    dev = {query.id for query in queries.representatives(project) if query.split == "dev"}
    assert len({probe.query_id for probe in task.found}) == 6
    assert {probe.query_id for probe in task.found} <= dev
    for query_id in range(1, 16):
        pins.pin_query(project, query_id, 10)
    task = Watcher()
    train(project, replace(small, max_steps=1, eval_every=0), task)
    assert {probe.query_id for probe in task.found} == set(range(1, 13))


def test_what_was_watched_before_an_interruption_stays_and_nothing_is_told_twice(project, small):
    params = replace(small, merge="off", max_steps=6, eval_every=2)
    whole = train(project, params, Task())
    with pytest.raises(Cancelled):
        train(project, params, Recorder(stop_at=3))
    (left,) = models.interrupted_models(project)
    resumed = train(project, replace(params, resume=left.id), Task())
    assert probes.probes(project, resumed.model) == probes.probes(project, whole.model)
    for name in ("uniformity", "alignment", "spread"):
        assert models.curve(project, resumed.model, name) == models.curve(project, whole.model, name)


def test_a_sign_of_trouble_is_warned_of_once_and_kept_with_the_run(project, small, monkeypatch):
    monkeypatch.setattr("engine.train.watching.stuck", lambda *_: "the loss is stuck: so it is.")
    task = Recorder(stop_at=3)
    with pytest.raises(Cancelled):
        train(project, replace(small, merge="off", max_steps=4, eval_every=2), task)
    assert sum("stuck" in said for said in task.warnings) == 1
    (left,) = models.interrupted_models(project)
    again = Recorder()
    summary = train(project, replace(small, resume=left.id), again)
    assert not any("stuck" in said for said in again.warnings)
    assert summary.warnings == ("Step 0: the loss is stuck: so it is.",)
    assert models.model(project, summary.model).summary["warnings"] == list(summary.warnings)


def test_a_run_tells_its_speed_and_the_most_memory_it_held(project, small):
    import psutil

    task = Recorder()
    summary = train(project, replace(small, max_steps=3), task)
    assert [step for step, _ in task.points["speed"]] == [1, 2, 3]
    assert all(speed > 0 for _, speed in task.points["speed"])
    assert 0.8 * psutil.Process().memory_info().rss < summary.peak_bytes < 16e9
    assert task.points["memory"][-1][1] <= summary.peak_bytes


def test_a_run_whose_time_was_foretold_is_kept_inside_it(project, small, monkeypatch):
    monkeypatch.setattr("engine.train.forecast.LEAST_LIMIT", 0.0)
    long = replace(small, max_steps=50_000, epochs=1e6, eval_every=1000, minutes=0.0)
    assert kept_inside(project, long) == long
    told = forecast(project, long, Task())
    bound = kept_inside(project, long)
    found = find_forecast(project, long)
    assert (found.seconds, found.words) == (told.seconds, told.words)
    assert 60 * bound.minutes == pytest.approx(1.2 * told.seconds - (found.seconds - found.learning))
    assert told.most == pytest.approx(1.2 * told.seconds)
    assert "is ended after" in told.words
    assert "GB of memory" in told.words


def test_a_run_keeps_what_was_foretold_of_it(project, small):
    params = replace(small, max_steps=2, eval_every=0)
    told = forecast(project, params, Task())
    kept = models.model(project, train(project, params, Task()).model).summary
    assert (kept["foretold"]["seconds"], kept["foretold"]["bytes"]) == (told.seconds, told.bytes)
    assert 0.5 < kept["peak_bytes"] / told.bytes < 2


def test_a_forecast_holds_for_its_own_settings_and_data_only(project, small):
    forecast(project, small, Task())
    assert find_forecast(project, small)
    assert find_forecast(project, replace(small, batch_size=16)) is None
    queries.set_splits(project, {1: None})
    assert find_forecast(project, small) is None


def test_a_reranker_whose_memory_never_suffices_ends_with_a_sentence(monkeypatch):
    from engine.errors import TrainingError

    work = RerankerWork.__new__(RerankerWork)
    work.shortages, work._budget, work.device, work.precision, work.task = 0, 4096, "cpu", "fp32", Recorder()
    work.whole = torch.nn.Linear(2, 2)
    budgets = []

    def short(batch, seed, loss_scale):
        budgets.append(work._budget)
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(work, "_backward", short)
    with pytest.raises(TrainingError, match="does not suffice"):
        work.backward(None, 1, loss_scale=1.0)
    assert budgets == [4096 >> n for n in range(len(budgets))]
    assert len(budgets) <= 5


@pytest.mark.parametrize(
    ("device", "precision", "tried", "least", "most"),
    [
        ("cpu", "fp32", 2_000_000_000, 1.0, 1.0),
        ("cuda", "bf16", 2_000_000_000, 1.0, 1.0),
        ("cpu", "bf16", 2_000_000_000, 1.5, 1.6),
        ("cpu", "bf16", 9_000_000_000, 1.2, 1.3),
    ],
)
def test_what_a_process_gains_while_it_trains_in_bf16_is_foretold_and_has_an_end(device, precision, tried, least, most):
    work = SimpleNamespace(device=device, precision=precision)
    assert least <= _held(tried, 96, work) / tried <= most
    assert tried <= _held(tried, 3, work) <= _held(tried, 96, work)
