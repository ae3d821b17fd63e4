"""What labelled sets are made of, format by format the same: one unit for each line of their files."""

from __future__ import annotations

from dataclasses import dataclass

from engine.records import ImportProblem, Split


@dataclass(frozen=True, slots=True)
class PassageUnit:
    """A line of a corpus or pool. `title` is for lists of documents; `heading` is searched with the text."""

    file: str
    line: int
    text: str
    heading: str = ""
    external_id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class QueryUnit:
    file: str
    line: int
    text: str
    external_id: str = ""
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class JudgementUnit:
    """A line of qrels, by the ids of its set; `grade` 0 to 3."""

    file: str
    line: int
    query_id: str
    passage_id: str
    grade: int


@dataclass(frozen=True, slots=True)
class ExampleUnit:
    """A line with texts in it: (passage, grade) pairs that were judged, and passages it calls wrong.

    A line of a pool has no query.
    """

    file: str
    line: int
    query: str
    judged: tuple[tuple[str, int], ...] = ()
    negatives: tuple[str, ...] = ()
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class SkippedUnit:
    """A line that was not taken, and why."""

    problem: ImportProblem


@dataclass(frozen=True, slots=True)
class Remark:
    """A part of a line that was not taken; the rest of the line was."""

    problem: ImportProblem


Unit = PassageUnit | QueryUnit | JudgementUnit | ExampleUnit | SkippedUnit | Remark
