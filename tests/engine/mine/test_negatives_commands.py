"""The commands about negatives say in words what was mined, by whom and why, and end quietly in a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from engine import cli
from engine.ingest.importing import import_paths
from engine.mine.mining import mine
from engine.params import ImportParams, MineParams, SelectParams
from engine.store import negatives, queries
from engine.store.candidates import read_candidates
from engine.store.gates import Gate, write_gate
from engine.store.project import Project
from engine.task import Task


@pytest.fixture
def path(kitchen):
    rules = SelectParams(num_negatives=2, max_doubt=2, relative_margin=-99)
    mine(kitchen, MineParams(depth=12, select=rules), Task())
    return kitchen.path


def said(capsys, *words) -> str:
    assert cli.main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def test_a_query_is_shown_with_source_round_digest_and_the_persons_word(path, capsys):
    with Project.open(path) as project:
        taken = negatives.negatives(project, 1)[0]
    said(capsys, "negatives", "judge", path, taken.query_id, taken.passage_id, "accept")
    shown = said(capsys, "negatives", "show", path, taken.query_id)
    assert "Round 1, mined by fake (weights ffffffffffff) and BM25 'plus'" in shown
    (line,) = (line for line in shown.splitlines() if line.split()[:1] == [str(taken.passage_id)])
    assert f" {taken.source.value} " in line
    assert "chosen (your word: negative)" in line
    assert f"{taken.score:.3f}" in line
    assert f"{100 * taken.margin:+.1f} %" in line


def test_a_gate_without_scores_is_refused_with_the_way_to_them(path, capsys):
    assert cli.main(["negatives", "select", str(path), "--gate", "score"]) == 1
    assert "no reranker has read these candidates. Let one read them: searchsmith" in capsys.readouterr().err
    with Project.open(path) as project:
        scores = read_candidates(project, 1).dense_score.copy()
        write_gate(project, 1, Gate("a reranker", "d", scores))
    assert "gated" in said(capsys, "negatives", "select", path, "--gate", "score")


def test_what_a_reranker_gave_is_a_column_once_it_has_read(path, capsys):
    assert "reranker" not in said(capsys, "negatives", "show", path, 1)
    with Project.open(path) as project:
        candidates = read_candidates(project, 1)
        scores = candidates.dense_score.copy()
        scores[:] = 0.125
        write_gate(project, 1, Gate("a reranker", "d", scores))
    shown = said(capsys, "negatives", "show", path, 1)
    assert "reranker" in shown
    assert "0.125" in shown


def test_choosing_again_tells_what_each_rule_took_out(path, capsys):
    shown = said(capsys, "negatives", "select", path, "--negatives", 1)
    assert shown.startswith("6 negatives (")
    assert "too close" in shown
    assert "_" not in shown
    report = json.loads(said(capsys, "negatives", "report", path, "--json"))
    rows = [line for line in shown.splitlines() if line.startswith("over count")]
    assert rows[0].split()[-1] == f"{report['negatives']}" == "6"


def test_one_query_is_spoken_of_as_one(path, capsys):
    assert "1 of 6 queries." in said(capsys, "negatives", "list", path, "--limit", 1)
    shown = said(capsys, "negatives", "select", path, "--negatives", 1, "--relative-margin", 99)
    assert "0 negatives (none) of" in shown
    assert "6 queries have fewer than asked for" in shown


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(path):
    read, write = os.pipe()
    os.close(read)
    program = f"import sys; from engine.cli import main; sys.exit(main(['negatives', 'list', {str(path)!r}]))"
    with os.fdopen(write, "w") as closed:
        found = subprocess.run(
            [sys.executable, "-c", program], stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize(("format_", "ending"), [("flagembedding", "jsonl"), ("csv", "csv"), ("tsv", "tsv")])
def test_an_export_without_an_ending_gets_one_that_import_knows(path, tmp_path, capsys, format_, ending):
    said(capsys, "negatives", "export", path, tmp_path / "out", "--format", format_)
    with Project.create(tmp_path / "q") as again:
        params = ImportParams(paths=(str(tmp_path / f"out.{ending}"),), kind="labelled")
        import_paths(again, params, Task())
        assert sum(len(found) for found in queries.imported_negatives(again).values()) == 12
