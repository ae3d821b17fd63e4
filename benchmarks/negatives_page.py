"""How long the window keeps still on the Negatives page with a million candidates.

    QT_QPA_PLATFORM=offscreen python benchmarks/negatives_page.py [--queries 5025] [--keep DIR]

A made project: each query has 199 candidates with seeded ranks, scores and doubts. The real window opens it, then does
what a person does; a timer that should fire every 5 ms says how long each step kept it from firing. Prints one line a
step: seconds until the page had settled, and the longest stillness in milliseconds (wanted: below 100). The page was
built before, on a project of 20 queries, so that only the number of candidates is measured. The last number is how much
of any stillness this process's own work can explain (its processor time, all threads): on a machine with other work
beside, the clock also counts what others took.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from benchmarks.evaluate_page import Stillness
from benchmarks.mining_selection import made_candidates
from engine.params import MineParams, SelectParams, params_to_dict
from engine.records import Qrel, Split
from engine.store import documents, imports, models, negatives, queries
from engine.store.candidates import Flag, write_candidates
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.selection import chosen_negatives, select
from gui import theme
from gui.main_window import MainWindow
from gui.pages.negatives.page import NegativesPage
from gui.session import Session
from gui.settings import SettingsStore

PASSAGES = 2000
DEPTH = 133


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=5_025)
    parser.add_argument("--keep", type=Path, help="make the project here, or open it where it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = options.keep or Path(place) / "project"
        if not (path / "project.db").is_file():
            make(path, options.queries)
        make(Path(place) / "small", 20)
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = place
        walk(path, Path(place) / "small")


def make(path: Path, n: int) -> None:
    """Queries with one answer each and a complete mining of 199 candidates a query."""
    rng = np.random.default_rng(13)
    with Project.create(path) as project, project.writing("benchmark"):
        came = imports.start_import(project, ["made"], "made")
        for row in range(PASSAGES):
            text = f"Passage {row} about {rng.integers(1_000_000)} and what follows from it. It has a second sentence."
            documents.put_document(
                project, NewDocument(f"Document {row}", f"{row}.txt", "txt", str(row), text), [NewPassage(text)],
                import_id=came,
            )  # fmt: skip
        rows = [NewQuery(f"What does passage {i % PASSAGES} say of {rng.integers(1_000_000)}, {i}?") for i in range(n)]
        ids = [query_id for query_id, _ in queries.put_queries(project, rows, import_id=came)]
        queries.set_splits(project, dict.fromkeys(ids, Split.TRAIN))
        model = models.add_model(project, kind="base", path="x", name="base model")
        models.finish_model(project, model, path="x", weights_digest="base", dim=3, max_length=9, summary={})
        made = made_candidates(n, DEPTH)
        size = len(made) // n
        passages = np.concatenate([rng.choice(PASSAGES, size, replace=False) + 1 for _ in range(n)]).astype(np.int32)
        flags = made.flags.copy()
        flags[::size] = Flag.ANSWER
        doubt = np.where(flags, 0, made.doubt).astype(np.float32)
        candidates = replace(made, queries=np.array(ids, np.int32), passage_id=passages, flags=flags, doubt=doubt)
        queries.put_qrels(project, [Qrel(q, int(p), 1) for q, p in zip(ids, passages[::size], strict=True)])
        mining = negatives.start_mining(project, model_id=model, params=params_to_dict(MineParams()))
        write_candidates(project, mining, candidates)
        selection = select(candidates, SelectParams())
        negatives.put_negatives(project, mining, chosen_negatives(candidates, selection))
        negatives.finish_mining(project, mining, counts={})


class OwnStillness(Stillness):
    """Also the most processor time that this process took between two beats."""

    def __init__(self) -> None:
        super().__init__()
        self._spent, self.own = time.process_time(), 0.0

    def _beat(self) -> None:
        super()._beat()
        now = time.process_time()
        self.own, self._spent = max(self.own, now - self._spent), now

    def measure(self, name: str, do: Callable[[], None], settled: Callable[[], bool]) -> None:
        self.own, self._spent = 0.0, time.process_time()
        super().measure(name, do, settled)
        print(f"{'':58} {1000 * self.own:5.0f} ms of its own", flush=True)


def walk(path: Path, small: Path) -> None:
    app = QApplication([])
    theme.start(app, "light")
    session = Session(SettingsStore())
    window = MainWindow(session)
    window.resize(1280, 800)
    window.show()
    _check(session.open_project(small))
    session.show_page("negatives")
    page = next(p for p in window.findChildren(NegativesPage))
    settled = _settled(page)
    while not (settled() and page.candidates.model.rowCount()):
        QTest.qWait(50)
    session.show_page("home")
    beat = OwnStillness()
    beat.measure("open the project", lambda: _check(session.open_project(path)), settled)
    beat.measure("show Negatives", lambda: session.show_page("negatives"), settled)
    table, rules = page.candidates.table, page.selection.rules
    table.setFocus()
    for key, count in (("J", 20), ("D", 20), ("K", 5)):
        keys = [Qt.Key[f"Key_{key}"]] * count
        beat.measure(f"{count} times {key}", lambda keys=keys: _press(table, keys, settled), settled)  # type: ignore[misc]
    for rule, name in ((rules.margin, "the margin"), (rules.doubt, "the doubt"), (rules.count, "the count")):
        beat.measure(f"drag {name}", lambda rule=rule: _drag(rule.slider), settled)  # type: ignore[misc]
    for order in ("short", "imported", "doubtful"):
        beat.measure(f"order: {order}", lambda order=order: _pick(page.queries.order, order), settled)  # type: ignore[misc]
    for which in ("chosen", "doubtful", "all"):
        beat.measure(f"filter: {which}", lambda which=which: _pick(page.candidates.which, which), settled)  # type: ignore[misc]
    bar = page.queries.list.verticalScrollBar()
    beat.measure("scroll to the last query", lambda: bar.setValue(bar.maximum()), settled)
    for _ in range(3):
        beat.measure("a page up", lambda: bar.setValue(bar.value() - bar.pageStep()), settled)
    beat.measure("survivors' ranks", lambda: _pick(rules.among.choice, "survivors"), settled)
    beat.measure("drawn by chance", lambda: _pick(rules.order.choice, "random"), settled)
    window.close()


def _press(table, keys, settled) -> None:  # type: ignore[no-untyped-def]  # Qt's own types
    for key in keys:
        QTest.keyClick(table, key)
        while not settled():
            QTest.qWait(5)


def _drag(slider) -> None:  # type: ignore[no-untyped-def]
    """Twenty small moves, as fast as a hand makes them."""
    slider.setFocus()
    for step in range(20):
        QTest.keyClick(slider, Qt.Key.Key_Right if step < 12 else Qt.Key.Key_Left)
        QTest.qWait(16)


def _pick(box, value) -> None:  # type: ignore[no-untyped-def]
    box.set_value(value)
    box.picked.emit(value)


def _settled(page: NegativesPage) -> Callable[[], bool]:
    return page.is_settled


def _check(opened: bool) -> None:
    if not opened:
        raise SystemExit("the project could not be opened")


if __name__ == "__main__":
    main()
