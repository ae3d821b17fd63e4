"""Pins in the terminal: set, listed with the rank of the answer, taken away."""

from __future__ import annotations

import json

import pytest

from engine.cli import main
from engine.records import QueryMetrics, Split
from engine.store import models, queries, runs
from engine.store.project import Project
from engine.store.queries import NewQuery


@pytest.fixture
def path(tmp_path):
    with Project.create(tmp_path / "p") as project:
        queries.put_queries(project, [NewQuery("how to descale"), NewQuery("how to reset")], import_id=None)
        base = models.add_model(project, name="base", kind="base", path="x")
        models.finish_model(project, base, path="x", weights_digest="d", dim=3, max_length=9, summary={})
        project.set_meta("base_model_id", str(base))
        run = runs.start_run(project, system="base", model_id=base, split=Split.TEST, content_key="k")
        runs.put_query_metrics(project, run, [QueryMetrics(1, 0, 0, 0, 0, 0, 7), QueryMetrics(2, 1, 1, 1, 1, 1, 1)])
        runs.finish_run(project, run, n_queries=2, metrics={"ndcg@10": 0.5}, seconds=1.0)
    return str(tmp_path / "p")


def test_a_pinned_query_is_listed_with_where_its_answer_stands(path, capsys):
    assert main(["pins", "add", path, "1", "--k", "3"]) == 0
    assert main(["pins", "add", path, "2"]) == 0
    capsys.readouterr()
    assert main(["pins", "list", path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "rank 7, not in the first 3" in lines[2]
    assert lines[2].endswith("LOST")
    assert lines[3].endswith("rank 1, in the first 10")
    assert main(["pins", "list", path, "--json"]) == 0
    assert [pin["broken"] for pin in json.loads(capsys.readouterr().out)["pins"]] == [True, False]


def test_an_unpinned_query_is_not_listed_any_more(path, capsys):
    main(["pins", "add", path, "1"])
    assert main(["pins", "remove", path, "1"]) == 0
    capsys.readouterr()
    main(["pins", "list", path])
    assert capsys.readouterr().out.startswith("No query is pinned.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "9"), "There is no query 9."),
        (("add", "1", "--k", "0"), "pinned to the first 1 or more"),
        (("remove", "2"), "Query 2 is not pinned."),
    ],
)
def test_what_cannot_be_pinned_is_said(path, capsys, words, said):
    assert main(["pins", words[0], path, *words[1:]]) == 1
    assert said in capsys.readouterr().err
