"""Puts queries together and takes them apart by hand; each change can be taken back to what was there before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.records import Split
from engine.store.project import Project, now
from engine.store.queries import merge_query, unmerge_query

Before = dict[str, Any]  # Any: JSON values; what `restore` takes


def merge(project: Project, query_id: int, into: int) -> Before:
    """Let `into` stand for `query_id` and all that it stood for; returns what was there before."""
    before = _snapshot(project, (query_id, into))
    merge_query(project, query_id, into)
    return before


def unmerge(project: Project, query_id: int) -> Before:
    """Let a merged query stand for itself again; returns what was there before."""
    before = _snapshot(project, (query_id,))
    unmerge_query(project, query_id)
    return before


def keep_apart(project: Project, query_id: int, other_id: int) -> Before:
    """Note that two queries do not ask the same, so that no search for duplicates merges them; part them if merged."""
    before = _snapshot(project, (query_id, other_id))
    heads = {_head(project, query_id), _head(project, other_id)}
    if len(heads) == 1:
        unmerge_query(project, query_id if query_id not in heads else other_id)
    with project.db.atomic():
        project.db.execute("delete from query_decisions where query_id = ? and other_id = ?", [other_id, query_id])
        project.db.execute(
            "insert or replace into query_decisions (query_id, other_id, same, made_at) values (?, ?, 0, ?)",
            [query_id, other_id, now()],
        )
    return before


def take_apart(project: Project, query_id: int) -> Before:
    """Let every query merged into this one stand for itself again; returns what was there before."""
    before = _snapshot(project, (query_id,))
    for row in project.db.execute("select id from queries where duplicate_of = ? order by id", [query_id]).fetchall():
        unmerge_query(project, int(row[0]))
    return before


def restore(project: Project, before: Before) -> None:
    """Make groups, splits and a person's words on them what they were."""
    ids = [int(row[0]) for row in before["queries"]]
    with project.db.atomic():
        marks = ", ".join("?" * len(ids))
        project.db.execute(f"delete from query_decisions where query_id in ({marks}) or other_id in ({marks})", ids * 2)
        project.db.conn.executemany(
            "insert into query_decisions (query_id, other_id, same, made_at) values (?, ?, ?, ?)", before["decisions"]
        )
        project.db.conn.executemany(
            "update queries set duplicate_of = ?, split = ? where id = ?",
            [(head, Split(split) if split else None, query_id) for query_id, head, split in before["queries"]],
        )


def kept_apart(project: Project) -> set[tuple[int, int]]:
    """Pairs of queries (smaller id first) that a person keeps apart."""
    rows = project.db.execute(
        "select min(query_id, other_id), max(query_id, other_id) from query_decisions where same = 0"
    )
    return {(int(row[0]), int(row[1])) for row in rows}


def _head(project: Project, query_id: int) -> int:
    row = project.db.execute("select coalesce(duplicate_of, id) from queries where id = ?", [query_id]).fetchone()
    return int(row[0]) if row else query_id


def _snapshot(project: Project, query_ids: Iterable[int]) -> Before:
    """The groups of some queries as they are, with every word a person said of their members."""
    heads = sorted({_head(project, query_id) for query_id in query_ids})
    marks = ", ".join("?" * len(heads))
    rows = project.db.execute(
        f"select id, duplicate_of, split from queries where id in ({marks}) or duplicate_of in ({marks}) order by id",
        heads * 2,
    ).fetchall()
    ids = [int(row[0]) for row in rows]
    marks = ", ".join("?" * len(ids))
    said = project.db.execute(
        "select query_id, other_id, same, made_at from query_decisions "
        f"where query_id in ({marks}) or other_id in ({marks}) order by made_at, rowid",
        ids * 2,
    ).fetchall()
    return {"queries": [list(row) for row in rows], "decisions": [list(row) for row in said]}
