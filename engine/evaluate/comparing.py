"""Compares measured runs query by query and keeps what came of it; many systems at once are corrected for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import UserError
from engine.evaluate.statistics import CONFIDENCE, PairedTest, compare_paired, holm
from engine.records import Comparison, Outcome, QueryMetrics, Run, Split
from engine.store import runs
from engine.store.project import Project

SEEN = 10  # fixed and broken: the answer enters or leaves the first ten
_METRIC = "ndcg@10"

Labelled = tuple[str, Run]


def compare_runs(
    project: Project, pairs: Sequence[tuple[Labelled, Labelled]], *, resamples: int = 10_000, seed: int = 13
) -> list[Comparison]:
    """Test each pair (a, b) on nDCG@10 and store the outcome; a run with itself, or a pair twice, is left out.

    Systems compared with the same b form a family, the base model not among them: where it has several, WIN and LOSS
    also need a randomisation p below 0.05 after Holm's correction.

    Raises:
        UserError: two runs that asked different queries.
    """
    kept = list({(a[1].id, b[1].id): (a, b) for a, b in reversed(pairs) if a[1].id != b[1].id}.values())[::-1]
    measured = {run.id: runs.query_metrics(project, run.id) for pair in kept for _, run in pair}
    tests = [_test(a, b, measured, resamples, seed) for a, b in kept]
    adjusted, sizes = [test.p for test in tests], [1] * len(kept)
    for rival in {b[1].id for _, b in kept}:
        family = [place for place, (a, b) in enumerate(kept) if b[1].id == rival and a[1].system != "base"]
        for place, p in zip(family, holm([tests[place].p for place in family]), strict=True):
            adjusted[place], sizes[place] = p, len(family)
            if len(family) > 1 and p >= 1.0 - CONFIDENCE:
                tests[place] = replace(tests[place], verdict=Outcome.TIE)
    return [
        _store(project, a, b, measured, test, p, size)
        for (a, b), test, p, size in zip(kept, tests, adjusted, sizes, strict=True)
    ]


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
    project: Project,
    a: Labelled,
    b: Labelled,
    measured: dict[int, list[QueryMetrics]],
    test: PairedTest,
    p_adjusted: float,
    family: int,
) -> Comparison:
    seen_a, seen_b = (np.array([1 <= row.first_rank <= SEEN for row in measured[x[1].id]], np.bool_) for x in (a, b))
    runs.put_comparison(
        project,
        a=a[0],
        b=b[0],
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
        p_adjusted=p_adjusted,
        family=family,
    )
    stored = runs.comparison(project, a[1].id, b[1].id)
    if stored is None:
        raise UserError("The comparison was removed while it was stored.", hint="Evaluate again.")
    return stored
