"""Killing the engine in the midst of mining loses one block at most, and nobody ever sees half a mining."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.mine.blocks import QUERIES, STAGE
from engine.protocol import JobDone, JobFailed, JobProgress, RunJob, WorkerReady
from engine.store import negatives
from engine.store.candidates import columns_of, read_candidates
from engine.store.project import Project
from gui.tables.mined import read_mined
from tests.e2e.engine import Engine
from tests.tiny_model import WORDS, build_tiny_model

pytestmark = pytest.mark.slow

COUNT = 6 * QUERIES
MINE = {"sources": ["bm25", "dense", "random"], "depth": 200, "index": "exact"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A project of 1,536 training queries over as many passages, read by a very small model."""
    folder = tmp_path_factory.mktemp("killed")
    model = build_tiny_model(folder / "model")
    rng = np.random.default_rng(3)
    with (folder / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for number in range(COUNT):
            query = f"{' '.join(rng.choice(WORDS, 6))} {number}"
            file.write(json.dumps({"anchor": query, "positive": " ".join(rng.choice(WORDS, 20)) + f" {number}"}) + "\n")
    steps = [
        ("new", {"base": str(model)}),
        ("import", {"paths": [str(folder / "pairs.jsonl")], "kind": "labelled"}),
        ("split", {"dev_share": 0.0, "test_share": 0.0}),
    ]
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        for number, (kind, params) in enumerate(steps):
            engine.say(RunJob(job=number + 1, kind=kind, project=str(folder / "p"), params=params))
            assert isinstance(engine.wait_for(JobDone, JobFailed), JobDone), engine.seen[-1]
    return folder / "p"


def test_a_killed_mining_goes_on_where_it_was_and_is_shown_only_whole(place):
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind="mine", project=str(place), params=MINE))
        done = 0
        while done < 2 * QUERIES:
            event = engine.wait_for(JobProgress, JobDone, JobFailed)
            assert isinstance(event, JobProgress), event
            done = event.done if event.stage == STAGE else 0
        engine.kill()
    blocks = list((place / "minings").glob("unfinished-*/[0-9]*/manifest.json"))
    assert done // QUERIES <= len(blocks) < COUNT // QUERIES
    with Project.open(place, readonly=True) as project:
        assert negatives.newest_mining(project) is None
        assert read_mined(project) is None
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=2, kind="mine", project=str(place), params=MINE))
        finished = engine.wait_for(JobDone, JobFailed)
        assert isinstance(finished, JobDone), finished
        told = [event.message for event in engine.seen if hasattr(event, "message")]
        assert any(f"{len(blocks) * QUERIES:,} of its queries need not be mined again" in text for text in told), told
        engine.say(RunJob(job=3, kind="mine", project=str(place), params=MINE))
        assert isinstance(engine.wait_for(JobDone, JobFailed), JobDone)
    with Project.open(place, readonly=True) as project:
        went_on, at_once = negatives.minings(project)[-2:]
        assert went_on.counts["queries"] == COUNT
        columns = columns_of(read_candidates(project, at_once.id))
        for name, column in columns_of(read_candidates(project, went_on.id)).items():
            np.testing.assert_array_equal(column, columns[name])
    assert not list((place / "minings").glob("unfinished-*"))
