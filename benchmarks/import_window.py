"""How long the window keeps still while an engine imports very many files.

    QT_QPA_PLATFORM=offscreen python benchmarks/import_window.py [--files 20000] [--passages 0] [--work DIR]

The real window, a real engine process, made files of about 2 kB (and, with --passages, a labelled set of so many
passages). It looks at them in the import window, imports them while every page is looked at in turn, shows the report
and what came, and reads the place again. A timer that should fire every 5 ms says how long each step kept it from
firing (wanted: below 100), by the clock and in processor time of the window's process, which other work beside does not
lengthen. The pages were shown before, so that only the import is measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from benchmarks.evaluate_page import Stillness
from benchmarks.import_scale import made_files, made_lines
from engine.store.project import Project
from gui import theme
from gui.dialogs.import_arrivals import Arrivals
from gui.dialogs.import_window import ImportWindow
from gui.jobs.job import Phase
from gui.main_window import MainWindow
from gui.pages.documents.page import DocumentsPage
from gui.pages.reading import ReadingPage
from gui.session import Session
from gui.settings import SettingsStore

PAGES = ("home", "documents", "queries", "negatives", "train", "evaluate", "search", "export", "documents")
TURN = 2000
"""Milliseconds between two pages that are looked at while the import runs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--passages", type=int, default=0)
    parser.add_argument("--work", type=Path, help="where files are made and kept (a temporary folder if not given)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = place
        work = options.work or Path(place)
        sources = []
        if options.files:
            sources.append(made_files(work / f"files-{options.files}", options.files))
        if options.passages:
            sources.append(made_lines(work / f"passages-{options.passages}", options.passages))
        walk(Path(place) / "project", sources)


def walk(path: Path, sources: list[Path]) -> None:
    app = QApplication([])
    theme.start(app, "light")
    Project.create(path, "Handbook").close()
    session = Session(SettingsStore())
    window = MainWindow(session)
    window.resize(1280, 800)
    window.show()
    if not session.open_project(path):
        raise SystemExit("the project could not be opened")
    for name in PAGES:
        session.show_page(name)
        QTest.qWait(300)
    beat = Stillness()
    try:
        for source in sources:
            Walk(window, session, beat).of(source)
    finally:
        window.close()
        session.close()


class Walk:
    """What a person does with one source, each step measured."""

    def __init__(self, window: MainWindow, session: Session, beat: Stillness) -> None:
        self._window, self._session, self._beat = window, session, beat
        page = window.page("documents")
        assert isinstance(page, DocumentsPage)
        self._page = page

    def of(self, source: Path) -> None:
        page, beat = self._page, self._beat
        self._session.show_page("documents")
        beat.measure(
            "look at the files", lambda: page.import_paths([str(source)]), lambda: self._dialog().ok.isEnabled()
        )
        print(f"  {self._dialog().overview.sentence.text()}")
        beat.measure("import, a page every two seconds", self._import, self._is_done)
        print(f"  {page.outcome.sentence.text()}")
        beat.measure("the report", page.show_imports, self._settled)
        beat.measure("what came", page.imports.show_arrived.click, self._settled)
        (came,) = self._window.findChildren(Arrivals)
        bar = came.table.verticalScrollBar()
        beat.measure("scroll to its end", lambda: bar.setValue(bar.maximum()), self._settled)
        beat.measure("its passages", lambda: QTest.keyClick(came.part, Qt.Key.Key_Right), self._settled)
        beat.measure("filter them", lambda: came.filter.setText("note 77"), self._settled)
        came.reject()
        page.show_documents()
        beat.measure("read it again", lambda: self._run("reimport", {"paths": [str(source)]}), self._is_done)
        print(f"  {page.outcome.sentence.text()}")
        beat.measure("what would go", page.imports.ask_undo, self._settled)

    def _dialog(self) -> ImportWindow:
        return self._page.findChildren(ImportWindow)[-1]

    def _import(self) -> None:
        self._dialog().ok.click()
        self._turn(0)

    def _run(self, kind: str, params: dict[str, object]) -> None:
        self._session.run_job(kind, params)
        self._turn(0)

    def _turn(self, at: int) -> None:
        """Look at one page after the other as long as the job runs."""
        if self._session.queue.running is None:
            self._session.show_page("documents")
            return
        self._session.show_page(PAGES[at % len(PAGES)])
        QTimer.singleShot(TURN, lambda: self._turn(at + 1))

    def _is_done(self) -> bool:
        if self._session.queue.running is not None:
            return False
        newest = self._session.queue.history[0]
        if newest.phase is not Phase.DONE:
            raise SystemExit(f"{newest.kind}: {newest.message}")
        return self._settled()

    def _settled(self) -> bool:
        return all(page.is_settled() for page in self._window.findChildren(ReadingPage))


if __name__ == "__main__":
    main()
