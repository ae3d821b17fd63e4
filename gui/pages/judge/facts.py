"""What the judging bench reads: the order of queries and how far judging reaches; and the pool of a query, fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from engine.protocol import SearchHits, SearchProgress
from engine.records import Query
from engine.store import documents, judging, models, queries
from engine.store.judging import COPIES, DEPTH, NOT, PARTLY, RELEVANT, Pool, Progress, Reach
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.session import Mode, Session
from gui.tables.reader import Answered, Question

Ask = Callable[[str, Question, Answered], None]
WORTH_SEEING = 0.05  # a difference in nDCG@10 that a good fine-tuning brings


@dataclass(frozen=True, slots=True)
class Standing:
    """How far judging has come and what that shows."""

    progress: Progress
    reach: Reach


@dataclass(frozen=True, slots=True)
class Start:
    """What judging begins with: queries in their order, what pools them (model "": BM25 alone), how it stands."""

    order: tuple[int, ...]
    model: str
    passages: int
    standing: Standing


@dataclass(frozen=True, slots=True)
class Fetched:
    """A query with the hits of both systems, copies among them."""

    query: Query
    by_words: tuple[int, ...]
    by_model: tuple[int, ...]


def read_start(project: Project) -> Start:
    """Everything that is needed to begin."""
    has_model = models.base_model(project) is not None or models.newest_tuned(project) is not None
    order = judging.order_to_judge(project, judging.systems_key(project))
    model = judging.pooling_model(project) if has_model else ""
    return Start(tuple(order), model, documents.count_passages(project), read_standing(project))


def read_standing(project: Project) -> Standing:
    return Standing(judging.progress(project), judging.reach(project))


def read_pool(project: Project, fetched: Fetched) -> Pool:
    """The cards of a query, with what was said of each by now."""
    return judging.read_pool(project, fetched.query.id, fetched.by_words, fetched.by_model)


def reach_words(standing: Standing) -> str:
    """Which difference the judged test queries tell, and how many one worth seeing needs."""
    test, reach = standing.progress.test, standing.reach
    needed = reach.needed(WORTH_SEEING)
    spread = (
        words.translated("with the spread that is usual")
        if reach.assumed
        else words.translated("with the spread measured here")
    )
    have = amount(test, words.translated("test query"), words.translated("test queries"))
    goal = words.decimal(WORTH_SEEING, 2)
    if test >= needed:
        seen = words.translated("%1 tell differences from %2 nDCG@10 on (%3); %4 are enough for %5.")
        return fill(seen, have, words.decimal(reach.with_queries(test)), spread, words.count(needed), goal)
    more = words.count(needed - test)
    if not test:
        return fill(words.translated("About %1 test queries tell differences of %2 nDCG@10 (%3)."), more, goal, spread)
    seen = words.translated("%1 tell differences from %2 nDCG@10 on; about %3 more for %4 (%5).")
    return fill(seen, have, words.decimal(reach.with_queries(test)), more, goal, spread)


def progress_words(progress: Progress) -> str:
    """How far judging has come."""
    tr = words.translated
    by_hand = amount(progress.queries, tr("query"), tr("queries"))
    parts = [fill(tr("%1 judged by hand"), by_hand)] if progress.queries else []
    parts += [fill(tr("%1 without a judgement"), words.count(progress.waiting))] if progress.waiting else []
    parts += [fill(tr("%1 in no split yet"), words.count(progress.unsplit))] if progress.unsplit else []
    return " · ".join(parts)


def tally_words(pool: Pool) -> str:
    """What is left to judge of a pool, or what came of it."""
    if pool.open_cards:
        return fill(words.translated("%1 to judge"), words.count(pool.open_cards))
    relevant = sum((card.grade or 0) > 0 for card in pool.cards)
    return fill(words.translated("all judged, %1 relevant"), words.count(relevant))


def reading_words(told: SearchProgress) -> str:
    """How far the passages are that the first search waits for, and how long it will take."""
    tr = words.translated
    done, total = words.count(told.done), words.count(told.total)
    if told.stage != "encode passages":
        return fill(tr("The search is made ready (%1): %2 of %3."), told.stage, done, total)
    said = fill(tr("The model reads every passage once, so that it can bring some: %1 of %2."), done, total)
    return f"{said} {words.left((told.total - told.done) / told.rate)}." if told.rate > 0 else said


def undo_words(grade: int | None, title: str) -> str:
    """What undo would take back."""
    name = words.plain(title, 200)
    sentences = {
        None: words.translated("skip “%1”"),
        RELEVANT: words.translated("mark “%1” as relevant"),
        PARTLY: words.translated("mark “%1” as partly relevant"),
        NOT: words.translated("mark “%1” as not relevant"),
    }
    return fill(sentences[grade], name if len(name) <= 40 else name[:39] + "…")


class PoolFetcher(QObject):
    """Asks BM25 and the model for a query's first hits, one query at a time, and keeps the last for later.

    Signals: `fetched(Fetched)`; `failed(query id, message, hint)`.
    """

    fetched = Signal(object)
    failed = Signal(int, str, str)

    def __init__(self, session: Session, ask: Ask, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._ask = session, ask
        self._kept: dict[int, Fetched] = {}
        self._wanted: dict[int, str] = {}
        self._hits: dict[int, dict[str, tuple[int, ...]]] = {}

    def fetch(self, query_id: int, model: str) -> None:
        """Get the hits of a query; those that are kept come at once."""
        if query_id in self._kept:
            self.fetched.emit(self._kept[query_id])
        elif query_id not in self._wanted:
            self._wanted[query_id] = model
            self._ask(f"judge/query/{query_id}", lambda project: queries.query(project, query_id), self._search)

    def forget(self) -> None:
        """Passages or models are others now."""
        self._kept.clear()
        self._wanted.clear()
        self._hits.clear()

    def _search(self, query: Query | None) -> None:
        if query is None or query.id not in self._wanted:
            return
        model = self._wanted[query.id]
        self._hits[query.id] = {} if model else {"dense": ()}
        modes: tuple[Mode, ...] = ("bm25", "dense") if model else ("bm25",)
        for mode in modes:
            self._session.search(
                query.text,
                lambda hits, mode=mode: self._found(query, mode, hits),  # type: ignore[misc]  # bound per mode
                lambda message, hint: self._lost(query, message, hint),
                k=DEPTH * COPIES,
                mode=mode,
                model=model or "base",
            )

    def _found(self, query: Query, mode: str, hits: SearchHits) -> None:
        known = self._hits.get(query.id)
        if known is None:
            return
        known[mode] = tuple(hit.passage_id for hit in hits.hits)
        if len(known) == 2:
            self._wanted.pop(query.id, None)
            del self._hits[query.id]
            self._kept[query.id] = Fetched(query, known["bm25"], known["dense"])
            self.fetched.emit(self._kept[query.id])

    def _lost(self, query: Query, message: str, hint: str) -> None:
        if self._wanted.pop(query.id, None) is not None:
            self._hits.pop(query.id, None)
            self.failed.emit(query.id, message, hint)
