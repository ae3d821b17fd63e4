"""Tells how an import goes: files done, the current one and how long it has taken, passages so far."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.task import Task

STAGE, LINES = "import files", "import labelled lines"
SLOW_SECONDS = 20.0
"""After so long on one file the progress says so, and that it can be skipped."""
_EVERY = 1.0


class Pace:
    """Carries progress of an import to its task, and the person's wishes back: cancel, pause, skip this file.

    Args:
        passages: how many were stored so far.
        rest: called wherever the work may be interrupted, before the wishes are looked at.
    """

    def __init__(self, task: Task, *, passages: Callable[[], int], rest: Callable[[], None] = lambda: None) -> None:
        self._task = task
        self._passages = passages
        self._rest = rest
        self._done = self._total = 0
        self._shown = ""
        self._began = 0.0
        self._told = self._counted = 0.0

    def begin(self, done: int, total: int, shown: str) -> None:
        """A file begins; `done` files were dealt with before it."""
        self._done, self._total, self._shown = done, total, shown
        self._began = self._clock()
        self._told = 0.0
        self._task.progress(STAGE, done, total, shown)
        self._count()

    @property
    def shown(self) -> str:
        """The file that is worked on."""
        return self._shown

    def look_at(self, shown: str) -> None:
        """A file is looked into before its turn."""
        self._shown, self._began, self._told = shown, self._clock(), 0.0

    def end(self, total: int) -> None:
        """All files are dealt with."""
        self._done = self._total = total
        self._task.progress(STAGE, total, total)
        self._counted = 0.0
        self._count()

    def pulse(self) -> None:
        """Call often while a file is worked on.

        Raises:
            Cancelled: the person asked to stop.
            Skipped: the person asked to go on without this file.
        """
        self._heed()
        seconds = self._clock() - self._began
        if seconds >= SLOW_SECONDS and seconds - self._told >= _EVERY:
            self._told = seconds
            self._task.progress(STAGE, self._done, self._total, self._note(seconds))
            self._task.metric("seconds_on_file", self._done, seconds)
            self._count()

    def lines(self, done: int, total: int) -> None:
        """Say how many lines of a labelled set are read; raises as `pulse`."""
        self._heed()
        self._task.progress(LINES, done, total, self._note(self._clock() - self._began))
        self._count()

    def _heed(self) -> None:
        self._rest()
        self._task.check_cancelled()
        self._task.check_skipped(self._shown)

    def _note(self, seconds: float) -> str:
        return self._shown if seconds < SLOW_SECONDS else f"{self._shown} ({seconds:.0f} s on this file)"

    def _count(self) -> None:
        """Say how many passages there are, at most once a second: each is kept in the job's log."""
        now = time.monotonic()
        if now - self._counted >= _EVERY:
            self._counted = now
            self._task.metric("passages", self._done, float(self._passages()))

    def _clock(self) -> float:
        """Seconds of work: a pause does not count."""
        return time.monotonic() - self._task.paused_seconds
