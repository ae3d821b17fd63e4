"""Every way from one page to something on another one arrives."""

from __future__ import annotations

import pytest

from engine.store import models, queries
from engine.store.overview import overview
from engine.store.project import Project
from engine.store.selection import CandidateState
from gui.main_window import PAGE_CLASSES, MainWindow
from tests.gui.asking import AskingSession, settle
from tests.gui.projects import empty_project


@pytest.fixture
def window(qtbot, tmp_path, finished):
    session = AskingSession(finished, tmp_path)
    made = MainWindow(session)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    for page in made._pages.values():
        if hasattr(page, "close_reader"):
            page.close_reader()
    session.close()


def _query(window):
    with Project.open(window._session.path, readonly=True) as project:
        return [query.id for query in queries.representatives(project)][4]


def _tuned(window):
    with Project.open(window._session.path, readonly=True) as project:
        return models.newest_tuned(project).id


def _arrive(qtbot, window, name, what):
    window._session.show_page(name, what)
    page = window.page(name)
    settle(qtbot, page)
    assert window.current_name() == name
    return page


def test_the_import_report_unfolds(qtbot, window):
    page = _arrive(qtbot, window, "documents", {"show": "report"})
    assert page._stack.currentWidget() is page.imports


def test_a_document_is_chosen_and_read(qtbot, window):
    page = _arrive(qtbot, window, "documents", {"document_id": 5})
    qtbot.waitUntil(lambda: page._document.document() is not None and page._document.document().id == 5)
    assert page.table.currentIndex().row() == page._model.row_where(lambda row: row.document.id == 5)


def test_a_document_further_down_is_read_without_losing_the_table(qtbot, window, monkeypatch):
    page = _arrive(qtbot, window, "documents", {})
    monkeypatch.setattr(page._model, "row_where", lambda _test: -1)
    page.open_at({"document_id": 7})
    settle(qtbot, page)
    assert page._document.document().id == 7
    assert not page.table.selectionModel().hasSelection()


def test_a_query_is_chosen_and_shown(qtbot, window):
    wanted = _query(window)
    page = _arrive(qtbot, window, "queries", {"query_id": wanted})
    qtbot.waitUntil(lambda: page._one.group() is not None and page._one.group().query.id == wanted)
    assert page._model.record(page.table.currentIndex().row()).query.id == wanted


def test_doubtful_candidates_come_first(qtbot, window):
    page = _arrive(qtbot, window, "negatives", {})
    page.queries.order.set_value("imported")
    page.open_at({"doubtful": True})
    settle(qtbot, page)
    assert page.queries.order.value() == "doubtful"
    assert page.candidates.current().state is CandidateState.DOUBTFUL


def test_a_mined_query_opens_before_anything_was_read(qtbot, window):
    page = window.page("negatives")
    with Project.open(window._session.path, readonly=True) as project:
        mined = next(q.id for q in queries.representatives(project, queries.Split.TRAIN))
    _arrive(qtbot, window, "negatives", {"query_id": mined})
    assert page._opened.query_id == mined


@pytest.mark.parametrize(("tab", "place"), [("fixed", 0), ("broken", 0), ("right", 1), ("wrong", 2)])
def test_moved_queries_come_to_the_front(qtbot, window, tab, place):
    page = _arrive(qtbot, window, "evaluate", {"tab": tab})
    assert page._questions._tabs.currentIndex() == place


def test_a_measured_query_opens(qtbot, window):
    page = _arrive(qtbot, window, "evaluate", {})
    wanted = page._pair.moved.all()[0].query_id
    page.open_at({"query_id": wanted})
    settle(qtbot, page)
    assert page._stack.currentWidget() is page._compare


def test_a_text_is_searched_for(qtbot, window):
    window._session.rankings = {"bm25": [(1, 2.0)], "tuned": [(1, 0.9)], "base": [(1, 0.8)]}
    page = _arrive(qtbot, window, "search", {"text": "worn chain"})
    qtbot.waitUntil(page.is_answered)
    assert {text for text, _mode, _model in window._session.searches} == {"worn chain"}


def test_a_preset_is_chosen(qtbot, window):
    page = _arrive(qtbot, window, "train", {"preset": "balanced"})
    assert page._plan.preset() == "balanced"
    assert page._plan.isVisible()


def test_a_finished_model_shows_its_curves(qtbot, window):
    page = _arrive(qtbot, window, "train", {"model": _tuned(window)})
    assert page._live.isVisible()


def test_a_model_is_chosen_for_export(qtbot, window):
    page = _arrive(qtbot, window, "export", {})
    base = next(model.model_id for model in page._facts.models if not model.is_tuned)
    page.open_at({"model": base})
    assert [card.model_id for card in page._cards if card.choice.isChecked()] == [base]


@pytest.mark.parametrize("name", [name for name in PAGE_CLASSES if name != "home"])
@pytest.mark.parametrize("made", ["finished", "empty"])
def test_a_step_lands_on_every_page(qtbot, window, tmp_path, name, made):
    if made == "empty":
        window._session._take(Project.open(empty_project(tmp_path), readonly=True))
    page = _arrive(qtbot, window, name, {"step": "Import documents"})
    window.take_step(overview(window._session.project).next_step)
    settle(qtbot, page)
    assert not page.problem.isVisible()


def test_home_leads_to_what_it_names(qtbot, window):
    home = window.page("home")
    looks = [("negatives", {"doubtful": True}), ("evaluate", {"tab": "broken"}), ("documents", {"show": "report"})]
    for name, what in looks:
        home.standing.page_asked.emit(name, what)
        settle(qtbot, window.page(name))
        assert window.current_name() == name
