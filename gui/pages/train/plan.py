"""Before a run: the data in words, three presets with their time, and the settings behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QScrollArea, QSizePolicy, QWidget

from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.store.forecasts import Measured
from gui import theme, words
from gui.pages.train.facts import (
    TrainFacts,
    effective,
    examples_of,
    is_table,
    memory_size,
    seconds_of,
    steps_in_time,
    steps_of,
    texts_a_step,
)
from gui.pages.train.form import TrainForm
from gui.pages.train.needs import model_in_words, needs_in_words
from gui.pages.train.rounds import RerankerCard, RoundsCard
from gui.phrases import fill
from gui.widgets.cards import Card, Drawer, Figure, column, row, rule
from gui.widgets.inputs import FilterBox
from gui.widgets.labels import Link, label


class PresetCard(Card):
    """One preset: a name to choose, its time, what it does in words, and its size."""

    def __init__(self, title: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(gap=0, parent=parent)
        self.choice = QRadioButton(title)
        self.choice.setFont(theme.font("heading"))
        self.choice.setAccessibleDescription(sentence)
        self.choice.toggled.connect(lambda on: self.set_kind("chosen" if on else "true"))
        self._time = label("", "body", weight="medium")
        top = row()
        top.addWidget(self.choice)
        top.addStretch(1)
        top.addWidget(self._time)
        self.body.addLayout(top)
        words_ = label(sentence, "dense", "text2", wrap=True)
        words_.setMinimumHeight(70)
        words_.setAlignment(Qt.AlignmentFlag.AlignTop)
        words_.setContentsMargins(0, 8, 0, 8)
        self.body.addWidget(words_)
        self._values = [self._row(name) for name in (self.tr("Passes"), self.tr("Steps"), self.tr("Memory"))]
        self._note = label("", "caption", "text3")
        self._note.setContentsMargins(0, 8, 0, 0)
        self.body.addWidget(self._note)
        self.body.addStretch(1)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def _row(self, name: str) -> Any:
        self.body.addWidget(rule())
        line = QWidget()
        line.setFixedHeight(28)
        content = row(line)
        content.addWidget(label(name, "dense", "text2"))
        content.addStretch(1)
        value = label("", "dense", weight="medium")
        content.addWidget(value)
        self.body.addWidget(line)
        return value

    def show_size(self, *, time: str, passes: str, steps: str, memory: str, tip: str, note: str) -> None:
        self._time.setText(time)
        for widget, text in zip(self._values, (passes, steps, memory), strict=True):
            widget.setText(text)
        self._values[-1].setToolTip(tip)
        self._note.setText(note)
        self._note.setVisible(bool(note))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.choice.setChecked(True)
        self.choice.setFocus()


class TrainPlan(QWidget):
    """Shows what a run would be.

    Signals: `changed` comes with every choice, `rounds_asked` with the minutes for rounds and what comes before them.
    """

    changed = Signal()
    rounds_asked = Signal(int, str)

    def __init__(self, presets: Mapping[str, TrainParams], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets = dict(presets)
        self._facts = TrainFacts()
        self._measured: dict[str, Measured] = {}
        self._cards: dict[str, PresetCard] = {}
        self._group = QButtonGroup(self)
        self._figures = [Figure("–", caption) for caption in self._captions()]
        self._form = TrainForm()
        self._advanced = Drawer("sliders", self.tr("Advanced"))
        self._reset = Link(self.tr("Reset all"), "dense")
        self._find = FilterBox(self.tr("Find a setting"), icon_name="search")
        self._build()
        self._form.changed.connect(self._show_sizes)
        self._form.changed.connect(self.changed)
        self._reset.clicked.connect(self._form.reset_all)
        self._find.textChanged.connect(self._form.show_matching)
        self._advanced.toggled.connect(self._find.setVisible)
        self._group.buttonToggled.connect(self._picked)
        self._cards["quick"].choice.setChecked(True)

    def _captions(self) -> tuple[str, str, str, str]:
        return (
            self.tr("queries to learn from"),
            self.tr("negatives a query, each pass"),
            self.tr("dev, to pick the best"),
            self.tr("test, never seen in training"),
        )

    def _build(self) -> None:
        stack = column(self, gap=theme.GAP)
        figures = Card(pad=0)
        figures.setFixedHeight(72)
        line = row(margins=(24, 0, 8, 0), gap=24)
        for place, figure in enumerate(self._figures):
            if place:
                line.addWidget(rule("v"))
            line.addWidget(figure, 1, Qt.AlignmentFlag.AlignVCenter)
        figures.body.addLayout(line)
        stack.addWidget(figures)
        cards = row(gap=theme.GAP)
        for name, (title, sentence) in self._presets_in_words().items():
            if name in self._presets:
                card = PresetCard(title, sentence)
                self._cards[name] = card
                self._group.addButton(card.choice)
                cards.addWidget(card, 1)
        stack.addLayout(cards)
        self.rounds = RoundsCard()
        self.rounds.asked.connect(self.rounds_asked)
        stack.addWidget(self.rounds)
        self.reranker = RerankerCard()
        stack.addWidget(self.reranker)
        self._advanced.content_layout.setContentsMargins(0, 0, 0, 0)
        self._advanced.content_layout.addWidget(self._form)
        self._find.setFixedWidth(176)
        place = self._advanced.head.count() - 1
        self._advanced.head.insertWidget(place, self._find)
        self._advanced.head.insertWidget(place, self._reset)
        self._reset.hide()
        self._advanced.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        stack.addWidget(self._advanced)
        stack.addStretch(1)

    def _presets_in_words(self) -> dict[str, tuple[str, str]]:
        return {
            "quick": (
                self.tr("Quick"),
                self.tr("A short run. Enough to see whether training helps on these documents."),
            ),
            "balanced": (
                self.tr("Balanced"),
                self.tr("More passes over the queries. The checkpoint best on the dev queries is kept."),
            ),
            "thorough": (
                self.tr("Thorough"),
                self.tr("Learns slowly from larger batches and ends when the dev score stops rising."),
            ),
        }

    def show_facts(self, facts: TrainFacts) -> None:
        self._facts = facts
        values = (
            words.count(facts.questions),
            "–",
            words.count(facts.dev),
            words.count(facts.test),
        )
        for figure, value in zip(self._figures, values, strict=True):
            figure.set_value(value)
        bases = [("base", facts.base or self.tr("bundled model")), *facts.other_bases()]
        self._form.set_bases(bases, [reference for reference, _name in bases if is_table(reference, facts)])
        self._form.set_unmet(facts.unmet, needs_in_words())
        self._form.tell("base", model_in_words(facts, str(self._form.value("base"))))
        self.reranker.show_facts(facts)
        self._show_sizes()

    def _show_negatives(self, params: TrainParams) -> None:
        """How many of a query's negatives a pass takes: what the settings ask for, of what there is."""
        there, wanted = self._facts.negatives_each, params.num_negatives
        known = f"{there:.1f}".removesuffix(".0")
        used = "num_negatives" in OBJECTIVES[params.objective].own and wanted > 0
        figure = self._figures[1]
        if not there or not used:
            figure.set_value("0")
            figure.setToolTip(self.tr("None was mined") if not there else self.tr("These settings take none"))
            return
        figure.set_value(known if wanted >= there else fill(self.tr("%1 of %2"), words.count(wanted), known))
        figure.setToolTip(
            fill(self.tr("A query has %1 on average; each pass takes others of them, as far as there are"), known)
        )

    def preset(self) -> str:
        return next((name for name, card in self._cards.items() if card.choice.isChecked()), "quick")

    def values(self) -> dict[str, Any]:  # Any: JSON values
        """The job's params: the preset and what was changed from it."""
        return {"preset": self.preset(), **self._form.changes()}

    def fault(self) -> str:
        """What stands in a field and is no value, so that `values` are not what is seen; "" where all is well."""
        return self._form.fault()

    def params(self) -> TrainParams:
        """The whole of what would be run."""
        return self.plans()[self.preset()]

    def plans(self) -> dict[str, TrainParams]:
        """What each card stands for: the chosen one with the changes made."""
        changes, chosen = self._form.changes(), self.preset()
        own = OBJECTIVES[self._form.value("objective")].defaults
        changed = {**own, **changes}
        return {n: replace(params, **(changed if n == chosen else {})) for n, params in self._presets.items()}

    def seconds(self) -> float:
        """What the run would take: as it was measured here, else by the pace of earlier ones."""
        measured = self.measured()
        return measured.seconds if measured else seconds_of(self.params(), self._facts)

    def measured(self) -> Measured | None:
        """What trial steps said of the settings of now."""
        return self._measured.get(self.preset())

    def show_measured(self, measured: Mapping[str, Measured]) -> None:
        """Forecasts by card, for the plans of now."""
        self._measured = dict(measured)
        self._show_sizes()

    def choose(self, preset: str) -> None:
        if preset in self._cards:
            self._cards[preset].choice.setChecked(True)

    def change(self, values: Mapping[str, Any]) -> None:
        """Change settings as if by hand."""
        self._form.put(dict(values))

    def open_advanced(self, open_: bool = True) -> None:
        self._advanced.set_open(open_)

    def show_setting(self, name: str) -> None:
        """Unfold the settings and go to one of them."""
        self.open_advanced()
        self._find.clear()
        field = self._form.field(name)
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        QTimer.singleShot(0, field, lambda: _scroll_to(field))  # the drawer has its height then

    def form(self) -> TrainForm:
        return self._form

    def _picked(self, _button: object, on: bool) -> None:
        if on:
            self._form.set_preset(self._presets[self.preset()])
            self._show_sizes()
            self.changed.emit()

    def _show_sizes(self) -> None:
        changes = self._form.changes()
        self._show_negatives(self.params())
        self.rounds.offer(is_table(str(self._form.value("base")), self._facts), "texts" not in self._facts.unmet)
        self._form.tell("base", model_in_words(self._facts, str(self._form.value("base"))))
        for name, plan in self.plans().items():
            if name not in self._cards:
                continue
            params, measured = effective(plan, self._facts), self._measured.get(name)
            examples = examples_of(params, self._facts)
            steps, planned = steps_in_time(plan, self._facts), steps_of(params, examples)
            steps = measured.steps if measured else steps
            asked = steps * params.batch_size / examples if examples else params.epochs
            changed = name == self.preset() and bool(changes)
            limit = self._limit(params) if steps < planned else ""
            guessed = (self.tr("little"), self.tr("medium"), self.tr("much"))[memory_size(plan, self._facts)]
            self._cards[name].show_size(
                time=words.about(measured.seconds if measured else seconds_of(plan, self._facts)),
                passes=f"{min(asked, params.epochs):.1f}".removesuffix(".0"),
                steps=words.count(steps) if steps == planned else f"≈ {words.count(steps)}",
                memory=words.size(measured.bytes) if measured else guessed,
                tip=fill(
                    self.tr("%1 texts of up to %2 tokens a step"),
                    words.count(texts_a_step(params)),
                    words.count(params.max_length),
                ),
                note=self.tr("with your changes") if changed else limit or self._ending(params),
            )
        self._say_changes(len(changes))

    def _ending(self, params: TrainParams) -> str:
        """What ends the run before its last step."""
        if params.patience:
            return fill(self.tr("ends after %1 looks without gain"), params.patience)
        return ""

    def _limit(self, params: TrainParams) -> str:
        """On this machine the clock ends the run before its steps do."""
        return fill(self.tr("ends after %1"), words.duration(params.minutes * 60))

    def _say_changes(self, count: int) -> None:
        title = self._presets_in_words()[self.preset()][0]
        self._advanced.fact.setText(
            fill(self.tr("%1 changed from %2"), count, title) if count else fill(self.tr("as %1 has them"), title)
        )
        self._reset.setVisible(bool(count))


def _scroll_to(widget: QWidget) -> None:
    """Scroll what holds a widget until it can be seen."""
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    if above is not None:
        above.ensureWidgetVisible(widget, 0, 120)
