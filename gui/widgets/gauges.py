"""Small painted pictures: interval on an axis, share bar, sparkline, stacked bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme, words

Scale = Callable[[float], float]


class Meter(QWidget):
    """A thin bar that is filled to a share 0..1."""

    def __init__(
        self, share: float = 0.0, token: str = "accent", height: int = 4, width: int = 0, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._share, self._token = share, token
        self.setFixedHeight(height)
        if width:
            self.setFixedWidth(width)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_share(self, share: float, token: str = "") -> None:
        share = min(max(share, 0.0), 1.0)
        if share != self._share or (token and token != self._token):
            self._share, self._token = share, token or self._token
            self.setAccessibleDescription(words.share(share))
            self.update()

    def share(self) -> float:
        return self._share

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        round_ = self.height() / 2
        painter.setBrush(theme.color("track"))
        painter.drawRoundedRect(QRectF(self.rect()), round_, round_)
        if self._share > 0:
            painter.setBrush(theme.color(self._token))
            width = max(self.width() * self._share, self.height())
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), round_, round_)


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference with its interval, drawn as one row; `open` where a test finds nothing though it lies beside 0."""

    value: float
    low: float
    high: float
    name: str = ""
    open: bool = False

    @property
    def token(self) -> str:
        if self.open:
            return "text2"
        return "good" if self.low > 0 else "bad" if self.high < 0 else "text2"


class IntervalBar(QWidget):
    """Differences with their 95 % intervals over one axis that always shows zero."""

    def __init__(
        self,
        intervals: Sequence[Interval] = (),
        *,
        name_width: int = 0,
        figures: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._intervals = tuple(intervals)
        self._name_width, self._figures = name_width, figures
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_intervals(intervals)

    def set_intervals(self, intervals: Sequence[Interval]) -> None:
        self._intervals = tuple(intervals)
        self.setAccessibleName(
            "; ".join(
                f"{i.name} {words.signed(i.value)} ({words.signed(i.low)} – {words.signed(i.high)})" for i in intervals
            )
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(244 + self._name_width, 24 * max(len(self._intervals), 1) + 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(160 + self._name_width, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = QRectF(self.rect()).adjusted(self._name_width + 14, 0, -14 - (60 if self._figures else 0), -18)
        low, high, step = _axis([v for i in self._intervals for v in (i.low, i.high)])

        def x(value: float) -> float:
            return plot.left() + plot.width() * (value - low) / (high - low)

        self._paint_axis(painter, plot, low, high, step, x)
        for position, interval in enumerate(self._intervals):
            self._paint_interval(painter, plot, 24 * position + 12.0, interval, x)

    def _paint_axis(self, painter: QPainter, plot: QRectF, low: float, high: float, step: float, x: Scale) -> None:
        painter.setFont(theme.font("caption"))
        while x(step) - x(0.0) < 44 and step < high - low:  # figures must not run into one another
            step *= 2
        for tick in range(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1):
            value = tick * step
            painter.setPen(QPen(theme.color("line2" if tick == 0 else "grid"), 1.5 if tick == 0 else 1))
            painter.drawLine(QPointF(x(value), plot.top() + 1), QPointF(x(value), plot.bottom() - 2))
            painter.setPen(theme.color("text3"))
            digits = max(2, -math.floor(math.log10(step)))
            text = "0" if tick == 0 else words.signed(value, digits)
            painter.drawText(QRectF(x(value) - 30, plot.bottom(), 60, 16), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_interval(self, painter: QPainter, plot: QRectF, y: float, interval: Interval, x: Scale) -> None:
        left, right, middle = x(interval.low), x(interval.high), x(interval.value)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.with_alpha(interval.token, 0.28))
        painter.drawRoundedRect(QRectF(left, y - 4, right - left, 8), 4, 4)
        painter.setPen(QPen(theme.color(interval.token), 1.5))
        for end in (left, right):
            painter.drawLine(QPointF(end, y - 6), QPointF(end, y + 6))
        painter.setPen(QPen(theme.color("surface"), 2))
        painter.setBrush(theme.color(interval.token))
        painter.drawEllipse(QPointF(middle, y), 5.5, 5.5)
        aligned = Qt.AlignmentFlag.AlignVCenter
        if self._name_width:
            painter.setFont(theme.font("body"))
            painter.setPen(theme.color("text"))
            painter.drawText(
                QRectF(0, y - 12, self._name_width, 24), aligned | Qt.AlignmentFlag.AlignLeft, interval.name
            )
        if self._figures:
            painter.setFont(theme.font("body", "bold"))
            painter.setPen(theme.color(interval.token))
            figure = QRectF(self.width() - 64, y - 12, 64, 24)
            painter.drawText(figure, aligned | Qt.AlignmentFlag.AlignRight, words.signed(interval.value))


def _axis(values: Sequence[float]) -> tuple[float, float, float]:
    """Ends and step of an axis that holds zero and `values` with some air."""
    low, high = min([0.0, *values]), max([0.0, *values])
    span = max(high - low, 0.02)
    step = next(s for s in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0) if span / s <= 4 or s == 2.0)
    return low - 0.08 * span - step * 0.1, high + 0.12 * span, step


class Sparkline(QWidget):
    """A small line of a few values with rings at each; `limit` draws a dotted line with its name at the end."""

    def __init__(
        self,
        values: Sequence[float] = (),
        *,
        limit: float | None = None,
        limit_name: str = "",
        token: str = "tuned",
        inverted: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._values, self._limit, self._limit_name = list(values), limit, limit_name
        self._token, self._inverted = token, inverted
        self.setFixedHeight(32)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_values(self, values: Sequence[float], token: str = "") -> None:
        self._values = list(values)
        self._token = token or self._token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._values:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        known = [*self._values, *([self._limit] if self._limit is not None else [])]
        low, high = min(known), max(known)
        span = (high - low) or 1.0
        plot = QRectF(self.rect()).adjusted(6, 6, -6 - (48 if self._limit_name else 0), -6)

        def place(position: int, value: float) -> QPointF:
            share = (value - low) / span
            share = share if self._inverted else 1 - share
            return QPointF(
                plot.left() + plot.width() * position / max(len(self._values) - 1, 1),
                plot.top() + plot.height() * share,
            )

        if self._limit is not None:
            y = place(0, self._limit).y()
            painter.setPen(QPen(theme.color("line2"), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(0, y), QPointF(plot.right() + 4, y))
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.color("text3"))
            end = QRectF(plot.right() + 8, y - 8, 48, 16)
            painter.drawText(end, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._limit_name)
        points = [place(position, value) for position, value in enumerate(self._values)]
        painter.setPen(QPen(theme.color(self._token), 2))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(theme.color("surface"))
        for point in points:
            painter.drawEllipse(point, 3, 3)


class StackBar(QWidget):
    """Shares of a whole side by side: `(token, value, name)` each."""

    def __init__(
        self, parts: Sequence[tuple[str, float, str]] = (), height: int = 8, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._parts = list(parts)
        self.setFixedHeight(height)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_parts(self, parts: Sequence[tuple[str, float, str]]) -> None:
        self._parts = list(parts)
        self.setAccessibleName(", ".join(f"{name} {value:g}" for _token, value, name in parts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = sum(value for _token, value, _name in self._parts)
        shown = [(token, value) for token, value, _name in self._parts if value > 0]
        if not whole:
            painter.setBrush(theme.color("track"))
            painter.drawRoundedRect(self.rect(), 2, 2)
            return
        left, room = 0.0, self.width() - 2 * (len(shown) - 1)
        for token, value in shown:
            width = max(room * value / whole, 2)
            painter.setBrush(theme.color(token))
            painter.drawRoundedRect(QRectF(left, 0, width, self.height()), 2, 2)
            left += width + 2


class LineKey(QWidget):
    """The stroke a system is drawn with in charts: bm25 dashed, base dotted, tuned thick."""

    def __init__(self, system: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._system = system
        self.setFixedSize(24, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(system_pen(self._system))
        painter.drawLine(QPointF(1, 6), QPointF(23, 6))


def system_pen(system: str) -> QPen:
    """How a system's line is drawn everywhere: BM25 dashes 9-5, Base 3-4, tuned thick and whole, hybrid 12-4."""
    token = {"bm25": "bm25", "base": "base"}.get(system, "tuned")
    width = 2.0 if system in ("bm25", "base") else 2.5
    pen = QPen(theme.color(token), width)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    dashes = {"bm25": (9, 5), "base": (3, 4), "hybrid": (12, 4)}.get(system)
    if dashes:
        pen.setDashPattern([length / width for length in dashes])
    return pen
