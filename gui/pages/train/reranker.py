"""Asks how a reranker is to be trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from engine.params import RerankerParams
from gui import words
from gui.amounts import amount
from gui.pages.train.facts import TrainFacts
from gui.pages.train.form import SettingsForm
from gui.pages.train.needs import why_no_reranker
from gui.pages.train.parts import Sentence
from gui.pages.train.settings import reranker_settings
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row, rule, scroller
from gui.widgets.labels import Link, label

_WIDTH, _HEIGHT = 720, 600


class RerankerDialog(QDialog):
    """What is chosen on it is `values()`, the settings of the job `reranker`.

    Args:
        changes: settings to begin with, e.g. those of a run that is to be repeated.

    Signal: `copied` wants the command of these settings.
    """

    copied = Signal()

    def __init__(
        self, facts: TrainFacts, changes: Mapping[str, Any] | None = None, parent: QWidget | None = None
    ) -> None:  # Any: values of settings
        super().__init__(parent)
        self._facts = facts
        self.setWindowTitle(self.tr("Train a reranker"))
        self.resize(_WIDTH, _HEIGHT)
        stack = column(self, margins=(24, 20, 24, 16), gap=8)
        stack.addWidget(label(self.tr("Train a reranker"), "heading"))
        self._what = Sentence("body", "text2")
        self._what.setText(
            self.tr(
                "It learns from the same queries, answers and negatives to read a query and a passage together. "
                "A search then lets it sort its first hits, and mining can ask it which negatives are answers."
            )
        )
        stack.addWidget(self._what)
        stack.addWidget(rule())
        self.form = SettingsForm(reranker_settings(), RerankerParams())
        bases = [("base", facts.base or self.tr("bundled model"))]
        bases += [*facts.other_bases(), *((str(model.id), model.name) for model in facts.rerankers)]
        self.form.set_choices("base", bases)
        if changes:
            self.form.put(changes)
        stack.addWidget(scroller(self.form), 1)
        stack.addWidget(rule())
        self._size = label("", "dense", "text2", wrap=True)
        stack.addWidget(self._size)
        stack.addLayout(self._foot())
        self.form.changed.connect(self._show_size)
        self._show_size()

    def _foot(self) -> Any:  # Any: a layout
        foot = row(gap=8)
        self.copy = Button(self.tr("Copy as command"), "flat", icon_name="copy")
        self.copy.setAutoDefault(False)
        self.copy.clicked.connect(self.copied)
        self._reset = Link(self.tr("Reset all"), "dense")
        self._reset.clicked.connect(self.form.reset_all)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Start training"), "primary", icon_name="play")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(self.copy)
        foot.addWidget(self._reset)
        foot.addStretch(1)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        return foot

    def values(self) -> dict[str, Any]:  # Any: JSON values
        """The job's params: what was changed from the usual."""
        return dict(self.form.changes())

    def _show_size(self) -> None:
        """How much it is, in words; how long it takes is seen after its first steps."""
        fault = self.form.fault()
        reason = why_no_reranker(self._facts) or fault
        self.ok.set_possible(not reason, reason)
        self.copy.set_possible(not fault, fault)
        value = self.form.value
        batch, questions = int(value("batch_size")), self._facts.questions
        steps = math.ceil(float(value("epochs")) * max(1, questions // batch))  # a pass leaves out what fills no batch
        limit = int(value("max_steps"))
        steps = max(1, min(steps, limit) if limit else steps)
        said = fill(
            self.tr("At most %1 of %2 with %3 passages each"),
            amount(steps, self.tr("step"), self.tr("steps")),
            amount(min(batch, max(questions, 1)), self.tr("query"), self.tr("queries")),
            words.count(1 + int(value("num_negatives"))),
        )
        minutes = float(value("minutes"))
        most = fill(self.tr("; it ends after %1 with the best so far"), words.duration(60 * minutes)) if minutes else ""
        seconds, pace = steps * self._pace(), ""
        if seconds:
            named = self._facts.rerankers[0].name
            pace = " " + fill(self.tr("At the pace of %1 they take %2."), named, words.about(seconds))
        self._size.setText(f"{said}{most}.{pace}")
        self._reset.setVisible(bool(self.form.changes()))

    def _pace(self) -> float:
        """Seconds a step, by the newest reranker's and how many tokens each reads; 0 where there is none."""
        newest = next(iter(self._facts.rerankers), None)
        steps, seconds = (newest.summary.get(name, 0) for name in ("steps", "seconds")) if newest else (0, 0)
        if newest is None or not steps or not seconds:
            return 0.0
        usual = RerankerParams()
        names = ("batch_size", "num_negatives", "max_length")
        was = [float(newest.params.get(name, getattr(usual, name))) for name in names]
        now = [float(self.form.value(name)) for name in names]
        tokens = [batch * (1 + negatives) * length for batch, negatives, length in (was, now)]
        return float(seconds) / float(steps) * tokens[1] / max(tokens[0], 1.0)
