"""Systems by measures: a row for each run, a figure and its difference to the row compared with in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from gui import theme, words
from gui.widgets.gauges import system_pen
from gui.widgets.tables import Role, TableDelegate

Index = QModelIndex | QPersistentModelIndex
MEASURES = (
    ("ndcg@10", "nDCG@10"),
    ("mrr@10", "MRR@10"),
    ("recall@10", "Recall@10"),
    ("hit_rate@10", "Hit rate@10"),
    ("map@100", "MAP@100"),
)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One system: how its line is drawn (`bm25`, `base`, `tuned`, `hybrid`), its name, its run and figures."""

    run_id: int
    line: str
    name: str
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class ScoreCell:
    value: float
    delta: float | None


class ScoreModel(QAbstractTableModel):
    """Rows of the scoreboard; differences are to the row `against`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ScoreRow] = []
        self._against = 0

    def set_rows(self, rows: Sequence[ScoreRow], against: int) -> None:
        """Show these runs; `against` is the run id that differences are taken to."""
        self.beginResetModel()
        self._rows, self._against = list(rows), against
        self.endResetModel()

    def row_of(self, run_id: int) -> int:
        return next((place for place, row in enumerate(self._rows) if row.run_id == run_id), -1)

    def score_row(self, place: int) -> ScoreRow | None:
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def cell(self, place: int, measure: str) -> ScoreCell | None:
        """A figure with its difference; None where it was not measured."""
        value = self._rows[place].metrics.get(measure)
        if value is None:
            return None
        other = next((row for row in self._rows if row.run_id == self._against), None)
        if other is None or other.run_id == self._rows[place].run_id or measure not in other.metrics:
            return ScoreCell(value, None)
        return ScoreCell(value, value - other.metrics[measure])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else 1 + len(MEASURES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return QCoreApplication.translate("scoreboard", "System") if section == 0 else MEASURES[section - 1][1]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Role.KEY:
            return row.run_id
        if index.column() == 0:
            return self._name_data(row, role)
        cell = self.cell(index.row(), MEASURES[index.column() - 1][0])
        if role == Qt.ItemDataRole.UserRole:
            return cell
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            if cell is None:
                return "–"
            change = "" if cell.delta is None else f" ({words.signed(cell.delta)})"
            return words.decimal(cell.value) + change
        return None

    def _name_data(self, row: ScoreRow, role: int) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return row.name
        if role == Qt.ItemDataRole.UserRole:
            return row
        return None


class ScoreDelegate(TableDelegate):
    """Draws the system's line before its name, and behind each figure an arrow with the difference."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, index)
        rect = QRectF(option.rect)
        known = index.data(Qt.ItemDataRole.UserRole)
        strong = bool(index.model().sibling(index.row(), 0, index).data(Qt.ItemDataRole.UserRole).line == "tuned")
        if isinstance(known, ScoreRow):
            _paint_name(painter, rect.adjusted(16, 0, -8, 0), known, strong)
        else:
            last = index.column() == index.model().columnCount() - 1
            _paint_cell(painter, rect.adjusted(4, 0, -16 if last else -8, 0), known, strong)
        painter.restore()


def _paint_name(painter: QPainter, rect: QRectF, row: ScoreRow, strong: bool) -> None:
    painter.setPen(system_pen(row.line))
    painter.drawLine(QPointF(rect.left(), rect.center().y()), QPointF(rect.left() + 20, rect.center().y()))
    room = rect.adjusted(28, 0, 0, 0)
    painter.setFont(theme.font("body", "bold" if strong else ""))
    painter.setPen(theme.color("text"))
    name = QFontMetrics(painter.font()).elidedText(row.name, Qt.TextElideMode.ElideMiddle, int(room.width()))
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)


def _paint_cell(painter: QPainter, rect: QRectF, cell: ScoreCell | None, strong: bool) -> None:
    aligned = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
    painter.setFont(theme.font("dense"))
    width = QFontMetrics(painter.font()).horizontalAdvance("▲ 0.000") + 4
    token, text = _change(cell)
    painter.setPen(theme.color(token))
    painter.drawText(rect, aligned, text)
    painter.setFont(theme.font("body", "bold" if strong else ""))
    painter.setPen(theme.color("text" if cell else "text3"))
    painter.drawText(rect.adjusted(0, 0, -width, 0), aligned, words.decimal(cell.value) if cell else "–")


def _change(cell: ScoreCell | None) -> tuple[str, str]:
    """Colour and words of a difference; equal to three digits is a dash."""
    if cell is None or cell.delta is None:
        return "text3", "–"
    if round(cell.delta, 3) == 0:
        return "text3", "="
    return ("good", f"▲ {cell.delta:.3f}") if cell.delta > 0 else ("bad", f"▼ {-cell.delta:.3f}")
