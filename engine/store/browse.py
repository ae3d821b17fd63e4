"""Questions that tables and inspectors ask: what stands beside a query, how long passages are, what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.records import Passage, Query, Split
from engine.store.project import Project
from engine.store.queries import query

_MANY = 300
_QUERY = "id, external_id, text, source, split, official_split, duplicate_of"


@dataclass(frozen=True, slots=True)
class QueryDetail:
    """What a table shows beside a query.

    Attributes:
        answers: passages judged relevant, those of merged queries too.
        answer: the name of the best one, "" where there is none.
        group: queries that say the same, this one included; 1 where it stands alone.
    """

    answers: int = 0
    answer: str = ""
    group: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A passage judged relevant to a query, with the grade it got and where the word came from."""

    passage: Passage
    title: str
    grade: int
    source: str


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage found by its words: what it is called and how it begins."""

    id: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class QueryGroup:
    """A query with everything known of it: its answers, and the queries that say the same (the standing one first)."""

    query: Query
    answers: tuple[Answer, ...]
    members: tuple[Query, ...]


def passage_name(heading: str, title: str, text: str) -> str:
    """What a passage is called where there is room for one line: its heading, its document's title, its first words."""
    name = heading.strip() or title.strip()
    if name:
        return name
    first = " ".join(text[:200].split())
    return first[:80] + ("…" if len(first) > 80 else "")


def passage_names(project: Project, passage_ids: Iterable[int]) -> dict[int, str]:
    """`passage_name` by passage id; ids that are not there are left out."""
    found = {}
    for block in _blocks(list(passage_ids)):
        rows = project.db.execute(
            "select p.id, p.heading, d.title, substr(p.text, 1, 200) from passages p "
            f"join documents d on d.id = p.document_id where p.id in ({_marks(block)})",
            block,
        )
        found.update({row[0]: passage_name(row[1] or "", row[2] or "", row[3] or "") for row in rows})
    return found


def find_passages(project: Project, contains: str, *, limit: int) -> list[FoundPassage]:
    """Passages whose heading or text holds every word of `contains`, in order of id."""
    terms = contains.split()[:8]
    escaped = [term.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") for term in terms]
    where = " and ".join([r"p.heading || ' ' || p.text like ? escape '\'"] * len(terms)) or "1"
    rows = project.db.execute(
        "select p.id, p.heading, d.title, substr(p.text, 1, 300) from passages p "
        f"join documents d on d.id = p.document_id where {where} order by p.id limit ?",
        [*(f"%{term}%" for term in escaped), limit],
    )
    return [FoundPassage(row[0], passage_name(row[1] or "", row[2] or "", row[3]), row[3]) for row in rows]


def query_details(project: Project, query_ids: Sequence[int]) -> dict[int, QueryDetail]:
    """What stands beside each of these queries."""
    found = {}
    for block in _blocks(query_ids):
        rows = project.db.execute(
            "select q.id, (select count(*) + 1 from queries m where m.duplicate_of = coalesce(q.duplicate_of, q.id)), "
            "count(distinct j.passage_id), max(j.grade * 1000000000 - j.passage_id) from queries q "
            "left join queries m on m.id = q.id or m.duplicate_of = q.id "
            "left join qrels j on j.query_id = m.id and j.grade > 0 "
            f"where q.id in ({_marks(block)}) group by q.id",
            block,
        ).fetchall()
        best = {row[0]: -row[3] % 1_000_000_000 for row in rows if row[3] is not None}
        names = passage_names(project, best.values())
        for query_id, group, answers, _ in rows:
            found[query_id] = QueryDetail(answers, names.get(best.get(query_id, 0), ""), group)
    return found


def query_group(project: Project, query_id: int) -> QueryGroup | None:
    """Everything known of one query."""
    asked = query(project, query_id)
    if asked is None:
        return None
    head = asked.duplicate_of or asked.id
    members = project.db.execute(
        f"select {_QUERY} from queries where id = ? or duplicate_of = ? order by id = ? desc, id", [head, head, head]
    )
    return QueryGroup(asked, tuple(answers_of(project, query_id)), tuple(_query(row) for row in members))


def answers_of(project: Project, query_id: int) -> list[Answer]:
    """Passages judged relevant to a query or one merged into it, the highest grade first."""
    rows = project.db.execute(
        'select p.id, p.document_id, p.external_id, p.ordinal, p.heading, p.text, p.start, p."end", p.page, '
        "d.title, max(j.grade), min(j.source) from qrels j join queries q on q.id = j.query_id "
        "join passages p on p.id = j.passage_id join documents d on d.id = p.document_id "
        "where (q.id = ? or q.duplicate_of = ?) and j.grade > 0 group by p.id order by 11 desc, p.id",
        [query_id, query_id],
    )
    return [
        Answer(Passage(*row[:9]), passage_name(row[4] or "", row[9] or "", row[5] or ""), row[10], row[11] or "")
        for row in rows
    ]


def passage_lengths(project: Project) -> np.ndarray:
    """Characters of every passage, (n,) int64, in no order."""
    rows = project.db.execute("select length(text) from passages")
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def kept_pairs(project: Project, mining_id: int) -> np.ndarray:
    """The negatives of a mining as query id × 2³² + passage id, (n,) int64, ascending."""
    rows = project.db.execute("select (query_id << 32) + passage_id from negatives where mining_id = ?", [mining_id])
    return np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64))


def _query(row: Sequence[object]) -> Query:
    query_id, external_id, text, source, split, official, duplicate_of = row
    return Query(
        int(str(query_id)),
        str(external_id or ""),
        str(text),
        str(source or ""),
        Split(str(split)) if split else None,
        Split(str(official)) if official else None,
        int(str(duplicate_of)) if duplicate_of else None,
    )


def _marks(block: Sequence[int]) -> str:
    return ", ".join("?" * len(block))


def _blocks(values: Sequence[int]) -> Iterable[list[int]]:
    for start in range(0, len(values), _MANY):
        yield list(values[start : start + _MANY])
