"""Killing the engine in any stage leaves a project that opens, says what was interrupted, and goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.protocol import (
    CancelJob,
    Edit,
    EditDone,
    JobCancelled,
    JobDone,
    JobFailed,
    JobMetric,
    JobProgress,
    RunJob,
    WorkerReady,
)
from engine.store import jobs, models, negatives, runs
from engine.store.project import Project
from tests.e2e.engine import Engine

PARTS = ("lever", "lid", "hinge", "filter", "pump", "valve", "gear", "belt", "lamp", "fan", "seal", "spring")
ACTS = ("clean", "open", "replace", "tighten", "oil", "test", "remove", "adjust", "store", "paint", "measure", "weigh")
TRAIN = {"max_steps": 12, "eval_every": 2, "batch_size": 16}
STAGES = [
    ("dedup", {}),
    ("split", {}),
    ("mine", {"select": {"num_negatives": 1}}),
    ("train", TRAIN),
    ("evaluate", {}),
    ("export", {}),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A project with 144 pairs, walked through stage by stage by the tests in order."""
    folder = tmp_path_factory.mktemp("kill")
    pairs = folder / "pairs.jsonl"
    with pairs.open("w", encoding="utf-8") as file:
        for act in ACTS:
            for part in PARTS:
                query = f"How do I {act} the {part}?"
                answer = f"Before you {act} it, switch the machine off. The {part} sits behind the panel; use tool {len(part)}."
                file.write(json.dumps({"anchor": query, "positive": answer}) + "\n")
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        for number, (kind, params) in enumerate([("new", {}), ("import", {"paths": [str(pairs)], "kind": "labelled"})]):
            engine.say(RunJob(job=number + 1, kind=kind, project=str(folder / "p"), params=params))
            assert isinstance(engine.wait_for(JobDone, JobFailed), JobDone), engine.seen[-1]
    return folder


def _params(place: Path, kind: str, params: dict) -> dict:
    return {"dest": str(place / "model")} if kind == "export" else params


@pytest.mark.parametrize(("kind", "params"), STAGES, ids=[kind for kind, _ in STAGES])
def test_a_stage_that_was_killed_goes_on(place, kind, params):
    project = str(place / "p")
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind=kind, project=project, params=_params(place, kind, params)))
        # training is killed after its first look at dev, when there is a checkpoint to go on from
        if kind == "train":
            while engine.wait_for(JobMetric).step < 3:
                pass
        else:
            engine.wait_for(JobProgress, JobDone)
        engine.kill()
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(Edit(request=1, project=project, kind="recover"))
        interrupted = engine.wait_for(EditDone).values["interrupted"]
        with Project.open(place / "p", readonly=True) as opened:
            assert interrupted == [kind] or jobs.jobs(opened)[0].state == "done"  # the kill may come too late
            resumable = models.interrupted_models(opened)
        again = {**params, "resume": resumable[0].id} if resumable else _params(place, kind, params)
        engine.say(RunJob(job=2, kind=kind, project=project, params=again))
        done = engine.wait_for(JobDone, JobFailed, seconds=240)
        assert isinstance(done, JobDone), done
    if kind == "train":
        assert resumable
        assert done.summary["steps"] == TRAIN["max_steps"]


def test_after_all_the_kills_everything_is_there(place):
    with Project.open(place / "p", readonly=True) as project:
        mining = negatives.newest_mining(project)
        assert mining
        assert negatives.count_negatives(project, mining.id) > 0
        assert {run.system for run in runs.newest_runs(project)} == {"bm25", "base", "tuned"}
        assert models.interrupted_models(project) == []
        assert project.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert (place / "model" / "modules.json").is_file()


@pytest.mark.parametrize(("kind", "params"), STAGES, ids=[kind for kind, _ in STAGES])
def test_cancel_is_answered_within_a_second_in_every_stage(place, kind, params):
    import time

    values = {"dest": str(place / "other")} if kind == "export" else params
    if kind == "evaluate":
        values = {"split": "train", "systems": ["bm25", "base", "tuned"]}
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind=kind, project=str(place / "p"), params=values))
        if isinstance(engine.wait_for(JobProgress, JobDone), JobDone):
            return  # done before it could be cancelled
        asked = time.monotonic()
        engine.say(CancelJob(job=1))
        engine.wait_for(JobCancelled, JobDone)
        assert time.monotonic() - asked < 1.5  # a second, and what a busy machine adds
