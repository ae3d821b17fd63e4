"""What can be done with a training while it goes: its state, Pause, Stop, and stop with the best so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.jobs.job import Job, Phase
from gui.widgets.buttons import Button
from gui.widgets.cards import PageHead
from gui.widgets.labels import Chip, ChipState

if TYPE_CHECKING:
    from gui.session import Session


class RunControls(QObject):
    """Buttons in the page's head, there while a job runs."""

    def __init__(self, session: Session, head: PageHead) -> None:
        super().__init__(head)
        self._session = session
        self._job: Job | None = None
        self._state = Chip()
        self._state.hide()
        head.extra.addWidget(self._state)
        self.pause = Button(self.tr("Pause"), "flat", icon_name="pause")
        self.keep = Button(self.tr("Stop, keep the best"), icon_name="check")
        self.keep.setToolTip(self.tr("Ends after this step; the best checkpoint becomes a finished model"))
        self.stop = Button(self.tr("Stop"), icon_name="stop")
        self.stop.setToolTip(self.tr("The checkpoints are kept: the run can go on from there at any time"))
        for button in (self.pause, self.keep, self.stop):
            head.add_action(button)
        self.pause.clicked.connect(self.pause_run)
        self.keep.clicked.connect(self.finish_run)
        self.stop.clicked.connect(self.stop_run)

    def show_job(self, job: Job | None) -> None:
        """Show what the job is doing; hide where none runs."""
        self._job = job
        for widget in (self._state, self.pause, self.keep, self.stop):
            widget.setVisible(job is not None)
        if job is None:
            return
        self._state.set_state(*self._in_words(job))
        self.stop.set_possible(job.phase is not Phase.CANCELLING, self.tr("Stopping…"))
        going = job.phase in (Phase.RUNNING, Phase.PAUSED)
        paused = job.phase is Phase.PAUSED
        self.pause.setText(self.tr("Go on") if paused else self.tr("Pause"))
        self.pause.set_icon_name("play" if paused else "pause")
        self.pause.set_possible(going, self.tr("It is not running yet"))
        trained = bool(job.metrics.get("loss")) or bool(job.params.get("resume"))
        reason = self.tr("Finishing…") if job.finishing else self.tr("No step is done yet")
        self.keep.set_possible(trained and going and not job.finishing, reason)

    def _in_words(self, job: Job) -> tuple[str, ChipState]:
        words: dict[Phase, tuple[str, ChipState]] = {
            Phase.WAITING: (self.tr("waiting"), "none"),
            Phase.PAUSED: (self.tr("paused"), "none"),
            Phase.CANCELLING: (self.tr("stopping"), "warn"),
        }
        usual = (self.tr("finishing") if job.finishing else self.tr("running"), "accent")
        return words.get(job.phase, usual)  # type: ignore[arg-type]

    def pause_run(self) -> None:
        """Pause, or go on."""
        if self._job is not None:
            self._session.queue.pause(self._job, self._job.phase is not Phase.PAUSED)

    def finish_run(self) -> None:
        if self._job is not None:
            self._session.queue.finish(self._job)

    def stop_run(self) -> None:
        if self._job is not None:
            self._session.queue.cancel(self._job)
