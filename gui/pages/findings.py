"""What training would suffer from, told before it begins, each finding with the way to its mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QWidget

from gui import words
from gui.phrases import fill
from gui.tables.mined import Warned
from gui.widgets.cards import column, row, rule
from gui.widgets.labels import ElidedLabel, Icon, Link, label

if TYPE_CHECKING:
    from gui.session import Session


class Findings(QWidget):
    """A line for each finding with a link to its mend; folded, the first one and how many more. Hidden without any.

    Signals: `mend_asked(code)`.
    """

    mend_asked = Signal(str)

    def __init__(self, *, folded: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[Warned, ...] = ()
        self._folds, self._folded = folded, folded
        self._stack = column(self)
        self.setAccessibleName(_tr("Before training"))
        self.setVisible(False)

    def show_findings(self, findings: Sequence[Warned]) -> None:
        """Show these, the most harmful first."""
        if tuple(findings) != self._shown:
            self._shown = tuple(findings)
            self._folded = self._folds
            self._fill()
        self.setVisible(bool(self._shown))

    def findings(self) -> tuple[Warned, ...]:
        return self._shown

    def text(self) -> str:
        """What can be read now, line by line."""
        return "\n".join(found.sentence for found in self._in_sight())

    def links(self) -> list[Link]:
        """Every link in sight, in reading order."""
        found = [self._stack.itemAt(place).widget() for place in range(self._stack.count())]  # type: ignore[union-attr]
        return [link for line in found if line is not None for link in line.findChildren(Link)]

    def _in_sight(self) -> tuple[Warned, ...]:
        return self._shown[:1] if self._folded else self._shown

    def _fill(self) -> None:
        while self._stack.count():
            taken = self._stack.takeAt(0)
            old = taken.widget() if taken is not None else None
            if old is not None:
                old.hide()
                old.deleteLater()
        for place, found in enumerate(self._in_sight()):
            self._stack.addWidget(self._line(found, last=place == len(self._in_sight()) - 1))
        if self._folds:
            self._stack.addWidget(rule())
        self.setAccessibleDescription(" ".join(found.sentence for found in self._shown))

    def _line(self, found: Warned, *, last: bool) -> QWidget:
        made = QWidget()
        line = row(made, margins=(16, 6, 16, 6) if self._folds else (0, 4, 0, 4), gap=8)
        top = Qt.AlignmentFlag.AlignVCenter if self._folds else Qt.AlignmentFlag.AlignTop
        line.addWidget(Icon("marks/chip-diamond", "warn", 10), 0, top)
        if self._folds:
            line.addWidget(ElidedLabel(found.sentence, "dense", "text2"), 1)
        else:
            line.addWidget(label(found.sentence, "dense", "text2", wrap=True), 1)
        mend = mends().get(found.code)
        if mend is not None:
            link = Link(mend.words, "dense", accessible=f"{mend.words}: {found.words}")
            link.clicked.connect(lambda: self.mend_asked.emit(found.code))
            line.addWidget(link, 0, top)
        if last and self._folds and len(self._shown) > 1:
            rest = words.count(len(self._shown) - 1)
            more = Link(fill(_tr("%1 more"), rest) if self._folded else _tr("Show one"), "dense")
            more.setToolTip(_tr("What else training would suffer from"))
            more.clicked.connect(self._turn)
            line.addWidget(more)
        return made

    def _turn(self) -> None:
        self._folded = not self._folded
        self._fill()
        links = self.links()
        if links:
            links[-1].setFocus()


@dataclass(frozen=True, slots=True)
class Mend:
    """What a link says, and where it leads: a page, and what on it."""

    words: str
    page: str
    what: dict[str, object]


def mends() -> dict[str, Mend]:
    """By code of the linter: how a person mends it."""
    short = Mend(_tr("Loosen a rule"), "negatives", {"short": True})
    return {
        "unreadable": Mend(_tr("Build a model"), "home", {}),
        "unmined": Mend(_tr("Mine again"), "negatives", {"again": True}),
        "none": short,
        "few": short,
        "shared_answer": Mend(_tr("Merge near-duplicates"), "queries", {"duplicates": True}),
        "too_easy": Mend(_tr("Change the margin"), "negatives", {"rule": "margin"}),
        "cut": Mend(_tr("Read longer texts"), "train", {"setting": "max_length"}),
        "judged_away": Mend(_tr("Keep again"), "negatives", {"keep": True}),
    }


def go_mend(session: Session, code: str) -> None:
    """Go to where a finding is mended."""
    mend = mends().get(code)
    if mend is not None:
        session.show_page(mend.page, mend.what)


def _tr(text: str) -> str:
    return QCoreApplication.translate("findings", text)
