"""What each import brought, by pages, and where the project's documents came from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.records import ImportCounts, ImportProblem, ImportReport, State
from engine.store.browse import passage_name
from engine.store.project import Project

_PARTS = ("documents", "passages", "queries")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import in the list of all: its report without problems, whether it came to its end, and what was done since.

    Attributes:
        ended: False for one that was killed; it is then known by what it stored.
        undone: taken back.
        problems: how many things it could not take; `open`: those neither settled nor ignored since.
    """

    report: ImportReport
    ended: bool
    undone: bool
    problems: int
    open: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """One document, passage or query that an import brought: its name, what stands beside it, how it came.

    Attributes:
        document_id: the document to show, 0 for a query.
        fresh: True where the import brought it first, False where it read it anew.
    """

    id: int
    document_id: int
    name: str
    beside: str
    fresh: bool


def import_rows(project: Project, *, limit: int = 200) -> list[ImportRow]:
    """Imports, the newest first."""
    rows = project.db.execute(
        "select i.id, i.created_at, i.format, i.paths, i.counts, i.state, i.undone, "
        "(select count(*) from import_problems p where p.import_id = i.id), "
        "(select count(*) from import_problems p where p.import_id = i.id and p.state = 'open') "
        "from imports i order by i.id desc limit ?",
        [limit],
    )
    return [_import_row(row) for row in rows]


def problem_kinds(project: Project, import_id: int) -> list[tuple[str, str, int]]:
    """(state, code, how many) of an import's problems, most first."""
    rows = project.db.execute(
        "select state, code, count(*) from import_problems where import_id = ? group by 1, 2 order by 3 desc, 1, 2",
        [import_id],
    )
    return [(str(state), str(code), int(count)) for state, code, count in rows]


def count_problems(project: Project, import_id: int, *, state: str = "", code: str = "") -> int:
    """How many problems of an import are in a state (any where empty) and of a code."""
    where, values = _problems(import_id, state, code)
    return int(project.db.execute(f"select count(*) from import_problems {where}", values).fetchone()[0])


def page_of_problems(
    project: Project, import_id: int, *, offset: int, limit: int, state: str = "", code: str = ""
) -> list[ImportProblem]:
    """A page of an import's problems, in the order they were met."""
    where, values = _problems(import_id, state, code)
    rows = project.db.execute(
        f"select file, line, code, reason, id, path, state from import_problems {where} order by id limit ? offset ?",
        [*values, limit, offset],
    )
    return [ImportProblem(*row) for row in rows]


def _problems(import_id: int, state: str, code: str) -> tuple[str, list[Any]]:  # Any: ids and words
    where = "where import_id = ?"
    values: list[Any] = [import_id]  # Any: ids and words
    for column, word in (("state", state), ("code", code)):
        if word:
            where, values = f"{where} and {column} = ?", [*values, word]
    return where, values


def stored_by(project: Project, import_id: int) -> tuple[int, int]:
    """(documents, passages) that an import has stored so far; for one that is at work."""
    row = project.db.execute(
        "select count(*), coalesce(sum(n_passages), 0) from documents where import_id = ?", [import_id]
    ).fetchone()
    return int(row[0]), int(row[1])


def count_arrived(project: Project, import_id: int, part: str, *, contains: str = "") -> int:
    """How many documents, passages or queries an import brought that are still there; `part` is one of these words."""
    if part not in _PARTS:
        raise ValueError(part)
    source, values = _source(part, import_id, contains)
    return int(project.db.execute(f"select count(*) {source}", values).fetchone()[0])


def page_of_arrived(
    project: Project, import_id: int, part: str, *, offset: int, limit: int, contains: str = ""
) -> list[Arrived]:
    """A page of what an import brought, in the order it came."""
    if part not in _PARTS:
        raise ValueError(part)
    source, values = _source(part, import_id, contains)
    rows = project.db.execute(f"{_SELECT[part]} {source} order by 1 limit ? offset ?", [*values, limit, offset])
    return [_ARRIVED[part](row, import_id) for row in rows]


def documents_at(project: Project, paths: Sequence[str]) -> dict[str, int]:
    """Ids of the documents read from files of these paths; paths without one are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(paths), 500):
        block = list(paths[start : start + 500])
        marks = ", ".join("?" * len(block))
        rows = project.db.execute(f"select path, id from documents where labelled = 0 and path in ({marks})", block)
        found.update({str(path): int(document_id) for path, document_id in rows})
    return found


_SELECT = {
    "documents": "select d.id, d.title, d.path, d.external_id, d.kind, d.first_import_id",
    "passages": "select p.id, p.document_id, p.heading, d.title, substr(p.text, 1, 200), d.first_import_id",
    "queries": "select q.id, q.text, q.source",
}
_COLUMNS = {
    "documents": ("d.title", "d.path"),
    "passages": ("p.heading", "p.text"),
    "queries": ("q.text",),
}


def _source(part: str, import_id: int, contains: str) -> tuple[str, list[Any]]:  # Any: ids and texts
    if part == "queries":
        where, values = "from queries q where q.import_id = ?", [import_id]
    else:
        table = "documents d" if part == "documents" else "documents d join passages p on p.document_id = d.id"
        where, values = f"from {table} where (d.import_id = ? or d.first_import_id = ?)", [import_id, import_id]
    if not contains:
        return where, values
    escaped = contains.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    columns = _COLUMNS[part]
    like = " or ".join(rf"{column} like ? escape '\'" for column in columns)
    return f"{where} and ({like})", [*values, *[f"%{escaped}%"] * len(columns)]


def _arrived_document(row: Sequence[Any], import_id: int) -> Arrived:  # Any: a row's columns
    document_id, title, path, external_id, kind, first = row
    name = title or (path or "").replace("\\", "/").rsplit("/", 1)[-1] or external_id or str(document_id)
    return Arrived(document_id, document_id, name, path or kind or "", first == import_id)


def _arrived_passage(row: Sequence[Any], import_id: int) -> Arrived:  # Any: a row's columns
    passage_id, document_id, heading, title, text, first = row
    return Arrived(passage_id, document_id, passage_name(heading or "", title or "", text), text, first == import_id)


def _arrived_query(row: Sequence[Any], _import_id: int) -> Arrived:  # Any: a row's columns
    return Arrived(row[0], 0, row[1], row[2] or "", True)


_ARRIVED = {"documents": _arrived_document, "passages": _arrived_passage, "queries": _arrived_query}


def _import_row(row: Sequence[Any]) -> ImportRow:  # Any: a row's columns
    import_id, created_at, format_, paths, counts, state, undone, problems, open_ = row
    known = ImportCounts(**json.loads(counts))
    report = ImportReport(int(import_id), created_at, format_, tuple(json.loads(paths)), known)
    return ImportRow(report, state == State.COMPLETE.value, bool(undone), int(problems), int(open_))
