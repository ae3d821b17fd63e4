"""What trial steps on this machine foretold of trainings: seconds and memory, by settings and data."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass, replace

from engine.params import TrainParams, params_to_dict
from engine.store import documents, models, negatives, queries, scores
from engine.store.project import Project

_KEPT = 24
_META = "forecasts"
SLACK = 1.2
"""How much longer than foretold a run may take."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A forecast that was measured here.

    Attributes:
        seconds: from start to finished model.
        learning: of them, in steps and looks at dev: what a limit of time counts.
        bytes: most memory, of the GPU where it would run on one.
        steps: it would come to.
        words: the same in words.
    """

    seconds: float
    learning: float
    bytes: int
    steps: int
    words: str


def put_forecast(project: Project, params: TrainParams, measured: Measured) -> None:
    """Keep a forecast for these settings; the oldest go where there are many."""
    known = project.meta_json(_META) or {}
    key = _key(project, params)
    known.pop(key, None)
    kept = {**dict(list(known.items())[-_KEPT + 1 :]), key: asdict(measured)}
    project.set_meta_json(_META, kept)


def find_forecast(project: Project, params: TrainParams) -> Measured | None:
    """What was measured for these very settings, data and model on this machine; None where nothing was."""
    found = (project.meta_json(_META) or {}).get(_key(project, params))
    return Measured(**found) if found else None


def _key(project: Project, params: TrainParams) -> str:
    """A name for the settings, the model they start from, the data and this machine."""
    base = models.base_model(project) if params.base == "base" else None
    if params.base == "tuned":
        base = models.newest_tuned(project)
    mining = negatives.newest_mining(project)
    chosen = negatives.count_negatives(project, mining.id) if mining else 0
    parts = [
        params_to_dict(replace(params, resume=0, finish=False)),
        base.id if base else params.base,
        sorted(queries.split_counts(project).items()),
        [queries.count_qrels(project), documents.count_passages(project), scores.sources(project)],
        [mining.id if mining else 0, chosen],
        [platform.node(), os.cpu_count() or 0],
    ]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=12).hexdigest()
