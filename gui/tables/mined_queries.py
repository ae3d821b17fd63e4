"""The list of queries whose candidates are looked at: the text, and how many are chosen and how many doubtful."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from engine.store import queries
from engine.store.project import Project
from gui import icons, theme, words
from gui.phrases import fill
from gui.tables.mined import Mined, Picture
from gui.tables.paged import RECORD, Column, PagedModel
from gui.tables.reader import Reader
from gui.widgets.tables import Index, TableDelegate


@dataclass(frozen=True, slots=True)
class MinedQuery:
    """A query of the list; `number` is its place among the mining's queries."""

    number: int
    id: int
    text: str


class MinedQueriesModel(PagedModel[MinedQuery]):
    """Queries by pages in a given order; the counts follow the sliders without reading anything."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), "mined queries", parent)
        self._shown: Picture | None = None
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self.set_columns([Column(self.tr("Query"), lambda row: row.text)])

    def show_queries(self, reader: Reader | None, mined: Mined, shown: Picture, order: NDArray[np.int64]) -> None:
        """List the mining's queries in `order` (places among its queries)."""
        self._shown, self._order = shown, order
        ids = mined.candidates.queries

        def fetch(project: Project, offset: int, limit: int) -> Sequence[MinedQuery]:
            numbers = order[offset : offset + limit]
            texts = queries.queries(project, [int(ids[number]) for number in numbers])
            return [
                MinedQuery(int(number), int(ids[number]), words.plain(found.text, 300) if found else "–")
                for number in numbers
                for found in [texts.get(int(ids[number]))]
            ]

        self.read(reader, lambda _project: len(order), fetch)

    def show_counts(self, shown: Picture) -> None:
        """Other rules: only the counts are others."""
        self._shown = shown
        if self.total():
            self.dataChanged.emit(self.index(0, 0), self.index(self.total() - 1, 0))

    def counts(self, query: MinedQuery) -> tuple[int, int]:
        """How many candidates of a query are chosen, and how many doubtful."""
        if self._shown is None or query.number >= len(self._shown.chosen):
            return 0, 0
        return int(self._shown.chosen[query.number]), int(self._shown.doubtful[query.number])

    def place_of(self, number: int) -> int:
        """The row of the query with this place among the mining's queries, -1 where it is not listed."""
        found = np.flatnonzero(self._order == number)
        return int(found[0]) if len(found) else -1

    def chosen_words(self, chosen: int) -> str:
        return fill(self.tr("%1 chosen"), words.count(chosen))

    def doubtful_words(self, doubtful: int) -> str:
        return fill(self.tr("%1 doubtful"), words.count(doubtful))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.AccessibleTextRole:
            query = super().data(index, RECORD)
            if isinstance(query, MinedQuery):
                chosen, doubtful = self.counts(query)
                return f"{query.text}: {self.chosen_words(chosen)}, {self.doubtful_words(doubtful)}"
        return super().data(index, role)


class MinedQueryDelegate(TableDelegate):
    """Two lines: the query; how many are chosen, and in amber how many are doubtful."""

    HEIGHT = 50

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, self.HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, index)
        whole = QRectF(option.rect)
        painter.fillRect(QRectF(whole.x(), whole.bottom() - 1, whole.width(), 1), theme.color("line"))
        query, model = index.data(RECORD), index.model()
        if isinstance(query, MinedQuery) and isinstance(model, MinedQueriesModel):
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            face = theme.font("body", "medium" if selected else "regular")
            first = QRectF(whole.x() + 16, whole.y() + 5, whole.width() - 28, 20)
            painter.setFont(face)
            painter.setPen(theme.color("text"))
            shown = QFontMetrics(face).elidedText(query.text, Qt.TextElideMode.ElideRight, int(first.width()))
            painter.drawText(first, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
            self._paint_counts(painter, first.translated(0, 19), model, model.counts(query))
        painter.restore()

    def _paint_counts(self, painter: QPainter, rect: QRectF, model: MinedQueriesModel, counts: tuple[int, int]) -> None:
        chosen, doubtful = counts
        face = theme.font("caption")
        painter.setFont(face)
        painter.setPen(theme.color("text3"))
        text = model.chosen_words(chosen)
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, text)
        if doubtful:
            x = rect.x() + QFontMetrics(face).horizontalAdvance(text) + 10
            icons.draw(painter, QRectF(x, rect.center().y() - 4, 8, 8), "marks/chip-diamond", "warn")
            painter.setPen(theme.color("text2"))
            behind = rect.adjusted(x + 14 - rect.x(), 0, 0, 0)
            painter.drawText(behind, Qt.AlignmentFlag.AlignVCenter, model.doubtful_words(doubtful))
