"""What a person judges by hand: which query next, the passages pooled for it, what was said, how far that reaches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from engine.records import Passage, Query, Run, Split
from engine.store import browse, documents, models, queries, runs, verdicts
from engine.store.made import is_made
from engine.store.project import Project, now

BY_HAND = queries.BY_HAND
DEPTH = 10  # hits of each system that are judged: as many as nDCG@10 looks at
COPIES = 3  # so many times as many hits are asked for, because each copy of a text is a hit and is judged once
# Grades as TREC-COVID and TREC's Deep Learning tracks give them: 2 answers it, 1 in part, 0 not.
RELEVANT, PARTLY, NOT = 2, 1, 0
# From so many queries on their own spread is believed; below, the usual one.
_ENOUGH = 20
# Standard deviation of the difference in nDCG@10 between a model and BM25 by query: 0.33 on the sample's 603 test
# queries, 0.30 on SQuAD's 2,096 (from the intervals in docs/results.md).
USUAL_SPREAD = 0.33
_REACH = 2.8016  # z(0.975) + z(0.8), as in verdicts


@dataclass(frozen=True, slots=True)
class PoolCard:
    """A passage to judge, with what was said of it.

    Attributes:
        words_rank, model_rank: where BM25 and the model have it, from 1; 0 where not among their first hits.
        grade: None where nobody judged it yet; `source` says who did.
        skipped: a person looked at it and would not say.
    """

    passage: Passage
    title: str
    words_rank: int
    model_rank: int
    grade: int | None = None
    source: str = ""
    skipped: bool = False

    @property
    def is_open(self) -> bool:
        return self.grade is None and not self.skipped


@dataclass(frozen=True, slots=True)
class Pool:
    """A query with the passages to judge, in the order they are shown."""

    query: Query
    cards: tuple[PoolCard, ...]

    @property
    def open_cards(self) -> int:
        return sum(card.is_open for card in self.cards)


@dataclass(frozen=True, slots=True)
class Progress:
    """What was judged by hand so far.

    Attributes:
        queries, judgements: those with a word by hand, and how many words.
        waiting: queries that nobody judged a passage of, by hand or elsewhere.
        test: test queries with an answer, which a verdict rests on.
        unsplit: queries judged by hand that have an answer but no split, so that nothing is measured with them yet.
    """

    queries: int
    judgements: int
    waiting: int
    test: int
    unsplit: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Which differences can be told: `smallest` (nDCG@10) with `queries` queries four times in five.

    `assumed`: from the spread that is usual, because too few queries were measured here.
    """

    queries: int
    smallest: float
    assumed: bool

    def with_queries(self, count: int) -> float:
        """The smallest difference that `count` queries of this spread show; infinite for none."""
        return self.smallest * math.sqrt(self.queries / count) if count else math.inf

    def needed(self, difference: float) -> int:
        """How many queries of this spread show `difference`."""
        return math.ceil(self.queries * (self.smallest / difference) ** 2)


def interleave(words: Sequence[int], model: Sequence[int], seed: str) -> list[tuple[int, int, int]]:
    """Join two ranked lists of passage ids so that the place tells nothing of the system.

    In turns, the next of each that is not there yet; who begins is drawn by `seed`. Returns (passage, rank in `words`,
    rank in `model`), ranks from 1, 0 where a list lacks it.
    """
    ranks = [{passage: rank for rank, passage in enumerate(found, 1)} for found in (words, model)]
    first, second = (words, model) if hashlib.blake2b(seed.encode("utf-8")).digest()[0] % 2 else (model, words)
    order = dict.fromkeys(passage for pair in zip_longest(first, second) for passage in pair if passage is not None)
    return [(passage, ranks[0].get(passage, 0), ranks[1].get(passage, 0)) for passage in order]


def read_pool(project: Project, query_id: int, words: Sequence[int], model: Sequence[int], depth: int = DEPTH) -> Pool:
    """The passages to judge of a query: the first `depth` texts of both lists, each text once, with what was said.

    Args:
        words, model: passage ids as BM25 and the model rank them; of equal texts each copy may stand there.

    Raises:
        LookupError: there is no such query.
    """
    asked = queries.query(project, query_id)
    if asked is None:
        raise LookupError(f"There is no query {query_id}.")
    said = _said(project, query_id)
    skipped = skipped_of(project, query_id)
    found = documents.passages(project, {*words, *model, *said})
    by_text = {found[passage].search_text: passage for passage in said if passage in found}
    lists = [_distinct(found, by_text, ranked)[:depth] for ranked in (words, model)]
    pooled = interleave(lists[0], lists[1], asked.text)
    names = browse.passage_names(project, [passage for passage, _, _ in pooled])
    cards = []
    for passage, words_rank, model_rank in pooled:
        grade, source = said.get(passage, (None, ""))
        skips = grade is None and passage in skipped
        cards.append(PoolCard(found[passage], names.get(passage, ""), words_rank, model_rank, grade, source, skips))
    return Pool(asked, tuple(cards))


def systems_key(project: Project) -> str:
    """Names what pools are made with: the corpus and the newest model; with another one there is more to judge."""
    model = models.newest_tuned(project) or models.base_model(project)
    digest = model.weights_digest[:16] if model else ""
    return f"{digest}:{documents.count_passages(project)}:{documents.count_documents(project)}"


def pooling_model(project: Project) -> str:
    """Which model's hits are judged: the tuned one where there is one."""
    return "tuned" if models.newest_tuned(project) is not None else "base"


def order_to_judge(project: Project, systems: str = "") -> list[int]:
    """Queries in the order they are worth judging; those judged to the end with these `systems` are left out.

    First what was begun, then those without any judgement, then those for which BM25 and the model bring different
    first hits (most first; known where they were measured), then the others, and what the program made itself last.
    """
    known = dict(project.db.execute("select query_id, systems from judged_pools").fetchall())
    judged = _judged_queries(project)
    disagreement = disagreements(project)
    standing = [query for query in queries.representatives(project) if not systems or known.get(query.id) != systems]

    def place(query: Query) -> tuple[bool, bool, bool, float, int]:
        """Sorts by: begun, without a word, not made, much disagreement."""
        begun, made = known.get(query.id) == "", is_made(query.source)
        return not begun, query.id in judged, made, -disagreement.get(query.id, -1.0), query.id

    return [query.id for query in sorted(standing, key=place)]


def disagreements(project: Project, depth: int = DEPTH) -> dict[int, float]:
    """By measured query, the share (0..1) of the model's first hits that BM25's lack, from the newest runs."""
    found: dict[int, float] = {}
    for split in Split:
        pair = _pooled_runs(runs.newest_runs(project, split))
        if pair is None:
            continue
        (ids_a, hits_a, _), (ids_b, hits_b, _) = (runs.hits(project, run.id) for run in pair)
        _, rows_a, rows_b = np.intersect1d(ids_a, ids_b, return_indices=True)
        first_a, first_b = hits_a[rows_a, :depth], hits_b[rows_b, :depth]
        shared = ((first_b[:, :, None] == first_a[:, None, :]) & (first_b >= 0)[:, :, None]).any(axis=2).sum(axis=1)
        share = 1.0 - shared / np.maximum((first_b >= 0).sum(axis=1), 1)
        found.update(zip(ids_a[rows_a].tolist(), share.tolist(), strict=True))
    return found


def put_skip(project: Project, query_id: int, passage_id: int) -> None:
    """Note that a person would not say whether the passage answers the query."""
    project.db.execute(
        "insert or replace into skipped_passages (query_id, passage_id, made_at) values (?, ?, ?)",
        [query_id, passage_id, now()],
    )


def remove_skip(project: Project, query_id: int, passage_id: int) -> None:
    project.db.execute("delete from skipped_passages where query_id = ? and passage_id = ?", [query_id, passage_id])


def skipped_of(project: Project, query_id: int) -> set[int]:
    """Passages of a query that a person would not judge."""
    rows = project.db.execute("select passage_id from skipped_passages where query_id = ?", [query_id])
    return {int(row[0]) for row in rows}


def put_judged(project: Project, query_id: int, systems: str) -> None:
    """Note that all passages pooled for a query by `systems` were judged or skipped; "" that judging has begun."""
    project.db.execute(
        "insert or replace into judged_pools (query_id, systems, made_at) values (?, ?, ?)", [query_id, systems, now()]
    )


def progress(project: Project) -> Progress:
    """How far judging has come."""
    db = project.db
    head = "coalesce(q.duplicate_of, q.id)"
    by_hand, words = db.execute(
        f"select count(distinct {head}), count(distinct ({head} << 32) + j.passage_id) from qrels j "
        "join queries q on q.id = j.query_id where j.source = ?",
        [BY_HAND],
    ).fetchone()
    standing = queries.count_queries(project, duplicates=False)
    answered = "exists (select 1 from qrels j join queries m on m.id = j.query_id where j.grade > 0 {} and "
    answered += "(m.id = q.id or m.duplicate_of = q.id))"
    test = db.execute(
        f"select count(*) from queries q where q.duplicate_of is null and q.split = 'test' and {answered.format('')}"
    ).fetchone()[0]
    unsplit = db.execute(
        "select count(*) from queries q where q.duplicate_of is null and q.split is null and "
        + answered.format("and j.source = ?"),
        [BY_HAND],
    ).fetchone()[0]
    return Progress(int(by_hand), int(words), standing - len(_judged_queries(project)), int(test), int(unsplit))


def reach(project: Project) -> Reach:
    """Which differences the judged test queries can tell, from the spread of the newest comparison with BM25."""
    measured = {run.id for run in runs.newest_runs(project)}
    for comparison in runs.comparisons(project):
        if comparison.b == "bm25" and {comparison.run_a, comparison.run_b} <= measured:
            smallest = verdicts.smallest_difference(comparison)
            if comparison.n_queries >= _ENOUGH and math.isfinite(smallest):
                return Reach(comparison.n_queries, smallest, assumed=False)
    return Reach(100, _REACH * USUAL_SPREAD / 10, assumed=True)


def _said(project: Project, query_id: int) -> dict[int, tuple[int, str]]:
    """(grade, source) by passage for a query and those merged into it; the highest grade counts."""
    rows = project.db.execute(
        "select j.passage_id, j.grade, j.source from qrels j join queries q on q.id = j.query_id "
        "where q.id = ? or q.duplicate_of = ? order by j.grade",
        [query_id, query_id],
    )
    return {row[0]: (int(row[1]), row[2] or "") for row in rows}


def _distinct(found: dict[int, Passage], said: dict[str, int], ranked: Iterable[int]) -> list[int]:
    """One passage of each text, in order; of equal texts the judged one."""
    kept: dict[str, int] = {}
    for passage in ranked:
        if passage in found:
            text = found[passage].search_text
            kept.setdefault(text, said.get(text, passage))
    return list(kept.values())


def _judged_queries(project: Project) -> set[int]:
    rows = project.db.execute(
        "select distinct coalesce(q.duplicate_of, q.id) from qrels j join queries q on q.id = j.query_id"
    )
    return {int(row[0]) for row in rows}


def _pooled_runs(newest: Sequence[Run]) -> tuple[Run, Run] | None:
    """BM25's run and that of the newest model."""
    words = next((run for run in newest if run.system == "bm25"), None)
    ranked = [run for run in newest if run.system in ("base", "tuned")]
    model = max(ranked, key=lambda run: (run.system == "tuned", run.model_id or 0), default=None)
    return (words, model) if words and model else None
