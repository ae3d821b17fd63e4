"""Imports again: what was imported before or is watched, reading what changed; and files that were not taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.ingest.importing import import_paths
from engine.ingest.limits import LARGER, in_words
from engine.params import ImportParams, ReimportParams, RetryParams, params_from_dict
from engine.records import ImportCounts, ImportProblem, ImportReport
from engine.store import documents, imports, places, seen
from engine.store.project import Project
from engine.task import Task

LIMIT_CODES = ("too_slow", "memory", "too_large")
"""Problems that larger limits can help."""
MOST_LISTED = 1000
"""So many files that are gone are named."""

# What is no failure of reading, and what is read only if a person names the file.
_NO_FAILURES = ("duplicate", "set_aside", "existing", "link", "not_a_file")
_LEFT_OUT = ("beside_set", "left_out", "unknown_kind", "too_deep")


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


@dataclass(frozen=True, slots=True)
class RetrySummary:
    """What came of files that were read again.

    Attributes:
        files: that were asked for.
        limits: what each of them might take, in words.
        gone: files that are not there any more.
    """

    files: int
    new: int
    updated: int
    unchanged: int
    skipped: int
    limits: str
    gone: tuple[str, ...] = ()
    problems: tuple[ImportProblem, ...] = ()


def reimport(project: Project, params: ReimportParams, task: Task) -> ReimportSummary:
    """Read again every file and folder that was imported and not taken back, or is watched; each as it was read before.

    Raises:
        UserError: nothing was imported from files yet, or a place named was not.
        Cancelled: what was stored before stays.
    """
    known = [place.path for place in places.imported_places(project)]
    if not known:
        raise UserError("Nothing was imported from files yet.", hint="Import documents first: searchsmith import")
    asked = [str(Path(path).expanduser().absolute()) for path in params.paths] or known
    is_known = _below(known)
    if strange := [path for path in asked if not is_known(path)]:
        raise UserError(f"{strange[0]} was not imported and is not watched.", hint="Import it, or watch it.")
    asked = _outermost(asked, imports.settings_by_path(project))
    there = [place for place in asked if Path(place).exists()]
    like = ImportParams(thorough=params.thorough, passwords=params.passwords)
    reports = _import_as_before(project, {place: place for place in there}, like, task)
    counts = _summed(reports)
    gone = note_vanished(project, there)
    if params.remove_vanished:
        documents.remove_documents(project, list(gone.values()))
    return ReimportSummary(
        new=counts.new,
        updated=counts.updated,
        unchanged=counts.unchanged,
        skipped=counts.skipped,
        vanished=tuple(sorted(gone)[:MOST_LISTED]),
        missing=tuple(place for place in asked if place not in there),
        removed=len(gone) if params.remove_vanished else 0,
        problems=tuple(problem for report in reports for problem in report.problems),
    )


def retry(project: Project, params: RetryParams, task: Task) -> RetrySummary:
    """Read files again that were not taken; those that are taken now, their problems are resolved.

    Raises:
        UserError: no open problem is of the files that were asked for.
        Cancelled: what was stored before stays.
    """
    wanted = _problem_paths(project, params)
    if not wanted:
        what = " that met a limit" if params.larger and not params.files else ""
        raise UserError(f"There is no file with an open problem{what} to read again.", hint="searchsmith problems list")
    files = {path: _outermost_file(path) for path in wanted}
    gone = tuple(path for path, file in files.items() if not Path(file).exists())
    like = ImportParams(limits="large" if params.larger else "normal", passwords=params.passwords)
    again = {path: file for path, file in files.items() if path not in gone}
    reports = _import_as_before(project, again, replace(like, only=tuple(again)), task)
    counts = _summed(reports)
    return RetrySummary(
        files=len(wanted),
        new=counts.new,
        updated=counts.updated,
        unchanged=counts.unchanged,
        skipped=counts.skipped,
        limits=in_words(LARGER if params.larger else 1),
        gone=gone[:MOST_LISTED],
        problems=tuple(problem for report in reports for problem in report.problems),
    )


def vanished(project: Project, roots: Sequence[str]) -> dict[str, int]:
    """Documents below `roots` whose file is gone, by path; what an archive held was there when that was read last."""
    taken_out, is_below = seen.gone_members(project), _below(roots)
    return {
        path: found
        for path, found in documents.paths_of_files(project)
        if places.is_gone(path, taken_out) and is_below(path)
    }


def note_vanished(project: Project, roots: Sequence[str]) -> dict[str, int]:
    """After `roots` were read: the same, and what such a file once lacked is nobody's problem any more."""
    is_below = _below(roots)
    for path in sorted(imports.paths_with_problems(project)):
        if is_below(path) and places.is_gone(path, frozenset()):
            imports.resolve_problems(project, path)
    return vanished(project, roots)


def _import_as_before(project: Project, files: dict[str, str], like: ImportParams, task: Task) -> list[ImportReport]:
    """Import files (by what they are known by) in groups of those that were read in the same way before."""
    settings = imports.settings_by_path(project)
    groups: dict[str, list[str]] = {}
    for path, file in files.items():
        groups.setdefault(json.dumps(_settings_of(path, settings), sort_keys=True), []).append(file)
    asked = {"passwords": dict(like.passwords), "limits": like.limits, "thorough": like.thorough, "only": like.only}
    return [
        import_paths(
            project,
            params_from_dict(ImportParams, {**json.loads(how), **asked, "paths": list(dict.fromkeys(group))}),
            task,
        )
        for how, group in groups.items()
    ]


def _settings_of(path: str, settings: dict[str, dict[str, Any]]) -> dict[str, Any]:  # Any: JSON values
    """How the nearest place around `path` was read the last time."""
    for place in (path, *(str(parent) for parent in Path(path).parents)):
        if place in settings:
            return settings[place]
    return {}


def _problem_paths(project: Project, params: RetryParams) -> list[str]:
    """What the files to be read again are known by, each once, in the order of their problems."""
    asked = [str(Path(path).expanduser().absolute()) for path in params.files]
    problems = imports.open_problems(project, files=not asked, ignored=bool(asked))
    if params.larger and not asked:
        problems = [problem for problem in problems if problem.code in LIMIT_CODES]
    left = _NO_FAILURES if asked else (*_NO_FAILURES, *_LEFT_OUT)
    paths = dict.fromkeys(problem.path for problem in problems if problem.path and problem.code not in left)
    is_asked = _below(asked)
    return [path for path in paths if not asked or is_asked(path)]


def _outermost_file(path: str) -> str:
    """The file itself, or the archive that it is in."""
    parents = reversed(Path(path).parents)
    return next((str(parent) for parent in parents if parent.is_file()), path)


def _outermost(paths: Sequence[str], settings: dict[str, dict[str, Any]]) -> list[str]:  # Any: JSON values
    """Places that do not lie in a folder among them that is read in the same way."""
    folders = {Path(path): path for path in paths if Path(path).is_dir()}

    def is_covered(path: str) -> bool:
        around = [folders[parent] for parent in Path(path).parents if parent in folders]
        return any(_settings_of(other, settings) == _settings_of(path, settings) for other in around)

    return [path for path in paths if not is_covered(path)]


def _below(roots: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path is one of these or lies below one; looked up, as people choose thousands of files at once."""
    known = {Path(root) for root in roots}
    return lambda path: Path(path) in known or not known.isdisjoint(Path(path).parents)


def _summed(reports: Sequence[ImportReport]) -> ImportCounts:
    names = ImportCounts.__dataclass_fields__
    return ImportCounts(**{name: sum(getattr(report.counts, name) for report in reports) for name in names})
