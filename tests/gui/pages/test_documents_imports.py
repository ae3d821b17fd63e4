"""The list of imports: counters that add up, problems with what can be done about them, what came, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from engine.records import ImportCounts, ImportProblem
from engine.store import imports
from engine.store.project import Project
from gui.dialogs.import_arrivals import Arrivals
from gui.dialogs.import_password import PasswordDialog
from gui.dialogs.import_undo import UndoImport
from gui.dialogs.import_window import ImportWindow
from gui.pages.documents.page import DocumentsPage
from gui.pages.documents.problems import where_is
from gui.pages.queries.page import QueriesPage
from tests.gui.pages.showing import Shown
from tests.gui.recording import RecordingSession


def _shown(shown: Shown, **how: object) -> tuple[DocumentsPage, RecordingSession]:
    page, session = shown(DocumentsPage, **how)  # type: ignore[arg-type]
    page.show_imports()
    shown.settle(page)
    return page, session


def _figures(page: DocumentsPage) -> dict[str, str]:
    return {name: figure._value.text() for name, figure in page.imports.figures.items()}


def _another(project: Project) -> None:
    number = imports.start_import(project, ["/data/second"], "auto")
    imports.finish_import(project, number, ImportCounts(unchanged=7), format="documents")


def test_counters_add_up_to_what_was_found(shown: Shown) -> None:
    page, _ = _shown(shown)
    assert _figures(page) == {"new": "12", "updated": "0", "unchanged": "0", "skipped": "3", "found": "15"}
    assert page.imports.problems.model.total() == 3


def test_earlier_imports_stay_in_the_list_and_can_be_looked_at(shown: Shown) -> None:
    page, _ = _shown(shown, change=_another)
    model = page.imports.list.model()
    assert model.rowCount() == 2
    assert _figures(page)["unchanged"] == "7"
    assert page.imports.problems._none.isVisibleTo(page)
    page.imports.list.setCurrentIndex(model.index(1, 0))
    shown.settle(page)
    assert _figures(page)["new"] == "12"


def test_an_import_that_comes_while_the_list_is_open_is_chosen(shown: Shown) -> None:
    page, session = _shown(shown)
    assert session.path is not None
    with Project.open(session.path) as project:
        _another(project)
    session._emit({"documents"})
    shown.settle(page)
    assert _figures(page)["unchanged"] == "7"


def test_a_problem_says_its_file_its_line_and_its_reason(shown: Shown) -> None:
    page, _ = _shown(shown)
    pane = page.imports.problems
    row = next(row for row in range(3) if pane.model.index(row, 0).data() == "questions.csv")
    pane.table.selectRow(row)
    shown.settle(page)
    assert pane.model.index(row, 1).data() == "17"
    assert pane.reason.text().endswith("questions.csv, line 17: No 'text' field in this line.")


def test_problems_are_ignored_together_and_that_can_be_undone(shown: Shown) -> None:
    page, session = _shown(shown)
    pane = page.imports.problems
    pane.table.selectAll()
    pane.ignore.click()
    shown.settle(page)
    assert [kind for kind, _ in session.edits] == ["ignore_problem"]
    assert {pane.model.index(row, 3).data() for row in range(3)} == {"Ignored"}
    assert not page._log._chip.isVisible()
    pane.table.selectAll()
    pane.unignore.click()
    shown.settle(page)
    assert {pane.model.index(row, 3).data() for row in range(3)} == {"Open"}


def _add_problems(project: Project, problems: list[ImportProblem]) -> None:
    number = imports.start_import(project, ["/data/second"], "auto")
    imports.add_problems(project, number, problems)
    imports.finish_import(project, number, ImportCounts(skipped=len(problems)), format="documents")


def test_larger_limits_are_offered_for_files_that_met_one_and_for_no_other(shown: Shown) -> None:
    problems = [
        ImportProblem("a.pdf", 0, "too_slow", "It took too long.", path="/data/second/a.pdf"),
        ImportProblem("b.bin", 0, "unknown_kind", "Nobody knows.", path="/data/second/b.bin"),
    ]
    page, session = _shown(shown, change=lambda project: _add_problems(project, problems))
    pane = page.imports.problems
    pane.table.selectRow(1)
    assert not pane.larger.isVisible()
    pane.table.selectAll()
    assert pane.larger.isVisible()
    pane.larger.click()
    shown.settle(page)
    assert session.jobs == [("retry", {"files": ["/data/second/a.pdf"], "larger": True, "passwords": {}})]


def test_a_file_that_is_passed_over_in_a_folder_can_be_imported_by_itself(shown: Shown, tmp_path: Path) -> None:
    odd = tmp_path / "notes.log"
    odd.write_text("Words.", encoding="utf-8")
    problems = [ImportProblem("notes.log", 0, "unknown_kind", "Not read from folders.", path=str(odd))]
    page, session = _shown(shown, change=lambda project: _add_problems(project, problems))
    pane = page.imports.problems
    pane.table.selectRow(0)
    assert not pane.again.isVisible()
    pane.by_name.click()
    shown.settle(page)
    (window,) = page.findChildren(ImportWindow)
    window.ok.click()
    assert list(session.jobs[0][1]["paths"]) == [str(odd)]


def test_a_password_is_asked_for_once_and_given_to_all_locked_files(shown: Shown, qtbot: QtBot) -> None:
    paths = ["/data/second/a.pdf", "/data/second/b.pdf"]
    problems = [ImportProblem(Path(path).name, 0, "password", "It asks for a password.", path=path) for path in paths]
    page, session = _shown(shown, change=lambda project: _add_problems(project, problems))
    pane = page.imports.problems
    pane.table.selectRow(0)
    pane.password.click()
    qtbot.waitUntil(lambda: bool(pane.findChildren(PasswordDialog)))
    (dialog,) = pane.findChildren(PasswordDialog)
    assert dialog.ok.shown_text() == "Type the password"
    qtbot.keyClicks(dialog.field, "s3cret")
    dialog.all.setChecked(True)
    dialog.ok.click()
    assert session.jobs == [("retry", {"files": paths, "larger": False, "passwords": dict.fromkeys(paths, "s3cret")})]


def test_a_bad_line_cannot_be_read_again_by_itself_but_its_file_can_be_opened(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "set.csv"
    table.write_text("query\n", encoding="utf-8")
    problems = [ImportProblem("set.csv", 3, "columns", "Too many columns.", path=str(table))]
    page, _ = _shown(shown, change=lambda project: _add_problems(project, problems))
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or True)
    pane = page.imports.problems
    pane.table.selectRow(0)
    shown.settle(page)
    pane.open.click()
    pane.folder.click()
    assert [Path(url.toLocalFile()) for url in opened] == [table, tmp_path]


def test_the_file_of_a_problem_is_found_in_its_archive_too(tmp_path: Path) -> None:
    archive = tmp_path / "docs" / "old.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"PK")
    inside = ImportProblem("old.zip/inner/a.txt", 0, "archive", "locked")
    assert where_is(inside, [str(archive.parent)]).file == archive
    assert where_is(ImportProblem("old.zip", 0, "archive", "damaged"), [str(archive)]).file == archive
    assert where_is(ImportProblem("gone.txt", 0, "empty", "empty"), [str(archive.parent)]).file is None


def test_what_came_is_listed_by_parts_and_leads_to_its_page(shown: Shown, qtbot: QtBot) -> None:
    page, session = _shown(shown)
    seen: list[tuple[str, object]] = []
    session.page_asked.connect(lambda name, what: seen.append((name, what)))
    page.imports.show_arrived.click()
    (dialog,) = page.imports.findChildren(Arrivals)
    qtbot.waitUntil(lambda: dialog.model.total() == 12)
    dialog.part.set_current(1)
    dialog.part.changed.emit(1)
    qtbot.waitUntil(lambda: dialog.model.total() == 63)
    dialog.filter.setText("brake pads: replace")
    qtbot.waitUntil(lambda: dialog.model.total() == 1)
    dialog.go.click()
    assert [name for name, _ in seen] == ["documents"]


def test_undo_says_the_counts_before_and_then_does_just_that(shown: Shown, qtbot: QtBot) -> None:
    def judge(project: Project) -> None:
        project.db.execute("update qrels set import_id = 1")
        project.db.execute("update qrels set import_id = null where rowid = (select min(rowid) from qrels)")

    page, session = _shown(shown, state="imported", change=judge)
    page.imports.undo.click()
    qtbot.waitUntil(lambda: bool(page.imports.findChildren(UndoImport)))
    (question,) = page.imports.findChildren(UndoImport)
    sentence = next(text for text in _texts(question) if "go." in text)
    question.yes.click()
    shown.settle(page)
    assert session.edits == [("undo_import", {"import_id": 1})]
    with Project.open(session.path) as project:  # type: ignore[arg-type]
        counts = "select (select count(*) from documents), (select count(*) from queries)"
        left = project.db.execute(counts).fetchone()
    assert left == (1, 1)
    assert sentence.startswith("11 documents with 57 passages, 67 queries")
    assert "1 document and 1 query stay, because they were judged or pinned since." in sentence
    assert page.imports._state.text() == "taken back"
    assert page.imports.undo.shown_text() == "Taken back"


def _texts(dialog: UndoImport) -> list[str]:
    from PySide6.QtWidgets import QLabel

    return [found.text() for found in dialog.findChildren(QLabel)]


def test_queries_come_in_through_the_one_import_window(shown: Shown, tmp_path: Path, qtbot: QtBot) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"query": "how", "pos": ["so"], "neg": ["not so"]}\n', encoding="utf-8")
    page, session = shown(QueriesPage)
    page.import_queries()
    (window,) = page.findChildren(ImportWindow)
    assert window.ok.shown_text() == "Choose files first"
    window.start.chosen.emit([str(pairs)])
    window.split.set_current(3)
    window.ok.click()
    ((kind, params),) = session.jobs
    assert kind == "import"
    assert (list(params["paths"]), params["split"]) == ([str(pairs)], "test")
