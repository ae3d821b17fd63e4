"""Every measure at any k from one ranked list, in each convention of the field side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.evaluate.metrics import CONVENTIONS, Judged, PerQuery, evaluate_rankings, judge, means, measure
from engine.records import Run
from engine.store import queries, runs
from engine.store.copies import document_of_passage
from engine.store.project import Project

# Whole documents, ranked by their best passage (MaxP: Dai and Callan 2019), with the highest grade of their passages.
MAXP = "MaxP"

Lists = Mapping[int, Sequence[int]]
Grades = Mapping[int, Mapping[int, int]]


def figures(
    lists: Lists, qrels: Grades, judged: Judged, documents: Mapping[int, int], ks: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Means over queries by convention: trec_eval, sentence-transformers, PaddleNLP and, with documents, MaxP.

    Args:
        lists: ranked passages by query.
        qrels: grades by query and passage.
        judged: the same, looked up.
        documents: document by passage; empty where no document has several passages.
        ks: cut-offs.
    """
    found: dict[str, dict[str, float]] = {
        convention: means(measure(judged, ks=ks, convention=convention)) for convention in CONVENTIONS
    }
    if documents:
        found[MAXP] = means(maxp(lists, qrels, documents, ks))
    return found


def maxp(lists: Lists, qrels: Grades, documents: Mapping[int, int], ks: Sequence[int]) -> PerQuery:
    """Measures of whole documents: each stands where its best passage stands, as trec_eval counts."""
    ranked = {query: [documents[p] for p in passages if p in documents] for query, passages in lists.items()}
    graded: dict[int, dict[int, int]] = {}
    for query, grades in qrels.items():
        for passage, grade in grades.items():
            if passage in documents:
                best = graded.setdefault(query, {})
                best[documents[passage]] = max(grade, best.get(documents[passage], 0))
    return evaluate_rankings(ranked, graded, ks=ks)


def named(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """One table of figures: trec_eval's as `ndcg@10`, the others' as `PaddleNLP/ndcg@10`."""
    return {
        metric if convention == "trec_eval" else f"{convention}/{metric}": value
        for convention, values in found.items()
        for metric, value in values.items()
    }


def figures_of_run(project: Project, run: Run, ks: Sequence[int]) -> dict[str, dict[str, float]]:
    """Figures of a stored run at any k, with the judgements of now; beyond the hits kept nothing is found."""
    query_ids, passage_ids, _ = runs.hits(project, run.id)
    lists = {int(query): row[row >= 0].tolist() for query, row in zip(query_ids, passage_ids, strict=True)}
    positives = queries.positives(project)
    asked = {query: positives[query] for query in lists if query in positives}
    lists = {query: lists[query] for query in asked}
    return figures(lists, asked, judge(lists, asked), document_of_passage(project), ks)
