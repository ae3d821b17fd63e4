"""The verdict to hand on: one HTML page that needs nothing from outside, or tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import __version__
from engine.errors import UserError
from engine.export.places import check_file, check_folder, file_beside, folder_beside
from engine.export.report_page import FIRST_LINE, page
from engine.export.report_story import METRICS, Story, read_story, settings_in_words
from engine.params import ReportParams
from engine.records import Split
from engine.store import jobs, queries, runs
from engine.store.project import Project
from engine.store.task_figures import task_figures
from engine.store.verdicts import circumstances, verdict_word
from engine.task import Task

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_TESTED = (
    "metric",
    "delta",
    "low",
    "high",
    "p",
    "p_adjusted",
    "family",
    "verdict",
    "fixed",
    "broken",
    "n_queries",
)


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What was written and how many systems, comparisons and queries it tells of."""

    format: str
    path: str
    files: tuple[str, ...]
    systems: int
    comparisons: int
    queries: int


def report(project: Project, params: ReportParams, task: Task) -> ReportSummary:
    """Write what was measured on a split, with the same figures as the page and the command line show.

    Raises:
        UserError: nothing was measured yet, an unknown format, or a place that holds something else.
    """
    if params.format not in ("html", "csv"):
        raise UserError(f"A report cannot be written as '{params.format}'.", hint="Formats: html, csv.")
    if not params.dest:
        raise UserError("There is no place for the report.", hint="Name a file (html) or a folder (csv).")
    story = read_story(project, Split(params.split))
    task.progress("write the report", 0, 1)
    if params.format == "html":
        path = check_file(Path(params.dest), "report.html", lambda line: line.startswith(FIRST_LINE))
        with file_beside(path) as beside:
            beside.write_text(page(story), encoding="utf-8")
        files: tuple[str, ...] = (path.name,)
    else:
        path = check_folder(Path(params.dest))
        tables = _tables(story)
        with folder_beside(path, {"what": "report", "format": "csv", "version": __version__}) as beside:
            for name, rows in tables.items():
                # With a mark of its encoding: Excel takes Chinese without one for another code page.
                (beside / name).write_text(_csv(rows), encoding="utf-8-sig", newline="")
        files = tuple(tables)
    task.progress("write the report", 1, 1)
    jobs.put_export(project, what="report", format=params.format, path=str(path), model_id=None, check="")
    asked = max(run.n_queries for run in story.runs)
    return ReportSummary(params.format, str(path), files, len(story.runs), len(story.comparisons), asked)


def _tables(story: Story) -> dict[str, list[Sequence[object]]]:
    systems: list[Sequence[object]] = [("run", "system", "name", "model", "split", "queries", *METRICS, "measured_at")]
    systems += [
        (
            run.id,
            run.system,
            story.names[run.id],
            run.model_id or "",
            run.split.value,
            run.n_queries,
            *(run.metrics[metric] for metric in METRICS),
            run.created_at,
        )
        for run in story.runs
    ]
    compared: list[Sequence[object]] = [
        (
            "a",
            "b",
            "metric",
            "delta",
            "low",
            "high",
            "p",
            "p_adjusted",
            "family",
            "verdict",
            "fixed",
            "broken",
            "queries",
        )
    ]
    known = circumstances(story.project, story.split)
    for c in story.comparisons:
        values = {name: getattr(c, name) for name in _TESTED} | {"verdict": verdict_word(c, known)}
        compared.append((story.names[c.run_a], story.names[c.run_b], *values.values()))
    tables = {
        "systems.csv": systems,
        "comparisons.csv": compared,
        "queries.csv": _query_rows(story),
        "models.csv": _model_rows(story),
    }
    tasks = _task_rows(story)
    return {**tables, "tasks.csv": tasks} if len(tasks) > 1 else tables


def _query_rows(story: Story) -> list[Sequence[object]]:
    """One row a query, with every system's nDCG@10 and the rank of its first answer (0: not found)."""
    measured = {run.id: {row.query_id: row for row in runs.query_metrics(story.project, run.id)} for run in story.runs}
    heads = [f"{story.names[run.id]} {column}" for run in story.runs for column in ("ndcg@10", "first rank")]
    rows: list[Sequence[object]] = [("query", "external_id", "text", *heads)]
    ids = sorted(set().union(*measured.values()))
    asked = queries.queries(story.project, ids)
    for query_id in ids:
        cells: list[object] = []
        for run in story.runs:
            row = measured[run.id].get(query_id)
            cells += [row.ndcg10, row.first_rank] if row else ["", ""]
        query = asked.get(query_id)
        rows.append((query_id, query.external_id if query else "", query.text if query else "", *cells))
    return rows


def _model_rows(story: Story) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = [
        (
            "model",
            "name",
            "kind",
            "parent",
            "preset",
            "changed",
            "data",
            "dev ndcg@10",
            "test ndcg@10",
            "note",
            "made_at",
        )
    ]
    rows += [
        (
            line.model.id,
            line.model.name,
            line.model.kind,
            line.parent,
            line.preset,
            settings_in_words(line.changed),
            line.data,
            "" if line.dev is None else line.dev,
            line.run.metrics["ndcg@10"] if line.run else "",
            line.note,
            line.model.created_at,
        )
        for line in story.trained
    ]
    return rows


def _task_rows(story: Story) -> list[Sequence[object]]:
    """A row a model and measure on other tasks than retrieval; only the head where none was measured."""
    found = task_figures(story.project, story.split)
    names = {line.model.id: line.model.name for line in story.trained}
    rows: list[Sequence[object]] = [("model", "name", "measure", "value", "made of", "measured_at")]
    for model_id, figures in found.models.items():
        for measure, value in figures.items():
            size = found.sizes.get(measure.partition(":")[0], 0)
            rows.append((model_id, names.get(model_id, ""), measure, value, size, found.measured_at))
    return rows


def _csv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as people open them in spreadsheets: no cell is a formula, no control character ends one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _harmless(cell: object) -> object:
    """Text whose first sign would begin a formula gets an apostrophe before it (OWASP: CSV injection)."""
    if not isinstance(cell, str):
        return cell
    text = "".join(letter if letter >= " " or letter in "\n\t" else "\ufffd" for letter in cell.replace("\r\n", "\n"))
    return f"'{text}" if text.lstrip()[:1] in _FORMULA or text[:1] in ("\t", "\n") else text
