"""What stands at the right of the queries: the whole query, the passages that answer it, and what says the same."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from engine.records import Query
from engine.store.browse import Answer, QueryGroup
from engine.store.judging import BY_HAND
from engine.store.made import is_made
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.tables.documents import is_code
from gui.tables.queries import source_words, split_tag
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, Inspector, column, row
from gui.widgets.labels import Chip, Link, label, tag

SHOWN = 12
EXCERPT = 420


class QueryInspector(QWidget):
    """Fills the page's inspector.

    Signals: `answer_refused(query, answer)` when a passage is no answer after all, `kept_apart(query)` when a merged
    query shall stand for itself again, `judging_asked(query id)`.
    """

    answer_refused = Signal(object, object)
    kept_apart = Signal(object)
    judging_asked = Signal(int)

    def __init__(self, inspector: Inspector, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspector = inspector
        self._outer = column(self)
        self._ground = QWidget()
        self._outer.addWidget(self._ground)
        self._stack = column(self._ground, gap=8)
        inspector.body.addWidget(self)
        inspector.body.addStretch(1)
        self._shown: QueryGroup | None = None
        self.show_group(None)

    def group(self) -> QueryGroup | None:
        return self._shown

    def show_group(self, group: QueryGroup | None) -> None:
        """Show a query with all that is known of it, or say that none is chosen."""
        self._shown = group
        self._start_over()
        if group is None:
            self._inspector.set_title(self.tr("Query"))
            self._stack.addWidget(label(self.tr("Choose a query to see its answers."), "body", "text3", wrap=True))
            self._ground.show()
            return
        query = group.query
        made = self.tr("Made from: %1") if is_made(query.source) else self.tr("From: %1")
        source = fill(made, source_words(query.source, self))
        self._inspector.set_title(self.tr("Query"), source + (f" · {query.external_id}" if query.external_id else ""))
        self._stack.addWidget(label(words.plain(query.text, 2000), "heading", wrap=True))
        self._stack.addLayout(self._state_line(query))
        self._stack.addSpacing(8)
        self._show_answers(group)
        if len(group.members) > 1:
            self._stack.addSpacing(8)
            self._show_members(group)
        self._ground.show()

    def _state_line(self, query: Query) -> QHBoxLayout:
        line = row()
        kind = split_tag(query)
        if query.duplicate_of:
            line.addWidget(Chip(self.tr("merged into another"), "none"))
        elif query.split and kind:
            line.addWidget(tag(query.split.value, kind))  # type: ignore[arg-type]
        else:
            line.addWidget(label(self.tr("In no split"), "caption", "text3"))
        judge = Link(self.tr("Judge its passages"), "dense")
        judge.clicked.connect(lambda: self.judging_asked.emit(query.duplicate_of or query.id))
        if query.official_split:
            line.addWidget(label(fill(self.tr("its set says %1"), query.official_split.value), "caption", "text3"))
        line.addStretch(1)
        line.addWidget(judge)
        return line

    def _show_answers(self, group: QueryGroup) -> None:
        if not group.answers:
            panel = Card(kind="inset", pad=12)
            panel.body.addWidget(Chip(self.tr("no answer known"), "warn"))
            note = self.tr("It teaches nothing and cannot be measured, so it stays out of the splits.")
            panel.body.addWidget(label(note, "dense", "text2", wrap=True))
            self._stack.addWidget(panel)
            return
        answers = amount(len(group.answers), self.tr("answer"), self.tr("answers"))
        self._stack.addWidget(label(answers, "caption", "text3"))
        for answer in group.answers[:SHOWN]:
            self._stack.addWidget(self._answer_card(group.query, answer))
        more = len(group.answers) - SHOWN
        if more > 0:
            self._stack.addWidget(label(fill(self.tr("and %1 more"), words.count(more)), "caption", "text3"))

    def _answer_card(self, query: Query, answer: Answer) -> Card:
        card = Card(kind="inset", pad=12, gap=4)
        head = row()
        name = words.plain(answer.title, 120)
        head.addWidget(label(name, "mono" if is_code(name) else "body", weight="bold", wrap=True), 1)
        said = [fill(self.tr("grade %1"), str(answer.grade))] if answer.grade > 1 else []
        said += [self.tr("by hand")] if answer.source == BY_HAND else []
        if said:
            head.addWidget(label(" · ".join(said), "caption", "text3"))
        card.body.addLayout(head)
        card.body.addWidget(label(words.plain(answer.passage.text, EXCERPT), "dense", "text2", wrap=True))
        refuse = Link(self.tr("Not an answer"), "dense")
        refuse.clicked.connect(lambda: self.answer_refused.emit(query, answer))
        card.body.addWidget(refuse)
        return card

    def _show_members(self, group: QueryGroup) -> None:
        same = fill(self.tr("%1 that say the same"), amount(len(group.members), self.tr("query"), self.tr("queries")))
        self._stack.addWidget(label(same, "caption", "text3"))
        for place, member in enumerate(group.members[:SHOWN]):
            card = Card(kind="inset", pad=12, gap=4)
            card.body.addWidget(label(words.plain(member.text, EXCERPT), "dense", wrap=True))
            line = row()
            if place == 0:
                line.addWidget(Chip(self.tr("stands for all"), "accent"))
            else:
                keep = Button(self.tr("Keep both"), "plain", size="small")
                keep.clicked.connect(lambda _checked=False, query=member: self.kept_apart.emit(query))
                line.addWidget(keep)
            line.addStretch(1)
            card.body.addLayout(line)
            self._stack.addWidget(card)

    def _start_over(self) -> None:
        """Put an empty ground in place of the old one."""
        old, self._ground = self._ground, QWidget()
        self._stack = column(self._ground, gap=8)
        self._outer.replaceWidget(old, self._ground)
        old.hide()
        old.deleteLater()
