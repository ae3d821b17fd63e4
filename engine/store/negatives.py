"""Minings and the negatives they chose; candidates lie beside the database (`engine.store.candidates`)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.records import Mining, Negative, Source, State
from engine.store.project import Project, now

_MINING = "id, model_id, round, params, counts, state, created_at"
_NEGATIVE = "query_id, passage_id, source, rank, score, margin, doubt"


def start_mining(project: Project, *, model_id: int, params: dict[str, Any]) -> int:  # Any: JSON values
    """Open a mining's row; its round is one more than the last complete one's with another model. Returns its id."""
    last = newest_mining(project)
    round_ = 1 if last is None else last.round + (last.model_id != model_id)
    cursor = project.db.execute(
        "insert into minings (model_id, round, params, counts, state, created_at) values (?, ?, ?, '{}', ?, ?)",
        [model_id, round_, json.dumps(params), State.BUILDING.value, now()],
    )
    return int(cursor.lastrowid or 0)


def put_negatives(project: Project, mining_id: int, rows: Iterable[Negative]) -> int:
    """Replace a mining's negatives, in short transactions; returns how many there are."""
    project.db.execute("delete from negatives where mining_id = ?", [mining_id])
    count = 0
    for block in _blocks(rows):
        with project.db.atomic():
            project.db.conn.executemany(
                # Candidates outlive passages that were cut again or taken out since.
                "insert into negatives (mining_id, query_id, passage_id, source, rank, score, margin, doubt) "
                "select ?, ?, ?, ?, ?, ?, ?, ? where exists (select 1 from passages where id = ?)",
                [
                    (
                        mining_id,
                        n.query_id,
                        n.passage_id,
                        n.source.value,
                        n.rank,
                        n.score,
                        n.margin,
                        n.doubt,
                        n.passage_id,
                    )
                    for n in block
                ],
            )
        count += len(block)
    return count


def _blocks(rows: Iterable[Negative]) -> Iterable[list[Negative]]:
    block = []
    for row in rows:
        block.append(row)
        if len(block) == 1000:
            yield block
            block = []
    if block:
        yield block


def replace_selection(
    project: Project, mining_id: int, rows: Sequence[Negative], *, params: dict[str, Any], counts: dict[str, Any]
) -> None:
    """Give a complete mining another selection of its candidates, all or none."""
    with project.db.atomic():
        put_negatives(project, mining_id, rows)
        finish_mining(project, mining_id, counts=counts, params=params)


def finish_mining(
    project: Project,
    mining_id: int,
    *,
    counts: dict[str, Any],  # Any: JSON values
    params: dict[str, Any] | None = None,
) -> None:
    """Mark a mining complete; call it last."""
    project.db.execute(
        "update minings set counts = ?, state = ?, params = coalesce(?, params) where id = ?",
        [json.dumps(counts), State.COMPLETE.value, json.dumps(params) if params is not None else None, mining_id],
    )


def drop_mining(project: Project, mining_id: int) -> None:
    """Remove a mining that was not finished."""
    with project.db.atomic():
        project.db.execute("delete from negatives where mining_id = ?", [mining_id])
        project.db.execute("delete from minings where id = ?", [mining_id])
    shutil.rmtree(mining_folder(project, mining_id), ignore_errors=True)


def mining(project: Project, mining_id: int) -> Mining | None:
    row = project.db.execute(f"select {_MINING} from minings where id = ?", [mining_id]).fetchone()
    return _mining(row) if row else None


def newest_mining(project: Project) -> Mining | None:
    """The last complete mining."""
    row = project.db.execute(
        f"select {_MINING} from minings where state = 'complete' order by id desc limit 1"
    ).fetchone()
    return _mining(row) if row else None


def mining_before(project: Project, mining_id: int) -> Mining | None:
    """The complete mining that came before another."""
    row = project.db.execute(
        f"select {_MINING} from minings where state = 'complete' and id < ? order by id desc limit 1", [mining_id]
    ).fetchone()
    return _mining(row) if row else None


def kept_pairs(project: Project, mining_id: int) -> NDArray[np.int64]:
    """A mining's negatives as query id × 2³² + passage id, ascending, (n,) int64."""
    rows = project.db.execute("select query_id, passage_id from negatives where mining_id = ?", [mining_id])
    return np.sort(np.fromiter(((query << 32) + passage for query, passage in rows), np.int64))


def minings(project: Project) -> list[Mining]:
    rows = project.db.execute(f"select {_MINING} from minings where state = 'complete' order by id")
    return [_mining(row) for row in rows]


def mining_folder(project: Project, mining_id: int) -> Path:
    """Where a mining's candidates lie."""
    return project.path / "minings" / str(mining_id)


def negatives(project: Project, mining_id: int) -> list[Negative]:
    """All negatives of a mining, by query, hardest first."""
    rows = project.db.execute(
        f"select {_NEGATIVE} from negatives where mining_id = ? order by query_id, score desc, passage_id", [mining_id]
    )
    return [_negative(row) for row in rows]


@dataclass(frozen=True, slots=True)
class KeptNegatives:
    """The negatives of a mining as parallel arrays, by query and passage: (n,) int64, int64 and float64."""

    query_ids: NDArray[np.int64]
    passage_ids: NDArray[np.int64]
    margins: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query_ids)

    def among(self, pairs: Iterable[tuple[int, int]]) -> NDArray[np.bool_]:
        """Which of them are one of `pairs` (query id, passage id), (n,)."""
        wanted = np.fromiter(((query << 32) + passage for query, passage in pairs), np.int64)
        return np.isin((self.query_ids << 32) + self.passage_ids, wanted)


NO_NEGATIVES = KeptNegatives(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))


def kept_negatives(project: Project, mining_id: int) -> KeptNegatives:
    """All negatives of a mining without a record for each: for counting over hundreds of thousands."""
    rows = project.db.execute(
        "select query_id, passage_id, margin from negatives where mining_id = ? order by query_id, passage_id",
        [mining_id],
    ).fetchall()
    if not rows:
        return NO_NEGATIVES
    query_ids, passage_ids, margins = zip(*rows, strict=True)
    return KeptNegatives(np.array(query_ids, np.int64), np.array(passage_ids, np.int64), np.array(margins, np.float64))


def negatives_of(project: Project, mining_id: int, query_id: int) -> list[Negative]:
    rows = project.db.execute(
        f"select {_NEGATIVE} from negatives where mining_id = ? and query_id = ? order by score desc, passage_id",
        [mining_id, query_id],
    )
    return [_negative(row) for row in rows]


def count_negatives(project: Project, mining_id: int) -> int:
    return int(project.db.execute("select count(*) from negatives where mining_id = ?", [mining_id]).fetchone()[0])


def negatives_by_query(project: Project, mining_id: int) -> dict[int, int]:
    """How many negatives each query has."""
    rows = project.db.execute(
        "select query_id, count(*) from negatives where mining_id = ? group by query_id", [mining_id]
    )
    return {row[0]: row[1] for row in rows}


def _mining(row: Sequence[Any]) -> Mining:  # Any: a row's columns
    mining_id, model_id, round_, params, counts, state, created_at = row
    return Mining(mining_id, model_id, round_, json.loads(params), json.loads(counts), State(state), created_at)


def _negative(row: Sequence[Any]) -> Negative:  # Any: a row's columns
    query_id, passage_id, source, rank, score, margin, doubt = row
    return Negative(query_id, passage_id, Source(source), rank, score, margin, doubt)
