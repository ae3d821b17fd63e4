"""One ranked list gives every convention's figures at any k; whole documents stand by their best passage."""

from __future__ import annotations

import numpy as np
import pytest

from engine.commands.evaluation import whole
from engine.errors import UserError
from engine.evaluate.figures import figures, maxp, named
from engine.evaluate.metrics import evaluate_rankings, judge, means

pytrec_eval = pytest.importorskip("pytrec_eval")

LISTS = {1: [11, 12, 21, 31], 2: [31, 32, 22], 3: []}
QRELS = {1: {21: 2, 22: 1}, 2: {12: 1}, 3: {11: 1}}
DOCUMENTS = {11: 1, 12: 1, 21: 2, 22: 2, 31: 3, 32: 3}


def test_every_convention_stands_beside_the_others_at_any_k():
    found = figures(LISTS, QRELS, judge(LISTS, QRELS), {}, (2, 7))
    assert list(found) == ["trec_eval", "sentence-transformers", "PaddleNLP"]
    for convention, values in found.items():
        assert values == means(evaluate_rankings(LISTS, QRELS, ks=(2, 7), convention=convention))


def test_names_tell_the_convention():
    kept = named({"trec_eval": {"ndcg@10": 0.5}, "MaxP": {"ndcg@10": 0.6}})
    assert kept == {"ndcg@10": 0.5, "MaxP/ndcg@10": 0.6}


def test_a_document_stands_where_its_best_passage_stands():
    measured = maxp(LISTS, QRELS, DOCUMENTS, (1, 2))
    assert measured["hit_rate@1"].tolist() == [0, 0, 0]
    assert measured["hit_rate@2"].tolist() == [1, 0, 0]  # documents of query 1: 1, 2, 3
    assert measured["mrr@2"].tolist() == [0.5, 0, 0]


def test_maxp_equals_pytrec_eval_on_documents():
    rng = np.random.default_rng(3)
    lists = {q: rng.permutation(60)[:30].tolist() for q in range(20)}
    qrels = {q: {int(p): int(rng.integers(1, 4)) for p in rng.choice(60, 4, replace=False)} for q in range(20)}
    documents = {p: p // 5 for p in range(60)}
    run, gold = {}, {}
    for q, passages in lists.items():
        run[str(q)] = {}
        for rank, p in enumerate(passages):
            run[str(q)].setdefault(f"d{documents[p]}", 100.0 - rank)
        gold[str(q)] = {}
        for p, grade in qrels[q].items():
            name = f"d{documents[p]}"
            gold[str(q)][name] = max(grade, gold[str(q)].get(name, 0))
    theirs = pytrec_eval.RelevanceEvaluator(gold, {"ndcg_cut.10"}).evaluate(run)
    expected = [theirs[str(q)]["ndcg_cut_10"] for q in lists]
    np.testing.assert_allclose(maxp(lists, qrels, documents, (10,))["ndcg@10"], expected, atol=1e-9, rtol=0)


def test_a_cut_off_is_a_number_from_one_on():
    assert whole("20") == 20
    with pytest.raises(UserError, match="'0' is no cut-off"):
        whole("0")
