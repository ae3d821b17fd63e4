"""Asks what becomes of an import that is to be stopped: what came stays, or is taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QDialog, QWidget

from engine.store.arrivals import import_rows
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.jobs.job import Job, Phase
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import label

if TYPE_CHECKING:
    from gui.session import Session, Values

_WIDTH = 480
_SLACK = timedelta(seconds=2)  # an import's time is kept in whole seconds


def _tr(text: str) -> str:
    return QCoreApplication.translate("StopImport", text)


class StopImport(QDialog):
    """`keep` and `take_back` are the two ways to stop; Escape and the third button go on importing."""

    def __init__(self, session: Session, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._job = session, job
        title = self.tr("Stop the import?")
        self.setWindowTitle(title)
        self.setModal(True)
        self.setFixedWidth(_WIDTH)
        stack = column(self, margins=(24, 20, 24, 20), gap=8)
        stack.addWidget(label(title, "heading"))
        sentence = label(self._sentence(), "body", "text2", wrap=True)
        sentence.setMinimumHeight(sentence.heightForWidth(_WIDTH - 48))
        stack.addWidget(sentence)
        stack.addSpacing(8)
        line = row()
        self.back = Button(self.tr("Stop and take it back"), "danger")
        self.back.setAutoDefault(False)
        self.back.clicked.connect(self._take_back)
        line.addWidget(self.back)
        line.addStretch(1)
        self.go_on = Button(self.tr("Go on importing"), "plain")
        self.go_on.setAutoDefault(False)
        self.go_on.clicked.connect(self.reject)
        line.addWidget(self.go_on)
        self.keep = Button(self.tr("Stop and keep"), "primary")
        self.keep.setDefault(True)
        self.keep.clicked.connect(self._keep)
        line.addWidget(self.keep)
        stack.addLayout(line)
        self.keep.setFocus()
        session.queue.job_finished.connect(self._ended)

    def _sentence(self) -> str:
        text = self.tr(
            "Keep what came so far: importing the same files again goes on where it stopped. "
            "Or take it back: the project is as it was before this import."
        )
        if self._job.done and self._job.total:
            units = (words.count(self._job.done), words.count(self._job.total))
            return fill(self.tr("It stands at %1 of %2."), *units) + " " + text
        return text

    def _keep(self) -> None:
        self.accept()
        self._session.queue.cancel(self._job)

    def _take_back(self) -> None:
        self.accept()
        take_back_when_stopped(self._session, self._job)
        self._session.queue.cancel(self._job)

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self.reject()


def stop_import(session: Session, job: Job, parent: QWidget | None = None) -> StopImport | None:
    """Ask, and stop as the person says; one that still waits just leaves the queue."""
    if job.phase is Phase.WAITING:
        session.queue.cancel(job)
        return None
    dialog = StopImport(session, job, parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def take_back_when_stopped(session: Session, job: Job) -> None:
    """Undo what a job imports, as soon as it has stopped; nothing where it came to its end before."""
    began = datetime.now(UTC) - timedelta(seconds=job.seconds()) - _SLACK

    def stopped(ended: Job) -> None:
        if ended is not job:
            return
        session.queue.job_finished.disconnect(stopped)
        if ended.phase is not Phase.CANCELLED or session.project is None or session.path != job.project:
            return
        for import_id in imports_since(session.project, began):
            session.edit("undo_import", {"import_id": import_id}, lambda values: _say(session, values))

    session.queue.job_finished.connect(stopped)


def imports_since(project: Project, began: datetime) -> list[int]:
    """Imports that began at `began` or later and are not taken back, the newest first."""
    rows = import_rows(project, limit=20)
    return [
        found.report.id
        for found in rows
        if not found.undone and datetime.fromisoformat(found.report.created_at) >= began
    ]


def _say(session: Session, values: Values) -> None:
    gone = amount(int(values["documents"]), _tr("document"), _tr("documents"))
    session.say(fill(_tr("The import was taken back: %1 and what hung on them are out again"), gone))
