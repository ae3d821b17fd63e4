"""Above the presets: what a run with the settings of now would suffer from, as the engine's linter finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.pages.findings import Findings, go_mend
from gui.tables.mined import Warned
from gui.widgets.cards import Card, column

if TYPE_CHECKING:
    from gui.session import Session

PAUSE = 400  # ms without a change before the engine is asked


class TrainFindings(QWidget):
    """Asks the engine once the settings stand still and it can be seen; hidden where nothing is wrong."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._values: dict[str, Any] | None = None
        self._asked = self._answered = 0
        stack = column(self)
        self._card = Card(self.tr("Before training"), self.tr("the run can start all the same"), pad=12)
        self.list = Findings(folded=False)
        self.list.mend_asked.connect(lambda code: go_mend(session, code))
        self._card.body.addWidget(self.list)
        self._below = QWidget()  # the gap to what follows, gone with the card
        self._below.setFixedHeight(theme.GAP)
        stack.addWidget(self._card)
        stack.addWidget(self._below)
        self._set_shown(False)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._ask)

    def follow(self, values: dict[str, Any]) -> None:  # Any: JSON values
        """These are the settings now, or the data behind them changed."""
        self._values = dict(values)
        self._pause.start()

    def clear(self) -> None:
        """Nothing can be trained now, or another project was opened."""
        self._values = None
        self._asked += 1
        self._answered = self._asked
        self._pause.stop()
        self._show([])

    def is_waiting(self) -> bool:
        """Whether the engine is still to answer, or to be asked."""
        return self._pause.isActive() or self._answered < self._asked

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._values is not None:
            self._pause.start()

    def _ask(self) -> None:
        if self._values is None or not self.isVisible():
            return
        self._asked += 1
        number = self._asked

        def answered(said: dict[str, Any]) -> None:  # Any: JSON values
            self._answered = max(self._answered, number)
            if number == self._asked:
                self._show([Warned.of(found) for found in said["findings"]])

        self._session.edit("lint", {"params": self._values}, answered)

    def _show(self, findings: list[Warned]) -> None:
        self.list.show_findings(findings)
        self._set_shown(bool(findings))

    def _set_shown(self, shown: bool) -> None:
        self._card.setVisible(shown)
        self._below.setVisible(shown)
