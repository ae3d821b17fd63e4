"""The sheet of keys (F1)."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import key_cap, label


class ShortcutsDialog(QDialog):
    """Groups of `(keys, what they do)`, in two columns."""

    def __init__(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        stack = column(self, margins=(24, 20, 24, 20), gap=16)
        stack.addWidget(label(self.tr("Keys"), "heading"))
        columns = row(gap=40)
        stack.addLayout(columns)
        half = (len(groups) + 1) // 2
        for part in (groups[:half], groups[half:]):
            side = column(gap=16)
            for title, entries in part:
                side.addLayout(self._group(title, entries))
            side.addStretch(1)
            columns.addLayout(side, 1)
        end = row()
        end.addStretch(1)
        close = Button(self.tr("Close"))
        close.clicked.connect(self.accept)
        end.addWidget(close)
        stack.addLayout(end)

    def _group(self, title: str, entries: Sequence[tuple[str, str]]) -> QGridLayout:
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
        grid.setColumnMinimumWidth(0, 200)
        grid.setColumnStretch(0, 1)
        return grid
