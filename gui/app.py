"""Opens the window; nothing heavy is loaded before it stands, and nothing heavy ever in this process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from engine import __version__
from gui import icons, theme
from gui.garbage import Collector
from gui.main_window import MainWindow
from gui.session import Session
from gui.settings import SettingsStore


def main(argv: Sequence[str]) -> int:
    """Run the window until it is closed; a project's folder among the arguments is opened. Returns the exit code."""
    app = QApplication(list(argv))
    app.setApplicationName("Searchsmith")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("searchsmith")
    settings = SettingsStore()
    theme.start(app, settings.values.theme)
    app.setWindowIcon(icons.icon("searchsmith", "accent"))
    session = Session(settings)
    window = MainWindow(session)
    window.show()
    folder = next((Path(part) for part in argv[1:] if (Path(part) / "project.db").is_file()), None)
    if folder is not None:
        QTimer.singleShot(0, lambda: session.open_project(folder))
    stopper, collector = _follow_interrupt(window), Collector(app)
    code = app.exec()
    stopper.stop()
    collector.stop()
    return code


def _follow_interrupt(window: MainWindow) -> QTimer:
    """Let Ctrl+C in a terminal close the window: Python sees signals only while its own code runs."""
    signal.signal(signal.SIGINT, lambda _number, _frame: window.close())
    timer = QTimer(window)
    timer.start(300)
    timer.timeout.connect(lambda: None)
    return timer


if __name__ == "__main__":
    sys.exit(main(sys.argv))
