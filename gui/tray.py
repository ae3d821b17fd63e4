"""The icon in the system's tray while a training runs: how far it is, and a word when it has ended."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon, QWidget

from gui import icons, words
from gui.jobs.job import Job, Phase, job_name
from gui.jobs.queue import JobQueue
from gui.phrases import fill

TRAINING = ("train", "autopilot", "reranker")


class TrayIcon(Protocol):
    """What is needed of a `QSystemTrayIcon`."""

    activated: SignalInstance
    messageClicked: SignalInstance  # noqa: N815 - its name in Qt

    def show(self) -> None: ...
    def hide(self) -> None: ...
    def isVisible(self) -> bool: ...
    def setToolTip(self, tip: str, /) -> None: ...
    def setContextMenu(self, menu: QMenu, /) -> None: ...
    def showMessage(self, title: str, text: str, /) -> None: ...


def make_icon(parent: QObject) -> QSystemTrayIcon | None:
    """An icon that is not shown yet, None where the system has no tray."""
    if not QSystemTrayIcon.isSystemTrayAvailable():
        return None
    return QSystemTrayIcon(icons.icon("searchsmith", "accent"), parent)


class Tray(QObject):
    """Follows the queue. Without a tray (`icon` None) the window's own entry in the task bar asks for attention.

    Signals: `opened` (the person wants the window), `leave_asked` (to stop after a checkpoint and leave).
    """

    opened = Signal()
    leave_asked = Signal()

    def __init__(self, queue: JobQueue, window: QWidget, icon: TrayIcon | None) -> None:
        super().__init__(window)
        self._queue, self._window, self._icon = queue, window, icon
        if icon is not None:
            self._menu = QMenu(window)
            self._menu.addAction(self.tr("Open Searchsmith"), self.opened.emit)
            self._menu.addAction(self.tr("Stop after a checkpoint and leave"), self.leave_asked.emit)
            icon.setContextMenu(self._menu)
            icon.activated.connect(self._activated)
            icon.messageClicked.connect(self.opened)
        queue.job_started.connect(self._started)
        queue.job_progressed.connect(self._progressed)
        queue.job_finished.connect(self._finished)

    @property
    def can_hold(self) -> bool:
        """Whether the window may hide while work goes on: there is a place from where it comes back."""
        return self._icon is not None

    def hold(self, job: Job) -> None:
        """The window hides now; the icon stays until it comes back."""
        if self._icon is not None:
            self._icon.show()
            self._progressed(job)
            self._icon.showMessage(
                fill(self.tr("%1 goes on"), job_name(job.kind)), self.tr("Click the icon to open the window again.")
            )

    def release(self) -> None:
        """The window is back; the icon goes where nothing is to be followed."""
        if self._icon is not None:
            self._icon.hide()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason != QSystemTrayIcon.ActivationReason.Context:
            self.opened.emit()

    def _started(self, job: Job) -> None:
        if self._icon is not None and job.kind in TRAINING:
            self._icon.show()
            self._progressed(job)

    def _progressed(self, job: Job) -> None:
        if self._icon is None or not self._icon.isVisible():
            return
        parts = [job_name(job.kind)]
        if job.total:
            parts.append(fill(self.tr("%1 of %2"), words.count(job.done), words.count(job.total)))
        if job.seconds_left is not None:
            parts.append(words.left(job.seconds_left))
        self._icon.setToolTip(" · ".join(parts))

    def _finished(self, job: Job) -> None:
        if job.kind not in TRAINING or job.phase is Phase.CANCELLED:
            after = self._queue.running  # a training that followed at once keeps its icon
            if not self._window.isHidden() and (after is None or after.kind not in TRAINING):
                self.release()
            return
        if not self._window.isActiveWindow():
            title, text = self._end_words(job)
            if self._icon is not None:
                self._icon.show()
                self._icon.showMessage(title, text)
                self._icon.setToolTip(title)
            QApplication.alert(self._window)
        elif self._icon is not None:
            self._icon.hide()

    def _end_words(self, job: Job) -> tuple[str, str]:
        if job.phase is Phase.FAILED:
            return self.tr("Training stopped"), words.plain(job.message, 300)
        dev, base = job.summary.get("dev"), job.summary.get("dev_base")
        took = fill(self.tr("It took %1."), words.duration(job.seconds()))
        if isinstance(dev, float) and isinstance(base, float):
            reached = self.tr("nDCG@10 %1 on the dev queries, %2 against the base.")
            if job.kind == "reranker":  # what it starts from is BM25's order
                reached = self.tr("nDCG@10 %1 on the dev queries, %2 against BM25.")
            return self.tr("Training is done"), f"{fill(reached, words.decimal(dev), words.signed(dev - base))} {took}"
        return self.tr("Training is done"), took
