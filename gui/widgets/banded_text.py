"""A long text cut into bands: each with a caption, a heading and a bar in the left margin. Plain text, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QPainter,
    QPaintEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
)
from PySide6.QtWidgets import QTextEdit, QWidget

from gui import theme
from gui.theme import FontRole

_BAR = 3
_AROUND = 6


@dataclass(frozen=True, slots=True)
class Band:
    """One piece of the text.

    Attributes:
        repeated: characters at the beginning that the band before ends with; shown fainter.
    """

    caption: str
    heading: str
    text: str
    repeated: int = 0


class BandedText(QTextEdit):
    """Shows bands one below the other; one of them can be marked as chosen."""

    def __init__(self, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bands: list[Band] = []
        self._note = ""
        self._chosen = -1
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setAccessibleName(accessible)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(_AROUND)
        theme.events.changed.connect(self._fill)

    def set_bands(self, bands: Sequence[Band], *, chosen: int = -1, note: str = "") -> None:
        """Show `bands`; `note` is said below the last one."""
        self._bands, self._chosen, self._note = list(bands), chosen, note
        self._fill()
        if chosen >= 0:
            self.show_band(chosen)

    def show_band(self, number: int) -> None:
        """Scroll so that a band's caption stands at the top."""
        block = self.document().begin()
        while block.isValid() and block.userState() != number:
            block = block.next()
        if block.isValid():
            top = self.document().documentLayout().blockBoundingRect(block).top()
            self.verticalScrollBar().setValue(int(top))

    def _fill(self) -> None:
        document: QTextDocument = self.document()
        document.clear()
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        first = True
        for number, band in enumerate(self._bands):
            first = self._insert(cursor, band.caption, _chars("caption", "text3"), number, first, above=10)
            if band.heading:
                first = self._insert(cursor, band.heading, _chars("dense", "text", bold=True), number, first)
            self._insert_text(cursor, band, number)
        if self._note:
            self._insert(cursor, self._note, _chars("caption", "text3"), -1, first, above=10)
        cursor.endEditBlock()
        self.verticalScrollBar().setValue(0)

    def _insert_text(self, cursor: QTextCursor, band: Band, number: int) -> None:
        lines = band.text.split("\n")
        seen = 0
        for position, line in enumerate(lines):
            last = position == len(lines) - 1
            faint = min(max(band.repeated - seen, 0), len(line))
            self._new_block(cursor, number, False, above=0, below=10 if last else 0)
            cursor.insertText(line[:faint], _chars("dense", "text3"))
            cursor.insertText(line[faint:], _chars("dense", "text"))
            seen += len(line) + 1

    def _insert(
        self, cursor: QTextCursor, text: str, chars: QTextCharFormat, number: int, first: bool, *, above: int = 0
    ) -> bool:
        self._new_block(cursor, number, first, above=above)
        cursor.insertText(text, chars)
        return False

    def _new_block(self, cursor: QTextCursor, number: int, first: bool, *, above: int = 0, below: int = 0) -> None:
        style = QTextBlockFormat()
        style.setLeftMargin(8 if number >= 0 else 0)
        style.setRightMargin(4)
        style.setTopMargin(above)
        style.setBottomMargin(below)
        style.setLineHeight(130, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if first:
            cursor.setBlockFormat(style)
        else:
            cursor.insertBlock(style)
        cursor.block().setUserState(number)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        top, shown = self.verticalScrollBar().value(), QRectF(self.viewport().rect())
        layout = self.document().documentLayout()
        block = self.cursorForPosition(event.rect().topLeft()).block()
        while block.isValid() and block.previous().isValid() and block.previous().userState() == block.userState():
            block = block.previous()
        while block.isValid():
            number, above = block.userState(), layout.blockBoundingRect(block).top()
            below = above
            while block.isValid() and block.userState() == number:
                below = layout.blockBoundingRect(block).bottom()
                block = block.next()
            if above - top > shown.bottom():
                break
            if number >= 0:
                self._paint_band(painter, QRectF(0, above - top - 4, shown.width(), below - above + 8), number)
        painter.end()
        super().paintEvent(event)

    def _paint_band(self, painter: QPainter, rect: QRectF, number: int) -> None:
        strong = number == self._chosen if self._chosen >= 0 else number % 2 == 0
        painter.fillRect(rect, theme.color("select" if strong else "inset"))
        painter.fillRect(QRectF(0, rect.y(), _BAR, rect.height()), theme.color("accent" if strong else "line2"))


def _chars(role: FontRole, token: str, *, bold: bool = False) -> QTextCharFormat:
    style = QTextCharFormat()
    style.setFont(theme.font(role, "bold" if bold else ""))
    style.setForeground(theme.color(token))
    return style
