"""Models of a project: the base it starts from and those tuned here, with the curves of their training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.records import MetricPoint, Model, State
from engine.store.project import Project, now

_MODEL = (
    "id, name, kind, path, weights_digest, dim, max_length, parent_id, mining_id, params, summary, state, created_at"
)


def add_model(
    project: Project,
    *,
    name: str,
    kind: str,
    path: str,
    weights_digest: str = "",
    dim: int = 0,
    max_length: int = 0,
    parent_id: int | None = None,
    mining_id: int | None = None,
    params: dict[str, Any] | None = None,  # Any: JSON values
    state: State = State.BUILDING,
) -> int:
    """Open a model's row (`kind` base, tuned or imported); returns its id."""
    cursor = project.db.execute(
        "insert into models (name, kind, path, weights_digest, dim, max_length, parent_id, mining_id, params, summary, "
        "state, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', ?, ?)",
        [
            name,
            kind,
            path,
            weights_digest,
            dim,
            max_length,
            parent_id,
            mining_id,
            json.dumps(params or {}),
            state.value,
            now(),
        ],
    )
    return int(cursor.lastrowid or 0)


def finish_model(
    project: Project,
    model_id: int,
    *,
    path: str,
    weights_digest: str,
    dim: int,
    max_length: int,
    summary: dict[str, Any],  # Any: JSON values
) -> None:
    """Mark a model complete; call it last, when its files are in place."""
    project.db.execute(
        "update models set path = ?, weights_digest = ?, dim = ?, max_length = ?, summary = ?, state = ? where id = ?",
        [path, weights_digest, dim, max_length, json.dumps(summary), State.COMPLETE.value, model_id],
    )


def set_model_state(project: Project, model_id: int, state: State, *, summary: dict[str, Any] | None = None) -> None:
    project.db.execute("update models set state = ? where id = ?", [state.value, model_id])
    if summary is not None:
        project.db.execute("update models set summary = ? where id = ?", [json.dumps(summary), model_id])


def rename_model(project: Project, model_id: int, name: str) -> None:
    project.db.execute("update models set name = ? where id = ?", [name, model_id])


def drop_model(project: Project, model_id: int) -> None:
    """Remove a model that was never finished, with its curves and files."""
    with project.db.atomic():
        project.db.execute("delete from model_metrics where model_id = ?", [model_id])
        project.db.execute("delete from models where id = ? and state != 'complete'", [model_id])
    shutil.rmtree(project.path / "models" / str(model_id), ignore_errors=True)


def model(project: Project, model_id: int) -> Model | None:
    row = project.db.execute(f"select {_MODEL} from models where id = ?", [model_id]).fetchone()
    return _model(row) if row else None


def models(project: Project, *, complete: bool = True, rerankers: bool = False) -> list[Model]:
    """Encoders in order of id; with `complete` only the finished ones, with `rerankers` cross-encoders too."""
    terms = [*(["state = 'complete'"] if complete else []), *([] if rerankers else ["kind != 'reranker'"])]
    where = f"where {' and '.join(terms)}" if terms else ""
    return [_model(row) for row in project.db.execute(f"select {_MODEL} from models {where} order by id")]


def interrupted_models(project: Project, *, kind: str = "tuned") -> list[Model]:
    """Models of a kind whose training was ended early and can go on from a checkpoint, newest first."""
    rows = project.db.execute(f"select {_MODEL} from models where state = 'building' order by id desc")
    found = [_model(row) for row in rows]
    return [m for m in found if m.kind == kind and (project.path / "models" / str(m.id) / "checkpoints").is_dir()]


def base_model(project: Project) -> Model | None:
    """The model the project starts from: the one chosen last."""
    chosen = project.meta("base_model_id")
    if chosen:
        return model(project, int(chosen))
    row = project.db.execute(
        f"select {_MODEL} from models where kind = 'base' and state = 'complete' order by id desc limit 1"
    ).fetchone()
    return _model(row) if row else None


def newest_tuned(project: Project) -> Model | None:
    row = project.db.execute(
        f"select {_MODEL} from models where kind = 'tuned' and state = 'complete' order by id desc limit 1"
    ).fetchone()
    return _model(row) if row else None


def newest_reranker(project: Project) -> Model | None:
    row = project.db.execute(
        f"select {_MODEL} from models where kind = 'reranker' and state = 'complete' order by id desc limit 1"
    ).fetchone()
    return _model(row) if row else None


def resolve_model(project: Project, ref: str) -> Model:
    """The model that `ref` names: `base`, `tuned` or `reranker` (the newest complete one) or an id.

    Raises:
        UserError: no such model; the hint says what there is.
    """
    found = None
    if ref == "base":
        found = base_model(project)
    elif ref == "tuned":
        found = newest_tuned(project)
        if found is None:
            raise UserError("There is no tuned model yet.", hint="Train one first: searchsmith train PROJECT")
    elif ref == "reranker":
        found = newest_reranker(project)
        if found is None:
            raise UserError("There is no reranker yet.", hint="Train one first: searchsmith reranker PROJECT")
    elif ref.isdigit():
        found = model(project, int(ref))
    if found is None or found.state is not State.COMPLETE:
        known = ", ".join(f"{m.id} ({m.name})" for m in models(project)) or "none"
        raise UserError(f"There is no model '{ref}'.", hint=f"Use base, tuned or an id. Models: {known}.")
    return found


def is_static(project: Project, found: Model) -> bool:
    """Whether a model is a table of vectors by token, as its folder says; False where that cannot be read."""
    try:
        modules = json.loads((model_folder(project, found) / "modules.json").read_text(encoding="utf-8"))
        return str(modules[0]["type"]).endswith("StaticEmbedding")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def model_folder(project: Project, found: Model) -> Path:
    """Where a model's files lie; a relative path is below the project's folder."""
    path = Path(found.path)
    return path if path.is_absolute() else project.path / path


def add_metrics(project: Project, model_id: int, rows: Sequence[tuple[str, int, float]]) -> None:
    """Store points (name, step, value) of a model's curves, replacing those of the same step."""
    with project.db.atomic():
        project.db.conn.executemany(
            "insert or replace into model_metrics (model_id, name, step, value) values (?, ?, ?, ?)",
            [(model_id, name, step, value) for name, step, value in rows],
        )


def drop_metrics_after(project: Project, model_id: int, step: int) -> None:
    """Forget points after `step`, before training goes on from there."""
    project.db.execute("delete from model_metrics where model_id = ? and step > ?", [model_id, step])


def curve(project: Project, model_id: int, name: str) -> list[MetricPoint]:
    rows = project.db.execute(
        "select step, value from model_metrics where model_id = ? and name = ? order by step", [model_id, name]
    )
    return [MetricPoint(*row) for row in rows]


def _model(row: Sequence[Any]) -> Model:  # Any: a row's columns
    model_id, name, kind, path, digest, dim, max_length, parent_id, mining_id, params, summary, state, created = row
    return Model(
        model_id,
        name,
        kind,
        path,
        digest,
        dim,
        max_length,
        parent_id,
        mining_id,
        json.loads(params),
        json.loads(summary),
        State(state),
        created,
    )
