"""sentence-transformers' rows: the order of the columns counts, not their names, save the label's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from engine.ingest.labelled.fields import (
    SENTENCES,
    RowError,
    grade_of,
    graded,
    number_of,
    scale_in_words,
    scale_of,
    split_of,
    text_field,
    texts_field,
    units_of,
)
from engine.ingest.labelled.units import ExampleUnit, Unit
from engine.ingest.readers.rows import Columns, Row, sample_rows

LABELS = ("label", "labels", "score", "scores")
# What people call the first two columns; names are free, so a guess without one of these would take any table.
ANCHORS = ("anchor", "query", "question", "sentence1", "sentence_a", "premise", "text1", "sentence", "instruction")
POSITIVES = (
    *("positive", "passage", "answer", "sentence2", "sentence_b", "hypothesis", "text2", "document", "docs"),
    *("context", "response", "documents", "pos", "positive_1"),
)


def read_sentence_transformers(path: Path) -> Iterator[Unit]:
    """Pairs, triplets, n-tuples, scored or labelled pairs, and lists, told apart row by row."""
    split = split_of(path.name)
    scale = _scale(path)

    def convert(row: Row) -> Iterator[Unit]:
        names = text_columns(row.columns)
        if len(names) < 2:
            raise RowError("missing_field", "fewer than two text columns")
        query = text_field(row.columns, names[0])
        label = next((row.columns[name] for name in row.columns if name in LABELS), None)
        judged, negatives = _judged(row.columns, names, label, scale)
        scores = tuple(_scores(row.columns, names, label, scale))
        yield ExampleUnit(path.name, row.line, query, tuple(judged), tuple(negatives), split, scores)

    return units_of(path, path.name, convert)


def text_columns(columns: Columns) -> list[str]:
    """Columns that hold texts, in order: all but labels, ids and numbers."""
    return [
        name
        for name, value in columns.items()
        if name not in LABELS and isinstance(value, str | list) and not name.lower().endswith(("_id", "_idx"))
        and name.lower() not in ("id", "idx", "_id")
    ]  # fmt: skip


def shape_of(columns: Columns) -> str:
    """What a row is called, "" where its columns are not named like one: pair, triplet, 5-tuple, scored pair, list."""
    names = text_columns(columns)
    if len(names) < 2 or names[0].lower() not in ANCHORS or names[1].lower() not in POSITIVES:
        return ""
    if not isinstance(columns[names[0]], str):
        return ""
    label = next((columns[name] for name in columns if name in LABELS), None)
    if isinstance(columns[names[1]], list):
        return "list" if isinstance(label, list) and len(names) == 2 else ""
    if not all(name.lower().startswith(("neg", "sentence3", "text3")) for name in names[2:]):
        return ""
    if any(isinstance(columns[name], list) for name in names[2:]):
        return "pair with a list of negatives"
    if len(names) > 2:
        return "triplet" if len(names) == 3 else f"{len(names)}-tuple"
    return "pair" if label is None else "scored or labelled pair"


def _judged(
    columns: Columns, names: Sequence[str], label: object, scale: float
) -> tuple[list[tuple[str, int]], list[str]]:
    if isinstance(columns[names[1]], list):
        return _list(texts_field(columns, names[1]), columns[names[1]], label, scale)
    passage = text_field(columns, names[1])
    if len(names) > 2 or label is None or isinstance(label, list):
        # A list of labels beside texts (distillation) holds a teacher's scores; the order says which is right.
        return [(passage, 1)], [text for name in names[2:] if columns[name] for text in _negatives(columns, name)]
    grade = _grade(label, scale)
    return [(passage, grade)], [] if grade else [passage]


def _negatives(columns: Columns, name: str) -> list[str]:
    """A column holds a text, or a list of them."""
    return texts_field(columns, name) if isinstance(columns[name], list) else [text_field(columns, name)]


def _scores(columns: Columns, names: Sequence[str], label: object, scale: float) -> Iterator[tuple[str, float]]:
    """What a teacher or annotator gave: a number with a point for a pair, or a list of numbers beside its texts."""
    if isinstance(columns[names[1]], list):
        return
    values = (columns[name] for name in names[1:])
    texts = [text for value in values for text in (value if isinstance(value, list) else [value]) if text]
    if isinstance(label, list):
        if len(label) != len(texts):
            raise RowError("wrong_type", "the labels are not as many as the texts")
        yield from ((text, number_of(value)) for text, value in zip(texts, label, strict=True))
    elif len(texts) == 1 and label is not None and not isinstance(label, bool) and scale and "." in str(label):
        yield texts[0], number_of(label)


def _list(
    texts: list[str], all_texts: list[object], label: object, scale: float
) -> tuple[list[tuple[str, int]], list[str]]:
    if not isinstance(label, list) or len(label) != len(all_texts):
        raise RowError("wrong_type", "the labels are not as many as the texts")
    if len(texts) != len(all_texts):
        raise RowError("empty_text", "an empty text in the list")
    judged = []
    for text, value in zip(texts, label, strict=True):
        whole = isinstance(value, int) and not isinstance(value, bool)
        judged.append((text, grade_of(value) if whole else _grade(value, scale)))
    return judged, [text for text, grade in judged if grade == 0]


def _grade(label: object, scale: float) -> int:
    if isinstance(label, bool):
        return int(label)
    try:
        return graded(float(str(label)), scale)
    except ValueError as error:
        raise RowError("wrong_type", f"the label '{label}' is no number") from error


def reading_of(path: Path) -> str:
    """How the labels of pairs are read, in words; "" where there are none, or nothing but 0 and 1."""
    if not any("labelled" in shape_of(row.columns) for row in sample_rows(path, 1)):
        return ""
    column, alike, found = _first_labels(path)
    return "" if set(found) <= {0.0, 1.0} else scale_in_words(column, scale_of(found, alike=alike))


def _scale(path: Path) -> float:
    """What the first labels of the file go up to."""
    _, alike, found = _first_labels(path)
    return scale_of(found, alike=alike)


def _first_labels(path: Path) -> tuple[str, bool, list[float]]:
    """The name of the labels' column, whether the rows are two sentences each, and the first labels."""
    column, alike, found = "", False, []
    for row in sample_rows(path, 200):
        names = text_columns(row.columns)
        alike = alike or bool(names and names[0].lower() in SENTENCES)
        for name in LABELS:
            values = row.columns.get(name)
            for value in values if isinstance(values, list) else [values]:
                with suppress(ValueError):
                    found.append(float(str(value)))
                    column = column or name
    return column, alike, found
