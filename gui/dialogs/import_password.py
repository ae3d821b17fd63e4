"""Asks for the password of a file that could not be read without one."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtWidgets import QCheckBox, QDialog, QLineEdit, QWidget

from gui import theme, words
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import label

_WIDTH = 460


class PasswordDialog(QDialog):
    """`password()` is what was typed; `for_all()` whether it is tried on the others that ask for one, too."""

    def __init__(self, path: str, others: int, *, wrong: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = self.tr("Give the password")
        self.setWindowTitle(title)
        self.setModal(True)
        self.setFixedWidth(_WIDTH)
        stack = column(self, margins=(24, 20, 24, 20), gap=8)
        stack.addWidget(label(title, "heading"))
        name = words.plain(PurePath(path).name or path, 120)
        said = self.tr("The password given for “%1” was wrong.") if wrong else self.tr("“%1” is locked.")
        text = fill(said, name) + " " + self.tr("It is used for reading once and is not stored.")
        sentence = label(text, "body", "text2", wrap=True)
        sentence.setMinimumHeight(sentence.heightForWidth(_WIDTH - 48))
        stack.addWidget(sentence)
        stack.addSpacing(4)
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setAccessibleName(self.tr("Password"))
        self.field.setFont(theme.font("body"))
        self.field.textChanged.connect(lambda _text: self._follow())
        stack.addWidget(self.field)
        self._show = QCheckBox(self.tr("Show it"))
        self._show.toggled.connect(self._reveal)
        stack.addWidget(self._show)
        self.all = QCheckBox(fill(self.tr("Try it on %1 other locked files, too"), words.count(others)))
        self.all.setVisible(others > 0)
        stack.addWidget(self.all)
        stack.addSpacing(8)
        line = row()
        line.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Read the file"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        line.addWidget(cancel)
        line.addWidget(self.ok)
        stack.addLayout(line)
        self.field.setFocus()
        self._follow()

    def password(self) -> str:
        return self.field.text()

    def for_all(self) -> bool:
        return self.all.isChecked()

    def _reveal(self, shown: bool) -> None:
        self.field.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    def _follow(self) -> None:
        self.ok.set_possible(bool(self.field.text()), self.tr("Type the password"))
