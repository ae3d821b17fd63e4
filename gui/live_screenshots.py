"""Takes pictures of trainings as they go, by real ones on a copy of a finished project.

    python -m gui.live_screenshots FOLDER [--project PROJECT] [--only first second lost worse still]

Each name is a training that the window's own buttons start, or settings that end as the name says: `first` (Quick from
its start over its middle and a pause to its end and verdict), `second` (its process killed, then gone on with), `still`
(a rate that changes nothing), `worse` (one far too high), `lost` (numbers that are none). Light and dark of each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication

from gui import theme
from gui.jobs.job import Job, Phase
from gui.main_window import MainWindow
from gui.pages.train.facts import read_finished, read_interrupted
from gui.pages.train.page import TrainPage
from gui.screenshots import SETTLED, open_studio, tour_project, wait
from gui.session import Session
from gui.settings import SettingsStore

NAMES = ("first", "second", "still", "worse", "lost")
HOUR = 3_600_000
_SETTINGS: Mapping[str, Mapping[str, Any]] = {  # Any: JSON values
    "still": {"learning_rate": 1e-7, "max_steps": 2, "merge": "off"},
    "worse": {"learning_rate": 3e-3, "max_steps": 8, "eval_every": 0, "merge": "off"},
    "lost": {"learning_rate": 1e30, "max_steps": 6},
}


def main() -> int:
    """Take the pictures; without a project the tour's is copied, which is made first where it is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--project", type=Path, help="a finished project (the tour's if not given)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    options = parser.parse_args()
    project = options.project or tour_project()
    if project is None:
        return 1
    app = open_studio(options.folder)
    with tempfile.TemporaryDirectory() as place:
        copied = Path(place) / project.name
        shutil.copytree(project, copied)
        theme.start(app, "light")
        session = Session(SettingsStore(Path(place) / "settings.json"))
        window = MainWindow(session)
        window.resize(1280, 800)
        window.show()
        session.open_project(copied)
        reporter = _Reporter(app, window, session, options.folder)
        for name in options.only:
            reporter.go(name)
        window.close()
        session.close()
    return 0


class _Reporter:
    """Starts trainings and photographs the page when they have come to something."""

    def __init__(self, app: QApplication, window: MainWindow, session: Session, folder: Path) -> None:
        self._app, self._window, self._session, self._folder = app, window, session, folder
        window.show_page("train")
        page = window.page("train")
        assert isinstance(page, TrainPage)
        self._page = page
        wait(15_000, page.is_settled)

    def go(self, name: str) -> None:
        if name == "first":
            self._first()
        elif name == "second":
            self._second()
        else:
            job = self._train({"preset": "quick", **_SETTINGS[name]})
            wait(HOUR, lambda: job.is_over)
            if job.phase is Phase.FAILED:
                self._photograph("failed")
            else:
                self._judge(job)

    def _first(self) -> None:
        job = self._train({"preset": "quick"})
        wait(HOUR, lambda: job.phase is Phase.RUNNING and bool(job.stage))
        self._photograph("start")
        wait(HOUR, lambda: job.is_over or len(job.metrics.get("dev_ndcg@10", ())) >= 4)
        self._photograph("middle")
        self._session.queue.pause(job, paused=True)
        wait(60_000, lambda: job.phase is Phase.PAUSED)
        self._photograph("paused")
        self._session.queue.pause(job, paused=False)
        wait(HOUR, lambda: job.is_over)
        self._photograph("end")
        self._judge(job)

    def _second(self) -> None:
        job = self._train({"preset": "quick", "seed": 14})
        wait(HOUR, lambda: job.is_over or len(job.metrics.get("dev_ndcg@10", ())) >= 3)
        os.kill(self._session.queue.process_id, signal.SIGKILL)
        wait(60_000, lambda: job.is_over)
        self._photograph("killed")
        assert self._session.project is not None
        again = self._train({"resume": read_interrupted(self._session.project)[0].id})
        wait(HOUR, lambda: again.is_over or len(again.metrics.get("loss", ())) >= 3)
        self._photograph("resumed")
        self._session.queue.cancel(again)
        wait(HOUR, lambda: again.is_over)
        self._photograph("stopped")

    def _train(self, values: Mapping[str, Any]) -> Job:  # Any: JSON values
        job = self._session.run_job("train", dict(values))
        assert job is not None
        return job

    def _judge(self, job: Job) -> None:
        """Measure the model on the test queries; the picture is called by the verdict against the base."""
        measured = self._session.run_job("evaluate", {"systems": ["bm25", "base", "tuned"]})
        wait(HOUR, lambda: measured is None or measured.is_over)
        model = int(job.summary["model"])
        self._page.open_at({"model": model})
        assert self._session.project is not None
        found = read_finished(self._session.project, model).verdicts
        against = {comparison.b: comparison.verdict for comparison in found}
        self._photograph(str(against.get("base", "end")).lower())

    def _photograph(self, name: str) -> None:
        self._window.show_page("train")
        for choice in ("light", "dark"):
            theme.choose(self._app, choice)
            wait(SETTLED)
            wait(15_000, self._page.is_settled)
            path = self._folder / f"{name}-{choice}.png"
            self._window.grab().save(str(path))
            print(path, flush=True)
        theme.choose(self._app, "light")


if __name__ == "__main__":
    sys.exit(main())
