"""Asks for a new project's name and place; the base model comes from the settings."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QWidget

from gui import words
from gui.settings import SettingsStore
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import label, set_tone


def folder_name(name: str) -> str:
    """A project's name as a folder's name that every system takes."""
    kept = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', " ", name).strip(" .")
    return re.sub(r"\s+", "-", kept)[:60] or "project"


def free_folder(folder: Path, name: str) -> Path:
    """`folder/name`, with a number behind it where that is taken."""
    wanted = folder / folder_name(name)
    number = 2
    while wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
        wanted = folder / f"{folder_name(name)}-{number}"
        number += 1
    return wanted


class NewProjectDialog(QDialog):
    """`name` and `path` hold what was chosen."""

    def __init__(self, settings: SettingsStore, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._folder = Path(settings.values.projects_folder)
        self.setWindowTitle(self.tr("New project"))
        self.setFixedWidth(480)
        stack = column(self, margins=(24, 20, 24, 20), gap=8)
        stack.addWidget(label(self.tr("New project"), "heading"))
        stack.addWidget(
            label(self.tr("A project is one folder; copy the folder and you have copied it all."), "body", "text2")
        )
        stack.addSpacing(8)
        stack.addWidget(label(self.tr("Name"), "caption", "text3"))
        self.field = QLineEdit(name or self.tr("My documents"))
        self.field.setAccessibleName(self.tr("Name"))
        self.field.selectAll()
        stack.addWidget(self.field)
        stack.addWidget(label(self.tr("Folder"), "caption", "text3"))
        line = row()
        self._place = QLineEdit()
        self._place.setReadOnly(True)
        self._place.setAccessibleName(self.tr("Folder"))
        line.addWidget(self._place, 1)
        change = Button(self.tr("Change…"))
        change.setAutoDefault(False)
        change.clicked.connect(self._choose)
        line.addWidget(change)
        stack.addLayout(line)
        self._note = label("", "dense", "text3", wrap=True)
        stack.addWidget(self._note)
        stack.addSpacing(8)
        end = row()
        end.addStretch(1)
        no = Button(self.tr("Cancel"))
        no.setAutoDefault(False)
        no.clicked.connect(self.reject)
        self._make = Button(self.tr("Make the project"), "primary")
        self._make.setDefault(True)
        self._make.clicked.connect(self.accept)
        end.addWidget(no)
        end.addWidget(self._make)
        stack.addLayout(end)
        self.field.textChanged.connect(lambda _text: self._show_place())
        self._show_place()

    @property
    def name(self) -> str:
        return self.field.text().strip()

    @property
    def path(self) -> Path:
        return free_folder(self._folder, self.name)

    def _show_place(self) -> None:
        self._place.setText(str(self.path))
        self._place.setCursorPosition(0)
        self._make.set_possible(bool(self.name), self.tr("Give it a name first"))
        base = self._settings.values.base_model
        model = "all-MiniLM-L6-v2" if base == "bundled" else Path(base).name
        self._note.setText(
            self.tr("Starts from the model %1; Settings can choose another.").replace("%1", words.plain(model, 80))
        )
        set_tone(self._note, "text3")

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Where to put the project"), str(self._folder))
        if chosen:
            self._folder = Path(chosen)
            self._show_place()
