"""How long the window keeps still on the Evaluate page with very many queries.

    QT_QPA_PLATFORM=offscreen python benchmarks/evaluate_page.py [--queries 100000] [--keep DIR]

A made project: three measured systems, ranks and scores from a seeded generator. The real window opens it, then does
what a person does; a timer that should fire every 5 ms says how long each step kept it from firing. Prints one line a
step: seconds until the page had settled, and the longest stillness in milliseconds (wanted: below 100), by the clock
and in processor time of all threads, which other work beside does not lengthen much. The page was built before, on a
project of 100 queries, so that only the number of queries is measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.evaluate.comparing import compare_runs
from engine.records import Qrel, QueryMetrics, Split
from engine.store import documents, imports, models, queries, runs
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery
from gui import theme
from gui.main_window import MainWindow
from gui.pages.evaluate.page import EvaluatePage
from gui.session import Session
from gui.settings import SettingsStore

PASSAGES = 1000
DEPTH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="make the project here, or open it where it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = options.keep or Path(place) / "project"
        if not (path / "project.db").is_file():
            make(path, options.queries)
        make(Path(place) / "small", 100)
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = place
        walk(path, Path(place) / "small")


def make(path: Path, n: int) -> None:
    """Queries, answers and three runs; the tuned model's answers stand a little higher."""
    rng = np.random.default_rng(13)
    with Project.create(path) as project, project.writing("benchmark"):
        came = imports.start_import(project, ["made"], "made")
        for row in range(PASSAGES):
            text = f"Passage {row} about {rng.integers(1_000_000)} and what follows from it."
            documents.put_document(
                project, NewDocument(f"Document {row}", f"{row}.txt", "txt", str(row), text), [NewPassage(text)],
                import_id=came,
            )  # fmt: skip
        rows = [NewQuery(f"What does passage {i % PASSAGES} say of {rng.integers(1_000_000)}, {i}?") for i in range(n)]
        ids = np.array([query_id for query_id, _ in queries.put_queries(project, rows, import_id=came)])
        answers = np.arange(n) % PASSAGES + 1
        queries.put_qrels(project, (Qrel(int(q), int(p), 1) for q, p in zip(ids, answers, strict=True)))
        queries.set_splits(project, dict.fromkeys(map(int, ids), Split.TEST))
        for kind, name, parent in (("base", "base model", None), ("tuned", "round 1", 1)):
            model = models.add_model(project, kind=kind, path="x", name=name, parent_id=parent)
            models.finish_model(project, model, path="x", weights_digest=kind, dim=3, max_length=9, summary={})
        made = [(name, _run(project, rng, name, at, ids, answers)) for at, name in enumerate(("bm25", "base", "tuned"))]
        bm25, base, tuned = [(name, runs.run(project, run_id)) for name, run_id in made]
        compare_runs(project, [(tuned, bm25), (tuned, base), (base, bm25)])  # type: ignore[list-item]


def _run(
    project: Project, rng: np.random.Generator, name: str, number: int, ids: np.ndarray, answers: np.ndarray
) -> int:
    n = len(ids)
    ranks = np.minimum(rng.geometric(0.08 + 0.03 * number, n), DEPTH + 1)
    ranks[ranks > DEPTH] = 0
    hits = (answers[:, None] + np.arange(1, DEPTH + 1) - 1) % PASSAGES + 1
    found = np.flatnonzero(ranks)
    hits[found, ranks[found] - 1] = answers[found]
    run_id = runs.start_run(project, system=name, model_id=number or None, split=Split.TEST, content_key=name)
    runs.save_hits(
        project,
        run_id,
        query_ids=ids,
        passage_ids=hits,
        scores=np.tile(np.linspace(1, 0, DEPTH, dtype=np.float32), (n, 1)),
    )
    inside = np.where((ranks > 0) & (ranks <= 10), 1.0, 0.0)
    gain = inside / np.log2(np.maximum(ranks, 1) + 1)
    mrr = inside / np.maximum(ranks, 1)
    rows = zip(ids, gain, mrr, inside, inside, mrr, ranks, strict=True)
    runs.put_query_metrics(project, run_id, [QueryMetrics(int(q), *map(float, v), int(r)) for q, *v, r in rows])
    means = {"ndcg@10": gain.mean(), "mrr@10": mrr.mean(), "recall@10": inside.mean()}
    means |= {"hit_rate@10": inside.mean(), "map@100": mrr.mean()}
    figures = {metric: float(value) for metric, value in means.items()}
    runs.finish_run(project, run_id, n_queries=n, metrics=figures, seconds=1.0)
    return run_id


class Stillness:
    """The longest time between two beats of a timer in the event loop."""

    def __init__(self) -> None:
        self._clock = QElapsedTimer()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self.longest = 0
        self.worked, self._before = 0.0, time.process_time()
        self._clock.start()
        self._timer.start(5)

    def _beat(self) -> None:
        self.longest = max(self.longest, self._clock.restart())
        now = time.process_time()
        self.worked, self._before = max(self.worked, now - self._before), now

    def measure(self, name: str, do: Callable[[], None], settled: Callable[[], bool]) -> None:
        QTest.qWait(100)
        self.longest, began = 0, time.perf_counter()
        self.worked, self._before = 0.0, time.process_time()
        self._clock.restart()
        do()
        QApplication.processEvents()
        while not settled():
            QTest.qWait(10)
        QTest.qWait(60)
        took = time.perf_counter() - began
        print(f"{name:44} {took:6.2f} s   {self.longest:5d} ms   {self.worked * 1000:5.0f} ms of work", flush=True)


def walk(path: Path, small: Path) -> None:
    app = QApplication([])
    theme.start(app, "light")
    session = Session(SettingsStore())
    window = MainWindow(session)
    window.resize(1280, 800)
    window.show()
    settle = _settled(window)
    _check(session.open_project(small))
    session.show_page("evaluate")
    page = next(p for p in window.findChildren(EvaluatePage))
    while not (settle() and page._bench.test_runs):
        QTest.qWait(50)
    session.show_page("home")
    beat = Stillness()
    beat.measure("open the project", lambda: _check(session.open_project(path)), settle)
    beat.measure("show Evaluate", lambda: session.show_page("evaluate"), settle)
    lists = page._questions
    for tab in ("broken", "right", "wrong", "fixed"):
        beat.measure(f"list: {tab}", lambda tab=tab: lists.show_tab(tab), settle)  # type: ignore[misc]
    bar = lists.fixed.rows.verticalScrollBar()
    beat.measure("scroll to the end of the fixed", lambda: bar.setValue(bar.maximum()), settle)
    for _ in range(3):
        beat.measure("a page down", lambda: bar.setValue(bar.value() - bar.pageStep()), settle)
    beat.measure("find words", lambda: page._find("say of 7", "movement"), settle)
    beat.measure("sort all by text", lambda: page._find("", "text"), settle)
    beat.measure("as they were", lambda: page._find("", "movement"), settle)
    first = page._pair.moved.fixed[0].query_id
    beat.measure("open one query", lambda: page._open_query(first), settle)
    beat.measure("the next one", lambda: page._step(1), settle)
    beat.measure("back to the lists", page._close_query, settle)
    beat.measure("in parts", lambda: page._scatter.show_view(1), settle)
    beat.measure("as points", lambda: page._scatter.show_view(0), settle)
    others = [run.id for run in page._bench.test_runs]
    beat.measure("compare another pair", lambda: page._choose(others[1], others[0]), settle)
    beat.measure("runs", page._open_runs, settle)
    window.close()


def _settled(window: MainWindow) -> Callable[[], bool]:
    return lambda: all(page.is_settled() for page in window.findChildren(EvaluatePage))


def _check(opened: bool) -> None:
    if not opened:
        raise SystemExit("the project could not be opened")


if __name__ == "__main__":
    main()
