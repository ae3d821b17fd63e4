"""A short message at the foot of the window that goes by itself, with Undo where there is something to undo."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QWidget

from gui import theme
from gui.widgets.cards import row
from gui.widgets.labels import Link, label

SECONDS = 6


class Toast(QFrame):
    """One toast a window: `show_message` puts the next in place of the last; it waits while the pointer is over it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setFixedHeight(40)
        line = row(self, margins=(16, 0, 16, 0), gap=16)
        self._words = label("", "body", "surface")
        line.addWidget(self._words, 1)
        self._action = Link("", "body")
        self._action.setProperty("tone", "surface")
        self._action.clicked.connect(self._act)
        line.addWidget(self._action)
        self._run: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    def show_message(self, text: str, action: str = "", run: Callable[[], None] | None = None) -> None:
        """Say `text`; with `action`, a word to click that runs `run`."""
        self._words.setText(text)
        self._action.setText(action)
        self._action.setAccessibleName(action)
        self._action.setVisible(bool(action))
        self._run = run
        self._place()
        self.show()
        self.raise_()
        self._timer.start(SECONDS * 1000)
        self.setAccessibleName(text)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def text(self) -> str:
        return self._words.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def enterEvent(self, event: QEvent) -> None:
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        self._timer.start(SECONDS * 500)

    def _place(self) -> None:
        parent = self.window()
        self.adjustSize()
        width = min(max(self.sizeHint().width(), 280), parent.width() - 48)
        self.setGeometry((parent.width() - width) // 2, parent.height() - 40 - theme.STRIP - 16, width, 40)

    def _act(self) -> None:
        self.hide()
        if self._run is not None:
            self._run()
