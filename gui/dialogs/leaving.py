"""Asks what becomes of the work that runs when the window is closed."""

from __future__ import annotations

from typing import Literal

from PySide6.QtWidgets import QDialog, QWidget

from gui.amounts import amount
from gui.jobs.job import Job, Phase, job_name
from gui.phrases import fill
from gui.tray import TRAINING
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import label

Leaving = Literal["stay", "tray", "stop"]
_WIDTH = 520


class LeavingDialog(QDialog):
    """Keep running in the tray, stop and leave, or stay; Escape stays. `choice` says what was taken.

    Args:
        waiting: how many jobs wait for this one.
    """

    def __init__(self, job: Job, *, can_hold: bool, waiting: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice: Leaving = "stay"
        training = job.kind in TRAINING
        at_work = self.tr("%1 is still at work")
        title = self.tr("Training is still at work") if training else fill(at_work, job_name(job.kind))
        if job.phase is Phase.PAUSED:
            title = self.tr("Training is paused") if training else fill(self.tr("%1 is paused"), job_name(job.kind))
        self.setWindowTitle(title)
        self.setModal(True)
        self.setFixedWidth(_WIDTH)
        stack = column(self, margins=(24, 20, 24, 20), gap=8)
        stack.addWidget(label(title, "heading"))
        if training:
            sentence = self.tr("Stopped now, it writes a checkpoint first; the next time it goes on from there.")
        else:
            sentence = self.tr("Stopped now, it keeps what it has finished; the next time it begins from there.")
        if can_hold:
            held = self.tr("It can go on without the window: an icon in the tray shows how far it is.")
            sentence = f"{held} {sentence}"
        if waiting:
            one = self.tr("job that waits for it is dropped then.")
            many = self.tr("jobs that wait for it are dropped then.")
            sentence = f"{sentence} {amount(waiting, one, many)}"
        words = label(sentence, "body", "text2", wrap=True)
        words.setMinimumHeight(words.heightForWidth(_WIDTH - 48))
        stack.addWidget(words)
        stack.addSpacing(8)
        self.stay = Button(self.tr("Stay"), "flat")
        self.stop = Button(self.tr("Stop after a checkpoint") if training else self.tr("Stop it and leave"), "danger")
        self.tray = Button(self.tr("Keep running in the tray"), "primary")
        self.stay.clicked.connect(self.reject)
        self.stop.clicked.connect(lambda: self._take("stop"))
        self.tray.clicked.connect(lambda: self._take("tray"))
        line = row()
        line.addWidget(self.stay)
        line.addStretch(1)
        line.addWidget(self.stop)
        line.addWidget(self.tray)
        stack.addLayout(line)
        self.tray.setVisible(can_hold)
        safe = self.tray if can_hold else self.stay
        self.stop.setAutoDefault(False)
        safe.setDefault(True)
        safe.setFocus()

    def _take(self, choice: Leaving) -> None:
        self.choice = choice
        self.accept()
