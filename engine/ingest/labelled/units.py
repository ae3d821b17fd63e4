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
class NegativeUnit:
    """A passage that is wrong for a query, by the ids of its set."""

    file: str
    line: int
    query_id: str
    passage_id: str


@dataclass(frozen=True, slots=True)
class ScoreUnit:
    """How well a passage answers a query as a teacher or annotator says, by the ids of its set."""

    file: str
    line: int
    query_id: str
    passage_id: str
    score: float


@dataclass(frozen=True, slots=True)
class RunUnit:
    """A hit in another system's ranking, by ids."""

    file: str
    line: int
    system: str
    query_id: str
    passage_id: str
    score: float


@dataclass(frozen=True, slots=True)
class ExampleUnit:
    """A line with texts in it: (passage, grade) pairs that were judged, and passages it calls wrong.

    A line of a pool has no query. `scores` are (passage, score) as a teacher or annotator gave them. `judged_ids` and
    `negative_ids` name passages by id, of this set or of the project. Queries of one `group` stay in one split.
    """

    file: str
    line: int
    query: str
    judged: tuple[tuple[str, int], ...] = ()
    negatives: tuple[str, ...] = ()
    split: Split | None = None
    scores: tuple[tuple[str, float], ...] = ()
    external_id: str = ""
    judged_ids: tuple[tuple[str, int], ...] = ()
    negative_ids: tuple[str, ...] = ()
    group: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """Every passage's text in it."""
        return (*(text for text, _ in self.judged), *self.negatives, *(text for text, _ in self.scores))


@dataclass(frozen=True, slots=True)
class SkippedUnit:
    """A line that was not taken, and why."""

    problem: ImportProblem


@dataclass(frozen=True, slots=True)
class Remark:
    """A part of a line that was not taken; the rest of the line was."""

    problem: ImportProblem


Unit = PassageUnit | QueryUnit | JudgementUnit | NegativeUnit | ScoreUnit | RunUnit | ExampleUnit | SkippedUnit | Remark
