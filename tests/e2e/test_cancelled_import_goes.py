"""An import cancelled with the wish to take it back goes, even where the engine ended before it could do that."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from engine.edits import apply_edit
from engine.ingest import importing
from engine.jobs import run_job
from engine.protocol import CancelJob, JobCancelled, JobDone, JobProgress, RunJob, WorkerReady
from engine.records import JobState
from engine.store import documents, imports
from engine.store import jobs as history
from engine.store.project import Project
from engine.store.recovering import recover
from engine.task import Task
from tests.e2e.engine import Engine

# An engine whose third document is cut for ever, within a transaction, so that no cancel is heeded. The second one waits,
# so that the first is committed by then however fast the machine is.
_STUCK = """
import sys, time
from engine.ingest.cutting import Cutting
put, count = Cutting.put, [0]
def stuck(self, *args, **more):
    count[0] += 1
    if count[0] == 2:
        time.sleep(1)
    found = put(self, *args, **more)
    if count[0] == 3:
        time.sleep(600)
    return found
Cutting.put = stuck
from engine.worker import main
sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "docs"
    place.mkdir()
    for number in range(6):
        (place / f"{number}.txt").write_text(f"Box {number} is red.", encoding="utf-8")
    return place


def test_the_next_opening_takes_back_what_a_killed_engine_left(tmp_path, folder):
    place = tmp_path / "p"
    with Engine(_STUCK) as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind="new", project=str(place)))
        engine.wait_for(JobDone)
        params = {"paths": [str(folder)], "on_cancel": "undo"}
        engine.say(RunJob(job=2, kind="import", project=str(place), params=params))
        while engine.wait_for(JobProgress).stage != "import files":
            pass
        ends = time.monotonic() + 60
        with Project.open(place, readonly=True) as project:
            while not documents.count_documents(project) and time.monotonic() < ends:
                time.sleep(0.05)
        engine.say(CancelJob(job=2))
        engine.wait_for(JobCancelled)
        engine.process.wait(10)
    with Project.open(place) as project:
        assert documents.count_documents(project) > 0
        topics, said = apply_edit(project, "recover", {})
        newest = history.jobs(project)[0]
        assert (newest.kind, newest.state) == ("import", JobState.CANCELLED)
        assert (said["taken_back"], "documents" in topics) == (1, True)
        assert (documents.count_documents(project), imports.unfinished_imports(project)) == (0, [])


@pytest.mark.parametrize(("on_cancel", "cancelled", "gone"), [("undo", True, 1), ("keep", True, 0), ("undo", False, 0)])
def test_only_what_was_cancelled_with_that_wish_is_taken_back(tmp_path, on_cancel, cancelled, gone):
    with Project.create(tmp_path / "p") as project:
        job = history.start_job(project, "import", {"on_cancel": on_cancel})
        imports.start_import(project, ["/docs"], "auto")
        if cancelled:
            history.note_cancelled(project.path, job)
        found = recover(project)
        assert (len(found.undone), found.kinds) == (gone, [] if cancelled else ["import"])
        assert len(imports.unfinished_imports(project)) == 1 - gone
        assert recover(project).undone == []


def test_a_taking_back_that_was_interrupted_is_finished_by_the_next_job(tmp_path, folder, monkeypatch):
    place = tmp_path / "p"
    run_job(place, "new", {}, Task())

    class Impatient(Task):
        """Cancels in the middle."""

        def on_progress(self, stage, done, total, note):
            if (stage, done) == ("import files", 3):
                self.cancel()

    def killed(*_args):
        raise KeyboardInterrupt

    values = {"paths": [str(folder)], "on_cancel": "undo"}
    with monkeypatch.context() as patch:
        patch.setattr(importing, "undo_import", killed)
        with pytest.raises(KeyboardInterrupt):
            run_job(place, "import", values, Impatient())
    with Project.open(place, readonly=True) as project:
        assert documents.count_documents(project) == 3
        assert imports.unfinished_imports(project) == []
    warned: list[str] = []
    task = Task()
    monkeypatch.setattr(task, "on_warning", warned.append)
    summary = run_job(place, "import", {**values, "on_cancel": "keep"}, task)
    assert "An import that was cancelled before is taken back now: 3 documents." in warned
    assert (summary["new"], summary["unchanged"]) == (6, 0)
    with Project.open(place) as project:
        assert apply_edit(project, "recover", {})[1]["taken_back"] == 0
        assert documents.count_documents(project) == 6
        assert [json.loads(row[0]) for row in project.db.execute("select paths from imports")] == [[str(folder)]] * 2
