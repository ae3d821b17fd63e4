"""The table of what an import could not take: file, line, reason, and whether that is settled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QObject, Qt

from engine.records import ImportProblem
from engine.store import arrivals
from engine.store.project import Project
from gui import words
from gui.tables.paged import Column, PagedModel
from gui.tables.reader import Reader
from gui.widgets.tables import Role

_MARKS = {"open": "problem", "ignored": "none", "resolved": "done", "repeated": "stale"}
TIP = int(Qt.ItemDataRole.ToolTipRole)


class ProblemsModel(PagedModel[ImportProblem]):
    """One import's problems by pages, in the order they were met."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), "problems", parent)
        self._states = {
            "open": self.tr("Open"),
            "ignored": self.tr("Ignored"),
            "resolved": self.tr("Settled since"),
            "repeated": self.tr("Said again"),
        }
        self.set_columns(
            [
                Column(
                    self.tr("File"),
                    lambda row: words.plain(PurePath(row.file).name or row.file, 300),
                    roles={
                        Role.SECOND: _folder,
                        Role.MARK: lambda row: _MARKS.get(row.state, "none"),
                        Role.TONE: _tone,
                        TIP: lambda row: words.tip(row.file),
                    },
                ),
                Column(
                    self.tr("Line"),
                    lambda row: words.count(row.line) if row.line else "–",
                    right=True,
                    roles={Role.TONE: lambda _row: "text2"},
                ),
                Column(
                    self.tr("Why it was not taken"),
                    lambda row: words.plain(row.bare_reason, 500),
                    roles={Role.TONE: _tone, TIP: lambda row: words.tip(row.reason)},
                ),
                Column(
                    self.tr("State"),
                    lambda row: self._states.get(row.state, row.state),
                    roles={Role.TONE: lambda row: "text2" if row.state == "open" else "text3"},
                ),
            ]
        )

    def show_import(self, reader: Reader | None, import_id: int, *, state: str = "", code: str = "") -> None:
        """Read the problems of an import that are in a state (any where empty) and of a code."""

        def count(project: Project) -> int:
            return arrivals.count_problems(project, import_id, state=state, code=code)

        def fetch(project: Project, offset: int, limit: int) -> Sequence[ImportProblem]:
            return arrivals.page_of_problems(project, import_id, offset=offset, limit=limit, state=state, code=code)

        self.read(reader, count, fetch)


def _folder(row: ImportProblem) -> str:
    """Where a file lies below the place that was imported."""
    folder = str(PurePath(row.file).parent)
    return words.plain(folder, 200) if folder not in (".", "/") else ""


def _tone(row: ImportProblem) -> str:
    return "text" if row.state == "open" else "text3"
