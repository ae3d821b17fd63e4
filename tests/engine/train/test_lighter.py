"""LoRA, frozen layers, recomputation, prompts and the guard: what larger models and careful people need."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from engine.encode.models import folder_of
from engine.errors import Cancelled, UserError
from engine.store import models
from engine.store.project import Project
from engine.task import Task
from engine.train.training import train
from tests.engine.train.conftest import fill
from tests.engine.train.test_training import Recorder, weights


def start(project):
    return load_file(folder_of(project, models.base_model(project)) / "model.safetensors")


def changed(project, summary):
    before, after = start(project), weights(project, summary)
    return {name for name in after if name in before and not torch.equal(after[name], before[name])}


def test_lora_is_merged_into_plain_weights(project, small):
    from engine.encode.models import open_encoder

    summary = train(project, replace(small, lora_rank=4, merge="off"), Task())
    assert set(weights(project, summary)) == set(start(project))
    moved = changed(project, summary)
    assert moved
    assert all("embeddings" not in name and name.endswith("weight") for name in moved)
    assert all(
        torch.linalg.matrix_rank(weights(project, summary)[n] - start(project)[n], atol=1e-5) <= 4 for n in moved
    )
    open_encoder(project, models.model(project, summary.model), device="cpu")


def test_lora_goes_on_bit_for_bit_and_measures_what_it_saves(project, small):
    small = replace(small, lora_rank=4, merge="off")
    whole_task = Recorder()
    whole = train(project, small, whole_task)
    with pytest.raises(Cancelled):
        train(project, small, Recorder(stop_at=7))
    (left,) = models.interrupted_models(project)
    resumed = train(project, replace(small, resume=left.id), Task())
    one, other = weights(project, whole), weights(project, resumed)
    assert all(torch.equal(one[name], other[name]) for name in one)
    again = train(project, replace(small, base=str(whole.model), lora_rank=0, max_steps=1), Task())
    assert again.dev_base == pytest.approx(whole.dev, abs=1e-6)


@pytest.mark.parametrize("adapter", ["lora", "dora", "loha"])
def test_adapters_learn_and_leave_plain_weights(project, small, adapter):
    small = replace(small, lora_rank=8, adapter=adapter, max_steps=60, epochs=20.0, learning_rate=5e-3, merge="off")
    summary = train(project, small, Task())
    assert summary.dev > summary.dev_base + 0.05
    assert set(weights(project, summary)) == set(start(project))


@pytest.mark.parametrize("adapter", ["dora", "loha"])
def test_an_adapter_without_a_rank_is_refused(project, small, adapter):
    with pytest.raises(UserError, match=f"adapter={adapter} does nothing without a rank"):
        train(project, replace(small, adapter=adapter), Task())
    assert models.model(project, 2) is None or models.model(project, 2).kind != "tuned"


@pytest.mark.parametrize(("adapter", "kind"), [("lora", "LoraModel"), ("dora", "LoraModel"), ("loha", "LoHaModel")])
def test_each_adapter_is_what_it_is_called(project, small, adapter, kind):
    from engine.encode.folders import read_facts
    from engine.encode.models import load_checked
    from engine.train.lighter import make_lighter

    folder = folder_of(project, models.base_model(project))
    model = load_checked(folder, read_facts(folder))
    make_lighter(model, replace(small, lora_rank=4, adapter=adapter))
    made = model[0].auto_model
    assert type(made.base_model).__name__ == kind
    assert any("magnitude" in name for name, _ in made.named_parameters()) == (adapter == "dora")
    trained = [name for name, weight in made.named_parameters() if weight.requires_grad]
    assert trained
    assert all("lora_" in name or "hada_" in name for name in trained)


def test_frozen_layers_keep_their_weights(project, small):
    summary = train(project, replace(small, freeze_layers=1, merge="off"), Task())
    moved = changed(project, summary)
    assert moved
    assert all("layer.1." in name for name in moved)


def test_more_frozen_layers_than_there_are_is_refused(project, small):
    with pytest.raises(UserError, match="The model has 2 layers"):
        train(project, replace(small, freeze_layers=2), Task())


def test_recomputation_gives_the_same_losses(project, small):
    plain, again = Recorder(), Recorder()
    train(project, small, plain)
    train(project, replace(small, gradient_checkpointing="on"), again)
    assert [v for _, v in again.points["loss"]] == pytest.approx([v for _, v in plain.points["loss"]], abs=1e-5)


def test_prompts_given_by_hand_are_read_and_kept(project, small):
    summary = train(project, replace(small, query_prompt="what is ", passage_prompt="the ", max_steps=2), Task())
    from engine.encode.folders import read_facts

    facts = read_facts(folder_of(project, models.model(project, summary.model)))
    assert (facts.prompts["query"], facts.prompts["passage"]) == ("what is ", "the ")
    assert models.model(project, summary.model).summary["prompts"]["query"] == "what is "
    assert models.model(project, summary.model).summary["pooling"] == "mean"


def test_a_guard_is_measured_beside(project, small, tmp_path):
    with Project.create(tmp_path / "other") as other:
        fill(other)
    task = Recorder()
    summary = train(project, replace(small, guard=str(tmp_path / "other"), merge="off"), task)
    assert [step for step, _ in task.points["guard_ndcg@10"]] == [0, 4, 8, 12]
    assert summary.guard == pytest.approx(summary.dev, abs=1e-6)  # the same texts and questions
    assert summary.guard_base == pytest.approx(summary.dev_base, abs=1e-6)


def test_replayed_queries_make_up_their_share_of_each_batch(project, small, tmp_path):
    from engine.train.sources import open_source

    with Project.create(tmp_path / "other") as other:
        fill(other)
    params = replace(small, replay=str(tmp_path / "other"), replay_share=0.25)
    batch = next(open_source(project, params, Task()).batches(0))
    assert len(batch.queries) == 8
    assert not batch.blocked[range(8), range(8)].any()
    for place, text in enumerate(batch.passages):
        if text in batch.passages[:place]:  # the two projects hold the same texts here
            assert batch.blocked[[i for i in range(8) if i != place], place].all()
    assert train(project, params, Task()).steps == 12


@pytest.mark.parametrize("objective", ["simcse", "cosent"])
def test_an_objective_that_replays_nothing_says_so(project, small, tmp_path, objective):
    with pytest.raises(UserError, match="cannot replay"):
        train(project, replace(small, objective=objective, replay=str(tmp_path / "other")), Task())
    assert [model.kind for model in models.models(project, complete=False)] == ["base"]


def test_batches_joined_point_at_their_own_passages():
    import numpy as np

    from engine.train.examples import Batch
    from engine.train.sources import joined

    def of(names, count):
        queries, passages = [f"q{n}" for n in names], [f"p{n}" for n in names] + [f"n{n}" for n in names]
        rows = np.array([(i, count + i) for i in range(count)])
        blocked = np.zeros((count, 2 * count), bool)
        blocked[0, -1] = True
        return Batch(queries, passages, blocked, rows)

    made = joined(of("ab", 2), of("xyz", 3))
    assert made.queries == ["qa", "qb", "qx", "qy", "qz"]
    assert made.passages[:5] == ["pa", "pb", "px", "py", "pz"]
    assert [(made.queries[q], made.passages[p]) for q, p in made.rows] == [
        ("qa", "na"), ("qb", "nb"), ("qx", "nx"), ("qy", "ny"), ("qz", "nz"),
    ]  # fmt: skip
    assert [(made.queries[q], made.passages[p]) for q, p in np.argwhere(made.blocked)] == [("qa", "nb"), ("qx", "nz")]


def test_an_answer_that_a_joined_batch_holds_twice_is_no_negative_of_its_own_query():
    import numpy as np

    from engine.train.examples import Batch
    from engine.train.sources import joined

    one = Batch(["a", "b"], ["pa", "pb", "shared", "too"], np.zeros((2, 4), bool))
    right_too = np.array([[False, False, True], [False, False, False]])  # "too" answers x beside its own answer
    made = joined(one, Batch(["x", "y"], ["shared", "py", "too"], right_too))
    seen = {query: {made.passages[p] for p in np.flatnonzero(~made.blocked[q])} for q, query in enumerate(made.queries)}
    first = {q: made.passages.index(text) for q, text in (("x", "shared"), ("y", "py"))}
    assert seen["x"] == {"pa", "pb", "py", "shared"}
    assert "shared" in seen["y"] & seen["a"] & seen["b"]
    places = [place for place, text in enumerate(made.passages) if text == "shared"]
    assert [bool(made.blocked[2, place]) for place in places] == [place != first["x"] for place in places]
