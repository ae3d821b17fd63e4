"""What stands before an export: pinned queries whose answer the model lost."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QWidget

from engine.store.pins import Pin
from gui import words
from gui.phrases import fill
from gui.widgets.cards import Card, row
from gui.widgets.labels import Chip, label

_NAMED = 3


class PinGate(Card):
    """A line that names the queries and asks for a word; hidden where every pinned query keeps its answer.

    `answered` when a person allows the export all the same, or takes that back.
    """

    answered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=0, kind="inset", parent=parent)
        self._broken: tuple[Pin, ...] = ()
        self._model = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = row(margins=(16, 6, 16, 6), gap=12)
        self._chip = Chip(self.tr("pinned"), "warn")
        self._words = label("", "body", "text", wrap=True)
        line.addWidget(self._chip)
        line.addWidget(self._words, 1)
        self._allow = QCheckBox(self.tr("Export it all the same"))
        self._allow.toggled.connect(lambda _checked: self.answered.emit())
        line.addWidget(self._allow)
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
        if broken != self._broken or model != self._model:
            self._allow.setChecked(False)  # a word on one model is none on another
        self._broken, self._model = broken, model
        self.answered.emit()

    def is_shut(self) -> bool:
        """Whether the model lost pinned queries and nobody allowed its export."""
        return bool(self._broken) and not self._allow.isChecked()

    def is_allowed(self) -> bool:
        """Whether a person allowed the export although pinned queries are lost."""
        return bool(self._broken) and self._allow.isChecked()

    def text(self) -> str:
        return self._words.text()

    def _place(self, pin: Pin) -> str:
        if not pin.rank:
            return self.tr("not found")
        return fill(self.tr("rank %1 instead of %2 or better"), pin.rank, pin.k)
