"""Every measure equals the reference library's on random runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evaluate.metrics import evaluate_rankings, judge, means, measure, ndcg_at

KS = (1, 3, 5, 10, 20)


def random_world(seed: int, *, max_grade: int = 3) -> tuple[dict[int, list[int]], dict[int, dict[int, int]]]:
    """Rankings of 0 to 30 of 60 passages for 40 queries, 1 to 12 positives each, some judged 0, some queries unranked."""
    rng = np.random.default_rng(seed)
    rankings: dict[int, list[int]] = {}
    qrels: dict[int, dict[int, int]] = {}
    for query in range(40):
        judged = rng.choice(60, size=rng.integers(1, 15), replace=False)
        grades = rng.integers(0, max_grade + 1, size=len(judged))
        grades[0] = max(1, grades[0])
        qrels[query] = {int(p): int(g) for p, g in zip(judged, grades, strict=True)}
        if rng.random() < 0.8:
            rankings[query] = [int(p) for p in rng.permutation(60)[: rng.integers(0, 31)]]
    return rankings, qrels


def trec(rankings, qrels, measures):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    # trec_eval reads the order from scores alone; strictly falling scores leave its tie rule (higher docno first) out
    run = {str(q): {str(p): float(-i) for i, p in enumerate(ranked)} for q, ranked in rankings.items()}
    gold = {str(q): {str(p): g for p, g in judged.items()} for q, judged in qrels.items()}
    return pytrec_eval.RelevanceEvaluator(gold, measures).evaluate(run)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("ndcg@{}", "ndcg_cut"),
        ("map@{}", "map_cut"),
        ("precision@{}", "P"),
        ("recall@{}", "recall"),
        ("hit_rate@{}", "success"),
    ],
)
def test_trec_eval_convention_equals_pytrec_eval(seed, ours, theirs):
    rankings, qrels = random_world(seed)
    cuts = ",".join(str(k) for k in KS)
    gold = trec(rankings, qrels, {f"{theirs}.{cuts}"})
    measured = evaluate_rankings(rankings, qrels, ks=KS)
    for k in KS:
        expected = [gold.get(str(query), {}).get(f"{theirs}_{k}", 0.0) for query in qrels]
        np.testing.assert_allclose(measured[ours.format(k)], expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_mrr_equals_pytrec_eval_on_the_cut_list(seed):
    rankings, qrels = random_world(seed)
    for k in KS:
        gold = trec({q: ranked[:k] for q, ranked in rankings.items()}, qrels, {"recip_rank"})
        expected = [gold.get(str(query), {}).get("recip_rank", 0.0) for query in qrels]
        np.testing.assert_allclose(evaluate_rankings(rankings, qrels, ks=(k,))[f"mrr@{k}"], expected, atol=1e-9, rtol=0)


def tied_world(seed: int):
    """The random judgements, with rankings from scores of few values: score, then id, as this program ranks."""
    rankings, qrels = random_world(seed)
    rng = np.random.default_rng(seed + 100)
    scores = {query: rng.integers(0, 5, 60) / 4 for query in rankings}
    ranked = {query: np.lexsort((np.arange(60), -found))[:30].tolist() for query, found in scores.items()}
    return ranked, qrels, scores


@pytest.mark.parametrize("seed", range(3))
def test_ties_count_as_in_pytrec_eval_where_its_names_sort_like_our_ids(seed):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rankings, qrels, scores = tied_world(seed)
    name = {passage: f"{99 - passage}" for passage in range(60)}  # trec_eval puts the higher docno first
    run = {str(q): {name[p]: float(scores[q][p]) for p in ranked} for q, ranked in rankings.items()}
    gold = {str(q): {name[p]: g for p, g in judged.items()} for q, judged in qrels.items()}
    found = pytrec_eval.RelevanceEvaluator(gold, {"ndcg_cut.10", "map_cut.10", "recall.10", "P.10"}).evaluate(run)
    ours = evaluate_rankings(rankings, qrels, ks=(10,))
    pairs = {"ndcg": "ndcg_cut", "map": "map_cut", "recall": "recall", "precision": "P"}
    for mine, theirs in pairs.items():
        expected = [found.get(str(query), {}).get(f"{theirs}_10", 0.0) for query in qrels]
        np.testing.assert_allclose(ours[f"{mine}@10"], expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize(("seed", "tied"), [(0, False), (1, False), (2, False), (3, True), (4, True)])
def test_sentence_transformers_convention_equals_its_evaluator(seed, tied):
    evaluation = pytest.importorskip("sentence_transformers.evaluation")
    rankings, qrels = random_world(seed)
    scores: dict[int, np.ndarray] = {}
    if tied:
        rankings, qrels, scores = tied_world(seed)
    evaluator = evaluation.InformationRetrievalEvaluator(
        queries={str(q): "" for q in qrels},
        corpus={f"{p:02}": "" for p in range(60)},
        relevant_docs={str(q): {f"{p:02}" for p, g in judged.items() if g > 0} for q, judged in qrels.items()},
        mrr_at_k=list(KS),
        ndcg_at_k=list(KS),
        accuracy_at_k=list(KS),
        precision_recall_at_k=list(KS),
        map_at_k=list(KS),
    )
    results = [
        [
            {"corpus_id": f"{p:02}", "score": float(scores[int(q)][p]) if tied else -float(place)}
            for place, p in enumerate(rankings.get(int(q), []))
        ]
        for q in evaluator.queries_ids
    ]
    gold = evaluator.compute_metrics(results)
    ours = means(evaluate_rankings(rankings, qrels, ks=KS, convention="sentence-transformers"))
    names = {
        "hit_rate": "accuracy",
        "precision": "precision",
        "recall": "recall",
        "mrr": "mrr",
        "ndcg": "ndcg",
        "map": "map",
    }
    for k in KS:
        for mine, theirs in names.items():
            assert ours[f"{mine}@{k}"] == pytest.approx(float(gold[f"{theirs}@k"][k]), abs=1e-9), f"{mine}@{k}"


def test_sentence_transformers_divides_map_by_the_smaller_of_k_and_positives():
    rankings, qrels = {1: [10, 11]}, {1: {10: 1, 12: 1, 13: 1}}
    assert evaluate_rankings(rankings, qrels, ks=(2,), convention="sentence-transformers")["map@2"][0] == 0.5
    assert evaluate_rankings(rankings, qrels, ks=(2,))["map@2"][0] == pytest.approx(1 / 3)


def paddlenlp(scores, answers, ks):
    """`embedding_evaluate.py` in its own steps: one answer a query; nDCG's ideal is built from the list as it came."""
    found = {f"{name}@{k}": [] for name in ("hit_rate", "mrr", "ndcg") for k in ks}
    for row, answer in zip(scores, answers, strict=True):
        hits = [int(column == answer) for column in np.argsort(-row, kind="stable")]
        for k in ks:
            gains = [hit / math.log2(place + 2) for place, hit in enumerate(hits[:k])]
            ideal = [hit / math.log2(place + 2) for place, hit in enumerate(sorted(hits[:k], reverse=True))]
            found[f"hit_rate@{k}"].append(float(sum(hits[:k]) > 0))
            found[f"mrr@{k}"].append(max((hit / (place + 1) for place, hit in enumerate(hits[:k])), default=0.0))
            found[f"ndcg@{k}"].append(sum(gains) / sum(ideal) if sum(ideal) else 0.0)
    return {name: float(np.mean(values)) for name, values in found.items()}


@pytest.mark.parametrize("seed", range(5))
def test_paddlenlp_convention_equals_its_script_on_random_scores_with_ties(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 15, size=(40, 60)) / 15  # few values: many ties, which go by id
    _, qrels = random_world(seed)
    answers = [next(passage for passage, grade in judged.items() if grade > 0) for judged in qrels.values()]
    rankings = {query: np.argsort(-row, kind="stable")[:30].tolist() for query, row in enumerate(scores)}
    ours = means(evaluate_rankings(rankings, qrels, ks=KS, convention="PaddleNLP"))
    assert ours == pytest.approx(paddlenlp(scores, answers, KS), abs=1e-9)


def test_paddlenlp_convention_follows_the_rank_of_the_first_answer():
    measured = evaluate_rankings(
        {1: [5, 6, 7], 2: [9], 3: [4, 3, 2, 1]},
        {1: {7: 1, 5: 1}, 2: {8: 1}, 3: {1: 2}},
        ks=(1, 3, 5),
        convention="PaddleNLP",
    )
    assert measured["hit_rate@1"].tolist() == [0, 0, 0]
    assert measured["hit_rate@3"].tolist() == [1, 0, 0]
    assert measured["mrr@5"].tolist() == pytest.approx([1 / 3, 0, 1 / 4])
    assert measured["ndcg@5"].tolist() == pytest.approx([1 / math.log2(4), 0, 1 / math.log2(5)])
    assert set(measured) == {f"{name}@{k}" for name in ("hit_rate", "mrr", "ndcg") for k in (1, 3, 5)}


def test_capped_recall_is_full_when_every_place_holds_a_positive():
    measured = evaluate_rankings({1: [1, 2]}, {1: {1: 1, 2: 1, 3: 1}}, ks=(2, 3))
    assert measured["capped_recall@2"][0] == 1.0
    assert measured["recall@2"][0] == pytest.approx(2 / 3)
    assert measured["capped_recall@3"][0] == pytest.approx(2 / 3)


def test_graded_ndcg_has_linear_gain_by_hand():
    measured = evaluate_rankings({1: [2, 1]}, {1: {1: 3, 2: 1}}, ks=(10,))
    assert measured["ndcg@10"][0] == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


def test_query_without_a_ranking_counts_zero():
    measured = evaluate_rankings({1: [10], 2: []}, {1: {10: 1}, 2: {10: 1}, 3: {10: 1}}, ks=(10,))
    assert means(measured)["ndcg@10"] == pytest.approx(1 / 3)
    assert all(values.tolist() == [pytest.approx(values[0]), 0, 0] for values in measured.values())


def test_query_without_a_positive_is_left_out():
    assert judge({1: [10], 2: [10]}, {1: {10: 1}, 2: {10: 0}, 3: {}}).query_ids.tolist() == [1]


def test_no_queries_give_means_of_zero():
    assert means(evaluate_rankings({}, {}, ks=(10,)))["ndcg@10"] == 0.0


def test_all_lists_empty_still_gives_every_measure():
    assert means(evaluate_rankings({}, {1: {2: 1}}, ks=(10,)))["map@10"] == 0.0


def test_passage_named_twice_counts_once():
    measured = evaluate_rankings({1: [10, 10, 11]}, {1: {10: 1, 11: 1}}, ks=(2,))
    assert measured["recall@2"][0] == 1.0


def test_ndcg_of_bare_grades_serves_a_trainer():
    grades = np.array([[0, 1], [1, 0]])
    assert ndcg_at(10, grades, [np.array([1]), np.array([1])]).tolist() == pytest.approx([1 / math.log2(3), 1.0])


def test_measures_do_not_depend_on_hits_beyond_k():
    rankings, qrels = random_world(7)
    whole = measure(judge(rankings, qrels), ks=(5,))
    cut = measure(judge({q: r[:5] for q, r in rankings.items()}, qrels), ks=(5,))
    for name, values in whole.items():
        np.testing.assert_array_equal(values, cut[name])
