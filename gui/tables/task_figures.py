"""Other tasks than retrieval: a row a measure, a column a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt

from engine.store.task_figures import TaskFigures
from gui import words
from gui.widgets.tables import Role

Index = QModelIndex | QPersistentModelIndex


class TaskFiguresModel(QAbstractTableModel):
    """Rows in the order of the tasks; of each row the best figure is bold. Thresholds are no scores: none is best."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._found = TaskFigures()
        self._names: list[str] = []
        self._models: list[int] = []
        self._measures: list[str] = []

    def set_figures(self, found: TaskFigures, names: Mapping[int, str]) -> None:
        """Show figures; `names` of models by id, in the order of the columns."""
        self.beginResetModel()
        self._found = found
        self._models = [model for model in names if model in found.models]
        self._names = [names[model] for model in self._models]
        self._measures = list(dict.fromkeys(name for model in self._models for name in found.models[model]))
        self.endResetModel()

    def models(self) -> Sequence[int]:
        """Ids of the models in the columns."""
        return self._models

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._measures)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else 2 + len(self._models)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(section)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return (self.tr("Task"), self.tr("Made of"), *self._names)[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        measure, column = self._measures[index.row()], index.column()
        task = measure.partition(":")[0]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(column)
        if role == Role.TONE:
            return "text2" if column == 1 else None
        if role == Role.BOLD:
            return column > 1 and self._is_best(measure, self._models[column - 2])
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            if column == 0:
                return measure_words(measure)
            if column == 1:
                return made_of(task, self._found.sizes.get(task, 0))
            value = self._found.models[self._models[column - 2]].get(measure)
            return "–" if value is None else words.decimal(value)
        return None

    def _is_best(self, measure: str, model: int) -> bool:
        values = [round(self._found.models[other].get(measure, -1.0), 3) for other in self._models]
        own = round(self._found.models[model].get(measure, -1.0), 3)
        return len(set(values)) > 1 and own == max(values) and not measure.endswith("threshold")

    def _side(self, section: int) -> int:
        side = Qt.AlignmentFlag.AlignRight if section > 1 else Qt.AlignmentFlag.AlignLeft
        return int(side | Qt.AlignmentFlag.AlignVCenter)


def measure_words(measure: str) -> str:
    """A measure as people read it: "Scored pairs: Spearman"."""
    known = {
        "scored pairs: spearman": _tr("Scored pairs: Spearman"),
        "scored pairs: pearson": _tr("Scored pairs: Pearson"),
        "triplets: accuracy": _tr("Triplets: accuracy"),
        "reranking: map": _tr("Reranking: MAP"),
        "reranking: mrr@10": _tr("Reranking: MRR@10"),
        "duplicates: ap": _tr("Duplicates: average precision"),
        "duplicates: f1": _tr("Duplicates: best F1"),
        "duplicates: threshold": _tr("Duplicates: threshold of the best F1"),
        "clustering: v-measure": _tr("Clustering: V-measure"),
        "classification: accuracy": _tr("Classification: accuracy"),
        "classification: macro f1": _tr("Classification: macro F1"),
    }
    return known.get(measure, measure)


def task_words(task: str) -> str:
    """A task's name."""
    return measure_words(f"{task}: ").partition(":")[0].capitalize()


def made_of(task: str, size: int) -> str:
    """What a task was measured on: "1,204 triplets"."""
    units = {
        "scored pairs": _tr("%1 pairs"),
        "duplicates": _tr("%1 pairs"),
        "triplets": _tr("%1 triplets"),
    }
    return units.get(task, _tr("%1 queries")).replace("%1", words.count(size))


def _tr(text: str) -> str:
    return QCoreApplication.translate("task_figures", text)
