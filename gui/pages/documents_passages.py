"""How documents are cut: two sliders for what is added next, and how long the passages of now are."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QWidget

from engine.params import ImportParams
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Drawer, column, row, rule
from gui.widgets.charts import Histogram
from gui.widgets.labels import label
from gui.widgets.sliders import LabelledSlider

BINS = 32


class PassagesDrawer(Drawer):
    """The values count for the next import; nothing is cut behind one's back. `again_asked()`: read all files again."""

    again_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("sliders", QCoreApplication.translate("PassagesDrawer", "Passages"), parent=parent)
        self.fact.setText(self.tr("how documents are cut when they are read"))
        default = ImportParams()
        tokens = fill(self.tr("%1 tokens"), "{:g}").format
        self.length = LabelledSlider(
            self.tr("Size"), 60, 500, default.passage_tokens, step=10, words=tokens, value_width=84, name_width=64
        )
        self.overlap = LabelledSlider(
            self.tr("Overlap"), 0, 120, default.overlap_tokens, step=4, words=tokens, value_width=84, name_width=64
        )
        line = row(gap=24)
        left = column(gap=8)
        left.addWidget(self.length)
        left.addWidget(self.overlap)
        self._rule = label(
            self.tr("Cut at headings, then at sentences; the heading stands before each passage."),
            "caption",
            "text3",
            wrap=True,
        )
        left.addWidget(self._rule)
        buttons = row()
        self.again = Button(self.tr("Read all files again"), "plain", icon_name="refresh", size="small")
        self.again.clicked.connect(self.again_asked)
        self.reset = Button(self.tr("Reset"), "flat", size="small")
        self.reset.clicked.connect(self._reset)
        buttons.addWidget(self.again)
        buttons.addWidget(self.reset)
        buttons.addStretch(1)
        left.addLayout(buttons)
        left.addStretch(1)
        line.addLayout(left, 5)
        line.addWidget(rule("v"))
        right = column(gap=4)
        self._caption = label("", "caption", "text2")
        right.addWidget(self._caption)
        self._chart: Histogram | None = None
        self._place = right
        line.addLayout(right, 6)
        self.content_layout.addLayout(line)
        self.content.setFixedHeight(176)
        self.length.changed.connect(lambda _value: self._say_changed())
        self.overlap.changed.connect(lambda _value: self._say_changed())
        self._say_changed()

    def cut(self) -> tuple[int, int]:
        """Tokens of a passage, and of the overlap with the one before; the overlap stays under half of the size."""
        size = int(self.length.value())
        return size, min(int(self.overlap.value()), size // 2)

    def set_files(self, files: int) -> None:
        """Reading again needs files; labelled sets are kept as they are."""
        self.again.set_possible(files > 0, self.tr("No files to read again"))

    def show_lengths(self, lengths: np.ndarray) -> None:
        """Draw how many passages are how long, in characters."""
        count = amount(len(lengths), self.tr("passage"), self.tr("passages"))
        self._caption.setText(fill(self.tr("Lengths of %1, in characters"), count))
        if not len(lengths):
            return
        if self._chart is None:
            self._chart = Histogram(accessible=self.tr("How long the passages are"))
            self._place.addWidget(self._chart, 1)
        counts, edges = length_bins(lengths)
        self._chart.set_bars(edges, counts)
        step = _round_step(float(edges[-1]) / 4)
        self._chart.set_ticks("bottom", [(t, words.count(int(t))) for t in np.arange(0, edges[-1] * 0.97, step)])
        median = float(np.median(lengths))
        self._chart.set_marks([(median, fill(self.tr("half are under %1"), words.count(round(median))))])

    def _reset(self) -> None:
        default = ImportParams()
        self.length.set_value(default.passage_tokens)
        self.overlap.set_value(default.overlap_tokens)
        self._say_changed()

    def _say_changed(self) -> None:
        default = ImportParams()
        self.reset.setVisible(self.cut() != (default.passage_tokens, default.overlap_tokens))


def length_bins(lengths: np.ndarray) -> tuple[list[float], list[float]]:
    """Counts and edges of even bins from 0; the longest half per cent is counted in the last bin."""
    top = max(float(np.quantile(lengths, 0.995)), 16.0)
    counts, edges = np.histogram(np.minimum(lengths, top), bins=BINS, range=(0.0, top))
    return counts.astype(float).tolist(), edges.tolist()


def _round_step(raw: float) -> float:
    base = 10.0 ** np.floor(np.log10(max(raw, 1.0)))
    return float(next(base * factor for factor in (1, 2, 5, 10) if base * factor >= raw))
