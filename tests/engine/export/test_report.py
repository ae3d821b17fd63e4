"""The report says what the store says, loads nothing, and lets no text of the project act."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from engine.errors import UserError
from engine.evaluate.comparing import compare_runs
from engine.export.report import report
from engine.params import ReportParams
from engine.records import QueryMetrics, Split
from engine.store import models, pins, queries, runs
from engine.store.notes import put_note
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.task_figures import keep_task_figures
from engine.task import Task

HOSTILE = "<script>alert(1)</script> & \u202e \x07 =1+1"


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        rows = [NewQuery(HOSTILE if i == 0 else f"=query {i}") for i in range(80)]
        queries.put_queries(made, rows, import_id=None)
        yield made


def _measure(project: Project) -> list:
    rng = np.random.default_rng(2)
    base = np.round(rng.random(80), 3)
    base[0] = 0.0
    params = {"preset": "quick", "learning_rate": 3e-5, "batch_size": 64}
    kwargs = {"name": "base"}, {"name": HOSTILE, "parent_id": 1, "params": params}
    for kind, facts in zip(("base", "tuned"), kwargs, strict=True):
        model = models.add_model(project, kind=kind, path="x", **facts)
        models.finish_model(project, model, path="x", weights_digest=kind, dim=3, max_length=9, summary={"dev": 0.5})
    models.add_metrics(project, 2, [("dev_ndcg@10", step, 0.3 + step / 100) for step in (0, 5, 10)])
    made = []
    for system, model, values in (
        ("bm25", None, base * 0.8),
        ("base", 1, base),
        ("tuned", 2, np.minimum(base + 0.2, 1)),
    ):
        run_id = runs.start_run(project, system=system, model_id=model, split=Split.TEST, content_key=system)
        rows = [QueryMetrics(i + 1, v, v, v, v, v, 1 if v > 0.1 else 0) for i, v in enumerate(values.tolist())]
        runs.put_query_metrics(project, run_id, rows)
        names = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")
        runs.finish_run(project, run_id, n_queries=80, metrics=dict.fromkeys(names, float(values.mean())), seconds=1.0)
        made.append((system, runs.run(project, run_id)))
    bm25, base_run, tuned = made
    return compare_runs(project, [(tuned, bm25), (tuned, base_run), (base_run, bm25)])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_loads_nothing_and_runs_nothing(project, tmp_path):
    _measure(project)
    report(project, ReportParams(dest=str(tmp_path / "v.html")), Task())
    text = (tmp_path / "v.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [attrs for _, attrs in page.tags if {"src", "href", "onload"} & attrs.keys()]
    assert "url(" not in text
    assert "://" not in text
    assert "default-src 'none'" in text  # no browser would load or run anything either
    assert "@import" not in text
    assert "prefers-color-scheme:dark" in text
    assert "alert(1)" in " ".join(page.words)  # shown as text


def test_the_page_has_the_figures_of_the_store(project, tmp_path):
    put_note(project, "model", 2, "my best try")
    pins.pin_query(project, 1, 3)
    first, *_ = _measure(project)
    report(project, ReportParams(dest=str(tmp_path / "v.html")), Task())
    page = _Page()
    page.feed((tmp_path / "v.html").read_text(encoding="utf-8"))
    words = " ".join(page.words)
    assert f"+{first.delta:.3f}" in words
    assert f"{first.fixed:,}" in words
    assert "WIN" in words
    assert "learning_rate=3e-05" in words
    assert "my best try" in words
    assert "Pinned queries" in words
    for run in runs.newest_runs(project):
        assert f"{run.metrics['ndcg@10']:.4f}" in words


def test_csv_tables_have_the_figures_of_the_store_to_the_last_digit(project, tmp_path):
    first, *_ = _measure(project)
    summary = report(project, ReportParams(dest=str(tmp_path / "out"), format="csv"), Task())
    assert set(summary.files) == {"systems.csv", "comparisons.csv", "queries.csv", "models.csv"}
    read = {name: list(csv.DictReader((tmp_path / "out" / name).open(encoding="utf-8-sig"))) for name in summary.files}
    row = next(row for row in read["comparisons.csv"] if row["a"] != "Base" and row["b"] == "BM25")
    assert [float(row[name]) for name in ("delta", "low", "high", "p")] == [first.delta, first.low, first.high, first.p]
    assert {row["system"]: float(row["ndcg@10"]) for row in read["systems.csv"]} == {
        run.system: run.metrics["ndcg@10"] for run in runs.newest_runs(project)
    }
    assert len(read["queries.csv"]) == 80
    assert read["queries.csv"][1]["text"] == "'=query 1"  # a spreadsheet does not reckon with it


ODD = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    " =1+1",
    "\t=1+1",
    "＝1+1",
    'she said "no", twice',
    "two\nlines; three, commas",
    "高血压喝什么奶好？",
    "a\x00b\x07c",
]


def test_odd_texts_neither_reckon_nor_break_a_table(project, tmp_path):
    for number, text in enumerate(ODD, start=2):
        project.db.execute("update queries set text = ? where id = ?", [text, number])
    _measure(project)
    report(project, ReportParams(dest=str(tmp_path / "out"), format="csv"), Task())
    raw = (tmp_path / "out" / "queries.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert b"\x00" not in raw
    with (tmp_path / "out" / "queries.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 80
    assert {None} & {key for row in rows for key in row} == set()  # no row has a cell too many
    shown = [row["text"] for row in rows[1 : 1 + len(ODD)]]
    assert shown[:7] == [f"'{text}" for text in ODD[:7]]
    assert shown[7:10] == ODD[7:10]
    assert shown[10] == "a\ufffdb\ufffdc"


def test_long_and_wide_names_stay_inside_their_charts(project, tmp_path):
    _measure(project)
    project.db.execute("update models set name = ? where id = 2", ["很长的模型名称" * 9])
    report(project, ReportParams(dest=str(tmp_path / "v.html")), Task())
    page = _Page()
    page.feed((tmp_path / "v.html").read_text(encoding="utf-8"))
    assert any("…" in word and len(word) <= 10 for word in page.words)


def test_an_earlier_report_is_replaced_and_a_stranger_is_not(project, tmp_path):
    _measure(project)
    place = tmp_path / "v.html"
    for _ in range(2):
        report(project, ReportParams(dest=str(place)), Task())
    place.write_text("my notes", encoding="utf-8")
    with pytest.raises(UserError, match="no file of this format"):
        report(project, ReportParams(dest=str(place)), Task())
    assert place.read_text(encoding="utf-8") == "my notes"


def test_without_a_measurement_there_is_no_report(project, tmp_path):
    with pytest.raises(UserError, match="Nothing was measured"):
        report(project, ReportParams(dest=str(tmp_path / "v.html")), Task())
    assert not (tmp_path / "v.html").exists()


def test_the_verdict_is_of_the_tuned_model_whatever_else_was_measured(project, tmp_path):
    first, *_ = _measure(project)
    for system, model in (("9", 9), ("tuned+reranker", 2), ("theirs", None)):
        made = models.add_model(project, name="another", kind="imported", path="x") if model == 9 else model
        run_id = runs.start_run(project, system=system, model_id=made, split=Split.TEST, content_key=system)
        rows = [QueryMetrics(i + 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0) for i in range(80)]
        runs.put_query_metrics(project, run_id, rows)
        names = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")
        runs.finish_run(project, run_id, n_queries=80, metrics=dict.fromkeys(names, 0.1), seconds=1.0)
        compare_runs(project, [((system, runs.run(project, run_id)), ("bm25", runs.run(project, first.run_b)))])
    report(project, ReportParams(dest=str(tmp_path / "v.html")), Task())
    text = (tmp_path / "v.html").read_text(encoding="utf-8")
    verdict = text[text.index("<h2>Verdict") : text.index("<h2>Scoreboard")]
    assert verdict.count("The tuned model beats") == 2
    compared = text[text.index("<h2>All comparisons") : text.index("<h2>Models")]
    rivals = re.findall(r"against (BM25|Base)</td>", compared)
    assert rivals == sorted(rivals)  # BM25 first


def test_figures_on_other_tasks_are_in_the_page_and_the_tables(project, tmp_path):
    _measure(project)
    figures = {1: {"triplets: accuracy": 0.81234}, 2: {"triplets: accuracy": 0.9}}
    keep_task_figures(project, Split.TEST, content="x", models=figures, sizes={"triplets": 1204}, left_out={})
    report(project, ReportParams(dest=str(tmp_path / "v.html")), Task())
    assert "<td>1,204</td><td>0.8123</td><td>0.9000</td>" in (tmp_path / "v.html").read_text(encoding="utf-8")
    report(project, ReportParams(dest=str(tmp_path / "out"), format="csv"), Task())
    rows = list(csv.DictReader((tmp_path / "out" / "tasks.csv").open(encoding="utf-8-sig")))
    assert [(row["model"], float(row["value"])) for row in rows] == [("1", 0.81234), ("2", 0.9)]
