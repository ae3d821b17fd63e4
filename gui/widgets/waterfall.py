"""What is left after each rule, as bars that get shorter: the numbers always add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme, words


@dataclass(frozen=True, slots=True)
class Fall:
    """One rule: how many fell to it, and how many are left after it."""

    name: str
    removed: int
    left: int


class Waterfall(QWidget):
    """The first line is the whole; each following line one rule; the last bar is in the accent colour."""

    LINE = 22

    def __init__(self, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._falls: list[Fall] = []
        self._accessible = accessible
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(accessible)

    def falls(self) -> list[Fall]:
        return list(self._falls)

    def set_falls(self, falls: Sequence[Fall]) -> None:
        """Show `falls`; the first has nothing removed."""
        changed = len(falls) != len(self._falls)
        self._falls = list(falls)
        said = "; ".join(f"{fall.name}: {words.count(fall.left)}" for fall in falls)
        self.setAccessibleDescription(said)
        if changed:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, self.LINE * max(len(self._falls), 1))

    def minimumSizeHint(self) -> QSize:
        return QSize(220, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._falls:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        face, strong = theme.font("dense"), theme.font("dense", "medium")
        figures = QFontMetrics(strong)
        right = max(figures.horizontalAdvance(words.count(fall.left)) for fall in self._falls) + 4
        minus = max(figures.horizontalAdvance(words.count(-fall.removed)) for fall in self._falls) + 8
        name = min(max(QFontMetrics(face).horizontalAdvance(fall.name) for fall in self._falls) + 12, self.width() // 2)
        bar = max(self.width() - right - minus - name - 8, 8)
        whole = max(self._falls[0].left, 1)
        middle = Qt.AlignmentFlag.AlignVCenter
        for place, fall in enumerate(self._falls):
            line = QRectF(0, place * self.LINE, self.width(), self.LINE)
            painter.setFont(face)
            painter.setPen(theme.color("text2"))
            shown = QFontMetrics(face).elidedText(fall.name, Qt.TextElideMode.ElideRight, name - 8)
            painter.drawText(line, middle, shown)
            last = place == len(self._falls) - 1
            painter.setBrush(theme.color("accent" if last else "bar"))
            painter.setPen(Qt.PenStyle.NoPen)
            if fall.left:
                width = max(3.0, bar * fall.left / whole)
                painter.drawRoundedRect(QRectF(name, line.center().y() - 4, width, 8), 2, 2)
            if fall.removed:
                painter.setFont(face)
                painter.setPen(theme.color("text3"))
                painter.drawText(
                    line.adjusted(0, 0, -right, 0), middle | Qt.AlignmentFlag.AlignRight, words.count(-fall.removed)
                )
            painter.setFont(strong)
            painter.setPen(theme.color("text"))
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, words.count(fall.left))
