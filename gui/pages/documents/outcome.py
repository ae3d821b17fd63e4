"""What is said on top of the documents: how the last import ended, what is gone from disk, what was broken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from engine.records import UnfinishedImport
from engine.store import arrivals, imports, jobs, places, seen
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.dialogs.import_places import VanishedDialog
from gui.jobs.job import IMPORTS, Job, Phase
from gui.phrases import fill
from gui.widgets.buttons import Button, IconButton
from gui.widgets.cards import Card, column, row
from gui.widgets.labels import Icon, StateMark, label

if TYPE_CHECKING:
    from gui.session import Session

COUNTERS = ("new", "updated", "unchanged", "skipped")


@dataclass(frozen=True, slots=True)
class Gone:
    """What the last reading did not find: files whose documents are still here, and whole places.

    Nothing of a place that is missing is offered for removal: its disk may just not be plugged in.
    """

    record: int
    documents: dict[str, int]
    missing: tuple[str, ...]


def read_gone(project: Project) -> Gone | None:
    """What the last reading did not find; None where nothing was read again yet, or nothing of it is left to say."""
    last = [job for kind in ("import", "reimport") if (job := jobs.last_done(project, kind)) is not None]
    taken_out = seen.gone_members(project)
    told = dict.fromkeys(str(path) for job in last for path in (job.summary or {}).get("vanished") or ())
    found = arrivals.documents_at(project, [path for path in told if places.is_gone(path, taken_out)])
    away = dict.fromkeys(str(path) for job in last for path in (job.summary or {}).get("missing") or ())
    missing = tuple(path for path in away if not Path(path).exists())
    return Gone(max(job.id for job in last), found, missing) if found or missing else None


def read_unfinished(project: Project) -> UnfinishedImport | None:
    """The newest import that was ended from outside."""
    return next(iter(imports.unfinished_imports(project)), None)


class OutcomePanel(Card):
    """How the import that just ended went; stays until it is dismissed or the next one begins."""

    report_asked = Signal()
    arrivals_asked = Signal()
    undo_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, gap=0, parent=parent)
        self._session = session
        self._aside = False
        line = row(gap=12)
        self.mark = StateMark("done", 14)
        line.addWidget(self.mark)
        self.sentence = label("", "body", "text", wrap=True)
        line.addWidget(self.sentence, 1)
        self.what_came = Button(self.tr("Show what came"), "flat", size="small")
        self.what_came.clicked.connect(self.arrivals_asked)
        self.report = Button(self.tr("Report"), "plain", size="small")
        self.report.clicked.connect(self.report_asked)
        self.undo = Button(self.tr("Undo this import…"), "flat", icon_name="undo", size="small")
        self.undo.clicked.connect(self.undo_asked)
        close = IconButton("close", self.tr("Dismiss"), size="small")
        close.clicked.connect(self.hide)
        for button in (self.what_came, self.undo, self.report, close):
            line.addWidget(button)
        self.body.addLayout(line)
        session.queue.job_started.connect(self._started)
        session.queue.job_finished.connect(self._ended)
        session.project_changed.connect(self.hide)
        self.hide()

    def set_aside(self, aside: bool) -> None:
        """Say nothing while the reports themselves are looked at."""
        self._aside = aside
        if aside:
            self.hide()

    def _started(self, job: Job) -> None:
        if job.kind in IMPORTS:
            self.hide()

    def _ended(self, job: Job) -> None:
        if job.kind not in IMPORTS or job.project != self._session.path or job.phase is Phase.FAILED:
            return
        if job.phase is Phase.CANCELLED:
            self.mark.set_state("stale")
            self.sentence.setText(self.tr("The import was stopped."))
        else:
            problems = len(job.summary.get("problems") or ())
            self.mark.set_state("stale" if problems else "done")
            self.sentence.setText(outcome_sentence(job, self))
        self.setAccessibleName(self.sentence.text())
        self.setVisible(not self._aside)


def outcome_sentence(job: Job, words_of: QWidget) -> str:
    """`12 new, 1 updated, 400 unchanged, 3 not taken.`"""
    said = {
        "new": words_of.tr("%1 new"),
        "updated": words_of.tr("%1 updated"),
        "unchanged": words_of.tr("%1 unchanged"),
        "skipped": words_of.tr("%1 not taken"),
    }
    counts = {name: int(job.summary.get(name) or 0) for name in COUNTERS}
    parts = [fill(said[name], words.count(count)) for name, count in counts.items() if count]
    if not parts:
        return words_of.tr("Nothing was new.")
    before = {"import": words_of.tr("Imported"), "retry": words_of.tr("Read again")}.get(
        job.kind, words_of.tr("Read again")
    )
    return f"{before}: {', '.join(parts)}."


class _Amber(QFrame):
    """An amber panel of a title, a sentence and buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "warn")
        self.setObjectName("warnPanel")
        line = row(self, margins=(16, 10, 12, 10), gap=12)
        line.addWidget(Icon("marks/stale", "warn", 14))
        stack = column(gap=2)
        self.title = label("", "body", "warn", weight="bold", wrap=True)
        self.sentence = label("", "dense", "text2", wrap=True)
        stack.addWidget(self.title)
        stack.addWidget(self.sentence)
        line.addLayout(stack, 1)
        self._actions = row(gap=8)
        line.addLayout(self._actions)
        self.hide()

    def add_button(self, button: Button) -> Button:
        self._actions.addWidget(button)
        return button

    def say(self, title: str, sentence: str) -> None:
        self.title.setText(title)
        self.sentence.setText(sentence)
        self.setAccessibleName(f"{title}. {sentence}")


class GonePanel(_Amber):
    """Offers to take out documents whose file is gone."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._gone: Gone | None = None
        self._kept = 0
        self.look = self.add_button(Button(self.tr("Look at them…"), "plain", size="small"))
        self.look.clicked.connect(self.ask)
        self.keep = self.add_button(Button(self.tr("Keep them"), "flat", size="small"))
        self.keep.clicked.connect(self._keep)

    def show_gone(self, gone: Gone | None) -> None:
        self._gone = gone
        self.setVisible(gone is not None and gone.record != self._kept)
        if gone is None:
            return
        self.look.setVisible(bool(gone.documents))
        away = fill(
            self.tr("%1 cannot be found now: %2. Nothing of it was touched."),
            amount(len(gone.missing), self.tr("place"), self.tr("places")),
            words.plain(", ".join(gone.missing), 300),
        )
        if not gone.documents:
            self.say(self.tr("Not everything could be read again"), away)
            return
        files = amount(len(gone.documents), self.tr("file is gone"), self.tr("files are gone"))
        names = ", ".join(path.replace("\\", "/").rsplit("/", 1)[-1] for path in list(gone.documents)[:3])
        more = len(gone.documents) - 3
        listed = fill(self.tr("%1 and %2 more"), names, words.count(more)) if more > 0 else names
        kept = fill(self.tr("%1. What came from them is still in the project."), words.plain(listed, 300))
        self.say(fill(self.tr("%1 from the places that were read"), files), f"{kept} {away}" if gone.missing else kept)

    def ask(self) -> None:
        if self._gone is None:
            return
        dialog = VanishedDialog(self._gone.documents, self.window())
        dialog.accepted.connect(lambda: self._remove(dialog.chosen()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _remove(self, document_ids: Sequence[int]) -> None:
        def said(values: dict[str, Any]) -> None:  # Any: JSON values
            removed = amount(int(values["removed"]), self.tr("document was"), self.tr("documents were"))
            self._session.say(fill(self.tr("%1 taken out"), removed))

        self._session.edit("remove_documents", {"document_ids": list(document_ids)}, said)

    def _keep(self) -> None:
        self._kept = self._gone.record if self._gone else 0
        self.hide()


class UnfinishedPanel(_Amber):
    """An import that was ended from outside: go on where it stopped, or take back what came."""

    undo_asked = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._left: UnfinishedImport | None = None
        self.go_on = self.add_button(Button(self.tr("Go on importing"), "plain", size="small"))
        self.go_on.clicked.connect(self._go_on)
        self.undo = self.add_button(Button(self.tr("Take it back…"), "flat", size="small"))
        self.undo.clicked.connect(self._ask_undo)

    def show_unfinished(self, left: UnfinishedImport | None) -> None:
        self._left = left
        self.setVisible(left is not None and self._session.queue.running is None)
        if left is None:
            return
        names = ", ".join(path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for path in left.paths)
        title = fill(self.tr("The import of %1 was broken off"), words.plain(names, 120))
        of = amount(left.total, self.tr("file"), self.tr("files"))
        stood = fill(self.tr("It stood at %1 of %2"), words.count(left.done), of) if left.total else ""
        at = fill(self.tr(", at %1"), words.plain(left.file, 120)) if left.file and stood else ""
        kept = self.tr("What came before is kept; going on reads only the rest.")
        self.say(title, f"{stood}{at}. {kept}" if stood else kept)

    def _ask_undo(self) -> None:
        if self._left is not None:
            self.undo_asked.emit(self._left.id)

    def _go_on(self) -> None:
        if self._left is not None:
            self.hide()
            self._session.run_job("reimport", {"paths": list(self._left.paths)})
