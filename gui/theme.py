"""The look in one place: colours by name, type sizes, spacing, the light and dark palettes and the style sheet."""

from __future__ import annotations

from functools import lru_cache
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from gui.paths import RESOURCES

Choice = Literal["system", "light", "dark"]
FontRole = Literal["caption", "dense", "body", "heading", "figure", "title", "welcome", "verdict", "mono"]

# name: (light, dark); the meaning of each name is fixed, see docs/architecture.md.
TOKENS: dict[str, tuple[str, str]] = {
    "bg": ("#F6F7F9", "#15171B"),
    "rail": ("#EFF1F4", "#101215"),
    "surface": ("#FFFFFF", "#1C1F24"),
    "inset": ("#F9FAFB", "#21252B"),
    "hover": ("#F2F4F7", "#252930"),
    "select": ("#ECEEFC", "#292F52"),
    "track": ("#E6E9EE", "#2E333B"),
    "grid": ("#ECEEF2", "#262A31"),
    "line": ("#E4E7EC", "#2C3139"),
    "line2": ("#CBD0D9", "#434A56"),
    "text": ("#1B1E25", "#E9EBEF"),
    "text2": ("#535A67", "#ADB4C0"),
    "text3": ("#626A78", "#979FAC"),
    "accent": ("#4453D4", "#5563E6"),
    "on-accent": ("#FFFFFF", "#FFFFFF"),
    "accent-hover": ("#3B49C2", "#6472EE"),
    "accent-ink": ("#3C4AC4", "#A3AEFF"),
    "accent-soft": ("#ECEEFC", "#272C4D"),
    "accent-line": ("#BAC2F5", "#454F9B"),
    "tuned": ("#4453D4", "#7E8BFF"),
    "bm25": ("#3D4350", "#D5D9E0"),
    "base": ("#8A92A0", "#7D8593"),
    "mark": ("#DDE1FB", "#3A437F"),
    "bar": ("#C9CEE0", "#454C66"),
    "good": ("#1A7A48", "#57C68B"),
    "good-soft": ("#E5F4EB", "#18342A"),
    "bad": ("#BF332C", "#FF8278"),
    "bad-soft": ("#FCECEA", "#412224"),
    "warn": ("#8F5B08", "#E5B154"),
    "warn-soft": ("#FBF1DC", "#3A2E17"),
}

RADIUS_TAG, RADIUS_BUTTON, RADIUS_CARD = 4, 6, 8
RAIL, RAIL_NARROW, NARROW_BELOW = 208, 56, 1120
HEAD, INSPECTOR, INSPECTOR_MAX, STRIP = 56, 304, 480, 36
ROW, ROW_HEAD, BUTTON, BUTTON_SMALL, BUTTON_LARGE = 30, 28, 30, 24, 36
MARGIN, GAP, PAD = 24, 16, 16

# role: (pixels, weight)
_FONTS: dict[str, tuple[int, QFont.Weight]] = {
    "caption": (11, QFont.Weight.Medium),
    "dense": (12, QFont.Weight.Normal),
    "body": (13, QFont.Weight.Normal),
    "heading": (15, QFont.Weight.DemiBold),
    "figure": (20, QFont.Weight.DemiBold),
    "title": (20, QFont.Weight.DemiBold),
    "welcome": (28, QFont.Weight.DemiBold),
    "verdict": (40, QFont.Weight.DemiBold),
    "mono": (12, QFont.Weight.Normal),
}
# Words, and the ems they take in the face that the pages are drawn for (Inter), by weight. Where the system's own is
# wider (DejaVu Sans by an eighth and more), it is drawn narrower, so that the same words have room.
_WORDS = "Compute the starting point of 2,110 queries, never seen in training"
_EMS = {QFont.Weight.Normal: 31.1, QFont.Weight.Medium: 31.4, QFont.Weight.DemiBold: 31.8}
_NARROWEST = 85  # per cent; below that letters look squeezed
_WEIGHTS = {
    "regular": QFont.Weight.Normal,
    "medium": QFont.Weight.Medium,
    "bold": QFont.Weight.DemiBold,
}


class Events(QObject):
    """Tells painted widgets that colours are others now."""

    changed = Signal()


events = Events()
_dark = False
_choice: Choice = "system"


def is_dark() -> bool:
    return _dark


def color(token: str) -> QColor:
    """The colour `token` stands for in the scheme of now; raises KeyError for a word that is none."""
    return QColor(hex_of(token))


def hex_of(token: str) -> str:
    """`#RRGGBB` of a token in the scheme of now."""
    return TOKENS[token][1 if _dark else 0]


def with_alpha(token: str, alpha: float) -> QColor:
    """A token's colour, see-through: `alpha` 0..1."""
    tinted = color(token)
    tinted.setAlphaF(alpha)
    return tinted


def font(role: FontRole = "body", weight: Literal["", "regular", "medium", "bold"] = "") -> QFont:
    """The type size `role` with figures of equal width; `weight` overrides the role's own."""
    pixels, own_weight = _FONTS[role]
    face = QFont(_mono_family() if role == "mono" else _family())
    face.setPixelSize(pixels)
    face.setWeight(_WEIGHTS.get(weight, own_weight))
    if role != "mono" and (narrower := _narrower(face.family(), face.weight())) < 100:
        face.setStretch(narrower)
    face.setFeature(QFont.Tag("tnum"), 1)
    if pixels >= 20:
        face.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, -0.2 if pixels < 28 else -0.4)
    return face


def start(app: QApplication, choice: Choice = "system") -> None:
    """Dress the application once: Fusion, our font, palette and style sheet; follow the system from then on."""
    app.setStyle("Fusion")
    app.setFont(font("body"))
    QGuiApplication.styleHints().colorSchemeChanged.connect(lambda _scheme: _dress(app))
    choose(app, choice)


def choose(app: QApplication, choice: Choice) -> None:
    """Follow the system, or stay light or dark, from now on and at once."""
    global _choice
    _choice = choice
    hints = QGuiApplication.styleHints()
    if choice == "system":
        hints.unsetColorScheme()
    else:
        hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)
    _dress(app)


def _dress(app: QApplication) -> None:
    global _dark
    system_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    dark = _choice == "dark" or (_choice == "system" and system_dark)
    if dark == _dark and app.styleSheet():
        return
    _dark = dark
    app.setPalette(_palette())
    app.setStyleSheet(style_sheet())
    events.changed.emit()


def _palette() -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, token in (
        (roles.Window, "bg"),
        (roles.WindowText, "text"),
        (roles.Base, "surface"),
        (roles.AlternateBase, "inset"),
        (roles.Text, "text"),
        (roles.Button, "surface"),
        (roles.ButtonText, "text"),
        (roles.PlaceholderText, "text3"),
        (roles.Highlight, "accent"),
        (roles.HighlightedText, "on-accent"),
        (roles.ToolTipBase, "text"),
        (roles.ToolTipText, "surface"),
        (roles.Link, "accent-ink"),
        (roles.LinkVisited, "accent-ink"),
        (roles.Light, "surface"),
        (roles.Midlight, "line"),
        (roles.Mid, "line2"),
        (roles.Dark, "line2"),
        (roles.Shadow, "line2"),
        (roles.Accent, "accent"),
    ):
        palette.setColor(role, color(token))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, color("text3"))
    return palette


def style_sheet() -> str:
    """The one style sheet, its names filled with the colours of now."""
    names = {token.replace("-", "_"): hex_of(token) for token in TOKENS}
    names["icons"] = RESOURCES.joinpath("icons").as_posix()
    names["scheme"] = "dark" if _dark else "light"
    sheet = Template(_sheet_source()).substitute(names)
    tones = "\n".join(f'QLabel[tone="{token}"] {{ color: {hex_of(token)}; }}' for token in TOKENS)
    return f"{sheet}\n{tones}"


@lru_cache(maxsize=1)
def _sheet_source() -> str:
    return RESOURCES.joinpath("style", "searchsmith.qss").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _family() -> str:
    """The system's own face; on Linux, where desktops differ, Inter if it is there."""
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    plain = {"", "Sans Serif", "Sans", "DejaVu Sans", "Bitstream Vera Sans", "Noto Sans"}
    return "Inter" if system in plain and QFontDatabase.hasFamily("Inter") else system


@lru_cache
def _narrower(family: str, weight: QFont.Weight) -> int:
    """Per cent of its own width at which a face takes as much room as the one that the pages are drawn for."""
    face = QFont(family)
    face.setPixelSize(100)
    face.setWeight(weight)
    ems = QFontMetricsF(face).horizontalAdvance(_WORDS) / 100
    return max(_NARROWEST, min(100, round(100 * _EMS[weight] / max(ems, 1))))


@lru_cache(maxsize=1)
def _mono_family() -> str:
    for family in ("SF Mono", "Cascadia Mono", "Consolas", "Noto Sans Mono", "DejaVu Sans Mono"):
        if QFontDatabase.hasFamily(family):
            return family
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
