"""How documents are cut: sliders, what they would make of the document at hand and of all, and cutting again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QStackedWidget, QWidget

from engine.params import CutParams
from gui import words
from gui.amounts import amount
from gui.dialogs.question import Question
from gui.pages.documents.passages_aside import AsideDialog
from gui.pages.documents.passages_facts import (
    LIMIT_AT,
    CutState,
    OutlookSum,
    ShownDocument,
    change_words,
    cut_values,
    over_words,
    question_words,
    read_cut,
    read_text,
    said_words,
)
from gui.phrases import fill
from gui.tables.reader import Answered
from gui.tables.reader import Question as Asked
from gui.widgets.buttons import Button, SegmentedControl
from gui.widgets.cards import Drawer, column, row, rule
from gui.widgets.charts import Histogram
from gui.widgets.labels import Link, label
from gui.widgets.passages_text import PassagesText, Span
from gui.widgets.sliders import LabelledSlider

if TYPE_CHECKING:
    from gui.session import Session

SMALLEST, LARGEST, STEP = 40, 500, 4
MOST = 2000  # where the slider ends for a model that reads more
LOWEST, TALL = 216, 400
OTHERS = 500  # pixels that the window needs above and below
MOST_PARTS = 200  # of the look at all documents
PART_SECONDS = 0.08  # a slider that moves again waits for one part
SETTLED = 250  # milliseconds after the last move of a slider until all documents are looked at
AT_ONCE = 100_000  # characters of a document that is cut whole at each move of a slider; of others what is in view
MARGIN = 4_000  # characters below what is in view

Ask = Callable[[str, Asked, Answered], None]


class PassagesDrawer(Drawer):
    """Moving a slider changes nothing but the preview; `Cut again` says what will change, and does it.

    Args:
        session: asked for previews and for the job.
        ask: reads the project in the background, `(topic, question, answered)`.
    """

    def __init__(self, session: Session, ask: Ask, parent: QWidget | None = None) -> None:
        title = QCoreApplication.translate("PassagesDrawer", "Passages")
        super().__init__("sliders", title, open_=False, parent=parent)
        self._session, self._ask = session, ask
        self._state = CutState(CutParams(), 0, 0, 0, False, False)
        self._shown: ShownDocument | None = None
        self._wanted = 0
        self._asked: CutParams | None = None  # what the engine is working on now
        self._again = False
        self._whole = True  # whether all of the document's passages are here
        self._spans: list[Span] = []
        self._have = 0  # passages of the document that came, also those beyond the text that is shown
        self._looked: CutParams | None = None  # what all documents were looked at for
        self._outlook = OutlookSum()
        self._round = self._parts = 0
        self._largest = LARGEST
        self._looking = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(SETTLED)
        self._later.timeout.connect(self._settle)
        line = row(gap=24)
        line.addLayout(self._make_controls())
        line.addWidget(rule("v"))
        line.addLayout(self._make_preview(), 1)
        self.content_layout.addLayout(line)
        self.toggled.connect(self._toggled)
        self._arrange()
        self._say()

    def cut(self) -> CutParams:
        """The settings as they stand; files that are added are cut so, too."""
        size = int(self.length.value())
        overlap = min(int(self.overlap.value()), size // 2)
        shown = CutParams(size, overlap, self.headings.isChecked())
        return self._state.params if shown == self._on_scale(self._state.params) else shown

    def refresh(self) -> None:
        """Read how the project is cut, and look again at what another cut would change."""
        self._ask("passages/state", read_cut, self._show_state)
        if self._shown is not None:
            self.show_document(self._shown.id)

    def show_document(self, document_id: int) -> None:
        """The document whose text the preview shows."""
        self._wanted = document_id
        if self.is_open():
            self._ask("passages/text", lambda project: read_text(project, document_id), self._show_text)

    def is_settled(self) -> bool:
        """Whether the preview shows the settings as they stand, of the document and of all."""
        return self._asked is None and self._whole and not self._later.isActive() and not self._looking

    def _make_controls(self) -> Any:  # Any: a layout
        default = CutParams()
        tokens = fill(self.tr("%1 tokens"), "{:g}").format
        left = column(gap=8)
        self.length = LabelledSlider(
            self.tr("Size"),
            SMALLEST,
            LARGEST,
            default.passage_tokens,
            step=STEP,
            words=tokens,
            value_width=84,
            name_width=64,
        )
        self.overlap = LabelledSlider(
            self.tr("Overlap"), 0, 120, default.overlap_tokens, step=STEP, words=tokens, value_width=84, name_width=64
        )
        self.headings = QCheckBox(self.tr("Put the headings before each passage"))
        self.headings.setAccessibleName(self.headings.text())
        self.headings.setChecked(default.headings)
        self._change = label("", "caption", "text2", wrap=True)
        self._change.setMinimumHeight(2 * self._change.fontMetrics().lineSpacing())
        self._said = label("", "caption", "text3", wrap=True)
        self.aside = Link("")
        self.aside.clicked.connect(self._show_aside)
        for widget in (self.length, self.overlap, self.headings, self._change, self._said, self.aside):
            left.addWidget(widget)
        left.addStretch(1)
        left.addLayout(self._make_buttons())
        holder = QWidget()
        holder.setFixedWidth(320)
        holder.setLayout(left)
        line = column()
        line.addWidget(holder)
        self._left = left
        self.length.changed.connect(lambda _value: self._moved())
        self.overlap.changed.connect(lambda _value: self._moved())
        self.headings.toggled.connect(lambda _on: self._moved())
        return line

    def _make_buttons(self) -> Any:  # Any: a layout
        buttons = row()
        self.apply = Button(self.tr("Cut again…"), "plain", icon_name="sliders", size="small")
        self.apply.clicked.connect(self._apply)
        self.reset = Button(self.tr("Reset"), "flat", size="small")
        self.reset.setToolTip(self.tr("Put the sliders where the project stands"))
        self.reset.clicked.connect(lambda: self._put(self._state.params))
        self.undo = Button(self.tr("Take back"), "flat", icon_name="undo", size="small")
        self.undo.setToolTip(self.tr("Give the documents the passages they had before the last cutting"))
        self.undo.clicked.connect(self._take_back)
        for button in (self.apply, self.reset, self.undo):
            buttons.addWidget(button)
        buttons.addStretch(1)
        return buttons

    def _make_preview(self) -> Any:  # Any: a layout
        right = column(gap=8)
        head = row(gap=12)
        self.tabs = SegmentedControl([self.tr("Text"), self.tr("Lengths")], accessible=self.tr("What to show"))
        self._caption = label("", "caption", "text2")
        head.addWidget(self.tabs)
        head.addWidget(self._caption, 1)
        right.addLayout(head)
        self._stack = QStackedWidget()
        self.tabs.changed.connect(self._stack.setCurrentIndex)
        self.text = PassagesText(self.tr("The document's text with its passages"))
        self._lengths = QWidget()
        stack = column(self._lengths, gap=4)
        self._chart: Histogram | None = None
        self._over = label("", "caption", "text2", wrap=True)
        stack.addWidget(self._over)
        self._stack.addWidget(self.text)
        self._stack.addWidget(self._lengths)
        right.addWidget(self._stack, 1)
        return right

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """In a high window the lengths stand below the sliders, beside the text; else they share a place."""
        height = min(max(self.window().height() - OTHERS, LOWEST), TALL)
        tall = height == TALL
        self.content.setFixedHeight(height)
        beside = self._stack.indexOf(self._lengths) < 0
        if tall == beside:
            return
        if tall:
            self._stack.removeWidget(self._lengths)
            self._left.insertWidget(self._left.count() - 2, self._lengths, 8)
            self._lengths.show()
        else:
            self._left.removeWidget(self._lengths)
            self._stack.addWidget(self._lengths)
            self._stack.setCurrentIndex(self.tabs.current())
        self.tabs.setVisible(not tall)
        if tall:
            self._stack.setCurrentIndex(0)

    def _toggled(self, open_: bool) -> None:
        if open_:
            if self._wanted:
                self.show_document(self._wanted)
            self._later.start()
        else:
            self._round += 1  # what is under way is not waited for
            self._later.stop()
            self._looking, self._looked, self._whole = False, None, True
            self._outlook = OutlookSum()

    def _show_state(self, state: CutState) -> None:
        untouched = self.cut() == self._state.params or not self._state.documents
        self._state, self._looked = state, None
        if untouched:
            self._put(state.params)
        self.aside.setVisible(state.aside > 0)
        count = amount(state.aside, self.tr("judgement is"), self.tr("judgements are"))
        self.aside.setText(fill(self.tr("%1 set aside. Show"), count))
        self.undo.setVisible(state.undo)
        self._say()
        if self.is_open():
            self._later.start()

    def _put(self, params: CutParams) -> None:
        self.length.set_value(params.passage_tokens)
        self.overlap.set_value(params.overlap_tokens)
        self.headings.blockSignals(True)
        self.headings.setChecked(params.headings)
        self.headings.blockSignals(False)
        self._moved()

    def _moved(self) -> None:
        self._say()
        if self.is_open():
            self._preview()
            self._round += 1
            self._later.start()

    def _say(self) -> None:
        params = self.cut()
        same = params == self._state.params
        self.reset.setVisible(not same)
        facts = [fill(self.tr("at most %1 tokens"), words.count(params.passage_tokens))]
        facts.append(fill(self.tr("overlap %1"), words.count(params.overlap_tokens)))
        facts.append(self.tr("headings in front") if params.headings else self.tr("headings in the text"))
        if not same:
            facts.append(self.tr("not cut so yet"))
        elif self._state.unfinished:
            facts.append(self.tr("a cutting was broken off"))
        self.fact.setText(" · ".join(facts))
        if not self._state.cuttable:
            self.apply.set_possible(False, self.tr("Labelled sets are kept whole"))
        elif self._state.unfinished or not same or self._outlook.changed:
            self.apply.set_possible(True)
        else:
            self.apply.set_possible(False, self.tr("Every document is cut so"))

    def _on_scale(self, params: CutParams) -> CutParams:
        """Settings made elsewhere as the sliders can show them."""
        size = min(max(SMALLEST + round((params.passage_tokens - SMALLEST) / STEP) * STEP, SMALLEST), self._largest)
        overlap = min(round(params.overlap_tokens / STEP) * STEP, 120, size // 2)
        return replace(params, passage_tokens=size, overlap_tokens=overlap)

    # The document at hand

    def _show_text(self, shown: ShownDocument | None) -> None:
        same = self._shown is not None and shown is not None and shown.text == self._shown.text
        self._shown = shown
        if shown is None:
            self.text.show_text("")
            self._caption.setText("")
            return
        if not same:
            self.text.show_text(shown.text)
        self._preview()

    def _preview(self) -> None:
        """Ask for the document's passages; while one answer is waited for, only the newest settings are kept.

        Of a long document those in view come at once, the others when the sliders rest.
        """
        if self._shown is None:
            return
        if self._asked is not None:
            self._again = True
            return
        self._whole, self._spans, self._have = False, [], 0
        long = self._shown.chars > AT_ONCE
        self._ask_spans({"until": self.text.shown_until() + MARGIN} if long else {}, self._previewed)

    def _ask_spans(self, part: dict[str, Any], answered: Callable[[dict[str, Any]], None]) -> None:  # Any: JSON values
        shown = self._shown
        assert shown is not None
        self._asked = self.cut()
        values = {"document_id": shown.id, "params": cut_values(self._asked), "shown": len(shown.text), **part}
        self._session.edit("cut_preview", values, answered, on_failed=self._preview_failed)

    def _previewed(self, values: dict[str, Any]) -> None:  # Any: JSON values
        if self._shown is not None and values["document_id"] == self._shown.id:
            self._show_spans(_spans(values), values)
        if not self._is_wanted(values):
            return
        self._whole = bool(values["done"])
        if not self._whole:
            self._later.start()

    def _is_wanted(self, values: dict[str, Any]) -> bool:  # Any: JSON values
        """Whether an answer is about the document and the settings as they stand; asks again where it is not."""
        self._asked = None
        if self._shown is not None and not self._again and values["document_id"] == self._shown.id:
            return True
        self._again = False
        self._preview()
        return False

    def _go_on(self) -> None:
        """Ask for more of a long document's passages, a part at a time, so that a slider that moves again is heard."""
        if self._shown is None or self._asked is not None:
            return

        def came(values: dict[str, Any]) -> None:  # Any: JSON values
            if not self._is_wanted(values):
                return
            self._spans += _spans(values)
            self._have, self._whole = int(values["count"]), bool(values["done"])
            if self._whole or len(self._spans) > self.text.count_spans():
                self._show_spans(self._spans, values)
            if self.is_open():
                QTimer.singleShot(0, self, self._settle if self._whole else self._go_on)

        self._ask_spans({"have": self._have, "seconds": PART_SECONDS}, came)

    def _show_spans(self, spans: list[Span], values: dict[str, Any]) -> None:  # Any: JSON values
        shown = self._shown
        assert shown is not None
        if not int(values["count"]):
            self.text.show_spans([], 0)
            self._caption.setText(fill(self.tr("%1 · kept whole"), shown.name) if values["done"] else shown.name)
            return
        self.text.show_spans(spans, int(values["limit"]))
        count = int(values["count"])
        after = words.count(count)
        if not values["done"]:
            after = fill(self.tr("about %1"), words.count(round(count * shown.chars / max(int(values["reached"]), 1))))
        said = fill(self.tr("%1 · passages: %2 now, %3 after"), shown.name, words.count(shown.passages), after)
        if shown.chars > len(shown.text):
            said += " · " + fill(self.tr("beginning of %1 characters"), words.count(shown.chars))
        self._caption.setText(said)

    def _preview_failed(self, message: str, hint: str) -> None:
        self._asked, self._again, self._whole = None, False, True
        self._caption.setText(f"{message} {hint}".strip())

    # All documents

    def _settle(self) -> None:
        """The sliders rest: the document at hand to its end, then all documents."""
        if not self._whole:
            self._go_on()
        elif self._looked != self.cut():
            self._look_at_all()

    def _look_at_all(self) -> None:
        self._round += 1
        self._parts = 0
        self._outlook = OutlookSum()
        self._looking = self.is_open() and self._state.documents > 0
        if self._looking:
            self._next_part(self._round)

    def _next_part(self, round_: int) -> None:
        if round_ != self._round or self._session.project is None:
            return
        params = self.cut()
        values = {"params": cut_values(params), "after": self._outlook.next, "seconds": PART_SECONDS}

        def looked(part: dict[str, Any]) -> None:  # Any: JSON values
            if round_ != self._round:
                return
            self._outlook.add(part)
            self._parts += 1
            self._looking = self._outlook.next != 0 and self._parts < MOST_PARTS
            self._show_outlook()
            if not self._looking:
                self._looked = params
            else:
                QTimer.singleShot(0, self, lambda: self._next_part(round_))

        self._session.edit("cut_outlook", values, looked, on_failed=self._look_failed)

    def _look_failed(self, message: str, hint: str) -> None:
        self._outlook, self._looking = OutlookSum(), False
        self._change.setText(f"{message} {hint}".strip())

    def _reach(self, limit: int) -> None:
        """Let the slider reach what a model of long texts reads."""
        largest = max(LARGEST, min(limit, MOST) // STEP * STEP)
        if largest != self._largest:
            self._largest = largest
            self.length.slider.set_limits(SMALLEST, largest)

    def _show_outlook(self) -> None:
        found = self._outlook
        self._reach(found.limit)
        self._change.setText(change_words(found, self._state.documents, looking=self._looking))
        self._said.setText(said_words(found))
        self._said.setVisible(bool(self._said.text()))
        self._over.setText(over_words(found))
        self._draw(found)
        self._say()

    def _draw(self, found: OutlookSum) -> None:
        if self._chart is None:
            self._chart = Histogram(accessible=self.tr("How long the passages would be, in tokens"))
            layout = self._lengths.layout()
            assert layout is not None
            layout.addWidget(self._chart)
        width = found.limit / LIMIT_AT
        edges = [number * width for number in range(len(found.bins) + 1)]
        limit = float(found.limit)
        self._chart.set_bars(edges, found.bins, token_of=lambda middle: "bad" if middle > limit else "bar")
        ticks = [(limit * part / 4, words.count(round(limit * part / 4))) for part in range(5)]
        self._chart.set_ticks("bottom", [*ticks, (limit * 1.25, self.tr("tokens"))])
        self._chart.set_marks([(limit, self.tr("the model reads"))])

    # Doing it

    def _apply(self) -> None:
        question = Question(
            self.tr("Cut the documents again?"),
            question_words(self._outlook, self._state.documents),
            self.tr("Cut again"),
            self.tr("Leave as it is"),
            self,
        )
        if question.exec():
            self._session.run_job("cut", cut_values(self.cut()))

    def _take_back(self) -> None:
        self._session.run_job("uncut", {})

    def _show_aside(self) -> None:
        AsideDialog(self._ask, self).open()


def _spans(values: dict[str, Any]) -> list[Span]:  # Any: JSON values
    return [(int(start), int(end), int(tokens)) for start, end, tokens in values["spans"]]
