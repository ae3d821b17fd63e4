"""The window's tests need no screen: Qt draws into memory, and the engine is a small fake process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.jobs.process import EngineProcess
from gui.session import Session
from gui.settings import SettingsStore

ROOT = Path(__file__).resolve().parents[2]


def spawn_fake(_warm: bool = False) -> EngineProcess:
    return EngineProcess([sys.executable, "-m", "tests.gui.fake_worker"])


@pytest.fixture(autouse=True)
def _look(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins in the light look, at the repository's root."""
    monkeypatch.chdir(ROOT)
    if qapp.styleSheet():
        theme.choose(qapp, "light")
    else:
        theme.start(qapp, "light")


@pytest.fixture
def settings(tmp_path: Path) -> SettingsStore:
    made = SettingsStore(tmp_path / "config" / "settings.json")
    made.change(projects_folder=str(tmp_path / "projects"))
    return made


@pytest.fixture
def session(settings: SettingsStore) -> Iterator[Session]:
    """A session whose engine is the fake process."""
    made = Session(settings, spawn=spawn_fake)
    yield made
    made.close()


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished project, made once; tests work on copies of it."""
    from tests.gui.projects import finished_project

    return finished_project(tmp_path_factory.mktemp("once"))


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """A finished project of the test's own."""
    return Path(shutil.copytree(finished_once, tmp_path / "finished"))
