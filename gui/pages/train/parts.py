"""Small parts of the Train page: the card of an interrupted run, sentences beside buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.records import JobRecord, Model
from gui import words
from gui.phrases import fill
from gui.theme import FontRole
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, row
from gui.widgets.labels import StateMark, label
from gui.widgets.paragraph import Paragraph


class ResumeCard(Card):
    """A run that can go on, or one that was lost.

    Signals: `go_on` and `kept` name the model to train on, or to end with its best; `discarded` asks to throw it away,
    `dismissed` names a job to forget.
    """

    go_on = Signal(int)
    kept = Signal(int)
    discarded = Signal()
    dismissed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._model = self._job = 0
        line = row(gap=12)
        line.addWidget(StateMark("stale", 14))
        self._words = label("", "body", wrap=True)
        line.addWidget(self._words, 1)
        self._go = Button(self.tr("Go on"), icon_name="play")
        self._go.clicked.connect(lambda: self.go_on.emit(self._model))
        self._keep = Button(self.tr("Keep the best"), "flat")
        self._keep.setToolTip(self.tr("Train no further: the best checkpoint becomes a finished model"))
        self._keep.clicked.connect(lambda: self.kept.emit(self._model))
        self._close = Button(self.tr("Dismiss"), "flat")
        self._close.clicked.connect(lambda: self.dismissed.emit(self._job))
        self._discard = Button(self.tr("Discard…"), "flat")
        self._discard.clicked.connect(self.discarded)
        for button in (self._close, self._discard, self._keep, self._go):
            line.addWidget(button)
        self.body.addLayout(line)
        self.hide()

    def show_runs(self, resumable: Model | None, lost: JobRecord | None) -> None:
        """Speak of a run that can go on, or of one that was lost; hide where there is neither."""
        self.setVisible(resumable is not None or lost is not None)
        self._go.setVisible(resumable is not None)
        self._discard.setVisible(resumable is not None)
        self._keep.setVisible(resumable is not None)
        self._close.setVisible(resumable is None)
        if resumable is not None:
            self._model = resumable.id
            when = words.when(resumable.created_at)
            text = self.tr(
                "%1 (%2) was ended before it was done. Its last checkpoint is kept, and it can go on from there."
            )
            self._words.setText(fill(text, resumable.name, when))
        elif lost is not None:
            self._job = lost.id
            text = self.tr("The training of %1 was interrupted before its first checkpoint; nothing of it was kept.")
            self._words.setText(fill(text, words.when(lost.started_at)))

    def sentence(self) -> str:
        return self._words.text()


class Sentence(Paragraph):
    """A paragraph beside buttons: a box layout guesses its width too large, so it asks for its height itself."""

    def __init__(self, role: FontRole = "body", tone: str = "text") -> None:
        super().__init__("", role, tone)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(self.heightForWidth(self.width()))
