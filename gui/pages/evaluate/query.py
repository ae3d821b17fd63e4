"""One question under two systems: both result lists side by side, the answers, and a word on a wrong judgement."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from engine.records import QueryMovement
from engine.store.browse import Answer
from gui import theme, words
from gui.pages.evaluate.facts import QueryView
from gui.phrases import fill
from gui.tables.movements import rank_words, tone_of
from gui.widgets.buttons import Button, IconButton
from gui.widgets.cards import Card, column, row, rule
from gui.widgets.gauges import LineKey
from gui.widgets.hit_columns import HitColumns
from gui.widgets.labels import Chip, ElidedLabel, Icon, label, set_tone

_PINS = (1, 3, 5, 10)


class QueryCompare(QWidget):
    """Signals: `closed`, `stepped(±1)`, `unjudged(query id, passage id)`, `judged(query id, passage id)`,
    `called_negative(query id, passage id)`, `pinned(query id, first hits; 0 to unpin, first hits before)`.
    """

    closed = Signal()
    stepped = Signal(int)
    unjudged = Signal(int, int)
    judged = Signal(int, int)
    called_negative = Signal(int, int)
    pinned = Signal(int, int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: QueryView | None = None
        self._back = Button(self.tr("All queries"), "flat", icon_name="chevron-left", size="small")
        self._back.clicked.connect(self.closed)
        self._previous = IconButton("chevron-up", self.tr("Previous query (K)"), size="small")
        self._next = IconButton("chevron-down", self.tr("Next query (J)"), size="small")
        self._previous.clicked.connect(lambda: self.stepped.emit(-1))
        self._next.clicked.connect(lambda: self.stepped.emit(1))
        self._text = label("", "heading", wrap=True)
        self._ranks = label("", "body", "text2", weight="medium")
        self._left_head, self._right_head = _Head(), _Head()
        self.columns = HitColumns(self._left_head, self._right_head, votes=False)
        self.columns.chosen.connect(lambda _side, passage_id: self._show_judge(passage_id))
        self._answers = column(gap=0)
        self._judge = Button(self.tr("It answers the query, too"), size="small", icon_name="check")
        self._judge.clicked.connect(self._judge_chosen)
        self._negative = Button(self.tr("Send to negatives"), "flat", size="small", icon_name="negatives")
        self._negative.setToolTip(
            self.tr(
                "Keep it as a wrong answer. Reranking and triplets are measured with it; training holds it apart where "
                "the query is one of training."
            )
        )
        self._negative.clicked.connect(self._call_negative)
        self._pin = Button(self.tr("Pin"), "flat", size="small", icon_name="pin")
        self._pinning = QMenu(self)
        self._pin.setMenu(self._pinning)
        self._chosen = 0
        self._build()
        for keys, slot in (("J", self._next.click), ("K", self._previous.click), ("Esc", self._back.click)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

    def _build(self) -> None:
        stack = column(self, gap=8)
        top = row()
        top.addWidget(self._back)
        top.addStretch(1)
        top.addWidget(self._ranks)
        top.addSpacing(8)
        top.addWidget(self._pin)
        top.addWidget(self._previous)
        top.addWidget(self._next)
        stack.addLayout(top)
        stack.addWidget(self._text)
        card = Card(pad=0, gap=0)
        card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        card.body.addLayout(self._answers)
        stack.addWidget(card)
        stack.addWidget(self.columns, 1)

    def show_query(self, view: QueryView, movement: QueryMovement | None, before: QueryName, after: QueryName) -> None:
        """Show a question; `before` and `after` name the systems and how their lines are drawn."""
        self._view = view
        self._text.setText(words.plain(view.text, 1000))
        self._left_head.set_system(before)
        self._right_head.set_system(after)
        if movement is not None:
            left, right = words.plain(before[0], 24), words.plain(after[0], 24)
            ranks = f"{left}: {rank_words(movement.rank_b)}  →  {right}: {rank_words(movement.rank_a)}"
            self._ranks.setText(ranks)
            set_tone(self._ranks, tone_of(movement))
        else:
            self._ranks.setText("" if view.answers else self.tr("Without an answer it counts in no figure"))
            set_tone(self._ranks, "text2")
        self._show_pin(view)
        self.columns.set_hits(view.left, view.right, view.left_ranks)
        self._show_answers(view)
        first = next((a.passage.id for a in view.answers), 0)
        self.columns.choose(first)
        self._show_judge(0)

    def _show_answers(self, view: QueryView) -> None:
        while self._answers.count():
            taken = self._answers.takeAt(0)
            widget = taken.widget() if taken is not None else None
            if widget is not None:
                for button in (self._judge, self._negative):
                    button.setParent(self)
                    button.hide()
                widget.hide()
                widget.deleteLater()
        for place, answer in enumerate(view.answers[:3]):
            if place:
                self._answers.addWidget(rule())
            self._answers.addWidget(self._answer_row(view, answer))
        if len(view.answers) > 3:
            more = label(fill(self.tr("and %1 more answers"), len(view.answers) - 3), "caption", "text3")
            more.setContentsMargins(16, 0, 0, 8)
            self._answers.addWidget(more)
        if not view.answers:
            none = label(self.tr("No passage is judged right for this query any more."), "body", "text2")
            none.setContentsMargins(16, 8, 16, 8)
            self._answers.addWidget(none)
        self._extra = QWidget()
        line = row(self._extra, margins=(16, 4, 12, 4))
        self._extra_words = ElidedLabel("", "body", "text2")
        line.addWidget(self._extra_words, 1)
        line.addWidget(self._negative)
        line.addWidget(self._judge)
        self._negative.show()
        self._judge.show()
        self._answers.addWidget(self._extra)

    def _answer_row(self, view: QueryView, answer: Answer) -> QWidget:
        line = QWidget()
        line.setMinimumHeight(theme.ROW + 6)
        content = row(line, margins=(16, 4, 12, 4))
        content.addWidget(Chip(self.tr("answer"), "good"))
        content.addWidget(ElidedLabel(words.plain(answer.title, 60), "body", weight="medium"), 2)
        content.addWidget(ElidedLabel(words.plain(answer.passage.text, 300), "body", "text2"), 3)
        wrong = Button(self.tr("This judgement is wrong"), "flat", size="small")
        passage_id = answer.passage.id
        wrong.clicked.connect(lambda: self.unjudged.emit(view.query_id, passage_id))
        content.addWidget(wrong)
        return line

    def _show_judge(self, passage_id: int) -> None:
        """Offer to call the chosen hit an answer, where it is none yet."""
        self._chosen = passage_id
        known = {answer.passage.id for answer in self._view.answers} if self._view else set()
        title = ""
        for hits in (self.columns.left, self.columns.right):
            for card in hits.hits.cards():
                if card.passage_id == passage_id:
                    title = card.title
        possible = bool(title) and passage_id not in known
        self._extra.setVisible(possible)
        self._extra_words.setText(fill(self.tr("Chosen: %1"), title))

    def _call_negative(self) -> None:
        if self._view is not None and self._chosen:
            self.called_negative.emit(self._view.query_id, self._chosen)

    def _show_pin(self, view: QueryView) -> None:
        text = fill(self.tr("Pinned to the first %1"), view.pinned) if view.pinned else self.tr("Pin")
        self._pin.setText(text)
        self._pin.setToolTip(self.tr("Pinned, its answer must stay in the first hits, or the model is not exported."))
        self._pinning.clear()
        for k in _PINS:
            chosen = self._pinning.addAction(fill(self.tr("Its answer must stay in the first %1"), k))
            chosen.setCheckable(True)
            chosen.setChecked(k == view.pinned)
            chosen.triggered.connect(lambda _checked, k=k: self._ask_pin(k))
        if view.pinned:
            self._pinning.addSeparator()
            self._pinning.addAction(self.tr("Unpin"), lambda: self._ask_pin(0))

    def _ask_pin(self, k: int) -> None:
        if self._view is not None and k != self._view.pinned:
            self.pinned.emit(self._view.query_id, k, self._view.pinned)

    def _judge_chosen(self) -> None:
        if self._view is not None and self._chosen:
            self.judged.emit(self._view.query_id, self._chosen)


QueryName = tuple[str, str]  # a system's name, and how its line is drawn


class _Head(QWidget):
    """The head of a column: the system's stroke and name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(36)
        self._line = row(self)
        self._key: QWidget = Icon("list")
        self._line.addWidget(self._key)
        self._name = ElidedLabel("", "body", weight="medium")
        self._line.addWidget(self._name, 1)

    def set_system(self, named: QueryName) -> None:
        name, drawn = named
        self._line.removeWidget(self._key)
        self._key.deleteLater()
        self._key = LineKey(drawn)
        self._line.insertWidget(0, self._key)
        self._name.setText(name)
