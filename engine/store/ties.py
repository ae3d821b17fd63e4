"""What ties one query to others: answers and source documents that they share."""

from __future__ import annotations

from engine.records import Split
from engine.store.project import Project

_OF_QUERY = "select j.passage_id from qrels j join queries m on m.id = j.query_id where j.grade > 0 "
_OF_QUERY += "and (m.id = ? or m.duplicate_of = ?)"
_OTHERS = (
    "select distinct coalesce(h.split, q.split) from qrels k join queries q on q.id = k.query_id "
    "left join queries h on h.id = q.duplicate_of where k.grade > 0 and q.id <> ? and coalesce(q.duplicate_of, 0) <> ? "
)


def has_answer(project: Project, query_id: int) -> bool:
    """Whether a passage is judged relevant to a query or to one merged into it."""
    return project.db.execute(f"{_OF_QUERY} limit 1", [query_id] * 2).fetchone() is not None


def splits_by_answer(project: Project, query_id: int) -> set[Split]:
    """Splits of other queries that a passage answers which answers this one."""
    rows = project.db.execute(f"{_OTHERS} and k.passage_id in ({_OF_QUERY})", [query_id] * 4)
    return {Split(row[0]) for row in rows if row[0]}


def splits_by_document(project: Project, query_id: int) -> set[Split]:
    """Splits of other queries whose answers stand in the same files; each row of a labelled set is one of its own."""
    same = (
        "select p.id from passages p join documents d on d.id = p.document_id where d.labelled = 0 "
        f"and p.document_id in (select a.document_id from passages a where a.id in ({_OF_QUERY}))"
    )
    rows = project.db.execute(f"{_OTHERS} and k.passage_id in ({same})", [query_id] * 4)
    return {Split(row[0]) for row in rows if row[0]}


def answered_elsewhere(project: Project) -> bool:
    """Whether any query has an answer that was not judged by hand."""
    row = project.db.execute("select 1 from qrels where grade > 0 and source <> 'hand' limit 1").fetchone()
    return row is not None


def leak_state(project: Project) -> list[float]:
    """What leaks depend on, in numbers that differ where it does: answers, splits, merged queries, the threshold."""
    (answers,) = project.db.execute("select coalesce(sum(31 * query_id + passage_id), 0) from qrels where grade > 0")
    (places,) = project.db.execute(
        "select count(*), coalesce(sum(duplicate_of), 0), "
        "coalesce(sum(id * case split when 'train' then 1 when 'dev' then 2 when 'test' then 3 else 0 end), 0) "
        "from queries"
    )
    settings = project.meta_json("dedup") or {}
    return [*map(float, (*answers, *places)), float(settings.get("threshold", 0.0))]
