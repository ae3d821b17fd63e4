"""Files and folders that documents come from: those that were imported and those that are watched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Set
from pathlib import Path

from engine.records import Place, State
from engine.store.project import Project, now


def watch(project: Project, path: str) -> bool:
    """Remember a file or folder to be read by each `reimport`; False where it was watched already."""
    cursor = project.db.execute("insert or ignore into watched_places (path, added_at) values (?, ?)", [path, now()])
    return cursor.rowcount > 0


def unwatch(project: Project, path: str) -> bool:
    """Forget a watched place; what came from it stays. False where it was not watched."""
    return project.db.execute("delete from watched_places where path = ?", [path]).rowcount > 0


def watched(project: Project) -> list[Place]:
    """Watched places, the first first."""
    rows = project.db.execute("select path, read_at from watched_places order by added_at, path")
    return [Place(str(path), str(read_at), True) for path, read_at in rows]


def mark_read(project: Project, paths: Iterable[str]) -> None:
    """Say that these places were read to the end just now."""
    for path in paths:
        project.db.execute("update watched_places set read_at = ? where path = ?", [now(), path])


def imported_places(project: Project) -> list[Place]:
    """Every place that `reimport` reads: imported and not taken back, or watched; each once, the first first."""
    found: dict[str, Place] = {}
    rows = project.db.execute("select paths, created_at, state from imports where undone = 0 order by id")
    for paths, created_at, state in rows:
        for path in json.loads(paths):
            before = found.get(path)
            read_at = created_at if state == State.COMPLETE.value else (before.read_at if before else "")
            found[path] = Place(path, read_at, False)
    for place in watched(project):
        read_at = max(place.read_at, found[place.path].read_at if place.path in found else "")
        found[place.path] = Place(place.path, read_at, True)
    return list(found.values())


def is_gone(path: str, taken_out: Set[str]) -> bool:
    """Whether the file that a document came from is there no more; one out of an archive is there as long as that is.

    Args:
        taken_out: what archives that are there do not hold any more (`seen.gone_members`).
    """
    if os.path.exists(path):  # noqa: PTH110 - asked of 100,000 documents at once
        return False
    return path in taken_out or not any(parent.is_file() for parent in Path(path).parents)
