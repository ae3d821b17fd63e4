"""Asks how much of its base a tuned model is to be mixed with, beside what each share brings on the dev queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QDialog, QWidget

from engine.records import MetricPoint
from gui import words
from gui.pages.train.parts import Sentence
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row
from gui.widgets.charts import LineChart
from gui.widgets.labels import label
from gui.widgets.sliders import LabelledSlider

_WIDTH = 520
_CHART = 176


class MixDialog(QDialog):
    """What is chosen on it is `values()`, the settings of the job `merge`.

    Args:
        name, base: the tuned model's and that of the one it came from.
        known: dev nDCG@10 by per cent of the base in all, as far as it was measured.
        mixed: share of the base that is in the tuned model already; what is chosen comes on top.
        dev: whether there are dev queries to choose a share by.
    """

    def __init__(
        self,
        model_id: int,
        name: str,
        base: str,
        known: Sequence[MetricPoint],
        *,
        dev: bool,
        mixed: float = 0.0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model_id, self._best, self._known = model_id, False, _on_top(known, mixed)
        self.setWindowTitle(self.tr("Mix with the base"))
        self.setFixedWidth(_WIDTH)
        stack = column(self, margins=(24, 20, 24, 16), gap=8)
        title = fill(self.tr("Mix %1 with %2"), words.plain(name, 60), words.plain(base, 60))
        head, self._what = Sentence("heading"), Sentence("body", "text2")
        for part in (head, self._what):
            part.setFixedWidth(_WIDTH - 48)
        head.setText(title)
        stack.addWidget(head)
        said = self.tr(
            "Where training made a model forget, a share of its base brings it back. The mix becomes a model of its "
            "own; the tuned one stays as it is."
        )
        already = self.tr("It was mixed with %1 of its base before; this comes on top.")
        self._what.setText(f"{said} {fill(already, words.share(mixed))}" if mixed else said)
        stack.addWidget(self._what)
        if self._known:
            stack.addWidget(label(self.tr("nDCG@10 on the dev queries, by share of the base"), "caption", "text3"))
            stack.addWidget(self._chart())
        self.share = LabelledSlider(
            self.tr("Share of the base"), 0, 100, 30, step=5, words=self._in_words, name_width=128, value_width=112
        )
        stack.addWidget(self.share)
        stack.addLayout(self._foot(dev))

    def values(self) -> dict[str, Any]:  # Any: settings of the job
        """The job's settings; a share below 0 asks for the best of eleven."""
        return {"model": str(self._model_id), "alpha": -1.0 if self._best else round(self.share.value() / 100, 2)}

    def _chart(self) -> LineChart:
        chart = LineChart(unit="%", accessible=self.tr("Dev nDCG@10 by share of the base"))
        chart.setFixedHeight(_CHART)
        chart.set_line([(float(point.step), point.value) for point in self._known], until=100.0)
        return chart

    def _in_words(self, share: float) -> str:
        """The share, with what it brought where that was measured."""
        found = next((point.value for point in self._known if point.step == round(share)), None)
        per_cent = words.share(share / 100)
        return f"{per_cent} · {words.decimal(found)}" if found is not None else per_cent

    def _foot(self, dev: bool) -> Any:  # Any: a layout
        foot = row(gap=8, margins=(0, 8, 0, 0))
        self.best = Button(self.tr("Find the best share"), "flat", icon_name="search")
        self.best.setToolTip(self.tr("Measures eleven shares on the dev queries and keeps the best"))
        self.best.setAutoDefault(False)
        self.best.set_possible(dev, self.tr("No dev queries to choose by"))
        self.best.clicked.connect(self._ask_best)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Mix"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(self.best)
        foot.addStretch(1)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        return foot

    def _ask_best(self) -> None:
        self._best = True
        self.accept()


def _on_top(known: Sequence[MetricPoint], mixed: float) -> list[MetricPoint]:
    """The curve by what is added of the base to a model that holds a share of it: a quarter and half of the rest."""
    if mixed >= 1:
        return []
    shares = [(round(point.step / 100 - mixed, 6), point.value) for point in known]
    return [MetricPoint(round(100 * more / (1 - mixed)), value) for more, value in shares if more >= 0]
