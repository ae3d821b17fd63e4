"""The window: rail, page, job strip; what is shared by all pages lies over them (palette, toast, focus ring)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMainWindow, QStackedWidget, QWidget

from engine.store.overview import NextStep
from gui import icons, theme, words
from gui.dialogs.leaving import Leaving, LeavingDialog
from gui.dialogs.palette import Command, CommandPalette
from gui.jobs.drawer import JobsDrawer
from gui.jobs.job import IMPORTS, PAGES, Job, Phase, job_name
from gui.jobs.strip import JobStrip
from gui.pages.page import Page
from gui.pages.reading import ReadingPage
from gui.phrases import fill
from gui.rail import PAGE_ICONS, Rail
from gui.session import Session
from gui.tray import Tray, make_icon
from gui.widgets.cards import ErrorPanel, column, row
from gui.widgets.focus import FocusRing
from gui.widgets.toast import Toast

# name: (module, class); a page's module is imported when the page is first shown.
PAGE_CLASSES = {
    "home": ("gui.pages.home.page", "HomePage"),
    "documents": ("gui.pages.documents.page", "DocumentsPage"),
    "queries": ("gui.pages.queries.page", "QueriesPage"),
    "negatives": ("gui.pages.negatives.page", "NegativesPage"),
    "train": ("gui.pages.train.page", "TrainPage"),
    "evaluate": ("gui.pages.evaluate.page", "EvaluatePage"),
    "search": ("gui.pages.search.page", "SearchPage"),
    "export": ("gui.pages.export.page", "ExportPage"),
}


class MainWindow(QMainWindow):
    """Shows one page at a time and passes on what the person asks for."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pages: dict[str, Page] = {}
        self._narrow = False
        self.setWindowTitle("Searchsmith")
        self.setWindowIcon(icons.icon("searchsmith", "accent"))
        self.setMinimumSize(1000, 640)
        self.resize(1280, 800)
        self.rail = Rail(session)
        self._stack = QStackedWidget()
        self._problem = ErrorPanel()
        self.drawer = JobsDrawer(session)
        self.strip = JobStrip(session.queue)
        self._lay_out()
        self.palette_ = CommandPalette(self)
        self.toast = Toast(self)
        self.focus_ring = FocusRing(self)
        self.tray = Tray(session.queue, self, make_icon(self))
        self._stopping = False
        self._connect()
        self._bind_keys()
        self._restore_geometry()
        self.show_page("home")

    def page(self, name: str) -> Page:
        """The page of this name, made when it is first asked for."""
        if name not in self._pages:
            module, class_name = PAGE_CLASSES[name]
            made: Page = getattr(import_module(module), class_name)(self._session)
            made.set_narrow(self._narrow)
            self._stack.addWidget(made)
            self._pages[name] = made
        return self._pages[name]

    def show_page(self, name: str, what: object = None) -> None:
        """Go to a page, perhaps to something on it; without a project there is only the first."""
        if name not in PAGE_CLASSES or (self._session.project is None and name != "home"):
            name = "home"
        page = self.page(name)
        self._stack.setCurrentWidget(page)
        self.rail.set_page(name)
        if isinstance(what, dict) and what:
            page.open_at(what)

    def current_name(self) -> str:
        """The name of the page that is shown."""
        return next(name for name, page in self._pages.items() if page is self._stack.currentWidget())

    def commands(self) -> list[Command]:
        """What the palette lists now."""
        return list(self._commands())

    def take_step(self, step: NextStep) -> None:
        """Do the next step: show its page, and start its job where it has one."""
        self.show_page(step.page, {"step": step.label} if not step.job else None)
        if step.job:
            self._session.run_job(step.job, dict(step.params))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < theme.NARROW_BELOW
        if narrow != self._narrow:
            self._narrow = narrow
            self.rail.set_narrow(narrow)
            self.strip.set_narrow(narrow)
            for page in self._pages.values():
                page.set_narrow(narrow)
        if self.palette_.isVisible():
            self.palette_.place()

    def closeEvent(self, event: QCloseEvent) -> None:
        running = self._session.queue.running
        if running is not None and not self._stopping:
            choice = self._ask_to_leave(running)
            if choice != "stop":
                event.ignore()
                if choice == "tray":
                    self._hide_to_tray(running)
                return
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        self._session.settings.change(geometry=geometry)
        held = self.isHidden()
        self.hide()
        self.tray.release()
        for page in self._pages.values():
            if isinstance(page, ReadingPage):
                page.close_reader()
        self._session.close()
        super().closeEvent(event)
        if held:  # no visible window was closed, so Qt would not end by itself
            QApplication.quit()

    def _hide_to_tray(self, running: Job) -> None:
        """The work goes on without the window."""
        QApplication.setQuitOnLastWindowClosed(False)
        if running.phase is Phase.PAUSED:
            self._session.queue.pause(running, paused=False)
        self.tray.hold(running)
        self.hide()

    def _come_back(self) -> None:
        QApplication.setQuitOnLastWindowClosed(True)
        self.show()
        self.raise_()
        self.activateWindow()
        self.tray.release()

    def _stop_and_leave(self) -> None:
        """From the tray: the work writes its checkpoint, and the program ends."""
        self._stopping = True
        self.close()

    def _lay_out(self) -> None:
        whole = QWidget(self)
        stack = column(whole)
        upper = row(gap=0)
        upper.addWidget(self.rail)
        right = column()
        self._frame = QWidget()
        column(self._frame, margins=(theme.MARGIN, 16, theme.MARGIN, 0)).addWidget(self._problem)
        self._problem.dismissed.connect(self._frame.hide)
        self._frame.hide()
        right.addWidget(self._frame)
        right.addWidget(self._stack, 1)
        right.addWidget(self.drawer)
        upper.addLayout(right, 1)
        stack.addLayout(upper, 1)
        stack.addWidget(self.strip)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        session = self._session
        self.rail.page_chosen.connect(self.show_page)
        self.rail.palette_asked.connect(self._open_palette)
        self.rail.settings_asked.connect(self._open_settings)
        self.rail.new_asked.connect(self.new_project)
        self.rail.open_asked.connect(self.open_project)
        self.rail.rename_asked.connect(self._rename)
        self.rail.step_taken.connect(self.take_step)
        self.strip.drawer_asked.connect(self._toggle_drawer)
        self.tray.opened.connect(self._come_back)
        self.tray.leave_asked.connect(self._stop_and_leave)
        self.strip.import_stop_asked.connect(self._stop)
        session.page_asked.connect(self.show_page)
        session.said.connect(self.toast.show_message)
        session.failed.connect(self._show_problem)
        session.project_changed.connect(self._project_changed)
        session.queue.job_finished.connect(self._job_finished)
        session.queue.job_warned.connect(lambda _job, text: self.toast.show_message(words.plain(text, 300)))

    def _bind_keys(self) -> None:
        bound: list[tuple[str, Callable[[], object]]] = [
            ("Ctrl+K", self._open_palette),
            ("Ctrl+,", self._open_settings),
            ("F1", self._open_keys),
            ("Ctrl+N", self.new_project),
            ("Ctrl+O", self.open_project),
            ("Ctrl+Z", self._session.undo),
            ("Ctrl+J", self._toggle_drawer),
            ("Ctrl+Q", self.close),
        ]
        for number, name in enumerate(PAGE_CLASSES, start=1):
            bound.append((f"Ctrl+{number}", partial(self.show_page, name)))
        for keys, run in bound:
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(run)

    # What the person asks for

    def new_project(self, name: str = "", then: Callable[[], None] | None = None) -> None:
        """Ask for a name and make a project; `then` is called once it is open."""
        from gui.dialogs.new_project import NewProjectDialog

        dialog = NewProjectDialog(self._session.settings, name, self)
        if dialog.exec():
            self._session.make_project(dialog.path, dialog.name, then or (lambda: self.show_page("documents")))

    def open_project(self) -> None:
        start = self._session.settings.values.projects_folder
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Open a project's folder"), start)
        if chosen:
            self._session.open_project(Path(chosen))

    def _rename(self) -> None:
        seen = self._session.overview()
        if seen is None:
            return
        name, given = QInputDialog.getText(self, self.tr("Rename the project"), self.tr("Name"), text=seen.name)
        if given and name.strip():
            self._session.edit("rename_project", {"name": name.strip()})

    def _open_settings(self) -> None:
        from gui.dialogs.settings import SettingsDialog

        SettingsDialog(self._session.settings, self).exec()

    def _open_keys(self) -> None:
        from gui.dialogs.shortcuts import ShortcutsDialog

        ShortcutsDialog([text for _name, text in self.rail.page_names()], self).exec()

    def _open_about(self) -> None:
        from gui.dialogs.about import AboutDialog

        AboutDialog(self).exec()

    def _open_palette(self) -> None:
        search = self._search_command if self._session.project is not None else None
        self.palette_.ask(self.commands(), search)

    def _stop(self, job: Job) -> None:
        """Cancel a job; an import is asked about first, because what came can stay or go."""
        if job.kind not in IMPORTS:
            self._session.queue.cancel(job)
            return
        from gui.dialogs.import_stop import stop_import

        stop_import(self._session, job, self)

    def _toggle_drawer(self) -> None:
        if self.drawer.isVisible():
            self.drawer.hide()
        else:
            self.drawer.open()
        self.strip.set_open(self.drawer.isVisible())

    def _search_command(self, typed: str) -> Command:
        text = self.tr("Search for “%1”").replace("%1", typed)
        return Command(text, "search", lambda: self.show_page("search", {"text": typed}), self.tr("Search"))

    def _commands(self) -> Iterator[Command]:
        session, seen = self._session, self._session.overview()
        if seen is not None:
            step = seen.next_step
            if not (step.job and session.going()):
                yield Command(step.label, "arrow-right", lambda: self.take_step(step), self.tr("Next step"))
            current = self._stack.currentWidget()
            if isinstance(current, Page):
                for text, icon, run in current.commands():
                    if callable(run):
                        yield Command(text, icon, run, current.accessibleName())
            for number, (name, text) in enumerate(self.rail.page_names(), start=1):
                go = self.tr("Go to %1").replace("%1", text)
                yield Command(go, PAGE_ICONS[name], partial(self.show_page, name), "", f"Ctrl {number}")
        if running := session.queue.running:
            stop = self.tr("Cancel: %1").replace("%1", job_name(running.kind))
            yield Command(stop, "stop", lambda: self._stop(running), self.tr("Jobs"))
        if session.undo_words:
            yield Command(self.tr("Undo: %1").replace("%1", session.undo_words), "undo", session.undo, "", "Ctrl Z")
        yield Command(self.tr("New project…"), "plus", self.new_project, "", "Ctrl N")
        yield Command(self.tr("Open a project…"), "open", self.open_project, "", "Ctrl O")
        for recent in session.settings.values.recent[:6]:
            if Path(recent.path) != session.path:
                text = self.tr("Open %1").replace("%1", words.plain(recent.name, 60))
                path = Path(recent.path)
                yield Command(text, "folder", partial(session.open_project, path), self.tr("Recent"))
        yield Command(self.tr("Show jobs and logs"), "list", self._toggle_drawer, "", "Ctrl J")
        yield Command(self.tr("Settings"), "settings", self._open_settings, "", "Ctrl ,")
        looks: tuple[tuple[theme.Choice, str], ...] = (
            ("light", self.tr("Light look")),
            ("dark", self.tr("Dark look")),
            ("system", self.tr("Look as the system")),
        )
        for choice, text in looks:
            yield Command(text, "sun", partial(self._set_theme, choice), self.tr("Settings"))
        yield Command(self.tr("Keys"), "keyboard", self._open_keys, "", "F1")
        yield Command(self.tr("About Searchsmith"), "info", self._open_about)

    def _set_theme(self, choice: theme.Choice) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self._session.settings.change(theme=choice)
            theme.choose(app, choice)

    # What happened

    def _project_changed(self) -> None:
        seen = self._session.overview()
        self.setWindowTitle(f"{words.plain(seen.name, 80)} – Searchsmith" if seen else "Searchsmith")
        self._frame.hide()
        self.show_page("home")

    def _show_problem(self, message: str, hint: str) -> None:
        self._problem.show_error(words.plain(message, 600), words.plain(hint, 600))
        self._frame.show()

    def _job_finished(self, job: Job) -> None:
        if job.phase is Phase.FAILED:
            if job.project == self._session.path and self.page(self.current_name()).tells_failure(job.kind):
                self._frame.hide()
                return
            title = (
                self.tr("%1 stopped: %2").replace("%1", job_name(job.kind)).replace("%2", words.plain(job.message, 600))
            )
            kept = self.tr("What was finished before is kept.")
            self._problem.show_error(title, words.plain(job.hint, 600), kept=kept, details=job.details)
            self._frame.show()
        elif job.phase is Phase.DONE:
            self._say_done(job)
            self._frame.hide()

    def _say_done(self, job: Job) -> None:
        """The strip has the time; a toast shows the way where the outcome stands on another page."""
        done = fill(self.tr("%1: done in %2"), job_name(job.kind), words.duration(job.seconds()))
        page = PAGES.get(job.kind, "")
        if job.project == self._session.path and page and page != self.current_name():
            self.toast.show_message(done, self.tr("Show"), lambda: self.show_page(page))
        else:
            self.toast.show_message(done)

    def _ask_to_leave(self, job: Job) -> Leaving:
        waiting = len(self._session.queue.waiting) + self._session.chain_length
        dialog = LeavingDialog(job, can_hold=self.tray.can_hold, waiting=waiting, parent=self)
        dialog.exec()
        return dialog.choice

    def _restore_geometry(self) -> None:
        kept = self._session.settings.values.geometry
        if kept:
            self.restoreGeometry(QByteArray.fromBase64(kept.encode("ascii")))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
