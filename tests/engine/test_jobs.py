"""Jobs by name: refused, recorded, summed up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine import jobs
from engine.errors import Cancelled, ModelError, ProjectError, UserError
from engine.jobs import JOBS, as_summary, run_job
from engine.params import NewParams
from engine.records import ImportCounts, ImportProblem, ImportReport, JobState
from engine.store.jobs import jobs as history
from engine.store.project import Project
from engine.task import Task


@pytest.fixture
def path(tmp_path):
    run_job(tmp_path / "p", "new", {"name": "Boxes"}, Task())
    return tmp_path / "p"


def _use(monkeypatch, run) -> None:
    """Let the job `new` do something else."""
    monkeypatch.setattr(jobs, "make_new", run)
    assert JOBS["new"].params is NewParams


def test_an_unknown_job_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match=r"no job 'dance'.*mine"):
        run_job(tmp_path, "dance", {}, Task())


def test_only_some_jobs_make_a_project(tmp_path):
    with pytest.raises(ProjectError, match="no project"):
        run_job(tmp_path / "none", "mine", {}, Task())
    assert not (tmp_path / "none").exists()


def test_a_new_project_whose_base_model_is_not_there_is_not_made_so_that_it_can_be_asked_for_again(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        run_job(tmp_path / "p", "new", {"base": str(tmp_path / "gone")}, Task())
    assert not (tmp_path / "p").exists()


def test_a_done_job_is_kept_with_its_summary(path):
    with Project.open(path, readonly=True) as project:
        (record,) = history(project)
    assert (record.kind, record.state, record.summary["name"]) == ("new", JobState.DONE, "Boxes")


@pytest.mark.parametrize(
    ("error", "state"),
    [(Cancelled(), JobState.CANCELLED), (UserError("No."), JobState.FAILED), (ZeroDivisionError(), JobState.FAILED)],
)
def test_how_a_job_ended_is_kept(path, monkeypatch, error, state):
    def run(*_):
        raise error

    _use(monkeypatch, run)
    with pytest.raises(type(error)):
        run_job(path, "new", {}, Task())
    with Project.open(path, readonly=True) as project:
        assert history(project)[0].state is state


def test_a_job_tells_what_was_interrupted_before_it(path):
    class Listener(Task):
        said: list[str] = []

        def on_warning(self, message: str) -> None:
            self.said.append(message)

    with Project.open(path) as project:
        project.db.execute("update jobs set state = 'running'")
    run_job(path, "new", {}, Listener())
    assert any("'new' was interrupted" in message for message in Listener.said)


def test_an_import_is_summed_up_with_its_problems():
    report = ImportReport(1, "", "beir", ("x",), ImportCounts(documents=2, new=2), (ImportProblem("f", 3, "c", "r"),))
    summary = as_summary(report)
    assert (summary["documents"], summary["new"]) == (2, 2)
    told = {"file": "f", "line": 3, "code": "c", "reason": "r", "id": 0, "path": "", "state": "open"}
    assert summary["problems"] == [told]


def test_what_is_unknown_stays_in_the_summary_as_nothing():
    @dataclass(frozen=True)
    class Made:
        steps: int
        dev: float | None

    assert as_summary(Made(3, None)) == {"steps": 3, "dev": None}


def test_a_full_disk_is_said_in_a_sentence(path, monkeypatch):
    def fill(project, params, task):
        (pages,) = project.db.execute("pragma page_count").fetchone()
        project.db.execute(f"pragma max_page_count = {pages}")
        project.set_meta("large", "x" * 100_000)

    _use(monkeypatch, fill)
    with pytest.raises(ProjectError, match="disk is full"):
        run_job(path, "new", {}, Task())
