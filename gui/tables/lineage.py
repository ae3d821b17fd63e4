"""The models of a project: a row each with parent, data, settings, scores and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from engine.records import Outcome
from engine.store.lineage import Trained
from gui import words
from gui.widgets.tables import Role

Index = QModelIndex | QPersistentModelIndex
_VERDICT, _DEV, _TEST = 6, 4, 5
_CHIP = {Outcome.WIN: "good", Outcome.TIE: "none", Outcome.LOSS: "bad"}


class LineageModel(QAbstractTableModel):
    """Rows of `Trained`, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Trained] = []

    def set_rows(self, rows: Sequence[Trained]) -> None:
        self.beginResetModel()
        self._rows = list(rows)[::-1]
        self.endResetModel()

    def trained(self, place: int) -> Trained | None:
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def row_of(self, model_id: int) -> int:
        return next((place for place, row in enumerate(self._rows) if row.model.id == model_id), -1)

    def heads(self) -> tuple[str, ...]:
        return (
            self.tr("Model"),
            self.tr("From"),
            self.tr("Learnt from"),
            self.tr("Settings that differ"),
            self.tr("Dev"),
            self.tr("Test"),
            self.tr("Against BM25"),
        )

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else 7

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.heads()[section]
        return self._side(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.trained(index.row()) if index.isValid() else None
        if row is None:
            return None
        found = row.against.get("bm25")
        if role == Role.KEY:
            return row.model.id
        if role == Role.BOLD:
            return index.column() == 0
        if role == Role.CHIP and index.column() == _VERDICT and found is not None:
            return _CHIP[found.verdict]
        if role == Role.TONE and index.column() in (1, 2, 3):
            return "text2"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.cells(row)[index.column()]
        return None

    def cells(self, row: Trained) -> tuple[str, ...]:
        """A row in words."""
        found = row.against.get("bm25")
        changed = ", ".join(f"{name} {value}" for name, value in row.changed.items())
        return (
            words.plain(row.model.name, 80),
            words.plain(row.parent, 80) or "–",
            row.data or "–",
            " · ".join(part for part in (row.preset, changed) if part) or "–",
            "–" if row.dev is None else words.decimal(row.dev),
            words.decimal(row.run.metrics["ndcg@10"]) if row.run else "–",
            f"{found.verdict.value} {words.signed(found.delta)}" if found else "–",
        )

    def _side(self, section: int) -> int:
        side = Qt.AlignmentFlag.AlignRight if section in (_DEV, _TEST) else Qt.AlignmentFlag.AlignLeft
        return int(side | Qt.AlignmentFlag.AlignVCenter)
