"""Asks how to read chosen files before an import: as documents or as a labelled set, which format, which split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QWidget

from engine.formats import LABELLED
from engine.params import ImportParams
from gui import words
from gui.amounts import amount
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import column, row, rule
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import ElidedLabel, label

Kind = Literal["auto", "documents", "labelled"]
FORMATS = ("auto", *LABELLED)


class ImportDialog(QDialog):
    """What is chosen on it is `params()`; files can be chosen on it, too."""

    def __init__(
        self, paths: Sequence[str], params: ImportParams, kind: Kind = "auto", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._params = params
        self._paths = list(paths)
        self.setWindowTitle(self.tr("Import"))
        self.setMinimumWidth(560)
        stack = column(self)
        head = row(margins=(24, 20, 24, 12))
        head.addWidget(label(self.tr("Import"), "heading"))
        head.addStretch(1)
        self._count = label("", "body", "text2")
        head.addWidget(self._count)
        stack.addLayout(head)
        stack.addWidget(rule())
        body = column(margins=(24, 16, 24, 16), gap=12)
        stack.addLayout(body)
        body.addLayout(self._path_rows())
        self.kind = SegmentedControl(
            [self.tr("See for itself"), self.tr("Documents"), self.tr("Labelled set")],
            accessible=self.tr("What the files are"),
        )
        body.addLayout(_line(self.tr("Read as"), self.kind))
        self.format = ChoiceBox(self._format_choices(), accessible=self.tr("Format of the labelled set"))
        self._format_line = _Row(self.tr("Format"), self.format)
        body.addWidget(self._format_line)
        self.split = SegmentedControl(
            [self.tr("As it says"), "train", "dev", "test"], accessible=self.tr("Split of its queries")
        )
        self._split_line = _Row(self.tr("Its queries are"), self.split)
        body.addWidget(self._split_line)
        self._sentence = label("", "dense", "text2", wrap=True)
        body.addWidget(self._sentence)
        stack.addWidget(rule())
        foot = row(margins=(24, 12, 24, 16))
        foot.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Import"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        stack.addLayout(foot)
        self.kind.set_current(("auto", "documents", "labelled").index(kind))
        self.kind.changed.connect(lambda _kind: self._follow())
        self.format.picked.connect(lambda _format: self._follow())
        self._follow()

    def params(self) -> ImportParams:
        """What the person chose."""
        kind: Kind = ("auto", "documents", "labelled")[self.kind.current()]
        labelled = kind == "labelled"
        return replace(
            self._params,
            paths=tuple(self._paths),
            kind=kind,
            format=str(self.format.value()) if labelled else "auto",
            split=("", "train", "dev", "test")[self.split.current()] if labelled else "",
        )

    def add_paths(self, paths: Sequence[str]) -> None:
        """Take more files or folders in."""
        self._paths.extend(path for path in paths if path and path not in self._paths)
        self._follow()

    def _path_rows(self) -> QHBoxLayout:
        line = row()
        self._names = ElidedLabel("", "mono", "text")
        line.addWidget(self._names, 1)
        files = Button(self.tr("Files…"), "plain", icon_name="document", size="small")
        files.setAutoDefault(False)
        files.clicked.connect(self._choose_files)
        folder = Button(self.tr("Folder…"), "plain", icon_name="folder", size="small")
        folder.setAutoDefault(False)
        folder.clicked.connect(self._choose_folder)
        line.addWidget(files)
        line.addWidget(folder)
        return line

    def _format_choices(self) -> list[tuple[str, object]]:
        names = {"auto": self.tr("Found out by itself"), **LABELLED}
        return [(names[name], name) for name in FORMATS]

    def _choose_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, self.tr("Choose files"))
        self.add_paths(chosen)

    def _choose_folder(self) -> None:
        self.add_paths([QFileDialog.getExistingDirectory(self, self.tr("Choose a folder"))])

    def _follow(self) -> None:
        labelled = self.kind.current() == 2
        self._format_line.setVisible(labelled)
        self._split_line.setVisible(labelled)
        names = ", ".join(Path(path).name or path for path in self._paths)
        self._names.setText(words.plain(names, 600) if names else self.tr("Choose files or a folder"))
        self._count.setText(amount(len(self._paths), self.tr("path"), self.tr("paths")) if self._paths else "")
        self.ok.set_possible(bool(self._paths), self.tr("Choose files first"))
        self._sentence.setText(
            (
                self.tr("Sets of questions and answers are recognised; everything else is read as documents."),
                self.tr("Text, Markdown, HTML, PDF and Word files are cut into passages. The files are not changed."),
                self.tr("Queries, passages and judgements come in as they are; the passages are kept whole."),
            )[self.kind.current()]
        )


class _Row(QWidget):
    """A name and a field."""

    def __init__(self, name: str, field: QWidget) -> None:
        super().__init__()
        self.setLayout(_line(name, field))


def _line(name: str, field: QWidget) -> QHBoxLayout:
    line = row(gap=12)
    named = label(name, "body", "text2")
    named.setFixedWidth(112)
    line.addWidget(named)
    line.addWidget(field)
    line.addStretch(1)
    return line
