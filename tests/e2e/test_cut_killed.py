"""A cutting that is killed leaves every document cut in one way or the other, goes on, and is taken back as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ingest.recut import Bench
from engine.params import CutParams
from engine.protocol import JobDone, JobFailed, JobProgress, RunJob, WorkerReady
from engine.store import cuts, documents
from engine.store.project import Project
from tests.e2e.engine import Engine

pytestmark = pytest.mark.slow

FILES = 400
AFTER = {"passage_tokens": 40, "overlap_tokens": 8, "headings": True}


def _run(project: str, kind: str, params: dict[str, object]) -> None:
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind=kind, project=project, params=params))
        assert isinstance(engine.wait_for(JobDone, JobFailed), JobDone), engine.seen[-1]


def _passages(project: Project) -> list[tuple[object, ...]]:
    return [(p.id, p.document_id, p.ordinal, p.start, p.end, p.text) for p in documents.all_passages(project)]


def test_a_killed_cutting_goes_on_and_is_taken_back_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(FILES):
        text = " ".join(f"Sentence {n} of file {number} speaks of topic{n}." for n in range(60))
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    path = str(tmp_path / "p")
    _run(path, "new", {})
    _run(path, "import", {"paths": [str(folder)]})
    with Project.open(Path(path), readonly=True) as project:
        before = _passages(project)
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(RunJob(job=1, kind="cut", project=path, params=AFTER))
        while not (isinstance(seen := engine.wait_for(JobProgress), JobProgress) and seen.done > 0):
            pass
        engine.kill()
    with Project.open(Path(path), readonly=True) as project:
        assert project.db.execute("pragma foreign_key_check").fetchall() == []
        ways = {cuts.cut_of(project, found).params.passage_tokens for found in _all(project)}
        assert 40 in ways
        bench = Bench(project)
        for document_id in _all(project):
            found = documents.document(project, document_id)
            assert found is not None
            pieces = bench.pieces(found, cuts.cut_of(project, document_id).params)
            assert [p.text for p in documents.passages_of(project, document_id)] == [piece.text for piece in pieces]
    _run(path, "cut", AFTER)
    with Project.open(Path(path), readonly=True) as project:
        assert {cuts.cut_of(project, found).params for found in _all(project)} == {CutParams(40, 8, True)}
    _run(path, "uncut", {})
    with Project.open(Path(path), readonly=True) as project:
        assert sorted(_passages(project)) == sorted(before)


def _all(project: Project) -> list[int]:
    return list(cuts.cuttable(project, 0, 10_000))
