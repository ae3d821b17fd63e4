"""What the tests of the document, query and negative pages share: a shown page over a project, and waiting for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pytestqt.qtbot import QtBot

from engine.store.project import Project
from gui.pages.reading import ReadingPage
from tests.gui.projects import empty_project, finished_project, imported_project, split_project
from tests.gui.recording import RecordingSession

P = TypeVar("P", bound=ReadingPage)
MAKERS = {"empty": empty_project, "imported": imported_project, "split": split_project, "finished": finished_project}


class Shown:
    """A page on the screen with the session that writes down what it asks for."""

    def __init__(self, qtbot: QtBot, folder: Path, kept: Path) -> None:
        self._qtbot, self._folder, self._kept = qtbot, folder, kept
        self._open: list[tuple[ReadingPage, RecordingSession]] = []

    def __call__(
        self,
        kind: type[P],
        state: str = "finished",
        *,
        size: tuple[int, int] = (1072, 764),
        change: Callable[[Project], object] | None = None,
    ) -> tuple[P, RecordingSession]:
        """Show a page of `kind` over a project in `state`; `change` writes to the project first."""
        path = self._copy(state)
        if change is not None:
            with Project.open(path) as project:
                change(project)
        session = RecordingSession(path, self._folder)
        page = kind(session)
        self._qtbot.addWidget(page)
        page.resize(*size)
        page.set_narrow(size[0] < 1000)
        page.show()
        self._open.append((page, session))
        self.settle(page)
        return page, session

    def _copy(self, state: str) -> Path:
        """A project of the test's own; each state is made once and then copied."""
        whole = self._kept / state
        if not whole.exists():
            whole.mkdir()
            MAKERS[state](whole)
        (made,) = [path for path in whole.iterdir() if (path / "project.db").exists()]
        shutil.copytree(whole, self._folder, dirs_exist_ok=True)
        return self._folder / made.name

    def settle(self, page: ReadingPage) -> None:
        """Wait until everything asked was answered, and the answers' own questions too."""
        self._qtbot.waitUntil(page.is_settled, timeout=20_000)

    def close(self) -> None:
        for page, session in self._open:
            page.close_reader()
            session.close()
