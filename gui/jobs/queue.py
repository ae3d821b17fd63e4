"""Heavy jobs, one at a time: started in a spare process that waits ready, followed, paused, cancelled, mourned."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from engine.protocol import (
    CancelJob,
    FinishJob,
    JobCancelled,
    JobDone,
    JobFailed,
    JobMetric,
    JobProbes,
    JobProgress,
    JobStarted,
    JobWarning,
    Message,
    PauseJob,
    RunJob,
    SkipFile,
)
from engine.records import Probe
from gui.jobs.job import Job, Phase
from gui.jobs.process import EngineProcess, death_sentence, worker_command

KILL_AFTER_MS = 5000
SPARE_AFTER_MS = 1500
_KEPT = 50

Spawn = Callable[[bool], EngineProcess]


def spawn_worker(warm: bool) -> EngineProcess:
    """An engine process; a warm one loads the heavy libraries while it waits."""
    return EngineProcess([*worker_command(), *(["--warm"] if warm else [])])


class JobQueue(QObject):
    """Runs jobs one after the other.

    Signals carry the `Job`; its fields hold what is new. `job_finished` comes once for every job, whatever its end.
    """

    job_queued = Signal(object)
    job_started = Signal(object)
    job_progressed = Signal(object)
    job_metric = Signal(object, str, int, float)
    job_warned = Signal(object, str)
    job_finished = Signal(object)

    def __init__(self, spawn: Spawn = spawn_worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._spawn = spawn
        self._next_id = 1
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._process: EngineProcess | None = None
        self._spare: EngineProcess | None = None
        self._leaving: list[EngineProcess] = []
        self._keep_spare = False
        self._closed = False
        self.history: list[Job] = []
        self._killer = QTimer(self)
        self._killer.setSingleShot(True)
        self._killer.setInterval(KILL_AFTER_MS)
        self._killer.timeout.connect(self._kill)
        self._spare_timer = QTimer(self)
        self._spare_timer.setSingleShot(True)
        self._spare_timer.setInterval(SPARE_AFTER_MS)
        self._spare_timer.timeout.connect(self._start_spare)

    @property
    def running(self) -> Job | None:
        return self._running

    @property
    def process_id(self) -> int:
        """Of the process that the running job is in; 0 where none runs."""
        return self._process.pid if self._process is not None else 0

    @property
    def waiting(self) -> tuple[Job, ...]:
        return tuple(self._waiting)

    def going(self, *kinds: str) -> list[Job]:
        """The jobs that run or wait, those of some kinds alone where any are named."""
        jobs = [*([self._running] if self._running else []), *self._waiting]
        return [job for job in jobs if not job.is_over and (not kinds or job.kind in kinds)]

    def keep_spare(self) -> None:
        """From now on keep a warm process ready, so that a job starts at once."""
        self._keep_spare = True
        self._spare_timer.start()

    def add(self, kind: str, project: Path, params: dict[str, Any]) -> Job:  # Any: JSON values
        """Put a job at the end of the queue; it starts when it is its turn."""
        job = Job(self._next_id, kind, project, dict(params))
        self._next_id += 1
        self._waiting.append(job)
        self.job_queued.emit(job)
        self._start_next()
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job: a waiting one leaves the queue, a running one is asked, and after five seconds killed."""
        if job in self._waiting:
            self._waiting.remove(job)
            job.phase = Phase.CANCELLED
            self._remember(job)
            self.job_finished.emit(job)
        elif job is self._running and job.phase is not Phase.CANCELLING and self._process is not None:
            job.phase = Phase.CANCELLING
            if job.record:
                self._process.send(CancelJob(job=job.id))
                self._killer.start()
            else:  # it has not begun: nothing to be kept, nobody to ask
                self._process.kill()
            self.job_progressed.emit(job)

    def pause(self, job: Job, paused: bool) -> None:
        """Hold a running job, or let it go on."""
        if job is not self._running or self._process is None or job.phase is Phase.CANCELLING:
            return
        job.phase = Phase.PAUSED if paused else Phase.RUNNING
        job.heard = time.monotonic()
        self._process.send(PauseJob(job=job.id, paused=paused))
        self.job_progressed.emit(job)

    def skip(self, job: Job, file: str) -> None:
        """Let a running import go on without the file it reads; `file` as its progress names it."""
        if job is self._running and self._process is not None and job.phase is Phase.RUNNING:
            self._process.send(SkipFile(job=job.id, file=file))

    def finish(self, job: Job) -> None:
        """Let a running training end early with the best model so far; it answers as one that is done."""
        if job is not self._running or self._process is None or job.phase is Phase.CANCELLING or job.finishing:
            return
        if job.phase is Phase.PAUSED:
            self.pause(job, False)
        job.finishing = True
        self._process.send(FinishJob(job=job.id))
        self.job_progressed.emit(job)

    def close(self, wait_ms: int = 9000) -> None:
        """End all processes: the running job writes its checkpoint first, and is killed where that takes too long."""
        self._closed = True
        self._keep_spare = False
        self._spare_timer.stop()
        self._killer.stop()
        self._waiting.clear()
        if self._spare is not None:
            self._spare.kill()
            self._spare.wait(1000)
        at_work = self._process
        if at_work is not None:
            at_work.hang_up()
            if not at_work.wait(wait_ms):
                at_work.kill()
                at_work.wait(1000)
        for process in list(self._leaving):
            if not process.wait(1000):
                process.kill()
                process.wait(1000)

    def _start_next(self) -> None:
        if self._running is not None or not self._waiting or self._closed:
            return
        job = self._waiting.pop(0)
        job.phase = Phase.RUNNING
        job.started = job.heard = time.monotonic()
        self._running = job
        self._process = self._take_process()
        self._process.said.connect(self._hear)
        self._process.ended.connect(self._process_ended)
        self._process.send(RunJob(job=job.id, kind=job.kind, project=str(job.project), params=job.params))
        self.job_started.emit(job)

    def _take_process(self) -> EngineProcess:
        self._spare_timer.stop()
        spare, self._spare = self._spare, None
        if spare is not None and spare.is_alive:
            return spare
        process = self._spawn(False)
        process.setParent(self)
        process.start()
        return process

    def _start_spare(self) -> None:
        """Not while a job runs: loading libraries would take its processor."""
        if self._keep_spare and self._spare is None and self._running is None:
            self._spare = self._spawn(True)
            self._spare.setParent(self)
            self._spare.ended.connect(self._spare_ended)
            self._spare.start()

    def _spare_ended(self, _code: int) -> None:
        if self.sender() is self._spare:
            self._spare = None

    def _hear(self, event: Message) -> None:
        job = self._running
        if job is None or getattr(event, "job", job.id) != job.id:
            return
        job.heard = time.monotonic()
        if isinstance(event, JobProgress):
            job.stage, job.done, job.total = event.stage, event.done, event.total
            job.rate, job.note = event.rate, event.note
            self.job_progressed.emit(job)
        elif isinstance(event, JobMetric):
            job.metrics.setdefault(event.name, []).append((event.step, event.value))
            self.job_metric.emit(job, event.name, event.step, event.value)
        elif isinstance(event, JobProbes):
            job.probes += [Probe(probe.query_id, event.step, probe.rank, tuple(probe.top)) for probe in event.probes]
            self.job_progressed.emit(job)
        elif isinstance(event, JobWarning):
            job.warnings.append(event.message)
            self.job_warned.emit(job, event.message)
        elif isinstance(event, JobStarted):
            job.record = event.record
            self.job_progressed.emit(job)
        elif isinstance(event, JobDone):
            job.summary = event.summary
            self._finish(job, Phase.DONE, event.changed)
        elif isinstance(event, JobCancelled):
            self._finish(job, Phase.CANCELLED, event.changed)
        elif isinstance(event, JobFailed):
            job.code, job.message, job.hint, job.traceback = event.code, event.message, event.hint, event.traceback
            self._finish(job, Phase.FAILED, event.changed)

    def _process_ended(self, code: int) -> None:
        job, process = self._running, self._process
        if job is None or process is None or self.sender() is not process:
            return
        if job.phase is Phase.CANCELLING:
            self._finish(job, Phase.CANCELLED, ["all"])
            return
        job.code = "crash"
        job.message, job.hint = death_sentence(code)
        job.traceback = process.stderr_tail()
        self._finish(job, Phase.FAILED, ["all"])

    def _finish(self, job: Job, phase: Phase, changed: list[str]) -> None:
        self._killer.stop()
        job.phase, job.changed, job.ended = phase, list(changed), time.monotonic()
        process, self._process, self._running = self._process, None, None
        if process is not None:
            process.said.disconnect(self._hear)
            process.ended.disconnect(self._process_ended)
            self._let_go(process)
        self._remember(job)
        self.job_finished.emit(job)
        self._start_next()
        if self._running is None and self._keep_spare:
            self._spare_timer.start()

    def _let_go(self, process: EngineProcess) -> None:
        """Its work is done: it frees its memory by ending."""
        if not process.is_alive:
            process.deleteLater()
            return
        self._leaving.append(process)
        process.ended.connect(self._gone)
        process.shut_down()

    def _gone(self, _code: int) -> None:
        for process in [process for process in self._leaving if not process.is_alive]:
            self._leaving.remove(process)
            process.deleteLater()

    def _remember(self, job: Job) -> None:
        self.history.insert(0, job)
        del self.history[_KEPT:]

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
