"""A session whose engine is this process: jobs are written down, edits are made at once, nothing is spawned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.edits import apply_edit
from engine.store.project import Project
from gui.jobs.job import Job
from gui.session import Session, Undo
from gui.settings import SettingsStore


class RecordingSession(Session):
    """`jobs` and `edits` hold what the pages asked for, in order, as `(kind, values)`; `lints` settings looked over."""

    def __init__(self, path: Path | None, settings: Path) -> None:
        super().__init__(SettingsStore(settings / "settings.json"))
        self.jobs: list[tuple[str, dict[str, Any]]] = []
        self.edits: list[tuple[str, dict[str, Any]]] = []
        self.lints: list[dict[str, Any]] = []
        self.toasts: list[tuple[str, str]] = []
        self.warmed: list[int] = []
        self._kept: Project | None = None
        self.said.connect(lambda text, action, _run: self.toasts.append((text, action)))
        if path is not None:
            self._take(Project.open(path, readonly=True))

    def run_job(self, kind: str, params: dict[str, Any] | None = None) -> Job | None:
        self.jobs.append((kind, params or {}))
        return None

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
        if kind in ("cut_preview", "cut_outlook"):  # the engine goes on where it stopped, as long as it is the same one
            self._kept = self._kept or Project.open(self.path)
            changed, said = apply_edit(self._kept, kind, values)
        else:
            with Project.open(self.path) as project:
                changed, said = apply_edit(project, kind, values)
        if undo is not None:
            self._undo.append(undo)
            self.undo_changed.emit(undo.words)
        self._emit(set(changed))
        if on_done is not None:
            on_done(said)

    def _note(self, kind: str, values: dict[str, Any]) -> None:
        """Write an edit down; what the linter is asked comes when a timer likes, and is kept apart."""
        if kind == "lint":
            self.lints.append(values["params"])
        else:
            self.edits.append((kind, dict(values)))

    def warm_model(self, model_id: int, then: Callable[[], None]) -> None:
        self.warmed.append(model_id)

    def close(self) -> None:
        super().close()
        if self._kept is not None:
            self._kept.close()
            self._kept = None
