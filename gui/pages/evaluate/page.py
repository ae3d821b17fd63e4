"""The Evaluate page: the verdict first, the scoreboard, what was fixed and broken, one question side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QStackedWidget, QWidget

from engine.records import QueryMovement
from engine.store.runs import is_of_model
from gui import theme, words
from gui.jobs.job import Job, Phase
from gui.pages.evaluate.board import ScoreboardCard
from gui.pages.evaluate.edits import EvaluateEdits
from gui.pages.evaluate.facts import (
    Bench,
    Moved,
    Pair,
    QueryView,
    default_pair,
    listed,
    read_bench,
    read_pair,
    read_query,
    read_slices,
    rivals,
    short_name,
)
from gui.pages.evaluate.query import QueryCompare
from gui.pages.evaluate.questions import QuestionsCard, ScatterCard
from gui.pages.evaluate.runs import RunsView, read_trainings
from gui.pages.evaluate.taking import TakingMenu
from gui.pages.evaluate.verdict import StaleLine, VerdictCard
from gui.pages.reading import ReadingPage
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import EmptyState, column, scroller
from gui.widgets.inputs import ChoiceBox
from gui.widgets.labels import Link, label

if TYPE_CHECKING:
    from gui.session import Session

_SIDE_BY_SIDE = 1020  # pixels below which the scatter goes under the lists, where the names of systems fit
_EMPTY, _BENCH, _QUERY, _BLANK, _RUNS = range(5)
_USUAL = ["bm25", "base", "tuned"]


class EvaluatePage(ReadingPage):
    """Reads what was measured; measuring itself is the engine's work."""

    name = "evaluate"
    icon = "evaluate"
    topics = frozenset({"runs", "queries", "models", "negatives", "project"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "", parent)
        self.head.set_title(self.tr("Evaluate"))
        self.setAccessibleName(self.tr("Evaluate"))
        self._bench = Bench()
        self._pair = Pair(None, (), Moved())
        self._listed = Moved()
        self._chosen = (0, 0)
        self._query = 0
        self._on_runs = False
        self._wanted: tuple[str, frozenset[int]] = ("", frozenset())
        self._edits = EvaluateEdits(session, self)
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack)
        self._make_actions()
        self._start = Button(self.tr("Measure the starting point"), "primary")
        self._start.clicked.connect(lambda: self._measure(_USUAL))
        self._to_questions = Link(self.tr("Go to Queries"))
        self._to_questions.clicked.connect(lambda: self.session.show_page("queries"))
        self._empty = EmptyState("evaluate", "", "", self._start, self._to_questions)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._make_bench())
        self._compare = QueryCompare()
        self._stack.addWidget(self._compare)
        self._stack.addWidget(QWidget())
        self._runs = RunsView()
        self._stack.addWidget(self._runs)
        self._connect()
        self._show_empty()

    def _make_actions(self) -> None:
        self._choose_a = ChoiceBox(accessible=self.tr("Compare"))
        self._choose_b = ChoiceBox(accessible=self.tr("With"))
        for box in (self._choose_a, self._choose_b):
            box.setMinimumWidth(120)
            box.setMaximumWidth(220)
            box.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToContents)
        self._with = label(self.tr("with"), "body", "text3")
        self._to_runs = Button(self.tr("Runs"), "flat", icon_name="list")
        self._to_runs.setToolTip(self.tr("Every training beside the others: parent, data, settings, curves, notes"))
        self._export = Button(self.tr("Report"), "flat", icon_name="export")
        self._export.setToolTip(self.tr("Write a report, or the ranked lists"))
        self._taking = TakingMenu(self.session, self._export)
        self._export.setMenu(self._taking)
        self._primary = Button(self.tr("Search with it"), "primary", icon_name="search")
        for widget in (self._choose_a, self._with, self._choose_b, self._to_runs, self._export, self._primary):
            self.head.add_action(widget)

    def _make_bench(self) -> QWidget:
        content = QWidget()
        stack = column(content, gap=theme.GAP)
        self._stale = StaleLine()
        self._verdict = VerdictCard()
        stack.addWidget(self._stale)
        stack.addWidget(self._verdict)
        self._board = ScoreboardCard()
        self._questions = QuestionsCard()
        self._questions.setMinimumHeight(260)
        self._scatter = ScatterCard()
        self._scatter.setMinimumWidth(300)
        left = column(gap=theme.GAP)
        left.addWidget(self._board)
        left.addWidget(self._questions, 1)
        self._halves: QBoxLayout = QHBoxLayout()
        self._halves.setSpacing(theme.GAP)
        self._halves.addLayout(left, 5)
        self._halves.addWidget(self._scatter, 2)
        stack.addLayout(self._halves, 1)
        self._bench_layout = stack
        return scroller(content)

    def _connect(self) -> None:
        self._choose_a.picked.connect(lambda run_id: self._choose(int(str(run_id)), self._chosen[1]))
        self._choose_b.picked.connect(lambda run_id: self._choose(self._chosen[0], int(str(run_id))))
        self._to_runs.clicked.connect(self._open_runs)
        self._runs.closed.connect(self._close_runs)
        self._runs.compared.connect(self._compare_model)
        self._runs.noted.connect(self._edits.note)
        self._runs.tasks_asked.connect(self._measure_tasks)
        self._primary.clicked.connect(self._act)
        self._verdict.remedy.connect(self._remedy)
        self._stale.asked.connect(self._measure_again)
        self._board.chosen.connect(lambda run_id: self._choose(run_id, self._chosen[1]))
        self._board.asked.connect(self._measure_other)
        self._questions.opened.connect(self._open_query)
        self._questions.find_asked.connect(self._find)
        self._scatter.opened.connect(self._open_query)
        self._scatter.parted.connect(lambda _by: self._ask_slices())
        self._scatter.measure_asked.connect(self._measure_again)
        self._compare.closed.connect(self._close_query)
        self._compare.stepped.connect(self._step)
        self._compare.unjudged.connect(self._edits.unjudge)
        self._compare.judged.connect(self._edits.judge)
        self._compare.called_negative.connect(self._edits.call_negative)
        self._compare.pinned.connect(self._edits.pin)
        queue = self.session.queue
        for signal in (queue.job_queued, queue.job_started, queue.job_progressed, queue.job_finished):
            signal.connect(self._job_moved)

    def refresh(self, topics: set[str]) -> None:
        if "all" in topics:
            self._chosen, self._query, self._on_runs = (0, 0), 0, False
            self._wanted = ("", frozenset())
            self._bench = Bench()
            self._show_frame(False)
            self._stack.setCurrentIndex(_BLANK)
        self.ask("evaluate/bench", read_bench, self._show_bench)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low = event.size().width() < _SIDE_BY_SIDE
        self._halves.setDirection(QBoxLayout.Direction.TopToBottom if low else QBoxLayout.Direction.LeftToRight)

    def commands(self) -> Iterable[tuple[str, str, object]]:
        return ((self.tr("Measure all systems again"), "evaluate", self._measure_again),)

    # What was measured

    def _show_bench(self, bench: Bench) -> None:
        before, newest = self._bench.system("tuned"), bench.system("tuned")
        self._bench = bench
        if not bench.test_runs:
            self._show_empty()
            return
        a, b = self._chosen
        if newest is not None and (before is None or before.model_id != newest.model_id):
            a, b = 0, 0  # a model that was just measured is what is looked for
        first, second = default_pair(bench)
        a = a if bench.run(a) else first
        possible = [run.id for run in rivals(bench, a)]
        b = b if b in possible else second if second in possible else (possible[0] if possible else 0)
        self._stale.set_state(bench.unmeasured if bench.system("tuned") else "", bench.stale)
        self._choose_a.set_choices([(short_name(bench.names[run.id]), run.id) for run in bench.test_runs])
        self._show_frame(True)
        self._chosen = (a, b)
        if not self._show_wanted():
            self._choose(a, b)

    def _choose(self, a: int, b: int) -> None:
        """Compare run a with run b; a run's rivals depend on it."""
        possible = [run.id for run in rivals(self._bench, a)]
        if b not in possible:
            b = possible[0] if possible else 0
        self._chosen = (a, b)
        self._choose_a.set_value(a)
        self._choose_b.set_choices([(short_name(self._bench.names[run_id]), run_id) for run_id in possible])
        self._choose_b.set_value(b)
        for box, run_id in ((self._choose_a, a), (self._choose_b, b)):
            box.setToolTip(words.tip(self._bench.names.get(run_id, "")))
        self._taking.set_run(self._bench.run(a), self._bench.names.get(a, ""))
        self._board.show_bench(self._bench, a, b)
        self.ask("evaluate/pair", lambda project: read_pair(project, a, b, possible), self._show_pair)

    def _show_pair(self, pair: Pair) -> None:
        self._pair = pair
        bench, (a, b) = self._bench, self._chosen
        name_a, name_b = bench.names.get(a, "–"), bench.names.get(b, "–")
        if bench.system("tuned") is None and bench.are_baselines(a, b):
            self._verdict.show_start(bench, pair)
        else:
            self._verdict.show_pair(bench, pair, name_a, name_b)
        self._show_listed(pair.moved)
        if self._questions.finding() != ("", "movement"):
            self._find(*self._questions.finding())
        self._questions.show_pinned(pair.pinned, pair.moved, name_b, name_a)
        self._scatter.show_moved(pair.moved, name_b, name_a)
        self._ask_slices()
        self._show_primary()
        self._stack.setCurrentIndex(_RUNS if self._on_runs else _BENCH if not self._query else _QUERY)
        self._bench_layout.invalidate()  # else the cards stand at their old heights until Qt finds time to look again
        self._bench_layout.activate()
        if self._on_runs:
            self._open_runs()
        elif self._query:
            self._open_query(self._query)

    def _find(self, text: str, order: str) -> None:
        """List what is looked for, in the background: there may be a hundred thousand."""
        moved = self._pair.moved
        self.ask("evaluate/find", lambda _project: listed(moved, text, order), self._show_listed)

    def _show_listed(self, moved: Moved) -> None:
        self._listed = moved
        names = self._bench.names
        self._questions.show_moved(moved, names.get(self._chosen[1], "–"), names.get(self._chosen[0], "–"))

    def _ask_slices(self) -> None:
        """Read the parts where they are looked at."""
        by, (a, b) = self._scatter.wants(), self._chosen
        if by is not None and a and b:
            self.ask("evaluate/slices", lambda project: read_slices(project, a, b, by), self._scatter.show_slices)

    def _show_primary(self) -> None:
        found, tuned = self._pair.comparison, self._bench.system("tuned")
        measuring = self._running()
        self._primary.set_possible(True)
        if measuring is not None:
            share = f" {words.share(measuring.share)}" if measuring.total else ""
            self._primary.setText(self.tr("Measuring"))
            self._primary.set_icon_name("evaluate")
            self._primary.set_possible(False, self.tr("Measuring…") + share)
        elif tuned is None:
            self._primary.setText(
                self.tr("Measure the new model") if self._bench.unmeasured else self.tr("Train a model")
            )
            self._primary.set_icon_name("evaluate" if self._bench.unmeasured else "train")
        elif found is not None and self._bench.is_won(found):
            self._primary.setText(self.tr("Search with it"))
            self._primary.set_icon_name("search")
        else:
            self._primary.setText(self.tr("Train again"))
            self._primary.set_icon_name("train")

    def _act(self) -> None:
        if self._bench.system("tuned") is None and self._bench.unmeasured:
            self._measure(_USUAL)
        elif self._pair.comparison is not None and self._bench.is_won(self._pair.comparison):
            self.session.show_page("search" if self._bench.system("tuned") else "train")
        else:
            self.session.show_page("train")

    def _remedy(self, action: str) -> None:
        if action == "broken":
            self._questions.show_tab("broken")
        elif action == "parts":
            self._scatter.show_view(1)
        elif action == "hybrid":
            joined = self._bench.joined()
            if joined is not None:
                self._choose(joined.id, self._chosen[1])
            else:
                self._measure_other("hybrid")
        elif action == "test":
            a, b = self._chosen
            self.session.edit("compare", {"run_a": a, "run_b": b})
        else:
            conflicting = self._bench.known.conflicting
            ways: dict[str, tuple[str, dict[str, Any]]] = {
                "add_queries": ("queries", {"step": action}),
                "add_pairs": ("queries", {"step": action}),
                "review_negatives": ("negatives", {"doubtful": True}),
                "review_queries": ("queries", {"query_id": conflicting[0]} if conflicting else {"step": action}),
                "other_base": ("train", {"step": action}),
                "train_again": ("train", {"step": action}),
            }
            if action in ways:
                self.session.show_page(*ways[action])

    def _measure_other(self, label: str) -> None:
        """Measure a system beside the usual ones, and show it when it is there."""
        self._wanted = (label, frozenset(run.id for run in self._bench.test_runs))
        self._measure([*_USUAL, label])

    def _show_wanted(self) -> bool:
        """Compare the system that was asked for with the same rival, where it is measured."""
        run_id = self._bench.wanted(*self._wanted)
        if not run_id:
            return False
        self._wanted = ("", frozenset())
        self._choose(run_id, self._chosen[1])
        return True

    def _measure(self, systems: list[str]) -> None:
        if self._running() is None:
            self.session.run_job("evaluate", {"systems": systems})

    def _measure_again(self) -> None:
        """All that is shown, without a tuned model where there is none; files that were only read are left."""
        bench = self._bench
        tuned = ["tuned"] if bench.unmeasured or bench.system("tuned") else []
        others = [found.label for found in bench.candidates if found.run_id]
        self._measure(["bm25", "base", *tuned, *(others if bench.stale or not bench.unmeasured else [])])

    def _measure_tasks(self, model_ids: list[int]) -> None:
        self.session.run_job("tasks", {"models": [str(model_id) for model_id in model_ids]})
        self._runs.tasks.set_measuring(self._running("tasks") is not None)

    # Runs

    def _open_runs(self) -> None:
        self._on_runs = True
        self.ask("evaluate/runs", read_trainings, self._runs.show_trainings)
        self._stack.setCurrentIndex(_RUNS)
        self._runs.setFocus()

    def _close_runs(self) -> None:
        self._on_runs = False
        self._stack.setCurrentIndex(_BENCH if not self._query else _QUERY)

    def _compare_model(self, model_id: int) -> None:
        """Show the verdict on a model's newest run."""
        found = [run for run in self._bench.test_runs if run.model_id == model_id and is_of_model(run)]
        self._on_runs, self._query = False, 0
        if found:
            self._choose(max(found, key=lambda run: run.id).id, self._chosen[1])

    # One question

    def _open_query(self, query_id: int) -> None:
        self._query = query_id
        a, b = self._chosen
        self.ask("evaluate/query", lambda project: read_query(project, query_id, a, b), self._show_query)

    def _show_query(self, view: QueryView) -> None:
        if view.query_id != self._query:
            return
        bench, (a, b) = self._bench, self._chosen
        before = (bench.names.get(b, "–"), bench.lines.get(b, "base"))
        after = (bench.names.get(a, "–"), bench.lines.get(a, "tuned"))
        self._compare.show_query(view, self._movement(view.query_id), before, after)
        self._stack.setCurrentIndex(_QUERY)
        self._compare.setFocus()

    def _movement(self, query_id: int) -> QueryMovement | None:
        return next((row for row in self._pair.moved.all() if row.query_id == query_id), None)

    def _step(self, step: int) -> None:
        """To the next question of the same list."""
        found = self._listed
        for part in (found.fixed, found.broken, found.right, found.wrong):
            ids = [row.query_id for row in part]
            if self._query in ids:
                self._open_query(ids[(ids.index(self._query) + step) % len(ids)])
                break

    def _close_query(self) -> None:
        self._query = 0
        self._stack.setCurrentIndex(_BENCH)

    # Frame

    def _show_empty(self) -> None:
        self._show_frame(False)
        self._stack.setCurrentIndex(_EMPTY)
        measuring = self._running()
        splits = self._bench.n_test
        self._to_questions.setVisible(not splits and measuring is None)
        if measuring is not None:
            self._empty.set_words(self.tr("Measuring"), self._progress_words(measuring))
            self._start.set_possible(False, self.tr("Measuring…"))
        elif not splits:
            self._empty.set_words(
                self.tr("Is the model better than what you had?"),
                self.tr("Test queries answer that. Import queries with their answers and split them first."),
            )
            self._start.set_possible(False, self.tr("Split the queries first"))
        else:
            self._empty.set_words(
                self.tr("Have something to beat"),
                fill(
                    self.tr("Run BM25 and the base model on %1 test queries. Most projects take less than a minute."),
                    words.count(splits),
                ),
            )
            self._start.set_possible(True)

    def _show_frame(self, shown: bool) -> None:
        for widget in (self._choose_a, self._with, self._choose_b, self._to_runs, self._export, self._primary):
            widget.setVisible(shown)

    def _progress_words(self, job: Job) -> str:
        stage = job.stage or self.tr("starting the engine")
        return f"{stage}: {words.count(job.done)} / {words.count(job.total)}" if job.total else stage

    def _running(self, kind: str = "evaluate") -> Job | None:
        """The evaluation (or another job of a kind) that runs or waits in the queue."""
        return next(iter(self.session.going(kind)), None)

    def _job_moved(self, job: Job) -> None:
        if job.project == self.session.path and job.kind == "tasks":
            self._tasks_moved(job)
        if job.kind != "evaluate" or job.project != self.session.path:
            return
        if job.is_over and job.phase is not Phase.DONE:
            self._wanted = ("", frozenset())
        if job.phase is Phase.FAILED:
            kept = self.tr("Earlier results were kept.")
            retry = Button(self.tr("Measure again"), size="small")
            retry.clicked.connect(lambda: self._measure(_USUAL))
            self.problem.show_error(job.message, job.hint, kept=kept, details=job.details, actions=[retry])
        elif job.phase is Phase.RUNNING and not job.stage:
            self.problem.hide()
        if self._stack.currentIndex() == _EMPTY:
            self._show_empty()
        elif self._bench.test_runs:
            self._show_primary()

    def _tasks_moved(self, job: Job) -> None:
        self._runs.tasks.set_measuring(self._running("tasks") is not None)
        if job.phase is Phase.FAILED:
            self.problem.show_error(job.message, job.hint, details=job.details)
        elif job.phase is Phase.RUNNING and not job.stage:
            self.problem.hide()

    def open_at(self, what: dict[str, object]) -> None:
        """`tab` brings fixed, broken, right or wrong queries to the front; `query_id` opens one."""
        tab = str(what.get("tab", ""))
        if tab == "runs":
            self._on_runs = True
            self._open_runs()
        elif tab:
            self._questions.show_tab(tab)
            if self._query:
                self._close_query()
        query_id = what.get("query_id")
        if isinstance(query_id, int):
            self._query = query_id
            if self._bench.test_runs:
                self._open_query(self._query)
        if what.get("step"):
            (self._start if self._stack.currentIndex() == _EMPTY else self._primary).setFocus()
