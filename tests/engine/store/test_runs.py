"""Runs, movements and files beside the database."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import ProjectError
from engine.records import Hit, Outcome, QueryMetrics, Split
from engine.store import queries, runs
from engine.store.files import load_arrays, save_arrays, write_whole
from engine.store.project import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        queries.put_queries(made, [queries.NewQuery(t) for t in ("a", "b", "c", "d")], import_id=None)
        yield made


def _run(project, system: str, first_ranks: list[int]) -> int:
    run = runs.start_run(project, system=system, model_id=None, split=Split.TEST, content_key=system)
    rows = [QueryMetrics(i + 1, 0.5, 0.5, 1, 1, 0.5, rank) for i, rank in enumerate(first_ranks)]
    runs.put_query_metrics(project, run, rows)
    runs.finish_run(project, run, n_queries=4, metrics={"ndcg@10": 0.5}, seconds=1)
    return run


def test_hits_come_back_by_query_without_the_padding(project):
    run = _run(project, "bm25", [1, 1, 1, 1])
    runs.save_hits(
        project,
        run,
        query_ids=np.array([1, 2]),
        passage_ids=np.array([[5, 7], [6, -1]]),
        scores=np.array([[2.0, 1.0], [3.0, 0.0]]),
    )
    assert runs.hits_of(project, run, 2) == [Hit(1, 6, 3.0)]
    assert runs.hits_of(project, run, 99) == []


def test_fixed_and_broken_are_told_by_the_top_ten(project):
    before = _run(project, "base", [41, 3, 2, 0])
    after = _run(project, "tuned", [3, 12, 1, 0])
    assert [m.query_id for m in runs.movements(project, after, before, only="fixed")] == [1]
    assert [m.query_id for m in runs.movements(project, after, before, only="broken")] == [2]
    assert [m.query_id for m in runs.movements(project, after, before, only="right")] == [3]
    assert [m.query_id for m in runs.movements(project, after, before, only="wrong")] == [4]
    assert [m.query_id for m in runs.movements(project, after, before)][:2] == [1, 2]


def test_comparing_the_same_runs_again_replaces_the_comparison(project):
    a, b = _run(project, "tuned", [1] * 4), _run(project, "bm25", [1] * 4)
    for delta in (0.1, 0.2):
        runs.put_comparison(
            project,
            a="tuned",
            b="bm25",
            run_a=a,
            run_b=b,
            metric="ndcg@10",
            delta=delta,
            low=0.05,
            high=0.3,
            p=0.01,
            verdict=Outcome.WIN,
            fixed=3,
            broken=1,
            n_queries=4,
        )
    (found,) = runs.comparisons(project)
    assert (found.delta, found.verdict) == (0.2, Outcome.WIN)


def test_newest_runs_put_baselines_first(project):
    for system in ("tuned", "base", "bm25"):
        _run(project, system, [1] * 4)
    assert [run.system for run in runs.newest_runs(project)] == ["bm25", "base", "tuned"]


def test_arrays_come_back_and_damage_is_noticed(tmp_path):
    save_arrays(tmp_path / "set", {"x": np.arange(5), "none": np.empty((0, 3), np.float32)}, {"k": 3})
    arrays, facts = load_arrays(tmp_path / "set", check=True)
    assert arrays["x"].tolist() == [0, 1, 2, 3, 4]
    assert arrays["none"].shape == (0, 3)
    assert facts == {"k": 3}
    path = tmp_path / "set" / "x.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ProjectError, match="damaged"):
        load_arrays(tmp_path / "set", check=True)


def test_saving_arrays_again_replaces_the_folder_whole(tmp_path):
    save_arrays(tmp_path / "set", {"x": np.arange(5)})
    save_arrays(tmp_path / "set", {"y": np.arange(2)})
    assert sorted(load_arrays(tmp_path / "set")[0]) == ["y"]
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f.json"
    write_whole(path, b"old")

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.json"]
