from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.encode.models import open_encoder
from engine.errors import Cancelled, TrainingError, UserError
from engine.records import Split, State
from engine.store import models, queries
from engine.store.project import Project
from engine.store.scores import PairScore, put_scores
from engine.task import Task
from engine.train.checkpoints import Checkpoints
from engine.train.dev import choose_pool
from engine.train.saving import mix_weights
from engine.train.schedule import rate_at
from engine.train.training import train
from engine.train.work import EncoderWork
from tests.engine.train.conftest import fill


class Recorder(Task):
    """Remembers what it is told; stops after `stop_at` steps."""

    def __init__(self, stop_at=0):
        super().__init__()
        self.points, self.warnings, self.stages, self.stop_at = {}, [], [], stop_at

    def on_progress(self, stage, done, total, note):
        self.stages.append((stage, done, total))
        if self.stop_at and stage == "train" and done >= self.stop_at:
            self.cancel()

    def on_metric(self, name, step, value):
        self.points.setdefault(name, []).append((step, value))

    def on_warning(self, message):
        self.warnings.append(message)


def weights(project, summary):
    return load_file(project.path / models.model(project, summary.model).path / "model.safetensors")


def folder(project, model_id):
    return project.path / "models" / str(model_id)


def test_a_run_learns_and_leaves_a_complete_model(project, small, base):
    task = Recorder()
    summary = train(project, replace(small, max_steps=40, epochs=10.0), task)
    tuned = models.resolve_model(project, "tuned")
    assert (tuned.id, tuned.state, tuned.parent_id) == (summary.model, State.COMPLETE, base.id)
    assert summary.dev > summary.dev_base + 0.1
    assert task.points["loss"][-1][1] < task.points["loss"][0][1]
    assert not (folder(project, tuned.id) / "checkpoints").exists()


def test_curves_hold_every_step_and_look(project, small):
    task = Recorder()
    summary = train(project, small, task)
    assert [step for step, _ in task.points["loss"]] == list(range(1, 13))
    assert [step for step, _ in task.points["dev_ndcg@10"]] == [0, 4, 8, 12]
    assert task.points["dev_base"] == [(0, summary.dev_base)]
    assert task.points["dev_bm25"] == [(0, summary.dev_bm25)]
    stored = [(point.step, point.value) for point in models.curve(project, summary.model, "dev_ndcg@10")]
    assert stored == task.points["dev_ndcg@10"]
    assert ("train", 12, 12) in task.stages


def test_dev_of_the_base_is_what_its_vectors_give(project, small, base):
    from engine.evaluate.metrics import evaluate_rankings
    from engine.store.documents import corpus

    summary = train(project, small, Task())
    encoder, found = open_encoder(project, base, device="cpu", precision="fp32"), corpus(project)
    dev = queries.representatives(project, Split.DEV)
    scores = encoder.encode([q.text for q in dev], "query") @ encoder.encode(found.texts, "passage").T
    rankings = {q.id: found.ids[np.argsort(-row, kind="stable")].tolist() for q, row in zip(dev, scores, strict=True)}
    answers = {q.id: queries.positives(project)[q.id] for q in dev}
    assert summary.dev_base == pytest.approx(evaluate_rankings(rankings, answers, ks=(10,))["ndcg@10"].mean())


def test_bm25_on_dev_finds_a_lone_character_as_search_does(project, small):
    asked = queries.representatives(project, Split.DEV)
    queries.set_splits(project, {query.id: None for query in asked[1:]})
    (answer,) = queries.positives(project)[asked[0].id]
    project.db.execute("update queries set text = '茶' where id = ?", [asked[0].id])
    project.db.execute("update passages set text = '绿茶叶很香' where id = ?", [answer])
    assert choose_pool(project, None, small, Task()).bm25 == 1.0


def test_names_of_runs_are_given_once(project, small):
    for _ in range(2):
        with pytest.raises(Cancelled):
            train(project, small, Recorder(stop_at=5))
    first, second = sorted(model.name for model in models.interrupted_models(project))
    models.rename_model(project, models.interrupted_models(project)[0].id, "tuned 7")
    third = models.model(project, train(project, replace(small, max_steps=1), Task()).model)
    assert (first, second, third.name) == ("tuned 1", "tuned 2", "tuned 8")


@pytest.mark.parametrize(
    ("objective", "words"),
    [("mnrl", "40 queries and 0 hard negatives"), ("simcse", "texts without labels"), ("angle", "scored pairs")],
)
def test_a_card_says_what_the_model_learnt_from(project, small, objective, words):
    put_scores(project, [PairScore(n, n, 0.5 + n / 100) for n in range(1, 41)], "people")
    summary = train(project, replace(small, objective=objective, max_steps=1), Task())
    assert words in (folder(project, summary.model) / "final" / "README.md").read_text("utf-8")


def test_the_kept_model_is_the_one_measured(project, small):
    summary = train(project, small, Task())
    again = train(project, replace(small, base="tuned", max_steps=1, epochs=1.0), Task())
    assert again.dev_base == pytest.approx(summary.dev, abs=1e-6)


def test_two_runs_are_equal_bit_for_bit(project, small):
    one, other = weights(project, train(project, small, Task())), weights(project, train(project, small, Task()))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_resumed_run_ends_as_the_unbroken_one_bit_for_bit(project, small):
    small = replace(small, merge="off")
    whole_task = Recorder()
    whole = train(project, small, whole_task)
    with pytest.raises(Cancelled):
        train(project, small, Recorder(stop_at=7))
    (interrupted,) = models.interrupted_models(project)
    resumed_task = Recorder()
    resumed = train(project, replace(small, resume=interrupted.id), resumed_task)
    assert resumed_task.points["loss"] == whole_task.points["loss"][7:]
    assert resumed_task.points["dev_ndcg@10"] == whole_task.points["dev_ndcg@10"][2:]
    assert models.curve(project, resumed.model, "loss") == models.curve(project, whole.model, "loss")
    one, other = weights(project, whole), weights(project, resumed)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_stopped_before_its_first_step_leaves_nothing(project, small):
    task = Recorder()
    task.cancel()
    with pytest.raises(Cancelled):
        train(project, small, task)
    assert [m.kind for m in models.models(project, complete=False)] == ["base"]
    assert not list((project.path / "models").iterdir())


def test_a_finished_run_cannot_be_resumed(project, small):
    summary = train(project, small, Task())
    with pytest.raises(UserError, match="no interrupted run"):
        train(project, replace(small, resume=summary.model), Task())


@pytest.mark.parametrize(("looks", "kept"), [((0.5, 0.7, 0.7), 6), ((0.5, 0.7, 0.6), 4), ((0.5, 0.5, 0.5), 6)])
def test_of_steps_that_are_equally_good_the_later_is_kept(project, small, monkeypatch, looks, kept):
    from engine.train.work import EncoderWork

    told = iter(looks)
    monkeypatch.setattr(EncoderWork, "measure", lambda _work: next(told, 0.0))
    monkeypatch.setattr(EncoderWork, "measure_base", lambda _work: 0.9)
    assert train(project, replace(small, max_steps=6, eval_every=2, merge="off"), Task()).best_step == kept


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_a_loss_that_is_no_number_keeps_the_best_model(project, small, monkeypatch, bad):
    from engine.train.steps import Stepper

    whole = Stepper._backward

    def spoiled(self, batch, seed, loss_scale):
        loss = whole(self, batch, seed, loss_scale)
        spoiled.calls += 1
        return float(bad) if spoiled.calls > 5 else loss

    spoiled.calls = 0
    monkeypatch.setattr(Stepper, "_backward", spoiled)
    with pytest.raises(TrainingError, match=r"no number at step 6.*step 4, is kept"):
        train(project, small, Task())
    tuned = models.resolve_model(project, "tuned")
    assert tuned.summary["best_step"] == 4
    assert all(
        bool(weight.isfinite().all()) for weight in load_file(project.path / tuned.path / "model.safetensors").values()
    )


def test_a_mad_learning_rate_saves_nothing_that_is_no_number(project, small):
    with pytest.raises(TrainingError, match="no number"):
        train(project, replace(small, learning_rate=1e30), Task())
    for model in models.models(project, complete=False):
        if model.kind == "tuned":
            assert all(
                bool(w.isfinite().all()) for w in load_file(project.path / model.path / "model.safetensors").values()
            )


def test_patience_ends_a_run_that_gains_nothing(project, small):
    summary = train(project, replace(small, learning_rate=1e-9, eval_every=1, patience=2, max_steps=12), Task())
    assert (summary.stopped, summary.steps) == ("patience", 3)


def test_a_look_that_is_cancelled_while_the_guard_is_measured_counts_once(project, small, tmp_path, monkeypatch):
    with Project.create(tmp_path / "other") as other:
        fill(other)
    calm = replace(small, learning_rate=1e-9, eval_every=1, patience=2, guard=str(tmp_path / "other"))
    measured, measure = [], EncoderWork.measure_guard

    def cancelled_at_the_second_look(work):
        measured.append(work)
        if len(measured) == 3:  # the base comes first
            raise Cancelled
        return measure(work)

    monkeypatch.setattr(EncoderWork, "measure_guard", cancelled_at_the_second_look)
    with pytest.raises(Cancelled):
        train(project, calm, Task())
    (left,) = models.interrupted_models(project)
    summary = train(project, replace(calm, resume=left.id), Task())
    assert (summary.stopped, summary.steps) == ("patience", 3)


def test_a_guard_is_measured_before_and_after_without_dev_queries_too(project, small, tmp_path):
    with Project.create(tmp_path / "other") as other:
        fill(other)
    queries.set_splits(project, {query.id: Split.TRAIN for query in queries.representatives(project, Split.DEV)})
    task = Recorder()
    summary = train(project, replace(small, guard=str(tmp_path / "other")), task)
    assert [step for step, _ in task.points["guard_ndcg@10"]] == [0, 4, 8, 12]
    assert summary.guard_base == task.points["guard_ndcg@10"][0][1]


def test_a_time_limit_ends_a_run_and_keeps_the_best(project, small):
    summary = train(project, replace(small, minutes=1e-6), Task())
    assert (summary.stopped, summary.steps) == ("time", 1)
    assert models.model(project, summary.model).state is State.COMPLETE


def test_cached_objective_gives_the_same_losses(project, small):
    plain, cached = Recorder(), Recorder()
    train(project, small, plain)
    train(project, replace(small, objective="cached_mnrl"), cached)
    assert [v for _, v in cached.points["loss"]] == pytest.approx([v for _, v in plain.points["loss"]], abs=1e-4)


def test_scaled_gradients_give_the_same_model(project, small, monkeypatch):
    import engine.train.running as module

    plain, scaled = Recorder(), Recorder()
    train(project, small, plain)
    monkeypatch.setattr(module, "make_scaler", lambda *_: torch.amp.GradScaler("cpu", init_scale=1024.0))
    train(project, small, scaled)
    assert [v for _, v in scaled.points["loss"]] == pytest.approx([v for _, v in plain.points["loss"]], abs=1e-4)


def test_bf16_learns_too(project, small):
    summary = train(project, replace(small, precision="bf16", max_steps=30, epochs=10.0), Task())
    assert summary.dev > summary.dev_base


def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_stays(project, small, monkeypatch):
    from safetensors import torch as library

    save = library.save_file

    def full(tensors, path, *rest):
        if "checkpoint-000008" in str(path):
            raise OSError(28, "No space left on device")
        save(tensors, path, *rest)

    monkeypatch.setattr(library, "save_file", full)
    with pytest.raises(TrainingError, match=r"step 8 cannot be written: No space left"):
        train(project, small, Task())
    (interrupted,) = models.interrupted_models(project)
    checkpoints = Checkpoints(folder(project, interrupted.id) / "checkpoints")
    assert (checkpoints.newest(), checkpoints.steps()) == (4, [4])
    monkeypatch.setattr(library, "save_file", save)
    assert train(project, replace(small, resume=interrupted.id), Task()).steps == 12


def test_missing_negatives_and_dev_queries_are_told(project, small):
    queries.set_splits(project, dict.fromkeys(range(41, 53)))
    task = Recorder()
    summary = train(project, replace(small, max_steps=2), task)
    assert any("no hard negatives" in warning for warning in task.warnings)
    assert any("No dev query" in warning for warning in task.warnings)
    assert (summary.dev, summary.best_step) == (None, 2)


def test_the_tuned_folder_loads_in_sentence_transformers_with_equal_vectors(project, small):
    from sentence_transformers import SentenceTransformer

    summary = train(project, small, Task())
    tuned = models.model(project, summary.model)
    encoder = open_encoder(project, tuned, device="cpu", precision="fp32")
    reference = SentenceTransformer(str(project.path / tuned.path), device="cpu", local_files_only=True)
    texts = ["how to find red of blue", "the lamp"]
    assert np.abs(reference.encode(texts) - encoder.encode(texts, "query")).max() < 1e-6
    assert reference.max_seq_length == tuned.max_length == 64
    assert "Tuned from tiny" in (project.path / tuned.path / "README.md").read_text(encoding="utf-8")


def test_a_local_folder_can_be_the_base(project, small, tiny_folder):
    summary = train(project, replace(small, base=str(tiny_folder), max_steps=1), Task())
    assert models.model(project, models.model(project, summary.model).parent_id).path == str(tiny_folder)


def test_the_rate_goes_up_then_down_to_nearly_nothing():
    rates = [rate_at(step, 10, 0.2) for step in range(10)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_mixing_is_a_straight_line_between_weights():
    base, tuned = {"w": torch.tensor([0.0, 4.0])}, {"w": torch.tensor([2.0, 8.0])}
    assert mix_weights(base, tuned, 0.25)["w"].tolist() == [1.5, 7.0]
