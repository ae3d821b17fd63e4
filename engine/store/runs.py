"""Runs and what they showed: ranked hits of a system, metrics by query, comparisons."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from engine.records import Comparison, Hit, Outcome, QueryMetrics, QueryMovement, Run, Split, State
from engine.store.files import load_arrays, save_arrays
from engine.store.models import models, resolve_model
from engine.store.project import Project, now

_RUN = "id, system, model_id, split, n_queries, metrics, seconds, state, created_at"
_COMPARISON = tuple(field.name for field in fields(Comparison))
_QUERY_METRICS = attrgetter(*(field.name for field in fields(QueryMetrics)))  # astuple takes forty times as long


def start_run(project: Project, *, system: str, model_id: int | None, split: Split, content_key: str) -> int:
    """Open a run's row; `content_key` names everything its hits depend on. Returns its id."""
    cursor = project.db.execute(
        "insert into runs (system, model_id, split, content_key, n_queries, metrics, seconds, state, created_at) "
        "values (?, ?, ?, ?, 0, '{}', 0, ?, ?)",
        [system, model_id, split.value, content_key, State.BUILDING.value, now()],
    )
    return int(cursor.lastrowid or 0)


def save_hits(
    project: Project, run_id: int, *, query_ids: np.ndarray, passage_ids: np.ndarray, scores: np.ndarray
) -> None:
    """Keep a run's hits as arrays.

    Args:
        query_ids: (n,) int64.
        passage_ids: (n, depth) int64, -1 where a list is shorter.
        scores: (n, depth) float32.
    """
    save_arrays(
        run_folder(project, run_id),
        {"query_ids": query_ids, "passage_ids": passage_ids, "scores": scores.astype(np.float32)},
    )


def put_query_metrics(project: Project, run_id: int, rows: Sequence[QueryMetrics]) -> None:
    for start in range(0, len(rows), 1000):
        with project.db.atomic():
            project.db.conn.executemany(
                "insert or replace into query_metrics values (?, ?, ?, ?, ?, ?, ?, ?)",
                [(run_id, *_QUERY_METRICS(row)) for row in rows[start : start + 1000]],
            )


def finish_run(project: Project, run_id: int, *, n_queries: int, metrics: Mapping[str, float], seconds: float) -> None:
    """Mark a run complete; call it last."""
    project.db.execute(
        "update runs set n_queries = ?, metrics = ?, seconds = ?, state = ? where id = ?",
        [n_queries, json.dumps(dict(metrics)), seconds, State.COMPLETE.value, run_id],
    )


def replace_metrics(
    project: Project, run_id: int, rows: Sequence[QueryMetrics], *, metrics: Mapping[str, float], judgements: str
) -> None:
    """Give a run the measures of its hits under other judgements, named by the digest `judgements`."""
    with project.db.atomic():
        (key,) = project.db.execute("select content_key from runs where id = ?", [run_id]).fetchone()
        project.db.execute("delete from query_metrics where run_id = ?", [run_id])
        project.db.conn.executemany(
            "insert into query_metrics values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(run_id, *_QUERY_METRICS(row)) for row in rows],
        )
        project.db.execute(
            "update runs set n_queries = ?, metrics = ?, content_key = ? where id = ?",
            [len(rows), json.dumps(dict(metrics)), f"{str(key).rpartition('-')[0]}-{judgements}", run_id],
        )


def on_other_queries(project: Project, measured: Iterable[Run]) -> bool:
    """Whether a query that any of these runs was measured on is in another split now, or merged into another query."""
    ids = [run.id for run in measured]
    marks = ", ".join("?" * len(ids))
    found = project.db.execute(
        "select 1 from query_metrics m join runs r on r.id = m.run_id join queries q on q.id = m.query_id "
        f"where r.id in ({marks}) and (q.split is not r.split or q.duplicate_of is not null) limit 1",
        ids,
    )
    return found.fetchone() is not None


def drop_run(project: Project, run_id: int) -> None:
    with project.db.atomic():
        project.db.execute("delete from comparisons where run_a = ? or run_b = ?", [run_id, run_id])
        project.db.execute("delete from query_metrics where run_id = ?", [run_id])
        project.db.execute("delete from runs where id = ?", [run_id])
    shutil.rmtree(run_folder(project, run_id), ignore_errors=True)


def run_folder(project: Project, run_id: int) -> Path:
    return project.path / "runs" / str(run_id)


def run(project: Project, run_id: int) -> Run | None:
    row = project.db.execute(f"select {_RUN} from runs where id = ?", [run_id]).fetchone()
    return _run(row) if row else None


def run_by_content(project: Project, content_key: str) -> Run | None:
    """A complete run that answers the same queries over the same corpus with the same system."""
    row = project.db.execute(
        f"select {_RUN} from runs where content_key = ? and state = 'complete' order by id desc limit 1", [content_key]
    ).fetchone()
    return _run(row) if row else None


def newest_runs(project: Project, split: Split = Split.TEST) -> list[Run]:
    """The last complete run of each system and model on a split, BM25 and base first."""
    rows = project.db.execute(
        f"select {_RUN} from runs where id in (select max(id) from runs where state = 'complete' and split = ? "
        "group by system, coalesce(model_id, 0)) "
        "order by case system when 'bm25' then 0 when 'base' then 1 else 2 end, id",
        [split.value],
    )
    return [_run(row) for row in rows]


def is_of_model(run: Run) -> bool:
    """Whether a model alone ranked: not joined with BM25, not sorted again, not made elsewhere."""
    return run.model_id is not None and (run.system in ("base", "tuned") or run.system.isdecimal())


def run_of_system(project: Project, label: str, split: Split = Split.TEST) -> Run | None:
    """The newest run of what a person calls bm25, base, tuned, hybrid, a model's id or folder, a run's name or file."""
    newest = newest_runs(project, split)
    if label in ("base", "tuned") or label.isdecimal():
        model_id = resolve_model(project, label).id
        found = [run for run in newest if run.model_id == model_id and is_of_model(run)]
    elif Path(label).expanduser().is_dir():
        at = str(Path(label).expanduser().absolute())
        known = {model.id for model in models(project) if model.path == at}
        found = [run for run in newest if run.model_id in known and is_of_model(run)]
    else:
        names = (label, Path(label).stem, f"run {Path(label).stem}") if Path(label).is_file() else (label,)
        found = [run for run in newest if run.system in names]
    return max(found, key=lambda run: run.id, default=None)


def hits(project: Project, run_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(query ids (n,), passage ids (n, depth) with -1 for none, scores (n, depth)) of a run."""
    arrays, _ = load_arrays(run_folder(project, run_id))
    return arrays["query_ids"], arrays["passage_ids"], arrays["scores"]


def hits_of(project: Project, run_id: int, query_id: int, k: int = 10) -> list[Hit]:
    """The first `k` hits of one query; empty where the run did not ask it."""
    query_ids, passage_ids, scores = hits(project, run_id)
    rows = np.flatnonzero(query_ids == query_id)
    if not len(rows):
        return []
    row = rows[0]
    return [
        Hit(rank + 1, int(passage_ids[row, rank]), float(scores[row, rank]))
        for rank in range(min(k, passage_ids.shape[1]))
        if passage_ids[row, rank] >= 0
    ]


def query_metrics(project: Project, run_id: int) -> list[QueryMetrics]:
    rows = project.db.execute(
        "select query_id, ndcg10, mrr10, recall10, hit_rate10, map100, first_rank from query_metrics "
        "where run_id = ? order by query_id",
        [run_id],
    )
    return [QueryMetrics(*row) for row in rows]


def put_comparison(
    project: Project,
    *,
    a: str,
    b: str,
    run_a: int,
    run_b: int,
    metric: str,
    delta: float,
    low: float,
    high: float,
    p: float,
    verdict: Outcome,
    fixed: int,
    broken: int,
    n_queries: int,
    p_adjusted: float | None = None,
    family: int = 1,
) -> int:
    """Store a comparison, replacing the one of the same two runs and metric, either way round; returns its id."""
    found = Comparison(
        0,
        a,
        b,
        run_a,
        run_b,
        metric,
        delta,
        low,
        high,
        p,
        verdict,
        fixed,
        broken,
        n_queries,
        p if p_adjusted is None else p_adjusted,
        family,
    )
    names, values = _COMPARISON[1:], astuple(found)[1:]
    with project.db.atomic():
        project.db.execute(
            "delete from comparisons where metric = ? and ((run_a = ? and run_b = ?) or (run_a = ? and run_b = ?))",
            [metric, run_a, run_b, run_b, run_a],
        )
        cursor = project.db.execute(
            f"insert into comparisons ({', '.join(names)}) values ({', '.join('?' * len(names))})",
            [value.value if isinstance(value, Outcome) else value for value in values],
        )
    return int(cursor.lastrowid or 0)


def correct_comparison(
    project: Project, comparison_id: int, *, p_adjusted: float, family: int, verdict: Outcome
) -> None:
    """Give a comparison what it means among the `family` systems that were compared with the same one."""
    project.db.execute(
        "update comparisons set p_adjusted = ?, family = ?, verdict = ? where id = ?",
        [p_adjusted, family, verdict.value, comparison_id],
    )


def comparison(project: Project, run_a: int, run_b: int, metric: str = "ndcg@10") -> Comparison | None:
    row = project.db.execute(
        f"select {', '.join(_COMPARISON)} from comparisons where run_a = ? and run_b = ? and metric = ?",
        [run_a, run_b, metric],
    ).fetchone()
    return _comparison(row) if row else None


def comparison_of(project: Project, run_a: int, run_b: int, metric: str = "ndcg@10") -> Comparison | None:
    """The stored comparison of two runs, turned round where it was stored the other way."""
    found = comparison(project, run_a, run_b, metric)
    if found is not None:
        return found
    other = comparison(project, run_b, run_a, metric)
    return turn_round(other) if other else None


def turn_round(found: Comparison) -> Comparison:
    """b against a instead of a against b."""
    verdict = {Outcome.WIN: Outcome.LOSS, Outcome.LOSS: Outcome.WIN}.get(found.verdict, Outcome.TIE)
    return replace(
        found,
        a=found.b,
        b=found.a,
        run_a=found.run_b,
        run_b=found.run_a,
        delta=0.0 - found.delta,
        low=0.0 - found.high,
        high=0.0 - found.low,
        verdict=verdict,
        fixed=found.broken,
        broken=found.fixed,
    )


def comparisons(project: Project) -> list[Comparison]:
    """All comparisons, newest first."""
    return [
        _comparison(row)
        for row in project.db.execute(f"select {', '.join(_COMPARISON)} from comparisons order by id desc")
    ]


def movements(project: Project, run_a: int, run_b: int, *, only: str = "all", k: int = 10) -> list[QueryMovement]:
    """How queries moved from run b (before) to run a (after), largest movement first.

    `only`: `fixed` (into the top k), `broken` (out of it), `right` (in both), `wrong` (in neither) or `all`.
    """
    inside = f"{{0}}.first_rank between 1 and {int(k)}"
    a_in, b_in = inside.format("a"), inside.format("b")
    where = {
        "all": "1",
        "fixed": f"{a_in} and not ({b_in})",
        "broken": f"{b_in} and not ({a_in})",
        "right": f"{a_in} and {b_in}",
        "wrong": f"not ({a_in}) and not ({b_in})",
    }[only]
    rows = project.db.execute(
        "select a.query_id, q.text, a.first_rank, b.first_rank, a.ndcg10, b.ndcg10 "
        "from query_metrics a join query_metrics b on b.query_id = a.query_id and b.run_id = ? "
        f"join queries q on q.id = a.query_id where a.run_id = ? and {where} "
        "order by abs(case a.first_rank when 0 then 1000 else a.first_rank end "
        "- case b.first_rank when 0 then 1000 else b.first_rank end) desc, a.query_id",
        [run_b, run_a],
    )
    return [QueryMovement(*row) for row in rows]


def _run(row: Sequence[Any]) -> Run:  # Any: a row's columns
    run_id, system, model_id, split, n_queries, metrics, seconds, state, created_at = row
    return Run(
        run_id, system, model_id, Split(split), n_queries, json.loads(metrics), seconds, State(state), created_at
    )


def _comparison(row: Sequence[Any]) -> Comparison:  # Any: a row's columns
    values: Any = [Outcome(v) if name == "verdict" else v for name, v in zip(_COMPARISON, row, strict=True)]
    return Comparison(*values)  # Any: as above
