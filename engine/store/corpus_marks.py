"""Whether the passages are those that they were: when a run was measured, or an index made."""

from __future__ import annotations

from collections.abc import Iterable

from engine.records import Run
from engine.store.project import Project


def on_other_passages(project: Project, runs: Iterable[Run]) -> bool:
    """Whether passages came, went or changed since any of these runs; one kept by an older version does not count."""
    ids = [run.id for run in runs]
    marks = ", ".join("?" * len(ids))
    asked = f"select count(*) from runs where id in ({marks}) and corpus != (select mark from corpus_mark)"
    return bool(project.db.execute(asked, ids).fetchone()[0])


def corpus_mark(project: Project) -> int:
    """A number that is another one when passages came, went or changed."""
    return int(project.db.execute("select mark from corpus_mark").fetchone()[0])
