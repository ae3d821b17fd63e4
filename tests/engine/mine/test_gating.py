"""A reranker reads the candidates near the cut: its scores are kept, gone on with, and hold likely answers back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import Cancelled, ModelError, UserError
from engine.mine import gating, mining
from engine.mine.gating import near_the_cut, score_candidates
from engine.mine.mining import mine
from engine.mine.reporting import needed_mining, rules_of
from engine.mine.showing import shown
from engine.params import GateParams, MineParams, SelectParams
from engine.records import Split
from engine.store import documents, negatives, queries
from engine.store.candidates import Flag, read_candidates
from engine.store.gates import read_gate
from engine.store.selection import CandidateState, select
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, bag_vectors, judge, new_project
from tests.tiny_model import WORDS, build_tiny_model

RULES = SelectParams(num_negatives=2, max_doubt=2, relative_margin=-9)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two small cross-encoders of other weights, and an encoder that is none."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    found = []
    for seed in (3, 4):
        folder = tmp_path_factory.mktemp("models")
        build_tiny_model(folder / "encoder", seed=seed)
        plain = folder / "encoder-plain"
        import torch

        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_pretrained(plain, num_labels=1)
        with torch.no_grad():  # so that scores differ from pair to pair
            model.classifier.weight.mul_(60)
        model.save_pretrained(folder / "cross")
        AutoTokenizer.from_pretrained(plain).save_pretrained(folder / "cross")
        found.append(folder / "cross")
    return (*found, folder / "encoder-plain")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(mining, "_vectors", lambda _p, _m, asked, texts, _t: (bag_vectors(asked), bag_vectors(texts)))
    with new_project(tmp_path / "p") as project:
        rng = np.random.default_rng(5)
        passages = add_passages(project, [" ".join(rng.choice(WORDS, 12)) + f" {n}" for n in range(60)])
        asked = add_queries(project, [" ".join(rng.choice(WORDS, 5)) for _ in range(12)], split=Split.TRAIN)
        judge(project, *((q, p, 1) for q, p in zip(asked, passages, strict=False)))
        mine(project, MineParams(depth=30, select=RULES), Task())
        yield project


def oracle(project, folder):
    """Scores of all candidates as sentence-transformers gives them."""
    from sentence_transformers import CrossEncoder

    candidates = read_candidates(project, 1)
    number = candidates.query_numbers()
    pairs = [
        (queries.query(project, int(candidates.queries[n])).text, documents.passages(project, [int(p)])[int(p)].search_text)
        for n, p in zip(number, candidates.passage_id, strict=True)
    ]  # fmt: skip
    return CrossEncoder(str(folder), device="cpu", max_length=64).predict(pairs, show_progress_bar=False)


def test_scores_are_kept_with_the_candidates_and_equal_sentence_transformers(project, folders):
    summary = score_candidates(project, GateParams(reranker=str(folders[0]), per_query=6), Task())
    candidates = read_candidates(project, 1)
    read = ~np.isnan(candidates.reranked)
    assert summary.scored == read.sum() > 0
    assert (summary.queries, summary.known, summary.gate) == (12, 0, "off")
    np.testing.assert_allclose(candidates.reranked[read], oracle(project, folders[0])[read], atol=1e-5)
    assert read[(candidates.flags & np.uint8(Flag.ANSWER)) > 0].all()
    scored = {row["passage"]: row["reranked"] for row in shown(project, "1")["candidates"]}
    rows = candidates.rows_of(1)
    expected = zip(candidates.passage_id[rows].tolist(), candidates.reranked[rows].tolist(), strict=True)
    assert scored == {p: None if np.isnan(score) else pytest.approx(score, abs=1e-4) for p, score in expected}


@pytest.mark.parametrize("gate", ["score", "share"])
def test_the_gate_holds_back_what_the_reranker_takes_for_an_answer(project, folders, gate):
    scores = oracle(project, folders[0])
    at = round(float(np.median(scores)), 3) if gate == "score" else 0.97
    summary = score_candidates(
        project, GateParams(reranker=str(folders[0]), per_query=6, gate=gate, gate_at=at), Task()
    )
    assert summary.unread == 0
    candidates = read_candidates(project, 1)
    number = candidates.query_numbers()
    answers = (candidates.flags & np.uint8(Flag.ANSWER)) > 0
    lowest = {int(q): min(scores[answers & (number == q)]) for q in np.unique(number)}
    limit = np.array([at if gate == "score" else at * lowest[int(q)] for q in number])
    kept = negatives.negatives(project, 1)
    assert rules_of(needed_mining(project)).gate == gate
    for negative in kept:
        rows = candidates.rows_of(negative.query_id)
        place = rows.start + int(np.flatnonzero(candidates.passage_id[rows] == negative.passage_id)[0])
        assert not np.isnan(candidates.reranked[place])  # what moved up was read, too
        assert scores[place] < limit[place]
    held = select(candidates, replace(RULES, gate=gate, gate_at=at))
    gated = np.flatnonzero(held.states == list(CandidateState).index(CandidateState.GATED))
    assert summary.gated == len(gated) > 0
    assert (scores[gated] >= limit[gated] - 1e-6).all()
    assert held.held[gated].all()


def test_the_gate_changes_nothing_before_a_reranker_has_read(project):
    candidates = read_candidates(project, 1)
    with_gate = select(candidates, replace(RULES, gate="score", gate_at=0.0))
    np.testing.assert_array_equal(with_gate.states, select(candidates, RULES).states)


def test_what_was_read_is_not_read_again_and_another_reranker_starts_anew(project, folders):
    first = score_candidates(project, GateParams(reranker=str(folders[0]), per_query=4), Task())
    again = score_candidates(project, GateParams(reranker=str(folders[0]), per_query=4), Task())
    more = score_candidates(project, GateParams(reranker=str(folders[0]), per_query=8), Task())
    other = score_candidates(project, GateParams(reranker=str(folders[1]), per_query=4), Task())
    assert (again.scored, again.known) == (0, first.scored)
    assert more.known == first.scored
    assert more.scored > 0
    assert (other.known, other.scored) == (0, first.scored)


def test_a_job_that_was_ended_loses_one_block_at_most(project, folders, monkeypatch):
    monkeypatch.setattr(gating, "PAIRS", 10)
    blocks = []

    class Ends(Task):
        def on_progress(self, stage, done, total, note):
            if stage == gating.STAGE and done:
                blocks.append(done)
                if done == 30:
                    raise Cancelled

    with pytest.raises(Cancelled):
        score_candidates(project, GateParams(reranker=str(folders[0]), per_query=5), Ends())
    assert read_gate(project, 1) is None  # half a reading is never shown
    summary = score_candidates(project, GateParams(reranker=str(folders[0]), per_query=5), Task())
    assert summary.known == 30
    scores = read_gate(project, 1).scores
    read = ~np.isnan(scores)
    np.testing.assert_allclose(scores[read], oracle(project, folders[0])[read], atol=1e-5)
    assert not list((project.path / "minings" / "1").glob("unfinished*"))


def test_the_chosen_are_read_first_then_those_nearest_to_the_margin(project):
    candidates = read_candidates(project, 1)
    rules = replace(RULES, relative_margin=0.4)
    selection = select(candidates, rules)
    rows = near_the_cut(candidates, selection, rules, 5)
    for number in range(len(candidates.queries)):
        mine_ = rows[(rows >= candidates.starts[number]) & (rows < candidates.starts[number + 1])]
        answers = (candidates.flags[mine_] & np.uint8(Flag.ANSWER)) > 0
        others = mine_[~answers]
        assert len(others) == 5
        chosen = np.flatnonzero(selection.chosen[candidates.starts[number] : candidates.starts[number + 1]])
        assert set(chosen + candidates.starts[number]) <= set(others)


def test_what_is_no_reranker_is_refused(project, folders, tmp_path):
    with pytest.raises(ModelError, match="no head that scores"):
        score_candidates(project, GateParams(reranker=str(folders[2])), Task())
    with pytest.raises(UserError, match="no reranker yet"):
        score_candidates(project, GateParams(), Task())
    with pytest.raises(UserError, match="is no reranker"):
        score_candidates(project, GateParams(reranker="1"), Task())
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertForSequenceClassification"]}))
    with pytest.raises(ModelError, match="holds no weights"):
        score_candidates(project, GateParams(reranker=str(tmp_path)), Task())
