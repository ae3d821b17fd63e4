"""What the Train page asks the engine for: runs, rounds, rerankers, mixing, scores; and runs to take elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.records import Model
from gui.pages.train.commands import command_line, reranker_changes, run_changes
from gui.pages.train.end import base_in
from gui.pages.train.facts import Finished, TrainFacts
from gui.pages.train.mixing import MixDialog
from gui.pages.train.reranker import RerankerDialog
from gui.phrases import fill

if TYPE_CHECKING:
    from gui.session import Session

Values = dict[str, Any]  # Any: JSON values


class RunActions(QObject):
    """Starts what is asked for on the page; `facts` are those it shows, `shown` the finished run that it shows."""

    def __init__(self, session: Session, page: QWidget) -> None:
        super().__init__(page)
        self._session, self._page = session, page
        self.facts = TrainFacts()
        self.shown = Finished()

    @property
    def model(self) -> Model | None:
        return self.shown.model

    # Starting

    def start(self, values: Values, *, known: bool) -> None:
        """Train; where neither a limit nor a forecast is `known`, trial steps say first how long it takes."""
        if known:
            self._session.run_job("train", values)
            return
        self._session.run_chain([("forecast", values), ("train", values)])
        self._session.say(self.tr("Trial steps first: how long it will take, and how much memory"))

    def start_rounds(self, values: Values, minutes: int, adapt: str) -> None:
        """Measure, mine, train, and again, until nothing is gained or time is up."""
        settings = dict(values)
        preset, base = settings.pop("preset"), str(settings.pop("base", "base"))
        chosen = {"preset": preset, "base": base, "minutes": minutes, "settings": settings}
        self._session.run_job("autopilot", chosen | ({"adapt": adapt} if adapt != "off" else {}))

    def go_on(self, model: Model) -> None:
        """Train on from the last checkpoint."""
        self._session.run_job(_kind(model), {"resume": model.id})

    def keep(self, model: Model) -> None:
        """Train no further: the best checkpoint becomes a finished model."""
        self._session.run_job(_kind(model), {"resume": model.id, "finish": True})

    def ask_reranker(self, changes: Values | None = None) -> None:
        """Ask for a reranker's settings, then train it."""
        dialog = RerankerDialog(self.facts, changes, self._page)
        dialog.copied.connect(lambda: self._copy(dialog.values(), "reranker"))
        if dialog.exec():
            self._session.run_job("reranker", dialog.values())

    def measure(self, shown: int) -> None:
        """Measure a model (0: the newest) on the test queries for its verdict, where that was not done."""
        newest = self.facts.tuned[0].id if self.facts.tuned else 0
        asked = shown if shown > 0 else newest
        if self.model is not None and self.model.kind == "reranker" and asked == self.model.id:
            first = "tuned" if newest else "base"
            self._session.run_job("evaluate", {"systems": ["bm25", first, f"{first}+reranker"]})
        elif asked and asked not in self.facts.measured:
            system = "tuned" if asked == newest else str(asked)
            self._session.run_job("evaluate", {"systems": ["bm25", "base", system]})

    def score_pairs(self) -> None:
        """Let the newest reranker score the training pairs, for objectives with a teacher."""
        self._session.run_job("scores", {"model": "reranker"})

    def ask_mixing(self) -> None:
        """Ask how much of its base the shown model is to be mixed with."""
        model = self.model
        parent = next((m for m in self.facts.models if model and m.id == model.parent_id), None)
        if model is None or parent is None:
            return
        known = self.shown.curves.mixed
        dev, mixed = bool(self.facts.dev), base_in(model)
        dialog = MixDialog(model.id, model.name, parent.name, known, dev=dev, mixed=mixed, parent=self._page)
        if dialog.exec():
            self._session.run_job("merge", dialog.values())

    # Elsewhere

    def copy_plan(self, values: Values) -> None:
        """Put the command of a run with these settings on the clipboard."""
        self._copy(values, "train")

    def copy_command(self) -> None:
        """Put the command that repeats the shown run on the clipboard."""
        if self.model is None:
            return
        if self.model.kind == "reranker":
            self._copy(reranker_changes(self.model, self.facts.base_id), "reranker")
        else:
            preset, changes = run_changes(self.model, self.facts.base_id)
            self._copy({"preset": preset, **changes}, "train")

    def _copy(self, values: Values, command: str) -> None:
        project = self._session.project
        if project is not None:
            QGuiApplication.clipboard().setText(command_line(str(project.path), values, command))
            self._session.say(self.tr("Command copied"))

    def save_script(self) -> None:
        """Write the shown run as a script with its batches, into a folder of the person's choice."""
        if self.model is None:
            return
        folder = QFileDialog.getExistingDirectory(self._page, self.tr("A folder for the script and its batches"))
        if folder:
            self._session.edit("script", {"model_id": self.model.id, "dest": folder}, self._say_script)

    def _say_script(self, values: Values) -> None:
        self._session.say(fill(self.tr("Written: %1"), str(values.get("script", ""))))


def _kind(model: Model) -> str:
    return "reranker" if model.kind == "reranker" else "train"
