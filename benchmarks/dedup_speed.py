"""Near-duplicates among 100,000 queries whose vectors are ready, beside sentence-transformers' `paraphrase_mining`.

    python benchmarks/dedup_speed.py [--queries 100000] [--beside 20000] [--crowded 0.5]

Queries are made of a hundred patterns and 40,000 names, a quarter of them once more in other words; vectors (384
numbers, unit length) are made so that queries of one pattern lie `--crowded` alike on average, as questions of one site
do, and restatements about 0.95. The whole job is timed as a person waits for it: reading the queries, comparing all of
them, keeping names apart, grouping, storing; and once more for another threshold, which only reads the pairs. The other
library's function gets the same vectors of `--beside` queries and finds the 50 nearest of each, as ours does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.curate import duplicates
from engine.curate.pairs import NEIGHBOURS, find_pairs
from engine.params import DedupParams
from engine.records import Model, State
from engine.store import models, queries
from engine.store.edges import read_edges
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.task import Task

PATTERNS, DIM = 100, 384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--beside", type=int, default=20_000, help="queries that the other library compares")
    parser.add_argument("--crowded", type=float, default=0.6, help="how alike queries of one pattern are")
    options = parser.parse_args()
    texts, vectors = made(options.queries, options.crowded)
    facts: dict[str, Any] = {"queries": len(texts), "cores": len(os.sched_getaffinity(0)), "crowded": options.crowded}
    facts |= whole_job(texts, vectors)
    facts |= beside(vectors[: options.beside])
    print(json.dumps(facts, indent=1))


def whole_job(texts: list[str], vectors: np.ndarray) -> dict[str, Any]:
    """Seconds of the job on a project, with the vectors handed out as from the cache."""
    row_of = {text: row for row, text in enumerate(texts)}

    def ready(project: Project, model: Model, texts: list[str], task: Task) -> np.ndarray:
        return vectors[[row_of[text] for text in texts]]

    duplicates._unreadable = lambda _project, _model, texts: np.zeros(len(texts), np.bool_)
    duplicates._vectors = ready
    with tempfile.TemporaryDirectory() as place, Project.create(Path(place) / "p") as project:
        models.add_model(project, name="made", kind="base", path="made", weights_digest="m" * 64, state=State.COMPLETE)
        for start in range(0, len(texts), 1000):
            rows = [NewQuery(text) for text in texts[start : start + 1000]]
            queries.put_queries(project, rows, import_id=None)
        with Memory() as memory:
            started, worked = time.perf_counter(), time.process_time()
            summary = duplicates.dedup(project, DedupParams(), Task())
            first, cpu = time.perf_counter() - started, time.process_time() - worked
        started = time.perf_counter()
        duplicates.dedup(project, DedupParams(threshold=0.9), Task())
        again = time.perf_counter() - started
        edges = read_edges(project)
    return {
        "seconds": round(first, 1),
        "processor_seconds": round(cpu, 1),
        "another_threshold_s": round(again, 1),
        "memory_mb": round(memory.peak / 1e6),
        "vectors_mb": round(vectors.nbytes / 1e6),
        "pairs_kept": len(edges.a) if edges else 0,
        "groups": summary.groups,
        "merged": summary.duplicates,
    }


class Memory:
    """How many bytes the process grew by at most while this was open, looked at twenty times a second."""

    def __enter__(self) -> Memory:
        self._process = psutil.Process()
        self._before, self.peak = self._process.memory_info().rss, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, self._process.memory_info().rss - self._before)


def beside(vectors: np.ndarray) -> dict[str, Any]:
    """The same vectors by both: seconds of each, how many times as fast, and whether they find the same pairs."""
    import torch
    from sentence_transformers.util import paraphrase_mining_embeddings

    started = time.perf_counter()
    a, b, score = find_pairs(vectors, Task())
    ours = time.perf_counter() - started
    tensor = torch.from_numpy(vectors)
    started = time.perf_counter()
    found = paraphrase_mining_embeddings(tensor, max_pairs=NEIGHBOURS * len(vectors), top_k=NEIGHBOURS)
    theirs = time.perf_counter() - started
    near = {(int(i), int(j)) for s, i, j in found if s >= 0.95}
    own = {pair for pair, s in zip(zip(a.tolist(), b.tolist(), strict=True), score.tolist(), strict=True) if s >= 9501}
    return {
        "beside_queries": len(vectors),
        "ours_s": round(ours, 2),
        "paraphrase_mining_s": round(theirs, 2),
        "times_as_fast": round(theirs / ours, 1),
        "theirs_from_0.95_that_ours_lack": len(own - {(min(p), max(p)) for p in near}),
    }


def made(n: int, crowded: float) -> tuple[list[str], np.ndarray]:
    """n distinct texts and their vectors, in no order."""
    rng = np.random.default_rng(13)
    middle = unit(rng.standard_normal((1, DIM)))
    pattern = unit(0.55 * middle + unit(rng.standard_normal((PATTERNS, DIM))))
    fresh = n * 3 // 4
    kind, name = rng.integers(0, PATTERNS, fresh), rng.integers(0, 40_000, fresh)
    own = unit(rng.standard_normal((fresh, DIM)))
    vectors = unit(np.sqrt(crowded) * pattern[kind] + np.sqrt(1 - crowded) * own)
    again = rng.integers(0, fresh, n - fresh)
    vectors = np.concatenate([vectors, unit(vectors[again] + 0.33 * unit(rng.standard_normal((n - fresh, DIM))))])
    words = [word(value) for value in range(40_000)]
    pairs = enumerate(zip(kind.tolist(), name.tolist(), strict=True))
    texts = [f"what does {words[k]} say of the {words[m]} in {words[i % 39_989]}" for i, (k, m) in pairs]
    texts += [f"please {texts[i]} once more {words[place % 40_000]}" for place, i in enumerate(again.tolist())]
    order = rng.permutation(n)
    return [texts[i] for i in order], np.ascontiguousarray(vectors[order], np.float32)


def word(value: int) -> str:
    """A word of its own for each number below 160,000."""
    return "".join("bcdfghjklmnpqrstvwxz"[value // 20**place % 20] + "aeiou"[place] for place in range(4))


def unit(vectors: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths)


if __name__ == "__main__":
    main()
