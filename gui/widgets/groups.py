"""Two groups of buttons in one line, or one group below the other where the line is too short."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLayout, QWidget

from gui.widgets.cards import row


class TwoGroups(QWidget):
    """`left` at the left edge, `right` at the right one; hidden widgets take no room.

    Args:
        gap: pixels between two widgets.
    """

    def __init__(
        self, left: Sequence[QWidget], right: Sequence[QWidget], *, gap: int = 4, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._gap = gap
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(gap)
        self._box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._sides = [_side(widgets, gap) for widgets in (left, right)]
        self._box.addWidget(self._sides[0], 0, Qt.AlignmentFlag.AlignLeft)
        self._box.addStretch(1)
        self._box.addWidget(self._sides[1], 0, Qt.AlignmentFlag.AlignRight)

    def is_split(self) -> bool:
        """Whether one group stands below the other."""
        return self._box.direction() == QBoxLayout.Direction.TopToBottom

    def sizeHint(self) -> QSize:
        hints = [side.sizeHint() for side in self._sides if not _is_empty(side)]
        if self.is_split():
            return QSize(self._widest(hints), sum(hint.height() for hint in hints) + self._gap)
        return QSize(self._in_line(hints), max((hint.height() for hint in hints), default=0))

    def minimumSizeHint(self) -> QSize:
        hints = [side.sizeHint() for side in self._sides if not _is_empty(side)]
        return QSize(self._widest(hints), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Put the groups beside or below each other; to be called when a widget changed its text or was shown."""
        hints = [side.sizeHint() for side in self._sides if not _is_empty(side)]
        split = len(hints) > 1 and self._in_line(hints) > self.width()
        if split != self.is_split():
            way = QBoxLayout.Direction.TopToBottom if split else QBoxLayout.Direction.LeftToRight
            self._box.setDirection(way)
        self.updateGeometry()

    def _in_line(self, hints: Sequence[QSize]) -> int:
        return sum(hint.width() for hint in hints) + self._gap * max(len(hints) - 1, 0)

    @staticmethod
    def _widest(hints: Sequence[QSize]) -> int:
        return max((hint.width() for hint in hints), default=0)


def _side(widgets: Sequence[QWidget], gap: int) -> QWidget:
    made = QWidget()
    line = row(made, gap=gap)
    for widget in widgets:
        line.addWidget(widget)
    return made


def _is_empty(side: QWidget) -> bool:
    return all(
        child.isHidden() for child in side.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    )
