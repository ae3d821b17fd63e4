"""What program this is, and the facts that help when something goes wrong."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from engine import __version__
from gui import theme
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.labels import Icon, label

_PACKAGES = ("PySide6_Essentials", "torch", "sentence-transformers", "transformers", "faiss-cpu", "hnswlib", "numpy")


def diagnostics() -> str:
    """Versions of what the program stands on, a line each; no path and no text of the person."""
    lines = [
        f"Searchsmith {__version__}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        f"Python {sys.version.split()[0]}, Qt {qVersion()}",
    ]
    for package in _PACKAGES:
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package} is not installed")
    return "\n".join(lines)


class AboutDialog(QDialog):
    """Name, version, licence, and diagnostics to copy."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About Searchsmith"))
        self.setFixedWidth(480)
        stack = column(self, margins=(24, 20, 24, 20), gap=12)
        head = row(gap=12)
        head.addWidget(Icon("searchsmith", "accent", 40))
        named = column(gap=0)
        named.addWidget(label(f"Searchsmith {__version__}", "heading"))
        named.addWidget(label(self.tr("Semantic search over your own documents. MIT licence."), "body", "text2"))
        head.addLayout(named, 1)
        stack.addLayout(head)
        self.facts = QPlainTextEdit(diagnostics())
        self.facts.setReadOnly(True)
        self.facts.setProperty("input", True)
        self.facts.setFont(theme.font("mono"))
        self.facts.setAccessibleName(self.tr("Versions"))
        self.facts.setFixedHeight(200)
        stack.addWidget(self.facts)
        end = row()
        copy = Button(self.tr("Copy"), icon_name="copy")
        copy.setAutoDefault(False)
        copy.clicked.connect(self._copy)
        end.addWidget(copy)
        end.addStretch(1)
        close = Button(self.tr("Close"))
        close.setDefault(True)
        close.clicked.connect(self.accept)
        end.addWidget(close)
        stack.addLayout(end)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.facts.toPlainText())
