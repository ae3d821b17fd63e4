"""The engine as a process: commands in on stdin, events out on what was stdout, one JSON object a line."""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import Cancelled, ProtocolError, SearchsmithError
from engine.protocol import (
    CancelJob,
    Command,
    Edit,
    EditDone,
    EditFailed,
    FinishJob,
    FoundHit,
    JobCancelled,
    JobDone,
    JobFailed,
    JobMetric,
    JobProbes,
    JobProgress,
    JobStarted,
    JobWarning,
    Message,
    OpenSearch,
    PauseJob,
    ProbeRank,
    RunJob,
    SearchFailed,
    SearchHits,
    SearchProgress,
    SearchQuery,
    SearchReady,
    Shutdown,
    SkipFile,
    WorkerReady,
    read_command,
    to_line,
)
from engine.records import Probe
from engine.task import Task

CANCEL_GRACE = 0.8
"""Seconds a cancelled job has to stop by itself; then the process ends, which every stage survives."""
SAVE_GRACE = 60.0
"""Seconds a cancelled job has to finish the checkpoint that it is writing."""
LAST_GRACE = 8.0
"""Seconds a job has to come to its checkpoint after the window died."""


def main(*, warm: bool = False) -> int:
    """Serve until stdin closes or `Shutdown` comes; with `warm` the heavy libraries are loaded while idle."""
    out = _own_stdout()
    faulthandler.enable()
    worker = Worker(out)
    threading.Thread(target=worker.read, args=[sys.stdin.buffer], daemon=True).start()
    worker.send(WorkerReady(pid=os.getpid()))
    if warm:  # beside the commands, so that a job that needs no model starts at once
        threading.Thread(target=_preload, daemon=True).start()
    worker.serve()
    return 0


def _own_stdout() -> BinaryIO:
    """Keep fd 1 for the protocol alone: whatever a library prints goes to stderr."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "wb", buffering=0)


def _preload() -> None:
    from engine.encode.models import quiet_libraries

    quiet_libraries()
    import sentence_transformers  # noqa: F401 - loading it is the purpose


class Worker:
    """One engine process. Commands are read by a thread; jobs, searches and edits run on the main one, in order."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._task: JobTask | None = None
        self._asked: dict[int, JobTask] = {}
        self._resident: Resident | None = None

    def send(self, event: Message) -> None:
        with self._lock, suppress(BrokenPipeError):
            self._out.write(to_line(event))

    def read(self, lines: BinaryIO) -> None:
        """Put commands in order; cancel and pause are carried out at once, also before the job has really begun.

        At the end of input everything ends.
        """
        for line in lines:
            try:
                command = read_command(line)
            except ProtocolError as error:
                self.send(JobFailed(job=0, code=error.code, message=error.message, hint=error.hint))
                continue
            if isinstance(command, CancelJob | PauseJob | FinishJob | SkipFile):
                self._steer(command)
            else:
                if isinstance(command, RunJob):
                    self._asked[command.job] = JobTask(self, command)
                self._commands.put(command)
                if isinstance(command, Shutdown):
                    return
        self._end_of_input()

    def _steer(self, command: CancelJob | PauseJob | FinishJob | SkipFile) -> None:
        task = self._asked.get(command.job)
        if task is None:
            return
        if isinstance(command, PauseJob):
            if command.paused:
                task.pause()
            else:
                task.resume()
            return
        if isinstance(command, FinishJob):
            task.finish()
            return
        if isinstance(command, SkipFile):
            task.skip(command.file)
            return
        task.cancel()
        threading.Thread(target=self._insist, args=[task], daemon=True).start()

    def _insist(self, task: JobTask) -> None:
        """End the process where a cancelled job does not stop in time (a library is loading, a native call runs)."""
        if task.ended.wait(CANCEL_GRACE) or self._task is not task:  # one that waits will not start
            return
        # Only a checkpoint that is being written may take longer than the grace.
        if task.is_saving and task.wait_saved(SAVE_GRACE) and task.ended.wait(CANCEL_GRACE):
            return
        task.mark_cancelled()
        if task.ended.is_set():
            return
        self.send(JobCancelled(job=task.job, changed=task.changed()))
        os._exit(0)

    def _end_of_input(self) -> None:
        task = self._task
        if task is not None:
            task.cancel()
            task.ended.wait(LAST_GRACE)
            task.wait_saved(SAVE_GRACE)
        os._exit(0)

    def serve(self) -> None:
        while True:
            command = self._commands.get()
            if isinstance(command, Shutdown):
                return
            if isinstance(command, RunJob):
                self._run(command)
            elif isinstance(command, OpenSearch | SearchQuery | Edit):
                if self._resident is None:
                    self._resident = Resident(self)
                self._resident.answer(command)

    def _run(self, command: RunJob) -> None:
        task = self._asked.get(command.job) or JobTask(self, command)
        self._task = task
        try:
            from engine.jobs import run_job

            summary = run_job(Path(command.project), command.kind, command.params, task, started=task.tell_started)
            self.send(JobDone(job=command.job, changed=task.changed(), summary=summary))
        except Cancelled:
            self.send(JobCancelled(job=command.job, changed=task.changed()))
        except SearchsmithError as error:
            self._fail(task, error.code, error.message, error.hint)
        except MemoryError:
            self._fail(task, "memory", "The computer's memory does not suffice for this job.", "Close other programs.")
        except OSError as error:
            self._fail(task, "system", f"{error.strerror or error}: {error.filename or ''}".strip(": "), "")
        except Exception as error:
            if "CUDA error" in str(error):  # its context is lost: nothing more can be computed in this process
                self._fail(task, "device", "The GPU stopped answering.", "The job can go on from its last checkpoint.")
                os._exit(1)
            self._fail(
                task, "bug", f"Something unexpected went wrong: {error!r}.", "Please report it with the details."
            )
        finally:
            task.ended.set()
            self._task = None
            self._asked.pop(command.job, None)

    def _fail(self, task: JobTask, code: str, message: str, hint: str) -> None:
        self.send(
            JobFailed(
                job=task.job,
                code=code,
                message=message,
                hint=hint,
                traceback=traceback.format_exc(),
                changed=task.changed(),
            )
        )


class JobTask(Task):
    """Carries a job's reports to the pipe, at most ten progress lines a second."""

    def __init__(self, worker: Worker, command: RunJob) -> None:
        super().__init__()
        self.job = command.job
        self.ended = threading.Event()
        self._worker = worker
        self._command = command
        self._record = 0
        self._stage = ""
        self._sent_at = 0.0
        self._rate = _Rate()

    def tell_started(self, record: int) -> None:
        self._record = record
        self._worker.send(JobStarted(job=self.job, kind=self._command.kind, record=record))

    def changed(self) -> list[str]:
        from engine.jobs import JOBS

        kind = JOBS.get(self._command.kind)
        return [*(kind.changed if kind else ()), "jobs"]

    def mark_cancelled(self) -> None:
        """Say in the history that the job was cancelled, from outside of it."""
        from engine.store.jobs import mark_cancelled, note_cancelled
        from engine.store.project import Project

        with suppress(Exception):  # the project may be in the middle of a write; recovery reads the log then
            if self._record:
                note_cancelled(Path(self._command.project), self._record)
                with Project.open(Path(self._command.project), patience=0.3) as project:
                    mark_cancelled(project)  # not one that came to its end meanwhile

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._rate = stage, _Rate()
        elif now - self._sent_at < 0.1 and (not total or done < total):
            return
        self._sent_at = now
        rate = self._rate.after(done, now)
        self._worker.send(JobProgress(job=self.job, stage=stage, done=done, total=total, rate=rate, note=note))

    def on_metric(self, name: str, step: int, value: float) -> None:
        self._worker.send(JobMetric(job=self.job, name=name, step=step, value=value))

    def on_probes(self, found: Sequence[Probe]) -> None:
        told = [ProbeRank(query_id=probe.query_id, rank=probe.rank, top=list(probe.top)) for probe in found]
        self._worker.send(JobProbes(job=self.job, step=found[0].step if found else 0, probes=told))

    def on_warning(self, message: str) -> None:
        self._worker.send(JobWarning(job=self.job, message=message))


class _Rate:
    """Units a second over the last ten seconds."""

    def __init__(self) -> None:
        self._points: list[tuple[float, int]] = []

    def after(self, done: int, now: float) -> float:
        self._points = [point for point in self._points if now - point[0] < 10] + [(now, done)]
        (first_time, first_done) = self._points[0]
        return (done - first_done) / (now - first_time) if now > first_time else 0.0


class SearchTask(Task):
    """Tells how far the passages are that a search waits for, at most five times a second."""

    def __init__(self, worker: Worker, project: str) -> None:
        super().__init__()
        self.model = ""
        self._worker, self._project = worker, project
        self._stage, self._sent_at, self._rate = "", 0.0, _Rate()

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._rate = stage, _Rate()
        elif now - self._sent_at < 0.2:
            return
        self._sent_at = now
        rate = self._rate.after(done, now)
        told = SearchProgress(project=self._project, model=self.model, stage=stage, done=done, total=total, rate=rate)
        self._worker.send(told)


class Resident:
    """Answers searches and edits with project, model and index kept warm."""

    # A person's words are kept at once, also while a model is loaded beside them.
    LIGHT = frozenset({"review", "unreview", "review_all", "unreview_all"})

    def __init__(self, worker: Worker) -> None:
        from engine.search.searching import SearchEngine
        from engine.store.project import Project

        self._worker = worker
        self._engine_class = SearchEngine
        self._project_class = Project
        self._project: Project | None = None
        self._engine: SearchEngine | None = None
        self._task: SearchTask | None = None
        self._loading: threading.Thread | None = None

    def answer(self, command: OpenSearch | SearchQuery | Edit) -> None:
        try:
            if self._loading is not None and getattr(command, "kind", "") not in self.LIGHT:
                self._loading.join()
                self._loading = None
            if isinstance(command, Edit):
                self._edit(command)
            elif isinstance(command, OpenSearch):
                self._open(command)
            else:
                self._search(command)
        except SearchsmithError as error:
            self._fail(command, error.message, error.hint)
        except Exception as error:
            traceback.print_exc()
            self._fail(command, f"Something unexpected went wrong: {error!r}.", "Please report it.")

    def _fail(self, command: OpenSearch | SearchQuery | Edit, message: str, hint: str) -> None:
        request = command.request if isinstance(command, SearchQuery | Edit) else 0
        kind = EditFailed if isinstance(command, Edit) else SearchFailed
        self._worker.send(kind(request=request, message=message, hint=hint))

    def _opened(self, path: str) -> None:
        if self._project is not None and self._project.path == Path(path).absolute() and self._project.is_there():
            return
        if self._project is not None:
            self._project.close()
        self._project = self._project_class.open_as_allowed(Path(path))
        self._task = SearchTask(self._worker, path)
        self._engine = self._engine_class(self._project, self._task)

    def _edit(self, command: Edit) -> None:
        from engine.edits import apply_edit

        self._opened(command.project)
        assert self._project is not None
        if command.kind == "explain":
            self._worker.send(EditDone(request=command.request, changed=[], values=self._explain(command)))
            return
        if command.kind == "warm":
            self._load(command)
            return
        changed, values = apply_edit(self._project, command.kind, command.values)
        self._worker.send(EditDone(request=command.request, changed=changed, values=values))

    def _load(self, command: Edit) -> None:
        """Load a model in a thread, so that words are still kept meanwhile; told once it is there."""
        from engine.store import models

        assert self._project is not None
        path, model = self._project.path, models.model(self._project, int(command.values["model_id"]))

        def load() -> None:
            from engine.encode.warm import has_room, warm_encoder

            loaded = False
            try:
                if model is not None and has_room(model):
                    with self._project_class.open(path, readonly=True) as project:
                        warm_encoder(project, model)
                    loaded = True
            except (SearchsmithError, OSError, MemoryError):
                pass  # told where a person really asks for the model
            finally:
                self._worker.send(EditDone(request=command.request, changed=[], values={"loaded": loaded}))

        self._loading = threading.Thread(target=load, daemon=True)
        self._loading.start()

    def _explain(self, command: Edit) -> dict[str, Any]:  # Any: JSON values
        """Why a passage ranks: `terms` [word, BM25 weight] heaviest first, `missing` words of the query."""
        assert self._engine is not None
        text, passage_id = str(command.values["query"]), int(command.values["passage_id"])
        found = self._engine.why(text, passage_id, model_ref=str(command.values.get("model", "")))
        return {
            "terms": [[word.word, word.weight] for word in found.words],
            "missing": list(found.missing),
            "bm25": found.bm25_score,
            "cosine": found.cosine,
        }

    def _open(self, command: OpenSearch) -> None:
        self._opened(command.project)
        assert self._engine is not None
        assert self._task is not None
        self._task.model = command.model
        warm = self._engine.warm(command.model)
        self._worker.send(SearchReady(project=command.project, model=command.model, passages=warm.passages))

    def _search(self, command: SearchQuery) -> None:
        from engine.params import SearchParams, params_from_dict

        if self._engine is None or self._task is None:
            raise ProtocolError("No project is open for searching.")
        self._task.model = command.model
        names = ("text", "k", "mode", "model", "rerank")
        params = params_from_dict(SearchParams, {name: getattr(command, name) for name in names})
        found = self._engine.search(params)
        hits = [FoundHit(rank=hit.rank, passage_id=hit.passage_id, score=hit.score) for hit in found.hits]
        self._worker.send(
            SearchHits(
                request=command.request,
                mode=command.mode,
                model=command.model,
                hits=hits,
                milliseconds=found.milliseconds,
            )
        )
