"""Taking a finished run elsewhere: as a command for the terminal, as a script for plain sentence-transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.records import Model
from gui.pages.train_facts import command_line, run_changes
from gui.phrases import fill

if TYPE_CHECKING:
    from gui.session import Session


class RunActions(QObject):
    """What can be done with the run in `model`."""

    def __init__(self, session: Session, page: QWidget) -> None:
        super().__init__(page)
        self._session, self._page = session, page
        self.model: Model | None = None

    def copy_plan(self, values: dict[str, Any]) -> None:  # Any: JSON values
        """Put the command of a run with these settings on the clipboard."""
        project = self._session.project
        if project is not None:
            QGuiApplication.clipboard().setText(command_line(str(project.path), values))
            self._session.say(self.tr("Command copied"))

    def copy_command(self) -> None:
        """Put the command that repeats the run on the clipboard."""
        if self.model is not None:
            preset, changes = run_changes(self.model)
            self.copy_plan({"preset": preset, **changes})

    def save_script(self) -> None:
        """Write the run as a script with its batches, into a folder of the person's choice."""
        if self.model is None:
            return
        folder = QFileDialog.getExistingDirectory(self._page, self.tr("A folder for the script and its batches"))
        if folder:
            self._session.edit("script", {"model_id": self.model.id, "dest": folder}, self._say_script)

    def _say_script(self, values: dict[str, Any]) -> None:  # Any: JSON values
        self._session.say(fill(self.tr("Written: %1"), str(values.get("script", ""))))
