"""Text over several lines with the line heights of the design; `QLabel` sets them closer."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QWidget

from gui import theme
from gui.theme import FontRole

_LEADING = {
    "caption": 16,
    "dense": 18,
    "body": 20,
    "heading": 22,
    "figure": 28,
    "title": 28,
    "welcome": 36,
    "verdict": 48,
    "mono": 18,
}
_WIDEST = 520


class Paragraph(QLabel):
    """Plain text that wraps; as high as its width makes it."""

    def __init__(
        self,
        text: str,
        role: FontRole,
        tone: str,
        weight: Literal["", "regular", "medium", "bold"] = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._leading = _LEADING[role]
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(role, weight))
        self.setProperty("tone", tone)
        self.setWordWrap(True)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        margins = self.contentsMargins()
        lines = self._laid_out(width - margins.left() - margins.right()).lineCount() if self.text() else 0
        return lines * self._leading + margins.top() + margins.bottom()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        margins = self.contentsMargins()
        sides = margins.left() + margins.right()
        longest = max((metrics.horizontalAdvance(line) for line in self.text().split("\n")), default=0)
        width = max(min(longest + 2 + sides, _WIDEST), self.minimumWidth())
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        margins = self.contentsMargins()
        words_ = self.text().split()
        metrics = QFontMetrics(self.font())
        longest = max((metrics.horizontalAdvance(word) for word in words_[:200]), default=0)
        height = self._leading if words_ else 0
        return QSize(min(longest, 160) + margins.left() + margins.right(), height + margins.top() + margins.bottom())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = self.contentsRect()
        painter.setPen(theme.color("text3" if not self.isEnabled() else str(self.property("tone") or "text")))
        laid = self._laid_out(rect.width())
        height = laid.lineCount() * self._leading
        top = float(rect.top())
        if self.alignment() & Qt.AlignmentFlag.AlignVCenter:
            top += max(rect.height() - height, 0) / 2
        laid.draw(painter, QPointF(rect.left(), top))

    def _laid_out(self, width: int) -> QTextLayout:
        laid = QTextLayout(self.text().replace("\n", "\u2028"), self.font())
        option = QTextOption(self.alignment() & Qt.AlignmentFlag.AlignHorizontal_Mask)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        laid.setTextOption(option)
        laid.beginLayout()
        number = 0
        while (line := laid.createLine()).isValid():
            line.setLineWidth(max(width, 1))
            line.setPosition(QPointF(0, number * self._leading + (self._leading - line.height()) / 2))
            number += 1
        laid.endLayout()
        return laid
