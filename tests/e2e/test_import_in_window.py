"""The window imports with a real engine: what is shown before, while and after, and every way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.store.project import Project
from gui.dialogs.import_places import VanishedDialog
from gui.dialogs.import_stop import StopImport
from gui.dialogs.import_undo import UndoImport
from gui.dialogs.import_window import ImportWindow
from gui.jobs.job import Job
from gui.main_window import MainWindow
from gui.pages.documents.page import DocumentsPage

pytestmark = pytest.mark.slow
WAIT = 120_000


def _page(window: MainWindow) -> DocumentsPage:
    window.show_page("documents")
    page = window.page("documents")
    assert isinstance(page, DocumentsPage)
    return page


def _wait_for(qtbot: QtBot, page: DocumentsPage, job: Job) -> None:
    qtbot.waitUntil(lambda: job.is_over, timeout=WAIT)
    qtbot.waitUntil(page.is_settled, timeout=WAIT)


def _files(folder: Path, count: int, words: str = "Oil the chain.") -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"note {number}.txt").write_text(f"{words} Step {number}.", encoding="utf-8")
    return folder


def test_a_folder_comes_in_is_read_again_and_goes_out(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    folder = _files(tmp_path / "notes", 3)
    (folder / "empty.txt").write_text("", encoding="utf-8")
    page, queue = _page(window), window._session.queue
    page.import_paths([str(folder)])
    (dialog,) = page.findChildren(ImportWindow)
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=WAIT)
    assert dialog.overview.sentence.text().startswith("3 documents (")
    dialog.ok.click()
    assert queue.running is not None
    _wait_for(qtbot, page, queue.running)
    assert page.outcome.sentence.text() == "Imported: 3 new, 1 not taken."
    page.outcome.report.click()
    qtbot.waitUntil(lambda: page.imports.problems.model.total() == 1, timeout=WAIT)
    assert "empty" in page.imports.problems.reason.text()
    page.imports.problems.ignore.click()
    qtbot.waitUntil(lambda: page.imports.problems.model.index(0, 3).data() == "Ignored", timeout=WAIT)

    (folder / "note 0.txt").unlink()
    (folder / "note 1.txt").write_text("Replace the chain.", encoding="utf-8")
    page.show_documents()
    job = window._session.run_job("reimport", {})
    assert job is not None
    _wait_for(qtbot, page, job)
    assert page.outcome.sentence.text().startswith("Read again: 1 updated, 1 unchanged")
    page.gone.look.click()
    (gone,) = window.findChildren(VanishedDialog)
    gone.ok.click()
    qtbot.waitUntil(lambda: page._model.total() == 2, timeout=WAIT)

    page.show_imports()
    qtbot.waitUntil(lambda: page.imports.list.model().rowCount() == 2, timeout=WAIT)
    page.imports.list.setCurrentIndex(page.imports.list.model().index(1, 0))
    page.imports.undo.click()
    qtbot.waitUntil(lambda: bool(page.imports.findChildren(UndoImport)), timeout=WAIT)
    page.imports.findChildren(UndoImport)[0].yes.click()
    qtbot.waitUntil(lambda: page._model.total() == 0, timeout=WAIT)
    assert page.imports._state.text() == "taken back"


@pytest.mark.parametrize("answer", ["keep", "back"])
def test_an_import_that_is_stopped_keeps_what_came_or_takes_it_back(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, answer: str
) -> None:
    many = 4_000  # seconds of work, so that the window sees it under way however busy the machine is
    folder = _files(tmp_path / "many", many, "Oil the chain. " * 60)
    page = _page(window)
    job = window._session.run_job("import", {"paths": [str(folder)]})
    assert job is not None
    qtbot.waitUntil(lambda: job.stage == "import files" and job.done >= 5, timeout=WAIT)
    page.running.stop.click()
    (dialog,) = window.findChildren(StopImport)
    (dialog.keep if answer == "keep" else dialog.back).click()
    _wait_for(qtbot, page, job)
    if answer == "keep":
        qtbot.waitUntil(lambda: 5 <= page._model.total() < many, timeout=WAIT)
    else:
        with Project.open(tmp_path / "project", readonly=True) as project:

            def undone() -> bool:
                return bool(project.db.execute("select min(undone) from imports").fetchone()[0])

            qtbot.waitUntil(undone, timeout=WAIT)
            assert project.db.execute("select count(*) from documents").fetchone() == (0,)
