"""A project's folder: made, opened, locked, recovered."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from engine.errors import ProjectBusyError, ProjectError
from engine.records import JobState, Split
from engine.store import jobs, models, negatives, runs, schema
from engine.store.project import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "faq") as made:
        yield made


def test_a_new_project_carries_its_folders_name(project):
    assert project.name == "faq"
    assert (project.path / "vectors").is_dir()


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path)


def test_opening_a_folder_without_a_project_says_how_to_make_one(tmp_path):
    with pytest.raises(ProjectError, match="searchsmith new"):
        Project.open(tmp_path)


def test_a_project_of_a_newer_version_is_refused_and_left_alone(project):
    project.db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    project.close()
    with pytest.raises(ProjectError, match="newer version"):
        Project.open(project.path)


def test_a_database_of_another_program_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "project.db")
    connection.execute("create table t (x)")
    connection.close()
    with pytest.raises(ProjectError, match="no project of this program"):
        Project.open(tmp_path)


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "project.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ProjectError, match="cannot be read"):
        Project.open(tmp_path)


def test_a_readonly_project_cannot_be_written(project):
    with Project.open(project.path, readonly=True) as looked, pytest.raises(sqlite3.OperationalError):
        looked.set_meta("name", "other")


@pytest.fixture
def on_readonly_disk(project, monkeypatch):
    """The project's folder as a read-only disk shows it: no right to write, and no file beside the database."""
    path = project.path
    project.close()
    access = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: not mode & os.W_OK and access(place, mode))
    return path


def test_a_project_on_a_readonly_disk_is_opened_to_be_read_and_leaves_no_file_there(on_readonly_disk):
    before = {file.name for file in on_readonly_disk.iterdir()}
    with Project.open_as_allowed(on_readonly_disk) as looked:
        assert (looked.name, looked.readonly) == ("faq", True)
        assert {file.name for file in on_readonly_disk.iterdir()} == before


def test_a_job_on_a_readonly_disk_is_told_that_it_is_one(on_readonly_disk):
    with pytest.raises(ProjectError, match=r"faq cannot be written to: its disk or folder is read-only") as refused:
        Project.open(on_readonly_disk)
    assert "searched" in refused.value.hint


def test_a_project_that_can_be_written_is_opened_so(project):
    with Project.open_as_allowed(project.path) as opened:
        assert not opened.readonly


def test_only_one_job_at_a_time_may_write_and_the_other_learns_who(project):
    with (
        project.writing("mine"),
        Project.open(project.path) as other,
        pytest.raises(ProjectBusyError, match="'mine'"),
        other.writing("train"),
    ):
        pass
    assert not project.is_busy()


def test_a_job_begins_while_another_process_looks_whether_there_is_one(project):
    looking = FileLock(project.path / ".write.lock", thread_local=False)
    looking.acquire()
    threading.Timer(0.1, looking.release).start()
    with project.writing("mine"):
        assert project.is_busy()


def test_a_job_whose_process_is_gone_is_found_interrupted(project):
    record = jobs.start_job(project, "mine", {})
    assert project.recover() == ["mine"]
    (found,) = jobs.interrupted_jobs(project)
    assert (found.id, found.state) == (record, JobState.INTERRUPTED)


def test_a_half_written_model_is_cleared(project):
    left = project.path / "models" / "3" / ".final.999999999.tmp"
    left.mkdir(parents=True)
    project.recover()
    assert left.parent.is_dir()
    assert not left.exists()


def test_an_interrupted_job_is_told_until_it_is_repeated_or_dismissed(project):
    jobs.start_job(project, "mine", {})
    project.recover()
    jobs.end_job(project, jobs.start_job(project, "mine", {}), JobState.DONE)
    assert jobs.interrupted_jobs(project) == []
    jobs.start_job(project, "train", {})
    project.recover()
    (train,) = jobs.interrupted_jobs(project)
    jobs.dismiss_job(project, train.id)
    assert jobs.interrupted_jobs(project) == []


def test_what_was_building_is_cleared_but_a_model_with_a_checkpoint_stays(project):
    base = models.add_model(project, name="b", kind="base", path="/nowhere", state=models.State.COMPLETE)
    negatives.start_mining(project, model_id=base, params={})
    run = runs.start_run(project, system="bm25", model_id=None, split=Split.TEST, content_key="k")
    (runs.run_folder(project, run)).mkdir()
    lost = models.add_model(project, name="lost", kind="tuned", path="", parent_id=base)
    kept = models.add_model(project, name="kept", kind="tuned", path="", parent_id=base)
    (project.path / "models" / str(kept) / "checkpoints").mkdir(parents=True)
    project.recover()
    assert negatives.newest_mining(project) is None
    assert runs.run(project, run) is None
    assert not runs.run_folder(project, run).exists()
    assert models.model(project, lost) is None
    assert [m.id for m in models.interrupted_models(project)] == [kept]


def test_meta_keeps_json(project):
    project.set_meta_json("facts", {"größe": [1, 2]})
    assert project.meta_json("facts") == {"größe": [1, 2]}
    assert project.meta_json("never") is None


def test_the_lock_file_names_the_job(project):
    with project.writing("import"):
        facts = json.loads((Path(project.path) / ".write.json").read_text(encoding="utf-8"))
    assert facts["what"] == "import"


def test_what_a_killed_write_of_vectors_left_is_cleared(project):
    key = project.path / "vectors" / "0123abcd"
    left = key / ".part-1.99999999.tmp"
    left.mkdir(parents=True)
    (left / "vectors.npy").write_bytes(b"half")
    (key / "part-0").mkdir()
    project.recover()
    assert [path.name for path in key.iterdir()] == ["part-0"]


def test_what_another_living_process_is_writing_is_not_cleared(project):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as searching:
        writing = project.path / "indexes" / f".hnsw.{searching.pid}.tmp"
        writing.mkdir()
        project.recover()
        assert writing.is_dir()
        searching.kill()
    project.recover()
    assert not writing.exists()
