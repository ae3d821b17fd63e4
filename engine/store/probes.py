"""Watched queries of a training: where their answers stood, and what came first, at each look."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.records import Probe
from engine.store.project import Project


def add_probes(project: Project, model_id: int, found: Sequence[Probe]) -> None:
    """Store what looks found, replacing what was stored of the same step."""
    with project.db.atomic():
        project.db.conn.executemany(
            "insert or replace into probes (model_id, step, query_id, rank, top) values (?, ?, ?, ?, ?)",
            [(model_id, probe.step, probe.query_id, probe.rank, json.dumps(probe.top)) for probe in found],
        )


def drop_probes_after(project: Project, model_id: int, step: int) -> None:
    """Forget looks after `step`, before training goes on from there."""
    project.db.execute("delete from probes where model_id = ? and step > ?", [model_id, step])


def probes(project: Project, model_id: int) -> list[Probe]:
    """Everything that was found while a model was trained, in order of step and query."""
    rows = project.db.execute(
        "select query_id, step, rank, top from probes where model_id = ? order by step, query_id", [model_id]
    )
    return [Probe(query_id, step, rank, tuple(json.loads(top))) for query_id, step, rank, top in rows]
