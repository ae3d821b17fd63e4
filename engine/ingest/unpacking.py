"""Files out of archives take the archive's place in an import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from engine.errors import FormatError, Skipped, UserError
from engine.ingest.archives import ARCHIVES, ArchiveKind, unpack
from engine.ingest.finding import Found, scan
from engine.ingest.passwords import Passwords
from engine.params import ImportParams
from engine.task import Task

DEEPEST = 3  # archives within archives; some contain themselves


@dataclass(frozen=True, slots=True)
class Unpacker:
    """Takes archives apart below the folder `place`, with the passwords that were given."""

    params: ImportParams
    place: Path
    task: Task
    passwords: Passwords
    is_known: Callable[[Found], bool] = lambda _: False

    def unpacked(self, found: Iterable[Found], *, depth: int = 1, within: str = "") -> Iterator[Found]:
        """What is found, with each archive replaced by what is in it.

        A file that cannot be taken out is listed as skipped, and so is an archive that cannot be opened. Archives that
        are known, with all that is in them, stay as they are.
        """
        for number, one in enumerate(found):
            if one.kind != "documents" or one.format not in ARCHIVES:
                yield one
            elif depth > DEEPEST:
                yield replace(one, kind="skipped", code="too_deep", reason=f"an archive within {DEEPEST} others")
            else:
                yield from self._members(one, self.place / f"{within}{depth}-{number}", depth)

    def _members(self, one: Found, place: Path, depth: int) -> Iterator[Found]:
        def pulse() -> None:
            self.task.check_cancelled()
            self.task.check_skipped(one.shown)

        self.task.progress("unpack", 0, 0, one.shown)
        try:
            if depth == 1 and self.is_known(one):
                yield one
                return
            one = replace(one, archive=one.archive or one.name)
            password = self.passwords.of(one.name)
            kind = cast(ArchiveKind, one.format)
            left_out = unpack(one.path, kind, place, self.task, password=password, pulse=pulse)
            any_file = any(path.is_file() for path in place.rglob("*"))
            inner = scan([str(place)], self.params, self.task) if any_file else []
        except Skipped:
            yield replace(one, kind="skipped", code="skipped_by_hand", reason="skipped by you")
            return
        except (UserError, OSError) as error:
            code = error.code if isinstance(error, FormatError) and error.code != "format" else "archive"
            yield replace(one, kind="skipped", code=code, reason=str(error))
            return
        if not inner and not left_out:
            yield replace(one, kind="skipped", code="empty", reason="an archive without files")
        for left in left_out:
            origin = f"{one.name}/{left.name}"
            shown = f"{one.shown}/{left.name}"
            yield Found(one.path, shown, "skipped", "", left.reason, left.code, origin=origin, archive=one.archive)
        named = [_named(member, one, place) for member in inner]
        yield from self.unpacked(named, depth=depth + 1, within=f"{place.name}-")


def _named(member: Found, archive: Found, place: Path) -> Found:
    inside = "" if member.path == place else member.path.relative_to(place).as_posix()
    shown = f"{archive.shown}/{inside}".rstrip("/")
    return replace(member, shown=shown, origin=f"{archive.name}/{inside}".rstrip("/"), archive=archive.archive)
