"""The table of what an import could not take: file, line and reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QObject

from engine.records import ImportProblem
from engine.store import browse, imports
from engine.store.project import Project
from gui import words
from gui.tables.paged import Column, PagedModel
from gui.tables.reader import Reader
from gui.widgets.tables import Role


class ProblemsModel(PagedModel[ImportProblem]):
    """One import's problems by pages, in the order they were met."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), "problems", parent)
        self.set_columns(
            [
                Column(self.tr("File"), lambda row: words.plain(PurePath(row.file).name or row.file, 300)),
                Column(
                    self.tr("Line"),
                    lambda row: words.count(row.line) if row.line else "–",
                    right=True,
                    roles={Role.TONE: lambda _row: "text2"},
                ),
                Column(
                    self.tr("Why it was not taken"),
                    lambda row: words.plain(row.reason, 500),
                    roles={Role.TONE: lambda _row: "text2"},
                ),
            ]
        )

    def show_import(self, reader: Reader | None, import_id: int) -> None:
        def count(project: Project) -> int:
            return sum(browse.problem_counts(project, import_id).values())

        def fetch(project: Project, offset: int, limit: int) -> Sequence[ImportProblem]:
            return imports.problems_of(project, import_id, limit=offset + limit)[offset:]

        self.read(reader, count, fetch)
