"""Every model of a project with where it comes from, what it was trained with and what it reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.params import PRESETS, params_to_dict
from engine.records import Comparison, Model, Run, Split
from engine.store import models, notes, runs
from engine.store.learnt import known_by_run
from engine.store.project import Project

_NOT_SETTINGS = {"preset", "base", "resume", "chosen"}


@dataclass(frozen=True, slots=True)
class Trained:
    """A model in the table of runs.

    Attributes:
        parent: name of the model it started from, "" for a base model.
        changed: settings that differ from its preset's, by name.
        data: what it learnt from, e.g. "data 2: 2,111 queries, 6,329 negatives, mining 1"; the same number means the
            same training set.
        dev: nDCG@10 on its dev pool, None where not measured.
        run: its newest run on the test queries, None where not measured.
        against: comparisons of that run with baselines, by the rival's system; none on queries it was trained on.
        note: what a person wrote about it.
    """

    model: Model
    parent: str = ""
    preset: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)  # Any: settings
    data: str = ""
    dev: float | None = None
    run: Run | None = None
    against: Mapping[str, Comparison] = field(default_factory=dict)
    note: str = ""


def lineage(project: Project, split: Split = Split.TEST) -> list[Trained]:
    """Finished models, oldest first, the base model before those tuned from it."""
    found = models.models(project)
    names = {model.id: model.name for model in found}
    measured = {run.model_id: run for run in runs.newest_runs(project, split) if run.model_id and runs.is_of_model(run)}
    against: dict[int, dict[str, Comparison]] = {}
    known = known_by_run(project, split)
    for comparison in reversed(runs.comparisons(project)):
        if comparison.run_a not in known:
            against.setdefault(comparison.run_a, {})[comparison.b] = comparison
    versions: dict[str, int] = {}
    for model in found:
        if model.summary.get("data"):
            versions.setdefault(str(model.summary["data"]), len(versions) + 1)
    return [
        _trained(project, model, names, measured.get(model.id), against, versions.get(str(model.summary.get("data"))))
        for model in found
    ]


def _trained(
    project: Project,
    model: Model,
    names: Mapping[int, str],
    run: Run | None,
    against: dict[int, dict[str, Comparison]],
    version: int | None,
) -> Trained:
    dev = model.summary.get("dev")
    return Trained(
        model=model,
        parent=names.get(model.parent_id or 0, ""),
        preset=str(model.params.get("preset", "")),
        changed=changed_settings(model.params),
        data=_data(model, version),
        dev=float(dev) if isinstance(dev, int | float) else None,
        run=run,
        against=against.get(run.id, {}) if run else {},
        note=notes.note(project, "model", model.id),
    )


def changed_settings(params: Mapping[str, Any]) -> dict[str, Any]:  # Any: settings
    """The settings of a training run that differ from its preset's."""
    preset = PRESETS.get(str(params.get("preset", "")))
    if preset is None:
        return {}
    usual = params_to_dict(preset)
    chosen = params.get("chosen") or ()
    own = {name: value for name, value in params.items() if name not in _NOT_SETTINGS}
    return {name: value for name, value in own.items() if usual.get(name) != value or name in chosen}


def differing_settings(a: Model, b: Model) -> dict[str, tuple[Any, Any]]:  # Any: settings
    """Settings in which two training runs differ, as (a, b); what one does not say counts as its preset's."""
    whole = [{**_usual(model.params), **model.params} for model in (a, b)]
    names = sorted(set(whole[0]) | set(whole[1]))
    return {
        name: (whole[0].get(name), whole[1].get(name))
        for name in names
        if name not in ("resume", "chosen") and whole[0].get(name) != whole[1].get(name)
    }


def _usual(params: Mapping[str, Any]) -> dict[str, Any]:
    preset = PRESETS.get(str(params.get("preset", "")))
    return params_to_dict(preset) if preset else {}


def _data(model: Model, version: int | None) -> str:
    queries, negatives = model.summary.get("queries"), model.summary.get("negatives")
    parts = [
        f"{queries:,} queries" if isinstance(queries, int) else "",
        f"{negatives:,} negatives" if isinstance(negatives, int) and negatives else "",
        f"mining {model.mining_id}" if model.mining_id else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"data {version}: {told}" if version and told else told
