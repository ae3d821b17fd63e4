"""A person's word on a pooled passage: kept at once, measured at once, and taken back to what was there before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from engine.curate.placing import place_judged
from engine.errors import UserError
from engine.evaluate.judging import judge_query_again
from engine.records import Qrel, Query, Split
from engine.store import documents, judging, queries
from engine.store.judging import BY_HAND
from engine.store.project import Project

HIGHEST = 3


@dataclass(frozen=True, slots=True)
class Word:
    """What was known of a passage: its grade (None: not judged), who gave it, and whether it was skipped.

    `given`: each judgement on it, those of merged queries too: query, passage, grade, source, import.
    """

    grade: int | None = None
    source: str = ""
    skipped: bool = False
    given: Sequence[Sequence[Any]] = ()  # Any: a row's columns


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a word changed: what was there before, the split the query got by it, comparisons made again."""

    before: Word
    placed: Split | None = None
    compared: int = 0


def judge_passage(project: Project, query_id: int, passage_id: int, grade: int | None) -> Spoken:
    """Record a grade of 0 to 3 by hand, None to skip; a query that is judged so gets a split if it has none.

    The grade also takes the place of those given to queries that are merged with this one.

    Raises:
        UserError: a grade that is none, or a query or passage that is not there.
    """
    if grade is not None and not 0 <= grade <= HIGHEST:
        raise UserError(f"A grade is 0 to 3, not {grade}.", hint="2 answers it, 1 in part, 0 not; 3 perfectly.")
    asked = queries.query(project, query_id)
    if asked is None:
        raise UserError(f"There is no query {query_id}.", hint="List them: searchsmith queries list PROJECT")
    if passage_id not in documents.passages(project, [passage_id]):
        raise UserError(f"There is no passage {passage_id}.", hint="Look at the pool again: searchsmith judge PROJECT")
    before = _word(project, asked, passage_id)
    judging.put_judged(project, query_id, "")  # begun: it comes first when judging goes on another day
    if grade is None:
        if before.grade is None:
            judging.put_skip(project, query_id, passage_id)
        return Spoken(before)
    judging.remove_skip(project, query_id, passage_id)
    judged = dict.fromkeys((query_id, *(row[0] for row in before.given)))
    queries.put_qrels(project, [Qrel(member, passage_id, grade, BY_HAND) for member in judged])
    placed = place_judged(project, query_id) if grade else None
    return Spoken(before, placed, len(judge_query_again(project, query_id)))


def take_back(project: Project, query_id: int, passage_id: int, before: Word, *, placed: bool) -> int:
    """Make a passage what it was `before` a word; `placed`: the query got its split by it. Returns comparisons made
    again.
    """
    judging.put_judged(project, query_id, "")
    if before.skipped:
        judging.put_skip(project, query_id, passage_id)
    else:
        judging.remove_skip(project, query_id, passage_id)
    queries.remove_qrel(project, query_id, passage_id)
    for member, passage, grade, source, import_id in before.given:
        queries.remove_qrel(project, member, passage)
        queries.put_qrels(project, [Qrel(member, passage, grade, source)], import_id=import_id)
    compared = len(judge_query_again(project, query_id))
    if placed:
        queries.set_splits(project, {query_id: None})
    return compared


def _word(project: Project, asked: Query, passage_id: int) -> Word:
    found = queries.judgements_on(project, asked.duplicate_of or asked.id, passage_id)
    if not found:
        return Word(skipped=passage_id in judging.skipped_of(project, asked.id))
    best = max((row for row, _ in found), key=lambda row: row.grade)
    return Word(best.grade, best.source, given=[[*astuple(row), import_id] for row, import_id in found])
