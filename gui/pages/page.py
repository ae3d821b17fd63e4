"""What every page is: a head with title, fact and actions, a body, and one way to be refreshed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QWidget

from gui import theme
from gui.widgets.buttons import IconButton
from gui.widgets.cards import ErrorPanel, Inspector, PageHead, column

if TYPE_CHECKING:
    from gui.session import Session


class Page(QWidget):
    """Base of the pages.

    A subclass sets `name`, `icon`, `topics`, builds its widgets in `__init__` (into `self.body`, actions through
    `self.head.add_action`), and overrides `refresh`. The window calls nothing else: `refresh` is called on the first
    showing, and again whenever a changed topic is among `topics` while the page is visible; while it is hidden the
    topics are kept and delivered with the next showing.

    Attributes:
        head: title, fact (`head.set_fact`), actions.
        problem: an error panel below the head, hidden until `problem.show_error(...)`.
        body: the layout for the content, with the page's margins.
        inspector: the pane at the right, where `use_inspector` was called. Under 1120 px it folds away, and a button at
            the end of the head lays it over the page.
    """

    name: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    topics: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, session: Session, title: str, parent: QWidget | None = None, *, margins: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.session = session
        self.setAccessibleName(title)
        self._waiting: set[str] | None = {"all"}
        outer = column(self)
        self._splitter = QSplitter(self)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        outer.addWidget(self._splitter)
        main = QWidget(self._splitter)
        stack = column(main)
        self.head = PageHead(title)
        stack.addWidget(self.head)
        side = theme.MARGIN if margins else 0
        self.problem = ErrorPanel()
        framed = column(margins=(theme.MARGIN, 0, theme.MARGIN, 0))
        framed.addWidget(self.problem)
        stack.addLayout(framed)
        self.body = column(margins=(side, 0, side, theme.GAP if margins else 0), gap=theme.GAP)
        stack.addLayout(self.body, 1)
        self._splitter.addWidget(main)
        self.inspector: Inspector | None = None
        self.is_narrow = False
        self._is_inspectable = True
        self._unfold = IconButton("panel", self.tr("Show details"))
        self._unfold.setCheckable(True)
        self._unfold.hide()
        self._unfold.toggled.connect(lambda _on: self._place_inspector())
        self.head.add_last(self._unfold)
        session.changed.connect(self._changed)

    def refresh(self, topics: set[str]) -> None:
        """Read the project again and show it; `topics` holds what changed, or "all". Must be quick (50 ms)."""

    def tells_failure(self, kind: str) -> bool:
        """Whether the page itself says why a job of this kind failed, so that the window need not."""
        return False

    def commands(self) -> Iterable[tuple[str, str, object]]:
        """What the command palette lists while this page is open: `(words, icon, callable)`."""
        return ()

    def open_at(self, what: dict[str, object]) -> None:
        """Another page sent the person here, to something on this page: `session.show_page(name, what)`."""

    def use_inspector(self, title: str = "", fact: str = "") -> Inspector:
        """Make the pane at the right."""
        self.inspector = Inspector(title, fact)
        self.inspector.folded.connect(lambda: self._unfold.setChecked(False))
        self._stand_beside(self.inspector)
        return self.inspector

    def show_inspector(self, possible: bool) -> None:
        """Whether there is something for the pane at the right; the width of the window decides how it is shown."""
        self._is_inspectable = possible
        self._place_inspector()

    def set_narrow(self, narrow: bool) -> None:
        """The window is under 1120 px wide, or no longer; the inspector folds away. Pages may fold more."""
        self.is_narrow = narrow
        self._unfold.setChecked(False)
        self._place_inspector()

    def _place_inspector(self) -> None:
        pane = self.inspector
        if pane is None:
            return
        over = self.is_narrow and self._is_inspectable
        self._unfold.setVisible(over)
        if over and self._unfold.isChecked():
            pane.setParent(self)
            pane.set_foldable(True)
            self._lay_over(pane)
            pane.show()
            pane.raise_()
            return
        if not self.is_narrow and pane.parent() is not self._splitter:
            self._stand_beside(pane)
        pane.setVisible(self._is_inspectable and not self.is_narrow)

    def _stand_beside(self, pane: Inspector) -> None:
        pane.set_foldable(False)
        self._splitter.addWidget(pane)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._splitter.setSizes([max(self.width() - theme.INSPECTOR, 1), theme.INSPECTOR])

    def _lay_over(self, pane: Inspector) -> None:
        pane.setGeometry(self.width() - theme.INSPECTOR, 0, theme.INSPECTOR, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.inspector is not None and self.inspector.parent() is self:
            self._lay_over(self.inspector)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            self.refresh(waiting)

    def _changed(self, topics: set[str]) -> None:
        if "all" not in topics and self.topics and not topics & self.topics:
            return
        if "all" in topics:
            self.problem.hide()  # what failed in the project before is no matter of this one
        if self.isVisible():
            self.refresh(set(topics))
        else:
            self._waiting = (self._waiting or set()) | topics
