"""Importing files and folders into a project: the stage."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from engine.errors import Cancelled, FormatError, Skipped, UserError
from engine.ingest.archives import ARCHIVES
from engine.ingest.choosing import remember, settle, tell_of_pairs
from engine.ingest.cutting import Cutting, import_cut, set_aside_words
from engine.ingest.finding import Found, scan
from engine.ingest.foreign import Reader
from engine.ingest.labelled import detect, read_units, reading_of
from engine.ingest.limits import LARGER, limits_times
from engine.ingest.pace import STAGE, Pace
from engine.ingest.passwords import Passwords
from engine.ingest.readers.rows import count_lines
from engine.ingest.readers.sniffing import sniff
from engine.ingest.seen import PASSING, READERS_VERSION, KnownFiles, Look
from engine.ingest.storing import BATCH, LabelledWriter
from engine.ingest.tally import ProblemList, Tally
from engine.ingest.unlocking import LOCKED
from engine.ingest.unpacking import Unpacker
from engine.params import ImportParams, params_to_keep
from engine.records import ImportProblem, ImportReport, Split
from engine.store import documents, imports, places, seen
from engine.store.documents import NewDocument
from engine.store.project import Project
from engine.store.undoing import undo_import
from engine.task import Task

__all__ = ["READERS_VERSION", "STAGE", "Importer", "import_paths"]

HOLD_SECONDS = 0.1
"""Files that are read within so long are committed together: a kill loses no more, and no other writer waits longer."""
# Said of one import, not of how its files are read; how they are cut is the project's.
_PASSED_ON = ("paths", "limits", "thorough", "on_cancel", "only", "passage_tokens", "overlap_tokens", "headings")


def import_paths(project: Project, params: ImportParams, task: Task) -> ImportReport:
    """Read files and folders into the project.

    What was imported before and has not changed is left alone, so an import that was ended goes on where it stopped.
    Files that cannot be read are reported and the others imported.

    Raises:
        UserError: a path is not there, there is nothing to import, or the format asked for does not fit.
        Cancelled: what was stored before stays, and its report; with `on_cancel` undo it is taken back.
    """
    known = KnownFiles(project, params)
    factor = LARGER if params.limits == "large" else 1
    with tempfile.TemporaryDirectory(prefix="searchsmith-") as place, limits_times(factor):
        found = settle(project, scan(params.paths, params, task, known=known), params)
        tell_of_pairs(found, params, task)
        importer = Importer(project, params, task, known)
        unpacker = Unpacker(params, Path(place), task, importer.passwords, importer.is_known_archive)
        return importer.run(found, unpacker)


class Importer:
    """One import: its record, its counters and the reader of foreign files."""

    def __init__(self, project: Project, params: ImportParams, task: Task, known: KnownFiles) -> None:
        self._project = project
        self._params = params
        self._task = task
        self._known = known
        self._tally = Tally()
        self._settings = {name: value for name, value in params_to_keep(params).items() if name not in _PASSED_ON}
        self._import_id = 0
        self._problems = ProblemList(project, 0)
        self._troubled: set[str] = set()
        self._hashes: dict[str, str] = {}
        self._cutting = Cutting(project, import_cut(project, params))
        self._archives: dict[str, tuple[Found, Look]] = {}
        self._tally_before = Tally()  # when the archive was begun whose files are being taken
        self._passing = False  # whether one of them is to be tried again next time
        self._met: set[str] = set()
        self._shut: set[str] = set()  # those of its files that could not be looked into
        self._unread = False  # whether the file that was dealt with last was as it had been
        self._committed = time.monotonic()
        self._done = self._total = 0
        self._pace = Pace(task, passages=lambda: self._tally.passages, rest=self._commit_if_due)
        self.passwords = Passwords(params.passwords)

    def run(self, found: Sequence[Found], unpacker: Unpacker) -> ImportReport:
        self._import_id = imports.start_import(
            self._project, self._params.paths, self._params.format, settings=self._settings
        )
        self._problems = ProblemList(self._project, self._import_id)
        self._troubled = imports.paths_with_problems(self._project)
        try:
            members = self._wanted(list(unpacker.unpacked(self._wanted(found))))
            with Reader(self._task, factor=self._factor, pulse=self._pace.pulse) as reader:
                self._take_all(members, reader)
        except Cancelled:
            self._commit()
            self._finish("cancelled")
            if self._params.on_cancel == "undo":
                with self._task.saving():
                    undo_import(self._project, self._import_id)
            raise
        except BaseException:
            self._commit()  # files that were taken are whole
            raise
        formats = dict.fromkeys(one.format for one in members if one.kind == "labelled")
        documents_too = ["documents"] if any(one.kind == "documents" for one in members) else []
        places.mark_read(self._project, self._params.paths)
        return self._finish(", ".join([*formats, *documents_too]))

    @property
    def _factor(self) -> int:
        return LARGER if self._params.limits == "large" else 1

    def _wanted(self, found: Sequence[Found]) -> Sequence[Found]:
        """The files asked for by name, and archives that hold one; under the names that their problems have."""
        if not self._params.only:
            return found
        told = {problem.path: problem.file for problem in imports.open_problems(self._project, ignored=True)}
        only = set(self._params.only)
        around = {place for name in only for place in _archives_around(name)}
        kept = [
            one
            for one in found
            if one.name in only or one.name in around or not only.isdisjoint(_archives_around(one.name))
        ]
        return [replace(one, shown=told.get(one.name, one.shown)) for one in kept]

    def _take_all(self, found: Sequence[Found], reader: Reader) -> None:
        self._total = len(found)
        index = 0
        for archive, members in groupby(found, key=lambda one: one.archive):
            self._tally_before, self._passing, self._met, self._shut = replace(self._tally), False, set(), set()
            for one in members:
                self._done = index
                self._pace.begin(index, len(found), one.shown)
                self._unread = False
                self._take(one, reader)
                self._settle(one)
                self._met.add(one.name)
                if one.kind == "skipped":
                    self._shut.add(one.name)
                index += 1
            if archive:
                self._close_archive(archive)
        self._done = self._total
        self._commit()
        self._pace.end(len(found))

    def _finish(self, format: str) -> ImportReport:
        self._problems.flush()
        self._known.flush()
        imports.finish_import(self._project, self._import_id, self._tally.counts(), format=format)
        report = imports.import_report(self._project, self._import_id)
        assert report is not None  # it was written in the line before
        return report

    def _hold(self) -> None:
        """Open the transaction that a document shares with those after it."""
        if not self._project.db.conn.in_transaction:
            self._project.db.execute("begin")

    def _commit_if_due(self) -> None:
        if time.monotonic() - self._committed > HOLD_SECONDS:
            self._commit()

    def _commit(self) -> None:
        """Make what was taken last, and say where the import stands."""
        self._hold()
        self._problems.flush()
        self._known.flush()
        counts, file = self._tally.counts(), self._pace.shown
        imports.note_progress(self._project, self._import_id, counts, done=self._done, total=self._total, file=file)
        self._project.db.execute("commit")
        self._committed = time.monotonic()

    def _take(self, one: Found, reader: Reader) -> None:
        if one.kind == "skipped":
            self._skip(one, one.code, one.reason)
            self._known.keep_left_out(one)
            return
        try:
            if one.kind == "labelled":
                self._labelled(one)
            elif one.format in ARCHIVES:
                self._known_archive(one)
            else:
                self._document(one, reader)
        except Skipped:
            self._skip(one, "skipped_by_hand", "skipped by you")
        except FormatError as error:
            self._skip(one, error.code, str(error))
        except (UserError, OSError) as error:
            self._skip(one, "unreadable", str(error))

    def _skip(self, one: Found, code: str, reason: str) -> None:
        self._tally.skipped += 1
        self._passing = self._passing or code in PASSING
        self._problems.add(ImportProblem(one.shown, 0, code, reason, path=one.name))

    def _settle(self, one: Found) -> None:
        """Earlier problems of a file that was dealt with are resolved, or said again by this import."""
        if one.name in self._troubled:
            self._problems.flush()
            imports.settle_problems(self._project, self._import_id, one.name, whole=self._unread)

    def _is_fresh(self, one: Found) -> bool:
        """Whether the file is to be read whatever came of it before."""
        asked = bool(self._params.only) or self._params.limits == "large"
        return asked or (
            self.passwords.within(one.name) if one.format in ARCHIVES else bool(self.passwords.of(one.name))
        )

    def _document(self, one: Found, reader: Reader) -> None:
        look = self._known.look(one, self._hash)
        old = documents.document_at(self._project, one.name)
        first = self._hashes.get(look.digest)
        if first and old is None:  # else the project would keep a text that is in no file any more
            self._skip(one, "duplicate", f"the same, byte for byte, as {first}")
            self._known.keep(one, look)
            return
        self._hashes.setdefault(look.digest, one.shown)
        if old is not None and old.content_hash == look.digest:
            self._unread = True
            self._cut_again(old.id)
            self._known.keep(one, look)
            return
        before = look.before
        if before is not None and before.code and not self._is_fresh(one):
            self._skip(one, before.code, before.reason)
            self._known.keep(one, look, code=before.code, reason=before.reason)
            return
        try:
            self._read(one, look, reader, is_new=old is None)
        except FormatError as error:
            self._known.keep(one, look, code=error.code, reason=str(error))
            raise

    def _cut_again(self, document_id: int) -> None:
        """Of an unchanged file only the passages change, where they were cut in another way."""
        if self._cutting.is_cut_so(document_id):
            self._tally.unchanged += 1
            return
        self._hold()
        self._tally.passages += self._cutting.again(document_id)
        self._tally.documents += 1
        self._tally.updated += 1

    def _read(self, one: Found, look: Look, reader: Reader, *, is_new: bool) -> None:
        kind = None if one.format == LOCKED else sniff(one.path)
        document = reader.read(one.path, kind, self.passwords.of(one.name))
        self._pace.pulse()
        new = NewDocument(document.title, one.name, document.kind, look.digest, document.text)
        self._hold()
        put = self._cutting.put(new, document, import_id=self._import_id)
        self._known.keep(one, look)
        self._problems.extend(replace(problem, file=one.shown, path=one.name) for problem in document.problems)
        if put.aside:
            self._problems.add(ImportProblem(one.shown, 0, "set_aside", set_aside_words(put.aside), path=one.name))
        self._tally.documents += 1
        self._tally.passages += put.passages
        self._tally.new += is_new
        self._tally.updated += not is_new

    def _hash(self, paths: Sequence[Path]) -> str:
        """Name what a document's text depends on: the files' bytes and the readers."""
        digest = hashlib.blake2b(str(READERS_VERSION).encode(), digest_size=16)
        for path in paths:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    self._pace.pulse()
                    digest.update(block)
        return digest.hexdigest()

    def _labelled(self, one: Found) -> None:
        """Every line is a unit; a file that breaks off in the middle keeps what was read before."""
        self._commit()  # a labelled set has short transactions of its own
        look = self._known.look(one, self._hash)
        if self._is_as_it_was(one, look):
            self._as_before(one, look)
            return
        start = replace(self._tally)
        writer = LabelledWriter(
            self._project,
            import_id=self._import_id,
            tally=self._tally,
            problems=self._problems,
            path=Path(one.name),
            kind=one.format,
            shown=one.shown,
            split=Split(self._params.split) if self._params.split else None,
            skip_existing=self._params.existing == "skip",
        )
        try:
            with closing(writer):
                if said := reading_of(one.path, one.format, dict(one.mapping)):
                    self._task.warn(f"{one.shown}: {said}.")
                self._read_lines(one, writer)
        except Skipped:
            read = self._tally.units - start.units
            self._skip(one, "skipped_by_hand", f"skipped by you after {read:,} lines; what was read before stays")
            return
        remember(self._project, one)
        if not writer.leans_on_project:
            self._keep_labelled(one, look, start)

    def _is_as_it_was(self, one: Found, look: Look) -> bool:
        """Whether a labelled set has the content it had, and what it brought is still there."""
        before = look.before
        if before is None or not before.labelled or self._is_fresh(one):
            return False
        return seen.count_from(self._project, one.name) == before.n_documents

    def _read_lines(self, one: Found, writer: LabelledWriter) -> None:
        total = count_lines(detect(one.path).files if one.path.is_dir() else [one.path])
        for count, unit in enumerate(read_units(one.path, one.format, dict(one.mapping)), 1):
            if writer.add(unit) or count % BATCH == 0:
                self._pace.lines(count, max(total, count) if total else 0)

    def _keep_labelled(self, one: Found, look: Look, start: Tally) -> None:
        self._problems.flush()
        self._known.keep(
            one,
            look,
            units=self._tally.units - start.units,
            skipped=self._tally.skipped - start.skipped,
            n_documents=seen.count_from(self._project, one.name),
            labelled=True,
        )
        self._known.flush()

    def is_known_archive(self, one: Found) -> bool:
        """Whether the archive and all that came out of it are as they were, so that it need not be unpacked."""
        self._pace.look_at(one.shown)
        look = self._known.look(one, self._hash)
        self._archives[one.name] = (one, look)
        if look.before is None or self._is_fresh(one):
            return False
        return seen.count_from(self._project, one.name, within=True) >= look.before.n_documents

    def _known_archive(self, one: Found) -> None:
        self._as_before(one, self._archives[one.name][1])
        for digest, path in seen.contents_within(self._project, one.name):
            self._hashes.setdefault(digest, path)

    def _as_before(self, one: Found, look: Look) -> None:
        """Count what is in an unchanged set or archive, and say its problems again."""
        assert look.before is not None
        skipped = self._known.skipped_in(look.before)
        self._tally.unchanged += look.before.units - skipped
        self._tally.skipped += skipped
        self._problems.flush()
        imports.repeat_problems(self._project, self._import_id, one.name)
        self._known.keep_again(one, look)

    def _close_archive(self, name: str) -> None:
        """After the last file out of an archive: keep what came of it."""
        if self._params.only and name not in self._params.only:
            seen.forget_seen(self._project, name)  # its counts are not those of before, and not those of all of it
            return
        one, look = self._archives[name]
        start = self._tally_before
        self._problems.flush()
        for path in sorted(self._troubled):
            if path == name or (path.startswith(f"{name}/") and path not in self._met):
                imports.settle_problems(self._project, self._import_id, path, whole=False)
        gone = seen.put_gone_members(self._project, name, met=self._met, shut=self._shut)
        if not self._passing:
            self._known.keep(
                one,
                look,
                units=self._tally.units - start.units,
                skipped=self._tally.skipped - start.skipped,
                n_documents=seen.count_from(self._project, name, within=True) - gone,
                labelled=True,
            )


def _archives_around(name: str) -> list[str]:
    """What a name begins with, up to each slash: the archives that a file known by it may be in."""
    return [name[:place] for place, letter in enumerate(name) if letter == "/"]
