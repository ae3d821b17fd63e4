"""The drawer over the job strip: what runs now is among the jobs, and its log grows before the eyes."""

from __future__ import annotations

import json

import pytest

from engine.store import jobs
from engine.store.project import Project
from gui.jobs import drawer as drawer_module
from gui.jobs.drawer import JobsDrawer
from gui.jobs.job import Phase
from tests.gui.asking import AskingSession


@pytest.fixture
def drawer(qtbot, tmp_path, finished, monkeypatch):
    monkeypatch.setattr(drawer_module, "LOG_MS", 10)
    session = AskingSession(finished, tmp_path)
    made = JobsDrawer(session)
    qtbot.addWidget(made)
    made.open()
    yield made
    session.close()


def _log(session: AskingSession, record: int, **event: object) -> None:
    path = jobs.job_log(session.project, record)
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": 0, **event}) + "\n")


def _start(session: AskingSession) -> int:
    """A job as the window hears of it: asked for, then begun, when it has its row."""
    job = session.run_job("train", {"preset": "quick"})
    with Project.open(session.path) as project:
        job.record = jobs.start_job(project, "train", {"preset": "quick"})
    session.queue.job_progressed.emit(job)
    return job.record


def test_a_job_that_begins_while_the_drawer_is_open_is_listed(qtbot, drawer):
    before = drawer._model.rowCount()
    _start(drawer._session)
    qtbot.waitUntil(lambda: drawer._model.rowCount() == before + 1, timeout=5000)


def test_the_log_of_a_running_job_grows_and_stays_where_it_is_read(qtbot, drawer):
    session = drawer._session
    record = _start(session)
    qtbot.waitUntil(lambda: drawer._model.holds(record), timeout=5000)
    drawer.list.setCurrentIndex(drawer._model.index(0, 0))
    for step in range(60):
        _log(session, record, metric="loss", value=1.0, step=step)
    session.queue.job_progressed.emit(session.queue.running)
    qtbot.waitUntil(lambda: "at step 59" in drawer.text.toPlainText(), timeout=5000)
    drawer.text.verticalScrollBar().setValue(3)
    _log(session, record, warning="The loss is stuck.")
    session.queue.job_progressed.emit(session.queue.running)
    qtbot.waitUntil(lambda: "The loss is stuck." in drawer.text.toPlainText(), timeout=5000)
    assert drawer.text.verticalScrollBar().value() == 3
    session.end_job(session.queue.running, Phase.DONE)
