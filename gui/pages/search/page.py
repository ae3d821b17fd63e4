"""The Search page: a box that answers while one types, two systems side by side, and why a hit ranks where it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.protocol import FoundHit, SearchHits, SearchProgress
from gui import words
from gui.pages.reading import ReadingPage
from gui.pages.search.facts import (
    DEPTH,
    Found,
    SearchFacts,
    WhyFacts,
    default_systems,
    new_in_top,
    read_cards,
    read_facts,
    read_why,
)
from gui.pages.search.parts import Suggestions, SystemHead
from gui.pages.search.why import WhyPanel
from gui.phrases import fill
from gui.widgets.buttons import Button, IconButton, SegmentedControl
from gui.widgets.cards import EmptyState, row, scroller
from gui.widgets.hit_columns import HitColumns
from gui.widgets.inputs import FilterBox
from gui.widgets.labels import label

if TYPE_CHECKING:
    from gui.session import Session

SHOWN = 10
SLOW_MS = 400
_EMPTY, _SUGGESTIONS, _HITS, _BLANK = range(4)


@dataclass(slots=True)
class _Round:
    """One text asked of one or two systems; shown when all of them answered."""

    text: str
    keys: tuple[str, ...]
    hits: dict[int, list[FoundHit]] = field(default_factory=dict)
    milliseconds: dict[int, float] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return len(self.hits) == len(self.keys)


class SearchPage(ReadingPage):
    """Asks two systems for each text that stands still a moment; earlier results stay until both answered."""

    name = "search"
    icon = "search"
    topics = frozenset({"documents", "models", "queries", "runs", "feedback", "project"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "", parent)
        self.head.set_title(self.tr("Search"))
        self.setAccessibleName(self.tr("Search"))
        self._facts = SearchFacts()
        self._keys = ["", ""]
        self._round: _Round | None = None
        self._shown: _Round | None = None
        self._votes: dict[int, int] = {}
        self._asked_text = ""
        self._chosen = (0, 0)
        self._make_actions()
        self._make_line()
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack, 1)
        documents = Button(self.tr("Add documents"), "primary", icon_name="plus")
        documents.clicked.connect(lambda: self.session.show_page("documents"))
        empty = EmptyState(
            "search",
            self.tr("Nothing to search in yet"),
            self.tr("Add documents, and this page finds passages in them by words, by meaning, or by both."),
            documents,
        )
        self._stack.addWidget(empty)
        self._suggestions = Suggestions()
        self._suggestions.picked.connect(self.search_for)
        self._stack.addWidget(scroller(self._suggestions))
        self._heads = (SystemHead(self.tr("Left system")), SystemHead(self.tr("Right system")))
        self._columns = HitColumns(*self._heads)
        self._stack.addWidget(self._columns)
        self._stack.addWidget(QWidget())
        self.why = WhyPanel(self.use_inspector(self.tr("Why this rank")))
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(SLOW_MS)
        self._slow.timeout.connect(self._say_slow)
        self._connect()
        self._show_frame(False)

    def _make_actions(self) -> None:
        self._undo = IconButton("undo", self.tr("Undo the last change"))
        self._undo.clicked.connect(self.session.undo)
        self._undo.setEnabled(False)
        self._keep = Button(self.tr("Keep as a query"), icon_name="flag")
        self._keep.setToolTip(self.tr("Store this text as a query of the project, answered by the chosen passage"))
        self._keep.clicked.connect(self._keep_question)
        self.head.add_action(self._undo)
        self.head.add_action(self._keep)

    def _make_line(self) -> None:
        self._box = FilterBox(self.tr("Ask in your own words"), icon_name="search", big=True)
        self._time = label("", "caption", "text3")
        inside = row(self._box, margins=(0, 0, 12, 0))
        inside.addStretch(1)
        inside.addWidget(self._time)
        self.body.setSpacing(8)
        self.body.addWidget(self._box)
        line = row()
        self._layout = SegmentedControl(
            [self.tr("One system"), self.tr("Two systems")], 1, accessible=self.tr("Columns")
        )
        line.addWidget(self._layout)
        line.addStretch(1)
        self._note = label("", "dense", "text3")
        line.addWidget(self._note)
        self.body.addLayout(line)

    def _connect(self) -> None:
        self._box.settled.connect(self._settled)
        self._box.returnPressed.connect(lambda: self._settled(self._box.text()))
        self._layout.changed.connect(self._change_layout)
        for side, head in enumerate(self._heads):
            head.picked.connect(lambda key, side=side: self._change_system(side, key))
        self._columns.chosen.connect(self._choose)
        self._columns.voted.connect(self._vote)
        self.why.undo_asked.connect(self._take_back)
        self.why.document_asked.connect(lambda document: self.session.show_page("documents", {"document_id": document}))
        self.session.undo_changed.connect(lambda text: self._undo.setEnabled(bool(text)))
        self.session.resident.search_failed.connect(self._failed)
        self.session.resident.search_progress.connect(self._say_progress)
        shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self._focus_box)

    def refresh(self, topics: set[str]) -> None:
        if "all" in topics:
            self._reset()
        if topics & {"all", "documents", "models", "project", "runs"}:
            self._asked_text = ""
        self.ask("search/facts", read_facts, self._show_facts)
        if topics & {"feedback", "queries"} and self._shown is not None:
            self._read_cards(self._shown)

    def commands(self) -> Iterable[tuple[str, str, object]]:
        return ((self.tr("Ask a new question"), "search", self._focus_box),)

    def search_for(self, text: str) -> None:
        """Put a text into the box and search at once."""
        self._box.setText(text)
        self._settled(text)

    def _reset(self) -> None:
        self._round = self._shown = None
        self._stack.setCurrentIndex(_BLANK)
        self._keys, self._asked_text, self._chosen = ["", ""], "", (0, 0)
        self._box.blockSignals(True)
        self._box.clear()
        self._box.blockSignals(False)
        self._time.clear()
        self._note.clear()
        self.why.clear()

    def _show_facts(self, facts: SearchFacts) -> None:
        if facts.newest() != self._facts.newest():
            self._keys = ["", ""]  # a model that was just trained is what is looked for
        self._facts = facts
        first = self._box.isHidden()
        self._show_frame(bool(facts.passages))
        if first and facts.passages:
            self._box.setFocus()
        if not facts.passages:
            self._stack.setCurrentIndex(_EMPTY)
            return
        self.head.set_fact(fill(self.tr("%1 passages"), words.count(facts.passages)))
        defaults = default_systems(facts)
        for side in (0, 1):
            if facts.system(self._keys[side]) is None:
                self._keys[side] = defaults[side]
            self._heads[side].set_systems(facts.systems, self._keys[side])
        self._suggestions.set_texts(facts.suggestions)
        for key in self._keys:
            system = facts.system(key)
            if system is not None and system.mode != "bm25":
                self.session.warm_search(system.model)
        if self._shown is None:
            self._stack.setCurrentIndex(_SUGGESTIONS)
        self._settled(self._box.text())

    # Asking

    def _settled(self, text: str) -> None:
        text = text.strip()
        if not text:
            self._forget_round()
            self._shown, self._asked_text = None, ""
            self._time.clear()
            self._note.clear()
            self.why.clear()
            self._show_keep()
            if self._facts.passages:
                self._stack.setCurrentIndex(_SUGGESTIONS)
            return
        if text != self._asked_text and self._facts.passages:
            self._ask_all(text)

    def _ask_all(self, text: str) -> None:
        self._forget_round()
        self._asked_text = text
        self._show_keep()
        keys = tuple(self._keys[: 1 + self._layout.current()])
        asked = _Round(text, keys)
        self._round = asked
        self._slow.start()
        for side, key in enumerate(keys):
            system = self._facts.system(key)
            if system is None:
                continue
            request = self.session.search(
                text,
                lambda hits, side=side: self._answered(asked, side, hits),  # type: ignore[misc]
                lambda message, hint: self._round_failed(asked, message, hint),
                k=DEPTH,
                mode=system.mode,
                model=system.model,
            )
            asked.requests.append(request)

    def _forget_round(self) -> None:
        if self._round is not None:
            for request in self._round.requests:
                self.session.drop_search(request)
        self._round = None
        self._slow.stop()

    def _answered(self, asked: _Round, side: int, hits: SearchHits) -> None:
        if asked is not self._round:
            return
        asked.hits[side] = list(hits.hits)
        asked.milliseconds[side] = hits.milliseconds
        if asked.is_whole:
            self._slow.stop()
            self._round = None
            self.problem.hide()
            self._shown = asked
            self._read_cards(asked)

    def _round_failed(self, asked: _Round, message: str, hint: str) -> None:
        if asked is self._round:
            self._failed(message, hint)

    def _failed(self, message: str, hint: str) -> None:
        self._forget_round()
        self._asked_text = ""
        self._time.clear()
        if not self.isVisible():
            return
        again = Button(self.tr("Try again"), size="small")
        again.clicked.connect(self.problem.hide)
        again.clicked.connect(lambda: self._settled(self._box.text()))
        kept = self.tr("The results before it are still shown.") if self._shown else ""
        self.problem.show_error(message, hint, kept=kept, actions=[again])

    def _say_slow(self) -> None:
        self._time.setText(self.tr("searching…") if self._shown else self.tr("loading the model and its index…"))

    def _say_progress(self, told: SearchProgress) -> None:
        """The model reads the passages before its first answer."""
        if self._round is not None and told.done < told.total:
            done, total = words.count(told.done), words.count(told.total)
            self._time.setText(fill(self.tr("reading passages, %1 of %2…"), done, total))

    # Showing

    def _read_cards(self, shown: _Round) -> None:
        left = shown.hits[0]
        right = shown.hits.get(1)
        ranks = {hit.passage_id: hit.rank for hit in left}
        text = shown.text
        self.ask(
            "search/cards",
            lambda project: (
                read_cards(project, text, left, None, SHOWN),
                read_cards(project, text, right, ranks, SHOWN) if right is not None else None,
            ),
            lambda found: self._show_cards(shown, *found),
        )

    def _show_cards(self, shown: _Round, left: Found, right: Found | None) -> None:
        if shown is not self._shown:
            return
        self._votes = dict(left.votes)
        ranks = {hit.passage_id: hit.rank for hit in shown.hits[0]}
        self._columns.set_two(right is not None)
        self._columns.set_hits(left.cards, right.cards if right else (), ranks if right else {})
        self._stack.setCurrentIndex(_HITS)
        self._time.setText(fill(self.tr("%1 ms"), f"{max(shown.milliseconds.values()):.0f}"))
        self._time.setToolTip(self.tr("Time of the ranking alone, the slower of the two"))
        self._note.setText(self._note_words(shown, left))
        side, passage_id = self._chosen
        ids = {card.passage_id for card in (*left.cards, *(right.cards if right else ()))}
        if passage_id in ids:
            self._columns.choose(passage_id)
            self._choose(side, passage_id)
        else:
            self._chosen = (0, 0)
            self.why.clear()
            self._show_keep()

    def _note_words(self, shown: _Round, left: Found) -> str:
        if not left.cards and not shown.hits.get(1):
            return self.tr("No passage holds one of these words")
        if 1 not in shown.hits:
            return ""
        new = new_in_top([h.passage_id for h in shown.hits[0]], [h.passage_id for h in shown.hits[1]], SHOWN)
        return fill(self.tr("%1 of the top %2 are new at the right"), new, SHOWN)

    def _choose(self, side: int, passage_id: int) -> None:
        shown = self._shown
        if shown is None:
            return
        self._chosen = (side, passage_id)
        self._show_keep()
        text = shown.text
        self.ask("search/why", lambda project: read_why(project, text, passage_id), self._show_why)
        values = {"query": text, "passage_id": passage_id}
        self.session.edit(
            "explain", values, lambda found: self.why.show_terms(passage_id, found), on_failed=lambda _m, _h: None
        )

    def _show_why(self, facts: WhyFacts | None) -> None:
        shown = self._shown
        if facts is None or shown is None or facts.passage.id != self._chosen[1]:
            return
        side = self._chosen[0]
        rows, here = [], 0
        for place, key in enumerate(shown.keys):
            system = self._facts.system(key)
            hit = next((h for h in shown.hits[place] if h.passage_id == facts.passage.id), None)
            name = system.name if system else key
            rank = str(hit.rank) if hit else fill(self.tr("below %1"), DEPTH)
            score = words.decimal(hit.score, 3) if hit else "–"
            rows += [(fill(self.tr("Rank with %1"), name), rank), (fill(self.tr("Score with %1"), name), score)]
            here = hit.rank if hit and place == side else here
        self.why.show_facts(shown.text, facts, here, rows)
        self._show_vote()

    def _show_vote(self) -> None:
        passage_id = self._chosen[1]
        cards = [*self._columns.left.hits.cards(), *self._columns.right.hits.cards()]
        vote = next((card.vote for card in cards if card.passage_id == passage_id), 0)
        self.why.show_vote(vote, self._facts.feedback)

    # Changing

    def _change_layout(self, _place: int) -> None:
        self._columns.set_two(self._layout.current() == 1)
        self._search_again()

    def _change_system(self, side: int, key: str) -> None:
        self._keys[side] = key
        self._search_again()

    def _search_again(self) -> None:
        self._asked_text = ""
        self._settled(self._box.text())

    def _vote(self, passage_id: int, vote: int, side: int) -> None:
        shown = self._shown
        if shown is None:
            return
        if not vote:
            self._unvote(passage_id)
            return
        self._columns.set_vote(passage_id, vote)
        system = self._facts.system(shown.keys[min(side, len(shown.keys) - 1)])
        taken_back: dict[str, Any] = {}
        undo = self._undo_of("unfeedback", taken_back, self.tr("a thumb on a hit"))

        def done(values: dict[str, Any]) -> None:
            # The id is known only now; the step on the undo stack holds the same dictionary.
            taken_back["feedback_id"] = values.get("feedback_id", 0)
            self._votes[passage_id] = int(values.get("feedback_id", 0))
            said = self.tr("Kept: it answers") if vote > 0 else self.tr("Kept: it does not answer")
            self.session.say(said, self.tr("Undo"), self.session.undo)

        values = {"text": shown.text, "passage_id": passage_id, "vote": vote, "system": system.key if system else ""}
        self.session.edit("feedback", values, done, undo=undo)
        self._show_vote()

    def _unvote(self, passage_id: int) -> None:
        feedback_id = self._votes.get(passage_id)
        if feedback_id:
            self._columns.set_vote(passage_id, 0)
            self.session.edit("unfeedback", {"feedback_id": feedback_id})
            self._show_vote()

    def _take_back(self) -> None:
        self._unvote(self._chosen[1])

    def _keep_question(self) -> None:
        shown, passage_id = self._shown, self._chosen[1]
        if shown is None or not passage_id:
            return
        taken_back: dict[str, Any] = {}
        undo = self._undo_of("unadd_query", taken_back, self.tr("keep a query"))

        def done(values: dict[str, Any]) -> None:
            taken_back.update(values)
            said = self.tr("Kept as a query; it takes part from the next split on")
            self.session.say(said, self.tr("Undo"), self.session.undo)

        known = {"text": shown.text, "passage_id": passage_id}
        self.session.edit("add_query", known, done, undo=undo)

    def _undo_of(self, kind: str, values: dict[str, Any], what: str) -> Any:
        from gui.session import Undo

        return Undo(what, kind, values)

    # Frame

    def _show_frame(self, shown: bool) -> None:
        for widget in (self._box, self._layout, self._note, self._undo, self._keep):
            widget.setVisible(shown)
        self.show_inspector(shown)
        self._show_keep()

    def _show_keep(self) -> None:
        if not self._box.text().strip():
            self._keep.set_possible(False, self.tr("Ask something first"))
        elif not self._chosen[1]:
            self._keep.set_possible(False, self.tr("Choose the answer to keep it"))
        else:
            self._keep.set_possible(True)

    def _focus_box(self) -> None:
        self._box.setFocus()
        self._box.selectAll()

    def open_at(self, what: dict[str, object]) -> None:
        """`text` is searched for at once, `step` puts the keyboard in the box."""
        if what.get("text"):
            self.search_for(str(what["text"]))
        elif what.get("step"):
            self._focus_box()

    def is_answered(self) -> bool:
        """Whether the hits of the text in the box are shown, and nothing is asked any more."""
        shown = self._shown is not None and self._shown.text == self._box.text().strip()
        return shown and self._round is None and self.is_settled() and self._stack.currentIndex() == _HITS
