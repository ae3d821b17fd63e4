"""The documents page: what is listed, what the last import said, how files come in and go."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.records import TokenReport
from engine.store.project import Project
from engine.task import Task
from gui.dialogs.import_window import ImportWindow
from gui.dialogs.question import Question
from gui.pages.documents.page import DocumentsPage
from gui.pages.documents.report import reads_badly, token_words
from gui.tables.paged import RECORD
from tests.gui.pages.showing import Shown


def test_empty_project_shows_what_the_page_is_for(shown: Shown) -> None:
    page, session = shown(DocumentsPage, "empty")
    assert page._stack.currentIndex() == 0
    assert page.inspector is not None
    assert not page.inspector.isVisible()
    assert session.jobs == []


def test_every_document_is_listed_with_its_state(shown: Shown) -> None:
    page, _ = shown(DocumentsPage)
    model = page._model
    assert model.total() == 12
    states = {model.index(row, 0).data(): model.index(row, 4).data() for row in range(12)}
    assert states["chain"] == "Ready"
    assert states["scanned.pdf"] == "No text found"


def test_document_whose_file_is_gone_says_so(shown: Shown, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.md")
    change = "update documents set path = ? where title = 'chain'"
    page, _ = shown(DocumentsPage, change=lambda project: project.db.execute(change, [gone]))
    row = page._model.row_where(lambda found: found.document.title == "chain")
    assert page._model.index(row, 4).data() == "File is gone"


def test_filter_leaves_what_holds_the_words(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(DocumentsPage)
    page._filter.setText("brake")
    qtbot.waitUntil(lambda: page._model.total() == 1)
    assert page._model.index(0, 0).data() == "brake pads"
    assert page._counted.text() == "1 of 12 documents"


def test_filter_that_nothing_passes_says_so(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(DocumentsPage)
    page._filter.setText("100%")
    qtbot.waitUntil(lambda: page._model.total() == 0)
    assert page._none.isVisible()
    assert not page.table.isVisible()


def test_head_sorts_the_whole_table(shown: Shown) -> None:
    page, _ = shown(DocumentsPage)
    page.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    shown.settle(page)
    sizes = [page._model.index(row, 0).data(RECORD).document.n_chars for row in range(12)]
    assert sizes == sorted(sizes, reverse=True)


def test_chosen_document_is_shown_by_passages(shown: Shown) -> None:
    page, _ = shown(DocumentsPage)
    page.table.selectRow(1)
    shown.settle(page)
    text = page._document.text.toPlainText()
    assert "Passage 1 · " in text
    assert "Brake pads: replace" in text
    assert page._document.text.isReadOnly()


def test_open_problems_of_the_newest_import_stand_beside_the_way_to_the_imports(shown: Shown) -> None:
    page, _ = shown(DocumentsPage)
    assert page._log._chip.text() == "3 not taken"


def test_documents_of_one_place_are_listed_alone(shown: Shown, tmp_path: Path, qtbot: QtBot) -> None:
    other = tmp_path / "other" / "note.txt"
    other.parent.mkdir()

    def add(project: Project) -> None:
        other.write_text("Words.", encoding="utf-8")
        import_paths(project, ImportParams(paths=(str(other.parent),)), Task())

    page, _ = shown(DocumentsPage, "imported", change=add)
    assert page._model.total() == 13
    page.places.set_value(str(other.parent))
    page.places.picked.emit(str(other.parent))
    qtbot.waitUntil(lambda: page._model.total() == 1)
    assert page._counted.text() == "1 of 13 documents"


def _window(page: DocumentsPage) -> ImportWindow:
    (window,) = page.findChildren(ImportWindow)
    return window


def test_dropped_files_are_imported_with_the_cut_of_the_sliders(shown: Shown, tmp_path: Path) -> None:
    page, session = shown(DocumentsPage)
    page._passages.length.set_value(300)
    dropped = QMimeData()
    (tmp_path / "dropped").mkdir()
    (tmp_path / "dropped" / "a.txt").write_text("Words.", encoding="utf-8")
    dropped.setUrls([QUrl.fromLocalFile(str(tmp_path / "dropped"))])
    keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    page.dragEnterEvent(QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, dropped, buttons, keys))
    assert page._drop.isVisible()
    page.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, dropped, buttons, keys))
    assert not page._drop.isVisible()
    _window(page).ok.click()
    kind, params = session.jobs[0]
    assert kind == "import"
    assert list(params["paths"]) == [str(tmp_path / "dropped")]
    assert params["passage_tokens"] == 300


def test_add_folder_asks_for_one_and_imports_it(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session = shown(DocumentsPage)
    (tmp_path / "a.txt").write_text("Words.", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path))
    page.choose_folder()
    assert session.jobs == []
    _window(page).ok.click()
    assert list(session.jobs[0][1]["paths"]) == [str(tmp_path)]


def test_folder_dialog_that_is_closed_imports_nothing(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session = shown(DocumentsPage)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: "")
    page.choose_folder()
    assert session.jobs == []


def test_document_is_taken_out_only_after_a_yes(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session = shown(DocumentsPage)
    document = page._document.document()
    assert document is not None
    monkeypatch.setattr(Question, "exec", lambda _self: 0)
    page._ask_removal(document)
    assert session.edits == []
    monkeypatch.setattr(Question, "exec", lambda _self: 1)
    page._ask_removal(document)
    shown.settle(page)
    assert session.edits == [("remove_documents", {"document_ids": [document.id]})]
    assert page._model.total() == 11


def test_texts_the_model_cannot_read_are_said_in_amber(shown: Shown) -> None:
    def chinese(project: Project) -> None:
        project.set_meta_json(
            "token_report",
            {
                "model": "MiniLM",
                "texts": 9,
                "unknown_share": 0.62,
                "cut_share": 0.1,
                "median_tokens": 80,
                "max_length": 256,
            },
        )

    page, _ = shown(DocumentsPage, change=chinese)
    assert page._tokens.isVisible()
    assert "62.0 % of the tokens are unknown" in page._tokens._sentence.text()


@pytest.mark.parametrize(("unknown", "cut", "bad"), [(0.04, 0.09, False), (0.05, 0.0, True), (0.0, 0.1, True)])
def test_many_unknown_or_cut_texts_are_read_badly(shown: Shown, unknown: float, cut: float, bad: bool) -> None:
    report = TokenReport("m", 10, unknown, cut, 50, 256)
    assert reads_badly(report) is bad
    page, _ = shown(DocumentsPage, "empty")
    assert (token_words(report, page)[0] != "The model reads these texts well") is bad


def test_narrow_window_hides_the_inspector_and_the_drawer_stays_folded(shown: Shown) -> None:
    page, _ = shown(DocumentsPage, size=(944, 604))
    assert not page._passages.is_open()
    assert page.inspector is not None
    assert not page.inspector.isVisible()
