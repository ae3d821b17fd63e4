"""Charts in our palette over pyqtgraph, which is loaded with the first chart, not with the window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme, words
from gui.widgets.cards import column
from gui.widgets.gauges import system_pen

# Any: pyqtgraph has no types.


class _Chart(QWidget):
    """A plot without box or mouse zoom, a light horizontal grid and our axes; redraws itself in a new theme."""

    def __init__(self, *, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._pg: Any = pyqtgraph
        self.setAccessibleName(accessible)
        self.plot: Any = pyqtgraph.PlotWidget(self, background=None)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setStyleSheet("background: transparent")
        self.plot.viewport().setAutoFillBackground(False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setAntialiasing(True)
        column(self).addWidget(self.plot)
        self._dress_axes()
        theme.events.changed.connect(self._redress)

    def set_ranges(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Fix both axes."""
        self.plot.setXRange(*x, padding=0)
        self.plot.setYRange(*y, padding=0)

    def set_ticks(self, axis: str, ticks: Sequence[tuple[float, str]]) -> None:
        """Name the ticks of `left` or `bottom` by hand."""
        self.plot.getAxis(axis).setTicks([list(ticks)])

    def _redress(self) -> None:
        self._dress_axes()
        self._draw()

    def _draw(self) -> None:
        raise NotImplementedError

    def _dress_axes(self) -> None:
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setTickFont(theme.font("caption"))
            axis.setTextPen(theme.color("text3"))
            axis.setPen(self._pg.mkPen(theme.color("line2") if side == "bottom" else None))
            axis.setStyle(tickLength=0, tickTextOffset=8)

    def _grid(self, start: float, end: float, ticks: Sequence[tuple[float, str]]) -> None:
        """Light lines at the ticks of the left axis, from `start` to `end`."""
        self.set_ticks("left", ticks)
        for value, _text in ticks:
            self.plot.plot([start, end], [value, value], pen=self._pg.mkPen(theme.color("grid"), width=1))

    def _text(self, text: str, token: str, *, bold: bool = False, anchor: tuple[float, float] = (0, 0.5)) -> Any:
        made = self._pg.TextItem(text, color=theme.color(token), anchor=anchor)
        made.setFont(theme.font("body" if bold else "caption", "bold" if bold else ""))
        return made


class LineChart(_Chart):
    """One thick line over steps, with dashed lines to beat named at the right end and flags where they are crossed.

    Args:
        unit: the word at the end of the bottom axis.
        digits: decimals of the figures shown.
    """

    def __init__(
        self,
        *,
        unit: str = "",
        digits: int = 3,
        rings: bool = True,
        accessible: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(accessible=accessible, parent=parent)
        self._digits, self._rings, self._unit = digits, rings, unit
        self._points: list[tuple[float, float]] = []
        self._faint: list[tuple[float, float]] = []
        self._limits: list[tuple[str, str, float]] = []
        self._end_x = 0.0
        self._end_label = ""
        self._named: float | None = None
        self.plot.getAxis("left").setWidth(44)

    def set_line(
        self,
        points: Sequence[tuple[float, float]],
        *,
        label: str = "",
        until: float = 0.0,
        named: float | None = None,
    ) -> None:
        """Draw `(step, value)` points; `until` is the axis' end at least.

        `label` stands before the last value, or before the one at the step `named`.
        """
        self._points = list(points)
        self._end_label, self._end_x, self._named = label, until, named
        self._draw()

    def set_faint(self, points: Sequence[tuple[float, float]]) -> None:
        """A thin grey line behind, e.g. the loss of each step behind the smoothed one."""
        self._faint = list(points)
        self._draw()

    def set_limits(self, limits: Sequence[tuple[str, str, float]]) -> None:
        """Dashed lines `(system, name, value)`, e.g. `("bm25", "BM25", 0.518)`."""
        self._limits = list(limits)
        self._draw()

    def crossings(self) -> list[tuple[str, float, float]]:
        """Where the line first rises over each limit for good at its time: `(name, step, value)`."""
        found = []
        for _system, name, value in self._limits:
            for (x0, y0), (x1, y1) in zip(self._points, self._points[1:], strict=False):
                if y0 <= value < y1:
                    found.append((name, x0 + (x1 - x0) * (value - y0) / (y1 - y0), value))
                    break
        return found

    def named(self) -> tuple[float, float] | None:
        """The point whose value is written out."""
        found = [point for point in self._points if point[0] == self._named]
        return found[0] if found else self._points[-1] if self._points else None

    def _draw(self) -> None:
        self.plot.clear()
        values = [v for _x, v in self._points] + [v for _x, v in self._faint] + [v for _s, _n, v in self._limits]
        if not values:
            return
        end = max([self._end_x, 1.0, *(x for x, _v in self._points)])
        low, high = min(values), max(values)
        room, tall = max(self.plot.width() - 44, 1), max(self.plot.height() - 24, 60)
        # At least 26 px above and below for the last value's name and the flags, however low the chart is.
        air = (high - low or 0.1) * max(0.12, 26 / max(tall - 52, 26))
        self.set_ranges((-6 * end / room, end * room / max(room - self._right_room(), 1)), (low - air, high + air))
        self._ticks(end)
        # Four ticks or so, and none nearer to the next than its figure is high.
        step = nice_step(max((high - low or 0.1) / 4, (high - low + 2 * air) * 18 / tall))
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        cut = (high - low + 2 * air) * 7 / tall  # nearer to the edge a figure would be cut
        first, last = math.ceil((low - air + cut) / step), math.floor((high + air - cut) / step)
        self._grid(0, end, [(t * step, words.decimal(t * step, digits)) for t in range(first, last + 1)])
        for system, _name, value in self._limits:
            self.plot.plot([0, end], [value, value], pen=system_pen(system))
        self._name_limits(end, high - low + 2 * air)
        if self._faint:
            self.plot.plot(*_columns(self._faint), antialias=True, pen=self._pg.mkPen(theme.color("line2"), width=1))
        if self._points:
            self._draw_line()
        for name, x, value in self.crossings():
            self._flag(name, x, value)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._draw()

    def _right_room(self) -> int:
        """Pixels at the right for names of lines, the last value or the axis' unit."""
        return 56 if self._limits or self._unit else 24

    def _ticks(self, end: float) -> None:
        step = max(nice_step(end / 4), 1.0)
        ticks = [(t * step, f"{t * step:g}") for t in range(int(end / step + 1e-9) + 1)]
        room = max(self.plot.width() - 44, 1)
        if self._unit:
            ticks.append((end * (room - 24) / max(room - self._right_room(), 1), self._unit))
        self.set_ticks("bottom", ticks)

    def _name_limits(self, end: float, span: float) -> None:
        """Name and value at the right end of each dashed line, kept apart where lines are close."""
        gap = span * 30 / max(self.plot.height() - 24, 1)
        previous = -math.inf
        for _system, name, value in sorted(self._limits, key=lambda limit: limit[2]):
            at = max(value, previous + gap)
            previous = at
            text = self._text(f"{name}\n{words.decimal(value, self._digits)}", "text2")
            text.setPos(end, at)
            self.plot.addItem(text)

    def _draw_line(self) -> None:
        pen: QPen = self._pg.mkPen(theme.color("tuned"), width=2.5)
        symbols: dict[str, object] = {}
        if self._rings and len(self._points) <= 80:
            symbols = {"symbol": "o", "symbolSize": 7, "symbolBrush": theme.color("surface"), "symbolPen": pen}
        self.plot.plot(*_columns(self._points), antialias=True, pen=pen, **symbols)
        x, value = self.named() or self._points[-1]
        before = [v for step, v in self._points if step < x]
        last = self._pg.ScatterPlotItem([x], [value], size=10, pen=None, brush=theme.color("tuned"))
        self.plot.addItem(last)
        words_ = f"{self._end_label} {words.decimal(value, self._digits)}".strip()
        beside = x < 0.7 * max(self._end_x, self._points[-1][0], 1.0)
        low, high = self.plot.viewRange()[1]
        falls = bool(before) and before[-1] - value > 0.05 * (high - low)
        # Before the last point a falling line comes from above, so its value stands below.
        anchor = (-0.05, 1.15) if beside else (1, -0.15 if falls else 1.15)
        text = self._text(words_, "accent-ink", bold=True, anchor=anchor)
        text.fill = self._pg.mkBrush(theme.color("surface"))  # no dashed line runs through the figure
        text.setPos(x, value)
        self.plot.addItem(text)

    def _flag(self, name: str, x: float, value: float) -> None:
        dot = self._pg.ScatterPlotItem([x], [value], size=9, pen=theme.color("surface"), brush=theme.color("good"))
        self.plot.addItem(dot)
        text = self._text("▲ " + self.tr("over %1").replace("%1", name), "good", anchor=(0, -0.35))
        text.fill = self._pg.mkBrush(theme.color("good-soft"))
        text.setPos(x, value)
        self.plot.addItem(text)


class Histogram(_Chart):
    """Bars over even bins, coloured by a rule; one line can be moved by hand.

    `threshold_moved` comes while the line moves, `threshold_released` at the end.
    """

    threshold_moved = Signal(float)
    threshold_released = Signal(float)

    def __init__(self, *, log: bool = False, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(accessible=accessible, parent=parent)
        self._log = log
        self._edges: list[float] = []
        self._layers: list[tuple[str, list[float]]] = []
        self._token_of: Callable[[float], str] | None = None
        self._threshold: float | None = None
        self._line: Any = None
        self._words: Callable[[float], str] = "{:g}".format
        self._marks: list[tuple[float, str]] = []
        self.plot.getAxis("left").setWidth(44)
        if not log:
            self.plot.getAxis("left").setWidth(0)
            self.plot.hideAxis("left")

    def set_bars(
        self,
        edges: Sequence[float],
        counts: Sequence[float],
        *,
        token_of: Callable[[float], str] | None = None,
        over: Sequence[tuple[str, Sequence[float]]] = (),
    ) -> None:
        """Draw bins; `token_of` names a bar's colour by its middle; `over` are bars in front: `(token, counts)`."""
        self._edges, self._token_of = list(edges), token_of
        self._layers = [("bar", list(counts)), *((token, list(values)) for token, values in over)]
        self._draw()

    def set_threshold(self, value: float | None, text: Callable[[float], str] = "{:g}".format) -> None:
        """Put the movable line at `value` without a signal."""
        self._words = text
        if self._line is not None and value is not None and self._threshold is not None:
            self._threshold = value
            self._line.blockSignals(True)
            self._line.setValue(value)
            self._line.blockSignals(False)
            self._line.label.setFormat(text(value))
            return
        self._threshold = value
        self._draw()

    def set_marks(self, marks: Sequence[tuple[float, str]]) -> None:
        """Fixed dashed lines with a word each."""
        self._marks = list(marks)
        self._draw()

    def _draw(self) -> None:
        self.plot.clear()
        self._line = None
        if len(self._edges) < 2:
            return
        import numpy as np

        edges = np.asarray(self._edges, dtype=float)
        middles, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
        tallest = 1.0
        for token, counts in self._layers:
            heights = np.asarray(counts, dtype=float)
            shown = np.log10(heights + 1) if self._log else heights
            tallest = max(tallest, float(shown.max(initial=0)))
            colours = [token] * len(middles)
            if token == "bar" and self._token_of is not None:
                colours = [self._token_of(float(m)) for m in middles]
            brushes = [theme.color(c) for c in colours]
            bars = self._pg.BarGraphItem(x=middles, height=shown, width=width * 0.88, brushes=brushes, pen=None)
            self.plot.addItem(bars)
        self.set_ranges((float(edges[0]), float(edges[-1])), (0, tallest * 1.22))
        if self._log:
            self.set_ticks(
                "left", [(float(np.log10(n + 1)), words.count(n)) for n in (0, 1, 10, 100, 1000, 10_000, 100_000)]
            )
        for value, text in self._marks:
            self._add_mark(value, text, tallest)
        if self._threshold is not None:
            self._add_threshold(self._threshold)

    def _add_mark(self, value: float, text: str, tallest: float) -> None:
        pen = self._pg.mkPen(theme.color("text2"), width=1.5, style=Qt.PenStyle.DashLine)
        self.plot.addItem(self._pg.InfiniteLine(value, angle=90, pen=pen))
        near_end = value > (self._edges[0] + self._edges[-1]) / 2
        named = self._text(text, "text2", anchor=(1.05 if near_end else -0.05, 0))
        named.setPos(value, tallest * 1.2)
        self.plot.addItem(named)

    def _add_threshold(self, value: float) -> None:
        options = {
            "color": theme.color("accent-ink"),
            "fill": theme.color("surface"),
            "border": theme.color("accent"),
            "position": 0.93,
        }
        line = self._pg.InfiniteLine(
            value, angle=90, movable=True, bounds=(self._edges[0], self._edges[-1]),
            pen=self._pg.mkPen(theme.color("accent"), width=2), hoverPen=self._pg.mkPen(theme.color("accent"), width=3),
            label=self._words(value), labelOpts=options,
        )  # fmt: skip
        line.label.setFont(theme.font("dense", "bold"))
        line.sigDragged.connect(self._dragged)
        line.sigPositionChangeFinished.connect(lambda moved: self.threshold_released.emit(float(moved.value())))
        self.plot.addItem(line)
        self._line = line

    def _dragged(self, line: Any) -> None:
        self._threshold = float(line.value())
        line.label.setFormat(self._words(self._threshold))
        self.threshold_moved.emit(self._threshold)


class ScatterChart(_Chart):
    """Points on two axes in groups `(token, symbol, points)`, symbol o, t1 (up) or t (down).

    A point is `(x, y, key)`; `picked` brings the key of one that was clicked.
    """

    picked = Signal(object)

    def __init__(self, *, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(accessible=accessible, parent=parent)
        self._groups: list[tuple[str, str, list[tuple[float, float, object]]]] = []
        self._zones: list[tuple[str, QRectF, str]] = []
        self._diagonal: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.plot.getAxis("left").setWidth(36)

    def set_groups(self, groups: Sequence[tuple[str, str, Sequence[tuple[float, float, object]]]]) -> None:
        self._groups = [(token, symbol, list(points)) for token, symbol, points in groups]
        self._draw()

    def set_zones(self, zones: Sequence[tuple[str, QRectF, str]]) -> None:
        """Soft grounds `(token, rectangle, word)` behind the points."""
        self._zones = list(zones)
        self._draw()

    def set_diagonal(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A dashed line on which both axes say the same."""
        self._diagonal = (start, end)
        self._draw()

    def _draw(self) -> None:
        self.plot.clear()
        if self._diagonal is not None:
            pen = self._pg.mkPen(theme.color("line2"), width=1, style=Qt.PenStyle.DashLine)
            self.plot.plot(*_columns(self._diagonal), pen=pen)
        for token, zone, word in self._zones:
            ground = self._pg.QtWidgets.QGraphicsRectItem(zone)
            ground.setBrush(theme.with_alpha(f"{token}-soft", 0.7))
            ground.setPen(QPen(Qt.PenStyle.NoPen))
            ground.setZValue(-20)
            self.plot.addItem(ground)
            text = self._text(word, token, bold=True, anchor=(0.5, 0.5))
            centre: QPointF = zone.center()
            text.setPos(centre)
            text.setZValue(-5)
            self.plot.addItem(text)
        for token, symbol, points in self._groups:
            size, alpha = (6, 0.6) if symbol == "o" else (9, 1.0)
            spots = self._pg.ScatterPlotItem(
                [p[0] for p in points], [p[1] for p in points], data=[p[2] for p in points], size=size, symbol=symbol,
                pen=None, brush=theme.with_alpha(token, alpha), hoverable=True, hoverSize=size + 3, tip=None,
            )  # fmt: skip
            spots.sigClicked.connect(lambda _spots, found, _event: self.picked.emit(found[0].data()))
            self.plot.addItem(spots)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _y in points], [y for _x, y in points]


def nice_step(raw: float) -> float:
    """The next round number (1, 2, 5 × 10ⁿ) at or above `raw` > 0."""
    base = 10.0 ** math.floor(math.log10(raw))
    return next(factor * base for factor in (1, 2, 5, 10) if factor * base >= raw * (1 - 1e-9))
