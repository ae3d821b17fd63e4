"""Imports: what each brought and what it could not take, kept with the project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from engine.records import ImportCounts, ImportProblem, ImportReport, JobState, State, UnfinishedImport
from engine.store.project import Project, now

_PROBLEM = "file, line, code, reason, id, path, state"
_AT = "path = ? and path != ''"  # the index holds no empty paths, and is used only where that is said


def start_import(
    project: Project,
    paths: Sequence[str],
    format: str,
    *,
    settings: dict[str, Any] | None = None,  # Any: JSON values
) -> int:
    """Open the record of an import; returns its id. `settings` are its params, for reading the same again."""
    cursor = project.db.execute(
        "insert into imports (created_at, format, paths, counts, state, settings, job_id) values (?, ?, ?, '{}', ?, ?, "
        "(select max(id) from jobs where state = 'running'))",
        [now(), format, json.dumps(list(paths)), State.BUILDING.value, json.dumps(settings or {})],
    )
    return int(cursor.lastrowid or 0)


def note_progress(project: Project, import_id: int, counts: ImportCounts, *, done: int, total: int, file: str) -> None:
    """Say where an import stands, so that one that is ended from outside can tell."""
    project.db.execute(
        "update imports set counts = ?, done_files = ?, total_files = ?, current_file = ? where id = ?",
        [json.dumps(asdict(counts)), done, total, file, import_id],
    )


def add_problems(project: Project, import_id: int, problems: Iterable[ImportProblem]) -> None:
    with project.db.atomic():
        project.db.table("import_problems").insert_all(
            {
                "import_id": import_id,
                "file": problem.file,
                "line": problem.line,
                "code": problem.code,
                "reason": problem.reason,
                "path": problem.path,
                "state": problem.state,
            }
            for problem in problems
        )


def finish_import(project: Project, import_id: int, counts: ImportCounts, *, format: str = "") -> None:
    """Close the record; `format` replaces `auto` by what was found. Those of the same paths that broke off are done."""
    with project.db.atomic():
        project.db.execute(
            "update imports set counts = ?, state = ?, format = case when ? = '' then format else ? end where id = ?",
            [json.dumps(asdict(counts)), State.COMPLETE.value, format, format, import_id],
        )
        project.db.execute(
            "update imports set state = ? where state = ? and id < ? "
            "and paths = (select paths from imports where id = ?)",
            [State.COMPLETE.value, State.BUILDING.value, import_id, import_id],
        )


def unfinished_imports(project: Project) -> list[UnfinishedImport]:
    """Imports that were ended from outside and not done again since, newest first; none while a job is at work."""
    if project.is_busy():
        return []
    rows = project.db.execute(
        "select id, created_at, paths, done_files, total_files, current_file from imports where state = ? "
        "and undone = 0 order by id desc",
        [State.BUILDING.value],
    )
    found: dict[str, UnfinishedImport] = {}
    going = set(imports_to_take_back(project))
    for import_id, created_at, paths, done, total, file in rows:
        if import_id in going:
            continue
        found.setdefault(
            paths, UnfinishedImport(import_id, created_at, tuple(json.loads(paths)), done or 0, total or 0, file or "")
        )
    return list(found.values())


def imports_to_take_back(project: Project) -> list[int]:
    """Imports that were cancelled with the wish to have them undone and were ended before that was done."""
    rows = project.db.execute(
        "select i.id from imports i join jobs j on j.id = i.job_id where i.undone = 0 "
        "and json_extract(j.params, '$.on_cancel') = 'undo' "
        "and (i.format = 'cancelled' or (i.state = ? and j.state = ?)) order by i.id desc",
        [State.BUILDING.value, JobState.CANCELLED.value],
    )
    return [int(row[0]) for row in rows]


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
        f"select {_PROBLEM} from import_problems where import_id = ? order by id limit ?", [import_id, limit]
    )
    return [ImportProblem(*row) for row in rows]


def open_problems(project: Project, *, files: bool = False, ignored: bool = False) -> list[ImportProblem]:
    """Problems that are not settled, oldest first; `files`: of whole files alone; `ignored`: also those to be left."""
    states = "('open', 'ignored')" if ignored else "('open')"
    rows = project.db.execute(
        f"select {_PROBLEM} from import_problems where state in {states} {'and line = 0' if files else ''} order by id"
    )
    return [ImportProblem(*row) for row in rows]


def paths_with_problems(project: Project) -> set[str]:
    """What files with unsettled problems are known by."""
    rows = project.db.execute(
        "select distinct path from import_problems where path != '' and state in ('open', 'ignored')"
    )
    return {str(row[0]) for row in rows}


def settle_problems(project: Project, import_id: int, path: str, *, whole: bool) -> None:
    """After the import dealt with `path`: older problems of it are resolved, or repeated by this import's own.

    A file that was not taken for another reason now is repeated, too. What a person ignored stays ignored where it is
    said again. With `whole` the file was not read anew, so that only problems of the file as a whole are settled.
    """
    line = "and line = 0" if whole else ""
    # Sets that are made once, not looked up by line: of 10,000 bad lines each would be compared with each.
    said = f"select {{}} from import_problems where {_AT} and import_id = ?"
    ignored = f"select line, code from import_problems where {_AT} and import_id < ? and state = 'ignored'"
    with project.db.atomic():
        project.db.execute(
            f"update import_problems set state = 'ignored' where {_AT} and import_id = ? "
            f"and (line, code) in ({ignored})",
            [path, import_id, path, import_id],
        )
        project.db.execute(
            f"update import_problems set state = case when (line, code) in ({said.format('line, code')}) "
            f"or line = 0 and 0 in ({said.format('line')}) then 'repeated' else 'resolved' end, "
            f"settled_by = ? where {_AT} and import_id < ? and state in ('open', 'ignored') {line}",
            [path, import_id, path, import_id, import_id, path, import_id],
        )


def repeat_problems(project: Project, import_id: int, path: str) -> int:
    """Say the unsettled problems of an unchanged file, and of what is in it, again in this import; returns how many."""
    open_ = "and state in ('open', 'ignored') and import_id < ?"
    rows = project.db.execute(
        f"select path from import_problems where {_AT} {open_} union "
        f"select path from import_problems where path > ? and path < ? and path != '' {open_}",
        [path, import_id, f"{path}/", f"{path}0", import_id],
    ).fetchall()
    count = 0
    for (one,) in rows:
        count += project.db.execute(
            "insert into import_problems (import_id, file, line, code, reason, path, state) "
            "select ?, file, line, code, reason, path, state from import_problems "
            f"where {_AT} and import_id < ? and state in ('open', 'ignored')",
            [import_id, one, import_id],
        ).rowcount
        settle_problems(project, import_id, one, whole=False)
    return count


def ignore_problems(project: Project, problem_ids: Sequence[int], *, ignore: bool = True) -> int:
    """Leave problems as they are (or take that back); returns how many changed."""
    before, after = ("open", "ignored") if ignore else ("ignored", "open")
    with project.db.atomic():
        changed = [
            project.db.execute(
                "update import_problems set state = ? where id = ? and state = ?", [after, problem_id, before]
            ).rowcount
            for problem_id in problem_ids
        ]
    return sum(changed)


def settings_by_path(project: Project) -> dict[str, dict[str, Any]]:  # Any: JSON values
    """How each imported place was read the last time, by path."""
    rows = project.db.execute("select paths, settings from imports where undone = 0 order by id")
    return {path: json.loads(settings) for paths, settings in rows for path in json.loads(paths)}


def resolve_problems(project: Project, path: str) -> None:
    """Settle all problems of a file that is not there any more."""
    project.db.execute(
        f"update import_problems set state = 'resolved' where {_AT} and state in ('open', 'ignored')", [path]
    )


def count_problems(project: Project) -> int:
    """Problems that are open: neither settled nor ignored."""
    return int(project.db.execute("select count(*) from import_problems where state = 'open'").fetchone()[0])


def _report(row: Sequence[str], problems: tuple[ImportProblem, ...] = ()) -> ImportReport:
    import_id, created_at, format_, paths, counts = row
    return ImportReport(
        int(import_id), created_at, format_, tuple(json.loads(paths)), ImportCounts(**json.loads(counts)), problems
    )
