"""A passage as plain text in which words carry a ground, the stronger the more they weigh."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QWidget

from gui import theme

LONGEST = 6000


class WeightedText(QTextEdit):
    """Read-only, as high as its text; the page around it scrolls."""

    def __init__(self, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._marks: list[tuple[int, int, float]] = []
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(theme.font("body"))
        self.setAccessibleName(accessible)
        self.document().setDocumentMargin(0)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTabChangesFocus(True)
        theme.events.changed.connect(self._fill)

    def show_text(self, text: str, marks: Sequence[tuple[int, int, float]] = ()) -> None:
        """Show `text`; `marks` are (start, end, weight), the largest weight gives the full ground."""
        self._text, self._marks = text[:LONGEST], list(marks)
        self._fill()

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fill(self) -> None:
        self.setPlainText(self._text)
        top = max((weight for _start, _end, weight in self._marks), default=0.0)
        cursor = QTextCursor(self.document())
        for start, end, weight in self._marks:
            if end > len(self._text) or top <= 0:
                continue
            cursor.setPosition(_units(self._text, start))
            cursor.setPosition(_units(self._text, end), QTextCursor.MoveMode.KeepAnchor)
            style = QTextCharFormat()
            share = max(weight, 0.0) / top
            style.setBackground(theme.with_alpha("tuned", 0.10 + 0.24 * share))
            style.setFont(theme.font("body", "bold" if share > 0.66 else "regular"))
            cursor.mergeCharFormat(style)
        self._fit()

    def _fit(self) -> None:
        self.document().setTextWidth(self.viewport().width())
        height = int(self.document().size().height()) + 2
        if height != self.height():
            self.setFixedHeight(height)


class HeatKey(QWidget):
    """Five grounds from little to much."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(5 * 18, 10)
        self.setAccessibleName(self.tr("The stronger the ground, the more a word weighs"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for place in range(5):
            painter.setBrush(theme.with_alpha("tuned", 0.10 + 0.24 * place / 4))
            painter.drawRoundedRect(place * 18, 1, 15, 8, 2, 2)


def _units(text: str, position: int) -> int:
    """A position in UTF-16 units, as Qt's cursors count."""
    return position + sum(1 for character in text[:position] if ord(character) > 0xFFFF)
