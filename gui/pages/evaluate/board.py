"""The scoreboard: a row a system with its figures in one convention, and the menu to measure others beside them."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QSizePolicy, QWidget

from gui import theme
from gui.pages.evaluate.facts import Bench, counted_as
from gui.phrases import fill
from gui.tables.scoreboard import ScoreDelegate, ScoreModel, ScoreRow
from gui.widgets.buttons import Button
from gui.widgets.cards import Card
from gui.widgets.inputs import ChoiceBox
from gui.widgets.tables import TableView

_CONVENTIONS = ("", "sentence-transformers/", "PaddleNLP/", "MaxP/")


class ScoreboardCard(Card):
    """Signals: `chosen(run id)` when a row is; `asked(system)` where another one is to be measured."""

    chosen = Signal(int)
    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Scoreboard"), pad=0, gap=0, divided=False, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._bench, self._pair = Bench(), (0, 0)
        self._others = QMenu(self)
        self._more = Button(self.tr("Measure"), "flat", icon_name="plus", size="small")
        self._more.setToolTip(self.tr("Measure another system on the same queries"))
        self._more.setMenu(self._others)
        self.head.addWidget(self._more)
        self.convention = ChoiceBox(accessible=self.tr("Whose definitions the figures follow"))
        self.convention.setToolTip(self.tr("All from one ranked list; ties by score, then id; an empty list counts 0"))
        self.convention.picked.connect(lambda _prefix: self._show())
        self.head.addWidget(self.convention)
        self.model = ScoreModel(self)
        self.table = TableView(self.tr("Scoreboard"))
        self.table.setModel(self.model)
        self.table.setItemDelegate(ScoreDelegate(self.table))
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.clicked.connect(self._row_clicked)
        self.body.addWidget(self.table)

    def show_bench(self, bench: Bench, run_a: int, run_b: int) -> None:
        """Show all runs with their difference to run b; run a is chosen."""
        self._bench, self._pair = bench, (run_a, run_b)
        self._offer_conventions()
        self._offer_others()
        self._show()

    def others(self) -> list[str]:
        """What the menu offers."""
        return [action.text() for action in self._others.actions() if action.text()]

    def ask_for(self, name: str) -> None:
        """Have what the menu calls `name` measured."""
        next(action for action in self._others.actions() if action.text() == name).trigger()

    def _show(self) -> None:
        bench, (run_a, run_b) = self._bench, self._pair
        prefix = str(self.convention.value())
        rows = [
            ScoreRow(r.id, bench.lines[r.id], bench.names[r.id], counted_as(r.metrics, prefix)) for r in bench.test_runs
        ]
        self.model.set_rows(rows, run_b)
        self.table.set_widths(0, 108, 108, 108, 108, 116)
        self.table.selectRow(self.model.row_of(run_a))
        self.table.setFixedHeight(theme.ROW_HEAD + theme.ROW * len(rows))
        self.fact.setText(fill(self.tr("difference to %1"), bench.names.get(run_b, "–")))

    def _offer_conventions(self) -> None:
        """Those that something was measured in."""
        names = (
            self.tr("as trec_eval and BEIR count"),
            self.tr("as sentence-transformers counts"),
            self.tr("as PaddleNLP counts"),
            self.tr("whole documents by best passage (MaxP)"),
        )
        measured = [run.metrics for run in self._bench.test_runs]
        kept = [p for p in _CONVENTIONS if any(name.startswith(p) for found in measured for name in found)]
        self.convention.set_choices([(n, p) for n, p in zip(names, _CONVENTIONS, strict=True) if p in kept])

    def _offer_others(self) -> None:
        """Systems beside the baselines and the newest model; what was measured has a mark and is measured anew."""
        self._others.clear()
        for candidate in self._bench.candidates:
            offered = self._others.addAction(candidate.name.replace("&", "&&"))
            offered.setCheckable(True)
            offered.setChecked(bool(candidate.run_id))
            offered.triggered.connect(lambda _checked, label=candidate.label: self._ask(label))
        if self._bench.candidates:
            self._others.addSeparator()
        self._others.addAction(self.tr("Another model's folder…"), self._ask_folder)
        self._others.addAction(self.tr("Ranking of another program (TREC run)…"), self._ask_file)

    def _ask(self, label: str) -> None:
        self._offer_others()  # a click turned its mark
        self.asked.emit(label)

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder of a sentence-transformers model"))
        if path:
            self.asked.emit(path)

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Ranking of another program"))
        if path:
            self.asked.emit(path)

    def _row_clicked(self, index: QModelIndex) -> None:
        found = self.model.score_row(index.row())
        if found is not None:
            self.chosen.emit(found.run_id)
