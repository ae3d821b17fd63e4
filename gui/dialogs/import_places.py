"""The places that documents came from or that are watched: when each was read, and reading them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QWidget

from engine.records import Place
from engine.store import documents, places
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.dialogs.import_start import ask_folder
from gui.phrases import fill
from gui.tables.reader import Reader
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, EmptyState, column, row, rule
from gui.widgets.labels import label
from gui.widgets.tables import Role, TableView

if TYPE_CHECKING:
    from gui.session import Session

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class PlaceSeen:
    """A place with how many documents came from it, and whether it can be read now."""

    place: Place
    documents: int
    there: bool
    folder: bool


def read_places(project: Project) -> list[PlaceSeen]:
    """Every place, the first first; looks at the disk."""
    found = places.imported_places(project)
    return [
        PlaceSeen(
            place,
            documents.count_documents(project, place=place.path),
            Path(place.path).exists(),
            Path(place.path).is_dir(),
        )
        for place in found
    ]


class PlacesDialog(QDialog):
    """Lists the places; reading runs as a job after the dialog closed."""

    def __init__(self, session: Session, reader: Reader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._reader = session, reader
        self._seen: list[PlaceSeen] = []
        title = self.tr("Read again")
        self.setWindowTitle(title)
        self.resize(820, 480)
        self.setMinimumSize(620, 360)
        stack = column(self)
        head = column(margins=(24, 16, 24, 12), gap=4)
        head.addWidget(label(title, "heading"))
        said = self.tr(
            "Only what is new or changed is read. Files that are gone are listed first; you say what becomes of them."
        )
        head.addWidget(label(said, "body", "text2", wrap=True))
        stack.addLayout(head)
        stack.addWidget(rule())
        body = column(margins=(24, 16, 24, 16), gap=8)
        card = Card(pad=0)
        self._rows = QStandardItemModel(self)
        self.table = TableView(self.tr("Places"))
        self.table.setModel(self._rows)
        self.table.selectionModel().currentRowChanged.connect(lambda *_rows: self._follow())
        card.body.addWidget(self.table)
        self._none = EmptyState(
            "folder", self.tr("No place yet"), self.tr("Import a folder, or watch one: it is read whenever you ask.")
        )
        card.body.addWidget(self._none)
        body.addWidget(card, 1)
        line = row(gap=8)
        self.watch_new = Button(self.tr("Watch a folder…"), icon_name="plus", size="small")
        self.watch_new.clicked.connect(self._watch_new)
        self.toggle = Button("", icon_name="pin", size="small")
        self.toggle.clicked.connect(self._toggle)
        self.only = Button(self.tr("Read only this one"), icon_name="refresh", size="small")
        self.only.clicked.connect(self._read_one)
        for button in (self.watch_new, self.toggle, self.only):
            button.setAutoDefault(False)
            line.addWidget(button)
        line.addStretch(1)
        body.addLayout(line)
        stack.addLayout(body, 1)
        stack.addWidget(rule())
        foot = row(margins=(24, 12, 24, 16), gap=8)
        self._fact = label("", "body", "text2")
        foot.addWidget(self._fact)
        foot.addStretch(1)
        close = Button(self.tr("Close"), "plain")
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        self.ok = Button(self.tr("Read all again"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self._read_all)
        foot.addWidget(close)
        foot.addWidget(self.ok)
        stack.addLayout(foot)
        session.changed.connect(self._changed)
        self._show([])
        self._refresh()

    def _changed(self, topics: set[str]) -> None:
        if topics & {"all", "documents"} and self.isVisible():
            self._refresh()

    def _refresh(self) -> None:
        self._reader.ask("places", read_places, self._show)

    def _show(self, seen: Sequence[PlaceSeen]) -> None:
        kept = self._current()
        self._seen = list(seen)
        self._rows.clear()
        self._rows.setHorizontalHeaderLabels(
            [self.tr("Place"), self.tr("Documents"), self.tr("Last read"), self.tr("Kind")]
        )
        self._rows.horizontalHeaderItem(1).setTextAlignment(_RIGHT)
        for one in seen:
            self._rows.appendRow(self._cells(one))
        self.table.set_widths(0, 92, 104, 168)
        self.table.setVisible(bool(seen))
        self._none.setVisible(not seen)
        there = sum(one.there for one in seen)
        missing = len(seen) - there
        said = fill(self.tr("%1 cannot be found now"), amount(missing, self.tr("place"), self.tr("places")))
        self._fact.setText(said if missing else "")
        self.ok.set_possible(there > 0, self.tr("No place can be read now"))
        path = kept.place.path if kept else ""
        place = next((number for number, one in enumerate(seen) if one.place.path == path), 0)
        if seen:
            self.table.selectRow(place)
        self._follow()

    def _cells(self, one: PlaceSeen) -> list[QStandardItem]:
        path = one.place.path
        read = words.when(one.place.read_at) if one.place.read_at else self.tr("never")
        if not one.there:
            kind = self.tr("Cannot be found now")
        elif one.place.watched:
            kind = self.tr("Watched folder") if one.folder else self.tr("Watched file")
        else:
            kind = self.tr("Imported folder") if one.folder else self.tr("Imported file")
        cells = [QStandardItem(text) for text in (words.plain(path, 400), words.count(one.documents), read, kind)]
        cells[0].setData("folder" if one.folder else "document", Role.ICON)
        cells[0].setData(words.tip(path), Qt.ItemDataRole.ToolTipRole)
        cells[1].setTextAlignment(_RIGHT)
        for cell in cells[1:3]:
            cell.setData("text2", Role.TONE)
        cells[3].setData("text2" if one.there else "warn", Role.TONE)
        return cells

    def _current(self) -> PlaceSeen | None:
        at = self.table.currentIndex().row()
        return self._seen[at] if 0 <= at < len(self._seen) else None

    def _follow(self, _index: QModelIndex | None = None) -> None:
        one = self._current()
        for button in (self.toggle, self.only):
            button.setVisible(one is not None)
        if one is not None:
            self.toggle.setText(self.tr("Stop watching") if one.place.watched else self.tr("Watch it"))
            self.only.set_possible(one.there, self.tr("It cannot be found now"))

    def _watch_new(self) -> None:
        for path in ask_folder(self):
            self._session.edit("watch", {"path": path}, lambda _values: self._refresh())

    def _toggle(self) -> None:
        one = self._current()
        if one is not None:
            kind = "unwatch" if one.place.watched else "watch"
            self._session.edit(kind, {"path": one.place.path}, lambda _values: self._refresh())

    def _read_one(self) -> None:
        one = self._current()
        if one is not None:
            self.accept()
            self._session.run_job("reimport", {"paths": [one.place.path]})

    def _read_all(self) -> None:
        self.accept()
        self._session.run_job("reimport", {})


class VanishedDialog(QDialog):
    """Documents whose file is gone: each with a check, all checked; `chosen()` are those to be taken out."""

    def __init__(self, gone: dict[str, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gone = gone
        title = self.tr("Files that are gone")
        self.setWindowTitle(title)
        self.resize(720, 460)
        self.setMinimumSize(520, 320)
        stack = column(self)
        head = column(margins=(24, 16, 24, 12), gap=4)
        head.addWidget(label(title, "heading"))
        said = self.tr(
            "Their documents are still in the project, with their passages and the judgements on them. "
            "What is checked is taken out; the rest stays as it is."
        )
        head.addWidget(label(said, "body", "text2", wrap=True))
        stack.addLayout(head)
        stack.addWidget(rule())
        body = column(margins=(24, 16, 24, 16))
        card = Card(pad=0)
        self._rows = QStandardItemModel(self)
        self.table = TableView(title)
        self.table.setModel(self._rows)
        self._rows.setHorizontalHeaderLabels([self.tr("File"), self.tr("Folder")])
        for path in gone:
            self._rows.appendRow(_file_cells(path))
        self._rows.itemChanged.connect(lambda _cell: self._follow())
        self.table.set_widths(280, 0)
        self.table.clicked.connect(self._flip)
        self.table.activated.connect(self._flip)
        card.body.addWidget(self.table)
        body.addWidget(card, 1)
        stack.addLayout(body, 1)
        stack.addWidget(rule())
        foot = row(margins=(24, 12, 24, 16), gap=8)
        foot.addStretch(1)
        self.no = Button(self.tr("Keep them all"), "plain")
        self.no.setDefault(True)
        self.no.clicked.connect(self.reject)
        self.ok = Button("", "danger")
        self.ok.setAutoDefault(False)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(self.ok)
        foot.addWidget(self.no)
        stack.addLayout(foot)
        self._follow()

    def chosen(self) -> list[int]:
        """Ids of the documents that go."""
        ids = list(self._gone.values())
        return [
            ids[place]
            for place in range(self._rows.rowCount())
            if self._rows.item(place).checkState() == Qt.CheckState.Checked
        ]

    def _flip(self, index: QModelIndex) -> None:
        cell = self._rows.item(index.row())
        on = cell.checkState() == Qt.CheckState.Checked
        cell.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def _follow(self) -> None:
        count = len(self.chosen())
        self.ok.setText(fill(self.tr("Take out %1"), amount(count, self.tr("document"), self.tr("documents"))))
        self.ok.set_possible(count > 0, self.tr("Check what is to go"))


def _file_cells(path: str) -> list[QStandardItem]:
    place = PurePath(path)
    cells = [QStandardItem(words.plain(text, 300)) for text in (place.name, str(place.parent))]
    cells[0].setCheckState(Qt.CheckState.Checked)
    cells[0].setData(words.tip(path), Qt.ItemDataRole.ToolTipRole)
    cells[1].setData("text2", Role.TONE)
    return cells
