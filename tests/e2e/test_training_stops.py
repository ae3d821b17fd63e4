"""Every way to stop a training in a real process: finish early, pause, a dead window, Ctrl-C; and how it goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.encode.models import add_model_folder
from engine.protocol import (
    FinishJob,
    JobCancelled,
    JobDone,
    JobMetric,
    JobProbes,
    JobProgress,
    PauseJob,
    RunJob,
    WorkerReady,
)
from engine.records import State
from engine.store import models
from engine.store.project import Project
from tests.e2e.engine import ROOT, Engine
from tests.engine.train.conftest import fill
from tests.tiny_model import build_tiny_model

pytestmark = pytest.mark.slow

# Long enough that it is always stopped on its way.
LONG = {"max_steps": 100_000, "epochs": 1e6, "batch_size": 8, "eval_every": 1000, "minutes": 0, "device": "cpu"}


@pytest.fixture
def path(tmp_path) -> Path:
    tiny = build_tiny_model(tmp_path / "tiny")
    with Project.create(tmp_path / "p") as project:
        fill(project)
        project.set_meta("base_model_id", str(add_model_folder(project, str(tiny))))
    return tmp_path / "p"


def begin(engine: Engine, path: Path, steps: int = 5) -> None:
    """Start a long training and wait until it has done some steps."""
    engine.wait_for(WorkerReady)
    engine.say(RunJob(job=1, kind="train", project=str(path), params=LONG))
    while engine.wait_for(JobMetric).step < steps:
        pass


def test_a_training_finished_early_is_a_model(path):
    with Engine() as engine:
        begin(engine, path)
        engine.say(FinishJob(job=1))
        done = engine.wait_for(JobDone)
    assert done.summary["stopped"] == "asked"
    assert done.summary["steps"] >= 5
    probes = next(event for event in engine.seen if isinstance(event, JobProbes))
    assert [len(probe.top) for probe in probes.probes] == [3] * 6
    with Project.open(path, readonly=True) as project:
        assert models.resolve_model(project, "tuned").state is State.COMPLETE


def test_a_paused_training_goes_on(path):
    with Engine() as engine:
        begin(engine, path)
        engine.say(PauseJob(job=1, paused=True))
        time.sleep(0.5)
        engine.say(PauseJob(job=1, paused=False))
        last = max(event.step for event in engine.seen if isinstance(event, JobMetric))
        while engine.wait_for(JobMetric).step <= last + 20:
            pass
        engine.say(FinishJob(job=1))
        assert engine.wait_for(JobDone).summary["steps"] > last


def test_when_the_window_dies_the_worker_writes_a_checkpoint_and_ends(path):
    with Engine() as engine:
        begin(engine, path)
        reached = max(event.step for event in engine.seen if isinstance(event, JobMetric))
        assert engine.process.stdin
        engine.process.stdin.close()
        assert engine.process.wait(20) == 0
    with Project.open(path) as project:
        project.recover()
        (left,) = models.interrupted_models(project)
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=2, kind="train", project=str(path), params={"resume": left.id}))
        assert engine.wait_for(JobMetric).step > reached - 1  # nothing of what was done is lost
        while engine.wait_for(JobProgress).stage != "train":
            pass
        engine.say(FinishJob(job=2))
        engine.wait_for(JobDone)


def test_a_cancelled_training_answers_and_can_go_on(path):
    from engine.protocol import CancelJob

    with Engine() as engine:
        begin(engine, path)
        asked = time.monotonic()
        engine.say(CancelJob(job=1))
        engine.wait_for(JobCancelled)
        assert time.monotonic() - asked < 3
    with Project.open(path, readonly=True) as project:
        assert len(models.interrupted_models(project)) == 1


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process")
def test_an_interrupt_in_the_terminal_keeps_the_run_and_says_how_it_goes_on(path):
    sets = [word for name, value in LONG.items() for word in ("--set", f"{name}={value}")]
    command = [sys.executable, str(ROOT / "main.py"), "train", str(path), *sets]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert running.stderr
    lines = []
    for line in running.stderr:
        lines.append(line)
        if line.startswith("train:"):
            running.send_signal(signal.SIGINT)
            break
    rest = running.communicate(timeout=60)[1]
    assert running.returncode == 130, rest
    (model_id,) = set(re.findall(r"--resume (\d+)", rest))
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "train", str(path), "--resume", model_id, "--finish", "--json"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"stopped": "asked"' in done.stdout
