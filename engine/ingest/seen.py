"""What earlier imports learnt of files, so that those that did not change are neither looked into nor read again.

A file is taken as unchanged where its size and times are the same as when it was read; else its content decides. A
change that leaves size and times as they were is seen only by a thorough import. (Where the system keeps the time of a
file's last change of any kind, as Linux and macOS do, programs cannot set it back, and such changes are seen, too.)
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.ingest.finding import Found
from engine.ingest.labelled import detect
from engine.params import ImportParams
from engine.store import seen
from engine.store.project import Project
from engine.store.seen import SeenFile

READERS_VERSION = 2
"""Part of every document's content hash: readers that give other text from the same file, or that find other kinds of
files, count it up."""

# A file that changed in the tick of the clock in which it was read may have changed after it; FAT counts in 2 seconds.
_TRUSTED_NS = 2_000_000_000
# These may be gone next time although the file is the same.
PASSING = ("unreadable", "not_a_file", "skipped_by_hand", "link")


@dataclass(frozen=True, slots=True)
class Facts:
    """What tells whether a file changed without looking into it, and when it was asked for."""

    size: int
    mtime_ns: int
    ctime_ns: int
    read_ns: int

    def same_as(self, before: SeenFile) -> bool:
        same = (self.size, self.mtime_ns, self.ctime_ns) == (before.size, before.mtime_ns, before.ctime_ns)
        return same and before.read_ns - max(self.mtime_ns, self.ctime_ns) > _TRUSTED_NS


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it is now and, where its content was seen before under the same settings, what came of it then."""

    facts: Facts
    digest: str
    before: SeenFile | None


class KnownFiles:
    """Looks files up among those of earlier imports, and keeps what this one learns until `flush`."""

    def __init__(self, project: Project, params: ImportParams) -> None:
        self._project = project
        # what is known holds for the usual limits, and files that are asked for by name are looked into
        self._thorough = params.thorough or params.limits == "large" or bool(params.only)
        self._asked = [READERS_VERSION, params.kind, params.format]
        self._labelled = [params.split, params.existing]
        self._found: dict[str, str] = {}
        self._waiting: list[SeenFile] = []

    def found(self, path: Path, shown: str, facts: os.stat_result, *, named: bool) -> Found | None:
        """What the file was found to be, where it is as it was; None where it must be looked into."""
        if self._thorough:
            return None
        before = seen.seen_file(self._project, str(path))
        if before is None or not _facts([facts]).same_as(before):
            return None
        kept = json.loads(before.found)
        if kept["asked"] != [*self._asked, named]:
            return None
        self._found[str(path)] = before.found
        return Found(path, shown, kept["kind"], kept["format"], kept["reason"], kept["code"])

    def note(self, found: Found, *, named: bool) -> None:
        """Take down what a file was found to be."""
        if found.code in PASSING or (found.kind == "labelled" and found.path.is_dir()):
            return
        kept = {"kind": found.kind, "format": found.format, "reason": found.reason, "code": found.code}
        self._found[str(found.path)] = json.dumps({**kept, "asked": [*self._asked, named]}, ensure_ascii=False)

    def look(self, one: Found, digest_of: Callable[[Sequence[Path]], str]) -> Look:
        """Facts and digest of a file or set; its content is read only where its size and times do not tell."""
        paths = _files(one)
        facts = facts_of(paths)
        before = None if one.origin else seen.seen_file(self._project, str(one.path))
        if before is not None and before.settings != self._settings(one):
            before = None
        if before is not None and not self._thorough and facts.same_as(before):
            return Look(facts, before.digest, before)
        digest = digest_of(paths)
        return Look(facts, digest, before if before is not None and before.digest == digest else None)

    def keep(
        self,
        one: Found,
        look: Look,
        *,
        code: str = "",
        reason: str = "",
        units: int = 1,
        skipped: int = 0,
        n_documents: int = 0,
        labelled: bool = False,
    ) -> None:
        """Keep what came of a file. Those out of archives are known by their archive."""
        if one.origin or code in PASSING:
            return
        before = look.before
        is_kept = before is not None and look.facts.same_as(before) and code == before.code
        if is_kept and not labelled:
            return
        kept = json.loads(self._found.pop(str(one.path), '{"asked": []}'))
        found = json.dumps({**kept, "skipped": skipped}, ensure_ascii=False)
        self._waiting.append(
            SeenFile(
                str(one.path),
                look.facts.size,
                look.facts.mtime_ns,
                look.facts.ctime_ns,
                look.facts.read_ns,
                found,
                self._settings(one),
                look.digest,
                code,
                reason,
                units,
                n_documents,
                labelled,
            )
        )

    def keep_again(self, one: Found, look: Look) -> None:
        """Keep what was known of an unchanged file, with its times of now."""
        before = look.before
        if before is not None and not look.facts.same_as(before):
            self.keep(
                one,
                look,
                code=before.code,
                reason=before.reason,
                units=before.units,
                skipped=self.skipped_in(before),
                n_documents=before.n_documents,
                labelled=before.labelled,
            )

    @staticmethod
    def skipped_in(before: SeenFile) -> int:
        """How many units of the file were not taken."""
        return int(json.loads(before.found).get("skipped", 0))

    def keep_left_out(self, one: Found) -> None:
        """Keep what a file was found to be that is not imported."""
        if not one.origin and str(one.path) in self._found:
            self.keep(one, Look(facts_of([one.path]), "", None))

    def flush(self) -> None:
        if self._waiting:
            seen.put_seen(self._project, self._waiting)
            self._waiting = []

    def _settings(self, one: Found) -> str:
        labelled: list[object] = [*self._labelled, one.mapping] if one.kind == "labelled" else []
        if one.path.is_dir():  # the names of its files say which split each is of
            labelled.append([path.relative_to(one.path).as_posix() for path in _files(one)])
        return json.dumps([*self._asked, one.kind, one.format, *labelled], ensure_ascii=False)


def facts_of(paths: Sequence[Path]) -> Facts:
    """The facts of a file, or of the files of a set together."""
    return _facts([path.stat() for path in paths])


def _facts(stats: Sequence[os.stat_result]) -> Facts:
    return Facts(
        sum(one.st_size for one in stats),
        max((one.st_mtime_ns for one in stats), default=0),
        max((one.st_ctime_ns for one in stats), default=0),
        time.time_ns(),
    )


def _files(one: Found) -> list[Path]:
    return sorted(detect(one.path).files) if one.path.is_dir() else [one.path]
