"""Charts as SVG text for pages that load nothing: intervals with zero in view, and curves by step."""

from __future__ import annotations

import html
from collections.abc import Sequence

from engine.store.verdicts import signed

_WIDTH, _LEFT, _RIGHT = 420, 118, 62  # narrow enough for a telephone to show it at a legible size
_LETTERS = 16
_DASHES = ("", "6 4", "2 3", "8 3 2 3", "1 4")

Curve = tuple[str, Sequence[tuple[float, float]]]


def interval_chart(rows: Sequence[tuple[str, float, float, float]]) -> str:
    """A row each of (name, middle, low, high), over one axis that shows zero."""
    low = min(0.0, *(row[2] for row in rows))
    high = max(0.0, *(row[3] for row in rows))
    span = (high - low) or 0.1
    low, high = low - span * 0.05, high + span * 0.05

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    height = 28 * len(rows) + 28
    parts = [_line(x(0.0), 4, x(0.0), height - 22, "axis"), _words(x(0.0), height - 6, "0", "middle")]
    for place, (name, middle, start, end) in enumerate(rows):
        y = 18 + 28 * place
        parts += [
            _words(_LEFT - 12, y + 4, shortened(name, _LETTERS), "end"),
            _line(x(start), y, x(end), y, "gain"),
            f'<circle class="dot" cx="{x(middle):.1f}" cy="{y}" r="5"/>',
            _words(_WIDTH - _RIGHT + 12, y + 4, signed(middle), "start"),
        ]
    return _svg(height, "Gain with its 95 % interval", parts)


def curve_chart(curves: Sequence[Curve]) -> str:
    """Lines of (step, value), told apart by their dashes and named at their right end."""
    steps = [step for _, points in curves for step, _ in points]
    values = [value for _, points in curves for _, value in points]
    low, high = min(values), max(values)
    span = (high - low) or 0.1
    low, high = low - span * 0.1, high + span * 0.1
    last, height = max(*steps, 1.0), 240

    def x(step: float) -> float:
        return 60 + step / last * (_WIDTH - 60 - 116)

    def y(value: float) -> float:
        return 12 + (high - value) / (high - low) * (height - 44)

    parts = []
    for part in range(4):
        value = low + (high - low) * part / 3
        parts += [_line(60, y(value), _WIDTH - 116, y(value), "axis"), _words(52, y(value) + 4, f"{value:.3f}", "end")]
    parts += [_words(60, height - 8, "0", "middle"), _words(x(last), height - 8, f"step {last:.0f}", "middle")]
    taken: list[float] = []
    for number, (name, points) in enumerate(curves):
        path = " ".join(f"{'L' if at else 'M'}{x(step):.1f} {y(value):.1f}" for at, (step, value) in enumerate(points))
        dashes = f' stroke-dasharray="{_DASHES[number % len(_DASHES)]}"' if number % len(_DASHES) else ""
        parts.append(f'<path class="line" d="{path}"{dashes}/>')
        place = _free(y(points[-1][1]) + 4, taken)
        parts.append(_words(x(points[-1][0]) + 8, place, shortened(name, _LETTERS), "start"))
    return _svg(height, "Dev nDCG@10 by step", parts)


def shortened(name: str, letters: int) -> str:
    """A name of at most so many letters, cut in the middle, where names differ least; wide letters count twice."""
    width = sum(2 if ord(letter) > 0x2E80 else 1 for letter in name)
    if width <= letters:
        return name
    kept = letters * len(name) // width
    return f"{name[: kept - kept // 2 - 1]}…{name[len(name) - kept // 2 :]}"


def _free(place: float, taken: list[float]) -> float:
    """The nearest place below where no other name stands."""
    while any(abs(place - other) < 13 for other in taken):
        place += 13
    taken.append(place)
    return place


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'aria-label="{html.escape(title)}">{"".join(parts)}</svg>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _words(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
