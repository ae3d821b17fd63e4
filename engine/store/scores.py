"""Scores of pairs: how well a passage answers a query, as a teacher model or an annotator says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.store.project import Project

_BLOCK = 1000
FEWEST_TEXTS = 8
"""Passages that objectives on texts alone ask for."""


@dataclass(frozen=True, slots=True)
class PairScore:
    """`score` as it was given: any real number, higher is more alike."""

    query_id: int
    passage_id: int
    score: float


@dataclass(frozen=True, slots=True)
class DataCounts:
    """What there is to learn from, in the train split.

    Attributes:
        answered: queries with an answer.
        answers: pairs of query and answer.
        refused: queries with an answer and at least one negative (mined, imported or by hand).
        scored: pairs scored by the newest source.
        score_levels: distinct scores among them, at most 1,000.
        compared: queries with passages of at least two different scores.
        ranked: queries with passages of at least two different grades.
        grades: distinct grades of judged pairs.
        judged: judged pairs.
        passages: passages in the corpus.
        dev: dev queries with an answer.
    """

    answered: int
    answers: int
    refused: int
    scored: int
    score_levels: int
    compared: int
    ranked: int
    grades: int
    judged: int
    passages: int
    dev: int


def put_scores(project: Project, rows: Iterable[PairScore], source: str) -> int:
    """Store scores of one source in short transactions, replacing those of the same pair; returns how many came."""
    count = 0
    block: list[tuple[int, int, float, str]] = []
    for row in rows:
        block.append((row.query_id, row.passage_id, row.score, source))
        if len(block) == _BLOCK:
            _put(project, block)
            count, block = count + len(block), []
    _put(project, block)
    return count + len(block)


def _put(project: Project, block: list[tuple[int, int, float, str]]) -> None:
    with project.db.atomic():
        project.db.conn.executemany(
            "insert or replace into pair_scores (query_id, passage_id, score, source) values (?, ?, ?, ?)", block
        )


def replace_scores(project: Project, rows: Iterable[PairScore], source: str) -> int:
    """Store all scores of one source in the place of those it had, or none; returns how many came."""
    with project.db.atomic():
        remove_scores(project, source)
        return put_scores(project, rows, source)


def sources(project: Project) -> list[tuple[str, int]]:
    """(source, pairs), newest first."""
    rows = project.db.execute("select source, count(*) from pair_scores group by 1 order by max(rowid) desc")
    return [(row[0], row[1]) for row in rows]


def scores(project: Project, source: str) -> dict[int, dict[int, float]]:
    """Scores of a source by representative query and passage."""
    found: dict[int, dict[int, float]] = {}
    rows = project.db.execute(
        "select coalesce(q.duplicate_of, q.id), s.passage_id, avg(s.score) from pair_scores s "
        "join queries q on q.id = s.query_id where s.source = ? group by 1, 2 order by 1, 2",
        [source],
    )
    for query_id, passage_id, score in rows:
        found.setdefault(query_id, {})[passage_id] = score
    return found


def remove_scores(project: Project, source: str) -> None:
    project.db.execute("delete from pair_scores where source = ?", [source])


def ids_by_text(project: Project, table: str, hashes: Iterable[str]) -> dict[str, int]:
    """Ids of queries or passages by the hash of their text."""
    if table not in ("queries", "passages"):
        raise ValueError(table)
    wanted = list(dict.fromkeys(hashes))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):
        block = wanted[start : start + 500]
        marks = ", ".join("?" * len(block))
        rows = project.db.execute(
            f"select text_hash, min(id) from {table} where text_hash in ({marks}) group by 1", block
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def count_data(project: Project) -> DataCounts:
    """Counts that say which objectives the data fits."""

    def one(sql: str) -> int:
        return int(project.db.execute(sql).fetchone()[0])

    train = "join queries q on q.id = {0}.query_id join queries r on r.id = coalesce(q.duplicate_of, q.id)"
    in_train = "r.split = 'train'"
    scored = f"{in_train} and s.source = (select source from pair_scores order by rowid desc limit 1)"
    qrels, pairs = train.format("j"), train.format("s")
    answered = f"select distinct r.id from qrels j {qrels} where {in_train} and j.grade > 0"
    wrong = (
        "select query_id from imported_negatives union select query_id from reviews where verdict = 'negative' "
        "union select query_id from negatives where mining_id = "
        "(select max(id) from minings where state = 'complete')"
    )
    return DataCounts(
        answered=one(f"select count(*) from ({answered})"),
        answers=one(f"select count(*) from qrels j {qrels} where {in_train} and j.grade > 0"),
        refused=one(
            f"select count(*) from ({answered}) a where a.id in "
            f"(select coalesce(w.duplicate_of, w.id) from queries w where w.id in ({wrong}))"
        ),
        scored=one(f"select count(*) from pair_scores s {pairs} where {scored}"),
        score_levels=one(
            f"select count(*) from (select distinct s.score from pair_scores s {pairs} where {scored} limit 1000)"
        ),
        compared=one(
            f"select count(*) from (select r.id from pair_scores s {pairs} where {scored} group by r.id "
            "having min(s.score) < max(s.score))"
        ),
        ranked=one(
            f"select count(*) from (select r.id from qrels j {qrels} where {in_train} group by r.id "
            "having min(j.grade) < max(j.grade))"
        ),
        grades=one(f"select count(distinct j.grade) from qrels j {qrels} where {in_train}"),
        judged=one(f"select count(*) from qrels j {qrels} where {in_train}"),
        passages=one("select count(*) from passages"),
        dev=one(f"select count(distinct r.id) from qrels j {qrels} where r.split = 'dev' and j.grade > 0"),
    )


def unmet(project: Project) -> frozenset[str]:
    """What objectives need (`ObjectiveFacts.needs`) and this project's training data lack."""
    have = count_data(project)
    levels, ordered = (have.score_levels, have.compared) if have.scored else (have.grades, have.ranked)
    fits = {
        "answers": have.answered > 0,
        "negatives": have.refused > 0,
        "scores": levels > 1,
        "order": ordered > 0,
        "classes": have.grades > 1,
        "teacher": have.compared > 0,
        "texts": have.passages >= FEWEST_TEXTS,
    }
    return frozenset(need for need, met in fits.items() if not met)
