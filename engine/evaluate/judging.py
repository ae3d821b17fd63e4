"""Judges stored hits again when a judgement changes, so that figures and verdicts follow at once without ranking."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from engine.evaluate.comparing import Labelled, compare_runs
from engine.evaluate.figures import figures, named
from engine.evaluate.metrics import Judged, first_ranks, judge, measure
from engine.records import Comparison, QueryMetrics, Run, Split
from engine.store import copies, queries, runs
from engine.store.project import Project

METRICS = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")
CUTS = (1, 3, 5, 10, 100)

Grades = Mapping[int, Mapping[int, int]]


def digest_of(parts: Iterable[object]) -> str:
    """Name a sequence of plain values by its content."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(repr(part).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def judgements_digest(positives: Grades) -> str:
    """Name the judgements that a run was measured with."""
    return digest_of((query, sorted(grades.items())) for query, grades in positives.items())


def metric_rows(judged: Judged, measured: Mapping[str, npt.NDArray[np.float64]]) -> list[QueryMetrics]:
    """Measures of each query as they are stored."""
    columns = [measured[metric].tolist() for metric in METRICS]
    ranks = first_ranks(judged.grades).tolist()
    return [QueryMetrics(*row) for row in zip(judged.query_ids.tolist(), *columns, ranks, strict=True)]


def judge_query_again(project: Project, query_id: int, *, resamples: int = 10_000) -> list[Comparison]:
    """After a judgement on a query changed: judge every system again that was asked it; nothing where none was.

    Returns the comparisons as they are now.
    """
    asked = queries.query(project, query_id)
    if asked is not None and asked.duplicate_of is not None:
        asked = queries.query(project, asked.duplicate_of)
    if asked is None or asked.split is None:
        return []
    return judge_again(project, asked.split, resamples=resamples)


def judge_again(project: Project, split: Split, *, resamples: int = 10_000) -> list[Comparison]:
    """Measure the stored hits of a split's newest runs with the judgements of now, and compare them again.

    Queries without a positive any more are left out; those that have one again count again. Of equal texts that one is
    named that is judged, as in a new evaluation; only where several copies of one text became answers the last ranks
    of the hundred kept may differ from it.
    """
    newest = runs.newest_runs(project, split)
    if not newest:
        return []
    positives, copied = queries.positives(project), copies.copies(project)
    documents = copies.document_of_passage(project)
    standing = {query.id for query in queries.representatives(project, split)}
    for run in newest:
        _judge_run(project, run, {q: grades for q, grades in positives.items() if q in standing}, copied, documents)
    measured = {run.id: run for run in runs.newest_runs(project, split)}
    stored = [c for c in reversed(runs.comparisons(project)) if c.run_a in measured and c.run_b in measured]
    pairs = [((c.a, measured[c.run_a]), (c.b, measured[c.run_b])) for c in stored]
    return _compare(project, pairs, resamples)


def _judge_run(
    project: Project,
    run: Run,
    positives: Grades,
    copied: Mapping[int, tuple[int, ...]],
    documents: Mapping[int, int],
) -> None:
    query_ids, passage_ids, _ = runs.hits(project, run.id)
    rows = {int(query_id): row for query_id, row in zip(query_ids, passage_ids, strict=True)}
    asked = {query_id: positives[query_id] for query_id in sorted(rows) if query_id in positives}
    lists = {query_id: _named(rows[query_id], asked[query_id], copied) for query_id in asked}
    judged = judge(lists, asked)
    measured = measure(judged, ks=CUTS)
    found = figures(lists, asked, judged, documents, CUTS)
    runs.replace_metrics(
        project,
        run.id,
        metric_rows(judged, measured),
        metrics=named(found),
        judgements=judgements_digest(asked),
    )


def _named(row: npt.NDArray[np.int64], answers: Mapping[int, int], copied: Mapping[int, tuple[int, ...]]) -> list[int]:
    """One query's hits, of equal texts those that are answers, else the first."""
    ranked: list[int] = row[row >= 0].tolist()
    if not any(passage in copied for passage in ranked):
        return ranked
    named: dict[int, None] = {}
    for passage in ranked:
        group = copied.get(passage, (passage,))
        right = [copy for copy in group if copy in answers]
        named.update(dict.fromkeys(right or group[:1]))
    return list(named)[: len(row)]


def _compare(project: Project, pairs: Sequence[tuple[Labelled, Labelled]], resamples: int) -> list[Comparison]:
    same = [pair for pair in pairs if pair[0][1].n_queries == pair[1][1].n_queries]
    return compare_runs(project, same, resamples=resamples) if same else []
