"""Measures one ranked list per query against judgements, in the conventions the field reports.

`trec_eval` (also BEIR, MTEB, FlagEmbedding): graded judgements with linear gain, MAP divided by all positives.
`sentence-transformers` (InformationRetrievalEvaluator): positives count alike, MAP@k divided by min(k, positives).
`PaddleNLP` (embedding_evaluate.py): one answer a query, its first; every measure follows from that answer's rank.
The program's own figures are `trec_eval`'s, averaged over all queries with a positive: an empty list counts 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Convention = Literal["trec_eval", "sentence-transformers", "PaddleNLP"]
CONVENTIONS: tuple[Convention, ...] = ("trec_eval", "sentence-transformers", "PaddleNLP")

Floats = npt.NDArray[np.float64]
Grades = npt.NDArray[np.integer[Any]]  # Any: grades may be of any integer width
PerQuery = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Judged:
    """Ranked lists with every passage replaced by its grade.

    Attributes:
        query_ids: (n,) the queries, each with at least one positive.
        grades: (n, depth) grade of the hit at rank column + 1; 0 where unjudged, not relevant, or past the list's end.
        ideals: per query its positive grades, highest first: what a perfect list would show.
        answer_ranks: (n,) rank from 1 of the query's first judged positive, 0 where not found (PaddleNLP's one answer).
    """

    query_ids: npt.NDArray[np.int64]
    grades: Grades
    ideals: list[Grades]
    answer_ranks: npt.NDArray[np.int64]


def evaluate_rankings(
    rankings: Mapping[int, Sequence[int]],
    qrels: Mapping[int, Mapping[int, int]],
    *,
    ks: Sequence[int] = (1, 3, 5, 10, 100),
    convention: Convention = "trec_eval",
) -> PerQuery:
    """Measure ranked passage ids per query; arrays are in the order of the queries of `qrels` that have a positive.

    A query without a ranking counts 0; a query without a positive is left out; a passage named twice counts once,
    at its best rank.

    Args:
        rankings: query id to passage ids, best first.
        qrels: query id to passage id to grade (positive above 0).
        ks: cut-offs.
        convention: whose definitions to use.

    Returns:
        "ndcg@10" and the like to (n_queries,) float64 in 0..1.
    """
    return measure(judge(rankings, qrels), ks=ks, convention=convention)


def judge(rankings: Mapping[int, Sequence[int]], qrels: Mapping[int, Mapping[int, int]]) -> Judged:
    """Look every ranked passage up among the judgements of its query; see `evaluate_rankings` for odd cases."""
    query_ids = [query for query, judged in qrels.items() if any(grade > 0 for grade in judged.values())]
    lists = [list(dict.fromkeys(int(passage) for passage in rankings.get(query, ()))) for query in query_ids]
    grades = np.zeros((len(lists), max(map(len, lists), default=0)), dtype=np.int64)
    answer_ranks = np.zeros(len(lists), dtype=np.int64)
    ideals: list[Grades] = []
    for row, (query, ranked) in enumerate(zip(query_ids, lists, strict=True)):
        positives = {passage: grade for passage, grade in qrels[query].items() if grade > 0}
        grades[row, : len(ranked)] = [positives.get(passage, 0) for passage in ranked]
        ideals.append(np.array(sorted(positives.values(), reverse=True), dtype=np.int64))
        answer = next(iter(positives))
        answer_ranks[row] = ranked.index(answer) + 1 if answer in ranked else 0
    return Judged(np.array(query_ids, dtype=np.int64), grades, ideals, answer_ranks)


def measure(
    judged: Judged, *, ks: Sequence[int] = (1, 3, 5, 10, 100), convention: Convention = "trec_eval"
) -> PerQuery:
    """All measures of a convention at every k, per query. PaddleNLP has hit rate, MRR and nDCG only."""
    if convention == "PaddleNLP":
        return _measure_answer(judged.answer_ranks, ks)
    grades, ideals = judged.grades, judged.ideals
    if convention == "sentence-transformers":
        grades, ideals = _binary(grades), [np.ones_like(ideal) for ideal in ideals]
    positives = _counts(ideals)
    measured: PerQuery = {}
    for k in ks:
        measured[f"hit_rate@{k}"] = hit_rate_at(k, grades)
        measured[f"precision@{k}"] = precision_at(k, grades)
        measured[f"recall@{k}"] = recall_at(k, grades, positives)
        measured[f"capped_recall@{k}"] = capped_recall_at(k, grades, positives)
        measured[f"mrr@{k}"] = mrr_at(k, grades)
        measured[f"ndcg@{k}"] = ndcg_at(k, grades, ideals)
        measured[f"map@{k}"] = map_at(k, grades, positives, capped=convention == "sentence-transformers")
    return measured


def means(measured: Mapping[str, Floats]) -> dict[str, float]:
    """Average each measure over its queries; 0 where there are none."""
    return {name: float(values.mean()) if len(values) else 0.0 for name, values in measured.items()}


def hit_rate_at(k: int, grades: Grades) -> Floats:
    """1 where any of the first k hits is relevant (accuracy@k of sentence-transformers, success_k of trec_eval)."""
    return (_found(k, grades) > 0).astype(np.float64)


def precision_at(k: int, grades: Grades) -> Floats:
    """Relevant hits among the first k, divided by k even where the list is shorter."""
    shares: Floats = np.divide(_found(k, grades), k)
    return shares


def recall_at(k: int, grades: Grades, positives: npt.NDArray[np.int64]) -> Floats:
    """Relevant hits among the first k, divided by all positives."""
    return _ratio(_found(k, grades), positives)


def capped_recall_at(k: int, grades: Grades, positives: npt.NDArray[np.int64]) -> Floats:
    """Relevant hits among the first k, divided by min(k, positives) (BEIR's R_cap)."""
    return _ratio(_found(k, grades), np.minimum(k, positives))


def mrr_at(k: int, grades: Grades) -> Floats:
    """1 / rank of the first relevant hit where that is at most k, else 0."""
    ranks = first_ranks(grades)
    reciprocal: Floats = np.where((ranks > 0) & (ranks <= k), 1.0 / np.maximum(ranks, 1), 0.0)
    return reciprocal


def ndcg_at(k: int, grades: Grades, ideals: Sequence[Grades]) -> Floats:
    """Normalised discounted cumulative gain with linear gain and log2(rank + 1), as trec_eval's ndcg_cut.

    Args:
        k: how many hits count.
        grades: (n, depth) grades of the ranked hits; negative ones count 0.
        ideals: per query its positive grades, highest first (all of them: the perfect list knows every positive).

    Returns:
        (n,) float64 in 0..1; 0 for a query without positives.
    """
    ideal = np.zeros((len(ideals), k), dtype=np.float64)
    for row, best in enumerate(ideals):
        ideal[row, : min(k, len(best))] = best[:k]
    return _ratio(_dcg(np.maximum(grades[:, :k], 0)), _dcg(ideal))


def map_at(k: int, grades: Grades, positives: npt.NDArray[np.int64], *, capped: bool = False) -> Floats:
    """Average precision over the first k hits, divided by all positives, or by min(k, positives) where `capped`."""
    relevant = _binary(grades[:, :k])
    ranks = np.arange(1, relevant.shape[1] + 1)
    precisions = np.cumsum(relevant, axis=1) / ranks
    total: Floats = np.sum(precisions * relevant, axis=1, dtype=np.float64)
    return _ratio(total, np.minimum(k, positives) if capped else positives)


def first_ranks(grades: Grades) -> npt.NDArray[np.int64]:
    """(n,) rank from 1 of the first relevant hit, 0 where the list holds none."""
    relevant = grades > 0
    if relevant.shape[1] == 0:
        return np.zeros(len(relevant), dtype=np.int64)
    found: npt.NDArray[np.int64] = np.where(relevant.any(axis=1), relevant.argmax(axis=1) + 1, 0).astype(np.int64)
    return found


def _measure_answer(answer_ranks: npt.NDArray[np.int64], ks: Sequence[int]) -> PerQuery:
    """PaddleNLP's measures: with one answer, nDCG is 1 / log2(rank + 1)."""
    measured: PerQuery = {}
    rank = np.maximum(answer_ranks, 1)
    for k in ks:
        inside = (answer_ranks > 0) & (answer_ranks <= k)
        measured[f"hit_rate@{k}"] = inside.astype(np.float64)
        measured[f"mrr@{k}"] = np.where(inside, 1.0 / rank, 0.0)
        measured[f"ndcg@{k}"] = np.where(inside, 1.0 / np.log2(rank + 1), 0.0)
    return measured


def _binary(grades: Grades) -> npt.NDArray[np.int64]:
    return (grades > 0).astype(np.int64)


def _counts(ideals: Sequence[Grades]) -> npt.NDArray[np.int64]:
    return np.array([len(ideal) for ideal in ideals], dtype=np.int64)


def _found(k: int, grades: Grades) -> Floats:
    found: Floats = _binary(grades[:, :k]).sum(axis=1).astype(np.float64)
    return found


def _dcg(gains: npt.NDArray[Any]) -> Floats:
    discounts = 1.0 / np.log2(np.arange(2, gains.shape[1] + 2))
    total: Floats = gains.astype(np.float64) @ discounts
    return total


def _ratio(part: Floats, whole: npt.NDArray[Any]) -> Floats:
    """part / whole, 0 where whole is 0."""
    ratio: Floats = np.divide(part, whole, out=np.zeros(len(part), dtype=np.float64), where=whole > 0)
    return ratio
