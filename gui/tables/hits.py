"""Ranked hits as cards of fixed height: what a card shows, how it is painted, and the list that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from gui import icons, theme, words
from gui.shared_words import Span, shared_spans
from gui.widgets.labels import chip_width, paint_chip

CARD, GAP = 84, 8
_SHOWN = 600
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class HitCard:
    """One hit as it is shown.

    Attributes:
        was: its rank in the other list: 0 not known there, -1 nothing to compare with.
        vote: 1 thumb up, -1 thumb down, 0 none.
    """

    rank: int
    passage_id: int
    title: str
    text: str
    score: float
    spans: tuple[Span, ...] = ()
    was: int = -1
    answer: bool = False
    vote: int = 0


def hit_card(
    query: str,
    *,
    rank: int,
    passage_id: int,
    title: str,
    text: str,
    score: float,
    was: int = -1,
    answer: bool = False,
    vote: int = 0,
) -> HitCard:
    """A card with the words it shares with `query` marked; only the part that can be seen is looked at."""
    shown = words.plain(text, _SHOWN)
    spans = tuple(shared_spans(query, shown))
    return HitCard(rank, passage_id, words.plain(title, 200), shown, score, spans, was, answer, vote)


class HitModel(QAbstractListModel):
    """The hits of one list."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: list[HitCard] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._cards)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._cards):
            return None
        card = self._cards[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return card
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{card.rank}. {card.title}: {card.text}"
        return None

    def cards(self) -> list[HitCard]:
        return self._cards

    def set_cards(self, cards: Sequence[HitCard]) -> None:
        self.beginResetModel()
        self._cards = list(cards)
        self.endResetModel()

    def set_vote(self, passage_id: int, vote: int) -> None:
        for row, card in enumerate(self._cards):
            if card.passage_id == passage_id:
                self._cards[row] = replace(card, vote=vote)
                self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, passage_id: int) -> int:
        """The row of a passage, -1 where it is not in the list."""
        return next((row for row, card in enumerate(self._cards) if card.passage_id == passage_id), -1)


class HitList(QListView):
    """A column of hits, as high as its cards; the page scrolls, not the list."""

    chosen = Signal(int)
    voted = Signal(int, int)

    def __init__(self, name: str, *, votes: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hits = HitModel(self)
        self.setModel(self.hits)
        self.setItemDelegate(_HitDelegate(votes, self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setUniformItemSizes(True)
        self.viewport().setAutoFillBackground(False)
        self.setProperty("cards", True)
        self.setStyleSheet("QListView { background: transparent; }")
        self._votes = votes
        self.selectionModel().currentChanged.connect(self._current_changed)

    def set_cards(self, cards: Sequence[HitCard]) -> None:
        """Show other hits; the passage chosen before stays chosen where it is still there."""
        kept = self.chosen_passage()
        self.selectionModel().blockSignals(True)
        self.hits.set_cards(cards)
        self.selectionModel().blockSignals(False)
        self.setFixedHeight(max(len(cards) * (CARD + GAP), 1))
        self.show_passage(kept)

    def chosen_passage(self) -> int:
        """The passage chosen, 0 for none."""
        card = self.currentIndex().data(Qt.ItemDataRole.UserRole)
        return card.passage_id if isinstance(card, HitCard) else 0

    def show_passage(self, passage_id: int) -> None:
        """Choose a passage without a signal; nothing where it is not in the list."""
        row = self.hits.row_of(passage_id)
        self.selectionModel().blockSignals(True)
        self.setCurrentIndex(self.hits.index(row) if row >= 0 else QModelIndex())
        self.selectionModel().blockSignals(False)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        vote = {"+": 1, "=": 1, "-": -1, words.MINUS: -1}.get(event.text())
        card = self.currentIndex().data(Qt.ItemDataRole.UserRole)
        if self._votes and vote and isinstance(card, HitCard):
            self.voted.emit(card.passage_id, 0 if card.vote == vote else vote)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QEvent) -> None:
        event.ignore()

    def _current_changed(self, current: QModelIndex) -> None:
        card = current.data(Qt.ItemDataRole.UserRole)
        if isinstance(card, HitCard):
            self.chosen.emit(card.passage_id)


class _HitDelegate(QStyledItemDelegate):
    """Paints a hit: rank, title, marks, thumbs, score, two lines of text with shared words marked."""

    def __init__(self, votes: bool, view: HitList) -> None:
        super().__init__(view)
        self._view = view
        self._votes = votes

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, CARD + GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        card = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(card, HitCard):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        rect = _card_rect(option.rect)
        _paint_ground(painter, rect, chosen)
        painter.setFont(theme.font("heading" if card.rank < 100 else "dense"))
        painter.setPen(theme.color("text3"))
        painter.drawText(QRect(rect.left(), rect.top() + 9, 36, 22), Qt.AlignmentFlag.AlignCenter, str(card.rank))
        self._paint_head(painter, rect, card, chosen or over)
        _paint_text(painter, QRectF(rect.left() + 36, rect.top() + 34, rect.width() - 48, 38), card)
        painter.restore()

    def _paint_head(self, painter: QPainter, rect: QRect, card: HitCard, active: bool) -> None:
        line = QRect(rect.left() + 36, rect.top() + 8, rect.width() - 48, 24)
        score = _score(card.score)
        painter.setFont(theme.font("dense"))
        painter.setPen(theme.color("text3"))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, score)
        right = line.right() - QFontMetrics(painter.font()).horizontalAdvance(score) - 8
        if self._votes and (active or card.vote):
            self._paint_thumbs(painter, rect, card, active)
            right = _thumb_rect(rect, 1, card.score).left() - 8
        chip = _moved(card)
        face = theme.font("caption", "bold")
        extra = (chip_width(chip[0], face) + 8 if chip else 0) + (20 if card.answer else 0)
        title_face = _title_font(card.title)
        painter.setFont(title_face)
        painter.setPen(theme.color("text"))
        room = max(right - line.left() - extra, 24)
        title = QFontMetrics(title_face).elidedText(card.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        x = line.left() + QFontMetrics(title_face).horizontalAdvance(title) + 8
        if card.answer:
            icons.draw(painter, QRectF(x, line.center().y() - 6, 12, 12), "marks/done")
            x += 20
        if chip:
            place = QRectF(x, line.top() + 3, chip_width(chip[0], face), 18)
            paint_chip(painter, place, chip[0], chip[1], face)

    def _paint_thumbs(self, painter: QPainter, rect: QRect, card: HitCard, active: bool) -> None:
        for vote, name, token in ((1, "thumb-up", "good"), (-1, "thumb-down", "bad")):
            if not active and card.vote != vote:
                continue
            place = _thumb_rect(rect, vote, card.score)
            given = card.vote == vote
            if given:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color(f"{token}-soft"))
                painter.drawRoundedRect(place, theme.RADIUS_TAG, theme.RADIUS_TAG)
            icons.draw(painter, QRectF(place).adjusted(5, 5, -5, -5), name, token if given else "text2")

    def editorEvent(self, event: QEvent, model: object, option: QStyleOptionViewItem, index: Index) -> bool:
        card = index.data(Qt.ItemDataRole.UserRole)
        if (
            self._votes
            and isinstance(card, HitCard)
            and isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and (vote := self._thumb_at(option, card, event.position().toPoint()))
        ):
            self._view.voted.emit(card.passage_id, 0 if card.vote == vote else vote)
            return True
        return False

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        card = index.data(Qt.ItemDataRole.UserRole)
        vote = self._thumb_at(option, card, event.pos()) if self._votes and isinstance(card, HitCard) else 0
        if vote:
            tip = self.tr("This answers the query (+)") if vote > 0 else self.tr("This does not answer it (−)")
            QToolTip.showText(event.globalPos(), tip, view)
            return True
        return False

    def _thumb_at(self, option: QStyleOptionViewItem, card: HitCard, point: QPoint) -> int:
        rect = _card_rect(option.rect)
        return next((vote for vote in (1, -1) if _thumb_rect(rect, vote, card.score).contains(point)), 0)


def card_middle(row: int) -> float:
    """How far below the list's top the middle of a row's card lies, in pixels."""
    return row * (CARD + GAP) + CARD / 2


def _card_rect(rect: QRect) -> QRect:
    return rect.adjusted(0, 0, 0, -GAP)


def _thumb_rect(rect: QRect, vote: int, score: float) -> QRect:
    width = QFontMetrics(theme.font("dense")).horizontalAdvance(_score(score))
    left = rect.right() - 12 - width - 8 - (24 if vote < 0 else 56)
    return QRect(left, rect.top() + 8, 24, 24)


def _paint_ground(painter: QPainter, rect: QRect, chosen: bool) -> None:
    painter.setBrush(theme.color("surface"))
    painter.setPen(QPen(theme.color("accent" if chosen else "line"), 2 if chosen else 1))
    inset = 1.0 if chosen else 0.5
    painter.drawRoundedRect(QRectF(rect).adjusted(inset, inset, -inset, -inset), theme.RADIUS_CARD, theme.RADIUS_CARD)


def _paint_text(painter: QPainter, room: QRectF, card: HitCard) -> None:
    """Two lines of text with shared words on a ground of their own; what does not fit ends in …"""
    face = theme.font("dense")
    metrics = QFontMetrics(face)
    layout = QTextLayout(card.text, face)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.setFormats([_mark(start, end) for start, end in card.spans])
    layout.beginLayout()
    starts = []
    for position in range(2):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(room.width())
        line.setPosition(room.topLeft() + QPoint(0, 19 * position).toPointF())
        starts.append((line.textStart(), line.textLength()))
    layout.endLayout()
    painter.setPen(theme.color("text2"))
    rest = len(starts) == 2 and sum(starts[1]) < len(card.text)
    for position in range(len(starts) - (1 if rest else 0)):
        layout.lineAt(position).draw(painter, QRectF(0, 0, 0, 0).topLeft())
    if rest:
        _paint_last(painter, room, card, starts[1][0], metrics)


def _paint_last(painter: QPainter, room: QRectF, card: HitCard, start: int, metrics: QFontMetrics) -> None:
    shown = metrics.elidedText(card.text[start:], Qt.TextElideMode.ElideRight, int(room.width()))
    layout = QTextLayout(shown, theme.font("dense"))
    kept = len(shown) - 1
    layout.setFormats(
        [_mark(max(a - start, 0), min(b - start, kept)) for a, b in card.spans if b > start and a - start < kept]
    )
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(room.width() + 40)
    line.setPosition(room.topLeft() + QPoint(0, 19).toPointF())
    layout.endLayout()
    line.draw(painter, QRectF(0, 0, 0, 0).topLeft())


def _mark(start: int, end: int) -> QTextLayout.FormatRange:
    mark = QTextLayout.FormatRange()
    mark.start, mark.length = start, end - start
    style = QTextCharFormat()
    style.setBackground(theme.color("mark"))
    style.setForeground(theme.color("text"))
    mark.format = style
    return mark


def _title_font(title: str) -> QFont:
    dotted = "." in title and " " not in title and title.isascii()
    return theme.font("mono" if dotted else "body", "bold")


def _score(score: float) -> str:
    """Cosines as .694, BM25 sums as 12.4."""
    if abs(score) < 1:
        return f"{score:.3f}".replace("0.", ".", 1).replace("-", words.MINUS)
    return words.decimal(score, 1 if abs(score) >= 10 else 2)


def _moved(card: HitCard) -> tuple[str, str] | None:
    if card.was < 0 or card.was == card.rank:
        return None
    if card.was == 0:
        return QCoreApplication.translate("hits", "new"), "accent"
    step = card.was - card.rank
    return (str(step), "up") if step > 0 else (str(-step), "down")
