"""What the machine does: processor, memory and, where there is one, the graphics card."""

from __future__ import annotations

import shutil

from PySide6.QtCore import QProcess, QTimer
from PySide6.QtGui import QFontMetrics, QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from gui import words
from gui.widgets.cards import row
from gui.widgets.gauges import Meter
from gui.widgets.labels import label

_GB = 1e9


class MachineMeters(QWidget):
    """Read once a second while it is visible."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = row(self, gap=8)
        self._gpu_words, self._gpu_meter = label("", "dense", "text2"), Meter(width=40)
        self._gpu_memory = label("", "dense", "text3")
        self._cpu_words, self._cpu_meter = label("", "dense", "text2"), Meter(width=40)
        self._memory = label("", "dense", "text3")
        self._gpu: tuple[QWidget, ...] = (self._gpu_words, self._gpu_meter, self._gpu_memory)
        for part in (*self._gpu, self._cpu_words, self._cpu_meter, self._memory):
            line.addWidget(part)
        room = QFontMetrics(self._cpu_words.font()).horizontalAdvance("CPU 100 %") + 4
        for part in (self._gpu_words, self._cpu_words):
            part.setMinimumWidth(room)
        for part in self._gpu:
            part.hide()
        self._tool = shutil.which("nvidia-smi") or ""
        self._query: QProcess | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(1000)
        self._timer.timeout.connect(self._read)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._read()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _read(self) -> None:
        import psutil

        share = psutil.cpu_percent(interval=None) / 100
        memory = psutil.virtual_memory()
        self._cpu_words.setText(f"CPU {words.share(share)}")
        self._cpu_meter.set_share(share, "text3")
        used, total = memory.total - memory.available, memory.total
        self._memory.setText(f"{used / _GB:.1f} / {total / _GB:.0f} GB")
        self._memory.setToolTip(self.tr("Memory used, of all"))
        if self._tool and self._query is None:
            self._ask_gpu()

    def _ask_gpu(self) -> None:
        query = QProcess(self)
        query.finished.connect(self._show_gpu)
        query.errorOccurred.connect(lambda _error: self._drop_gpu())
        self._query = query
        fields = "--query-gpu=utilization.gpu,memory.used,memory.total"
        query.start(self._tool, [fields, "--format=csv,noheader,nounits"])

    def _show_gpu(self) -> None:
        query, self._query = self._query, None
        if query is None:
            return
        answer = bytes(query.readAllStandardOutput().data()).decode("ascii", "replace").splitlines()
        query.deleteLater()
        try:
            share, used, total = (float(value) for value in answer[0].split(","))
        except (IndexError, ValueError):
            self._drop_gpu()
            return
        self._gpu_words.setText(f"GPU {share:.0f} %")
        self._gpu_meter.set_share(used / total, "text3")
        self._gpu_memory.setText(f"{used * words.MIB / _GB:.1f} / {total * words.MIB / _GB:.1f} GB")
        for part in self._gpu:
            part.show()

    def _drop_gpu(self) -> None:
        """The driver does not answer: stop asking."""
        self._tool = ""
        self._query = None
