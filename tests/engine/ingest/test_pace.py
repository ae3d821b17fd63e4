"""While an import runs it says where it is, and heeds the wish to skip a file or to pause."""

from __future__ import annotations

import json
import sys
import threading
import time

import pytest

from engine.errors import Skipped
from engine.ingest import foreign, pace
from engine.ingest.importing import import_paths
from engine.ingest.pace import Pace
from engine.params import ImportParams
from engine.store import documents
from engine.store.project import Project
from engine.task import Task
from tests.engine.ingest.samples import make_pdf

_SLEEPY = "import time; time.sleep(60)"


class Listener(Task):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[str, int, int, str]] = []
        self.metrics: list[tuple[str, int, float]] = []

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        self.notes.append((stage, done, total, note))

    def on_metric(self, name: str, step: int, value: float) -> None:
        self.metrics.append((name, step, value))


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


@pytest.fixture
def sleepy_reader(monkeypatch):
    """A reader of foreign files that never answers."""
    monkeypatch.setattr(foreign, "child_command", lambda: [sys.executable, "-c", _SLEEPY])
    monkeypatch.setattr(pace, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(pace, "_EVERY", 0.1)


def _folder(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    make_pdf(folder / "a.pdf", ["The red page"])
    (folder / "b.txt").write_text("The b box.", encoding="utf-8")
    return folder


@pytest.mark.usefixtures("sleepy_reader")
def test_a_slow_file_is_told_and_skipped_on_wish_and_the_others_are_taken(project, tmp_path):
    folder = _folder(tmp_path)

    class Skipping(Listener):
        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            super().on_progress(stage, done, total, note)
            if "on this file" in note:
                self.skip(note)

    task = Skipping()
    report = import_paths(project, ImportParams(paths=(str(folder),)), task)
    (problem,) = report.problems
    assert (problem.code, problem.reason, problem.file) == ("skipped_by_hand", "skipped by you", "a.pdf")
    assert (report.counts.new, report.counts.skipped) == (1, 1)
    assert ("import files", 0, 2, "a.pdf (0 s on this file)") in task.notes
    assert [(step, value >= 0.3) for name, step, value in task.metrics if name == "seconds_on_file"] == [(0, True)]
    assert ("passages", 2, 1.0) in task.metrics


@pytest.mark.usefixtures("sleepy_reader")
def test_a_file_that_was_skipped_is_read_the_next_time(project, tmp_path, monkeypatch):
    folder = _folder(tmp_path)
    task = Task()
    threading.Timer(0.5, task.skip).start()
    import_paths(project, ImportParams(paths=(str(folder),)), task)
    monkeypatch.undo()
    assert import_paths(project, ImportParams(paths=(str(folder),)), Task()).counts.new == 1
    assert documents.count_documents(project) == 2


def test_a_wish_to_skip_a_file_that_is_done_skips_no_other(project, tmp_path):
    folder = _folder(tmp_path)
    task = Task()
    task.skip("z.pdf")
    assert import_paths(project, ImportParams(paths=(str(folder),)), task).counts.new == 2


def test_a_labelled_set_that_is_skipped_keeps_what_was_read(project, tmp_path):
    path = tmp_path / "set.jsonl"
    rows = [json.dumps({"query": f"how {n}", "pos": [f"answer {n}"], "neg": []}) for n in range(3000)]
    path.write_text("\n".join(rows), encoding="utf-8")

    class Skipping(Task):
        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            if stage == "import labelled lines":
                self.skip()

    report = import_paths(project, ImportParams(paths=(str(path),)), Skipping())
    (problem,) = report.problems
    assert problem.code == "skipped_by_hand"
    assert 500 <= report.counts.new < 3000
    assert f"after {report.counts.new:,} lines" in problem.reason
    assert (
        import_paths(project, ImportParams(paths=(str(path),)), Task()).counts.queries == 3000 - report.counts.queries
    )


def test_a_pause_does_not_count_as_time_on_a_file(monkeypatch):
    monkeypatch.setattr(pace, "SLOW_SECONDS", 0.4)
    monkeypatch.setattr(pace, "_EVERY", 0.1)
    task = Listener()
    told = Pace(task, passages=lambda: 0)
    told.begin(0, 1, "a.pdf")
    task.pause()
    threading.Timer(0.6, task.resume).start()
    told.pulse()
    assert [note for *_, note in task.notes] == ["a.pdf"]
    time.sleep(0.45)
    told.pulse()
    assert task.notes[-1][3].startswith("a.pdf (")


def test_a_skip_reaches_the_file_that_was_meant():
    task = Task()
    task.skip("a.pdf (25 s on this file)")
    with pytest.raises(Skipped):
        task.check_skipped("a.pdf")
    task.check_skipped("a.pdf")
    task.skip("a.pdf")
    task.check_skipped("b.pdf")
    task.check_skipped("a.pdf")


def test_large_plain_files_are_read_where_they_can_be_given_up(project, tmp_path, monkeypatch):
    monkeypatch.setattr(foreign, "SMALL_BYTES", 10)
    monkeypatch.setattr(foreign, "child_command", lambda: [sys.executable, "-c", "import os; os._exit(137)"])
    path = tmp_path / "big.txt"
    path.write_text("longer than ten bytes", encoding="utf-8")
    (problem,) = import_paths(project, ImportParams(paths=(str(path),)), Task()).problems
    assert problem.code == "memory"
    assert "larger limits" in problem.reason
