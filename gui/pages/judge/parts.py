"""Pieces of the judging bench: the query, the row of cards in small, and one passage with what was said of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.records import Query
from engine.store.judging import NOT, PARTLY, PoolCard
from gui import theme, words
from gui.compared_words import compare_texts
from gui.phrases import fill
from gui.tables.documents import is_code
from gui.tables.queries import split_tag
from gui.widgets.cards import Card, row
from gui.widgets.labels import Chip, ChipState, ElidedLabel, Icon, label, tag
from gui.widgets.marked_text import MarkedText

_SIDE, _GAP = 16, 4
_MEASURE = 840  # longer lines are hard to read


class QuestionCard(Card):
    """The query that is judged, with its split."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(kind="inset", pad=0, parent=parent)
        line = row(margins=(16, 12, 16, 12), gap=12)
        line.addWidget(Icon("query", "text3"), 0, Qt.AlignmentFlag.AlignTop)
        self.text = label("", "heading", wrap=True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        line.addWidget(self.text, 1)
        self._room = row()
        line.addLayout(self._room)
        self.body.addLayout(line)

    def show_query(self, query: Query) -> None:
        self.text.setText(words.plain(query.text, 2000))
        while self._room.count():
            taken = self._room.takeAt(0)
            old = taken.widget() if taken is not None else None
            if old is not None:
                old.deleteLater()
        kind = split_tag(query)
        if query.split and kind:
            self._room.addWidget(tag(query.split.value, kind))  # type: ignore[arg-type]  # one of tag's kinds


class PoolStrip(QWidget):
    """The cards of a pool as small squares, filled as they were judged; `chosen(place)` when one is clicked.

    The fill tells the grade without colour: whole for relevant, half for partly, a line for not, a point for skipped.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: tuple[PoolCard, ...] = ()
        self._current = 0
        self.setFixedHeight(_SIDE + 4)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.events.changed.connect(self.update)

    def show_cards(self, cards: Sequence[PoolCard], current: int) -> None:
        self._cards, self._current = tuple(cards), current
        judged = sum(not card.is_open for card in cards)
        self.setAccessibleName(
            fill(self.tr("Card %1 of %2, %3 judged"), str(current + 1), str(len(cards)), str(judged))
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(len(self._cards) * (_SIDE + _GAP), _SIDE + 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = int((event.position().x() - 2) // self._step())
        if 0 <= place < len(self._cards):
            self.chosen.emit(place)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        step = self._step()
        side = min(_SIDE, step - 2)
        for place, card in enumerate(self._cards):
            square = QRectF(2 + place * step, 2, side, _SIDE)
            painter.setPen(QPen(theme.color("accent" if place == self._current else "line2"), 1))
            painter.setBrush(theme.color("surface"))
            painter.drawRoundedRect(square.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
            self._paint_word(painter, square.adjusted(3, 3, -3, -3), card)
            if place == self._current:
                painter.setPen(QPen(theme.color("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(square, 4, 4)

    def _paint_word(self, painter: QPainter, inside: QRectF, card: PoolCard) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if card.skipped:
            painter.setBrush(theme.color("text3"))
            painter.drawEllipse(inside.center(), 1.5, 1.5)
        elif card.grade is None:
            return
        elif card.grade == NOT:
            painter.setPen(QPen(theme.color("text2"), 1.5))
            middle = inside.center().y()
            painter.drawLine(QPointF(inside.left() + 1, middle), QPointF(inside.right() - 1, middle))
        else:
            painter.setBrush(theme.color("good"))
            half = QRectF(inside.x(), inside.center().y(), inside.width(), inside.height() / 2)
            painter.drawRect(half if card.grade == PARTLY else inside)

    def _step(self) -> float:
        """A pool that is too wide for the row is drawn narrower."""
        return min(_SIDE + _GAP, (self.width() - 4) / max(len(self._cards), 1))


class PassageView(Card):
    """One passage: its name, where it stands, the text with the query's words marked, and the word on it.

    Which system brought it is shown once it is judged, so that nobody is led by it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=16, gap=4, parent=parent)
        head = row()
        self.name = ElidedLabel("", "heading")
        head.addWidget(self.name, 1)
        self.chip = Chip()
        head.addWidget(self.chip)
        self.body.addLayout(head)
        line = row(gap=6)
        self.place = ElidedLabel("", "caption", "text3")
        line.addWidget(self.place, 1)
        self._hidden = Icon("shield", "text3", 12)
        line.addWidget(self._hidden)
        self.source = ElidedLabel("", "caption", "text3")
        self.source.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        line.addWidget(self.source)
        self.body.addLayout(line)
        self.body.addSpacing(8)
        self.text = MarkedText(self.tr("The passage to judge"))
        self.text.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.text.setMaximumWidth(_MEASURE)
        self.body.addWidget(self.text, 1)

    def show_card(self, card: PoolCard, question: str) -> None:
        """Show a passage as an answer to `question`."""
        name = words.plain(card.title, 200)
        self.name.setFont(theme.font("mono" if is_code(name) else "heading", "bold"))
        self.name.setText(name)
        passage = card.passage
        heading = words.plain(passage.heading, 200) if passage.heading.strip() != card.title.strip() else ""
        page = fill(self.tr("page %1"), str(passage.page)) if passage.page else ""
        self.place.setText(" · ".join(part for part in (heading, page) if part))
        text = words.plain(passage.text, lines=True)
        self.text.set_marked(text, compare_texts(question, text).right)
        self.text.verticalScrollBar().setValue(0)
        self.show_word(card)

    def show_word(self, card: PoolCard) -> None:
        """Show what was said of the passage, and by whom it was brought."""
        self.chip.setVisible(not card.is_open)
        self.chip.set_state(*word_of(card))
        self._hidden.setVisible(card.is_open)
        self.source.setText(self.tr("source shown once judged") if card.is_open else self._brought_by(card))

    def _brought_by(self, card: PoolCard) -> str:
        ranks = [("BM25", card.words_rank), (self.tr("model"), card.model_rank)]
        found = [f"{name} {rank}" for name, rank in ranks if rank]
        said = self.tr("judged by hand") if card.source == "hand" else self.tr("judged in the set")
        return " · ".join([*found, *([said] if card.grade is not None else [])])


def word_of(card: PoolCard) -> tuple[str, ChipState]:
    """A card's word as a chip."""
    if card.skipped:
        return words.translated("skipped"), "none"
    if card.grade is None:
        return "", "none"
    if card.grade == NOT:
        return words.translated("not relevant"), "bad"
    if card.grade == PARTLY and card.source == "hand":
        return words.translated("partly relevant"), "warn"
    return words.translated("relevant"), "good"
