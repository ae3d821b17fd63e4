"""Pages are shown over a real project; the session writes down what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.pages.showing import Shown


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each kind of project is kept to be copied from."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def shown(qtbot: QtBot, tmp_path: Path, kept: Path) -> Iterator[Shown]:
    made = Shown(qtbot, tmp_path, kept)
    yield made
    made.close()
