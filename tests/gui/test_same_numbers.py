"""The page, the command line, the CSV and the HTML report tell the same numbers of one project."""

from __future__ import annotations

import csv
import json
import re
from html import unescape
from pathlib import Path

import pytest

from engine.cli import main
from gui import words
from gui.pages.evaluate.page import EvaluatePage
from tests.engine.small_world import add_base, add_tuned, small_project, tiny_model
from tests.gui.asking import AskingSession, settle

SYSTEMS = ("bm25", "base", "tuned", "hybrid")
METRICS = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> tuple[Path, dict]:
    """A project measured by the command line, and what that printed."""
    pytest.importorskip("sentence_transformers")
    root = tmp_path_factory.mktemp("same")
    with small_project(root / "project") as project:
        base = add_base(project, tiny_model(root / "base", seed=0))
        add_tuned(project, tiny_model(root / "tuned", seed=1), parent_id=base)
    return root / "project", {}


@pytest.fixture
def said(measured, capsys):
    def say(*arguments: str) -> dict:
        assert main([arguments[0], str(measured[0]), *arguments[1:], "--json"]) == 0
        found: dict = json.loads(capsys.readouterr().out)
        return found

    return say


@pytest.fixture
def evaluated(measured, said) -> dict:
    return said("evaluate", "--systems", ",".join(SYSTEMS))


@pytest.fixture
def page(qtbot, tmp_path, measured, evaluated) -> EvaluatePage:
    made = EvaluatePage(AskingSession(measured[0], tmp_path))
    qtbot.addWidget(made)
    made.resize(1072, 764)
    made.show()
    settle(qtbot, made)
    return made


def test_the_scoreboard_shows_what_evaluate_printed(page, evaluated):
    assert page._board.model.rowCount() == len(SYSTEMS)
    for row in range(page._board.model.rowCount()):
        shown = page._board.model.score_row(row)
        system = page._bench.run(shown.run_id).system
        assert {metric: shown.metrics[metric] for metric in METRICS} == evaluated["systems"][system]
        assert page._board.model.index(row, 1).data().startswith(words.decimal(evaluated["systems"][system]["ndcg@10"]))


def test_the_verdict_shows_what_evaluate_printed(page, evaluated):
    (printed,) = [c for c in evaluated["comparisons"] if (c["a"], c["b"]) == ("tuned", "bm25")]
    chip, figure, _ = page._verdict.words_shown()
    assert (chip, figure) == (printed["verdict"], words.signed(printed["delta"]))
    shown = page._pair.comparison
    assert [shown.low, shown.high, shown.p] == [printed["low"], printed["high"], printed["p"]]
    moved = page._pair.moved
    assert (len(moved.fixed), len(moved.broken)) == (printed["fixed"], printed["broken"])


def test_compare_and_runs_print_what_evaluate_printed(said, evaluated):
    (printed,) = [c for c in evaluated["comparisons"] if (c["a"], c["b"]) == ("tuned", "base")]
    found = said("compare", "tuned", "base")["comparison"]
    assert [found[key] for key in ("delta", "low", "high", "p")] == [printed[k] for k in ("delta", "low", "high", "p")]
    metrics = {line["kind"]: line["metrics"] for line in said("runs")["models"]}
    for kind in ("base", "tuned"):
        assert {metric: metrics[kind][metric] for metric in METRICS} == evaluated["systems"][kind]


def test_the_tables_hold_what_evaluate_printed(said, evaluated, tmp_path):
    said("report", str(tmp_path / "tables"), "--format", "csv")
    with (tmp_path / "tables" / "systems.csv").open(encoding="utf-8-sig", newline="") as file:
        systems = {row["system"]: row for row in csv.DictReader(file)}
    for system in SYSTEMS:
        assert {metric: float(systems[system][metric]) for metric in METRICS} == evaluated["systems"][system]
    names = {row["name"]: row["system"] for row in systems.values()}
    with (tmp_path / "tables" / "comparisons.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {(names[row["a"]], names[row["b"]]): row for row in csv.DictReader(file)}
    for printed in evaluated["comparisons"]:
        row = rows[(printed["a"], printed["b"])]
        numbers = ("delta", "low", "high", "p", "fixed", "broken")
        assert [float(row[key].lstrip("'")) for key in numbers] == [printed[key] for key in numbers]
        assert row["verdict"] == printed["verdict"]


def test_the_html_page_shows_what_evaluate_printed(said, evaluated, tmp_path):
    said("report", str(tmp_path / "v.html"))
    text = unescape(re.sub(r"<[^>]+>", "\n", (tmp_path / "v.html").read_text(encoding="utf-8")))
    for figures in evaluated["systems"].values():
        for metric in METRICS:
            assert f"{figures[metric]:.4f}" in text
    for printed in evaluated["comparisons"]:
        for key in ("delta", "low", "high"):
            assert words.signed(printed[key]) in text
