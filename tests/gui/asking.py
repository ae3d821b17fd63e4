"""A session for page tests: edits are really made, searches are answered from a script, jobs are told by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from engine.edits import apply_edit
from engine.protocol import FoundHit, SearchHits
from engine.store.project import Project
from gui.jobs.job import Job, Phase
from gui.session import Mode, Undo
from tests.gui.recording import RecordingSession

Ranking = list[tuple[int, float]]


class AskingSession(RecordingSession):
    """`searches` holds what was asked; with `hold` answers wait for `answer_all`. `terms` is what "explain" says."""

    def __init__(self, path: Path | None, settings: Path) -> None:
        super().__init__(path, settings)
        self.pages: list[tuple[str, object]] = []
        self.page_asked.connect(lambda name, what: self.pages.append((name, what)))
        self.searches: list[tuple[str, str, str]] = []
        self.rankings: dict[str, Ranking] = {}
        self.broken = ""
        self.hold = False
        self.terms: dict[str, Any] = {"terms": [], "missing": []}
        self._held: list[tuple[int, Callable[[], None]]] = []
        self._dropped: set[int] = set()

    def run_job(self, kind: str, params: dict[str, Any] | None = None) -> Job | None:
        self.jobs.append((kind, params or {}))
        assert self.path is not None
        job = Job(len(self.jobs), kind, self.path, dict(params or {}), Phase.RUNNING)
        self.queue._running = job
        self.queue.job_queued.emit(job)
        self.queue.job_started.emit(job)
        return job

    def end_job(self, job: Job, phase: Phase, *, changed: set[str] | None = None, **fields: Any) -> None:
        """End a job as the queue does."""
        for name, value in fields.items():
            setattr(job, name, value)
        job.phase = phase
        self.queue._running = None
        self.queue.job_finished.emit(job)
        self._emit(changed or {"jobs"})

    def search(
        self,
        text: str,
        on_hits: Callable[[SearchHits], None],
        on_failed: Callable[[str, str], None],
        *,
        k: int = 10,
        mode: Mode = "dense",
        model: str = "tuned",
    ) -> int:
        self.searches.append((text, mode, model))
        request = len(self.searches)

        def answer() -> None:
            if self.broken:
                on_failed(self.broken, "Try another.")
                return
            ranking = self.rankings.get(mode if mode == "bm25" else model, [])[:k]
            hits = [FoundHit(rank=n, passage_id=p, score=s) for n, (p, s) in enumerate(ranking, start=1)]
            on_hits(SearchHits(request=request, mode=mode, model=model, hits=hits, milliseconds=4.2))

        self._held.append((request, answer))
        if not self.hold:
            self.answer_all()
        return request

    def drop_search(self, request: int) -> None:
        self._dropped.add(request)

    def warm_search(self, model: str = "tuned") -> None:
        pass

    def answer_all(self) -> None:
        """Give every answer that is held back and still wanted."""
        held, self._held = self._held, []
        for request, answer in held:
            if request not in self._dropped:
                answer()

    def _edit(
        self,
        kind: str,
        values: dict[str, Any],
        on_done: Callable[[dict[str, Any]], None] | None = None,
        *,
        undo: Undo | None = None,
        on_failed: Callable[[str, str], None] | None = None,
    ) -> None:
        self._note(kind, values)
        assert self.path is not None
        said: dict[str, Any]
        if kind == "explain":
            changed, said = [], self.terms
        else:
            with Project.open(self.path) as project:
                changed, said = apply_edit(project, kind, values)
        if undo is not None:
            self._undo.append(undo)
            self.undo_changed.emit(undo.words)
        if changed:
            self._emit(set(changed))
        if on_done is not None:
            on_done(said)


def settle(qtbot: Any, page: QObject) -> None:
    """Wait until a page has read everything it asked for."""
    qtbot.waitUntil(lambda: page.is_settled(), timeout=20_000)  # type: ignore[attr-defined]
