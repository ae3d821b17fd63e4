"""A list of short rows that are all in memory: a key, a line, a quieter line, perhaps a chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from gui.widgets.tables import Index, Role


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `key` names the record behind it, `chip` is (words, state)."""

    key: int
    text: str
    second: str = ""
    chip: tuple[str, str] | None = None


class RowsModel(QAbstractListModel):
    """Rows for a `RowList`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; where the keys are the same, the chosen one stays chosen."""
        if [row.key for row in rows] == [row.key for row in self._rows]:
            self._rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, 0))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def row(self, place: int) -> Row | None:
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def place_of(self, key: int) -> int:
        """Where the row with `key` stands, -1 where there is none."""
        return next((place for place, row in enumerate(self._rows) if row.key == key), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        found = self.row(index.row())
        if found is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return found.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (found.text, found.second, found.chip[0] if found.chip else "") if part)
        return {Role.SECOND: found.second, Role.CHIP: found.chip, Role.KEY: found.key}.get(role)  # type: ignore[call-overload]
