"""Models on other tasks than retrieval: scored pairs, duplicates, triplets, reranking, clustering, classification."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.store.task_figures import TaskFigures
from gui import theme, words
from gui.phrases import fill
from gui.tables.task_figures import TaskFiguresModel, task_words
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row, scroller
from gui.widgets.labels import label
from gui.widgets.tables import TableDelegate, TableView

_MOST = 6  # columns that find room


class TasksPane(QWidget):
    """Figures of models with the way to measure them. `asked` when a person wants them measured."""

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = TaskFiguresModel(self)
        self._table = TableView(self.tr("Other tasks"))
        self._table.setModel(self._model)
        self._table.setItemDelegate(TableDelegate(self._table))
        self._words = label("", "caption", "text3", wrap=True)
        self._ask = Button(self.tr("Measure"), size="small", icon_name="evaluate")
        self._ask.clicked.connect(self.asked)
        stack = column(self)
        content = QWidget()
        inside = column(content)
        inside.addWidget(self._table)
        line = row(margins=(16, 8, 16, 12), gap=16)
        line.addWidget(self._words, 1)
        line.addWidget(self._ask)
        inside.addLayout(line)
        inside.addStretch(1)
        stack.addWidget(scroller(content))

    def show_figures(self, found: TaskFigures, names: Mapping[int, str]) -> None:
        """Show what was measured; `names` of models by id, oldest first."""
        kept = list(names)[:1] + list(names)[1:][-_MOST + 1 :]
        self._model.set_figures(found, {model: words.plain(names[model], 60) for model in kept})
        self._table.setVisible(bool(self._model.rowCount()))
        self._table.setFixedHeight(theme.ROW_HEAD + theme.ROW * self._model.rowCount())
        self._table.set_widths(0, 130, *(120 for _ in self._model.models()))
        left = "; ".join(f"{task_words(task)}: {why}" for task, why in found.left_out.items())
        if not found.measured_at:
            text = self.tr(
                "Beside retrieval a model can be judged by scored pairs, duplicates, triplets, reranking, clustering "
                "and classification, as far as the test queries have the data."
            )
        elif left:
            text = fill(self.tr("Measured %1. Not measured – %2."), words.when(found.measured_at), left)
        else:
            text = fill(self.tr("Measured %1."), words.when(found.measured_at))
        self._words.setText(text)

    def set_measuring(self, measuring: bool) -> None:
        """Whether the measuring goes on now."""
        self._ask.set_possible(not measuring, self.tr("Measuring…"))

    def told(self) -> str:
        """What is said below the table."""
        return self._words.text()
