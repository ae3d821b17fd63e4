"""The import window: what lies under the chosen paths and what would come of it, before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QStackedWidget, QWidget

from engine.formats import LABELLED, ImportPreview, PreviewFile
from engine.params import FileChoice, ImportParams, params_to_dict
from gui import words
from gui.amounts import amount
from gui.dialogs.import_sentences import kinds_sentence, sentence_of
from gui.dialogs.import_table import TablePreview
from gui.phrases import fill
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import EmptyState, column, row, rule
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import Chip, ElidedLabel, StateMark, label
from gui.widgets.tables import Role, RowList

if TYPE_CHECKING:
    from gui.session import Session

SETTLE = 200  # milliseconds after the last change of a role before the rows are counted again


class ImportWindow(QDialog):
    """Asks the engine for a preview, shows it, takes choices; `params()` is what the person wants imported."""

    def __init__(
        self, session: Session, paths: Sequence[str], params: ImportParams, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._params = replace(params, paths=tuple(paths))
        self._choices: dict[str, FileChoice] = {}
        self._files: list[PreviewFile] = []
        self._asked = 0
        self._gone = False
        self.setWindowTitle(self.tr("Import"))
        self.resize(960, 620)
        self.setMinimumSize(720, 460)
        stack = column(self)
        stack.addLayout(self._make_head(paths))
        stack.addWidget(rule())
        self._stack = QStackedWidget()
        self._stack.addWidget(self._make_busy())
        self._stack.addWidget(self._make_content())
        self._empty = EmptyState("document", "", "")
        self._stack.addWidget(self._empty)
        stack.addWidget(self._stack, 1)
        stack.addWidget(rule())
        stack.addLayout(self._make_foot())
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(SETTLE)
        self._later.timeout.connect(self._count_again)
        self.finished.connect(self._leave)
        self.ok.set_possible(False, self.tr("Looking at the files…"))
        session.edit(
            "preview", {"params": params_to_dict(self._params)}, self._show_preview, on_failed=self._show_failure
        )

    def params(self) -> ImportParams:
        """The paths with what was chosen for each."""
        existing: Literal["merge", "skip"] = ("merge", "skip")[self.existing.current()]
        return replace(self._params, choices=dict(self._choices), existing=existing)

    def _make_head(self, paths: Sequence[str]) -> Any:  # Any: a layout
        head = row(margins=(24, 16, 24, 12), gap=12)
        head.addWidget(label(self.tr("Import"), "heading"))
        names = ", ".join(PurePath(path).name or path for path in paths)
        head.addWidget(ElidedLabel(words.plain(names, 400), "body", "text2"), 1)
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
        stack = column(holder)
        self._kinds = label("", "body", "text", wrap=True)
        top = column(margins=(24, 12, 24, 12))
        top.addWidget(self._kinds)
        stack.addLayout(top)
        stack.addWidget(rule())
        self._parts = QWidget()
        parts = row(self._parts, gap=0)
        self.list = RowList(self.tr("Labelled sets and tables"))
        self.list.setFixedWidth(280)
        self._rows = QStandardItemModel(self)
        self.list.setModel(self._rows)
        self.list.selectionModel().currentChanged.connect(self._choose)
        parts.addWidget(self.list)
        parts.addWidget(rule("v"))
        parts.addWidget(self._make_details(), 1)
        stack.addWidget(self._parts, 1)
        self._filler = QWidget()
        stack.addWidget(self._filler, 1)
        return holder

    def _make_details(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, margins=(16, 12, 24, 12), gap=8)
        self._name = ElidedLabel("", "body", "text", weight="bold", mode=Qt.TextElideMode.ElideMiddle)
        stack.addWidget(self._name)
        line = row(gap=8)
        line.addWidget(label(self.tr("Read as"), "body", "text2"))
        self.format = ChoiceBox(accessible=self.tr("Format of this file"))
        self.format.picked.connect(self._pick_format)
        line.addWidget(self.format)
        self._guess = Chip()
        line.addWidget(self._guess)
        line.addStretch(1)
        stack.addLayout(line)
        self._reason = label("", "dense", "text3", wrap=True)
        stack.addWidget(self._reason)
        self.table = TablePreview()
        self.table.picked.connect(self._pick_role)
        stack.addWidget(self.table, 1)
        self.sentence = label("", "body", "text", wrap=True)
        stack.addWidget(self.sentence)
        self._below = QWidget()
        stack.addWidget(self._below, 1)
        return holder

    def _make_foot(self) -> Any:  # Any: a layout
        foot = row(margins=(24, 12, 24, 16), gap=8)
        self._existing_name = label(self.tr("Queries that are here already"), "body", "text2")
        foot.addWidget(self._existing_name)
        self.existing = SegmentedControl(
            [self.tr("Add the judgements"), self.tr("Leave as they are")],
            accessible=self.tr("Queries that are here already"),
        )
        foot.addWidget(self.existing)
        foot.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Import"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        for widget in (self._existing_name, self.existing):
            widget.hide()
        return foot

    def _leave(self, _result: int) -> None:
        self._gone = True
        self._later.stop()

    def _show_preview(self, values: dict[str, Any]) -> None:  # Any: JSON values
        if self._gone:
            return
        seen = msgspec.convert(values, ImportPreview)
        self._kinds.setText(kinds_sentence(seen))
        self._files = [file for file in seen.files if file.choices] + [f for f in seen.files if not f.choices]
        self._rows.clear()
        for _file in self._files:
            self._rows.appendRow(QStandardItem())
        for place in range(len(self._files)):
            self._fill_row(place)
        self._parts.setVisible(bool(self._files))
        self._filler.setVisible(not self._files)
        self._stack.setCurrentIndex(1)
        takes = any(kind.kind != "skipped" for kind in seen.kinds)
        self.ok.set_possible(takes, self.tr("Nothing here can be imported"))
        if self._files:
            self.list.setCurrentIndex(self._rows.index(0, 0))
            self.list.setFocus()
        else:
            self.ok.setFocus()
        self._show_existing()

    def _show_failure(self, message: str, hint: str) -> None:
        if self._gone:
            return
        self._empty.set_words(self.tr("The files cannot be looked at"), f"{message} {hint}".strip())
        self._stack.setCurrentIndex(2)
        self.ok.set_possible(False, self.tr("Choose other files"))

    def _fill_row(self, place: int) -> None:
        file, item = self._files[place], self._rows.item(place)
        chosen = self._choices.get(file.path, FileChoice()).format
        out = file.kind == "skipped" or chosen == "skip"
        said = self._format_name(file.format) if file.kind == "labelled" else self.tr("Documents")
        item.setText(words.plain(file.shown, 200))
        item.setData(self.tr("Left out") if out else said, Role.SECOND)
        item.setData("text3" if out else "text", Role.TONE)
        item.setData(words.tip(file.shown), Qt.ItemDataRole.ToolTipRole)
        item.setData(f"{words.plain(file.shown, 200)}, {item.data(Role.SECOND)}", Qt.ItemDataRole.AccessibleTextRole)

    def _format_name(self, format: str) -> str:
        own = {
            "table": self.tr("Table, columns as below"),
            "triples": self.tr("Triples between tabs"),
            "documents": self.tr("Documents"),
            "skip": self.tr("Leave out"),
        }
        return own.get(format) or LABELLED.get(format, format.upper())

    def _choose(self, current: QModelIndex, _before: QModelIndex | None = None) -> None:
        if current.isValid():
            self._show_file(self._files[current.row()])

    def _show_file(self, file: PreviewFile) -> None:
        self._name.setText(words.plain(file.shown, 300))
        self.format.setVisible(bool(file.choices))
        self.format.set_choices([(self._format_name(name), name) for name in file.choices])
        chosen = self._choices.get(file.path, FileChoice()).format
        now = chosen if chosen != "auto" else {"labelled": file.format, "documents": "documents"}.get(file.kind, "skip")
        self.format.set_value(now)
        self._reason.setText(words.plain(file.reason, 400))
        mapped = now == "table" and file.table is not None
        table = file.table if mapped else None
        self.table.setVisible(table is not None)
        self._below.setVisible(table is None)
        self._guess.setVisible(table is not None and (table.guessed or table.remembered))
        if table is not None:
            self.table.show_table(table)
            said = self.tr("Mapped as last time") if table.remembered else self.tr("Guessed: check the columns")
            self._guess.set_state(said, "accent" if table.remembered else "warn")
        self.sentence.setText("" if now == "skip" else sentence_of(file, now))

    def _current(self) -> int:
        return self.list.currentIndex().row()

    def _pick_format(self, format: object) -> None:
        file = self._files[self._current()]
        self._choices[file.path] = FileChoice(str(format))  # a table's columns are guessed until a person says more
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
        self.sentence.setText(self.tr("Counting…"))
        self._later.start()

    def _count_again(self) -> None:
        """Ask for the chosen file under the choices of now; an answer that is overtaken is dropped."""
        place = self._current()
        if place < 0 or self._gone:
            return
        path = self._files[place].path
        self._asked += 1
        asked = self._asked

        def show(values: dict[str, Any]) -> None:  # Any: JSON values
            if self._gone or asked != self._asked:
                return
            file = msgspec.convert(values, PreviewFile)
            kept = self._files[place]
            self._files[place] = replace(file, shown=kept.shown, choices=kept.choices, table=file.table or kept.table)
            self._fill_row(place)
            if self._current() == place:
                self._show_file(self._files[place])
            self._show_existing()

        def fail(message: str, hint: str) -> None:
            if not self._gone and asked == self._asked:
                self.sentence.setText(f"{message} {hint}".strip())

        values = {"params": params_to_dict(self.params()), "file": path}
        self._session.edit("preview", values, show, on_failed=fail)

    def _show_existing(self) -> None:
        """Ask about queries that are there already only where there are some; and say what stands in the way."""
        there = sum(
            (file.table.existing if file.table else 0) + (file.counts.existing if file.counts else 0)
            for file in self._files
        )
        for widget in (self._existing_name, self.existing):
            widget.setVisible(there > 0)
        queries = amount(there, self.tr("query is here already"), self.tr("queries are here already"))
        self._existing_name.setText(fill("%1:", queries))
        faulty = [f for f in self._files if f.kind == "labelled" and f.format == "table" and f.table and f.table.fault]
        if faulty:
            self.ok.set_possible(False, self.tr("Say which column is the query"))
        elif self._stack.currentIndex() == 1:
            self.ok.set_possible(True)
