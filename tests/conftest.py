"""What holds for every test: where a test has windows, garbage is collected in its own thread only, as in the program."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _garbage(request: pytest.FixtureRequest) -> Iterator[None]:
    if not {"qapp", "qtbot"} & set(request.fixturenames):
        yield
        return
    from gui.garbage import collect_due

    gc.disable()
    yield
    collect_due()
    gc.enable()
