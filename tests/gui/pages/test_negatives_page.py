"""The negatives page: judging by key, selecting by slider, walking the doubtful ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from engine.params import SelectParams
from engine.records import Review
from engine.store import negatives, queries
from engine.store.candidates import Flag, read_candidates, read_reviews, write_candidates
from engine.store.project import Project
from engine.store.selection import CandidateState, select
from gui.dialogs.question import Question
from gui.pages.negatives.introduction import Introduction
from gui.pages.negatives.page import NegativesPage
from tests.gui.pages.showing import Shown


def test_page_says_what_mining_is_for_before_there_is_any(shown: Shown) -> None:
    page, session = shown(NegativesPage, "split")
    assert page._stack.currentIndex() == 0
    assert page.mine_button.isEnabled()
    page.mine_button.click()
    kind, params = session.jobs[0]
    assert kind == "mine"
    assert params["select"]["relative_margin"] == SelectParams().relative_margin


def test_without_training_queries_the_button_says_what_to_do_first(shown: Shown) -> None:
    page, _ = shown(NegativesPage, "imported")
    assert not page.mine_button.isEnabled()
    assert page.mine_button.shown_text() == "Split the queries first"


def test_first_query_opened_is_the_one_with_the_most_doubtful_candidate(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    assert session.project is not None
    mining = negatives.newest_mining(session.project)
    assert mining is not None
    candidates = read_candidates(session.project, mining.id)
    row = int(np.argmax(candidates.doubt))
    expected = int(candidates.queries[candidates.query_numbers()[row]])
    assert page._opened is not None
    assert page._opened.query_id == expected
    candidate = page.candidates.current()
    assert candidate is not None
    assert candidate.state is CandidateState.DOUBTFUL


def test_answer_stands_on_top_and_is_compared_with_the_candidate(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    assert page.candidates.model.rows()[0].state is CandidateState.ANSWER
    comparison = page.compare.comparison()
    assert comparison is not None
    assert comparison.left is not None
    assert comparison.left.row.state is CandidateState.ANSWER
    assert page.compare.left.text.marked()
    assert page.compare.right.text.toPlainText() == comparison.right.passage.text


@pytest.mark.parametrize(("key", "verdict"), [("N", "negative"), ("X", "left_out"), ("P", "relevant")])
def test_key_records_a_word_and_goes_on(shown: Shown, qtbot: QtBot, key: str, verdict: str) -> None:
    page, session = shown(NegativesPage)
    judged = page.candidates.current()
    assert judged is not None
    qtbot.keyClick(page.candidates.table, Qt.Key[f"Key_{key}"])
    shown.settle(page)
    assert session.edits[0][0] == "review"
    assert session.edits[0][1]["passage_id"] == judged.passage_id
    assert session.edits[0][1]["verdict"] == verdict
    now = page.candidates.current()
    assert now is not None
    assert now.passage_id != judged.passage_id


def test_undo_takes_a_word_back_and_says_which(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage)
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_X)
    shown.settle(page)
    assert session.undo_words.startswith("left out: ")
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_U)
    shown.settle(page)
    assert [kind for kind, _ in session.edits] == ["review", "unreview"]
    assert session.project is not None
    assert queries.reviews(session.project) == {}


def test_second_word_on_a_candidate_is_undone_to_the_first(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    candidate, opened = page.candidates.current(), page._opened
    assert candidate is not None
    assert opened is not None
    page.judge("left_out")
    shown.settle(page)
    page._open(opened.query_id, candidate.passage_id)
    shown.settle(page)
    page.judge("negative")
    shown.settle(page)
    session.undo()
    shown.settle(page)
    assert session.project is not None
    assert queries.reviews(session.project) == {(opened.query_id, candidate.passage_id): Review.LEFT_OUT}


def test_candidate_called_an_answer_becomes_one(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    candidate, opened = page.candidates.current(), page._opened
    assert candidate is not None
    assert opened is not None
    page.judge("relevant")
    shown.settle(page)
    page._open(opened.query_id, candidate.passage_id)
    shown.settle(page)
    answers = [row for row in page.candidates.model.rows() if row.state is CandidateState.ANSWER]
    assert candidate.passage_id in [row.passage_id for row in answers]


def test_keys_are_letters_while_a_text_field_has_the_focus(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage)
    field = QLineEdit(page)
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "nxp")
    assert field.text() == "nxp"
    assert session.edits == []


def test_walking_visits_every_doubtful_candidate_once_and_comes_back(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    assert page._looked is not None
    seen = []
    for _ in range(len(page._looked.walk)):
        candidate = page.candidates.current()
        assert candidate is not None
        assert candidate.state is CandidateState.DOUBTFUL
        seen.append(candidate.place)
        page._walk(1)
        shown.settle(page)
    assert sorted(seen) == sorted(page._looked.walk.tolist())
    again = page.candidates.current()
    assert again is not None
    assert again.place == seen[0]


def test_j_and_k_go_down_and_up_and_on_into_the_next_query(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage)
    table = page.candidates.table
    before = table.currentIndex().row()
    qtbot.keyClick(table, Qt.Key.Key_J)
    assert table.currentIndex().row() == before + 1
    qtbot.keyClick(table, Qt.Key.Key_K)
    assert table.currentIndex().row() == before
    first = page._opened
    page.candidates.choose(page.candidates.model.rowCount() - 1)
    qtbot.keyClick(table, Qt.Key.Key_J)
    shown.settle(page)
    assert first is not None
    assert page._opened is not None
    assert page._opened.query_id != first.query_id


def test_moving_a_slider_selects_again_and_the_waterfall_adds_up(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    rules = page.selection.rules
    rules.count.slider.set_values(1, 1)
    rules.count.slider.changed.emit(1, 1)
    shown.settle(page)
    assert session.project is not None
    mining = negatives.newest_mining(session.project)
    assert mining is not None
    candidates = read_candidates(session.project, mining.id)
    wanted = replace(SelectParams(rank_max=40), num_negatives=1)
    expected = select(candidates, wanted, read_reviews(session.project, candidates))
    falls = page.selection.waterfall.falls()
    assert falls[0].left - sum(fall.removed for fall in falls) == falls[-1].left
    assert falls[-1].left == int(expected.chosen.sum())
    assert page.keep.shown_text() == f"Keep these {falls[-1].left}"
    assert page.keep.isEnabled()


def test_selection_that_is_kept_already_cannot_be_kept_again(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    assert not page.keep.isEnabled()
    assert page.keep.shown_text() == "These 108 are kept"


def test_keeping_stores_the_selection_and_can_be_undone(shown: Shown) -> None:
    page, session = shown(NegativesPage)
    page.selection.rules.set_margin(0.2)
    shown.settle(page)
    page.keep.click()
    shown.settle(page)
    kind, values = session.edits[0]
    assert kind == "reselect"
    assert values["select"]["relative_margin"] == 0.2
    assert not page.keep.isEnabled()
    session.undo()
    shown.settle(page)
    assert session.edits[1][1]["select"]["relative_margin"] == 0.05


def test_reset_brings_the_defaults_back(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    rules = page.selection.rules
    rules.set_margin(0.3)
    assert rules.changed_rules() == 1
    rules._reset.click()
    assert rules.params() == SelectParams()
    assert rules.changed_rules() == 0


def test_small_window_folds_the_list_and_the_selection_to_a_line(shown: Shown) -> None:
    page, _ = shown(NegativesPage, size=(944, 604))
    assert not page.queries.isVisible()
    assert not page.selection.is_open()
    assert page.selection._outcome.text().startswith("ranks 1 – 40, margin ≥ 5 %")


def test_damaged_candidates_are_said_on_the_page(shown: Shown) -> None:
    def damage(project: Project) -> None:
        (project.path / "minings" / "1" / "candidates" / "manifest.json").write_text("{", encoding="utf-8")

    page, _ = shown(NegativesPage, change=damage)
    assert page.problem.isVisible()
    assert "Run the stage again" in page.problem._where.text()


def test_a_filter_leaves_answers_and_what_was_asked_for(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    everything = page.candidates.model.rowCount()
    page.candidates.which.set_value("chosen")
    page.candidates.which.picked.emit("chosen")
    shown.settle(page)
    states = {row.state for row in page.candidates.model.rows()}
    assert states == {CandidateState.ANSWER, CandidateState.CHOSEN}
    page.candidates.which.set_value("all")
    page.candidates.which.picked.emit("all")
    shown.settle(page)
    assert page.candidates.model.rowCount() == everything


FLAGGED = {"random": Flag.RANDOM, "imported": Flag.IMPORTED, "document": Flag.SAME_DOCUMENT}


def flag_some(project: Project) -> None:
    """Every fifth candidate was drawn by chance, every seventh imported, every third is of the answer's document."""
    mining = negatives.newest_mining(project)
    assert mining is not None
    known = read_candidates(project, mining.id)
    flags = np.array(known.flags)
    for step, flag in ((5, Flag.RANDOM), (7, Flag.IMPORTED), (3, Flag.SAME_DOCUMENT)):
        flags[::step] |= np.uint8(flag)
    write_candidates(project, mining.id, replace(known, flags=flags))


@pytest.mark.parametrize("which", ["bm25", "dense", "random", "imported", "near", "document", "doubtful", "judged"])
def test_each_filter_leaves_what_its_name_says_and_the_answers(shown: Shown, which: str) -> None:
    page, session = shown(NegativesPage, change=flag_some)
    page.judge("left_out")
    shown.settle(page)
    page._open(page._opened.query_id)
    page.candidates.which.set_value(which)
    page.candidates.which.picked.emit(which)
    shown.settle(page)
    mining = negatives.newest_mining(session.project)
    known = read_candidates(session.project, mining.id)
    opened = page._opened
    rows = known.rows_of(opened.query_id)
    words = queries.reviews(session.project)
    held = select(known, page.selection.rules.params(), read_reviews(session.project, known)).held
    expected = set()
    for place in range(rows.start, rows.stop):
        passage = int(known.passage_id[place])
        kept = {
            "bm25": known.bm25_rank[place] > 0,
            "dense": known.dense_rank[place] > 0,
            "near": abs(known.margin[place]) <= 0.1,
            "judged": (opened.query_id, passage) in words,
            "doubtful": held[place],
        }.get(which, bool(known.flags[place] & FLAGGED.get(which, 0)))
        if kept or known.flags[place] & Flag.ANSWER:
            expected.add(passage)
    assert {row.passage_id for row in page.candidates.model.rows()} == expected


def test_key_f_opens_the_filter(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage)
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_F)
    qtbot.waitUntil(page.candidates.which.view().isVisible)
    page.candidates.which.hidePopup()


def test_key_b_leaves_all_doubtful_ones_out_after_a_question_and_undo_takes_it_back(
    shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Question, "exec", lambda self: asked.append(self.yes.shown_text()) or 1)
    page, session = shown(NegativesPage)
    assert page._looked is not None
    held = page._looked.picture.selection.count(CandidateState.DOUBTFUL)
    assert held > 1
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_B)
    shown.settle(page)
    assert asked == [f"Leave out {held}"]
    assert session.project is not None
    assert list(queries.reviews(session.project).values()) == [Review.LEFT_OUT] * held
    assert page._looked.picture.selection.count(CandidateState.DOUBTFUL) == 0
    assert session.undo_words == f"left out {held} doubtful candidates"
    session.undo()
    shown.settle(page)
    assert queries.reviews(session.project) == {}


def test_key_b_changes_nothing_where_the_question_is_answered_no(
    shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Question, "exec", lambda _self: 0)
    page, session = shown(NegativesPage)
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_B)
    shown.settle(page)
    assert session.edits == []


def two_findings(project: Project) -> None:
    mining = negatives.newest_mining(project)
    assert mining is not None
    few = {"code": "few", "words": "3 of 9 training queries have fewer negatives.", "hint": "Mine deeper."}
    cut = {"code": "cut", "words": "8 of 9 passages are longer than 128 tokens.", "hint": "Read longer texts."}
    project.set_meta_json("negatives_lint", {"mining": mining.id, "findings": [few, cut]})


def test_what_training_would_suffer_from_stands_above_the_bench_and_unfolds_by_key(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage, change=two_findings)
    assert page.findings.isVisible()
    assert page.findings.text() == "3 of 9 training queries have fewer negatives. Mine deeper."
    more = page.findings.links()[-1]
    assert more.text() == "1 more"
    qtbot.keyClick(more, Qt.Key.Key_Return)
    assert page.findings.text().splitlines()[1] == "8 of 9 passages are longer than 128 tokens. Read longer texts."
    assert [link.text() for link in page.findings.links()] == ["Loosen a rule", "Read longer texts", "Show one"]


def test_each_finding_leads_to_its_mend(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage, change=two_findings)
    asked: list[tuple[str, object]] = []
    session.page_asked.connect(lambda name, what: asked.append((name, what)))
    page.findings.links()[0].click()
    page.findings.links()[-1].click()
    page.findings.links()[1].click()
    assert asked == [("negatives", {"short": True}), ("train", {"setting": "max_length"})]
    page.open_at({"short": True})
    shown.settle(page)
    assert page.queries.order.value() == "short"
    page.open_at({"keep": True})
    assert page.keep.hasFocus() or not page.keep.isEnabled()
    page.open_at({"again": True})
    assert page._again.hasFocus()


def test_without_findings_there_is_no_line(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    assert not page.findings.isVisible()


def test_key_i_turns_five_cards_from_the_users_own_data(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage)
    comparison = page.compare.comparison()
    assert comparison is not None
    assert comparison.left is not None
    qtbot.keyClick(page.candidates.table, Qt.Key.Key_I)
    shown.settle(page)
    (dialog,) = page.findChildren(Introduction)
    titles = []
    for _ in range(5):
        titles.append(dialog.title())
        qtbot.keyClick(dialog, Qt.Key.Key_Right)
    assert titles == ["The answer", "A hard negative", "Too easy", "Doubtful", "Your word"]
    assert not dialog.isVisible()
    dialog.turn(-4)
    assert comparison.left.passage.text[:40] in dialog.accessibleDescription()
