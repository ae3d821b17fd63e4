"""How much each side counts in hybrid search is chosen on dev queries, kept, and used wherever both are joined."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluate.evaluation import evaluate
from engine.evaluate.joining import SHARES, best_share, choose_share
from engine.evaluate.ranking import DistinctTexts
from engine.evaluate.systems import Rankers
from engine.params import EvaluateParams, SearchParams
from engine.records import Qrel, Split
from engine.search.searching import SearchEngine
from engine.store import documents, models, queries, runs
from engine.store.queries import NewQuery
from engine.store.shares import HALF, HybridShare, hybrid_share, keep_hybrid_share, sentence_of_run, share_of
from engine.task import Task
from gui.pages.search.facts import read_facts
from tests.engine.small_world import TOPICS


@pytest.fixture
def project(small_world):
    """20 dev queries of two topics each, whose answer is what the tuned model finds first and BM25 does not."""
    engine = SearchEngine(small_world)
    texts = [f"{a.split()[0]} {b.split()[3]}" for a in TOPICS[:6] for b in TOPICS[6:]]
    firsts = [
        [engine.search(SearchParams(text=text, mode=mode, model="tuned")).hits[0].passage_id for text in texts]
        for mode in ("bm25", "dense")
    ]
    told = [(text, answer) for text, words, answer in zip(texts, *firsts, strict=True) if words != answer][:20]
    new = queries.put_queries(small_world, [NewQuery(text) for text, _ in told], import_id=1)
    queries.put_qrels(small_world, [Qrel(query, answer, 1) for (query, _), (_, answer) in zip(new, told, strict=True)])
    queries.set_splits(small_world, {query: Split.DEV for query, _ in new})
    return small_world


def scores(**rows):
    """(9, n): the given shares' rows, 0.5 for each query elsewhere."""
    n = len(next(iter(rows.values())))
    found = np.full((len(SHARES), n), 0.5)
    for name, row in rows.items():
        found[SHARES.index(int(name[1:]) / 10)] = row
    return found


def test_a_share_that_is_clearly_best_is_taken():
    assert SHARES[best_share(scores(s8=[0.9] * 30, s7=[0.8] * 30))] == 0.8


def test_of_shares_within_a_standard_error_of_the_best_the_nearest_to_half_is_taken():
    even = [0.5, 0.6] * 15
    lucky = [0.5, 0.6] * 14 + [1.0, 0.6]  # one query alone: its standard error is its mean
    assert SHARES[best_share(scores(s5=even, s6=even, s9=lucky))] == HALF
    assert SHARES[best_share(scores(s3=[0.9] * 30, s2=[0.9] * 30))] == 0.3


def test_of_two_shares_as_near_to_half_the_one_that_scores_more_is_taken():
    better = [0.9] * 29 + [0.91]
    assert SHARES[best_share(scores(s4=[0.9] * 30, s6=better))] == 0.6
    assert SHARES[best_share(scores(s4=better, s6=[0.9] * 30))] == 0.4


def test_the_share_is_chosen_on_dev_queries_and_holds_for_evaluation_and_search(project):
    tuned = models.newest_tuned(project)
    engine = SearchEngine(project)
    ask = SearchParams(text="chess bishop", mode="hybrid", model="tuned", k=5)
    before = [hit.score for hit in engine.search(ask).hits]
    assert share_of(project, tuned) == HALF
    summary = evaluate(project, EvaluateParams(systems=("tuned", "hybrid")), Task())
    chosen = hybrid_share(project, tuned)
    assert chosen.queries == 20
    assert chosen.model > HALF
    assert chosen.ndcg > chosen.ndcg_half
    percent = round(100 * chosen.model)
    assert f"the model {percent} % and BM25 {100 - percent} %" in summary.joined
    assert [hit.score for hit in engine.search(ask).hits] != before
    found = next(system for system in read_facts(project).systems if system.key == "hybrid")
    assert found.fact == f"{percent} % round 1 + {100 - percent} % BM25"


def test_a_run_says_how_it_was_weighed_until_something_else_is_chosen(project):
    tuned = models.newest_tuned(project)
    summary = evaluate(project, EvaluateParams(systems=("tuned", "hybrid")), Task())
    run = runs.run_of_system(project, "hybrid")
    assert sentence_of_run(project, run) == summary.joined
    assert sentence_of_run(project, runs.run_of_system(project, "tuned")) == ""
    keep_hybrid_share(project, tuned, HybridShare(0.2, 20, 0.5, 0.4, tuned.weights_digest, "other"))
    assert sentence_of_run(project, run) == ""


def test_the_choice_is_made_anew_only_where_what_it_depends_on_changed(project, monkeypatch):
    evaluate(project, EvaluateParams(systems=("hybrid",)), Task())
    tuned = models.newest_tuned(project)
    first = hybrid_share(project, tuned)
    rankers = Rankers(project, DistinctTexts.of(documents.corpus(project)), {}, 100, Task())
    with monkeypatch.context() as patched:
        patched.setattr(Rankers, "both", lambda *_: pytest.fail("ranked again"))
        assert choose_share(project, tuned, rankers) == first
    asked = queries.representatives(project, Split.TEST)
    queries.set_splits(project, {asked[0].id: Split.DEV})
    assert choose_share(project, tuned, rankers).queries == 21


def test_a_hybrid_run_of_another_share_is_not_taken_for_the_new_one(project):
    evaluate(project, EvaluateParams(systems=("hybrid",)), Task())
    first = runs.run_of_system(project, "hybrid").id
    evaluate(project, EvaluateParams(systems=("hybrid",)), Task())
    assert runs.run_of_system(project, "hybrid").id == first
    tuned = models.newest_tuned(project)
    chosen = hybrid_share(project, tuned)
    other = HybridShare(0.2, chosen.queries, chosen.ndcg, chosen.ndcg_half, chosen.weights, chosen.content)
    keep_hybrid_share(project, tuned, other)
    evaluate(project, EvaluateParams(systems=("hybrid",)), Task())
    assert runs.run_of_system(project, "hybrid").id != first


def test_with_few_dev_queries_it_stays_half_and_half(project):
    asked = queries.representatives(project, Split.DEV)
    queries.set_splits(project, {asked[0].id: Split.TEST})
    summary = evaluate(project, EvaluateParams(systems=("hybrid",)), Task())
    assert hybrid_share(project, models.newest_tuned(project)) is None
    assert summary.joined == ""
