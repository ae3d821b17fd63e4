"""The engine's process without the process: commands in, events out."""

from __future__ import annotations

import io

import pytest

from engine import jobs, worker
from engine.protocol import CancelJob, JobCancelled, PauseJob, RunJob, Shutdown, read_event, to_line
from engine.worker import Worker


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
