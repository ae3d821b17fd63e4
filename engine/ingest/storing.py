"""Labelled sets into the project, in short transactions: equal texts become one passage, equal queries one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.ingest.labelled.units import (
    ExampleUnit,
    JudgementUnit,
    PassageUnit,
    QueryUnit,
    Remark,
    SkippedUnit,
    Unit,
)
from engine.ingest.tally import ProblemList, Tally
from engine.records import ImportProblem, Qrel, Split, text_hash
from engine.store import documents, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery

BATCH = 1000  # rows a transaction, so that a kill loses little and readers never wait long
_TITLE_CHARS = 80


@dataclass(slots=True)
class _Texts:
    """Passages of one batch: by their hash, which are new, and the id each got."""

    wanted: dict[str, PassageUnit] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)

    def want(self, unit: PassageUnit) -> str:
        digest = hash_of(unit)
        self.wanted.setdefault(digest, unit)
        return digest


def hash_of(unit: PassageUnit) -> str:
    return text_hash(_passage(unit).search_text)


class LabelledWriter:
    """Takes the units of one labelled set and stores them batch by batch.

    Ids of the set (`_id` in BEIR) hold within it alone: judgements find their queries and passages among what this
    writer was given, so two sets that both count from 1 do not mix.
    """

    def __init__(
        self,
        project: Project,
        *,
        import_id: int,
        tally: Tally,
        problems: ProblemList,
        path: Path,
        kind: str,
        shown: str = "",
        split: Split | None = None,
        source: str = "imported",
    ) -> None:
        self._project = project
        self._import_id = import_id
        self._tally = tally
        self._problems = problems
        self._path = path
        self._kind = kind
        self._shown = shown
        self._split = split
        self._source = source
        self._batch: list[Unit] = []
        self._size = 0
        self._passage_ids: dict[str, int] = {}
        self._query_ids: dict[str, int] = {}

    def add(self, unit: Unit) -> bool:
        """Take a unit; True when a batch was written just now."""
        if isinstance(unit, SkippedUnit | Remark):
            self._tally.skipped += isinstance(unit, SkippedUnit)
            self._report(unit.problem)
            return False
        self._batch.append(unit)
        self._size += 1 + (len(unit.judged) + len(unit.negatives) if isinstance(unit, ExampleUnit) else 0)
        if self._size < BATCH:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        batch, self._batch, self._size = self._batch, [], 0
        if batch:
            with self._project.db.atomic():
                self._write(batch)

    def _write(self, batch: Sequence[Unit]) -> None:
        texts = self._store_texts(batch)
        asked = [unit for unit in batch if isinstance(unit, QueryUnit | ExampleUnit) and _words(unit)]
        rows = [self._new_query(unit) for unit in asked]
        stored = queries.put_queries(self._project, rows, import_id=self._import_id)
        self._tally.queries += sum(is_new for _, is_new in stored)
        query_of = {id(unit): found for unit, found in zip(asked, stored, strict=True)}
        for unit in batch:
            if isinstance(unit, QueryUnit):
                query_id, is_new = query_of[id(unit)]
                self._query_ids[unit.external_id] = query_id
                self._count(is_new)
        self._store_judgements([unit for unit in batch if isinstance(unit, JudgementUnit)])
        self._store_examples([unit for unit in batch if isinstance(unit, ExampleUnit)], texts, query_of)

    def _new_query(self, unit: QueryUnit | ExampleUnit) -> NewQuery:
        external_id = unit.external_id if isinstance(unit, QueryUnit) else ""
        return NewQuery(
            _words(unit), external_id=external_id, source=self._source, official_split=self._split or unit.split
        )

    def _store_texts(self, batch: Sequence[Unit]) -> _Texts:
        texts = _Texts()
        pending: list[tuple[PassageUnit, str]] = []
        for unit in batch:
            if isinstance(unit, PassageUnit):
                pending.append((unit, texts.want(unit)))
            elif isinstance(unit, ExampleUnit):
                for text in (*(text for text, _ in unit.judged), *unit.negatives):
                    texts.want(PassageUnit(unit.file, unit.line, text))
        texts.ids = documents.passage_ids_by_hash(self._project, texts.wanted)
        self._update_known(texts)
        missing = [digest for digest in texts.wanted if digest not in texts.ids]
        rows = [(self._document(texts.wanted[digest], digest), _passage(texts.wanted[digest])) for digest in missing]
        ids = documents.put_labelled(self._project, rows, import_id=self._import_id)
        texts.ids.update(zip(missing, ids, strict=True))
        texts.new = set(missing)
        self._tally.documents += len(missing)
        self._tally.passages += len(missing)
        first_with: set[str] = set()
        for unit, digest in pending:
            if unit.external_id:
                self._passage_ids[unit.external_id] = texts.ids[digest]
            first = digest not in first_with
            first_with.add(digest)
            self._tally.updated += first and digest in texts.updated
            self._count(first and digest in texts.new, updated=first and digest in texts.updated)
        return texts

    def _update_known(self, texts: _Texts) -> None:
        """A passage of the same file and id with another text is the same passage, edited."""
        changed = {
            unit.external_id: digest
            for digest, unit in texts.wanted.items()
            if unit.external_id and digest not in texts.ids
        }
        known = documents.passage_ids_by_external(self._project, changed)
        found = documents.passages(self._project, known.values())
        for external_id, passage_id in known.items():
            digest = changed[external_id]
            document = documents.document(self._project, found[passage_id].document_id)
            if document is None or document.path != str(self._path) or not document.labelled:
                continue
            unit = texts.wanted[digest]
            documents.update_passage(self._project, passage_id, _passage(unit), content_hash=digest)
            texts.ids[digest] = passage_id
            texts.updated.add(digest)
            self._tally.documents += 1
            self._tally.passages += 1

    def _document(self, unit: PassageUnit, digest: str) -> NewDocument:
        title = unit.title or unit.heading or " ".join(unit.text[: 2 * _TITLE_CHARS].split())[:_TITLE_CHARS]
        return NewDocument(
            title=title,
            path=str(self._path),
            kind=self._kind,
            content_hash=digest,
            external_id=unit.external_id,
            labelled=True,
        )

    def _store_judgements(self, units: Sequence[JudgementUnit]) -> None:
        rows = []
        for unit in units:
            query_id = self._query_ids.get(unit.query_id)
            passage_id = self._passage_ids.get(unit.passage_id)
            if query_id is None or passage_id is None:
                what = f"query '{unit.query_id}'" if query_id is None else f"passage '{unit.passage_id}'"
                self._tally.skipped += 1
                self._report(ImportProblem(unit.file, unit.line, "unknown_id", f"there is no {what} in this set"))
                continue
            rows.append(Qrel(query_id, passage_id, unit.grade))
        new = queries.put_qrels(self._project, rows)
        self._tally.qrels += new
        self._tally.new += new
        self._tally.unchanged += len(rows) - new

    def _store_examples(
        self, units: Sequence[ExampleUnit], texts: _Texts, query_of: dict[int, tuple[int, bool]]
    ) -> None:
        judged: dict[tuple[int, int], int] = {}
        wrong: list[tuple[int, int]] = []
        seen: dict[int, set[int]] = {}
        fresh = set(texts.new)
        for unit in units:
            digests = [text_hash(text) for text in (*(text for text, _ in unit.judged), *unit.negatives)]
            is_new = not fresh.isdisjoint(digests)
            fresh.difference_update(digests)
            found = query_of.get(id(unit))
            if found is not None:
                query_id, query_is_new = found
                known = seen.setdefault(query_id, set() if query_is_new else self._judged(query_id))
                grades = {texts.ids[text_hash(text)]: grade for text, grade in unit.judged}
                is_new = is_new or query_is_new or not known.issuperset(grades)
                known.update(grades)
                for passage_id, grade in grades.items():
                    judged[query_id, passage_id] = max(grade, judged.get((query_id, passage_id), 0))
                wrong += self._wrong(unit, query_id, grades, texts)
            self._count(is_new)
        self._tally.qrels += queries.put_qrels(
            self._project, [Qrel(query_id, passage_id, grade) for (query_id, passage_id), grade in judged.items()]
        )
        self._tally.negatives += queries.put_imported_negatives(self._project, wrong)

    def _judged(self, query_id: int) -> set[int]:
        return {qrel.passage_id for qrel in queries.qrels_of(self._project, query_id)}

    def _wrong(self, unit: ExampleUnit, query_id: int, grades: dict[int, int], texts: _Texts) -> list[tuple[int, int]]:
        rows = []
        for text in unit.negatives:
            passage_id = texts.ids[text_hash(text)]
            if grades.get(passage_id, 0) > 0:
                reason = "a passage is called right and wrong at once; it was taken as right"
                self._report(ImportProblem(unit.file, unit.line, "contradiction", reason))
            else:
                rows.append((query_id, passage_id))
        return rows

    def _report(self, problem: ImportProblem) -> None:
        """Name the file as the person sees it: below the path they named."""
        if self._shown:
            inside = self._path.is_dir() and self._shown != problem.file
            problem = replace(problem, file=f"{self._shown}/{problem.file}" if inside else self._shown)
        self._problems.add(problem)

    def _count(self, is_new: bool, *, updated: bool = False) -> None:
        if is_new:
            self._tally.new += 1
        elif not updated:
            self._tally.unchanged += 1


def _passage(unit: PassageUnit) -> NewPassage:
    return NewPassage(unit.text, heading=unit.heading, external_id=unit.external_id, end=len(unit.text))


def _words(unit: QueryUnit | ExampleUnit) -> str:
    return unit.text if isinstance(unit, QueryUnit) else unit.query
