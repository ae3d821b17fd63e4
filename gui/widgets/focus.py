"""The focus ring: one for the window, drawn around what the keyboard is on, 2 px away from it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QWindow
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from shiboken6 import isValid

from gui import theme
from gui.widgets.buttons import SegmentedControl
from gui.widgets.labels import Link
from gui.widgets.sliders import RangeSlider

_RINGED = (QAbstractButton, SegmentedControl, RangeSlider, Link)
_MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Hide, QEvent.Type.Show)


class FocusRing(QWidget):
    """Lies over the window and shows itself only when focus came by the keyboard.

    Input is seen where it comes in, at the system's windows, and moves at the few widgets around the focus: a filter on
    the application is asked of every event of every object, and building a dialog takes twice as long.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._target: QWidget | None = None
        self._chain: list[QWidget] = []
        self._by_keyboard = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusWindowChanged.connect(self._watch)
        app.focusChanged.connect(self._focus_moved)
        self._watch(app.focusWindow())

    def _watch(self, window: QWindow | None) -> None:
        """Hear the keys and clicks of a window from now on."""
        if window is not None:
            window.installEventFilter(self)  # a second time does no more than the first

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.KeyPress:
            self._by_keyboard = True
        elif kind == QEvent.Type.MouseButtonPress:
            self._by_keyboard = False
            self.hide()
        elif kind in _MOVES and isinstance(watched, QWidget):
            self._place()
        return False

    def _focus_moved(self, _old: QWidget | None, new: QWidget | None) -> None:
        inside = new is not None and new.window() is self.window()
        self._target = new if inside and self._by_keyboard and isinstance(new, _RINGED) else None
        for widget in self._chain:
            if isValid(widget):
                widget.removeEventFilter(self)
        self._chain = []
        step: QWidget | None = self._target
        while step is not None and step is not self.window():
            self._chain.append(step)
            step.installEventFilter(self)
            step = step.parentWidget()
        self._place()

    def _place(self) -> None:
        target = self._target
        if target is None or not target.isVisible():
            self.hide()
            return
        corner = target.mapTo(self.window(), QPoint(0, 0))
        self.setGeometry(corner.x() - 4, corner.y() - 4, target.width() + 8, target.height() + 8)
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
