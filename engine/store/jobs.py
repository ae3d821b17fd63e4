"""The history of jobs and exports: what ran, how it ended, what it said."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.records import ExportRecord, JobRecord, JobState
from engine.store.project import Project, now

_LOG_TAIL = 8192  # what a job may still say after it was cancelled is less
_JOB = "id, kind, params, state, started_at, ended_at, message, summary, seconds"


def start_job(project: Project, kind: str, params: dict[str, Any]) -> int:  # Any: JSON values
    """Open a job's row; returns its id."""
    cursor = project.db.execute(
        "insert into jobs (kind, params, state, pid, started_at, ended_at, seconds, message, summary, dismissed) "
        "values (?, ?, ?, ?, ?, '', 0, '', '{}', 0)",
        [kind, json.dumps(params), JobState.RUNNING.value, os.getpid(), now()],
    )
    return int(cursor.lastrowid or 0)


def end_job(
    project: Project,
    job_id: int,
    state: JobState,
    *,
    message: str = "",
    summary: dict[str, Any] | None = None,  # Any: JSON values
    seconds: float = 0.0,
) -> None:
    project.db.execute(
        "update jobs set state = ?, ended_at = ?, message = ?, summary = ?, seconds = ? where id = ?",
        [state.value, now(), message, json.dumps(summary or {}), seconds, job_id],
    )


def jobs(project: Project, *, limit: int = 100) -> list[JobRecord]:
    """The history, newest first."""
    rows = project.db.execute(f"select {_JOB} from jobs order by id desc limit ?", [limit])
    return [_job(row) for row in rows]


def last_job(project: Project, kind: str) -> JobRecord | None:
    row = project.db.execute(f"select {_JOB} from jobs where kind = ? order by id desc limit 1", [kind]).fetchone()
    return _job(row) if row else None


def last_done(project: Project, kind: str) -> JobRecord | None:
    """The last job of this kind that came to its end."""
    row = project.db.execute(
        f"select {_JOB} from jobs where kind = ? and state = 'done' order by id desc limit 1", [kind]
    ).fetchone()
    return _job(row) if row else None


def interrupted_jobs(project: Project) -> list[JobRecord]:
    """Jobs that were ended from outside and neither repeated nor dismissed since, newest first."""
    rows = project.db.execute(
        f"select {_JOB} from jobs j where state = 'interrupted' and dismissed = 0 and not exists "
        "(select 1 from jobs later where later.kind = j.kind and later.id > j.id) order by id desc"
    )
    return [_job(row) for row in rows]


def dismiss_job(project: Project, job_id: int) -> None:
    """Stop telling about an interrupted job."""
    project.db.execute("update jobs set dismissed = 1 where id = ?", [job_id])


def job_log(project: Project, job_id: int) -> Path:
    """Where a job's events are appended, one JSON object a line."""
    return log_in(project.path, job_id)


def log_in(folder: Path, job_id: int) -> Path:
    """The same for the project in `folder`, which need not be open."""
    return folder / "logs" / f"job-{job_id}.jsonl"


def note_cancelled(folder: Path, job_id: int) -> None:
    """Say in a job's log that a person cancelled it: its process may end before it can say so in the database."""
    with log_in(folder, job_id).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": time.time(), "cancelled": True}) + "\n")


def mark_cancelled(project: Project) -> None:
    """Call jobs cancelled whose process ended before it said so itself."""
    for (job_id,) in project.db.execute("select id from jobs where state = 'running'").fetchall():
        if _says_cancelled(job_log(project, job_id)):
            end_job(project, job_id, JobState.CANCELLED)


def _says_cancelled(log: Path) -> bool:
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - _LOG_TAIL, 0))
            return b'"cancelled": true' in file.read()
    except OSError:
        return False


def put_export(project: Project, *, what: str, format: str, path: str, model_id: int | None, check: str) -> int:
    """Record an export that was checked; returns its id."""
    cursor = project.db.execute(
        'insert into exports (what, format, path, model_id, "check", created_at) values (?, ?, ?, ?, ?, ?)',
        [what, format, path, model_id, check, now()],
    )
    return int(cursor.lastrowid or 0)


def exports(project: Project, *, limit: int = 100) -> list[ExportRecord]:
    """What was taken out, newest first."""
    rows = project.db.execute(
        'select id, what, format, path, model_id, "check", created_at from exports order by id desc limit ?', [limit]
    )
    return [ExportRecord(*row) for row in rows]


def was_exported(project: Project, path: str) -> bool:
    """Whether something of the project was taken out to this path before."""
    return project.db.execute("select 1 from exports where path = ? limit 1", [path]).fetchone() is not None


def _job(row: Sequence[Any]) -> JobRecord:  # Any: a row's columns
    job_id, kind, params, state, started_at, ended_at, message, summary, seconds = row
    return JobRecord(
        job_id, kind, json.loads(params), JobState(state), started_at, ended_at, message, json.loads(summary), seconds
    )
