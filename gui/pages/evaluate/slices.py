"""Where a system gains and loses: the comparison in parts, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from engine.store.slices import BYS, By, Slice
from gui import words
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row, scroller
from gui.widgets.gauges import Interval, IntervalBar
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import label

_WIDTH = 118


class SlicesPane(QWidget):
    """Parts of the queries with the gain in each.

    Signals: `asked(by)` where they should be parted otherwise; `measure_asked` where nothing is known of them yet.
    """

    asked = Signal(str)
    measure_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self, margins=(12, 4, 4, 8), gap=8)
        choices: list[tuple[str, object]] = [
            (self.tr("by length"), "length"),
            (self.tr("by words shared with the answer"), "overlap"),
            (self.tr("by language"), "language"),
            (self.tr("by source"), "source"),
            (self.tr("by document"), "document"),
        ]
        self._by = ChoiceBox(choices, accessible=self.tr("Part the queries"))
        self._by.picked.connect(lambda by: self.asked.emit(str(by)))
        self._fact = label("", "caption", "text3", wrap=True)
        self._again = Button(self.tr("Measure again"), size="small")
        self._again.clicked.connect(self.measure_asked)
        self._again.hide()
        line = row()
        line.addWidget(self._by)
        line.addStretch(1)
        stack.addLayout(line)
        self._bar = IntervalBar(name_width=_WIDTH, figures=True)
        content = QWidget()
        inside = column(content)
        inside.addWidget(self._bar)
        inside.addWidget(self._fact)
        inside.addWidget(self._again, 0, Qt.AlignmentFlag.AlignLeft)
        inside.addStretch(1)
        self._scroll = scroller(content)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        stack.addWidget(self._scroll, 1)

    def by(self) -> By:
        """How the queries are parted now."""
        return next(by for by in BYS if by == self._by.value())

    def show_slices(self, parts: Sequence[Slice], before: str, after: str) -> None:
        """Show parts with the gain of `after` over `before` in each."""
        self._bar.setVisible(bool(parts))
        self._again.setVisible(not parts)
        self._bar.set_intervals(
            [Interval(p.delta, p.low, p.high, f"{self._short(p.name)} ({words.count(p.n)})") for p in parts]
        )
        self._bar.setToolTip("\n".join(f"{self._name(p.name)}: {words.count(p.n)}" for p in parts))
        if parts:
            told = fill(
                self.tr(
                    "Gain of %1 over %2, nDCG@10, with its 95 % interval; number of queries. Parts of under five "
                    "queries are left out."
                ),
                after,
                before,
            )
        else:
            told = self.tr("Nothing to show: fewer than five queries in each part, or measured by an older version.")
        self._fact.setText(told)

    def shown(self) -> str:
        """What is drawn, in words."""
        return self._bar.accessibleName()

    def _short(self, name: str) -> str:
        whole = self._name(name)
        return whole if len(whole) <= 14 else whole[:13] + "…"

    def _name(self, name: str) -> str:
        known = {
            "1 to 4 words": self.tr("1–4 words"),
            "5 to 8 words": self.tr("5–8 words"),
            "9 to 16 words": self.tr("9–16 words"),
            "17 words and more": self.tr("17 and more"),
            "under a quarter of its words in the answer": self.tr("under 25 %"),
            "a quarter to a half": self.tr("25 to 50 %"),
            "a half to three quarters": self.tr("50 to 75 %"),
            "three quarters and more": self.tr("over 75 %"),
            "imported": self.tr("imported"),
            "hand": self.tr("by hand"),
            "Chinese": self.tr("Chinese"),
            "Latin letters": self.tr("Latin letters"),
        }
        return known.get(name, words.plain(name, 60))
