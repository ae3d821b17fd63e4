"""What the Evaluate page shows, read from the project: runs by name, the pair compared, how queries moved."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.records import Comparison, Hit, Outcome, QueryMovement, Run, Split
from engine.store import browse, documents, models, pins, queries, runs
from engine.store.imported_runs import imported_runs
from engine.store.overview import stale_runs
from engine.store.pins import Pin
from engine.store.project import Project
from engine.store.shares import sentence_of_run
from engine.store.slices import By, Slice, slices
from engine.store.verdicts import Circumstances, circumstances, known_queries, run_name
from gui.garbage import uncollected
from gui.tables.hits import HitCard, hit_card

K = 10
SHOWN = 10
_LOWER = 5  # answers shown below the first ten
NOT_FOUND = 250  # where the scatter puts answers that were not among the hits kept


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system that can be measured beside the usual ones: as jobs name it, as people do, its newest run or 0."""

    label: str
    name: str
    run_id: int = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """All that was measured on the test queries.

    Attributes:
        test_runs: the newest run of each system, baselines first.
        names: what each run is called, by its id.
        lines: how each run is drawn: bm25, base, tuned or hybrid.
        unmeasured: name of the newest tuned model where it was not measured yet, else "".
        stale: passages came, went or changed since the baselines and the newest tuned model were measured.
        candidates: systems that can be measured beside BM25, the base and the newest tuned model.
        weighed: of runs of both joined, how much BM25 and the model count, in words, by run id.
    """

    n_test: int = 0
    test_runs: tuple[Run, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    lines: Mapping[int, str] = field(default_factory=dict)
    unmeasured: str = ""
    known: Circumstances = field(default_factory=Circumstances)
    stale: bool = False
    candidates: tuple[Candidate, ...] = ()
    weighed: Mapping[int, str] = field(default_factory=dict)

    def run(self, run_id: int) -> Run | None:
        return next((run for run in self.test_runs if run.id == run_id), None)

    def system(self, name: str) -> Run | None:
        """The newest run of a system; for `tuned` that of the newest model."""
        found = [run for run in self.test_runs if run.system == name]
        return max(found, key=lambda run: (run.model_id or 0, run.id), default=None)

    def are_baselines(self, run_a: int, run_b: int) -> bool:
        """Whether nothing but BM25 and the base model is compared."""
        compared = [run.system for run_id in (run_a, run_b) if (run := self.run(run_id))]
        return all(system in ("bm25", "base") for system in compared)

    def is_won(self, found: Comparison) -> bool:
        """Whether it shows that the first system is better: on queries that neither knows from its training."""
        return found.verdict is Outcome.WIN and not known_queries(found, self.known)[1]

    def wanted(self, label: str, before: frozenset[int]) -> int:
        """The run of a system that was asked for when there were the runs `before`; 0 where it is not there."""
        if not label:
            return 0
        known = next((found.run_id for found in self.candidates if found.label == label), 0)
        new = [run.id for run in self.test_runs if run.id not in before and run.system not in ("bm25", "base", "tuned")]
        return known or max(new, default=0)

    def joined(self) -> Run | None:
        """The run of the newest tuned model (of the base where there is none) joined with BM25."""
        alone = self.system("tuned") or self.system("base")
        found = [run for run in self.test_runs if run.system == "hybrid" and alone and run.model_id == alone.model_id]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Moved:
    """Queries by what happened to their answer: into the first ten, out of them, in both, in neither."""

    fixed: tuple[QueryMovement, ...] = ()
    broken: tuple[QueryMovement, ...] = ()
    right: tuple[QueryMovement, ...] = ()
    wrong: tuple[QueryMovement, ...] = ()

    def all(self) -> tuple[QueryMovement, ...]:
        return (*self.fixed, *self.broken, *self.right, *self.wrong)


@dataclass(frozen=True, slots=True)
class Pair:
    """Run a (after) against run b (before); `comparison` is None where the two were never tested.

    `pinned`: queries that must keep their answer, with their rank under run a.
    """

    comparison: Comparison | None
    beside: tuple[Comparison, ...]
    moved: Moved
    pinned: tuple[Pin, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryView:
    """One query under both systems: hits as cards, ranks of the answer, passages judged right.

    `pinned`: the answer must stay in the first so many hits, 0 where the query is not pinned.
    """

    query_id: int
    text: str
    left: tuple[HitCard, ...]
    right: tuple[HitCard, ...]
    left_ranks: Mapping[int, int]
    answers: tuple[browse.Answer, ...]
    pinned: int = 0


def read_bench(project: Project) -> Bench:
    """Everything measured on the test split."""
    import pyqtgraph  # noqa: F401 - draws the ranks; takes longer to load than the window may wait

    known = {model.id: model.name for model in models.models(project)}
    test_runs = tuple(runs.newest_runs(project, Split.TEST))
    tuned = models.newest_tuned(project)
    measured = {run.model_id for run in test_runs if run.system == "tuned"}
    n_test = queries.split_counts(project).get("test", 0)
    return Bench(
        n_test,
        test_runs,
        {run.id: run_name(run, known) for run in test_runs},
        {run.id: line_of(run) for run in test_runs},
        tuned.name if tuned and tuned.id not in measured else "",
        circumstances(project),
        stale_runs(project, test_runs),
        _candidates(project, test_runs),
        {run.id: said for run in test_runs if (said := sentence_of_run(project, run))},
    )


def _candidates(project: Project, test_runs: Sequence[Run]) -> tuple[Candidate, ...]:
    """Both joined, with the reranker where there is one, other models, rankings that were imported."""
    tuned, base = models.newest_tuned(project), models.base_model(project)
    best = tuned or base
    if best is None:
        return ()
    found = [Candidate("hybrid", f"{best.name} + BM25", _newest(test_runs, "hybrid", best.id))]
    if models.newest_reranker(project) is not None:
        alone = "tuned" if tuned else "base"
        sorted_again = ((f"{alone}+reranker", best.name), ("hybrid+reranker", f"{best.name} + BM25"))
        found += [Candidate(k, f"{name} + reranker", _newest(test_runs, k, best.id)) for k, name in sorted_again]
        found.append(Candidate("bm25+reranker", "BM25 + reranker", _newest(test_runs, "bm25+reranker", 0)))
    for model in models.models(project):
        if model.id not in (best.id, base.id if base else 0):
            own = [run.id for run in test_runs if run.model_id == model.id and runs.is_of_model(run)]
            found.append(Candidate(str(model.id), model.name, max(own, default=0)))
    for foreign in imported_runs(project):
        own = [run.id for run in test_runs if run.system in (foreign.name, f"run {foreign.name}")]
        found.append(Candidate(foreign.name, foreign.name, max(own, default=0)))
    return tuple(found)


def _newest(test_runs: Sequence[Run], system: str, model_id: int) -> int:
    return max((run.id for run in test_runs if run.system == system and (run.model_id or 0) == model_id), default=0)


def line_of(run: Run) -> str:
    """How a run is drawn: as BM25, the base, a tuned model or hybrid search; rankings made elsewhere as hybrid."""
    kind = run.system.removesuffix("+reranker")
    if kind in ("bm25", "base", "hybrid"):
        return kind
    return "tuned" if run.model_id else "hybrid"


def short_name(name: str, letters: int = 24) -> str:
    """A name for a narrow place, cut in the middle, where names differ least; wide letters count twice."""
    width = sum(2 if ord(letter) > 0x2E80 else 1 for letter in name)
    if width <= letters:
        return name
    kept = letters * len(name) // width - 1
    return f"{name[: kept - kept // 2].rstrip()}…{name[len(name) - kept // 2 :].lstrip()}"


def counted_as(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Figures in one convention: those whose names begin with `prefix`, "" for trec_eval's."""
    return {
        name.removeprefix(prefix): value
        for name, value in metrics.items()
        if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
    }


def default_pair(bench: Bench) -> tuple[int, int]:
    """(run a, run b) to begin with: the newest tuned model, or the base model, against BM25; 0 where there is none."""
    a = bench.system("tuned") or bench.system("base")
    b = bench.system("bm25")
    return (a.id if a else 0), (b.id if b else 0)


def rivals(bench: Bench, run_a: int) -> list[Run]:
    """What a run can be compared with: every other run, baselines first."""
    return [run for run in bench.test_runs if run.id != run_a]


def read_pair(project: Project, run_a: int, run_b: int, others: Sequence[int]) -> Pair:
    """The comparison of two runs, those of `run_a` with other runs, and how every query moved."""
    with uncollected():
        beside = [found for other in others if (found := runs.comparison_of(project, run_a, other))]
        moved = group(runs.movements(project, run_a, run_b)) if run_a and run_b else Moved()
        return Pair(runs.comparison_of(project, run_a, run_b), tuple(beside), moved, tuple(pins.pins(project, run_a)))


def read_slices(project: Project, run_a: int, run_b: int, by: By) -> list[Slice]:
    """The comparison of two runs in parts."""
    with uncollected():
        return slices(project, run_a, run_b, by)


def group(rows: Sequence[QueryMovement]) -> Moved:
    """Sort movements into the four lists, keeping their order."""
    parts: dict[tuple[bool, bool], list[QueryMovement]] = {}
    for row in rows:
        parts.setdefault((1 <= row.rank_b <= K, 1 <= row.rank_a <= K), []).append(row)
    return Moved(
        tuple(parts.get((False, True), ())),
        tuple(parts.get((True, False), ())),
        tuple(parts.get((True, True), ())),
        tuple(parts.get((False, False), ())),
    )


def listed(moved: Moved, text: str, order: str) -> Moved:
    """The queries with all of these words, by `movement` (as they are), rank `now` or `before`, or `text`.

    A query without its answer stands behind all ranks.
    """
    wanted = text.casefold().split()
    keys: dict[str, Callable[[QueryMovement], Any]] = {  # Any: tuples of what can be compared
        "now": lambda row: (row.rank_a or NOT_FOUND, row.query_id),
        "before": lambda row: (row.rank_b or NOT_FOUND, row.query_id),
        "text": lambda row: (row.text.casefold(), row.query_id),
    }

    def kept(rows: tuple[QueryMovement, ...]) -> tuple[QueryMovement, ...]:
        found = rows
        if wanted:
            found = tuple(row for row in rows if all(word in row.text.casefold() for word in wanted))
        return tuple(_sorted(found, keys[order])) if order in keys else found

    with uncollected():
        return Moved(kept(moved.fixed), kept(moved.broken), kept(moved.right), kept(moved.wrong))


def _sorted(rows: Sequence[QueryMovement], key: Callable[[QueryMovement], Any]) -> Iterator[QueryMovement]:
    """In pieces, because one long sort would not let the window's thread have its turn."""
    pieces = [sorted(rows[start : start + 2000], key=key) for start in range(0, len(rows), 2000)]
    return heapq.merge(*pieces, key=key)


def shown_points(moved: Moved, most: int = 3000) -> list[QueryMovement]:
    """What the scatter draws: all up to `most` queries, else the largest movements and every n-th of the rest."""
    if len(moved.all()) <= most:
        return list(moved.all())
    first = [*moved.fixed[: most // 3], *moved.broken[: most // 3]]
    rest = (*moved.right, *moved.wrong)
    step = max(1, math.ceil(len(rest) / (most - len(first))))
    return [*first, *rest[::step]]


def scatter_place(row: QueryMovement) -> tuple[float, float]:
    """Where a query stands: log10 of the rank before, minus log10 of the rank after; equal ranks lie apart a little."""
    wobble = ((row.query_id * 2_654_435_761) % 997 / 997 - 0.5) * 0.1
    turned = ((row.query_id * 40_503) % 991 / 991 - 0.5) * 0.1
    return math.log10(row.rank_b or NOT_FOUND) + wobble, -(math.log10(row.rank_a or NOT_FOUND) + turned)


def read_query(project: Project, query_id: int, run_a: int, run_b: int) -> QueryView:
    """A query's first hits under run b (left) and run a (right), and its answers wherever they rank below."""
    asked = queries.query(project, query_id)
    text = asked.text if asked else ""
    before, after = (runs.hits_of(project, run_id, query_id, 100) for run_id in (run_b, run_a))
    answers = browse.answers_of(project, query_id)
    right_ids = {answer.passage.id for answer in answers}
    left, right = (
        [hit for hit in hits if hit.rank <= SHOWN or hit.passage_id in right_ids][: SHOWN + _LOWER]
        for hits in (before, after)
    )
    shown = {hit.passage_id for hit in (*left, *right)}
    texts, names = documents.passages(project, shown), browse.passage_names(project, shown)
    ranks = {hit.passage_id: hit.rank for hit in before}

    def cards(hits: Sequence[Hit], compared: bool) -> tuple[HitCard, ...]:
        return tuple(
            hit_card(
                text,
                rank=hit.rank,
                passage_id=hit.passage_id,
                title=names[hit.passage_id],
                text=texts[hit.passage_id].text,
                score=hit.score,
                was=ranks.get(hit.passage_id, 0) if compared else -1,
                answer=hit.passage_id in right_ids,
            )
            for hit in hits
            if hit.passage_id in texts
        )

    pinned = next((pin.k for pin in pins.pins(project) if pin.query_id == query_id), 0)
    return QueryView(query_id, text, cards(left, False), cards(right, True), ranks, tuple(answers), pinned)
