"""What stands at the right of the documents: the chosen document's text with its passages, and its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.records import Document, Passage
from engine.store import documents
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.tables.documents import document_name, is_code
from gui.widgets.banded_text import Band, BandedText
from gui.widgets.buttons import Button, IconButton, SegmentedControl
from gui.widgets.cards import InfoRow, Inspector, column, row
from gui.widgets.labels import label

SHOWN_PASSAGES = 80


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document with its first passages."""

    document: Document
    passages: Sequence[Passage]
    total: int


def read_document(project: Project, document_id: int) -> DocumentView | None:
    """A document and the passages that the inspector shows."""
    found = documents.document(project, document_id)
    if found is None:
        return None
    passages = documents.passages_of(project, document_id)
    return DocumentView(found, passages[:SHOWN_PASSAGES], len(passages))


class DocumentInspector(QWidget):
    """Fills the page's inspector. `removal_asked(document)` when the person wants the document out of the project."""

    removal_asked = Signal(object)

    def __init__(self, inspector: Inspector, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspector = inspector
        self._shown: DocumentView | None = None
        self._open = IconButton("open", self.tr("Open the file"))
        self._open.clicked.connect(self._open_file)
        inspector.head.addWidget(self._open)
        self.tabs = SegmentedControl([self.tr("Text"), self.tr("Facts")], accessible=self.tr("What to show"))
        self.text = BandedText(self.tr("Text of the document, by passages"))
        self._facts = QWidget()
        self._rows = column(self._facts)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.text)
        self._stack.addWidget(self._facts)
        self.tabs.changed.connect(self._stack.setCurrentIndex)
        self._none = label(self.tr("Choose a document to read it."), "body", "text3", wrap=True)
        self._none.setAlignment(Qt.AlignmentFlag.AlignTop)
        stack = column(self, gap=12)
        stack.addWidget(self._none)
        stack.addWidget(self.tabs)
        stack.addWidget(self._stack, 1)
        inspector.body.addWidget(self, 1)
        self.show_document(None)

    def show_document(self, view: DocumentView | None) -> None:
        """Show a document, or say that none is chosen."""
        self._shown = view
        for part in (self.tabs, self._stack):
            part.setVisible(view is not None)
        self._none.setVisible(view is None)
        file = view is not None and not view.document.labelled and Path(view.document.path).is_file()
        self._open.setVisible(file)
        if view is None:
            self._inspector.set_title(self.tr("Document"))
            return
        name = words.plain(document_name(view.document), 200)
        passages = amount(view.total, self.tr("passage"), self.tr("passages"))
        characters = amount(view.document.n_chars, self.tr("character"), self.tr("characters"))
        self._inspector.set_title(name, f"{passages} · {characters}", mono=is_code(name))
        self.text.set_bands(self._bands(view), note=self._rest(view))
        self._fill_facts(view)

    def document(self) -> Document | None:
        return self._shown.document if self._shown else None

    def _bands(self, view: DocumentView) -> list[Band]:
        bands, end = [], 0
        for passage in view.passages:
            number, length = words.count(passage.ordinal + 1), words.count(len(passage.text))
            caption = fill(self.tr("Passage %1 · %2 characters"), number, length)
            if passage.page:
                caption += " · " + fill(self.tr("page %1"), str(passage.page))
            repeated = max(0, end - passage.start) if passage.end else 0
            text = passage.text.replace("\r\n", "\n").replace("\r", "\n")
            bands.append(Band(caption, words.plain(passage.heading, 300), words.plain(text, lines=True), repeated))
            end = passage.end
        return bands

    def _rest(self, view: DocumentView) -> str:
        left = view.total - len(view.passages)
        return fill(self.tr("and %1 more"), amount(left, self.tr("passage"), self.tr("passages"))) if left > 0 else ""

    def _fill_facts(self, view: DocumentView) -> None:
        while self._rows.count():
            taken = self._rows.takeAt(0)
            widget = taken.widget() if taken is not None else None
            if widget is not None:
                widget.deleteLater()
        document = view.document
        facts = [
            (self.tr("File"), document.path, True),
            (self.tr("Id in its set"), document.external_id, True),
            (self.tr("Type"), document.kind, False),
            (self.tr("Passages"), words.count(view.total), False),
            (self.tr("Characters"), words.count(document.n_chars), False),
            (self.tr("Import"), f"#{document.import_id}", False),
        ]
        for name, value, mono in facts:
            if value:
                self._rows.addWidget(InfoRow(name, words.plain(value, 400), mono=mono))
        if document.labelled:
            whole = self.tr("Passages of labelled sets are kept whole, so that figures compare with published ones.")
            self._rows.addWidget(label(whole, "caption", "text3", wrap=True))
        self._rows.addSpacing(12)
        remove = Button(self.tr("Take out of the project…"), "danger", icon_name="trash", size="small")
        remove.clicked.connect(lambda: self.removal_asked.emit(document))
        line = row()
        line.addWidget(remove)
        line.addStretch(1)
        holder = QWidget()
        holder.setLayout(line)
        self._rows.addWidget(holder)
        self._rows.addStretch(1)

    def _open_file(self) -> None:
        if self._shown is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(self._shown.document.path))
