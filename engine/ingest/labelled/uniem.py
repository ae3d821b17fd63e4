"""uniem: `text` with `text_pos`, perhaps `text_neg`, line by line. Its scored pairs are sentence-transformers'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import split_of, text_field, units_of
from engine.ingest.labelled.units import ExampleUnit, Unit
from engine.ingest.readers.rows import Columns, Row


def is_uniem(columns: Columns) -> bool:
    return "text" in columns and "text_pos" in columns


def read_uniem(path: Path) -> Iterator[Unit]:
    """Pairs and triplets."""
    split = split_of(path.name)

    def convert(row: Row) -> Iterator[Unit]:
        query = text_field(row.columns, "text")
        positive = text_field(row.columns, "text_pos")
        negatives = (text_field(row.columns, "text_neg"),) if row.columns.get("text_neg") else ()
        yield ExampleUnit(path.name, row.line, query, ((positive, 1),), negatives, split)

    return units_of(path, path.name, convert)
