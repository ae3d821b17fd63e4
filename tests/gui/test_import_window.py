"""The import window shows what would come, takes choices by hand and by key, and stores nothing itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine.errors import UserError
from engine.params import FileChoice, ImportParams
from engine.store import documents
from engine.store.project import Project
from gui.dialogs.import_window import ImportWindow
from gui.session import Values
from tests.gui.recording import RecordingSession

Open = Callable[..., ImportWindow]


class _Session(RecordingSession):
    """Says of an edit that cannot be done why, as the engine does."""

    def edit(self, kind: str, values: Values, on_done: Any = None, *, undo: Any = None, on_failed: Any = None) -> None:
        try:
            super().edit(kind, values, on_done, undo=undo, on_failed=on_failed)
        except UserError as error:
            on_failed(error.message, error.hint)


@pytest.fixture
def opened(qtbot: QtBot, tmp_path: Path) -> Open:
    Project.create(tmp_path / "project").close()
    session = _Session(tmp_path / "project", tmp_path)

    def show(*paths: Path) -> ImportWindow:
        window = ImportWindow(session, [str(path) for path in paths], ImportParams())
        qtbot.addWidget(window)
        window.show()
        return window

    return show


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "a.txt").write_text("Words.", encoding="utf-8")
    (made / "pairs.jsonl").write_text(json.dumps({"query": "ask", "pos": ["A"], "neg": ["B"]}) + "\n", encoding="utf-8")
    (made / "问题.csv").write_text("f1,f2,f3\nask,A,x\nwhich,B,y\n,C,z\n", encoding="utf-8")
    return made


def _row(window: ImportWindow, name: str) -> None:
    place = next(n for n, file in enumerate(window._files) if file.shown == name)
    window.list.setCurrentIndex(window._rows.index(place + 1, 0))


def test_it_says_what_lies_in_the_folder_and_stores_nothing(opened: Open, folder: Path, tmp_path: Path) -> None:
    window = opened(folder)
    assert window.overview.sentence.text() == "1 labelled set: 1 FlagEmbedding. 2 documents (38 B): 1 CSV, 1 TXT."
    _row(window, "pairs.jsonl")
    assert window.details.reason.text() == "1 of 1 lines have `query` and `pos`"
    assert window.details.sentence.text() == "Brings 1 query, 2 passages, 1 judgement, 1 negative."
    with Project.open(tmp_path / "project") as project:
        assert documents.count_documents(project) == 0


def test_a_table_gets_roles_and_its_sentence_follows(opened: Open, folder: Path, qtbot: QtBot) -> None:
    window = opened(folder)
    _row(window, "问题.csv")
    window.details.format.set_value("table")
    window.details.format.picked.emit("table")
    assert window.details.guess.text() == "Guessed: check the columns"
    boxes = window.details.table.boxes()
    assert [box.accessibleName() for box in boxes] == [f"What column {name} is for" for name in ("f1", "f2", "f3")]
    boxes[0].set_value("query")
    boxes[0].picked.emit("query")
    boxes[1].set_value("positive")
    boxes[1].picked.emit("positive")
    boxes[2].set_value("group")
    boxes[2].picked.emit("group")
    said = "2 rows usable, 1 that cannot be taken (the query is empty)."
    qtbot.waitUntil(lambda: window.details.sentence.text().endswith(said))
    assert window.details.sentence.text().startswith(
        "Each row: a query from “f1”, answered by the text in “f2”, kept together by “f3”."
    )
    assert not window.details.guess.isVisible()
    choice = window.params().choices[str(folder / "问题.csv")]
    assert choice == FileChoice("table", {"f1": "query", "f2": "positive", "f3": "group"})


def test_without_a_query_column_nothing_can_be_imported(opened: Open, folder: Path, qtbot: QtBot) -> None:
    window = opened(folder)
    _row(window, "问题.csv")
    window.details.format.picked.emit("table")
    for box in window.details.table.boxes():
        box.picked.emit("ignore")
    qtbot.waitUntil(lambda: not window.ok.isEnabled())
    assert window.ok.shown_text() == "Say which column is the query"
    window.details.format.picked.emit("documents")
    qtbot.waitUntil(window.ok.isEnabled)


def test_a_file_can_be_left_out(opened: Open, folder: Path) -> None:
    window = opened(folder)
    _row(window, "pairs.jsonl")
    window.details.format.picked.emit("skip")
    assert window.params().choices == {str(folder / "pairs.jsonl"): FileChoice("skip")}
    assert window.details.sentence.text() == ""


def test_existing_queries_are_asked_about_only_where_there_are_some(opened: Open, folder: Path, tmp_path: Path) -> None:
    from engine.store.queries import NewQuery, put_queries

    assert opened(folder).existing.isHidden()
    with Project.open(tmp_path / "project") as project:
        put_queries(project, [NewQuery("ask")], import_id=None)
    window = opened(folder)
    assert window.existing.isVisible()
    assert window._existing_name.text() == "1 query is here already:"
    window.existing.set_current(1)
    assert window.params().existing == "skip"


def test_the_keyboard_goes_from_list_to_import(opened: Open, folder: Path, qtbot: QtBot) -> None:
    window = opened(folder)
    assert window.ok.isDefault()
    with qtbot.waitSignal(window.accepted):
        qtbot.keyClick(window, Qt.Key.Key_Return)
    again = opened(folder)
    with qtbot.waitSignal(again.rejected):
        qtbot.keyClick(again, Qt.Key.Key_Escape)


def test_what_cannot_be_looked_at_is_said_in_the_window(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    window = opened(tmp_path / "empty")
    assert not window.ok.isEnabled()
    assert window.start.words._title.text() == "The files cannot be looked at"
    assert window.start.words._sentence.text().startswith("There is nothing to import in")


def test_an_answer_after_the_window_closed_changes_nothing(opened: Open, folder: Path) -> None:
    window = opened(folder)
    window.reject()
    window._show_failure("late", "")
    assert window._stack.currentIndex() == 2
