"""A person's word on a pooled passage: kept at once, measured at once, and taken back to what was there before."""

from __future__ import annotations

from dataclasses import dataclass

from engine.curate.placing import place_judged
from engine.errors import UserError
from engine.evaluate.judging import judge_query_again
from engine.records import Qrel, Split
from engine.store import documents, judging, queries
from engine.store.judging import BY_HAND
from engine.store.project import Project

HIGHEST = 3


@dataclass(frozen=True, slots=True)
class Word:
    """What was known of a passage: its grade (None: not judged), who gave it, and whether it was skipped."""

    grade: int | None = None
    source: str = ""
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a word changed: what was there before, the split the query got by it, comparisons made again."""

    before: Word
    placed: Split | None = None
    compared: int = 0


def judge_passage(project: Project, query_id: int, passage_id: int, grade: int | None) -> Spoken:
    """Record a grade of 0 to 3 by hand, None to skip; a query that is judged so gets a split if it has none.

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
    before = _word(project, query_id, passage_id)
    judging.put_judged(project, query_id, "")  # begun: it comes first when judging goes on another day
    if grade is None:
        if before.grade is None:
            judging.put_skip(project, query_id, passage_id)
        return Spoken(before)
    judging.remove_skip(project, query_id, passage_id)
    queries.put_qrels(project, [Qrel(query_id, passage_id, grade, BY_HAND)])
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
    if before.grade is None:
        queries.remove_qrel(project, query_id, passage_id)
    else:
        queries.put_qrels(project, [Qrel(query_id, passage_id, before.grade, before.source)])
    compared = len(judge_query_again(project, query_id))
    if placed:
        queries.set_splits(project, {query_id: None})
    return compared


def _word(project: Project, query_id: int, passage_id: int) -> Word:
    for row in queries.qrels_of(project, query_id):
        if row.passage_id == passage_id:
            return Word(row.grade, row.source)
    return Word(skipped=passage_id in judging.skipped_of(project, query_id))
