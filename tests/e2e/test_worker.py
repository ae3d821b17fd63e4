"""The engine as a process: it answers, refuses, cancels, and ends with the window."""

from __future__ import annotations

import json
import time

import pytest

from engine.protocol import (
    CancelJob,
    Edit,
    EditDone,
    EditFailed,
    JobCancelled,
    JobDone,
    JobFailed,
    JobProgress,
    JobStarted,
    RunJob,
    SearchFailed,
    SearchQuery,
    Shutdown,
    WorkerReady,
)
from engine.records import JobState
from engine.store import documents, jobs, queries
from engine.store.project import Project
from tests.e2e.engine import Engine


@pytest.fixture
def engine():
    with Engine() as started:
        started.wait_for(WorkerReady)
        yield started


@pytest.fixture
def folder(tmp_path):
    """Three hundred small files."""
    place = tmp_path / "texts"
    place.mkdir()
    for number in range(300):
        text = f"Part {number}. " + f"The lid of box {number} opens when the lever is pushed. " * 5
        (place / f"part-{number:03}.txt").write_text(text, encoding="utf-8")
    return place


def test_a_job_makes_a_project_and_keeps_its_record(engine, tmp_path):
    engine.say(RunJob(job=1, kind="new", project=str(tmp_path / "p"), params={"name": "Boxes"}))
    done = engine.wait_for(JobDone, JobFailed)
    assert isinstance(done, JobDone), done
    with Project.open(tmp_path / "p", readonly=True) as project:
        assert project.name == "Boxes"
        assert jobs.jobs(project)[0].state is JobState.DONE


def test_a_users_error_is_one_sentence_and_the_engine_goes_on(engine, tmp_path):
    engine.say(RunJob(job=1, kind="mine", project=str(tmp_path / "nowhere")))
    failed = engine.wait_for(JobFailed)
    assert "no project" in failed.message
    engine.say(RunJob(job=2, kind="dance", project=str(tmp_path / "nowhere")))
    assert "no job 'dance'" in engine.wait_for(JobFailed).message


def test_a_line_that_is_no_message_does_not_end_the_engine(engine):
    engine.process.stdin.write(b"hello\n")
    engine.process.stdin.flush()
    assert engine.wait_for(JobFailed).code == "protocol"
    engine.say(SearchQuery(request=1, text="x"))
    assert engine.wait_for(SearchFailed).request == 1


def test_an_import_is_cancelled_within_a_second_and_keeps_what_is_done(engine, tmp_path, folder):
    project = str(tmp_path / "p")
    engine.say(RunJob(job=1, kind="new", project=project))
    engine.wait_for(JobDone)
    engine.say(RunJob(job=2, kind="import", project=project, params={"paths": [str(folder)]}))
    engine.wait_for(JobProgress)
    asked = time.monotonic()
    engine.say(CancelJob(job=2))
    engine.wait_for(JobCancelled)
    assert time.monotonic() - asked < 1.5  # a second, and what a busy machine adds
    with Project.open(tmp_path / "p", readonly=True) as opened:
        assert jobs.jobs(opened)[0].state is JobState.CANCELLED


def test_a_killed_import_is_found_interrupted_and_goes_on(engine, tmp_path, folder):
    project = str(tmp_path / "p")
    engine.say(RunJob(job=1, kind="new", project=project))
    engine.wait_for(JobDone)
    engine.say(RunJob(job=2, kind="import", project=project, params={"paths": [str(folder)]}))
    stored = 0
    with Project.open(tmp_path / "p", readonly=True) as opened:
        while stored < 2:  # files that are read within a tenth of a second are committed together
            engine.wait_for(JobProgress)
            stored = documents.count_documents(opened)
    engine.kill()
    with Engine() as again:
        again.wait_for(WorkerReady)
        again.say(Edit(request=1, project=project, kind="recover"))
        assert again.wait_for(EditDone).values["interrupted"] == ["import"]
        again.say(RunJob(job=3, kind="import", project=project, params={"paths": [str(folder)]}))
        done = again.wait_for(JobDone, JobFailed)
    assert done.summary["new"] + done.summary["unchanged"] == 300
    assert done.summary["unchanged"] >= stored
    with Project.open(tmp_path / "p", readonly=True) as opened:
        assert documents.count_documents(opened) == 300


def test_the_engine_ends_when_the_window_dies(engine, tmp_path, folder):
    project = str(tmp_path / "p")
    engine.say(RunJob(job=1, kind="new", project=project))
    engine.wait_for(JobDone)
    engine.say(RunJob(job=2, kind="import", project=project, params={"paths": [str(folder)]}))
    engine.wait_for(JobStarted)
    engine.process.stdin.close()
    assert engine.process.wait(10) == 0


def test_shutdown_ends_the_engine(engine):
    engine.say(Shutdown())
    assert engine.process.wait(10) == 0


def test_edits_are_done_one_after_another_and_bad_ones_refused(engine, tmp_path):
    project = str(tmp_path / "p")
    engine.say(RunJob(job=1, kind="new", project=project))
    engine.wait_for(JobDone)
    engine.say(Edit(request=1, project=project, kind="add_query", values={"text": "How do I open the lid?"}))
    added = engine.wait_for(EditDone)
    assert added.values["new"]
    engine.say(Edit(request=2, project=project, kind="review", values={"query_id": 1}))
    assert "verdict" in engine.wait_for(EditFailed).message
    engine.say(Edit(request=3, project=project, kind="rename_project", values={"name": "Deckel"}))
    assert engine.wait_for(EditDone).changed == ["project"]
    with Project.open(tmp_path / "p", readonly=True) as opened:
        assert opened.name == "Deckel"
        assert queries.count_queries(opened) == 1


def test_a_jobs_log_keeps_its_stages(engine, tmp_path, folder):
    project = str(tmp_path / "p")
    engine.say(RunJob(job=1, kind="new", project=project))
    engine.wait_for(JobDone)
    engine.say(RunJob(job=2, kind="import", project=project, params={"paths": [str(folder / "part-000.txt")]}))
    started = engine.wait_for(JobStarted)
    engine.wait_for(JobDone)
    with Project.open(tmp_path / "p", readonly=True) as opened:
        lines = jobs.job_log(opened, started.record).read_text(encoding="utf-8").splitlines()
    assert all("time" in json.loads(line) for line in lines)
    assert lines
