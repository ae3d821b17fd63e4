"""Every training of the project beside the others: parent, data, settings that differ, curves, a note on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from engine.store import models
from engine.store.lineage import Trained, differing_settings, lineage
from engine.store.project import Project
from engine.store.task_figures import TaskFigures, task_figures
from gui import theme, words
from gui.pages.evaluate.facts import short_name
from gui.pages.evaluate.tasks import TasksPane
from gui.phrases import fill
from gui.tables.lineage import LineageModel
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import Card, column, row
from gui.widgets.curves import Curve, CurvesChart
from gui.widgets.labels import label
from gui.widgets.tables import TableDelegate, TableView


@dataclass(frozen=True, slots=True)
class Trainings:
    """All models, oldest first, with the curve of nDCG@10 on dev of those trained here.

    `differences`: settings in which a model differs from its parent, in words, by the model's id.
    """

    rows: tuple[Trained, ...] = ()
    curves: tuple[Curve, ...] = ()
    tasks: TaskFigures = field(default_factory=TaskFigures)
    differences: Mapping[int, str] = field(default_factory=dict)


def read_trainings(project: Project) -> Trainings:
    """Everything the view shows."""
    rows = tuple(lineage(project))
    curves = []
    for line in rows:
        points = models.curve(project, line.model.id, "dev_ndcg@10")
        if len(points) > 1:
            found = tuple((float(point.step), point.value) for point in points)
            curves.append(Curve(line.model.id, short_name(line.model.name), found))
    by_id = {line.model.id: line.model for line in rows}
    differences = {}
    for line in rows:
        parent = by_id.get(line.model.parent_id or 0)
        if parent is not None and parent.kind == "tuned":
            differing = differing_settings(line.model, parent)
            differences[line.model.id] = ", ".join(f"{name} {b} → {a}" for name, (a, b) in differing.items())
    return Trainings(rows, tuple(curves), task_figures(project), differences)


class RunsView(QWidget):
    """Signals: `closed`; `compared(model id)` to look at its verdict; `noted(model id, text, text before)`;
    `tasks_asked(model ids)` to measure them on other tasks.
    """

    closed = Signal()
    compared = Signal(int)
    noted = Signal(int, str, str)
    tasks_asked = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found = Trainings()
        self._chosen = 0
        self._chart: CurvesChart | None = None
        self._back = Button(self.tr("Verdict"), "flat", icon_name="chevron-left", size="small")
        self._back.clicked.connect(self.closed)
        self._look = Button(self.tr("Show its verdict"), size="small")
        self._look.clicked.connect(lambda: self.compared.emit(self._chosen))
        self._model = LineageModel(self)
        self._table = TableView(self.tr("Models"))
        self._table.setModel(self._model)
        self._table.setItemDelegate(TableDelegate(self._table))
        self._table.selectionModel().currentRowChanged.connect(self._row_chosen)
        self._difference = label("", "body", "text2", wrap=True)
        self._note = QLineEdit()
        self._note.setPlaceholderText(self.tr("A note on this model"))
        self._note.setAccessibleName(self.tr("Note"))
        self._note.editingFinished.connect(self._note_written)
        self._build()
        escape = QShortcut(QKeySequence("Esc"), self)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        escape.activated.connect(self.closed)

    def _build(self) -> None:
        stack = column(self, gap=theme.GAP)
        top = row()
        top.addWidget(self._back)
        top.addStretch(1)
        top.addWidget(self._look)
        stack.addLayout(top)
        card = Card(self.tr("Models"), pad=0, gap=0, divided=False)
        card.body.addWidget(self._table)
        stack.addWidget(card, 3)
        about = Card(pad=16)
        about.body.addWidget(self._difference)
        about.body.addWidget(self._note)
        stack.addWidget(about)
        self._below = Card(self.tr("nDCG@10 on dev queries while training"), pad=0, divided=False)
        self._switch = SegmentedControl([self.tr("Curves"), self.tr("Other tasks")], accessible=self.tr("What to show"))
        self._switch.changed.connect(self.show_view)
        self._below.head.addWidget(self._switch)
        self._none = label(self.tr("No training measured itself on dev queries yet."), "body", "text3")
        self._none.setContentsMargins(16, 0, 16, 16)
        self._curves = QWidget()
        self._drawn = column(self._curves)
        self._drawn.addWidget(self._none)
        self.tasks = TasksPane()
        self.tasks.asked.connect(self._ask_tasks)
        self.tasks.hide()
        self._below.body.addWidget(self._curves, 1)
        self._below.body.addWidget(self.tasks, 1)
        stack.addWidget(self._below, 4)

    def show_view(self, view: int) -> None:
        """0: the curves; 1: other tasks."""
        self._switch.set_current(view)
        self._curves.setVisible(view == 0)
        self.tasks.setVisible(view == 1)
        curves = self.tr("nDCG@10 on dev queries while training")
        self._below.title.setText(curves if view == 0 else self.tr("Other tasks"))

    def _ask_tasks(self) -> None:
        """Measure the model chosen beside the one that the project starts from."""
        ids = [line.model.id for line in self._found.rows if line.model.kind != "reranker"]
        self.tasks_asked.emit(list(dict.fromkeys([*ids[:1], self._chosen if self._chosen in ids else ids[-1]])))

    def show_trainings(self, found: Trainings) -> None:
        """Fill the view; the model chosen stays chosen."""
        self._found = found
        chosen = self._chosen
        self._model.set_rows(found.rows)
        self._set_widths()
        self._none.setVisible(not found.curves)
        self.tasks.show_figures(found.tasks, {line.model.id: line.model.name for line in found.rows})
        place = max(self._model.row_of(chosen), 0)
        self._table.selectRow(place)
        self._choose(place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_widths()

    def _set_widths(self) -> None:
        """What a model learnt from gets the room that there is."""
        rest = max(self.width() - 720, 130)
        self._table.set_widths(0, 130, min(rest, 330), 130, 60, 60, 130)

    def _row_chosen(self, index: QModelIndex, _before: QModelIndex) -> None:
        self._choose(index.row())

    def _choose(self, place: int) -> None:
        line = self._model.trained(place)
        if line is None:
            return
        self._chosen = line.model.id
        self._look.set_possible(line.run is not None, self.tr("Not measured yet"))
        difference = self._found.differences.get(line.model.id, "")
        if difference:
            text = fill(self.tr("%1 differs from %2 in: %3."), line.model.name, line.parent, difference)
        elif line.parent:
            text = fill(self.tr("%1 was made from %2."), line.model.name, line.parent)
        else:
            text = fill(self.tr("%1 is where the project starts from."), line.model.name)
        if line.data:
            text += " " + fill(self.tr("It learnt from %1."), line.data)
        if line.changed and not difference:
            changed = ", ".join(f"{name} {value}" for name, value in line.changed.items())
            text += " " + fill(self.tr("Other than in %1: %2."), line.preset, changed)
        self._difference.setText(words.plain(text, 600))
        self._note.setText(line.note)
        if self._found.curves and self._chart is None:
            self._chart = CurvesChart(accessible=self.tr("nDCG@10 on dev queries by step, a line a model"))
            self._drawn.addWidget(self._chart, 1)
        if self._chart is not None:
            self._chart.set_curves(self._found.curves, self._chosen)
            self._chart.setVisible(bool(self._found.curves))

    def _note_written(self) -> None:
        line = self._model.trained(self._model.row_of(self._chosen))
        if line is not None and self._note.text().strip() != line.note:
            self.noted.emit(self._chosen, self._note.text().strip(), line.note)
