"""What came with one import: its documents, passages and queries as lists to filter, each a way to its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject
from PySide6.QtWidgets import QDialog, QWidget

from engine.store.arrivals import Arrived, ImportRow, count_arrived, page_of_arrived
from engine.store.project import Project
from gui import words
from gui.phrases import fill
from gui.tables.paged import RECORD, Column, PagedModel
from gui.tables.reader import Reader
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import Card, EmptyState, column, row, rule
from gui.widgets.inputs import FilterBox
from gui.widgets.labels import label
from gui.widgets.tables import Role, TableView

if TYPE_CHECKING:
    from gui.session import Session

PARTS = ("documents", "passages", "queries")


class ArrivedModel(PagedModel[Arrived]):
    """One part of what an import brought, by pages."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), "arrived", parent)
        known = {True: self.tr("New"), False: self.tr("Read anew")}
        self.set_columns(
            [
                Column(self.tr("What came"), lambda found: words.plain(found.name, 300)),
                Column(
                    self.tr("From"),
                    lambda found: words.plain(found.beside, 300),
                    roles={Role.TONE: lambda _found: "text2"},
                ),
                Column(self.tr("State"), lambda found: known[found.fresh], roles={Role.TONE: lambda _found: "text2"}),
            ]
        )

    def show_part(self, reader: Reader | None, import_id: int, part: str, contains: str) -> None:
        def count(project: Project) -> int:
            return count_arrived(project, import_id, part, contains=contains)

        def fetch(project: Project, offset: int, limit: int) -> list[Arrived]:
            return page_of_arrived(project, import_id, part, offset=offset, limit=limit, contains=contains)

        self.read(reader, count, fetch)


class Arrivals(QDialog):
    """Three lists under one filter; Enter or a double click goes to what is chosen."""

    def __init__(
        self, session: Session, reader: Reader | None, found: ImportRow, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._reader, self._import_id = session, reader, found.report.id
        title = fill(self.tr("What came with the import of %1"), words.when(found.report.created_at))
        self.setWindowTitle(title)
        self.resize(860, 600)
        self.setMinimumSize(600, 400)
        stack = column(self)
        head = row(margins=(24, 16, 24, 12), gap=12)
        head.addWidget(label(title, "heading"))
        head.addStretch(1)
        stack.addLayout(head)
        stack.addWidget(rule())
        body = column(margins=(24, 16, 24, 16), gap=12)
        line = row(gap=12)
        self.part = SegmentedControl(self._names(()), accessible=self.tr("What to list"))
        self.part.changed.connect(lambda _place: self._show())
        line.addWidget(self.part)
        self.filter = FilterBox(self.tr("Filter"), keys="Ctrl+F", parent=self)
        self.filter.setMaximumWidth(280)
        self.filter.settled.connect(lambda _text: self._show())
        line.addStretch(1)
        line.addWidget(self.filter, 1)
        body.addLayout(line)
        card = Card(pad=0)
        self.model = ArrivedModel(self)
        self.model.loaded.connect(self._loaded)
        self.table = TableView(self.tr("What came"))
        self.table.setModel(self.model)
        self.table.set_widths(340, 0, 96)
        self.table.activated.connect(self._go)
        self.table.doubleClicked.connect(self._go)
        self.table.selectionModel().currentRowChanged.connect(lambda *_rows: self._follow())
        self._none = EmptyState("filter", "", "")
        card.body.addWidget(self.table)
        card.body.addWidget(self._none)
        self._none.hide()
        body.addWidget(card, 1)
        stack.addLayout(body, 1)
        stack.addWidget(rule())
        foot = row(margins=(24, 12, 24, 16), gap=8)
        foot.addStretch(1)
        close = Button(self.tr("Close"), "plain")
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        self.go = Button(self.tr("Show it on its page"), "primary", after="arrow-right")
        self.go.setDefault(True)
        self.go.clicked.connect(lambda: self._go(self.table.currentIndex()))
        foot.addWidget(close)
        foot.addWidget(self.go)
        stack.addLayout(foot)
        if reader is not None:
            import_id = self._import_id
            reader.ask(
                "arrived/counts",
                lambda project: tuple(count_arrived(project, import_id, part) for part in PARTS),
                self._show_counts,
            )
        self._follow()
        self._show()

    def _names(self, counts: tuple[int, ...]) -> list[str]:
        names = (self.tr("Documents"), self.tr("Passages"), self.tr("Queries"))
        return (
            [f"{name} {words.count(count)}" for name, count in zip(names, counts, strict=True)] if counts else [*names]
        )

    def _show_counts(self, counts: tuple[int, ...]) -> None:
        self.part.set_choices(self._names(counts))
        if not counts[0] and counts[2] and self.part.current() == 0:
            self.part.set_current(2)
            self._show()

    def _show(self) -> None:
        self.model.show_part(self._reader, self._import_id, PARTS[self.part.current()], self.filter.text().strip())

    def _loaded(self, total: int) -> None:
        self.table.setVisible(total > 0)
        self._none.setVisible(total == 0)
        if self.filter.text():
            self._none.set_words(self.tr("Nothing matches"), self.tr("Change the filter, or clear it."))
        else:
            self._none.set_words(self.tr("None came"), self.tr("Or they were taken out since."))
        self.table.setColumnHidden(2, PARTS[self.part.current()] == "queries")
        if total:
            self.table.selectRow(0)
        self._follow()

    def _follow(self) -> None:
        chosen = isinstance(self.table.currentIndex().data(RECORD), Arrived) and not self.table.isHidden()
        self.go.set_possible(chosen, self.tr("Choose a row first"))

    def _go(self, index: QModelIndex) -> None:
        found = index.data(RECORD)
        if not isinstance(found, Arrived):
            return
        self.accept()
        if found.document_id:
            self._session.show_page("documents", {"document_id": found.document_id})
        else:
            self._session.show_page("queries", {"query_id": found.id})
