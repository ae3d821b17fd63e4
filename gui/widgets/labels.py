"""Small pieces of text: labels, chips, tags, key caps, links and state marks. All take plain text only."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from gui import icons, theme, words
from gui.theme import FontRole
from gui.widgets.paragraph import Paragraph

ChipState = Literal["good", "bad", "warn", "accent", "none", "up", "down"]
MarkState = Literal["none", "ready", "running", "done", "stale", "problem"]

# state: (text colour, ground, shape)
CHIPS: dict[str, tuple[str, str, str]] = {
    "good": ("good", "good-soft", "chip-check"),
    "bad": ("bad", "bad-soft", "chip-cross"),
    "warn": ("warn", "warn-soft", "chip-diamond"),
    "accent": ("accent-ink", "accent-soft", "chip-ring"),
    "none": ("text2", "hover", "chip-dash"),
    "up": ("accent-ink", "accent-soft", "chip-up"),
    "down": ("text2", "hover", "chip-down"),
}


def label(
    text: str = "",
    role: FontRole = "body",
    tone: str = "text",
    *,
    weight: Literal["", "regular", "medium", "bold"] = "",
    wrap: bool = False,
    parent: QWidget | None = None,
) -> QLabel:
    """A plain-text label in a type role and a colour of the theme."""
    if wrap:
        return Paragraph(text, role, tone, weight, parent)
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setFont(theme.font(role, weight))
    made.setProperty("tone", tone)
    return made


def set_tone(widget: QLabel, tone: str) -> None:
    """Give a label another colour of the theme."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()


def key_cap(keys: str, parent: QWidget | None = None) -> QLabel:
    """A small drawn key, e.g. `Ctrl K`."""
    cap = label(keys, "caption", "text2", parent=parent)
    cap.setProperty("keycap", True)
    cap.setAlignment(Qt.AlignmentFlag.AlignCenter)
    cap.setFixedSize(max(cap.sizeHint().width(), QFontMetrics(cap.font()).horizontalAdvance(keys) + 10, 18), 18)
    return cap


def tag(text: str, kind: Literal["plain", "dashed", "accent"] = "plain", parent: QWidget | None = None) -> QLabel:
    """A small outlined word, e.g. a split: train plain, dev dashed, test accent."""
    made = _Tag(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setFont(theme.font("caption", "regular"))
    made.setProperty("tagged", kind)
    made.setFixedHeight(18)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made


class _Tag(QLabel):
    """Its outline comes from the style sheet, dashes are painted."""

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.property("tagged") == "dashed":
            paint_dashes(QPainter(self), QRectF(self.rect()), "text3", theme.RADIUS_TAG)
        super().paintEvent(event)


def paint_dashes(painter: QPainter, rect: QRectF, token: str, radius: int, ground: str = "") -> None:
    """A dashed outline with round corners; a style sheet draws dashes of one pixel as dots."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(theme.color(token), 1)
    pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.setBrush(theme.color(ground) if ground else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


class _Elided(QLabel):
    """Shortens its words with … to its width; the whole is in the tooltip."""

    _mode = Qt.TextElideMode.ElideRight
    _whole = ""

    def setText(self, text: str) -> None:
        if text != self._whole:
            self._whole = text
            self.updateGeometry()
            self._elide()

    def text(self) -> str:
        """The whole text, however short it is drawn."""
        return self._whole

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance(self._whole) + 2
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24 if self._whole else 0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._whole, self._mode, max(self.contentsRect().width(), 24))
        super().setText(shown)
        self.setToolTip(words.tip(self._whole) if shown != self._whole else "")
        self.setAccessibleName(self._whole)


class ElidedLabel(_Elided):
    """A label that shortens its text with … to its width; the whole is in the tooltip."""

    def __init__(
        self,
        text: str = "",
        role: FontRole = "body",
        tone: str = "text",
        *,
        weight: Literal["", "regular", "medium", "bold"] = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole = text
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(role, weight))
        self.setProperty("tone", tone)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._elide()


class Link(QLabel):
    """A word to click: accent ink, underlined under the pointer, reached by Tab."""

    clicked = Signal()

    def __init__(
        self, text: str, role: FontRole = "body", parent: QWidget | None = None, *, accessible: str = ""
    ) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(role, "medium"))
        self.setProperty("tone", "accent-ink")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(accessible or text)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)

    def click(self) -> None:
        self.clicked.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._underline(True)

    def leaveEvent(self, event: QEvent) -> None:
        self._underline(False)

    def _underline(self, on: bool) -> None:
        face = QFont(self.font())
        face.setUnderline(on)
        self.setFont(face)


class ElidedLink(_Elided, Link):
    """A link that shortens its words with … to its width; the whole is in the tooltip."""

    def __init__(self, text: str, role: FontRole = "body", parent: QWidget | None = None) -> None:
        super().__init__("", role, parent)
        self.setText(text)


class Chip(QWidget):
    """A state in a word, with the shape that says the same without colour."""

    def __init__(self, text: str = "", state: ChipState = "none", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = text
        self._state: ChipState = state
        self.setFont(theme.font("caption", "bold"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_state(text, state)

    def set_state(self, text: str, state: ChipState) -> None:
        self._text, self._state = text, state
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def text(self) -> str:
        return self._text

    def sizeHint(self) -> QSize:
        return QSize(chip_width(self._text, self.font()), 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_chip(painter, QRectF(self.rect()), self._text, self._state, self.font())


def chip_width(text: str, face: QFont) -> int:
    """Pixels a chip needs for `text`."""
    return QFontMetrics(face).horizontalAdvance(text) + 6 + 8 + 4 + 8


def paint_chip(painter: QPainter, rect: QRectF, text: str, state: str, face: QFont) -> None:
    """Draw a chip (also for delegates): a round ground, the shape, the word."""
    ink, ground, shape = CHIPS[state]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(ground))
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    icons.draw(painter, QRectF(rect.x() + 6, rect.center().y() - 4, 8, 8), f"marks/{shape}", ink)
    painter.setFont(face)
    painter.setPen(theme.color(ink))
    painter.drawText(rect.adjusted(18, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.restore()


class StateMark(QWidget):
    """How far a stage is: none, ready, running (turning), done, stale or problem."""

    def __init__(self, state: MarkState = "none", size: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: MarkState = state
        self._angle = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._turn)
        self.setFixedSize(size, size)
        self.set_state(state)

    def state(self) -> MarkState:
        return self._state

    def set_state(self, state: MarkState) -> None:
        self._state = state
        self.setAccessibleName(state)
        if state == "running":
            self._timer.start()
        else:
            self._timer.stop()
            self._angle = 0.0
        self.update()

    def _turn(self) -> None:
        self._angle = (self._angle + 18) % 360
        if self.isVisible():
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        icons.draw(painter, QRectF(self.rect()), f"marks/{self._state}", "text2", self._angle)


class Icon(QWidget):
    """An icon that stands by itself, e.g. at the head of a row."""

    def __init__(self, name: str, token: str = "text3", size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._token = name, token
        self.setFixedSize(size, size)

    def set_icon(self, name: str, token: str) -> None:
        self._name, self._token = name, token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        icons.draw(QPainter(self), QRectF(self.rect()), self._name, self._token)
