"""The sheet of keys (F1)."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import key_cap, label

Keys = Sequence[tuple[str, str]]
"""`(keys, what they do)`, e.g. `("Ctrl K", "Find or run")`."""


class ShortcutsDialog(QDialog):
    """Every key of the program, in three columns; `pages` are the names of the pages in their order."""

    def __init__(self, pages: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        stack = column(self, margins=(24, 20, 24, 20), gap=16)
        stack.addWidget(label(self.tr("Keys"), "heading"))
        columns = row(gap=40)
        stack.addLayout(columns)
        for groups in (
            ((self.tr("Pages"), [(f"Ctrl {n}", text) for n, text in enumerate(pages, start=1)]), self._everywhere()),
            (self._negatives(), self._duplicates()),
            (self._judging(), self._one_query()),
        ):
            side = column(gap=16)
            for title, entries in groups:
                side.addLayout(self._group(title, entries))
            side.addStretch(1)
            columns.addLayout(side, 1)
        end = row()
        end.addStretch(1)
        close = Button(self.tr("Close"))
        close.clicked.connect(self.accept)
        end.addWidget(close)
        stack.addLayout(end)

    def _everywhere(self) -> tuple[str, Keys]:
        return self.tr("Everywhere"), [
            ("Ctrl K", self.tr("Find or run")),
            ("Ctrl Z", self.tr("Undo the last change")),
            ("Ctrl F", self.tr("Find on this page")),
            ("Ctrl J", self.tr("Jobs and logs")),
            ("Ctrl N", self.tr("New project")),
            ("Ctrl O", self.tr("Open a project")),
            ("Ctrl ,", self.tr("Settings")),
            ("Ctrl Q", self.tr("Leave")),
            ("F1", self.tr("This sheet")),
        ]

    def _negatives(self) -> tuple[str, Keys]:
        return self.tr("Negatives"), [
            ("N", self.tr("It is a negative")),
            ("X", self.tr("Leave it out")),
            ("P", self.tr("It is an answer")),
            ("U", self.tr("Undo")),
            ("J", self.tr("Next candidate")),
            ("K", self.tr("Candidate before")),
            ("D", self.tr("Next doubtful one")),
            ("S", self.tr("Why alike?")),
            ("A", self.tr("Compare with the next answer")),
            ("F", self.tr("Which candidates")),
            ("B", self.tr("Leave out all doubtful ones")),
            ("I", self.tr("What is done here")),
        ]

    def _duplicates(self) -> tuple[str, Keys]:
        return self.tr("Duplicates"), [("M", self.tr("Merge")), ("K", self.tr("Keep both"))]

    def _judging(self) -> tuple[str, Keys]:
        return self.tr("Judging queries"), [
            ("A", self.tr("Relevant")),
            ("S", self.tr("Partly")),
            ("D", self.tr("Not")),
            ("F", self.tr("Skip")),
            ("U", self.tr("Undo")),
            ("J", self.tr("Next passage")),
            ("K", self.tr("Passage before")),
            ("N", self.tr("Next query")),
            ("W", self.tr("Write a query")),
            ("Esc", self.tr("Back")),
        ]

    def _one_query(self) -> tuple[str, Keys]:
        return self.tr("A query of a verdict"), [
            ("J", self.tr("Next query")),
            ("K", self.tr("Query before")),
            ("Esc", self.tr("Back")),
        ]

    def _group(self, title: str, entries: Keys) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.addWidget(label(title, "caption", "text3"), 0, 0, 1, 2)
        for position, (keys, text) in enumerate(entries, start=1):
            grid.addWidget(label(text, "body", "text2"), position, 0)
            line = row(gap=4)
            line.addStretch(1)
            for key in keys.split(" "):
                line.addWidget(key_cap(key))
            grid.addLayout(line, position, 1)
        grid.setColumnMinimumWidth(0, 160)
        grid.setColumnStretch(0, 1)
        return grid
