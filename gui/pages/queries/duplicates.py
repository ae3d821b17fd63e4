"""The duplicates drawer: a threshold over all pairs by likeness, and the pairs at the threshold beside it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.params import DedupParams
from engine.records import Query
from engine.store.edges import FLOOR
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.tables.pairs import BINS, DuplicatesView, Pair, PairDelegate, PairsModel
from gui.tables.rows import Row, RowsModel
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import Drawer, column, row, rule
from gui.widgets.charts import Histogram
from gui.widgets.labels import label
from gui.widgets.tables import RowList


class PairList(RowList):
    """Takes the keys M (merge) and K (keep both) while it has the focus."""

    merge_pressed = Signal()
    keep_pressed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = {Qt.Key.Key_M: self.merge_pressed, Qt.Key.Key_K: self.keep_pressed}.get(Qt.Key(event.key()))
        if pressed is not None and not event.modifiers():
            pressed.emit()
        else:
            super().keyPressEvent(event)


class DuplicatesDrawer(Drawer):
    """Signals: `threshold_moved(value)`, `merge_all_asked(threshold)`, `merge_asked(pair)`, `keep_asked(pair)`,
    `group_chosen(query id)`, `group_parted(query id)`."""

    threshold_moved = Signal(float)
    merge_all_asked = Signal(float)
    merge_asked = Signal(object)
    keep_asked = Signal(object)
    group_chosen = Signal(int)
    group_parted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("merge", QCoreApplication.translate("DuplicatesDrawer", "Duplicates"), parent=parent)
        self._threshold = DedupParams().threshold
        self._chart: Histogram | None = None
        self._view: DuplicatesView | None = None
        self.find_button = Button(self.tr("Find duplicates"), "soft", size="small")
        self.find_button.clicked.connect(lambda: self.merge_all_asked.emit(self._threshold))
        self.head.insertWidget(3, self.find_button)
        self.content_layout.setContentsMargins(0, 0, 0, 0)
        line = row(gap=0)
        self.content_layout.addLayout(line, 1)
        self._left = column(margins=(16, 12, 16, 8), gap=4)
        self._left.addWidget(label(self.tr("Pairs of queries, by likeness to the model"), "caption", "text2"))
        holder = QWidget()
        holder.setLayout(self._left)
        line.addWidget(holder, 5)
        middle = rule("v")
        line.addWidget(middle)
        self._right = self._make_right()
        line.addWidget(self._right, 6)
        self._nothing = label(
            self.tr("Nothing was compared yet. Finding duplicates reads every query once with the base model."),
            "body",
            "text2",
            wrap=True,
        )
        self.content_layout.insertWidget(0, self._nothing)
        self._nothing.setContentsMargins(16, 12, 16, 12)
        self._parts = (holder, middle, self._right)
        self.content.setMinimumHeight(220)

    def threshold(self) -> float:
        return self._threshold

    def show_view(self, view: DuplicatesView, groups: Sequence[tuple[Query, list[Query]]] | None = None) -> None:
        """Show what a threshold leads to; `groups` are those merged now."""
        self._view = view
        self._nothing.setVisible(not view.compared)
        for part in self._parts:
            part.setVisible(view.compared)
        self.content.setMinimumHeight(220 if view.compared else 48)
        self.setMaximumHeight(16_777_215 if view.compared else 104)
        self._say_outcome(view)
        if groups is not None:
            self._groups.set_rows([self._group_row(head, members) for head, members in groups])
        self._tabs.set_choices([self.tr("At the threshold"), fill(self.tr("Merged %1"), words.count(view.merged))])
        if not view.compared:
            return
        chosen = self.pairs.pair(self._list.currentIndex().row())
        self.pairs.set_pairs(view.pairs)
        place = self.pairs.row_of(chosen)
        if view.pairs:
            self._list.setCurrentIndex(self.pairs.index(max(place, 0), 0))
        self._draw(view)
        self._follow()

    def set_threshold(self, value: float) -> None:
        """Move the handle without asking for anything."""
        self._threshold = value

    def chosen_pair(self) -> Pair | None:
        return self.pairs.pair(self._list.currentIndex().row())

    def _make_right(self) -> QWidget:
        right = QWidget()
        stack = column(right, gap=0)
        head = row(margins=(16, 8, 16, 8))
        tabs = [self.tr("At the threshold"), self.tr("Merged")]
        self._tabs = SegmentedControl(tabs, accessible=self.tr("Pairs or groups"))
        head.addWidget(self._tabs)
        head.addStretch(1)
        stack.addLayout(head)
        stack.addWidget(rule())
        self.pairs = PairsModel(self)
        self._list = PairList(self.tr("Pairs nearest to the threshold"))
        self._list.setItemDelegate(PairDelegate(self._list))
        self._list.setModel(self.pairs)
        self._list.selectionModel().currentChanged.connect(lambda _now, _before: self._follow())
        self._list.merge_pressed.connect(self._merge)
        self._list.keep_pressed.connect(self._keep)
        self._groups = RowsModel(self)
        self._group_list = PairList(self.tr("Groups of merged queries"))
        self._group_list.setModel(self._groups)
        self._group_list.selectionModel().currentChanged.connect(self._group_picked)
        self._group_list.keep_pressed.connect(self._keep)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._list)
        self._stack.addWidget(self._group_list)
        self._tabs.changed.connect(self._stack.setCurrentIndex)
        self._tabs.changed.connect(lambda _place: self._follow())
        stack.addWidget(self._stack, 1)
        stack.addWidget(rule())
        foot = row(margins=(16, 6, 16, 6))
        self._merge_button = Button(self.tr("Merge"), "plain", keys="M", size="small")
        self._merge_button.clicked.connect(self._merge)
        self._keep_button = Button(self.tr("Keep both"), "flat", keys="K", size="small")
        self._keep_button.clicked.connect(self._keep)
        self._hint = label("", "caption", "text3")
        foot.addWidget(self._hint)
        foot.addStretch(1)
        foot.addWidget(self._merge_button)
        foot.addWidget(self._keep_button)
        stack.addLayout(foot)
        return right

    def _say_outcome(self, view: DuplicatesView) -> None:
        at = f"{self._threshold:.2f}"
        if not view.compared:
            self.fact.setText(self.tr("not looked for yet"))
            self.find_button.setText(self.tr("Find duplicates"))
            return
        queries = amount(view.duplicates, self.tr("query"), self.tr("queries"))
        groups = amount(view.groups, self.tr("group"), self.tr("groups"))
        said = fill(self.tr("%1 in %2 at %3; nothing is deleted, merged queries keep all answers"), queries, groups, at)
        if view.stale:
            said = self.tr("queries came since, look again") + " · " + said
        self.fact.setText(said)
        done = view.merged_at and abs(view.merged_at - self._threshold) < 0.0005 and not view.stale
        self.find_button.setText(fill(self.tr("Merge at %1") if not done else self.tr("Merged at %1"), at))
        self.find_button.set_kind("plain" if done else "soft")

    def _draw(self, view: DuplicatesView) -> None:
        if self._chart is None:
            self._chart = Histogram(log=True, accessible=self.tr("Pairs of queries by likeness, with the threshold"))
            self._chart.threshold_moved.connect(self._moved)
            self._left.addWidget(self._chart, 1)
        edges = [FLOOR + (1 - FLOOR) * place / BINS for place in range(BINS + 1)]
        at = self._threshold
        counts = [float(count) for count in view.histogram]
        self._chart.set_bars(edges, counts, token_of=lambda middle: "accent" if middle >= at else "bar")
        self._chart.set_ticks("bottom", [(0.6 + 0.1 * step, f"{0.6 + 0.1 * step:.1f}") for step in range(5)])
        self._chart.set_threshold(at, "{:.2f}".format)

    def _moved(self, value: float) -> None:
        value = round(value, 2)
        if value != self._threshold:
            self._threshold = value
            self.threshold_moved.emit(value)

    def _group_row(self, head: Query, members: list[Query]) -> Row:
        second = fill(self.tr("and %1: %2"), amount(len(members), self.tr("more"), self.tr("more")), members[0].text)
        return Row(head.id, words.plain(head.text, 300), words.plain(second, 300))

    def _group_picked(self, now: QModelIndex, _before: QModelIndex) -> None:
        found = self._groups.row(now.row())
        if found is not None:
            self.group_chosen.emit(found.key)
        self._follow()

    def _follow(self) -> None:
        """What can be done with the chosen pair."""
        pair = self.chosen_pair()
        on_pairs = self._stack.currentIndex() == 0
        self._merge_button.setVisible(on_pairs)
        self._merge_button.setEnabled(pair is not None and not pair.merged)
        self._keep_button.setText(self.tr("Keep both") if on_pairs else self.tr("Take apart"))
        group = self._groups.row(self._group_list.currentIndex().row())
        possible = (pair is not None and not pair.parted) if on_pairs else group is not None
        self._keep_button.setEnabled(possible)
        self._hint.setText("" if on_pairs or group is not None else self.tr("Choose a group to take it apart."))

    def _merge(self) -> None:
        pair = self.chosen_pair()
        if pair is not None and not pair.merged:
            self.merge_asked.emit(pair)

    def _keep(self) -> None:
        group = self._groups.row(self._group_list.currentIndex().row())
        pair = self.chosen_pair()
        if self._stack.currentIndex() == 1:
            if group is not None:
                self.group_parted.emit(group.key)
        elif pair is not None and not pair.parted:
            self.keep_asked.emit(pair)
