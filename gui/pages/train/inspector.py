"""Beside the presets: what is to beat, what was checked, and the models trained so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from engine.records import Model
from gui import words
from gui.amounts import amount
from gui.pages.train.facts import Beat, TrainFacts, Watched
from gui.pages.train.watch import WatchedList
from gui.phrases import fill
from gui.widgets.cards import InfoRow, Inspector, column, row, rule
from gui.widgets.gauges import LineKey
from gui.widgets.labels import ElidedLabel, ElidedLink, Link, MarkState, StateMark, label

Measuring = Literal["measured", "measuring", "guessed", "refused"]


class TrainInspector(QObject):
    """Fills the pane; `model_asked` names a model whose curves are wanted, `judging_asked` wants doubtful negatives."""

    model_asked = Signal(int)
    judging_asked = Signal()
    measuring_asked = Signal()
    forecast_asked = Signal()
    pinning_asked = Signal()

    def __init__(self, inspector: Inspector) -> None:
        super().__init__(inspector)
        self._inspector = inspector
        inspector.set_title(self.tr("This run"))
        self._size = SizeRows(inspector)
        self._size.measuring_asked.connect(self.forecast_asked)
        self._watched: WatchedList | None = None
        self._facts = TrainFacts()
        self._size_shown = True

    def show_facts(self, facts: TrainFacts) -> None:
        """Show everything of a run that is to come anew."""
        self._facts = facts
        if self._watched is None:
            self._fill()

    def show_watched(self, watched: Sequence[Watched]) -> None:
        """Show watched queries instead, while a run goes and after it; the facts again where there are none."""
        if not watched:
            if self._watched is not None:
                self._watched = None
                self._fill()
            return
        if self._watched is None:
            self._clear()
            self._watched = WatchedList()
            self._watched.pinning_asked.connect(self.pinning_asked)
            self._inspector.body.addWidget(self._watched)
            self._inspector.body.addStretch(1)
            self._inspector.set_title(self.tr("Watched queries"), self.tr("rank of the answer, after each look"))
        self._watched.show_watched(watched)

    def _fill(self) -> None:
        facts = self._facts
        self._inspector.set_title(self.tr("This run"))
        self._clear()
        body = self._inspector.body
        body.addWidget(self._size)
        self._size.setVisible(self._size_shown)
        self._add_beat(facts)
        body.addWidget(rule())
        self._add_checks(facts)
        if facts.tuned:
            body.addWidget(rule())
            self._inspector.add_caption(self.tr("Trained so far, nDCG@10 on dev"))
            pools = {_pool_of(model.summary) for model in facts.tuned}
            for model in facts.tuned:
                body.addWidget(self._model_row(model, facts, name_pool=len(pools) > 1))
        if facts.rerankers:
            body.addWidget(rule())
            self._inspector.add_caption(self.tr("Rerankers, nDCG@10 on BM25's hits for dev"))
            for model in facts.rerankers:
                body.addWidget(self._model_row(model, facts))
        body.addStretch(1)

    def _clear(self) -> None:
        """Take everything out; the estimate outlives what stands beside it."""
        self._inspector.body.removeWidget(self._size)
        self._size.hide()
        self._inspector.clear()

    def set_size(self, time: str, most: str, memory: str, state: Measuring) -> None:
        """How long the settings of now will take, at most, and how much memory; where that is from."""
        self._size.set_size(time, most, memory, state)

    def show_size(self, shown: bool) -> None:
        """The estimate belongs to a run that is still to come."""
        self._size_shown = shown
        self._size.setVisible(shown and self._watched is None)

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
            found = amount(facts.leaks, self.tr("leak"), self.tr("leaks"))
            sentence = self.tr("No query is in two splits") if not facts.leaks else found
            body.addWidget(_check("done" if not facts.leaks else "problem", sentence, found))
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
                amount(facts.doubtful, self.tr("doubtful negative"), self.tr("doubtful negatives")),
                self.tr("held back until you judge it")
                if facts.doubtful == 1
                else self.tr("held back until you judge them"),
            )
            link = Link(self.tr("Judge it") if facts.doubtful == 1 else self.tr("Judge them"), "dense")
            link.clicked.connect(self.judging_asked)
            check.layout().addWidget(link)  # type: ignore[union-attr]
            body.addWidget(check)
        else:
            body.addWidget(_check("done", self.tr("No doubtful negatives"), self.tr("none looks like an answer")))

    def _model_row(self, model: Model, facts: TrainFacts, *, name_pool: bool = False) -> QWidget:
        """One model; `name_pool` where others were measured among other passages, so that scores do not compare."""
        dev = _dev_of(model.summary)
        test = facts.measured.get(model.id)
        facts_ = [
            amount(int(model.summary.get("steps", 0)), self.tr("step"), self.tr("steps")),
            words.when(model.created_at),
        ]
        if test is not None:
            facts_.append(fill(self.tr("test %1"), words.decimal(test)))
        asked, read = _pool_of(model.summary)
        if name_pool and read:
            facts_[0] = fill(self.tr("dev: %1 in %2 passages"), words.count(asked), words.count(read))
        made = _ModelRow(model, words.decimal(dev) if dev is not None else "–", " · ".join(facts_))
        made.clicked.connect(lambda: self.model_asked.emit(model.id))
        return made


class SizeRows(QWidget):
    """Time and memory of the run to come; `measuring_asked` wants them measured by trial steps."""

    measuring_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self)
        self._time, self._most = InfoRow(self.tr("Time")), InfoRow(self.tr("At most"))
        self._memory = InfoRow(self.tr("Memory"))
        for line in (self._time, self._most, self._memory):
            stack.addWidget(line)
        self._source = label("", "caption", "text3", wrap=True)
        stack.addWidget(self._source)
        self._measure = Link(self.tr("Measure on this machine"), "dense")
        self._measure.clicked.connect(self.measuring_asked)
        stack.addWidget(self._measure)
        stack.addSpacing(8)
        stack.addWidget(rule())

    def set_size(self, time: str, most: str, memory: str, state: Measuring) -> None:
        self._time.set_value(time)
        self._most.set_value(most)
        self._most.setVisible(bool(most))
        self._memory.set_value(memory)
        self._memory.setVisible(bool(memory))
        said = {
            "measured": self.tr("Measured here by trial steps, the longest batch among them"),
            "measuring": self.tr("Trial steps are done now…"),
            "guessed": self.tr("By the pace of earlier runs; trial steps tell time and memory"),
            "refused": self.tr("By the pace of earlier runs; trial steps, too, need settings that can be started"),
        }[state]
        self._source.setText(said)
        self._measure.setVisible(state == "guessed")


class _ModelRow(QWidget):
    """A trained model to click on."""

    clicked = Signal()

    def __init__(self, model: Model, score: str, fact: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(40)
        line = row(self)
        stack = column()
        name = ElidedLink(words.plain(model.name, 300), "body")
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


def _pool_of(summary: dict[str, Any]) -> tuple[int, int]:
    """How many queries and passages a model's dev score is of; zeros where that was not kept."""
    pool = summary.get("pool") or {}
    return int(pool.get("queries", 0)), int(pool.get("passages", 0))


def _dev_of(summary: dict[str, Any]) -> float | None:
    """The dev score a summary tells: a number, or nDCG@10 among several."""
    dev = summary.get("dev")
    if isinstance(dev, dict):
        dev = dev.get("ndcg@10", dev.get("tuned"))
    return float(dev) if isinstance(dev, int | float) else None
