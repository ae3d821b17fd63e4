"""Imports: what each brought and what it could not take, kept with the project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from engine.records import ImportCounts, ImportProblem, ImportReport, State
from engine.store.project import Project, now


def start_import(project: Project, paths: Sequence[str], format: str) -> int:
    """Open the record of an import; returns its id."""
    cursor = project.db.execute(
        "insert into imports (created_at, format, paths, counts, state) values (?, ?, ?, '{}', ?)",
        [now(), format, json.dumps(list(paths)), State.BUILDING.value],
    )
    return int(cursor.lastrowid or 0)


def add_problems(project: Project, import_id: int, problems: Iterable[ImportProblem]) -> None:
    with project.db.atomic():
        project.db.table("import_problems").insert_all(
            {"import_id": import_id, **asdict(problem)} for problem in problems
        )


def finish_import(project: Project, import_id: int, counts: ImportCounts, *, format: str = "") -> None:
    """Close the record; `format` replaces `auto` by what was found."""
    project.db.execute(
        "update imports set counts = ?, state = ?, format = case when ? = '' then format else ? end where id = ?",
        [json.dumps(asdict(counts)), State.COMPLETE.value, format, format, import_id],
    )


def import_reports(project: Project, *, limit: int = 50) -> list[ImportReport]:
    """Imports, newest first, without their problems."""
    rows = project.db.execute(
        "select id, created_at, format, paths, counts from imports order by id desc limit ?", [limit]
    )
    return [_report(row) for row in rows]


def import_report(project: Project, import_id: int, *, limit: int = 10_000) -> ImportReport | None:
    """One import with its problems (at most `limit`)."""
    row = project.db.execute(
        "select id, created_at, format, paths, counts from imports where id = ?", [import_id]
    ).fetchone()
    return _report(row, tuple(problems_of(project, import_id, limit=limit))) if row else None


def problems_of(project: Project, import_id: int, *, limit: int = 10_000) -> list[ImportProblem]:
    rows = project.db.execute(
        "select file, line, code, reason from import_problems where import_id = ? order by id limit ?",
        [import_id, limit],
    )
    return [ImportProblem(*row) for row in rows]


def imported_paths(project: Project) -> list[str]:
    """Files and folders that were imported and not taken back, each once, the first first."""
    rows = project.db.execute("select paths from imports where undone = 0 order by id")
    return list(dict.fromkeys(path for row in rows for path in json.loads(row[0])))


def count_problems(project: Project) -> int:
    return int(project.db.execute("select count(*) from import_problems").fetchone()[0])


def _report(row: Sequence[str], problems: tuple[ImportProblem, ...] = ()) -> ImportReport:
    import_id, created_at, format_, paths, counts = row
    return ImportReport(
        int(import_id), created_at, format_, tuple(json.loads(paths)), ImportCounts(**json.loads(counts)), problems
    )
