"""The strip at the foot of the window: what runs, how far it is, how long it takes, what the machine does."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from gui import theme, words
from gui.jobs.job import IMPORTS, Job, Phase, job_name
from gui.jobs.meters import MachineMeters
from gui.jobs.queue import JobQueue
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import row, rule
from gui.widgets.gauges import Meter
from gui.widgets.labels import ElidedLabel, StateMark, label

QUIET_SECONDS = 30


class JobStrip(QFrame):
    """Follows the queue; redrawn ten times a second at most. `drawer_asked` comes from its right end.

    `import_stop_asked(job)`: cancel was pressed during an import, which is a question of its own.
    """

    drawer_asked = Signal()
    import_stop_asked = Signal(object)

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.setFixedHeight(theme.STRIP)
        self.setAccessibleName(self.tr("Running work"))
        self._queue = queue
        self._last: Job | None = None
        line = row(self, margins=(16, 0, 16, 0), gap=12)
        self.mark = StateMark("none")
        line.addWidget(self.mark)
        self.name = label("", "dense", weight="medium")
        line.addWidget(self.name)
        self.stage = ElidedLabel("", "dense", "text2")
        self.stage.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        line.addWidget(self.stage)
        self.meter = Meter(width=140)
        self.meter.setAccessibleName(self.tr("Share done"))
        line.addWidget(self.meter)
        self.count = label("", "dense", "text2")
        self.rate = label("", "dense", "text3")
        self.left = label("", "dense", weight="medium")
        for part in (self.count, self.rate, self.left):
            line.addWidget(part)
        self.pause = Button(self.tr("Pause"), icon_name="pause", size="small")
        self.pause.clicked.connect(self._pause)
        self.cancel = Button(self.tr("Cancel"), "flat", size="small")
        self.cancel.clicked.connect(self._cancel)
        line.addWidget(self.pause)
        line.addWidget(self.cancel)
        self.waiting = label("", "dense", "text3")
        line.addWidget(self.waiting)
        line.addStretch(1)
        self.meters = MachineMeters()
        line.addWidget(self.meters)
        divider = rule("v")
        divider.setFixedHeight(16)
        line.addWidget(divider)
        self.drawer = Button(self.tr("Jobs"), "flat", after="chevron-up", size="small")
        self.drawer.clicked.connect(self.drawer_asked)
        line.addWidget(self.drawer)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(100)
        self._redraw.timeout.connect(self.show_now)
        self._second = QTimer(self)
        self._second.setInterval(1000)
        self._second.timeout.connect(self.show_now)
        for signal in (queue.job_queued, queue.job_started, queue.job_progressed):
            signal.connect(lambda _job: self._redraw.isActive() or self._redraw.start())
        queue.job_finished.connect(self._finished)
        self.show_now()

    def set_narrow(self, narrow: bool) -> None:
        """Fold the machine's meters away."""
        self.meters.setVisible(not narrow)
        self.rate.setVisible(not narrow and bool(self.rate.text()))

    def set_open(self, open_: bool) -> None:
        """Show that the drawer is open."""
        self.drawer.set_after("chevron-down" if open_ else "chevron-up")

    def show_now(self) -> None:
        """Show the running job, or how the last one ended."""
        job = self._queue.running
        running = job is not None
        for part in (self.meter, self.count, self.rate, self.left, self.pause, self.cancel):
            part.setVisible(running)
        waiting = len(self._queue.waiting)
        self.waiting.setVisible(waiting > 0)
        self.waiting.setText(self.tr("%1 waiting").replace("%1", str(waiting)))
        if job is None:
            self._second.stop()
            self._show_idle()
            return
        if not self._second.isActive():
            self._second.start()
        self.mark.set_state("running" if job.phase is Phase.RUNNING else "ready")
        self.name.setText(job_name(job.kind))
        self.stage.setText(self._stage_words(job))
        self.meter.set_share(job.share)
        self.count.setText(_count(job))
        self.rate.setText(_rate(job.rate) if job.phase is Phase.RUNNING else "")
        left = job.seconds_left
        self.left.setText(words.left(left) if left is not None else words.duration(job.seconds(time.monotonic())))
        self.pause.setText(self.tr("Go on") if job.phase is Phase.PAUSED else self.tr("Pause"))
        self.pause.set_icon_name("play" if job.phase is Phase.PAUSED else "pause")
        stopping = job.phase is Phase.CANCELLING
        self.pause.setEnabled(not stopping)
        self.cancel.setText(self.tr("Cancel…") if job.kind in IMPORTS else self.tr("Cancel"))
        self.cancel.set_possible(not stopping, self.tr("Stopping…"))

    def _stage_words(self, job: Job) -> str:
        if job.phase is Phase.PAUSED:
            return self.tr("paused")
        quiet = job.silence()
        stage = job.stage or self.tr("starting")
        if quiet > QUIET_SECONDS:
            return fill(self.tr("%1; no word for %2"), stage, words.duration(quiet))
        return words.plain(f"{stage} · {job.note}" if job.note else stage, 200)

    def _show_idle(self) -> None:
        last = self._last
        if last is None or last.phase is Phase.CANCELLED:
            self.mark.set_state("none")
            self.name.setText("")
            self.stage.setText(self.tr("Nothing running"))
        elif last.phase is Phase.FAILED:
            self.mark.set_state("problem")
            self.name.setText(self.tr("%1 stopped").replace("%1", job_name(last.kind)))
            self.stage.setText(words.plain(last.message, 300))
        else:
            self.mark.set_state("done")
            self.name.setText(job_name(last.kind))
            self.stage.setText(self.tr("done in %1").replace("%1", words.duration(last.seconds())))
        self.name.setVisible(bool(self.name.text()))

    def _finished(self, job: Job) -> None:
        self._last = job
        self.show_now()

    def _pause(self) -> None:
        if job := self._queue.running:
            self._queue.pause(job, job.phase is not Phase.PAUSED)
            self.show_now()

    def _cancel(self) -> None:
        if job := self._queue.running:
            if job.kind in IMPORTS:
                self.import_stop_asked.emit(job)
            else:
                self._queue.cancel(job)
            self.show_now()


def _count(job: Job) -> str:
    if not job.total:
        return words.count(job.done) if job.done else ""
    return f"{words.count(job.done)} / {words.count(job.total)}"


def _rate(rate: float) -> str:
    if rate <= 0:
        return ""
    return f"{words.count(round(rate))}/s" if rate >= 10 else f"{rate:.1f}/s"
