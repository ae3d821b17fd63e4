"""What pages are built from: cards, page heads, rows of facts, empty states, error panels and the inspector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui import icons, theme
from gui.widgets.buttons import Button, IconButton
from gui.widgets.labels import ElidedLabel, Icon, Link, MarkState, StateMark, label, paint_dashes, set_tone

CardKind = Literal["true", "error", "chosen", "inset", "dashed", "drop"]


def column(
    parent: QWidget | None = None, *, margins: tuple[int, int, int, int] = (0, 0, 0, 0), gap: int = 0
) -> QVBoxLayout:
    """A vertical layout with no margins but those named."""
    made = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    made.setContentsMargins(*margins)
    made.setSpacing(gap)
    return made


def row(
    parent: QWidget | None = None, *, margins: tuple[int, int, int, int] = (0, 0, 0, 0), gap: int = 8
) -> QHBoxLayout:
    """A horizontal layout with no margins but those named."""
    made = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    made.setContentsMargins(*margins)
    made.setSpacing(gap)
    return made


def rule(direction: Literal["h", "v"] = "h", parent: QWidget | None = None) -> QFrame:
    """A hairline."""
    made = QFrame(parent)
    made.setProperty("rule", direction)
    return made


class Card(QFrame):
    """A white ground with a hairline and round corners; add to `body`.

    Args:
        title: where given, a head of 40 px with `title`, a quiet `fact` and room for actions (`head`).
        pad: margin of the body.
        divided: a hairline between head and body.
    """

    def __init__(
        self,
        title: str = "",
        fact: str = "",
        *,
        pad: int = theme.PAD,
        gap: int = 8,
        divided: bool = True,
        kind: CardKind = "true",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", kind)
        outer = column(self, margins=(1, 1, 1, 1))
        self.head = row(margins=(16, 0, 16, 0))
        self.title = label(title, "body", weight="bold")
        self.fact = ElidedLabel(fact, "body", "text2")
        if title:
            bar = QWidget(self)
            bar.setFixedHeight(40)
            bar.setLayout(self.head)
            self.head.addWidget(self.title)
            self.head.addWidget(self.fact, 1)
            outer.addWidget(bar)
            if divided:
                self._divider = rule()
                outer.addWidget(self._divider)
        self.body = column(margins=(pad, pad, pad, pad), gap=gap)
        outer.addLayout(self.body, 1)

    def set_kind(self, kind: CardKind) -> None:
        """Show the card as plain, chosen, wrong, inset or ready to take a drop."""
        if self.property("card") != kind:
            self.setProperty("card", kind)
            self.style().unpolish(self)
            self.style().polish(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        kind = self.property("card")
        if kind in ("dashed", "drop"):
            over = kind == "drop"
            place = QRectF(self.rect())
            paint_dashes(
                QPainter(self), place, "accent" if over else "text3", theme.RADIUS_CARD, "accent-soft" if over else ""
            )
        super().paintEvent(event)


class PageHead(QWidget):
    """The line on top of a page: its title, one fact, and its actions at the right (56 px)."""

    def __init__(
        self, title: str, fact: str = "", actions: Sequence[QWidget] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.HEAD)
        line = row(self, margins=(theme.MARGIN, 0, theme.MARGIN, 0))
        self._title = label(title, "title")
        self._fact = ElidedLabel(fact, "body", "text2")
        line.addWidget(self._title)
        line.addSpacing(4)
        self.extra = row()
        line.addLayout(self.extra)
        line.addWidget(self._fact, 1)
        self._actions = row()
        line.addLayout(self._actions)
        self._line = line
        for action in actions:
            self.add_action(action)

    def set_fact(self, fact: str) -> None:
        self._fact.setText(fact)

    def set_title(self, title: str) -> None:
        self._title.setText(title)

    def add_action(self, widget: QWidget) -> None:
        """Put a widget at the right end; the primary button comes last."""
        self._actions.addWidget(widget)

    def add_last(self, widget: QWidget) -> None:
        """Put a widget behind all actions."""
        self._line.addWidget(widget)


class InfoRow(QWidget):
    """A fact's name at the left, its value at the right."""

    def __init__(
        self, name: str, value: str = "", *, tone: str = "text", mono: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setMinimumHeight(28)
        line = row(self)
        line.addWidget(label(name, "body", "text2"))
        line.addStretch(1)
        mode = Qt.TextElideMode.ElideMiddle
        self._value = ElidedLabel(value, "mono" if mono else "body", tone, weight="medium", mode=mode)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._value.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        line.addWidget(self._value)
        self._name = name
        self.set_value(value)

    def set_value(self, value: str, tone: str = "") -> None:
        self._value.setText(value)
        self.setAccessibleName(f"{self._name}: {value}")
        if tone:
            set_tone(self._value, tone)


class Figure(QWidget):
    """A large number with a caption above or below: 2,140, questions to learn from."""

    def __init__(
        self, value: str, caption: str, note: str = "", *, above: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        stack = column(self)
        self._value = label(value, "figure")
        self._caption = label(caption, "caption", "text3")
        self._note = label(note, "caption", "text2")
        self._note.setVisible(bool(note))
        for part in (self._caption, self._value) if above else (self._value, self._caption):
            stack.addWidget(part)
        stack.addWidget(self._note)

    def value(self) -> str:
        """The number as it is shown."""
        return self._value.text()

    def set_value(self, value: str, note: str | None = None) -> None:
        self._value.setText(value)
        if note is not None:
            self._note.setText(note)
            self._note.setVisible(bool(note))


class IconTile(QWidget):
    """An icon on a soft round square; opens cards and empty states."""

    def __init__(self, name: str, side: int = 40, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent-soft"))
        corner = 12 if self.width() > 40 else 8
        painter.drawRoundedRect(self.rect(), corner, corner)
        half = self.width() / 4
        place = QRectF(half, half, self.width() - 2 * half, self.width() - 2 * half)
        icons.draw(painter, place, self._name, "accent-ink")


class EmptyState(QWidget):
    """What a page is for, before there is anything on it: icon, a line, a sentence, one button, perhaps a link."""

    def __init__(
        self,
        icon_name: str,
        title: str,
        sentence: str,
        button: Button | None = None,
        link: Link | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        stack = column(self, margins=(24, 24, 24, 24))
        middle = Qt.AlignmentFlag.AlignHCenter
        stack.addStretch(2)
        stack.addWidget(IconTile(icon_name, 48), 0, middle)
        stack.addSpacing(12)
        self._title = label(title, "heading")
        stack.addWidget(self._title, 0, middle)
        stack.addSpacing(4)
        self._sentence = label(sentence, "body", "text2", wrap=True)
        self._sentence.setAlignment(middle)
        self._sentence.setFixedWidth(360)
        stack.addWidget(self._sentence, 0, middle)
        self.set_words(title, sentence)
        if button is not None:
            stack.addSpacing(16)
            stack.addWidget(button, 0, middle)
        if link is not None:
            stack.addSpacing(8)
            stack.addWidget(link, 0, middle)
        stack.addStretch(3)

    def set_words(self, title: str, sentence: str) -> None:
        self._title.setText(title)
        self._sentence.setText(sentence)
        # A label that wraps and stands in the middle is given the height of one line.
        self._sentence.setMinimumHeight(max(self._sentence.heightForWidth(360), 0))


class ErrorPanel(QFrame):
    """What happened, where, what was kept and what to do; details fold out and can be copied."""

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "error")
        outer = row(self, margins=(16, 14, 12, 14), gap=12)
        outer.addWidget(StateMark("problem", 14), 0, Qt.AlignmentFlag.AlignTop)
        stack = column(gap=4)
        outer.addLayout(stack, 1)
        self._title = label("", "body", weight="bold", wrap=True)
        self._where = label("", "dense", "text2", wrap=True)
        self._kept = label("", "dense", "text", weight="medium", wrap=True)
        for part in (self._title, self._where, self._kept):
            stack.addWidget(part)
        self._actions = row(margins=(0, 8, 0, 0))
        stack.addLayout(self._actions)
        self._details_button = Button(self.tr("Details"), "flat", size="small")
        self._details_button.clicked.connect(self._toggle_details)
        self._copy = Button(self.tr("Copy"), "flat", icon_name="copy", size="small")
        self._copy.clicked.connect(self._copy_details)
        self._close = IconButton("close", self.tr("Dismiss"), size="small")
        self._close.clicked.connect(self._dismiss)
        self._details = QPlainTextEdit(self)
        self._details.setReadOnly(True)
        self._details.setFont(theme.font("mono"))
        self._details.setFixedHeight(140)
        self._details.setAccessibleName(self.tr("Details of the problem"))
        stack.addWidget(self._details)
        stack.addStretch(1)
        outer.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_error(
        self, title: str, where: str = "", *, kept: str = "", details: str = "", actions: Sequence[Button] = ()
    ) -> None:
        """Show the panel. `where` says the place and the way out, `kept` what is safe."""
        for part, text in ((self._title, title), (self._where, where), (self._kept, kept)):
            part.setText(text)
            part.setVisible(bool(text))
        while self._actions.count():
            taken = self._actions.takeAt(0)
            old = taken.widget() if taken is not None else None
            if old is not None and old not in (self._details_button, self._copy):
                old.deleteLater()
        for action in actions:
            self._actions.addWidget(action)
        self._actions.addStretch(1)
        self._actions.addWidget(self._copy)
        self._actions.addWidget(self._details_button)
        self._details.setPlainText(details)
        self._details.hide()
        self._copy.setVisible(bool(details))
        self._details_button.setVisible(bool(details))
        self.setAccessibleName(f"{title} {where} {kept}".strip())
        self.show()

    def _toggle_details(self) -> None:
        self._details.setVisible(not self._details.isVisible())

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(
            f"{self._title.text()}\n{self._where.text()}\n\n{self._details.toPlainText()}"
        )

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()


class Inspector(QFrame):
    """The pane at the right that shows the whole of what is selected; 304 px, folds away in narrow windows.

    `folded`: it lay over the page and was folded away, by its button or with Escape.
    """

    folded = Signal()

    def __init__(self, title: str = "", fact: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector")
        self.setMinimumWidth(240)
        self.setMaximumWidth(theme.INSPECTOR_MAX)
        outer = column(self)
        head = QFrame(self)
        head.setObjectName("inspectorHead")
        head.setFixedHeight(theme.HEAD)
        self.head = row()
        words = column(gap=0)
        self._title = ElidedLabel(title, "body", weight="bold")
        self._fact = ElidedLabel(fact, "caption", "text2")
        self._fact.setVisible(bool(fact))
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._fact)
        words.addStretch(1)
        self.head.addLayout(words, 1)
        self._fold = IconButton("close", self.tr("Hide details"), size="small")
        self._fold.clicked.connect(self.folded)
        self._fold.hide()
        frame = row(head, margins=(16, 0, 12, 0))
        frame.addLayout(self.head, 1)
        frame.addWidget(self._fold)
        outer.addWidget(head)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content = QWidget()
        self.body = column(content, margins=(16, 16, 16, 16), gap=8)
        self._scroll.setWidget(content)
        outer.addWidget(self._scroll, 1)
        self.setAccessibleName(title)

    def set_title(self, title: str, fact: str = "", *, mono: bool = False) -> None:
        self._title.setFont(theme.font("mono" if mono else "body", "bold"))
        self._title.setText(title)
        self._fact.setText(fact)
        self._fact.setVisible(bool(fact))
        self.setAccessibleName(title)

    def set_foldable(self, foldable: bool) -> None:
        """Lying over the page, it can be folded away."""
        self._fold.setVisible(foldable)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._fold.isHidden():
            self.folded.emit()
        else:
            super().keyPressEvent(event)

    def clear(self) -> None:
        """Take everything out of the body."""
        empty(self.body)

    def add_caption(self, text: str) -> QLabel:
        made = label(text, "caption", "text3")
        self.body.addWidget(made)
        return made


class Drawer(Card):
    """A card that folds to its 40 px head, which keeps the outcome in words."""

    toggled = Signal(bool)

    def __init__(
        self, icon_name: str, title: str, fact: str = "", *, open_: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, fact, pad=0, parent=parent)
        self.head.insertWidget(0, Icon(icon_name, "text"))
        self._fold = IconButton("chevron-down", self.tr("Fold or unfold"), size="small")
        self._fold.clicked.connect(lambda: self.set_open(not self.is_open()))
        self.head.addWidget(self._fold)
        self.content = QWidget(self)
        self.content_layout = column(self.content, margins=(theme.PAD,) * 4, gap=8)
        self.body.addWidget(self.content)
        self.set_open(open_)

    def is_open(self) -> bool:
        return not self.content.isHidden()

    def set_open(self, open_: bool) -> None:
        self.content.setVisible(open_)
        self._divider.setVisible(open_)
        self._fold.set_icon_name("chevron-down" if open_ else "chevron-up")
        self.setSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred if open_ else QSizePolicy.Policy.Maximum
        )
        self.toggled.emit(open_)


class Fact(QWidget):
    """A row of a list: mark, name, sentence, and what is at its end."""

    def __init__(
        self, state: MarkState, name: str, sentence: str, *, name_width: int = 104, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.line = row(self, margins=(16, 6, 16, 6), gap=12)
        self.mark = StateMark(state, 14)
        self.line.addWidget(self.mark)
        self.name = label(name, "body", weight="medium")
        if name_width:
            self.name.setFixedWidth(name_width)
        self.line.addWidget(self.name)
        self.sentence = label(sentence, "body", "text2", wrap=True)
        self.line.addWidget(self.sentence, 1)
        self.setAccessibleName(f"{name}: {sentence}")


def empty(layout: QLayout) -> None:
    """Take every widget out of a layout and let it go."""
    while layout.count():
        taken = layout.takeAt(0)
        widget = taken.widget() if taken is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def scroller(content: QWidget) -> QScrollArea:
    """A vertical scroll area around `content`, without a frame."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area
