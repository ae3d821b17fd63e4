"""Curves of several trainings over one another, one of them strong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from gui import theme, words
from gui.widgets.charts import _Chart, nice_step

_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


@dataclass(frozen=True, slots=True)
class Curve:
    """A name and its `(step, value)` points; `key` tells whose it is."""

    key: int
    name: str
    points: tuple[tuple[float, float], ...]


class CurvesChart(_Chart):
    """Lines over steps, named at their right end; the chosen one is drawn thick and in the accent's colour."""

    def __init__(self, *, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(accessible=accessible, parent=parent)
        self._curves: tuple[Curve, ...] = ()
        self._chosen = 0
        self.plot.getAxis("left").setWidth(44)

    def set_curves(self, curves: Sequence[Curve], chosen: int = 0) -> None:
        """Draw these; `chosen` is the key of the strong one."""
        self._curves, self._chosen = tuple(curve for curve in curves if curve.points), chosen
        self._draw()

    def shown(self) -> list[str]:
        return [curve.name for curve in self._curves]

    def _draw(self) -> None:
        self.plot.clear()
        if not self._curves:
            return
        steps = [step for curve in self._curves for step, _ in curve.points]
        values = [value for curve in self._curves for _, value in curve.points]
        low, high = min(values), max(values)
        air = (high - low or 0.1) * 0.12
        end = max(*steps, 1.0)
        self.set_ranges((-end * 0.01, end * 1.3), (low - air, high + air))
        step = nice_step((high - low or 0.1) / 4)
        ticks = [n * step for n in range(int((low - air) / step) + 1, int((high + air) / step) + 1)]
        self._grid(0, end, [(tick, words.decimal(tick)) for tick in ticks])
        self.set_ticks("bottom", [(n * nice_step(end / 4), f"{n * nice_step(end / 4):g}") for n in range(5)])
        taken: list[float] = []
        for number, curve in enumerate(self._curves):
            strong = curve.key == self._chosen
            pen = self._pg.mkPen(
                theme.color("tuned" if strong else "base"), width=2.5 if strong else 1.5, style=_DASHES[number % 4]
            )
            xs, ys = [x for x, _ in curve.points], [y for _, y in curve.points]
            symbol = {"symbol": "o", "symbolSize": 6, "symbolBrush": theme.color("tuned" if strong else "base")}
            self.plot.plot(xs, ys, pen=pen, antialias=True, **({**symbol, "symbolPen": None} if len(xs) < 40 else {}))
            named = self._text(curve.name, "accent-ink" if strong else "text2", bold=strong)
            named.setPos(xs[-1] + end * 0.015, _free(ys[-1], taken, (high - low + 2 * air) * 0.07))
            self.plot.addItem(named)


def _free(place: float, taken: list[float], gap: float) -> float:
    """The nearest place above where no other name stands."""
    while any(abs(place - other) < gap for other in taken):
        place += gap
    taken.append(place)
    return place
