"""Compares measured runs query by query and keeps what came of it; many systems at once are corrected for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import UserError
from engine.evaluate.statistics import PairedTest, compare_paired, holm, verdict_of
from engine.records import Comparison, QueryMetrics, Run, Split
from engine.store import runs
from engine.store.project import Project

SEEN = 10  # fixed and broken: the answer enters or leaves the first ten
_METRIC = "ndcg@10"
_STANDING = {"bm25": 0, "base": 1}

Labelled = tuple[str, Run]


def compare_runs(
    project: Project, pairs: Sequence[tuple[Labelled, Labelled]], *, resamples: int = 10_000, seed: int = 13
) -> list[Comparison]:
    """Test each pair (a, b) on nDCG@10 and store the outcome; a run with itself, or a pair twice, is left out.

    All systems that were compared with the same b, now or before, form a family, the base model not among them: WIN
    and LOSS need a randomisation p below 0.05 after Holm's correction over it, whatever the order of comparing. Two
    runs have one verdict, whichever is named first.

    Raises:
        UserError: two runs that asked different queries.
    """
    asked = list({(a[1].id, b[1].id): (a, b) for a, b in reversed(pairs) if a[1].id != b[1].id}.values())[::-1]
    kept: dict[frozenset[int], tuple[Labelled, Labelled]] = {}
    for a, b in asked:
        kept.setdefault(frozenset((a[1].id, b[1].id)), _as_kept(project, a, b))
    measured = {run.id: runs.query_metrics(project, run.id) for pair in kept.values() for _, run in pair}
    tests = [_test(a, b, measured, resamples, seed) for a, b in kept.values()]
    for (a, b), test in zip(kept.values(), tests, strict=True):
        _store(project, a, b, measured, test)
    _correct(project, list(kept.values()))
    return [_stored(project, a, b) for a, b in asked]


def _as_kept(project: Project, a: Labelled, b: Labelled) -> tuple[Labelled, Labelled]:
    """The pair as it is stored and corrected for: against BM25, else against the base, else as it was before."""
    standing_a, standing_b = (_STANDING.get(run.system, len(_STANDING)) for _, run in (a, b))
    if standing_a != standing_b:
        return (a, b) if standing_a > standing_b else (b, a)
    return (b, a) if runs.comparison(project, b[1].id, a[1].id) else (a, b)


def _correct(project: Project, pairs: Sequence[tuple[Labelled, Labelled]]) -> None:
    """Judge again, as one family, all that was compared with the same run; runs that newer ones replaced are left."""
    newest = {run.id: run for split in {b[1].split for _, b in pairs} for run in runs.newest_runs(project, split)}
    shown = newest | {run.id: run for pair in pairs for _, run in pair}
    stored = [c for c in runs.comparisons(project) if c.run_a in shown and shown[c.run_a].system != "base"]
    for rival in {b[1].id for _, b in pairs}:
        family = [c for c in stored if c.run_b == rival]
        for found, p in zip(family, holm([c.p for c in family]), strict=True):
            verdict = verdict_of(found.low, found.high, p)
            runs.correct_comparison(project, found.id, p_adjusted=p, family=len(family), verdict=verdict)


def compare_systems(project: Project, a: str, b: str, split: Split) -> Comparison:
    """Compare two measured systems by name: bm25, base, tuned, hybrid, a model's id or a run's name.

    Raises:
        UserError: one was not measured, or both are one.
    """
    found = compare_runs(project, [(_measured(project, a, split), _measured(project, b, split))])
    if not found:
        raise UserError(f"{a} and {b} are the same run.", hint="Name two different systems.")
    return found[0]


def _measured(project: Project, label: str, split: Split) -> Labelled:
    run = runs.run_of_system(project, label, split)
    if run is None:
        raise UserError(
            f"There is no run of '{label}' on the {split.value} queries.",
            hint=f"Measure it first: searchsmith evaluate PROJECT --systems {label}",
        )
    return label, run


def _test(a: Labelled, b: Labelled, measured: dict[int, list[QueryMetrics]], resamples: int, seed: int) -> PairedTest:
    rows_a, rows_b = measured[a[1].id], measured[b[1].id]
    if [row.query_id for row in rows_a] != [row.query_id for row in rows_b]:
        raise UserError(f"{a[0]} and {b[0]} were measured on different queries.", hint="Evaluate again.")
    values_a, values_b = (np.array([row.ndcg10 for row in rows]) for rows in (rows_a, rows_b))
    return compare_paired(values_a, values_b, resamples=resamples, seed=seed)


def _store(
    project: Project, a: Labelled, b: Labelled, measured: dict[int, list[QueryMetrics]], test: PairedTest
) -> None:
    seen_a, seen_b = (np.array([1 <= row.first_rank <= SEEN for row in measured[x[1].id]], np.bool_) for x in (a, b))
    name_a, name_b = a[1].system, b[1].system
    if name_a == name_b:  # two models of one kind
        name_a, name_b = (str(run.model_id or label) for label, run in (a, b))
    runs.put_comparison(
        project,
        a=name_a,
        b=name_b,
        run_a=a[1].id,
        run_b=b[1].id,
        metric=_METRIC,
        delta=test.delta,
        low=test.low,
        high=test.high,
        p=test.p,
        verdict=test.verdict,
        fixed=int((seen_a & ~seen_b).sum()),
        broken=int((seen_b & ~seen_a).sum()),
        n_queries=test.n,
    )


def _stored(project: Project, a: Labelled, b: Labelled) -> Comparison:
    """The comparison as it was asked for, by the names it was asked with."""
    found = runs.comparison_of(project, a[1].id, b[1].id)
    if found is None:
        raise UserError("The comparison was removed while it was stored.", hint="Evaluate again.")
    return replace(found, a=a[0], b=b[0])
