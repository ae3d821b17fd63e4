"""How a run ended, in words: what it reached, the verdict on it, and what can be done now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.records import Comparison, Model, Outcome
from gui import words
from gui.amounts import amount
from gui.pages.train.facts import Curves, kept_of
from gui.pages.train.parts import Sentence
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, row
from gui.widgets.groups import TwoGroups
from gui.widgets.labels import Chip, ChipState, ElidedLabel, StateMark, label


class EndCard(Card):
    """How a run ended: done, stopped, and what can be done now."""

    verdict_asked = Signal()
    back_asked = Signal()
    again_asked = Signal()
    kept = Signal()
    discarded = Signal()
    repeat_asked = Signal()
    command_asked = Signal()
    script_asked = Signal()
    mixing_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=16, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = row(gap=12)
        self._chip = ChipPlace()
        self._words = Sentence("body", "text")
        line.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._words, 1)
        self.body.addLayout(line)
        self._verdicts = [VerdictRow(), VerdictRow()]
        for verdict in self._verdicts:
            self.body.addWidget(verdict)
        self._verdict = Button(self.tr("See the verdict"), "primary", after="arrow-right", size="small")
        self._again = Button(self.tr("Go on from there"), size="small")
        self._keep = Button(self.tr("Keep the best"), size="small")
        self._keep.setToolTip(self.tr("Train no further: the best checkpoint becomes a finished model"))
        self._discard = Button(self.tr("Discard…"), "flat", size="small")
        self._back = Button(self.tr("Train again"), "flat", size="small")
        self._repeat = Button(self.tr("Repeat…"), "flat", icon_name="refresh", size="small")
        self._repeat.setToolTip(self.tr("Takes its settings to the presets, where one thing can be changed"))
        self._command = Button(self.tr("Copy as command"), "flat", icon_name="copy", size="small")
        self._command.setToolTip(self.tr("The same run for the terminal"))
        self._script = Button(self.tr("Save as script…"), "flat", icon_name="export", size="small")
        self._script.setToolTip(self.tr("In Python for plain sentence-transformers, with the batches of this run"))
        self._mix = Button(self.tr("Mix with the base…"), "flat", icon_name="sliders", size="small")
        self._mix.setToolTip(self.tr("A share of the base's weights, where training made it forget"))
        pairs = (
            (self._verdict, self.verdict_asked),
            (self._again, self.again_asked),
            (self._keep, self.kept),
            (self._discard, self.discarded),
            (self._back, self.back_asked),
            (self._repeat, self.repeat_asked),
            (self._command, self.command_asked),
            (self._script, self.script_asked),
            (self._mix, self.mixing_asked),
        )
        for button, signal in pairs:
            button.clicked.connect(signal)
        self._ways = TwoGroups(
            (self._repeat, self._command, self._script, self._mix),
            (self._back, self._discard, self._keep, self._again, self._verdict),
        )
        self.body.addWidget(self._ways)
        self.hide()

    def show_end(
        self,
        chip: str,
        state: ChipState,
        sentence: str,
        *,
        verdict: bool,
        again: bool,
        verdicts: Sequence[Comparison] = (),
        kind: Literal["model", "reranker"] = "model",
    ) -> None:
        """Say how it ended; with `verdict` a finished model, with `again` one that can go on."""
        self._chip.set_state(chip, state)
        self._words.setText(sentence)
        self._verdict.setVisible(verdict)
        for button in (self._repeat, self._command, self._script):
            button.setVisible(verdict)
        self._mix.setVisible(verdict and kind == "model")
        self._back.setVisible(not verdict)
        for button in (self._again, self._discard, self._keep):
            button.setVisible(again)
        for place, shown in enumerate(self._verdicts):
            shown.setVisible(place < len(verdicts))
            if place < len(verdicts):
                shown.show_comparison(verdicts[place])
        self._align(self._verdicts[: len(verdicts)])
        self._ways.arrange()
        self.setAccessibleName(f"{chip}: {sentence}")
        self.show()

    def _align(self, rows: Sequence[VerdictRow]) -> None:
        """Let the words of all lines begin in one column."""
        places = [self._chip, *(row_.chip for row_ in rows)]
        width = max(place.needed() for place in places)
        for place in places:
            place.setFixedWidth(width)

    def sentence(self) -> str:
        return self._words.text()

    def verdicts(self) -> list[str]:
        """The verdicts that are shown, in words."""
        return [row_.accessibleName() for row_ in self._verdicts if not row_.isHidden()]


class ChipPlace(QWidget):
    """A chip at the left of a place that may be wider than it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self)
        self._chip = Chip()
        line.addWidget(self._chip)
        line.addStretch(1)

    def set_state(self, text: str, state: ChipState) -> None:
        self._chip.set_state(text, state)

    def needed(self) -> int:
        return self._chip.sizeHint().width()


class VerdictRow(QWidget):
    """WIN, TIE or LOSS against one system, with the difference and its interval."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self, gap=12)
        self.chip = ChipPlace()
        self._words = ElidedLabel("", "body", "text2")
        line.addWidget(self.chip)
        line.addWidget(self._words, 1)

    def show_comparison(self, found: Comparison) -> None:
        states: dict[Outcome, ChipState] = {Outcome.WIN: "good", Outcome.TIE: "none", Outcome.LOSS: "bad"}
        self.chip.set_state(found.verdict.value, states[found.verdict])
        other = "BM25" if found.b == "bm25" else self.tr("Base") if found.b == "base" else found.b
        text = fill(
            self.tr("against %1: %2 nDCG@10 (%3 to %4) on %5; %6 fixed, %7 broken"),
            other,
            words.signed(found.delta),
            words.signed(found.low),
            words.signed(found.high),
            amount(found.n_queries, self.tr("test query"), self.tr("test queries")),
            words.count(found.fixed),
            words.count(found.broken),
        )
        self._words.setText(text)
        self.setAccessibleName(f"{found.verdict.value} {text}")


class WarningsCard(Card):
    """What went wrong on the way of a run, each sentence once."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, gap=8, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._shown: list[str] = []
        self.hide()

    def show_warnings(self, sentences: Sequence[str]) -> None:
        """Show these; hide where there is none."""
        if list(sentences) != self._shown:
            self._shown = list(sentences)
            while self.body.count():
                taken = self.body.takeAt(0)
                widget = taken.widget() if taken is not None else None
                if widget is not None:
                    widget.deleteLater()
            for sentence in sentences:
                self.body.addWidget(_Warning(words.plain(sentence, 600)))
        self.setAccessibleName(" ".join(self._shown))
        self.setVisible(bool(sentences))

    def sentences(self) -> list[str]:
        return list(self._shown)


class _Warning(QWidget):
    def __init__(self, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self, gap=12)
        line.addWidget(StateMark("stale", 14), 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(label(sentence, "body", wrap=True), 1)


def end_sentence(model: Model, curves: Curves, *, judged: bool = False) -> str:
    """What a finished run reached on the dev queries, in words; `judged` where test queries have spoken, too."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("train_live", text)

    best = kept_of(curves.dev)
    if "merged_from" in model.params:
        return _mixed_sentence(model, judged)
    if best is None:
        return fill(tr("%1 is trained; no dev query has an answer, so that its last step is kept."), model.name)
    kept = model.summary.get("dev")
    reached = float(kept) if isinstance(kept, float) else best.value
    said = tr("%1 reached %2 nDCG@10 on the dev queries at step %3")
    parts = [fill(said, model.name, words.decimal(reached), model.summary.get("best_step", best.step))]
    against = [
        f"{name} {words.signed(reached - value)}"
        for name, value in (("BM25", curves.bm25), ("Base", curves.base))
        if value is not None
    ]
    if against:
        parts.append(fill(tr("against %1"), ", ".join(against)))
    ended = {
        "patience": tr("It ended early, because the score rose no more."),
        "time": tr("It ended when its time was up."),
    }.get(str(model.summary.get("stopped", "")), "")
    share = base_in(model)
    mixed = fill(tr("Mixed with %1 of the base model, which was better still."), words.share(share)) if share else ""
    unseen = "" if judged else tr("Whether that holds on unseen queries, the verdict says.")
    return " ".join(part for part in (", ".join(parts) + ".", ended, mixed, unseen) if part)


def _mixed_sentence(model: Model, judged: bool) -> str:
    """What a model that was mixed by hand is."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("train_live", text)

    share, dev = words.share(base_in(model)), model.summary.get("dev")
    said = fill(tr("%1 has %2 of its base's weights, the rest of the tuned model's"), model.name, share)
    if isinstance(dev, float):
        said = fill(tr("%1; nDCG@10 %2 on the dev queries"), said, words.decimal(dev))
    return f"{said}." if judged else f"{said}. " + tr("Whether that holds on unseen queries, the verdict says.")


def base_in(model: Model) -> float:
    """How much of its base is in a tuned model, by its training and by all mixing after it."""
    told = model.summary
    return float(told.get("base_in_all") or told.get("base_share") or told.get("alpha") or 0.0)
