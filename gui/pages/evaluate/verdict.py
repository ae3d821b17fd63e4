"""The verdict card: a chip, a sentence, one large number, intervals with zero in view, and what to do without a win."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from engine.records import Comparison, Outcome
from engine.store.verdicts import (
    Reason,
    known_queries,
    made_sentence,
    metric_name,
    reach_sentence,
    verdict_reasons,
)
from gui import theme, words
from gui.pages.evaluate.facts import Bench, Pair
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, column, row, rule
from gui.widgets.gauges import Interval, IntervalBar
from gui.widgets.labels import Chip, ChipState, ElidedLabel, Link, label

_NAMES, _LETTERS = 104, 15  # pixels and letters of the names beside the intervals

CHIP: dict[Outcome, ChipState] = {Outcome.WIN: "good", Outcome.TIE: "none", Outcome.LOSS: "bad"}


class VerdictCard(Card):
    """Says who won. `remedy` names what a reason's button asks for: its action, or `test` to compare."""

    remedy = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=0, gap=0, parent=parent)
        self._chip = Chip()
        self._line = ElidedLabel("", "dense", "text2", mode=Qt.TextElideMode.ElideMiddle)
        self._figure = label("", "verdict")
        self._unit = label("", "heading", "text2", weight="regular")
        self._sentence = label("", "body", "text2", wrap=True)
        self._moves = label("", "caption", "text2", wrap=True)
        self._caption = label(self.tr("Gain over each, with its 95 % interval"), "caption", "text3")
        self._bar = IntervalBar(name_width=_NAMES, figures=True)
        self._test = label("", "caption", "text3", wrap=True)
        self._right = QWidget()
        self._divider = rule("v")
        self._build()

    def _build(self) -> None:
        halves = row(margins=(24, 16, 24, 16), gap=24)
        left = column(gap=4)
        top = row()
        top.addWidget(self._chip)
        top.addWidget(self._line, 1)
        left.addLayout(top)
        figure = row(gap=12)
        figure.addWidget(self._figure, 0, Qt.AlignmentFlag.AlignBaseline)
        figure.addWidget(self._unit, 1, Qt.AlignmentFlag.AlignBaseline)
        left.addLayout(figure)
        left.addWidget(self._sentence)
        left.addWidget(self._moves)
        left.addStretch(1)
        halves.addLayout(left, 5)
        halves.addWidget(self._divider)
        side = column(self._right, gap=8)
        side.addWidget(self._caption)
        side.addWidget(self._bar)
        side.addWidget(self._test)
        side.addStretch(1)
        halves.addWidget(self._right, 5)
        self.body.addLayout(halves)
        self._reasons = column()
        self.body.addLayout(self._reasons)

    def show_pair(self, bench: Bench, pair: Pair, name_a: str, name_b: str) -> None:
        """Say what the comparison of two runs means."""
        found = pair.comparison
        self._clear_reasons()
        if found is None:
            self._show_untested(pair, name_a, name_b)
            return
        system, known = known_queries(found, bench.known)
        if known:
            self._chip.set_state(self.tr("NOT HELD OUT"), "warn")
        else:
            self._chip.set_state(found.verdict.value, CHIP[found.verdict])
        self._chip.show()
        asked = self._held_out(found.n_queries)
        if known:
            told = self.tr("%1 queries, %2 of them known")
            asked = fill(told, words.count(found.n_queries), words.count(known))
        against = self.tr("%1 against %2 · %3")
        if bench.known.made_queries:
            against = self.tr("%1 against %2 · %3 · measured on made queries")
        self._line.setText(fill(against, name_a, name_b, asked))
        made = made_sentence(bench.known, found.n_queries)
        if made:
            self._line.setToolTip(made)
        self._show_figure(words.signed(found.delta), metric_name(found.metric))
        meaning = self._meaning(found, name_a, name_b)
        if known:
            text = self.tr(
                "%1 learnt from %2 of these queries, or was chosen by them. How it fares on others is not told."
            )
            meaning = fill(text, name_a if system == found.a else name_b, words.count(known))
        self._sentence.setText(meaning)
        rest = found.n_queries - found.fixed - found.broken
        moved = self.tr("Fixed %1, broke %2; the other %3 stayed in or out of the first ten")
        said = [fill(moved, words.count(found.fixed), words.count(found.broken), words.count(rest))]
        said += [bench.weighed[run_id] for run_id in (found.run_a, found.run_b) if run_id in bench.weighed][:1]
        self._moves.setText("\n".join(said))
        self._moves.show()
        self._show_intervals([found, *(c for c in pair.beside if c.id != found.id)], bench)
        self._show_reasons(found, bench)

    def show_start(self, bench: Bench, pair: Pair) -> None:
        """Before there is a tuned model: what it has to beat."""
        self._clear_reasons()
        best = max(bench.test_runs, key=lambda run: run.metrics.get("ndcg@10", 0.0))
        self._chip.set_state(self.tr("START"), "accent")
        self._chip.show()
        self._line.setText(fill(self.tr("Nothing trained yet · %1"), self._held_out(best.n_queries)))
        self._show_figure(words.decimal(best.metrics.get("ndcg@10", 0.0)), "nDCG@10")
        share = best.metrics.get("hit_rate@10", 0.0)
        found = words.count(round(share * best.n_queries))
        told = pair.comparison is None or pair.comparison.verdict is not Outcome.TIE
        text = (
            self.tr("%1 is ahead today and the one to beat.")
            if told
            else self.tr("%1 has the higher score, but these queries cannot tell the two apart.")
        )
        text += " " + self.tr("It brings an answer among its first ten for %2 of %3 queries; the rest is listed below.")
        self._sentence.setText(fill(text, bench.names[best.id], found, words.count(best.n_queries)))
        self._moves.setVisible(pair.comparison is not None)
        if pair.comparison is not None:
            self._moves.setText(reach_sentence(pair.comparison))
        self._show_intervals([pair.comparison] if pair.comparison else [], bench)

    def _held_out(self, n: int) -> str:
        return self.tr("1 held-out query") if n == 1 else fill(self.tr("%1 held-out queries"), words.count(n))

    def _show_untested(self, pair: Pair, name_a: str, name_b: str) -> None:
        self._chip.set_state(self.tr("NOT TESTED"), "none")
        self._line.setText(fill(self.tr("%1 against %2"), name_a, name_b))
        self._show_figure("–", "nDCG@10")
        self._sentence.setText(self.tr("These two were measured, but not yet compared query by query."))
        self._moves.hide()
        self._show_intervals([], None)
        self._add_reason(self.tr("The comparison takes a few seconds."), self.tr("Compare them"), "test")

    def _show_figure(self, figure: str, unit: str) -> None:
        self._figure.setText(figure)
        self._unit.setText(unit)

    def _show_intervals(self, found: Sequence[Comparison], bench: Bench | None) -> None:
        self._right.setVisible(bool(found))
        self._divider.setVisible(bool(found))
        names = bench.names if bench else {}
        self._bar.set_intervals(
            [Interval(c.delta, c.low, c.high, _short(names.get(c.run_b, c.b)), c.verdict is Outcome.TIE) for c in found]
        )
        if found:
            values = " · ".join(f"{_short(names.get(c.run_b, c.b))} {_p_words(c.p_adjusted)}" for c in found)
            together = max(c.family for c in found)
            text = self.tr("Paired bootstrap; randomisation test: %1")
            if together > 1:
                text = self.tr("Paired bootstrap; randomisation test, corrected for %2 systems (Holm): %1")
            self._test.setText(fill(text, values, together))

    def _meaning(self, found: Comparison, name_a: str, name_b: str) -> str:
        low, high = words.signed(found.low), words.signed(found.high)
        if found.verdict is Outcome.WIN:
            text = self.tr(
                "%1 ranks the right passage higher than %2 does. The true gain lies between %3 and %4, 19 times in 20."
            )
        elif found.verdict is Outcome.LOSS:
            text = self.tr(
                "%2 ranks the right passage higher. The true difference lies between %3 and %4, 19 times in 20."
            )
        elif found.low > 0.0 or found.high < 0.0:
            text = self.tr(
                "The interval, %3 to %4, lies beside zero, but the test puts such a difference down to chance: these "
                "queries cannot tell %1 and %2 apart."
            )
        else:
            text = self.tr("The interval, %3 to %4, crosses zero: these queries cannot tell %1 and %2 apart.")
        return fill(text, name_a, name_b, low, high)

    def _show_reasons(self, found: Comparison, bench: Bench) -> None:
        joined = bench.joined()
        for reason in verdict_reasons(found, bench.known):
            if reason.action == "hybrid" and joined is not None:
                sentence = fill(
                    self.tr("%1 Both joined were measured: %2 nDCG@10."),
                    reason.sentence,
                    words.decimal(joined.metrics.get("ndcg@10", 0.0)),
                )
                self._add_reason(sentence, self.tr("Look at both joined"), reason.action)
            else:
                self._add_reason(reason.sentence, self._remedy_words(reason), reason.action)
        if found.verdict is not Outcome.WIN and found.broken:
            seen = self.tr("%1 queries lost their answer; looking at them shows where it is weaker.")
            self._add_reason(fill(seen, words.count(found.broken)), self.tr("See the broken"), "broken")

    def _remedy_words(self, reason: Reason) -> str:
        return {
            "add_queries": self.tr("Add queries"),
            "hybrid": self.tr("Measure both joined"),
            "add_pairs": self.tr("Add pairs"),
            "review_negatives": self.tr("Judge negatives"),
            "review_queries": self.tr("Look at the queries"),
            "other_base": self.tr("Choose another base"),
            "parts": self.tr("See the parts"),
            "train_again": self.tr("Train again"),
        }.get(reason.action, "")

    def _add_reason(self, sentence: str, words_: str, action: str) -> None:
        line = QWidget()
        stack = column(line)
        stack.addWidget(rule())
        content = row(margins=(24, 6, 24, 6), gap=16)
        stack.addLayout(content)
        content.addWidget(label(sentence, "body", "text", wrap=True), 1)
        if action:
            button = Button(words_, size="small", accessible=f"{words_}: {sentence}")
            button.clicked.connect(lambda: self.remedy.emit(action))
            content.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        line.setMinimumHeight(theme.ROW + 6)
        self._reasons.addWidget(line)

    def _clear_reasons(self) -> None:
        while self._reasons.count():
            taken = self._reasons.takeAt(0)
            widget = taken.widget() if taken is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def reasons(self) -> list[str]:
        """The sentences shown below the verdict."""
        found = []
        for place in range(self._reasons.count()):
            item = self._reasons.itemAt(place)
            widget = item.widget() if item is not None else None
            if widget is not None:
                found.append(widget.findChildren(type(self._sentence))[0].text())
        return found

    def words_shown(self) -> tuple[str, str, str]:
        """(chip, figure, sentence), for tests and for the screen reader."""
        return self._chip.text(), self._figure.text(), self._sentence.text()


class StaleLine(Card):
    """Says that a newer model was not measured yet, or that the passages are others now, with the way to measure."""

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=0, kind="inset", parent=parent)
        line = row(margins=(16, 6, 8, 6), gap=12)
        self._chip = Chip(self.tr("not measured"), "warn")
        self._words = label("", "body", "text", wrap=True)
        self._link = Link("")
        self._link.clicked.connect(self.asked)
        line.addWidget(self._chip)
        line.addWidget(self._words, 1)
        line.addWidget(self._link)
        self.body.addLayout(line)
        self.hide()

    def set_state(self, newer: str, stale: bool) -> None:
        """`newer` names a model that was not measured; `stale`: passages or queries are not those measured on."""
        if stale:
            self._chip.set_state(self.tr("out of date"), "warn")
            self._words.setText(self.tr("Passages or queries changed since these figures were measured."))
            self._link.setText(self.tr("Measure again"))
        else:
            self._chip.set_state(self.tr("not measured"), "warn")
            self._words.setText(fill(self.tr("%1 is newer than what is shown here."), newer))
            self._link.setText(self.tr("Measure it"))
        self.setVisible(stale or bool(newer))

    def words_shown(self) -> tuple[str, str]:
        """(chip, sentence)."""
        return self._chip.text(), self._words.text()


def _p_words(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _short(name: str) -> str:
    """Cut in the middle, where names differ least: "round 1… + BM25"."""
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 8].rstrip()}…{name[-7:]}"
