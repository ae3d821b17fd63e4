"""Where an open project stands: the verdict first, then the steps and what they cost, then what is still weak."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from engine.records import Comparison, JobRecord, JobState, Model, Outcome
from engine.store.overview import NextStep
from gui import theme, words
from gui.amounts import amount
from gui.jobs.job import Job, job_name, job_past
from gui.pages.home.facts import METRIC, HomeFacts, Step
from gui.pages.home.rounds import RoundsChart
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, Fact, column, row, rule
from gui.widgets.gauges import Interval, IntervalBar, Meter
from gui.widgets.labels import Chip, ChipState, ElidedLabel, Icon, Link, MarkState, StateMark, label

_CHIPS: dict[Outcome, ChipState] = {Outcome.WIN: "good", Outcome.TIE: "none", Outcome.LOSS: "bad"}
_DETAIL = 90
"""Letters of a step's sentence that stand in two lines; the tooltip has the rest."""
_RESUMED = ("train", "reranker")  # jobs that go on from a checkpoint
_NAMES = {"bm25": "BM25", "base": "Base", "tuned": "Tuned"}


class HomeProject(QWidget):
    """Built anew from `HomeFacts` at each change; it is small.

    Signals: `page_asked(name, what)`, `job_asked(kind, params)`, `round_asked`, `job_dismissed(id)`,
    `model_discarded(Model)`.
    """

    page_asked = Signal(str, object)
    job_asked = Signal(str, object)
    round_asked = Signal()
    job_dismissed = Signal(int)
    model_discarded = Signal(object)
    base_kept = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stack = column(self, margins=(theme.MARGIN, 0, theme.MARGIN, theme.GAP), gap=theme.GAP)
        self._content: QWidget | None = None
        self._step_button: Button | None = None
        self._running: Job | None = None
        self._round_link: Link | None = None

    def show_facts(self, facts: HomeFacts) -> None:
        """Show where the project stands."""
        if self._content is not None:
            self._stack.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        self._step_button = self._round_link = None
        self._content = QWidget()
        stack = column(self._content, gap=theme.GAP)
        others = [job for job in facts.interrupted if job.kind not in _RESUMED or facts.resumable is None]
        if facts.resumable is not None:
            stack.addWidget(self._unfinished(facts.resumable))
        elif others:
            stack.addWidget(self._interrupted(others[0]))
        stack.addWidget(self._verdict(facts))
        lower = QGridLayout()
        lower.setSpacing(theme.GAP)
        lower.setColumnStretch(0, 1)
        lower.addWidget(self._steps(facts), 0, 0)
        side = QWidget()
        side.setFixedWidth(360)
        side.setLayout(self._side(facts))
        lower.addWidget(side, 0, 1)
        stack.addLayout(lower, 1)
        self._stack.addWidget(self._content)

    # The banner

    def _interrupted(self, job: JobRecord) -> Card:
        # Rounds know no place to go on from; a training that had one is shown by `_unfinished`.
        anew = job.kind in ("autopilot", *_RESUMED)
        again = Button(self.tr("Start again") if anew else self.tr("Go on"), icon_name="play")
        params = {name: value for name, value in job.params.items() if not (anew and name in ("resume", "finish"))}
        again.clicked.connect(lambda: self.job_asked.emit(job.kind, params))
        dismiss = Button(self.tr("Dismiss"), "flat")
        dismiss.clicked.connect(lambda: self.job_dismissed.emit(job.id))
        lost = self.tr("%1 was interrupted %2, and there is no checkpoint to go on from.")
        kept = self.tr("%1 was interrupted %2. What it had finished is kept.")
        said = fill(lost if job.kind in _RESUMED else kept, job_name(job.kind), words.when(job.started_at))
        if job.kind == "autopilot":
            said += " " + self._what_starts_anew(float(job.params.get("minutes", 0)))
        return self._banner(said, dismiss, again)

    def _what_starts_anew(self, minutes: float) -> str:
        if not minutes:
            return self.tr("Started again, the rounds begin with the first.")
        again = self.tr("Started again, the rounds begin with the first and take up to %1 once more.")
        return fill(again, words.duration(60 * minutes))

    def _unfinished(self, model: Model) -> Card:
        go_on = Button(self.tr("Go on"), icon_name="play")
        kind = "reranker" if model.kind == "reranker" else "train"
        go_on.clicked.connect(lambda: self.job_asked.emit(kind, {"resume": model.id}))
        discard = Button(self.tr("Discard…"), "flat")
        discard.clicked.connect(lambda: self.model_discarded.emit(model))
        text = self.tr("The training of %1 (%2) was ended before it was done. Its last checkpoint is kept.")
        return self._banner(fill(text, words.plain(model.name, 60), words.when(model.created_at)), discard, go_on)

    def _banner(self, text: str, *buttons: Button) -> Card:
        card = Card(pad=0)
        line = row(margins=(16, 10, 12, 10), gap=12)
        line.addWidget(StateMark("stale"))
        line.addWidget(label(text, "body", weight="medium", wrap=True), 1)
        for button in buttons:
            line.addWidget(button)
        card.body.addLayout(line)
        return card

    # The verdict

    def _verdict(self, facts: HomeFacts) -> Card:
        card = Card(pad=24)
        line = row(gap=32)
        left = column(gap=0)
        if facts.against:
            self._fill_verdict(left, facts)
        else:
            self._fill_next(left, facts)
        line.addLayout(left, 1)
        if facts.runs:
            line.addWidget(rule("v"))
            scores = QWidget()
            scores.setFixedWidth(316)
            scores.setLayout(self._scores(facts))
            line.addWidget(scores)
        card.body.addLayout(line)
        return card

    def _fill_verdict(self, stack: QVBoxLayout, facts: HomeFacts) -> None:
        first = facts.against[0]
        line = row()
        if facts.known:
            line.addWidget(Chip(self.tr("NOT HELD OUT"), "warn"))
        else:
            line.addWidget(Chip(first.verdict.value, _CHIPS[first.verdict]))
        run = facts.runs.get("tuned")
        measured = fill(self.tr("measured %1"), words.when(run.created_at)) if run else ""
        rounds = [r.name for r in facts.rounds if r.is_tuned][-1:]
        line.addWidget(ElidedLabel(" · ".join([*rounds, measured]), "body", "text2"), 1)
        stack.addLayout(line)
        stack.addSpacing(12)
        stack.addWidget(label(self._title(first, facts.known), "title", wrap=True))
        stack.addSpacing(4)
        stack.addWidget(label(self._sentence(first, facts.known), "body", "text2", wrap=True))
        for other in facts.against[1:] if not facts.known else ():
            stack.addWidget(label(self._second(other), "body", "text2", wrap=True))
        stack.addSpacing(16)
        buttons = row()
        if facts.known:
            first_button = Button(self.tr("Train again"), "primary", icon_name="train")
        else:
            first_button = Button(self.tr("Search with it"), "primary", icon_name="search")
        page = "train" if facts.known else "search"
        first_button.clicked.connect(lambda: self.page_asked.emit(page, {}))
        buttons.addWidget(first_button)
        for text, tab, number in (
            (self.tr("See the %1 fixed"), "fixed", first.fixed),
            (self.tr("See the %1 broken"), "broken", first.broken),
        ):
            button = Button(fill(text, words.count(number)))
            button.clicked.connect(lambda _on=False, tab=tab: self.page_asked.emit("evaluate", {"tab": tab}))
            buttons.addWidget(button)
        buttons.addStretch(1)
        stack.addLayout(buttons)
        stack.addStretch(1)

    def _title(self, verdict: Comparison, known: int) -> str:
        if known:
            return self.tr("Train again: your model knows queries that it is measured with")
        against = "BM25" if verdict.b == "bm25" else self.tr("the base model")
        if verdict.verdict is Outcome.WIN:
            return fill(self.tr("Your model beats %1 by %2 nDCG@10"), against, words.signed(verdict.delta))
        if verdict.verdict is Outcome.LOSS:
            return fill(self.tr("Your model falls behind %1 by %2 nDCG@10"), against, words.decimal(-verdict.delta))
        return fill(self.tr("No difference to %1 can be told: %2 nDCG@10"), against, words.signed(verdict.delta))

    def _sentence(self, verdict: Comparison, known: int) -> str:
        asked = amount(verdict.n_queries, self.tr("query"), self.tr("queries"))
        if known:
            told = self.tr(
                "Of %1 it knows %2 from its training, before they were split anew: %3 nDCG@10 proves nothing."
            )
            return fill(told, asked, words.count(known), words.signed(verdict.delta))
        return fill(
            self.tr("95 % interval %1 to %2, on %3 it never saw; %4 fixed, %5 broken."),
            words.signed(verdict.low),
            words.signed(verdict.high),
            asked,
            words.count(verdict.fixed),
            words.count(verdict.broken),
        )

    def _second(self, verdict: Comparison) -> str:
        return fill(
            self.tr("Against the base model %1, interval %2 to %3."),
            words.signed(verdict.delta),
            words.signed(verdict.low),
            words.signed(verdict.high),
        )

    def _fill_next(self, stack: QVBoxLayout, facts: HomeFacts) -> None:
        """Before there is a verdict: the one thing to do now, and why."""
        step = facts.overview.next_step
        stack.addWidget(label(self.tr("What comes next"), "caption", "text3"))
        stack.addSpacing(8)
        stack.addWidget(label(step.label, "title", wrap=True))
        stack.addSpacing(4)
        stack.addWidget(label(self._why(step, facts), "body", "text2", wrap=True))
        stack.addSpacing(16)
        line = row()
        words_ = f"{step.label} ({words.about(step.seconds)})" if step.seconds else step.label
        button = Button(words_, "primary", after="arrow-right")
        button.clicked.connect(lambda: self._take(facts))
        line.addWidget(button)
        if step.job == "make_base":
            keep = Button(self.tr("Keep the base model"))
            keep.clicked.connect(self.base_kept)
            line.addWidget(keep)
        line.addStretch(1)
        stack.addLayout(line)
        stack.addStretch(1)
        self._step_button = button
        self.set_running(self._running)

    def set_running(self, job: Job | None) -> None:
        """While a job runs, the next step waits for it and says so."""
        self._running = job
        if self._step_button is not None:
            name = job_name(job.kind) if job else ""
            self._step_button.set_possible(job is None, fill(self.tr("Running: %1"), name))

    def set_round_possible(self, possible: bool) -> None:
        """Offer another round, or not while one goes on."""
        if self._round_link is not None:
            self._round_link.setEnabled(possible)
            reason = "" if possible else self.tr("Jobs are still to come")
            self._round_link.setToolTip(reason)
            self._round_link.setAccessibleDescription(reason)

    def _take(self, facts: HomeFacts) -> None:
        step = facts.overview.next_step
        self.page_asked.emit(step.page, {} if step.job else {"step": step.label})
        if step.job:
            self.job_asked.emit(step.job, dict(step.params))

    def _why(self, step: NextStep, facts: HomeFacts) -> str:
        if step.job == "make_base" and facts.offer is not None:
            return fill(
                self.tr(
                    "Your base model %1 does not know %2 of the tokens of your texts and cannot tell them apart. "
                    "A model of their own words is made from the documents alone, here on this machine. Before "
                    "training it searches a little worse than BM25 does; it learns fast from your queries."
                ),
                words.plain(facts.offer.model, 60),
                words.share(facts.offer.unknown_share),
            )
        if step.page == "evaluate" and "tuned" in step.params.get("systems", ()):
            return self.tr("The tuned model answers the test queries it never saw, beside BM25 and the base model.")
        if step.page == "queries" and not step.job:
            return self.tr(
                "What people ask, with the passage that answers it: the model learns from it and is measured with it. "
                "Import queries, write some, or have them made from your documents."
            )
        return {
            "documents": self.tr(
                "PDF, Word, PowerPoint, Excel, web pages, text and more; your files are read, never changed."
            ),
            "queries": self.tr("Queries that mean the same are put together, and some are set aside to measure with."),
            "evaluate": self.tr("BM25 and the base model answer the test queries first, so that a gain can be shown."),
            "negatives": self.tr("Passages that look like the answer and are not teach the model the difference."),
            "train": self.tr("The model learns from your queries; the best checkpoint on the dev queries is kept."),
            "export": self.tr("A folder that sentence-transformers loads, checked by loading it again."),
        }.get(step.page, self.tr("Ask in your own words and see what comes first."))

    def _scores(self, facts: HomeFacts) -> QVBoxLayout:
        stack = column(gap=4)
        stack.addWidget(label(self.tr("nDCG@10 on the test queries"), "caption", "text3"))
        best = max(run.metrics.get(METRIC, 0.0) for run in facts.runs.values())
        for system in ("tuned", "bm25", "base"):
            run = facts.runs.get(system)
            if run is not None:
                stack.addLayout(self._score(system, run.metrics.get(METRIC, 0.0), best))
        if facts.against:
            stack.addSpacing(4)
            stack.addWidget(rule())
            stack.addSpacing(4)
            line = row(gap=0)
            caption = label(self.tr("Gain over BM25"), "caption", "text3", wrap=True)
            caption.setFixedWidth(60)
            line.addWidget(caption, 0, Qt.AlignmentFlag.AlignTop)
            first = facts.against[0]
            line.addWidget(IntervalBar([Interval(first.delta, first.low, first.high)]), 1)
            stack.addLayout(line)
        stack.addStretch(1)
        return stack

    def _score(self, system: str, score: float, best: float) -> QHBoxLayout:
        line = row(gap=12)
        tuned = system == "tuned"
        name = label(_NAMES[system], "body", "text" if tuned else "text2", weight="bold" if tuned else "")
        name.setFixedWidth(48)
        line.addWidget(name)
        meter = Meter(score / best * 0.9 if best else 0.0, system, 8)
        meter.setAccessibleName(f"{_NAMES[system]} {words.decimal(score)}")
        line.addWidget(meter, 1)
        role = "figure" if tuned else "heading"
        figure = label(words.decimal(score), "figure" if role == "figure" else "heading", "text" if tuned else "text2")
        if not tuned:
            figure.setFont(theme.font("heading", "medium"))
        figure.setFixedWidth(64)
        line.addWidget(figure)
        return line

    # The steps

    def _steps(self, facts: HomeFacts) -> Card:
        done = sum(step.state == "done" for step in facts.steps)
        card = Card(self.tr("Steps"), pad=0, gap=0)
        card.head.addWidget(label(fill(self.tr("%1 of %2 done"), done, len(facts.steps)), "body", "text2"))
        for position, step in enumerate(facts.steps):
            if position:
                card.body.addWidget(rule())
            card.body.addWidget(self._step(step, facts), 1)
        gain = facts.last_gain
        if gain is not None:
            card.body.addWidget(rule())
            card.body.addWidget(self._round_row(gain))
        return card

    def _step(self, step: Step, facts: HomeFacts) -> Fact:
        state: MarkState = step.state if step.state in ("none", "ready", "done", "stale", "problem") else "none"  # type: ignore[assignment]
        fact = Fact(state, step.name, words.plain(step.detail, _DETAIL))
        fact.sentence.setToolTip(words.tip(step.detail) if len(step.detail) > _DETAIL else "")
        fact.setMinimumHeight(38)
        if step.state in ("ready", "stale"):
            link = Link(self.tr("Go there"), accessible=fill(self.tr("Go to %1"), step.name))
            link.clicked.connect(lambda: self.page_asked.emit(step.page, {"step": step.name}))
            fact.line.addWidget(link)
        took = label(words.duration(step.seconds) if step.seconds else "", "caption", "text3")
        took.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        took.setFixedWidth(64)
        fact.line.addWidget(took)
        return fact

    def _round_row(self, gain: float) -> QWidget:
        holder = QWidget()
        holder.setFixedHeight(44)
        line = row(holder, margins=(16, 0, 16, 0), gap=12)
        line.addWidget(Icon("refresh", "text3"))
        text = fill(self.tr("The last round changed the score by %1."), words.signed(gain))
        line.addWidget(ElidedLabel(text, "body", "text2"), 1)
        link = Link(self.tr("Do another"))
        link.clicked.connect(self.round_asked)
        self._round_link = link
        line.addWidget(link)
        return holder

    # The side

    def _side(self, facts: HomeFacts) -> QVBoxLayout:
        side = column(gap=theme.GAP)
        if len(facts.rounds) > 1:
            card = Card(self.tr("Rounds"), divided=False, pad=16)
            card.head.addWidget(label("nDCG@10", "body", "text3"))
            card.body.setContentsMargins(16, 0, 16, 12)
            bm25 = facts.runs.get("bm25")
            chart = RoundsChart(facts.rounds, bm25.metrics.get(METRIC) if bm25 else None)
            card.body.addWidget(chart)
            side.addWidget(card)
        looks = self._looks(facts)
        if looks:
            card = Card(self.tr("Worth a look"), pad=0, gap=0)
            for position, look in enumerate(looks):
                if position:
                    card.body.addWidget(rule())
                card.body.addWidget(look)
            side.addWidget(card)
        side.addWidget(self._activity(facts), 1)
        return side

    def _looks(self, facts: HomeFacts) -> list[QWidget]:
        found: list[QWidget] = []
        if facts.doubtful:
            text = amount(facts.doubtful, self.tr("doubtful negative to judge"), self.tr("doubtful negatives to judge"))
            found.append(self._look("stale", text, self.tr("Judge"), "negatives", {"doubtful": True}))
        if facts.against and facts.against[0].broken:
            first = facts.against[0]
            only = amount(first.broken, self.tr("query only %1 answers"), self.tr("queries only %1 answers"))
            text = fill(only, _NAMES.get(first.b, first.b))
            found.append(self._look("stale", text, self.tr("Look"), "evaluate", {"tab": "broken"}))
        if facts.not_taken:
            text = amount(facts.not_taken, self.tr("problem with imports"), self.tr("problems with imports"))
            found.append(self._look("problem", text, self.tr("Reasons"), "documents", {"show": "report"}))
        short, sentence = facts.reading
        if short:
            found.append(self._look("stale", short, self.tr("Look"), "documents", {}, words.tip(sentence)))
        return found

    def _look(
        self, state: MarkState, text: str, link: str, page: str, what: dict[str, object], tip: str = ""
    ) -> QWidget:
        holder = QWidget()
        holder.setToolTip(tip)
        holder.setFixedHeight(36)
        line = row(holder, margins=(16, 0, 16, 0), gap=12)
        line.addWidget(StateMark(state))
        line.addWidget(ElidedLabel(text), 1)
        go = Link(link, accessible=f"{link}: {text}")
        go.clicked.connect(lambda: self.page_asked.emit(page, what))
        line.addWidget(go)
        return holder

    def _activity(self, facts: HomeFacts) -> Card:
        card = Card(self.tr("Recent activity"), divided=False, pad=0, gap=0)
        card.body.setContentsMargins(0, 0, 0, 8)
        for job in facts.activity[:3]:
            line = row(margins=(16, 0, 16, 0), gap=12)
            holder = QWidget()
            holder.setFixedHeight(26)
            holder.setLayout(line)
            when = label(words.when(job.started_at), "caption", "text3")
            when.setMinimumWidth(32)
            line.addWidget(when)
            line.addWidget(ElidedLabel(job_past(job.kind) if job.state is JobState.DONE else job_name(job.kind)), 1)
            line.addWidget(label(self._ended(job), "caption", "text3"))
            card.body.addWidget(holder)
        if not facts.activity:
            quiet = label(self.tr("Nothing has run yet."), "body", "text3")
            quiet.setContentsMargins(16, 0, 16, 8)
            card.body.addWidget(quiet)
        card.body.addStretch(1)
        return card

    def _ended(self, job: JobRecord) -> str:
        states = {
            JobState.RUNNING: self.tr("running"),
            JobState.FAILED: self.tr("failed"),
            JobState.CANCELLED: self.tr("cancelled"),
            JobState.INTERRUPTED: self.tr("interrupted"),
        }
        return states.get(job.state) or words.duration(job.seconds)
