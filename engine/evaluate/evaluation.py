"""Measures systems on a split's queries and says which is better: baselines first, every ranking made once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from engine.errors import UserError
from engine.evaluate.comparing import compare_runs
from engine.evaluate.features import features_of
from engine.evaluate.figures import figures, figures_of_run, named
from engine.evaluate.joining import choose_share
from engine.evaluate.judging import CUTS, METRICS, digest_of, judge_again, judgements_digest, metric_rows
from engine.evaluate.metrics import CONVENTIONS, judge, measure
from engine.evaluate.ranking import DistinctTexts, to_judged_passages
from engine.evaluate.systems import BASELINES, Rankers, System, resolve_systems
from engine.params import EvaluateParams
from engine.records import Comparison, Query, Review, Run, Split
from engine.store import documents, learnt, models, negatives, queries, runs, slices, verdicts
from engine.store.copies import document_of_passage
from engine.store.made import is_made
from engine.store.project import Project
from engine.store.shares import joined_sentence
from engine.task import Task

_MIN_DEPTH = 100  # map@100 needs a hundred hits
_NAMED = 50  # queries with contradicting labels that are named one by one


@dataclass(frozen=True, slots=True)
class EvaluateSummary:
    """What was measured; `systems` and `comparisons` are in the order they were asked for, baselines first.

    `conventions`: where cut-offs were asked for, every measure at them by system and convention. `made_queries`: how
    many of the queries the program made itself. `reasons`: for each comparison that is no win, why that may be.
    `words`: what each comparison is called.
    `reach`: before anything is tuned, which differences these queries could show. `joined`: where hybrid was measured,
    how much each side counts in it, and why.
    """

    split: str
    queries: int
    systems: dict[str, dict[str, float]]
    comparisons: tuple[Comparison, ...]
    conventions: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    made_queries: int = 0
    reasons: tuple[tuple[str, ...], ...] = ()
    words: tuple[str, ...] = ()
    reach: str = ""
    joined: str = ""


@dataclass(frozen=True, slots=True)
class _Bench:
    """The questions and what they are asked of."""

    split: Split
    queries: list[Query]
    positives: dict[int, dict[int, int]]
    distinct: DistinctTexts
    depth: int
    digest: str


def evaluate(project: Project, params: EvaluateParams, task: Task) -> EvaluateSummary:
    """Rank a split's queries with every system, keep the runs and compare them.

    BM25 and the base model are always measured too. A system that ranked the same queries over the same corpus before
    is not asked again. Queries merged into another are left out, their judgements count for the one that stands. How
    much each side counts in hybrid search, here and on the Search page, is chosen on the dev queries.

    Raises:
        UserError: no passages, no judged queries in the split, or an unknown system.
    """
    systems = resolve_systems(project, params.systems, task)
    bench = _bench(project, params)
    rankers = Rankers(project, bench.distinct, {query.id: query.text for query in bench.queries}, bench.depth, task)
    if any(f"{CONVENTIONS[-1]}/ndcg@10" not in run.metrics for run in runs.newest_runs(project, bench.split)):
        judge_again(project, bench.split, resamples=params.resamples)  # measured by a version with one convention
    best = models.newest_tuned(project) or models.base_model(project)
    chosen = choose_share(project, best, rankers) if best else None
    if chosen:
        systems = [replace(each, share=chosen.model) if each.kind == "hybrid" else each for each in systems]
    found: dict[str, Run] = {}
    for system in systems:
        task.check_cancelled()
        found[system.label] = _cached(project, bench, system) or _measure(project, bench, system, rankers, task)
    _keep_circumstances(project, bench, systems)
    learnt.count_known(project)
    pairs = [((a, found[a]), (b, found[b])) for a, b in _pairs(list(found))]
    comparisons = compare_runs(project, pairs, resamples=params.resamples, seed=params.seed)
    shown = {label: {metric: run.metrics[metric] for metric in METRICS} for label, run in found.items()}
    by_convention = {label: figures_of_run(project, run, params.ks) for label, run in found.items() if params.ks}
    made = sum(is_made(query.source) for query in bench.queries)
    known = verdicts.circumstances(project, bench.split)
    return EvaluateSummary(
        split=bench.split.value,
        queries=len(bench.queries),
        systems=shown,
        comparisons=tuple(comparisons),
        conventions=by_convention,
        made_queries=made,
        reasons=tuple(tuple(r.sentence for r in verdicts.verdict_reasons(c, known)) for c in comparisons),
        words=tuple(verdicts.verdict_word(c, known) for c in comparisons),
        reach=verdicts.reach_sentence(comparisons[-1]) if set(found) <= set(BASELINES) else "",
        joined=joined_sentence(chosen) if chosen and any(each.kind == "hybrid" for each in systems) else "",
    )


def _bench(project: Project, params: EvaluateParams) -> _Bench:
    corpus = documents.corpus(project)
    if not len(corpus.ids):
        raise UserError("There are no passages to search in.", hint="Import documents first: searchsmith import")
    split = Split(params.split)
    positives = queries.positives(project)
    asked = [query for query in queries.representatives(project, split) if query.id in positives]
    if not asked:
        raise UserError(
            f"No query of the {split.value} split has a judged answer.",
            hint="Import a labelled set, then split the queries: searchsmith split",
        )
    judged = {query.id: positives[query.id] for query in asked}
    if any(k < 1 for k in params.ks):
        raise UserError("A cut-off is a number from 1 on.", hint="For instance --k 1,10,100.")
    depth = max(params.depth, _MIN_DEPTH, *params.ks)
    hits_digest = digest_of(
        [split.value, depth, *corpus.hashes, corpus.ids.tobytes().hex(), *((q.id, q.text) for q in asked)]
    )
    key = f"{hits_digest}-{judgements_digest(judged)}"
    return _Bench(split, asked, judged, DistinctTexts.of(corpus), depth, key)


def _content_key(bench: _Bench, system: System) -> str:
    return f"{system.content}-{bench.digest}"


def _cached(project: Project, bench: _Bench, system: System) -> Run | None:
    """An earlier run with the same content, as long as it is the one that pages show for this system."""
    run = runs.run_by_content(project, _content_key(bench, system))
    newest = {newest.id for newest in runs.newest_runs(project, bench.split)}
    return run if run and run.id in newest and runs.run_folder(project, run.id).is_dir() else None


def _measure(project: Project, bench: _Bench, system: System, rankers: Rankers, task: Task) -> Run:
    """Rank, judge and store; nothing stays when it is cancelled or fails."""
    begin = time.perf_counter()
    model_id = system.model.id if system.model else None
    run_id = runs.start_run(
        project, system=system.name, model_id=model_id, split=bench.split, content_key=_content_key(bench, system)
    )
    try:
        positives = [bench.positives[query.id] for query in bench.queries]
        ranked = to_judged_passages(rankers.rank(system), bench.distinct, positives, bench.depth)
        lists = _lists(bench.queries, ranked.ids)
        judged = judge(lists, bench.positives)
        measured = measure(judged, ks=CUTS)
        task.check_cancelled()
        runs.save_hits(project, run_id, query_ids=judged.query_ids, passage_ids=ranked.ids, scores=ranked.scores)
        runs.put_query_metrics(project, run_id, metric_rows(judged, measured))
        runs.finish_run(
            project,
            run_id,
            n_queries=len(bench.queries),
            metrics=named(figures(lists, bench.positives, judged, document_of_passage(project), CUTS)),
            seconds=time.perf_counter() - begin,
        )
    except BaseException:
        runs.drop_run(project, run_id)
        raise
    return _stored(project, run_id)


def _lists(asked: Sequence[Query], passage_ids: npt.NDArray[np.int64]) -> dict[int, list[int]]:
    return {query.id: row[row >= 0].tolist() for query, row in zip(asked, passage_ids, strict=True)}


def _stored(project: Project, run_id: int) -> Run:
    run = runs.run(project, run_id)
    if run is None:
        raise UserError("The run was removed while it was measured.", hint="Evaluate again.")
    return run


def _pairs(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Every other system against BM25 and the base, hybrid also against the tuned model, then the base against BM25.

    Systems beside these are compared with the one named first among them, so that two models can be told apart.
    """
    others = sorted((label for label in labels if label not in BASELINES), key=lambda label: label != "tuned")
    pairs = [(label, baseline) for label in others for baseline in BASELINES]
    pairs += [(label, others[0]) for label in others[1:]]
    return [*pairs, ("base", "bm25")]


def _keep_circumstances(project: Project, bench: _Bench, systems: Sequence[System]) -> None:
    """Store what a verdict's reasons are told from."""
    wanted = {passage for grades in bench.positives.values() for passage in grades}
    texts = {passage_id: passage.search_text for passage_id, passage in documents.passages(project, wanted).items()}
    answers = [[texts[p] for p in bench.positives[query.id] if p in texts] for query in bench.queries]
    found = features_of([query.text for query in bench.queries], answers, bench.distinct.texts)
    slices.keep_features(
        project,
        bench.split,
        query_ids=[query.id for query in bench.queries],
        words=found.words.tolist(),
        overlap=found.overlap.tolist(),
        language=found.language,
    )
    train = {query.id for query in queries.representatives(project, Split.TRAIN)}
    pairs = sum(len(grades) for query, grades in queries.positives(project).items() if query in train)
    conflicting = _conflicting(project, train)
    tuned = next((system.model for system in systems if system.label == "tuned"), None)
    verdicts.keep_circumstances(
        project,
        bench.split,
        verdicts.Circumstances(
            word_overlap=float(found.overlap.mean()),
            train_pairs=pairs,
            doubtful_share=_doubtful_share(project, tuned.mining_id) if tuned and tuned.mining_id else None,
            conflicts=len(conflicting),
            conflicting=tuple(conflicting[:_NAMED]),
            unknown_share=(project.meta_json("token_report") or {}).get("unknown_share"),
            made_queries=sum(is_made(query.source) for query in bench.queries),
        ),
    )


def _doubtful_share(project: Project, mining_id: int) -> float | None:
    chosen = negatives.negatives(project, mining_id)
    return sum(negative.doubt > 0.5 for negative in chosen) / len(chosen) if chosen else None


def _conflicting(project: Project, train: AbstractSet[int]) -> list[int]:
    """Training queries with a passage that is judged an answer and also given or confirmed as a negative."""
    answers = queries.positives(project)
    wrong = {query: set(found) for query, found in queries.imported_negatives(project).items()}
    for (query, passage), verdict in queries.reviews(project).items():
        if verdict is Review.NEGATIVE:
            wrong.setdefault(query, set()).add(passage)
    return sorted(query for query, found in wrong.items() if query in train and found & answers.get(query, {}).keys())
