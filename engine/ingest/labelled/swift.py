"""ms-swift: a conversation as the query, conversations as passages; each passage is the text of its last message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import RowError, number_of, split_of, units_of
from engine.ingest.labelled.units import ExampleUnit, Unit
from engine.ingest.readers.rows import Columns, Row

# As sentence-transformers' scored pairs: at least this share of the scale says that two texts mean the same.
RELEVANT = 0.6


def is_swift(columns: Columns) -> bool:
    return isinstance(columns.get("messages"), list) and "positive_messages" in columns


def read_swift(path: Path) -> Iterator[Unit]:
    """Examples; with a `label` (0 to 1) the pair is scored and counts as an answer from 0.6 on."""
    split = split_of(path.name)

    def convert(row: Row) -> Iterator[Unit]:
        query = _text(row.columns.get("messages"), "messages")
        positives = _texts(row.columns, "positive_messages")
        negatives = tuple(_texts(row.columns, "negative_messages"))
        if not positives:
            raise RowError("no_positive", "'positive_messages' is absent or empty")
        label = row.columns.get("label")
        if label is None:
            judged = tuple((text, 1) for text in positives)
            yield ExampleUnit(path.name, row.line, query, judged, negatives, split)
            return
        score = number_of(label)
        grade = int(score >= RELEVANT)
        wrong = (*negatives, *(positives if not grade else ()))
        judged = tuple((text, grade) for text in positives)
        yield ExampleUnit(path.name, row.line, query, judged, wrong, split, tuple((text, score) for text in positives))

    return units_of(path, path.name, convert)


def _texts(columns: Columns, name: str) -> list[str]:
    value = columns.get(name) or []
    if not isinstance(value, list):
        raise RowError("wrong_type", f"'{name}' is no list of conversations")
    if value and isinstance(value[0], dict):  # one conversation, not a list of them
        value = [value]
    return [_text(one, name) for one in value]


def _text(messages: object, name: str) -> str:
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        raise RowError("wrong_type", f"'{name}' is no list of messages")
    content = messages[-1].get("content")
    if isinstance(content, list):  # parts: texts, and pictures, which are not read
        content = "\n".join(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    if not isinstance(content, str) or not content.strip():
        raise RowError("empty_text", f"a message in '{name}' has no text")
    return content
