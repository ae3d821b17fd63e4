"""A run while it goes and after: dev score against the lines to beat, loss, steps, time, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from engine.records import MetricPoint, Model
from gui import theme, words
from gui.jobs.job import Job, Phase
from gui.pages.train.end import EndCard, WarningsCard
from gui.pages.train.facts import Curves, Watched, best_of, kept_of, smooth
from gui.pages.train.watch import WatchedList
from gui.phrases import fill
from gui.widgets.buttons import SegmentedControl
from gui.widgets.cards import Card, Figure, column, row, rule
from gui.widgets.charts import LineChart
from gui.widgets.labels import label

REDRAW_MS = 250
_REST = 9  # so many times as long as drawing takes, the window has its time for itself
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
        self._job: Job | None = None
        self._kept: float | None = None  # the step whose weights a finished run kept
        self._reached: float | None = None  # dev score of a finished run, what was mixed in at its end included
        self.ending = EndCard()
        self.ending.verdict_asked.connect(self.verdict_asked)
        self.ending.back_asked.connect(self.back_asked)
        self.ending.again_asked.connect(self.again_asked)
        self._score = Figure("–", self.tr("dev nDCG@10"), " ", above=True)
        self._step = Figure("–", self.tr("Step"), " ", above=True)
        self._time = Figure("–", self.tr("Time"), " ", above=True)
        self._loss = Figure("–", self.tr("Loss"), self.tr("smoothed"), above=True)
        self._memory = Figure("–", self.tr("Memory"), " ", above=True)
        self.troubles = WarningsCard()
        self.watched = WatchedList()
        self._watched_card = Card(self.tr("Watched queries"), self.tr("rank of the answer, after each look"))
        self._watched: tuple[Watched, ...] = ()
        self._narrow = False
        self._foretold = 0.0
        self._dev_card = Card(self.tr("Dev queries"), self.tr("nDCG@10, measured while it trains"), divided=False)
        self._loss_card = Card(self.tr("Loss"), self.tr("each step, and smoothed"), divided=False)
        names = [self.tr("Loss"), self.tr("Learning rate"), self.tr("Speed")]
        self._which = SegmentedControl(names, accessible=self.tr("Curve"))
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
        stack.addWidget(self.troubles)
        figures = Card(pad=0)
        figures.setFixedHeight(88)
        line = row(margins=(16, 0, 8, 0), gap=16)
        for place, figure in enumerate((self._score, self._step, self._time, self._loss, self._memory)):
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
        self._loss_gap = label(self.tr("The curve begins with the first step."), "body", "text3")
        self._loss_gap.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._loss_card.body.addWidget(self._loss_gap, 1)
        stack.addWidget(self._loss_card, 2)
        self._watched_card.body.addWidget(self.watched)
        self._watched_card.hide()
        stack.addWidget(self._watched_card)

    # While it runs

    def follow(self, job: Job) -> None:
        """Show a job from now on, with all it has said so far; its curves are read when they are drawn."""
        self._live, self._kept, self._reached, self._job = True, None, None, job
        self.ending.hide()
        if not self._pause.isActive() or job.is_over:
            self._read(job)
        self.troubles.show_warnings(job.warnings)
        self.show_progress(job)
        self.later()

    def _read(self, job: Job) -> None:
        """Take over every point of a job; there may be many thousands."""
        metrics = {name: _last_run(points) for name, points in job.metrics.items()}
        dev = _points(metrics.get("dev_ndcg@10", ()))
        bm25, base = (_points(metrics.get(name, ())) for name in ("dev_bm25", "dev_base"))
        self._curves = Curves(
            _after(self._before.dev, dev),
            _after(self._before.loss, _points(metrics.get("loss", ()))),
            _after(self._before.rate, _points(metrics.get("lr", ()))),
            bm25[-1].value if bm25 else self._curves.bm25,
            (base[-1].value if base else self._curves.base) if job.kind != "reranker" else None,
            _after(self._before.speed, _points(metrics.get("speed", ()))),
            max([self._before.memory, *(value for _step, value in metrics.get("memory", ()))]),
        )

    def later(self) -> None:
        """Draw soon; many points in a row are drawn once."""
        if not self._pause.isActive():
            self._pause.start()

    def set_baselines(self, bm25: float | None, base: float | None) -> None:
        """What is known of the lines to beat before the run says so."""
        self._curves = replace(self._curves, bm25=bm25, base=base)

    def set_forecast(self, memory: float) -> None:
        """Bytes that were foretold for this run, 0 where nothing was."""
        self._foretold = memory

    def show_watched(self, watched: tuple[Watched, ...]) -> None:
        """Watched queries below the charts, where the pane beside them is folded away."""
        self._watched = watched
        if watched:
            self.watched.show_watched(watched)
        self._watched_card.setVisible(self._narrow and bool(watched))

    def set_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self._watched_card.setVisible(narrow and bool(self._watched))

    def begin(self, before: Curves = _NO_CURVES) -> None:
        """Forget the last run; `before` is what a resumed one had recorded."""
        self._before, self._job, self._reached = before, None, None
        bm25 = before.bm25 if before.bm25 is not None else self._curves.bm25
        base = before.base if before.base is not None else self._curves.base
        self._curves = replace(before, bm25=bm25, base=base)
        self._until = 0
        self.troubles.show_warnings(())
        self.show_watched(())
        self.ending.hide()
        self._redraw()

    def show_progress(self, job: Job) -> None:
        """Steps, rate and time left; stages before the first step are named instead."""
        training = job.stage.startswith("train") and job.total > 0
        if training:
            self._until = job.total
            self._step.set_value(
                fill(self.tr("%1 of %2"), words.count(job.done), words.count(job.total)), self._pace(job)
            )
        else:
            done = f"{words.count(job.done)} / {words.count(job.total)}" if job.total else ""
            self._step.set_value(self._stage_words(job), f"{job.stage} {done}".strip() or " ")
        left = job.seconds_left
        if left is None or not training:
            self._time.set_value("–", self._phase_words(job))
        else:
            ends = datetime.now() + timedelta(seconds=left)
            self._time.set_value(_clock(left), fill(self.tr("left, ends about %1"), ends.strftime("%H:%M")))

    def _pace(self, job: Job) -> str:
        """Seconds a step, and queries a second by the last steps."""
        if job.rate <= 0:
            return " "
        step = f"{job.rate:.1f} / s" if job.rate >= 1 else f"{1 / job.rate:.1f} s / step"
        speed = recent_speed(self._curves)
        return f"{step} · {fill(self.tr('%1 queries/s'), f'{speed:.3g}')}" if speed else step

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
        self._live, self._job = False, None
        best = kept_of(curves.dev)
        self._kept = float(model.summary.get("best_step", best.step)) if best else None
        told = model.summary.get("dev")
        self._reached = float(told) if isinstance(told, float) else None
        self._curves = curves
        self.troubles.show_warnings([str(said) for said in model.summary.get("warnings", ())])
        steps = int(model.summary.get("steps", 0))
        self._until = max([steps, *(point.step for point in curves.loss)])
        seconds = float(model.summary.get("seconds", 0.0))
        pace = fill(self.tr("%1 s / step"), f"{seconds / steps:.1f}") if steps and seconds else " "
        self._step.set_value(words.count(steps), pace)
        foretold = dict(model.summary.get("foretold") or {})
        self._foretold = float(foretold.get("bytes", 0.0))
        learning = float(foretold.get("learning", 0.0))  # without loading and saving, as the seconds of a run
        expected = words.about(learning) if learning else ""
        taken = fill(self.tr("taken; %1 foretold"), expected) if expected else self.tr("taken")
        self._time.set_value(words.duration(seconds) if seconds else "–", taken)
        self._redraw()

    def redraw_now(self) -> None:
        """Draw at once, for tests and pictures."""
        self._pause.stop()
        self._redraw()

    def _redraw(self) -> None:
        began = time.perf_counter()
        if self._job is not None:
            self._read(self._job)
            if not self._job.is_over:
                self.show_progress(self._job)  # its pace is that of the points just read
        self._draw()
        spent = 1000 * (time.perf_counter() - began)
        self._pause.setInterval(max(REDRAW_MS, round(_REST * spent)))  # long curves are drawn less often

    def _draw(self) -> None:
        curves = self._curves
        best = kept_of(curves.dev) or best_of(curves.mixed)
        reached = self._reached if self._reached is not None else best.value if best else None
        over = ""
        if reached is not None and curves.bm25 is not None:
            gain = round(reached - curves.bm25, 3)
            said = self.tr("%1 over BM25") if gain >= 0 else self.tr("%1 under BM25")
            over = fill(said, words.signed(gain) if gain >= 0 else words.decimal(-gain))
        elif best and curves.dev:
            over = fill(self.tr("best, at step %1"), best.step)
        elif best:
            over = fill(self.tr("best, with %1 of the base"), words.share(best.step / 100))
        self._score.set_value(words.decimal(reached) if reached is not None else "–", over or " ")
        smoothed = smooth(curves.loss)
        self._loss.set_value(words.decimal(smoothed[-1][1], 2) if smoothed else "–")
        self._memory.set_value(words.size(curves.memory) if curves.memory else "–", self._memory_note())
        self._draw_dev()
        self._draw_lower(smoothed)

    def _memory_note(self) -> str:
        if not self._curves.memory:
            return " "
        return (
            fill(self.tr("at most; %1 foretold"), words.size(self._foretold)) if self._foretold else self.tr("at most")
        )

    def _draw_dev(self) -> None:
        curves = self._curves
        mixed = not curves.dev and bool(curves.mixed)
        if not curves.dev and curves.bm25 is None and curves.base is None and not mixed:
            self._waiting.setText(
                self.tr("No dev query has an answer: the last step is kept.")
                if curves.loss
                else self.tr("The first measurement comes before the first step.")
            )
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
        self._dev_card.fact.setText(self.tr("nDCG@10, by per cent of the base mixed in") if mixed else self._dev_fact())
        points = [(float(point.step), point.value) for point in (curves.mixed if mixed else curves.dev)]
        last = "" if mixed or not points or not points[-1][0] else self.tr("Tuned")
        self._dev_chart.set_line(points, label=last, until=100.0 if mixed else float(self._until), named=self._kept)

    def _dev_fact(self) -> str:
        """What the curve shows, and where a run that was interrupted goes on."""
        recorded = [point.step for point in (*self._before.loss, *self._before.dev)]
        if not self._live or not recorded:
            return self.tr("nDCG@10, measured while it trains")
        return fill(self.tr("nDCG@10; resumed, it had reached step %1"), words.count(max(recorded)))

    def _draw_lower(self, smoothed: Sequence[tuple[float, float]]) -> None:
        begun = bool(self._curves.loss)
        if self._loss_chart is None and begun:
            self._loss_chart = LineChart(digits=2, rings=False, accessible=self.tr("Loss by step"))
            self._loss_card.body.addWidget(self._loss_chart, 1)
        self._loss_gap.setVisible(not begun)
        if self._loss_chart is None:
            return
        self._loss_chart.setVisible(begun)
        title, fact = (
            (self.tr("Loss"), self.tr("each step, and smoothed")),
            (self.tr("Learning rate"), self.tr("in millionths")),
            (self.tr("Speed"), self.tr("queries a second")),
        )[self._which.current()]
        faint: list[tuple[float, float]] = []
        line: Sequence[tuple[float, float]] = smoothed
        if self._which.current() == 0:
            faint = [(float(point.step), point.value) for point in self._curves.loss]
        elif self._which.current() == 1:
            # In millionths, so that the axis has figures a person can read.
            line = [(float(point.step), point.value * 1e6) for point in self._curves.rate]
        else:
            line = [(float(point.step), point.value) for point in self._curves.speed]
        self._loss_chart.set_faint(faint)
        self._loss_chart.set_line(line, until=float(self._until))
        self._loss_card.title.setText(title)
        self._loss_card.fact.setText(fact)


def recent_speed(curves: Curves) -> float:
    """Queries a second over the last ten steps: their mean by time; 0 where nothing is known."""
    last = [point.value for point in curves.speed[-10:] if point.value > 0]
    return len(last) / sum(1 / value for value in last) if last else 0.0


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


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
