"""The left and the middle of the negatives page: the queries, and the candidates of the one that is chosen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget

from engine.store.selection import HELD, CandidateState
from gui import words
from gui.pages.negatives.facts import source_words
from gui.phrases import fill
from gui.tables.candidates import BM25_SCORE, SCORE, STATE, CandidateRow, CandidatesModel
from gui.tables.documents import is_code
from gui.tables.mined import Mined, Opened, Picture
from gui.tables.mined_queries import MinedQueriesModel, MinedQuery, MinedQueryDelegate
from gui.tables.paged import RECORD
from gui.widgets.cards import column, row, rule
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import ElidedLabel, label
from gui.widgets.tables import RowList, TableView

HEAD = 44
ROOM_FOR_SCORE, ROOM_FOR_BOTH = 470, 580


class QueriesPane(QFrame):
    """Signals: `query_chosen(MinedQuery)`, `order_chosen(order)`."""

    query_chosen = Signal(object)
    order_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("pane", True)
        self.setMinimumWidth(204)
        stack = column(self)
        head = QWidget()
        head.setFixedHeight(HEAD)
        line = row(head, margins=(16, 0, 8, 0))
        line.addWidget(label(self.tr("Queries"), "body", weight="medium"))
        line.addStretch(1)
        self.order = ChoiceBox(
            [
                (self.tr("Doubtful first"), "doubtful"),
                (self.tr("Fewest first"), "short"),
                (self.tr("As imported"), "imported"),
            ],
            accessible=self.tr("Order of the queries"),
        )
        self.order.setFixedWidth(122)
        self.order.picked.connect(lambda value: self.order_chosen.emit(str(value)))
        line.addWidget(self.order)
        stack.addWidget(head)
        stack.addWidget(rule())
        self.model = MinedQueriesModel(self)
        self.list: QListView = RowList(self.tr("Queries to look at"), MinedQueryDelegate.HEIGHT)
        self.list.setItemDelegate(MinedQueryDelegate(self.list))
        self.list.setModel(self.model)
        self.list.selectionModel().currentChanged.connect(lambda now, _before: self._chosen(now.row()))
        stack.addWidget(self.list, 1)

    def mark(self, number: int) -> None:
        """Show which query is open, without a signal."""
        place = self.model.place_of(number)
        selection = self.list.selectionModel()
        blocked = selection.blockSignals(True)
        index = self.model.index(place, 0)
        selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        selection.blockSignals(blocked)
        if place >= 0:
            self.list.scrollTo(index)
        self.list.viewport().update()

    def _chosen(self, place: int) -> None:
        found = self.model.index(place, 0).data(RECORD)
        if isinstance(found, MinedQuery):
            self.query_chosen.emit(found)


class CandidateTable(TableView):
    """A table whose up and down keys go on into the query before or after."""

    ran_over = Signal(int)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Names need the room more; both scores of the chosen one stand beside it in the comparison.
        self.setColumnHidden(SCORE, event.size().width() < ROOM_FOR_SCORE)
        self.setColumnHidden(BM25_SCORE, event.size().width() < ROOM_FOR_BOTH)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        last = self.model().rowCount() - 1
        if step and not event.modifiers() and not 0 <= self.currentIndex().row() + step <= last:
            self.ran_over.emit(step)
            return
        super().keyPressEvent(event)


class CandidatesPane(QFrame):
    """Signals: `candidate_chosen(CandidateRow)`, `ran_over(step)` past first or last candidate, `filtered(which)`."""

    candidate_chosen = Signal(object)
    ran_over = Signal(int)
    filtered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("pane", True)
        self.setMinimumWidth(380)
        stack = column(self)
        head = QWidget()
        head.setFixedHeight(HEAD)
        line = row(head, margins=(16, 0, 16, 0))
        line.addWidget(label(self.tr("Candidates"), "body", weight="medium"))
        self._fact = ElidedLabel("", "caption", "text3")
        line.addWidget(self._fact, 1)
        self.which = ChoiceBox(
            [
                (self.tr("All"), "all"),
                (self.tr("Chosen"), "chosen"),
                (self.tr("Doubtful"), "doubtful"),
                (self.tr("Judged"), "judged"),
                (self.tr("From BM25"), "bm25"),
                (self.tr("From the model"), "dense"),
                (self.tr("Drawn by chance"), "random"),
                (self.tr("From the imported set"), "imported"),
                (self.tr("Near the answer's score"), "near"),
                (self.tr("Of the answer's document"), "document"),
            ],
            accessible=self.tr("Which candidates are shown"),
        )
        self.which.setToolTip(self.tr("Which candidates are shown (F)"))
        self.which.setFixedWidth(132)
        self.which.picked.connect(lambda value: self.filtered.emit(str(value)))
        line.addWidget(self.which)
        stack.addWidget(head)
        stack.addWidget(rule())
        self.model = CandidatesModel(self)
        self.table = CandidateTable(self.tr("Candidates of the query"))
        self.table.setModel(self.model)
        self.table.set_widths(0, 50, 48, 44, 48, 64, 96)
        self.table.ran_over.connect(self.ran_over)
        self.table.selectionModel().currentRowChanged.connect(lambda now, _before: self._chosen(now.row()))
        stack.addWidget(self.table, 1)
        stack.addWidget(rule())
        note = ElidedLabel(
            self.tr("Margin: how far below the lowest answer, in per cent of its score."), "caption", "text3"
        )
        note.setFixedHeight(32)
        note.setContentsMargins(16, 0, 16, 0)
        stack.addWidget(note)

    def show_rows(self, mined: Mined, shown: Picture, rows: NDArray[np.int64], opened: Opened, model: str) -> None:
        """Show a query's candidates; the chosen one stays where it is still among them, and is told again."""
        chosen = self.current()
        self.model.show_candidates(mined, shown, rows, opened.names, model)
        code = any(is_code(found.name) for found in self.model.rows())
        # Names of one family differ at their ends; a sentence is read from its beginning.
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle if code else Qt.TextElideMode.ElideRight)
        self._set_fact(source_words(mined.mining))
        place = self.model.row_of(chosen.passage_id) if chosen else -1
        if place >= 0:
            self.choose(place)
        now = self.current()
        if now is not None:
            self.candidate_chosen.emit(now)

    def current(self) -> CandidateRow | None:
        return self.model.row(self.table.currentIndex().row())

    def _set_fact(self, sources: str) -> None:
        """How many candidates, and where they are from."""
        answers = sum(found.state is CandidateState.ANSWER for found in self.model.rows())
        count = words.count(self.model.rowCount() - answers)
        self._fact.setText(fill(self.tr("%1 from %2"), count, sources))

    def choose(self, place: int) -> None:
        """Choose a row; the comparison follows by signal."""
        if 0 <= place < self.model.rowCount():
            self.table.setCurrentIndex(self.model.index(place, 0))
            self.table.scrollTo(self.model.index(place, STATE))

    def step(self, step: int) -> None:
        """One row up or down, or on into the next query."""
        place = self.table.currentIndex().row() + step
        if 0 <= place < self.model.rowCount():
            self.choose(place)
        else:
            self.ran_over.emit(step)

    def first_to_look_at(self) -> int:
        """The first doubtful candidate, else the first that is no answer."""
        rows = self.model.rows()
        doubtful = [place for place, found in enumerate(rows) if found.state in HELD]
        others = [place for place, found in enumerate(rows) if found.state is not CandidateState.ANSWER]
        return (doubtful or others or [0])[0]

    def _chosen(self, place: int) -> None:
        found = self.model.row(place)
        if found is not None:
            self.candidate_chosen.emit(found)
