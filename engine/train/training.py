"""Tunes a model on a project's training queries, looks at dev queries meanwhile, and keeps the best."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any, TypeVar

from engine.encode.models import add_model_folder, folder_of
from engine.errors import UserError
from engine.mine.linting import lint
from engine.params import RerankerParams, TrainParams, params_from_dict, params_to_dict, static_params
from engine.records import Model, State
from engine.store import models
from engine.store.forecasts import find_forecast
from engine.store.kept import Kept
from engine.store.negatives import newest_mining
from engine.store.project import Project
from engine.task import Task
from engine.train.checkpoints import Checkpoints
from engine.train.forecast import kept_inside
from engine.train.running import Run
from engine.train.sources import open_source
from engine.train.static_work import StaticWork, fits_static, is_static
from engine.train.summary import TrainSummary
from engine.train.team import lead
from engine.train.work import EncoderWork


def train(project: Project, params: TrainParams, task: Task, *, all_in: bool = False) -> TrainSummary:
    """Tune a model; its row is `complete` last.

    The same seed, data and params give the same model bit for bit on a CPU, except with `minutes` (or the limit that a
    forecast sets), where the learning rate follows the clock. A run that is cancelled writes a checkpoint of its last
    whole step; one that fails or is killed has its last one (at every look and at least once a minute). It stays
    `building` and goes on from there with `resume`, on a CPU with the very same numbers. A run without a step leaves
    nothing.

    Args:
        all_in: `minutes` is a limit of all that the run does, not of its steps and looks at dev alone.

    Raises:
        UserError: no data that fits the objective, no such model, or nothing to resume.
        TrainingError: the loss is no number (the best model so far is kept, complete), or memory or disk do not
            suffice.
    """
    began = task.clock()
    task.progress("read training queries", 0, 0)
    row, params = open_row(project, params)
    if not params.resume:
        for finding in lint(project, params).findings:
            task.warn(f"{finding.words} {finding.hint}")
    else:
        say_what_waits(project, row, task)
    kept = Kept.of_run(project.path, row.id, row.mining_id, writable=True)
    params, foretold = _limited(project, params, kept)
    checkpoints = Checkpoints(project.path / "models" / str(row.id) / "checkpoints")
    try:
        base = models.resolve_model(project, str(row.parent_id))
        folder = folder_of(project, base)
        if is_static(folder) and fits_static(params):
            params = static_params(params)
            static = StaticWork(project, folder, params, task, kept=kept)
            run = Run(project, row, base, params, checkpoints, static, task)
            run.foretold, run.all_in_since = foretold, began if all_in else None
            return run.finish()
        if params.processes != 1:
            open_source(project, params, task, kept=kept)  # the others read what was kept of it
        with lead(project.path, folder, params, kept) as team:
            work = EncoderWork(project, folder, params, task, team=team, kept=kept)
            run = Run(project, row, base, params, checkpoints, work, task)
            run.foretold, run.all_in_since = foretold, began if all_in else None
            return run.finish()
    except BaseException:
        found = models.model(project, row.id)
        if found and found.state is State.BUILDING and checkpoints.newest() is None:
            models.drop_model(project, row.id)
        raise


def say_what_waits(project: Project, row: Model, task: Task) -> None:
    """A run that goes on takes the negatives it was begun with; newer ones are for another."""
    newest = newest_mining(project)
    if newest and newest.id != row.mining_id:
        began = f"the negatives of mining {row.mining_id}" if row.mining_id else "no mined negatives"
        task.warn(
            f"{row.name} goes on with {began}, as it was begun; those of mining {newest.id} are for a new training."
        )


def _limited(project: Project, params: TrainParams, kept: Kept) -> tuple[TrainParams, dict[str, Any]]:
    """The params with the limit of time that the run was begun with, and what was foretold of it then."""
    known = kept.value("limit")
    if known is None:
        measured = find_forecast(project, params)
        known = {
            "minutes": kept_inside(project, params).minutes,
            "foretold": asdict(measured) if measured else {},
        }
        kept.keep("limit", known)
    return replace(params, minutes=known["minutes"]), known["foretold"]


P = TypeVar("P", TrainParams, RerankerParams)


def open_row(project: Project, params: P, *, kind: str = "tuned") -> tuple[Model, P]:
    """The model's row, new or of the run that goes on, and the params that hold for it.

    Raises:
        UserError: nothing to resume, or no such base model.
    """
    if params.resume:
        row = models.model(project, params.resume)
        if row is None or row.id not in {m.id for m in models.interrupted_models(project, kind=kind)}:
            raise UserError(f"There is no interrupted run {params.resume} to go on with.", hint="Train a new model.")
        own = params_from_dict(type(params), row.params)
        return row, replace(own, resume=row.id, finish=params.finish)
    if params.finish:
        raise UserError("Only an interrupted run can be finished.", hint="Name it: --resume ID --finish.")
    base = models.resolve_model(project, model_ref(project, params.base))
    if base.kind == "reranker" and kind != "reranker":
        raise UserError(f"{base.name} is a reranker, which gives no vectors.", hint="Start from an encoder.")
    mining = newest_mining(project)
    row_id = models.add_model(
        project,
        name=_next_name(project, kind),
        kind=kind,
        path="",
        parent_id=base.id,
        mining_id=mining.id if mining else None,
        params=params_to_dict(params),
    )
    row = models.model(project, row_id)
    assert row is not None  # for the type: it was added a line above
    return row, params


def _next_name(project: Project, kind: str) -> str:
    """`tuned 3` after two runs, were they finished, renamed or interrupted."""
    known = [model for model in models.models(project, complete=False, rerankers=True) if model.kind == kind]
    numbers = [int(found[1]) for model in known if (found := re.fullmatch(rf"{kind} (\d+)", model.name))]
    return f"{kind} {1 + max([len(known), *numbers])}"


def model_ref(project: Project, ref: str) -> str:
    """What names the same model to every stage: a folder becomes the id of the model in it."""
    return ref if ref in ("base", "tuned") or ref.isdecimal() else str(add_model_folder(project, ref))
