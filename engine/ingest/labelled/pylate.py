"""PyLate's distillation sets: scores of documents by query, beside the texts of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import RowError, id_field, ids_field, number_of, split_of, text_field, units_of
from engine.ingest.labelled.folders import files_with
from engine.ingest.labelled.units import JudgementUnit, NegativeUnit, PassageUnit, QueryUnit, ScoreUnit, Unit
from engine.ingest.readers.rows import Columns, Row
from engine.records import Split


def is_scores(columns: Columns) -> bool:
    return "query_id" in columns and "document_ids" in columns


def is_document(columns: Columns) -> bool:
    return "document_id" in columns and ("text" in columns or "document" in columns)


def is_query(columns: Columns) -> bool:
    return "query_id" in columns and ("text" in columns or "query" in columns) and "document_ids" not in columns


def read_pylate(path: Path) -> Iterator[Unit]:
    """Documents, queries, then scores. Scores alone (a file) name documents and queries of the project.

    A teacher's scores say how alike, not what is right: the best of a query's list is taken as its answer (several
    where they are equal), the others as wrong, and all scores are kept for distillation.
    """
    if not path.is_dir():
        yield from _scores(path)
        return
    for file in files_with(path, is_document):
        yield from units_of(file, file.name, lambda row, file=file: _document(file, row))  # type: ignore[misc]
    splits = {}
    files = files_with(path, is_scores)
    for file in files:
        if split := split_of(file.name):
            splits.update(dict.fromkeys(_queries_in(file), split))
    for file in files_with(path, is_query):
        yield from units_of(file, file.name, lambda row, file=file: _query(file, row, splits))  # type: ignore[misc]
    for file in files:
        yield from _scores(file)


def _queries_in(path: Path) -> Iterator[str]:
    units = units_of(path, path.name, lambda row: iter([_asked(path, row)]))
    yield from (unit.external_id for unit in units if isinstance(unit, QueryUnit))


def _asked(path: Path, row: Row) -> QueryUnit:
    return QueryUnit(path.name, row.line, "", external_id=id_field(row.columns, "query_id"))


def _document(path: Path, row: Row) -> Iterator[Unit]:
    text = text_field(row.columns, "text" if "text" in row.columns else "document")
    yield PassageUnit(path.name, row.line, text, external_id=id_field(row.columns, "document_id"))


def _query(path: Path, row: Row, splits: dict[str, Split]) -> Iterator[Unit]:
    text = text_field(row.columns, "text" if "text" in row.columns else "query")
    external_id = id_field(row.columns, "query_id")
    yield QueryUnit(path.name, row.line, text, external_id=external_id, split=splits.get(external_id))


def _scores(path: Path) -> Iterator[Unit]:
    return units_of(path, path.name, lambda row: _scored(path, row))


def _scored(path: Path, row: Row) -> Iterator[Unit]:
    query_id = id_field(row.columns, "query_id")
    names = ids_field(row.columns, "document_ids")
    given = row.columns.get("scores")
    if not names:
        raise RowError("no_positive", "'document_ids' is absent or empty")
    if given is not None and (not isinstance(given, list) or len(given) != len(names)):
        raise RowError("wrong_type", "the scores are not as many as the documents")
    scores = [number_of(value) for value in given] if given is not None else [1.0] + [0.0] * (len(names) - 1)
    best = max(scores)
    for name, score in zip(names, scores, strict=True):
        if score == best:
            yield JudgementUnit(path.name, row.line, query_id, name, 1)
        else:
            yield NegativeUnit(path.name, row.line, query_id, name)
        if given is not None:
            yield ScoreUnit(path.name, row.line, query_id, name, score)
