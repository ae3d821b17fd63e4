"""The Documents page: what came in and from where, how it is cut, every import's report, and the chosen one's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QModelIndex, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.params import ImportParams, params_to_dict
from engine.records import Document, Place, TokenReport, UnfinishedImport
from engine.store import arrivals, documents, places
from engine.store.arrivals import ImportRow
from engine.store.project import Project
from gui import theme, words
from gui.amounts import amount
from gui.dialogs.import_arrivals import Arrivals
from gui.dialogs.import_places import PlacesDialog
from gui.dialogs.import_start import ask_files, ask_folder, dropped_paths
from gui.dialogs.import_window import ImportWindow
from gui.dialogs.question import Question
from gui.pages.documents.imports import ImportsSeen, ImportsView, read_imports
from gui.pages.documents.inspector import DocumentInspector, DocumentView, read_document
from gui.pages.documents.outcome import Gone, GonePanel, OutcomePanel, UnfinishedPanel, read_gone, read_unfinished
from gui.pages.documents.passages import PassagesDrawer
from gui.pages.documents.report import ImportLink, TokenPanel, read_token_report
from gui.pages.documents.running import RunningImport
from gui.pages.reading import ReadingPage
from gui.phrases import fill
from gui.tables.documents import DocumentRow, DocumentsModel, document_name
from gui.tables.paged import RECORD
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, EmptyState, column, row
from gui.widgets.inputs import ChoiceBox, FilterBox
from gui.widgets.labels import Link, label
from gui.widgets.tables import TableView

if TYPE_CHECKING:
    from gui.session import Session

EMPTY, CONTENT, IMPORTS = range(3)


@dataclass(frozen=True, slots=True)
class DocumentsView:
    """What stands around the table."""

    documents: int
    passages: int
    files: tuple[str, ...]
    places: Sequence[Place]
    newest: ImportRow | None
    gone: Gone | None
    unfinished: UnfinishedImport | None
    tokens: TokenReport | None


def read_documents(project: Project) -> DocumentsView:
    known = places.imported_places(project)
    return DocumentsView(
        documents.count_documents(project),
        documents.count_passages(project),
        tuple(place.path for place in known if Path(place.path).exists()),
        known,
        next(iter(arrivals.import_rows(project, limit=1)), None),
        read_gone(project),
        read_unfinished(project),
        read_token_report(project),
    )


class DocumentsPage(ReadingPage):
    """Files and folders come in by button or by dropping them anywhere on the page."""

    name = "documents"
    icon = "document"
    topics = frozenset({"documents", "imports", "passages"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, QCoreApplication.translate("DocumentsPage", "Documents"), parent)
        self.setAcceptDrops(True)
        self._files: tuple[str, ...] = ()
        self._newest: ImportRow | None = None
        self._filled = False
        self._all = ""
        self._wanted = 0
        self._make_actions()
        self.inspector = self.use_inspector(self.tr("Document"))
        self._document = DocumentInspector(self.inspector)
        self._document.removal_asked.connect(self._ask_removal)
        self._make_notices()
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack, 1)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_content())
        self.imports = ImportsView(session)
        self.imports.closed.connect(self.show_documents)
        self.imports.problems.import_asked.connect(self.import_paths)
        self._stack.addWidget(self.imports)
        self._drop = Card(kind="drop", parent=self)
        self._drop.body.addWidget(
            label(self.tr("Drop files or folders to import them"), "heading", "accent-ink"),
            0,
            Qt.AlignmentFlag.AlignCenter,
        )
        self._drop.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._drop.hide()
        self._show_frame(False)

    def refresh(self, topics: set[str]) -> None:
        if self.reader() is None:
            self._show_frame(False)
            return
        if "all" in topics:
            self._document.show_document(None)
            self.outcome.set_aside(False)
            self._stack.setCurrentIndex(EMPTY)
            seen = self.session.overview()
            self._show_frame(seen is not None and seen.passages > 0)
        shown = self._document.document()
        if shown is not None:
            self._wanted = shown.id  # stays chosen where it is still listed
        self._list_documents()
        self.ask("documents/view", read_documents, self._show_view)
        if self._stack.currentIndex() == IMPORTS:
            self._list_imports()
        self._passages.refresh()
        if shown is not None:
            self._show_document(shown.id)

    def commands(self) -> Iterable[tuple[str, str, object]]:
        return (
            (self.tr("Add files…"), "document", self.choose_files),
            (self.tr("Add folder…"), "folder", self.choose_folder),
            (self.tr("Read again…"), "refresh", self.read_again),
            (self.tr("Show every import"), "list", self.show_imports),
        )

    def open_at(self, what: dict[str, object]) -> None:
        """`show` report: the imports; `document_id`: this one; `paths`: import them; `step`: focus on Add files."""
        document_id = what.get("document_id")
        if what.get("show") == "report":
            self.show_imports()
            return
        self.show_documents()
        paths = what.get("paths")
        if isinstance(paths, list):
            self.import_paths([str(path) for path in paths])
        elif isinstance(document_id, int):
            self._wanted = document_id
            self._choose_wanted()
            self._show_document(document_id)
        elif what.get("step"):
            self._add.setFocus()

    def import_paths(self, paths: Sequence[str]) -> None:
        """Show what would come of `paths`, take choices, then run the import."""
        window = ImportWindow(self.session, paths, self._params(), self)
        window.accepted.connect(lambda: self._run_import(window.params()))
        window.finished.connect(window.deleteLater)
        window.open()  # not exec: a drop must end at once

    def choose_files(self) -> None:
        if chosen := ask_files(self):
            self.import_paths(chosen)

    def choose_folder(self) -> None:
        if chosen := ask_folder(self):
            self.import_paths(chosen)

    def read_again(self) -> None:
        """Show the places that documents came from, and read them again as the person says."""
        reader = self.reader()
        if reader is not None:
            dialog = PlacesDialog(self.session, reader, self)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    def show_imports(self) -> None:
        """Every import with its report, in the place of the table."""
        self._stack.setCurrentIndex(IMPORTS)
        self.outcome.set_aside(True)
        self._show_frame(self._filled)
        self._list_imports()
        self.imports.list.setFocus()

    def show_documents(self) -> None:
        """Back to the table."""
        self.outcome.set_aside(False)
        if self._stack.currentIndex() == IMPORTS:
            self._stack.setCurrentIndex(CONTENT if self._filled else EMPTY)
            self._show_frame(self._filled)
            self.table.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_paths(event):
            event.acceptProposedAction()
            self._drop.setGeometry(self.rect().adjusted(24, 56, -24, -24))
            self._drop.show()
            self._drop.raise_()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop.hide()
        paths = dropped_paths(event)
        if paths:
            event.acceptProposedAction()
            self.import_paths(paths)

    def _params(self) -> ImportParams:
        cut = self._passages.cut()
        return ImportParams(passage_tokens=cut.passage_tokens, overlap_tokens=cut.overlap_tokens, headings=cut.headings)

    def _run_import(self, params: ImportParams) -> None:
        self.session.run_job("import", params_to_dict(params))

    def _make_actions(self) -> None:
        again = Button(self.tr("Read again"), "flat", icon_name="refresh")
        again.setToolTip(self.tr("Read what changed in the files and folders that were imported or are watched"))
        again.clicked.connect(self.read_again)
        folder = Button(self.tr("Add folder…"), "plain", icon_name="folder")
        folder.clicked.connect(self.choose_folder)
        self._add = Button(self.tr("Add files…"), "primary", icon_name="plus")
        self._add.clicked.connect(self.choose_files)
        self._log_too = Button(self.tr("Import log"), "flat", icon_name="list")
        self._log_too.clicked.connect(self.show_imports)
        self._log_too.hide()
        self.head.add_action(self._log_too)
        self._head_actions = (again, folder, self._add)
        for button in self._head_actions:
            self.head.add_action(button)

    def _make_notices(self) -> None:
        """What runs, what was broken off, how the last import ended, what is gone: each shown where there is some."""
        self.running = RunningImport(self.session, self.ask)
        self.unfinished = UnfinishedPanel(self.session)
        self.unfinished.undo_asked.connect(self._undo_import)
        self.outcome = OutcomePanel(self.session)
        self.outcome.report_asked.connect(self.show_imports)
        self.outcome.arrivals_asked.connect(self._show_arrivals)
        self.outcome.undo_asked.connect(lambda: self._undo_import(0))
        self.gone = GonePanel(self.session)
        for panel in (self.running, self.unfinished, self.outcome, self.gone):
            self.body.addWidget(panel)

    def _make_empty(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, margins=(0, 8, 0, 8))
        zone = Card(kind="dashed")
        button = Button(self.tr("Add files…"), "primary", icon_name="plus", size="large")
        button.clicked.connect(self.choose_files)
        sample = Link(self.tr("Try with the sample"))
        sample.clicked.connect(lambda: self.session.run_job("sample", {}))
        zone.body.addWidget(
            EmptyState(
                "document",
                self.tr("Drop files or a folder here"),
                self.tr(
                    "PDF, Word, PowerPoint, Excel, web pages, text, e-mail, archives of them, and labelled sets. "
                    "Text stays on this computer."
                ),
                button,
                sample,
            )
        )
        stack.addWidget(zone)
        return holder

    def _make_content(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, gap=theme.GAP)
        line = row(gap=12)
        self._filter = FilterBox(self.tr("Filter documents"), keys="Ctrl+F", parent=self)
        self._filter.setFixedWidth(240)
        self._filter.settled.connect(lambda _text: self._list_documents())
        line.addWidget(self._filter)
        self.places = ChoiceBox([(self.tr("From everywhere"), "")], accessible=self.tr("Where documents came from"))
        self.places.setFixedWidth(168)
        self.places.picked.connect(lambda _place: self._list_documents())
        line.addWidget(self.places)
        self._counted = label("", "caption", "text3")
        line.addWidget(self._counted)
        line.addStretch(1)
        self._log = ImportLink()
        self._log.clicked.connect(self.show_imports)
        self._log.hide()
        line.addWidget(self._log)
        stack.addLayout(line)
        self._tokens = TokenPanel()
        stack.addWidget(self._tokens)
        stack.addWidget(self._make_table(), 1)
        self._passages = PassagesDrawer(self.session, self.ask)
        stack.addWidget(self._passages)
        return holder

    def _make_table(self) -> QWidget:
        card = Card(pad=0)
        self._model = DocumentsModel(self)
        self._model.loaded.connect(self._table_loaded)
        self.table = TableView(self.tr("Documents"))
        self.table.setModel(self._model)
        self.table.set_widths(0, 108, 84, 92, 116)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.table.setSortingEnabled(True)
        self.table.setMinimumHeight(28 + 3 * 30)
        self.table.selectionModel().currentRowChanged.connect(self._row_chosen)
        self._none = EmptyState("filter", self.tr("No document matches"), self.tr("Change the filter, or clear it."))
        card.body.addWidget(self.table)
        card.body.addWidget(self._none)
        self._none.hide()
        return card

    def _show_view(self, view: DocumentsView) -> None:
        self._newest = view.newest
        self._show_frame(view.documents > 0)
        self._files = view.files
        self._log.set_problems(view.newest.open if view.newest and not view.newest.undone else 0)
        self._log.setVisible(view.newest is not None)
        self._log_too.setVisible(view.newest is not None and not view.documents)
        self.gone.show_gone(view.gone)
        self.unfinished.show_unfinished(view.unfinished)
        self._show_places(view.places)
        self._tokens.show_report(view.tokens)
        passages = amount(view.passages, self.tr("passage"), self.tr("passages"))
        self.head.set_fact(passages if view.documents else "")
        self._all = amount(view.documents, self.tr("document"), self.tr("documents"))
        self._say_count(self._model.total())

    def _show_places(self, known: Sequence[Place]) -> None:
        """A choice of places where there are several."""
        choices: list[tuple[str, object]] = [(self.tr("From everywhere"), "")]
        choices += [(words.plain(PurePath(place.path).name or place.path, 60), place.path) for place in known]
        self.places.set_choices(choices)
        for position, place in enumerate(known, 1):
            self.places.setItemData(position, words.tip(place.path), Qt.ItemDataRole.ToolTipRole)
        self.places.setVisible(len(known) > 1)

    def _list_documents(self) -> None:
        self._model.show_documents(self.reader(), self._filter.text(), str(self.places.value() or ""))

    def _list_imports(self) -> None:
        self.ask("documents/imports", read_imports, lambda seen: self.imports.show_imports(self.reader(), seen))

    def _show_arrivals(self) -> None:
        """What came with the newest import."""
        if self._newest is not None:
            dialog = Arrivals(self.session, self.reader(), self._newest, self)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    def _undo_import(self, import_id: int) -> None:
        """Go to the report of an import (the newest where 0) and ask there."""

        def ask(seen: ImportsSeen) -> None:
            self.imports.show_imports(self.reader(), seen)
            if import_id:
                self.imports.choose(import_id)
            self.imports.ask_undo()

        self.show_imports()
        self.ask("documents/imports", read_imports, ask)

    def _show_frame(self, filled_: bool) -> None:
        """Either what is there, or the empty page with the same buttons; the imports stay where they are looked at."""
        self._filled = filled_
        if self._stack.currentIndex() != IMPORTS:
            self._stack.setCurrentIndex(CONTENT if filled_ else EMPTY)
        for button in self._head_actions[1:]:
            button.setVisible(filled_)
        self._show_inspector()

    def _show_inspector(self) -> None:
        self.show_inspector(self._stack.currentIndex() == CONTENT)

    def _table_loaded(self, total: int) -> None:
        if total:
            self._show_frame(True)
        filtered = self._is_filtered()
        self._none.setVisible(total == 0 and filtered)
        self.table.setVisible(total > 0 or not filtered)
        self._say_count(total)
        if self._wanted:
            self._choose_wanted()
            self._wanted = 0
        elif total and not self.table.currentIndex().isValid():
            self.table.selectRow(0)

    def _choose_wanted(self) -> None:
        """Choose the document another page asked for, where it is among the rows read so far."""
        place = self._model.row_where(lambda found: found.document.id == self._wanted)
        if place >= 0:
            self.table.selectRow(place)
        else:
            self.table.clearSelection()

    def _say_count(self, shown: int) -> None:
        some = fill(self.tr("%1 of %2"), words.count(shown), self._all)
        self._counted.setText(some if self._is_filtered() else self._all)

    def _is_filtered(self) -> bool:
        return bool(self._filter.text() or self.places.value())

    def _row_chosen(self, current: QModelIndex, _before: QModelIndex) -> None:
        found = current.data(RECORD)
        if isinstance(found, DocumentRow):
            self._show_document(found.document.id)

    def _show_document(self, document_id: int) -> None:
        def show(view: DocumentView | None) -> None:
            self._document.show_document(view)

        self.ask("documents/one", lambda project: read_document(project, document_id), show)
        self._passages.show_document(document_id)

    def _ask_removal(self, document: Document) -> None:
        name = words.plain(document_name(document), 80)
        question = Question(
            fill(self.tr("Take “%1” out of the project?"), name),
            fill(
                self.tr("Its %1 and the judgements on them go too. The file on disk stays as it is."),
                amount(document.n_passages, self.tr("passage"), self.tr("passages")),
            ),
            self.tr("Take it out"),
            self.tr("Keep it"),
            self,
        )
        if question.exec():
            self._document.show_document(None)
            self.session.edit("remove_documents", {"document_ids": [document.id]})
