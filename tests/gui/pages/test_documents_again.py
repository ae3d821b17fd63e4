"""Reading places again, what is gone from disk, and an import at work, broken off or stopped, on the documents page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from engine.records import ImportCounts, JobState
from engine.store import documents, imports, jobs
from engine.store.project import Project
from engine.store.seen import put_gone_members
from gui.dialogs.import_places import PlacesDialog, VanishedDialog
from gui.dialogs.import_stop import StopImport
from gui.dialogs.import_window import ImportWindow
from gui.jobs.job import Job, Phase
from gui.pages.documents.page import DocumentsPage
from gui.tables.paged import RECORD
from tests.gui.asking import AskingSession, settle
from tests.gui.pages.showing import Shown
from tests.gui.projects import imported_project


def _read_again(project: Project, vanished: list[str], missing: tuple[str, ...] = ()) -> None:
    """`vanished`: documents whose file is there; from now on they are of files that are not."""
    record = jobs.start_job(project, "reimport", {})
    for path in vanished:
        project.db.execute("update documents set path = ? where path = ?", [f"{path}-gone.md", path])
    summary = {"vanished": [f"{path}-gone.md" for path in vanished], "missing": list(missing)}
    jobs.end_job(project, record, JobState.DONE, summary=summary, seconds=1.0)


def _paths(project: Project) -> list[str]:
    return [row[0] for row in project.db.execute("select path from documents where path like '%.md' order by id")]


def test_files_that_are_gone_are_offered_and_only_those_checked_go(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(DocumentsPage, "imported", change=lambda project: _read_again(project, _paths(project)[:3]))
    assert page.gone.isVisible()
    assert page.gone.title.text() == "3 files are gone from the places that were read"
    page.gone.look.click()
    (dialog,) = page.window().findChildren(VanishedDialog)
    assert dialog.ok.text() == "Take out 3 documents"
    dialog._flip(dialog._rows.index(0, 0))
    assert dialog.ok.text() == "Take out 2 documents"
    dialog.ok.click()
    shown.settle(page)
    assert page._model.total() == 10
    assert page.gone.title.text() == "1 file is gone from the places that were read"


def test_gone_files_that_are_to_stay_are_not_asked_about_again(shown: Shown) -> None:
    page, session = shown(DocumentsPage, "imported", change=lambda project: _read_again(project, _paths(project)[:1]))
    assert page.gone.isVisible()
    page.gone.keep.click()
    session._emit({"documents"})
    shown.settle(page)
    assert not page.gone.isVisible()
    assert session.edits == []


def test_a_disk_that_is_not_plugged_in_is_named_and_nothing_of_it_is_offered_for_removal(shown: Shown) -> None:
    page, _ = shown(DocumentsPage, "imported", change=lambda project: _read_again(project, [], ("/media/stick",)))
    assert page.gone.isVisible()
    assert page.gone.sentence.text() == "1 place cannot be found now: /media/stick. Nothing of it was touched."
    assert not page.gone.look.isVisible()


def test_places_say_what_came_from_them_and_are_read_again_as_a_job(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(DocumentsPage, "imported")
    page.read_again()
    (dialog,) = page.findChildren(PlacesDialog)
    qtbot.waitUntil(lambda: dialog._rows.rowCount() == 1)
    assert dialog._rows.item(0, 1).text() == "12"
    assert dialog._rows.item(0, 3).text() == "Imported folder"
    dialog.ok.click()
    assert session.jobs == [("reimport", {})]


def test_a_place_that_is_not_there_says_so_and_cannot_be_read(shown: Shown, qtbot: QtBot) -> None:
    def unplug(project: Project) -> None:
        project.db.execute("update imports set paths = ?", [json.dumps(["/nowhere/at all"])])

    page, _ = shown(DocumentsPage, "imported", change=unplug)
    page.read_again()
    (dialog,) = page.findChildren(PlacesDialog)
    qtbot.waitUntil(lambda: dialog._rows.rowCount() == 1)
    assert dialog._rows.item(0, 3).text() == "Cannot be found now"
    assert dialog.ok.shown_text() == "No place can be read now"


def test_a_folder_can_be_watched_and_left_alone_again(
    shown: Shown, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(folder))
    page, _ = shown(DocumentsPage, "imported")
    page.read_again()
    (dialog,) = page.findChildren(PlacesDialog)
    dialog.watch_new.click()
    qtbot.waitUntil(lambda: dialog._rows.rowCount() == 2)
    assert dialog._rows.item(1, 3).text() == "Watched folder"
    dialog.table.selectRow(1)
    assert dialog.toggle.text() == "Stop watching"
    dialog.toggle.click()
    qtbot.waitUntil(lambda: dialog._rows.rowCount() == 1)


def test_an_import_that_was_broken_off_can_go_on_where_it_stopped(shown: Shown) -> None:
    def break_off(project: Project) -> None:
        number = imports.start_import(project, ["/data/second"], "auto")
        imports.note_progress(project, number, ImportCounts(new=3), done=3, total=9, file="d.txt")

    page, session = shown(DocumentsPage, "imported", change=break_off)
    assert page.unfinished.title.text() == "The import of second was broken off"
    assert page.unfinished.sentence.text().startswith("It stood at 3 of 9 files, at d.txt.")
    page.unfinished.go_on.click()
    assert session.jobs == [("reimport", {"paths": ["/data/second"]})]


@pytest.fixture
def at_work(qtbot: QtBot, tmp_path: Path) -> Iterator[tuple[DocumentsPage, AskingSession, Job]]:
    """The page while an import runs."""
    session = AskingSession(imported_project(tmp_path), tmp_path)
    page = DocumentsPage(session)
    qtbot.addWidget(page)
    page.resize(1072, 764)
    page.show()
    settle(qtbot, page)
    job = session.run_job("import", {"paths": ["/data"]})
    assert job is not None
    job.record = 1
    yield page, session, job
    page.close_reader()
    session.close()


def _tell(session: AskingSession, job: Job, **fields: object) -> None:
    for name, value in fields.items():
        setattr(job, name, value)
    session.queue.job_progressed.emit(job)


def test_an_import_at_work_says_files_rate_time_left_and_its_file(at_work: tuple) -> None:
    page, session, job = at_work
    _tell(session, job, stage="import files", done=12, total=112, rate=20.0, note="a/long.pdf")
    page.running.show_now()
    assert page.running.isVisible()
    assert page.running.facts.text() == "12 of 112 files · 20 files a second"
    assert page.running.left.text() == "5 s left"
    assert page.running.file.text() == "a/long.pdf"
    session.end_job(job, Phase.DONE, summary={"new": 111, "skipped": 1, "problems": [{}]})
    assert not page.running.isVisible()
    assert page.outcome.sentence.text() == "Imported: 111 new, 1 not taken."


def test_after_twenty_seconds_on_one_file_it_can_be_skipped(at_work: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session, job = at_work
    _tell(session, job, stage="import files", done=3, total=9, note="slow.pdf")
    assert not page.running._slow.isVisible()
    page.running._since -= 21
    page.running.show_now()
    assert page.running.slow_words.text() == "21 s on this file"
    skipped: list[str] = []
    monkeypatch.setattr(session.queue, "skip", lambda _job, file: skipped.append(file))
    page.running.skip.click()
    assert skipped == ["slow.pdf"]
    page.running._since -= 21
    _tell(session, job, done=4, note="next.pdf")
    assert not page.running._slow.isVisible()


def test_time_in_a_pause_does_not_make_a_file_slow(at_work: tuple) -> None:
    page, session, job = at_work
    _tell(session, job, stage="import files", done=3, total=9, note="slow.pdf")
    page.running._since -= 21
    _tell(session, job, phase=Phase.PAUSED)
    assert not page.running._slow.isVisible()
    assert page.running.pause.text() == "Go on"
    _tell(session, job, phase=Phase.RUNNING)
    page.running.show_now()
    assert not page.running._slow.isVisible()


def test_cancel_asks_first_and_going_on_changes_nothing(at_work: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session, job = at_work
    cancelled: list[Job] = []
    monkeypatch.setattr(session.queue, "cancel", cancelled.append)
    page.running.stop.click()
    (dialog,) = page.window().findChildren(StopImport)
    dialog.go_on.click()
    assert cancelled == []
    page.running.stop.click()
    dialog = page.window().findChildren(StopImport)[-1]
    dialog.keep.click()
    assert cancelled == [job]
    session.end_job(job, Phase.CANCELLED)
    assert session.edits == []


def test_taking_back_undoes_this_import_and_no_other(at_work: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    page, session, job = at_work
    with Project.open(session.path) as project:
        project.db.execute("update imports set created_at = '2020-01-01T00:00:00Z'")
        begun = imports.start_import(project, ["/data"], "auto")
    monkeypatch.setattr(session.queue, "cancel", lambda _job: None)
    page.running.stop.click()
    (dialog,) = page.window().findChildren(StopImport)
    dialog.back.click()
    session.end_job(job, Phase.CANCELLED)
    assert session.edits == [("undo_import", {"import_id": begun})]


def test_the_question_goes_away_when_the_import_ends_by_itself(at_work: tuple) -> None:
    page, session, job = at_work
    page.running.stop.click()
    (dialog,) = page.window().findChildren(StopImport)
    session.end_job(job, Phase.DONE)
    assert not dialog.isVisible()


def test_the_imports_stay_within_reach_where_nothing_is_left(shown: Shown) -> None:
    def empty(project: Project) -> None:
        documents.remove_documents(project, [found.id for found in documents.documents_after(project, 0, 100)])

    page, _ = shown(DocumentsPage, "imported", change=empty)
    assert page._stack.currentIndex() == 0
    page._log_too.click()
    shown.settle(page)
    assert page.imports.figures["found"]._value.text() == "15"


def test_files_given_on_another_page_are_shown_before_they_are_imported(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text("Words.", encoding="utf-8")
    page, session = shown(DocumentsPage, "empty")
    page.open_at({"paths": [str(tmp_path / "given.txt")]})
    (window,) = page.findChildren(ImportWindow)
    assert session.jobs == []
    window.ok.click()
    assert list(session.jobs[0][1]["paths"]) == [str(tmp_path / "given.txt")]


@pytest.mark.parametrize(("held", "said"), [(True, "Ready"), (False, "File is gone")])
def test_a_file_out_of_an_archive_is_there_as_long_as_the_archive_holds_it(
    shown: Shown, tmp_path: Path, held: bool, said: str
) -> None:
    archive = tmp_path / "docs.zip"
    archive.write_bytes(b"PK")
    member = f"{archive}/a.md"

    def change(project: Project) -> None:
        project.db.execute("update documents set path = ? where path = ?", [member, _paths(project)[0]])
        put_gone_members(project, str(archive), met={member} if held else set(), shut=set())

    page, _ = shown(DocumentsPage, "imported", change=change)
    rows = [page._model.index(row, 0).data(RECORD) for row in range(page._model.total())]
    (row,) = [at for at, one in enumerate(rows) if one.document.path == member]
    assert page._model.index(row, 4).data() == said
