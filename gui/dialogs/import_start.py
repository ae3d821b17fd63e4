"""Where files are named for an import: dropped, chosen one by one, or a folder as a whole."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.widgets.buttons import Button
from gui.widgets.cards import Card, EmptyState, column
from gui.widgets.labels import Link

# What the file dialog shows first; the import itself looks into every file.
PATTERNS = (
    "*.pdf *.docx *.pptx *.xlsx *.html *.htm *.md *.rst *.txt *.epub *.odt *.rtf *.eml *.csv *.tsv *.json *.jsonl "
    "*.parquet *.zip *.tar *.gz *.tgz *.bz2 *.xz"
)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImportStart", text)


class ChoosePaths(QWidget):
    """A place to drop files on, with two buttons; `chosen(paths)`."""

    chosen = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self, margins=(24, 24, 24, 24), gap=16)
        zone = Card(kind="dashed")
        self.files = Button(self.tr("Choose files…"), "soft", icon_name="document", size="large")
        self.files.clicked.connect(self.choose_files)
        self.files.setAutoDefault(False)
        self.folder = Link(self.tr("Choose a folder"))
        self.folder.clicked.connect(self.choose_folder)
        self.words = EmptyState(
            "document",
            self.tr("Drop files, a folder or an archive here"),
            self.tr(
                "Documents of every kind, and labelled sets: questions with their answers in any format. "
                "You see what would come of them before anything is stored."
            ),
            self.files,
            self.folder,
        )
        zone.body.addWidget(self.words)
        stack.addWidget(zone)

    def choose_files(self) -> None:
        self._take(ask_files(self))

    def choose_folder(self) -> None:
        self._take(ask_folder(self))

    def _take(self, paths: list[str]) -> None:
        if paths:
            self.chosen.emit(paths)


def ask_files(parent: QWidget) -> list[str]:
    """The files a person chooses, none where the dialog is closed."""
    named = _tr("Documents, sets and archives")
    pattern = f"{named} ({PATTERNS});;{_tr('All files')} (*)"
    chosen, _ = QFileDialog.getOpenFileNames(parent, _tr("Add files"), "", pattern)
    return list(chosen)


def ask_folder(parent: QWidget) -> list[str]:
    """The folder a person chooses, as a list of none or one."""
    chosen = QFileDialog.getExistingDirectory(parent, _tr("Add a folder"))
    return [chosen] if chosen else []


def dropped_paths(event: QDropEvent) -> list[str]:
    """The local files and folders that are being dropped."""
    return [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
