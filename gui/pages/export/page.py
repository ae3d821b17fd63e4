"""The Export page: which model, what to take, where to; each export is loaded again before its row says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QPlainTextEdit,
    QStackedWidget,
    QWidget,
)

from engine.formats import QUERIES, TRAINING
from engine.store.pins import lost_pins
from gui import theme, words
from gui.jobs.job import Job, Phase
from gui.pages.export.facts import (
    ExportFacts,
    ModelChoice,
    choices,
    earlier,
    free_bytes,
    params_of,
    read_facts,
    snippet,
    why_not,
)
from gui.pages.export.gate import PinGate
from gui.pages.export.parts import ChoiceRow, HistoryRow, ModelCard
from gui.pages.reading import ReadingPage
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import Card, EmptyState, column, empty, row, rule, scroller
from gui.widgets.labels import ElidedLabel, StateMark, label

if TYPE_CHECKING:
    from gui.session import Session

_EMPTY, _CONTENT, _BLANK = range(3)
_A_ROW, _A_NARROW_ROW = 4, 3


class ExportPage(ReadingPage):
    """Each thing taken is a job of its own, so that one that fails stops no other."""

    name = "export"
    icon = "export"
    topics = frozenset({"models", "runs", "exports", "queries", "negatives", "project"})

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "", parent)
        self.head.set_title(self.tr("Export"))
        self.setAccessibleName(self.tr("Export"))
        self._facts = ExportFacts()
        self._folder = ""
        self._model, self._picked = 0, False
        self._jobs: dict[int, str] = {}
        self._failed: dict[str, str] = {}
        self._to_repeat: dict[str, Job] = {}  # what failed, by row
        self._cards: list[ModelCard] = []
        self._group = QButtonGroup(self)
        self._a_row = _A_ROW
        self._make_actions()
        self._stack = QStackedWidget()
        self.body.addWidget(self._stack)
        documents = Button(self.tr("Add documents"), "primary")
        documents.clicked.connect(lambda: self.session.show_page("documents"))
        self._stack.addWidget(
            EmptyState(
                "export",
                self.tr("Your models will stand here"),
                self.tr(
                    "As soon as the project has documents, its base model can be taken out; tuned ones as they come."
                ),
                documents,
            )
        )
        self._stack.addWidget(self._make_content())
        self._stack.addWidget(QWidget())
        self._make_inspector()
        queue = self.session.queue
        for signal in (queue.job_started, queue.job_progressed, queue.job_finished):
            signal.connect(self._job_moved)
        self._show_frame(False)

    def _make_actions(self) -> None:
        self._open = Button(self.tr("Open the folder"), "flat", icon_name="folder")
        self._open.clicked.connect(lambda: self._open_folder(self._folder))
        self._go = Button(self.tr("Export"), "primary", icon_name="export")
        self._go.clicked.connect(self._export)
        self.head.add_action(self._open)
        self.head.add_action(self._go)

    def _make_content(self) -> QWidget:
        content = QWidget()
        stack = column(content, gap=8)
        self._models_fact = ElidedLabel("", "body", "text3")
        head = row()
        head.addWidget(label(self.tr("Models"), "body", weight="bold"))
        head.addWidget(self._models_fact, 1)
        stack.addLayout(head)
        self._grid = QGridLayout()
        self._grid.setSpacing(theme.GAP)
        stack.addLayout(self._grid)
        stack.addSpacing(8)
        self._what = Card(self.tr("What to take"), pad=0, gap=0, divided=False)
        self._what.head.addWidget(label(self.tr("After loading it again"), "caption", "text3"))
        self._rows = [ChoiceRow(choice) for choice in choices()]
        self._rows[0].box.setChecked(True)
        for row_ in self._rows:
            self._what.body.addWidget(rule())
            self._what.body.addWidget(row_)
            row_.toggled.connect(self._show_choice)
        stack.addWidget(self._what)
        stack.addSpacing(8)
        self._gate = PinGate()
        self._gate.answered.connect(self._show_go)
        stack.addWidget(self._gate)
        stack.addLayout(self._make_place())
        stack.addStretch(1)
        return scroller(content)

    def _make_place(self) -> QHBoxLayout:
        line = row()
        line.addWidget(label(self.tr("To"), "body", "text2"))
        self._place_words = ElidedLabel("", "body")
        self._place_words.setAccessibleName(self.tr("Folder to export to"))
        card = Card(pad=0)
        card.setFixedHeight(theme.BUTTON + 2)
        card.body.setContentsMargins(12, 0, 12, 0)
        card.body.addWidget(self._place_words)
        line.addWidget(card, 1)
        change = Button(self.tr("Change…"))
        change.clicked.connect(self._change_folder)
        line.addWidget(change)
        self._free = label("", "dense", "text3")
        line.addWidget(self._free)
        return line

    def _make_inspector(self) -> None:
        pane = self.use_inspector(self.tr("Same answers?"), self.tr("each export is loaded again and compared"))
        body = pane.body
        self._check_mark = StateMark("none", 14)
        self._check_title = label("", "heading", wrap=True)
        line = row()
        line.addWidget(self._check_mark)
        line.addWidget(self._check_title, 1)
        body.addLayout(line)
        self._check = label("", "dense", "text2", wrap=True)
        body.addWidget(self._check)
        self._use_rule = rule()
        body.addWidget(self._use_rule)
        self._use_caption = label(self.tr("Use it"), "caption", "text3")
        body.addWidget(self._use_caption)
        self._code = QPlainTextEdit()
        self._code.setReadOnly(True)
        self._code.setFont(theme.font("mono"))
        self._code.setFixedHeight(150)
        self._code.setProperty("input", True)
        self._code.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._code.setAccessibleName(self.tr("Python code that loads the exported model"))
        body.addWidget(self._code)
        self._copy = Button(self.tr("Copy"), icon_name="copy", size="small")
        self._copy.clicked.connect(self._copy_code)
        body.addWidget(self._copy)
        body.addWidget(rule())
        body.addWidget(label(self.tr("Taken so far"), "caption", "text3"))
        self._history = column(gap=0)
        body.addLayout(self._history)
        body.addStretch(1)

    def refresh(self, topics: set[str]) -> None:
        if "all" in topics:
            self._folder, self._model, self._picked = "", 0, False
            self._jobs.clear()
            self._failed.clear()
            self._to_repeat.clear()
            self.problem.hide()
            self._show_frame(False)
            self._stack.setCurrentIndex(_BLANK)
        self.ask("export/facts", read_facts, self._show_facts)

    def tells_failure(self, kind: str) -> bool:
        return kind == "export" and bool(self._jobs or self._failed)

    def set_narrow(self, narrow: bool) -> None:
        super().set_narrow(narrow)
        self._a_row = _A_NARROW_ROW if narrow else _A_ROW
        self._place_cards()

    # Showing

    def _show_facts(self, facts: ExportFacts) -> None:
        self._facts = facts
        self._folder = self._folder or facts.folder
        possible = bool(facts.models or facts.judged)
        self._show_frame(possible)
        self._stack.setCurrentIndex(_CONTENT if possible else _EMPTY)
        if not self._picked or facts.model(self._model) is None:
            best = max(facts.models, key=lambda m: (m.is_tuned, m.score or 0.0, m.model_id), default=None)
            self._model = best.model_id if best else 0
        shown = fill(self.tr("nDCG@10 on %1 test queries, verdict against BM25"), words.count(facts.n_test))
        self._models_fact.setText(shown if facts.n_test else self.tr("nothing measured yet"))
        self._make_cards()
        self._show_choice()
        self._show_history()

    def _make_cards(self) -> None:
        for card in self._cards:
            self._group.removeButton(card.choice)
            self._grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [ModelCard(model) for model in self._facts.models]
        for card in self._cards:
            self._group.addButton(card.choice)
            card.choice.setChecked(card.model_id == self._model)
            card.choice.toggled.connect(lambda on, model_id=card.model_id: self._choose_model(model_id) if on else None)
            card.renaming.connect(self._rename)
        self._place_cards()

    def _place_cards(self) -> None:
        for place, card in enumerate(self._cards):
            self._grid.addWidget(card, place // self._a_row, place % self._a_row)
        for column_ in range(_A_ROW):
            self._grid.setColumnStretch(column_, 1 if column_ < self._a_row else 0)

    def _choose_model(self, model_id: int) -> None:
        self._model, self._picked = model_id, True
        self._failed.clear()
        self._show_choice()

    def _chosen_model(self) -> ModelChoice | None:
        return self._facts.model(self._model)

    def _show_choice(self) -> None:
        """Rows, button and place for what is chosen now."""
        model = self._chosen_model()
        for row_ in self._rows:
            reason = why_not(row_.choice, model, self._facts)
            row_.blockSignals(True)
            row_.set_possible(reason)
            row_.blockSignals(False)
            row_.set_size(model.n_bytes if model and row_.choice.what == "model" else 0)
            self._show_row(row_)
        chosen = [row_ for row_ in self._rows if row_.is_chosen()]
        count = words.count(len(chosen))
        size = model.n_bytes if model and self._rows[0].is_chosen() else 0
        fact = fill(self.tr("%1 chosen"), count) + (f", {words.size(size)}" if size else "")
        self._what.fact.setText(fact)
        self._place_words.setText(self._folder)
        free = free_bytes(self._folder)
        self._free.setText(fill(self.tr("%1 free"), words.size(free)) if free else "")
        self._open.setVisible(Path(self._folder).is_dir() and self._stack.currentIndex() != _EMPTY)
        self._go.setText(
            fill(self.tr("Export %1"), chosen[0].choice.title)
            if len(chosen) == 1
            else fill(self.tr("Export %1 things"), count)
        )
        self._show_go()
        self._show_check()
        self._ask_gate(model)

    def _show_go(self) -> None:
        """Whether the export can begin, or what stands before it."""
        model, free = self._chosen_model(), free_bytes(self._folder)
        with_model = model is not None and self._rows[0].is_chosen()
        if self._jobs:
            self._go.set_possible(False, self.tr("Exporting…"))
        elif not any(row_.is_chosen() for row_ in self._rows):
            self._go.set_possible(False, self.tr("Choose what to take"))
        elif with_model and self._gate.is_shut():
            self._go.set_possible(False, self.tr("The model loses pinned queries"))
        else:
            size = model.n_bytes if with_model and model else 0
            self._go.set_possible(not (free and size > free), self.tr("Not enough room there"))

    def _ask_gate(self, model: ModelChoice | None) -> None:
        """Warn where the model chosen lost pinned queries."""
        if model is None:
            self._gate.show_broken((), "")
            return
        model_id, name = model.model_id, model.name
        self.ask(
            "export/gate",
            lambda project: tuple(lost_pins(project, model_id)),
            lambda lost: self._gate.show_broken(lost, name),
        )

    def _show_row(self, row_: ChoiceRow) -> None:
        key = row_.choice.key
        running = next((job_id for job_id, known in self._jobs.items() if known == key), 0)
        done = earlier(row_.choice, self._chosen_model(), self._folder, self._facts)
        if running:
            job = self.session.queue.running
            going = job is not None and job.id == running
            stage = (job.stage if job else "") or self.tr("starting")
            row_.set_state("running" if going else "none", stage if going else self.tr("waiting"))
        elif key in self._failed:
            row_.set_state("problem", self._failed[key], "bad")
        elif done is not None:
            row_.set_state("done", done.check or self.tr("checked"))
        else:
            row_.set_state("none", self.tr("not taken yet") if row_.is_chosen() else self.tr("not chosen"), "text3")

    def _show_check(self) -> None:
        model = self._chosen_model()
        done = earlier(self._rows[0].choice, model, self._folder, self._facts)
        self._check_mark.setVisible(done is not None)
        if done is not None and model is not None:
            self._check_mark.set_state("done")
            self._check_title.setText(fill(self.tr("%1 gives the same vectors"), model.name))
            self._check.setText(done.check)
            self._code.setPlainText(snippet(done.path))
        else:
            self._check_title.setText(self.tr("Nothing is called done unseen"))
            self._check.setText(
                self.tr(
                    "A model is loaded again as others would load it, and its vectors are compared with those here. "
                    "Lists are read back and counted."
                )
            )
        for widget in (self._use_rule, self._use_caption, self._code, self._copy):
            widget.setVisible(done is not None)

    def _show_history(self) -> None:
        empty(self._history)
        titles = {(choice.what, choice.format): choice.title for choice in choices() if not choice.formats}
        words_of = {choice.what: choice.title for choice in choices() if choice.formats}
        words_of |= {"qrels": self.tr("Judgements"), "task": self.tr("Retrieval task"), "report": self.tr("Report")}
        for record in self._facts.history[:8]:
            known = {**QUERIES, **TRAINING}.get(record.format, record.format.upper())
            title = titles.get((record.what, record.format)) or f"{words_of.get(record.what, record.what)}, {known}"
            fact = f"{words.when(record.created_at)} · {record.path}"
            made = HistoryRow(title, fact, record.path, there=Path(record.path).exists())
            made.opened.connect(self._open_folder)
            self._history.addWidget(made)
        if not self._facts.history:
            self._history.addWidget(label(self.tr("Nothing yet."), "body", "text3"))

    # Doing

    def _export(self) -> None:
        model = self._chosen_model()
        self._failed.clear()
        self._to_repeat.clear()
        self.problem.hide()
        for row_ in self._rows:
            if row_.is_chosen():
                values = params_of(row_.choice, model, self._folder)
                if row_.choice.what == "model" and self._gate.is_allowed():
                    values["despite_pins"] = True
                self._run(row_.choice.key, values)
        self._show_choice()

    def _try_again(self) -> None:
        """Only what failed, into the folder that is chosen now; what went well or still goes is left alone."""
        repeated, self._to_repeat = self._to_repeat, {}
        self.problem.hide()
        for key, failed in repeated.items():
            self._failed.pop(key, None)
            self._run(key, {**failed.params, "dest": str(Path(self._folder) / Path(failed.params["dest"]).name)})
        self._show_choice()

    def _run(self, key: str, values: dict[str, Any]) -> None:  # Any: JSON values
        job = self.session.run_job("export", values)
        if job is not None and not job.is_over:
            self._jobs[job.id] = key

    def _job_moved(self, job: Job) -> None:
        key = self._jobs.get(job.id)
        if key is None:
            return
        if job.is_over:
            del self._jobs[job.id]
            if job.phase is Phase.FAILED:
                self._failed[key] = job.message
                self._to_repeat[key] = job
                self._say_failed()
            elif job.phase is Phase.CANCELLED:
                self._failed.pop(key, None)
            self._show_choice()
            if not self._jobs and not self._failed and job.phase is Phase.DONE:
                self.session.say(self.tr("Export written and checked"), self.tr("Open folder"), self._open_written)
        else:
            self._show_row(self._row(key))

    def _row(self, key: str) -> ChoiceRow:
        return next(row_ for row_ in self._rows if row_.choice.key == key)

    def _say_failed(self) -> None:
        """Name everything that failed; why, once where all failed alike."""
        again = Button(self.tr("Try again"), size="small")
        again.clicked.connect(self._try_again)
        other = Button(self.tr("Choose another folder"), "flat", size="small")
        other.clicked.connect(self._change_folder)
        why = {self._row(key).choice.title: f"{job.message} {job.hint}".strip() for key, job in self._to_repeat.items()}
        alike, names = len(set(why.values())) == 1, ", ".join(why)
        said = self.tr("%1 was not exported") if len(why) == 1 else self.tr("%1 were not exported")
        where = next(iter(why.values())) if alike else "\n".join(f"{title}: {words_}" for title, words_ in why.items())
        details = "\n".join(job.details for job in self._to_repeat.values()).strip()
        kept = self.tr("Kept: everything in the project, and what was exported before.")
        self.problem.show_error(fill(said, names), where, kept=kept, details=details, actions=[again, other])

    def _change_folder(self) -> None:
        start = self._folder if Path(self._folder).is_dir() else str(Path(self._folder).parent)
        folder = QFileDialog.getExistingDirectory(self, self.tr("Export to"), start)
        if folder:
            self._folder = str(Path(folder))
            self._failed.clear()
            self._show_choice()

    def _open_written(self) -> None:
        self._open_folder(self._folder)

    def _open_folder(self, path: str) -> None:
        """Show a folder in the system's file manager; a file's folder for a file."""
        place = Path(path)
        folder = place if place.is_dir() else place.parent
        if not folder.is_dir():
            self.session.failed.emit(fill(self.tr("%1 is no longer there."), path), self.tr("Export it again."))
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _copy_code(self) -> None:
        QGuiApplication.clipboard().setText(self._code.toPlainText())
        self.session.say(self.tr("Copied"))

    def _rename(self, model_id: int) -> None:
        model = self._facts.model(model_id)
        if model is None:
            return
        name, accepted = QInputDialog.getText(self, self.tr("Rename the model"), self.tr("Name"), text=model.name)
        if accepted and name.strip() and name.strip() != model.name:
            from gui.session import Undo

            undo = Undo(self.tr("rename a model"), "rename_model", {"model_id": model_id, "name": model.name})
            self.session.edit("rename_model", {"model_id": model_id, "name": name.strip()}, undo=undo)

    # Frame

    def _show_frame(self, shown: bool) -> None:
        self._go.setVisible(shown)
        self._open.setVisible(False)
        self.show_inspector(shown)

    def open_at(self, what: dict[str, object]) -> None:
        """`model` chooses one to take from, `step` puts the keyboard on Export."""
        model = what.get("model")
        if isinstance(model, int):
            self._model, self._picked = model, True
            for card in self._cards:
                card.choice.setChecked(card.model_id == model)
        elif what.get("step"):
            self._go.setFocus()
