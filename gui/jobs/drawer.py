"""The drawer over the job strip: every job of the project, how it ended, its warnings and its log."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from engine.records import JobRecord, JobState
from engine.store.jobs import job_log, jobs
from gui import theme, words
from gui.jobs.job import Job, job_name
from gui.session import Session
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row, rule
from gui.widgets.labels import ElidedLabel, label
from gui.widgets.tables import Role, RowList

Index = QModelIndex | QPersistentModelIndex
HEIGHT = 280
LOG_MS = 1000  # from look to look at the log of a running job
_LOG_BYTES = 200_000
_MARKS = {
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "problem",
    JobState.CANCELLED: "none",
    JobState.INTERRUPTED: "stale",
}


class JobsModel(QAbstractListModel):
    """The project's history, newest first, with the queue's waiting jobs on top."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Job] = []
        self._records: list[JobRecord] = []

    def show(self, waiting: list[Job], records: list[JobRecord]) -> None:
        self.beginResetModel()
        self._waiting, self._records = waiting, records
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._waiting) + len(self._records)

    def at(self, position: int) -> Job | JobRecord | None:
        both: list[Job | JobRecord] = [*self._waiting, *self._records]
        return both[position] if 0 <= position < len(both) else None

    def holds(self, record: int) -> bool:
        """Whether the job of that row is listed; of one that has none yet nothing is missing."""
        return not record or any(known.id == record for known in self._records)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # Any: what Qt asks for
        entry = self.at(index.row())
        if entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return job_name(entry.kind)
        if isinstance(entry, Job):
            return {Role.MARK: "none", Role.SECOND: self.tr("waiting")}.get(Role(role)) if role in set(Role) else None
        if role == Role.MARK:
            return _MARKS[entry.state]
        if role == Role.SECOND:
            took = words.duration(entry.seconds) if entry.seconds else entry.state.value
            return f"{words.when(entry.started_at)} · {took}"
        return None


class JobsDrawer(QFrame):
    """Left the jobs, right what one of them said."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("drawer")
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName(self.tr("Jobs"))
        self._session = session
        line = row(self, gap=0)
        self._model = JobsModel(self)
        self.list = RowList(self.tr("Jobs"), 44)
        self.list.setFixedWidth(280)
        self.list.setModel(self._model)
        self.list.selectionModel().currentChanged.connect(lambda _new, _old: self._show_entry())
        line.addWidget(self.list)
        line.addWidget(rule("v"))
        side = column(margins=(16, 12, 16, 12), gap=8)
        head = row()
        self._title = ElidedLabel("", "body", weight="bold")
        head.addWidget(self._title, 1)
        self._stop = Button(self.tr("Take out of the queue"), size="small")
        self._stop.clicked.connect(self._take_out)
        self._copy = Button(self.tr("Copy"), "flat", icon_name="copy", size="small")
        self._copy.clicked.connect(self._copy_log)
        head.addWidget(self._stop)
        head.addWidget(self._copy)
        side.addLayout(head)
        self._message = label("", "body", "text2", wrap=True)
        side.addWidget(self._message)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(theme.font("mono"))
        self.text.setAccessibleName(self.tr("Log"))
        side.addWidget(self.text, 1)
        line.addLayout(side, 1)
        session.changed.connect(lambda _topics: self._changed())
        for signal in (session.queue.job_queued, session.queue.job_finished, session.queue.job_started):
            signal.connect(lambda _job: self._changed())
        self._read: Job | JobRecord | None = None  # whose log is shown
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOG_MS)
        self._look.timeout.connect(self._look_again)
        session.queue.job_progressed.connect(self._progressed)
        self.hide()

    def open(self, *, newest: bool = True) -> None:
        """Unfold; with `newest` the last job is shown."""
        self.show()
        self._fill()
        if newest:
            self.list.setCurrentIndex(self._model.index(0, 0))
        self.list.setFocus()

    def _changed(self) -> None:
        if self.isVisible():
            self._fill()

    def _progressed(self, job: Job) -> None:
        """A job that has begun has its row now; the log of the one that is shown grows."""
        if self.isVisible() and not self._look.isActive():
            self._look.start(LOG_MS if self._model.holds(job.record) else 0)

    def _look_again(self) -> None:
        running = self._session.queue.running
        if not self.isVisible() or running is None or running.project != self._session.path:
            return
        entry = self._model.at(self.list.currentIndex().row())
        if not self._model.holds(running.record):
            self._fill()
        elif isinstance(entry, JobRecord) and entry.id == running.record:
            self._show_entry()

    def _fill(self) -> None:
        chosen = self._model.at(self.list.currentIndex().row())
        project = self._session.project
        records = jobs(project) if project else []
        self._model.show(list(self._session.queue.waiting), records)
        kept = next((r for r in range(self._model.rowCount()) if _same(self._model.at(r), chosen)), 0)
        self.list.setCurrentIndex(self._model.index(kept, 0))
        self._show_entry()

    def _show_entry(self) -> None:
        entry = self._model.at(self.list.currentIndex().row())
        self._stop.setVisible(isinstance(entry, Job))
        if entry is None:
            self._title.setText(self.tr("Nothing has run yet"))
            self._message.hide()
            self.text.clear()
            return
        self._title.setText(job_name(entry.kind))
        live = self._live(entry)
        message = entry.message if isinstance(entry, JobRecord) else self.tr("It starts when the jobs before it end.")
        if live is not None and live.message and live.message not in message:
            message = f"{live.message} {live.hint}"
        self._message.setText(words.plain(message, 1000))
        self._message.setVisible(bool(message))
        self._show_lines("\n".join(self._lines(entry, live)), same=_same(entry, self._read))
        self._read = entry

    def _show_lines(self, lines: str, *, same: bool) -> None:
        """Show a log; the same one that has grown stays where it was read, or at its end."""
        if same and lines == self.text.toPlainText():
            return
        bar = self.text.verticalScrollBar()
        at, at_end = bar.value(), bar.value() == bar.maximum()
        self.text.setPlainText(lines)
        if same:
            bar.setValue(bar.maximum() if at_end else at)

    def _live(self, entry: Job | JobRecord) -> Job | None:
        """What this session heard of a job, which holds more than its row."""
        if isinstance(entry, Job):
            return entry
        known = [*self._session.queue.history, *([self._session.queue.running] if self._session.queue.running else [])]
        return next((job for job in known if job.record == entry.id and job.project == self._session.path), None)

    def _lines(self, entry: Job | JobRecord, live: Job | None) -> list[str]:
        lines = [f"{name} = {value}" for name, value in entry.params.items()]
        if isinstance(entry, JobRecord) and self._session.project is not None:
            lines += ["", *read_log(job_log(self._session.project, entry.id))]
            if entry.summary:
                shown = json.dumps(entry.summary, ensure_ascii=False, indent=1)
                lines += ["", shown[:4000]]
        if live is not None and live.traceback and live.is_surprise:
            lines += ["", live.traceback]
        return [words.plain(line, 4000, lines=True) for line in lines]

    def _copy_log(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def _take_out(self) -> None:
        entry = self._model.at(self.list.currentIndex().row())
        if isinstance(entry, Job):
            self._session.queue.cancel(entry)
            self._fill()


def read_log(path: Path) -> list[str]:
    """A job's log as lines for people; empty where there is none. Only its last part where it is long."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - _LOG_BYTES, 0))
            raw = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    lines = []
    for line in raw.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and (words_ := _event_words(event)):
            clock = time.strftime("%H:%M:%S", time.localtime(float(event.get("time", 0))))
            lines.append(f"{clock}  {words_}")
    return lines


def _event_words(event: dict[str, Any]) -> str:  # Any: JSON values
    if "warning" in event:
        return f"! {event['warning']}"
    if "metric" in event:
        return f"{event['metric']} {event['value']:.4g} at step {event['step']}"
    if "stage" in event:
        total = f" of {event['total']}" if event.get("total") else ""
        return f"{event['stage']}: {event['done']}{total}"
    return ""


def _same(a: Job | JobRecord | None, b: Job | JobRecord | None) -> bool:
    return a is not None and b is not None and type(a) is type(b) and a.id == b.id
