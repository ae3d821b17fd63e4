"""Python's garbage is collected in the window's thread only.

A reference cycle that holds a Qt object may be found by whichever thread allocates next. Where that is a reader's
thread, Qt's destructor holds a lock of Qt and waits for Python's, while the window's thread may hold Python's and wait
for Qt's: both stand still for ever.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QTimer

EVERY = 1000
"""Milliseconds between two looks at how much has gathered."""
MANY = 50_000
"""So many new objects are put where the collector does not look: a look through them would hold the window up."""


class Collector(QObject):
    """Takes over from the automatic collector as long as it lives; make it in the window's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(collect_due)
        self._timer.start(EVERY)

    def stop(self) -> None:
        """Give the work back to the automatic collector."""
        self._timer.stop()
        gc.enable()


def collect_due() -> None:
    """Collect the oldest generation whose threshold is passed, as the automatic collector would."""
    for generation in (2, 1, 0):
        if gc.get_count()[generation] > gc.get_threshold()[generation]:
            gc.collect(generation)
            return


@contextmanager
def uncollected() -> Iterator[None]:
    """Make very many small objects without cycles; Python's collector does not look through them, now or later."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        if gc.get_count()[0] > MANY:
            gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
