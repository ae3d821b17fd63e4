"""The settings of the program: look, place of projects, model that new projects start from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui import theme
from gui.settings import SettingsStore
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import column, row, rule
from gui.widgets.labels import label, set_tone

_THEMES: tuple[theme.Choice, ...] = ("system", "light", "dark")


def model_folder_problem(folder: Path) -> str:
    """Why a folder is no model this program takes, as a sentence; "" where it looks like one.

    Only names are looked at here; the engine checks the content before it loads anything.
    """
    if not (folder / "config.json").is_file():
        return "There is no config.json in this folder."
    if not any(folder.glob("*.safetensors")):
        return "There are no weights in safetensors form in this folder; other forms can hold code and are refused."
    return ""


class SettingsDialog(QDialog):
    """Every change holds at once and is written at once."""

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Settings"))
        self.setFixedWidth(560)
        stack = column(self, margins=(24, 20, 24, 20), gap=12)
        stack.addWidget(label(self.tr("Settings"), "heading"))
        self.theme = SegmentedControl(
            [self.tr("As the system"), self.tr("Light"), self.tr("Dark")],
            _THEMES.index(settings.values.theme),
            accessible=self.tr("Look"),
        )
        self.theme.changed.connect(self._choose_theme)
        stack.addLayout(self._line(self.tr("Look"), self.tr("Follows the system by itself."), self.theme))
        stack.addWidget(rule())
        stack.addLayout(self._folder_part())
        stack.addWidget(rule())
        stack.addLayout(self._model_part())
        stack.addSpacing(8)
        end = row()
        end.addWidget(
            label(self.tr("Works without a network; nothing is sent unless you name a server."), "dense", "text3")
        )
        end.addStretch(1)
        close = Button(self.tr("Done"), "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        end.addWidget(close)
        stack.addLayout(end)
        self._show_values()

    def _line(self, name: str, effect: str, field: QWidget) -> QHBoxLayout:
        line = row(gap=16)
        text = column(gap=0)
        text.addWidget(label(name, "body", weight="medium"))
        text.addWidget(label(effect, "caption", "text3"))
        line.addLayout(text, 1)
        line.addWidget(field)
        return line

    def _folder_part(self) -> QVBoxLayout:
        part = column(gap=4)
        part.addWidget(label(self.tr("Folder of new projects"), "body", weight="medium"))
        line = row()
        self.folder = QLineEdit()
        self.folder.setReadOnly(True)
        self.folder.setAccessibleName(self.tr("Folder of new projects"))
        line.addWidget(self.folder, 1)
        change = Button(self.tr("Change…"))
        change.setAutoDefault(False)
        change.clicked.connect(self._choose_folder)
        line.addWidget(change)
        part.addLayout(line)
        return part

    def _model_part(self) -> QVBoxLayout:
        part = column(gap=4)
        part.addWidget(label(self.tr("Model that new projects start from"), "body", weight="medium"))
        line = row()
        self.model = SegmentedControl(
            [self.tr("Comes with the app"), self.tr("A folder…")],
            accessible=self.tr("Model that new projects start from"),
        )
        self.model.changed.connect(self._choose_model)
        line.addWidget(self.model)
        line.addStretch(1)
        part.addLayout(line)
        self._model_words = label("", "dense", "text2", wrap=True)
        part.addWidget(self._model_words)
        return part

    def _show_values(self) -> None:
        values = self._settings.values
        self.folder.setText(values.projects_folder)
        bundled = values.base_model == "bundled"
        self.model.set_current(0 if bundled else 1)
        said = self.tr("all-MiniLM-L6-v2, 22.7 M weights, reads English; up to 256 tokens of a text.")
        self._model_words.setText(said if bundled else values.base_model)
        set_tone(self._model_words, "text2")

    def _choose_theme(self, position: int) -> None:
        app = QApplication.instance()
        choice = _THEMES[position]
        self._settings.change(theme=choice)
        if isinstance(app, QApplication):
            theme.choose(app, choice)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder of new projects"), self.folder.text())
        if chosen:
            self._settings.change(projects_folder=chosen)
            self._show_values()

    def _choose_model(self, position: int) -> None:
        if position == 0:
            self._settings.change(base_model="bundled")
            self._show_values()
            return
        chosen = QFileDialog.getExistingDirectory(self, self.tr("A model's folder"))
        problem = model_folder_problem(Path(chosen)) if chosen else ""
        if chosen and not problem:
            self._settings.change(base_model=chosen)
        self._show_values()
        if problem:
            self._model_words.setText(self.tr(problem))
            set_tone(self._model_words, "bad")
