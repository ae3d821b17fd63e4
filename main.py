"""Searchsmith's front door: no arguments opens the window, a command does the same work in the terminal."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Start what the arguments ask for; returns the exit code, 130 where Ctrl C came while it was still loading."""
    try:
        return _start()
    except KeyboardInterrupt:
        print("Cancelled.", file=sys.stderr)
        return 130


def _start() -> int:
    if getattr(sys, "frozen", False):
        from multiprocessing import freeze_support

        freeze_support()  # a built program's helper processes come in by this door, too
    arguments = sys.argv[1:]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if arguments and arguments[0] == "--worker":
        from engine.worker import main as worker

        return worker(warm="--warm" in arguments)
    if arguments and arguments[0] == "--read-child":
        from engine.ingest.child import main as child

        return child()
    if arguments and arguments[0] == "--sheet-child":
        from engine.ingest.labelled.sheet_child import main as sheet_child

        return sheet_child(arguments[1:])
    if arguments and arguments[0] == "--team-member":
        from engine.train.team import main as member

        return member()
    if arguments and not _asks_for_window(arguments):
        from engine.cli import main as command

        return command(arguments)
    if not _has_display():
        from engine.cli import main as command

        instead = "this says where the project stands" if arguments else "the tour runs here in the terminal"
        print(f"There is no display, so {instead}; with one, the window opens.", file=sys.stderr)
        return command(["info", *arguments] if arguments else ["tour"])
    from gui.app import main as window

    return window(sys.argv)


def _asks_for_window(arguments: list[str]) -> bool:
    """A project's folder alone opens the window on it."""
    return len(arguments) == 1 and os.path.isfile(os.path.join(arguments[0], "project.db"))  # noqa: PTH113, PTH118


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
