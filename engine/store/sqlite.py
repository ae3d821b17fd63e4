"""sqlite-utils without pandas, which it would load for half a second only to know its types."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import ProjectBusyError, ProjectError


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Let `import name` fail as if it were not installed; where it is loaded already nothing changes."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # how Python is told that a module is absent
    try:
        yield
    finally:
        del sys.modules[name]


with _without("pandas"):
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

__all__ = ["Database", "Migrations", "disk_in_words"]


@contextmanager
def disk_in_words() -> Iterator[None]:
    """Say in a sentence what SQLite met on the disk: no room, no right to write, another one at it, damage.

    Raises:
        ProjectError: in the place of SQLite's own error; what was committed before it stays.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", None) or ""
        for mark, kind, message, hint in _DISK:
            if name.startswith(mark):
                raise kind(message, hint=hint) from error
        raise


_DISK: tuple[tuple[str, type[ProjectError], str, str], ...] = (
    ("SQLITE_FULL", ProjectError, "The disk is full.", "Free some space, then start again; what was done is kept."),
    ("SQLITE_READONLY", ProjectError, "The project cannot be written to.", "Is its disk or folder read-only?"),
    ("SQLITE_BUSY", ProjectBusyError, "Another process is writing to the project.", "Wait until it ends, then again."),
    ("SQLITE_IOERR", ProjectError, "The project's disk cannot be read or written.", "Is it still connected, or full?"),
    ("SQLITE_CORRUPT", ProjectError, "The project's database is damaged.", "Restore it from a copy."),
)
