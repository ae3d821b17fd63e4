"""Sliders with one handle or two, with their name before and their value in words behind."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.cards import row
from gui.widgets.labels import label


class RangeSlider(QWidget):
    """One or two handles over `minimum..maximum` in whole steps; arrows move the handle last used (of two that stand
    together the one that has room), Space takes the other one, Tab leaves.

    Signals: `changed(low, high)` while moving, `released(low, high)` at the end of a move.
    """

    changed = Signal(float, float)
    released = Signal(float, float)

    def __init__(
        self,
        minimum: float,
        maximum: float,
        step: float = 1.0,
        *,
        handles: int = 2,
        accessible: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._minimum, self._maximum, self._step = minimum, maximum, step
        self._values = [minimum, maximum]
        self._single = handles == 1
        self._active = 1
        self._held = False
        self.setFixedHeight(20)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(accessible)

    def sizeHint(self) -> QSize:
        return QSize(144, 20)

    def values(self) -> tuple[float, float]:
        return self._values[0], self._values[1]

    def set_values(self, low: float, high: float) -> None:
        """Move the handles without a signal."""
        self._values = [self._snap(low), self._snap(high)]
        self.setAccessibleDescription(f"{self._values[1]:g}" if self._single else f"{low:g} – {high:g}")
        self.update()

    def set_limits(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = minimum, max(maximum, minimum + self._step)
        self.set_values(*self._values)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position().x()
        if not self._single:
            near, far = (abs(at - self._x(value)) for value in self._values)
            self._active = 0 if near < far or (near == far and at < self._x(self._values[0])) else 1
        self._held = True
        self._move_to(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._move_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._held = False
            self.released.emit(*self._values)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1,
            Qt.Key.Key_PageDown: -10, Qt.Key.Key_PageUp: 10,
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._active = 1 if self._single else (0 if key == Qt.Key.Key_Home else 1)
            self._set_active(self._minimum if key == Qt.Key.Key_Home else self._maximum)
        elif key in steps:
            if not self._single and self._values[0] == self._values[1]:
                self._active = 0 if steps[key] < 0 else 1  # together: the one that has room that way
            self._set_active(self._values[self._active] + steps[key] * self._step)
        elif key == Qt.Key.Key_Space and not self._single:
            self._active = 1 - self._active
            self.update()
            return
        else:
            super().keyPressEvent(event)
            return
        self.released.emit(*self._values)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("track"))
        painter.drawRoundedRect(QRectF(0, middle - 2, self.width(), 4), 2, 2)
        left = 0.0 if self._single else self._x(self._values[0])
        accent = "accent" if self.isEnabled() else "line2"
        painter.setBrush(theme.color(accent))
        painter.drawRoundedRect(QRectF(left, middle - 2, self._x(self._values[1]) - left, 4), 2, 2)
        painter.setBrush(theme.color("surface"))
        painter.setPen(QPen(theme.color(accent), 2))
        for handle in (1,) if self._single else (1 - self._active, self._active):
            painter.drawEllipse(QPointF(self._x(self._values[handle]), middle), 7, 7)

    def _x(self, value: float) -> float:
        share = (value - self._minimum) / (self._maximum - self._minimum)
        return 8 + (self.width() - 16) * share

    def _move_to(self, x: float) -> None:
        share = min(max((x - 8) / max(self.width() - 16, 1), 0.0), 1.0)
        self._set_active(self._minimum + share * (self._maximum - self._minimum))

    def _set_active(self, value: float) -> None:
        value = self._snap(value)
        if not self._single:
            value = min(value, self._values[1]) if self._active == 0 else max(value, self._values[0])
        if value != self._values[self._active]:
            self._values[self._active] = value
            self.set_values(*self._values)
            self.changed.emit(*self._values)

    def _snap(self, value: float) -> float:
        steps = round((value - self._minimum) / self._step)
        return round(min(max(self._minimum + steps * self._step, self._minimum), self._maximum), 6)


class LabelledSlider(QWidget):
    """Name, slider, value in words: `Size ───o── 256 tokens`.

    Args:
        words: turns a value into what is shown behind the slider.
    """

    changed = Signal(float)
    released = Signal(float)

    def __init__(
        self,
        name: str,
        minimum: float,
        maximum: float,
        value: float,
        *,
        step: float = 1.0,
        words: Callable[[float], str] = "{:g}".format,
        name_width: int = 96,
        value_width: int = 72,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._words = words
        line = row(self, gap=12)
        self.name = label(name, "body", "text2")
        self.name.setFixedWidth(name_width)
        line.addWidget(self.name)
        self.slider = RangeSlider(minimum, maximum, step, handles=1, accessible=name)
        line.addWidget(self.slider, 1)
        self._shown = label("", "body", weight="medium")
        self._shown.setFixedWidth(value_width)
        self._shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._shown)
        self.slider.changed.connect(self._moved)
        self.slider.released.connect(lambda _low, high: self.released.emit(high))
        self.set_value(value)

    def value(self) -> float:
        return self.slider.values()[1]

    def set_value(self, value: float) -> None:
        """Show `value` without a signal."""
        self.slider.set_values(self.slider.values()[0], value)
        self._shown.setText(self._words(self.value()))

    def _moved(self, _low: float, high: float) -> None:
        self._shown.setText(self._words(high))
        self.changed.emit(high)
