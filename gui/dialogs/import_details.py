"""One file of an import: what it is read as and why, its first rows, and what they would become."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from engine.formats import LABELLED, PreviewFile, PreviewTable
from engine.params import FileChoice
from gui import words
from gui.dialogs.import_overview import left_out_name
from gui.dialogs.import_sentences import sentence_of
from gui.dialogs.import_table import TablePreview
from gui.widgets.cards import Card, column, row
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import Chip, ElidedLabel, Link, label


class FileDetails(QWidget):
    """`format_picked(format)` and `role_picked(column, role)` say what the person wants otherwise."""

    format_picked = Signal(str)
    role_picked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self, margins=(16, 16, 24, 16), gap=8)
        self._name = ElidedLabel("", "body", "text", weight="bold", mode=Qt.TextElideMode.ElideMiddle)
        stack.addWidget(self._name)
        line = row(gap=8)
        self._as = label(self.tr("Read as"), "body", "text2")
        line.addWidget(self._as)
        self.format = ChoiceBox(accessible=self.tr("Format of this file"))
        self.format.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToContents)
        self.format.setMinimumWidth(216)
        self.format.picked.connect(lambda name: self.format_picked.emit(str(name)))
        line.addWidget(self.format)
        self.guess = Chip()
        line.addWidget(self.guess)
        line.addStretch(1)
        stack.addLayout(line)
        self.reason = label("", "dense", "text2", wrap=True)
        stack.addWidget(self.reason)
        self._card = Card(pad=0)
        self.table = TablePreview()
        self.table.picked.connect(self.role_picked)
        self._card.body.addWidget(self.table)
        stack.addWidget(self._card, 1)
        self.sentence = label("", "body", "text", wrap=True)
        stack.addWidget(self.sentence)
        self.offer = Link(self.tr("Its rows are questions with answers: say what the columns are"))
        self.offer.clicked.connect(lambda: self.format_picked.emit("table"))
        stack.addWidget(self.offer)
        self._below = QWidget()
        stack.addWidget(self._below, 1)

    def show_file(self, file: PreviewFile, choice: FileChoice, sample: PreviewTable | None) -> None:
        """Show a file under a choice; `sample` are the rows of one whose columns need no roles."""
        self._name.setText(words.plain(file.shown, 300))
        for part in (self.format, self._as):
            part.setVisible(bool(file.choices))
        self.format.set_choices([(self._format_name(name), name) for name in file.choices])
        now = format_of(file, choice)
        self.format.set_value(now)
        self.reason.setText(self._why(file, now))
        mapped = now == "table" and file.table is not None
        table = file.table or sample
        shown = table is not None and now != "skip" and bool(table.rows)
        self._card.setVisible(shown)
        self._below.setVisible(not shown)
        if table is not None and shown:
            self.table.show_table(table, mapped=mapped)
        self._show_guess(file.table if mapped else None)
        self.sentence.setText("" if now == "skip" or not file.choices else sentence_of(file, now))
        self.offer.setVisible(now == "documents" and "table" in file.choices and file.table is not None)

    def say(self, text: str) -> None:
        """Put words in the place of what the rows become: that they are being counted, or why they cannot be."""
        self.sentence.setText(text)

    def _show_guess(self, table: PreviewTable | None) -> None:
        self.guess.setVisible(table is not None and (table.guessed or table.remembered))
        if table is not None:
            said = self.tr("Mapped as last time") if table.remembered else self.tr("Guessed: check the columns")
            self.guess.set_state(said, "accent" if table.remembered else "warn")

    def _why(self, file: PreviewFile, now: str) -> str:
        if file.kind == "skipped" and not file.choices:
            return f"{self.tr('Left out')}: {words.plain(file.reason, 600)}"
        if now == "skip":
            return self.tr("Left out, as you chose.")
        if now == "documents" or file.reason.startswith("read as "):
            return ""
        return words.plain(file.reason, 600)

    def _format_name(self, name: str) -> str:
        own = {
            "table": self.tr("Table, columns as below"),
            "triples": self.tr("Triples between tabs"),
            "documents": self.tr("Documents"),
            "skip": self.tr("Leave out"),
        }
        return own.get(name) or LABELLED.get(name, name.upper())


def format_of(file: PreviewFile, choice: FileChoice) -> str:
    """What a file is read as: a format's name, `documents` or `skip`."""
    if choice.format != "auto":
        return choice.format
    return {"labelled": file.format, "documents": "documents"}.get(file.kind, "skip")


def outcome_name(file: PreviewFile, choice: FileChoice, documents: str, left_out: str) -> str:
    """What becomes of a file in two or three words."""
    now = format_of(file, choice)
    if file.kind == "skipped" and not file.choices:
        return f"{left_out}: {left_out_name(file.code)}"
    if now == "skip":
        return left_out
    return documents if now == "documents" else LABELLED.get(now, now.upper())
