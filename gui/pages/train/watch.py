"""Watched queries of a run: the rank of each answer from look to look, its line, and what comes first now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui import words
from gui.pages.train.facts import Watched
from gui.phrases import fill
from gui.widgets.cards import column, row, rule
from gui.widgets.gauges import Sparkline
from gui.widgets.labels import ElidedLabel, Link, label, set_tone

_SHOWN_RANKS = 4
_TOP = 10


class WatchedList(QWidget):
    """A row for each watched query; `pinning_asked` leads to where queries are pinned."""

    pinning_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[int, _WatchedRow] = {}
        stack = column(self)
        self._stack = column()
        stack.addLayout(self._stack)
        line = row(margins=(0, 8, 0, 0))
        line.addWidget(label(fill(self.tr("In the first %1"), _TOP), "body", "text2"))
        line.addStretch(1)
        self._before = label("", "body", "text2")
        self._now = label("", "body", weight="bold")
        line.addWidget(self._before)
        line.addWidget(self._now)
        stack.addLayout(line)
        self._pin = Link(self.tr("Choose what is watched: pin queries"), "dense")
        self._pin.clicked.connect(self.pinning_asked)
        stack.addWidget(self._pin)

    def show_watched(self, watched: Sequence[Watched]) -> None:
        """Show these; rows that stand already are changed in place."""
        if [query.query_id for query in watched] != list(self._rows):
            self._rebuild(watched)
        for query in watched:
            self._rows[query.query_id].show_query(query)
        first = sum(query.ranks[0][1] <= _TOP for query in watched)
        now = sum(query.ranks[-1][1] <= _TOP for query in watched)
        several = any(len(query.ranks) > 1 for query in watched)
        self._before.setText(f"{first} →" if several else "")
        self._now.setText(fill(self.tr("%1 of %2"), now, len(watched)))

    def rows(self) -> list[_WatchedRow]:
        return list(self._rows.values())

    def _rebuild(self, watched: Sequence[Watched]) -> None:
        while self._stack.count():
            taken = self._stack.takeAt(0)
            widget = taken.widget() if taken is not None else None
            if widget is not None:
                widget.deleteLater()
        self._rows = {query.query_id: _WatchedRow() for query in watched}
        for made in self._rows.values():
            self._stack.addWidget(made)
            self._stack.addWidget(rule())


class _WatchedRow(QWidget):
    """A query: its text, `rank 41 → 17 → 3`, the line of its ranks, and the first three passages."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self, margins=(0, 8, 0, 8), gap=2)
        self._text = ElidedLabel("", "body", weight="medium")
        stack.addWidget(self._text)
        line = row(gap=4)
        self._before = label("", "dense", "text2")
        self._now = label("", "body", weight="bold")
        self._line = Sparkline(limit=math.log2(_TOP), limit_name=fill(self.tr("top %1"), _TOP), inverted=True)
        line.addWidget(self._before)
        line.addWidget(self._now)
        line.addWidget(self._line, 100)
        line.addStretch(1)  # there is no line yet after the first look
        stack.addLayout(line)
        self._top = [ElidedLabel("", "caption", "text3") for _ in range(3)]
        for place in self._top:
            stack.addWidget(place)

    def show_query(self, query: Watched) -> None:
        ranks = [rank for _step, rank in query.ranks]
        text = words.plain(query.text, 300)
        self._text.setText(text)
        self._text.setToolTip(words.tip(query.text))
        *before, now = shown_ranks(ranks)
        self._before.setText(fill(self.tr("rank %1"), " → ".join([*map(words.count, before), ""]).rstrip()))
        self._now.setText(words.count(now))
        tone = "good" if now <= ranks[0] and now <= _TOP else "bad" if now > ranks[0] else "text"
        set_tone(self._now, tone)
        self._line.setVisible(len(ranks) > 1)
        # From 20 to 10 is as much as from 2 to 1.
        self._line.set_values([math.log2(rank) for rank in ranks], "bad" if tone == "bad" else "tuned")
        for number, place in enumerate(self._top, start=1):
            found = query.top[number - 1] if number <= len(query.top) else None
            place.setVisible(found is not None)
            if found is not None:
                title, right = found
                place.setText(f"{number}  {'✓ ' if right else ''}{words.plain(title, 200)}")
                set_tone(place, "good" if right else "text3")
        path = " → ".join(map(words.count, shown_ranks(ranks)))
        self.setAccessibleName(f"{text}: {fill(self.tr('rank %1'), path)}")

    def path(self) -> str:
        """The ranks as they are shown."""
        return f"{self._before.text()} {self._now.text()}"


def shown_ranks(ranks: Sequence[int]) -> list[int]:
    """At most four of many: the first, the last, and between them those after a third and two thirds of the looks."""
    if len(ranks) <= _SHOWN_RANKS:
        return list(ranks)
    places = [round(number * (len(ranks) - 1) / (_SHOWN_RANKS - 1)) for number in range(_SHOWN_RANKS)]
    return [ranks[place] for place in places]
