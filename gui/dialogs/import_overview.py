"""What was found under the chosen paths, by kind and count, for the import window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QWidget

from engine.formats import LABELLED, ImportPreview, PreviewKind
from gui import words
from gui.dialogs.import_sentences import kinds_sentence
from gui.widgets.cards import Card, column
from gui.widgets.labels import label
from gui.widgets.tables import Role, TableView

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImportOverview", text)


class Overview(QWidget):
    """A sentence, and a row for each kind of file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self, margins=(16, 16, 24, 16), gap=12)
        self.sentence = label("", "body", "text", wrap=True)
        stack.addWidget(self.sentence)
        card = Card(pad=0)
        self._rows = QStandardItemModel(self)
        self.table = TableView(self.tr("What was found"))
        self.table.setModel(self._rows)
        self.table.setSelectionMode(TableView.SelectionMode.NoSelection)
        card.body.addWidget(self.table)
        stack.addWidget(card, 1)
        self._note = label(self.tr("Nothing is stored yet. Files on disk stay as they are."), "caption", "text3")
        stack.addWidget(self._note)

    def show_preview(self, seen: ImportPreview) -> None:
        self.sentence.setText(kinds_sentence(seen))
        self._rows.clear()
        self._rows.setHorizontalHeaderLabels(
            [self.tr("Kind"), self.tr("Files"), self.tr("Size"), self.tr("What becomes of them")]
        )
        for place in (1, 2):
            self._rows.horizontalHeaderItem(place).setTextAlignment(_RIGHT)
        for kind in seen.kinds:
            self._rows.appendRow(_cells(kind))
        self.table.set_widths(176, 60, 76, 0)


def _cells(kind: PreviewKind) -> list[QStandardItem]:
    tone = "text3" if kind.kind == "skipped" else "text"
    cells = [QStandardItem(text) for text in (kind_name(kind), words.count(kind.files), words.size(kind.bytes), "")]
    cells[3].setText(_fate(kind))
    for place, cell in enumerate(cells):
        cell.setData(tone if place in (0, 1) else "text3" if kind.kind == "skipped" else "text2", Role.TONE)
    for cell in cells[1:3]:
        cell.setTextAlignment(_RIGHT)
    mark = {"labelled": "done", "documents": "done", "skipped": "none"}[kind.kind]
    cells[0].setData(mark, Role.MARK)
    return cells


def kind_name(kind: PreviewKind) -> str:
    """`PDF`, `FlagEmbedding`, `Empty files`."""
    if kind.kind == "skipped":
        return left_out_name(kind.format)
    return LABELLED.get(kind.format) or document_kind(kind.format)


def document_kind(kind: str) -> str:
    """What a kind of document is called by those who write it, with its ending."""
    said = {
        "docx": _tr("Word"),
        "pptx": _tr("PowerPoint"),
        "xlsx": _tr("Excel"),
        "md": _tr("Markdown"),
        "txt": _tr("Text"),
        "html": _tr("Web page"),
        "eml": _tr("E-mail"),
        "epub": _tr("E-book"),
        "odt": _tr("OpenDocument"),
        "rtf": _tr("Rich text"),
        "rst": _tr("reStructuredText"),
    }
    return f"{said[kind]} ({kind.upper()})" if kind in said else kind.upper()


def left_out_name(code: str) -> str:
    """What files that are left out for one reason are called."""
    said = {
        "empty": _tr("Empty files"),
        "link": _tr("Links out of the folder"),
        "not_a_file": _tr("Pipes and devices"),
        "unknown_kind": _tr("Other kinds"),
        "beside_set": _tr("Beside a labelled set"),
        "unreadable": _tr("Files nobody may read"),
        "not_labelled": _tr("No labelled sets"),
        "archive": _tr("Archives that do not open"),
        "format": _tr("Damaged or unknown files"),
    }
    return said.get(code, _tr("Others"))


def _fate(kind: PreviewKind) -> str:
    if kind.kind == "labelled":
        return _tr("Queries with their answers")
    if kind.kind == "documents":
        if kind.format in ("zip", "tar", "gz", "bz2", "xz"):
            return _tr("Unpacked; the files within are imported")
        return _tr("Cut into passages")
    return _tr("Left out; the report names each with its reason")
