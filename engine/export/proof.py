"""Proves an exported set by reading it as import would: the same queries, answers and negatives, or no export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.errors import ExportError
from engine.export.examples import Example
from engine.formats import NEED_NEGATIVES, WITHOUT_NEGATIVES
from engine.ingest.labelled.units import (
    ExampleUnit,
    JudgementUnit,
    NegativeUnit,
    PassageUnit,
    QueryUnit,
    SkippedUnit,
    Unit,
)
from engine.records import text_hash

GRADED = ("csv", "st-list", "gpl", "trec-folder")
TABLES = ("csv", "tsv", "trec-folder")  # formats that cannot hold a NUL


@dataclass(slots=True)
class Content:
    """Hashes of texts: grades by answer, and negatives, by query."""

    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    negatives: dict[str, set[str]] = field(default_factory=dict)

    def counts(self) -> tuple[int, int, int]:
        """Queries, answers, negatives."""
        right, wrong = self.answers.values(), self.negatives.values()
        return len(self.answers), sum(map(len, right)), sum(map(len, wrong))


def expected(rows: Iterable[Example], format: str) -> tuple[Content, int]:
    """What a file of this format will hold, and how many queries it cannot (no negative where one is needed)."""
    content, left = Content(), 0
    for row in rows:
        if format in NEED_NEGATIVES and not row.negatives:
            left += 1
            continue
        query = _query_hash(row.query, format)
        grades = content.answers.setdefault(query, {})
        for one in row.positives:
            grades[_hash(one.whole, format)] = one.grade if format in GRADED else 1
        if format not in WITHOUT_NEGATIVES or format == "trec-folder":
            wrong = {_hash(one.whole, format) for one in row.negatives} - grades.keys()
            content.negatives.setdefault(query, set()).update(wrong)
    return content, left


def check(units: Iterable[Unit], wanted: Content, format: str) -> None:
    """Compare what was read with what was to be written.

    Raises:
        ExportError: a line cannot be read, or something is missing, added or changed.
    """
    found = _content(units)
    if found.answers != wanted.answers:
        raise ExportError("The answers could not be read back as they were written.", hint="Export again.")
    if {q: wrong for q, wrong in found.negatives.items() if wrong} != {
        q: wrong for q, wrong in wanted.negatives.items() if wrong
    }:
        raise ExportError("The negatives could not be read back as they were written.", hint="Export again.")


def _hash(text: str, format: str) -> str:
    return text_hash(_held(text, format))


def _query_hash(text: str, format: str) -> str:
    """Blanks at the ends are no part of a query, those neither that a NUL left out uncovers."""
    return text_hash(_held(text, format).strip())


def _held(text: str, format: str) -> str:
    return text.replace("\0", "") if format in TABLES else text


def _content(units: Iterable[Unit]) -> Content:
    content = Content()
    passages: dict[str, str] = {}
    asked: dict[str, str] = {}
    for unit in units:
        match unit:
            case SkippedUnit():
                problem = unit.problem
                raise ExportError(f"{problem.file}, line {problem.line}, cannot be read again: {problem.reason}.")
            case PassageUnit():
                whole = f"{unit.heading} {unit.text}" if unit.heading else unit.text
                passages[unit.external_id] = text_hash(whole)
            case QueryUnit():
                asked[unit.external_id] = text_hash(unit.text.strip())
            case JudgementUnit():
                _add(content, asked[unit.query_id], ((passages[unit.passage_id], unit.grade),), ())
            case NegativeUnit():
                _add(content, asked[unit.query_id], (), (passages[unit.passage_id],))
            case ExampleUnit():
                right = [(text_hash(text), grade) for text, grade in unit.judged]
                right += [(passages[name], grade) for name, grade in unit.judged_ids]
                wrong = [text_hash(text) for text in unit.negatives] + [passages[n] for n in unit.negative_ids]
                _add(content, text_hash(unit.query.strip()), right, wrong)
    return content


def _add(content: Content, query: str, right: Iterable[tuple[str, int]], wrong: Iterable[str]) -> None:
    grades = content.answers.setdefault(query, {})
    refused = content.negatives.setdefault(query, set())
    for passage, grade in right:
        if grade > 0:
            grades[passage] = max(grade, grades.get(passage, 0))
        else:
            refused.add(passage)
    refused.update(wrong)
    refused.difference_update(grades)


def kept(rows: Iterable[Example], format: str) -> Iterator[Example]:
    """The examples that the format can hold."""
    return (row for row in rows if row.negatives or format not in NEED_NEGATIVES)
