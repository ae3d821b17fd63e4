"""Reads a project in a thread of its own, so that no question to the database or the arrays stops the window."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from engine.errors import SearchsmithError
from engine.store.project import Project

Question = Callable[[Project], Any]  # Any: each question has an answer of its own, handed on unchanged
Answered = Callable[[Any], None]


class Reader(QObject):
    """Asks questions about one project in order; a newer question on the same topic replaces one that still waits.

    Signals: `failed(message)` when the project could not be read.
    """

    failed = Signal(str)
    _done = Signal(int, object, object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._newest: dict[str, int] = {}
        self._answered: dict[int, tuple[str, Answered]] = {}
        self._count = 0
        self._waiting: queue.PriorityQueue[tuple[int, int, str, Question | None]] = queue.PriorityQueue()
        self._done.connect(self._deliver)
        self._telling = threading.Lock()
        self._ended = False
        self._thread: threading.Thread | None = None

    def ask(self, topic: str, question: Question, answered: Answered, *, later: bool = False) -> None:
        """Ask `question` in the background; `answered` is called in the window's thread unless a newer one came.

        With `later` it waits until nothing else is asked: for what takes long and is not waited for.
        """
        self._count += 1
        self._newest[topic] = self._count
        self._answered[self._count] = (topic, answered)
        self._waiting.put((1 if later else 0, self._count, topic, question))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
            self._thread.start()

    def is_idle(self) -> bool:
        """Whether every question was answered."""
        return not self._answered

    def end(self) -> None:
        """Drop every answer that is still to come, and let the thread end by itself.

        After it this object may be deleted, although a question may still be at work: nothing is told any more.
        """
        with self._telling:
            self._ended = True
        self._newest.clear()
        self._answered.clear()
        self._waiting.put((-1, 0, "", None))

    def close(self) -> None:
        """End, and wait for the thread, so that the project's files are closed."""
        self.end()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def _work(self) -> None:
        project: Project | None = None
        try:
            while True:
                _, number, topic, question = self._waiting.get()
                if question is None:
                    return
                if self._newest.get(topic) != number:
                    self._tell(number, None, None)
                    continue
                try:
                    project = project or Project.open(self._path, readonly=True)
                    self._tell(number, question(project), None)
                except Exception as error:  # the border: whatever a question raises is told, never lost
                    self._tell(number, None, error)
        finally:
            if project is not None:
                project.close()

    def _tell(self, number: int, answer: object, error: Exception | None) -> None:
        """Hand an answer to the window's thread; under the lock, because this object dies in that one."""
        with self._telling:
            if not self._ended:
                self._done.emit(number, answer, error)

    def _deliver(self, number: int, answer: object, error: Exception | None) -> None:
        topic, answered = self._answered.pop(number, ("", None))
        if answered is None or self._newest.get(topic) != number or _is_nobody(answered):
            return
        if error is not None:
            self.failed.emit(str(error) if isinstance(error, SearchsmithError) else f"{type(error).__name__}: {error}")
            return
        answered(answer)


def _is_nobody(answered: Answered) -> bool:
    """Whether the widget or model that asked was deleted since, as a dialog is that a person closed."""
    asker = getattr(getattr(answered, "func", answered), "__self__", None)  # `func`: of a partial
    return isinstance(asker, QObject) and not isValid(asker)
