"""How well the model reads the texts, and the way to what imports brought and could not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFrame, QWidget

from engine.records import TokenReport
from engine.store.project import Project
from engine.store.reading import MANY_CUT, MANY_UNKNOWN, UNREADABLE
from gui import words
from gui.phrases import fill
from gui.widgets.cards import column, row
from gui.widgets.labels import Chip, Icon, Link, label


def read_token_report(project: Project) -> TokenReport | None:
    """What was measured after the last import, None where nothing was."""
    kept: Mapping[str, Any] | None = project.meta_json("token_report")
    if not kept:
        return None
    return TokenReport(
        model=str(kept.get("model", "")),
        texts=int(kept.get("texts", 0)),
        unknown_share=float(kept.get("unknown_share", 0)),
        cut_share=float(kept.get("cut_share", 0)),
        median_tokens=int(kept.get("median_tokens", 0)),
        max_length=int(kept.get("max_length", 0)),
    )


def reads_badly(report: TokenReport) -> bool:
    """Whether a person must be told: many tokens are unknown, or many texts are cut."""
    return report.unknown_share >= MANY_UNKNOWN or report.cut_share >= MANY_CUT


def token_words(report: TokenReport, words_of: QObject) -> tuple[str, str]:
    """A title and a sentence on how the model reads the texts."""
    measured = words_of.tr("%1: %2 of the tokens are unknown, %3 of the texts are cut at %4 tokens (median %5).")
    measured = fill(
        measured,
        report.model or words_of.tr("The model"),
        words.share(report.unknown_share, 1),
        words.share(report.cut_share, 1),
        words.count(report.max_length),
        words.count(report.median_tokens),
    )
    if report.unknown_share >= UNREADABLE:
        return words_of.tr("The model can hardly read these texts"), measured + " " + words_of.tr(
            "Search by meaning will be poor. Choose a model for this language on the Train page; BM25 works as it is."
        )
    if report.unknown_share >= MANY_UNKNOWN:
        return words_of.tr("The model does not know some of these words"), measured + " " + words_of.tr(
            "Search by meaning is weaker there; a search that joins it with BM25 finds such words."
        )
    if report.cut_share >= MANY_CUT:
        return words_of.tr("Many texts are longer than the model reads"), measured + " " + words_of.tr(
            "What lies behind the cut cannot be found by meaning. Import again with shorter passages."
        )
    return words_of.tr("The model reads these texts well"), measured


class TokenPanel(QFrame):
    """An amber panel where the model reads the texts badly; otherwise hidden (the list of imports has the figures)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "warn")
        self.setObjectName("warnPanel")
        line = row(self, margins=(16, 10, 16, 10), gap=12)
        line.addWidget(Icon("marks/stale", "warn", 14))
        stack = column(gap=2)
        self._title = label("", "body", "warn", weight="bold", wrap=True)
        self._sentence = label("", "dense", "text2", wrap=True)
        stack.addWidget(self._title)
        stack.addWidget(self._sentence)
        line.addLayout(stack, 1)
        self.hide()

    def show_report(self, report: TokenReport | None) -> None:
        bad = report is not None and reads_badly(report)
        if report is not None and bad:
            title, sentence = token_words(report, self)
            self._title.setText(title)
            self._sentence.setText(sentence)
            self.setAccessibleName(f"{title}. {sentence}")
        self.setVisible(bad)


class ImportLink(QWidget):
    """A chip and a link beside the filter: how many problems are open, and the way to the imports."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self)
        self._chip = Chip("", "warn")
        line.addWidget(self._chip)
        link = Link(self.tr("Import log"))
        link.clicked.connect(self.clicked)
        line.addWidget(link)

    def set_problems(self, problems: int) -> None:
        """`problems` of the newest import are open."""
        self._chip.set_state(fill(self.tr("%1 not taken"), words.count(problems)), "warn")
        self._chip.setVisible(problems > 0)
