"""Small parts of the Search page: a column's head with its system, and questions to begin with."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QWidget

from gui import theme, words
from gui.pages.search.facts import System
from gui.widgets.buttons import Button
from gui.widgets.cards import IconTile, column, empty, row
from gui.widgets.gauges import LineKey
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import ElidedLabel, label


class SystemHead(QWidget):
    """Which system a column shows: its stroke, a choice, its model. `picked` names the system chosen."""

    picked = Signal(str)

    def __init__(self, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(36)
        self._systems: tuple[System, ...] = ()
        self._line = row(self)
        self._key = LineKey("base")
        self._line.addWidget(self._key)
        self._box = ChoiceBox(accessible=accessible)
        self._box.setProperty("quiet", True)
        self._box.setFixedWidth(112)
        self._box.picked.connect(self._pick)
        self._line.addWidget(self._box)
        self._fact = ElidedLabel("", "caption", "text3")
        self._line.addWidget(self._fact, 1)

    def set_systems(self, systems: Sequence[System], key: str) -> None:
        self._systems = tuple(systems)
        tuned = sum(system.line == "tuned" for system in systems)
        named = [(s.fact if s.line == "tuned" and tuned > 1 else s.name, s.key) for s in systems]
        self._box.set_choices([(_short(name), value) for name, value in named])
        self._box.set_value(key)
        self._show(key)

    def _pick(self, key: object) -> None:
        self._show(str(key))
        self.picked.emit(str(key))

    def _show(self, key: str) -> None:
        system = next((system for system in self._systems if system.key == key), None)
        if system is None:
            return
        self._fact.setText(system.fact)
        self._line.removeWidget(self._key)
        self._key.hide()
        self._key.deleteLater()
        self._key = LineKey(system.line)
        self._line.insertWidget(0, self._key)


class Suggestions(QWidget):
    """A few questions of the project's own, one click from their hits."""

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self, margins=(0, 32, 0, 0), gap=4)
        stack.addWidget(IconTile("search", 48), 0, Qt.AlignmentFlag.AlignHCenter)
        stack.addSpacing(12)
        self._title = label(self.tr("What do you want to find?"), "heading")
        stack.addWidget(self._title, 0, Qt.AlignmentFlag.AlignHCenter)
        self._sentence = label(self.tr("Type above, or begin with one of your own queries:"), "body", "text2")
        stack.addWidget(self._sentence, 0, Qt.AlignmentFlag.AlignHCenter)
        stack.addSpacing(12)
        self._list = column(gap=8)
        stack.addLayout(self._list)
        stack.addStretch(1)

    def set_texts(self, texts: Sequence[str]) -> None:
        empty(self._list)
        self._sentence.setText(
            self.tr("Type above, or begin with one of your own queries:")
            if texts
            else self.tr("Type above; hits come while you type.")
        )
        metrics = QFontMetrics(theme.font("body", "medium"))
        for text in texts:
            shown = words.plain(text, 200).replace("&", "&&")
            button = Button(metrics.elidedText(shown, Qt.TextElideMode.ElideRight, 460), accessible=text)
            button.clicked.connect(lambda _on=False, text=text: self.picked.emit(text))
            self._list.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
