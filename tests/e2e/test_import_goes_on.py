"""An import that is killed goes on at the file where it stopped; files are skipped, and passwords asked for, by command."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pypdf
import pytest

from engine.cli import main
from engine.ingest import foreign, pace
from engine.protocol import JobDone, JobProgress, RunJob, SkipFile, WorkerReady
from engine.store import documents, imports
from engine.store.project import Project
from engine.task import Task
from tests.e2e.engine import ROOT, Engine
from tests.engine.ingest.samples import make_pdf

FILES = 120


@pytest.fixture
def run(capsys, monkeypatch):
    """One command, in this process; what it prints."""

    def _run(*words: object, stdin: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        assert main([str(word) for word in words]) == 0, capsys.readouterr().err
        return str(capsys.readouterr().out)

    return _run


def _folder(place: Path, count: int) -> Path:
    folder = place / "docs"
    folder.mkdir()
    for number in range(count):
        paragraphs = [f"Part {part} of text {number} is about the box {number * part}." for part in range(60)]
        (folder / f"{number:04}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_an_import_that_was_killed_says_so_and_goes_on_where_it_stopped(tmp_path, run):
    folder, place = _folder(tmp_path, FILES), tmp_path / "p"
    run("new", place)
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "import", str(place), str(folder), "--quiet"], cwd=ROOT
    )
    stored = 0
    until = time.monotonic() + 60
    while not stored and running.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
        with Project.open(place, readonly=True) as project:
            stored = documents.count_documents(project)
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    told = json.loads(run("info", place, "--json"))
    with Project.open(place, readonly=True) as project:
        stored = documents.count_documents(project)
    assert 0 < stored < FILES
    (broken,) = told["unfinished_imports"]
    assert (broken["paths"], broken["total"], broken["done"]) == ([str(folder)], FILES, stored)
    assert broken["file"] == f"{stored:04}.txt"
    assert f"stopped at file {stored + 1} of {FILES}" in run("info", place)
    summary = json.loads(run("import", place, folder, "--json"))
    assert (summary["unchanged"], summary["new"]) == (stored, FILES - stored)
    with Project.open(place, readonly=True) as project:
        assert (documents.count_documents(project), imports.unfinished_imports(project)) == (FILES, [])


def test_a_file_is_skipped_by_a_message_and_the_import_goes_on(tmp_path):
    folder, place = _folder(tmp_path, 2), tmp_path / "p"
    make_pdf(folder / "0000.pdf", ["page"] * 20_000)
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind="new", project=str(place)))
        engine.wait_for(JobDone)
        engine.say(RunJob(job=2, kind="import", project=str(place), params={"paths": [str(folder)]}))
        while (told := engine.wait_for(JobProgress)).note != "0000.pdf":
            pass
        engine.say(SkipFile(job=2, file=told.note))
        done = engine.wait_for(JobDone)
    assert [(problem["file"], problem["code"]) for problem in done.summary["problems"]] == [
        ("0000.pdf", "skipped_by_hand")
    ]
    assert done.summary["new"] == 2


@pytest.mark.skipif(os.name == "nt", reason="there is no such key on Windows")
def test_a_slow_file_is_told_and_skipped_by_a_key(tmp_path, monkeypatch, capsys):
    folder, place = _folder(tmp_path, 1), tmp_path / "p"
    make_pdf(folder / "slow.pdf", ["The page"])
    monkeypatch.setattr(foreign, "child_command", lambda: [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(pace, "SLOW_SECONDS", 1.0)
    monkeypatch.setattr(Task, "metric", _press_the_key(Task.metric))
    assert main(["new", str(place)]) == main(["import", str(place), str(folder)]) == 0
    told = capsys.readouterr()
    assert "A file takes long (1 s so far)" in told.err
    assert "slow.pdf: skipped by you" in told.out
    assert "1 new" in told.out


def _press_the_key(metric):
    def and_press(self, name, step, value):
        metric(self, name, step, value)
        if name == "seconds_on_file":
            os.kill(os.getpid(), signal.SIGQUIT)

    return and_press


def test_passwords_come_from_stdin_and_problems_are_listed_ignored_and_retried(tmp_path, run):
    folder, place = tmp_path / "docs", tmp_path / "p"
    folder.mkdir()
    for name in ("a=b.pdf", "c.pdf"):
        writer = pypdf.PdfWriter(clone_from=str(make_pdf(folder / name, [f"The page of {name}"])))
        writer.encrypt("word=1", "other")
        writer.write(str(folder / name))
    run("new", place)
    told = run("import", place, folder, "--ask-password", stdin=f"{folder}/a=b.pdf=word=1\n")
    assert "1 new" in told
    assert "c.pdf: asks for a password" in told
    (problem,) = json.loads(run("problems", "list", place, "--json"))["problems"]
    assert (problem["code"], problem["path"]) == ("password", str(folder / "c.pdf"))
    run("problems", "ignore", place, problem["id"])
    assert "No open problems" in run("problems", "list", place)
    run("problems", "ignore", place, problem["id"], "--undo")
    told = run("problems", "retry", place, "--file", folder, "--password", f"{folder}=word=1", "--larger")
    assert "4 GB of memory, 20 minutes" in told
    assert "1 new" in told
    assert "No open problems" in run("problems", "list", place, "--all")


def test_watched_folders_are_named_read_and_forgotten(tmp_path, run):
    folder, place = _folder(tmp_path, 1), tmp_path / "p"
    run("new", place)
    assert "not read yet" in run("watch", place, folder)
    assert "1 new" in run("reimport", place)
    (folder / "0000.txt").rename(folder / "0001.txt")
    told = run("reimport", place, folder)
    assert "--remove-vanished" in told
    assert "last read" in run("watch", place, "--list")
    assert "No folder is watched" in run("watch", place, "--remove", folder)
