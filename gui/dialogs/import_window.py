"""The import window: what lies under the chosen paths and what would come of it, before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QLabel, QStackedWidget, QWidget

from engine.formats import ImportPreview, PreviewFile, PreviewTable
from engine.params import FileChoice, ImportParams, params_to_dict
from gui import words
from gui.amounts import amount
from gui.dialogs.import_details import FileDetails, format_of, outcome_name
from gui.dialogs.import_overview import Overview
from gui.dialogs.import_start import ChoosePaths, ask_files, ask_folder, dropped_paths
from gui.phrases import fill
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import column, row, rule
from gui.widgets.labels import ElidedLabel, StateMark, label
from gui.widgets.tables import Role, RowList

if TYPE_CHECKING:
    from gui.session import Session

SETTLE = 200  # milliseconds after the last change of a role before the rows are counted again
_SPLITS: tuple[Literal["", "train", "dev", "test"], ...] = ("", "train", "dev", "test")
_START, _BUSY, _CONTENT = range(3)
_ROWS_OF = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx", ".parquet", ".gz")


class ImportWindow(QDialog):
    """Asks the engine for a preview, shows it, takes choices; `params()` is what the person wants imported.

    Without paths it asks for them first; more can be added at any time.
    """

    def __init__(
        self, session: Session, paths: Sequence[str], params: ImportParams, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._params = replace(params, paths=tuple(paths))
        self._choices: dict[str, FileChoice] = {}
        self._files: list[PreviewFile] = []
        self._samples: dict[str, PreviewTable] = {}
        self._takes, self._found = False, 0
        self._looked = 0
        self._asked = 0
        self._gone = False
        self.setWindowTitle(self.tr("Import"))
        self.setAcceptDrops(True)
        self.resize(1000, 660)
        self.setMinimumSize(760, 540)
        stack = column(self)
        stack.addLayout(self._make_head())
        stack.addWidget(rule())
        self._stack = QStackedWidget()
        self.start = ChoosePaths()
        self.start.chosen.connect(self.add_paths)
        self._stack.addWidget(self.start)
        self._stack.addWidget(self._make_busy())
        self._stack.addWidget(self._make_content())
        stack.addWidget(self._stack, 1)
        stack.addWidget(rule())
        stack.addWidget(self._make_options())
        stack.addLayout(self._make_foot())
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(SETTLE)
        self._later.timeout.connect(self._count_again)
        self.finished.connect(self._leave)
        if paths:
            self._look()
        else:
            self._stack.setCurrentIndex(_START)
            self.ok.set_possible(False, self.tr("Choose files first"))
            self.start.files.setFocus()

    def params(self) -> ImportParams:
        """The paths with what was chosen for each."""
        existing: Literal["merge", "skip"] = ("merge", "skip")[self.existing.current()]
        split = _SPLITS[self.split.current()] if self._has_queries() else ""
        return replace(self._params, choices=dict(self._choices), existing=existing, split=split)

    def add_paths(self, paths: Sequence[str]) -> None:
        """Look at these files and folders, too."""
        kept = self._params.paths if self._stack.currentIndex() != _START else ()
        self._params = replace(self._params, paths=tuple(dict.fromkeys([*kept, *(path for path in paths if path)])))
        if self._params.paths:
            self._look()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if paths := dropped_paths(event):
            event.acceptProposedAction()
            self.add_paths(paths)

    # What it is made of

    def _make_head(self) -> Any:  # Any: a layout
        head = row(margins=(24, 14, 16, 10), gap=12)
        head.addWidget(label(self.tr("Import"), "heading"))
        self._names = ElidedLabel("", "body", "text2", mode=Qt.TextElideMode.ElideMiddle)
        head.addWidget(self._names, 1)
        self.more_files = Button(self.tr("Add files…"), "flat", icon_name="document", size="small")
        self.more_files.clicked.connect(lambda: self.add_paths(ask_files(self)))
        self.more_folder = Button(self.tr("Add a folder…"), "flat", icon_name="folder", size="small")
        self.more_folder.clicked.connect(lambda: self.add_paths(ask_folder(self)))
        for button in (self.more_files, self.more_folder):
            button.setAutoDefault(False)
            head.addWidget(button)
        return head

    def _make_busy(self) -> QWidget:
        holder = QWidget()
        line = row(holder, margins=(24, 24, 24, 24), gap=12)
        line.addStretch(1)
        line.addWidget(StateMark("running", 16))
        line.addWidget(label(self.tr("Looking at the files. Nothing is stored yet."), "body", "text2"))
        line.addStretch(1)
        return holder

    def _make_content(self) -> QWidget:
        holder = QWidget()
        parts = row(holder, gap=0)
        self.list = RowList(self.tr("What was found"))
        self.list.setFixedWidth(272)
        self._rows = QStandardItemModel(self)
        self.list.setModel(self._rows)
        self.list.selectionModel().currentChanged.connect(self._choose)
        parts.addWidget(self.list)
        parts.addWidget(rule("v"))
        self._side = QStackedWidget()
        self.overview = Overview()
        self.details = FileDetails()
        self.details.format_picked.connect(self._pick_format)
        self.details.role_picked.connect(self._pick_role)
        self._side.addWidget(self.overview)
        self._side.addWidget(self.details)
        parts.addWidget(self._side, 1)
        return holder

    def _make_options(self) -> QWidget:
        self._options = QWidget()
        stack = column(self._options, margins=(24, 12, 24, 0), gap=8)
        self.split = SegmentedControl(
            [self.tr("As it says"), "train", "dev", "test"], accessible=self.tr("Split of the new queries")
        )
        stack.addLayout(_option(label(self.tr("New queries are"), "body", "text2"), self.split))
        self._existing_name = label("", "body", "text2")
        self.existing = SegmentedControl(
            [self.tr("Add the judgements"), self.tr("Leave as they are")],
            accessible=self.tr("Queries that are here already"),
        )
        stack.addLayout(_option(self._existing_name, self.existing))
        for part in (self._existing_name, self.existing):
            part.hide()
        self._options.hide()
        return self._options

    def _make_foot(self) -> Any:  # Any: a layout
        foot = row(margins=(24, 12, 24, 16), gap=8)
        self._total = ElidedLabel("", "body", "text2")
        foot.addWidget(self._total, 1)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Import"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        return foot

    # Looking

    def _look(self) -> None:
        """Ask what lies under the paths; an answer about fewer paths is dropped."""
        self._looked += 1
        looked = self._looked
        names = ", ".join(PurePath(path).name or path for path in self._params.paths)
        self._names.setText(words.plain(names, 400))
        self._stack.setCurrentIndex(_BUSY)
        self._options.hide()
        self._total.setText("")
        self.ok.set_possible(False, self.tr("Looking at the files…"))

        def show(values: dict[str, Any]) -> None:  # Any: JSON values
            if not self._gone and looked == self._looked:
                self._show_preview(msgspec.convert(values, ImportPreview))

        def fail(message: str, hint: str) -> None:
            if looked == self._looked:
                self._show_failure(message, hint)

        values = {"params": params_to_dict(self.params())}
        self._session.edit("preview", values, show, on_failed=fail)

    def _leave(self, _result: int) -> None:
        self._gone = True
        self._later.stop()

    def _show_preview(self, seen: ImportPreview) -> None:
        self.overview.show_preview(seen)
        self._files = [file for file in seen.files if file.choices] + [f for f in seen.files if not f.choices]
        self._rows.clear()
        found = sum(kind.files for kind in seen.kinds)
        self._rows.appendRow(QStandardItem(self.tr("Everything found")))
        self._rows.item(0).setData(amount(found, self.tr("file"), self.tr("files")), Role.SECOND)
        self._rows.item(0).setData(True, Role.BOLD)
        for _file in self._files:
            self._rows.appendRow(QStandardItem())
        for place in range(len(self._files)):
            self._fill_row(place)
        self._stack.setCurrentIndex(_CONTENT)
        left = sum(kind.files for kind in seen.kinds if kind.kind == "skipped")
        total = amount(found - left, self.tr("file will be taken"), self.tr("files will be taken"))
        self._total.setText(fill(self.tr("%1, %2 left out"), total, words.count(left)) if left else total)
        self._takes, self._found = any(kind.kind != "skipped" for kind in seen.kinds), found
        alone = len(self._files) == 1 and found == 1
        self.list.setCurrentIndex(self._rows.index(1 if alone else 0, 0))
        self.list.setFocus()
        self._show_options()

    def _show_failure(self, message: str, hint: str) -> None:
        if self._gone:
            return
        self.start.words.set_words(self.tr("The files cannot be looked at"), f"{message} {hint}".strip())
        self._stack.setCurrentIndex(_START)
        self.ok.set_possible(False, self.tr("Choose other files"))

    def _fill_row(self, place: int) -> None:
        file, item = self._files[place], self._rows.item(place + 1)
        said = outcome_name(file, self._choice(file), self.tr("Documents"), self.tr("Left out"))
        out = format_of(file, self._choice(file)) == "skip"
        name = words.plain(file.shown, 300)
        item.setText(name)
        item.setData(said, Role.SECOND)
        item.setData("text3" if out else "text", Role.TONE)
        item.setData(words.tip(file.shown), Qt.ItemDataRole.ToolTipRole)
        item.setData(f"{name}, {said}", Qt.ItemDataRole.AccessibleTextRole)

    # Choosing

    def _choice(self, file: PreviewFile) -> FileChoice:
        return self._choices.get(file.path, FileChoice())

    def _choose(self, current: QModelIndex, _before: QModelIndex | None = None) -> None:
        self._side.setCurrentIndex(1 if current.row() > 0 else 0)
        if current.row() > 0:
            self._show_file(self._files[current.row() - 1])
            self._want_sample(self._files[current.row() - 1])

    def _show_file(self, file: PreviewFile) -> None:
        self.details.show_file(file, self._choice(file), self._samples.get(file.path))

    def _current(self) -> int:
        """The place of the chosen file, -1 where everything is shown."""
        return self.list.currentIndex().row() - 1

    def _want_sample(self, file: PreviewFile) -> None:
        """Rows of a set whose columns are known are worth a look, too: asked for when it is first chosen."""
        rows = file.kind == "labelled" and file.table is None and file.path.lower().endswith(_ROWS_OF)
        if not rows or file.path in self._samples:
            return
        empty = PreviewTable((), {}, guessed=False, remembered=False, rows=())
        self._samples[file.path] = empty

        def show(values: dict[str, Any]) -> None:  # Any: JSON values
            table = msgspec.convert(values, PreviewFile).table
            self._samples[file.path] = table or empty
            if not self._gone and self._files[self._current()].path == file.path:
                self._show_file(self._files[self._current()])

        # With every column ignored nothing is counted, which could take seconds.
        choice = FileChoice("table", {"": "ignore"})
        values = {"params": params_to_dict(replace(self._params, choices={file.path: choice})), "file": file.path}
        self._session.edit("preview", values, show, on_failed=lambda _message, _hint: None)

    def _pick_format(self, format: str) -> None:
        file = self._files[self._current()]
        self._choices[file.path] = FileChoice(format)  # a table's columns are guessed until a person says more
        self._fill_row(self._current())
        self._show_file(file)
        self._count_again()

    def _pick_role(self, name: str, role: str) -> None:
        place = self._current()
        file = self._files[place]
        if file.table is None:
            return
        roles: dict[str, Any] = {**file.table.roles, name: role}  # Any: Role, as the box says
        if role in ("query", "score", "group", "split"):  # these stand once: the column that had it gives it up
            roles.update({other: "ignore" for other, has in roles.items() if has == role and other != name})
        self._files[place] = replace(file, table=replace(file.table, roles=roles, guessed=False, remembered=False))
        self._choices[file.path] = FileChoice("table", {column: str(has) for column, has in roles.items()})
        self._show_file(self._files[place])
        self.details.say(self.tr("Counting…"))
        self._later.start()

    def _count_again(self) -> None:
        """Ask for the chosen file under the choices of now; an answer that is overtaken is dropped."""
        place = self._current()
        if place < 0 or self._gone:
            return
        path = self._files[place].path
        self._asked += 1
        asked, looked = self._asked, self._looked

        def show(values: dict[str, Any]) -> None:  # Any: JSON values
            if self._gone or asked != self._asked or looked != self._looked:
                return
            file = msgspec.convert(values, PreviewFile)
            kept = self._files[place]
            self._files[place] = replace(file, shown=kept.shown, choices=kept.choices, table=file.table or kept.table)
            self._fill_row(place)
            if self._current() == place:
                self._show_file(self._files[place])
            self._show_options()

        def fail(message: str, hint: str) -> None:
            if not self._gone and asked == self._asked:
                self.details.say(f"{message} {hint}".strip())

        values = {"params": params_to_dict(self.params()), "file": path}
        self._session.edit("preview", values, show, on_failed=fail)

    # What holds for all of it

    def _has_queries(self) -> bool:
        """Whether any file will bring queries, as far as files are shown."""
        return any(format_of(file, self._choice(file)) not in ("documents", "skip") for file in self._files)

    def _show_options(self) -> None:
        """Ask about queries that are there already only where there are some; and say what stands in the way."""
        there = sum(
            (file.table.existing if file.table else 0) + (file.counts.existing if file.counts else 0)
            for file in self._files
            if format_of(file, self._choice(file)) not in ("documents", "skip")
        )
        for widget in (self._existing_name, self.existing):
            widget.setVisible(there > 0)
        queries = amount(there, self.tr("query is here already"), self.tr("queries are here already"))
        self._existing_name.setText(fill("%1:", queries))
        self._options.setVisible(self._has_queries())
        faulty = [
            file
            for file in self._files
            if format_of(file, self._choice(file)) == "table" and file.table and file.table.fault
        ]
        if faulty:
            self.ok.set_possible(False, self.tr("Say which column is the query"))
        elif self._stack.currentIndex() == _CONTENT:
            left = all(format_of(file, self._choice(file)) == "skip" for file in self._files)
            only = left and len(self._files) == self._found
            self.ok.set_possible(self._takes and not only, self.tr("Nothing here can be imported"))


def _option(name: QLabel, field: QWidget) -> Any:  # Any: a layout
    line = row(gap=12)
    name.setMinimumWidth(176)
    line.addWidget(name)
    line.addWidget(field)
    line.addStretch(1)
    return line
