"""A small painted chart: what each round scored, over the dashed line to beat."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme, words
from gui.pages.home.facts import Round
from gui.widgets.gauges import system_pen


def ticks_between(low: float, high: float) -> list[float]:
    """Two to five round values inside a span of scores, so that a line stands where its figure says."""
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / s < 5), 0.5)
    return [round(step * n, 2) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


class RoundsChart(QWidget):
    """One ring a round; the figures stand above the rings, BM25 at the right end of its line."""

    def __init__(self, rounds: Sequence[Round], bm25: float | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rounds, self._bm25 = list(rounds)[-5:], bm25
        self.setFixedHeight(100)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(", ".join(f"{r.name} {words.decimal(r.score)}" for r in rounds))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = QRectF(self.rect()).adjusted(36, 20, -48, -20)
        known = [r.score for r in self._rounds] + ([self._bm25] if self._bm25 is not None else [])
        low, high = min(known), max(known)
        air = max(high - low, 0.02) * 0.15
        low, high = low - air, high + air

        def y(value: float) -> float:
            return plot.bottom() - plot.height() * (value - low) / (high - low)

        self._paint_grid(painter, plot, low, high, y(low) - y(high))
        if self._bm25 is not None:
            painter.setPen(system_pen("bm25"))
            painter.drawLine(QPointF(plot.left(), y(self._bm25)), QPointF(plot.right(), y(self._bm25)))
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.color("text2"))
            painter.drawText(QRectF(plot.right() + 6, y(self._bm25) - 8, 42, 16), Qt.AlignmentFlag.AlignVCenter, "BM25")
        step = plot.width() / max(len(self._rounds) - 1, 1)
        inset = 20 if len(self._rounds) > 1 else plot.width() / 2
        step = (plot.width() - 2 * inset) / max(len(self._rounds) - 1, 1)
        points = [QPointF(plot.left() + inset + step * n, y(r.score)) for n, r in enumerate(self._rounds)]
        self._paint_points(painter, points, plot, step)

    def _paint_grid(self, painter: QPainter, plot: QRectF, low: float, high: float, height: float) -> None:
        painter.setFont(theme.font("caption"))
        for value in ticks_between(low, high):
            at = plot.bottom() - height * (value - low) / (high - low)
            painter.setPen(QPen(theme.color("grid"), 1))
            painter.drawLine(QPointF(plot.left(), at), QPointF(plot.right(), at))
            painter.setPen(theme.color("text3"))
            text = words.decimal(value, 2)
            painter.drawText(QRectF(0, at - 8, 30, 16), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_points(self, painter: QPainter, points: list[QPointF], plot: QRectF, step: float) -> None:
        painter.setPen(QPen(theme.color("tuned"), 2.5))
        painter.drawPolyline(QPolygonF(points))
        middle = Qt.AlignmentFlag.AlignCenter
        for position, (point, found) in enumerate(zip(points, self._rounds, strict=True)):
            painter.setPen(QPen(theme.color("tuned"), 2))
            painter.setBrush(theme.color("surface"))
            painter.drawEllipse(point, 4, 4)
            last = position == len(points) - 1
            painter.setFont(theme.font("caption", "bold" if last else "medium"))
            painter.setPen(theme.color("accent-ink" if last else "text2"))
            painter.drawText(QRectF(point.x() - 30, point.y() - 22, 60, 16), middle, words.decimal(found.score))
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.color("text3"))
            room = min(max(step, 60), 120)
            named = QRectF(point.x() - room / 2, plot.bottom() + 4, room, 16)
            name = self.tr("Base") if not found.is_tuned else found.name
            shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(room))
            painter.drawText(named, middle, shown)
