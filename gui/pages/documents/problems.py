"""What an import could not take, and what can be done about each: open, read again, larger limits, password, ignore."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QAbstractItemView, QWidget

from engine.records import ImportProblem
from engine.store import arrivals
from engine.store.arrivals import ImportRow
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.dialogs.import_password import PasswordDialog
from gui.phrases import fill
from gui.tables.problems import ProblemsModel
from gui.tables.reader import Reader
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, EmptyState, column, row, rule
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import label
from gui.widgets.tables import TableView

if TYPE_CHECKING:
    from gui.session import Session

PASSWORD = ("password", "wrong_password")
LIMITS = ("too_slow", "memory", "too_large")
# What an import passes over in a folder and takes when it is named by itself.
BY_NAME = ("beside_set", "unknown_kind")
_MOST = 100_000  # rows that one action takes


@dataclass(frozen=True, slots=True)
class Where:
    """The file behind a problem on disk, None where it is not there."""

    problem: ImportProblem
    file: Path | None


class ProblemsPane(QWidget):
    """A choice of kinds, the table, and below it the chosen problem in full with its actions.

    `import_asked(paths)`: files that were passed over are to be imported by themselves.
    """

    import_asked = Signal(list)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._reader: Reader | None = None
        self._row: ImportRow | None = None
        self._where: Where | None = None
        stack = column(self, gap=8)
        line = row(gap=12)
        self.kinds = ChoiceBox(accessible=self.tr("Which problems"))
        self.kinds.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToContents)
        self.kinds.picked.connect(lambda _kind: self._refill())
        line.addWidget(self.kinds)
        line.addStretch(1)
        self._chosen = label("", "caption", "text3")
        line.addWidget(self._chosen)
        self._line = QWidget()
        self._line.setLayout(line)
        stack.addWidget(self._line)
        card = Card(pad=0)
        self.model = ProblemsModel(self)
        self.model.loaded.connect(self._loaded)
        self.table = TableView(self.tr("What was not taken"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setModel(self.model)
        self.table.set_widths(252, 56, 0, 112)
        self.table.setMinimumHeight(28 + 2 * 30)
        self.table.selectionModel().selectionChanged.connect(lambda *_changed: self._follow())
        self.table.activated.connect(self._activate)
        self._none = EmptyState("check", self.tr("Everything was taken"), "")
        card.body.addWidget(self.table)
        card.body.addWidget(self._none)
        card.body.addWidget(self._make_foot())
        stack.addWidget(card, 1)

    def show_import(self, reader: Reader | None, found: ImportRow | None) -> None:
        """Show an import's problems; the kind that was chosen stays where the import stays."""
        other = found is None or self._row is None or found.report.id != self._row.report.id
        self._reader, self._row = reader, found
        if found is None or reader is None:
            return
        if other:
            self.kinds.set_choices([(self.tr("Every problem"), "|")])
            self.kinds.setCurrentIndex(0)
        import_id = found.report.id
        reader.ask("problems/kinds", lambda project: arrivals.problem_kinds(project, import_id), self._show_kinds)
        self._refill()

    def selected(self) -> list[int]:
        """Rows that are chosen."""
        return sorted(index.row() for index in self.table.selectionModel().selectedRows())

    # What it is made of

    def _make_foot(self) -> QWidget:
        self._foot = QWidget()
        stack = column(self._foot)
        stack.addWidget(rule())
        inner = column(margins=(16, 10, 16, 12), gap=8)
        stack.addLayout(inner)
        self.reason = label("", "body", "text", wrap=True)
        inner.addWidget(self.reason)
        line = row(gap=8)
        self.password = Button(self.tr("Give the password…"), "soft", size="small")
        self.password.clicked.connect(self.give_password)
        self.larger = Button(self.tr("Read with larger limits"), "soft", size="small")
        self.larger.setToolTip(self.tr("Gives each file several times the time, memory and size"))
        self.larger.clicked.connect(lambda: self._act(self._read_larger))
        self.by_name = Button(self.tr("Import it by itself…"), "soft", size="small")
        self.by_name.clicked.connect(lambda: self._act(self._import_by_name))
        self.again = Button(self.tr("Try again"), icon_name="refresh", size="small")
        self.again.clicked.connect(lambda: self._act(self._read_again))
        self.open = Button(self.tr("Open"), icon_name="open", size="small")
        self.open.clicked.connect(self.open_file)
        self.folder = Button(self.tr("Show its folder"), icon_name="folder", size="small")
        self.folder.clicked.connect(self.open_folder)
        self.ignore = Button(self.tr("Ignore"), "flat", size="small")
        self.ignore.clicked.connect(lambda: self._act(self._ignore))
        self.unignore = Button(self.tr("Stop ignoring"), "flat", size="small")
        self.unignore.clicked.connect(lambda: self._act(self._unignore))
        mend = (self.password, self.larger, self.by_name, self.again)
        for button in (*mend, self.open, self.folder, self.ignore, self.unignore):
            line.addWidget(button)
        line.addStretch(1)
        inner.addLayout(line)
        return self._foot

    def _show_kinds(self, kinds: Sequence[tuple[str, str, int]]) -> None:
        total = sum(count for _state, _code, count in kinds)
        choices: list[tuple[str, object]] = [(fill(self.tr("Every problem %1"), words.count(total)), "|")]
        for state, name in (
            ("open", self.tr("Open %1")),
            ("ignored", self.tr("Ignored %1")),
            ("resolved", self.tr("Settled since %1")),
            ("repeated", self.tr("Said again %1")),
        ):
            count = sum(number for has, _code, number in kinds if has == state)
            if 0 < count < total:
                choices.append((fill(name, words.count(count)), f"{state}|"))
        of_code: dict[str, int] = {}
        for state, code, count in kinds:
            if state == "open":
                of_code[code] = of_code.get(code, 0) + count
        for code, count in of_code.items():
            if count < total:
                choices.append((f"{self.code_name(code)} {words.count(count)}", f"open|{code}"))
        self.kinds.set_choices(choices)

    def code_name(self, code: str) -> str:
        """What problems of one kind are called."""
        said = {
            "password": self.tr("Needs a password"),
            "wrong_password": self.tr("Wrong password"),
            "too_slow": self.tr("Took too long"),
            "memory": self.tr("Too much memory"),
            "too_large": self.tr("Too large"),
            "skipped_by_hand": self.tr("Skipped by hand"),
            "empty": self.tr("Empty"),
            "empty_text": self.tr("Without text"),
            "format": self.tr("Cannot be read"),
            "unreadable": self.tr("May not be read"),
            "unknown_kind": self.tr("Unknown kind"),
            "project": self.tr("A project"),
            "beside_set": self.tr("Beside a labelled set"),
            "duplicate": self.tr("Twice the same"),
            "link": self.tr("Link out of the folder"),
            "archive": self.tr("From an archive"),
            "unknown_id": self.tr("Unknown id"),
            "contradiction": self.tr("Contradiction"),
            "duplicate_id": self.tr("Same id twice"),
            "existing": self.tr("Was here already"),
            "left_out": self.tr("Left out by choice"),
        }
        return said.get(code, self.tr("Bad lines"))

    # Showing

    def _refill(self) -> None:
        if self._row is None:
            return
        state, code = self._kind()
        self.model.show_import(self._reader, self._row.report.id, state=state, code=code)

    def _kind(self) -> tuple[str, str]:
        """State and code that are listed, "" for any."""
        state, _, code = str(self.kinds.value() or "|").partition("|")
        return state, code

    def _loaded(self, total: int) -> None:
        none = self._row is not None and self._row.problems == 0
        self._line.setVisible(not none)
        self.table.setVisible(not none)
        self._none.setVisible(none)
        if total and not self.selected():
            self.table.selectRow(0)
        self._follow()

    def _follow(self) -> None:
        """The foot follows what is chosen."""
        rows = self.selected()
        self._foot.setVisible(bool(rows) and not self.table.isHidden())
        self._chosen.setText(fill(self.tr("%1 chosen"), words.count(len(rows))) if len(rows) > 1 else "")
        if not rows:
            return
        first = self.model.record(rows[0])
        loaded = [found for found in map(self.model.record, rows[:200]) if found is not None]
        single = first if len(rows) == 1 else None
        self.reason.setText(self._reason(single) if single else self._summary(loaded, len(rows)))
        unsettled = [found for found in loaded if found.state in ("open", "ignored")]
        files = [found for found in unsettled if found.path]
        self.password.setVisible(any(found.code in PASSWORD for found in files))
        self.larger.setVisible(any(found.code in LIMITS for found in files))
        self.by_name.setVisible(any(found.code in BY_NAME for found in files))
        self.again.setVisible(any(found.code not in BY_NAME for found in files))
        self.ignore.setVisible(any(found.state == "open" for found in loaded))
        self.unignore.setVisible(any(found.state == "ignored" for found in loaded))
        for button in (self.open, self.folder):
            button.setVisible(False)
        self._where = None
        if single is not None and self._reader is not None and self._row is not None:
            paths = self._row.report.paths
            self._reader.ask("problems/where", lambda _project: where_is(single, paths), self._show_where)

    def _show_where(self, where: Where) -> None:
        self._where = where
        self.open.setVisible(where.file is not None)
        self.folder.setVisible(where.file is not None)

    def _reason(self, problem: ImportProblem) -> str:
        name = words.plain(problem.file, 400)
        if problem.line:
            name = fill(self.tr("%1, line %2"), name, words.count(problem.line))
        return f"{name}: {words.plain(problem.bare_reason, 1000)}"

    def _summary(self, loaded: Sequence[ImportProblem], total: int) -> str:
        of: dict[str, int] = {}
        for found in loaded:
            of[self.code_name(found.code)] = of.get(self.code_name(found.code), 0) + 1
        kinds = ", ".join(f"{name} {words.count(count)}" for name, count in sorted(of.items(), key=lambda one: -one[1]))
        return f"{amount(total, self.tr('problem'), self.tr('problems'))}: {kinds}"

    # Doing

    def _activate(self, _index: QModelIndex) -> None:
        if len(self.selected()) == 1:
            self.open_file()

    def open_file(self) -> None:
        if self._where is not None and self._where.file is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._where.file)))

    def open_folder(self) -> None:
        if self._where is not None and self._where.file is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._where.file.parent)))

    def _act(self, act: Callable[[Sequence[ImportProblem]], None]) -> None:
        """Read the chosen problems whole, however far they lie apart, and do something with them."""
        rows = self.selected()
        if not rows or self._reader is None or self._row is None:
            return
        import_id = self._row.report.id
        state, code = self._kind()

        def read(project: Project) -> list[ImportProblem]:
            last = min(rows[-1] + 1, _MOST)
            found = arrivals.page_of_problems(project, import_id, offset=0, limit=last, state=state, code=code)
            return [found[place] for place in rows if place < len(found)]

        self._reader.ask("problems/chosen", read, act)

    def _read_again(self, problems: Sequence[ImportProblem]) -> None:
        self._retry([found for found in problems if found.code not in BY_NAME])

    def _import_by_name(self, problems: Sequence[ImportProblem]) -> None:
        self.import_asked.emit([found.path for found in problems if found.path and found.code in BY_NAME])

    def _read_larger(self, problems: Sequence[ImportProblem]) -> None:
        self._retry([found for found in problems if found.code in LIMITS], larger=True)

    def _retry(
        self, problems: Sequence[ImportProblem], *, larger: bool = False, passwords: dict[str, str] | None = None
    ) -> None:
        files = list(dict.fromkeys(found.path for found in problems if found.path))
        if files:
            self._session.run_job("retry", {"files": files, "larger": larger, "passwords": passwords or {}})

    def _ignore(self, problems: Sequence[ImportProblem]) -> None:
        ids = [found.id for found in problems if found.state == "open"]
        self._session.edit("ignore_problem", {"problem_ids": ids}, lambda _values: self._say_ignored(ids))

    def _unignore(self, problems: Sequence[ImportProblem]) -> None:
        ids = [found.id for found in problems if found.state == "ignored"]
        self._session.edit("unignore_problem", {"problem_ids": ids})

    def _say_ignored(self, ids: Sequence[int]) -> None:
        said = fill(self.tr("%1 ignored"), amount(len(ids), self.tr("problem"), self.tr("problems")))
        self._session.say(
            said, self.tr("Undo"), lambda: self._session.edit("unignore_problem", {"problem_ids": list(ids)})
        )

    def give_password(self) -> None:
        """Ask for the password of the chosen files, and read them with it."""
        self._act(self._ask_password)

    def _ask_password(self, problems: Sequence[ImportProblem]) -> None:
        locked = [found for found in problems if found.code in PASSWORD and found.path]
        if not locked or self._reader is None or self._row is None:
            return
        import_id = self._row.report.id

        def all_locked(project: Project) -> list[ImportProblem]:
            pages = [
                arrivals.page_of_problems(project, import_id, offset=0, limit=_MOST, state="open", code=code)
                for code in PASSWORD
            ]
            return [found for page in pages for found in page if found.path]

        def ask(others: list[ImportProblem]) -> None:
            chosen = {found.path for found in locked}
            left = [found for found in others if found.path not in chosen]
            dialog = PasswordDialog(
                locked[0].path,
                len({found.path for found in left}),
                wrong=locked[0].code == "wrong_password",
                parent=self,
            )
            dialog.accepted.connect(
                lambda: self._read_locked([*locked, *(left if dialog.for_all() else [])], dialog.password())
            )
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

        self._reader.ask("problems/locked", all_locked, ask)

    def _read_locked(self, problems: Sequence[ImportProblem], password: str) -> None:
        self._retry(problems, passwords={found.path: password for found in problems})


def where_is(problem: ImportProblem, paths: Sequence[str]) -> Where:
    """The file on disk that a problem is about: itself, the archive that holds it, or None; looks at the disk."""
    candidates = [Path(problem.path)] if problem.path else []
    for root in map(Path, paths):
        if root.name == problem.file:
            candidates.append(root)
        candidates += [root / problem.file, root.parent / problem.file]
    for path in candidates:
        for place in (path, *path.parents):
            if place.is_file():
                return Where(problem, place)
            if place.is_dir():
                if place == path:
                    return Where(problem, place)
                break
    return Where(problem, None)
