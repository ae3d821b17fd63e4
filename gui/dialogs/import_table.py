"""The first rows of a table with a role over each column, for the import window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from engine.formats import ROLES, PreviewTable
from gui import theme, words
from gui.phrases import fill
from gui.widgets.inputs import ChoiceBox
from gui.widgets.tables import TableView

_NAME, _BOX, _WIDTH, _WIDEST = 22, 26, 152, 320

Index = QModelIndex | QPersistentModelIndex


class RowsModel(QAbstractTableModel):
    """Rows of texts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._rows: tuple[tuple[str, ...], ...] = ()

    def show_rows(self, names: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> None:
        self.beginResetModel()
        self._names, self._rows = names, rows
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return len(self._names)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        text = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return words.plain(text, 200).replace("\n", " ")
        if role == Qt.ItemDataRole.ToolTipRole:
            return words.tip(text)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return words.plain(self._names[section], 80)
        return None


class RoleHeader(QHeaderView):
    """Column names, and below each a box with what the column is for."""

    picked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._boxes: list[ChoiceBox] = []
        self._names: tuple[str, ...] = ()
        self.setFixedHeight(_NAME + _BOX + 8)
        self.setFont(theme.font("caption"))
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setSectionsClickable(False)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(_WIDTH // 2)
        self.sectionResized.connect(lambda *_sizes: self.place())
        self.sectionMoved.connect(lambda *_places: self.place())

    def show_columns(
        self, names: tuple[str, ...], roles: Mapping[str, str] | None, choices: Sequence[tuple[str, object]]
    ) -> None:
        """A box for each column, none where `roles` is None; boxes that are there keep the keyboard."""
        wanted = names if roles is not None else ()
        if wanted != self._names:
            for box in self._boxes:
                box.deleteLater()
            self._names = wanted
            self._boxes = [self._make_box(name, choices) for name in wanted]
        for name, box in zip(wanted, self._boxes, strict=True):
            box.set_value((roles or {}).get(name, "ignore"))
        self.setFixedHeight(_NAME + _BOX + 8 if wanted else theme.ROW_HEAD)
        self.place()

    def boxes(self) -> list[ChoiceBox]:
        return self._boxes

    def _make_box(self, name: str, choices: Sequence[tuple[str, object]]) -> ChoiceBox:
        box = ChoiceBox(choices, accessible=fill(self.tr("What column %1 is for"), words.plain(name, 80)), parent=self)
        box.setFont(theme.font("dense", "medium"))
        box.picked.connect(lambda role, name=name: self.picked.emit(name, str(role)))
        box.show()
        return box

    def place(self) -> None:
        """Put each box over its column."""
        for section, box in enumerate(self._boxes):
            left = self.sectionViewportPosition(section)
            first = 6 if section == 0 else 0
            box.setGeometry(left + 6 + first, _NAME, max(self.sectionSize(section) - 12 - first, 40), _BOX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place()

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        painter.save()
        painter.fillRect(rect, theme.color("inset"))
        painter.setPen(theme.color("text2"))
        painter.setFont(theme.font("caption"))
        text = str(self.model().headerData(section, Qt.Orientation.Horizontal) or "")
        room = rect.adjusted(16 if section == 0 else 8, 0, -8, -(rect.height() - _NAME) if self._boxes else 0)
        shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


class TablePreview(TableView):
    """A table's first rows; `picked` says that a column got another role."""

    picked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("First rows of the table"), parent)
        self._model = RowsModel(self)
        self._header = RoleHeader(self)
        self._header.picked.connect(self.picked)
        self.setHorizontalHeader(self._header)
        self.setModel(self._model)
        self.horizontalScrollBar().valueChanged.connect(lambda _value: self._header.place())
        self._names: tuple[str, ...] = ()
        self._shown: tuple[tuple[str, ...], ...] = ()

    def show_table(self, table: PreviewTable, *, mapped: bool) -> None:
        """Show the rows; where they are `mapped`, with a box over each column."""
        if table.names != self._names or table.rows != self._shown:
            self._names, self._shown = table.names, table.rows
            self._model.show_rows(table.names, table.rows)
            self._share_width()
        self._header.show_columns(table.names, table.roles if mapped else None, self.role_choices())
        self.updateGeometries()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._share_width()

    def _share_width(self) -> None:
        """Columns are as wide as their words ask for, within limits, and fill the table together."""
        if not self._names:
            return
        asked = [self._asked_width(place) for place in range(len(self._names))]
        over = max(self.viewport().width() - sum(asked), 0)
        whole = sum(asked)
        for section, width in enumerate(asked):
            self.setColumnWidth(section, width + over * width // whole)

    def _asked_width(self, place: int) -> int:
        metrics = QFontMetrics(self.font())
        widest = max((metrics.horizontalAdvance(cells[place][:60]) + 24 for cells in self._shown[:20]), default=0)
        return min(max(_WIDTH, widest), _WIDEST)

    def boxes(self) -> list[ChoiceBox]:
        """The boxes over the columns, in order."""
        return self._header.boxes()

    def role_choices(self) -> list[tuple[str, object]]:
        said = {
            "query": self.tr("Query"),
            "positive": self.tr("Relevant passage"),
            "passage_id": self.tr("Passage id"),
            "negative": self.tr("Wrong passage"),
            "score": self.tr("Score"),
            "group": self.tr("Group"),
            "split": self.tr("Split"),
            "ignore": self.tr("Ignore"),
        }
        return [(said[role], role) for role in ROLES]
