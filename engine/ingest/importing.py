"""Importing files and folders into a project: the stage."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from engine.encode.models import BUNDLED, folder_of
from engine.encode.tokens import token_counter
from engine.errors import Cancelled, FormatError, UserError
from engine.ingest.choosing import remember, settle
from engine.ingest.document import ReadDocument
from engine.ingest.finding import Found, scan
from engine.ingest.foreign import Reader
from engine.ingest.labelled import detect, read_units
from engine.ingest.passages import CountTokens, cut_passages
from engine.ingest.readers.rows import count_lines
from engine.ingest.readers.sniffing import sniff
from engine.ingest.storing import BATCH, LabelledWriter
from engine.ingest.tally import ProblemList, Tally
from engine.ingest.unpacking import unpacked
from engine.params import ImportParams
from engine.records import ImportProblem, ImportReport, Split
from engine.store import documents, imports
from engine.store.documents import NewDocument, NewPassage
from engine.store.models import base_model
from engine.store.project import Project
from engine.task import Task

# Part of every document's content hash: a reader that gives other text from the same file counts up.
READERS_VERSION = 1
STAGE = "import files"


def import_paths(project: Project, params: ImportParams, task: Task) -> ImportReport:
    """Read files and folders into the project, each file in a transaction of its own.

    What was imported before and has not changed is left alone, so an import that was ended goes on where it stopped.
    Files that cannot be read are reported and the others imported.

    Raises:
        UserError: a path is not there, there is nothing to import, or the format asked for does not fit.
        Cancelled: what was stored before stays, and its report.
    """
    found = settle(project, scan(params.paths, params, task), params)
    with tempfile.TemporaryDirectory(prefix="searchsmith-") as place:
        return Importer(project, params, task).run(list(unpacked(found, params, Path(place), task)))


class Importer:
    """One import: its record, its counters and the reader of foreign files."""

    def __init__(self, project: Project, params: ImportParams, task: Task) -> None:
        self._project = project
        self._params = params
        self._task = task
        self._tally = Tally()
        self._import_id = imports.start_import(project, params.paths, params.format)
        self._problems = ProblemList(project, self._import_id)
        self._hashes: dict[str, str] = {}
        self._counter: CountTokens | None = None

    def run(self, found: list[Found]) -> ImportReport:
        try:
            with Reader(self._task) as reader:
                for index, one in enumerate(found):
                    self._task.progress(STAGE, index, len(found), one.shown)
                    self._take(one, reader)
            self._task.progress(STAGE, len(found), len(found))
        except Cancelled:
            self._finish("cancelled")
            raise
        formats = dict.fromkeys(one.format for one in found if one.kind == "labelled")
        documents_too = ["documents"] if any(one.kind == "documents" for one in found) else []
        return self._finish(", ".join([*formats, *documents_too]))

    def _finish(self, format: str) -> ImportReport:
        self._problems.flush()
        imports.finish_import(self._project, self._import_id, self._tally.counts(), format=format)
        report = imports.import_report(self._project, self._import_id)
        assert report is not None  # it was written in the line before
        return report

    def _take(self, one: Found, reader: Reader) -> None:
        if one.kind == "skipped":
            self._skip(one, one.code, one.reason)
            return
        try:
            if one.kind == "labelled":
                self._labelled(one)
            else:
                self._document(one, reader)
        except FormatError as error:
            self._skip(one, "format", str(error))
        except (UserError, OSError) as error:
            self._skip(one, "unreadable", str(error))

    def _skip(self, one: Found, code: str, reason: str) -> None:
        self._tally.skipped += 1
        self._problems.add(ImportProblem(one.shown, 0, code, reason))

    def _document(self, one: Found, reader: Reader) -> None:
        digest = self._hash(one.path)
        if first := self._hashes.get(digest):
            self._skip(one, "duplicate", f"the same, byte for byte, as {first}")
            return
        self._hashes[digest] = one.shown
        old = documents.document_at(self._project, one.name)
        if old is not None and old.content_hash == digest:
            self._tally.unchanged += 1
            return
        document = reader.read(one.path, sniff(one.path))
        self._task.check_cancelled()
        passages = self._passages(document)
        new = NewDocument(document.title, one.name, document.kind, digest, document.text)
        documents.put_document(self._project, new, passages, import_id=self._import_id)
        self._problems.extend(replace(problem, file=one.shown) for problem in document.problems)
        self._tally.documents += 1
        self._tally.passages += len(passages)
        self._tally.new += old is None
        self._tally.updated += old is not None

    def _passages(self, document: ReadDocument) -> list[NewPassage]:
        pieces = cut_passages(
            document,
            max_tokens=self._params.passage_tokens,
            overlap_tokens=self._params.overlap_tokens,
            count_tokens=self._count_tokens,
        )
        return [
            NewPassage(piece.text, heading=piece.heading, start=piece.start, end=piece.end, page=piece.page)
            for piece in pieces
        ]

    def _count_tokens(self, texts: list[str]) -> list[int]:
        """Count as the project's base model does, in blocks between which the job can be cancelled."""
        if self._counter is None:
            model = base_model(self._project)
            self._counter = token_counter(folder_of(self._project, model) if model else BUNDLED.path())
        counts: list[int] = []
        for start in range(0, len(texts), 1000):
            self._task.check_cancelled()
            counts += self._counter(texts[start : start + 1000])
        return counts

    def _hash(self, path: Path) -> str:
        """Name what a document's passages depend on: the file's bytes, the readers and the cutting."""
        settings = f"{READERS_VERSION} {self._params.passage_tokens} {self._params.overlap_tokens}"
        digest = hashlib.blake2b(settings.encode(), digest_size=16)
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                self._task.check_cancelled()
                digest.update(block)
        return digest.hexdigest()

    def _labelled(self, one: Found) -> None:
        """Every line is a unit; a file that breaks off in the middle keeps what was read before."""
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
        total = count_lines(detect(one.path).files if one.path.is_dir() else [one.path])
        try:
            for count, unit in enumerate(read_units(one.path, one.format, dict(one.mapping)), 1):
                if writer.add(unit) or count % BATCH == 0:
                    self._task.progress("import labelled lines", count, max(total, count) if total else 0, one.shown)
            remember(self._project, one)
        finally:
            writer.close()
