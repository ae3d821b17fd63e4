"""A window that is killed while it trains: the engine writes a checkpoint and ends, and the next window goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.store import models
from engine.store.project import Project
from gui.main_window import MainWindow
from gui.pages.train.page import TrainPage
from gui.session import Session
from gui.settings import SettingsStore
from tests.e2e.engine import ROOT
from tests.e2e.test_training_stops import LONG, path  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="kills by signal")]

# Opens a window, trains in it, and says the engine's process and the last step.
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from gui.main_window import MainWindow
from gui.session import Session
from gui.settings import SettingsStore

app = QApplication([])
session = Session(SettingsStore(Path(sys.argv[2])))
window = MainWindow(session)
window.show()
session.open_project(Path(sys.argv[1]))
said = []

def told(job, name, step, value):
    if step >= 5 and not said:
        said.append(step)
        print(session.queue._process.pid, step, flush=True)

session.queue.job_metric.connect(told)
session.run_job("train", PARAMS)
app.exec()
"""


def test_training_outlives_its_window_as_a_checkpoint_and_goes_on_in_the_next(qtbot, path, tmp_path):  # noqa: F811
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    settings = tmp_path / "settings.json"
    script = WINDOW.replace("PARAMS", repr(LONG))
    window = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(settings)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert window.stdout
    engine, reached = map(int, window.stdout.readline().split())
    worker = psutil.Process(engine)
    window.send_signal(signal.SIGKILL)
    window.wait()
    window.stdout.close()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    with Project.open(path, readonly=True) as project:
        (left,) = models.interrupted_models(project)
    _goes_on(qtbot, path, settings, left.id, reached)


def _goes_on(qtbot, path: Path, settings: Path, model_id: int, reached: int) -> None:  # noqa: F811
    """The Train page of a new window offers the run, and its first new step comes after those that were done."""
    session = Session(SettingsStore(settings))
    window = MainWindow(session)
    qtbot.addWidget(window)
    try:
        window.show()
        assert session.open_project(path)
        window.show_page("train")
        page = window.page("train")
        assert isinstance(page, TrainPage)
        qtbot.waitUntil(lambda: not page._resume.isHidden(), timeout=20_000)
        page._resume._go.click()
        job = session.queue.running
        assert job is not None
        assert job.params == {"resume": model_id}
        qtbot.waitUntil(lambda: bool(job.metrics.get("loss")), timeout=60_000)
        assert job.metrics["loss"][0][0] > reached - 1
        session.queue.cancel(job)
        qtbot.waitUntil(lambda: job.is_over, timeout=20_000)
    finally:
        session.close()
