"""Icons and state marks, drawn from our own SVG files in the colours of the theme, sharp at any size."""

from __future__ import annotations

import re
from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui import theme
from gui.paths import RESOURCES

_VARIABLE = re.compile(r"var\(--([a-z0-9-]+)\)")


def icon(name: str, token: str = "text2") -> QIcon:
    """The icon `resources/icons/NAME.svg` in the colour `token`; follows the theme by itself."""
    return QIcon(_Engine(name, token))


def mark(state: str) -> QIcon:
    """A state's mark: none, ready, running, done, stale or problem; shape and colour together."""
    return QIcon(_Engine(f"marks/{state}", "text2"))


def draw(painter: QPainter, rect: QRectF, name: str, token: str = "text2", angle: float = 0.0) -> None:
    """Paint an icon or mark (`marks/done`) into `rect`, turned by `angle` degrees."""
    renderer = _renderer(name, theme.hex_of(token), theme.is_dark())
    if not angle:
        renderer.render(painter, rect)
        return
    painter.save()
    painter.translate(rect.center())
    painter.rotate(angle)
    painter.translate(-rect.center())
    renderer.render(painter, rect)
    painter.restore()


@lru_cache(maxsize=512)
def _renderer(name: str, colour: str, dark: bool) -> QSvgRenderer:
    source = RESOURCES.joinpath("icons", f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    filled = _VARIABLE.sub(lambda found: theme.TOKENS[found[1]][1 if dark else 0], source)
    return QSvgRenderer(QByteArray(filled.encode("utf-8")))


class _Engine(QIconEngine):
    """Draws at paint time, so that a change of theme needs no new icons."""

    def __init__(self, name: str, token: str) -> None:
        super().__init__()
        self._name = name
        self._token = token

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        token = "text3" if mode == QIcon.Mode.Disabled else self._token
        side = min(rect.width(), rect.height())
        square = QRectF(0, 0, side, side)
        square.moveCenter(QRectF(rect).center())
        draw(painter, square, self._name, token)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._token)
