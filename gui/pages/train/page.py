"""The Train page: presets before a run, its curves while it goes, what it reached after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.objectives import OBJECTIVES
from engine.params import PRESETS
from engine.records import Model
from engine.store.forecasts import SLACK
from gui import words
from gui.jobs.job import Job, Phase
from gui.pages.interrupted import discard_run
from gui.pages.reading import ReadingPage
from gui.pages.train.actions import RunActions
from gui.pages.train.commands import reranker_changes, run_changes
from gui.pages.train.controls import RunControls
from gui.pages.train.end import end_sentence
from gui.pages.train.facts import (
    Finished,
    TrainFacts,
    Watched,
    joined,
    last_run,
    read_facts,
    read_finished,
    read_forecasts,
    read_interrupted,
    read_watched,
)
from gui.pages.train.findings import TrainFindings
from gui.pages.train.inspector import Measuring, TrainInspector
from gui.pages.train.live import TrainLive
from gui.pages.train.needs import why_no_reranker, why_no_rounds, why_not
from gui.pages.train.parts import ResumeCard
from gui.pages.train.plan import TrainPlan
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import EmptyState, column, scroller
from gui.widgets.labels import Link

if TYPE_CHECKING:
    from gui.session import Session

_EMPTY, _PLAN, _LIVE, _BLANK = range(4)
# Jobs that train: one run, rounds of them, or a reranker.
_TRAINING = ("train", "autopilot", "reranker")


class TrainPage(ReadingPage):
    """Before a run the presets, while one goes its curves, after it what it reached."""

    name = "train"
    icon = "train"
    topics = frozenset({"models", "queries", "negatives", "runs", "jobs", "project"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "", parent)
        self.head.set_title(self.tr("Train"))
        self.setAccessibleName(self.tr("Train"))
        self._facts = TrainFacts()
        self._job: Job | None = None
        self._shown = 0
        self._probed = 0
        self._before: tuple[Watched, ...] = ()
        self._earlier: tuple[Model, ...] = ()  # runs that could go on before the last one began
        self._left: Model | None = None  # what that one left
        self._actions = RunActions(session, self)
        self._make_actions()
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack)
        self._to_queries = Button(self.tr("Go to Queries"), "primary", after="arrow-right")
        self._to_queries.clicked.connect(lambda: self.session.show_page("queries"))
        self._texts_alone = Link(self.tr("Or let the model read the documents alone, without labels"), "dense")
        title = self.tr("A model learns from queries and their answers")
        self._empty = EmptyState("train", title, "", self._to_queries, self._texts_alone)
        self._stack.addWidget(self._empty)
        self._plan = TrainPlan(PRESETS)
        self._resume = ResumeCard()
        self._findings = TrainFindings(session)
        content = QWidget()
        stack = column(content, gap=16)
        stack.addWidget(self._resume)
        plan = column()
        plan.addWidget(self._findings)
        plan.addWidget(self._plan, 1)
        stack.addLayout(plan, 1)
        self._stack.addWidget(scroller(content))
        self._live = TrainLive()
        self._stack.addWidget(scroller(self._live))
        self._stack.addWidget(QWidget())
        self._side = TrainInspector(self.use_inspector())
        self._connect()
        self._show_page(_BLANK)

    def _make_actions(self) -> None:
        self._back = Button(self.tr("Presets"), "flat", icon_name="chevron-left")
        self._copy = Button(self.tr("Copy as command"), "flat", icon_name="copy")
        self._copy.setToolTip(self.tr("The run with these settings, for the terminal"))
        self._start = Button(self.tr("Start training"), "primary", icon_name="play")
        self.head.add_action(self._back)
        self.head.add_action(self._copy)
        self._controls = RunControls(self.session, self.head)
        self.head.add_action(self._start)

    def _connect(self) -> None:
        self._back.clicked.connect(self._show_plan)
        self._copy.clicked.connect(lambda: self._actions.copy_plan(self._plan.values()))
        self._start.clicked.connect(self._start_run)
        self._texts_alone.clicked.connect(self._learn_without_labels)
        self._plan.changed.connect(self._plan_changed)
        self._plan.rounds_asked.connect(self._start_rounds)
        self._plan.reranker.asked.connect(self._actions.ask_reranker)
        self._plan.reranker.scores_asked.connect(self._actions.score_pairs)
        self._resume.go_on.connect(lambda: self._with_left(self._actions.go_on))
        self._resume.kept.connect(lambda: self._with_left(self._actions.keep))
        self._resume.discarded.connect(lambda: self._with_left(self._discard))
        self._resume.dismissed.connect(lambda job_id: self.session.edit("dismiss_job", {"job_id": job_id}))
        ending = self._live.ending
        ending.kept.connect(lambda: self._with_left(self._actions.keep))
        ending.discarded.connect(lambda: self._with_left(self._discard))
        ending.repeat_asked.connect(self._repeat)
        ending.command_asked.connect(self._actions.copy_command)
        ending.script_asked.connect(self._actions.save_script)
        ending.mixing_asked.connect(self._actions.ask_mixing)
        self._live.verdict_asked.connect(self._see_verdict)
        self._live.back_asked.connect(self._show_plan)
        self._live.again_asked.connect(lambda: self._with_left(self._actions.go_on))
        self._live.watched.pinning_asked.connect(lambda: self.session.show_page("evaluate"))
        self._side.pinning_asked.connect(lambda: self.session.show_page("evaluate"))
        self._side.forecast_asked.connect(self._measure)
        self._side.model_asked.connect(self._show_model)
        self._side.judging_asked.connect(lambda: self.session.show_page("negatives", {"doubtful": True}))
        self._side.measuring_asked.connect(lambda: self.session.show_page("evaluate"))
        queue = self.session.queue
        queue.job_queued.connect(self._job_queued)
        queue.job_started.connect(self._job_queued)  # one that waited for the run before it
        queue.job_started.connect(self._job_moved)
        queue.job_progressed.connect(self._job_moved)
        queue.job_metric.connect(lambda job, _name, _step, _value: self._job_moved(job))
        queue.job_finished.connect(self._job_finished)
        for signal in (queue.job_queued, queue.job_started, queue.job_finished):
            signal.connect(lambda job: self._show_start() if job.kind == "forecast" else None)

    def set_narrow(self, narrow: bool) -> None:
        super().set_narrow(narrow)
        self._live.set_narrow(narrow)

    def refresh(self, topics: set[str]) -> None:
        if "all" in topics:
            self._shown = 0
            self._job = self._running()
            self._forget_run()
            self._plan.change({"base": "base", "guide": "base"})  # a number names another model in each project
            if self._job is not None:
                self._live.follow(self._job)
                self._ask_resumed(self._job)
            self._show_page(_BLANK if self._job is None else _LIVE)
        self.ask("train/facts", read_facts, self._show_facts)

    def tells_failure(self, kind: str) -> bool:
        return kind in _TRAINING

    def commands(self) -> Iterable[tuple[str, str, object]]:
        if self._job is not None:
            return (
                (self.tr("Stop training"), "stop", self._controls.stop_run),
                (self.tr("Stop training, keep the best"), "check", self._controls.finish_run),
            )
        return (
            (self.tr("Start training"), "play", self._start_run),
            (self.tr("Train a reranker…"), "play", self._actions.ask_reranker),
        )

    # Before

    def _show_facts(self, facts: TrainFacts) -> None:
        self._facts = self._actions.facts = facts
        self._plan.show_facts(facts)
        self._follow_findings()
        self._side.show_facts(facts)
        self._ask_forecasts()
        self._resume.show_runs(facts.resumable[0] if facts.resumable else None, facts.lost)
        known = {beat.system: beat.dev for beat in facts.beat}
        if self._job is not None and not self._job.metrics.get("dev_ndcg@10"):
            self._live.set_baselines(known.get("bm25"), known.get("base"))
        self._show_page(_LIVE if self._job is not None or self._shown else self._before_page())
        if self._shown > 0:
            self._show_model(self._shown)  # a verdict on it, a new name
        if not facts.questions:
            self._empty.set_words(self.tr("A model learns from queries and their answers"), self._missing())
            self._texts_alone.setVisible("texts" not in facts.unmet)

    def _before_page(self) -> int:
        """The presets, or what is missing; without labels the presets are there once texts are to be learnt from."""
        alone = OBJECTIVES[self._plan.params().objective].needs == "texts"
        return _PLAN if self._facts.questions or alone else _EMPTY

    def _learn_without_labels(self) -> None:
        """Go to the presets with an objective on texts alone."""
        self._plan.change({"objective": "simcse"})
        self._plan.open_advanced()
        self._show_page(_PLAN)

    def _missing(self) -> str:
        if self._facts.dev or self._facts.test:
            return self.tr("No query of the train split has an answer yet. Import some, or judge hits while searching.")
        return self.tr("Import queries with their answers, then split them into train, dev and test.")

    def _show_start(self) -> None:
        seconds = self._plan.seconds()
        self._start.setText(fill(self.tr("Start training (%1)"), words.about(seconds)))
        busy = self._busy()
        params, fault = self._plan.params(), self._plan.fault()
        reason = why_not(self._facts, params, busy) or fault
        self._start.set_possible(not reason, reason)
        self._show_size(bool(reason))
        self._copy.set_possible(not fault, fault)
        reason = why_no_rounds(self._facts, params, busy) or fault
        self._plan.rounds.start.set_possible(not reason, reason)
        reason = why_no_reranker(self._facts, busy)
        self._plan.reranker.start.set_possible(not reason, reason)

    def _plan_changed(self) -> None:
        self._plan.show_measured({})
        self._follow_findings()
        self._show_start()
        self._ask_forecasts()

    def _follow_findings(self) -> None:
        """Let the linter look at what would be trained."""
        if self._facts.questions:
            self._findings.follow(self._plan.values())
        else:
            self._findings.clear()

    def _ask_forecasts(self) -> None:
        plans = self._plan.plans()

        def known(found: Any) -> None:
            if plans == self._plan.plans():
                self._plan.show_measured(found)
                self._show_start()

        self.ask("train/forecasts", lambda project: read_forecasts(project, plans), known)

    def _show_size(self, refused: bool) -> None:
        """Time and memory of the settings of now, and where they are from."""
        measured, params = self._plan.measured(), self._plan.params()
        memory = words.size(measured.bytes) if measured else ""
        most = ""
        if measured and not params.minutes:
            most = words.duration(max(SLACK * measured.seconds, measured.seconds - measured.learning + 60))
        going = bool(self.session.going("forecast"))
        unknown: Measuring = "measuring" if going else "refused" if refused else "guessed"
        state: Measuring = "measured" if measured else unknown
        self._side.set_size(words.about(self._plan.seconds()), most, memory, state)

    def _measure(self) -> None:
        """Let the engine do trial steps with the settings of now."""
        if not self.session.going("forecast"):
            self.session.run_job("forecast", self._plan.values())

    def _busy(self) -> str:
        if self._job is not None or self._running() is not None:
            return self.tr("Training runs already")
        if self.session.chain_length and self.session.going("forecast"):
            return self.tr("Trial steps first…")
        return ""

    def _show_plan(self) -> None:
        self._shown = 0
        self._side.show_watched(())
        self.problem.hide()
        self._show_page(self._before_page())

    def _start_run(self) -> None:
        """Start; where no limit of time stands, trial steps first say how long it takes, and keep it inside that."""
        if not self._start.isEnabled() or self._job is not None:
            return
        known = bool(self._plan.params().minutes or self._plan.measured())
        self._actions.start(self._plan.values(), known=known)

    def _start_rounds(self, minutes: int, adapt: str) -> None:
        if self._job is None:
            self._actions.start_rounds(self._plan.values(), minutes, adapt)

    def _with_left(self, act: Callable[[Model], None]) -> None:
        """Do something with the run whose end is shown, or the one that was interrupted last."""
        left = self._left if self._shown == -1 else next(iter(self._facts.resumable), None)
        if self._job is None and left is not None:
            act(left)

    def _discard(self, left: Model) -> None:
        if discard_run(self.session, left, self):
            self._show_plan()

    # While it runs

    def _running(self) -> Job | None:
        return next(iter(self.session.going(*_TRAINING)), None)

    def _job_queued(self, job: Job) -> None:
        if job.kind not in _TRAINING or job.project != self.session.path or self._job is not None:
            return
        self._job, self._shown = job, 0
        self._earlier, self._left = self._facts.resumable, None
        self._forget_run()
        measured = self._plan.measured()
        self._live.set_forecast(measured.bytes if measured and job.params == self._plan.values() else 0)
        known = {beat.system: beat.dev for beat in self._facts.beat}
        self._live.set_baselines(known.get("bm25"), known.get("base"))
        self._ask_resumed(job)
        self._job_moved(job)
        self._show_page(_LIVE)

    def _forget_run(self) -> None:
        self.problem.hide()
        self._live.begin()
        self._probed, self._before = 0, ()
        self._side.show_watched(())

    def _ask_resumed(self, job: Job) -> None:
        """What a run that goes on had recorded before it was interrupted."""
        if resumed := int(job.params.get("resume", 0)):
            self.ask("train/resumed", lambda project: read_finished(project, resumed), self._begin_resumed)

    def _begin_resumed(self, found: Finished) -> None:
        if self._job is not None:
            self._live.begin(found.curves)
            self._live.follow(self._job)
            self._show_watched(found.watched)
            self._before = found.watched

    def _job_moved(self, job: Job) -> None:
        if job is self._job:
            self._live.follow(job)
            self._controls.show_job(job)
            if len(job.probes) > self._probed:
                self._probed = len(job.probes)
                found, before = last_run(job.probes), self._before
                self.ask("train/watched", lambda project: joined(before, read_watched(project, found)), self._watch)

    def _watch(self, watched: tuple[Watched, ...]) -> None:
        if self._job is not None:
            self._show_watched(watched)

    def _show_watched(self, watched: tuple[Watched, ...]) -> None:
        """Beside the charts, or below them in a narrow window."""
        self._live.show_watched(watched)
        self._side.show_watched(watched)

    # After

    def _job_finished(self, job: Job) -> None:
        if job.kind == "merge" and job.phase is Phase.DONE and job.project == self.session.path:
            self._show_model(int(job.summary.get("model", 0)))
        if job is not self._job:
            return
        self._live.follow(job)
        self._job = None
        model_id = int(job.summary.get("model", 0) or 0) if str(job.summary.get("model", "")).isdigit() else 0
        if job.phase is Phase.DONE and model_id:
            self._show_model(model_id)
        elif job.phase is Phase.FAILED:
            self._show_failed(job)
        else:
            self._show_stopped(job)

    def _show_failed(self, job: Job) -> None:
        self._shown = -1
        again = Button(self.tr("Change the settings"), size="small")
        again.clicked.connect(self._show_plan)
        title = fill(self.tr("Training stopped: %1"), job.message)
        self.problem.show_error(title, job.hint, details=job.details, actions=[again])
        self._show_page(_LIVE)
        self._ask_what_is_left(job, lambda left: self._offer_again(job, left))

    def _ask_what_is_left(self, job: Job, known: Callable[[Model | None], None]) -> None:
        """Find the run of a job that ended too soon, where it left a checkpoint; earlier ones are not its own."""
        earlier, own = {model.id for model in self._earlier}, int(job.params.get("resume", 0))

        def found(left: list[Model]) -> None:
            if self._shown == -1:
                self._left = next((model for model in left if model.id == own or model.id not in earlier), None)
                known(self._left)

        self.ask("train/resumable", read_interrupted, found)

    def _offer_again(self, job: Job, left: Model | None) -> None:
        if left is None:
            return
        back = Button(self.tr("Change the settings"), size="small")
        back.clicked.connect(self._show_plan)
        go_on = Button(self.tr("Go on from the checkpoint"), size="small")
        go_on.clicked.connect(lambda: self._actions.go_on(left))
        title = fill(self.tr("Training stopped: %1"), job.message)
        kept = self.tr("Kept: the last checkpoint and the best one.")
        self.problem.show_error(title, job.hint, kept=kept, details=job.details, actions=[go_on, back])

    def _show_stopped(self, job: Job) -> None:
        self._shown = -1
        self._show_page(_LIVE)

        def ended(left: Model | None) -> None:
            sentence = (
                self.tr("Stopped. Its checkpoints are kept: it can go on from the last one, and ends with the best.")
                if left
                else self.tr("Stopped before the first checkpoint; nothing was kept.")
            )
            self._live.ending.show_end(self.tr("stopped"), "none", sentence, verdict=False, again=bool(left))

        self._ask_what_is_left(job, ended)

    def _show_model(self, model_id: int) -> None:
        """A finished model's curves, with what it reached."""
        if self._job is not None:
            return
        self._shown = model_id
        self.problem.hide()

        def shown(found: Finished) -> None:
            if self._shown != model_id or found.model is None:
                return
            self._actions.shown = found
            model, curves = found.model, found.curves
            self._live.show_model(model, curves)
            self._show_watched(found.watched)
            self._live.ending.show_end(
                self.tr("done"),
                "good",
                end_sentence(model, curves, judged=bool(found.verdicts)),
                verdict=True,
                again=False,
                verdicts=found.verdicts,
                kind="reranker" if model.kind == "reranker" else "model",
            )
            self.head.set_fact(model.name)
            self._show_page(_LIVE)

        self.ask("train/model", lambda project: read_finished(project, model_id), shown)

    def _repeat(self) -> None:
        """Take the settings of the run that is shown to the presets, where one thing can be changed."""
        model = self._actions.model
        if model is not None and model.kind == "reranker":
            self._actions.ask_reranker(reranker_changes(model, self._facts.base_id))
        elif model is not None:
            preset, changes = run_changes(model, self._facts.base_id)
            self._plan.choose(preset)
            self._plan.form().reset_all()
            self._plan.change(changes)
            self._plan.open_advanced()
            self._show_plan()

    def _see_verdict(self) -> None:
        """Measure the shown model on the test queries, where that was not done, and go to where it is told."""
        self._actions.measure(self._shown)
        self.session.show_page("evaluate")

    # Frame

    def _show_page(self, page: int) -> None:
        self._stack.setCurrentIndex(page)
        live, running = page == _LIVE, self._job is not None
        self._controls.show_job(self._job)
        self._back.setVisible(live and not running)
        self._copy.setVisible(page == _PLAN)
        self._start.setVisible(page == _PLAN)
        self._side.show_size(page == _PLAN)
        if not (live and self._shown > 0):
            self.head.set_fact(self._fact_words())
        self._show_start()

    def _fact_words(self) -> str:
        """What the model has to beat, and the model where that is not known yet; its name stands in the settings."""
        facts = self._facts
        known = [(beat.name, beat.dev if beat.dev is not None else beat.test) for beat in facts.beat]
        beat = ", ".join(f"{name} {words.decimal(value)}" for name, value in known if value is not None)
        return fill(self.tr("to beat: %1"), beat) if beat else facts.base

    def open_at(self, what: dict[str, object]) -> None:
        """`preset` chooses one, `model` shows a finished model's curves, `step` the presets, `setting` one of them."""
        if self._job is not None:
            return
        if what.get("preset"):
            self._plan.choose(str(what["preset"]))
            self._show_plan()
        elif what.get("model"):
            self._show_model(int(str(what["model"])))
        elif what.get("setting"):
            self._show_plan()
            self._plan.show_setting(str(what["setting"]))
        elif what.get("step"):
            self._show_plan()
            self._start.setFocus()
