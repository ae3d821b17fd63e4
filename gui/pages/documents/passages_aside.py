"""The list of judgements whose text is in no passage any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QDialog, QWidget

from engine.store.following import SetAside, set_aside
from gui import words
from gui.tables.reader import Answered, Question
from gui.widgets.buttons import Button
from gui.widgets.cards import Fact, column, row, scroller
from gui.widgets.labels import label

MOST = 200


class AsideDialog(QDialog):
    """Each with its query, the words it was said of, and why it waits."""

    def __init__(self, ask: Callable[[str, Question, Answered], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Set aside"))
        self.resize(720, 480)
        stack = column(self, margins=(24, 20, 24, 20), gap=12)
        stack.addWidget(label(self.tr("Judgements without a passage"), "heading"))
        told = self.tr(
            "Their text was cut so that no passage holds most of it, or it became part of an answer. They are kept "
            "and come back by themselves when the text has a passage again."
        )
        stack.addWidget(label(told, "body", "text2", wrap=True))
        holder = QWidget()
        self._rows = column(holder)
        stack.addWidget(scroller(holder), 1)
        line = row()
        line.addStretch(1)
        self.close_ = Button(self.tr("Close"), "plain")
        self.close_.clicked.connect(self.accept)
        line.addWidget(self.close_)
        stack.addLayout(line)
        ask("passages/aside", lambda project: set_aside(project, limit=MOST), self._show)

    def facts(self) -> list[Fact]:
        return self.findChildren(Fact)

    def _show(self, found: Sequence[SetAside]) -> None:
        kinds = {
            "judgement": self.tr("Judgement"),
            "wrong passage": self.tr("Wrong passage"),
            "review": self.tr("Review"),
            "score": self.tr("Score"),
            "vote": self.tr("Vote"),
        }
        reasons = {"split": self.tr("cut apart"), "answer": self.tr("part of an answer now")}
        for one in found:
            text = words.plain(one.text, 160)
            sentence = f"“{words.plain(one.query, 80)}” · {reasons.get(one.reason, one.reason)} · {text}"
            self._rows.addWidget(Fact("stale", kinds.get(one.kind, one.kind), sentence))
        self._rows.addStretch(1)
