"""Everything a report tells, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import UserError
from engine.records import Comparison, Run, Split
from engine.store import lineage, models, runs
from engine.store.project import Project
from engine.store.verdicts import run_name

METRICS = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")


@dataclass(frozen=True, slots=True)
class Story:
    """What was measured on a split; `names` by run id, `trained` oldest first, `comparisons` with BM25 first."""

    project: Project
    split: Split
    runs: tuple[Run, ...]
    names: dict[int, str]
    comparisons: tuple[Comparison, ...]
    trained: tuple[lineage.Trained, ...]


def read_story(project: Project, split: Split) -> Story:
    """Read what was measured.

    Raises:
        UserError: nothing was measured yet.
    """
    found = tuple(runs.newest_runs(project, split))
    if not found:
        raise UserError(
            f"Nothing was measured on the {split.value} queries yet.",
            hint=f"Measure first: searchsmith evaluate PROJECT --split {split.value}",
        )
    ids = {run.id for run in found}
    known = {model.id: model.name for model in models.models(project)}
    names = {run.id: run_name(run, known) for run in found}
    order = {run.id: place for place, run in enumerate(found)}
    kept = [c for c in runs.comparisons(project) if c.run_a in ids and c.run_b in ids]
    kept.sort(key=lambda c: (order[c.run_b], order[c.run_a]))
    return Story(project, split, found, names, tuple(kept), tuple(lineage.lineage(project, split)))


def settings_in_words(changed: Mapping[str, object]) -> str:
    """name=value, name=value."""
    return ", ".join(f"{name}={value}" for name, value in changed.items())
