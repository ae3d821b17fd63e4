"""A question before something that cannot be undone, with verbs for buttons."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QWidget

from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import label

_WIDTH = 440


class Question(QDialog):
    """Asks; `exec` is accepted where the person wants it. Escape and the safe button refuse.

    Args:
        verb: the word on the button that does it.
        safe: the word on the button that does not; it has the focus.
    """

    def __init__(self, title: str, sentence: str, verb: str, safe: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setFixedWidth(_WIDTH)
        stack = column(self, margins=(24, 20, 24, 20), gap=8)
        stack.addWidget(label(title, "heading"))
        words = label(sentence, "body", "text2", wrap=True)
        words.setMinimumHeight(words.heightForWidth(_WIDTH - 48))
        stack.addWidget(words)
        stack.addSpacing(8)
        line = row()
        line.addStretch(1)
        self.no = Button(safe, "plain")
        self.no.clicked.connect(self.reject)
        self.yes = Button(verb, "danger")
        self.yes.setAutoDefault(False)
        self.yes.clicked.connect(self.accept)
        line.addWidget(self.yes)
        line.addWidget(self.no)
        stack.addLayout(line)
        self.no.setDefault(True)
        self.no.setFocus()
