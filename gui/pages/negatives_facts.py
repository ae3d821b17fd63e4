"""What the negatives page says of a mining: its outcome, its round, its sources, what training would suffer from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from engine.records import Mining
from gui import words
from gui.phrases import fill
from gui.tables.mined import Mined, Picture
from gui.widgets.cards import column, row, rule
from gui.widgets.labels import ElidedLabel, Icon


class FindingsLine(QWidget):
    """One line in amber with the first finding of the linter; the others are told on hover. Hidden without any."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        stack = column(self)
        line = row(margins=(16, 6, 16, 6), gap=8)
        line.addWidget(Icon("marks/chip-diamond", "warn", 10))
        self._words = ElidedLabel("", "dense", "text2")
        line.addWidget(self._words, 1)
        stack.addLayout(line)
        stack.addWidget(rule())
        self.setVisible(False)

    def text(self) -> str:
        return self._words.text()

    def show_findings(self, findings: Sequence[tuple[str, str]]) -> None:
        """Each: the sentence and the next step."""
        self.setVisible(bool(findings))
        if not findings:
            return
        sentence, hint = findings[0]
        more = fill(_tr("(and %1 more)"), words.count(len(findings) - 1)) if len(findings) > 1 else ""
        self._words.setText(" ".join(part for part in (sentence, hint, more) if part))
        told = "<br>".join(escape(f"{said} {step}") for said, step in findings)
        self.setToolTip(f"<p>{told}</p>")
        self.setAccessibleName(_tr("Before training"))
        self.setAccessibleDescription(" ".join(f"{said} {step}" for said, step in findings))


def outcome_words(mined: Mined, shown: Picture) -> str:
    """How many negatives for how many queries, by which model; in a later mining, its round and how many are new."""
    said = fill(
        _tr("%1 for %2 queries, mined by %3"),
        words.count(shown.total),
        words.count(int(np.count_nonzero(shown.chosen))),
        mined.model_name or _tr("the model"),
    )
    if mined.mining.round > 1:
        said += " · " + fill(_tr("round %1"), str(mined.mining.round))
    if mined.new is not None and len(mined.kept):
        said += " · " + fill(_tr("%1 of those kept are new"), words.share(mined.new / len(mined.kept)))
    return said


def source_words(mining: Mining | None) -> str:
    """Where the candidates are from."""
    kept = mining.params.get("sources") if mining else None
    names = {"bm25": "BM25", "dense": _tr("the model"), "random": _tr("at random")}
    said = _tr(" and ").join(names.get(str(source), str(source)) for source in kept or ("bm25", "dense"))
    recall = mining.counts.get("recall") if mining else None
    if recall is not None:
        said += " · " + fill(_tr("by an index that finds %1 of the exact ones"), words.share(float(recall)))
    return said


def _tr(text: str) -> str:
    return QCoreApplication.translate("NegativesPage", text)
