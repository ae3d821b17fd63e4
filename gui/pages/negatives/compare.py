"""The right half of the negatives page: the answer and the candidate side by side, and a person's word on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from engine.records import Passage
from engine.store import browse, documents
from engine.store.project import Project
from engine.store.selection import CandidateState
from gui import theme, words
from gui.compared_words import compare_texts, utf16_spans
from gui.phrases import fill
from gui.tables.candidates import CandidateRow, short_score
from gui.tables.documents import is_code
from gui.widgets.buttons import Button, IconButton
from gui.widgets.cards import Card, EmptyState, column, row
from gui.widgets.labels import Chip, ChipState, ElidedLabel, Icon, Link, label, tag
from gui.widgets.marked_text import MarkedText

ONLY_SHOWN = 8
# A sentence without which the similarity falls so far has the full shade where no other one carries more.
FULL_FALL = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """A passage of the comparison, with where it stands among the candidates."""

    passage: Passage
    name: str
    row: CandidateRow


@dataclass(frozen=True, slots=True)
class Comparison:
    """A query, one of its answers and a candidate; `answers` how many answers there are, `answer` which one from 0."""

    query_id: int
    question: str
    left: Side | None
    right: Side
    answers: int
    answer: int


def read_comparison(
    project: Project,
    *,
    query_id: int,
    question: str,
    candidate: CandidateRow,
    answers: Sequence[CandidateRow],
    answer: int,
) -> Comparison | None:
    """Both passages; None where the candidate is gone. The left side is missing where no answer is known."""
    chosen = answers[answer % len(answers)] if answers else None
    wanted = [candidate.passage_id, *([chosen.passage_id] if chosen else [])]
    found = documents.passages(project, wanted)
    names = browse.passage_names(project, wanted)
    right = found.get(candidate.passage_id)
    if right is None:
        return None
    left = found.get(chosen.passage_id) if chosen else None
    return Comparison(
        query_id,
        question,
        Side(left, names.get(left.id, ""), chosen) if left and chosen else None,
        Side(right, names.get(right.id, ""), candidate),
        len(answers),
        answer % len(answers) if answers else 0,
    )


class ShadedText(MarkedText):
    """Marked words, and under them sentences on a ground that is the stronger the more they carry."""

    def __init__(self, accessible: str, parent: QWidget | None = None) -> None:
        self._shades: list[tuple[int, int, float]] = []
        self._read = -1
        super().__init__(accessible, parent)

    def set_shades(self, shades: Sequence[tuple[int, int, float]], read: int = -1) -> None:
        """`shades`: (start, end, strength in 0..1); what lies behind `read` stands pale, -1 for nothing."""
        self._shades, self._read = list(shades), read
        self._fill()

    def unread(self) -> str:
        """What stands pale."""
        return self._text[self._read :] if self._read >= 0 else ""

    def shades(self) -> list[tuple[str, float]]:
        """The sentences that are shaded now, with their strengths."""
        return [(self._text[start:end], share) for start, end, share in self._shades]

    def _fill(self) -> None:
        super()._fill()
        cursor = QTextCursor(self.document())
        if self._shades:  # two meanings of a ground at once would be none
            cursor.select(QTextCursor.SelectionType.Document)
            plain = QTextCharFormat()
            plain.setBackground(Qt.GlobalColor.transparent)
            cursor.mergeCharFormat(plain)
        for start, end, share in self._shades:
            for first, last in utf16_spans(self._text, [(start, end)]):
                cursor.setPosition(first)
                cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
                style = QTextCharFormat()
                style.setBackground(theme.with_alpha("tuned", 0.08 + 0.26 * share))
                cursor.mergeCharFormat(style)
        if 0 <= self._read < len(self._text):
            for first, last in utf16_spans(self._text, [(self._read, len(self._text))]):
                cursor.setPosition(first)
                cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
                pale = QTextCharFormat()
                pale.setForeground(theme.color("text3"))
                cursor.mergeCharFormat(pale)


class PassageCard(Card):
    """One passage: chip, name, where it stands, text with the shared words marked."""

    def __init__(self, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(pad=12, gap=4, parent=parent)
        self.top = row()
        self.chip = Chip()
        self.top.addWidget(self.chip)
        self.top.addStretch(1)
        self.body.addLayout(self.top)
        self.body.addSpacing(4)
        self.name = ElidedLabel("", "body", weight="bold")
        self.standing = ElidedLabel("", "caption", "text3")
        self.text = ShadedText(accessible)
        self.body.addWidget(self.name)
        self.body.addWidget(self.standing)
        self.reranked = ElidedLabel("", "caption", "text3")
        self.reranked.setVisible(False)
        self.body.addWidget(self.reranked)
        self.origin = ElidedLabel("", "caption", "text3")
        self.origin.setVisible(False)
        self.body.addWidget(self.origin)
        self.body.addSpacing(4)
        self.body.addWidget(self.text, 1)

    def show_side(self, side: Side, chip: tuple[str, ChipState], spans: Sequence[tuple[int, int]], model: str) -> None:
        name = words.plain(side.name, 200)
        self.name.setFont(theme.font("mono" if is_code(name) else "body", "bold"))
        self.name.setText(name)
        self.name.setVisible(bool(side.passage.heading) or not shown_text(side.passage).startswith(name.rstrip("…")))
        self.chip.set_state(*chip)
        self.standing.setText(self._standing(side.row, model))
        read = side.row.reranked
        self.reranked.setVisible(read is not None)
        self.reranked.setText(fill(self.tr("Reranker %1"), short_score(read)) if read is not None else "")
        self.text.set_shades(())
        self.text.set_marked(shown_text(side.passage), spans)
        self.chip.updateGeometry()
        whole = self.layout()
        if whole is not None:
            whole.activate()  # the chip's new width would otherwise wait for the next resize

    def set_origin(self, words_: str, whole: str) -> None:
        """Where a candidate is from: which mining, for whose share it was taken."""
        self.origin.setText(words_)
        self.origin.setVisible(bool(words_))
        if whole:
            self.origin.setToolTip(f"<p>{escape(whole)}</p>")
            self.origin.setAccessibleName(whole)

    def _standing(self, at: CandidateRow, model: str) -> str:
        found = [f"BM25 {at.bm25_rank} ({words.decimal(at.bm25_score, 1)})"] if at.bm25_rank else []
        found.append(f"{model} {at.dense_rank or '–'} ({short_score(at.score)})")
        return " · ".join(found)


class ComparePanel(QFrame):
    """Signals: `judged(verdict)` with negative, left_out or relevant; `undo_asked`; `walked(step)` to the doubtful one
    before (-1) or after (1); `answer_turned` to compare with the next answer; `likeness_asked`."""

    judged = Signal(str)
    undo_asked = Signal()
    walked = Signal(int)
    answer_turned = Signal()
    likeness_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Comparison | None = None
        self._waiting: tuple[int, int] | None = None
        self._loading, self._seconds = False, 0
        self._ticking = QTimer(self)
        self._ticking.setInterval(1000)
        self._ticking.timeout.connect(self._tick)
        stack = column(self, margins=(16, 0, 16, 12), gap=8)
        stack.addLayout(self._make_head())
        question = Card(kind="inset", pad=0)
        line = row(margins=(12, 8, 12, 8))
        line.addWidget(Icon("query", "text3"), 0, Qt.AlignmentFlag.AlignTop)
        self._question = label("", "dense", weight="medium", wrap=True)
        self._question.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        line.addWidget(self._question, 1)
        question.body.addLayout(line)
        stack.addWidget(question)
        sides = row(gap=8)
        self.left = PassageCard(self.tr("The answer"))
        self.right = PassageCard(self.tr("The candidate"))
        self._turn = Link(self.tr("next answer"), "caption")
        self._turn.setToolTip(self.tr("Compare with the query's next answer (A)"))
        self._turn.clicked.connect(self.answer_turned)
        self.left.top.addWidget(self._turn)
        sides.addWidget(self.left, 1)
        sides.addWidget(self.right, 1)
        stack.addLayout(sides, 1)
        stack.addLayout(self._make_legend())
        stack.addLayout(self._make_buttons())
        self._none = EmptyState(
            "negatives", self.tr("Choose a candidate"), self.tr("It is shown beside the answer."), None
        )
        self._parts = (question, self.left, self.right, self._marked, self._shared, self.why)
        stack.insertWidget(1, self._none, 1)
        self.show_comparison(None, "", ("", "none"))

    def comparison(self) -> Comparison | None:
        return self._shown

    def show_comparison(
        self, shown: Comparison | None, model: str, chip: tuple[str, ChipState], told: tuple[str, str] = ("", "")
    ) -> None:
        """Show two passages; `chip` is the candidate's state in a word, `told` where it is from, briefly and whole."""
        self._shown = shown
        self._none.setVisible(shown is None)
        for part in self._parts:
            part.setVisible(shown is not None)
        is_answer = shown is not None and shown.right.row.state is CandidateState.ANSWER
        for button in self._verdicts:
            button.setEnabled(shown is not None and not is_answer)
        if shown is None:
            return
        self._question.setText(words.plain(shown.question, 1500))
        right = shown_text(shown.right.passage)
        left = shown_text(shown.left.passage) if shown.left else ""
        compared = compare_texts(left, right)
        self.left.setVisible(shown.left is not None and not is_answer)
        self._turn.setVisible(shown.answers > 1)
        if shown.left is not None:
            number = f" {shown.answer + 1}/{shown.answers}" if shown.answers > 1 else ""
            self.left.show_side(shown.left, (self.tr("answer") + number, "good"), compared.left, model)
        self.right.show_side(shown.right, chip, () if is_answer else compared.right, model)
        self.left.set_origin(*self._blank_line(told))
        self.right.set_origin(*told)
        if self._waiting == (shown.query_id, shown.right.passage.id):
            self._say_waiting()
        else:
            self._stop_waiting()
            self._say_what_is_shared(shown)

    def _blank_line(self, told: tuple[str, str]) -> tuple[str, str]:
        """An empty line where the other side has one, so that both texts begin at the same height."""
        return (" " if told[0] else "", "")

    def set_walk(self, place: int, total: int) -> None:
        """Where the chosen candidate stands among the doubtful ones; `place` from 1, 0 where it is none of them."""
        if not total:
            self._walk.setText(self.tr("none doubtful"))
        elif place:
            self._walk.setText(fill(self.tr("doubtful %1 of %2"), words.count(place), words.count(total)))
        else:
            self._walk.setText(fill(self.tr("%1 doubtful"), words.count(total)))
        for button in (self._before, self._after):
            button.setVisible(total > 0)

    def set_undo(self, what: str) -> None:
        """What Undo would take back, "" for nothing."""
        self._undo.setEnabled(bool(what))
        self._undo.setToolTip(fill(self.tr("Undo: %1"), what) if what else self.tr("Nothing to undo"))

    def _make_head(self) -> QHBoxLayout:
        head = row(margins=(0, 8, 0, 0), gap=4)
        head.addStrut(28)  # as high without the arrows
        head.addWidget(label(self.tr("Is this an answer, too?"), "body", weight="medium"))
        head.addStretch(1)
        self._walk = label("", "caption", "text3")
        self._before = IconButton("chevron-up", self.tr("The doubtful one before"), size="small")
        self._after = IconButton("chevron-down", self.tr("The next doubtful one"), size="small")
        self._before.clicked.connect(lambda: self.walked.emit(-1))
        self._after.clicked.connect(lambda: self.walked.emit(1))
        for part in (self._walk, self._before, self._after):
            head.addWidget(part)
        return head

    def _make_legend(self) -> QHBoxLayout:
        legend = row()
        self._marked = tag(self.tr("shared"), "accent")
        self._shared = ElidedLabel("", "caption", "text3")
        legend.addWidget(self._marked)
        legend.addWidget(self._shared, 1)
        self.why = Link(self.tr("Why alike?"), "caption")
        self.why.setToolTip(
            self.tr("Shade the sentences without which the model finds the passage less like the query (S)")
        )
        self.why.clicked.connect(self.likeness_asked)
        self._at_work = self.tr("at work…")
        face = QFontMetrics(self.why.font())
        self.why.setFixedWidth(2 + max(face.horizontalAdvance(said) for said in (self.why.text(), self._at_work)))
        self.why.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        legend.addWidget(self.why)
        return legend

    @property
    def is_waiting(self) -> bool:
        """Whether the engine was asked about the candidate that is shown."""
        return self._waiting is not None

    def wait_for_likeness(self, *, loading: bool) -> None:
        """The engine was asked about the candidate; `loading`: it has to load the model first."""
        if self._shown is not None:
            self._waiting = (self._shown.query_id, self._shown.right.passage.id)
            self._loading = loading
            self._seconds = 0
            self._ticking.start()
            self._say_waiting()

    def _tick(self) -> None:
        self._seconds += 1
        self._say_waiting()

    def _say_waiting(self) -> None:
        """What goes on, with its seconds: a sentence that stands still would look like one that hangs."""
        said = (
            self.tr("The model is loaded first…")
            if self._loading
            else self.tr("The model reads it without one sentence after the other…")
        )
        self._marked.setVisible(False)
        self._shared.setText(f"{said} {words.duration(self._seconds)}" if self._seconds else said)
        self.why.setText(self._at_work)
        self.why.setEnabled(False)

    def _stop_waiting(self) -> None:
        self._waiting = None
        self._ticking.stop()
        self.why.setText(self.tr("Why alike?"))
        self.why.setEnabled(True)

    def clear_likeness(self) -> None:
        self._stop_waiting()
        if self._shown is not None:
            self._say_what_is_shared(self._shown)

    def show_likeness(self, passage_id: int, sentences: Sequence[tuple[int, int, float]], read: int) -> None:
        """Shade the candidate's sentences by how far the similarity falls without each (occlusion).

        `read`: how many characters of the text the model reads.
        """
        shown = self._shown
        if shown is None or shown.right.passage.id != passage_id:
            return
        self._stop_waiting()
        text, whole = shown_text(shown.right.passage), shown.right.passage.text
        highest = max((fall for _start, _end, fall in sentences), default=0.0)
        shades, place = [], 0
        for start, end, fall in sentences:
            piece = shown_text(replace(shown.right.passage, text=whole[start:end]))
            found = text.find(piece, place)
            if found >= 0:
                place = found + len(piece)
                if fall > 0:
                    shades.append((found, place, fall / max(highest, FULL_FALL)))
        cut = 0 < read < len(whole)
        self.right.text.set_shades(
            shades, len(shown_text(replace(shown.right.passage, text=whole[:read]))) if cut else -1
        )
        self._say_likeness(len(sentences), highest if shades else 0.0, cut)

    def _say_likeness(self, sentences: int, highest: float, cut: bool) -> None:
        if not highest:
            said = self.tr("No single sentence carries it: leaving any one out lowers the similarity nowhere.")
        elif sentences == 1:
            said = self.tr("One sentence, so all of the similarity is its own.")
        else:
            said = fill(self.tr("Shaded: similarity lost without the sentence, up to %1."), short_score(highest))
        if cut:
            said += " " + self.tr("Pale: the model does not read so far.")
        self._marked.setVisible(False)
        self._shared.setText(said)
        self._shared.setToolTip(
            "<p>"
            + escape(said)
            + "<br>"
            + escape(
                self.tr(
                    "Occlusion: each sentence was left out once and the rest read again by the model; the stronger the "
                    "shade, the further the similarity to the query fell."
                )
            )
            + "</p>"
        )

    def _make_buttons(self) -> QHBoxLayout:
        buttons = row(gap=6)
        self._verdicts: list[Button] = []
        for words_, keys, verdict, tip in (
            (self.tr("Negative"), "N", "negative", self.tr("It is no answer: train against it")),
            (self.tr("Leave out"), "X", "left_out", self.tr("Neither answer nor negative: never use it here")),
            (
                self.tr("An answer"),
                "P",
                "relevant",
                self.tr("It answers the query, too: it becomes one of its answers"),
            ),
        ):
            button = Button(words_, "plain", keys=keys, tooltip=tip)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, said=verdict: self.judged.emit(said))
            self._verdicts.append(button)
            buttons.addWidget(button)
        self._undo = Button(self.tr("Undo"), "flat", keys="U")
        self._undo.clicked.connect(self.undo_asked)
        buttons.addWidget(self._undo)
        return buttons

    def _say_what_is_shared(self, shown: Comparison) -> None:
        alone = shown.left is None or shown.right.row.state is CandidateState.ANSWER
        left = shown_text(shown.left.passage) if shown.left else ""
        compared = compare_texts(left, shown_text(shown.right.passage))
        self._say_shared(compared.shared, compared.only_right, alone)

    def _say_shared(self, shared: int, only: Sequence[str], alone: bool) -> None:
        self._marked.setVisible(not alone)
        if alone:
            self._shared.setText("")
            return
        said = fill(self.tr("%1 words."), words.count(shared)) if shared != 1 else self.tr("1 word.")
        if only:
            shown = ", ".join(words.plain(word, 40) for word in only[:ONLY_SHOWN])
            said += " " + fill(self.tr("Only in the candidate: %1"), shown)
        self._shared.setText(said)


def shown_text(passage: Passage) -> str:
    """A passage's text as it is shown: line ends of one kind, hidden characters made visible."""
    return words.plain(passage.text.replace("\r\n", "\n").replace("\r", "\n"), lines=True)
