"""What stands before an export: pinned queries whose answer the model lost."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.store import pins, runs
from engine.store.pins import Pin
from engine.store.project import Project
from gui import words
from gui.phrases import fill
from gui.widgets.cards import Card, row
from gui.widgets.labels import Chip, label

_NAMED = 3


def read_broken_pins(project: Project, model_id: int) -> tuple[Pin, ...]:
    """Pinned queries that a model's newest run has lost; none where it was not measured."""
    found = [run for run in runs.newest_runs(project) if run.model_id == model_id and runs.is_of_model(run)]
    return tuple(pins.broken_pins(project, max(run.id for run in found))) if found else ()


class PinGate(Card):
    """A line that warns and names the queries; hidden where every pinned query keeps its answer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=0, kind="inset", parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = row(margins=(16, 6, 16, 6), gap=12)
        self._chip = Chip(self.tr("pinned"), "warn")
        self._words = label("", "body", "text", wrap=True)
        line.addWidget(self._chip)
        line.addWidget(self._words, 1)
        self.body.addLayout(line)
        self.hide()

    def show_broken(self, broken: tuple[Pin, ...], model: str) -> None:
        """Name the pinned queries that `model` lost."""
        names = "; ".join(f"“{words.plain(pin.text, 80)}” ({self._place(pin)})" for pin in broken[:_NAMED])
        more = fill(self.tr(" and %1 more"), words.count(len(broken) - _NAMED)) if len(broken) > _NAMED else ""
        text = fill(self.tr("%1 loses pinned queries: %2%3. Look at them before you take it."), model, names, more)
        self._words.setText(text)
        self._words.setAccessibleName(text)
        self.setVisible(bool(broken))

    def text(self) -> str:
        return self._words.text()

    def _place(self, pin: Pin) -> str:
        if not pin.rank:
            return self.tr("not found")
        return fill(self.tr("rank %1 instead of %2 or better"), pin.rank, pin.k)
