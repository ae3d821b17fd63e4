"""The import that is at work: files, passages, rate, time left, the file it reads, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QWidget

from engine.store import arrivals
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.dialogs.import_stop import stop_import
from gui.jobs.job import IMPORTS, Job, Phase, job_name
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, row
from gui.widgets.gauges import Meter
from gui.widgets.labels import ElidedLabel, Icon, StateMark, label

if TYPE_CHECKING:
    from gui.session import Session

SLOW_SECONDS = 20
TICK = 1000

# How the page asks the project: topic, question, answered.
Ask = Callable[[str, Callable[[Project], Any], Callable[[Any], None]], None]  # Any: each answer is its own


class RunningImport(Card):
    """Shown while an import of the open project runs; hidden otherwise."""

    def __init__(self, session: Session, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, gap=8, parent=parent)
        self._session, self._ask = session, ask
        self._read: tuple[int, int, str] = (0, 0, "")
        self._since = 0.0
        self._stored = (0, 0)
        line = row(gap=12)
        self._mark = StateMark("running", 14)
        line.addWidget(self._mark)
        self._name = label("", "body", weight="bold")
        line.addWidget(self._name)
        self.facts = ElidedLabel("", "body", "text2")
        line.addWidget(self.facts, 1)
        self.left = label("", "body", weight="medium")
        line.addWidget(self.left)
        self.pause = Button(self.tr("Pause"), icon_name="pause", size="small")
        self.pause.clicked.connect(self._pause)
        self.stop = Button(self.tr("Cancel…"), "flat", size="small")
        self.stop.clicked.connect(self._stop)
        line.addWidget(self.pause)
        line.addWidget(self.stop)
        self.body.addLayout(line)
        self._meter = Meter()
        self._meter.setAccessibleName(self.tr("Share of the files that were read"))
        self.body.addWidget(self._meter)
        self.file = ElidedLabel("", "mono", "text2", mode=Qt.TextElideMode.ElideMiddle)
        self.body.addWidget(self.file)
        self._slow = QWidget()
        slow = row(self._slow, gap=8)
        slow.addWidget(Icon("marks/stale", "warn", 12))
        self.slow_words = label("", "dense", "warn", weight="medium")
        slow.addWidget(self.slow_words)
        self.skip = Button(self.tr("Skip this file"), size="small")
        self.skip.clicked.connect(self._skip)
        slow.addWidget(self.skip)
        slow.addStretch(1)
        self.body.addWidget(self._slow)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK)
        self._tick.timeout.connect(self.show_now)
        for signal in (session.queue.job_started, session.queue.job_finished):
            signal.connect(lambda _job: self._follow())
        session.queue.job_progressed.connect(self._progressed)
        session.project_changed.connect(self._follow)
        self.hide()
        self._follow()

    def job(self) -> Job | None:
        """The import that runs, None where none does."""
        job = self._session.queue.running
        return job if job is not None and job.kind in IMPORTS and job.project == self._session.path else None

    def show_now(self) -> None:
        """Show how far it is; asks what was stored so far while the page is looked at."""
        job = self.job()
        if job is None:
            return
        if self.isVisible() and job.phase is Phase.RUNNING:
            self._ask("documents/running", _stored_by_newest, self._take_stored)
        paused, stopping = job.phase is Phase.PAUSED, job.phase is Phase.CANCELLING
        self._mark.set_state("ready" if paused else "running")
        self._name.setText(job_name(job.kind))
        self.facts.setText(self._facts(job))
        self._meter.set_share(job.share)
        left = job.seconds_left
        self.left.setText(words.left(left) if left is not None else "")
        self.file.setText(words.plain(job.note, 400) if job.note else "")
        self.pause.setText(self.tr("Go on") if paused else self.tr("Pause"))
        self.pause.set_icon_name("play" if paused else "pause")
        self.pause.setEnabled(not stopping)
        self.stop.set_possible(not stopping, self.tr("Stopping…"))
        self._show_slow(job)

    def _facts(self, job: Job) -> str:
        if job.phase is Phase.PAUSED:
            parts = [self.tr("paused")]
        elif job.phase is Phase.CANCELLING:
            parts = [self.tr("stopping after this piece")]
        else:
            parts = []
        if job.stage == "import files":
            of = amount(job.total, self.tr("file"), self.tr("files"))
            parts.append(fill(self.tr("%1 of %2"), words.count(job.done), of))
        elif job.stage == "import labelled lines":
            of = amount(job.total or job.done, self.tr("line"), self.tr("lines"))
            parts.append(fill(self.tr("%1 of %2"), words.count(job.done), of) if job.total else of)
        elif job.stage == "look at files":
            parts.append(amount(job.done, self.tr("file found"), self.tr("files found")))
        elif job.stage:
            parts.append(job.stage)
            if job.total:
                parts.append(fill(self.tr("%1 of %2"), words.count(job.done), words.count(job.total)))
        if self._stored[1]:
            parts.append(amount(self._stored[1], self.tr("passage"), self.tr("passages")))
        if job.rate > 0 and job.phase is Phase.RUNNING:
            each = (
                self.tr("%1 lines a second") if job.stage == "import labelled lines" else self.tr("%1 files a second")
            )
            rate = words.count(round(job.rate)) if job.rate >= 10 else words.decimal(job.rate, 1)
            parts.append(fill(each, rate))
        return " · ".join(parts)

    def _show_slow(self, job: Job) -> None:
        """After some time on one file say so, and offer to go on without it."""
        now = _place(job)
        if now != self._read or job.phase is not Phase.RUNNING:
            self._read, self._since = now, time.monotonic()
        seconds = time.monotonic() - self._since
        slow = seconds >= SLOW_SECONDS and bool(job.note) and job.stage == "import files"
        self._slow.setVisible(slow)
        if slow:
            self.slow_words.setText(fill(self.tr("%1 on this file"), words.duration(seconds)))

    def _progressed(self, job: Job) -> None:
        if job is self.job():
            if _place(job) != self._read:
                self._show_slow(job)
            if job.phase is not Phase.RUNNING:
                self.show_now()

    def _follow(self) -> None:
        """An import began or ended."""
        job = self.job()
        if job is None:
            self._tick.stop()
            self.hide()
            return
        if not self._tick.isActive():
            self._stored, self._since = (0, 0), time.monotonic()
            self._read = (0, 0, "")
            self._tick.start()
        self.show()
        self.show_now()

    def _take_stored(self, stored: tuple[int, int]) -> None:
        if any(stored):  # nothing is said of an import that has ended while its texts are still measured
            self._stored = stored

    def _pause(self) -> None:
        if job := self.job():
            self._session.queue.pause(job, job.phase is not Phase.PAUSED)
            self.show_now()

    def _skip(self) -> None:
        if job := self.job():
            self._session.queue.skip(job, job.note)
            self._since = time.monotonic()
            self.show_now()

    def _stop(self) -> None:
        if job := self.job():
            stop_import(self._session, job, self.window())


def _place(job: Job) -> tuple[int, int, str]:
    """The file an import is at; what stands in brackets behind its name is how far it is within."""
    file = job.note.rpartition(" (")[0] if job.note.endswith(")") else ""
    return job.done, job.total, file or job.note


def _stored_by_newest(project: Project) -> tuple[int, int]:
    """(documents, passages) of the import at work, which is the newest."""
    rows = arrivals.import_rows(project, limit=1)
    return arrivals.stored_by(project, rows[0].report.id) if rows and not rows[0].ended else (0, 0)
