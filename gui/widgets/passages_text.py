"""A whole text with the passages it is cut into drawn on it: a ground for each, both where two overlap."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QTextBlock, QTextLine, QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui import theme, words

GUTTER = 76
_LANE, _LANES = 3, 10

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")

Span = tuple[int, int, int]  # first character, past the last one, tokens


class PassagesText(QPlainTextEdit):
    """Read-only. The text stays where it is while its passages change, so that the eye can follow a cut that moves."""

    def __init__(self, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spans: list[Span] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._limit = 0
        self._places: np.ndarray | None = None
        self.setReadOnly(True)
        self.setAccessibleName(accessible)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.setFont(theme.font("dense"))
        self.setViewportMargins(GUTTER, 0, 0, 0)
        self._gutter = _Gutter(self)
        self.updateRequest.connect(self._follow)
        theme.events.changed.connect(self._restyle)

    def show_text(self, text: str) -> None:
        """Another text, without passages yet; hidden and direction-changing characters are shown as dots."""
        text = _HIDDEN.sub("·", text)
        self._spans, self._starts, self._ends = [], [], []
        numbers = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        # Qt counts characters beyond U+FFFF twice.
        self._places = np.concatenate([[0], np.cumsum(1 + (numbers > 0xFFFF))]) if (numbers > 0xFFFF).any() else None
        self.setPlainText(text)

    def show_spans(self, spans: Sequence[Span], limit: int) -> None:
        """The text's passages in order; those of more than `limit` tokens are marked."""
        self._spans = [(self._place(start), self._place(end), tokens) for start, end, tokens in spans]
        self._starts = [span[0] for span in self._spans]
        self._ends = [span[1] for span in self._spans]
        self._limit = limit
        self.viewport().update()
        self._gutter.update()

    def count_spans(self) -> int:
        return len(self._spans)

    def shown_until(self) -> int:
        """The place in the text below which nothing is in view; a few characters further where it holds emoji."""
        corner = self.viewport().rect().bottomRight()
        return int(self.cursorForPosition(corner).position())

    def spans_at(self, start: int, end: int) -> range:
        """Numbers of the passages that hold something of the characters from `start` to `end`."""
        return range(bisect_right(self._ends, start), bisect_left(self._starts, end))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._gutter.setGeometry(QRect(inside.left(), inside.top(), GUTTER, inside.height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        for block in self._shown_blocks():
            self._paint_block(painter, block)
        painter.end()
        super().paintEvent(event)

    def paint_gutter(self, painter: QPainter) -> None:
        """Beside each passage a bar (neighbours in two lanes), and where it begins its number and its tokens."""
        painter.setFont(theme.font("caption"))
        height = painter.fontMetrics().height()
        last_text = -float(height)
        for block in self._shown_blocks():
            top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
            layout = block.layout()
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                first = block.position() + line.textStart()
                y = top + line.y()
                for found in self.spans_at(first, first + max(line.textLength(), 1)):
                    start, _end, tokens = self._spans[found]
                    long = bool(self._limit) and tokens > self._limit
                    lane = GUTTER - 4 - _LANES + (found % 2) * (_LANE + 2)
                    token = "bad" if long else ("accent" if found % 2 == 0 else "bar")
                    painter.fillRect(QRectF(lane, y, _LANE, line.height()), theme.color(token))
                    if first <= start < first + max(line.textLength(), 1) and y >= last_text + height:
                        painter.setPen(theme.color("bad" if long else "text3"))
                        said = f"{words.count(found + 1)} · {words.count(tokens)}"
                        where = QRectF(0, y, GUTTER - 8 - _LANES, line.height())
                        painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)
                        last_text = y

    def _place(self, position: int) -> int:
        if self._places is None:
            return position
        return int(self._places[min(position, len(self._places) - 1)])

    def _shown_blocks(self) -> list[QTextBlock]:
        blocks, block = [], self.firstVisibleBlock()
        bottom = self.viewport().height()
        while block.isValid():
            if self.blockBoundingGeometry(block).translated(self.contentOffset()).top() > bottom:
                break
            blocks.append(block)
            block = block.next()
        return blocks

    def _paint_block(self, painter: QPainter, block: QTextBlock) -> None:
        geometry = self.blockBoundingGeometry(block).translated(self.contentOffset())
        layout, width = block.layout(), float(self.viewport().width())
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            first = block.position() + line.textStart()
            end = first + line.textLength()
            drawn = first
            for found in self.spans_at(first, max(end, first + 1)):
                start, stop, _tokens = self._spans[found]
                left = 0.0 if start <= first else geometry.left() + _x(line, start - block.position())
                right = width if stop > end else geometry.left() + _x(line, stop - block.position())
                ground = QRectF(left, geometry.top() + line.y(), right - left, line.height())
                painter.fillRect(ground, theme.color("select" if found % 2 == 0 else "hover"))
                if max(start, first) < drawn:
                    shared = geometry.left() + _x(line, min(drawn, end) - block.position())
                    ground.setRight(width if drawn > end else shared)
                    painter.fillRect(ground, theme.color("mark"))
                drawn = max(drawn, stop)

    def _follow(self, _rect: QRect, moved: int) -> None:
        self._gutter.update()

    def _restyle(self) -> None:
        self.setFont(theme.font("dense"))
        self.viewport().update()
        self._gutter.update()


def _x(line: QTextLine, position: int) -> float:
    """Where a character stands in a line; PySide gives a pair whose first is the place."""
    found = line.cursorToX(position)
    return float(found[0] if isinstance(found, tuple) else str(found))


class _Gutter(QWidget):
    """What stands left of the text; drawn by it."""

    def __init__(self, owner: PassagesText) -> None:
        super().__init__(owner)
        self._owner = owner

    def sizeHint(self) -> QSize:
        return QSize(GUTTER, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._owner.paint_gutter(painter)
        painter.end()
