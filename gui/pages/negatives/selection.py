"""The lower part of the negatives page: the rules, the margins, and what is left; folds to one line."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from engine.params import SelectParams
from engine.store.selection import CandidateState
from gui import words
from gui.amounts import amount
from gui.pages.negatives.rules import RulesPanel
from gui.phrases import fill
from gui.tables.mined import Mined, Picture
from gui.widgets.buttons import IconButton
from gui.widgets.cards import column, row, rule, scroller
from gui.widgets.charts import Histogram
from gui.widgets.labels import ElidedLabel, Icon, Link, label
from gui.widgets.waterfall import Fall, Waterfall

HEIGHT = 232  # the rules down to the reranker, each of them whole
STRIP = 40


class SelectionPanel(QFrame):
    """Rules, margins and waterfall side by side, or one line that keeps the outcome in words.

    Signals: `changed(params)`, `toggled(open)`, `bulk_asked` to leave all doubtful ones out, `reading_asked` to let a
    reranker read the candidates.
    """

    changed = Signal(object)
    toggled = Signal(bool)
    bulk_asked = Signal()
    reading_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("pane", True)
        stack = column(self)
        stack.addWidget(rule())
        stack.addLayout(self._make_strip())
        self._content = QWidget()
        self._content.setFixedHeight(HEIGHT)
        line = row(self._content, gap=0)
        self.rules = RulesPanel()
        self.rules.changed.connect(self.changed)
        self.rules.reading_asked.connect(self.reading_asked)
        self.rules.setMinimumWidth(316)
        line.addWidget(self.rules, 5)
        line.addWidget(rule("v"))
        line.addWidget(self._make_margins(), 5)
        line.addWidget(rule("v"))
        line.addWidget(self._make_waterfall(), 5)
        stack.addWidget(self._content)
        self._chart: Histogram | None = None
        self.set_open(True)

    def is_open(self) -> bool:
        return not self._content.isHidden()

    def set_open(self, open_: bool) -> None:
        """Unfold to three panels, or fold to a line."""
        self._content.setVisible(open_)
        self._strip.setVisible(not open_)
        self.toggled.emit(open_)

    def show_mined(self, mined: Mined, params: SelectParams) -> None:
        """Another mining: its depth and its rules."""
        self.rules.set_depth(mined.depth)
        self.rules.set_params(params)
        self.rules.set_reranker(mined.reranker)

    def show_picture(self, mined: Mined, shown: Picture) -> None:
        """What the rules lead to now."""
        self._draw_margins(shown)
        falls = self._falls(shown)
        self.waterfall.set_falls(falls)
        self._speed.setText(fill(self.tr("re-selected in %1 ms"), str(max(round(shown.milliseconds), 1))))
        held = int(shown.selection.held.sum())
        doubtful = fill(self.tr("%1 doubtful"), words.count(held)) if held else self.tr("none doubtful")
        self._diamond.setVisible(held > 0)
        judged = fill(self.tr("%1 judged"), words.count(mined.judged))
        self._held.setText(f"{doubtful}, {judged}" if mined.judged else doubtful)
        self.bulk.setVisible(held > 0)
        short = shown.selection.short
        fewer = amount(short, self.tr("query with fewer"), self.tr("queries with fewer"))
        self._short.setText(fewer if short else "")
        self._outcome.setText(self._rules_in_words(shown.params))
        self._numbers.setText(f"{words.count(shown.selection.candidates)} → {words.count(shown.total)}")

    def _make_strip(self) -> QHBoxLayout:
        holder = row()
        self._strip = QWidget()
        self._strip.setFixedHeight(STRIP)
        line = row(self._strip, margins=(16, 0, 16, 0), gap=12)
        unfold = IconButton("chevron-up", self.tr("Unfold the selection"), size="small")
        unfold.clicked.connect(lambda: self.set_open(True))
        title = label(self.tr("Selection"), "body", weight="medium")
        self._outcome = ElidedLabel("", "dense", "text2")
        self._numbers = label("", "dense", weight="medium")
        line.addWidget(unfold)
        line.addWidget(title)
        line.addWidget(self._outcome, 1)
        line.addWidget(self._numbers)
        holder.addWidget(self._strip)
        return holder

    def _make_margins(self) -> QWidget:
        panel = QWidget()
        panel.setMinimumWidth(220)
        self._margins = column(panel, margins=(16, 8, 12, 4), gap=4)
        head = row()
        head.addWidget(label(self.tr("Margins"), "body", weight="medium"))
        head.addWidget(ElidedLabel(self.tr("chosen ones in colour, heights as square roots"), "caption", "text3"), 1)
        self._margins.addLayout(head)
        return panel

    def _make_waterfall(self) -> QWidget:
        panel = QWidget()
        panel.setMinimumWidth(240)
        stack = column(panel, margins=(16, 8, 16, 8), gap=4)
        head = row()
        head.addWidget(label(self.tr("What is left"), "body", weight="medium"))
        head.addStretch(1)
        self._speed = label("", "caption", "text3")
        head.addWidget(self._speed)
        fold = IconButton("chevron-down", self.tr("Fold the selection"), size="small")
        fold.clicked.connect(lambda: self.set_open(False))
        head.addWidget(fold)
        stack.addLayout(head)
        self.waterfall = Waterfall(self.tr("Candidates left after each rule"))
        stack.addWidget(scroller(self.waterfall), 1)
        foot = row(margins=(0, 2, 0, 0), gap=6)
        self._diamond = Icon("marks/chip-diamond", "warn", 10)
        foot.addWidget(self._diamond)
        self._held = ElidedLabel("", "caption", "text2")
        foot.addWidget(self._held, 1)
        self.bulk = Link(self.tr("leave all out…"), "caption")
        self.bulk.setToolTip(self.tr("Leave out every doubtful candidate, after a question with their number (B)"))
        self.bulk.clicked.connect(self.bulk_asked)
        foot.addWidget(self.bulk)
        self._short = label("", "caption", "text3")
        foot.addWidget(self._short)
        stack.addLayout(foot)
        return panel

    def _draw_margins(self, shown: Picture) -> None:
        if self._chart is None:
            self._chart = Histogram(accessible=self.tr("Margins of all candidates, with the least margin"))
            self._chart.threshold_moved.connect(self.rules.set_margin)
            self._margins.addWidget(self._chart, 1)
        # Roots: some thousand chosen ones could not be seen beside a million others.
        everything, doubtful, chosen = (np.sqrt(counts).tolist() for counts in shown.margins)
        self._chart.set_threshold(shown.params.relative_margin, lambda value: words.share(value))
        self._chart.set_bars(shown.edges.tolist(), everything, over=[("warn", doubtful), ("accent", chosen)])
        low, high = round(10 * shown.edges[0]), round(10 * shown.edges[-1])
        step = 1 if high - low <= 8 else 2
        ticks = [(place / 10, words.signed(10 * place, 0)) for place in range(low + 1, high, step) if place]
        self._chart.set_ticks("bottom", [*ticks, (0.0, self.tr("answer"))])
        self._chart.set_marks([(0.0, "")])

    def _falls(self, shown: Picture) -> list[Fall]:
        names = {
            CandidateState.SAME_AS_ANSWER: self.tr("Same as an answer"),
            CandidateState.JUDGED: self.tr("Left out by you"),
            CandidateState.SAME_DOCUMENT: self.tr("Same document"),
            CandidateState.OUT_OF_RANKS: fill(
                self.tr("Outside ranks %1 to %2"), str(shown.params.rank_min), str(shown.params.rank_max)
            ),
            CandidateState.DOUBTFUL: self.tr("Doubtful"),
            CandidateState.GATED: self.tr("An answer to the reranker"),
            CandidateState.TOO_CLOSE: self.tr("Inside the margin"),
            CandidateState.TOO_HIGH: self.tr("Score too high"),
            CandidateState.TOO_EASY: self.tr("Too easy"),
            CandidateState.OVER_COUNT: fill(self.tr("More than %1 a query"), str(shown.params.num_negatives)),
        }
        falls = [Fall(self.tr("Candidates"), 0, shown.selection.candidates)]
        falls += [
            Fall(names[step.state], step.removed, step.left) for step in shown.selection.waterfall if step.removed
        ]
        return falls if len(falls) > 1 else [*falls, Fall(self.tr("Chosen"), 0, shown.total)]

    def _rules_in_words(self, params: SelectParams) -> str:
        said = fill(
            self.tr("ranks %1 – %2, margin ≥ %3, %4 for each query"),
            str(params.rank_min),
            str(params.rank_max),
            words.share(params.relative_margin),
            str(params.num_negatives),
        )
        if params.max_score < 1:
            said += ", " + fill(self.tr("score up to %1"), words.decimal(params.max_score, 2))
        return said
