"""The judging bench: cards by key, kept at once, taken back with words, query after query, and every state said."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engine.protocol import SearchProgress
from engine.store import documents, judging, queries
from engine.store.project import Project
from engine.store.queries import NewQuery
from gui.pages.judge.facts import Standing, reach_words
from gui.pages.judge.page import JudgeBench
from gui.pages.queries.page import QueriesPage
from tests.gui.pages.showing import Shown
from tests.gui.recording import RecordingSession

NOTHING, BROKEN = "zzz finds nothing", "this one fails"


class Opened:
    """A page with its bench; the engine's search is a fixed ranking: BM25 brings passages 0 to 5, the model 3 to 8."""

    def __init__(self, page: QueriesPage, session: RecordingSession, shown: Shown, qtbot: QtBot) -> None:
        self.page, self.session, self._shown, self._qtbot = page, session, shown, qtbot
        self.asked: list[tuple[str, str]] = []
        self.broken = True
        session.search = self._search  # type: ignore[method-assign]

    def _search(self, text, on_hits, on_failed, *, k=10, mode="dense", model="tuned"):
        self.asked.append((mode, text))
        if text == BROKEN and self.broken:
            on_failed("The model cannot be read.", "Choose another model.")
            return 1
        ids = documents.corpus(self.session.project).ids.tolist()
        ids = [] if text == NOTHING else ids[:6] if mode == "bm25" else ids[3:9]
        on_hits(SimpleNamespace(hits=[SimpleNamespace(passage_id=passage) for passage in ids]))
        return 1

    @property
    def bench(self) -> JudgeBench:
        assert self.page._bench is not None
        return self.page._bench

    def judge(self, query_id: int = 0) -> None:
        self.page.judge(query_id)
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self._qtbot.keyClick(self.bench, getattr(Qt.Key, f"Key_{key}"))
            self.settle()

    def settle(self) -> None:
        self._shown.settle(self.page)

    def query_id(self, text: str) -> int:
        return next(query.id for query in queries.all_queries(self.session.project) if query.text == text)

    def grades(self, query_id: int) -> dict[int, tuple[int, str]]:
        return {row.passage_id: (row.grade, row.source) for row in queries.qrels_of(self.session.project, query_id)}


def add_odd_queries(project: Project) -> None:
    queries.put_queries(project, [NewQuery(text, source="hand") for text in (NOTHING, BROKEN)], import_id=None)


@pytest.fixture
def opened(shown: Shown, qtbot: QtBot) -> Opened:
    page, session = shown(QueriesPage, change=add_odd_queries)
    return Opened(page, session, shown, qtbot)


def test_first_query_is_one_that_nobody_judged(opened: Opened) -> None:
    opened.judge()
    pool = opened.bench._pool
    assert pool is not None
    assert pool.query.text.startswith("My bicycle was in the cellar")
    assert len(pool.cards) == 9
    assert opened.bench.passage.name.text() == pool.cards[0].title


def test_each_key_keeps_its_word_and_shows_the_next_card(opened: Opened) -> None:
    opened.judge()
    pool = opened.bench._pool
    assert pool is not None
    opened.press("A", "S", "D", "F")
    cards = [card.passage.id for card in pool.cards[:4]]
    assert opened.grades(pool.query.id) == {cards[0]: (2, "hand"), cards[1]: (1, "hand"), cards[2]: (0, "hand")}
    assert judging.skipped_of(opened.session.project, pool.query.id) == {cards[3]}
    assert opened.bench._place == 4


def test_source_is_told_only_once_the_card_is_judged(opened: Opened) -> None:
    opened.judge()
    assert opened.bench.passage.source.text() == "source shown once judged"
    card = opened.bench.card()
    assert card is not None
    opened.press("A", "K")
    ranks = [f"BM25 {card.words_rank}"] * bool(card.words_rank) + [f"model {card.model_rank}"] * bool(card.model_rank)
    assert opened.bench.passage.source.text() == " · ".join([*ranks, "judged by hand"])
    assert opened.bench.passage.chip.text() == "relevant"


def test_undo_says_what_it_takes_back_and_shows_the_card_again(opened: Opened) -> None:
    opened.judge()
    first = opened.bench.card()
    assert first is not None
    opened.press("A", "D")
    opened.press("U")
    assert opened.bench._place == 1
    assert opened.session.undo_words == f"mark “{first.title}” as relevant"
    opened.press("U")
    assert opened.bench._place == 0
    assert opened.bench.card() == first
    assert opened.grades(opened.bench._pool.query.id) == {}
    assert opened.session.undo_words == ""


def test_undo_of_another_grade_brings_the_grade_of_before(opened: Opened) -> None:
    query_id = opened.query_id("How do I replace the chain?")
    before = opened.grades(query_id)
    opened.judge(query_id)
    assert opened.bench._pool is not None
    place = next(n for n, card in enumerate(opened.bench._pool.cards) if card.passage.id in before)
    opened.bench._choose(place)
    opened.press("D")
    assert opened.grades(query_id)[next(iter(before))] == (0, "hand")
    opened.press("U")
    assert opened.grades(query_id) == before


def test_undo_after_going_on_comes_back_to_the_query(opened: Opened) -> None:
    opened.judge()
    first = opened.bench._pool.query.id
    opened.press("A", "N")
    assert opened.bench._pool is None or opened.bench._pool.query.id != first
    opened.press("U")
    assert opened.bench._pool.query.id == first
    assert opened.bench._place == 0
    assert opened.bench.card().is_open


def test_undo_pressed_before_the_words_are_kept_takes_back_as_many(opened: Opened) -> None:
    opened.judge()
    kept, waiting = opened.session.edit, []
    opened.session.edit = lambda *words, **more: waiting.append((words, more))  # type: ignore[method-assign]
    opened.press("A", "S", "D", "U", "U")
    opened.session.edit = kept  # type: ignore[method-assign]
    for words, more in waiting:
        kept(*words, **more)
    opened.settle()
    assert [grade for grade, _ in opened.grades(opened.bench._pool.query.id).values()] == [2]
    assert opened.bench._place == 1


def test_judged_query_is_done_and_the_next_one_follows(opened: Opened) -> None:
    opened.judge()
    pool = opened.bench._pool
    opened.press(*"DDDDDDDDD")
    assert ("judged_pool", {"query_id": pool.query.id}) in opened.session.edits
    assert opened.bench._tally.text() == "all judged, 0 relevant"
    project = opened.session.project
    assert pool.query.id not in judging.order_to_judge(project, judging.systems_key(project))


def test_hits_of_the_next_query_are_asked_for_ahead(opened: Opened) -> None:
    opened.judge()
    shown = opened.bench._pool.query.text
    texts = {text for _, text in opened.asked}
    assert len(texts) == 2
    assert shown in texts


def test_keys_pressed_while_passages_are_looked_for_are_not_typed_into_the_field(opened: Opened) -> None:
    opened.session.search = lambda *_texts, **_how: 1  # type: ignore[method-assign,assignment]
    opened.judge()
    assert opened.bench._frames.currentWidget() is opened.bench._busy
    assert opened.page.window().focusWidget() is opened.bench
    opened.bench.next_query()
    opened.settle()
    assert opened.page.window().focusWidget() is opened.bench


def test_query_without_hits_says_so_and_leads_on(opened: Opened) -> None:
    opened.judge(opened.query_id(NOTHING))
    assert opened.bench._frames.currentWidget() is opened.bench._none
    assert NOTHING in opened.bench._none._sentence.text()
    opened.press("N")
    assert opened.bench._pool is None or opened.bench._pool.query.text != NOTHING


def test_search_that_fails_is_said_and_tried_again(opened: Opened) -> None:
    query_id = opened.query_id(BROKEN)
    opened.judge(query_id)
    assert opened.bench.problem.isVisible()
    assert "The model cannot be read." in opened.bench.problem.accessibleName()
    opened.broken = False
    opened.bench._open(query_id)
    opened.settle()
    assert not opened.bench.problem.isVisible()
    assert opened.bench._pool.query.id == query_id


def test_when_every_query_is_judged_it_says_so(opened: Opened) -> None:
    opened.judge()
    for query in queries.representatives(opened.session.project):
        opened.bench._done.add(query.id)
    opened.press("N")
    assert opened.bench._frames.currentWidget() is opened.bench._all


def test_new_query_is_written_and_judged_without_the_mouse(opened: Opened, qtbot: QtBot) -> None:
    opened.judge()
    opened.press("W")
    assert opened.bench.written.hasFocus()
    qtbot.keyClicks(opened.bench.written, "what oil does a chain need")
    assert opened.grades(opened.bench._pool.query.id) == {}  # letters in the field are no words on the card
    qtbot.keyClick(opened.bench.written, Qt.Key.Key_Return)
    opened.settle()
    asked = opened.bench._pool.query
    assert (asked.text, asked.source) == ("what oil does a chain need", "hand")
    opened.press("A")
    assert [grade for grade, _ in opened.grades(asked.id).values()] == [2]


def test_escape_leaves_the_field_first_and_then_the_bench(opened: Opened, qtbot: QtBot) -> None:
    opened.judge()
    opened.press("W")
    qtbot.keyClick(opened.bench.written, Qt.Key.Key_Escape)
    assert opened.bench.isVisible()
    assert opened.bench.hasFocus()
    opened.press("Escape")
    assert not opened.bench.isVisible()
    assert opened.page.head.isVisible()


def test_back_at_the_queries_the_table_knows_the_new_answers(opened: Opened) -> None:
    opened.judge()
    query = opened.bench._pool.query
    opened.press("A", "Escape")
    opened.page._which.set_value("unanswered")
    opened.page._filter_changed()
    opened.settle()
    shown = {opened.page._model.index(row, 0).data() for row in range(opened.page._model.total())}
    assert query.text not in shown


def test_word_that_could_not_be_kept_is_said(opened: Opened) -> None:
    opened.judge()

    def refuse(kind, values, on_done=None, *, undo=None, on_failed=None):
        on_failed("The disk is full.", "Make room.")

    opened.session.edit = refuse  # type: ignore[method-assign]
    opened.press("A")
    assert "The disk is full." in opened.bench.problem.accessibleName()
    assert opened.bench._pool.cards[0].is_open


def test_other_pages_can_ask_to_judge_a_query(opened: Opened) -> None:
    query_id = opened.query_id("How do I replace the chain?")
    opened.page.open_at({"judge": query_id})
    opened.settle()
    assert opened.bench._pool.query.id == query_id


def test_project_without_passages_says_what_comes_first(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(QueriesPage, "empty")
    opened = Opened(page, session, shown, qtbot)
    opened.judge()
    assert "Import documents first" in opened.bench._none._sentence.text()


def test_reach_is_told_with_how_many_queries_are_missing() -> None:
    progress = judging.Progress(queries=1, judgements=5, waiting=0, test=100, unsplit=0)
    said = reach_words(Standing(progress, judging.Reach(100, 0.1, assumed=False)))
    assert said == (
        "100 test queries tell differences from 0.100 nDCG@10 on; about 300 more for 0.05 "
        "(with the spread measured here)."
    )
    enough = reach_words(Standing(progress, judging.Reach(100, 0.02, assumed=True)))
    assert enough == (
        "100 test queries tell differences from 0.020 nDCG@10 on (with the spread that is usual); "
        "16 are enough for 0.05."
    )


def test_while_the_model_reads_the_passages_the_bench_says_how_far_it_is(opened: Opened) -> None:
    opened.session.search = lambda *_words, **_more: 1  # type: ignore[method-assign]  # no answer yet
    opened.judge()
    told = SearchProgress(
        project=str(opened.session.path), model="base", stage="encode passages", done=1200, total=3175, rate=20.0
    )
    opened.session.resident.search_progress.emit(told)
    shown = [found.text() for found in opened.bench._busy.findChildren(QLabel)]
    assert any(text.endswith("so that it can bring some: 1,200 of 3,175. 1 min 39 s left.") for text in shown), shown


def test_another_projects_passages_are_not_told_of(opened: Opened) -> None:
    opened.session.search = lambda *_words, **_more: 1  # type: ignore[method-assign]
    opened.judge()
    before = [found.text() for found in opened.bench._busy.findChildren(QLabel)]
    told = SearchProgress(project="/elsewhere", model="base", stage="encode passages", done=1, total=3)
    opened.session.resident.search_progress.emit(told)
    assert [found.text() for found in opened.bench._busy.findChildren(QLabel)] == before
