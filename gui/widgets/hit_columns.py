"""Two ranked lists side by side, with lines between the places of the same passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from gui import theme
from gui.tables.hits import CARD, GAP, HitCard, HitList, card_middle
from gui.widgets.cards import column, row
from gui.widgets.labels import ElidedLabel

GUTTER = 56
Kind = Literal["rose", "fell", "same", "below"]


@dataclass(frozen=True, slots=True)
class Link:
    """A passage in both lists: its row at the left (-1: below what is shown) and at the right."""

    left: int
    right: int
    kind: Kind


def links_between(left: Sequence[int], right: Sequence[int], left_ranks: Mapping[int, int]) -> list[Link]:
    """Lines from where passages stand at the left to where they stand at the right.

    Args:
        left, right: passage ids as shown, best first.
        left_ranks: rank (from 1) of passages in the whole left list, also of those below what is shown.
    """
    places = {passage_id: position for position, passage_id in enumerate(left)}
    found = []
    for position, passage_id in enumerate(right):
        before = places.get(passage_id)
        if before is None:
            if passage_id in left_ranks:
                found.append(Link(-1, position, "below"))
            continue
        kind: Kind = "same" if before == position else "rose" if before > position else "fell"
        found.append(Link(before, position, kind))
    return found


class Gutter(QWidget):
    """The painted space between two lists: accent for what rose, grey for what fell, dashed from below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._links: list[Link] = []
        self._strong = -1
        self.setFixedWidth(GUTTER)

    def links(self) -> list[Link]:
        return self._links

    def set_links(self, links: Sequence[Link]) -> None:
        self._links = list(links)
        self.update()

    def set_strong(self, right_row: int) -> None:
        """Draw the line to this row at the right stronger than the others; -1 for none."""
        if right_row != self._strong:
            self._strong = right_row
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for link in sorted(self._links, key=lambda link: link.right == self._strong):
            self._paint_link(painter, link)

    def _paint_link(self, painter: QPainter, link: Link) -> None:
        strong = link.right == self._strong
        token = {"rose": "tuned", "below": "tuned", "fell": "base", "same": "line2"}[link.kind]
        end = QPointF(GUTTER - 3, card_middle(link.right))
        start = QPointF(3, card_middle(link.left) if link.left >= 0 else self.height() - 8)
        if link.left < 0 and not strong:
            # Many passages rise from below what is shown: only the chosen one is drawn all the way.
            start = QPointF(GUTTER / 2, end.y() + 30)
        path = QPainterPath(start)
        middle = (start.x() + end.x()) / 2
        first = QPointF(start.x(), end.y()) if start.x() > GUTTER / 3 else QPointF(middle, start.y())
        path.cubicTo(first, QPointF(middle, end.y()), end)
        pen = QPen(theme.color(token), 2.5 if strong else 1.5)
        if link.left < 0:
            pen.setDashPattern([5 / pen.widthF(), 4 / pen.widthF()])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        painter.setPen(QPen(theme.color(token), 1.5))
        painter.setBrush(theme.color("bg") if link.left < 0 else theme.color(token))
        if link.left >= 0 or strong:
            painter.drawEllipse(start, 2.5, 2.5)
        painter.setBrush(theme.color(token))
        painter.drawEllipse(end, 2.5, 2.5)


class HitColumns(QWidget):
    """Two columns of hits under a head each, scrolling together.

    `chosen` names the side (0 left, 1 right) and the passage; `voted` the passage, the vote and the side.
    """

    chosen = Signal(int, int)
    voted = Signal(int, int, int)

    def __init__(
        self, left_head: QWidget, right_head: QWidget, *, votes: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.left = HitList(self.tr("Left list of hits"), votes=votes)
        self.right = HitList(self.tr("Right list of hits"), votes=votes)
        self.gutter = Gutter()
        self._ranks: Mapping[int, int] = {}
        self._note = ElidedLabel("", "dense", "text2")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._note.setFixedHeight(24)
        self._build(left_head, right_head)
        for side, hits in enumerate((self.left, self.right)):
            hits.chosen.connect(lambda passage_id, side=side: self._chosen(side, passage_id))
            hits.voted.connect(lambda passage_id, vote, side=side: self.voted.emit(passage_id, vote, side))

    def _build(self, left_head: QWidget, right_head: QWidget) -> None:
        stack = column(self)
        heads = row(gap=0)
        heads.addWidget(left_head, 1)
        self._head_gap = QWidget()
        self._head_gap.setFixedSize(GUTTER, 36)
        heads.addWidget(self._head_gap)
        heads.addWidget(right_head, 1)
        self._right_head = right_head
        stack.addLayout(heads)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        line = row(content, gap=0)
        sides = column()
        sides.addWidget(self.left)
        sides.addWidget(self._note)
        sides.addStretch(1)
        line.addLayout(sides, 1)
        line.addWidget(self.gutter, 0, Qt.AlignmentFlag.AlignTop)
        right = column()
        right.addWidget(self.right)
        right.addStretch(1)
        line.addLayout(right, 1)
        self._scroll.setWidget(content)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        stack.addWidget(self._scroll, 1)

    def set_hits(self, left: Sequence[HitCard], right: Sequence[HitCard], left_ranks: Mapping[int, int]) -> None:
        """Show two lists; `left_ranks` as in `links_between`."""
        self._ranks = left_ranks
        self.left.set_cards(left)
        self.right.set_cards(right)
        self.gutter.setFixedHeight(max(len(left), len(right), 1) * (CARD + GAP) + 16)
        self.gutter.set_links(links_between([c.passage_id for c in left], [c.passage_id for c in right], left_ranks))
        self._follow(self.right.chosen_passage() or self.left.chosen_passage())

    def set_two(self, two: bool) -> None:
        """Show both columns, or only the left one."""
        for widget in (self.right, self.gutter, self._right_head, self._head_gap, self._note):
            widget.setVisible(two)

    def choose(self, passage_id: int) -> None:
        """Choose a passage in both lists, without a signal."""
        self.left.show_passage(passage_id)
        self.right.show_passage(passage_id)
        self._follow(passage_id)

    def set_vote(self, passage_id: int, vote: int) -> None:
        for hits in (self.left, self.right):
            hits.hits.set_vote(passage_id, vote)

    def note(self) -> str:
        return self._note.text()

    def _chosen(self, side: int, passage_id: int) -> None:
        self.choose(passage_id)
        view = (self.left, self.right)[side]
        top = view.hits.row_of(passage_id) * (CARD + GAP)
        self._scroll.ensureVisible(0, top, 0, 0)
        self._scroll.ensureVisible(0, top + CARD, 0, GAP)
        self.chosen.emit(side, passage_id)

    def _follow(self, passage_id: int) -> None:
        place = self.right.hits.row_of(passage_id)
        self.gutter.set_strong(place)
        if place < 0 or self.left.hits.row_of(passage_id) >= 0:
            self._note.setText("")
            return
        title = self.right.hits.cards()[place].title
        rank = self._ranks.get(passage_id)
        if rank:
            self._note.setText(self.tr("%1 is at rank %2").replace("%2", str(rank)).replace("%1", title))
        elif self._ranks:
            deepest = max(self._ranks.values())
            self._note.setText(self.tr("%1 is below rank %2").replace("%2", str(deepest)).replace("%1", title))
