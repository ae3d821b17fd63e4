"""A command that is interrupted once, a moment after it began to look at the project."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from engine import cli
from engine.store.project import Project

_open = Project.open.__func__  # type: ignore[attr-defined]
_interrupt = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))


def _open_and_interrupt(kind: type[Project], *args: Any, **named: Any) -> Project:
    project: Project = _open(kind, *args, **named)
    if not _interrupt.ident:
        _interrupt.start()
    return project


if __name__ == "__main__":
    Project.open = classmethod(_open_and_interrupt)  # type: ignore[assignment,method-assign]
    sys.exit(cli.main(sys.argv[1:]))
