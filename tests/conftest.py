"""What holds for every test: garbage of windows is collected in their own thread only, and examples are repeatable."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples in each run, so that a check that passed passes again; `--hypothesis-profile search` draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("search")
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _garbage(request: pytest.FixtureRequest) -> Iterator[None]:
    """From the first test with a window on, threads that libraries leave behind (tqdm's) never collect what is Qt's."""
    if {"qapp", "qtbot"} & set(request.fixturenames):
        gc.disable()
    yield
    if not gc.isenabled():
        from gui.garbage import collect_due

        collect_due()
