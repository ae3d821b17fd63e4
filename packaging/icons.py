"""Draw the application icon at every size that desktops ask for: resources/icons/app/searchsmith-SIZE.png and an .ico.

.venv/bin/python packaging/icons.py
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ICONS = Path(__file__).resolve().parents[1] / "resources" / "icons"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([])
    renderer = QSvgRenderer(str(ICONS / "searchsmith.svg"))
    folder = ICONS / "app"
    folder.mkdir(exist_ok=True)
    pictures = {size: _png(renderer, size) for size in SIZES}
    for size, picture in pictures.items():
        (folder / f"searchsmith-{size}.png").write_bytes(picture)
    (folder / "searchsmith.ico").write_bytes(_ico({s: p for s, p in pictures.items() if s <= 256}))
    application.shutdown()


def _png(renderer: QSvgRenderer, size: int) -> bytes:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    stored = QByteArray()
    buffer = QBuffer(stored)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub wants bytes, the function text
    return bytes(stored.data())


def _ico(pictures: dict[int, bytes]) -> bytes:
    """Windows' icon file: a table of PNGs, a width of 256 written as 0."""
    offset = 6 + 16 * len(pictures)
    table, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for size, picture in pictures.items():
        table += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(picture), offset + len(body))
        body += picture
    return table + body


if __name__ == "__main__":
    main()
