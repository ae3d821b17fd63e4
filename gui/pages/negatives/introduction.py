"""Five cards that say what the bench is for, each with a passage of the user's own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from engine.store import documents
from engine.store.project import Project
from engine.store.selection import STATES, CandidateState
from gui import words
from gui.phrases import fill
from gui.tables.mined import Mined, Picture, rows_shown
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, column, row
from gui.widgets.labels import key_cap, label

_WIDTH = 560
_LONGEST = 420


@dataclass(frozen=True, slots=True)
class IntroductionCard:
    """What a card says, and the passage it shows ("" for none), or the keys with what each does."""

    title: str
    sentence: str
    passage: str
    keys: tuple[tuple[str, str], ...] = ()


def read_cards(project: Project, mined: Mined, shown: Picture, query_id: int, question: str) -> list[IntroductionCard]:
    """The cards for a query: its answer, a hard negative, an easy one, a doubtful one, and the keys."""
    rows = rows_shown(mined, query_id)
    states = [STATES[state] for state in shown.selection.states[rows]]
    margins = np.asarray(mined.candidates.margin[rows])

    def first(wanted: CandidateState) -> int:
        return next((int(rows[i]) for i, state in enumerate(states) if state is wanted), -1)

    places = (
        first(CandidateState.ANSWER),
        first(CandidateState.CHOSEN),
        int(rows[int(np.argmax(margins))]),
        first(CandidateState.DOUBTFUL),
    )
    ids = [int(mined.candidates.passage_id[place]) if place >= 0 else 0 for place in places]
    found = documents.passages(project, [passage_id for passage_id in ids if passage_id])
    texts = [words.plain(found[i].search_text, _LONGEST) if i in found else "" for i in ids]
    asked = words.plain(question, 160)
    doubtful = _tr("The model finds this one so near that it may be an answer nobody marked. It waits for your word.")
    none = _tr(
        "This query has none. Elsewhere a passage so near that it may be an unmarked answer waits for your word."
    )
    return [
        IntroductionCard(_tr("The answer"), fill(_tr("“%1” is answered by this passage."), asked), texts[0]),
        IntroductionCard(
            _tr("A hard negative"),
            _tr("It looks like the answer and is none. Telling the two apart is what training learns from it."),
            texts[1],
        ),
        IntroductionCard(
            _tr("Too easy"),
            _tr("So far from the query that any model tells it apart: it would teach nothing."),
            texts[2],
        ),
        IntroductionCard(_tr("Doubtful"), doubtful if texts[3] else none, texts[3]),
        IntroductionCard(
            _tr("Your word"),
            _tr("One key says it, and the next one comes by itself. Every word can be taken back."),
            "",
            bench_keys(),
        ),
    ]


def bench_keys() -> tuple[tuple[str, str], ...]:
    """The keys of the bench, those of a person's word first."""
    return (
        ("N", _tr("it is a negative")),
        ("X", _tr("leave it out")),
        ("P", _tr("it is an answer, too")),
        ("U", _tr("undo")),
        ("B", _tr("leave all doubtful ones out")),
        ("D", _tr("the next doubtful one")),
        ("J", _tr("the next one")),
        ("K", _tr("the one before")),
        ("A", _tr("compare with the next answer")),
        ("S", _tr("which sentences make it alike")),
        ("F", _tr("filter")),
        ("I", _tr("these cards again")),
    )


class Introduction(QDialog):
    """One card at a time; arrow keys and Enter turn them, Escape ends it."""

    def __init__(self, cards: Sequence[IntroductionCard], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards, self._place = list(cards), 0
        self.setWindowTitle(_tr("What the bench is for"))
        self.setModal(True)
        self.setFixedSize(_WIDTH, 380)
        stack = column(self, margins=(24, 20, 24, 20), gap=8)
        self._count = label("", "caption", "text3")
        self._title = label("", "heading")
        self._sentence = label("", "body", "text2", wrap=True)
        self._holder = Card(kind="inset", pad=12)
        self._passage = label("", "body", wrap=True)
        self._passage.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._holder.body.addWidget(self._passage, 1)
        for part in (self._count, self._title, self._sentence):
            stack.addWidget(part)
        stack.addWidget(self._holder, 1)
        self._keys = _keys_sheet()
        stack.addWidget(self._keys)
        stack.addStretch(0)
        line = row()
        self.before = Button(_tr("Back"), "plain")
        self.after = Button(_tr("Next"), "primary")
        self.before.clicked.connect(lambda: self.turn(-1))
        self.after.clicked.connect(lambda: self.turn(1))
        self.after.setDefault(True)
        line.addStretch(1)
        line.addWidget(self.before)
        line.addWidget(self.after)
        stack.addLayout(line)
        self._show()
        self.after.setFocus()

    def title(self) -> str:
        return self._title.text()

    def turn(self, step: int) -> None:
        """To the card before or after; past the last one the dialog ends."""
        if self._place + step >= len(self._cards):
            self.accept()
            return
        self._place = max(0, self._place + step)
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()), 0)
        if step:
            self.turn(step)
            return
        super().keyPressEvent(event)

    def _show(self) -> None:
        card = self._cards[self._place]
        self._count.setText(fill(_tr("%1 of %2"), str(self._place + 1), str(len(self._cards))))
        self._title.setText(card.title)
        self._sentence.setText(card.sentence)
        self._passage.setText(card.passage)
        self._holder.setVisible(bool(card.passage))
        self._keys.setVisible(bool(card.keys))
        self.before.setEnabled(self._place > 0)
        last = self._place == len(self._cards) - 1
        self.after.setText(_tr("Begin") if last else _tr("Next"))
        told = "; ".join(f"{key}: {does}" for key, does in card.keys)
        self.setAccessibleDescription(
            " ".join(part for part in (f"{card.title}.", card.sentence, card.passage, told) if part)
        )


def _keys_sheet() -> QWidget:
    """Key caps with what they do, in two columns."""
    made = QWidget()
    lines = QGridLayout(made)
    lines.setContentsMargins(0, 8, 0, 0)
    lines.setHorizontalSpacing(8)
    lines.setVerticalSpacing(10)
    keys = bench_keys()
    half = (len(keys) + 1) // 2
    for place, (key, does) in enumerate(keys):
        lines.addWidget(key_cap(key), place % half, 2 * (place // half))
        lines.addWidget(label(does, "body"), place % half, 2 * (place // half) + 1)
    for column_ in (1, 3):
        lines.setColumnStretch(column_, 1)
    return made


def _tr(text: str) -> str:
    return QCoreApplication.translate("NegativesPage", text)
