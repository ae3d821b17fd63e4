"""Asks for a query typed by hand, and for the passage that answers it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from engine.store import browse
from engine.store.browse import FoundPassage
from engine.store.project import Project
from gui import words
from gui.tables.reader import Reader
from gui.tables.rows import Row, RowsModel
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.inputs import FilterBox
from gui.widgets.labels import label
from gui.widgets.tables import RowList

FOUND = 30


class WriteQuery(QDialog):
    """`text()` and `passage_id()` are what was written and chosen; no passage is 0."""

    def __init__(self, reader: Reader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self.setWindowTitle(self.tr("Write a query"))
        self.setFixedSize(560, 480)
        stack = column(self, margins=(24, 20, 24, 16), gap=8)
        stack.addWidget(label(self.tr("Write a query"), "heading"))
        stack.addWidget(label(self.tr("As somebody would type it who does not know the answer."), "body", "text2"))
        self._text = FilterBox(self.tr("What would somebody ask?"), icon_name="query")
        stack.addWidget(self._text)
        stack.addSpacing(4)
        stack.addWidget(label(self.tr("Which passage answers it?"), "body", weight="medium"))
        self._find = FilterBox(self.tr("Find a passage by its words"), icon_name="search")
        stack.addWidget(self._find)
        self._model = RowsModel(self)
        self._list = RowList(self.tr("Passages found"))
        self._list.setModel(self._model)
        stack.addWidget(self._list, 1)
        foot = row()
        self._note = label("", "caption", "text3")
        foot.addWidget(self._note, 1)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Add the query"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        stack.addLayout(foot)
        self._text.textChanged.connect(lambda _text: self._follow())
        self._find.settled.connect(self._search)
        self._list.selectionModel().currentChanged.connect(lambda _now, _before: self._follow())
        self._text.setFocus(Qt.FocusReason.OtherFocusReason)
        self._search("")
        self._follow()

    def text(self) -> str:
        return self._text.text().strip()

    def passage_id(self) -> int:
        found = self._model.row(self._list.currentIndex().row())
        return found.key if found else 0

    def _search(self, contains: str) -> None:
        def question(project: Project) -> list[FoundPassage]:
            return browse.find_passages(project, contains, limit=FOUND)

        self._reader.ask("write_query/find", question, self._show)

    def _show(self, found: Sequence[FoundPassage]) -> None:
        self._model.set_rows(
            [Row(passage.id, words.plain(passage.name, 200), words.plain(passage.text, 200)) for passage in found]
        )
        self._follow()

    def _follow(self) -> None:
        self.ok.set_possible(bool(self.text()), self.tr("Write the query first"))
        chosen = bool(self.passage_id())
        self._note.setText("" if chosen else self.tr("Without an answer it can be asked, not learnt from."))
