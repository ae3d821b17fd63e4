"""Plain text with some words on a coloured ground: a line for delegates, and a read-only view for long texts."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextLayout
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from gui import theme
from gui.compared_words import utf16_spans
from gui.shared_words import Span


def paint_marked_line(
    painter: QPainter, rect: QRectF, text: str, spans: Sequence[Span], *, face: QFont, tone: str = "text"
) -> None:
    """Draw one line, elided to `rect`, with `spans` on the ground of shared words."""
    shown = QFontMetrics(face).elidedText(text, Qt.TextElideMode.ElideRight, int(rect.width()))
    end = len(shown) - 1 if shown != text else len(shown)
    formats = []
    for start, stop in utf16_spans(text, spans):
        if start >= end:
            continue
        piece = QTextLayout.FormatRange()
        piece.start, piece.length = start, min(stop, end) - start
        style = QTextCharFormat()
        style.setBackground(theme.color("mark"))
        piece.format = style
        formats.append(piece)
    layout = QTextLayout(shown, face)
    layout.setFormats(formats)
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(rect.width() + 8)
    layout.endLayout()
    painter.setPen(theme.color(tone))
    layout.draw(painter, QPointF(rect.x(), rect.center().y() - line.height() / 2))


class MarkedText(QTextBrowser):
    """A read-only text that takes plain text only; `set_marked` puts a ground behind spans of it."""

    def __init__(self, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._spans: list[Span] = []
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(accessible)
        self.setTabChangesFocus(True)
        self.setFont(theme.font("body"))
        self.document().setDocumentMargin(0)
        theme.events.changed.connect(self._fill)

    def set_marked(self, text: str, spans: Sequence[Span]) -> None:
        """Show `text` with `spans` (start, end) marked."""
        self._text, self._spans = text, list(spans)
        self._fill()

    def marked(self) -> list[str]:
        """The pieces that are marked now."""
        return [self._text[start:end] for start, end in self._spans]

    def _fill(self) -> None:
        place = self.verticalScrollBar().value()
        self.setPlainText(self._text)
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        block = QTextBlockFormat()
        block.setLineHeight(128, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.mergeBlockFormat(block)
        whole = QTextCharFormat()
        whole.setFont(theme.font("body"))
        whole.setForeground(theme.color("text"))
        cursor.setCharFormat(whole)
        marked = QTextCharFormat()
        marked.setBackground(theme.color("mark"))
        for start, end in utf16_spans(self._text, self._spans):
            cursor.setPosition(start)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(marked)
        self.verticalScrollBar().setValue(place)
