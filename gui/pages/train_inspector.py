"""Beside the presets: what is to beat, what was checked, and the models trained so far."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from engine.records import Model
from gui import words
from gui.pages.train_facts import Beat, TrainFacts
from gui.phrases import fill
from gui.widgets.cards import InfoRow, Inspector, column, row, rule
from gui.widgets.gauges import LineKey
from gui.widgets.labels import ElidedLabel, Link, MarkState, StateMark, label


class TrainInspector(QObject):
    """Fills the pane; `model_asked` names a model whose curves are wanted, `judging_asked` wants doubtful negatives."""

    model_asked = Signal(int)
    judging_asked = Signal()
    measuring_asked = Signal()

    def __init__(self, inspector: Inspector) -> None:
        super().__init__(inspector)
        self._inspector = inspector
        inspector.set_title(self.tr("This run"))
        self._time = InfoRow(self.tr("Time"))
        self._time_rule = rule()

    def show_facts(self, facts: TrainFacts, time: str) -> None:
        """Show everything anew; `time` is the estimate for the settings of now."""
        self._inspector.clear()
        body = self._inspector.body
        self._time = InfoRow(self.tr("Time"), time)
        self._time_rule = rule()
        body.addWidget(self._time)
        body.addWidget(self._time_rule)
        self._add_beat(facts)
        body.addWidget(rule())
        self._add_checks(facts)
        if facts.tuned:
            body.addWidget(rule())
            self._inspector.add_caption(self.tr("Trained so far, nDCG@10 on dev"))
            for model in facts.tuned:
                body.addWidget(self._model_row(model, facts))
        body.addStretch(1)

    def set_time(self, time: str) -> None:
        self._time.set_value(time)

    def show_time(self, shown: bool) -> None:
        """The estimate belongs to a run that is still to come."""
        self._time.setVisible(shown)
        self._time_rule.setVisible(shown)

    def _add_beat(self, facts: TrainFacts) -> None:
        known = [beat for beat in facts.beat if beat.dev is not None or beat.test is not None]
        on_dev = any(beat.dev is not None for beat in known)
        self._inspector.add_caption(
            self.tr("To beat, nDCG@10 on the dev queries")
            if on_dev
            else self.tr("To beat, nDCG@10 on the test queries")
        )
        for beat in known:
            self._inspector.body.addWidget(_beat_row(beat, on_dev))
        if not known:
            self._inspector.body.addWidget(
                label(
                    self.tr("BM25 and the base model were not measured yet; the run measures both first."),
                    "dense",
                    "text2",
                    wrap=True,
                )
            )
            link = Link(self.tr("Measure the starting point"), "dense")
            link.clicked.connect(self.measuring_asked)
            self._inspector.body.addWidget(link)

    def _add_checks(self, facts: TrainFacts) -> None:
        self._inspector.add_caption(self.tr("Checks"))
        body = self._inspector.body
        if facts.leaks is not None:
            found = words.count(facts.leaks)
            sentence = self.tr("No query is in two splits") if not facts.leaks else fill(self.tr("%1 leaks"), found)
            body.addWidget(_check("done" if not facts.leaks else "problem", sentence, fill(self.tr("%1 leaks"), found)))
        if not facts.negatives:
            body.addWidget(
                _check(
                    "stale",
                    self.tr("No negatives were mined"),
                    self.tr("It learns from the batch alone, which is weaker"),
                )
            )
        elif facts.doubtful:
            check = _check(
                "stale",
                fill(self.tr("%1 doubtful negatives"), words.count(facts.doubtful)),
                self.tr("held back until you judge them"),
            )
            link = Link(self.tr("Judge them"), "dense")
            link.clicked.connect(self.judging_asked)
            check.layout().addWidget(link)  # type: ignore[union-attr]
            body.addWidget(check)
        else:
            body.addWidget(_check("done", self.tr("No doubtful negatives"), self.tr("none looks like an answer")))

    def _model_row(self, model: Model, facts: TrainFacts) -> QWidget:
        dev = _dev_of(model.summary)
        test = facts.measured.get(model.id)
        facts_ = [
            fill(self.tr("%1 steps"), words.count(int(model.summary.get("steps", 0)))),
            words.when(model.created_at),
        ]
        if test is not None:
            facts_.append(fill(self.tr("test %1"), words.decimal(test)))
        made = _ModelRow(model, words.decimal(dev) if dev is not None else "–", " · ".join(facts_))
        made.clicked.connect(lambda: self.model_asked.emit(model.id))
        return made


class _ModelRow(QWidget):
    """A trained model to click on."""

    clicked = Signal()

    def __init__(self, model: Model, score: str, fact: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(40)
        line = row(self)
        stack = column()
        name = Link(model.name, "body")
        name.clicked.connect(self.clicked)
        stack.addWidget(name)
        stack.addWidget(ElidedLabel(fact, "caption", "text3"))
        line.addLayout(stack, 1)
        line.addWidget(label(score, "body", weight="medium"))
        self.setAccessibleName(f"{model.name}, {score}, {fact}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.rect().contains(event.position().toPoint()):
            self.clicked.emit()


def _beat_row(beat: Beat, on_dev: bool) -> QWidget:
    line = QWidget()
    line.setFixedHeight(28)
    content = row(line)
    content.addWidget(LineKey(beat.system))
    content.addWidget(label(beat.name, "body"))
    content.addStretch(1)
    value = beat.dev if on_dev else beat.test
    figure = words.decimal(value) if value is not None else "–"
    content.addWidget(label(figure, "body", weight="medium"))
    line.setAccessibleName(f"{beat.name} {figure}")
    return line


def _check(state: MarkState, sentence: str, fact: str) -> QWidget:
    made = QWidget()
    line = row(made, margins=(0, 4, 0, 4))
    line.addWidget(StateMark(state, 14), 0, Qt.AlignmentFlag.AlignTop)
    stack = column()
    stack.addWidget(label(sentence, "body", wrap=True))
    stack.addWidget(label(fact, "caption", "text3", wrap=True))
    line.addLayout(stack, 1)
    return made


def _dev_of(summary: dict[str, Any]) -> float | None:
    """The dev score a summary tells: a number, or nDCG@10 among several."""
    dev = summary.get("dev")
    if isinstance(dev, dict):
        dev = dev.get("ndcg@10", dev.get("tuned"))
    return float(dev) if isinstance(dev, int | float) else None
