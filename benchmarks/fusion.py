"""Hybrid search as the program joins BM25 and a model, beside half and half and reciprocal ranks, on finished projects.

    python -m benchmarks.fusion PROJECT [PROJECT ...]

Takes the hits that BM25, the base and the newest tuned model were measured by on the test queries (results_table keeps
such projects), joins them in three ways, and prints nDCG@10, the share of the model that the dev queries chose, and
what that brings over half and half with its 95 % interval. The choice is kept in the project, as an evaluation does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.encode.models import quiet_libraries
from engine.evaluate.joining import choose_share
from engine.evaluate.metrics import judge, measure
from engine.evaluate.ranking import FUSED_DEPTH, DistinctTexts, Ranked, fuse
from engine.evaluate.systems import Rankers
from engine.records import Run
from engine.store import documents, models, queries, runs
from engine.store.project import Project
from engine.store.shares import HALF
from engine.task import Task

_CONSTANT = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path, metavar="PROJECT")
    options = parser.parse_args()
    quiet_libraries()
    print("| Set | Model | BM25 | Model alone | Reciprocal ranks | Half and half | Share | Weighed | Weighed − half |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in options.projects:
        with Project.open(path) as project:
            for kind in ("base", "tuned"):
                compare(project, path.name, kind)


def compare(project: Project, name: str, kind: str) -> None:
    """Print a line for one model, where it was measured."""
    model = models.base_model(project) if kind == "base" else models.newest_tuned(project)
    measured = runs.newest_runs(project)
    own = [run for run in measured if model and run.model_id == model.id and runs.is_of_model(run)]
    words = next((run for run in measured if run.system == "bm25"), None)
    if not own or words is None:
        return
    asked, bm25 = hits_of(project, words)
    asked_too, dense = hits_of(project, own[0])
    assert asked == asked_too
    relevant = queries.positives(project)
    rankers = Rankers(project, DistinctTexts.of(documents.corpus(project)), {}, FUSED_DEPTH, Task())
    chosen = choose_share(project, model, rankers)
    share = chosen.model if chosen else HALF
    both = [bm25, dense]
    joined = [by_ranks(both), fuse(both, FUSED_DEPTH), fuse(both, FUSED_DEPTH, (1 - share, share))]
    scores = [
        measure(judge(dict(zip(asked, listed.ids.tolist(), strict=True)), {q: relevant[q] for q in asked}))["ndcg@10"]
        for listed in (*both, *joined)
    ]
    low, high = interval(scores[4] - scores[3])
    figures = [f"{values.mean():.3f}" for values in scores]
    gain = f"{(scores[4] - scores[3]).mean():+.3f} ({low:+.3f} to {high:+.3f})".replace("-", "−")
    print(f"| {name} | {kind} | {' | '.join(figures[:4])} | {share:.1f} | {figures[4]} | {gain} |", flush=True)


def hits_of(project: Project, run: Run) -> tuple[list[int], Ranked]:
    asked, passages, scores = runs.hits(project, run.id)
    return [int(query) for query in asked], Ranked(np.asarray(passages, np.int64), np.asarray(scores, np.float32))


def by_ranks(lists: Sequence[Ranked]) -> Ranked:
    """Joined by reciprocal rank: score = sum of 1 / (60 + rank), ties by id (Cormack, Clarke, Büttcher 2009)."""
    joined = []
    for query in range(len(lists[0].ids)):
        total: dict[int, float] = {}
        for ranked in lists:
            for place, passage in enumerate(ranked.ids[query].tolist(), 1):
                if passage >= 0:
                    total[passage] = total.get(passage, 0.0) + 1 / (_CONSTANT + place)
        best = sorted(total, key=lambda passage: (-total[passage], passage))[:100]
        joined.append(best + [-1] * (100 - len(best)))
    return Ranked(np.array(joined, np.int64), np.zeros((len(joined), 100), np.float32))


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Of the mean, by 10,000 bootstrap draws of the queries."""
    rng = np.random.default_rng(13)
    means = [differences[rng.integers(0, len(differences), len(differences))].mean() for _ in range(10_000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
