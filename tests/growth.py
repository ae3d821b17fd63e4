"""How much work something is, counted, so that a test can say how it grows without looking at a clock."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable

from engine.store.project import Project


def calls(work: Callable[[], object]) -> int:
    """How many functions were called."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return pstats.Stats(profile).total_calls


def steps(project: Project, work: Callable[[], object]) -> int:
    """How many hundreds of instructions the database took."""
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1

    project.db.conn.set_progress_handler(tick, 100)
    try:
        work()
    finally:
        project.db.conn.set_progress_handler(None, 0)
    return count
