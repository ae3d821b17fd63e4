"""The table of documents: what came in, how long it is, whether its file is still there."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from engine.records import Document
from engine.store import documents, places, seen
from engine.store.project import Project
from gui import words
from gui.tables.paged import Column, PagedModel
from gui.tables.reader import Reader
from gui.widgets.tables import Role

DocumentState = Literal["ready", "whole", "empty", "gone"]
_MARKS = {"ready": "done", "whole": "done", "empty": "problem", "gone": "stale"}
_TONES = {"ready": "text2", "whole": "text2", "empty": "bad", "gone": "warn"}


@dataclass(frozen=True, slots=True)
class DocumentRow:
    document: Document
    state: DocumentState


def document_state(document: Document, taken_out: Set[str] = frozenset()) -> DocumentState:
    """Whether a document can be searched, and whether its file is where it was; looks at the disk.

    `taken_out`: files that their archives hold no more.
    """
    if not document.n_passages:
        return "empty"
    if document.labelled:
        return "whole"
    return "gone" if document.path and places.is_gone(document.path, taken_out) else "ready"


def document_name(document: Document) -> str:
    """A document's title, or its file's name, or its id."""
    return document.title or Path(document.path).name or document.external_id or str(document.id)


def is_code(name: str) -> bool:
    """Whether a name is one of a function or module, which is set in the fixed font."""
    return name.isascii() and " " not in name and ("." in name or "_" in name or "(" in name)


class DocumentsModel(PagedModel[DocumentRow]):
    """Documents by pages, filtered by a part of title or path, in a chosen order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), "documents", parent)
        self._contains, self._place, self._order, self._descending = "", "", "id", False
        self._states = {
            "ready": self.tr("Ready"),
            "whole": self.tr("Kept whole"),
            "empty": self.tr("No text found"),
            "gone": self.tr("File is gone"),
        }
        self.set_columns(self._make_columns())

    def show_documents(self, reader: Reader | None, contains: str = "", place: str = "") -> None:
        """Read the documents whose title or path holds `contains`; `place`: only those from this file or folder."""
        self._contains, self._place = contains, place
        self.read(reader, self._count_rows, self._fetch_rows)

    def sort(self, column: int, order: object = None) -> None:
        """Sort by a column; those without an order in the store are left as they are."""
        from PySide6.QtCore import Qt

        by = self.columns[column].order if 0 <= column < len(self.columns) else ""
        if not by:
            return
        self._order, self._descending = by, order == Qt.SortOrder.DescendingOrder
        if self._reader is not None:
            self.read(self._reader, self._count_rows, self._fetch_rows)

    def state_words(self, state: DocumentState) -> str:
        return self._states[state]

    def _count_rows(self, project: Project) -> int:
        return documents.count_documents(project, contains=self._contains, place=self._place)

    def _fetch_rows(self, project: Project, offset: int, limit: int) -> Sequence[DocumentRow]:
        page = documents.page_of_documents(
            project,
            offset=offset,
            limit=limit,
            contains=self._contains,
            place=self._place,
            order=self._order,
            descending=self._descending,
        )
        taken_out = seen.gone_members(project)
        return [DocumentRow(document, document_state(document, taken_out)) for document in page]

    def _make_columns(self) -> list[Column[DocumentRow]]:
        return [
            Column(
                self.tr("Document"),
                lambda row: words.plain(document_name(row.document), 300),
                order="title",
                roles={
                    Role.MARK: lambda row: _MARKS[row.state],
                    Role.MONO: lambda row: is_code(document_name(row.document)),
                },
            ),
            Column(
                self.tr("Type"), lambda row: row.document.kind, order="kind", roles={Role.TONE: lambda _row: "text2"}
            ),
            Column(
                self.tr("Passages"), lambda row: words.count(row.document.n_passages), right=True, order="n_passages"
            ),
            Column(
                self.tr("Characters"),
                lambda row: words.count(row.document.n_chars),
                right=True,
                order="n_chars",
                roles={Role.TONE: lambda _row: "text2"},
            ),
            Column(
                self.tr("State"),
                lambda row: self._states[row.state],
                roles={Role.TONE: lambda row: _TONES[row.state]},
            ),
        ]
