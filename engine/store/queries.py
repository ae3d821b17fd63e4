"""Queries and judgements: what people type, which passages answer it, which queries say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.records import Qrel, Query, Review, Split, text_hash
from engine.store.project import Project, now
from engine.store.schema import next_id

BY_HAND = "hand"  # the source of judgements that a person gave
_REVIEW = "review"  # the source of judgements that come from a person's word on a candidate
_OF_QUERIES = ("qrels", "imported_negatives", "reviews", "negatives", "query_metrics", "pair_scores", "pinned_queries")
_QUERY = "id, external_id, text, source, split, official_split, duplicate_of"


@dataclass(frozen=True, slots=True)
class NewQuery:
    """A query before it has an id."""

    text: str
    external_id: str = ""
    source: str = "imported"
    official_split: Split | None = None


def put_queries(project: Project, rows: Sequence[NewQuery], *, import_id: int | None) -> list[tuple[int, bool]]:
    """Store queries in one transaction; a text that is there already is not stored twice.

    Returns (id, is new) in order. An official split is added where the query had none.
    """
    stored = []
    with project.db.atomic():
        for row in rows:
            digest = text_hash(row.text.strip())
            found = project.db.execute(
                "select id, official_split from queries where text_hash = ?", [digest]
            ).fetchone()
            if found:
                if row.official_split and not found[1]:
                    project.db.execute(
                        "update queries set official_split = ? where id = ?", [row.official_split, found[0]]
                    )
                stored.append((int(found[0]), False))
                continue
            cursor = project.db.execute(
                "insert into queries (id, external_id, text, text_hash, source, official_split, import_id) "
                f"values ({next_id('queries')}, ?, ?, ?, ?, ?, ?)",
                [row.external_id, row.text.strip(), digest, row.source, row.official_split, import_id],
            )
            stored.append((int(cursor.lastrowid or 0), True))
    return stored


def put_qrels(project: Project, rows: Iterable[Qrel], *, import_id: int | None = None) -> int:
    """Store judgements in one transaction, replacing those on the same query and passage; returns how many were new.

    What a person said stays where an import says otherwise.
    """
    before = project.db.execute("select count(*) from qrels").fetchone()[0]
    with project.db.atomic():
        project.db.conn.executemany(
            "insert into qrels (query_id, passage_id, grade, source, import_id) values (?, ?, ?, ?, ?) "
            "on conflict (query_id, passage_id) do update set grade = excluded.grade, source = excluded.source, "
            "import_id = case when excluded.import_id is null then null else import_id end "  # by hand: no import's own
            f"where excluded.import_id is null or source not in ('{BY_HAND}', '{_REVIEW}')",
            [(row.query_id, row.passage_id, row.grade, row.source, import_id) for row in rows],
        )
    return int(project.db.execute("select count(*) from qrels").fetchone()[0] - before)


def remove_qrel(project: Project, query_id: int, passage_id: int) -> None:
    project.db.execute("delete from qrels where query_id = ? and passage_id = ?", [query_id, passage_id])


_GROUP = "passage_id = ? and query_id in (select id from queries where id = ? or duplicate_of = ?)"


def judgements_on(project: Project, query_id: int, passage_id: int) -> list[tuple[Qrel, int | None]]:
    """What was said of a passage for a query and for those merged into it, each with the import that brought it."""
    rows = project.db.execute(
        f"select query_id, passage_id, grade, source, import_id from qrels where {_GROUP} order by query_id",
        [passage_id, query_id, query_id],
    )
    return [(Qrel(*row[:4]), row[4]) for row in rows]


def remove_judgements(project: Project, query_id: int, passage_id: int) -> list[tuple[Qrel, int | None]]:
    """Remove what was said of a passage for a query and for those merged into it; returns it with its import."""
    with project.db.atomic():
        found = judgements_on(project, query_id, passage_id)
        project.db.execute(f"delete from qrels where {_GROUP}", [passage_id, query_id, query_id])
    return found


def put_imported_negatives(project: Project, rows: Iterable[tuple[int, int]], *, import_id: int | None = None) -> int:
    """Store (query id, passage id) pairs that a labelled set calls wrong; returns how many were new."""
    before = project.db.execute("select count(*) from imported_negatives").fetchone()[0]
    with project.db.atomic():
        project.db.conn.executemany(
            "insert or ignore into imported_negatives (query_id, passage_id, import_id) values (?, ?, ?)",
            [(query_id, passage_id, import_id) for query_id, passage_id in rows],
        )
    return int(project.db.execute("select count(*) from imported_negatives").fetchone()[0] - before)


def imported_negatives(project: Project) -> dict[int, list[int]]:
    """Passages that labelled sets call wrong, by the query that stands for each group of duplicates."""
    found: dict[int, list[int]] = {}
    rows = project.db.execute(
        "select coalesce(q.duplicate_of, q.id), n.passage_id from imported_negatives n "
        "join queries q on q.id = n.query_id order by 1, 2"
    )
    for query_id, passage_id in rows:
        found.setdefault(query_id, []).append(passage_id)
    return found


def all_queries(project: Project) -> list[Query]:
    """Every query, duplicates too, in order of id."""
    rows = project.db.execute(f"select {_QUERY} from queries order by id")
    return [_query(row) for row in rows]


def representatives(project: Project, split: Split | None = None) -> list[Query]:
    """Queries that stand for themselves or a group of duplicates, in order of id; of one split if given."""
    where = "duplicate_of is null" + (" and split = ?" if split else "")
    rows = project.db.execute(f"select {_QUERY} from queries where {where} order by id", [split] if split else [])
    return [_query(row) for row in rows]


def judgements(project: Project) -> dict[int, dict[int, int]]:
    """Grades by representative query and passage; merged queries keep the judgements of all, the highest grade wins."""
    found: dict[int, dict[int, int]] = {}
    rows = project.db.execute(
        "select coalesce(q.duplicate_of, q.id), j.passage_id, max(j.grade) from qrels j "
        "join queries q on q.id = j.query_id group by 1, 2 order by 1, 2"
    )
    for query_id, passage_id, grade in rows:
        found.setdefault(query_id, {})[passage_id] = grade
    return found


def positives(project: Project) -> dict[int, dict[int, int]]:
    """`judgements` with a grade of at least 1; queries without one are left out."""
    kept = {
        query_id: {passage_id: grade for passage_id, grade in grades.items() if grade > 0}
        for query_id, grades in judgements(project).items()
    }
    return {query_id: grades for query_id, grades in kept.items() if grades}


def qrels_of(project: Project, query_id: int) -> list[Qrel]:
    """Judgements on one query as they were given, without those of its duplicates."""
    rows = project.db.execute(
        "select query_id, passage_id, grade, source from qrels where query_id = ? order by grade desc, passage_id",
        [query_id],
    )
    return [Qrel(*row) for row in rows]


def query(project: Project, query_id: int) -> Query | None:
    row = project.db.execute(f"select {_QUERY} from queries where id = ?", [query_id]).fetchone()
    return _query(row) if row else None


def queries(project: Project, query_ids: Iterable[int]) -> dict[int, Query]:
    found = {}
    ids = list(query_ids)
    for start in range(0, len(ids), 500):
        block = ids[start : start + 500]
        marks = ", ".join("?" * len(block))
        for row in project.db.execute(f"select {_QUERY} from queries where id in ({marks})", block):
            found[row[0]] = _query(row)
    return found


def query_ids_by_external(project: Project, external_ids: Iterable[str]) -> dict[str, int]:
    ids = list(external_ids)
    found: dict[str, int] = {}
    for start in range(0, len(ids), 500):
        block = ids[start : start + 500]
        marks = ", ".join("?" * len(block))
        rows = project.db.execute(
            f"select external_id, min(id) from queries where external_id in ({marks}) group by external_id", block
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def count_queries(
    project: Project, *, split: str = "", contains: str = "", duplicates: bool | None = None, judged: bool | None = None
) -> int:
    """How many queries a table with these filters shows; `duplicates` True: only merged ones, False: none of them."""
    where, values = _filters(split, contains, duplicates, judged)
    return int(project.db.execute(f"select count(*) from queries {where}", values).fetchone()[0])


def page_of_queries(
    project: Project,
    *,
    offset: int,
    limit: int,
    split: str = "",
    contains: str = "",
    duplicates: bool | None = None,
    judged: bool | None = None,
) -> list[Query]:
    where, values = _filters(split, contains, duplicates, judged)
    rows = project.db.execute(
        f"select {_QUERY} from queries {where} order by id limit ? offset ?", [*values, limit, offset]
    )
    return [_query(row) for row in rows]


def _filters(split: str, contains: str, duplicates: bool | None, judged: bool | None) -> tuple[str, list[str]]:
    terms, values = [], []
    if split == "none":
        terms.append("split is null")
    elif split:
        terms.append("split = ?")
        values.append(split)
    if contains:
        escaped = contains.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        terms.append(r"text like ? escape '\'")
        values.append(f"%{escaped}%")
    if duplicates is not None:
        terms.append(f"duplicate_of is {'not ' if duplicates else ''}null")
    if judged is not None:
        terms.append(f"{'' if judged else 'not '}exists (select 1 from qrels j where j.query_id = queries.id)")
    return (f"where {' and '.join(terms)}" if terms else ""), values


def split_counts(project: Project) -> dict[str, int]:
    """Representative queries by split; those without one under ""."""
    rows = project.db.execute("select split, count(*) from queries where duplicate_of is null group by split")
    return {split or "": count for split, count in rows}


def set_splits(project: Project, splits: Mapping[int, Split | None]) -> None:
    """Give queries their split, all or none."""
    with project.db.atomic():
        project.db.conn.executemany(
            "update queries set split = ? where id = ?", [(split, query_id) for query_id, split in splits.items()]
        )


def set_duplicates(project: Project, duplicate_of: Mapping[int, int]) -> None:
    """Point merged queries at the one that stands for them; all others stand for themselves. All or none."""
    with project.db.atomic():
        project.db.execute("update queries set duplicate_of = null where duplicate_of is not null")
        project.db.conn.executemany(
            "update queries set duplicate_of = ? where id = ?",
            [(standing, query_id) for query_id, standing in duplicate_of.items()],
        )


def merge_query(project: Project, query_id: int, into: int) -> None:
    """Let `into` stand for `query_id` and for all that it stood for; a later search for duplicates keeps it so."""
    with project.db.atomic():
        _decide(project, query_id, into, same=True)
        project.db.execute("update queries set duplicate_of = ? where duplicate_of = ?", [into, query_id])
        project.db.execute("update queries set duplicate_of = ?, split = null where id = ?", [into, query_id])


def unmerge_query(project: Project, query_id: int) -> None:
    """Let a merged query stand for itself again, in the split of the one it was merged into, from now on."""
    with project.db.atomic():
        head = project.db.execute("select duplicate_of from queries where id = ?", [query_id]).fetchone()
        if head and head[0]:
            _decide(project, query_id, int(head[0]), same=False)
        project.db.execute(
            "update queries set split = (select head.split from queries head where head.id = queries.duplicate_of), "
            "duplicate_of = null where id = ? and duplicate_of is not null",
            [query_id],
        )


def decisions(project: Project) -> list[tuple[int, int, bool]]:
    """(query, other, same) as a person said it, the oldest first; of two queries only the last word counts."""
    rows = project.db.execute("select query_id, other_id, same from query_decisions order by made_at, rowid")
    return [(int(query_id), int(other_id), bool(same)) for query_id, other_id, same in rows]


def _decide(project: Project, query_id: int, other_id: int, *, same: bool) -> None:
    project.db.execute("delete from query_decisions where query_id = ? and other_id = ?", [other_id, query_id])
    project.db.execute(
        "insert or replace into query_decisions (query_id, other_id, same, made_at) values (?, ?, ?, ?)",
        [query_id, other_id, int(same), now()],
    )


def remove_query(project: Project, query_id: int) -> None:
    """Take a query with its judgements out of the project; those merged into it stand for themselves again."""
    with project.db.atomic():
        project.db.execute("update queries set duplicate_of = null where duplicate_of = ?", [query_id])
        project.db.execute("delete from query_decisions where query_id = ? or other_id = ?", [query_id, query_id])
        for table in _OF_QUERIES:
            project.db.execute(f"delete from {table} where query_id = ?", [query_id])
        project.db.execute("delete from queries where id = ?", [query_id])


def duplicate_groups(project: Project, *, offset: int = 0, limit: int = 200) -> list[tuple[Query, list[Query]]]:
    """(standing query, queries merged into it), largest groups first."""
    heads = project.db.execute(
        "select duplicate_of, count(*) from queries where duplicate_of is not null "
        "group by 1 order by 2 desc, 1 limit ? offset ?",
        [limit, offset],
    ).fetchall()
    groups = []
    for head_id, _ in heads:
        head = query(project, head_id)
        rows = project.db.execute(f"select {_QUERY} from queries where duplicate_of = ? order by id", [head_id])
        if head:
            groups.append((head, [_query(row) for row in rows]))
    return groups


def count_duplicates(project: Project) -> int:
    return int(project.db.execute("select count(*) from queries where duplicate_of is not null").fetchone()[0])


def count_qrels(project: Project) -> int:
    return int(project.db.execute("select count(*) from qrels").fetchone()[0])


def put_review(project: Project, query_id: int, passage_id: int, verdict: Review) -> list[tuple[Qrel, int | None]]:
    """Record a person's word on a candidate; `relevant` also becomes a judgement of grade 1 where it is no answer yet.

    Returns the judgement whose place that took, with the import that brought it.
    """
    with project.db.atomic():
        project.db.table("reviews").upsert(
            {"query_id": query_id, "passage_id": passage_id, "verdict": verdict.value, "created_at": now()},
            pk=("query_id", "passage_id"),
        )
        if verdict is not Review.RELEVANT:
            _remove_reviewed(project, query_id, passage_id)
            return []
        found = judgements_on(project, query_id, passage_id)
        if any(row.grade for row, _ in found):
            return []
        put_qrels(project, [Qrel(query_id, passage_id, 1, _REVIEW)])
    return [(row, import_id) for row, import_id in found if row.query_id == query_id]


def put_reviews(project: Project, pairs: Sequence[tuple[int, int]], verdict: Review, *, stamp: str) -> int:
    """Record one word on many candidates (query, passage) that have none; `stamp` is their common time.

    Returns how many were new. Not for `relevant`, which is said of one passage at a time.
    """
    with project.db.atomic():
        before = project.db.execute("select count(*) from reviews").fetchone()[0]
        project.db.conn.executemany(
            "insert or ignore into reviews (query_id, passage_id, verdict, created_at) values (?, ?, ?, ?)",
            [(query_id, passage_id, verdict.value, stamp) for query_id, passage_id in pairs],
        )
        return int(project.db.execute("select count(*) from reviews").fetchone()[0] - before)


def remove_reviews_of(project: Project, stamp: str) -> int:
    """Take back what `put_reviews` recorded under a stamp; returns how many."""
    return int(project.db.execute("delete from reviews where created_at = ?", [stamp]).rowcount)


def remove_review(project: Project, query_id: int, passage_id: int) -> None:
    """Take a person's word back, and the judgement that came from it."""
    with project.db.atomic():
        project.db.execute("delete from reviews where query_id = ? and passage_id = ?", [query_id, passage_id])
        _remove_reviewed(project, query_id, passage_id)


def _remove_reviewed(project: Project, query_id: int, passage_id: int) -> None:
    """Take out the judgement that came from a person's word on a candidate."""
    project.db.execute(
        "delete from qrels where query_id = ? and passage_id = ? and source = ?", [query_id, passage_id, _REVIEW]
    )


def review_of(project: Project, query_id: int, passage_id: int) -> Review | None:
    """A person's word on one candidate."""
    row = project.db.execute(
        "select verdict from reviews where query_id = ? and passage_id = ?", [query_id, passage_id]
    ).fetchone()
    return Review(row[0]) if row else None


def reviews(project: Project) -> dict[tuple[int, int], Review]:
    """A person's word by (representative query id, passage id)."""
    rows = project.db.execute(
        "select coalesce(q.duplicate_of, q.id), r.passage_id, r.verdict from reviews r "
        "join queries q on q.id = r.query_id"
    )
    return {(row[0], row[1]): Review(row[2]) for row in rows}


def put_feedback(project: Project, text: str, passage_id: int, vote: int, system: str) -> int:
    """Record a thumb on a hit: `vote` 1 up, -1 down; returns its id."""
    cursor = project.db.execute(
        "insert into feedback (text, passage_id, vote, system, created_at) values (?, ?, ?, ?, ?)",
        [text, passage_id, vote, system, now()],
    )
    return int(cursor.lastrowid or 0)


def remove_feedback(project: Project, feedback_id: int) -> None:
    project.db.execute("delete from feedback where id = ?", [feedback_id])


def count_feedback(project: Project) -> int:
    return int(project.db.execute("select count(*) from feedback").fetchone()[0])


def feedback_of(project: Project, text: str) -> dict[int, int]:
    """The last vote by passage for one searched text."""
    rows = project.db.execute("select passage_id, vote from feedback where text = ? order by id", [text])
    return {row[0]: row[1] for row in rows}


def _query(row: Sequence[Any]) -> Query:  # Any: a row's columns
    query_id, external_id, text, source, split, official, duplicate_of = row
    return Query(
        query_id,
        external_id or "",
        text,
        source or "",
        Split(split) if split else None,
        Split(official) if official else None,
        duplicate_of,
    )
