"""The one process that stays: it answers searches with a warm index, and writes small changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.protocol import (
    Edit,
    EditDone,
    EditFailed,
    Message,
    OpenSearch,
    SearchFailed,
    SearchHits,
    SearchProgress,
    SearchQuery,
    SearchReady,
)
from gui.jobs.process import EngineProcess, death_sentence
from gui.jobs.queue import Spawn, spawn_worker

RESTARTS, RESTART_SECONDS = 3, 600.0

Failed = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class _Request:
    done: Callable[[Any], None]  # Any: SearchHits or EditDone, as asked
    failed: Failed


class Resident(QObject):
    """Starts with the first request, and again after a crash, at most three times in ten minutes.

    Signals:
        search_ready: an index is warm: `(project, model, passages)`.
        search_progress: how far the passages are that a search waits for: `SearchProgress`.
        search_failed: an index could not be made warm: `(message, hint)`.
    """

    search_ready = Signal(str, str, int)
    search_progress = Signal(object)
    search_failed = Signal(str, str)

    def __init__(self, spawn: Spawn = spawn_worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._spawn = spawn
        self._process: EngineProcess | None = None
        self._requests: dict[int, _Request] = {}
        self._next = 1
        self._deaths: list[float] = []
        self._warm: set[tuple[str, str]] = set()
        self._closed = False

    def edit(
        self, project: Path, kind: str, values: dict[str, Any], done: Callable[[EditDone], None], failed: Failed
    ) -> int:  # Any: JSON values
        """Ask for a small change; `done` or `failed` is called once. Returns the request's number."""
        request = self._note(done, failed)
        self._send(Edit(request=request, project=str(project), kind=kind, values=values))
        return request

    def warm(self, project: Path, model: str) -> None:
        """Load the model and index a search will need."""
        key = (str(project), model)
        if key not in self._warm:
            self._warm.add(key)
            self._send(OpenSearch(project=str(project), model=model))

    def forget_warm(self) -> None:
        """The project's passages or models are others now: load again with the next search."""
        self._warm.clear()

    def search(self, query: SearchQuery, project: Path, done: Callable[[SearchHits], None], failed: Failed) -> int:
        """Rank passages; `query.request` is given here. Returns the request's number."""
        self.warm(project, query.model)
        request = self._note(done, failed)
        self._send(SearchQuery(request=request, text=query.text, k=query.k, mode=query.mode, model=query.model))
        return request

    def drop(self, request: int) -> None:
        """Take no answer to a request any more."""
        self._requests.pop(request, None)

    @property
    def is_busy(self) -> bool:
        return bool(self._requests)

    def close(self) -> None:
        """End the process; nothing is answered any more."""
        self._closed = True
        self._requests.clear()
        if self._process is not None:
            self._process.shut_down()
            if not self._process.wait(2000):
                self._process.kill()
                self._process.wait(1000)

    def _note(self, done: Callable[[Any], None], failed: Failed) -> int:
        request = self._next
        self._next += 1
        self._requests[request] = _Request(done, failed)
        return request

    def _send(self, message: Message) -> None:
        if self._closed:
            return
        if self._process is None:
            recent = [moment for moment in self._deaths if time.monotonic() - moment < RESTART_SECONDS]
            if len(recent) >= RESTARTS:
                self._fail_all(
                    self.tr("The engine for searches and changes ended %1 times.").replace("%1", str(len(recent))),
                    self.tr("Restart Searchsmith; nothing is lost."),
                )
                return
            self._process = self._spawn(False)
            self._process.setParent(self)
            self._process.said.connect(self._hear)
            self._process.ended.connect(self._ended)
            self._process.start()
        self._process.send(message)

    def _hear(self, event: Message) -> None:
        if isinstance(event, SearchReady):
            self.search_ready.emit(event.project, event.model, event.passages)
        elif isinstance(event, SearchProgress):
            self.search_progress.emit(event)
        elif isinstance(event, SearchHits | EditDone):
            request = self._requests.pop(event.request, None)
            if request is not None:
                request.done(event)
        elif isinstance(event, SearchFailed | EditFailed):
            request = self._requests.pop(event.request, None)
            if request is not None:
                request.failed(event.message, event.hint)
            elif not event.request:
                self._warm.clear()
                self.search_failed.emit(event.message, event.hint)

    def _ended(self, code: int) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self._warm.clear()
        self._deaths.append(time.monotonic())
        self._fail_all(*death_sentence(code))

    def _fail_all(self, message: str, hint: str) -> None:
        requests, self._requests = self._requests, {}
        for request in requests.values():
            request.failed(message, hint)
