"""Rounds, forecasts, mixing and repeating: what a person asks for instead of single settings."""

from dataclasses import replace

import pytest
import torch

from engine.encode.models import folder_of
from engine.errors import UserError
from engine.params import AutopilotParams, MergeParams
from engine.records import Split, State
from engine.store import documents, models, negatives, queries
from engine.store.documents import NewDocument, NewPassage
from engine.task import Task
from engine.train.forecast import forecast
from engine.train.merging import merge
from engine.train.rounds import autopilot
from engine.train.scripts import command_line, run_params
from engine.train.training import train
from tests.engine.train.test_training import Recorder, weights

QUICK = {
    "batch_size": 8, "micro_batch_size": 4, "max_length": 32, "learning_rate": 1e-3, "epochs": 4.0, "max_steps": 8,
    "eval_every": 4, "minutes": 0.0, "device": "cpu", "precision": "fp32",
}  # fmt: skip


@pytest.fixture
def with_test(project):
    """The first ten training queries become test queries."""
    queries.set_splits(project, dict.fromkeys(range(1, 11), Split.TEST))
    return project


def test_rounds_mine_with_the_model_tuned_before(with_test):
    summary = autopilot(with_test, AutopilotParams(rounds=2, settings=QUICK), Task())
    first, *rest = summary.rounds
    assert models.model(with_test, first.model).parent_id == models.base_model(with_test).id
    assert [m.model_id for m in negatives.minings(with_test)][:2] == [models.base_model(with_test).id, first.model][
        : 1 + len(rest)
    ]
    for made in rest:
        assert models.model(with_test, made.model).parent_id == first.model
    assert summary.stopped in ("rounds", "gain")
    assert set(summary.evaluation) == {"bm25", "base", "tuned"}
    assert models.resolve_model(with_test, "tuned").id == summary.model


def test_a_round_without_gain_ends_the_rounds_and_does_not_stand(with_test, monkeypatch):
    settings = {**QUICK, "merge": "off"}
    learnt = autopilot(with_test, AutopilotParams(rounds=1, settings=settings), Task()).model
    useless = {**settings, "learning_rate": 1e-12}
    summary = autopilot(with_test, AutopilotParams(rounds=3, base=str(learnt), settings=useless), Task())
    assert (summary.stopped, len(summary.rounds)) == ("gain", 1)
    assert summary.rounds[0].gain == 0.0


def test_a_later_round_that_is_worse_is_left_out(with_test, monkeypatch):
    import engine.train.rounds as module

    whole = module.train

    def worse_in_the_second(project, params, task):
        summary = whole(project, params, task)
        if worse_in_the_second.calls:
            summary = replace(summary, dev=0.0, gain=-0.5, gain_low=-0.6)
        else:
            summary = replace(summary, gain=0.5, gain_low=0.4)
        worse_in_the_second.calls += 1
        return summary

    worse_in_the_second.calls = 0
    monkeypatch.setattr(module, "train", worse_in_the_second)
    summary = autopilot(with_test, AutopilotParams(rounds=3, settings=QUICK), Task())
    assert [made.kept for made in summary.rounds] == [True, False]
    assert models.resolve_model(with_test, "tuned").id == summary.rounds[0].model == summary.model
    assert models.model(with_test, summary.rounds[1].model).state is State.FAILED


def test_an_adaptation_to_the_corpus_comes_first(with_test):
    params = AutopilotParams(rounds=1, adapt="simcse", adapt_steps=2, settings=QUICK)
    adapted, tuned = autopilot(with_test, params, Task()).rounds
    assert models.model(with_test, adapted.model).params["objective"] == "simcse"
    assert models.model(with_test, tuned.model).parent_id == adapted.model


def test_time_that_is_over_ends_the_rounds(with_test):
    summary = autopilot(with_test, AutopilotParams(rounds=5, minutes=0.01, settings=QUICK), Task())
    assert summary.stopped in ("time", "gain")
    assert len(summary.rounds) == 1


def test_finishing_early_ends_the_rounds_with_the_last_measurement(with_test):
    class Early(Recorder):
        def on_progress(self, stage, done, total, note):
            if (stage, done) == ("train", 2):
                self.finish()

    summary = autopilot(with_test, AutopilotParams(rounds=3, settings=QUICK), Early())
    assert summary.stopped in ("asked", "gain")
    assert (summary.rounds[0].steps, len(summary.rounds)) == (2, 1)
    assert summary.evaluation


def test_a_forecast_counts_steps_and_leaves_nothing_behind(project, small):
    found = forecast(project, small, Task())
    assert (found.steps, found.bytes > 1e7, found.seconds > 0) == (12, True, True)
    assert found.words.startswith("Tunes tiny in 12 steps of 8 over 40 training queries (2.4 passes)")
    assert [m.kind for m in models.models(project, complete=False)] == ["base"]
    assert not list((project.path / "models").iterdir())


def test_a_forecast_keeps_the_limit_of_time(project, small):
    found = forecast(project, replace(small, minutes=0.001, max_steps=100_000, epochs=1e6), Task())
    assert 1 <= found.steps < 1000


def test_mixing_by_hand_is_a_straight_line(project, small):
    tuned = train(project, replace(small, merge="off"), Task())
    summary = merge(project, MergeParams(alpha=0.3), Task())
    base = models.base_model(project)
    from safetensors.torch import load_file

    start = load_file(folder_of(project, base) / "model.safetensors")
    own, mixed = weights(project, tuned), weights(project, summary)
    assert all(torch.allclose(mixed[name], torch.lerp(own[name], start[name], 0.3), atol=1e-6) for name in own)
    assert models.model(project, summary.model).parent_id == base.id


def test_mixing_by_itself_keeps_the_best_of_the_curve(project, small):
    train(project, replace(small, merge="off"), Task())
    summary = merge(project, MergeParams(), Task())
    assert [share for share, _ in summary.curve] == pytest.approx([share / 10 for share in range(11)])
    assert summary.dev == pytest.approx(max(value for _, value in summary.curve))
    stored = models.curve(project, summary.model, "merge_dev")
    assert [point.step for point in stored] == list(range(0, 101, 10))


def test_a_base_model_cannot_be_mixed(project):
    with pytest.raises(UserError, match="was not tuned"):
        merge(project, MergeParams(model="base"), Task())


def test_a_run_as_a_command_has_what_was_changed(project, small):
    summary = train(project, small, Task())
    words = command_line(models.model(project, summary.model))
    assert words.startswith("searchsmith train PROJECT --preset quick")
    assert "--set max_steps=12" in words
    assert "weight_decay" not in words


def test_settings_of_a_mixed_model_are_those_of_its_run(project, small):
    train(project, replace(small, merge="off"), Task())
    summary = merge(project, MergeParams(alpha=0.5), Task())
    assert run_params(models.model(project, summary.model)).max_steps == 12


def test_the_curve_of_a_mix_is_measured_in_the_dev_pool_of_the_run(project, small):
    params = replace(small, merge="off", dev_queries=7, dev_passages=20)
    tuned = train(project, params, Task())
    documents.put_labelled(
        project,
        [(NewDocument("", "new", "test", "new", external_id="new", labelled=True), NewPassage("how to find it"))],
        import_id=1,
    )
    curve = merge(project, MergeParams(), Task()).curve
    assert curve[0][1] == pytest.approx(tuned.dev, abs=1e-9)
    assert curve[-1][1] == pytest.approx(tuned.dev_base, abs=1e-9)
    assert merge(project, MergeParams(alpha=0.0), Task()).dev == pytest.approx(tuned.dev, abs=1e-9)
    assert "0 % of tiny" in models.models(project)[-1].name
