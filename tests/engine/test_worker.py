"""The engine's process without the process: commands in, events out."""

from __future__ import annotations

import io
import shutil

import pytest

from engine import jobs, worker
from engine.protocol import CancelJob, Edit, JobCancelled, PauseJob, RunJob, Shutdown, read_event, to_line
from engine.records import JobState
from engine.store import jobs as history
from engine.store.project import Project
from engine.task import Task
from engine.worker import JobTask, Resident, Worker


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """What a worker says that got these commands, all of them before its job could begin."""
    monkeypatch.setattr(worker, "CANCEL_GRACE", 60)
    monkeypatch.setattr(jobs, "make_new", lambda *given: given[2].check_cancelled())

    def run(*commands):
        out = io.BytesIO()
        served = Worker(out)
        first = RunJob(job=1, kind="new", project=str(tmp_path / "p"))
        served.read(io.BytesIO(b"".join(map(to_line, (first, *commands, Shutdown())))))
        served.serve()
        return [read_event(line) for line in out.getvalue().splitlines()]

    return run


def test_a_cancel_that_comes_before_the_job_has_begun_is_heeded(ran):
    assert isinstance(ran(CancelJob(job=1))[-1], JobCancelled)


def test_a_pause_that_comes_before_the_job_has_begun_holds_it_until_it_is_cancelled(ran):
    assert isinstance(ran(PauseJob(job=1, paused=True), CancelJob(job=1))[-1], JobCancelled)


def test_a_cancel_of_another_job_is_passed_over(ran):
    assert not isinstance(ran(CancelJob(job=2))[-1], JobCancelled)


def test_a_change_goes_into_the_project_that_was_made_anew_in_the_place_of_one_that_was_removed(tmp_path):
    resident = Resident(Worker(io.BytesIO()))
    for name in ("Boxes", "Bottles"):
        shutil.rmtree(tmp_path / "p", ignore_errors=True)
        Project.create(tmp_path / "p").close()
        resident.answer(Edit(request=1, project=str(tmp_path / "p"), kind="rename_project", values={"name": name}))
    with Project.open(tmp_path / "p", readonly=True) as project:
        assert project.name == "Bottles"


def test_a_job_that_came_to_its_end_is_not_called_cancelled_by_a_cancel_that_insists(tmp_path):
    jobs.run_job(tmp_path / "p", "new", {}, Task())
    task = JobTask(Worker(io.BytesIO()), RunJob(job=1, kind="new", project=str(tmp_path / "p")))
    task.tell_started(1)
    task.mark_cancelled()
    with Project.open(tmp_path / "p", readonly=True) as project:
        assert history.jobs(project)[0].state is JobState.DONE
