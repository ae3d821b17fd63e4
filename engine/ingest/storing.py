"""Labelled sets into the project, in short transactions: equal texts become one passage, equal queries one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.ingest.labelled.units import (
    ExampleUnit,
    JudgementUnit,
    NegativeUnit,
    PassageUnit,
    QueryUnit,
    Remark,
    RunUnit,
    ScoreUnit,
    SkippedUnit,
    Unit,
)
from engine.ingest.tally import ProblemList, Tally
from engine.records import ImportProblem, Qrel, Split, text_hash
from engine.store import documents, outside, queries, scores
from engine.store.documents import NewDocument, NewPassage
from engine.store.imported_runs import put_imported_run
from engine.store.project import Project
from engine.store.queries import NewQuery

BATCH = 1000  # rows a transaction, so that a kill loses little and readers never wait long
_TITLE_CHARS = 80
SCORES = "imported"  # the source of scores that a labelled set brings

_ById = JudgementUnit | NegativeUnit | ScoreUnit | RunUnit


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
    writer was given, so two sets that both count from 1 do not mix. A file without passages (judgements or a ranking
    alone) names those of the project. `close` ends it.
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
        skip_existing: bool = False,
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
        self._skip_existing = skip_existing
        self._batch: list[Unit] = []
        self._size = 0
        self._passage_ids: dict[str, int] = {}
        self._query_ids: dict[str, int] = {}
        self._left_out: set[str] = set()
        self._runs: dict[str, dict[int, list[tuple[int, float]]]] = {}
        self._leans = skip_existing
        self._unnamed: tuple[ExampleUnit, str] | None = None
        self._n_unnamed = 0

    @property
    def leans_on_project(self) -> bool:
        """Whether what came of the set depends on what the project held before, so that next time it may be more."""
        return self._leans

    def add(self, unit: Unit) -> bool:
        """Take a unit; True when a batch was written just now."""
        if isinstance(unit, SkippedUnit | Remark):
            self._tally.skipped += isinstance(unit, SkippedUnit)
            self._report(unit.problem)
            return False
        self._batch.append(unit)
        self._size += 1 + (len(unit.texts) if isinstance(unit, ExampleUnit) else 0)
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

    def close(self) -> None:
        """Write what waits, and the rankings as a whole."""
        self.flush()
        self._tell_unnamed()
        runs, self._runs = self._runs, {}
        for name, hits in runs.items():
            put_imported_run(self._project, name, hits, file=self._shown or self._path.name, import_id=self._import_id)

    def _write(self, batch: Sequence[Unit]) -> None:
        if self._skip_existing:
            batch = self._without_existing(batch)
        batch = self._first_of_each_id(batch)
        texts = self._store_texts(batch)
        asked = [unit for unit in batch if isinstance(unit, QueryUnit | ExampleUnit) and _words(unit)]
        rows = [self._new_query(unit) for unit in asked]
        stored = queries.put_queries(self._project, rows, import_id=self._import_id)
        self._tally.queries += sum(is_new for _, is_new in stored)
        query_of = {id(unit): found for unit, found in zip(asked, stored, strict=True)}
        for unit in asked:
            query_id, is_new = query_of[id(unit)]
            if unit.external_id:
                self._query_ids[unit.external_id] = query_id
            if isinstance(unit, QueryUnit):
                self._count(is_new)
        self._store_by_id([unit for unit in batch if isinstance(unit, _ById)])
        self._store_examples([unit for unit in batch if isinstance(unit, ExampleUnit)], texts, query_of)

    def _without_existing(self, batch: Sequence[Unit]) -> list[Unit]:
        """Leave out what is said of queries that were in the project before this import."""
        hashes = {text_hash(_words(unit).strip()) for unit in batch if isinstance(unit, QueryUnit | ExampleUnit)}
        known = scores.ids_by_text(self._project, "queries", hashes)
        old = outside.of_other_imports(self._project, known.values(), self._import_id)
        gone = {digest for digest, query_id in known.items() if query_id in old}
        kept: list[Unit] = []
        for unit in batch:
            asked = isinstance(unit, QueryUnit | ExampleUnit) and text_hash(_words(unit).strip()) in gone
            if asked and isinstance(unit, QueryUnit):
                self._left_out.add(unit.external_id)
            if asked or (isinstance(unit, _ById) and unit.query_id in self._left_out):
                self._tally.skipped += 1
                reason = "its query was in the project before and was to be left as it is"
                self._report(ImportProblem(unit.file, unit.line, "existing", reason))  # type: ignore[union-attr]
            else:
                kept.append(unit)
        return kept

    def _first_of_each_id(self, batch: Sequence[Unit]) -> list[Unit]:
        """Leave out what bears the id of another text of this set, wherever in it: judgements could mean only one."""
        kept: list[Unit] = []
        firsts = self._hashes_of_met(batch)
        for unit in batch:
            if isinstance(unit, PassageUnit | QueryUnit) and unit.external_id:
                digest = hash_of(unit) if isinstance(unit, PassageUnit) else text_hash(unit.text.strip())
                if firsts.setdefault((type(unit), unit.external_id), digest) != digest:
                    what = "passage" if isinstance(unit, PassageUnit) else "query"
                    self._tally.skipped += 1
                    reason = f"the id '{unit.external_id}' is that of another {what} of this set, which is kept"
                    self._report(ImportProblem(unit.file, unit.line, "duplicate_id", reason))
                    continue
            kept.append(unit)
        return kept

    def _hashes_of_met(self, batch: Sequence[Unit]) -> dict[tuple[type[Unit], str], str]:
        """Hashes of the texts whose ids this set brought in an earlier batch and names again."""
        passages = {
            unit.external_id: self._passage_ids[unit.external_id]
            for unit in batch
            if isinstance(unit, PassageUnit) and unit.external_id in self._passage_ids
        }
        asked = {
            unit.external_id: self._query_ids[unit.external_id]
            for unit in batch
            if isinstance(unit, QueryUnit) and unit.external_id in self._query_ids
        }
        hashes = documents.text_hashes(self._project, passages.values())
        texts = queries.queries(self._project, asked.values())
        return {
            **{(PassageUnit, name): hashes[found] for name, found in passages.items()},
            **{(QueryUnit, name): text_hash(texts[found].text) for name, found in asked.items()},
        }

    def _new_query(self, unit: QueryUnit | ExampleUnit) -> NewQuery:
        return NewQuery(
            _words(unit), external_id=unit.external_id, source=self._source, official_split=self._split or unit.split
        )

    def _store_texts(self, batch: Sequence[Unit]) -> _Texts:
        texts = _Texts()
        pending: list[tuple[PassageUnit, str]] = []
        for unit in batch:
            if isinstance(unit, PassageUnit):
                pending.append((unit, texts.want(unit)))
            elif isinstance(unit, ExampleUnit):
                for text in unit.texts:
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

    def _store_by_id(self, units: Sequence[_ById]) -> None:
        queries_by, passages_by = self._named(units)
        judged, wrong, scored = [], [], []
        for unit in units:
            query_id, passage_id = queries_by.get(unit.query_id), passages_by.get(unit.passage_id)
            self._leans = self._leans or isinstance(unit, RunUnit)
            if query_id is None or passage_id is None:
                what = f"query '{unit.query_id}'" if query_id is None else f"passage '{unit.passage_id}'"
                self._tally.skipped += 1
                reason = f"there is no {what} in this {'set' if self._passage_ids else 'project'}"
                self._report(ImportProblem(unit.file, unit.line, "unknown_id", reason))
            elif isinstance(unit, JudgementUnit):
                judged.append(Qrel(query_id, passage_id, unit.grade))
            elif isinstance(unit, NegativeUnit):
                wrong.append((query_id, passage_id))
            elif isinstance(unit, ScoreUnit):
                scored.append(scores.PairScore(query_id, passage_id, unit.score))
            else:
                self._runs.setdefault(unit.system, {}).setdefault(query_id, []).append((passage_id, unit.score))
                self._tally.new += 1
        new = queries.put_qrels(self._project, judged, import_id=self._import_id)
        self._tally.qrels += new
        new_wrong = queries.put_imported_negatives(self._project, wrong, import_id=self._import_id)
        self._tally.negatives += new_wrong
        self._tally.new += new + new_wrong
        self._tally.unchanged += len(judged) - new + len(wrong) - new_wrong
        # Scores stand beside the judgements of the same lines, which are counted.
        self._tally.unchanged += scores.put_scores(self._project, scored, SCORES)

    def _named(self, units: Sequence[_ById]) -> tuple[dict[str, int], dict[str, int]]:
        """Ids by outside name: of this set, or of the project where the set holds no passages or queries itself."""
        by_query, by_passage = self._query_ids, self._passage_ids
        self._leans = self._leans or bool(units and not (by_query and by_passage))
        if not by_query:
            by_query = outside.queries_named(self._project, (unit.query_id for unit in units))
        if not by_passage:
            by_passage = outside.passages_named(self._project, (unit.passage_id for unit in units))
        return by_query, by_passage

    def _store_examples(
        self, units: Sequence[ExampleUnit], texts: _Texts, query_of: dict[int, tuple[int, bool]]
    ) -> None:
        judged: dict[tuple[int, int], int] = {}
        wrong: list[tuple[int, int]] = []
        scored: dict[tuple[int, int], float] = {}
        grouped: list[tuple[int, str]] = []
        seen: dict[int, set[int]] = {}
        fresh = set(texts.new)
        by_name = self._passages_by_name(units)
        for unit in units:
            digests = [text_hash(text) for text in unit.texts]
            is_new = not fresh.isdisjoint(digests)
            fresh.difference_update(digests)
            found = query_of.get(id(unit))
            if found is not None:
                query_id, query_is_new = found
                known = seen.setdefault(query_id, set() if query_is_new else self._judged(query_id))
                grades = self._grades(unit, texts, by_name)
                refused = self._wrong(unit, query_id, grades, texts, by_name)
                if not grades and not refused and (unit.judged_ids or unit.negative_ids):
                    self._tally.skipped += 1  # each of its ids was told
                    continue
                is_new = is_new or query_is_new or not known.issuperset(grades)
                known.update(grades)
                for passage_id, grade in grades.items():
                    judged[query_id, passage_id] = max(grade, judged.get((query_id, passage_id), 0))
                wrong += refused
                scored.update({(query_id, texts.ids[text_hash(text)]): score for text, score in unit.scores})
                grouped += [(query_id, unit.group)] if unit.group else []
            self._count(is_new)
        rows = [Qrel(query_id, passage_id, grade) for (query_id, passage_id), grade in judged.items()]
        self._tally.qrels += queries.put_qrels(self._project, rows, import_id=self._import_id)
        self._tally.negatives += queries.put_imported_negatives(self._project, wrong, import_id=self._import_id)
        scores.put_scores(self._project, [scores.PairScore(*pair, score) for pair, score in scored.items()], SCORES)
        outside.put_groups(self._project, grouped)

    def _passages_by_name(self, units: Sequence[ExampleUnit]) -> dict[str, int]:
        names = {name for unit in units for name in (*(name for name, _ in unit.judged_ids), *unit.negative_ids)}
        if self._passage_ids or not names:
            return self._passage_ids
        self._leans = True
        return outside.passages_named(self._project, names)

    def _grades(self, unit: ExampleUnit, texts: _Texts, by_name: dict[str, int]) -> dict[int, int]:
        """Grades by passage; the highest where a line names one twice, and ids that mean nothing are told."""
        grades: dict[int, int] = {}
        for text, grade in unit.judged:
            passage_id = texts.ids[text_hash(text)]
            grades[passage_id] = max(grade, grades.get(passage_id, 0))
        for name, grade in unit.judged_ids:
            found = by_name.get(name)
            if found is None and unit.judged:
                self._unnamed = self._unnamed or (unit, name)
                self._n_unnamed += 1
            elif found is None:
                self._report_unknown(unit, name)
            else:
                grades[found] = max(grade, grades.get(found, 0))
        return grades

    def _tell_unnamed(self) -> None:
        """Say once that ids beside texts name no passage: in a table of answers they are often those of the answers."""
        if self._unnamed is not None:
            unit, name = self._unnamed
            more = f", as on {self._n_unnamed - 1:,} more lines" if self._n_unnamed > 1 else ""
            reason = f"no passage here is called '{name}'; the text beside it was taken{more}"
            self._report(ImportProblem(unit.file, unit.line, "unknown_id", reason))

    def _report_unknown(self, unit: ExampleUnit, name: str) -> None:
        reason = f"there is no passage '{name}' in this {'set' if self._passage_ids else 'project'}"
        self._report(ImportProblem(unit.file, unit.line, "unknown_id", reason))

    def _judged(self, query_id: int) -> set[int]:
        return {qrel.passage_id for qrel in queries.qrels_of(self._project, query_id)}

    def _wrong(
        self, unit: ExampleUnit, query_id: int, grades: dict[int, int], texts: _Texts, by_name: dict[str, int]
    ) -> list[tuple[int, int]]:
        rows = []
        named = [by_name[name] for name in unit.negative_ids if name in by_name]
        judged = {name for name, _ in unit.judged_ids}
        for name in unit.negative_ids:
            if name not in by_name and name not in judged:
                self._report_unknown(unit, name)
        for passage_id in (*(texts.ids[text_hash(text)] for text in unit.negatives), *named):
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
        self._problems.add(replace(problem, path=str(self._path)))

    def _count(self, is_new: bool, *, updated: bool = False) -> None:
        if is_new:
            self._tally.new += 1
        elif not updated:
            self._tally.unchanged += 1


def _passage(unit: PassageUnit) -> NewPassage:
    return NewPassage(unit.text, heading=unit.heading, external_id=unit.external_id, end=len(unit.text))


def _words(unit: QueryUnit | ExampleUnit) -> str:
    return unit.text if isinstance(unit, QueryUnit) else unit.query
