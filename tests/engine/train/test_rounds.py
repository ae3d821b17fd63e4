"""Rounds, forecasts, mixing and repeating: what a person asks for instead of single settings."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from engine.encode.models import add_model_folder, folder_of
from engine.errors import UserError
from engine.params import AutopilotParams, MergeParams
from engine.records import Model, Qrel, Split, State
from engine.store import documents, models, negatives, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.forecasts import Measured, find_forecast, put_forecast
from engine.task import Task
from engine.train import rounds
from engine.train.forecast import forecast
from engine.train.memory import Peak
from engine.train.merging import merge
from engine.train.rounds import autopilot
from engine.train.saving import in_per_cent
from engine.train.scripts import command_line, run_params
from engine.train.training import train
from tests.engine.train.test_training import Recorder, weights
from tests.tiny_model import build_tiny_model

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


@pytest.mark.parametrize("named", ["path", "setting"])
def test_rounds_start_from_the_model_that_is_named(project, tmp_path, named):
    folder = build_tiny_model(tmp_path / "other", seed=4)
    quick = {**QUICK, "max_steps": 1, "merge": "off"}
    if named == "path":
        params = AutopilotParams(rounds=1, base=str(folder), settings=quick)
    else:
        params = AutopilotParams(rounds=1, settings={**quick, "base": str(add_model_folder(project, str(folder)))})
    (made,) = autopilot(project, params, Task()).rounds
    assert models.model(project, made.parent).path == str(folder)
    assert negatives.newest_mining(project).model_id == made.parent


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

    def worse_in_the_second(project, params, task, **more):
        summary = whole(project, params, task, **more)
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


def test_a_forecast_in_bf16_foresees_what_the_process_keeps_step_by_step(project, small, monkeypatch):
    monkeypatch.setattr(Peak, "bytes", lambda _self: 1_000_000_000)
    found = {
        (precision, steps): forecast(project, replace(small, precision=precision, max_steps=steps), Task()).bytes
        for precision, steps in (("fp32", 12), ("bf16", 2), ("bf16", 12))
    }
    assert found["fp32", 12] == 1_000_000_000 < found["bf16", 2] < found["bf16", 12] < 1_550_000_000


def test_a_forecast_keeps_the_limit_of_time(project, small):
    found = forecast(project, replace(small, minutes=0.001, max_steps=100_000, epochs=1e6), Task())
    assert 1 <= found.steps < 1000


def test_what_was_foretold_of_fewer_passages_or_answers_limits_no_run(project, small):
    adapting = replace(small, objective="simcse", max_steps=0)
    for grow in (
        lambda: documents.put_labelled(
            project, [(NewDocument("", "n", "test", "n", labelled=True), NewPassage("more"))], import_id=1
        ),
        lambda: queries.put_qrels(project, [Qrel(1, 9, 1)]),
    ):
        put_forecast(project, adapting, Measured(10.0, 8.0, 1, 12, "ten seconds"))
        assert find_forecast(project, adapting) is not None
        grow()
        assert find_forecast(project, adapting) is None


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


def test_what_is_said_of_a_mixed_model_was_measured_of_it(project, small):
    tuned = train(project, replace(small, merge="off"), Task())
    summary = models.model(project, merge(project, MergeParams(alpha=1.0), Task()).model).summary
    assert tuned.gain > 0.1
    assert (summary["dev"], summary["gain"]) == (summary["dev_base"], 0.0)
    assert "guard" not in summary


def test_the_card_of_a_model_mixed_twice_says_how_much_of_the_base_is_in_it(project, small):
    train(project, replace(small, learning_rate=0.05, max_steps=6), Task())  # so fast that some of the base is better
    share = models.newest_tuned(project).summary["base_share"]
    mixed = models.model(project, merge(project, MergeParams(alpha=0.5), Task()).model)
    assert share > 0
    card = (folder_of(project, mixed) / "README.md").read_text("utf-8")
    assert f"Mixed with {in_per_cent(0.5 + 0.5 * share)} of the base" in card
    assert mixed.summary["base_in_all"] == pytest.approx(0.5 + 0.5 * share)
    again = models.model(project, merge(project, MergeParams(model=str(mixed.id)), Task()).model)
    first = models.curve(project, again.id, "merge_dev")[0]
    assert first.step == round(100 * (0.5 + 0.5 * share))  # the model as it was


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


class Clocked:
    """The stages on a clock of their own, on a machine that is so many times slower than another."""

    def __init__(self, monkeypatch, *, slower=1.0, encode=30.0, gain=0.05):
        self.now, self.slower, self.encode, self.gain = 0.0, slower, encode, gain
        self.order, self.limits, self.known = [], [], set()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        for name in ("evaluate", "mine", "train"):
            monkeypatch.setattr(rounds, name, getattr(self, name))
        monkeypatch.setattr(rounds.models, "resolve_model", lambda _project, ref: self.model(ref))
        monkeypatch.setattr(rounds.models, "model", lambda _project, ref: self.model(ref))

    def model(self, ref):
        return Model(
            int(ref) if str(ref).isdecimal() else 1, "m", "tuned", "", "", 0, 0, 1, None, {}, {}, "complete", ""
        )

    def read(self, model):
        """The corpus is read once a model."""
        self.now += 0.0 if model in self.known else self.encode * self.slower
        self.known.add(model)

    def evaluate(self, project, params, task):
        self.order.append("evaluate")
        self.read("base")
        if "tuned" in params.systems:
            self.read(str(len(self.limits)))
        self.now += 2.0
        return SimpleNamespace(systems={}, comparisons=(), words=())

    def mine(self, project, params, task):
        self.order.append(f"mine {params.model}")
        self.read(params.model)
        self.now += 5.0 * self.slower

    def train(self, project, params, task, *, all_in):
        assert all_in
        self.order.append(f"train {params.base}")
        self.limits.append(60 * params.minutes)
        self.now += min(60 * params.minutes, 400.0 * self.slower) + 2.0  # never more than its limit and a step
        number = len(self.limits)
        return SimpleNamespace(model=number, steps=1, seconds=1.0, dev=0.5 + number / 10, dev_base=0.5, gain=self.gain,
                               gain_low=self.gain - 0.01, gain_high=self.gain + 0.01)  # fmt: skip


@pytest.mark.parametrize("slower", [0.2, 1.0, 3.0])
def test_ten_minutes_are_planned_and_kept_on_fast_and_slow_machines(with_test, monkeypatch, slower):
    clocked = Clocked(monkeypatch, slower=slower)
    summary = autopilot(with_test, AutopilotParams(minutes=10.0), Task())
    assert clocked.order[:5] == ["evaluate", "mine base", "train base", "mine 1", "train 1"]
    assert clocked.order[-1] == "evaluate"
    assert clocked.now < 600 * 1.05
    assert clocked.now > 600 * 0.7 or summary.stopped == "rounds"


def test_a_second_round_that_would_be_mining_alone_is_not_begun_nor_waited_for(with_test, monkeypatch):
    clocked = Clocked(monkeypatch, encode=130.0)
    summary = autopilot(with_test, AutopilotParams(minutes=6.0), Task())
    assert clocked.order == ["evaluate", "mine base", "train base", "evaluate"]
    assert summary.stopped == "time"
    assert clocked.limits[0] == pytest.approx(360 - 130 - 2 - 5 - 132)  # all that the last measurement leaves
    assert clocked.now < 360 * 1.05


def test_a_pause_takes_nothing_of_the_time_that_rounds_have(with_test, monkeypatch):
    clocked, task = Clocked(monkeypatch), Recorder()
    mine = clocked.mine

    def paused_for_an_hour(project, params, heard):
        mine(project, params, heard)
        clocked.now += 3600.0
        task._paused_seconds += 3600.0

    monkeypatch.setattr(rounds, "mine", paused_for_an_hour)
    summary = autopilot(with_test, AutopilotParams(minutes=10.0), task)
    assert clocked.limits[0] > 200
    assert clocked.order.count("train base") == 1
    assert "train 1" in clocked.order
    assert (task.warnings, summary.seconds < 630) == ([], True)


def test_a_machine_that_gets_slower_begins_nothing_after_the_time(project, small, monkeypatch):
    from engine.train.dev import DevMeasure

    clock, ndcg, looks = [0.0], DevMeasure.ndcg, []

    def slower_and_slower(self, model):
        looks.append(clock[0])
        clock[0] += 4.0 if len(looks) < 2 else 100.0
        return ndcg(self, model)

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(DevMeasure, "ndcg", slower_and_slower)
    summary = train(project, replace(small, minutes=1.0, eval_every=0), Task(), all_in=True)
    assert (len(looks), summary.base_share) == (2, 0.0)  # the base's and the last one, no mixing after it


def test_rounds_end_when_the_gain_is_inside_its_interval_with_time_left(with_test, monkeypatch):
    clocked = Clocked(monkeypatch, gain=0.005)
    assert autopilot(with_test, AutopilotParams(minutes=30.0), Task()).stopped == "gain"
    assert clocked.order == ["evaluate", "mine base", "train base", "evaluate"]


def test_time_that_measuring_takes_is_told_and_training_gets_a_little(with_test, monkeypatch):
    clocked, task = Clocked(monkeypatch, encode=100.0), Recorder()
    assert autopilot(with_test, AutopilotParams(minutes=2.0), task).stopped == "time"
    assert clocked.limits == [20.0]
    assert task.warnings[0].startswith("Measuring and mining took most of the 2 minutes")


@pytest.mark.parametrize("merge", ["auto", "off"])
def test_a_limit_for_all_of_a_run_counts_what_is_beside_its_steps(project, small, monkeypatch, merge):
    from engine.train.dev import DevMeasure
    from engine.train.steps import Stepper

    clock, backward, ndcg = [0.0], Stepper.backward, DevMeasure.ndcg

    def slow_step(self, *batch, **more):
        clock[0] += 1.0
        return backward(self, *batch, **more)

    def slow_look(self, model):
        clock[0] += 4.0
        return ndcg(self, model)

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(Stepper, "backward", slow_step)
    monkeypatch.setattr(DevMeasure, "ndcg", slow_look)
    params = replace(small, minutes=1.0, max_steps=1000, epochs=1000.0, eval_every=8, merge=merge)
    assert train(project, params, Task(), all_in=True).stopped == "time"
    assert 52 <= clock[0] <= 61  # the last step may end just after its time
