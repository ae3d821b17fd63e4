"""The Negatives page: near misses of each query beside its answer, judged by key, selected again at every move."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from engine.params import SelectParams, params_to_dict
from engine.records import Review
from engine.store import browse, queries
from engine.store.project import Project
from engine.store.selection import HELD, CandidateState
from gui import words
from gui.jobs.job import Job
from gui.pages.findings import Findings, go_mend
from gui.pages.negatives.bulk import leave_out_doubtful
from gui.pages.negatives.compare import ComparePanel, Comparison, read_comparison
from gui.pages.negatives.facts import ground_words, outcome_words, provenance_words
from gui.pages.negatives.introduction import Introduction, read_cards
from gui.pages.negatives.likeness import LikenessAsker
from gui.pages.negatives.mining import choose_mining, choose_reranker, start_mining
from gui.pages.negatives.panes import CandidatesPane, QueriesPane
from gui.pages.negatives.selection import SelectionPanel
from gui.pages.reading import ReadingPage
from gui.phrases import fill
from gui.session import Undo
from gui.tables.candidates import CandidateRow
from gui.tables.mined import (
    Ground,
    Looked,
    Mined,
    Opened,
    Order,
    Picture,
    Which,
    doubtful_rows,
    order_of_queries,
    picture,
    read_ground,
    read_mined,
    rows_of_interest,
    rows_shown,
)
from gui.tables.mined_queries import MinedQuery
from gui.widgets.buttons import Button, IconButton
from gui.widgets.cards import EmptyState, column, rule
from gui.widgets.labels import ChipState, Link

if TYPE_CHECKING:
    from gui.session import Session

LOW = 660  # under this height the selection folds to a line


class NegativesPage(ReadingPage):
    """Keys: N negative, X leave out, P an answer, U undo, J and K to the next and the last one, D the next doubtful,
    S shade what carries the likeness, A the next answer, F filter, B leave all doubtful out, I the introduction."""

    name = "negatives"
    icon = "negatives"
    topics = frozenset({"negatives", "queries", "models", "jobs"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, QCoreApplication.translate("NegativesPage", "Negatives"), parent, margins=False)
        self._mined: Mined | None = None
        self._looked: Looked | None = None
        self._opened: Opened | None = None
        self._ground = Ground(0, (), 0)
        self._answer = 0
        self._wanted = (0, 0)
        self._narrow = False
        self._make_actions()
        self.body.setSpacing(0)
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_content())
        self._make_keys()
        self.session.undo_changed.connect(self._follow_undo)
        for heard in (self.session.queue.job_queued, self.session.queue.job_started, self.session.queue.job_finished):
            heard.connect(self._follow_jobs)
        self._follow_undo(self.session.undo_words)
        self._show_frame(False)

    def refresh(self, topics: set[str]) -> None:
        if self.reader() is None or "all" in topics:
            self._mined, self._looked, self._opened = None, None, None
            stages = seen.stages if (seen := self.session.overview()) is not None else ()
            self._show_frame(any(stage.name == "negatives" and stage.state == "done" for stage in stages))
        self.ask("negatives/ground", read_ground, self._show_ground)
        self.ask("negatives/mined", read_mined, self._show_mined)

    def commands(self) -> Iterable[tuple[str, str, object]]:
        return (
            (self.tr("Mine negatives"), "negatives", self._mine),
            (self.tr("What the bench is for"), "negatives", self._introduce),
            (self.tr("Next doubtful candidate"), "chevron-down", lambda: self._walk(1)),
        )

    def open_at(self, what: dict[str, object]) -> None:
        """`doubtful` brings the most doubtful candidates first, `short` queries with the fewest negatives; `query_id`
        opens a query, perhaps at `passage_id`; `rule` goes to the margin, `keep` and `again` to a button."""
        query_id, passage_id = what.get("query_id"), what.get("passage_id", 0)
        if isinstance(query_id, int):
            self._wanted = (query_id, passage_id if isinstance(passage_id, int) else 0)
            self._open(*self._wanted)
        elif what.get("doubtful") or what.get("short"):
            self.queries.order.set_value("doubtful" if what.get("doubtful") else "short")
            self._opened = None
            self._look(reorder=True)
        if what.get("short") or what.get("rule"):
            self.selection.set_open(True)
            self.selection.rules.margin.slider.setFocus(Qt.FocusReason.OtherFocusReason)
        elif what.get("keep") or what.get("again"):
            (self.keep if what.get("keep") else self._again).setFocus(Qt.FocusReason.OtherFocusReason)

    def set_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self.queries.setVisible(not narrow)
        self._fold_if_small(self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        was_low, low = event.oldSize().height() < LOW, event.size().height() < LOW
        if was_low != low or event.oldSize().height() < 0:
            self._fold_if_small(event.size().height())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.candidates.table.setFocus(Qt.FocusReason.OtherFocusReason)
        if self._mined is not None:
            self._likeness.warm_soon(self._mined)

    # Building

    def _make_actions(self) -> None:
        self._undo = IconButton("undo", self.tr("Undo"))
        self._undo.clicked.connect(self.session.undo)
        self._again = Button(self.tr("Mine again"), "plain", icon_name="refresh")
        self._again.clicked.connect(self._choose_model)
        self.keep = Button(self.tr("Keep these"), "primary")
        self.keep.clicked.connect(self._keep)
        self._about = IconButton("info", self.tr("What the bench is for (I)"))
        self._about.clicked.connect(self._introduce)
        for button in (self._undo, self._about, self._again, self.keep):
            self.head.add_action(button)

    def _make_empty(self) -> QWidget:
        self.mine_button = Button(self.tr("Mine negatives"), "primary", size="large")
        self.mine_button.clicked.connect(self._mine)
        self._to_queries = Link(self.tr("Go to Queries"))
        self._to_queries.clicked.connect(lambda: self.session.show_page("queries"))
        self._empty = EmptyState(
            "negatives", self.tr("Near misses teach the difference"), "", self.mine_button, self._to_queries
        )
        return self._empty

    def _make_content(self) -> QWidget:
        self.queries = QueriesPane()
        self.queries.query_chosen.connect(self._query_chosen)
        self.queries.order_chosen.connect(lambda _order: self._look(reorder=True))
        self.candidates = CandidatesPane()
        self.candidates.candidate_chosen.connect(self._candidate_chosen)
        self.candidates.ran_over.connect(self._next_query)
        self.candidates.filtered.connect(lambda _which: self._filter())
        self.compare = ComparePanel()
        self.compare.setMinimumWidth(440)
        self.compare.judged.connect(self.judge)
        self.compare.undo_asked.connect(self.session.undo)
        self.compare.walked.connect(self._walk)
        self.compare.answer_turned.connect(self._turn_answer)
        self.compare.likeness_asked.connect(self._ask_likeness)
        self._likeness = LikenessAsker(self.session, self.compare, self.isVisible, self)
        self.selection = SelectionPanel()
        self.selection.changed.connect(lambda _params: self._look())
        self.selection.bulk_asked.connect(self._leave_out_doubtful)
        self.selection.reading_asked.connect(self._choose_reranker)
        panes = QSplitter()
        panes.setChildrenCollapsible(False)
        panes.setHandleWidth(1)
        for pane, stretch in ((self.queries, 0), (self.candidates, 3), (self.compare, 3)):
            panes.addWidget(pane)
            panes.setStretchFactor(panes.indexOf(pane), stretch)
        panes.setSizes([204, 428, 440])
        holder = QWidget()
        stack = column(holder)
        stack.addWidget(rule())
        self.findings = Findings()
        self.findings.mend_asked.connect(lambda code: go_mend(self.session, code))
        stack.addWidget(self.findings)
        stack.addWidget(panes, 1)
        stack.addWidget(self.selection)
        return holder

    def _make_keys(self) -> None:
        """Single keys; while a text field has the focus it takes them, as Qt's fields do."""
        for key, run in (
            ("N", lambda: self.judge("negative")),
            ("X", lambda: self.judge("left_out")),
            ("P", lambda: self.judge("relevant")),
            ("U", self.session.undo),
            ("J", lambda: self.candidates.step(1)),
            ("K", lambda: self.candidates.step(-1)),
            ("D", lambda: self._walk(1)),
            ("S", self._ask_likeness),
            ("A", self._turn_answer),
            ("F", self.candidates.which.showPopup),
            ("B", self._leave_out_doubtful),
            ("I", self._introduce),
        ):
            shortcut = QShortcut(QKeySequence(key), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(run)

    # Reading

    def _show_ground(self, ground: Ground) -> None:
        self._ground = ground
        near = words.about(ground.seconds)
        self._empty.set_words(self.tr("Near misses teach the difference"), ground_words(ground))
        self._to_queries.setVisible(not ground.training)
        self.mine_button.setText(fill(self.tr("Mine negatives (%1)"), near))
        self._again.setToolTip(fill(self.tr("Look for candidates again (%1)"), near))
        self._follow_jobs(None)

    def _show_mined(self, mined: Mined | None) -> None:
        before, self._mined = self._mined, mined
        self._show_frame(mined is not None)
        if mined is None:
            self._looked, self._opened = None, None
            self.head.set_fact("")
            return
        fresh = before is None or before.mining.id != mined.mining.id
        if fresh:
            self._likeness.warm_soon(mined)
        if fresh or before is None or before.params != mined.params or before.reranker != mined.reranker:
            self.selection.show_mined(mined, mined.params)
        self._look(reorder=fresh)

    def _look(self, *, reorder: bool = False) -> None:
        """Select with the rules of now, in the background; a newer move replaces one that waits."""
        mined, params, order = self._mined, self.selection.rules.params(), self._order()
        if mined is None:
            return
        kept_order = None if reorder or self._looked is None else self._looked.order

        def look(_project: Project) -> tuple[Mined, Looked, bool]:
            import pyqtgraph  # noqa: F401 - draws the margins; takes longer to load than the window may wait

            shown = picture(mined, params)
            fits = kept_order is not None and len(kept_order) == len(mined.candidates.queries)
            ordered = kept_order if fits and kept_order is not None else order_of_queries(mined, shown, order)
            return mined, Looked(shown, ordered, doubtful_rows(mined, shown, ordered)), not fits

        self.ask("negatives/picture", look, lambda found: self._show_looked(*found))

    def _show_looked(self, mined: Mined, looked: Looked, reordered: bool) -> None:
        if mined is not self._mined:
            return
        self._looked = looked
        if reordered:
            self.queries.model.show_queries(self.reader(), mined, looked.picture, looked.order)
        else:
            self.queries.model.show_counts(looked.picture)
        self.selection.show_picture(mined, looked.picture)
        self._say_outcome(mined, looked.picture)
        if self._wanted[0]:
            self._open(*self._wanted)
        elif self._opened is not None and len(mined.candidates.queries) > self._opened.number:
            self._show_candidates(self._opened)
        elif len(looked.order):
            self._open(int(mined.candidates.queries[looked.order[0]]))

    def _open(self, query_id: int, passage_id: int = 0) -> None:
        """Open a query, and choose one of its candidates."""
        mined = self._mined
        if mined is None or not len(rows_shown(mined, query_id)):
            return
        self._wanted = (0, 0)
        number = int(np.searchsorted(mined.candidates.queries, query_id))
        ids = [int(passage) for passage in mined.candidates.passage_id[rows_shown(mined, query_id)]]

        def read(project: Project) -> Opened:
            found = queries.query(project, query_id)
            names = browse.passage_names(project, ids)
            return Opened(number, query_id, found.text if found else "", names, passage_id)

        self.ask("negatives/open", read, self._show_opened)

    def _show_opened(self, opened: Opened) -> None:
        same = self._opened is not None and self._opened.query_id == opened.query_id
        self._opened = opened
        self._answer = 0 if not same else self._answer
        self.queries.mark(opened.number)
        self._show_candidates(opened)
        if not same:
            self.candidates.table.scrollToTop()
        place = self.candidates.model.row_of(opened.passage_id) if opened.passage_id else -1
        self.candidates.choose(place if place >= 0 else self.candidates.first_to_look_at())

    def _show_candidates(self, opened: Opened) -> None:
        if self._mined is None or self._looked is None:
            return
        which = cast(Which, str(self.candidates.which.value()))
        rows = rows_of_interest(self._mined, self._looked.picture, rows_shown(self._mined, opened.query_id), which)
        self.candidates.show_rows(self._mined, self._looked.picture, rows, opened, self._model_head())

    def _filter(self) -> None:
        if self._opened is not None:
            self._show_candidates(self._opened)

    def _candidate_chosen(self, candidate: CandidateRow) -> None:
        opened = self._opened
        if opened is None or self._looked is None:
            return
        answers = [row for row in self.candidates.model.rows() if row.state is CandidateState.ANSWER]
        turned = self._answer

        def read(project: Project) -> Comparison | None:
            return read_comparison(
                project,
                query_id=opened.query_id,
                question=opened.text,
                candidate=candidate,
                answers=answers,
                answer=turned,
            )

        self.ask("negatives/compare", read, self._show_comparison)
        found = np.flatnonzero(self._looked.walk == candidate.place)
        self.compare.set_walk(int(found[0]) + 1 if len(found) else 0, len(self._looked.walk))

    def _show_comparison(self, shown: Comparison | None) -> None:
        chip: tuple[str, ChipState] = ("", "none")
        if shown is not None:
            row = shown.right.row
            kind = self.candidates.model.chip_of(row) or "none"
            chip = (self.candidates.model.state_words(row), cast(ChipState, kind))
        told = provenance_words(self._mined, shown.right.row) if self._mined and shown else ("", "")
        self.compare.show_comparison(shown, self._model_head(), chip, told)

    # Judging and walking

    def judge(self, verdict: str) -> None:
        """Record a person's word on the chosen candidate and go on to the next one."""
        candidate, opened = self.candidates.current(), self._opened
        if candidate is None or opened is None or candidate.state is CandidateState.ANSWER:
            return
        said = {
            Review.NEGATIVE: self.tr("Marked as a negative"),
            Review.LEFT_OUT: self.tr("Left out"),
            Review.RELEVANT: self.tr("Marked as an answer"),
        }[Review(verdict)]
        pair = {"query_id": opened.query_id, "passage_id": candidate.passage_id}
        undo_words = f"{said.lower()}: {candidate.name[:40]}"
        undo = Undo(undo_words, "unreview", pair)  # completed with what was there before, once the engine says it
        self._go_on(candidate)
        self.session.edit("review", {**pair, "verdict": verdict}, undo.values.update, undo=undo)
        self.session.say(said, self.tr("Undo"), self.session.undo)

    def _go_on(self, candidate: CandidateRow) -> None:
        """After a word on a doubtful one the next doubtful one comes; otherwise the next row."""
        if candidate.state in HELD and self._looked is not None and len(self._looked.walk) > 1:
            self._walk(1)
        else:
            self.candidates.step(1)

    def _walk(self, step: int) -> None:
        """To the doubtful candidate before or after the one that is chosen, around the end."""
        if self._looked is None or self._mined is None or not len(self._looked.walk):
            return
        walk, chosen = self._looked.walk, self.candidates.current()
        found = np.flatnonzero(walk == chosen.place) if chosen else np.empty(0, np.int64)
        place = (int(found[0]) + step) % len(walk) if len(found) else (0 if step > 0 else len(walk) - 1)
        self._go_to(int(walk[place]))

    def _go_to(self, place: int) -> None:
        if self._mined is None:
            return
        all_ = self._mined.candidates
        number = int(np.searchsorted(all_.starts, place, side="right")) - 1
        query_id, passage_id = int(all_.queries[number]), int(all_.passage_id[place])
        if self._opened is not None and self._opened.query_id == query_id:
            self.candidates.choose(self.candidates.model.row_of(passage_id))
        else:
            self._open(query_id, passage_id)

    def _next_query(self, step: int) -> None:
        if self._looked is None or self._opened is None or self._mined is None:
            return
        place = int(np.flatnonzero(self._looked.order == self._opened.number)[0]) + step
        if 0 <= place < len(self._looked.order):
            self._open(int(self._mined.candidates.queries[self._looked.order[place]]))

    def _query_chosen(self, query: MinedQuery) -> None:
        if self._opened is None or self._opened.query_id != query.id:
            self._open(query.id)

    def _turn_answer(self) -> None:
        self._answer += 1
        candidate = self.candidates.current()
        if candidate is not None:
            self._candidate_chosen(candidate)

    def _ask_likeness(self) -> None:
        if self._mined is not None:
            self._likeness.ask(self._mined)

    def _introduce(self) -> None:
        mined, looked, opened = self._mined, self._looked, self._opened
        if mined is None or looked is None or opened is None:
            return
        self.ask(
            "negatives/introduction",
            lambda project: read_cards(project, mined, looked.picture, opened.query_id, opened.text),
            lambda cards: Introduction(cards, self).open(),
        )

    def _leave_out_doubtful(self) -> None:
        if self._mined is not None and self._looked is not None:
            leave_out_doubtful(self.session, self._mined, self._looked.picture, self)

    # Keeping and mining

    def _keep(self) -> None:
        if self._mined is None:
            return
        before = params_to_dict(self._mined.params)
        values = {"mining_id": self._mined.mining.id, "select": params_to_dict(self.selection.rules.params())}
        undo = Undo(self.tr("keep this selection"), "reselect", {**values, "select": before})
        self.session.edit("reselect", values, undo=undo)
        self.session.say(self.tr("The selection was kept"), self.tr("Undo"), self.session.undo)

    def _choose_model(self) -> None:
        self.mining_menu = choose_mining(self.session, self._ground, self.selection.rules.params(), self._again)

    def _choose_reranker(self) -> None:
        if self._mined is not None:
            rules = self.selection.rules
            self.reading_menu = choose_reranker(
                self.session, self._ground, self._mined, rules.params(), rules.gate.link
            )

    def _mine(self) -> None:
        start_mining(self.session, self.selection.rules.params() if self._mined is not None else SelectParams())

    # Showing

    def _say_outcome(self, mined: Mined, shown: Picture) -> None:
        self.head.set_fact(outcome_words(mined, shown))
        self.findings.show_findings(mined.findings)
        total = words.count(shown.total)
        self.keep.setText(fill(self.tr("Keep these %1"), total))
        self.keep.set_possible(not shown.is_kept, fill(self.tr("These %1 are kept"), total))

    def _follow_undo(self, what: str) -> None:
        self._undo.setVisible(bool(what))
        self._undo.setToolTip(fill(self.tr("Undo: %1"), what) if what else self.tr("Undo"))
        self._undo.setAccessibleName(self._undo.toolTip())
        self.compare.set_undo(what)

    def _follow_jobs(self, _job: Job | None) -> None:
        """While a mining runs or waits, no second one is offered."""
        mining = bool(self.session.going("mine"))
        why_not = self.tr("Mining…") if mining else self.tr("Split the queries first")
        self.mine_button.set_possible(bool(self._ground.training) and not mining, why_not)
        self._again.set_possible(not mining, self.tr("Mining…"))

    def _show_frame(self, filled: bool) -> None:
        self._stack.setCurrentIndex(1 if filled else 0)
        self._again.setVisible(filled)
        self._about.setVisible(filled)
        self.keep.setVisible(filled)

    def _fold_if_small(self, height: int) -> None:
        self.selection.set_open(not self._narrow and height >= LOW)

    def _order(self) -> Order:
        return cast(Order, str(self.queries.order.value()))

    def _model_head(self) -> str:
        """The column's head: the base model, or the round of the tuned one."""
        tuned = self._mined is not None and self._mined.mining.round > 1
        return self.tr("Tuned") if tuned else self.tr("Base")
