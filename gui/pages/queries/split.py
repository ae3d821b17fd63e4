"""The split drawer: how many questions to learn from and to be tested on, and that nothing leaks between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from engine.params import SplitParams
from engine.store import jobs, queries, ties
from engine.store.project import Project
from gui import theme, words
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Drawer, Figure, column, row, rule
from gui.widgets.gauges import StackBar
from gui.widgets.labels import Icon, label
from gui.widgets.sliders import LabelledSlider

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class SplitView:
    """Queries by split; `none` have no split, `leaks` is `UNKNOWN` before the first split.

    `changed`: answers, splits or duplicates are not those of the last split, so that `leaks` may be others now.
    """

    train: int
    dev: int
    test: int
    none: int
    leaks: int
    sentence: str
    changed: bool = False


def read_split(project: Project) -> SplitView:
    """Count the standing queries by split, with what the last split said of leaks."""
    counts = queries.split_counts(project)
    report = project.meta_json("split_report") or {}
    last = jobs.last_done(project, "split")
    leaks = report.get("leaks", last.summary.get("leaks", UNKNOWN) if last else UNKNOWN)
    return SplitView(
        counts.get("train", 0),
        counts.get("dev", 0),
        counts.get("test", 0),
        counts.get("", 0),
        int(leaks),
        str(report.get("sentence", "")),
        "state" in report and report["state"] != ties.leak_state(project),
    )


class LeakNote(QWidget):
    """A shield and the leak report in words, beside the filter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self, gap=6)
        self._icon = Icon("shield", "good")
        self._words = label("", "dense", "text2")
        line.addWidget(self._icon)
        line.addWidget(self._words)

    def show_split(self, view: SplitView) -> None:
        self.setVisible(view.leaks != UNKNOWN)
        self.setToolTip(self.tr("Texts, near-duplicates, answers and documents that stand in more than one split."))
        if view.changed:
            self._icon.set_icon("shield", "text3")
            self._words.setText(self.tr("Leaks: looking…"))
            self.setAccessibleName(self._words.text())
        else:
            self.show_leaks(view.leaks)

    def show_leaks(self, leaks: int) -> None:
        """As they are now."""
        self._icon.set_icon("shield", "good" if leaks == 0 else "bad")
        self._words.setText(fill(self.tr("Leaks: %1"), words.count(leaks)))
        self.setAccessibleName(self._words.text())


class SplitDrawer(Drawer):
    """`split_asked(params)`: cut the queries again with these rules."""

    split_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        title = QCoreApplication.translate("SplitDrawer", "Split")
        super().__init__("evaluate", title, open_=False, parent=parent)
        default = SplitParams()
        self._seed = default.seed
        self._view: SplitView | None = None
        line = row(gap=24)
        self.content_layout.addLayout(line)
        left = column(gap=8)
        figures = row(gap=24)
        self._figures = {
            "train": Figure("0", self.tr("to learn from (train)")),
            "dev": Figure("0", self.tr("to watch training (dev)")),
            "test": Figure("0", self.tr("never seen (test)")),
        }
        for figure in self._figures.values():
            figures.addWidget(figure)
        figures.addStretch(1)
        left.addLayout(figures)
        self._bar = StackBar(height=8)
        left.addWidget(self._bar)
        self._sentence = label("", "caption", "text3", wrap=True)
        left.addWidget(self._sentence)
        left.addStretch(1)
        line.addLayout(left, 1)
        line.addWidget(rule("v"))
        right = column(gap=8)
        percent = "{:g} %".format
        test, dev = 100 * default.test_share, 100 * default.dev_share
        self.test = LabelledSlider(self.tr("Test"), 5, 50, test, step=5, words=percent, name_width=48)
        self.dev = LabelledSlider(self.tr("Dev"), 5, 30, dev, step=5, words=percent, name_width=48)
        self.official = QCheckBox(self.tr("Keep the splits that sets bring"))
        self.official.setFont(theme.font("body"))
        self.official.setChecked(default.keep_official)
        self.again = Button(self.tr("Split again"), "plain", size="small", icon_name="refresh")
        self.again.clicked.connect(self._ask)
        for part in (self.test, self.dev, self.official):
            right.addWidget(part)
        foot = row()
        foot.addWidget(self.again)
        foot.addStretch(1)
        right.addLayout(foot)
        line.addLayout(right, 1)

    def show_split(self, view: SplitView) -> None:
        """Show counts and leaks."""
        self._view = view
        for name, figure in self._figures.items():
            figure.set_value(words.count(getattr(view, name)))
        self._bar.set_parts(
            [
                ("accent", view.train, "train"),
                ("accent-line", view.dev, "dev"),
                ("bm25", view.test, "test"),
                ("track", view.none, self.tr("none")),
            ]
        )
        cut = view.train + view.dev + view.test > 0
        self.again.setText(self.tr("Split again") if cut else self.tr("Split the queries"))
        self.again.set_kind("plain" if cut else "soft")
        self.fact.setText(self._outcome(view) if cut else self.tr("not split yet"))
        unused = (
            fill(self.tr("In no split: %1 without an answer."), words.count(view.none)) if cut and view.none else ""
        )
        self._sentence.setText(" ".join(part for part in (view.sentence, unused) if part))
        self._sentence.setVisible(bool(self._sentence.text()))

    def show_leaks(self, leaks: int) -> None:
        """What leaks now, where the queries changed since the split."""
        if self._view is None:
            return
        self.fact.setText(self._outcome(replace(self._view, leaks=leaks)))
        came = fill(self.tr("Since the last split answers or duplicates changed; leaks now: %1."), words.count(leaks))
        advice = self.tr("Split again to be measured fairly.") if leaks else ""
        self._sentence.setText(" ".join(part for part in (came, advice) if part))
        self._sentence.setVisible(True)

    def _outcome(self, view: SplitView) -> str:
        said = fill(
            self.tr("%1 train, %2 dev, %3 test"), words.count(view.train), words.count(view.dev), words.count(view.test)
        )
        if view.leaks != UNKNOWN:
            said += "; " + fill(self.tr("leaks: %1"), words.count(view.leaks))
        return said

    def _ask(self) -> None:
        """Another seed each time, so that "again" is really another cut."""
        params = SplitParams(
            seed=self._seed,
            dev_share=self.dev.value() / 100,
            test_share=self.test.value() / 100,
            keep_official=self.official.isChecked(),
        )
        self._seed += 1
        self.split_asked.emit(params)
