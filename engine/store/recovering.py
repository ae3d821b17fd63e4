"""Clears up after processes that ended in the middle of a job, and finishes what a person had asked of them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store.jobs import mark_cancelled
from engine.store.project import Project
from engine.store.undoing import Undone, finish_taking_back


@dataclass(frozen=True, slots=True)
class Recovered:
    """Kinds of the jobs that were interrupted, and imports taken back only now although cancelled before."""

    kinds: list[str]
    undone: list[Undone]


def recover(project: Project) -> Recovered:
    """Call with the lock held, before anything is written."""
    mark_cancelled(project)
    kinds = project.recover()
    return Recovered(kinds, finish_taking_back(project))
