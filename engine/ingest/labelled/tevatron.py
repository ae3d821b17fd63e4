"""Tevatron: training lines with whole passages (version 1), or with ids beside a corpus file (version 2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import (
    RowError,
    heading_field,
    id_field,
    ids_field,
    split_of,
    text_field,
    units_of,
)
from engine.ingest.labelled.units import ExampleUnit, JudgementUnit, NegativeUnit, PassageUnit, QueryUnit, Unit
from engine.ingest.readers.rows import Columns, Row
from engine.records import Split


def is_whole(columns: Columns) -> bool:
    """A training line of version 1."""
    return "query" in columns and "positive_passages" in columns


def is_by_id(columns: Columns) -> bool:
    """A training line of version 2."""
    return "positive_document_ids" in columns and ("query_text" in columns or "query" in columns)


def is_passage(columns: Columns) -> bool:
    """A line of a corpus; the documentation says `document_text`, the code reads `text`."""
    return "docid" in columns and ("text" in columns or "document_text" in columns)


def read_tevatron(path: Path) -> Iterator[Unit]:
    """A file, or a folder whose files hold corpus and training lines; corpora come first."""
    from engine.ingest.labelled.folders import files_with

    if path.is_dir():
        for file in files_with(path, is_passage):
            yield from units_of(file, file.name, lambda row, file=file: _passage(file, row))  # type: ignore[misc]
        for file in files_with(path, lambda row: is_by_id(row) or is_whole(row)):
            yield from _training(file)
        return
    yield from _training(path)


def _training(path: Path) -> Iterator[Unit]:
    split = split_of(path.name)

    def convert(row: Row) -> Iterator[Unit]:
        if is_passage(row.columns):
            yield from _passage(path, row)
        elif "positive_document_ids" in row.columns:
            yield from _by_id(path, row, split)
        else:
            yield from _whole(path, row, split)

    return units_of(path, path.name, convert)


def _passage(path: Path, row: Row) -> Iterator[Unit]:
    text = text_field(row.columns, "text" if "text" in row.columns else "document_text")
    external_id = id_field(row.columns, "docid")
    yield PassageUnit(path.name, row.line, text, heading=heading_field(row.columns), external_id=external_id)


def _by_id(path: Path, row: Row, split: Split | None) -> Iterator[Unit]:
    query = text_field(row.columns, "query_text" if "query_text" in row.columns else "query")
    positives = ids_field(row.columns, "positive_document_ids")
    if not positives:
        raise RowError("no_positive", "'positive_document_ids' is absent or empty")
    yield ExampleUnit(
        path.name,
        row.line,
        query,
        split=split,
        external_id=id_field(row.columns, "query_id") if "query_id" in row.columns else "",
        judged_ids=tuple((name, 1) for name in positives),
        negative_ids=tuple(ids_field(row.columns, "negative_document_ids")),
    )


def _whole(path: Path, row: Row, split: Split | None) -> Iterator[Unit]:
    text = text_field(row.columns, "query")
    query_id = id_field(row.columns, "query_id") if row.columns.get("query_id") not in (None, "") else f"#{row.line}"
    positives = _passages(path, row, "positive_passages")
    if not positives:
        raise RowError("no_positive", "'positive_passages' is absent or empty")
    negatives = _passages(path, row, "negative_passages")
    yield from positives
    yield from negatives
    yield QueryUnit(path.name, row.line, text, external_id=query_id, split=split)
    for passage in positives:
        yield JudgementUnit(path.name, row.line, query_id, passage.external_id, 1)
    for passage in negatives:
        yield NegativeUnit(path.name, row.line, query_id, passage.external_id)


def _passages(path: Path, row: Row, name: str) -> list[PassageUnit]:
    found = row.columns.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RowError("wrong_type", f"'{name}' is no list of objects with 'docid' and 'text'")
    units = []
    for place, one in enumerate(found):
        external_id = id_field(one, "docid") if one.get("docid") not in (None, "") else f"#{row.line}.{name[0]}{place}"
        text = text_field(one, "text")
        units.append(PassageUnit(path.name, row.line, text, heading=heading_field(one), external_id=external_id))
    return units
