"""Judging in the terminal: the pool without its sources, a word on a passage, and what it reaches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main
from engine.store import queries
from engine.store.project import Project
from tests.engine.small_world import add_base, small_project, tiny_model


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    return tiny_model(tmp_path_factory.mktemp("models") / "base", seed=0)


@pytest.fixture
def folder(tmp_path, base):
    with small_project(tmp_path / "project") as project:
        add_base(project, base)
    return str(tmp_path / "project")


@pytest.fixture
def run(capsys, folder):
    def call(*words: str) -> dict:
        assert main(["judge", folder, *words, "--json", "--quiet"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def test_new_query_is_asked_pooled_judged_and_measured_with(run, folder):
    asked = run("--ask", "kettle passport")
    query_id = asked["query"]["id"]
    assert asked["open"] == len(asked["cards"]) > 10
    assert all("bm25_rank" not in card for card in asked["cards"])
    first = asked["cards"][0]["passage_id"]
    said = run("--query", str(query_id), "--passage", str(first), "--grade", "2")
    assert (said["grade"], said["split"]) == (2, "test")
    assert said["progress"]["judgements_by_hand"] == 1
    again = run("--next")
    assert again["query"]["id"] == query_id
    (judged,) = [card for card in again["cards"] if card["grade"] is not None]
    assert (judged["passage_id"], judged["grade"], judged["source"]) == (first, 2, "hand")
    assert judged["bm25_rank"] or judged["model_rank"]
    with Project.open(Path(folder), readonly=True) as project:
        assert queries.qrels_of(project, query_id)[0].source == "hand"


def test_skipped_and_taken_back(run):
    asked = run("--ask", "kettle passport")
    words = ("--query", str(asked["query"]["id"]), "--passage", str(asked["cards"][0]["passage_id"]))
    assert run(*words, "--skip")["skipped"]
    assert run("--next")["cards"][0]["skipped"]
    run(*words, "--take-back")
    assert not run("--next")["cards"][0]["skipped"]


def test_how_far_judging_reaches_is_said_without_a_query(run):
    progress = run()["progress"]
    assert progress["test_queries"] == 20
    assert progress["assumed_spread"] is True
    # (z(0.975) + z(0.8)) · 0.33 / √20, and the number of queries for 0.05
    assert progress["smallest_difference"] == pytest.approx(0.2067, abs=0.0005)
    assert progress["queries_needed_for_0.05"] == 342


def test_passages_can_be_read_in_the_terminal(capsys, folder):
    assert main(["judge", folder, "--query", "1", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1: kettle vinegar")
    assert "20 test queries show differences from 0.207 nDCG@10 on (with the usual spread); 0.05 needs 342." in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--query", "1", "--passage", "1"], "one of --grade, --skip and --take-back"),
        (["--query", "1", "--passage", "1", "--grade", "1", "--skip"], "one of --grade"),
        (["--query", "1", "--grade", "1"], "Which passage"),
        (["--query", "1", "--passage", "1", "--grade", "7"], "A grade is 0 to 3"),
        (["--query", "999", "--passage", "1", "--grade", "1"], "no query 999"),
        (["--query", "999"], "no query 999"),
        (["--query", "1", "--depth", "0"], "0 hits of each system"),
    ],
)
def test_wrong_words_end_with_one_sentence(capsys, folder, words, said):
    assert main(["judge", folder, *words, "--quiet"]) == 1
    assert said in capsys.readouterr().err
