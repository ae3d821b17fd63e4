"""A run while it goes and after: dev score against the lines to beat, loss, steps, time, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.records import MetricPoint, Model
from gui import theme, words
from gui.jobs.job import Job, Phase
from gui.pages.train_facts import Curves, best_of, smooth
from gui.phrases import fill
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import Card, Figure, column, row, rule
from gui.widgets.charts import LineChart
from gui.widgets.labels import Chip, ChipState, label
from gui.widgets.paragraph import Paragraph

REDRAW_MS = 250
_NO_CURVES = Curves()


class TrainLive(QWidget):
    """Charts and figures of one run.

    Signals: `verdict_asked`, `back_asked` (to the presets), `again_asked` (go on from the last checkpoint).
    """

    verdict_asked = Signal()
    back_asked = Signal()
    again_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves = self._before = Curves()
        self._until = 0
        self._live = False
        self.ending = EndCard()
        self.ending.verdict_asked.connect(self.verdict_asked)
        self.ending.back_asked.connect(self.back_asked)
        self.ending.again_asked.connect(self.again_asked)
        self._score = Figure("–", self.tr("dev nDCG@10"), " ", above=True)
        self._step = Figure("–", self.tr("Step"), " ", above=True)
        self._time = Figure("–", self.tr("Time"), " ", above=True)
        self._loss = Figure("–", self.tr("Loss"), self.tr("smoothed"), above=True)
        self._dev_card = Card(self.tr("Dev queries"), self.tr("nDCG@10, measured while it trains"), divided=False)
        self._loss_card = Card(self.tr("Loss"), self.tr("each step, and smoothed"), divided=False)
        self._which = SegmentedControl([self.tr("Loss"), self.tr("Learning rate")], accessible=self.tr("Curve"))
        self._which.changed.connect(lambda _place: self._redraw())
        self._dev_chart: LineChart | None = None
        self._loss_chart: LineChart | None = None
        self._waiting = label("", "body", "text3")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(REDRAW_MS)
        self._pause.timeout.connect(self._redraw)
        self._build()

    def _build(self) -> None:
        stack = column(self, gap=theme.GAP)
        stack.addWidget(self.ending)
        figures = Card(pad=0)
        figures.setFixedHeight(88)
        line = row(margins=(16, 0, 8, 0), gap=16)
        for place, figure in enumerate((self._score, self._step, self._time, self._loss)):
            if place:
                line.addWidget(rule("v"))
            line.addWidget(figure, 1, Qt.AlignmentFlag.AlignVCenter)
        figures.body.addLayout(line)
        stack.addWidget(figures)
        self._dev_card.setMinimumHeight(240)
        self._dev_card.body.setContentsMargins(8, 0, 8, 8)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._dev_card.body.addWidget(self._waiting, 1)
        stack.addWidget(self._dev_card, 3)
        self._loss_card.setMinimumHeight(140)
        self._loss_card.body.setContentsMargins(8, 0, 8, 8)
        self._loss_card.head.addWidget(self._which)
        self._loss_gap = QWidget()
        self._loss_card.body.addWidget(self._loss_gap, 1)
        stack.addWidget(self._loss_card, 2)

    # While it runs

    def follow(self, job: Job) -> None:
        """Show a job from now on, with all it has said so far."""
        self._live = True
        self.ending.hide()
        metrics = {name: _last_run(points) for name, points in job.metrics.items()}
        dev = _points(metrics.get("dev_ndcg@10", ()))
        bm25, base = (_points(metrics.get(name, ())) for name in ("dev_bm25", "dev_base"))
        self._curves = Curves(
            _after(self._before.dev, dev),
            _after(self._before.loss, _points(metrics.get("loss", ()))),
            _after(self._before.rate, _points(metrics.get("lr", ()))),
            bm25[-1].value if bm25 else self._curves.bm25,
            base[-1].value if base else self._curves.base,
        )
        self.show_progress(job)
        self.later()

    def later(self) -> None:
        """Draw soon; many points in a row are drawn once."""
        if not self._pause.isActive():
            self._pause.start()

    def set_baselines(self, bm25: float | None, base: float | None) -> None:
        """What is known of the lines to beat before the run says so."""
        self._curves = Curves(self._curves.dev, self._curves.loss, self._curves.rate, bm25, base)

    def begin(self, before: Curves = _NO_CURVES) -> None:
        """Forget the last run; `before` is what a resumed one had recorded."""
        self._before = before
        bm25 = before.bm25 if before.bm25 is not None else self._curves.bm25
        base = before.base if before.base is not None else self._curves.base
        self._curves = Curves(before.dev, before.loss, before.rate, bm25, base)
        self._until = 0
        self.ending.hide()
        self._redraw()

    def show_progress(self, job: Job) -> None:
        """Steps, rate and time left; stages before the first step are named instead."""
        training = job.stage.startswith("train") and job.total > 0
        if training:
            self._until = job.total
            self._step.set_value(fill(self.tr("%1 of %2"), words.count(job.done), words.count(job.total)), _pace(job))
        else:
            done = f"{words.count(job.done)} / {words.count(job.total)}" if job.total else ""
            self._step.set_value(self._stage_words(job), f"{job.stage} {done}".strip())
        left = job.seconds_left
        if left is None or not training:
            self._time.set_value("–", self._phase_words(job))
        else:
            ends = datetime.now() + timedelta(seconds=left)
            self._time.set_value(_clock(left), fill(self.tr("left, ends about %1"), ends.strftime("%H:%M")))

    def _stage_words(self, job: Job) -> str:
        if job.phase is Phase.WAITING:
            return self.tr("waiting")
        return self.tr("finishing") if self._curves.loss else self.tr("preparing")

    def _phase_words(self, job: Job) -> str:
        return {
            Phase.PAUSED: self.tr("paused"),
            Phase.CANCELLING: self.tr("stopping after this step"),
            Phase.WAITING: self.tr("waits for the job before it"),
        }.get(job.phase, " ")

    # After it

    def show_model(self, model: Model, curves: Curves) -> None:
        """Show a finished run from what was stored of it."""
        self._live = False
        self._curves = curves
        steps = int(model.summary.get("steps", 0))
        self._until = max([steps, *(point.step for point in curves.loss)])
        seconds = float(model.summary.get("seconds", 0.0))
        pace = fill(self.tr("%1 s a step"), f"{seconds / steps:.1f}") if steps and seconds else " "
        self._step.set_value(words.count(steps), pace)
        self._time.set_value(words.duration(seconds) if seconds else "–", self.tr("taken"))
        self._redraw()

    def redraw_now(self) -> None:
        """Draw at once, for tests and pictures."""
        self._pause.stop()
        self._redraw()

    def _redraw(self) -> None:
        curves = self._curves
        best = best_of(curves.dev)
        over = ""
        if best and curves.bm25 is not None:
            over = fill(self.tr("%1 over BM25"), words.signed(best.value - curves.bm25))
        elif best:
            over = fill(self.tr("best, at step %1"), best.step)
        self._score.set_value(words.decimal(best.value) if best else "–", over or " ")
        smoothed = smooth(curves.loss)
        self._loss.set_value(words.decimal(smoothed[-1][1], 2) if smoothed else "–")
        self._draw_dev()
        self._draw_lower(smoothed)

    def _draw_dev(self) -> None:
        curves = self._curves
        if not curves.dev and curves.bm25 is None and curves.base is None:
            self._waiting.setText(self.tr("The first measurement comes before the first step."))
            self._waiting.show()
            if self._dev_chart is not None:
                self._dev_chart.hide()
            return
        self._waiting.hide()
        if self._dev_chart is None:
            self._dev_chart = LineChart(unit=self.tr("step"), accessible=self.tr("Dev nDCG@10 by step"))
            self._dev_card.body.addWidget(self._dev_chart, 1)
        self._dev_chart.show()
        known = (("bm25", "BM25", curves.bm25), ("base", self.tr("Base"), curves.base))
        self._dev_chart.set_limits([(system, name, value) for system, name, value in known if value is not None])
        points = [(float(point.step), point.value) for point in curves.dev]
        self._dev_chart.set_line(points, label=self.tr("Tuned"), until=float(self._until))

    def _draw_lower(self, smoothed: Sequence[tuple[float, float]]) -> None:
        if self._loss_chart is None:
            if not self._curves.loss:
                return
            self._loss_chart = LineChart(digits=2, rings=False, accessible=self.tr("Loss by step"))
            self._loss_gap.hide()
            self._loss_card.body.addWidget(self._loss_chart, 1)
        if self._which.current() == 0:
            self._loss_chart.set_faint([(float(point.step), point.value) for point in self._curves.loss])
            self._loss_chart.set_line(smoothed, until=float(self._until))
        else:
            # In millionths, so that the axis has figures a person can read.
            rate = [(float(point.step), point.value * 1e6) for point in self._curves.rate]
            self._loss_chart.set_faint([])
            self._loss_chart.set_line(rate, until=float(self._until))
        self._loss_card.title.setText(self.tr("Loss") if self._which.current() == 0 else self.tr("Learning rate"))
        self._loss_card.fact.setText(
            self.tr("each step, and smoothed") if self._which.current() == 0 else self.tr("in millionths")
        )


class EndCard(Card):
    """How a run ended: done, stopped, and what can be done now."""

    verdict_asked = Signal()
    back_asked = Signal()
    again_asked = Signal()
    kept = Signal()
    discarded = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=16, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = row(gap=12)
        self._chip = Chip()
        self._words = _Sentence()
        self._verdict = Button(self.tr("See the verdict"), "primary", after="arrow-right")
        self._again = Button(self.tr("Go on from there"))
        self._keep = Button(self.tr("Keep the best"))
        self._keep.setToolTip(self.tr("Train no further: the best checkpoint becomes a finished model"))
        self._keep.clicked.connect(self.kept)
        self._discard = Button(self.tr("Discard…"), "flat")
        self._back = Button(self.tr("Train again"), "flat")
        self._verdict.clicked.connect(self.verdict_asked)
        self._again.clicked.connect(self.again_asked)
        self._discard.clicked.connect(self.discarded)
        self._back.clicked.connect(self.back_asked)
        line.addWidget(self._chip)
        line.addWidget(self._words, 1)
        for button in (self._back, self._discard, self._keep, self._again, self._verdict):
            line.addWidget(button)
        self.body.addLayout(line)
        self.hide()

    def show_end(self, chip: str, state: ChipState, sentence: str, *, verdict: bool, again: bool) -> None:
        self._chip.set_state(chip, state)
        self._words.setText(sentence)
        self._words.fit()
        self._verdict.setVisible(verdict)
        self._again.setVisible(again)
        self._discard.setVisible(again)
        self._keep.setVisible(again)
        self.setAccessibleName(f"{chip}: {sentence}")
        self.show()

    def sentence(self) -> str:
        return self._words.text()


class _Sentence(Paragraph):
    """A paragraph beside buttons: a box layout guesses its width too large, so it asks for its height itself."""

    def __init__(self) -> None:
        super().__init__("", "body", "text")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Be as high as the text needs at this width."""
        self.setMinimumHeight(self.heightForWidth(self.width()))


def end_sentence(model: Model, curves: Curves) -> str:
    """What a finished run reached on the dev queries, in words."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("train_live", text)

    best = best_of(curves.dev)
    if best is None:
        return fill(tr("%1 is trained."), model.name)
    kept = model.summary.get("dev")
    reached = float(kept) if isinstance(kept, float) else best.value
    said = tr("%1 reached %2 nDCG@10 on the dev queries at step %3")
    parts = [fill(said, model.name, words.decimal(reached), best.step)]
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
    share = float(model.summary.get("base_share", 0.0) or 0.0)
    mixed = fill(tr("Mixed with %1 of the base model, which was better still."), words.share(share)) if share else ""
    unseen = tr("Whether that holds on unseen queries, the verdict says.")
    return " ".join(part for part in (", ".join(parts) + ".", ended, mixed, unseen) if part)


def _points(found: Sequence[tuple[int, float]]) -> tuple[MetricPoint, ...]:
    return tuple(MetricPoint(step, value) for step, value in found)


def _last_run(found: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """The points of the newest run, where a job trains several one after another: steps begin anew."""
    begins = [place for place in range(1, len(found)) if found[place][0] < found[place - 1][0]]
    return found[begins[-1] :] if begins else found


def _after(before: tuple[MetricPoint, ...], points: tuple[MetricPoint, ...]) -> tuple[MetricPoint, ...]:
    """What was recorded before, and after it what is new; a step recorded twice counts once."""
    if not points:
        return before
    return (*(point for point in before if point.step < points[0].step), *points)


def _pace(job: Job) -> str:
    if job.rate <= 0:
        return " "
    return f"{job.rate:.1f} / s" if job.rate >= 1 else f"{1 / job.rate:.1f} s / step"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
