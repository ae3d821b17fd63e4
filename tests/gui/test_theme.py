"""The look: tokens, contrast, the live change, icons."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from PySide6.QtGui import QColor, QFont, QFontMetricsF

from gui import icons, theme
from gui.paths import RESOURCES
from gui.widgets.labels import CHIPS


def luminance(color: str) -> float:
    parts = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in QColor(color).getRgbF()[:3]
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *[
            (ink, ground)
            for ink in ("text", "text2", "text3")
            for ground in ("bg", "rail", "surface", "inset", "hover")
        ],
        *[(ink, ground) for ink, ground, _shape in CHIPS.values()],
        ("on-accent", "accent"),
        ("accent-ink", "surface"),
        ("text", "mark"),
        ("text", "select"),
    ],
)
def test_every_text_keeps_its_contrast(ink, ground, scheme):
    assert contrast(theme.TOKENS[ink][scheme], theme.TOKENS[ground][scheme]) >= 4.5


def test_the_style_sheet_has_no_name_left_open_and_no_colour_of_its_own(qapp):
    source = (RESOURCES / "style" / "searchsmith.qss").read_text(encoding="utf-8")
    assert not re.search(r"#[0-9A-Fa-f]{6}", source)
    assert "$" not in theme.style_sheet()


def test_a_change_of_theme_holds_at_once(qapp, qtbot):
    with qtbot.waitSignal(theme.events.changed):
        theme.choose(qapp, "dark")
    assert theme.is_dark()
    assert qapp.palette().window().color() == QColor("#15171B")
    theme.choose(qapp, "light")
    assert theme.color("bg") == QColor("#F6F7F9")


def test_an_icon_follows_the_theme(qapp):
    icon = icons.icon("home", "text")
    light = icon.pixmap(32, 32).toImage()
    theme.choose(qapp, "dark")
    dark = icon.pixmap(32, 32).toImage()
    assert light != dark


@pytest.mark.parametrize("path", sorted((RESOURCES / "icons").rglob("*.svg")), ids=lambda path: path.stem)
def test_every_icon_can_be_drawn(qapp, path):
    name = path.relative_to(RESOURCES / "icons").with_suffix("").as_posix()
    renderer = icons._renderer(name, "#000000", False)
    assert renderer.isValid()


def test_figures_stand_in_columns(qapp):
    from PySide6.QtGui import QFontMetricsF

    metrics = QFontMetricsF(theme.font("body"))
    assert metrics.horizontalAdvance("1111") == pytest.approx(metrics.horizontalAdvance("8080"))


def test_the_window_loads_no_torch_and_no_chart_library():
    code = "import sys, gui.app; print([m for m in ('torch', 'pyqtgraph', 'transformers', 'faiss', 'scipy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(("wider", "narrowest"), [(0.8, 0.97), (1.1, 0.88), (1.5, 0.82)])
def test_a_face_wider_than_the_pages_are_drawn_for_is_drawn_narrower(qapp, monkeypatch, wider, narrowest):
    """The words take the room that they are given, down to letters that would look squeezed."""
    plain = QFont(theme._family())
    plain.setPixelSize(100)
    ems = QFontMetricsF(plain).horizontalAdvance(theme._WORDS) / 100
    monkeypatch.setitem(theme._EMS, QFont.Weight.Normal, ems / wider)
    theme._narrower.cache_clear()
    plain.setPixelSize(13)
    share = QFontMetricsF(theme.font("body")).horizontalAdvance(theme._WORDS)
    share /= QFontMetricsF(plain).horizontalAdvance(theme._WORDS)
    theme._narrower.cache_clear()
    assert narrowest <= share <= narrowest + 0.08
