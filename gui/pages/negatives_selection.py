"""The lower part of the negatives page: the rules on sliders, the margins, and what is left; folds to one line."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from engine.params import SelectParams
from engine.store.selection import CandidateState
from gui import theme, words
from gui.phrases import fill
from gui.tables.mined import Mined, Picture
from gui.widgets.buttons import IconButton
from gui.widgets.cards import column, row, rule
from gui.widgets.charts import Histogram
from gui.widgets.labels import ElidedLabel, Icon, Link, label
from gui.widgets.sliders import RangeSlider
from gui.widgets.waterfall import Fall, Waterfall

HEIGHT = 212
STRIP = 40


class Rule(QWidget):
    """One rule: its name (with a dot where it is not the default), a slider, the value in words."""

    moved = Signal()

    def __init__(self, name: str, slider: RangeSlider, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setFixedHeight(26)
        line = row(self, gap=12)
        self._label = label(name, "body", "text2")
        self._label.setFixedWidth(96)
        line.addWidget(self._label)
        self.slider = slider
        slider.setAccessibleName(name)
        line.addWidget(slider, 1)
        self._value = label("", "body", weight="medium")
        self._value.setFixedWidth(76)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._value)
        slider.changed.connect(lambda _low, _high: self.moved.emit())

    def show_value(self, text: str, changed: bool) -> None:
        self._value.setText(text)
        self._label.setText(f"{self._name} •" if changed else self._name)
        self._label.setFont(theme.font("body", "bold" if changed else "regular"))
        self.slider.setAccessibleDescription(text)


class RulesPanel(QWidget):
    """The sliders. `changed(params)` while one moves."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._params = SelectParams()
        self._depth = 200
        self._default = SelectParams()
        stack = column(self, margins=(16, 8, 16, 8), gap=0)
        head = row()
        head.addWidget(label(self.tr("Selection"), "body", weight="medium"))
        self._fact = label("", "caption", "text3")
        head.addWidget(self._fact)
        head.addStretch(1)
        self._reset = Link(self.tr("Reset"), "dense")
        self._reset.clicked.connect(lambda: self._take(self._default))
        head.addWidget(self._reset)
        stack.addLayout(head)
        stack.addSpacing(4)
        self.ranks = Rule(self.tr("Ranks"), RangeSlider(1, 200))
        self.margin = Rule(self.tr("Margin"), RangeSlider(-10, 40, 1, handles=1))
        self.highest = Rule(self.tr("Highest score"), RangeSlider(0.30, 1.0, 0.01, handles=1))
        self.count = Rule(self.tr("For each query"), RangeSlider(1, 10, handles=1))
        self.mix = Rule(self.tr("Mix"), RangeSlider(0, 100, 5))
        self.doubt = Rule(self.tr("Hold back"), RangeSlider(0.05, 1.0, 0.05, handles=1))
        self._tips()
        for part in (self.ranks, self.margin, self.highest, self.count, self.mix, self.doubt):
            part.moved.connect(self._moved)
            stack.addWidget(part)
        stack.addStretch(1)
        self.set_params(self._params)

    def params(self) -> SelectParams:
        return self._params

    def set_depth(self, depth: int) -> None:
        """How deep the ranks go."""
        self._depth = depth
        self.ranks.slider.set_limits(1, depth)

    def set_params(self, params: SelectParams) -> None:
        """Show rules without a signal."""
        self._params = params
        self.ranks.slider.set_values(params.rank_min, params.rank_max)
        self.margin.slider.set_values(-10, 100 * params.relative_margin)
        self.highest.slider.set_values(0.30, params.max_score)
        self.count.slider.set_values(1, params.num_negatives)
        model = 100 * (1 - params.share_bm25 - params.share_random)
        self.mix.slider.set_values(model, model + 100 * params.share_bm25)
        self.doubt.slider.set_values(0.05, params.max_doubt)
        self._say()

    def set_margin(self, margin: float) -> None:
        """The line in the histogram was moved."""
        self._take(replace(self._params, relative_margin=round(margin, 2)))

    def changed_rules(self) -> int:
        """How many rules are not the defaults."""
        others = (name for name in SelectParams.__dataclass_fields__ if name not in ("rank_max", "seed"))
        changed = [name for name in others if getattr(self._params, name) != getattr(self._default, name)]
        return len(changed) + int(self._params.rank_max < min(self._default.rank_max, self._depth))

    def _tips(self) -> None:
        for part, tip in (
            (self.ranks, self.tr("Only candidates that BM25 or the model ranks in this window.")),
            (self.margin, self.tr("How far a negative must score below the lowest answer, as a share of it.")),
            (self.highest, self.tr("Candidates that score higher may be answers that nobody marked.")),
            (self.count, self.tr("How many negatives each query gets at most.")),
            (self.mix, self.tr("Shares of the model's, BM25's and random negatives; the handles part them.")),
            (self.doubt, self.tr("Candidates this likely to be unmarked answers wait for your word.")),
        ):
            part.setToolTip(tip)

    def _moved(self) -> None:
        low, high = self.ranks.slider.values()
        model, bm25_end = self.mix.slider.values()
        self._take(
            replace(
                self._params,
                rank_min=int(low),
                rank_max=int(high),
                relative_margin=round(self.margin.slider.values()[1] / 100, 2),
                max_score=self.highest.slider.values()[1],
                num_negatives=int(self.count.slider.values()[1]),
                share_bm25=round((bm25_end - model) / 100, 2),
                share_random=round((100 - bm25_end) / 100, 2),
                max_doubt=self.doubt.slider.values()[1],
            )
        )

    def _take(self, params: SelectParams) -> None:
        if params != self._params:
            self.set_params(params)
            self.changed.emit(params)

    def _say(self) -> None:
        now, default = self._params, self._default
        depth = self._depth
        shown_max = min(now.rank_max, depth)
        narrowed = now.rank_min != default.rank_min or shown_max != min(default.rank_max, depth)
        self.ranks.show_value(f"{now.rank_min} – {shown_max}", narrowed)
        margin = words.share(now.relative_margin)
        self.margin.show_value(f"≥ {margin}", now.relative_margin != default.relative_margin)
        highest = words.decimal(now.max_score, 2) if now.max_score < 1 else self.tr("any")
        self.highest.show_value(highest, now.max_score != default.max_score)
        self.count.show_value(str(now.num_negatives), now.num_negatives != default.num_negatives)
        parts = (1 - now.share_bm25 - now.share_random, now.share_bm25, now.share_random)
        mixed = (now.share_bm25, now.share_random) != (default.share_bm25, default.share_random)
        self.mix.show_value(" · ".join(f"{round(100 * part)}" for part in parts), mixed)
        self.mix.slider.setAccessibleDescription(
            fill(self.tr("model %1, BM25 %2, random %3"), *(words.share(part) for part in parts))
        )
        self.doubt.show_value(f"≥ {words.decimal(now.max_doubt, 2)}", now.max_doubt != default.max_doubt)
        changed = self.changed_rules()
        self._fact.setText(fill(self.tr("defaults, %1 changed"), str(changed)) if changed else self.tr("defaults"))
        self._reset.setVisible(changed > 0)


class SelectionPanel(QFrame):
    """Rules, margins and waterfall side by side, or one line that keeps the outcome in words.

    Signals: `changed(params)`, `toggled(open)`, `bulk_asked` to leave all doubtful ones out.
    """

    changed = Signal(object)
    toggled = Signal(bool)
    bulk_asked = Signal()

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
        self.rules.setMinimumWidth(300)
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

    def show_picture(self, mined: Mined, shown: Picture) -> None:
        """What the rules lead to now."""
        self._draw_margins(shown)
        falls = self._falls(shown)
        self.waterfall.set_falls(falls)
        self._speed.setText(fill(self.tr("re-selected in %1 ms"), str(max(round(shown.milliseconds), 1))))
        held = int(shown.selection.held.sum())
        doubtful = fill(self.tr("%1 doubtful held back"), words.count(held))
        judged = fill(self.tr("%1 judged"), words.count(mined.judged))
        self._held.setText(f"{doubtful}, {judged}" if mined.judged else doubtful)
        self.bulk.setVisible(held > 0)
        short = shown.selection.short
        self._short.setText(fill(self.tr("%1 queries with fewer"), words.count(short)) if short else "")
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
        panel.setMinimumWidth(240)
        self._margins = column(panel, margins=(16, 8, 12, 4), gap=4)
        head = row()
        head.addWidget(label(self.tr("Margins"), "body", weight="medium"))
        head.addWidget(ElidedLabel(self.tr("of all candidates; chosen ones in colour"), "caption", "text3"), 1)
        self._margins.addLayout(head)
        return panel

    def _make_waterfall(self) -> QWidget:
        panel = QWidget()
        panel.setMinimumWidth(260)
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
        stack.addWidget(self.waterfall)
        foot = row(margins=(0, 2, 0, 0), gap=6)
        foot.addWidget(Icon("marks/chip-diamond", "warn", 10))
        self._held = ElidedLabel("", "caption", "text2")
        foot.addWidget(self._held, 1)
        self.bulk = Link(self.tr("leave all out…"), "caption")
        self.bulk.setToolTip(self.tr("Leave out every doubtful candidate, after a question with their number (B)"))
        self.bulk.clicked.connect(self.bulk_asked)
        foot.addWidget(self.bulk)
        self._short = label("", "caption", "text3")
        foot.addWidget(self._short)
        stack.addLayout(foot)
        stack.addStretch(1)
        return panel

    def _draw_margins(self, shown: Picture) -> None:
        if self._chart is None:
            self._chart = Histogram(accessible=self.tr("Margins of all candidates, with the least margin"))
            self._chart.threshold_moved.connect(self.rules.set_margin)
            self._margins.addWidget(self._chart, 1)
        everything, doubtful, chosen = (counts.astype(float).tolist() for counts in shown.margins)
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
