"""A page that reads the project in the background: it asks, goes on, and shows the answers when they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from gui.pages.page import Page
from gui.tables.reader import Answered, Question, Reader

if TYPE_CHECKING:
    from gui.session import Session


class ReadingPage(Page):
    """Base of pages with tables: holds a `Reader` for the project of now and shows what it could not read."""

    def __init__(self, session: Session, title: str, parent: QWidget | None = None, *, margins: bool = True) -> None:
        super().__init__(session, title, parent, margins=margins)
        self._reader: Reader | None = None
        self._path = ""

    def reader(self) -> Reader | None:
        """The reader of the open project, None where none is open."""
        project = self.session.project
        path = str(project.path) if project is not None else ""
        if path != self._path:
            self.close_reader()
            self._path = path
            if project is not None:
                made = Reader(project.path, self)
                made.failed.connect(self._could_not_read)
                self.destroyed.connect(made.end)
                self._reader = made
        return self._reader

    def ask(self, topic: str, question: Question, answered: Answered, *, later: bool = False) -> None:
        """Ask the project something in the background; nothing happens where no project is open."""
        reader = self.reader()
        if reader is not None:
            reader.ask(topic, question, answered, later=later)

    def is_settled(self) -> bool:
        """Whether everything asked was answered."""
        return self._reader is None or self._reader.is_idle()

    def close_reader(self) -> None:
        """Stop reading; what is still to come is dropped."""
        if self._reader is not None:
            self._reader.close()
            self._reader.deleteLater()
        self._reader = None
        self._path = ""

    def _could_not_read(self, message: str) -> None:
        self.problem.show_error(
            self.tr("The project could not be read"), message, kept=self.tr("Nothing was changed."), details=message
        )
