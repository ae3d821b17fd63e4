"""The Queries page: what is asked and which passages answer it, what says the same, and how it is split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QModelIndex, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.params import ImportParams, SplitParams, params_to_dict
from engine.records import Query
from engine.store import browse, queries
from engine.store.browse import Answer
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.dialogs.import_window import ImportWindow
from gui.dialogs.make_queries import MakeQueries
from gui.dialogs.write_query import WriteQuery
from gui.jobs.job import Job, Phase
from gui.pages.judge.page import JudgeBench
from gui.pages.queries.duplicates import DuplicatesDrawer
from gui.pages.queries.inspector import QueryInspector
from gui.pages.queries.made import made_words
from gui.pages.queries.split import LeakNote, SplitDrawer, SplitView, read_split
from gui.pages.reading import ReadingPage
from gui.phrases import fill
from gui.session import Undo
from gui.tables.paged import RECORD
from gui.tables.pairs import DuplicatesView, Pair, read_duplicates
from gui.tables.queries import QueriesModel, QueryFilter, QueryRow
from gui.widgets.buttons import Button, IconButton, SegmentedControl
from gui.widgets.cards import Card, EmptyState, column, row
from gui.widgets.inputs import ChoiceBox, FilterBox
from gui.widgets.labels import Link
from gui.widgets.tables import TableView

if TYPE_CHECKING:
    from gui.session import Session

LOW = 600
SPLITS = ("", "train", "dev", "test")
Groups = list[tuple[Query, list[Query]]]


@dataclass(frozen=True, slots=True)
class QueriesView:
    """What stands around the table; `counts` by split as the segmented control has them."""

    total: int
    merged: int
    unanswered: int
    counts: tuple[int, int, int, int]
    split: SplitView
    duplicates: DuplicatesView
    groups: Groups


def read_queries(project: Project, threshold: float) -> QueriesView:
    """Everything on the page but the table's rows."""
    import pyqtgraph  # noqa: F401 - what draws the histogram takes longer to load than the window may wait

    return QueriesView(
        queries.count_queries(project),
        queries.count_duplicates(project),
        queries.count_queries(project, judged=False, duplicates=False),
        tuple(queries.count_queries(project, split=name) for name in SPLITS),  # type: ignore[arg-type]
        read_split(project),
        read_duplicates(project, threshold),
        queries.duplicate_groups(project),
    )


class QueriesPage(ReadingPage):
    """The table, the duplicates and the split; every merge and judgement can be undone."""

    name = "queries"
    icon = "query"
    topics = frozenset({"queries", "documents", "imports", "project"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, QCoreApplication.translate("QueriesPage", "Queries"), parent)
        self._refiltered = False
        self._wanted = 0
        self._make_actions()
        self.inspector = self.use_inspector(self.tr("Query"))
        self._one = QueryInspector(self.inspector)
        self._one.answer_refused.connect(self._refuse_answer)
        self._one.kept_apart.connect(self._keep_apart)
        self._one.judging_asked.connect(self.judge)
        self._bench: JudgeBench | None = None
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_content())
        self._show_frame(False)
        session.queue.job_finished.connect(self._say_made)
        for moved in (session.queue.job_queued, session.queue.job_started, session.queue.job_finished):
            moved.connect(self._follow_jobs)
        self._follow_jobs()

    def refresh(self, topics: set[str]) -> None:
        if "all" in topics:
            self._stop_judging()
        if self._bench is not None and self._bench.isVisible():
            self._bench.refresh()
            return
        if self.reader() is None:
            self._show_frame(False)
            return
        if "all" in topics:
            self._one.show_group(None)
            seen = self.session.overview()
            self._show_frame(seen is not None and seen.queries > 0)
        threshold = self.duplicates.threshold()
        self._model.show_queries(self.reader(), self._filter())
        self.ask("queries/view", lambda project: read_queries(project, threshold), self._show_view, later=True)
        shown = self._one.group()
        if shown is not None:
            self._show_query(shown.query.id)

    def commands(self) -> Iterable[tuple[str, str, object]]:
        return (
            (self.tr("Judge queries"), "check", self.judge),
            (self.tr("Write a query"), "edit", self.write_query),
            (self.tr("Make queries"), "query", self.make_queries),
            (self.tr("Import queries"), "document", self.import_queries),
            (self.tr("Find duplicates"), "merge", lambda: self._merge_all(self.duplicates.threshold())),
        )

    def open_at(self, what: dict[str, object]) -> None:
        """`query_id` shows one, `judge` its passages to judge (0: the next), `step` goes to Import queries."""
        query_id, judged = what.get("query_id"), what.get("judge")
        if isinstance(judged, int):
            self.judge(judged)
            return
        self._stop_judging()
        if isinstance(query_id, int):
            self._wanted = query_id
            self._choose_wanted()
            self._show_query(query_id)
        elif what.get("step"):
            self._head_actions[-1].setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low, was_low = event.size().height() < LOW, event.oldSize().height() < LOW
        if low != was_low or event.oldSize().height() < 0:
            self.duplicates.set_open(not low)

    def judge(self, query_id: int = 0) -> None:
        """Judge by hand the passages pooled for a query, or for the next one."""
        if self.reader() is None:
            return
        if self._bench is None:
            self._bench = JudgeBench(self.session, self.ask)
            self._bench.closed.connect(self._stop_judging)
            self.body.addWidget(self._bench, 1)
        self._bench.show()
        self.show_inspector(False)
        for part in (self.head, self._stack):
            if part is not None:
                part.hide()
        self._bench.begin(query_id)

    def write_query(self) -> None:
        """Ask for a query and its answer, and add it."""
        reader = self.reader()
        if reader is None:
            return
        dialog = WriteQuery(reader, self)
        if not dialog.exec():
            return
        text, passage_id = dialog.text(), dialog.passage_id()
        values = {"text": text, **({"passage_id": passage_id} if passage_id else {})}
        self.session.edit("add_query", values, self._say_added)

    def make_queries(self) -> None:
        """Ask how, and make queries from the passages."""
        seen = self.session.overview()
        dialog = MakeQueries(seen.passages if seen else 0, self)
        if dialog.exec():
            self.session.run_job("make_queries", dialog.values())

    def _show_leaks(self, values: dict[str, object]) -> None:
        leaks = int(str(values["leaks"]))
        self._leaks.show_leaks(leaks)
        self.split.show_leaks(leaks)

    def _say_made(self, job: Job) -> None:
        """What came, in the place of the toast that only says how long it took."""
        if job.kind == "make_queries" and job.phase is Phase.DONE and job.project == self.session.path:
            told = made_words(job.summary)
            shown = ("", None) if self.isVisible() else (self.tr("Show"), lambda: self.session.show_page(self.name))
            QTimer.singleShot(0, self, lambda: self.session.say(told, *shown))

    def _follow_jobs(self, _job: Job | None = None) -> None:
        """While duplicates are looked for or the queries are split, the same is not offered again."""
        for kind, button, why in (
            ("dedup", self.duplicates.find_button, self.tr("Comparing…")),
            ("split", self.split.again, self.tr("Splitting…")),
        ):
            button.set_possible(not self.session.going(kind), why)

    def import_queries(self) -> None:
        """Ask for a labelled set, show what would come of it, and import it."""
        window = ImportWindow(self.session, [], ImportParams(), self)
        window.accepted.connect(lambda: self.session.run_job("import", params_to_dict(window.params())))
        window.finished.connect(window.deleteLater)
        window.open()

    def _make_actions(self) -> None:
        self._undo = IconButton("undo", self.tr("Undo"))
        self._undo.clicked.connect(self.session.undo)
        self.session.undo_changed.connect(self._follow_undo)
        self._write = Button(self.tr("Write"), "plain", icon_name="plus", tooltip=self.tr("Write a query"))
        self._write.clicked.connect(self.write_query)
        self._make = Button(self.tr("Make"), "plain", icon_name="query", tooltip=self.tr("Make queries from passages"))
        self._make.clicked.connect(self.make_queries)
        self._judge = Button(self.tr("Judge"), "plain", icon_name="check")
        self._judge.setToolTip(self.tr("Say by hand which passages answer a query"))
        self._judge.clicked.connect(lambda: self.judge())
        bring = Button(self.tr("Import queries"), "primary", icon_name="document")
        bring.clicked.connect(self.import_queries)
        self._head_actions = (self._undo, self._judge, self._write, self._make, bring)
        for button in self._head_actions:
            self.head.add_action(button)
        self._follow_undo(self.session.undo_words)

    def _make_empty(self) -> QWidget:
        button = Button(self.tr("Import queries"), "primary", size="large")
        button.clicked.connect(self.import_queries)
        make = Link(self.tr("Make them from your documents"))
        make.clicked.connect(self.make_queries)
        return EmptyState(
            "query",
            self.tr("What people type, and what answers it"),
            self.tr("Queries with their right passages are what a model learns from and what it is measured with."),
            button,
            make,
        )

    def _make_content(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, gap=12)
        line = row(gap=8)
        self._contains = FilterBox(self.tr("Filter queries"), keys="Ctrl+F", parent=self)
        self._contains.setMinimumWidth(168)
        self._contains.setMaximumWidth(240)
        self._contains.settled.connect(lambda _text: self._filter_changed())
        line.addWidget(self._contains, 1)
        self._split = SegmentedControl([self.tr("All"), "train", "dev", "test"], accessible=self.tr("Split"))
        self._split.changed.connect(lambda _place: self._filter_changed())
        line.addWidget(self._split)
        self._which = ChoiceBox(accessible=self.tr("Which queries"))
        self._which.picked.connect(lambda _value: self._filter_changed())
        self._which.setFixedWidth(126)
        line.addWidget(self._which)
        line.addStretch(1)
        self._leaks = LeakNote()
        line.addWidget(self._leaks)
        stack.addLayout(line)
        stack.addWidget(self._make_table(), 3)
        self.duplicates = DuplicatesDrawer()
        self.duplicates.threshold_moved.connect(self._look_at)
        self.duplicates.merge_all_asked.connect(self._merge_all)
        self.duplicates.merge_asked.connect(self._merge)
        self.duplicates.keep_asked.connect(self._keep_pair)
        self.duplicates.group_chosen.connect(self._show_query)
        self.duplicates.group_parted.connect(self._take_apart)
        self.split = SplitDrawer()
        self.split.split_asked.connect(self._run_split)
        self.split.toggled.connect(lambda open_: self.duplicates.set_open(False) if open_ else None)
        stack.addWidget(self.duplicates, 2)
        stack.addWidget(self.split)
        return holder

    def _make_table(self) -> QWidget:
        card = Card(pad=0)
        self._model = QueriesModel(self)
        self._model.loaded.connect(self._table_loaded)
        self.table = TableView(self.tr("Queries"))
        self.table.setModel(self._model)
        self.table.set_widths(0, 136, 64, 64, 72, 82)
        self.table.setMinimumHeight(28 + 3 * 30)
        self.table.selectionModel().currentRowChanged.connect(self._row_chosen)
        clear = Link(self.tr("Clear the filter"))
        clear.clicked.connect(self._clear_filter)
        sentence = self.tr("Other words or another split may help.")
        self._none = EmptyState("filter", self.tr("No query passes the filter"), sentence, link=clear)
        card.body.addWidget(self.table)
        card.body.addWidget(self._none)
        self._none.hide()
        return card

    def _show_view(self, view: QueriesView) -> None:
        self._show_frame(view.total > 0)
        total = amount(view.total, self.tr("query"), self.tr("queries"))
        after = fill(self.tr("%1, %2 after merging"), total, words.count(view.total - view.merged))
        self.head.set_fact((after if view.merged else total) if view.total else "")
        names = (self.tr("All"), "train", "dev", "test")
        pairs = zip(names, view.counts, strict=True)
        self._split.set_choices([f"{name} {words.count(number)}" for name, number in pairs])
        self._which.set_choices(
            [
                (self.tr("Every query"), "all"),
                (fill(self.tr("Merged %1"), words.count(view.merged)), "merged"),
                (fill(self.tr("No answer %1"), words.count(view.unanswered)), "unanswered"),
            ]
        )
        self._leaks.show_split(view.split)
        self.split.show_split(view.split)
        if view.split.changed:
            self.session.edit("leaks", {}, self._show_leaks)
        self.duplicates.show_view(view.duplicates, view.groups)

    def _is_judging(self) -> bool:
        return self._bench is not None and self._bench.isVisible()

    def _stop_judging(self) -> None:
        """Back to the queries, read anew: judging changed them."""
        if self._bench is None or not self._bench.isVisible():
            return
        self._bench.hide()
        self.head.show()
        self._stack.show()
        self._show_frame(self._stack.currentIndex() == 1)
        self.refresh({"queries"})

    def _show_frame(self, filled: bool) -> None:
        self._stack.setCurrentIndex(1 if filled else 0)
        for button in self._head_actions[1:]:
            button.setVisible(filled)
        self.show_inspector(filled and not self._is_judging())

    def _filter(self) -> QueryFilter:
        which = self._which.value()
        return QueryFilter(
            SPLITS[self._split.current()],
            self._contains.text().strip(),
            duplicates=True if which == "merged" else False if which == "unanswered" else None,
            judged=False if which == "unanswered" else None,
        )

    def _filter_changed(self) -> None:
        self._refiltered = True
        self._model.show_queries(self.reader(), self._filter())

    def _clear_filter(self) -> None:
        self._contains.clear()
        self._split.set_current(0)
        self._which.set_value("all")
        self._filter_changed()

    def _table_loaded(self, total: int) -> None:
        if total:
            self._show_frame(True)
        filtered = self._filter() != QueryFilter()
        self._none.setVisible(total == 0 and filtered)
        self.table.setVisible(total > 0 or not filtered)
        if self._wanted:
            self._choose_wanted()
            self._wanted = 0
        elif total and not self.table.currentIndex().isValid() and (self._refiltered or self._one.group() is None):
            self.table.selectRow(0)
        self._refiltered = False

    def _choose_wanted(self) -> None:
        """Choose the query another page asked for, where it is among the rows read so far."""
        place = self._model.row_where(lambda found: found.query.id == self._wanted)
        if place >= 0:
            self.table.selectRow(place)
        else:
            self.table.clearSelection()

    def _row_chosen(self, current: QModelIndex, _before: QModelIndex) -> None:
        found = current.data(RECORD)
        if isinstance(found, QueryRow):
            self._show_query(found.query.id)

    def _show_query(self, query_id: int) -> None:
        self.ask("queries/one", lambda project: browse.query_group(project, query_id), self._one.show_group)

    def _look_at(self, threshold: float) -> None:
        """Another threshold: only the kept pairs are read again."""
        self.ask("queries/pairs", lambda project: read_duplicates(project, threshold), self.duplicates.show_view)

    def _merge_all(self, threshold: float) -> None:
        self.session.run_job("dedup", {"threshold": threshold})

    def _run_split(self, params: SplitParams) -> None:
        self.session.run_job("split", params_to_dict(params))

    def _merge(self, pair: Pair) -> None:
        values = {"query_id": pair.right.id, "into": pair.left.duplicate_of or pair.left.id}
        self._regroup("merge", values, fill(self.tr("merge “%1”"), _short(pair.right)))
        self._say_undoable(fill(self.tr("Merged “%1”"), _short(pair.right)))

    def _keep_pair(self, pair: Pair) -> None:
        """Both stand for themselves, now and at any threshold."""
        apart, other = (pair.right, pair.left) if pair.right.duplicate_of else (pair.left, pair.right)
        values = {"query_id": apart.id, "other_id": other.id}
        self._regroup("keep_apart", values, fill(self.tr("keep “%1” apart"), _short(apart)))
        self._say_undoable(fill(self.tr("“%1” is kept apart at any threshold"), _short(apart)))

    def _keep_apart(self, query: Query) -> None:
        if query.duplicate_of is None:
            return
        self._regroup("unmerge", {"query_id": query.id}, fill(self.tr("keep “%1”"), _short(query)))
        self._say_undoable(fill(self.tr("“%1” stands for itself again"), _short(query)))

    def _take_apart(self, query_id: int) -> None:
        self._regroup("take_apart", {"query_id": query_id}, self.tr("take a group apart"))
        self._say_undoable(self.tr("Every query of the group stands for itself again"))

    def _regroup(self, kind: str, values: dict[str, int], said: str) -> None:
        """Change groups; the undo is completed with what the engine says was there before."""
        back: dict[str, object] = {}
        undo = Undo(said, "restore_groups", back)
        self.session.edit(kind, dict(values), lambda found: back.update(before=found["before"]), undo=undo)

    def _refuse_answer(self, query: Query, answer: Answer) -> None:
        values = {"query_id": query.id, "passage_id": answer.passage.id}
        undo = Undo(self.tr("not an answer"), "restore_qrels", {**values, "removed": []})  # completed by what is said
        self.session.edit("unqrel", values, undo.values.update, undo=undo)
        self._say_undoable(fill(self.tr("“%1” is no answer now"), words.plain(answer.title, 40)))

    def _say_undoable(self, text: str) -> None:
        self.session.say(text, self.tr("Undo"), self.session.undo)

    def _say_added(self, values: dict[str, object]) -> None:
        def take_back() -> None:
            self.session.edit("unadd_query", values)

        self.session.say(self.tr("The query was added"), self.tr("Undo"), take_back)

    def _follow_undo(self, what: str) -> None:
        self._undo.setVisible(bool(what))
        self._undo.setToolTip(fill(self.tr("Undo: %1"), what) if what else self.tr("Undo"))
        self._undo.setAccessibleName(self._undo.toolTip())


def _short(query: Query) -> str:
    text = words.plain(query.text, 200)
    return text if len(text) <= 40 else text[:39] + "…"
