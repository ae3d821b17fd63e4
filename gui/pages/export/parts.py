"""Parts of the Export page: a card for each model, a row for each thing to take."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QCheckBox, QRadioButton, QWidget

from engine.formats import QUERIES, TRAINING
from engine.records import Outcome
from gui import theme, words
from gui.pages.evaluate.verdict import CHIP
from gui.pages.export.facts import Choice, ModelChoice
from gui.phrases import fill
from gui.widgets.buttons import IconButton
from gui.widgets.cards import Card, column, row
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import Chip, ElidedLabel, Icon, MarkState, StateMark, label, set_tone

NAMES = {Outcome.WIN: "WIN", Outcome.TIE: "TIE", Outcome.LOSS: "LOSS"}

_FORMATS = 190
_STATE = 132


class ModelCard(Card):
    """A model to choose: its name, its test score, its verdict against BM25. `renaming` asks for another name."""

    renaming = Signal(int)

    def __init__(self, model: ModelChoice, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, gap=4, parent=parent)
        self.model_id = model.model_id
        self.choice = QRadioButton()
        self.choice.setAccessibleName(model.name)
        self.choice.setFixedWidth(18)
        self.choice.toggled.connect(lambda on: self.set_kind("chosen" if on else "true"))
        top = row()
        top.addWidget(self.choice)
        name = ElidedLabel(words.plain(model.name, 100), "body", weight="bold")
        top.addWidget(name, 1)
        self.body.addLayout(top)
        middle = row()
        score = words.decimal(model.score) if model.score is not None else "–"
        middle.addWidget(label(score, "figure", "text" if model.score is not None else "text3"))
        middle.addStretch(1)
        if model.verdict is not None:
            middle.addWidget(Chip(NAMES[model.verdict], CHIP[model.verdict]))
        elif model.score is None:
            middle.addWidget(Chip(self.tr("not measured"), "none"))
        self.body.addLayout(middle)
        bottom = row()
        bottom.addWidget(ElidedLabel(words.plain(model.made, 100), "caption", "text3"), 1)
        if model.is_tuned:
            rename = IconButton("edit", self.tr("Rename %1").replace("%1", model.name), size="small")
            rename.clicked.connect(lambda: self.renaming.emit(model.model_id))
            bottom.addWidget(rename)
        self.body.addLayout(bottom)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumHeight(104)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.choice.setChecked(True)
        self.choice.setFocus()


class ChoiceRow(QWidget):
    """Something to take: a box to tick, what is in it, its size, and after writing what the check said."""

    toggled = Signal()
    chosen = Signal()

    def __init__(self, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self.setMinimumHeight(56)
        line = row(self, margins=(16, 4, 16, 4), gap=12)
        self.box = QCheckBox()
        self.box.setAccessibleName(choice.title)
        self.box.setAccessibleDescription(choice.sentence)
        self.box.toggled.connect(lambda _on: self.toggled.emit())
        line.addWidget(self.box)
        line.addWidget(Icon(choice.icon))
        stack = column()
        stack.addStretch(1)
        stack.addWidget(label(choice.title, "body", weight="medium"))
        self._sentence = ElidedLabel(choice.sentence, "caption", "text3")
        stack.addWidget(self._sentence)
        stack.addStretch(1)
        line.addLayout(stack, 1)
        if choice.formats:
            names = QUERIES if choice.what == "queries" else TRAINING
            offered = [(names[name], name) for name in choice.formats]
            self.formats = ChoiceBox(offered, accessible=fill(self.tr("Format of: %1"), choice.title))
            self.formats.setFixedWidth(_FORMATS)
            self.formats.picked.connect(self._pick_format)
            line.addWidget(self.formats)
        self._size = label("", "dense", "text2")
        self._size.setFixedWidth(64)
        self._size.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._size.setVisible(not choice.formats)  # the formats stand in its place: only a model's size is known
        line.addWidget(self._size)
        self._mark = StateMark("none", 14)
        kept = self._mark.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._mark.setSizePolicy(kept)
        line.addWidget(self._mark)
        self._state = ElidedLabel("", "dense", "text2")
        self._state.setFixedWidth(_STATE)
        line.addWidget(self._state)
        self._possible = True

    def _pick_format(self, format: object) -> None:
        self.choice = replace(self.choice, format=str(format))
        self.toggled.emit()

    def set_possible(self, reason: str) -> None:
        """`reason` why it cannot be taken, "" where it can."""
        self._possible = not reason
        self.box.setEnabled(self._possible)
        if reason:
            self.box.setChecked(False)
        self._sentence.setText(f"{self.choice.sentence} · {reason}" if reason else self.choice.sentence)

    def set_size(self, n_bytes: int) -> None:
        self._size.setText(words.size(n_bytes) if n_bytes else "")

    def set_state(self, mark: MarkState, text: str, tone: str = "text2") -> None:
        """What became of it: not chosen, waiting, written and checked, failed."""
        self._mark.set_state(mark)
        self._mark.setVisible(mark != "none")
        self._state.setText(text)
        set_tone(self._state, tone)

    def state(self) -> str:
        return self._state.text()

    def is_chosen(self) -> bool:
        return self.box.isChecked() and self._possible

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if (
            self._possible
            and event.button() == Qt.MouseButton.LeftButton
            and self.rect().contains(event.position().toPoint())
        ):
            self.box.toggle()
        self.chosen.emit()


class HistoryRow(QWidget):
    """An earlier export; `opened` asks for its folder."""

    opened = Signal(str)

    def __init__(self, title: str, fact: str, path: str, *, there: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.ROW + 14)
        line = row(self)
        stack = column()
        stack.addWidget(ElidedLabel(title, "body"))
        stack.addWidget(ElidedLabel(fact, "caption", "text3", mode=Qt.TextElideMode.ElideMiddle))
        line.addLayout(stack, 1)
        self.button = IconButton("folder", self.tr("Open folder"), size="small")
        self.button.clicked.connect(lambda: self.opened.emit(path))
        self.button.setEnabled(there)
        if not there:
            self.button.setToolTip(self.tr("It is no longer there"))
        line.addWidget(self.button)
