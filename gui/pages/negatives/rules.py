"""Every rule that chooses negatives, each on a slider or a choice, in one list that scrolls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from engine.params import SelectParams
from gui import theme, words
from gui.phrases import fill
from gui.widgets.cards import column, row, scroller
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import Link, label
from gui.widgets.sliders import RangeSlider

_NAME, _VALUE, _HEIGHT, _GAP = 98, 68, 28, 8
_LEAST = -0.5  # the lowest score on the slider; at its end there is no such rule
_NO_POINTS = -0.01  # one step under 0 on the slider of the absolute margin: no such rule


class Rule(QWidget):
    """One rule: its name (with a dot where it is not the default), a slider, the value in words."""

    moved = Signal()

    def __init__(self, name: str, slider: RangeSlider, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setFixedHeight(_HEIGHT)
        line = row(self, gap=_GAP)
        self._label = label(name, "body", "text2")
        self._label.setFixedWidth(_NAME)
        line.addWidget(self._label)
        self.slider = slider
        slider.setAccessibleName(name)
        slider.setMinimumWidth(56)
        line.addWidget(slider, 1)
        self._value = label("", "body", weight="medium")
        self._value.setFixedWidth(_VALUE)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._value)
        slider.changed.connect(lambda _low, _high: self.moved.emit())

    def value_words(self) -> str:
        return self._value.text()

    def show_value(self, text: str, changed: bool) -> None:
        self._value.setText(text)
        _mark(self._label, self._name, changed)
        self.slider.setAccessibleDescription(text)


class ChoiceRule(QWidget):
    """One rule that is chosen among words; `link` is a further act beside it."""

    moved = Signal()

    def __init__(
        self, name: str, choices: Sequence[tuple[str, object]], link: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name = name
        self.setFixedHeight(_HEIGHT + 4)
        line = row(self, gap=_GAP)
        self._label = label(name, "body", "text2")
        self._label.setFixedWidth(_NAME)
        line.addWidget(self._label)
        self.choice = ChoiceBox(choices, accessible=name)
        self.choice.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(4)
        line.addWidget(self.choice, 1)
        self.link = Link(link, "dense")
        self.link.setVisible(False)
        line.addWidget(self.link)
        self.choice.picked.connect(lambda _value: self.moved.emit())

    def show_value(self, value: object, changed: bool) -> None:
        self.choice.set_value(value)
        _mark(self._label, self._name, changed)


class RulesPanel(QWidget):
    """All rules. `changed(params)` while one moves; `reading_asked` to let a reranker read the candidates."""

    changed = Signal(object)
    reading_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._params = SelectParams()
        self._depth = 200
        self._default = SelectParams()
        self._reranker = ""
        stack = column(self, margins=(0, 8, 0, 0), gap=0)
        head = row(margins=(16, 0, 16, 0))
        head.addWidget(label(self.tr("Selection"), "body", weight="medium"))
        self._fact = label("", "caption", "text3")
        head.addWidget(self._fact)
        head.addStretch(1)
        self._reset = Link(self.tr("Reset"), "dense")
        self._reset.clicked.connect(lambda: self._take(self._default))
        head.addWidget(self._reset)
        stack.addLayout(head)
        stack.addSpacing(4)
        content = QWidget()
        lines = column(content, margins=(16, 0, 8, 8), gap=0)
        for slider in self._sliders():
            slider.moved.connect(self._moved)
        for choice in self._choices():
            choice.moved.connect(self._moved)
        for rule in self._in_order():
            lines.addWidget(rule)
        lines.addStretch(1)
        self._area: QScrollArea = scroller(content)
        stack.addWidget(self._area, 1)
        for control in self._controls():
            control.installEventFilter(self)
        self._tips()
        self.set_params(self._params)

    def _sliders(self) -> tuple[Rule, ...]:
        self.ranks = Rule(self.tr("Ranks"), RangeSlider(1, 200))
        self.margin = Rule(self.tr("Margin"), RangeSlider(-10, 40, 1, handles=1))
        self.points = Rule(self.tr("Score gap"), RangeSlider(_NO_POINTS, 0.4, 0.01, handles=1))
        self.scores = Rule(self.tr("Scores"), RangeSlider(_LEAST, 1.0, 0.01))
        self.count = Rule(self.tr("For each query"), RangeSlider(1, 10, handles=1))
        self.mix = Rule(self.tr("Mix"), RangeSlider(0, 100, 5))
        self.doubt = Rule(self.tr("Hold back"), RangeSlider(0.05, 1.0, 0.05, handles=1))
        self.gate_at = Rule(self.tr("Reranker at"), RangeSlider(0.05, 1.0, 0.05, handles=1))
        return (self.ranks, self.margin, self.points, self.scores, self.count, self.mix, self.doubt, self.gate_at)

    def _choices(self) -> tuple[ChoiceRule, ...]:
        self.among = ChoiceRule(
            self.tr("Ranks count"),
            [(self.tr("all that were found"), "raw"), (self.tr("what other rules left"), "survivors")],
        )
        self.order = ChoiceRule(
            self.tr("Order"),
            [(self.tr("hardest first"), "top"), (self.tr("drawn by chance"), "random")],
            self.tr("Draw again"),
        )
        self.order.link.clicked.connect(lambda: self._take(replace(self._params, seed=self._params.seed + 1)))
        self.fill = ChoiceRule(
            self.tr("Fill up"),
            [(self.tr("from the rest"), "rest"), (self.tr("by chance"), "random"), (self.tr("not at all"), "none")],
        )
        self.document = ChoiceRule(
            self.tr("Same document"),
            [(self.tr("may be taken"), True), (self.tr("left out"), False)],
        )
        self.gate = ChoiceRule(
            self.tr("Reranker"),
            [
                (self.tr("not asked"), "off"),
                (self.tr("by its score"), "score"),
                (self.tr("by share of the answer's"), "share"),
            ],
            self.tr("Let it read…"),
        )
        self.gate.link.clicked.connect(self.reading_asked)
        return (self.among, self.order, self.fill, self.document, self.gate)

    def _in_order(self) -> tuple[QWidget, ...]:
        return (
            self.ranks, self.margin, self.scores, self.count, self.mix, self.doubt, self.gate, self.gate_at,
            self.points, self.among, self.order, self.fill, self.document,
        )  # fmt: skip

    def _controls(self) -> tuple[QWidget, ...]:
        return (
            *(rule.slider for rule in self._in_order() if isinstance(rule, Rule)),
            *(part for rule in self._in_order() if isinstance(rule, ChoiceRule) for part in (rule.choice, rule.link)),
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What takes the focus by key scrolls into sight."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self._area.ensureWidgetVisible(watched, 0, 12)
        elif event.type() == QEvent.Type.Wheel and isinstance(watched, ChoiceBox) and not watched.hasFocus():
            event.ignore()  # scrolling over a choice scrolls the list
            return True
        return super().eventFilter(watched, event)

    def params(self) -> SelectParams:
        return self._params

    def set_depth(self, depth: int) -> None:
        """How deep the ranks go."""
        self._depth = depth
        self.ranks.slider.set_limits(1, depth)

    def set_reranker(self, name: str) -> None:
        """The reranker that has read the candidates, "" for none: then its gate cannot be chosen."""
        self._reranker = name
        self._say()

    def set_params(self, params: SelectParams) -> None:
        """Show rules without a signal."""
        self._params = params
        self.ranks.slider.set_values(params.rank_min, params.rank_max)
        self.margin.slider.set_values(-10, 100 * params.relative_margin)
        points = params.absolute_margin if params.absolute_margin > -2 else _NO_POINTS
        self.points.slider.set_values(_NO_POINTS, points)
        self.scores.slider.set_values(max(params.min_score, _LEAST), params.max_score)
        self.count.slider.set_values(1, params.num_negatives)
        model = 100 * (1 - params.share_bm25 - params.share_random)
        self.mix.slider.set_values(model, model + 100 * params.share_bm25)
        self.doubt.slider.set_values(0.05, params.max_doubt)
        self.gate_at.slider.set_values(0.05, params.gate_at)
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
            (self.points, self.tr("How far a negative must score below the lowest answer, as a plain difference.")),
            (self.scores, self.tr("Higher ones may be answers nobody marked, lower ones teach little.")),
            (self.count, self.tr("How many negatives each query gets at most.")),
            (self.mix, self.tr("Shares of the model's, BM25's and random negatives; the handles part them.")),
            (self.doubt, self.tr("Candidates this likely to be unmarked answers wait for your word.")),
            (self.gate, self.tr("A cross-encoder has read the candidates near the cut and tells likely answers.")),
            (self.gate_at, self.tr("From this score, or share of the lowest answer's score, a candidate waits.")),
            (self.among, self.tr("Whether ranks count the whole list, or only what the other rules left.")),
            (self.order, self.tr("The hardest of the window, or any of it.")),
            (self.fill, self.tr("What happens where a source has fewer than its share.")),
            (self.document, self.tr("Passages of the document that an answer is from.")),
        ):
            part.setToolTip(tip)

    def _moved(self) -> None:
        low, high = self.ranks.slider.values()
        model, bm25_end = self.mix.slider.values()
        least, most = self.scores.slider.values()
        points = round(self.points.slider.values()[1], 2)
        chosen: dict[str, Any] = {  # Any: a choice's value
            "rank_among": self.among.choice.value(),
            "order": self.order.choice.value(),
            "fill": self.fill.choice.value(),
            "same_document": self.document.choice.value(),
            "gate": self.gate.choice.value(),
        }
        self._take(
            replace(
                self._params,
                rank_min=int(low),
                rank_max=self._params.rank_max if self._beyond(int(high)) else int(high),
                relative_margin=round(self.margin.slider.values()[1] / 100, 2),
                absolute_margin=points if points >= 0 else -2.0,
                max_score=most,
                min_score=least if least > _LEAST else -1.0,
                num_negatives=int(self.count.slider.values()[1]),
                share_bm25=round((bm25_end - model) / 100, 2),
                share_random=round((100 - bm25_end) / 100, 2),
                max_doubt=self.doubt.slider.values()[1],
                gate_at=self.gate_at.slider.values()[1],
                **chosen,
            )
        )

    def _beyond(self, high: int) -> bool:
        """Whether the slider stands at its end because the rule reaches deeper than there are candidates."""
        return high == self._depth and self._params.rank_max > self._depth

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
        self.margin.show_value(f"≥ {words.share(now.relative_margin)}", now.relative_margin != default.relative_margin)
        points = f"≥ {words.decimal(now.absolute_margin, 2)}" if now.absolute_margin > -2 else self.tr("any")
        self.points.show_value(points, now.absolute_margin != default.absolute_margin)
        limited = (now.min_score, now.max_score) != (default.min_score, default.max_score)
        least = words.decimal(now.min_score, 2) if now.min_score > -1 else ""
        most = words.decimal(now.max_score, 2) if now.max_score < 1 else ""
        self.scores.show_value(f"{least} – {most}" if least or most else self.tr("any"), limited)
        self.count.show_value(str(now.num_negatives), now.num_negatives != default.num_negatives)
        parts = (1 - now.share_bm25 - now.share_random, now.share_bm25, now.share_random)
        mixed = (now.share_bm25, now.share_random) != (default.share_bm25, default.share_random)
        self.mix.show_value(" · ".join(f"{round(100 * part)}" for part in parts), mixed)
        self.mix.slider.setAccessibleDescription(
            fill(self.tr("model %1, BM25 %2, random %3"), *(words.share(part) for part in parts))
        )
        self.doubt.show_value(f"≥ {words.decimal(now.max_doubt, 2)}", now.max_doubt != default.max_doubt)
        self._say_choices()
        changed = self.changed_rules()
        self._fact.setText(fill(self.tr("%1 changed"), str(changed)) if changed else self.tr("defaults"))
        self._reset.setVisible(changed > 0)

    def _say_choices(self) -> None:
        now, default = self._params, self._default
        self.among.show_value(now.rank_among, now.rank_among != default.rank_among)
        self.order.show_value(now.order, now.order != default.order)
        self.order.link.setVisible(now.order == "random" or now.share_random > 0)
        self.fill.show_value(now.fill, now.fill != default.fill)
        self.document.show_value(now.same_document, now.same_document != default.same_document)
        self.gate.show_value(now.gate, now.gate != default.gate)
        self.gate.choice.setEnabled(bool(self._reranker) or now.gate != "off")
        self.gate.link.setVisible(True)
        self.gate.link.setText(self.tr("Read more…") if self._reranker else self.tr("Let it read…"))
        asked = fill(self.tr("Read by %1."), self._reranker) if self._reranker else self.tr("None has read them yet.")
        self.gate.choice.setToolTip(asked)
        shown = words.share(now.gate_at) if now.gate == "share" else words.decimal(now.gate_at, 2)
        self.gate_at.show_value(f"≥ {shown}", now.gate_at != default.gate_at)
        self.gate_at.setVisible(now.gate != "off")


def _mark(shown: Any, name: str, changed: bool) -> None:  # Any: a QLabel
    """A rule's name, with a dot where it is not the default."""
    shown.setText(f"{name} •" if changed else name)
    shown.setFont(theme.font("body", "bold" if changed else "regular"))
