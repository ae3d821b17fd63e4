"""A reranker from the same data: its losses, a run that goes on, and a folder that sentence-transformers loads."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.encode.models import folder_of
from engine.encode.rerankers import CrossEncoder
from engine.errors import Cancelled, FormatError, UserError
from engine.params import RerankerParams, ScoreParams
from engine.store import models, queries
from engine.store.documents import corpus, remove_documents
from engine.store.scores import scores
from engine.task import Task
from engine.train.reranking import list_loss, train_reranker
from engine.train.scripts import write_script
from engine.train.teaching import score_pairs
from engine.train.training import train
from tests.engine.train.test_scripts import repeat
from tests.engine.train.test_training import Recorder
from tests.tiny_model import WORDS

LOGITS = torch.tensor([2.0, 0.5, -1.0, 0.3, 0.9])
LABELS = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0])
STARTS = (0, 3)


@pytest.fixture
def mined(project):
    for query_id in range(1, 53):
        wrong = [1 + (query_id + 6) % 60, 1 + (query_id + 20) % 60]
        queries.put_imported_negatives(project, [(query_id, passage_id) for passage_id in wrong])
    return project


@pytest.fixture
def little():
    return RerankerParams(
        num_negatives=2, batch_size=8, max_length=48, learning_rate=1e-3, max_steps=8, epochs=4.0, eval_every=3,
        dev_queries=12, candidates=20, device="cpu", precision="fp32",
    )  # fmt: skip


def test_binary_loss_is_the_weighed_cross_entropy():
    p = 1 / (1 + np.exp(-LOGITS.numpy()))
    each = [-1.5 * np.log(p[0]), -np.log(1 - p[1]), -np.log(1 - p[2]), -1.5 * np.log(p[3]), -np.log(1 - p[4])]
    assert float(list_loss("binary", LOGITS, LABELS, STARTS)) == pytest.approx(np.mean(each), abs=1e-6)


def test_pairwise_loss_is_ranknet():
    first = np.mean([np.log1p(np.exp(0.5 - 2.0)), np.log1p(np.exp(-1.0 - 2.0))])
    second = np.log1p(np.exp(0.9 - 0.3))
    assert float(list_loss("pairwise", LOGITS, LABELS, STARTS)) == pytest.approx((first + second) / 2, abs=1e-6)


def test_listwise_loss_is_the_cross_entropy_of_the_list():
    first = np.log(np.exp([2.0, 0.5, -1.0]).sum()) - 2.0
    second = np.log(np.exp([0.3, 0.9]).sum()) - 0.3
    assert float(list_loss("listwise", LOGITS, LABELS, STARTS)) == pytest.approx((first + second) / 2, abs=1e-6)


@pytest.mark.parametrize("loss", ["binary", "pairwise", "listwise"])
def test_every_loss_trains_a_reranker(mined, little, loss):
    task = Recorder()
    summary = train_reranker(mined, replace(little, loss=loss, learning_rate=1e-2, max_steps=60, epochs=40.0), task)
    assert summary.kind == "reranker"
    losses = [value for _, value in task.points["loss"]]
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.005
    assert models.resolve_model(mined, "reranker").id == summary.model
    assert models.newest_tuned(mined) is None  # it is no encoder
    assert summary.model not in {model.id for model in models.models(mined)}


@pytest.mark.parametrize("loss", ["binary", "pairwise", "listwise"])
def test_a_script_repeats_a_reranker(mined, little, tmp_path, capsys, loss):
    run = models.model(mined, train_reranker(mined, replace(little, loss=loss), Task()).model)
    made = write_script(mined, run.id, str(tmp_path / "again"))
    assert made["command"].startswith(f"searchsmith reranker {mined.path}")
    assert f"loss={loss}" in made["command"] or loss == "binary"
    repeat(made["script"])
    assert f"step {run.summary['best_step']}: loss" in capsys.readouterr().out
    ours = load_file(folder_of(mined, run) / "model.safetensors")
    theirs = load_file(tmp_path / "again" / "model" / "model.safetensors")
    assert ours.keys() == theirs.keys()
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 3e-5


def test_a_reranker_whose_passages_were_removed_is_no_script(mined, little, tmp_path):
    summary = train_reranker(mined, replace(little, max_steps=1), Task())
    (document_id,) = mined.db.execute("select document_id from passages where id = 1").fetchone()
    remove_documents(mined, [document_id])
    with pytest.raises(UserError, match="data changed since"):
        write_script(mined, summary.model, str(tmp_path / "again"))


def test_a_reranker_goes_on_bit_for_bit(mined, little):
    whole = Recorder()
    train_reranker(mined, little, whole)
    with pytest.raises(Cancelled):
        train_reranker(mined, little, Recorder(stop_at=5))
    (left,) = models.interrupted_models(mined, kind="reranker")
    resumed = Recorder()
    train_reranker(mined, replace(little, resume=left.id), resumed)
    assert resumed.points["loss"] == whole.points["loss"][5:]


def test_sentence_transformers_gives_the_same_scores(mined, little):
    from sentence_transformers import CrossEncoder as Theirs

    summary = train_reranker(mined, little, Task())
    folder = folder_of(mined, models.model(mined, summary.model))
    pairs = [("how to find red of blue", "the red lamp"), ("what is a river", "the river in the cloud does make long")]
    ours = CrossEncoder.open(folder, device="cpu", precision="fp32").scores(pairs)
    theirs = Theirs(str(folder), device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_a_reranker_that_gains_nothing_is_measured_against_bm25(mined, little):
    task = Recorder()
    train_reranker(mined, replace(little, learning_rate=1e-9, max_steps=1), task)
    assert any("is not better than BM25's order" in warning for warning in task.warnings)


def test_scores_in_bf16_are_no_coarser_than_in_fp32(mined, little):
    summary = train_reranker(mined, little, Task())
    folder = folder_of(mined, models.model(mined, summary.model))
    pairs = [(" ".join(WORDS[n : n + 4]), " ".join(WORDS[n + 2 : n + 9])) for n in range(40)]
    exact, half = (CrossEncoder.open(folder, device="cpu", precision=each) for each in ("fp32", "bf16"))
    vars_before = [set(vars(module)) for module in half.model.modules()]
    scores = half.scores(pairs)
    assert scores == pytest.approx(exact.scores(pairs), abs=0.02)
    assert len(np.unique(scores)) == len(np.unique(exact.scores(pairs))) > 30
    assert [set(vars(module)) for module in half.model.modules()] == vars_before


def test_a_reranker_without_negatives_is_refused(project, little):
    with pytest.raises(UserError, match="No training query has a hard negative"):
        train_reranker(project, little, Task())


def test_a_reranker_told_to_take_no_negatives_is_not_sent_to_mine(mined, little):
    with pytest.raises(UserError, match="learns from hard negatives") as told:
        train_reranker(mined, replace(little, num_negatives=0), Task())
    assert "Set num_negatives" in told.value.hint


def test_a_reranker_reads_no_more_than_its_base_has_places_for(mined, little):
    asked = replace(little, max_length=512, max_steps=1)  # the base has 64 places
    model = models.model(mined, train_reranker(mined, asked, Task()).model)
    scorer = CrossEncoder.open(folder_of(mined, model), device="cpu", precision="fp32")
    assert scorer.max_length == 64
    long = " ".join(WORDS * 4)
    assert np.isfinite(scorer.scores([(long, long), (WORDS[0], long)])).all()


def test_an_encoder_does_not_start_from_a_reranker(mined, little, small):
    made = train_reranker(mined, replace(little, max_steps=1), Task())
    with pytest.raises(UserError, match="gives no vectors"):
        train(mined, replace(small, base=str(made.model)), Task())


def test_a_reranker_scores_pairs_for_a_pupil(mined, little):
    train_reranker(mined, little, Task())
    summary = score_pairs(mined, ScoreParams(), Task())
    assert summary.pairs == 40 * 3
    found = scores(mined, summary.source)
    assert len(found) == 40
    assert all(np.isfinite(list(pairs.values())).all() for pairs in found.values())


def test_scores_come_from_a_file_by_the_very_same_text(mined, tmp_path):
    query, passage = queries.representatives(mined)[0], corpus(mined).texts[0]
    lines = [{"query": query.text, "passage": passage, "score": 4.5}, {"query": "unknown", "passage": "x", "score": 1}]
    path = tmp_path / "scores.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    summary = score_pairs(mined, ScoreParams(path=str(path)), Task())
    assert (summary.pairs, summary.unknown) == (1, 1)
    assert list(scores(mined, "file scores.jsonl")[query.id].values()) == [4.5]


def test_a_line_without_a_score_is_named(mined, tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text('{"query": "a", "passage": "b"}\n', encoding="utf-8")
    with pytest.raises(FormatError, match="line 1"):
        score_pairs(mined, ScoreParams(path=str(path)), Task())


def test_scores_of_before_stay_where_a_file_is_damaged_or_the_scoring_is_cancelled(
    mined, little, tmp_path, monkeypatch
):
    line = {"query": queries.representatives(mined)[0].text, "passage": corpus(mined).texts[0], "score": 4.5}
    path = tmp_path / "scores.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    score_pairs(mined, ScoreParams(path=str(path)), Task())
    path.write_text((json.dumps({**line, "score": 1}) + "\n") * 500 + "no line\n", encoding="utf-8")
    with pytest.raises(FormatError, match="line 501"):
        score_pairs(mined, ScoreParams(path=str(path)), Task())
    assert list(scores(mined, "file scores.jsonl")[1].values()) == [4.5]
    train_reranker(mined, replace(little, max_steps=1), Task())
    source, task = score_pairs(mined, ScoreParams(), Task()).source, Recorder()
    before = scores(mined, source)
    monkeypatch.setattr("engine.train.teaching._BLOCK", 30)
    task.on_progress = lambda *told: task.cancel() if told[1] >= 60 else None
    with pytest.raises(Cancelled):
        score_pairs(mined, ScoreParams(), task)
    assert scores(mined, source) == before


def test_search_puts_first_hits_in_the_rerankers_order(mined, little):
    from engine.params import SearchParams
    from engine.search.searching import SearchEngine
    from engine.store.documents import passages

    train_reranker(mined, replace(little, max_steps=30, epochs=20.0), Task())
    engine, text = SearchEngine(mined), queries.representatives(mined)[0].text
    plain = engine.search(SearchParams(text=text, k=20, mode="bm25")).hits
    again = engine.search(SearchParams(text=text, k=5, mode="bm25", rerank=20)).hits
    found = passages(mined, [hit.passage_id for hit in plain])
    scorer = engine._again.encoder
    given = scorer.scores([(text, found[hit.passage_id].search_text) for hit in plain])
    expected = [plain[int(i)].passage_id for i in np.argsort(-given, kind="stable")[:5]]
    assert [hit.passage_id for hit in again] == expected
    assert [hit.rank for hit in again] == [1, 2, 3, 4, 5]
    assert all(0 <= hit.score <= 1 for hit in again)


def test_reranking_without_a_reranker_says_how_to_get_one(mined):
    from engine.params import SearchParams
    from engine.search.searching import SearchEngine

    with pytest.raises(UserError, match="no reranker yet") as refused:
        SearchEngine(mined).search(SearchParams(text="red", mode="bm25", rerank=10))
    assert "searchsmith reranker" in refused.value.hint
