"""The queries page: filters, answers, duplicates at a threshold, splits, and undo of all that is done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine.curate.splits import split
from engine.params import SplitParams
from engine.records import Qrel, Query, Split
from engine.store import queries
from engine.store.browse import QueryGroup
from engine.store.edges import read_edges
from engine.store.project import Project
from engine.task import Task
from gui.dialogs.write_query import WriteQuery
from gui.jobs.job import Job, Phase
from gui.pages.queries.page import QueriesPage
from gui.tables.pairs import without_same_start
from gui.tables.queries import source_words
from tests.gui.pages.showing import Shown


def test_empty_project_asks_for_queries(shown: Shown) -> None:
    page, _ = shown(QueriesPage, "empty")
    assert page._stack.currentIndex() == 0


def test_split_filter_shows_that_split_only(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    page._split._group.button(3).click()
    shown.settle(page)
    assert session.project is not None
    assert page._model.total() == queries.split_counts(session.project)["test"]
    assert {page._model.index(row, 3).data() for row in range(page._model.total())} == {"test"}


def test_queries_without_an_answer_are_found_and_marked(shown: Shown) -> None:
    page, _ = shown(QueriesPage)
    page._which.set_value("unanswered")
    page._filter_changed()
    shown.settle(page)
    assert page._model.total() == 1
    assert page._model.index(0, 1).data() == "none known"
    group = page._one.group()
    assert group is not None
    assert group.answers == ()


def test_merged_queries_can_be_listed(shown: Shown) -> None:
    page, _ = shown(QueriesPage)
    page._which.set_value("merged")
    page._filter_changed()
    shown.settle(page)
    assert page._model.total() == 4
    assert page._model.index(0, 3).data() == "merged"


def test_filter_that_nothing_passes_offers_to_clear_it(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(QueriesPage)
    page._contains.setText("no such words")
    qtbot.waitUntil(lambda: page._none.isVisible())
    page._clear_filter()
    shown.settle(page)
    assert page._model.total() == 68


def test_group_of_a_query_is_in_the_inspector_and_can_be_taken_apart(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    group = page._one.group()
    assert group is not None
    assert [query.text for query in group.members] == [
        "How do I replace the chain?",
        "How do I replace the chain on my bicycle?",
    ]
    apart = group.members[1]
    page._keep_apart(apart)
    shown.settle(page)
    assert session.edits == [("unmerge", {"query_id": apart.id})]
    assert session.undo_words == "keep “How do I replace the chain on my bicycl…”"
    assert session.project is not None
    assert queries.query(session.project, apart.id).duplicate_of is None
    session.undo()
    shown.settle(page)
    assert queries.query(session.project, apart.id) == apart
    assert queries.decisions(session.project) == []


def test_threshold_counts_what_it_would_merge(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    page.duplicates._moved(0.80)
    shown.settle(page)
    assert session.project is not None
    edges = read_edges(session.project)
    assert edges is not None
    sizes = np.unique(edges.groups(0.80), return_counts=True)[1]
    view = page.duplicates._view
    assert view is not None
    assert (view.groups, view.duplicates) == (int((sizes > 1).sum()), int((sizes - 1).sum()))
    assert page.duplicates.find_button.text() == "Merge at 0.80"


def test_pairs_shown_are_those_nearest_to_the_threshold(shown: Shown) -> None:
    page, _ = shown(QueriesPage)
    page.duplicates._moved(0.80)
    shown.settle(page)
    view = page.duplicates._view
    assert view is not None
    scores = [pair.score for pair in view.pairs]
    assert scores == sorted(scores, reverse=True)
    assert all(abs(score - 0.80) < 0.05 for score in scores)


def test_merging_all_runs_the_job_at_the_threshold(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    page.duplicates._moved(0.9)
    page.duplicates.find_button.click()
    assert session.jobs == [("dedup", {"threshold": 0.9})]


@pytest.mark.parametrize(("kind", "why"), [("dedup", "Comparing…"), ("split", "Splitting…")])
def test_what_runs_already_is_not_offered_again(shown: Shown, kind: str, why: str) -> None:
    page, session = shown(QueriesPage)
    button = page.duplicates.find_button if kind == "dedup" else page.split.again
    assert session.path is not None
    job = Job(1, kind, session.path, {})
    session.queue._running = job
    session.queue.job_started.emit(job)
    assert (button.isEnabled(), button.shown_text()) == (False, why)
    session.queue._running = None
    session.queue.job_finished.emit(job)
    assert button.isEnabled()


def test_before_anything_was_compared_the_drawer_offers_to(shown: Shown) -> None:
    page, session = shown(QueriesPage, "imported")
    assert page.duplicates.find_button.text() == "Find duplicates"
    page.duplicates.find_button.click()
    assert session.jobs[0][0] == "dedup"


def test_m_merges_the_chosen_pair_and_k_takes_it_apart(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(QueriesPage)
    page.duplicates._moved(0.80)
    shown.settle(page)
    pair = page.duplicates.chosen_pair()
    assert pair is not None
    assert not pair.merged
    qtbot.keyClick(page.duplicates._list, Qt.Key.Key_M)
    shown.settle(page)
    assert session.edits[0][0] == "merge"
    now = page.duplicates.chosen_pair()
    assert now is not None
    assert now.merged
    qtbot.keyClick(page.duplicates._list, Qt.Key.Key_K)
    shown.settle(page)
    assert session.edits[1][0] == "keep_apart"
    last = page.duplicates.chosen_pair()
    assert last is not None
    assert (last.merged, last.parted) == (False, True)


def test_pair_that_is_not_merged_can_be_kept_apart_at_any_threshold(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(QueriesPage)
    page.duplicates._moved(0.80)
    shown.settle(page)
    pair = page.duplicates.chosen_pair()
    assert pair is not None
    assert not pair.merged
    qtbot.keyClick(page.duplicates._list, Qt.Key.Key_K)
    shown.settle(page)
    assert session.project is not None
    assert {(q, o, same) for q, o, same in queries.decisions(session.project)} == {(pair.left.id, pair.right.id, False)}
    assert not page.duplicates._keep_button.isEnabled()
    session.undo()
    shown.settle(page)
    assert queries.decisions(session.project) == []


def test_group_is_taken_apart_from_its_list_and_put_together_by_undo(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(QueriesPage, size=(944, 604))
    page.duplicates._tabs._group.button(1).click()
    page.duplicates._group_list.setCurrentIndex(page.duplicates._groups.index(0, 0))
    assert session.project is not None
    before = queries.all_queries(session.project)
    page.duplicates._keep_button.click()
    shown.settle(page)
    assert session.edits[0][0] == "take_apart"
    assert queries.count_duplicates(session.project) == 3
    session.undo()
    shown.settle(page)
    assert queries.all_queries(session.project) == before


def test_answer_that_is_none_goes_and_comes_back_with_undo(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    group = page._one.group()
    assert group is not None
    assert session.project is not None
    every = "select * from qrels order by 1, 2"  # with the import that brought each
    before = session.project.db.execute(every).fetchall()
    page._refuse_answer(group.query, group.answers[0])
    shown.settle(page)
    assert session.edits[0][0] == "unqrel"
    assert session.project.db.execute(every).fetchall() != before
    session.undo()
    shown.settle(page)
    assert session.project.db.execute(every).fetchall() == before


def test_split_drawer_says_counts_and_leaks(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    assert session.project is not None
    counts = queries.split_counts(session.project)
    expected = f"{counts['train']} train, {counts['dev']} dev, {counts['test']} test; leaks: 0"
    assert page.split.fact.text() == expected
    assert page._leaks._words.text() == "Leaks: 0"


def test_splitting_again_takes_the_shares_and_another_seed(shown: Shown) -> None:
    page, session = shown(QueriesPage)
    page.split.set_open(True)
    page.split.test.set_value(30)
    page.split.again.click()
    page.split.again.click()
    first, second = (params for _, params in session.jobs)
    assert first["test_share"] == 0.3
    assert first["seed"] != second["seed"]


def test_written_query_is_added_with_its_answer(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session = shown(QueriesPage)

    def fill_in(dialog: WriteQuery) -> int:
        shown.settle(page)
        dialog._text.setText("My chain jumps")
        dialog._list.setCurrentIndex(dialog._model.index(2, 0))
        return 1

    monkeypatch.setattr(WriteQuery, "exec", fill_in)
    page.write_query()
    shown.settle(page)
    assert session.edits[0] == ("add_query", {"text": "My chain jumps", "passage_id": 3})
    assert page._model.total() == 69


def test_pair_that_begins_alike_is_cut_before_the_difference() -> None:
    left = "Which of the many numbers on the frame do I need to order a chain?"
    right = "Which of the many numbers on the frame do I need to order a saddle?"
    cut_left, cut_right = without_same_start(left, right)
    assert cut_left.startswith("… ")
    assert cut_left.endswith("order a chain?")
    assert cut_right.endswith("order a saddle?")
    assert without_same_start("short", "shorts") == ("short", "shorts")


def test_an_answer_that_came_since_the_split_and_leaks_is_counted(shown: Shown) -> None:
    def leak(project: Project) -> None:
        split(project, SplitParams(keep_official=False), Task())
        train, test = (queries.representatives(project, place)[0].id for place in (Split.TRAIN, Split.TEST))
        (answer, *_) = queries.positives(project)[train]
        queries.put_qrels(project, [Qrel(test, answer, 1, "hand")])

    page, session = shown(QueriesPage, change=leak)
    assert ("leaks", {}) in session.edits
    assert page._leaks._words.text() == "Leaks: 1"
    assert page.split.fact.text().endswith("leaks: 1")
    assert "Split again" in page.split._sentence.text()


def test_what_was_made_is_said_with_its_cost(shown: Shown, qtbot: QtBot) -> None:
    _page, session = shown(QueriesPage)
    summary = {"queries": 12, "by_source": {"headings": 2, "endpoint": 10}, "known": 1, "failed": 3, "tokens": 5000}
    job = Job(1, "make_queries", session.path, {}, phase=Phase.DONE, summary={**summary, "cost": 0.01})  # type: ignore[arg-type]
    session.queue.job_finished.emit(job)
    qtbot.waitUntil(lambda: bool(session.toasts))
    assert session.toasts == [
        (
            "12 queries made: 2 from headings, 10 from the language model. 1 was there already. "
            "The model wrote none for 3 passages. 5,000 tokens, cost 0.0100.",
            "",
        )
    ]


def test_a_made_query_says_from_what_in_a_word(shown: Shown) -> None:
    page, _ = shown(QueriesPage)
    query = Query(3, "", "How is it reset?", "made: cloze")
    page._one.show_group(QueryGroup(query, (), (query,)))
    assert page.inspector._fact.text() == "Made from: Sentences"
    assert source_words("made: endpoint", page) == "A model"
    assert source_words("imported", page) == "Import"
