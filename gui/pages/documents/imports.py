"""Every import of the project: what each brought, what it could not take, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.records import TokenReport
from engine.store import arrivals
from engine.store.arrivals import ImportRow
from engine.store.project import Project
from engine.store.undoing import Undone, foresee_undo
from gui import words
from gui.amounts import amount
from gui.dialogs.import_arrivals import Arrivals
from gui.dialogs.import_undo import UndoImport, gone_words
from gui.pages.documents.problems import ProblemsPane
from gui.pages.documents.report import read_token_report, token_words
from gui.phrases import fill
from gui.tables.reader import Reader
from gui.tables.rows import Row, RowsModel
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, EmptyState, Figure, column, row, rule
from gui.widgets.labels import Chip, ElidedLabel, label
from gui.widgets.tables import RowList

if TYPE_CHECKING:
    from gui.session import Session, Values

COUNTERS = ("new", "updated", "unchanged", "skipped")


@dataclass(frozen=True, slots=True)
class ImportsSeen:
    """The imports, and how well the model reads what came."""

    rows: Sequence[ImportRow]
    tokens: TokenReport | None


def read_imports(project: Project) -> ImportsSeen:
    return ImportsSeen(arrivals.import_rows(project), read_token_report(project))


class ImportsView(QWidget):
    """A list at the left, one import's report at the right. `closed()` goes back to the documents."""

    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._reader: Reader | None = None
        self._rows: dict[int, ImportRow] = {}
        self._tokens_seen: TokenReport | None = None
        stack = column(self, gap=12)
        head = row(gap=12)
        self.back = Button(self.tr("Documents"), "flat", icon_name="chevron-left")
        self.back.clicked.connect(self.closed)
        head.addWidget(self.back)
        self._fact = label("", "body", "text2")
        head.addWidget(self._fact)
        head.addStretch(1)
        stack.addLayout(head)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        escape.activated.connect(self.closed)
        parts = row(gap=16)
        side = Card(pad=0)
        side.setFixedWidth(232)
        self._list_rows = RowsModel(self)
        self.list = RowList(self.tr("Imports"), 52)
        self.list.setModel(self._list_rows)
        self.list.selectionModel().currentChanged.connect(self._choose)
        side.body.addWidget(self.list)
        parts.addWidget(side)
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyState("list", self.tr("Nothing was imported yet"), ""))
        self._stack.addWidget(self._make_report())
        parts.addWidget(self._stack, 1)
        stack.addLayout(parts, 1)
        for signal in (session.queue.job_started, session.queue.job_finished):
            signal.connect(lambda _job: self._follow_job())

    def show_imports(self, reader: Reader | None, seen: ImportsSeen) -> None:
        """List the imports; the chosen one stays, and a new one is chosen when it comes."""
        self._reader, self._tokens_seen = reader, seen.tokens
        kept = self._chosen()
        newest_before = next(iter(self._rows), 0)
        self._rows = {found.report.id: found for found in seen.rows}
        self._fact.setText(amount(len(seen.rows), self.tr("import"), self.tr("imports")))
        self._list_rows.set_rows([self._row(found) for found in seen.rows])
        newest = next(iter(self._rows), 0)
        key = kept.report.id if kept is not None and newest == newest_before else newest
        place = self._list_rows.place_of(key)
        self._stack.setCurrentIndex(1 if place >= 0 else 0)
        if place >= 0:
            self.list.setCurrentIndex(self._list_rows.index(place, 0))
        self._show_chosen()

    def choose(self, import_id: int) -> None:
        """Show one import."""
        place = self._list_rows.place_of(import_id)
        if place >= 0:
            self.list.setCurrentIndex(self._list_rows.index(place, 0))

    # What it is made of

    def _make_report(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, gap=12)
        card = Card(pad=16, gap=8)
        head = row(gap=12)
        self._title = label("", "heading")
        head.addWidget(self._title)
        self._state = Chip()
        head.addWidget(self._state)
        self._names = ElidedLabel("", "body", "text2", mode=Qt.TextElideMode.ElideMiddle)
        head.addWidget(self._names, 1)
        self.show_arrived = Button(self.tr("Show what came"), "plain", icon_name="list", size="small")
        self.show_arrived.clicked.connect(self._show_arrivals)
        head.addWidget(self.show_arrived)
        self.undo = Button(self.tr("Undo this import…"), "plain", icon_name="undo", size="small")
        self.undo.clicked.connect(self.ask_undo)
        head.addWidget(self.undo)
        card.body.addLayout(head)
        card.body.addWidget(rule())
        figures = row(gap=24)
        names = {
            "new": self.tr("new"),
            "updated": self.tr("updated"),
            "unchanged": self.tr("unchanged"),
            "skipped": self.tr("not taken"),
        }
        self.figures = {name: Figure("0", names[name]) for name in COUNTERS}
        self.figures["found"] = Figure("0", self.tr("found in all"))
        for name, figure in self.figures.items():
            if name != "new":
                figures.addWidget(label("=" if name == "found" else "+", "figure", "text3"))
            figures.addWidget(figure)
        figures.addStretch(1)
        card.body.addLayout(figures)
        self._brought = label("", "dense", "text2", wrap=True)
        card.body.addWidget(self._brought)
        self._tokens = label("", "caption", "text3", wrap=True)
        card.body.addWidget(self._tokens)
        stack.addWidget(card)
        self.problems = ProblemsPane(self._session)
        stack.addWidget(self.problems, 1)
        return holder

    # Showing

    def _row(self, found: ImportRow) -> Row:
        counts = found.report.counts
        total = sum(getattr(counts, name) for name in COUNTERS)
        said = fill(self.tr("%1 of %2 taken"), words.count(total - counts.skipped), words.count(total))
        chip = None
        if found.undone:
            chip = (self.tr("taken back"), "none")
        elif not found.ended:
            chip = (self.tr("broken off"), "bad")
        elif found.open:
            chip = (words.count(found.open), "warn")
        return Row(found.report.id, f"{_moment(found)} · {_places(found, 40)}", said, chip)

    def _chosen(self) -> ImportRow | None:
        at = self._list_rows.row(self.list.currentIndex().row())
        return self._rows.get(at.key) if at is not None else None

    def _choose(self, _current: QModelIndex, _before: QModelIndex | None = None) -> None:
        self._show_chosen()

    def _show_chosen(self) -> None:
        found = self._chosen()
        if found is None:
            return
        counts = found.report.counts
        self._title.setText(_moment(found))
        self._names.setText(_places(found, 600))
        state = (
            (self.tr("taken back"), "none")
            if found.undone
            else (self.tr("broken off"), "bad")
            if not found.ended
            else (self.tr("stopped"), "warn")
            if found.report.format == "cancelled"
            else None
        )
        self._state.setVisible(state is not None)
        if state is not None:
            self._state.set_state(state[0], "bad" if state[1] == "bad" else "warn" if state[1] == "warn" else "none")
        for name in COUNTERS:
            self.figures[name].set_value(words.count(getattr(counts, name)))
        self.figures["found"].set_value(words.count(sum(getattr(counts, name) for name in COUNTERS)))
        self._brought.setText(self._brought_words(found))
        newest = found.report.id == next(iter(self._rows), 0)
        self._tokens.setVisible(newest and self._tokens_seen is not None and not found.undone)
        if self._tokens_seen is not None:
            self._tokens.setText(token_words(self._tokens_seen, self)[1])
        self.problems.show_import(self._reader, found)
        self._follow_job()

    def _brought_words(self, found: ImportRow) -> str:
        counts = found.report.counts
        parts = [
            (counts.documents, self.tr("document"), self.tr("documents")),
            (counts.passages, self.tr("passage"), self.tr("passages")),
            (counts.queries, self.tr("query"), self.tr("queries")),
            (counts.qrels, self.tr("judgement"), self.tr("judgements")),
            (counts.negatives, self.tr("given negative"), self.tr("given negatives")),
        ]
        brought = ", ".join(amount(number, one, many) for number, one, many in parts if number)
        if not brought:
            return self.tr("It brought nothing new.")
        return fill(self.tr("It brought %1, now out again.") if found.undone else self.tr("It brought %1."), brought)

    def _follow_job(self) -> None:
        """Nothing is taken back while another job writes."""
        found, running = self._chosen(), self._session.queue.running is not None
        if found is None:
            return
        reason = self.tr("Taken back") if found.undone else self.tr("A job is running")
        self.undo.set_possible(not found.undone and not running, reason)
        self.show_arrived.set_possible(not found.undone, self.tr("Nothing is left of it"))

    # Doing

    def _show_arrivals(self) -> None:
        found = self._chosen()
        if found is not None:
            dialog = Arrivals(self._session, self._reader, found, self)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    def ask_undo(self) -> None:
        """Count what would go, ask, and take the chosen import back."""
        found = self._chosen()
        if found is None or self._reader is None:
            return
        import_id = found.report.id
        self._reader.ask(
            "imports/undo", lambda project: foresee_undo(project, import_id), lambda seen: self._ask_undo(found, seen)
        )

    def _ask_undo(self, found: ImportRow, foreseen: Undone) -> None:
        dialog = UndoImport(found, foreseen, self)
        dialog.accepted.connect(
            lambda: self._session.edit("undo_import", {"import_id": found.report.id}, self._say_undone)
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _say_undone(self, values: Values) -> None:
        known = {name: int(values[name]) for name in Undone.__dataclass_fields__ if name in values}
        self._session.say(fill(self.tr("Taken back. %1"), gone_words(Undone(**known))))


def _moment(found: ImportRow) -> str:
    return words.when(found.report.created_at)


def _places(found: ImportRow, limit: int) -> str:
    """The names of the files and folders that were imported."""
    names = ", ".join(path.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] or path for path in found.report.paths)
    return words.plain(names, limit)
