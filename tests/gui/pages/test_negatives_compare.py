"""A candidate beside the answer: what carries the likeness, where it is from, what was said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine.mine.likeness import Likeness, SentenceWeight
from engine.store import models, negatives
from engine.store.candidates import read_candidates
from engine.store.selection import CandidateState
from gui.pages.negatives.page import NegativesPage
from gui.tables.mined import rows_shown
from tests.gui.pages.showing import Shown


def test_key_s_shades_the_sentences_that_carry_the_likeness(
    shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, session = shown(NegativesPage)
    comparison = page.compare.comparison()
    assert comparison is not None
    text = comparison.right.passage.text
    half = len(text) // 2
    found = Likeness((SentenceWeight(0, half, 0.2), SentenceWeight(half, len(text), 0.1)), len(text))
    monkeypatch.setattr("engine.mine.likeness.likeness", lambda *_, **__: found)
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_S)
    shown.settle(page)
    assert session.edits[-1][0] == "likeness"
    assert [share for _, share in page.compare.right.text.shades()] == [1.0, 0.5]
    assert page.compare.right.text.unread() == ""
    page.candidates.step(1)
    shown.settle(page)
    assert page.compare.right.text.shades() == []


def test_asking_what_carries_the_likeness_says_at_once_that_the_engine_is_at_work(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage)
    asked: list[tuple[object, ...]] = []
    session.edit = lambda *words, **_more: asked.append(words)  # type: ignore[method-assign]  # the engine takes its time
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_S)
    assert page.compare.why.text() == "at work…"
    assert page.compare._shared.text().startswith("The model is loaded")
    page.compare._tick()
    assert page.compare._shared.text() == "The model is loaded first… 1 s"
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_S)
    assert len(asked) == 1
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_J)
    shown.settle(page)
    assert page.compare.why.text() == "Why alike?"
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_S)
    assert len(asked) == 2


def test_the_model_is_loaded_while_the_bench_stands_open_and_nothing_else_runs(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    mining = negatives.newest_mining(session.project)
    assert session.warmed == []
    session.queue._running = object()  # type: ignore[assignment]  # a heavy job
    page._likeness._warm_now()
    assert session.warmed == []
    session.queue._running = None
    page._likeness._warm_now()
    page._likeness._warm_now()
    assert session.warmed == [mining.model_id]
    page.hide()
    page._likeness._asked.clear()
    page._likeness._warm_now()
    assert session.warmed == [mining.model_id]


def test_a_likeness_that_hangs_on_no_sentence_is_shaded_faintly(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    comparison = page.compare.comparison()
    assert comparison is not None
    passage = comparison.right.passage
    half = len(passage.text) // 2
    page.compare.show_likeness(passage.id, [(0, half, 0.01), (half, len(passage.text), -0.01)], len(passage.text))
    assert [share for _, share in page.compare.right.text.shades()] == [pytest.approx(0.2)]


def test_what_the_model_does_not_read_stands_pale(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    comparison = page.compare.comparison()
    assert comparison is not None
    passage = comparison.right.passage
    half = len(passage.text) // 2
    page.compare.show_likeness(passage.id, [(0, half, 0.2)], half)
    assert page.compare.right.text.unread() == passage.text[half:]
    page.candidates.step(1)
    shown.settle(page)
    assert page.compare.right.text.unread() == ""


def test_key_a_compares_with_the_querys_next_answer(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage)
    page.candidates.step(1)
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_P)  # now there are two
    shown.settle(page)
    seen = []
    for _ in range(3):
        comparison = page.compare.comparison()
        assert comparison is not None
        assert comparison.left is not None
        seen.append(comparison.left.passage.id)
        qtbot.keyClick(page.candidates.table, Qt.Key.Key_A)
        shown.settle(page)
    assert seen[0] == seen[2] != seen[1]


def test_the_score_of_bm25_stands_beside_its_rank(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    row = page.candidates.current()
    assert row is not None
    assert session.project is not None
    mining = negatives.newest_mining(session.project)
    assert mining is not None
    score = read_candidates(session.project, mining.id).bm25_score[row.place]
    assert f"BM25 {row.bm25_rank} ({score:.1f})" in page.compare.right.standing.text()


def test_where_a_negative_is_from_stands_beside_it(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    mining = negatives.newest_mining(session.project)
    chosen = next(row for row in page.candidates.model.rows() if row.state is CandidateState.CHOSEN)
    page.candidates.choose(page.candidates.model.row_of(chosen.passage_id))
    shown.settle(page)
    opened = page._opened
    assert opened is not None
    (kept,) = (
        row
        for row in negatives.negatives_of(session.project, mining.id, opened.query_id)
        if row.passage_id == chosen.passage_id
    )
    digest = models.model(session.project, mining.model_id).weights_digest
    source = {"dense": "model", "bm25": "BM25"}[kept.source.value]
    assert page.compare.right.origin.text() == f"by {source} · round 1 · {digest[:8]}"
    whole = page.compare.right.origin.toolTip()
    for part in (
        f"score {kept.score:.3f}",
        f"margin {100 * kept.margin:.1f} %",
        f"doubt {kept.doubt:.2f}",
        digest[:12],
    ):
        assert part in whole, part


def test_the_word_given_stands_with_where_it_is_from(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    row = page.candidates.current()
    assert row is not None
    page.judge("left_out")
    shown.settle(page)
    page.candidates.choose(page.candidates.model.row_of(row.passage_id))
    shown.settle(page)
    assert "Your word: leave out." in page.compare.right.origin.toolTip()


def test_the_rules_down_to_the_reranker_are_seen_whole(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    area = page.selection.rules._area.viewport()
    gate = page.selection.rules.gate
    assert gate.mapTo(area, gate.rect().bottomLeft()).y() <= area.height()


def test_a_sentence_is_cut_at_its_end_and_a_dotted_name_in_its_middle(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    assert page.candidates.table.textElideMode() == Qt.TextElideMode.ElideRight
    looked, mined, opened = page._looked, page._mined, page._opened
    assert looked is not None
    assert mined is not None
    assert opened is not None
    named = replace(opened, names={place: f"numpy.linalg.part{place}" for place in opened.names})
    page.candidates.show_rows(mined, looked.picture, rows_shown(mined, opened.query_id), named, "Base")
    assert page.candidates.table.textElideMode() == Qt.TextElideMode.ElideMiddle
