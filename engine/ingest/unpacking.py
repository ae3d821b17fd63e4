"""Files out of archives take the archive's place in an import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

from engine.errors import FormatError, UserError
from engine.ingest.archives import ARCHIVES, ArchiveKind, unpack
from engine.ingest.finding import Found, scan
from engine.params import ImportParams
from engine.task import Task

DEEPEST = 3  # archives within archives; some contain themselves


def unpacked(
    found: Iterable[Found], params: ImportParams, place: Path, task: Task, *, depth: int = 1
) -> Iterator[Found]:
    """What is found, with each archive replaced by what is in it; files are written below `place`.

    A file that cannot be taken out is listed as skipped, and so is an archive that cannot be opened.
    """
    for number, one in enumerate(found):
        if one.kind != "documents" or one.format not in ARCHIVES:
            yield one
        elif depth > DEEPEST:
            yield replace(one, kind="skipped", code="too_deep", reason=f"an archive within {DEEPEST} others")
        else:
            yield from _members(one, params, place / f"{depth}-{number}", task, depth)


def _members(one: Found, params: ImportParams, place: Path, task: Task, depth: int) -> Iterator[Found]:
    task.progress("unpack", 0, 0, one.shown)
    try:
        left_out = unpack(one.path, cast(ArchiveKind, one.format), place, task)
        inner = scan([str(place)], params, task) if any(path.is_file() for path in place.rglob("*")) else []
    except (FormatError, UserError, OSError) as error:
        yield replace(one, kind="skipped", code="archive", reason=str(error))
        return
    if not inner and not left_out:
        yield replace(one, kind="skipped", code="empty", reason="an archive without files")
    for name, reason in left_out:
        yield Found(one.path, f"{one.shown}/{name}", "skipped", "", reason, "archive")
    named = [_named(member, one, place) for member in inner]
    yield from unpacked(named, params, place.with_name(f"{place.name}-in"), task, depth=depth + 1)


def _named(member: Found, archive: Found, place: Path) -> Found:
    inside = "" if member.path == place else member.path.relative_to(place).as_posix()
    shown = f"{archive.shown}/{inside}".rstrip("/")
    return replace(member, shown=shown, origin=f"{archive.name}/{inside}".rstrip("/"))
