"""What stands below a verdict that is no win: each reason's button, pressed, does what it says."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from engine.records import Split
from engine.store import models, runs, verdicts
from engine.store.project import Project
from gui import theme
from gui.jobs.job import Phase
from gui.pages.evaluate.page import EvaluatePage
from tests.gui.asking import AskingSession, settle

_LOSS = "update comparisons set verdict = 'LOSS', low = -0.2, high = -0.02, delta = -0.1, fixed = 1, broken = 4"
_TIE = "update comparisons set verdict = 'TIE', low = -0.05, high = 0.15, delta = 0.05, fixed = 2, broken = 0"
_ALL = verdicts.Circumstances(
    word_overlap=0.8, train_pairs=40, doubtful_share=0.3, conflicts=2, unknown_share=0.5, conflicting=(2, 5)
)


@pytest.fixture
def opened(qtbot, tmp_path, finished):
    def open_page(sql: str, known: verdicts.Circumstances = _ALL) -> EvaluatePage:
        with Project.open(finished) as project:
            project.db.execute(sql)
            verdicts.keep_circumstances(project, Split.TEST, known)
        page = EvaluatePage(AskingSession(finished, tmp_path))
        qtbot.addWidget(page)
        page.resize(1072, 764)
        page.show()
        settle(qtbot, page)
        return page

    return open_page


def _hybrid(finished, value: float = 0.9) -> int:
    """A measured run of the newest model joined with BM25."""
    with Project.open(finished) as project:
        tuned = next(run for run in runs.newest_runs(project) if run.system == "tuned")
        run = runs.start_run(project, system="hybrid", model_id=tuned.model_id, split=Split.TEST, content_key="h")
        runs.put_query_metrics(project, run, runs.query_metrics(project, tuned.id))
        runs.finish_run(project, run, n_queries=tuned.n_queries, metrics={"ndcg@10": value}, seconds=1)
    return run


def _press(page: EvaluatePage, text: str) -> None:
    button = next(b for b in page._verdict.findChildren(QAbstractButton) if b.text() == text and b.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [
        ("Add queries", ("queries", {"step": "add_queries"})),
        ("Add pairs", ("queries", {"step": "add_pairs"})),
        ("Judge negatives", ("negatives", {"doubtful": True})),
        ("Look at the queries", ("queries", {"query_id": 2})),
        ("Choose another base", ("train", {"step": "other_base"})),
    ],
)
def test_a_reasons_button_leads_to_its_remedy(opened, text, leads_to):
    page = opened(_TIE)
    _press(page, text)
    assert page.session.pages == [leads_to]


def test_measuring_both_joined_ends_with_their_verdict(qtbot, opened, finished):
    page = opened(_LOSS)
    _press(page, "Measure both joined")
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned", "hybrid"]})]
    run = _hybrid(finished)
    page.session.end_job(page.session.queue.running, Phase.DONE, changed={"runs"})
    settle(qtbot, page)
    assert page._chosen[0] == run
    assert page._bench.names[page._chosen[1]] == "BM25"


def test_measuring_that_was_stopped_changes_no_choice(qtbot, opened, finished):
    page = opened(_LOSS)
    before = page._chosen
    _press(page, "Measure both joined")
    page.session.end_job(page.session.queue.running, Phase.CANCELLED)
    _hybrid(finished)
    page.refresh({"runs"})
    settle(qtbot, page)
    assert page._chosen == before


def test_both_joined_once_measured_are_shown_with_their_score(qtbot, opened, finished):
    run = _hybrid(finished, 0.456)
    page = opened(_LOSS)
    assert any("0.456 nDCG@10" in reason for reason in page._verdict.reasons())
    _press(page, "Look at both joined")
    settle(qtbot, page)
    assert page._chosen[0] == run
    assert page.session.jobs == []


def test_the_broken_come_to_the_front(opened):
    page = opened(_LOSS)
    page._questions.show_tab("wrong")
    _press(page, "See the broken")
    assert page._questions.broken.isVisible()


def test_an_interval_beside_zero_is_explained_where_the_test_finds_chance(opened):
    page = opened("update comparisons set verdict = 'TIE', low = 0.001, high = 0.1, delta = 0.05, p = 0.08")
    assert "lies beside zero" in page._verdict.words_shown()[2]
    assert any("8 % of the time" in reason for reason in page._verdict.reasons())


def test_long_and_wide_names_do_not_widen_the_page(qtbot, opened, finished):
    with Project.open(finished) as project:
        project.db.execute("update models set name = ? where kind = 'tuned'", ["很长的模型名称" * 12])
        project.db.execute("update documents set title = ?", ["文档的标题非常长" * 12])
    page = opened(_LOSS)
    assert page._verdict.width() <= page.width()
    assert page._scatter.geometry().right() <= page.width()
    moved = page._pair.moved.all()
    page._open_query(moved[0].query_id)
    settle(qtbot, page)
    page._open_runs()
    settle(qtbot, page)
    assert page.minimumSizeHint().width() <= theme.NARROW_BELOW - theme.RAIL


def test_where_nothing_else_explains_it_the_parts_are_shown(qtbot, opened):
    equal = _TIE.replace("delta = 0.05", "delta = 0.001")
    page = opened(equal, verdicts.Circumstances())
    assert any("practically equal" in reason for reason in page._verdict.reasons())
    _press(page, "See the parts")
    settle(qtbot, page)
    assert page._scatter.slices.isVisible()


def test_a_win_on_queries_that_the_model_knows_is_no_verdict(qtbot, opened, finished):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        project.set_meta_json("known_queries", {"test": {str(tuned): 2}})
    page = opened("update comparisons set verdict = 'WIN'")
    assert page._verdict.words_shown()[0] == "NOT HELD OUT"
    assert "2 of them known" in page._verdict._line.text()
    assert "learnt from 2 of these queries" in page._verdict.words_shown()[2]
    assert "prove nothing" in page._verdict.reasons()[0]
    assert page._primary.text() == "Train again"
    _press(page, "Train again")
    assert page.session.pages[-1] == ("train", {"step": "train_again"})
