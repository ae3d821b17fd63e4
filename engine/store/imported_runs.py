"""Rankings of other systems that were imported; evaluation reads them beside its own runs.

A row of `imported_runs` says what there is; the hits lie in `imported_runs/ID/` as the arrays of `engine.store.runs`:
`query_ids` (n,), `passage_ids` (n, depth) with -1 where a list is shorter, `scores` (n, depth) float32, best first.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.store.files import load_arrays, save_arrays
from engine.store.project import Project, now


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """`name` is the tag that its lines carry."""

    id: int
    name: str
    file: str
    n_queries: int
    depth: int
    created_at: str


def put_imported_run(
    project: Project, name: str, hits: Mapping[int, Sequence[tuple[int, float]]], *, file: str, import_id: int
) -> int:
    """Keep a ranking: (passage id, score) by query id, in any order; replaces the one of the same name.

    Ranked by falling score, ties by passage id. Returns its id.
    """
    ranked = {
        query_id: sorted(dict(pairs).items(), key=lambda hit: (-hit[1], hit[0])) for query_id, pairs in hits.items()
    }
    depth = max((len(pairs) for pairs in ranked.values()), default=0)
    query_ids = np.array(sorted(ranked), np.int64)
    passage_ids = np.full((len(query_ids), depth), -1, np.int64)
    scores = np.zeros((len(query_ids), depth), np.float32)
    for row, query_id in enumerate(query_ids.tolist()):
        pairs = ranked[query_id]
        passage_ids[row, : len(pairs)] = [passage_id for passage_id, _ in pairs]
        scores[row, : len(pairs)] = [score for _, score in pairs]
    arrays: dict[str, np.ndarray] = {"query_ids": query_ids, "passage_ids": passage_ids, "scores": scores}
    with project.db.atomic():  # a row without its hits would end each evaluation
        before = [run.id for run in imported_runs(project) if run.name == name]
        forget_imported_runs(project, before)
        cursor = project.db.execute(
            "insert into imported_runs (name, file, n_queries, depth, import_id, created_at) values (?, ?, ?, ?, ?, ?)",
            [name, file, len(query_ids), depth, import_id, now()],
        )
        run_id = int(cursor.lastrowid or 0)
        save_arrays(imported_run_folder(project, run_id), arrays)
    remove_imported_hits(project, [old for old in before if old != run_id])
    return run_id


def imported_runs(project: Project) -> list[ImportedRun]:
    rows = project.db.execute("select id, name, file, n_queries, depth, created_at from imported_runs order by id")
    return [ImportedRun(*row) for row in rows]


def imported_hits(project: Project, run_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(query ids (n,), passage ids (n, depth) with -1 for none, scores (n, depth))."""
    arrays, _ = load_arrays(imported_run_folder(project, run_id))
    return arrays["query_ids"], arrays["passage_ids"], arrays["scores"]


def imported_runs_of(project: Project, import_id: int) -> list[int]:
    """The rankings that an import brought."""
    rows = project.db.execute("select id from imported_runs where import_id = ? order by id", [import_id])
    return [int(row[0]) for row in rows]


def forget_imported_runs(project: Project, run_ids: Sequence[int]) -> None:
    """Take rankings out; their hits go with `remove_imported_hits` once that is written."""
    project.db.conn.executemany("delete from imported_runs where id = ?", [[run_id] for run_id in run_ids])


def remove_imported_hits(project: Project, run_ids: Sequence[int]) -> None:
    for run_id in run_ids:
        shutil.rmtree(imported_run_folder(project, run_id), ignore_errors=True)


def imported_run_folder(project: Project, run_id: int) -> Path:
    return project.path / "imported_runs" / str(run_id)
