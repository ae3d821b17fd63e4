"""What is open: the project to look at, the engine to ask, and the one signal by which everything is refreshed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from engine.errors import OldProjectError, ProjectError
from engine.protocol import EditDone, SearchHits, SearchQuery
from engine.store.overview import Overview, overview
from engine.store.project import Project
from gui.jobs.job import Job, Phase
from gui.jobs.queue import JobQueue, Spawn, spawn_worker
from gui.jobs.resident import Resident
from gui.settings import Recent, SettingsStore

Values = dict[str, Any]  # Any: JSON values of params and edits
Mode = Literal["bm25", "dense", "hybrid"]


@dataclass(frozen=True, slots=True)
class Undo:
    """How an edit is taken back: what that is called ("mark 3 as relevant"), and the edit that does it."""

    words: str
    kind: str
    values: Values


@dataclass(slots=True)
class _Chain:
    """Jobs to be done one after the other in one project: the one under way, and those to come."""

    project: Path
    steps: list[tuple[str, Values]]
    job: int = 0


TOPICS = frozenset(
    {
        "documents",
        "passages",
        "imports",
        "queries",
        "negatives",
        "models",
        "runs",
        "exports",
        "jobs",
        "feedback",
        "project",
    }
)
"""Everything of a project that can change; after an engine that ended in the middle of something all of it may have."""


class Session(QObject):
    """Pages get one, ask it, and listen to `changed`; nothing else refreshes them.

    Signals:
        changed: topics that are others now (documents, queries, negatives, models, runs, exports, jobs, feedback,
            project), or `{"all"}` where another project was opened.
        project_changed: `project` is another one, or None.
        page_asked: show a page: `(name, what)`, e.g. `("evaluate", {"tab": "broken"})`.
        said: show a toast: `(text, action, callable or None)`.
        failed: something a person asked for could not be done: `(message, hint)`.
        undo_changed: the words of what Undo would take back, "" where there is nothing.
    """

    changed = Signal(set)
    project_changed = Signal()
    page_asked = Signal(str, object)
    said = Signal(str, str, object)
    failed = Signal(str, str)
    undo_changed = Signal(str)

    def __init__(self, settings: SettingsStore, *, spawn: Spawn = spawn_worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.project: Project | None = None
        self.queue = JobQueue(spawn, self)
        self.resident = Resident(spawn, self)
        self._undo: list[Undo] = []
        self._refused: Undo | None = None  # the one that failed last
        self._overview: Overview | None = None
        self._then: dict[int, Callable[[], None]] = {}
        self._chains: list[_Chain] = []
        self.queue.job_finished.connect(self._job_finished)

    # Projects

    @property
    def path(self) -> Path | None:
        return self.project.path if self.project else None

    def open_project(self, path: Path) -> bool:
        """Open the project in `path` to look at; says why where that fails, and keeps the one that is open."""
        try:
            opened = Project.open(path, readonly=True, upgrade=False)
            overview(opened)
        except OldProjectError:
            self._upgrade(path)
            return False
        except (ProjectError, OSError) as error:
            self.failed.emit(getattr(error, "message", str(error)), getattr(error, "hint", ""))
            return False
        except Exception as error:  # the file is damaged
            self.failed.emit(
                self.tr("The project in %1 cannot be read: %2.").replace("%1", str(path)).replace("%2", str(error)),
                self.tr("Restore it from a copy."),
            )
            return False
        self._take(opened)
        self._edit("recover", {})
        self.queue.keep_spare()
        return True

    def _upgrade(self, path: Path) -> None:
        """Let the engine bring a project of an earlier version up to date, then open it."""
        self.say(self.tr("The project is brought up to date; a copy of the old one is kept in its “backups” folder."))

        def done(_event: EditDone) -> None:
            self.open_project(path)

        self.resident.edit(path, "recover", {}, done, self.failed.emit)

    def close_project(self) -> None:
        self._take(None)

    def make_project(self, path: Path, name: str, then: Callable[[], None] | None = None) -> Job:
        """Make a project with the base model of the settings, open it, and go on with `then`."""
        return self._make("new", path, {"name": name, "base": self.settings.values.base_model}, then)

    def make_sample(self, path: Path, then: Callable[[], None] | None = None) -> Job:
        """Make the sample project in `path`, open it, and go on with `then`."""
        return self._make("sample", path, {}, then)

    def _make(self, kind: str, path: Path, params: Values, then: Callable[[], None] | None) -> Job:
        job = self.queue.add(kind, path.absolute(), params)
        if then is not None:
            self._then[job.id] = then
        return job

    def overview(self) -> Overview | None:
        """Where the open project stands; read once per change."""
        if self._overview is None and self.project is not None:
            self._overview = overview(self.project)
        return self._overview

    # Work

    def run_job(self, kind: str, params: Values | None = None) -> Job | None:
        """Start a heavy job on the open project, or put it in the queue."""
        if self.project is None:
            return None
        return self.queue.add(kind, self.project.path, params or {})

    def going(self, *kinds: str) -> list[Job]:
        """The open project's jobs that run or wait, those of some kinds alone where any are named."""
        return [job for job in self.queue.going(*kinds) if job.project == self.path]

    def run_chain(self, steps: Sequence[tuple[str, Values]]) -> None:
        """Do jobs one after the other, beside other chains; the first that fails or is cancelled ends this one.

        It goes on in its own project when another one is opened meanwhile.
        """
        if self.project is not None:
            self._go_on(_Chain(self.project.path, list(steps)))

    @property
    def chain_length(self) -> int:
        """Jobs of the open project's chains that are still to come."""
        return sum(len(chain.steps) for chain in self._chains if chain.project == self.path)

    def _go_on(self, chain: _Chain) -> None:
        if not chain.steps:
            return
        kind, values = chain.steps.pop(0)
        self._chains.append(chain)  # first, so that who hears of the job knows what comes after it
        job = self.run_job(kind, values) if chain.project == self.path else self.queue.add(kind, chain.project, values)
        chain.job = job.id if job else 0

    def edit(
        self,
        kind: str,
        values: Values,
        on_done: Callable[[Values], None] | None = None,
        *,
        undo: Undo | None = None,
        on_failed: Callable[[str, str], None] | None = None,
    ) -> None:
        """Make a small change by hand; then `on_done(what the edit says)`, and `undo` waits on the stack."""
        self._edit(kind, values, on_done, undo=undo, on_failed=on_failed)

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
        """Rank passages; returns a number for `drop_search`, 0 where no project is open."""
        if self.project is None:
            return 0
        query = SearchQuery(request=0, text=text, k=k, mode=mode, model=model)
        return self.resident.search(query, self.project.path, on_hits, on_failed)

    def drop_search(self, request: int) -> None:
        """An answer is no longer wanted: the next letter was typed."""
        self.resident.drop(request)

    def warm_search(self, model: str = "tuned") -> None:
        """Load what a search will need; call when the search page is first seen."""
        if self.project is not None:
            self.resident.warm(self.project.path, model)

    def warm_model(self, model_id: int, then: Callable[[], None]) -> None:
        """Load a model for questions to come, beside everything else; `then` once it is there."""
        if self.project is not None:
            path = self.project.path

            def done(event: EditDone) -> None:
                if self.path == path and event.values.get("loaded"):
                    then()

            self.resident.edit(path, "warm", {"model_id": model_id}, done, lambda *_words: None)

    # Undo

    @property
    def undo_words(self) -> str:
        return self._undo[-1].words if self._undo else ""

    def undo(self) -> None:
        """Take back the last change made by hand; where that fails, it can be asked for once again."""
        if self._undo:
            last = self._undo.pop()
            self.undo_changed.emit(self.undo_words)
            self._edit(last.kind, last.values, lambda _values: self._say_undone(last), on_failed=self._put_back(last))

    # Words

    def say(self, text: str, action: str = "", run: Callable[[], None] | None = None) -> None:
        """Show a toast, perhaps with a word to click."""
        self.said.emit(text, action, run)

    def show_page(self, name: str, what: Values | None = None) -> None:
        """Go to a page, perhaps to something on it."""
        self.page_asked.emit(name, what or {})

    def close(self) -> None:
        """End the engine's processes; for the end of the program."""
        self.queue.close()
        self.resident.close()
        if self.project is not None:
            self.project.close()
            self.project = None

    def _put_back(self, last: Undo) -> Callable[[str, str], None]:
        """For an undo that fails: it waits again where it was; one that fails twice bars no longer those before it."""
        path, place = self.path, len(self._undo)

        def failed(message: str, hint: str) -> None:
            if self.path == path and last is not self._refused:
                self._refused = last
                self._undo.insert(place, last)
                self.undo_changed.emit(self.undo_words)
            self.failed.emit(message, hint)

        return failed

    def _say_undone(self, undone: Undo) -> None:
        self.say(self.tr("Undone: %1").replace("%1", undone.words))

    def _take(self, project: Project | None) -> None:
        if self.project is not None:
            self.project.close()
        self.project = project
        self._overview = None
        self._undo.clear()
        self.undo_changed.emit("")
        self.resident.forget_warm()
        self.project_changed.emit()
        self._emit({"all"})

    def _edit(
        self,
        kind: str,
        values: Values,
        on_done: Callable[[Values], None] | None = None,
        *,
        undo: Undo | None = None,
        on_failed: Callable[[str, str], None] | None = None,
    ) -> None:
        if self.project is None:
            return
        path = self.project.path

        def done(event: EditDone) -> None:
            if self.path != path:
                return
            if undo is not None:
                self._undo.append(undo)
                self.undo_changed.emit(undo.words)
            if event.changed:
                self._emit(set(event.changed))
            if on_done is not None:
                on_done(event.values)

        def failed(message: str, hint: str) -> None:
            (on_failed or self.failed.emit)(message, hint)

        self.resident.edit(path, kind, values, done, failed)

    def _job_finished(self, job: Job) -> None:
        if job.kind in ("new", "sample"):
            self._made(job)
            return
        if self.path == job.project:
            self._tell_end(job)
        for chain in [chain for chain in self._chains if chain.job == job.id]:
            self._chains.remove(chain)
            if job.phase is Phase.DONE:
                self._go_on(chain)

    def _tell_end(self, job: Job) -> None:
        """What the open project's job did is to be read again."""
        if job.code == "crash" or "all" in job.changed:
            self._edit("recover", {})
        self._emit(set(TOPICS) if "all" in job.changed else set(job.changed) or {"jobs"})

    def _made(self, job: Job) -> None:
        then = self._then.pop(job.id, None)
        if job.phase is Phase.DONE and self.open_project(job.project) and then is not None:
            then()

    def _emit(self, topics: set[str]) -> None:
        self._overview = None
        if topics & {"all", "documents", "models"}:
            self.resident.forget_warm()
        if self.project is not None and topics & {"all", "project", "documents", "runs"}:
            self._remember()
        self.changed.emit(topics)

    def _remember(self) -> None:
        seen = self.overview()
        if self.project is None or seen is None:
            return
        evaluated = next((stage for stage in seen.stages if stage.name == "evaluate"), None)
        fact = evaluated.detail if evaluated and evaluated.state in ("done", "problem") else seen.stages[0].detail
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.settings.remember(Recent(str(self.project.path), seen.name, now, fact))
