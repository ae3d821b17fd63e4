"""Why a hit stands where it stands: the passage by what its words add, weights, scores, ranks, and the thumb given."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gui import words
from gui.amounts import amount
from gui.pages.search.facts import WhyFacts
from gui.phrases import fill
from gui.shared_words import marks_of, whole_words
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, InfoRow, Inspector, column, empty, row, rule
from gui.widgets.gauges import Meter
from gui.widgets.labels import Chip, ElidedLabel, Icon, Link, label
from gui.widgets.weighted_text import HeatKey, WeightedText

_WORDS = 10


class WhyPanel(QObject):
    """Fills the inspector. `undo_asked` comes from the line below a thumb, `document_asked` names a document."""

    undo_asked = Signal()
    document_asked = Signal(int)

    def __init__(self, inspector: Inspector) -> None:
        super().__init__(inspector)
        self._inspector = inspector
        self._facts: WhyFacts | None = None
        self._terms: tuple[int, dict[str, Any]] = (0, {})
        self._query = ""
        self._answer = Chip(self.tr("answer"), "good")
        inspector.head.addWidget(self._answer)
        self._content = QWidget()
        self._nothing = label(self.tr("Choose a hit to see why it stands where it stands."), "body", "text2", wrap=True)
        inspector.body.addWidget(self._nothing)
        inspector.body.addWidget(self._content)
        inspector.body.addStretch(1)
        self._build()
        self.clear()

    def _build(self) -> None:
        stack = column(self._content, gap=8)
        stack.addWidget(
            label(self.tr("The passage, by the words it shares with the query"), "caption", "text3", wrap=True)
        )
        self._text = WeightedText(self.tr("The passage"))
        stack.addWidget(self._text)
        self._key = QWidget()
        key = row(self._key)
        key.addWidget(label(self.tr("little"), "caption", "text3"))
        key.addWidget(HeatKey())
        key.addWidget(label(self.tr("much"), "caption", "text3"))
        key.addStretch(1)
        stack.addWidget(self._key)
        stack.addWidget(rule())
        self._weights_title = label(self.tr("What each shared word adds for BM25"), "caption", "text3")
        stack.addWidget(self._weights_title)
        self._weights = column(gap=0)
        stack.addLayout(self._weights)
        self._missing = label("", "dense", "text2", wrap=True)
        stack.addWidget(self._missing)
        stack.addWidget(rule())
        self._rows = column(gap=0)
        stack.addLayout(self._rows)
        document = row()
        document.addWidget(label(self.tr("Document"), "body", "text2"))
        document.addStretch(1)
        self._document = Link("", "body")
        self._document.clicked.connect(self._open_document)
        document.addWidget(self._document)
        stack.addLayout(document)
        self._voted = Card(kind="inset", pad=12, gap=4)
        line = row()
        self._thumb = Icon("thumb-up", "text")
        line.addWidget(self._thumb)
        self._vote_words = ElidedLabel("", "body", weight="medium")
        line.addWidget(self._vote_words, 1)
        self._voted.body.addLayout(line)
        self._count = label("", "caption", "text2", wrap=True)
        self._voted.body.addWidget(self._count)
        undo = Button(self.tr("Undo"), size="small")
        undo.clicked.connect(self.undo_asked)
        self._voted.body.addWidget(undo)
        stack.addWidget(self._voted)

    def clear(self) -> None:
        """No hit is chosen."""
        self._facts = None
        self._content.hide()
        self._nothing.show()
        self._answer.hide()
        self._inspector.set_title(self.tr("Why this rank"))

    def show_facts(self, query: str, facts: WhyFacts, rank: int, rows: list[tuple[str, str]]) -> None:
        """Show a hit's passage and its places; the weights come after (`show_terms`)."""
        same = self._facts is not None and self._facts.passage.id == facts.passage.id
        self._facts, self._query = facts, query
        self._nothing.hide()
        self._content.show()
        self._answer.setVisible(facts.answers)
        title = fill(self.tr("Why rank %1"), rank) if rank else self.tr("Why not here")
        self._inspector.set_title(title, words.plain(facts.title, 200))
        if not same:
            self._text.show_text(words.plain(facts.passage.text, 6000, lines=True))
            empty(self._weights)
            self._missing.hide()
            self._key.hide()
            self._weights_title.setText(self.tr("What each shared word adds for BM25"))
        self._document.setText(_short(words.plain(facts.document, 60)))
        self._document.setToolTip("")
        empty(self._rows)
        for name, value in rows:
            self._rows.addWidget(InfoRow(name, value))
        if not same and self._terms[0] == facts.passage.id:
            self.show_terms(*self._terms)

    def show_terms(self, passage_id: int, values: dict[str, Any]) -> None:
        """What the engine says of the words: `terms` [[word, weight]], heaviest first, and `missing` ones.

        May come before the passage itself; then it waits for it.
        """
        self._terms = (passage_id, values)
        if self._facts is None or self._facts.passage.id != passage_id:
            return
        terms = [(str(word), float(weight)) for word, weight in values.get("terms", [])]
        shown = words.plain(self._facts.passage.text, 6000, lines=True)
        self._text.show_text(shown, marks_of(dict(terms), shown))
        self._key.setVisible(bool(terms))
        empty(self._weights)
        most = max((weight for _word, weight in terms), default=0.0)
        missing = [str(word) for word in values.get("missing", [])]
        whole = whole_words(self._query, [*dict(terms), *missing])
        for word, weight in terms[:_WORDS]:
            self._weights.addWidget(_weight_row(whole[word], weight, most))
        if not terms:
            self._weights_title.setText(self.tr("It shares no word with the query: only its meaning brought it here."))
            self._weights_title.setWordWrap(True)
        else:
            self._weights_title.setText(self.tr("What each shared word adds for BM25"))
        lacking = ", ".join(whole[word] for word in missing)
        self._missing.setText(fill(self.tr("Not in it: %1"), words.plain(lacking, 300)))
        self._missing.setVisible(bool(missing))

    def show_vote(self, vote: int, count: int) -> None:
        """The thumb given to the chosen hit, 0 for none; `count` is how many the project holds."""
        self._voted.setVisible(vote != 0)
        self._thumb.set_icon("thumb-up" if vote > 0 else "thumb-down", "text")
        self._vote_words.setText(self.tr("Kept: it answers") if vote > 0 else self.tr("Kept: it does not answer"))
        kept = self.tr("%1 of yours so far. To train and measure with an answer, keep the text as a query.")
        self._count.setText(fill(kept, amount(count, self.tr("thumb"), self.tr("thumbs"))))

    def passage_id(self) -> int:
        """The passage shown, 0 for none."""
        return self._facts.passage.id if self._facts else 0

    def _open_document(self) -> None:
        if self._facts is not None:
            self.document_asked.emit(self._facts.passage.document_id)


def _weight_row(word: str, weight: float, most: float) -> QWidget:
    line = QWidget()
    line.setFixedHeight(26)
    content = row(line)
    content.addWidget(ElidedLabel(words.plain(word, 60), "body"), 1)
    meter = Meter(weight / most if most > 0 else 0.0, "tuned", 8, 96)
    content.addWidget(meter)
    figure = label(words.decimal(weight, 2), "dense", "text2")
    figure.setFixedWidth(40)
    content.addWidget(figure)
    line.setAccessibleName(f"{word}: {weight:.2f}")
    return line


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:14]}…{text[-14:]}"
