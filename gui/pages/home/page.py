"""The first page: three doors before a project is open, where it stands once it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QStackedWidget, QWidget

from gui.dialogs.new_project import NewProjectDialog, free_folder
from gui.jobs.job import Job
from gui.pages.home.facts import read_home
from gui.pages.home.first import HomeFirst
from gui.pages.home.project import HomeProject
from gui.pages.interrupted import discard_run
from gui.pages.page import Page
from gui.widgets.buttons import Button, IconButton
from gui.widgets.cards import scroller

if TYPE_CHECKING:
    from gui.session import Session

Steps = list[tuple[str, dict[str, Any]]]  # Any: JSON values
ALL_STEPS: Steps = [
    ("dedup", {}),
    ("split", {}),
    ("evaluate", {"systems": ["bm25", "base"]}),
    ("mine", {}),
    ("train", {"preset": "quick"}),
    ("evaluate", {"systems": ["bm25", "base", "tuned"]}),
]
ANOTHER_ROUND: Steps = [
    ("mine", {"model": "tuned"}),
    ("train", {"preset": "quick", "base": "tuned"}),
    ("evaluate", {"systems": ["bm25", "base", "tuned"]}),
]


class HomePage(Page):
    """Shows `HomeFirst` or `HomeProject` and does what they ask for."""

    name = "home"
    icon = "home"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "", parent, margins=False)
        self.head.set_title(self.tr("Home"))
        self.setAccessibleName(self.tr("Home"))
        self._undo = IconButton("undo", self.tr("Nothing to undo"))
        self._undo.clicked.connect(session.undo)
        self._again = Button(self.tr("Do another round"), icon_name="refresh")
        self._again.clicked.connect(self._do_round)
        self.head.add_action(self._undo)
        self.head.add_action(self._again)
        self._stack = QStackedWidget()
        self.first = HomeFirst(session.settings)
        self.first.sample_asked.connect(self._make_sample)
        self.first.folder_asked.connect(self._choose_folder)
        self.first.files_given.connect(self._take_files)
        self.first.nothing_pasted.connect(
            lambda: session.say(self.tr("The clipboard holds no path of a file or folder that is there."))
        )
        self.first.project_chosen.connect(lambda path: session.open_project(Path(path)))
        self.first.browse_asked.connect(self._browse)
        self.standing = HomeProject()
        self.standing.page_asked.connect(session.show_page)
        self.standing.job_asked.connect(session.run_job)
        self.standing.round_asked.connect(self._do_round)
        self.standing.job_dismissed.connect(lambda job_id: session.edit("dismiss_job", {"job_id": job_id}))
        self.standing.base_kept.connect(lambda: session.edit("keep_base", {}))
        self.standing.model_discarded.connect(lambda model: discard_run(session, model, self))
        self._stack.addWidget(scroller(self.first))
        self._stack.addWidget(scroller(self.standing))
        self.body.addWidget(self._stack)
        session.undo_changed.connect(self._show_undo)
        for signal in (session.queue.job_started, session.queue.job_finished):
            signal.connect(lambda _job: self.standing.set_running(session.queue.running))
        for signal in (session.queue.job_queued, session.queue.job_progressed, session.queue.job_finished):
            signal.connect(self._job_moved)
            signal.connect(lambda _job: self._follow_rounds())
        self._show_undo(session.undo_words)

    def refresh(self, topics: set[str]) -> None:
        project = self.session.project
        self.head.setVisible(project is not None)
        self._stack.setCurrentIndex(0 if project is None else 1)
        if project is None:
            self.first.refresh()
            return
        seen = self.session.overview()
        if seen is None:
            return
        facts = read_home(project, seen)
        self.head.set_fact(facts.counts)
        self._again.setVisible(bool(facts.rounds) and facts.rounds[-1].is_tuned)
        self.standing.show_facts(facts)
        self._follow_rounds()

    def commands(self) -> Iterable[tuple[str, str, object]]:
        if self.session.project is not None and self._again.isVisibleTo(self) and self._again.isEnabled():
            yield self.tr("Do another round"), "refresh", self._do_round

    def _do_round(self) -> None:
        self.session.run_chain(ANOTHER_ROUND)

    def _follow_rounds(self) -> None:
        """While jobs of a round are still to come, no second round is offered."""
        possible = not self.session.chain_length
        self._again.set_possible(possible, self.tr("Jobs are still to come"))
        self.standing.set_round_possible(possible)

    def _show_undo(self, what: str) -> None:
        self._undo.setEnabled(bool(what))
        self._undo.setVisible(bool(what))
        self._undo.setToolTip(self.tr("Undo: %1").replace("%1", what) if what else "")
        self._undo.setAccessibleName(self._undo.toolTip() or self.tr("Undo"))

    def _job_moved(self, job: Job) -> None:
        if self.session.project is None:
            making = job.kind in ("sample", "new") and not job.is_over
            self.first.set_making(job.kind if making else "", job.stage)

    def _make_sample(self, everything: bool) -> None:
        folder = free_folder(Path(self.session.settings.values.projects_folder), self.tr("Python functions"))
        self.session.make_sample(folder, (lambda: self.session.run_chain(ALL_STEPS)) if everything else None)
        self.first.set_making("sample", "")

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("A folder of documents or a labelled set"))
        if chosen:
            self._take_files([chosen])

    def _browse(self) -> None:
        start = self.session.settings.values.projects_folder
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Open a project's folder"), start)
        if chosen:
            self.session.open_project(Path(chosen))

    def _take_files(self, paths: list[str]) -> None:
        """A project dropped here is opened; of anything else a new project shows what would come before it imports."""
        if len(paths) == 1 and (Path(paths[0]) / "project.db").is_file():
            self.session.open_project(Path(paths[0]))
            return
        dialog = NewProjectDialog(self.session.settings, Path(paths[0]).stem, self)
        if dialog.exec():
            self.session.make_project(dialog.path, dialog.name, lambda: self._import(paths))

    def _import(self, paths: list[str]) -> None:
        self.session.show_page("documents", {"paths": paths})
