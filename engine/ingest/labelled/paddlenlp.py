"""PaddleNLP's JSON lines: `query`, `pos_passage` and `neg_passage`, each a text or a list; or `neg_passage` alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import RowError, split_of, text_field, texts_field, units_of
from engine.ingest.labelled.units import ExampleUnit, Unit
from engine.ingest.readers.rows import Row


def read_paddlenlp(path: Path) -> Iterator[Unit]:
    """Examples; lines with `neg_passage` alone (the second file of an evaluation) are passages nobody asked for."""
    split = split_of(path.name)

    def convert(row: Row) -> Iterator[Unit]:
        positives = texts_field(row.columns, "pos_passage")
        negatives = texts_field(row.columns, "neg_passage")
        if "query" not in row.columns and not positives:
            if not negatives:
                raise RowError("missing_field", "neither 'query' with 'pos_passage' nor 'neg_passage'")
            yield ExampleUnit(path.name, row.line, "", negatives=tuple(negatives))
            return
        query = text_field(row.columns, "query")
        if not positives:
            raise RowError("no_positive", "'pos_passage' is absent or empty")
        judged = tuple((text, 1) for text in positives)
        yield ExampleUnit(path.name, row.line, query, judged, tuple(negatives), split)

    return units_of(path, path.name, convert)
