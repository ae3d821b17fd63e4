"""The real window with a real engine, on an empty project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.store.project import Project
from gui import theme
from gui.main_window import MainWindow
from gui.session import Session
from gui.settings import SettingsStore


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    if not qapp.styleSheet():
        theme.start(qapp, "light")
    Project.create(tmp_path / "project", "Handbook").close()
    session = Session(SettingsStore(tmp_path / "settings.json"))
    made = MainWindow(session)
    made.resize(1280, 800)
    made.show()
    assert session.open_project(tmp_path / "project")
    yield made
    made.close()
    session.close()
    made.deleteLater()
