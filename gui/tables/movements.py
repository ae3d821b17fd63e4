"""Queries that moved between two systems: a line each with the rank of the first answer before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from engine.records import QueryMovement
from gui import theme, words

Index = QModelIndex | QPersistentModelIndex
ROW = 32


class MovementModel(QAbstractListModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[QueryMovement] = []

    def set_rows(self, rows: Sequence[QueryMovement]) -> None:
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def rows(self) -> list[QueryMovement]:
        return self._rows

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.text}: {rank_words(row.rank_b)} → {rank_words(row.rank_a)}"
        return None


def rank_words(rank: int) -> str:
    """A rank as it stands in lists: a number, or "–" where the answer was not found."""
    return str(rank) if rank else "–"


class MovementList(QListView):
    """Rows of movements; `opened` names the query that was clicked or entered."""

    opened = Signal(int)

    def __init__(self, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.movements = MovementModel(self)
        self.setModel(self.movements)
        self.setItemDelegate(_MovementDelegate(self))
        self.setAccessibleName(accessible)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)  # a hundred thousand rows would hold the window up
        self.setBatchSize(2000)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # As tall as there is room: a list's own hint would push the charts beside it out of view.
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._open(self.indexAt(event.position().toPoint()))

    def _open(self, index: QModelIndex) -> None:
        row = index.data(Qt.ItemDataRole.UserRole) if index.isValid() else None
        if isinstance(row, QueryMovement):
            self.opened.emit(row.query_id)


class _MovementDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(row, QueryMovement):
            return
        painter.save()
        rect = option.rect
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("select"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.color("hover"))
        room = QRectF(rect).adjusted(16, 0, -16, 0)
        ranks = 32 + 24 + 32
        painter.setFont(theme.font("body"))
        painter.setPen(theme.color("text"))
        text = QFontMetrics(painter.font()).elidedText(
            words.plain(row.text, 400), Qt.TextElideMode.ElideRight, int(room.width()) - ranks - 8
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        _paint_ranks(painter, QRectF(room.right() - ranks, room.top(), ranks, room.height()), row)
        painter.restore()


def _paint_ranks(painter: QPainter, room: QRectF, row: QueryMovement) -> None:
    side = Qt.AlignmentFlag.AlignVCenter
    painter.setPen(theme.color("text3"))
    before = QRectF(room.left(), room.top(), 32, room.height())
    painter.drawText(before, side | Qt.AlignmentFlag.AlignRight, rank_words(row.rank_b))
    arrow = QRectF(room.left() + 32, room.top(), 24, room.height())
    painter.drawText(arrow, side | Qt.AlignmentFlag.AlignHCenter, "→")
    painter.setFont(theme.font("body", "bold"))
    painter.setPen(theme.color(tone_of(row)))
    after = QRectF(room.left() + 56, room.top(), 32, room.height())
    painter.drawText(after, side | Qt.AlignmentFlag.AlignRight, rank_words(row.rank_a))


def tone_of(row: QueryMovement, k: int = 10) -> str:
    """Green for an answer that came into the first `k`, red for one that left them, plain otherwise."""
    before, after = 1 <= row.rank_b <= k, 1 <= row.rank_a <= k
    return "good" if after and not before else "bad" if before and not after else "text2"
