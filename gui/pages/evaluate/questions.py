"""Which questions moved: fixed and broken at equal width, both right, both wrong, pinned, and all as points."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QTabBar, QWidget

from engine.records import QueryMovement
from engine.store.pins import Pin
from engine.store.slices import By, Slice
from gui import theme, words
from gui.pages.evaluate.facts import NOT_FOUND, K, Moved, scatter_place, shown_points
from gui.pages.evaluate.slices import SlicesPane
from gui.phrases import fill
from gui.tables.movements import MovementList, tone_of
from gui.widgets.buttons import IconButton, SegmentedControl
from gui.widgets.cards import Card, column, row, rule
from gui.widgets.charts import ScatterChart
from gui.widgets.gauges import StackBar
from gui.widgets.inputs import ChoiceBox, FilterBox
from gui.widgets.labels import Chip, ChipState, ElidedLabel, label


class QuestionsCard(Card):
    """The questions of a comparison by what happened to them.

    Signals: `opened(query id)` to look at; `find_asked(words, order)` where others or in another order are wanted.
    """

    opened = Signal(int)
    find_asked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=0, gap=0, parent=parent)
        self._tabs = QTabBar()
        self._tabs.setFont(theme.font("body", "medium"))
        self._tabs.setAccessibleName(self.tr("Which questions"))
        self._tabs.setExpanding(False)
        self._tabs.setDrawBase(False)
        for _ in range(4):
            self._tabs.addTab("")
        self._shares = StackBar()
        self._shares.setMaximumWidth(180)
        self.fixed = _Side("good")
        self.broken = _Side("bad")
        self.right = _Side("none")
        self.wrong = _Side("none")
        self.pinned = _Side("accent")
        self._stack = QStackedWidget()
        self._find_line = self._make_find_line()
        self._to_find = IconButton("search", self.tr("Find and sort (Ctrl F)"), size="small")
        self._to_find.clicked.connect(lambda: self.show_find(self._find_line.isHidden()))
        shortcut = QShortcut(QKeySequence.StandardKey.Find, self)
        shortcut.activated.connect(lambda: self.show_find(True))
        self._build()
        self._tabs.currentChanged.connect(self._stack.setCurrentIndex)
        for side in (self.fixed, self.broken, self.right, self.wrong, self.pinned):
            side.rows.opened.connect(self.opened)

    def _make_find_line(self) -> QWidget:
        made = QWidget()
        made.hide()
        line = row(made, margins=(16, 6, 16, 6), gap=12)
        self._words = FilterBox(self.tr("Words of a query"), icon_name="search")
        self._words.settled.connect(lambda _text: self.find_asked.emit(*self.finding()))
        orders: list[tuple[str, object]] = [
            (self.tr("largest movement first"), "movement"),
            (self.tr("by rank after"), "now"),
            (self.tr("by rank before"), "before"),
            (self.tr("by text"), "text"),
        ]
        self._order = ChoiceBox(orders, accessible=self.tr("Sort"))
        self._order.picked.connect(lambda _order: self.find_asked.emit(*self.finding()))
        line.addWidget(self._words, 1)
        line.addWidget(self._order)
        return made

    def show_find(self, shown: bool) -> None:
        """Open the line to find and sort with the keyboard in it, or close it and list all again."""
        self._find_line.setVisible(shown)
        if shown:
            self._words.setFocus()
        elif self.finding() != ("", "movement"):
            self._words.clear()
            self._order.set_value("movement")
            self.find_asked.emit(*self.finding())

    def finding(self) -> tuple[str, str]:
        """What is looked for, and the order."""
        return self._words.text(), str(self._order.value())

    def _build(self) -> None:
        bar = QWidget()
        bar.setFixedHeight(40)
        line = row(bar, margins=(16, 0, 16, 0), gap=16)
        line.addWidget(self._tabs, 0, Qt.AlignmentFlag.AlignBottom)
        line.addStretch(1)
        line.addWidget(self._shares, 1)
        line.addWidget(self._to_find)
        self.body.addWidget(bar)
        self.body.addWidget(rule())
        self.body.addWidget(self._find_line)
        both = QWidget()
        halves = row(both, gap=0)
        halves.addWidget(self.fixed, 1)
        halves.addWidget(rule("v"))
        halves.addWidget(self.broken, 1)
        for page in (both, self.right, self.wrong, self.pinned):
            self._stack.addWidget(page)
        self._stack.setMinimumHeight(200)
        self.body.addWidget(self._stack, 1)

    def show_moved(self, moved: Moved, before: str, after: str) -> None:
        """Fill the lists; `before` and `after` name the systems."""
        counts = [len(part) for part in (moved.fixed, moved.broken, moved.right, moved.wrong)]
        fixed, broken, right, wrong = (words.count(n) for n in counts)
        self._tabs.setTabText(0, fill(self.tr("Fixed %1 and broken %2"), fixed, broken))
        self._tabs.setTabText(1, fill(self.tr("Both right %1"), right))
        self._tabs.setTabText(2, fill(self.tr("Both wrong %1"), wrong))
        ranks = f"{before} → {after}"
        first = fill(self.tr("into the top %1"), K)
        self.fixed.show_rows(moved.fixed, fill(self.tr("%1 fixed"), fixed), first, ranks)
        self.broken.show_rows(
            moved.broken, fill(self.tr("%1 broken"), broken), fill(self.tr("out of the top %1"), K), ranks
        )
        self.right.show_rows(
            moved.right, fill(self.tr("%1 right"), right), fill(self.tr("in the top %1 of both"), K), ranks
        )
        self.wrong.show_rows(
            moved.wrong, fill(self.tr("%1 wrong"), wrong), fill(self.tr("in the top %1 of neither"), K), ranks
        )
        names = (self.tr("both right"), self.tr("fixed"), self.tr("broken"), self.tr("both wrong"))
        tokens = ("bar", "good", "bad", "base")
        order = (counts[2], counts[0], counts[1], counts[3])
        self._shares.set_parts([(t, float(n), name) for t, n, name in zip(tokens, order, names, strict=True)])

    def show_pinned(self, pinned: Sequence[Pin], moved: Moved, before: str, after: str) -> None:
        """Fill the list of queries that must keep their answer in the first hits."""
        wanted = {pin.query_id for pin in pinned}
        rows = {row_.query_id: row_ for row_ in moved.all() if row_.query_id in wanted} if wanted else {}
        shown = tuple(rows[pin.query_id] for pin in pinned if pin.query_id in rows)
        broken = sum(pin.is_broken for pin in pinned)
        self._tabs.setTabText(3, fill(self.tr("Pinned %1"), words.count(len(pinned))))
        if broken:
            fact = fill(self.tr("%1 of them broken: an export will warn"), words.count(broken))
        elif pinned:
            fact = self.tr("all keep their answer")
        else:
            fact = self.tr("open a query and pin it, and its answer must stay where it is")
        self.pinned.show_rows(shown, fill(self.tr("%1 pinned"), words.count(len(pinned))), fact, f"{before} → {after}")

    def show_tab(self, name: str) -> None:
        """Bring fixed, broken, right or wrong queries to the front, with the keyboard on them."""
        tabs = {
            "fixed": (0, self.fixed),
            "broken": (0, self.broken),
            "right": (1, self.right),
            "wrong": (2, self.wrong),
            "pinned": (3, self.pinned),
        }
        if name in tabs:
            place, side = tabs[name]
            self._tabs.setCurrentIndex(place)
            side.rows.setFocus()

    def tab_words(self) -> list[str]:
        return [self._tabs.tabText(place) for place in range(self._tabs.count())]


class _Side(QWidget):
    """A list of questions under a chip and what its ranks are of."""

    def __init__(self, state: ChipState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: ChipState = state
        stack = column(self)
        head = QWidget()
        head.setFixedHeight(36)
        line = row(head, margins=(16, 0, 16, 0))
        self._chip = Chip("", state)
        self._fact = label("", "caption", "text3")
        self._ranks = label("", "caption", "text3")
        line.addWidget(self._chip)
        line.addWidget(self._fact)
        line.addStretch(1)
        line.addWidget(self._ranks)
        stack.addWidget(head)
        self.rows = MovementList("")
        stack.addWidget(self.rows, 1)
        self._none = label(self.tr("None."), "body", "text3")
        self._none.setContentsMargins(16, 4, 16, 0)
        stack.addWidget(self._none)
        stack.addStretch(0)

    def show_rows(self, rows: tuple[QueryMovement, ...], chip: str, fact: str, ranks: str) -> None:
        self._chip.set_state(chip, self._state)
        self._fact.setText(fact)
        self._ranks.setText(ranks if len(ranks) < 21 else self.tr("before → after"))
        self.rows.setAccessibleName(f"{chip} {fact}, {ranks}")
        self.rows.movements.set_rows(rows)
        self.rows.setVisible(bool(rows))
        self._none.setVisible(not rows)


class ScatterCard(Card):
    """Every question as a point (rank before to the right, after downwards, log axes), or the gain in parts of them.

    Signals: `opened(query id)`; `parted(by)` where the parts are wanted; `measure_asked` where they are not known yet.
    """

    opened = Signal(int)
    parted = Signal(str)
    measure_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Before and after"), pad=0, divided=False, parent=parent)
        self._chart: ScatterChart | None = None
        self._below = ElidedLabel("", "caption", "text3")
        self._below.setContentsMargins(16, 0, 16, 8)
        self._points = QWidget()
        self._stack = column(self._points)
        self._stack.addWidget(self._below)
        self.slices = SlicesPane()
        self.slices.asked.connect(self.parted)
        self.slices.measure_asked.connect(self.measure_asked)
        self.slices.hide()
        self._switch = SegmentedControl([self.tr("Ranks"), self.tr("Parts")], accessible=self.tr("What to show"))
        self._switch.changed.connect(self.show_view)
        self.head.addWidget(self._switch)
        self.body.addWidget(self._points, 1)
        self.body.addWidget(self.slices, 1)
        self.setMinimumHeight(240)
        self._names = ("", "")

    def show_view(self, view: int) -> None:
        """0: the points; 1: the parts."""
        self._switch.set_current(view)
        self._points.setVisible(view == 0)
        self.slices.setVisible(view == 1)
        self.title.setText(self.tr("Before and after") if view == 0 else self.tr("In parts"))
        if view == 1:
            self.parted.emit(self.slices.by())

    def wants(self) -> By | None:
        """How the queries are to be parted, None where points are shown."""
        return self.slices.by() if self._switch.current() == 1 else None

    def show_slices(self, parts: Sequence[Slice]) -> None:
        self.slices.show_slices(parts, *self._names)

    def show_moved(self, moved: Moved, before: str, after: str) -> None:
        self._names = (before, after)
        axes = fill(self.tr("across: rank with %1 · down: rank with %2"), before, after)
        shown, whole = shown_points(moved), len(moved.all())
        if len(shown) < whole:
            axes = fill(self.tr("%1 of %2 shown · %3"), words.count(len(shown)), words.count(whole), axes)
        self._below.setText(axes)
        chart = self._made()
        groups: dict[str, list[tuple[float, float, object]]] = {"text2": [], "good": [], "bad": []}
        for movement in shown:
            groups[tone_of(movement)].append((*scatter_place(movement), movement.query_id))
        symbols = {"text2": "o", "good": "t1", "bad": "t"}
        chart.set_groups([("base" if t == "text2" else t, symbols[t], points) for t, points in groups.items()])

    def _made(self) -> ScatterChart:
        if self._chart is None:
            self._chart = ScatterChart(accessible=self.tr("Rank of the answer before and after, a point a question"))
            end = math.log10(NOT_FOUND) + 0.12
            ten, words_high = math.log10(K + 0.5), 0.26
            # The words stand above the first rank and below the last, where no point can be.
            self._chart.set_ranges((-0.12, end), (-end - words_high, 0.12 + words_high))
            names = ((1, "1"), (10, "10"), (100, "100"), (NOT_FOUND, "–"))
            self._chart.set_ticks("bottom", [(math.log10(n), text) for n, text in names])
            self._chart.set_ticks("left", [(-math.log10(n), text) for n, text in names])
            self._chart.set_zones(
                [
                    ("good", QRectF(ten, -ten, end - ten, ten + 0.12), ""),
                    ("bad", QRectF(-0.12, -end, ten + 0.12, end - ten), ""),
                    ("good", QRectF(ten, 0.12, end - ten, words_high), self.tr("fixed")),
                    ("bad", QRectF(-0.12, -end - words_high, ten + 0.12, words_high), self.tr("broken")),
                ]
            )
            self._chart.picked.connect(lambda key: self.opened.emit(int(str(key))))
            self._chart.set_diagonal((0.0, 0.0), (end, -end))
            self._chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            self._stack.insertWidget(0, self._chart, 1)
        return self._chart
