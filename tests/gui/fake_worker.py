"""An engine process for tests: speaks the protocol, does what the job's params tell it, loads nothing.

Params: `steps` progress lines; `wait` seconds between them; `die` ends the process by that exit code; `stubborn`
takes no cancel; `fail` fails with that message; `split` writes each line in small pieces.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time

from engine.protocol import (
    CancelJob,
    Edit,
    EditDone,
    EditFailed,
    FoundHit,
    JobCancelled,
    JobDone,
    JobFailed,
    JobMetric,
    JobProgress,
    JobStarted,
    JobWarning,
    Message,
    OpenSearch,
    PauseJob,
    RunJob,
    SearchFailed,
    SearchHits,
    SearchQuery,
    SearchReady,
    Shutdown,
    WorkerReady,
    read_command,
    to_line,
)

commands: queue.SimpleQueue[Message] = queue.SimpleQueue()
cancelled = threading.Event()
going = threading.Event()
going.set()


def send(event: Message, pieces: int = 1) -> None:
    line = to_line(event)
    size = max(len(line) // pieces, 1)
    for start in range(0, len(line), size):
        sys.stdout.buffer.write(line[start : start + size])
        sys.stdout.buffer.flush()
        if pieces > 1:
            time.sleep(0.002)


def read() -> None:
    for line in sys.stdin.buffer:
        command = read_command(line)
        if isinstance(command, CancelJob):
            cancelled.set()
            going.set()
        elif isinstance(command, PauseJob):
            (going.clear if command.paused else going.set)()
        else:
            commands.put(command)
    commands.put(Shutdown())


def run(command: RunJob) -> None:
    params, job = command.params, command.job
    cancelled.clear()
    send(JobStarted(job=job, kind=command.kind, record=7))
    steps = int(params.get("steps", 3))
    for step in range(steps):
        going.wait()
        if cancelled.is_set() and not params.get("stubborn"):
            send(JobCancelled(job=job, changed=["jobs"]))
            return
        progress = JobProgress(job=job, stage="count", done=step + 1, total=steps, rate=2.0, note="n" * 50)
        send(progress, 8 if params.get("split") else 1)
        send(JobMetric(job=job, name="loss", step=step, value=1.0 / (step + 1)))
        time.sleep(float(params.get("wait", 0.0)))
    if params.get("warn"):
        send(JobWarning(job=job, message=str(params["warn"])))
    if params.get("die"):
        sys.stderr.write("the last words\n")
        sys.stderr.flush()
        os._exit(int(params["die"]))
    if params.get("fail"):
        send(JobFailed(job=job, code="user", message=str(params["fail"]), hint="Do it otherwise.", changed=["jobs"]))
        return
    send(JobDone(job=job, changed=["queries", "jobs"], summary={"pid": os.getpid()}))


def answer(command: Message) -> None:
    if isinstance(command, OpenSearch):
        send(SearchReady(project=command.project, model=command.model, passages=3))
    elif isinstance(command, SearchQuery):
        if command.text == "die":
            os._exit(3)
        if command.text == "fail":
            send(SearchFailed(request=command.request, message="No index.", hint="Import first."))
        else:
            hit = FoundHit(rank=1, passage_id=len(command.text), score=0.5)
            send(
                SearchHits(
                    request=command.request, mode=command.mode, model=command.model, hits=[hit], milliseconds=1.5
                )
            )
    elif isinstance(command, Edit):
        if command.kind == "fail":
            send(EditFailed(request=command.request, message="No.", hint="Try another."))
        elif command.kind == "recover":
            send(EditDone(request=command.request, changed=[], values={"interrupted": []}))
        else:
            send(
                EditDone(request=command.request, changed=["queries"], values={"kind": command.kind, **command.values})
            )


if __name__ == "__main__":
    threading.Thread(target=read, daemon=True).start()
    send(WorkerReady(pid=os.getpid()))
    while not isinstance(command := commands.get(), Shutdown):
        if isinstance(command, RunJob):
            run(command)
        else:
            answer(command)
