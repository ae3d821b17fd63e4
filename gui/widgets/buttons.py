"""Buttons of every rank and size, with icons and key caps, and the segmented control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from gui import icons, theme

Kind = Literal["primary", "plain", "soft", "flat", "danger"]
Size = Literal["small", "normal", "large"]

_HEIGHT = {"small": theme.BUTTON_SMALL, "normal": theme.BUTTON, "large": theme.BUTTON_LARGE}
_SIDE = {"small": 8, "normal": 12, "large": 16}


class Button(QPushButton):
    """A push button drawn by us.

    Args:
        kind: `primary` (one a page), `plain`, `soft`, `flat` or `danger`.
        icon_name: an icon before the words; `after` puts it behind them, at the right edge.
        keys: shown as a key cap and bound as a shortcut where `bind` is true.
    """

    def __init__(
        self,
        text: str = "",
        kind: Kind = "plain",
        *,
        icon_name: str = "",
        after: str = "",
        size: Size = "normal",
        keys: str = "",
        bind: bool = False,
        accessible: str = "",
        tooltip: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._kind: Kind = kind
        self._icon_name, self._after = icon_name, after
        self._size: Size = size
        self._keys = keys
        self._reason = ""
        self.setFont(theme.font("dense" if size == "small" else "body", "bold" if kind in _BOLD else "medium"))
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(accessible or text or tooltip)
        self.setToolTip(tooltip)
        if bind and keys:
            self.setShortcut(QKeySequence(keys))

    def set_kind(self, kind: Kind) -> None:
        self._kind = kind
        self.setFont(theme.font("dense" if self._size == "small" else "body", "bold" if kind in _BOLD else "medium"))
        self.update()

    def set_icon_name(self, name: str) -> None:
        self._icon_name = name
        self.updateGeometry()
        self.update()

    def set_after(self, name: str) -> None:
        """Another icon behind the words."""
        self._after = name
        self.update()

    def setText(self, text: str) -> None:
        super().setText(text)
        if text:
            self.setAccessibleName(text)
        self.updateGeometry()

    def set_possible(self, possible: bool, reason: str = "") -> None:
        """Enable the button, or disable it with the reason as its label (what to do first)."""
        self._reason = "" if possible else reason
        self.setEnabled(possible)
        self.setAccessibleDescription(self._reason)
        self.updateGeometry()
        self.update()

    def shown_text(self) -> str:
        return self._reason or self.text()

    def sizeHint(self) -> QSize:
        height = _HEIGHT[self._size]
        words = self.shown_text()
        if not words:
            return QSize(height, height)
        width = 2 * _SIDE[self._size] + QFontMetrics(self.font()).horizontalAdvance(words) + 2
        width += self._glyph() + 6 if self._icon_name else 0
        width += self._glyph() + 12 if self._after else 0
        width += self._cap_width() + 6 if self._keys else 0
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter works as Space does, in pages as in dialogs."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.hasFocus():
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self._paint_ground(painter)
        self._paint_content(painter, ink)

    def _paint_ground(self, painter: QPainter) -> str:
        fill, border, ink = self._colours()
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(theme.color(fill) if fill else Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color(border), 1) if border else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(rect, theme.RADIUS_BUTTON, theme.RADIUS_BUTTON)
        return ink

    def _colours(self) -> tuple[str, str, str]:
        """Fill, border and ink of now; empty for none."""
        over = self.underMouse() or self.isDown()
        if not self.isEnabled():
            return ("", "", "text3") if self._kind == "flat" else ("inset", "line", "text3")
        if self.isCheckable() and self.isChecked():
            return "select", "accent-line", "accent-ink"
        return {
            "primary": ("accent-hover" if over else "accent", "", "on-accent"),
            "plain": ("hover" if over else "surface", "line2", "text"),
            "soft": ("mark" if over else "accent-soft", "", "accent-ink"),
            "flat": ("track" if over else "", "", "text" if over else "text2"),
            "danger": ("bad-soft" if over else "surface", "line2", "bad"),
        }[self._kind]

    def _paint_content(self, painter: QPainter, ink: str) -> None:
        words, glyph = self.shown_text(), self._glyph()
        middle = self.height() / 2
        if not words:
            icons.draw(
                painter, QRectF((self.width() - glyph) / 2, middle - glyph / 2, glyph, glyph), self._icon_name, ink
            )
            return
        side = _SIDE[self._size]
        content = self.sizeHint().width() - 2 * side
        x = float(side) if self._after else (self.width() - content) / 2
        if self._keys:
            x = self._paint_cap(painter, x, middle) + 6
        if self._icon_name:
            icons.draw(painter, QRectF(x, middle - glyph / 2, glyph, glyph), self._icon_name, ink)
            x += glyph + 6
        right = self.width() - side - (glyph + 6 if self._after else 0)
        room = QRectF(x, 0, max(right - x + 4, 0), self.height())
        face, shown = self._fitted(words, int(room.width()) + 1)
        painter.setFont(face)
        painter.setPen(theme.color(ink))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        if self._after:
            place = QRectF(self.width() - side - glyph, middle - glyph / 2, glyph, glyph)
            icons.draw(painter, place, self._after, ink)

    def shows_all(self) -> bool:
        """Whether the words have room as the button stands, if need be in smaller type."""
        beside = self.sizeHint().width() - QFontMetrics(self.font()).horizontalAdvance(self.shown_text())
        return self._fitted(self.shown_text(), self.width() - beside)[1] == self.shown_text()

    def _fitted(self, words: str, room: int) -> tuple[QFont, str]:
        """Words for a room of so many pixels: as they are, or in smaller type (some faces are wide), or cut."""
        face, least = QFont(self.font()), theme.font("caption").pixelSize()
        while QFontMetrics(face).horizontalAdvance(words) > room and face.pixelSize() > least:
            face.setPixelSize(face.pixelSize() - 1)
        return face, QFontMetrics(face).elidedText(words, Qt.TextElideMode.ElideRight, room)

    def _paint_cap(self, painter: QPainter, x: float, middle: float) -> float:
        cap = QRectF(x + 0.5, middle - 8.5, self._cap_width() - 1, 17)
        painter.setBrush(theme.color("inset"))
        painter.setPen(QPen(theme.color("line2"), 1))
        painter.drawRoundedRect(cap, theme.RADIUS_TAG, theme.RADIUS_TAG)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("text2"))
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, self._keys)
        return cap.right()

    def _glyph(self) -> int:
        return 14 if self._size == "small" else 16

    def _cap_width(self) -> int:
        return max(18, QFontMetrics(theme.font("caption")).horizontalAdvance(self._keys) + 10)


_BOLD = ("primary", "soft")


class IconButton(Button):
    """A square button with only an icon; `tooltip` is also its accessible name."""

    def __init__(
        self, icon_name: str, tooltip: str, *, size: Size = "normal", kind: Kind = "flat", parent: QWidget | None = None
    ) -> None:
        super().__init__("", kind, icon_name=icon_name, size=size, tooltip=tooltip, parent=parent)


class _Segment(QAbstractButton):
    """One choice of a segmented control."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(theme.font("dense", "bold")).horizontalAdvance(self.text()) + 24
        return QSize(width, theme.BUTTON)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        chosen = self.isChecked()
        painter.setFont(theme.font("dense", "bold" if chosen else "medium"))
        ink = "text3" if not self.isEnabled() else "accent-ink" if chosen else "text" if self.underMouse() else "text2"
        painter.setPen(theme.color(ink))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class SegmentedControl(QWidget):
    """One of a few choices, side by side; arrow keys move the choice."""

    changed = Signal(int)

    def __init__(
        self, choices: Sequence[str], current: int = 0, *, accessible: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.BUTTON)
        self.setAccessibleName(accessible)
        self.set_choices(choices, current)
        self._group.idClicked.connect(self._picked)

    def set_choices(self, choices: Sequence[str], current: int | None = None) -> None:
        """Give new words; where the number stays the same, the choice stays too."""
        keep = self.current() if current is None else current
        if len(choices) == len(self._group.buttons()):
            for position, text in enumerate(choices):
                button = self._group.button(position)
                button.setText(text)
                button.setAccessibleName(text)
                button.updateGeometry()
        else:
            self._rebuild(choices)
        self.set_current(keep)

    def _rebuild(self, choices: Sequence[str]) -> None:
        for button in self._group.buttons():
            self._group.removeButton(button)
            button.deleteLater()
        for position, text in enumerate(choices):
            segment = _Segment(text, self)
            segment.setFocusProxy(self)
            self._group.addButton(segment, position)
            self._row.addWidget(segment)

    def current(self) -> int:
        return max(self._group.checkedId(), 0)

    def set_current(self, position: int) -> None:
        """Choose without a signal."""
        button = self._group.button(position)
        if button is not None:
            button.setChecked(True)
            self._describe()

    def set_possible(self, position: int, possible: bool) -> None:
        self._group.button(position).setEnabled(possible)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}.get(
            Qt.Key(event.key())
        )
        if step is None:
            super().keyPressEvent(event)
            return
        target = self._group.button(self.current() + step)
        if target is not None and target.isEnabled():
            target.setChecked(True)
            self._picked(self.current())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line2"), 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(rect, theme.RADIUS_BUTTON, theme.RADIUS_BUTTON)
        buttons = self._group.buttons()
        for position, button in enumerate(buttons):
            place = QRectF(button.geometry()).adjusted(1, 1, -1 if position == len(buttons) - 1 else 0, -1)
            if button.isChecked():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("select"))
                painter.drawRoundedRect(place, 5, 5)
            if position < len(buttons) - 1:
                painter.setPen(QPen(theme.color("line"), 1))
                painter.drawLine(button.geometry().topRight(), button.geometry().bottomRight())

    def _picked(self, position: int) -> None:
        self._describe()
        self.update()
        self.changed.emit(position)

    def _describe(self) -> None:
        button = self._group.checkedButton()
        self.setAccessibleDescription(button.text() if button else "")
        self.update()
