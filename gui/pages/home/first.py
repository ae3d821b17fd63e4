"""Before a project is open: the sample, one's own documents, a recent project; and whether the computer is ready."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from gui import theme, words
from gui.pages.home.check import SelfCheck
from gui.phrases import fill
from gui.settings import Recent, SettingsStore
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, IconTile, column, empty, row, rule
from gui.widgets.labels import ElidedLabel, Icon, Link, label, tag


class HomeFirst(QWidget):
    """What is asked for comes as signals: `sample_asked(everything)`, `files_given(paths)`, `project_chosen(path)` …

    `nothing_pasted`: Ctrl+V was pressed, and the clipboard names no file that is there.
    """

    sample_asked = Signal(bool)
    folder_asked = Signal()
    files_given = Signal(list)
    nothing_pasted = Signal()
    project_chosen = Signal(str)
    browse_asked = Signal()

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        stack = column(self, margins=(56, 48, 56, 24))
        stack.addWidget(label(self.tr("Teach search to understand your documents"), "welcome", wrap=True))
        stack.addSpacing(8)
        promise = self.tr(
            "Searchsmith trains a small model on your own texts, then shows on questions it never saw "
            "whether it searches better."
        )
        intro = label(promise, "heading", "text2", wrap=True)
        intro.setFont(theme.font("heading", "regular"))
        stack.addWidget(intro)
        stack.addSpacing(32)
        doors = row(gap=theme.GAP)
        for door in (self._sample_door(), self._documents_door(), self._recent_door()):
            doors.addWidget(door, 1)
        stack.addLayout(doors)
        stack.addSpacing(theme.GAP)
        self.check = SelfCheck(settings)
        stack.addWidget(self.check)
        stack.addSpacing(32)
        head = row()
        head.addWidget(label(self.tr("The sample, minute by minute"), "caption", "text3"))
        head.addStretch(1)
        self._all = Link(self.tr("Do all of it for me"), "dense")
        self._all.clicked.connect(lambda: self.sample_asked.emit(True))
        head.addWidget(self._all)
        stack.addLayout(head)
        stack.addSpacing(4)
        stack.addWidget(_Timeline())
        stack.addStretch(1)
        paste = QShortcut(QKeySequence(QKeySequence.StandardKey.Paste), self)
        paste.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        paste.activated.connect(self._paste)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.sample.setFocus()

    def refresh(self) -> None:
        """Read the recent projects and check the computer again."""
        self._fill_recent()
        self.check.refresh()

    def set_making(self, kind: str, stage: str) -> None:
        """A project is being made (`kind`: sample or new, "" none): say so on its door, and take no second wish."""
        shown = fill(self.tr("Making it: %1"), stage) if stage else self.tr("Making it…")
        self.sample.set_possible(not kind, shown if kind == "sample" else self.sample.text())
        self.folder.set_possible(not kind, shown if kind == "new" else self.folder.text())
        self.zone.setEnabled(not kind)
        self._all.setEnabled(not kind)

    def _paste(self) -> None:
        """Take a path from the clipboard, wherever on the page the focus is."""
        paths = paths_in(QGuiApplication.clipboard().mimeData())
        if paths and self.zone.isEnabled():
            self.files_given.emit(paths)
        elif not paths:
            self.nothing_pasted.emit()

    def _sample_door(self) -> Card:
        text = self.tr(
            "“Find the Python function that does this.” About 3,000 passages and questions, "
            "made on this computer from the Python documentation."
        )
        card, stack = self._door("play", self.tr("Try the sample"), text)
        stack.addSpacing(12)
        stack.addStretch(1)
        tags = row()
        tags.addWidget(tag(self.tr("about 10 minutes")))
        tags.addWidget(tag(self.tr("no network")))
        tags.addStretch(1)
        stack.addLayout(tags)
        stack.addSpacing(16)
        self.sample = Button(self.tr("Open the sample"), "primary", size="large")
        self.sample.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.sample.setDefault(True)
        self.sample.clicked.connect(lambda: self.sample_asked.emit(False))
        stack.addWidget(self.sample)
        return card

    def _documents_door(self) -> Card:
        text = self.tr(
            "PDF, Word, PowerPoint, Excel, web pages, Markdown, text, or a labelled set; read, never changed."
        )
        card, stack = self._door("folder", self.tr("My documents"), text)
        stack.addSpacing(12)
        stack.addStretch(1)
        self.zone = DropZone()
        self.zone.dropped.connect(self.files_given)
        stack.addWidget(self.zone)
        stack.addSpacing(16)
        self.folder = Button(self.tr("Choose a folder…"), size="large")
        self.folder.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.folder.clicked.connect(self.folder_asked)
        stack.addWidget(self.folder)
        return card

    def _recent_door(self) -> Card:
        card, stack = self._door("clock", self.tr("Open recent"), "")
        stack.addSpacing(8)
        self._recent = column()
        stack.addLayout(self._recent)
        stack.addStretch(1)
        browse = Link(self.tr("Browse for a project…"))
        browse.clicked.connect(self.browse_asked)
        stack.addWidget(browse)
        return card

    def _door(self, icon: str, title: str, text: str) -> tuple[Card, QVBoxLayout]:
        card = Card(pad=24, gap=0)
        card.setMinimumHeight(296)
        card.body.addWidget(IconTile(icon))
        card.body.addSpacing(16)
        card.body.addWidget(label(title, "heading"))
        if text:
            card.body.addSpacing(4)
            said = label(text, "body", "text2", wrap=True)
            said.setMinimumWidth(120)
            card.body.addWidget(said)
        return card, card.body

    def _fill_recent(self) -> None:
        empty(self._recent)
        there = [known for known in self._settings.values.recent if (Path(known.path) / "project.db").is_file()]
        for known in there[:3]:
            self._recent.addWidget(rule())
            line = _RecentRow(known)
            line.clicked.connect(lambda path=known.path: self.project_chosen.emit(path))
            self._recent.addWidget(line)
        if not there:
            quiet = label(self.tr("Projects you open are listed here."), "body", "text2", wrap=True)
            self._recent.addWidget(quiet)


class _RecentRow(QFrame):
    """Name, when, and what is known of a project; a click or Enter opens it."""

    clicked = Signal()

    def __init__(self, known: Recent, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(44)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(words.plain(known.name, 80))
        self.setToolTip(words.tip(known.path))
        line = row(self)
        line.addWidget(Icon("folder", "text3"))
        text = column(gap=0)
        upper = row()
        upper.addWidget(ElidedLabel(words.plain(known.name, 80), weight="medium"), 1)
        upper.addWidget(label(words.when(known.opened_at), "caption", "text3"))
        text.addStretch(1)
        text.addLayout(upper)
        text.addWidget(ElidedLabel(words.plain(known.fact, 120), "caption", "text3"))
        text.addStretch(1)
        line.addLayout(text, 1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus() or self.underMouse():
            QPainter(self).fillRect(self.rect(), theme.color("hover"))

    def enterEvent(self, event: QEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()


class DropZone(Card):
    """Takes files and folders from the desktop; the page takes what is pasted."""

    dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=8, gap=0, kind="dashed", parent=parent)
        self.setMinimumHeight(72)
        self.setAcceptDrops(True)
        self.setAccessibleName(self.tr("Drop files or a folder here, or paste a path"))
        stack = self.body
        stack.addStretch(1)
        stack.addWidget(
            label(self.tr("Drop files or a folder here"), "body", "text2"), 0, Qt.AlignmentFlag.AlignHCenter
        )
        hint = label(self.tr("or paste a path with Ctrl V"), "caption", "text3")
        stack.addWidget(hint, 0, Qt.AlignmentFlag.AlignHCenter)
        stack.addStretch(1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if paths_in(event.mimeData()):
            event.acceptProposedAction()
            self.set_kind("drop")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.set_kind("dashed")

    def dropEvent(self, event: QDropEvent) -> None:
        self.set_kind("dashed")
        event.acceptProposedAction()
        if paths := paths_in(event.mimeData()):
            self.dropped.emit(paths)


def paths_in(given: QMimeData | None) -> list[str]:
    """Local paths that exist among what was dropped or pasted."""
    if given is None:
        return []
    if given.hasUrls():
        named = [url.toLocalFile() for url in given.urls() if url.isLocalFile()]
    else:
        named = [line.strip().strip('"').removeprefix("file://") for line in given.text()[:20_000].splitlines()]
    return [path for path in named if path and Path(path).is_absolute() and Path(path).exists()]


class _Timeline(QWidget):
    """The ten minutes of the sample, painted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(72)
        self._points = (
            ("0:00", self.tr("Open"), self.tr("the sample")),
            ("0:30", self.tr("Measure"), self.tr("BM25, base model")),
            ("1:00", self.tr("Mine"), self.tr("near misses; judge five")),
            ("2:00", self.tr("Train"), self.tr("watch the score climb")),
            ("5:00", self.tr("Verdict"), self.tr("fixed and broken, both")),
            ("7:00", self.tr("Search"), self.tr("old beside new")),
            ("9:00", self.tr("Export"), self.tr("take the model away")),
        )
        self.setAccessibleName("; ".join(" ".join(point) for point in self._points))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("line"), 2))
        painter.drawLine(QPointF(0, 6), QPointF(self.width(), 6))
        step = self.width() / len(self._points)
        for position, (time, title, text) in enumerate(self._points):
            left = step * position
            painter.setPen(QPen(theme.color("line2"), 2))
            painter.setBrush(theme.color("surface"))
            painter.drawEllipse(QPointF(left + 4, 6), 3, 3)
            for top, role, tone, words_ in (
                (18, "caption", "text3", time),
                (34, "body", "text", title),
                (53, "caption", "text3", text),
            ):
                face = theme.font("body", "medium") if role == "body" else theme.font("caption")
                painter.setFont(face)
                painter.setPen(theme.color(tone))
                place = QRectF(left, top, step - 8, 18)
                shown = painter.fontMetrics().elidedText(words_, Qt.TextElideMode.ElideRight, int(step - 8))
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
