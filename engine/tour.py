"""The whole way on the sample, from nothing to an exported model, told line by line in the terminal."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ExportError, ProjectError
from engine.jobs import run_job
from engine.params import SearchParams
from engine.store import judging, models
from engine.store.arrivals import import_rows
from engine.store.documents import passages
from engine.store.project import Project
from engine.store.vectors import vector_stores
from engine.task import Task
from engine.terminal import comparison_lines, duration, evaluation_table, plain, table

Values = dict[str, Any]  # Any: JSON values

QUESTIONS = (
    "copy a file with its permissions",
    "pick random elements from a list",
    "solve a system of linear equations",
)


def tour(path: Path | None, task: Task) -> Values:
    """Make the sample in `path` (a folder of the program's own if None) and walk it; returns every stage's summary.

    Raises:
        ProjectError: `path` holds something else, or a tour is at work in it.
        ExportError: the exported model does not give the same vectors.
    """
    walk = _Walk(_without_own_work(path) if path else _own_folder(), task)
    walk.job("sample", "Sample made", {}, lambda s: f"{s['passages']:,} passages, {s['queries']:,} queries")
    walk.job("dedup", "Duplicates found", {}, lambda s: f"{s['duplicates']:,} of {s['queries']:,} queries merged")
    walk.job("split", "Queries split", {}, lambda s: f"{s['train']:,} train, {s['dev']:,} dev, {s['test']:,} test")
    start = {"systems": ["bm25", "base"]}
    walk.job("evaluate", "Starting point", start, _scores, key="baselines")
    walk.job("mine", "Negatives mined", {}, lambda s: f"{s['negatives']:,} chosen, {s['doubtful']:,} held back")
    walk.job("train", "Model tuned", {"preset": "quick"}, lambda s: f"{s['steps']} steps, dev nDCG@10 {s['dev']:.3f}")
    walk.job("evaluate", "Verdict", {"systems": ["bm25", "base", "tuned"]}, _scores)
    walk.step("search", "Searched", lambda: _search(walk.path), lambda s: f"{len(s['questions'])} questions")
    dest = walk.path / "exports" / "tuned-model"
    walk.job("export", "Model exported", {"dest": str(dest)}, lambda s: str(s["check"]))
    walk.step("check", "Loaded elsewhere", lambda: _compare(walk.path, dest), lambda s: f"cosine {s['cosine']:.6f}")
    walk.step("vectors", "Vectors counted", lambda: _count(walk.path), _encoded)
    _tell(walk)
    return {"project": str(walk.path), "seconds": walk.seconds, **walk.summaries}


def _own_folder() -> Path:
    """The program's own place for the tour; one made by an earlier tour gives way."""
    from platformdirs import user_data_path

    path = user_data_path("searchsmith", appauthor=False) / "tour"
    if (_without_own_work(path) / "project.db").is_file():
        with Project.open(path) as project, project.writing("tour"):
            pass  # else another tour is walked there now, and it must not lose its project
        shutil.rmtree(path)
    return path


def _without_own_work(path: Path) -> Path:
    """The same folder, where it holds no project or one with nothing but the sample.

    Raises:
        ProjectError: somebody brought documents or judgements of their own into it.
    """
    if (path / "project.db").is_file():
        with Project.open(path, readonly=True) as project:
            foreign = any(row.report.format != "sample" for row in import_rows(project, limit=-1))
            if foreign or judging.progress(project).judgements:
                raise ProjectError(
                    f"{path} holds a project with work of your own.",
                    hint="Name a new folder for the tour: searchsmith tour PROJECT",
                )
    return path


class _Walk:
    """The stages gone through, with what each said and took."""

    def __init__(self, path: Path, task: Task) -> None:
        self.path = path
        self.summaries: dict[str, Values] = {}
        self.lines: list[tuple[str, str, float]] = []
        self._task = task

    @property
    def seconds(self) -> float:
        return sum(seconds for _, _, seconds in self.lines)

    def job(self, kind: str, title: str, values: Values, words: Any, *, key: str = "") -> None:  # Any: a function
        self.step(key or kind, title, lambda: run_job(self.path, kind, values, self._task), words)

    def step(self, key: str, title: str, run: Any, words: Any) -> None:  # Any: functions of no and one argument
        began = time.monotonic()
        summary = run()
        seconds = time.monotonic() - began
        self.summaries[key] = summary
        self.lines.append((title, words(summary), seconds))
        print(f"✓ {title}: {words(summary)} ({duration(seconds)})", flush=True)


def _scores(summary: Values) -> str:
    systems = summary["systems"].items()
    return ", ".join(f"{name} {metrics['ndcg@10']:.3f}" for name, metrics in systems)


def _search(path: Path) -> Values:
    from engine.search.searching import SearchEngine

    found = []
    with Project.open(path) as project:
        engine = SearchEngine(project)
        for text in QUESTIONS:
            result = engine.search(SearchParams(text=text, k=3, mode="dense", model="tuned"))
            texts = passages(project, [hit.passage_id for hit in result.hits])
            names = [texts[hit.passage_id].external_id for hit in result.hits]
            print(f"  {text}  →  {plain(', '.join(names))}  ({result.milliseconds:.0f} ms)")
            found.append({"text": text, "hits": names, "milliseconds": result.milliseconds})
    return {"questions": found}


def _compare(path: Path, folder: Path) -> Values:
    """Load the exported folder with plain sentence-transformers and compare it with the project's model."""
    from sentence_transformers import SentenceTransformer

    from engine.encode.models import open_encoder

    texts = list(QUESTIONS)
    elsewhere = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    theirs = elsewhere.encode(texts, normalize_embeddings=True)
    with Project.open(path) as project:
        encoder = open_encoder(project, models.resolve_model(project, "tuned"), device="cpu", precision="fp32")
        ours = encoder.encode(texts, "query")
    cosine = float(np.min(np.sum(theirs * ours, axis=1)))
    if cosine < 0.9999:
        raise ExportError(f"The exported model gives other vectors (cosine {cosine:.4f}).", hint="Please report it.")
    return {"cosine": cosine}


def _count(path: Path) -> Values:
    stores = vector_stores(path / "vectors")
    return {"models": [{"key": s.key, "encoded": s.encoded_total, "distinct": s.distinct} for s in stores]}


def _encoded(summary: Values) -> str:
    parts = [f"{m['encoded']:,} texts encoded for {m['distinct']:,} distinct" for m in summary["models"]]
    return "; ".join(parts)


def _tell(walk: _Walk) -> None:
    rows = [["stage", "took"], *([title, duration(seconds)] for title, _, seconds in walk.lines)]
    print()
    print(table([*rows, ["together", duration(walk.seconds)]], right=[1]))
    print()
    verdict = walk.summaries["evaluate"]
    print(f"{verdict['queries']:,} test queries it never saw, as trec_eval counts")
    print(evaluation_table(verdict))
    for line in comparison_lines(verdict):
        print(line)
    print(f"\nThe project: {walk.path}")
