"""The judging bench: a query, the passages that BM25 and the model bring for it, one card after another, by key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.protocol import SearchProgress
from engine.store.judging import BY_HAND, NOT, PARTLY, RELEVANT, Pool, PoolCard
from gui import words
from gui.pages.judge.facts import (
    Ask,
    Fetched,
    PoolFetcher,
    Standing,
    Start,
    progress_words,
    reach_words,
    read_pool,
    read_standing,
    read_start,
    reading_words,
    tally_words,
    undo_words,
)
from gui.pages.judge.parts import PassageView, PoolStrip, QuestionCard
from gui.phrases import fill
from gui.session import Undo
from gui.widgets.buttons import Button, IconButton
from gui.widgets.cards import EmptyState, ErrorPanel, PageHead, column, row
from gui.widgets.inputs import FilterBox
from gui.widgets.labels import ElidedLabel, Icon, label

if TYPE_CHECKING:
    from gui.session import Session

Values = dict[str, Any]  # Any: JSON values of edits


class JudgeBench(QWidget):
    """Keys: A relevant, S partly, D not, F skip, U undo, J and K to the card after and before, N the next query,
    W a new query, Escape back. `closed` when the person goes back to the queries.
    """

    closed = Signal()

    def __init__(self, session: Session, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._ask = session, ask
        self._start: Start | None = None
        self._fetched: Fetched | None = None
        self._pool: Pool | None = None
        self._place = 0
        self._wanted, self._wanted_passage = 0, 0
        self._done: set[int] = set()
        self._pending, self._undo_wanted = 0, 0
        self._words: list[tuple[str, int, int]] = []
        self._fetcher = PoolFetcher(session, ask, self)
        self._fetcher.fetched.connect(self._take)
        self._fetcher.failed.connect(self._fail)
        stack = column(self, gap=12)
        stack.addWidget(self._make_head())
        self.problem = ErrorPanel()
        stack.addWidget(self.problem)
        self._frames = QStackedWidget()
        stack.addWidget(self._frames, 1)
        self._busy = EmptyState("search", self.tr("Looking for passages"), "")
        self._none = self._make_none()
        self._all = self._make_all()
        self._work = self._make_work()
        for frame in (self._busy, self._work, self._none, self._all):
            self._frames.addWidget(frame)
        self._reach = ElidedLabel("", "caption", "text3")
        foot = row(gap=6)
        foot.addWidget(Icon("info", "text3", 12))
        foot.addWidget(self._reach, 1)
        stack.addLayout(foot)
        self._make_keys()
        session.resident.search_progress.connect(self._tell_progress)
        session.undo_changed.connect(self._follow_undo)
        self._follow_undo(session.undo_words)

    # What the page asks for

    def begin(self, query_id: int = 0) -> None:
        """Read the order and show `query_id`, or the first query of the order."""
        self._fetcher.forget()
        self._pool, self._fetched, self._wanted = None, None, query_id
        self._done.clear()
        self.problem.hide()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._wait(self.tr("The order of queries is read."))
        self._ask("judge/start", read_start, self._show_start)

    def refresh(self) -> None:
        """Judgements are others now: by this bench's own word, by undo, or by another page."""
        fetched = self._fetched
        if self._pending:
            return
        self._ask("judge/standing", read_standing, self._show_standing)
        if fetched is not None:
            self._ask("judge/again", lambda project: read_pool(project, fetched), self._show_again)

    def card(self) -> PoolCard | None:
        """The card that is shown."""
        return self._pool.cards[self._place] if self._pool and self._pool.cards else None

    def judge(self, grade: int | None) -> None:
        """Say a word on the shown passage, None to skip it; it is kept at once, and the next card comes."""
        card, pool = self.card(), self._pool
        if card is None or pool is None or not self._work.isVisible():
            return
        if grade is None and card.grade is not None:
            self.step(1)
            return
        ids = {"query_id": pool.query.id, "passage_id": card.passage.id}
        said = undo_words(grade, card.title)
        back: Values = dict(ids)  # completed with what was there before, once the engine says it
        self._pending += 1
        self._words.append((said, pool.query.id, card.passage.id))
        self._session.edit(
            "judge",
            {**ids, "grade": grade},
            lambda values: self._kept(values, back),
            undo=Undo(said, "unjudge", back),
            on_failed=self._not_kept,
        )
        self._put(self._place, replace(card, grade=grade, source=BY_HAND, skipped=grade is None))
        self._go_on()

    def step(self, step: int) -> None:
        """To the card after or before."""
        if self._pool and 0 <= self._place + step < len(self._pool.cards):
            self._choose(self._place + step)

    def undo(self) -> None:
        """Take the last word back, and show the card it was on."""
        if self._pending:
            self._undo_wanted += 1
            return
        while self._words and self._words[-1][0] != self._session.undo_words:
            self._words.pop()
        if self._words:
            _, query_id, self._wanted_passage = self._words.pop()
            self._done.discard(query_id)
            if self._pool is None or self._pool.query.id != query_id:
                self._open(query_id)
        self._session.undo()

    def next_query(self) -> None:
        """The next query of the order."""
        start = self._start
        if start is None:
            return
        following = self._following()
        if following:
            self._open(following)
        else:
            self._show_all()

    # Building

    def _make_head(self) -> QWidget:
        self.head = PageHead(self.tr("Judge"))
        margins = self.head.layout()
        if margins is not None:
            margins.setContentsMargins(0, 0, 0, 0)
        self._back = Button(self.tr("All queries"), "flat", icon_name="chevron-left")
        self._back.setToolTip(self.tr("Back to all queries (Esc)"))
        self._back.clicked.connect(self.closed)
        self.written = FilterBox(self.tr("Write a new query (W)"), icon_name="plus")
        self.written.setMinimumWidth(200)
        self.written.setMaximumWidth(320)
        self.written.returnPressed.connect(self._write)
        self.written.installEventFilter(self)
        self._undo = IconButton("undo", self.tr("Undo"))
        self._undo.clicked.connect(self.undo)
        for part in (self._undo, self.written, self._back):
            self.head.add_action(part)
        return self.head

    def _make_work(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, gap=12)
        self.question = QuestionCard()
        stack.addWidget(self.question)
        strip = row(gap=12)
        self._count = label("", "body", "text2")
        strip.addWidget(self._count)
        self.strip = PoolStrip()
        self.strip.chosen.connect(self._choose)
        strip.addWidget(self.strip, 1)
        self._tally = label("", "body", "text2")
        strip.addWidget(self._tally)
        stack.addLayout(strip)
        self.passage = PassageView()
        stack.addWidget(self.passage, 1)
        stack.addLayout(self._make_buttons())
        return holder

    def _make_buttons(self) -> Any:  # Any: a layout of Qt
        line = row(gap=8)
        self.relevant = Button(self.tr("Relevant"), "plain", keys="A")
        self.partly = Button(self.tr("Partly"), "plain", keys="S")
        self.wrong = Button(self.tr("Not"), "plain", keys="D")
        self.skip = Button(self.tr("Skip"), "flat", keys="F")
        for button, grade in ((self.relevant, RELEVANT), (self.partly, PARTLY), (self.wrong, NOT), (self.skip, None)):
            button.clicked.connect(lambda _checked=False, grade=grade: self.judge(grade))
            line.addWidget(button)
        line.addStretch(1)
        before = IconButton("chevron-up", self.tr("Card before (K)"), size="small")
        after = IconButton("chevron-down", self.tr("Card after (J)"), size="small")
        before.clicked.connect(lambda: self.step(-1))
        after.clicked.connect(lambda: self.step(1))
        self.following = Button(self.tr("Next query"), "plain", keys="N")
        self.following.clicked.connect(self.next_query)
        for part in (before, after, self.following):
            line.addWidget(part)
        return line

    def _make_none(self) -> EmptyState:
        button = Button(self.tr("Next query"), "primary", keys="N")
        button.clicked.connect(self.next_query)
        return EmptyState("search", self.tr("No passage was found"), "", button)

    def _make_all(self) -> EmptyState:
        button = Button(self.tr("Write a new query"), "primary", keys="W")
        button.clicked.connect(self._start_writing)
        return EmptyState("check", self.tr("Every query is judged"), "", button)

    def _make_keys(self) -> None:
        """Single keys; while a text field has the focus it takes them, as Qt's fields do."""
        for key, run in (
            ("A", lambda: self.judge(RELEVANT)),
            ("S", lambda: self.judge(PARTLY)),
            ("D", lambda: self.judge(NOT)),
            ("F", lambda: self.judge(None)),
            ("U", self.undo),
            ("J", lambda: self.step(1)),
            ("K", lambda: self.step(-1)),
            ("N", self.next_query),
            ("W", self._start_writing),
            ("Esc", self.closed.emit),
        ):
            shortcut = QShortcut(QKeySequence(key), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(run)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape in the field leaves the field, not the bench."""
        is_key = watched is self.written and event.type() == QEvent.Type.ShortcutOverride
        if is_key and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.written.clear()
            self.setFocus(Qt.FocusReason.OtherFocusReason)
            event.accept()
            return True
        return super().eventFilter(watched, event)

    # Reading

    def _show_start(self, start: Start) -> None:
        self._start = start
        self._show_standing(start.standing)
        first = self._wanted or (start.order[0] if start.order else 0)
        if not start.passages:
            self._none.set_words(
                self.tr("There are no passages yet"),
                self.tr("Import documents first; then BM25 and the model bring what there is to judge."),
            )
            self._frames.setCurrentWidget(self._none)
        elif first:
            self._open(first)
        else:
            self._show_all()

    def _open(self, query_id: int) -> None:
        start = self._start
        if start is None:
            return
        self._wanted, self._pool, self._fetched = query_id, None, None
        self.problem.hide()
        self._wait(self.tr("BM25 and the model are asked; the first time the model is loaded."))
        self._fetcher.fetch(query_id, start.model)

    def _take(self, fetched: Fetched) -> None:
        """Hits came: those of the query that is waited for are shown, others are kept for later."""
        if fetched.query.id != self._wanted or self._fetched is fetched:
            return
        self._fetched = fetched
        self._ask("judge/pool", lambda project: read_pool(project, fetched), self._show_pool)

    def _show_pool(self, pool: Pool) -> None:
        if pool.query.id != self._wanted:
            return
        self._pool = pool
        self.question.show_query(pool.query)
        if not pool.cards:
            self._none.set_words(
                self.tr("No passage was found"),
                fill(self.tr("Neither BM25 nor the model finds anything for “%1”."), words.plain(pool.query.text, 80)),
            )
            self._finish()
            self._frames.setCurrentWidget(self._none)
        else:
            self._frames.setCurrentWidget(self._work)
            asked_for = self._place_of(self._wanted_passage)
            self._choose(asked_for if asked_for >= 0 else self._next_open(-1))
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._wanted_passage = 0
        self._fetch_ahead()

    def _show_again(self, pool: Pool) -> None:
        """What was said of the cards by now; a card whose word was taken back is shown."""
        shown = self._pool
        if shown is None or pool.query.id != shown.query.id or self._pending:
            return
        reopened = [place for place, card in enumerate(pool.cards) if card.is_open and not self._was_open(place, card)]
        self._pool = pool
        place = self._place_of(self._wanted_passage)
        self._wanted_passage = 0
        if place < 0 and reopened:
            place = reopened[0]
        if pool.open_cards:
            self._done.discard(pool.query.id)
        self.question.show_query(pool.query)
        if 0 <= place != self._place:
            self._choose(place)
        elif self.card() is not None:
            self.passage.show_word(pool.cards[self._place])
            self._follow()

    def _was_open(self, place: int, card: PoolCard) -> bool:
        cards = self._pool.cards if self._pool else ()
        return place < len(cards) and cards[place].passage.id == card.passage.id and cards[place].is_open

    def _show_standing(self, standing: Standing) -> None:
        self.head.set_fact(progress_words(standing.progress))
        self._reach.setText(reach_words(standing))

    def _fail(self, query_id: int, message: str, hint: str) -> None:
        if query_id != self._wanted or self._pool is not None:
            return
        again = Button(self.tr("Try again"), "plain", size="small")
        again.clicked.connect(lambda: self._open(query_id))
        self._busy.set_words(self.tr("The passages could not be found"), "")
        self.problem.show_error(words.plain(message, 400), words.plain(hint, 400), actions=[again])

    # Showing

    def _wait(self, sentence: str) -> None:
        if not self.written.hasFocus():
            self.setFocus(Qt.FocusReason.OtherFocusReason)  # what is hidden would hand it to the field, with every key
        self._busy.set_words(self.tr("Looking for passages"), sentence)
        self._frames.setCurrentWidget(self._busy)

    def _tell_progress(self, told: SearchProgress) -> None:
        """The model reads the passages before it can bring some, once: say how far it is."""
        here = self._frames.currentWidget() is self._busy and told.project == str(self._session.path)
        if here and told.done < told.total:
            self._busy.set_words(self.tr("Looking for passages"), reading_words(told))

    def _choose(self, place: int) -> None:
        pool = self._pool
        if pool is None or not 0 <= place < len(pool.cards):
            return
        self._place = place
        self.passage.show_card(pool.cards[place], pool.query.text)
        self._follow()

    def _put(self, place: int, card: PoolCard) -> None:
        """Show a word at once; the engine's own follows."""
        if self._pool is not None:
            cards = list(self._pool.cards)
            cards[place] = card
            self._pool = replace(self._pool, cards=tuple(cards))

    def _go_on(self) -> None:
        """To the next card without a word; after the last one the query is done."""
        following = self._next_open(self._place)
        self._choose(following)
        if self._pool is not None and not self._pool.open_cards:
            self._finish()

    def _finish(self) -> None:
        if self._pool is not None and self._pool.query.id not in self._done:
            self._done.add(self._pool.query.id)
            self._session.edit("judged_pool", {"query_id": self._pool.query.id})
        self._follow()

    def _follow(self) -> None:
        pool = self._pool
        if pool is None or not pool.cards:
            return
        self.strip.show_cards(pool.cards, self._place)
        self._count.setText(fill(self.tr("%1 of %2"), str(self._place + 1), str(len(pool.cards))))
        self._tally.setText(tally_words(pool))
        done = not pool.open_cards
        self.following.set_kind("primary" if done else "plain")

    def _show_all(self) -> None:
        self._pool, self._wanted = None, 0
        sentence = self.tr("Every passage that BM25 and the model bring for your queries has a word.")
        self._all.set_words(self.tr("Every query is judged"), sentence)
        self._frames.setCurrentWidget(self._all)

    def _follow_undo(self, what: str) -> None:
        self._undo.setVisible(bool(what))
        self._undo.setToolTip(fill(self.tr("Undo: %1 (U)"), what) if what else self.tr("Undo"))
        self._undo.setAccessibleName(self._undo.toolTip())

    # Words

    def _kept(self, values: Values, back: Values) -> None:
        back.update(before=values["before"], placed=values["placed"])
        self._pending -= 1
        if values["placed"]:
            split = str(values["placed"])
            self._session.say(fill(self.tr("The query is a %1 query now; it counts at the next measuring"), split))
        self._settle()

    def _not_kept(self, message: str, hint: str) -> None:
        self._pending -= 1
        if self._words:
            self._words.pop()
        self.problem.show_error(
            fill(self.tr("The word was not kept: %1"), words.plain(message, 400)), words.plain(hint, 400)
        )
        self._settle()

    def _settle(self) -> None:
        """Nothing is on its way any more: do what waited for it."""
        if self._pending:
            return
        while self._undo_wanted:
            self._undo_wanted -= 1
            self.undo()
        self.refresh()

    # Queries

    def _following(self) -> int:
        """The next query of the order that is not done, after the one shown."""
        order = self._start.order if self._start else ()
        place = order.index(self._wanted) if self._wanted in order else -1
        rest = (*order[place + 1 :], *order[: max(place, 0)])
        return next((query_id for query_id in rest if query_id not in self._done), 0)

    def _fetch_ahead(self) -> None:
        following = self._following()
        if following and self._start is not None:
            self._fetcher.fetch(following, self._start.model)

    def _next_open(self, place: int) -> int:
        """The first card without a word after `place`, else before it, else the same."""
        cards = self._pool.cards if self._pool else ()
        order = [*range(place + 1, len(cards)), *range(max(place, 0))]
        return next((at for at in order if cards[at].is_open), max(place, 0))

    def _place_of(self, passage_id: int) -> int:
        cards = self._pool.cards if self._pool else ()
        return next((place for place, card in enumerate(cards) if card.passage.id == passage_id), -1)

    def _start_writing(self) -> None:
        self.written.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _write(self) -> None:
        text = self.written.text().strip()
        if text:
            self.written.clear()
            self._session.edit("add_query", {"text": text}, self._written)

    def _written(self, values: Values) -> None:
        query_id = int(values["query_id"])
        self._done.discard(query_id)
        self._open(query_id)
        if values["new"]:
            self._session.say(self.tr("The query was added"), self.tr("Undo"), lambda: self._take_query_back(query_id))
        else:
            self._session.say(self.tr("This query was there already"))

    def _take_query_back(self, query_id: int) -> None:
        self._session.edit("remove_query", {"query_id": query_id}, lambda _values: self.begin())
