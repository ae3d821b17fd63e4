"""Imports again what was imported before: reads what changed, lists what vanished."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import UserError
from engine.ingest.importing import import_paths
from engine.params import ImportParams, ReimportParams
from engine.records import ImportProblem
from engine.store import documents, imports
from engine.store.project import Project
from engine.task import Task

_MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class ReimportSummary:
    """Counts over all places that were read again.

    Attributes:
        vanished: files whose documents are in the project and that are not there any more (at most 1,000 named).
        missing: places that cannot be read now, such as a disk that is not plugged in; nothing of theirs is removed.
        removed: documents taken out because their file vanished.
    """

    new: int
    updated: int
    unchanged: int
    skipped: int
    vanished: tuple[str, ...]
    missing: tuple[str, ...]
    removed: int
    problems: tuple[ImportProblem, ...] = ()


def reimport(project: Project, params: ReimportParams, task: Task) -> ReimportSummary:
    """Read again every file and folder that was imported and not taken back.

    Raises:
        UserError: nothing was imported from files yet.
        Cancelled: what was stored before stays.
    """
    places = imports.imported_paths(project)
    if not places:
        raise UserError("Nothing was imported from files yet.", hint="Import documents first: searchsmith import")
    there = [place for place in places if Path(place).exists()]
    counts = {"new": 0, "updated": 0, "unchanged": 0, "skipped": 0}
    problems: tuple[ImportProblem, ...] = ()
    if there:
        report = import_paths(project, ImportParams(paths=tuple(there)), task)
        counts = {name: value for name, value in asdict(report.counts).items() if name in counts}
        problems = report.problems
    gone = vanished(project, there)
    if params.remove_vanished:
        documents.remove_documents(project, list(gone.values()))
    return ReimportSummary(
        **counts,
        vanished=tuple(sorted(gone)[:_MOST_LISTED]),
        missing=tuple(place for place in places if place not in there),
        removed=len(gone) if params.remove_vanished else 0,
        problems=problems,
    )


def vanished(project: Project, places: list[str]) -> dict[str, int]:
    """Documents below `places` whose file is gone, by path; what an archive held is there while the archive is."""
    roots = [Path(place) for place in places]
    gone = {}
    for path, document_id in documents.paths_of_files(project):
        place = Path(path)
        if not any(place.is_relative_to(root) for root in roots) or place.exists():
            continue
        if not any(parent.is_file() for parent in place.parents):
            gone[path] = document_id
    return gone
