"""Queries that the program made: which they are, and how many stand where."""

from __future__ import annotations

from engine.records import Split
from engine.store.project import Project

PREFIX = "made: "


def source_of(way: str) -> str:
    """A made query's source, e.g. `made: headings`."""
    return PREFIX + way


def is_made(source: str) -> bool:
    return source.startswith(PREFIX)


def made_queries_in(project: Project, split: Split) -> int:
    """How many queries of a split were made by the program."""
    row = project.db.execute(
        "select count(*) from queries where split = ? and source like ?", [split.value, f"{PREFIX}%"]
    ).fetchone()
    return int(row[0])


def passages_with(project: Project, way: str) -> set[int]:
    """Passages that queries were made from in this way."""
    rows = project.db.execute("select distinct passage_id from qrels where source = ?", [source_of(way)])
    return {int(row[0]) for row in rows}
