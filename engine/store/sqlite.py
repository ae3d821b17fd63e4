"""sqlite-utils without pandas, which it would load for half a second only to know its types."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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

__all__ = ["Database", "Migrations"]
