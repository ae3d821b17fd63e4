"""Renders every page of a finished project to PNG, light and dark: `python -m gui.screenshots FOLDER`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_data_path
from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QLineEdit

from engine.store.models import newest_tuned
from gui import theme
from gui.garbage import Collector
from gui.main_window import PAGE_CLASSES, MainWindow
from gui.pages.reading import ReadingPage
from gui.pages.search.page import SearchPage
from gui.pages.train.findings import TrainFindings
from gui.session import Session
from gui.settings import SettingsStore

QUESTION = "copy a file together with its permissions"
SETTLED = 900
"""Milliseconds for charts and lazily read tables to stand still."""


def main() -> int:
    """Render the pages; without a project the tour's is used, or made first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--project", type=Path, help="a finished project (the tour's if not given)")
    parser.add_argument("--size", default="1280x800", help="of the window, in pixels")
    parser.add_argument("--question", default=QUESTION, help="what is typed on the search page")
    options = parser.parse_args()
    project = options.project or tour_project()
    if project is None:
        return 1
    app = open_studio(options.folder)
    with tempfile.TemporaryDirectory() as place:
        width, height = (int(side) for side in options.size.split("x"))
        _Camera(app, options.folder, Path(place), options.question, (width, height)).take_all(project)
    return 0


def open_studio(folder: Path) -> QApplication:
    """What pictures are taken with, and the folder where they go."""
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    Collector(app)
    return app


def tour_project() -> Path | None:
    """The project of an earlier tour, or of one that is walked now in the terminal."""
    path = user_data_path("searchsmith", appauthor=False) / "tour"
    if not any((path / "exports").glob("*/modules.json")):
        root = Path(__file__).resolve().parents[1]
        if subprocess.run([sys.executable, str(root / "main.py"), "tour"], check=False).returncode:
            print("The tour did not come to its end, so there is nothing to show.", file=sys.stderr)
            return None
    return path


class _Camera:
    """One window, shown without a screen and photographed page by page."""

    def __init__(self, app: QApplication, folder: Path, place: Path, question: str, size: tuple[int, int]) -> None:
        self._app = app
        self._folder = folder
        self._settings = SettingsStore(place / "settings.json")
        self._question, self._size = question, size

    def take_all(self, project: Path) -> None:
        for choice in ("light", "dark"):
            self._settings.change(theme=choice)
            theme.start(self._app, choice)
            session = Session(self._settings)
            window = MainWindow(session)
            window.resize(*self._size)
            window.show()
            self._photograph(window, f"first-{choice}")
            session.open_project(project)
            for name in PAGE_CLASSES:
                self._photograph(window, f"{name}-{choice}", page=name)
            if session.project is not None and (tuned := newest_tuned(session.project)):
                self._photograph(window, f"train-run-{choice}", page="train", what={"model": tuned.id})
            window.close()
            session.close()
            window.deleteLater()
            wait(200)

    def _photograph(self, window: MainWindow, name: str, *, page: str = "home", what: object = None) -> None:
        window.show_page(page, what)
        wait(SETTLED)
        wait(15_000, until=lambda: _is_settled(window, page))
        wait(200)
        if page == "search":
            self._ask(window)
        window.grab().save(str(self._folder / f"{name}.png"))
        print(self._folder / f"{name}.png", flush=True)

    def _ask(self, window: MainWindow) -> None:
        """Type a question on the search page and wait until both columns are there."""
        box = max(window.page("search").findChildren(QLineEdit), key=lambda line: line.width())
        box.setText(self._question)
        box.returnPressed.emit()
        wait(120_000, until=lambda: _is_answered(window))
        wait(SETTLED)


def wait(milliseconds: int, until: Callable[[], bool] | None = None) -> bool:
    """Let the window work for so long, or until something holds; whether it does."""
    deadline = QDeadlineTimer(milliseconds)
    while not deadline.hasExpired() and not (until and until()):
        loop = QEventLoop()
        QTimer.singleShot(50, loop.quit)
        loop.exec()
    return until is None or until()


def _is_settled(window: MainWindow, name: str) -> bool:
    """Whether a page has read everything it asked for; pages that read at once always have."""
    page = window.page(name)
    linted = not any(found.is_waiting() for found in page.findChildren(TrainFindings) if found.isVisible())
    return linted and (not isinstance(page, ReadingPage) or page.is_settled())


def _is_answered(window: MainWindow) -> bool:
    page = window.page("search")
    return isinstance(page, SearchPage) and page.is_answered()


if __name__ == "__main__":
    sys.exit(main())
