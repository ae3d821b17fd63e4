"""Beside the presets: rounds in the minutes a person has, and the reranker."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QSpinBox, QWidget

from gui import theme, words
from gui.pages.train.facts import TrainFacts
from gui.pages.train.needs import ON_LAYERS, needs_in_words, no_layers
from gui.pages.train.parts import Sentence
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, column, row
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import Link, label
from gui.widgets.paragraph import Paragraph


class RoundsCard(Card):
    """How long a person has: mine, train and measure in rounds until time is up.

    `asked` comes with the minutes, and with what comes before the rounds: "off", or an objective on texts alone.
    """

    asked = Signal(int, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, gap=8, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = row(gap=12)
        line.addWidget(label(self.tr("I have"), "body", weight="medium"))
        self.minutes = QSpinBox()
        self.minutes.setRange(3, 24 * 60)
        self.minutes.setValue(10)
        self.minutes.setSuffix(self.tr(" minutes"))
        self.minutes.setFont(theme.font("body"))
        self.minutes.lineEdit().setTextMargins(8, 0, 0, 0)
        self.minutes.setFixedWidth(112)
        self.minutes.setAccessibleName(self.tr("Minutes for all rounds"))
        line.addWidget(self.minutes)
        self.adapt = ChoiceBox(self._stages(), accessible=self.tr("What comes before the rounds"))
        self.adapt.setMinimumWidth(216)
        self.adapt.setToolTip(self.tr("A stage on the documents alone, without labels, at most a quarter of the time"))
        line.addWidget(self.adapt)
        line.addStretch(1)
        self.start = Button(self.tr("Start the rounds"), icon_name="play")
        self.start.clicked.connect(lambda: self.asked.emit(self.minutes.value(), str(self.adapt.value())))
        line.addWidget(self.start)
        self.body.addLayout(line)
        what = self.tr("Measure, mine, train; mine with the tuned model, train again; end when nothing is gained.")
        self.body.addWidget(Paragraph(what, "dense", "text2"))

    def offer(self, table: bool, texts: bool) -> None:
        """Grey out stages that cannot come first: with a `table` of words to start from, or without `texts`."""
        few = "" if texts else needs_in_words()["texts"]
        for _words, stage in self._stages():
            if stage != "off":
                self.adapt.set_possible(stage, few or (no_layers() if table and stage in ON_LAYERS else ""))
        if not self.adapt.is_possible(self.adapt.value()):
            self.adapt.set_value("off")

    def _stages(self) -> list[tuple[str, object]]:
        return [
            (self.tr("with the labels at once"), "off"),
            (self.tr("first the texts: same twice"), "simcse"),
            (self.tr("first the texts: piece, whole"), "augmented"),
            (self.tr("first the texts: rebuild them"), "tsdae"),
            (self.tr("first the texts: fill gaps"), "mlm"),
        ]


class RerankerCard(Card):
    """The model that reads query and passage together: what there is of it, and how one is trained.

    Signals: `asked` wants to train one, `scores_asked` wants the training pairs scored by the newest.
    """

    asked = Signal()
    scores_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = row(gap=12)
        text = column(gap=2)
        self._title = label(self.tr("Reranker"), "body", weight="medium")
        text.addWidget(self._title)
        self._words = Sentence("dense", "text2")
        text.addWidget(self._words)
        line.addLayout(text, 1)
        self._scores = Link(self.tr("Score the training pairs"), "dense")
        self._scores.setToolTip(self.tr("With its scores as a teacher, objectives that distil can be chosen"))
        self._scores.clicked.connect(self.scores_asked)
        line.addWidget(self._scores)
        self.start = Button(self.tr("Train a reranker…"), icon_name="play")
        self.start.clicked.connect(self.asked)
        line.addWidget(self.start)
        self.body.addLayout(line)

    def show_facts(self, facts: TrainFacts) -> None:
        """Say what there is, or what one is for."""
        if not facts.rerankers:
            said = self.tr(
                "Reads query and passage together: slower than a model for search, and better at sorting first hits."
            )
        else:
            newest = facts.rerankers[0]
            dev, before = newest.summary.get("dev"), newest.summary.get("dev_bm25")
            said = newest.name
            if isinstance(dev, float) and isinstance(before, float):
                figures = (words.decimal(dev), words.decimal(before))
                said = fill(self.tr("%1 sorts BM25's hits to nDCG@10 %2 on the dev queries, from %3."), said, *figures)
        self._words.setText(said)
        self._scores.setVisible(bool(facts.rerankers))
