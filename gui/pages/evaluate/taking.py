"""What can be taken from the Evaluate page: the report as a page or tables, the ranked lists of a system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from engine.records import Run
from gui.phrases import fill

if TYPE_CHECKING:
    from gui.session import Session


class TakingMenu(QMenu):
    """Asks where to, and has it written."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._run: Run | None = None
        self._name = ""
        self.addAction(self.tr("Report as one page (HTML)…"), lambda: self.take_report("html"))
        self.addAction(self.tr("Report as tables (CSV)…"), lambda: self.take_report("csv"))
        self._ranked = self.addAction("", self.take_run)
        self.addAction(self.tr("Test queries as a task for MTEB…"), self.take_task)

    def set_run(self, run: Run | None, name: str) -> None:
        """The run whose ranked lists are offered."""
        self._run, self._name = run, name
        self._ranked.setText(fill(self.tr("Ranked lists of %1 (TREC run)…"), name).replace("&", "&&"))
        self._ranked.setEnabled(run is not None)

    def take_report(self, format: str) -> None:
        start, kind = ("report.html", self.tr("Web page (*.html)")) if format == "html" else ("report", self._folder())
        path = self._ask(self.tr("Write the report"), start, kind)
        if path:
            self._session.run_job("report", {"dest": path, "format": format, "split": "test"})

    def take_run(self) -> None:
        if self._run is None:
            return
        name = "".join("-" if sign in '/\\:*?"<>|' else sign for sign in self._name)
        path = self._ask(self.tr("Save the run"), f"{name}.trec", self.tr("TREC run (*.trec *.run)"))
        if path:
            run = self._run
            system = str(run.model_id) if run.model_id and run.system == "tuned" else run.system
            self._session.run_job("export", {"dest": path, "what": "run", "system": system, "split": "test"})

    def take_task(self) -> None:
        path = self._ask(self.tr("Write the task"), "task", self._folder())
        if path:
            self._session.run_job("mteb", {"dest": path, "split": "test"})

    def _folder(self) -> str:
        return self.tr("Folder (*)")

    def _ask(self, title: str, name: str, kind: str) -> str:
        project = self._session.project
        if project is None:
            return ""
        path, _ = QFileDialog.getSaveFileName(self, title, str(project.path / "exports" / name), kind)
        return str(Path(path)) if path else ""
