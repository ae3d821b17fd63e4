"""The counters of an import, kept while it runs, and the problems on their way into the project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.records import ImportCounts, ImportProblem
from engine.store.imports import add_problems
from engine.store.project import Project

_FULL = 1000


@dataclass(slots=True)
class Tally:
    """`new` + `updated` + `unchanged` + `skipped` = units found; the fields above them count what was stored."""

    documents: int = 0
    passages: int = 0
    queries: int = 0
    qrels: int = 0
    negatives: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0

    @property
    def units(self) -> int:
        return self.new + self.updated + self.unchanged + self.skipped

    def counts(self) -> ImportCounts:
        return ImportCounts(
            documents=self.documents,
            passages=self.passages,
            queries=self.queries,
            qrels=self.qrels,
            negatives=self.negatives,
            new=self.new,
            updated=self.updated,
            unchanged=self.unchanged,
            skipped=self.skipped,
        )


class ProblemList:
    """Problems of one import, written a thousand at a time so that a file of bad lines fills no memory."""

    def __init__(self, project: Project, import_id: int) -> None:
        self._project = project
        self._import_id = import_id
        self._waiting: list[ImportProblem] = []

    def add(self, problem: ImportProblem) -> None:
        self._waiting.append(problem)
        if len(self._waiting) >= _FULL:
            self.flush()

    def extend(self, problems: Iterable[ImportProblem]) -> None:
        for problem in problems:
            self.add(problem)

    def flush(self) -> None:
        if self._waiting:
            add_problems(self._project, self._import_id, self._waiting)
            self._waiting = []
