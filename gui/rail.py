"""The rail at the left: the project, Find or run, the stages with a fact and a mark each, and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QMenu, QSizePolicy, QWidget

from engine.store.overview import NextStep, Overview
from gui import icons, theme, words
from gui.jobs.job import PAGES, Job, job_name
from gui.phrases import fill
from gui.session import Session
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, column, row
from gui.widgets.labels import Icon, label

_FACT = 12  # letters of a fact that stand beside every word
STAGES = ("documents", "queries", "negatives", "train", "evaluate", "search", "export")
PAGE_ICONS = {
    "home": "home",
    "documents": "document",
    "queries": "query",
    "negatives": "negatives",
    "train": "train",
    "evaluate": "evaluate",
    "search": "search",
    "export": "export",
}


class _RailItem(QAbstractButton):
    """A row of the rail, painted: icon, word, fact, mark; only icon and mark when the rail is narrow."""

    def __init__(self, text: str, icon_name: str, height: int = 34, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._icon, self.fact, self.mark = icon_name, "", ""
        self.dim, self.boxed, self.narrow, self.logo = False, False, False, False
        self._angle = 0.0

    def set_state(self, fact: str, mark: str) -> None:
        self.fact, self.mark = fact, mark
        self.setAccessibleDescription(f"{fact} {mark}".strip())
        self.setToolTip(words.tip(f"{self.text()} {fact}") if self.narrow or len(fact) > _FACT else "")
        self.update()

    def turn(self) -> None:
        """One step of a running mark."""
        self._angle = (self._angle + 36) % 360
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.RAIL_NARROW - 16 if self.narrow else theme.RAIL - 16, self.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: True, Qt.Key.Key_Up: False}.get(Qt.Key(event.key()))
        if step is not None:
            self.focusNextPrevChild(step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        if self.dim and not self.isChecked():
            painter.setOpacity(0.55)
        middle = self.height() / 2
        side = 20 if self.logo else 16
        x = (self.width() - side) / 2 if self.narrow else 8.0
        token = "accent-ink" if self.isChecked() else "text2"
        icons.draw(painter, QRectF(x, middle - side / 2, side, side), self._icon, token)
        if self.narrow:
            self._paint_mark(painter, QRectF(self.width() - 13, self.height() - 13, 10, 10))
            return
        end = self.width() - 8.0
        if self.logo:
            icons.draw(painter, QRectF(end - 14, middle - 6, 12, 12), "chevron-down", "text3")
            end -= 22
        if self.mark:
            end -= 12
            self._paint_mark(painter, QRectF(end, middle - 6, 12, 12))
            end -= 8
        bold = self.isChecked() or self.logo
        painter.setFont(theme.font("caption", "regular"))
        said = self.fact_within(end - x - side - 16)
        room = QFontMetrics(painter.font()).horizontalAdvance(said)
        if said:
            painter.setPen(theme.color("text3"))
            fact = QRectF(end - room, 0, room + 1, self.height())
            painter.drawText(fact, Qt.AlignmentFlag.AlignVCenter, said)
            end -= room + 8
        painter.setFont(self._word_font())
        painter.setPen(theme.color("text3" if self.boxed else "text" if bold else "text2"))
        place = QRectF(x + side + 8, 0, end - x - side - 8, self.height())
        shown = QFontMetrics(painter.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, int(place.width()))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)

    def fact_within(self, room: float) -> str:
        """The fact, shortened so that the whole word stands before it in `room` pixels."""
        left = int(room) - QFontMetrics(self._word_font()).horizontalAdvance(self.text())
        if left <= 0:
            return ""
        return QFontMetrics(theme.font("caption", "regular")).elidedText(self.fact, Qt.TextElideMode.ElideRight, left)

    def _word_font(self) -> QFont:
        bold = self.isChecked() or self.logo
        return theme.font("dense" if self.boxed else "body", "bold" if bold else "")

    def _paint_ground(self, painter: QPainter) -> None:
        framed = self.isChecked() or self.boxed
        if framed:
            painter.setPen(QPen(theme.color("line"), 1))
            painter.setBrush(theme.color("surface"))
        elif self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("track"))
        else:
            return
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(rect, theme.RADIUS_BUTTON, theme.RADIUS_BUTTON)

    def _paint_mark(self, painter: QPainter, place: QRectF) -> None:
        if self.mark:
            angle = self._angle if self.mark == "running" else 0.0
            icons.draw(painter, place, f"marks/{self.mark}", "text2", angle)


class Rail(QFrame):
    """What is asked for comes as signals; `page_chosen` brings a name, `step_taken` the `NextStep`."""

    page_chosen = Signal(str)
    palette_asked = Signal()
    settings_asked = Signal()
    new_asked = Signal()
    open_asked = Signal()
    rename_asked = Signal()
    step_taken = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName(self.tr("Stages"))
        self._session = session
        self._step: NextStep | None = None
        self._running: dict[str, str] = {}
        stack = column(self, margins=(8, 12, 8, 8))
        self.switcher = _RailItem("Searchsmith", "searchsmith", 36)
        self.switcher.logo = True
        self.switcher.clicked.connect(self._show_projects)
        stack.addWidget(self.switcher)
        stack.addSpacing(4)
        self.finder = _RailItem(self.tr("Find or run"), "search", 30)
        self.finder.boxed = True
        self.finder.fact = "Ctrl K"
        self.finder.clicked.connect(self.palette_asked)
        stack.addWidget(self.finder)
        stack.addSpacing(16)
        self.pages: dict[str, _RailItem] = {}
        for name, text in self.page_names():
            self._add_page(name, text)
            stack.addWidget(self.pages[name])
            stack.addSpacing(8 if name == "home" else 2)
        stack.addStretch(1)
        self._next = self._build_next()
        stack.addWidget(self._next)
        self._next_small = Button("", "soft", icon_name="arrow-right", tooltip=self.tr("Next step"))
        self._next_small.setFixedWidth(40)
        self._next_small.clicked.connect(self._take_step)
        stack.addWidget(self._next_small)
        stack.addSpacing(8)
        self.settings = _RailItem(self.tr("Settings"), "settings")
        self.settings.fact = "Ctrl ,"
        self.settings.clicked.connect(self.settings_asked)
        stack.addWidget(self.settings)
        self._narrow = False
        self.set_narrow(False)
        session.changed.connect(self._changed)
        session.queue.job_queued.connect(lambda _job: self._show_step())
        session.queue.job_started.connect(self._job_moved)
        session.queue.job_progressed.connect(self._job_moved)
        session.queue.job_finished.connect(self._job_moved)
        self._refresh()

    def page_names(self) -> Sequence[tuple[str, str]]:
        """Pages in the order of the way: `(name, words)`."""
        return (
            ("home", self.tr("Home")),
            ("documents", self.tr("Documents")),
            ("queries", self.tr("Queries")),
            ("negatives", self.tr("Negatives")),
            ("train", self.tr("Train")),
            ("evaluate", self.tr("Evaluate")),
            ("search", self.tr("Search")),
            ("export", self.tr("Export")),
        )

    def set_page(self, name: str) -> None:
        """Show which page is open."""
        for known, page in self.pages.items():
            page.setChecked(known == name)

    def set_narrow(self, narrow: bool) -> None:
        """Fold to 56 px with icons only."""
        self._narrow = narrow
        self.setFixedWidth(theme.RAIL_NARROW if narrow else theme.RAIL)
        for part in (self.switcher, self.finder, self.settings, *self.pages.values()):
            part.narrow = narrow
            part.set_state(part.fact, part.mark)
            part.updateGeometry()
        self._show_step()

    def _add_page(self, name: str, text: str) -> None:
        page = _RailItem(text, PAGE_ICONS[name])
        page.setCheckable(True)
        page.setAutoExclusive(True)
        page.clicked.connect(lambda: self.page_chosen.emit(name))
        self.pages[name] = page

    def _build_next(self) -> Card:
        card = Card(pad=8)
        line = row(gap=4)
        line.addWidget(label(self.tr("Next step"), "caption", "text3"))
        line.addStretch(1)
        self._clock = Icon("clock", "text3", 12)
        line.addWidget(self._clock)
        self._time = label("", "caption", "text3")
        line.addWidget(self._time)
        card.body.addLayout(line)
        self._next_button = Button("", "soft", after="arrow-right")
        self._next_button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._next_button.clicked.connect(self._take_step)
        card.body.addWidget(self._next_button)
        return card

    def _changed(self, topics: set[str]) -> None:
        if "all" in topics:  # another project: what runs in the one before says nothing of this one's stages
            self._running.clear()
            if (running := self._session.queue.running) is not None:
                self._job_moved(running)
        self._refresh()

    def _refresh(self) -> None:
        seen = self._session.overview()
        self.switcher.setText(words.plain(seen.name, 80) if seen else "Searchsmith")
        self.switcher.mark = ""
        self.switcher.setAccessibleName(self.tr("Project %1").replace("%1", self.switcher.text()))
        self._show_stages(seen)
        self._step = seen.next_step if seen else None
        self._show_step()
        self.switcher.update()

    def _show_stages(self, seen: Overview | None) -> None:
        facts = {stage.name: (stage.fact, stage.state) for stage in seen.stages} if seen else {}
        for name in STAGES:
            fact, state = facts.get(name, ("", "none"))
            page = self.pages[name]
            page.dim = seen is None
            page.setEnabled(seen is not None)
            running = self._running.get(name)
            page.set_state(running if running is not None else fact, "running" if running is not None else state)

    def _show_step(self) -> None:
        step = self._step
        self._next.setVisible(step is not None and not self._narrow)
        self._next_small.setVisible(step is not None and self._narrow)
        if step is None:
            return
        self._next_button.setText(self._short_words(step))
        going = self._session.going()
        for button in (self._next_button, self._next_small):
            button.setEnabled(not going)
        self._next_button.set_possible(not going, self.tr("At work…"))
        said = fill(self.tr("Running: %1"), job_name(going[0].kind)) if going else step.label
        for button in (self._next_button, self._next_small):
            button.setToolTip(said)
            button.setAccessibleName(self.tr("Next step: %1").replace("%1", said))
        self._clock.setVisible(step.seconds > 0)
        self._time.setText(words.about(step.seconds) if step.seconds > 0 else "")

    def _short_words(self, step: NextStep) -> str:
        """The step in words that fit into the rail; its page says it at length."""
        short = {
            "Find duplicate queries": self.tr("Find duplicates"),
            "Measure the starting point": self.tr("Measure the start"),
            "Build a model from your documents": self.tr("Build a model"),
        }
        return short.get(step.label, step.label)

    def _take_step(self) -> None:
        if self._step is not None:
            self.step_taken.emit(self._step)

    def _job_moved(self, job: Job) -> None:
        name = PAGES.get(job.kind, "")
        if job.is_over or not job.stage:
            self._show_step()
        if job.is_over:
            self._running.pop(name, None)
            self._show_stages(self._session.overview())
        elif name in self.pages and self._session.path == job.project:
            self._running[name] = words.share(job.share) if job.total else ""
            self.pages[name].set_state(self._running[name], "running")
            self.pages[name].turn()

    def _show_projects(self) -> None:
        menu = QMenu(self)
        menu.setFont(theme.font("body"))
        for recent in self._session.settings.values.recent[:8]:
            shown = words.plain(recent.name, 60).replace("&", "&&")
            action = menu.addAction(icons.icon("folder"), shown)
            action.setEnabled(Path(recent.path) != self._session.path)
            action.triggered.connect(lambda _on=False, path=recent.path: self._session.open_project(Path(path)))
        if self._session.settings.values.recent:
            menu.addSeparator()
        menu.addAction(icons.icon("plus"), self.tr("New project…"), self.new_asked.emit)
        menu.addAction(icons.icon("open"), self.tr("Open a project…"), self.open_asked.emit)
        if self._session.project is not None:
            menu.addSeparator()
            menu.addAction(icons.icon("edit"), self.tr("Rename…"), self.rename_asked.emit)
            menu.addAction(icons.icon("close"), self.tr("Close the project"), self._session.close_project)
        menu.exec(self.switcher.mapToGlobal(QPoint(0, self.switcher.height() + 2)))
