"""What the last import brought and could not take, and how well the model reads the texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QFrame, QWidget

from engine.records import ImportReport, TokenReport
from engine.store import browse, imports
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.tables.problems import ProblemsModel
from gui.tables.reader import Reader
from gui.widgets.cards import Drawer, Figure, column, row, rule
from gui.widgets.labels import Chip, Icon, Link, label
from gui.widgets.tables import TableView

MANY_UNKNOWN = 0.10
MANY_CUT = 0.25


@dataclass(frozen=True, slots=True)
class LastImport:
    report: ImportReport
    problems: int


def read_last_import(project: Project) -> LastImport | None:
    """The newest import that came to its end, with how many problems it had."""
    for report in imports.import_reports(project, limit=1):
        return LastImport(report, sum(browse.problem_counts(project, report.id).values()))
    return None


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
    """Whether a person must be told: over a tenth of unknown tokens, or over a quarter of texts cut."""
    return report.unknown_share > MANY_UNKNOWN or report.cut_share > MANY_CUT


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
    if report.unknown_share > MANY_UNKNOWN:
        return words_of.tr("The model can hardly read these texts"), measured + " " + words_of.tr(
            "Search by meaning will be poor. Choose a model for this language on the Train page; BM25 works as it is."
        )
    if report.cut_share > MANY_CUT:
        return words_of.tr("Many texts are longer than the model reads"), measured + " " + words_of.tr(
            "What lies behind the cut cannot be found by meaning. Import again with shorter passages."
        )
    return words_of.tr("The model reads these texts well"), measured


class TokenPanel(QFrame):
    """An amber panel where the model reads the texts badly; otherwise hidden (the import drawer has the figures)."""

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


class ImportDrawer(Drawer):
    """Four counters that add up to what was found, and a table of what was not taken."""

    history_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("list", QCoreApplication.translate("ImportDrawer", "Last import"), open_=False, parent=parent)
        figures = row(gap=24)
        self._figures = {
            "new": Figure("0", self.tr("new")),
            "updated": Figure("0", self.tr("updated")),
            "unchanged": Figure("0", self.tr("unchanged")),
            "skipped": Figure("0", self.tr("not taken")),
            "found": Figure("0", self.tr("found in all")),
        }
        for name, figure in self._figures.items():
            if name == "found":
                figures.addWidget(label("=", "figure", "text3"))
            figures.addWidget(figure)
        figures.addStretch(1)
        self._brought = label("", "dense", "text2", wrap=True)
        figures.addWidget(self._brought, 2)
        self.content_layout.addLayout(figures)
        self._tokens = label("", "caption", "text3", wrap=True)
        self.content_layout.addWidget(self._tokens)
        self.problems = ProblemsModel(self)
        self._line = rule()
        self._table = TableView(self.tr("What was not taken"))
        self._table.setModel(self.problems)
        self._table.set_widths(200, 64, 0)
        self._table.setFixedHeight(28 + 4 * 30)
        self.content_layout.addWidget(self._line)
        self.content_layout.addWidget(self._table)
        self._shown = 0

    def show_import(self, reader: Reader | None, found: LastImport | None, tokens: TokenReport | None) -> None:
        """Show an import; a new one with problems opens the drawer."""
        self.setVisible(found is not None)
        if found is None:
            return
        counts = found.report.counts
        for name in ("new", "updated", "unchanged", "skipped"):
            self._figures[name].set_value(words.count(getattr(counts, name)))
        total = counts.new + counts.updated + counts.unchanged + counts.skipped
        self._figures["found"].set_value(words.count(total))
        self.fact.setText(self._outcome(found, total))
        self._brought.setText(self._brought_words(found.report))
        self._tokens.setText(token_words(tokens, self)[1] if tokens else "")
        self._tokens.setVisible(tokens is not None)
        for part in (self._table, self._line):
            part.setVisible(found.problems > 0)
        if found.problems:
            self.problems.show_import(reader, found.report.id)
        if self._shown and found.report.id != self._shown:
            self.set_open(found.problems > 0)
        self._shown = found.report.id

    def _outcome(self, found: LastImport, total: int) -> str:
        counts = found.report.counts
        taken = total - counts.skipped
        said = fill(self.tr("%1 of %2 taken"), words.count(taken), words.count(total))
        if found.problems:
            said += ", " + amount(found.problems, self.tr("problem"), self.tr("problems"))
        return f"{words.when(found.report.created_at)} · {said}"

    def _brought_words(self, report: ImportReport) -> str:
        counts = report.counts
        parts = [
            (counts.documents, self.tr("documents")),
            (counts.passages, self.tr("passages")),
            (counts.queries, self.tr("queries")),
            (counts.qrels, self.tr("judgements")),
            (counts.negatives, self.tr("given negatives")),
        ]
        brought = ", ".join(f"{words.count(number)} {name}" for number, name in parts if number)
        names = ", ".join(path.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] for path in report.paths[:3])
        more = len(report.paths) - 3
        if more > 0:
            names += " " + fill(self.tr("and %1 more"), words.count(more))
        known = f"{names} ({report.format})" if report.format not in ("", "auto") else names
        return words.plain(f"{known}: {brought}" if brought else known, 400)


class ImportLink(QWidget):
    """A chip and a link beside the filter: how many were not taken, and the way to the reasons."""

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
        self._chip.set_state(fill(self.tr("%1 not taken"), words.count(problems)), "warn")
        self._chip.setVisible(problems > 0)
