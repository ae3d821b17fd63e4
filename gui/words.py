"""How numbers, times and foreign texts are written for people."""

from __future__ import annotations

import html
import unicodedata
from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDate, QLocale

MINUS = "\N{MINUS SIGN}"
MIB = 2**20
"""What nvidia-smi counts memory in."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def count(value: int) -> str:
    """A whole number with the language's thousands mark: 3,175."""
    return _locale().toString(value).replace("-", MINUS)


def decimal(value: float, digits: int = 3) -> str:
    """A number with fixed digits and a true minus: 0.603."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign: +0.101, −0.041; none on what rounds to zero."""
    text = f"{value:+.{digits}f}"
    return (text if float(text) else text[1:]).replace("-", MINUS)


def share(value: float, digits: int = 0) -> str:
    """A share 0..1 as per cent: 2.3 %."""
    return f"{100 * value:.{digits}f} %".replace("-", MINUS)


def duration(seconds: float) -> str:
    """A length of time in at most two units: 40 s, 3 min 12 s, 2 h 5 min."""
    if seconds < 1:
        return _tr("under 1 s")
    whole = round(seconds)
    if whole < 60:
        return _tr("%1 s").replace("%1", str(whole))
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        tail = " " + _tr("%1 s").replace("%1", str(rest)) if rest and minutes < 10 else ""
        return _tr("%1 min").replace("%1", str(minutes)) + tail
    hours, minutes = divmod(minutes, 60)
    tail = " " + _tr("%1 min").replace("%1", str(minutes)) if minutes else ""
    return _tr("%1 h").replace("%1", str(hours)) + tail


def about(seconds: float) -> str:
    """A time foretold: ≈ 3 min."""
    if seconds >= 300:
        seconds = 60 * round(seconds / 60)
    elif seconds >= 90:
        seconds = 30 * round(seconds / 30)
    elif seconds >= 20:
        seconds = 5 * round(seconds / 5)
    return "≈ " + duration(max(seconds, 1))


def left(seconds: float) -> str:
    """A time to go: 36 s left."""
    return _tr("%1 left").replace("%1", duration(max(seconds, 1)))


def size(n_bytes: float) -> str:
    """Bytes as people say them: 91.4 MB."""
    for unit in ("B", "KB", "MB", "GB"):
        if n_bytes < 1000:
            whole = unit in ("B", "KB") or n_bytes >= 100
            return f"{n_bytes:.0f} {unit}" if whole else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def when(stamp: str, now: datetime | None = None) -> str:
    """An ISO time as a person would say it: 14:32, yesterday, 12 Nov."""
    try:
        moment = datetime.fromisoformat(stamp).astimezone()
    except ValueError:
        return ""
    today = (now or datetime.now().astimezone()).date()
    if moment.date() == today:
        return moment.strftime("%H:%M")
    if (today - moment.date()).days == 1:
        return _tr("yesterday")
    if moment.year == today.year:
        return _locale().toString(QDate(moment.year, moment.month, moment.day), "d MMM")
    return _locale().toString(QDate(moment.year, moment.month, moment.day), "d MMM yyyy")


def plain(text: str, limit: int = 20_000, *, lines: bool = False) -> str:
    """A foreign text made safe to show: hidden and direction-changing characters become visible, length is cut.

    Widgets that show it must take plain text; with `lines` false, line ends become blanks.
    """
    cut = text[:limit]
    if not lines:
        cut = " ".join(cut.split())
    shown = "".join(c if c in "\n\t" or unicodedata.category(c) not in _HIDDEN else _visible(c) for c in cut)
    return shown + "…" if len(text) > limit else shown


def tip(text: str, limit: int = 2_000) -> str:
    """A foreign text as a tooltip: always escaped, because tooltips guess at rich text; long lines wrap."""
    return f"<span>{html.escape(plain(text, limit))}</span>" if text else ""


def _locale() -> QLocale:
    """The person's language; where the system names none, English, because "C" writes 3175 without its mark."""
    chosen = QLocale()
    return QLocale(QLocale.Language.English) if chosen.language() == QLocale.Language.C else chosen


def _visible(character: str) -> str:
    """Joiners that scripts need stay; the rest is named by its code."""
    return character if character in "\u200c\u200d\u00ad" else f"⟨{ord(character):04X}⟩"


def translated(text: str) -> str:
    """A sentence of a module without widgets, in the person's language."""
    return _tr(text)


def _tr(text: str) -> str:
    return QCoreApplication.translate("words", text)
