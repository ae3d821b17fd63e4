"""Ids that files of others name: which query or passage of the project each of them means."""

from __future__ import annotations

from collections.abc import Iterable

from engine.store.project import Project

_BLOCK = 500


def passages_named(project: Project, names: Iterable[str]) -> dict[str, int]:
    """Passage ids by outside name: an imported id that one passage bears, or what an export of the project called it.

    Exports call a passage without an imported id by its number, and add `#number` to an id that several bear.
    """
    return _named(project, "passages", names)


def queries_named(project: Project, names: Iterable[str]) -> dict[str, int]:
    """The same for queries."""
    return _named(project, "queries", names)


def _named(project: Project, table: str, names: Iterable[str]) -> dict[str, int]:
    wanted = list(dict.fromkeys(names))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        marks = ", ".join("?" * len(block))
        rows = project.db.execute(
            f"select external_id, min(id) from {table} where external_id in ({marks}) "
            "group by external_id having count(*) = 1",
            block,
        )
        found.update({row[0]: row[1] for row in rows})
        found.update(_by_number(project, table, [name for name in block if name not in found]))
    return found


def _by_number(project: Project, table: str, names: Iterable[str]) -> dict[str, int]:
    parted = {name: name.rpartition("#") for name in names}
    numbers = {name: int(parts[2]) for name, parts in parted.items() if parts[2].isdecimal() and len(parts[2]) < 19}
    marks = ", ".join("?" * len(numbers))
    rows = project.db.execute(
        f"select id, coalesce(external_id, '') from {table} where id in ({marks})", list(numbers.values())
    )
    known: dict[int, str] = {row[0]: row[1] for row in rows}
    return {
        name: number
        for name, number in numbers.items()
        if number in known and known[number] == parted[name][0] and bool(parted[name][0]) == bool(parted[name][1])
    }


def of_other_imports(project: Project, query_ids: Iterable[int], import_id: int) -> set[int]:
    """Those of the queries that another import, or a person, brought."""
    wanted = list(dict.fromkeys(query_ids))
    found: set[int] = set()
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        marks = ", ".join("?" * len(block))
        rows = project.db.execute(
            f"select id from queries where id in ({marks}) and coalesce(import_id, 0) != ?", [*block, import_id]
        )
        found.update(row[0] for row in rows)
    return found


def put_groups(project: Project, groups: Iterable[tuple[int, str]]) -> None:
    """Name the group of queries; those of one group stay in one split."""
    project.db.conn.executemany("insert or replace into query_groups (query_id, name) values (?, ?)", list(groups))


def groups(project: Project) -> dict[int, list[str]]:
    """Names of groups by the query that stands for each group of duplicates."""
    found: dict[int, list[str]] = {}
    rows = project.db.execute(
        "select distinct coalesce(q.duplicate_of, q.id), g.name from query_groups g "
        "join queries q on q.id = g.query_id order by 1, 2"
    )
    for query_id, name in rows:
        found.setdefault(query_id, []).append(name)
    return found
